//! What the demonstration measures at an array: one link to each key server that stays open, and a new link to each again
//! and again. An array needs none of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mutual_trust::{ClientConfigBuilder, ServerId, tls};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::reader::{LINK_LIFETIME, PATIENCE, connect};
use crate::Outcome;
use crate::console::causes;
use crate::protocol::ask;
use crate::site::Site;

/// The open link is used so often, and made anew so soon after it ended.
const PAUSE: Duration = Duration::from_millis(25);

/// The pause between two new links.
const BETWEEN: Duration = Duration::from_millis(100);

/// What was seen of one server.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Whether the open link answers.
    is_up: bool,
    /// Open links that ended.
    ended: u64,
    /// New links that answered, and that did not.
    answered: u64,
    failed: u64,
    /// Whether the last new link answered.
    lets_in: bool,
    /// The certificate that it presented on the open link.
    presented: String,
    /// Why the last link failed.
    why: String,
}

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Arc<Mutex<BTreeMap<ServerId, Seen>>>);

impl Watch {
    /// Watches all key servers until the process ends.
    pub(crate) fn start(
        &self,
        runtime: &Handle,
        builder: &ClientConfigBuilder,
        site: &Arc<Site>,
        name: &str,
    ) {
        for server in &site.0 {
            for stays_open in [true, false] {
                let (watch, builder, id) = (self.clone(), builder.clone(), server.id.clone());
                let (site, name) = (site.clone(), name.to_owned());
                runtime.spawn(async move {
                    loop {
                        let done = watch.visit(&builder, &site, &id, &name, stays_open).await;
                        watch.note(&id, stays_open, done);
                        sleep(if stays_open { PAUSE } else { BETWEEN }).await;
                    }
                });
            }
        }
    }

    /// Makes a link and asks for the key: once, or for the time for which a link is used.
    async fn visit(
        &self,
        builder: &ClientConfigBuilder,
        site: &Site,
        id: &ServerId,
        name: &str,
        stays_open: bool,
    ) -> Outcome<()> {
        let mut link = connect(builder, site, id).await?;
        let presented = link.peer().fingerprint().to_string();
        timeout(PATIENCE, ask(&mut link, name)).await??;
        if stays_open {
            self.held().entry(id.clone()).or_default().presented = presented;
        }
        let made = Instant::now();
        while stays_open && made.elapsed() < LINK_LIFETIME {
            self.held().entry(id.clone()).or_default().is_up = true;
            sleep(PAUSE).await;
            timeout(PATIENCE, ask(&mut link, name)).await??;
        }
        Ok(())
    }

    fn note(&self, id: &ServerId, stays_open: bool, done: Outcome<()>) {
        let mut held = self.held();
        let seen = held.entry(id.clone()).or_default();
        if stays_open && seen.is_up && done.is_err() {
            seen.ended += 1;
            seen.is_up = false;
        }
        if !stays_open {
            seen.lets_in = done.is_ok();
            seen.answered += u64::from(done.is_ok());
            seen.failed += u64::from(done.is_err());
        }
        if let Err(error) = done {
            seen.why = match (tls::refusal(&*error), tls::refused_by_peer(&*error)) {
                (Some(verdict), _) => format!("we refuse it: {}", verdict.reason()),
                (None, Some(_)) => "it refuses us".to_owned(),
                (None, None) => causes(&*error),
            };
        }
    }

    /// Counts anew.
    pub(crate) fn reset(&self) {
        for seen in self.held().values_mut() {
            (seen.ended, seen.answered, seen.failed) = (0, 0, 0);
            seen.why.clear();
        }
    }

    /// What was seen, in words of the form `server.what=value`.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        for (id, seen) in self.held().iter() {
            let (up, lets_in) = (seen.is_up, seen.lets_in);
            let why = seen.why.replace(' ', "_");
            let _ = write!(
                text,
                "{id}.up={up} {id}.lets-in={lets_in} {id}.ended={} {id}.answered={} {id}.failed={} \
                 {id}.presented={} {id}.why={why} ",
                seen.ended, seen.answered, seen.failed, seen.presented
            );
        }
        text
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<ServerId, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
