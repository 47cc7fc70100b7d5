//! Loading never judges again what was judged when it was installed (rule I8).

use core::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use mutual_trust::admin::DurableStore;
use mutual_trust::admin::file::{StoreFile, read};
use mutual_trust::error::StoreError;
use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{
    AuthorityScope, ExpectedServer, Fingerprint, KeyPolicy, PinScope, Policy, ReasonCode,
    VerifyRequest, decide,
};
use pki_types::alg_id::ECDSA_SHA256;
use sha2::{Digest, Sha256};

use crate::durable::common::*;
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::*;

fn load_with(text: &str, keys: KeyPolicy) -> StoreFile {
    read(text.as_bytes(), keys, None).unwrap()
}

/// A store with a pin of RSA 2048, and its text.
fn with_rsa() -> (mutual_trust::Certificate, EntryKey, String) {
    let certificate = fixture("openssl-req-default");
    let mut store = store();
    store
        .add_server(server_id("keys-1"), [host("kms1.example")])
        .unwrap();
    let report = store
        .install_pin(server("keys-1"), certificate.clone(), options())
        .unwrap();
    let key = report.entries().items()[0].clone();
    (certificate, key, text_of(store.contents()))
}

fn reason(store: &mutual_trust::TrustStore, certificate: &mutual_trust::Certificate) -> ReasonCode {
    let id = server_id("keys-1");
    let question =
        VerifyRequest::server(ExpectedServer::id(&id, None), certificate.der(), &[], now());
    decide(store.contents(), &Policy::new(keys()), &question).reason()
}

#[test]
fn what_a_stricter_policy_would_refuse_is_held_and_accepts_nothing() {
    let (certificate, key, text) = with_rsa();
    let strict = keys().require_rsa_bits(3072).unwrap();
    let mut loaded = load_with(&text, strict);
    let [(disabled, why)] = loaded.report.disabled.items() else {
        panic!("{}", loaded.report);
    };
    assert_eq!(disabled, &key);
    assert!(why.contains("3072"), "{why}");
    assert!(loaded.report.to_string().contains(why), "{}", loaded.report);
    let entry = loaded.store.contents().entry(&key).unwrap();
    assert_eq!(entry.disabled(), Some(why.as_str()));
    assert!(entry.certificate().is_some());
    // It is held: its server stays claimed, and the peer is told why.
    assert_eq!(
        reason(&loaded.store, &certificate),
        ReasonCode::EntryDisabled
    );
    // It is not enabled as long as it would not be installed.
    assert!(matches!(loaded.store.enable(&key), Err(StoreError::Key(_))));
    loaded.store.remove(&key).unwrap();
}

#[test]
fn the_judgement_of_one_version_is_not_stored_for_the_next() {
    let (certificate, key, text) = with_rsa();
    let loaded = load_with(&text, keys().require_rsa_bits(3072).unwrap());
    assert_eq!(text_of(loaded.store.contents()), text);
    let again = load(&text).unwrap();
    assert_eq!(again.store.contents().entry(&key).unwrap().disabled(), None);
    assert_eq!(reason(&again.store, &certificate), ReasonCode::PinMatched);
}

#[test]
fn what_an_administrator_disabled_stays_disabled_under_any_policy() {
    let (_, key, text) = with_rsa();
    let mut loaded = load_with(&text, keys().require_rsa_bits(3072).unwrap());
    loaded.store.disable(&key, "ticket 5").unwrap();
    let text = text_of(loaded.store.contents());
    let again = load(&text).unwrap();
    let entry = again.store.contents().entry(&key).unwrap();
    assert_eq!(entry.disabled(), Some("ticket 5"));
    assert!(again.report.disabled.is_empty());
}

#[test]
fn a_provider_that_verifies_nothing_still_loads_everything() {
    let store = filled();
    let text = text_of(store.contents());
    let mut loaded = load_with(&text, KeyPolicy::new(&[]));
    // All but the pin of which only the fingerprint is there.
    assert_eq!(loaded.report.disabled.len(), 6);
    assert_eq!(loaded.report.entries, 7);
    assert_eq!(text_of(loaded.store.contents()), text);
    // What is claimed stays claimed.
    let claims = |store: &mutual_trust::TrustStore| {
        let servers = store.contents().servers();
        servers.map(|server| server.claim()).collect::<Vec<_>>()
    };
    assert_eq!(claims(&loaded.store), claims(&store));
    loaded.store.snapshot();
}

#[test]
fn an_authority_whose_own_signature_cannot_be_verified_any_more_stays_in_use() {
    let mut store = store();
    let scope = AuthorityScope::AnyServer;
    let report = store.install_authority(scope, ca("root").certificate(), options());
    let key = report.unwrap().entries().items()[0].clone();
    store
        .install_pin(PinScope::Clients, pin("own"), options())
        .unwrap();
    let text = text_of(store.contents());
    // A provider that knows its kind of key still, and ECDSA with SHA-256 no more.
    let mut algorithms = provider().signature_verification_algorithms.all.to_vec();
    algorithms.retain(|algorithm| algorithm.signature_alg_id() != ECDSA_SHA256);
    // Neither a pin nor an authority rests on the signature that it carries (I4, RFC 5280 section 6.1).
    let loaded = load_with(&text, KeyPolicy::new(algorithms.leak()));
    assert!(loaded.report.disabled.is_empty(), "{}", loaded.report);
    assert_eq!(
        loaded.store.contents().entry(&key).unwrap().disabled(),
        None
    );
}

#[test]
fn what_is_blocked_expired_or_past_its_end_is_loaded_as_it_was() {
    let mut store = store();
    store.add_server(server_id("a"), []).unwrap();
    let expired = fixture("expired");
    store.install_pin(server("a"), expired, options()).unwrap();
    let ends = options().with_end(at(NOW + DAY));
    let blocked = pin("a");
    store
        .install_pin(server("a"), blocked.clone(), ends)
        .unwrap();
    store.block(&blocked);
    let loaded = load(&text_of(store.contents())).unwrap();
    assert!(loaded.report.disabled.is_empty(), "{}", loaded.report);
    assert_eq!(facts(loaded.store.contents()), facts(store.contents()));
}

/// A certificate that an earlier version could read: here, bytes that never were one.
#[test]
fn a_certificate_that_cannot_be_read_any_more_is_held_and_written_back() {
    let (_, key, text) = with_rsa();
    let der = [0x30, 0x03, 0x02, 0x01, 0x05];
    let fingerprint = Fingerprint::from_bytes(Sha256::digest(der).into());
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        Base64::encode_string(&der)
    );
    let start = text.find("-----BEGIN").unwrap();
    let end = text.find("end groups").unwrap();
    let mut edited = text.replace(&key.fingerprint.to_string(), &fingerprint.to_string());
    edited.replace_range(start..end, &pem);
    let text = fitting(&edited);

    let mut loaded = load(&text).unwrap();
    let unread = EntryKey::new(Slot::Pin, Scope::Server(server_id("keys-1")), fingerprint);
    assert_eq!(loaded.report.disabled.items()[0].0, unread);
    let entry = loaded.store.contents().entry(&unread).unwrap();
    assert!(entry.certificate().is_none() && entry.disabled().is_some());
    assert_eq!(text_of(loaded.store.contents()), text);
    // Its bytes are lost by no call but its removal.
    assert!(matches!(
        loaded.store.enable(&unread),
        Err(StoreError::Unread(_))
    ));
    loaded.store.disable(&unread, "why").unwrap();
    loaded
        .store
        .update(&unread, options().with_label("x"))
        .unwrap();
    assert!(matches!(
        loaded.store.enable(&unread),
        Err(StoreError::Unread(_))
    ));
    let again = text_of(loaded.store.contents());
    assert!(again.contains(&pem), "{again}");
    let again = load(&again).unwrap();
    let entry = again.store.contents().entry(&unread).unwrap();
    assert_eq!(entry.disabled(), Some("why"));
}

#[test]
fn options_beyond_todays_limits_disable_their_entry_and_come_back() {
    let (_, key, text) = with_rsa();
    let long = format!("  label {}\n  installed", "x".repeat(129));
    let text = fitting(&text.replacen("  installed", &long, 1));
    let loaded = load(&text).unwrap();
    assert_eq!(loaded.report.disabled.items()[0].0, key);
    assert_eq!(text_of(loaded.store.contents()), text);
    // A fingerprint cannot match by public key.
    let store = filled();
    let text = text_of(store.contents());
    let edited = text.replacen("  label x\n", "  label x\n  match public-key\n", 1);
    let loaded = load(&fitting(&edited)).unwrap();
    assert_eq!(loaded.report.disabled.len(), 1);
}

/// An earlier version took an empty label. Its peer is not locked out by the next version.
#[test]
fn an_empty_label_is_loaded_as_it_is() {
    let (_, key, text) = with_rsa();
    let text = fitting(&text.replacen("  installed", "  label \n  installed", 1));
    let loaded = load(&text).unwrap();
    assert!(loaded.report.disabled.is_empty());
    let entry = loaded.store.contents().entry(&key).unwrap();
    assert!(entry.disabled().is_none());
    assert_eq!(entry.options().label(), Some(""));
    assert_eq!(text_of(loaded.store.contents()), text);
}

// I8, P3: an earlier version took any end.
#[test]
fn a_migration_that_lasts_too_long_is_loaded_as_it_is_and_reported() {
    let mut store = store();
    let id = server_id("keys-1");
    store.add_server(id.clone(), []).unwrap();
    store
        .install_pin(server("keys-1"), fixture("ee-p256"), options())
        .unwrap();
    store.migrate(&id, at(NOW + 366 * DAY)).unwrap();
    store.snapshot();
    let text = text_of(store.contents());
    assert!(load(&text).unwrap().report.long_migrations.is_empty());
    for until in ["2028-01-02T00:00:01Z", "9999-12-31T23:59:59Z"] {
        let long = text.replace("until 2028-01-02T00:00:00Z", &format!("until {until}"));
        let loaded = load(&fitting(&long)).unwrap();
        let [(server, end)] = loaded.report.long_migrations.items() else {
            panic!("{}", loaded.report);
        };
        assert_eq!(server, &id);
        let found = mutual_trust::certificate::Timestamp::from(*end).to_string();
        assert_eq!(found, until);
        let shown = loaded.report.to_string();
        let says = format!("migrates for too long: server keys-1, until {until}");
        assert!(shown.contains(&says), "{shown}");
        assert_eq!(text_of(loaded.store.contents()), fitting(&long));
        // As before: pins decide, and anything else goes to the authorities until the end that is written.
        let claim = loaded.store.contents().server(&id).unwrap().claim();
        let until = *end;
        assert_eq!(claim, mutual_trust::store::Claim::Migrating { until });
    }
}

const MEMBERS: usize = 4000;

/// A snapshot of that many servers in so many groups, with some pins for each group.
fn groups_text(groups: usize, pins: usize) -> String {
    let claim = if pins > 0 { "claimed" } else { "unclaimed" };
    let mut records = String::new();
    for group in 0..groups {
        let _ = writeln!(records, "group g{group:03} #");
    }
    for member in 0..MEMBERS {
        let group = member % groups;
        let _ = writeln!(
            records,
            "server s{member:05} {claim} #\n  group g{group:03}"
        );
    }
    for number in 0..pins {
        let group = number * groups / pins;
        let pin = bare(number);
        let _ = writeln!(records, "pin group g{group:03} {pin} #");
    }
    let counts = format!("groups {groups} servers {MEMBERS} entries {pins}");
    let _ = writeln!(records, "end {counts} blocks 0 checked 0 crls 0 #");
    let empty = text_of(store().contents());
    let head = &empty[..empty.find("\nend ").unwrap() + 1];
    fitting(&format!("{head}{records}"))
}

fn bare(number: usize) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    Fingerprint::from_bytes(bytes)
}

fn fastest(run: impl Fn()) -> Duration {
    let timed = || {
        let before = Instant::now();
        run();
        before.elapsed()
    };
    (0..3).map(|_| timed()).min().unwrap()
}

/// The members of a group are looked at once, however many pins the group has and however many members changed.
#[test]
fn one_large_group_loads_about_as_fast_as_many_small_ones() {
    const SMALL: usize = 100;
    let snapshot = |groups| {
        let text = groups_text(groups, 1000);
        fastest(|| drop(load(&text).unwrap()))
    };
    let journal = |groups| {
        let folder = Folder::new(&format!("loading-groups-{groups}"));
        fs::write(folder.file("trust-store"), groups_text(groups, 0)).unwrap();
        let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
        let claimed = store.change(|store| {
            for group in 0..groups {
                let scope = PinScope::Group(format!("g{group:03}").parse().unwrap());
                store.install_pin_fingerprint(scope, bare(group), options())?;
            }
            Ok(())
        });
        claimed.unwrap();
        fastest(|| drop(DurableStore::open(folder.path(), settings()).unwrap()))
    };
    let (one, many) = (snapshot(1), snapshot(SMALL));
    assert!(one < many * 4, "a snapshot: {one:?} {many:?}");
    let (one, many) = (journal(1), journal(SMALL));
    assert!(one < many * 4, "a change: {one:?} {many:?}");
}
