//! How an array gets its key: from the best key server that serves, and from the next one as soon as that one does not.

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mutual_trust::failover::{AttemptOutcome, Failover, FailoverSettings, NextAttempt};
use mutual_trust::{ClientConfigBuilder, LiveTrust, ServerId, TrustSnapshot, tls};
use mutual_trust_tokio::{Connector, TlsStream};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::Outcome;
use crate::protocol::ask;
use crate::site::Site;

/// How often the key is read. An array reads its keys when it starts; this one shows each gap.
const READ_EVERY: Duration = Duration::from_millis(10);

/// A link is made anew after this time, before the old one is closed. So a key server that renews its certificate shows
/// the new one on all links before the old one is removed. A product takes an hour.
pub(crate) const LINK_LIFETIME: Duration = Duration::from_millis(700);

/// How long a key server may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What the reader did since it was last asked to count anew.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// The key, once it was read.
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) in_use: Option<ServerId>,
    /// The certificate that it presented.
    pub(crate) presented: String,
    pub(crate) reads: u64,
    /// The longest time without the key.
    pub(crate) gap: Duration,
    /// Links in use that ended.
    pub(crate) ended: u64,
    last: Instant,
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Readings(Arc<Mutex<Reading>>);

impl Readings {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Reading {
            key: None,
            in_use: None,
            presented: "-".to_owned(),
            reads: 0,
            gap: Duration::ZERO,
            ended: 0,
            last: Instant::now(),
        })))
    }

    fn held(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is now. A gap that goes on counts as well.
    pub(crate) fn get(&self) -> Reading {
        let mut reading = self.held().clone();
        reading.gap = reading.gap.max(reading.last.elapsed());
        reading
    }

    /// Counts anew.
    pub(crate) fn reset(&self) {
        let mut held = self.held();
        (held.reads, held.ended, held.gap) = (0, 0, Duration::ZERO);
        held.last = Instant::now();
    }
}

/// The link in use.
struct Link {
    id: ServerId,
    stream: TlsStream<TcpStream>,
    made: Instant,
}

/// Reads the key of an array again and again.
pub(crate) struct Reader {
    pub(crate) builder: ClientConfigBuilder,
    pub(crate) trust: LiveTrust,
    pub(crate) site: Arc<Site>,
    pub(crate) name: String,
    pub(crate) readings: Readings,
}

impl Reader {
    /// Runs until the process ends.
    pub(crate) async fn run(self) {
        let started = Instant::now();
        let mut view = self.trust.current();
        let mut failover = Failover::new(order(&view), seed(&self.name), failover_settings());
        let mut link: Option<Link> = None;
        loop {
            let now = self.trust.current();
            if now.generation() != view.generation() {
                view = now;
                failover.set_servers(order(&view));
            }
            // Read before the attempt: a change during it makes another one worthwhile.
            let generation = view.generation();
            let next = failover.next_attempt(started.elapsed(), generation);
            if let NextAttempt::Now(id) = &next {
                let outcome = match self.attempt(id).await {
                    Ok(made) => {
                        link = Some(made);
                        AttemptOutcome::Served
                    }
                    Err(error) => tls::attempt_outcome(&*error, generation),
                };
                failover.report(id, outcome, started.elapsed());
            }
            self.readings.held().in_use = failover.in_use().cloned();
            match (failover.in_use().cloned(), &mut link) {
                (Some(used), Some(open)) if open.id == used => {
                    if open.made.elapsed() > LINK_LIFETIME
                        && let Ok(newer) = self.attempt(&used).await
                    {
                        *open = newer;
                    }
                    if let Err(error) = self.read(&mut open.stream).await {
                        link = None;
                        self.readings.held().ended += 1;
                        let outcome = tls::attempt_outcome(&error, generation);
                        failover.report(&used, outcome, started.elapsed());
                    }
                    sleep(READ_EVERY).await;
                }
                (Some(used), _) => {
                    // Its link was replaced by that of a better server, which has ended since.
                    let outcome = AttemptOutcome::Closed;
                    failover.report(&used, outcome, started.elapsed());
                }
                (None, _) => {
                    link = None;
                    self.pause(next, started, generation).await;
                }
            }
        }
    }

    /// Waits for the next attempt, or until trust changes.
    async fn pause(&self, next: NextAttempt, started: Instant, generation: u64) {
        let wait = match next {
            NextAttempt::Now(_) => return,
            NextAttempt::At(then) => then.saturating_sub(started.elapsed()),
            NextAttempt::NotNeeded => Duration::from_secs(60),
        };
        let _ = timeout(wait, self.trust.newer_than(generation)).await;
    }

    async fn attempt(&self, id: &ServerId) -> Outcome<Link> {
        let mut stream = connect(&self.builder, &self.site, id).await?;
        // Only an answer shows that the server has accepted us, too.
        self.read(&mut stream).await?;
        let (id, made) = (id.clone(), Instant::now());
        Ok(Link { id, stream, made })
    }

    async fn read(&self, link: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
        let key = timeout(PATIENCE, ask(link, &self.name)).await??;
        let mut held = self.readings.held();
        held.key = Some(key);
        held.presented = link.peer().fingerprint().to_string();
        held.reads += 1;
        held.gap = held.gap.max(held.last.elapsed());
        held.last = Instant::now();
        Ok(())
    }
}

/// A link to a key server, which must present what is installed for it.
pub(crate) async fn connect(
    builder: &ClientConfigBuilder,
    site: &Site,
    id: &ServerId,
) -> Outcome<TlsStream<TcpStream>> {
    let address = site.server(id)?.keys;
    let connector = Connector::new(builder, id)?.with_timeout(PATIENCE)?;
    let host = address.ip().to_string();
    Ok(connector.connect_tcp(&host, address.port()).await?)
}

/// The key servers of the group in their order, which the trust set has. The stand-alone one has no key of this array's
/// disks, so it is no replacement.
fn order(view: &TrustSnapshot) -> Vec<ServerId> {
    let servers = view.servers_in_order().into_iter();
    let of_group = servers.filter(|server| server.group().is_some());
    of_group.map(|server| server.id().clone()).collect()
}

/// Short times, so that a minute shows what takes a day elsewhere. A product keeps the defaults, whose reasons are in
/// `docs/LIMITS.md`: a refusal then waits for minutes, unless our own trust changes.
fn failover_settings() -> FailoverSettings {
    let settings = FailoverSettings::new();
    let quick = || {
        settings
            .with_boot_spread(Duration::from_millis(20))?
            .with_backoff(Duration::from_millis(50), Duration::from_millis(400))?
            .with_refusal_wait(Duration::from_millis(200))?
            .with_budget(100, Duration::from_millis(50))
    };
    quick().unwrap_or(settings)
}

/// A number that differs between arrays: that of their names. A real one has a serial number.
fn seed(name: &str) -> u64 {
    let mix = |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte));
    name.bytes().fold(7, mix)
}
