//! A publisher's folder: the key set, what was published last, and what is to be signed next. Nothing in it is secret.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args;
use mutual_trust::admin::bundle::{KeySet, Publication};
use mutual_trust::error::BundleError;
use mutual_trust::identity::{IfExists, write_public};

use crate::files;
use crate::output::Failure;
use crate::plain;

/// The newest key set.
const KEYS: &str = "keys";
/// What was published last.
const LAST: &str = "publication";
/// What is to be signed.
const DRAFT: &str = "draft";

/// The folder.
#[derive(Args, Clone, Debug)]
pub(super) struct Folder {
    /// The publisher's folder: the key set, what was published last, and the draft
    #[arg(long = "fleet", value_name = "FOLDER")]
    path: PathBuf,
}

impl Folder {
    /// Makes the folder of a fleet, which must have no key set yet.
    pub(super) fn found(&self, keys: &KeySet) -> Result<(), Failure> {
        self.make()?;
        write(&self.file(KEYS), keys.to_bytes(), IfExists::Refuse)
    }

    fn make(&self) -> Result<(), Failure> {
        // A user who can write to the folder can replace the draft.
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.path);
        made.map_err(|error| Failure::from(error).about(self.path.display()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn keys_file(&self) -> PathBuf {
        self.file(KEYS)
    }

    pub(super) fn draft_file(&self) -> PathBuf {
        self.file(DRAFT)
    }

    /// The newest key set: of what was published last, or of the founding.
    pub(super) fn keys(&self, last: Option<&Publication>) -> Result<KeySet, Failure> {
        match last {
            Some(last) => newest(last).cloned(),
            None => read_keys(&self.file(KEYS)),
        }
    }

    /// What was published last.
    pub(super) fn last(&self) -> Result<Option<Publication>, Failure> {
        self.publication(LAST)
    }

    /// What is to be signed.
    pub(super) fn draft(&self) -> Result<Publication, Failure> {
        let missing = || {
            let text = "there is no draft: make one with `fleet draft`";
            Failure::new("fleet/NoDraft", text).about(self.path.display())
        };
        if let Some(draft) = self.publication(DRAFT)? {
            return Ok(draft);
        }
        let last = self.last()?.ok_or_else(missing)?;
        let text = format!(
            "bundle {} is published already: make the next one with `fleet draft`",
            last.bundle().head().sequence()
        );
        Err(Failure::new("fleet/NoDraft", text).about(self.path.display()))
    }

    /// The draft, if there is one.
    pub(super) fn drafted(&self) -> Result<Option<Publication>, Failure> {
        self.publication(DRAFT)
    }

    fn publication(&self, name: &str) -> Result<Option<Publication>, Failure> {
        let path = self.file(name);
        if !path.exists() {
            return Ok(None);
        }
        read_publication(&path).map(Some)
    }

    /// Writes the draft.
    pub(super) fn write_draft(&self, draft: &Publication) -> Result<(), Failure> {
        write(&self.draft_file(), &draft.to_bytes(), IfExists::Replace)
    }

    /// What is published from now on is the last one: its number is used. It stays the draft until each place has it.
    pub(super) fn publishes(&self, publication: &Publication) -> Result<(), Failure> {
        self.make()?;
        write(&self.file(LAST), &publication.to_bytes(), IfExists::Replace)?;
        write(
            &self.file(KEYS),
            newest(publication)?.to_bytes(),
            IfExists::Replace,
        )
    }

    /// What was published is the last one now, and no draft.
    pub(super) fn published(&self, publication: &Publication) -> Result<(), Failure> {
        self.publishes(publication)?;
        let draft = self.draft_file();
        match draft.exists() {
            true => {
                fs::remove_file(&draft).map_err(|error| Failure::from(error).about(draft.display()))
            }
            false => Ok(()),
        }
    }

    /// Refuses a folder that is one already.
    pub(super) fn is_new(&self) -> Result<(), Failure> {
        [KEYS, LAST, DRAFT]
            .iter()
            .try_for_each(|name| files::absent(&self.file(name)))
    }

    pub(super) fn shown(&self) -> String {
        plain::path(&self.path)
    }
}

/// The newest key set of a publication.
pub(super) fn newest(publication: &Publication) -> Result<&KeySet, Failure> {
    let missing = || Failure::new("fleet/NoKeys", "the publication has no key set");
    publication.key_sets().last().ok_or_else(missing)
}

/// Refuses two publications that are of two fleets, or of which one has another key set of the same version.
///
/// # Security
/// Each key set names the digest of the one before it: where the newest that both have is the same, all below it are.
pub(super) fn of_one_fleet(first: &Publication, second: &Publication) -> Result<(), Failure> {
    let (one, other) = (
        first.bundle().head().fleet(),
        second.bundle().head().fleet(),
    );
    if one != other {
        let text = format!("the one is of the fleet {one}, and the other of the fleet {other}");
        return Err(Failure::new("fleet/OtherFleet", text));
    }
    let mut pairs = first.key_sets().zip(second.key_sets());
    if let Some((one, other)) = pairs.find(|(one, other)| one.digest() != other.digest()) {
        let text = format!(
            "there are two key sets {} of fleet {}, with the digests {:#} and {:#}: one of them is none of this fleet",
            one.version(),
            one.fleet(),
            one.digest(),
            other.digest()
        );
        return Err(Failure::new("fleet/KeySetChanged", text));
    }
    Ok(())
}

/// Reads a file with a publication, or a draft of one.
pub(super) fn read_publication(path: &Path) -> Result<Publication, Failure> {
    let content = files::bytes(path)?;
    Publication::read(&content).map_err(|error| Failure::from(error).about(path.display()))
}

/// What a key set begins with.
const KEY_SET: &[u8] = b"mutual-trust key-set ";

/// Whether these bytes are a key set, and no publication.
pub(super) fn is_key_set(content: &[u8]) -> bool {
    content.starts_with(KEY_SET)
}

/// Reads the newest key set of a file: of a key set, a publication or a draft.
pub(super) fn newest_keys(path: &Path) -> Result<KeySet, Failure> {
    let content = files::bytes(path)?;
    let about = |error: BundleError| Failure::from(error).about(path.display());
    match is_key_set(&content) {
        true => KeySet::read(&content).map_err(about),
        false => newest(&Publication::read(&content).map_err(about)?).cloned(),
    }
}

/// Reads a file with a key set.
fn read_keys(path: &Path) -> Result<KeySet, Failure> {
    let content = files::bytes(path)?;
    KeySet::read(&content).map_err(|error| Failure::from(error).about(path.display()))
}

/// Writes a file that all may read.
pub(super) fn write(path: &Path, content: &[u8], existing: IfExists) -> Result<(), Failure> {
    let written = write_public(path, content, existing);
    written.map_err(files::not_replaced)
}
