//! Errors of writing files.

use core::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a file was not written. Except for [`NotDurable`](Self::NotDurable), what was at the path before is
/// still there, and the temporary file is gone.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// There is a file already, and replacing it was not asked for.
    #[error("{path} exists, and replacing it was not asked for")]
    #[non_exhaustive]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is there is a symbolic link, a folder or a device. Nothing but a regular file is replaced: behind
    /// a link, the old key would stay where it is.
    #[error("{path} is there and no regular file")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The path ends in no file name.
    #[error("{path} names no file")]
    #[non_exhaustive]
    #[doc(hidden)]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: cannot {step}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Io {
        /// What was being done.
        step: WriteStep,
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is in its place and whole, but its folder could not be flushed: after a power failure it may
    /// be gone, or the old one be back.
    #[error("{path} is written, but may not survive a power failure")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// The steps in which a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum WriteStep {
    /// Looking at what is there.
    Stat,
    /// Making the temporary file, in the same folder, with its final permissions.
    Create,
    /// Writing its content.
    Write,
    /// Flushing it to the disk.
    Flush,
    /// Giving it a name that is free, without replacing another file.
    Link,
    /// Giving it its name.
    Rename,
    /// Adding a change at the end of a file.
    Append,
    /// Flushing a change that was added.
    FlushAppended,
}

impl fmt::Display for WriteStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stat => "look at what is there",
            Self::Create => "make a temporary file beside it",
            Self::Write => "write the temporary file",
            Self::Flush => "flush the temporary file",
            Self::Append => "add a change at its end",
            Self::FlushAppended => "flush the change at its end",
            Self::Link => {
                "give the temporary file a free name, which needs a file system with hard links"
            }
            Self::Rename => "move the temporary file to its place",
        })
    }
}
