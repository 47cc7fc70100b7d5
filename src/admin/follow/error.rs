//! Errors of followed sources.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::admin::Peer;
use crate::admin::plan::error::few;
use crate::certificate::error::{CertificateError, CrlError};
use crate::store::Truncated;
use crate::store::error::StoreError;

/// Why the content of a followed source was not applied. The entries from before stay.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The path does not exist.
    #[error("{path} is missing; the entries from before stay")]
    #[non_exhaustive]
    #[doc(hidden)]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file has no bytes, or the folder has no files.
    #[error("{path} is empty; the entries from before stay{hint}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Empty {
        /// The path.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// Neither a regular file nor a folder; or a folder in a folder.
    #[error("{path} is {kind}: neither a file nor a folder of files")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The update would lock out a peer that is accepted now, or puts one at risk, and the follower refuses such updates.
    #[error(
        "{path}: the update {}; it is not applied, and the entries from before stay",
        endangers(lost, at_risk)
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    LocksOut {
        /// The source.
        path: PathBuf,
        /// The peers that it locks out.
        lost: Truncated<Peer>,
        /// The peers that it puts at risk.
        at_risk: Truncated<Peer>,
    },
    /// A link that leads nowhere.
    #[error("{path} is a link to {target}, which does not exist; the entries from before stay")]
    #[non_exhaustive]
    #[doc(hidden)]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Where it leads, as it is written there.
        target: PathBuf,
    },
    /// The folder has files, and none of them is read.
    #[error(
        "{path} has no file named {patterns}, but {passed_over}; the entries from before stay{hint}"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    NothingMatches {
        /// The folder.
        path: PathBuf,
        /// The patterns of the files that are read.
        patterns: String,
        /// What is there instead.
        passed_over: String,
        /// What to do.
        hint: &'static str,
    },
    /// The operating system refused.
    #[error("{path} cannot be read")]
    #[non_exhaustive]
    #[doc(hidden)]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// More files than the limit.
    #[error("{path} holds more than {limit} files")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// More bytes than the limit.
    #[error("{path} holds more than {limit} bytes")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The limit in bytes, of all files together.
        limit: usize,
    },
    /// It was changed while it was read, at each attempt.
    #[error("{path} is being changed; it is read again at the next poll")]
    #[non_exhaustive]
    #[doc(hidden)]
    Changing {
        /// The file or folder.
        path: PathBuf,
    },
    /// It was found changed at each of many polls.
    #[error(
        "{path} changed before each of the last {polls} polls: the source is not applied, and the entries from before stay. \
         Let the program that writes it write only what is new"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    NeverSettles {
        /// The file that changed last.
        path: PathBuf,
        /// The polls in a row.
        polls: usize,
    },
    /// A file contains something other than certificates.
    #[error("{path} contains something other than certificates")]
    #[non_exhaustive]
    #[doc(hidden)]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: CertificateError,
    },
    /// A file contains something other than revocation lists.
    #[error("{path} contains something other than revocation lists")]
    #[non_exhaustive]
    #[doc(hidden)]
    Lists {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: CrlError,
    },
    /// A file says that no peer is trusted, but there are certificates as well.
    #[error("{path} says `trust nobody`, but there are certificates as well")]
    #[non_exhaustive]
    #[doc(hidden)]
    Contradiction {
        /// The file with that line.
        path: PathBuf,
    },
    /// The store refused a certificate, so nothing of the source is applied; or it refused a revocation list.
    #[error("{path}: the store refused {item}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Refused {
        /// The file.
        path: PathBuf,
        /// The certificate or list.
        item: String,
        /// Why.
        source: StoreError,
    },
    /// The name of a source is not one line of text or starts with `fleet `, or two sources have the same name.
    #[error(
        "a followed source needs a unique name, one line of text that does not start with `fleet `"
    )]
    #[doc(hidden)]
    Name,
    /// A pattern of the files in a folder is empty, too long or a path, or there are too many.
    #[error("the source {name} needs patterns of file names, such as *.crt")]
    #[non_exhaustive]
    #[doc(hidden)]
    Pattern {
        /// The name of the source.
        name: String,
    },
    /// More sources than the limit.
    #[error("more than {limit} sources")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManySources {
        /// The limit.
        limit: usize,
    },
}

/// What an update does to peers.
fn endangers(lost: &Truncated<Peer>, at_risk: &Truncated<Peer>) -> String {
    match (lost.is_empty(), at_risk.is_empty()) {
        (false, true) => format!("would lock out {}", few(lost)),
        (true, _) => format!("may lock out {}", few(at_risk)),
        (false, false) => {
            let (lost, at_risk) = (few(lost), few(at_risk));
            format!("would lock out {lost}, and may lock out {at_risk}")
        }
    }
}

/// How a source of certificates says that it has none.
pub(super) const TRUST_NONE: &str =
    ". To trust no peer, write the line `trust nobody` into a file of it";

impl SourceError {
    /// The same of a source of revocation lists, whose lists stay.
    pub(super) fn of_lists(mut self) -> Self {
        if let Self::Empty { hint, .. } | Self::NothingMatches { hint, .. } = &mut self {
            *hint = ", as revocation lists always do";
        }
        self
    }
}
