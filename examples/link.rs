//! The main job, with nothing to prepare: a system and its key servers authenticate each other on loopback, by
//! certificates that were installed. `cargo run --example link`
//!
//! Every visit is made twice, with TLS 1.2 and with TLS 1.3, and must come to the same. What is shown is also
//! checked: the exit status is 0 only if everything is as it should be.

#![cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    expect(dead_code, reason = "there is no provider to call with")
)]

#[path = "support/pki.rs"]
mod pki;
#[path = "support/visit.rs"]
mod visit;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mutual_trust::policy::VerdictWarning;
use mutual_trust::store::Consequence;
use mutual_trust::{
    AuthorityScope, ClientConfigBuilder, EntryOptions, GroupId, KeyPolicy, LiveTrust, PinScope,
    Policy, ReasonCode, ServerConfigBuilder, ServerId, TrustSnapshot, TrustStore, Verdict, tls,
};
use pki::Made;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use visit::{End, Visit, visit};

type Fault = Box<dyn Error + Send + Sync>;
type Outcome<T> = Result<T, Fault>;

fn main() -> ExitCode {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    let played = play(&Stage::new(tls::provider::default_provider()));
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

fn play(stage: &Stage) -> Outcome<()> {
    println!("A system, array-7, visits its key servers.\n");
    line("", "the system says", "the key server says");
    both_self_signed(stage)?;
    a_pin_has_priority(stage)?;
    replication_group(stage)?;
    both_ca_signed(stage)?;
    migration(stage)?;
    println!("\n(f) Every visit was made by TLS 1.2 and by TLS 1.3, and both came to the same.");
    println!("\nAll of it is as it should be.");
    Ok(())
}

fn both_self_signed(stage: &Stage) -> Outcome<()> {
    println!("(a) Each side's self-signed certificate is installed on the other.");
    let keys_1 = pki::self_signed("kms1", None)?;
    let array_7 = pki::self_signed("array-7", None)?;

    // On the system: the server, its name, and the certificate that it must present.
    let id: ServerId = "keys-1".parse()?;
    let mut on_system = stage.store();
    on_system.add_server(id.clone(), ["kms1.example".parse()?])?;
    let report = on_system.install_pin(
        PinScope::Server(id.clone()),
        keys_1.certificate.clone(),
        EntryOptions::new(),
    )?;
    // On the key server: the client's certificate, with a label that says who it is.
    let mut on_server = stage.store();
    on_server.install_pin(
        PinScope::Clients,
        array_7.certificate.clone(),
        EntryOptions::new().with_label("array-7"),
    )?;
    for consequence in report.consequences() {
        if let Consequence::Claimed(server) = consequence {
            println!("    installed: server {server} must present its pin from now on");
        }
    }

    let key_server = stage.key_server(on_server.snapshot(), &keys_1, &[])?;
    let system = stage.system(on_system.snapshot(), &array_7, &[])?;
    let seen = visit(&key_server, &system, Some(&id), "kms1.example")?;
    show("array-7 visits", &seen);
    expect(&seen.system, ReasonCode::PinMatched)?;
    expect(&seen.key_server, ReasonCode::PinMatched)?;

    let unknown = pki::self_signed("array-7", None)?;
    let system = stage.system(on_system.snapshot(), &unknown, &[])?;
    let seen = visit(&key_server, &system, Some(&id), "kms1.example")?;
    show("an impostor visits", &seen);
    expect_turned_away(&seen.system)?;
    expect(&seen.key_server, ReasonCode::SameSubjectOtherKey)
}

fn a_pin_has_priority(stage: &Stage) -> Outcome<()> {
    println!(
        "\n(b) The same server presents a certificate of a CA. That CA is installed too; the pin has priority."
    );
    let ca = pki::root("Company CA")?;
    let pinned = pki::self_signed("kms1", Some("kms1.example"))?;
    let offered = pki::issued("kms1.example", &ca)?;
    let array_7 = pki::self_signed("array-7", None)?;

    let id: ServerId = "keys-1".parse()?;
    let mut on_system = stage.store();
    on_system.add_server(id.clone(), ["kms1.example".parse()?])?;
    on_system.install_pin(
        PinScope::Server(id.clone()),
        pinned.certificate,
        EntryOptions::new(),
    )?;
    on_system.install_authority(
        AuthorityScope::AnyServer,
        ca.certificate.clone(),
        EntryOptions::new(),
    )?;

    let key_server = stage.key_server(stage.clients(&array_7)?, &offered, &[])?;
    let system = stage.system(on_system.snapshot(), &array_7, &[])?;
    let seen = visit(&key_server, &system, Some(&id), "kms1.example")?;
    show("array-7 visits", &seen);
    if let Some(verdict) = seen.system.verdict() {
        println!("    the whole reason:");
        for line in verdict.to_string().lines() {
            println!("      {line}");
        }
    }
    expect(&seen.system, ReasonCode::AuthoritiesNotAsked)?;
    expect_turned_away(&seen.key_server)
}

fn replication_group(stage: &Stage) -> Outcome<()> {
    println!(
        "\n(c) Three servers replicate one certificate: it is installed once, for their group."
    );
    let replicated = pki::self_signed("kms-cluster", Some("kms-a.example"))?;
    let array_7 = pki::self_signed("array-7", None)?;
    let names = ["kms-a.example", "kms-b.example", "kms-c.example"];

    let group: GroupId = "cluster".parse()?;
    let mut on_system = stage.store();
    on_system.add_group(group.clone())?;
    for name in names {
        let id: ServerId = name.parse()?;
        on_system.add_server(id.clone(), [name.parse()?])?;
        on_system.join_group(&group, &id)?;
    }
    on_system.install_pin(
        PinScope::Group(group),
        replicated.certificate.clone(),
        EntryOptions::new(),
    )?;

    let key_server = stage.key_server(stage.clients(&array_7)?, &replicated, &[])?;
    let system = stage.system(on_system.snapshot(), &array_7, &[])?;
    for name in names {
        // Without an id: the dialled name says which server it must be.
        let seen = visit(&key_server, &system, None, name)?;
        show(name, &seen);
        expect(&seen.system, ReasonCode::PinMatched)?;
        expect(&seen.key_server, ReasonCode::PinMatched)?;
    }
    Ok(())
}

fn both_ca_signed(stage: &Stage) -> Outcome<()> {
    println!(
        "\n(d) Both are signed by a CA through an intermediate; each installed the other's CA."
    );
    let servers_ca = pki::root("Servers CA")?;
    let servers_sub = pki::intermediate("Servers CA 2", &servers_ca)?;
    let keys_2 = pki::issued("kms2.example", &servers_sub)?;
    let arrays_ca = pki::root("Arrays CA")?;
    let arrays_sub = pki::intermediate("Arrays CA 2", &arrays_ca)?;
    let array_7 = pki::issued("array-7.arrays.example", &arrays_sub)?;

    let id: ServerId = "keys-2".parse()?;
    let mut on_system = stage.store();
    on_system.add_server(id.clone(), ["kms2.example".parse()?])?;
    on_system.install_authority(
        AuthorityScope::Server(id.clone()),
        servers_ca.certificate.clone(),
        EntryOptions::new(),
    )?;
    // A CA by itself identifies no peer: the pattern says which of its certificates are arrays.
    let mut on_server = stage.store();
    on_server.install_authority(
        AuthorityScope::Clients,
        arrays_ca.certificate.clone(),
        EntryOptions::new().with_san_patterns(["dns:*.arrays.example".parse()?]),
    )?;

    let key_server = stage.key_server(on_server.snapshot(), &keys_2, &[&servers_sub])?;
    let system = stage.system(on_system.snapshot(), &array_7, &[&arrays_sub])?;
    let seen = visit(&key_server, &system, Some(&id), "kms2.example")?;
    show("array-7 visits", &seen);
    expect(&seen.system, ReasonCode::ChainVerified)?;
    expect(&seen.key_server, ReasonCode::ChainVerified)?;

    // A machine that does not send its intermediate is completed, if that is installed at the other end.
    let system = stage.system(on_system.snapshot(), &array_7, &[])?;
    let seen = visit(&key_server, &system, Some(&id), "kms2.example")?;
    show("sends no intermediate", &seen);
    expect(&seen.key_server, ReasonCode::UnknownIssuer)?;
    on_server.install_intermediate(arrays_sub.certificate.clone(), EntryOptions::new())?;
    let key_server = stage.key_server(on_server.snapshot(), &keys_2, &[&servers_sub])?;
    let seen = visit(&key_server, &system, Some(&id), "kms2.example")?;
    show("which is installed there", &seen);
    expect(&seen.key_server, ReasonCode::ChainVerified)
}

fn migration(stage: &Stage) -> Outcome<()> {
    println!(
        "\n(e) A server moves from its self-signed certificate to one of a CA, without downtime."
    );
    let ca = pki::root("Company CA")?;
    let old = pki::self_signed("kms1", Some("kms1.example"))?;
    let new = pki::issued("kms1.example", &ca)?;
    let array_7 = pki::self_signed("array-7", None)?;

    let id: ServerId = "keys-1".parse()?;
    let mut on_system = stage.store();
    on_system.add_server(id.clone(), ["kms1.example".parse()?])?;
    on_system.install_pin(
        PinScope::Server(id.clone()),
        old.certificate.clone(),
        EntryOptions::new(),
    )?;
    on_system.install_authority(
        AuthorityScope::Server(id.clone()),
        ca.certificate.clone(),
        EntryOptions::new(),
    )?;

    // The system's configuration is made once; it follows what is published.
    let trust = LiveTrust::new(on_system.snapshot());
    let system = stage.system(trust.clone(), &array_7, &[])?;
    let with_old = stage.key_server(stage.clients(&array_7)?, &old, &[])?;
    let with_new = stage.key_server(stage.clients(&array_7)?, &new, &[])?;
    let both = |state: &str, old_is: ReasonCode, new_is: ReasonCode| -> Outcome<Visit> {
        let seen = visit(&with_old, &system, Some(&id), "kms1.example")?;
        show(&format!("{state}: self-signed"), &seen);
        expect(&seen.system, old_is)?;
        let seen = visit(&with_new, &system, Some(&id), "kms1.example")?;
        show(&format!("{state}: CA-signed"), &seen);
        expect(&seen.system, new_is)?;
        Ok(seen)
    };

    use ReasonCode::{AuthoritiesNotAsked, CaUsedAsEndEntity, ChainVerified, PinMatched};
    both("claimed", PinMatched, AuthoritiesNotAsked)?;

    on_system.migrate(&id, in_an_hour()?)?;
    trust.publish(on_system.snapshot())?;
    let seen = both("migrating", PinMatched, ChainVerified)?;
    let warnings = seen.system.verdict().map_or(&[][..], Verdict::warnings);
    if !matches!(warnings, [VerdictWarning::Migrating { .. }]) {
        return Err(format!("expected a warning of the migration, got {warnings:?}").into());
    }

    on_system.release(&id)?;
    trust.publish(on_system.snapshot())?;
    both("released", CaUsedAsEndEntity, ChainVerified)?;
    Ok(())
}

/// What all scenes share.
struct Stage {
    provider: Arc<CryptoProvider>,
    keys: KeyPolicy,
}

impl Stage {
    fn new(provider: Arc<CryptoProvider>) -> Self {
        let keys = tls::key_policy(&provider);
        Self { provider, keys }
    }

    /// An empty store, which trusts no peer.
    fn store(&self) -> TrustStore {
        TrustStore::new(self.keys)
    }

    /// What a key server has installed that knows one system.
    fn clients(&self, system: &Made) -> Outcome<TrustSnapshot> {
        let mut store = self.store();
        store.install_pin(
            PinScope::Clients,
            system.certificate.clone(),
            EntryOptions::new().with_label("array-7"),
        )?;
        Ok(store.snapshot())
    }

    /// The system's end, which presents `own` and then `issuers`.
    fn system(
        &self,
        trust: impl Into<LiveTrust>,
        own: &Made,
        issuers: &[&Made],
    ) -> Outcome<ClientConfigBuilder> {
        let (provider, policy) = (self.provider.clone(), Policy::new(self.keys));
        let identity = own.identity(issuers, &provider)?;
        Ok(ClientConfigBuilder::new(provider, trust, policy, identity))
    }

    /// The key server's end, which presents `own` and then `issuers`.
    fn key_server(
        &self,
        trust: impl Into<LiveTrust>,
        own: &Made,
        issuers: &[&Made],
    ) -> Outcome<ServerConfigBuilder> {
        let (provider, policy) = (self.provider.clone(), Policy::new(self.keys));
        let identity = own.identity(issuers, &provider)?;
        Ok(ServerConfigBuilder::new(provider, trust, policy, identity))
    }
}

fn in_an_hour() -> Outcome<UnixTime> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(UnixTime::since_unix_epoch(now + Duration::from_secs(3600)))
}

fn line(what: &str, system: &str, key_server: &str) {
    println!("    {what:<26} {system:<31} {key_server}");
}

fn show(what: &str, seen: &Visit) {
    line(what, &seen.system.to_string(), &seen.key_server.to_string());
    for warning in seen.system.verdict().map_or(&[][..], Verdict::warnings) {
        println!("        warning: {warning}");
    }
}

fn expect(end: &End, reason: ReasonCode) -> Outcome<()> {
    if end.reason() == Some(reason) {
        return Ok(());
    }
    Err(format!("expected {reason}, got: {end}").into())
}

fn expect_turned_away(end: &End) -> Outcome<()> {
    match end {
        End::TurnedAway(_) => Ok(()),
        End::Judged(verdict) => Err(format!("expected to be turned away, got: {verdict}").into()),
    }
}
