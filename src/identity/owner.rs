//! The owner of the files of a store, and which users can write them.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// Which user owns a new file of a store.
#[derive(Debug)]
#[cfg_attr(
    not(unix),
    expect(dead_code, reason = "other systems do not give files away")
)]
pub(crate) enum Owner {
    /// That of a file, with its mode.
    Of(Metadata),
    /// That of the folder, if this process may give it away: what an administrator makes in the folder of a service is the
    /// service's. The owner of the folder can replace it in any case.
    OfFolder(Metadata),
    /// This process.
    Own,
}

impl Owner {
    /// That of the first of these files that is there, or else that of the folder.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a Path>, folder: &Path) -> Self {
        let found = files.into_iter().find_map(|path| {
            let found = fs::metadata(path).ok()?;
            found.is_file().then_some(found)
        });
        let folder = || fs::metadata(folder).map_or(Self::Own, Self::OfFolder);
        found.map_or_else(folder, Self::Of)
    }

    #[cfg(unix)]
    pub(crate) fn own(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, fchown};

        let own = file.metadata()?;
        match self {
            Self::Own => {}
            Self::OfFolder(folder) => {
                if own.uid() != folder.uid() {
                    let _ = fchown(file, Some(folder.uid()), Some(folder.gid()));
                }
            }
            Self::Of(other) => {
                if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
                    let given = fchown(file, Some(other.uid()), Some(other.gid()));
                    // Who owns a file and is not in its group cannot keep the group. That is no loss if the group may do
                    // nothing with the file.
                    let is_needed = own.uid() != other.uid() || other.mode() & 0o070 != 0;
                    if is_needed {
                        given?;
                    }
                }
                if own.mode() != other.mode() {
                    file.set_permissions(other.permissions())?;
                }
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    pub(crate) fn own(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// Whether users other than the owner can write a file or a folder. A group with the number of its owner is the
/// owner's alone, as many systems make one for each user.
#[cfg(unix)]
pub(crate) fn is_writable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    fs::metadata(path).is_ok_and(|found| {
        let by_group = found.mode() & 0o020 != 0 && found.gid() != found.uid();
        by_group || found.mode() & 0o002 != 0
    })
}

/// Other systems do not say it by a mode.
#[cfg(not(unix))]
pub(crate) fn is_writable_by_others(_: &Path) -> bool {
    false
}
