//! Two machines that do not know each other yet, with nothing to prepare: how each comes to trust the other, by a
//! fingerprint that is read out over another channel. `cargo run --example enrolment`
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
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::certificate::SystemClock;
use mutual_trust::error::EnrolmentError;
use mutual_trust::{
    ClientConfigBuilder, Enrolment, EntryOptions, Fingerprint, LiveTrust, PinScope, Policy,
    ServerConfigBuilder, ServerId, TrustStore, tls,
};
use rustls::crypto::CryptoProvider;

use desk::Desk;

type Fault = Box<dyn Error + Send + Sync>;
type Outcome<T> = Result<T, Fault>;

fn main() -> Outcome<()> {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    return play(tls::provider::default_provider());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    Err("a crypto provider is needed: feature aws-lc-rs or ring".into())
}

fn play(provider: Arc<CryptoProvider>) -> Outcome<()> {
    let keys = tls::key_policy(&provider);
    let policy = Policy::new(keys);
    let array_7 = pki::self_signed("array-7", None)?;
    let keys_1 = pki::self_signed("keys-1", Some("keys-1.example"))?;

    // On the key server: nothing is installed. Each connection gets a configuration of its own.
    let mut on_server = TrustStore::new(keys);
    let server_trust = LiveTrust::new(on_server.snapshot());
    let at_server = Enrolment::new(Arc::new(SystemClock::new()));
    let identity = keys_1.identity(&[], &provider)?;
    let builder =
        ServerConfigBuilder::new(provider.clone(), server_trust.clone(), policy, identity);
    let (acceptor, check) = (builder.enrolment(&at_server)?, builder.peer_check());
    let configure = move |address| Ok(acceptor.config_for(address)?);
    let desk = Desk::open(Box::new(configure), check)?;

    // On the system: a server is listed, and nothing is installed for it.
    let id: ServerId = "keys-1".parse()?;
    let mut on_system = TrustStore::new(keys);
    on_system.add_server(id.clone(), ["keys-1.example".parse()?])?;
    let system_trust = LiveTrust::new(on_system.snapshot());
    let at_system = Enrolment::new(Arc::new(SystemClock::new()));
    let identity = array_7.identity(&[], &provider)?;
    let system = ClientConfigBuilder::new(provider, system_trust.clone(), policy, identity);
    let links = system.client_configs()?;
    let visit = || desk::visit(desk.address, links.config_for(&id)?);

    println!("(1) On array-7: what does the machine present that is to be keys-1?\n");
    let name = "keys-1.example".try_into()?;
    let probed = system.probe(&id)?.run(name, desk::dial(desk.address)?)?;
    show(&probed.presented().to_string());
    let heard = read_out(&keys_1)?;
    let scope = PinScope::Server(id.clone());
    let options = EntryOptions::new();
    let presented = probed.presented();
    let by = "alice";
    at_system.accept_server(presented, heard, &mut on_system, scope, options, by)?;
    system_trust.publish(on_system.snapshot())?;
    println!("    alice typed in what was read out at keys-1: accepted");

    println!("\n(2) On keys-1: array-7 connects.\n");
    expect_refused(visit(), "enrolment is closed")?;
    println!("      waiting: {}", at_server.pending().len());
    at_server.open_enrolment(Duration::from_secs(600), 8)?;
    expect_refused(visit(), "enrolment is open for ten minutes")?;
    let pending = at_server.pending();
    let [peer] = pending.as_slice() else {
        return Err("one system should wait".into());
    };
    let (id_shown, from) = (peer.id, peer.address);
    println!(
        "      waiting: number {id_shown}, from {from}, seen {} time",
        peer.attempts
    );
    show(&peer.presented.to_string());

    println!("\n(3) Bob decides, by what is read out at array-7.\n");
    let label = || EntryOptions::new().with_label("array-7");
    let mut wrong = *read_out(&array_7)?.as_bytes();
    wrong.reverse();
    let wrong = Fingerprint::from_bytes(wrong);
    match at_server.accept_client(peer.id, wrong, &mut on_server, label(), "bob") {
        Err(error @ EnrolmentError::OtherFingerprint) => println!("    mistyped: {error}"),
        other => return Err(format!("a wrong fingerprint: {other:?}").into()),
    }
    let heard = read_out(&array_7)?;
    at_server.accept_client(peer.id, heard, &mut on_server, label(), "bob")?;
    server_trust.publish(on_server.snapshot())?;
    at_server.close_enrolment();
    println!("    typed in right: accepted");
    println!("    array-7 connects at once: {:?}", visit()?);

    println!("\n(4) What was decided\n");
    for made in at_system
        .decisions()
        .into_iter()
        .chain(at_server.decisions())
    {
        println!(
            "    {}: {} {}: {}",
            made.by, made.role, made.subject, made.event
        );
    }
    desk.close()
}

/// The other channel: a person at the machine reads out what `openssl x509 -fingerprint -sha256` prints.
fn read_out(machine: &pki::Made) -> Outcome<Fingerprint> {
    let line = format!("sha256 Fingerprint={}", machine.certificate.fingerprint());
    Ok(line.parse()?)
}

fn show(text: &str) {
    text.lines().for_each(|line| println!("      {line}"));
}

fn expect_refused(visit: Outcome<String>, when: &str) -> Outcome<()> {
    match visit {
        Ok(answer) => Err(format!("{when}, and yet: {answer}").into()),
        Err(error) => {
            println!("    {when}: {error}");
            Ok(())
        }
    }
}
