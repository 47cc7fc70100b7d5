//! The keys of a fleet in etcd.

use super::limits::MAX_PREFIX;
use crate::{NodeName, SettingError};

/// The keys below a prefix:
///
/// | key | value |
/// |---|---|
/// | `PREFIX/current/head` | which publication is in force: its size, digest and number of pieces |
/// | `PREFIX/current/body` | its bytes, unless it has pieces |
/// | `PREFIX/chunks/DIGEST/NNNN` | its pieces, written before the head |
/// | `PREFIX/retired/DIGEST` | the lease for which the pieces of an old publication stay |
/// | `PREFIX/nodes/NAME` | the last report of a node |
/// | `PREFIX/present/NAME` | there while the node is there: under a lease |
#[derive(Clone, Debug)]
pub(super) struct Keys(String);

impl Keys {
    pub(super) fn new(prefix: &str) -> Result<Self, SettingError> {
        let fits = !prefix.is_empty() && prefix.len() <= MAX_PREFIX && !prefix.ends_with('/');
        if !fits || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = format!(
                "{prefix:?} is not 1 to {MAX_PREFIX} visible ASCII characters, or ends with /"
            );
            return Err(SettingError::new("the prefix of keys", why));
        }
        Ok(Self(prefix.to_owned()))
    }

    /// What a node watches: the head and the body.
    pub(super) fn current(&self) -> String {
        format!("{}/current/", self.0)
    }

    pub(super) fn head(&self) -> String {
        format!("{}/current/head", self.0)
    }

    pub(super) fn body(&self) -> String {
        format!("{}/current/body", self.0)
    }

    /// The pieces of all publications.
    pub(super) fn all_chunks(&self) -> String {
        format!("{}/chunks/", self.0)
    }

    /// The pieces of one publication.
    pub(super) fn chunks(&self, digest: &str) -> String {
        format!("{}/chunks/{digest}/", self.0)
    }

    pub(super) fn chunk(&self, digest: &str, number: usize) -> String {
        format!("{}/chunks/{digest}/{number:04}", self.0)
    }

    pub(super) fn retired(&self, digest: &str) -> String {
        format!("{}/retired/{digest}", self.0)
    }

    pub(super) fn nodes(&self) -> String {
        format!("{}/nodes/", self.0)
    }

    /// The last report of one node.
    pub(super) fn report_of(&self, node: &NodeName) -> String {
        format!("{}/nodes/{node}", self.0)
    }

    pub(super) fn present(&self) -> String {
        format!("{}/present/", self.0)
    }

    /// What is there while one node is.
    pub(super) fn presence_of(&self, node: &NodeName) -> String {
        format!("{}/present/{node}", self.0)
    }
}

/// The first key that is not below a folder, whose name ends with `/`.
pub(super) fn end_of(folder: &str) -> Vec<u8> {
    let mut end = folder.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// The first key after a key.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    next.push(0);
    next
}
