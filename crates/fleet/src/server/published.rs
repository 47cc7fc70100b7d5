//! The publication in memory, as it is in the folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use hyper::body::Bytes;
use tokio::sync::watch;

use crate::error::TransportError;
use crate::folder::Folder;
use crate::transport::{Publisher as _, Tag};

/// A publication with its entity tag.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    /// As it is in the header, with its quotes.
    pub(super) etag: String,
}

impl Content {
    fn new(bytes: Vec<u8>, tag: &Tag) -> Arc<Self> {
        Arc::new(Self {
            bytes: bytes.into(),
            etag: format!("\"{tag}\""),
        })
    }
}

#[derive(Debug)]
pub(super) struct Published {
    folder: Mutex<Folder>,
    now: watch::Sender<Option<Arc<Content>>>,
}

impl Published {
    pub(super) fn open(folder: PathBuf) -> Result<Self, TransportError> {
        let mut folder = Folder::new(folder);
        let found = folder.current()?;
        let content = found.map(|(bytes, tag)| Content::new(bytes, &tag));
        Ok(Self {
            folder: Mutex::new(folder),
            now: watch::Sender::new(content),
        })
    }

    /// The folder.
    pub(super) fn folder(&self) -> PathBuf {
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        folder.path().to_owned()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Arc<Content>>> {
        self.now.subscribe()
    }

    /// Reads the folder again if it has changed. What was read before stays if the folder has nothing that can be read: a
    /// file that is removed by mistake does not stop the nodes.
    ///
    /// It does not wait while a publisher waits for the disk. [`publish`](Self::publish) sets the new content itself.
    pub(super) fn look(&self) {
        let mut folder = match self.folder.try_lock() {
            Ok(folder) => folder,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if !folder.has_changed() {
            return;
        }
        if let Ok(Some((bytes, tag))) = folder.current() {
            self.set(bytes, &tag);
        }
    }

    /// Publishes in the folder. It waits for the disk.
    pub(super) fn publish(
        &self,
        bytes: Vec<u8>,
        over: Option<&Tag>,
    ) -> Result<String, TransportError> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = folder.publish(&bytes, over)?;
        self.set(bytes, &tag);
        Ok(format!("\"{tag}\""))
    }

    fn set(&self, bytes: Vec<u8>, tag: &Tag) {
        let content = Content::new(bytes, tag);
        self.now.send_if_modified(|now| {
            let is_new = now.as_ref().is_none_or(|now| now.etag != content.etag);
            if is_new {
                *now = Some(content);
            }
            is_new
        });
    }
}
