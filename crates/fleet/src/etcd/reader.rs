//! Waits for another publication.

use core::time::Duration;

use mutual_trust::tls;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::cluster::Cluster;
use super::keys::Keys;
use super::limits::{FIRST_PAUSE, LONGEST_PAUSE};
use super::read::{self, Position};
use super::watch::{Said, Watch};
use crate::agent::Jitter;
use crate::{Fetched, Tag, TransportError};

/// What a node knows of the publication in force.
#[derive(Debug)]
pub(super) struct Reader {
    /// The publication that was handed out last, also if its bytes were wrong.
    handed: Option<Tag>,
    /// A publication that came with the watch.
    pushed: Option<(Vec<u8>, Tag)>,
    watch: Option<Watch>,
    /// When etcd was last asked for the head.
    asked: Instant,
    /// The next pause, of which up to a half is left out by chance.
    pause: Duration,
    jitter: Jitter,
    /// The end of the last pause.
    not_before: Instant,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            handed: None,
            pushed: None,
            watch: None,
            asked: Instant::now(),
            pause: FIRST_PAUSE,
            jitter: Jitter::random(),
            not_before: Instant::now(),
        }
    }

    /// The publication in force, unless it is the one with this tag.
    pub(super) async fn fetch(
        &mut self,
        cluster: &Cluster,
        keys: &Keys,
        known: Option<&Tag>,
    ) -> Result<Fetched, TransportError> {
        // What the watch brought has just come. If it is what the node knows, etcd is asked.
        if let Some((bytes, tag)) = self.pushed.take()
            && known != Some(&tag)
        {
            self.handed = Some(tag.clone());
            return Ok(Fetched::New { bytes, tag });
        }
        self.asked = Instant::now();
        if known.is_some() {
            let (_, found) = read::head(cluster, keys).await?;
            if let Some(found) = found
                && known == Some(&found.tag)
            {
                self.handed = Some(found.tag);
                return Ok(Fetched::Unchanged);
            }
        }
        match read::whole(cluster, keys).await {
            Ok(Some((found, bytes))) => {
                self.handed = Some(found.tag.clone());
                let tag = found.tag;
                Ok(Fetched::New { bytes, tag })
            }
            Ok(None) => {
                self.handed = None;
                Err(TransportError::NotPublished { at: keys.head() })
            }
            Err(failed) => {
                // Known too: nothing new is there until the head changes, and each poll of the node tries again.
                self.handed = failed.tag.or(self.handed.take());
                Err(failed.error)
            }
        }
    }

    /// Waits until there may be another publication, at most until `until`. `Ok(false)`: there is none so far.
    ///
    /// While etcd does not answer, there is nothing new; it is tried again after pauses.
    pub(super) async fn wait(
        &mut self,
        cluster: &Cluster,
        keys: &Keys,
        poll_interval: Duration,
        until: Instant,
    ) -> Result<bool, TransportError> {
        loop {
            if self.not_before > Instant::now() {
                sleep_until(self.not_before.min(until)).await;
            }
            // At least once, also if the time is short.
            match self.ask_if_due(cluster, keys, poll_interval).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) if is_passing(&error) => self.pause(),
                Err(error) => return Err(error),
            }
            if let Some(watch) = &self.watch {
                let said = watch.next(keys, self.handed.as_ref());
                match timeout_at(until.min(self.asked + poll_interval), said).await {
                    Ok(Said::Changed(pushed)) => {
                        self.pushed = pushed;
                        self.pause = FIRST_PAUSE;
                        return Ok(true);
                    }
                    Ok(Said::Nothing) => self.pause = FIRST_PAUSE,
                    Ok(Said::Ended) => {
                        self.watch = None;
                        cluster.turn();
                        self.pause();
                    }
                    Err(_) => {}
                }
            }
            if Instant::now() >= until {
                return Ok(false);
            }
        }
    }

    /// Asks for the head if no watch is open, or none has said anything for a while, and opens a watch. Whether there is
    /// another publication.
    async fn ask_if_due(
        &mut self,
        cluster: &Cluster,
        keys: &Keys,
        poll_interval: Duration,
    ) -> Result<bool, TransportError> {
        let now = Instant::now();
        let is_due = self.watch.is_none() || now >= self.asked + poll_interval;
        if !is_due || now < self.not_before {
            return Ok(false);
        }
        let (position, changed) = self.ask(cluster, keys).await?;
        let goes_on = |watch: &Watch| watch.position().goes_on_in(position);
        if changed || !self.watch.as_ref().is_some_and(goes_on) {
            // It was silent, or tells of a history that is no more.
            self.watch = None;
        }
        if !changed && self.watch.is_none() {
            // From what was read: nothing between is lost, and nothing before can be compacted.
            self.watch = Some(Watch::open(cluster, keys, position).await?);
        }
        Ok(changed)
    }

    /// Leaves etcd alone for a while, twice as long as the last time.
    fn pause(&mut self) {
        self.not_before = Instant::now() + self.jitter.equal(self.pause);
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
    }

    /// Asks for the head: where etcd stands, and whether the head is another one than was handed out.
    async fn ask(
        &mut self,
        cluster: &Cluster,
        keys: &Keys,
    ) -> Result<(Position, bool), TransportError> {
        self.asked = Instant::now();
        let (position, found) = read::head(cluster, keys).await?;
        let changed = found.map(|found| found.tag) != self.handed;
        Ok((position, changed))
    }
}

/// Whether it passes without anything being changed: no member of etcd answers, or none may without the others. That we
/// refuse the server does not.
fn is_passing(error: &TransportError) -> bool {
    let by_kind = matches!(
        error,
        TransportError::Unreachable { .. }
            | TransportError::TimedOut { .. }
            | TransportError::Unavailable { .. }
    );
    by_kind && tls::refusal(error).is_none()
}
