//! A folder: on a shared disk, copied by other means, or a mounted config map of Kubernetes.

mod file;
mod opened;

use core::time::Duration;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Instant;

use mutual_trust::error::with_causes;

use self::file::{State, failed, lock_file, read};
use self::opened::{Opened, not_a_link};
use crate::digest::content_tag;
use crate::error::TransportError;
use crate::limits::{
    FOLDER_LOOK, MAX_NODE_FILES, MAX_NODES, MAX_PUBLICATION_BYTES, MAX_REPORT_BYTES,
    PUBLISHER_LOCK_POLL, PUBLISHER_LOCK_WAIT,
};
use crate::report::{NodeName, NodeReport};
use crate::reported::{NodeReports, UnreadReport, read_named};
use crate::transport::{Fetched, Publisher, Tag, Transport};

/// The file that nodes read.
const PUBLICATION: &str = "publication";

/// The folder of the reports, one file for each node.
const NODES: &str = "nodes";

/// What a publisher locks.
const LOCK: &str = "publication.lock";

/// The link that replaces the content of a mounted config map at once.
const DATA: &str = "..data";

/// A folder with a file `publication`, and a file for each node in `nodes/`.
///
/// A publisher replaces the file by one rename, so a node never reads half of it. A mounted config map of Kubernetes is
/// read as well: its key is `publication`. Nodes cannot report there, and do without.
///
/// ```no_run
/// use mutual_trust_fleet::folder::Folder;
/// use mutual_trust_fleet::{Fetched, Transport};
///
/// let mut folder = Folder::new("/etc/trust/fleet");
/// if let Fetched::New { bytes, tag } = folder.fetch(None)? {
///     println!("{} bytes, {tag}", bytes.len());
/// }
/// # Ok::<(), mutual_trust_fleet::TransportError>(())
/// ```
///
/// # Security
/// It never waits for a pipe, a device or another process, and it reads a bounded number of bytes. Who can write to the
/// folder can write reports in the name of any node.
///
/// A link in the place of `nodes/` is refused: who can write to the folder would choose where each node writes. A publisher
/// makes `nodes/` with the rights of the folder.
#[derive(Debug)]
pub struct Folder {
    folder: PathBuf,
    /// The state of the file when it was read last.
    seen: Option<State>,
}

impl Folder {
    /// A folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            seen: None,
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn publication(&self) -> PathBuf {
        self.folder.join(PUBLICATION)
    }

    /// Whether Kubernetes or the like mounted it: then only its owner can change it.
    fn is_mounted(&self) -> bool {
        fs::read_link(self.folder.join(DATA)).is_ok()
    }

    /// Whether the file is another one than when it was read last.
    pub(crate) fn has_changed(&self) -> bool {
        State::at(&self.publication()) != self.seen
    }

    /// The report of a node. `None` if there is none that can be read.
    #[cfg(feature = "server")]
    pub(crate) fn report_of(&self, node: &NodeName) -> Result<Option<NodeReport>, TransportError> {
        let nodes = self.folder.join(NODES);
        not_a_link(&nodes)?;
        let bytes = read(&nodes.join(node.as_str()), MAX_REPORT_BYTES)?;
        Ok(bytes.and_then(|bytes| read_named(node.clone(), &bytes).ok()))
    }

    /// Whether a node has reported.
    #[cfg(feature = "server")]
    pub(crate) fn has_reported(&self, node: &NodeName) -> bool {
        fs::symlink_metadata(self.folder.join(NODES).join(node.as_str())).is_ok()
    }

    /// How many nodes have reported, up to the bound.
    #[cfg(feature = "server")]
    pub(crate) fn count_nodes(&self) -> usize {
        let entries = fs::read_dir(self.folder.join(NODES)).into_iter().flatten();
        let names = entries.take(MAX_NODE_FILES).flatten();
        let nodes = names.filter(|entry| {
            let name = entry.file_name();
            matches!(name.to_str().map(str::parse::<NodeName>), Some(Ok(_)))
        });
        nodes.take(MAX_NODES).count()
    }

    fn read_publication(&mut self) -> Result<Option<(Vec<u8>, Tag)>, TransportError> {
        let path = self.publication();
        // Before it is read: what is written meanwhile is new to the next wait.
        self.seen = State::at(&path);
        let Some(bytes) = read(&path, MAX_PUBLICATION_BYTES)? else {
            return Ok(None);
        };
        let tag = content_tag(&bytes);
        Ok(Some((bytes, tag)))
    }

    fn cannot_report(&self, reason: impl Into<String>) -> TransportError {
        TransportError::CannotReport {
            at: self.folder.display().to_string(),
            reason: reason.into(),
        }
    }

    /// Makes the folder of the reports, with the rights of this one: no other user puts something in its place first.
    fn make_nodes(&self) -> Result<(), TransportError> {
        let nodes = self.folder.join(NODES);
        match fs::create_dir(&nodes) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(failed(&nodes)(error)),
            Ok(()) => {
                let found = fs::metadata(&self.folder).map_err(failed(&self.folder))?;
                fs::set_permissions(&nodes, found.permissions()).map_err(failed(&nodes))
            }
        }
    }

    /// Waits for other publishers, for a bounded time.
    fn lock(&self) -> Result<Locked, TransportError> {
        let path = self.folder.join(LOCK);
        let file = lock_file(&path)?;
        let until = Instant::now() + PUBLISHER_LOCK_WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Locked(file)),
                Err(TryLockError::Error(error)) => return Err(failed(&path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    let after = PUBLISHER_LOCK_WAIT;
                    let at = path.display().to_string();
                    return Err(TransportError::TimedOut { at, after });
                }
                Err(TryLockError::WouldBlock) => sleep(PUBLISHER_LOCK_POLL),
            }
        }
    }
}

/// The lock of a publisher.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is being started shares the file until it runs its program.
        let _ = self.0.unlock();
    }
}

impl Transport for Folder {
    fn fetch(&mut self, known: Option<&Tag>) -> Result<Fetched, TransportError> {
        let Some((bytes, tag)) = self.read_publication()? else {
            let at = self.publication().display().to_string();
            return Err(TransportError::NotPublished { at });
        };
        if known == Some(&tag) {
            return Ok(Fetched::Unchanged);
        }
        Ok(Fetched::New { bytes, tag })
    }

    fn wait(&mut self, at_most: Duration) -> Result<bool, TransportError> {
        let start = Instant::now();
        while !self.has_changed() {
            let left = at_most.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            sleep(left.min(FOLDER_LOOK));
        }
        Ok(true)
    }

    fn report(&mut self, report: &NodeReport) -> Result<(), TransportError> {
        if self.is_mounted() {
            return Err(self.cannot_report("it is a mounted config map, which is read only"));
        }
        let nodes = self.folder.join(NODES);
        let written = match fs::create_dir(&nodes) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(&nodes)(error)),
            _ => Opened::inside(&nodes).and_then(|nodes| {
                let report_text = report.to_string();
                nodes.replace(report.node().as_str(), report_text.as_bytes())
            }),
        };
        match written {
            Err(TransportError::Io { path, source }) if read_only(source.kind()) => {
                Err(self.cannot_report(format!("{}: {source}", path.display())))
            }
            written => written,
        }
    }
}

/// Whether an error says that this user writes nothing here.
fn read_only(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

impl Publisher for Folder {
    fn current(&mut self) -> Result<Option<(Vec<u8>, Tag)>, TransportError> {
        self.read_publication()
    }

    fn publish(&mut self, bytes: &[u8], over: Option<&Tag>) -> Result<Tag, TransportError> {
        let at = || self.publication().display().to_string();
        if bytes.len() > MAX_PUBLICATION_BYTES {
            let limit = MAX_PUBLICATION_BYTES;
            return Err(TransportError::TooLarge { at: at(), limit });
        }
        if self.is_mounted() {
            let reason = "it is a mounted config map: change the config map".to_owned();
            return Err(TransportError::Refused { at: at(), reason });
        }
        let _locked = self.lock()?;
        let now = read(&self.publication(), MAX_PUBLICATION_BYTES)?;
        if now.as_deref().map(content_tag).as_ref() != over {
            return Err(TransportError::Superseded { at: at() });
        }
        self.make_nodes()?;
        Opened::named(&self.folder)?.replace(PUBLICATION, bytes)?;
        Ok(content_tag(bytes))
    }

    fn nodes(&mut self) -> Result<NodeReports, TransportError> {
        let folder = self.folder.join(NODES);
        not_a_link(&folder)?;
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(NodeReports::default()),
            Err(error) => return Err(failed(&folder)(error)),
        };
        let mut all = NodeReports::default();
        let mut count = 0_usize;
        for entry in entries.take(MAX_NODE_FILES) {
            let entry = entry.map_err(failed(&folder))?;
            let name = entry.file_name();
            let Some(Ok(name)) = name.to_str().map(str::parse::<NodeName>) else {
                continue;
            };
            // What was read is answered: an error would let one who makes files hide all nodes.
            if count >= MAX_NODES {
                all.is_cut = true;
                break;
            }
            count = count.saturating_add(1);
            match read(&entry.path(), MAX_REPORT_BYTES) {
                Ok(Some(bytes)) => all.add(read_named(name, &bytes)),
                // It was removed meanwhile.
                Ok(None) => {}
                Err(error) => all.add(Err(UnreadReport::new(Some(name), &with_causes(&error)))),
            }
        }
        all.reports
            .sort_by(|one, other| one.node().cmp(other.node()));
        all.unread
            .sort_by(|one, other| one.node().cmp(&other.node()));
        Ok(all)
    }

    fn forget(&mut self, node: &NodeName) -> Result<bool, TransportError> {
        let nodes = self.folder.join(NODES);
        not_a_link(&nodes)?;
        if matches!(nodes.try_exists(), Ok(false)) {
            return Ok(false);
        }
        match Opened::inside(&nodes)?.remove(node.as_str()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&nodes.join(node.as_str()))(error)),
        }
    }
}
