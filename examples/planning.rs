//! What an administrator wants to know before it happens, with nothing to prepare: `cargo run --example planning`
//!
//! Nothing is connected here: what the adapters would observe of a handshake is made from the verdict itself. What is
//! shown is also checked: the exit status is 0 only if everything is as it should be.

#![cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    expect(dead_code, reason = "there is no provider to judge with")
)]

#[expect(dead_code, reason = "no scene presents a key or an intermediate")]
#[path = "support/pki.rs"]
mod pki;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mutual_trust::admin::{
    LockoutAllowance, MoveStep, PeerHistory, Windows, expiry, forecast, guard, migration_plan,
    next_change, plan, safe_to_remove,
};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::error::{PlanError, StoreError};
use mutual_trust::observe::Observation;
use mutual_trust::store::EntryKey;
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, ExpectedServer, GroupId, KeyPolicy, PinScope,
    Policy, ReasonCode, ServerId, TrustStore, VerifyRequest, decide, tls,
};
use pki::Made;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};

type Fault = Box<dyn Error + Send + Sync>;
type Outcome<T> = Result<T, Fault>;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn main() -> ExitCode {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    let played = play(&tls::provider::default_provider());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    let played: Outcome<()> = Err("a crypto provider is needed: feature aws-lc-rs or ring".into());
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn play(provider: &CryptoProvider) -> Outcome<()> {
    let keys = tls::key_policy(provider);
    println!("The administrator of an array looks ahead.");
    group_renewal(&mut Desk::new(keys)?)?;
    lock_out(&mut Desk::new(keys)?)?;
    next_month(&mut Desk::new(keys)?)?;
    move_to_a_ca(&mut Desk::new(keys)?)?;
    println!("\nAll of it is as it should be.");
    Ok(())
}

fn group_renewal(desk: &mut Desk) -> Outcome<()> {
    println!(
        "\n(a) Three servers replicate one certificate. It is renewed; one of them is forgotten."
    );
    let group: GroupId = "cluster".parse()?;
    let old = pki::self_signed("cluster", None)?;
    let new = pki::self_signed("cluster", None)?;
    desk.store.add_group(group.clone())?;
    for id in ["kms-1", "kms-2", "kms-3"] {
        desk.store.add_server(id.parse()?, [])?;
        desk.store.join_group(&group, &id.parse()?)?;
    }
    let old_key = desk.pin(PinScope::Group(group.clone()), &old, EntryOptions::new())?;
    desk.clock.advance(DAY);
    desk.pin(PinScope::Group(group), &new, EntryOptions::new())?;
    desk.connects("kms-1", &[&new], ReasonCode::PinMatched)?;
    desk.connects("kms-2", &[&new], ReasonCode::PinMatched)?;
    desk.connects("kms-3", &[&old], ReasonCode::PinMatched)?;

    let drift = desk.seen.drift(desk.store.contents());
    show("drift", drift.first().ok_or("no drift was found")?);
    ensure(!desk.can_go(&old_key)?, "the old pin seems safe to remove")?;
    desk.connects("kms-3", &[&new], ReasonCode::PinMatched)?;
    ensure(desk.can_go(&old_key)?, "the old pin is not safe to remove")?;
    println!("    kms-3 is renewed as well: the old pin can go");
    desk.guarded(&LockoutAllowance::none(), |store| store.remove(&old_key))
}

fn lock_out(desk: &mut Desk) -> Outcome<()> {
    println!("\n(b) A change that would lock a server out is told beforehand and not made.");
    let now = desk.now();
    let id: ServerId = "keys-1".parse()?;
    let own = pki::self_signed("keys-1", None)?;
    desk.store.add_server(id.clone(), [])?;
    let key = desk.pin(PinScope::Server(id.clone()), &own, EntryOptions::new())?;
    desk.connects("keys-1", &[&own], ReasonCode::PinMatched)?;

    let policy = desk.policy();
    let removal = plan(&desk.store, &policy, &desk.seen, now, |store| {
        store.remove(&key)
    })?;
    show("plan", removal.effects());
    match removal.apply(&mut desk.store, &desk.seen, now, &LockoutAllowance::none()) {
        Err(error @ PlanError::Loses { .. }) => show("refused", &error),
        other => return Err(format!("the guard let it through: {other:?}").into()),
    }
    println!("    named in an override, it is made:");
    removal.apply(
        &mut desk.store,
        &desk.seen,
        now,
        &LockoutAllowance::allow([id]),
    )?;
    ensure(
        desk.store.contents().entry(&key).is_none(),
        "it was not made",
    )
}

fn next_month(desk: &mut Desk) -> Outcome<()> {
    println!("\n(c) Next month's outage is seen today.");
    let now = desk.now();
    let id: ServerId = "keys-1".parse()?;
    let own = pki::self_signed("keys-1", None)?;
    desk.store.add_server(id.clone(), [])?;
    let in_a_fortnight = desk.later(14 * DAY);
    let options = EntryOptions::new().with_end(in_a_fortnight);
    desk.pin(PinScope::Server(id), &own, options)?;
    desk.connects("keys-1", &[&own], ReasonCode::PinMatched)?;

    let (view, policy) = (desk.store.contents(), desk.policy());
    let then = desk.later(30 * DAY);
    let told = forecast(view, &policy, &desk.seen, now, then);
    let outage = told.outages().items().first();
    show("in 30 days", outage.ok_or("no outage was forecast")?);
    let next = next_change(view, &policy, &desk.seen, now).ok_or("nothing changes")?;
    show("look again at", &next);
    ensure(next.at() == in_a_fortnight, "the next change is another")?;
    let report = expiry(view, &policy, &desk.seen, now, &Windows::default(), &[]);
    show(
        "expiry",
        report.items().first().ok_or("nothing was reported")?,
    );
    Ok(())
}

fn move_to_a_ca(desk: &mut Desk) -> Outcome<()> {
    println!(
        "\n(d) A server moves to certificates of a CA, each step told by what is installed and seen."
    );
    let now = desk.now();
    let id: ServerId = "keys-1".parse()?;
    let ca = pki::root("Company CA")?;
    let own = pki::self_signed("keys-1", Some("kms1.example"))?;
    let issued = pki::issued("kms1.example", &ca)?;
    desk.store
        .add_server(id.clone(), ["kms1.example".parse()?])?;
    desk.pin(PinScope::Server(id.clone()), &own, EntryOptions::new())?;
    desk.connects("keys-1", &[&own], ReasonCode::PinMatched)?;
    let until = desk.later(7 * DAY);
    for _ in 0..8 {
        let policy = desk.policy();
        let told = migration_plan(desk.store.contents(), &policy, &desk.seen, now, id.clone())?;
        show("next", &told);
        match told.step() {
            MoveStep::InstallAuthority { .. } => {
                let scope = AuthorityScope::Server(id.clone());
                let options = EntryOptions::new();
                desk.store
                    .install_authority(scope, ca.certificate.clone(), options)?;
            }
            MoveStep::Observe { .. } => {
                desk.connects("keys-1", &[&issued], ReasonCode::ChainVerified)?;
            }
            MoveStep::Done => return Ok(()),
            MoveStep::Migrate { .. } | MoveStep::Release => {
                let done = told.advance(&mut desk.store, &policy, &desk.seen, now, until)?;
                ensure(done.is_some(), "the step is not one of the store's")?;
            }
            MoveStep::LeaveGroup { .. } | _ => {
                return Err("the server is in no group".into());
            }
        }
    }
    Err("the move does not come to its end".into())
}

/// A clock that is set by hand.
#[derive(Debug)]
struct HandClock(AtomicU64);

impl HandClock {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl TimeSource for HandClock {
    fn now(&self) -> CurrentTime {
        let now = Duration::from_secs(self.0.load(Ordering::Relaxed));
        CurrentTime::Known(UnixTime::since_unix_epoch(now))
    }
}

/// A store, what was seen, and the time.
struct Desk {
    keys: KeyPolicy,
    store: TrustStore,
    seen: PeerHistory,
    clock: Arc<HandClock>,
}

impl Desk {
    fn new(keys: KeyPolicy) -> Outcome<Self> {
        let CurrentTime::Known(now) = SystemClock::new().now() else {
            return Err("the clock of this machine is not set".into());
        };
        let clock = Arc::new(HandClock(AtomicU64::new(now.as_secs())));
        Ok(Self {
            keys,
            store: TrustStore::new(keys).with_clock(clock.clone()),
            seen: PeerHistory::new(),
            clock,
        })
    }

    fn now(&self) -> CurrentTime {
        self.clock.now()
    }

    /// The time so much later.
    fn later(&self, by: Duration) -> UnixTime {
        let now = Duration::from_secs(self.clock.0.load(Ordering::Relaxed));
        UnixTime::since_unix_epoch(now.saturating_add(by))
    }

    fn policy(&self) -> Policy {
        Policy::new(self.keys)
    }

    fn pin(&mut self, scope: PinScope, made: &Made, options: EntryOptions) -> Outcome<EntryKey> {
        let report = self
            .store
            .install_pin(scope, made.certificate.clone(), options)?;
        report
            .entry()
            .cloned()
            .ok_or("nothing was installed".into())
    }

    /// A server presents these and proves that it has the key.
    fn connects(&mut self, id: &str, presented: &[&Made], expected: ReasonCode) -> Outcome<()> {
        let id: ServerId = id.parse()?;
        let ders = presented.iter().map(|made| made.certificate.der().to_vec());
        let ders: Vec<CertificateDer<'_>> = ders.map(CertificateDer::from).collect();
        let (leaf, others) = ders.split_first().ok_or("nothing is presented")?;
        let question =
            VerifyRequest::server(ExpectedServer::id(&id, None), leaf, others, self.now());
        let verdict = decide(self.store.contents(), &self.policy(), &question);
        if verdict.reason() != expected {
            return Err(format!("expected {expected}, got: {verdict}").into());
        }
        let observation = Observation::new(Arc::new(verdict), ders, self.now(), true);
        self.seen.observe(&observation);
        Ok(())
    }

    /// Whether no peer needs an entry any more.
    fn can_go(&self, key: &EntryKey) -> Outcome<bool> {
        let (view, policy) = (self.store.contents(), self.policy());
        let removal = safe_to_remove(view, &policy, &self.seen, self.now(), key)?;
        if !removal.is_safe() {
            show("without the old pin", removal.effects());
        }
        Ok(removal.is_safe())
    }

    fn guarded<T>(
        &mut self,
        allowed: &LockoutAllowance,
        change: impl FnOnce(&mut TrustStore) -> Result<T, StoreError>,
    ) -> Outcome<()> {
        let (policy, now) = (self.policy(), self.now());
        let _ = guard(&mut self.store, &policy, &self.seen, now, allowed, change)?;
        Ok(())
    }
}

fn ensure(holds: bool, fault: &'static str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(fault.into()) }
}

/// Shows the first bytes of each fingerprint: enough to tell them apart here.
fn show(title: &str, what: &impl ToString) {
    let text = what.to_string();
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let colons = word.bytes().filter(|byte| *byte == b':').count();
        match word.get(..11) {
            Some(start) if colons >= 31 => {
                let rest = word.get(95..).unwrap_or(" ");
                format!("{start}…{rest}")
            }
            _ => word.to_owned(),
        }
    });
    let text: String = words.collect();
    for (index, line) in text.lines().enumerate() {
        let title = if index == 0 { title } else { "" };
        println!("    {title:<20} {line}");
    }
}
