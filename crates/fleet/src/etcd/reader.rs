//! Waits for another publication.

use core::hash::{BuildHasher, Hasher};
use core::time::Duration;
use std::hash::RandomState;

use tokio::time::{Instant, sleep, timeout_at};

use super::cluster::Cluster;
use super::keys::Keys;
use super::limits::{FIRST_PAUSE, LONGEST_PAUSE};
use super::read::{self, Position};
use super::watch::{Said, Watch};
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
    /// The pause before the next watch.
    pause: Duration,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            handed: None,
            pushed: None,
            watch: None,
            asked: Instant::now(),
            pause: FIRST_PAUSE,
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
    pub(super) async fn wait(
        &mut self,
        cluster: &Cluster,
        keys: &Keys,
        poll_interval: Duration,
        until: Instant,
    ) -> Result<bool, TransportError> {
        loop {
            let poll_at = self.asked + poll_interval;
            if self.watch.is_none() || Instant::now() >= poll_at {
                let (position, changed) = self.ask(cluster, keys).await?;
                let goes_on = |watch: &Watch| watch.position().goes_on_in(position);
                if changed || !self.watch.as_ref().is_some_and(goes_on) {
                    // It was silent, or tells of a history that is no more.
                    self.watch = None;
                }
                if changed {
                    return Ok(true);
                }
                if self.watch.is_none() {
                    // From what was read: nothing between is lost, and nothing before can be compacted.
                    self.watch = Some(Watch::open(cluster, keys, position).await?);
                }
            }
            let Some(watch) = &self.watch else {
                continue;
            };
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
                    let pause = Instant::now() + jittered(self.pause);
                    self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                    if pause >= until {
                        sleep(until.saturating_duration_since(Instant::now())).await;
                        return Ok(false);
                    }
                    sleep(pause.saturating_duration_since(Instant::now())).await;
                }
                Err(_) if Instant::now() >= until => return Ok(false),
                Err(_) => {}
            }
        }
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

/// Half of a pause, and a random part of the other half.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let part = RandomState::new().build_hasher().finish() % 1024;
    let part = u32::try_from(part).unwrap_or(0);
    half.saturating_add(half.saturating_mul(part) / 1024)
}
