//! A key server and a system renew their certificates while they are connected to each other all the time, and no
//! connection fails. `cargo run --example renewal`
//!
//! What is shown is also checked: the exit status is 0 only if everything is as it should be.

#![cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    expect(dead_code, reason = "there is no provider to call with")
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/pki.rs"]
#[allow(dead_code, reason = "no CA is needed here")]
mod pki;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mutual_trust::observe::observation_queue;
use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::tls::{ClientConfigs, Identities};
use mutual_trust::{
    ClientConfigBuilder, EntryOptions, LiveTrust, PinScope, Policy, ServerConfigBuilder, ServerId,
    TrustStore, tls,
};
use rustls::crypto::CryptoProvider;

use desk::Desk;

type Fault = Box<dyn Error + Send + Sync>;
type Outcome<T> = Result<T, Fault>;

/// How many connections are made between two steps, at least.
const BETWEEN: u64 = 25;

fn main() -> Outcome<()> {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    return play(&tls::provider::default_provider());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    Err("a crypto provider is needed: feature aws-lc-rs or ring".into())
}

fn play(provider: &Arc<CryptoProvider>) -> Outcome<()> {
    let keys = tls::key_policy(provider);
    let policy = Policy::new(keys);
    let server_old = pki::self_signed("keys-1", Some("keys-1.example"))?;
    let server_new = pki::self_signed("keys-1", Some("keys-1.example"))?;
    let system_old = pki::self_signed("array-7", None)?;
    let system_new = pki::self_signed("array-7", None)?;
    let id: ServerId = "keys-1".parse()?;
    let for_server = || PinScope::Server(id.clone());
    let pin_of =
        |scope, made: &pki::Made| EntryKey::new(Slot::Pin, scope, made.certificate.fingerprint());
    let labelled = |label: &str| EntryOptions::new().with_label(label);

    // Both ends, as they are before.
    let mut on_system = TrustStore::new(keys);
    on_system.add_server(id.clone(), ["keys-1.example".parse()?])?;
    on_system.install_pin(
        for_server(),
        server_old.certificate.clone(),
        labelled("old"),
    )?;
    let mut on_server = TrustStore::new(keys);
    let certificate = system_old.certificate.clone();
    on_server.install_pin(PinScope::Clients, certificate, labelled("array-7, old"))?;
    let system_trust = LiveTrust::new(on_system.snapshot());
    let server_trust = LiveTrust::new(on_server.snapshot());
    let system_identities = Identities::new(system_old.identity(&[], provider)?);
    let server_identities = Identities::new(server_old.identity(&[], provider)?);

    let server = ServerConfigBuilder::new(
        provider.clone(),
        server_trust.clone(),
        policy,
        server_identities.clone(),
    );
    let (config, check) = (Arc::new(server.build()?), server.peer_check());
    let desk = Desk::open(Box::new(move |_| Ok(config.clone())), check)?;
    let (observations, seen) = observation_queue(4096)?;
    let system = ClientConfigBuilder::new(
        provider.clone(),
        system_trust.clone(),
        policy,
        system_identities.clone(),
    );
    let links = system.with_observer(observations).client_configs()?;
    let traffic = Traffic::start(desk.address, links, id.clone());

    println!("connections  what was done meanwhile");
    let step = |what: &str| traffic.step(what);
    step("nothing yet: both present their old certificate")?;

    // The key server renews. First the system learns the new certificate, beside the old one.
    on_system.install_pin(
        for_server(),
        server_new.certificate.clone(),
        labelled("new"),
    )?;
    system_trust.publish(on_system.snapshot())?;
    step("system: the server's new certificate is installed beside the old one")?;
    server_identities.stage(server_new.identity(&[], provider)?)?;
    server_identities.activate_all()?;
    step("server: presents its new certificate")?;
    server_identities.commit()?;
    step("server: lets go of its old key")?;
    on_system.remove(&pin_of(Scope::Server(id.clone()), &server_old))?;
    system_trust.publish(on_system.snapshot())?;
    step("system: the server's old certificate is removed")?;

    // The system renews, in the same way.
    let certificate = system_new.certificate.clone();
    on_server.install_pin(PinScope::Clients, certificate, labelled("array-7, new"))?;
    server_trust.publish(on_server.snapshot())?;
    step("server: the system's new certificate is installed beside the old one")?;
    system_identities.stage(system_new.identity(&[], provider)?)?;
    system_identities.activate(&id)?;
    step("system: presents its new certificate to keys-1, and its old one to others")?;
    system_identities.activate_all()?;
    system_identities.commit()?;
    step("system: presents its new certificate to all, and lets go of its old key")?;
    on_server.remove(&pin_of(Scope::Clients, &system_old))?;
    server_trust.publish(on_server.snapshot())?;
    step("server: the system's old certificate is removed")?;

    let (made, failed) = traffic.stop()?;
    desk.close()?;
    let mut by_label = [("old", 0), ("new", 0)];
    for observation in seen.try_iter() {
        let entry = observation.verdict.decided_by();
        let label = entry.and_then(|entry| entry.options().label());
        if let Some((_, count)) = by_label.iter_mut().find(|(name, _)| Some(*name) == label) {
            *count += u64::from(observation.is_accepted());
        }
    }
    let [(_, old), (_, new)] = by_label;
    println!(
        "\n{made} connections: {old} to the server's old certificate, {new} to its new one; {failed} failed"
    );
    if failed > 0 || old < BETWEEN || new < BETWEEN {
        return Err("that is not as it should be".into());
    }
    Ok(())
}

/// A system that connects again and again.
struct Traffic {
    counts: Arc<Counts>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    made: AtomicU64,
    failed: AtomicU64,
    over: AtomicBool,
}

impl Traffic {
    fn start(address: SocketAddr, links: ClientConfigs, id: ServerId) -> Self {
        let counts = Arc::new(Counts::default());
        let told = counts.clone();
        let thread = thread::spawn(move || {
            while !told.over.load(Ordering::SeqCst) {
                let done = links.config_for(&id).map_err(Into::into);
                if let Err(error) = done.and_then(|link| desk::visit(address, link)) {
                    eprintln!("failed: {error}");
                    told.failed.fetch_add(1, Ordering::SeqCst);
                }
                told.made.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { counts, thread }
    }

    /// Goes on when some connections more were made, which began after the call.
    fn step(&self, what: &str) -> Outcome<()> {
        let before = self.counts.made.load(Ordering::SeqCst);
        while self.counts.made.load(Ordering::SeqCst) < before + BETWEEN {
            if self.thread.is_finished() {
                return Err("the system's thread ended".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        let made = self.counts.made.load(Ordering::SeqCst) - before;
        println!("{made:>11}  {what}");
        Ok(())
    }

    /// How many connections were made, and how many failed.
    fn stop(self) -> Outcome<(u64, u64)> {
        self.counts.over.store(true, Ordering::SeqCst);
        self.thread
            .join()
            .map_err(|_| "the system's thread ended")?;
        let counts = &self.counts;
        let count = |of: &AtomicU64| of.load(Ordering::SeqCst);
        Ok((count(&counts.made), count(&counts.failed)))
    }
}
