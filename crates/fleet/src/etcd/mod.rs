//! Publications and reports in [etcd](https://etcd.io).
//!
//! A node watches the publication in force and has a new one as soon as etcd has it: without another request up to 1 MiB.
//! It does not rely on the watch: it reads the head of the publication in between, after each connection, and after each
//! compaction, so that a silent watch delays it by [`POLL_INTERVAL`] at most.
//!
//! # Keys
//! All are below a prefix that the administrator chooses:
//!
//! | key | value | who writes it |
//! |---|---|---|
//! | `current/head` | which publication is in force: size, SHA-256, number of pieces | publishers |
//! | `current/body` | its bytes, up to 1 MiB | publishers |
//! | `chunks/SHA256/NNNN` | its bytes in pieces of 1 MiB, if there are more | publishers |
//! | `retired/SHA256` | the lease for which the pieces of an old publication stay | publishers |
//! | `nodes/NAME` | the last report of a node | the node |
//! | `present/NAME` | nothing; it is under a lease, and there while the node is there | the node |
//!
//! A publisher writes the head last, by a transaction that compares: of two publishers, one gets
//! [`Superseded`](crate::TransportError::Superseded). One that dies before leaves the old publication in force. Pieces
//! that belong to no publication in force are removed after a [grace](Etcd::with_grace), by the next publisher.
//!
//! A publication under a lease would vanish when the lease ends. It is refused.
//!
//! # Rights
//! Give nodes reading of `current/` and `chunks/`, and writing of `nodes/NAME` and `present/NAME`; give publishers all of
//! the prefix. etcd knows a user by a certificate or by a password.
//!
//! # Security
//! Nothing that etcd says is trusted: only the signatures of a publication count. Revisions order what is read and prove
//! nothing, since they run backwards after a restore from a backup.

mod cluster;
mod fault;
mod head;
mod keys;
pub mod limits;
mod nodes;
mod read;
mod reader;
mod runtime;
mod watch;
mod write;

use core::fmt;
use core::time::Duration;

use tokio::time::Instant;

pub use cluster::Cluster;

use crate::setting;
use crate::{
    Fetched, NodeName, NodeReport, NodeReports, Publisher, SettingError, Tag, Transport,
    TransportError,
};
use keys::Keys;
use limits::{
    GRACE, MAX_GRACE, MAX_POLL_INTERVAL, MAX_PRESENCE, MIN_GRACE, MIN_POLL_INTERVAL, MIN_PRESENCE,
    POLL_INTERVAL, PRESENCE,
};
use nodes::Presence;
use reader::Reader;

/// The publications of one fleet in etcd: for a node, or for a publisher.
///
/// Its calls block the thread. Each node has one of its own; all may share a [`Cluster`].
pub struct Etcd {
    cluster: Cluster,
    keys: Keys,
    poll_interval: Duration,
    presence_time: Duration,
    grace: Duration,
    reader: Reader,
    presence: Option<Presence>,
}

impl Etcd {
    /// Publications below a prefix, for example `/mutual-trust/prod`. Each fleet has its own.
    ///
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// [`SettingError`] if that is no prefix: 1 to [`MAX_PREFIX`](limits::MAX_PREFIX) visible ASCII characters, of which the
    /// last is not `/`.
    pub fn new(cluster: &Cluster, prefix: &str) -> Result<Self, SettingError> {
        Ok(Self {
            cluster: cluster.clone(),
            keys: Keys::new(prefix)?,
            poll_interval: POLL_INTERVAL,
            presence_time: PRESENCE,
            grace: GRACE,
            reader: Reader::new(),
            presence: None,
        })
    }

    /// Sets how often the head is read although the watch says nothing. [`POLL_INTERVAL`] by default.
    ///
    /// # Errors
    /// It is shorter than [`MIN_POLL_INTERVAL`] or longer than [`MAX_POLL_INTERVAL`].
    pub fn with_poll_interval(mut self, interval: Duration) -> Result<Self, SettingError> {
        let range = (MIN_POLL_INTERVAL, MAX_POLL_INTERVAL);
        self.poll_interval = setting::duration("the poll interval", interval, range)?;
        Ok(self)
    }

    /// Sets how long a node counts as present after it last waited. [`PRESENCE`] by default.
    ///
    /// # Errors
    /// It is shorter than [`MIN_PRESENCE`] or longer than [`MAX_PRESENCE`].
    pub fn with_presence(mut self, time: Duration) -> Result<Self, SettingError> {
        let range = (MIN_PRESENCE, MAX_PRESENCE);
        self.presence_time = setting::duration("the time of presence", time, range)?;
        Ok(self)
    }

    /// Sets how long the pieces of a publication stay after another one took its place. [`GRACE`] by default.
    ///
    /// # Errors
    /// It is shorter than [`MIN_GRACE`] or longer than [`MAX_GRACE`].
    pub fn with_grace(mut self, grace: Duration) -> Result<Self, SettingError> {
        let range = (MIN_GRACE, MAX_GRACE);
        self.grace = setting::duration("the grace", grace, range)?;
        Ok(self)
    }

    /// Removes the pieces of publications that are not in force and whose grace is over, and begins the grace of others.
    /// How many publications were removed.
    ///
    /// Each [`publish`](Publisher::publish) does this too.
    ///
    /// # Errors
    /// [`TransportError`] if etcd could not be asked.
    pub fn clean(&mut self) -> Result<usize, TransportError> {
        let clean = write::clean(&self.cluster, &self.keys, self.grace);
        self.cluster.block_on(clean)
    }

    /// The nodes that are present: each has waited for a publication within its time of presence.
    ///
    /// # Errors
    /// [`TransportError`] if etcd could not be asked.
    pub fn present(&mut self) -> Result<Vec<NodeName>, TransportError> {
        let present = nodes::present(&self.cluster, &self.keys);
        self.cluster.block_on(present)
    }
}

impl Transport for Etcd {
    fn fetch(&mut self, known: Option<&Tag>) -> Result<Fetched, TransportError> {
        let fetch = self.reader.fetch(&self.cluster, &self.keys, known);
        self.cluster.block_on(fetch)
    }

    /// While etcd does not answer, there is nothing new: it is tried again after pauses, and [`fetch`](Self::fetch) says
    /// what is wrong. One try may last longer than `at_most`: by [`REQUEST_TIMEOUT`](limits::REQUEST_TIMEOUT) for each member.
    fn wait(&mut self, at_most: Duration) -> Result<bool, TransportError> {
        let cluster = self.cluster.clone();
        cluster.block_on(async {
            let now = Instant::now();
            let end = now.checked_add(at_most).unwrap_or(now + MAX_POLL_INTERVAL);
            loop {
                if let Some(presence) = &mut self.presence
                    && presence.due() <= Instant::now()
                {
                    presence
                        .keep(&cluster, &self.keys, self.presence_time)
                        .await;
                }
                let due = self.presence.as_ref().map_or(end, Presence::due);
                let until = end.min(due);
                let wait = self
                    .reader
                    .wait(&cluster, &self.keys, self.poll_interval, until);
                if wait.await? {
                    return Ok(true);
                }
                if Instant::now() >= end {
                    return Ok(false);
                }
            }
        })
    }

    fn report(&mut self, report: &NodeReport) -> Result<(), TransportError> {
        let before = self.presence.as_ref();
        let time = self.presence_time;
        let written = Presence::report(before, &self.cluster, &self.keys, report, time);
        let presence = self.cluster.block_on(written).map_err(cannot_report)?;
        self.presence = Some(presence);
        Ok(())
    }
}

/// A node without the right to report works without reports.
fn cannot_report(error: TransportError) -> TransportError {
    if let TransportError::Refused { at, reason } = error {
        TransportError::CannotReport { at, reason }
    } else {
        error
    }
}

impl Publisher for Etcd {
    fn current(&mut self) -> Result<Option<(Vec<u8>, Tag)>, TransportError> {
        let whole = read::whole(&self.cluster, &self.keys);
        match self.cluster.block_on(whole) {
            Ok(whole) => Ok(whole.map(|(found, bytes)| (bytes, found.tag))),
            Err(failed) => Err(failed.error),
        }
    }

    fn publish(&mut self, bytes: &[u8], over: Option<&Tag>) -> Result<Tag, TransportError> {
        let publish = write::publish(&self.cluster, &self.keys, bytes, over);
        let tag = self.cluster.block_on(publish)?;
        // The publication stands, whatever becomes of this; the next publisher tries again.
        let _ = self.clean();
        Ok(tag)
    }

    fn nodes(&mut self) -> Result<NodeReports, TransportError> {
        let reports = nodes::reports(&self.cluster, &self.keys);
        self.cluster.block_on(reports)
    }

    fn forget(&mut self, node: &NodeName) -> Result<bool, TransportError> {
        let forget = nodes::forget(&self.cluster, &self.keys, node);
        self.cluster.block_on(forget)
    }
}

impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Etcd")
            .field("cluster", &self.cluster)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
