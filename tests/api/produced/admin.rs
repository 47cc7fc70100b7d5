//! The store's file, durable stores, followed sources, plans and windows.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::file::{UnknownRecords, read, write};
use mutual_trust::admin::{
    Counter, DurableSettings, DurableStore, Feeds, Follower, LockoutAllowance, PeerHistory, Seal,
    Source, Windows, guard,
};
use mutual_trust::error::{DurableError, PlanError, StoreError};
use mutual_trust::limits::{MAX_SOURCES, MAX_STORE_LINE, MAX_STORE_WITH_JOURNAL};
use mutual_trust::observe::Observation;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{EntryOptions, PinScope, TrustStore, decide};
use pki_types::CertificateDer;

use crate::produced::Produced;
use crate::support::Lists as _;
use crate::support::folder::Folder;
use crate::support::pki::self_signed;
use crate::support::{keys, now, policy, server_id, store};

pub(crate) fn produce(produced: &mut Produced) {
    files(produced);
    durable(produced);
    recovered(produced);
    let source = |name: &str| Source::new(name, "/nowhere", Feeds::Pins(PinScope::Clients));
    produced.error(Follower::new([source("")]));
    let many = (0..=MAX_SOURCES).map(|number| source(&number.to_string()));
    produced.error(Follower::new(many));
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    produced.error(Windows::new(hours(2), hours(24), hours(1)));
    produced.error(Windows::new(hours(48), hours(1), Duration::from_secs(1)));
    plans(produced);
}

fn filled() -> TrustStore {
    let mut store = store();
    for id in ["a", "b"] {
        let _ = store.add_server(server_id(id), []).unwrap();
    }
    let scope = PinScope::Server(server_id("a"));
    let certificate = self_signed("a").certificate();
    let _ = store
        .install_pin(scope, certificate, EntryOptions::new())
        .unwrap();
    store
}

/// Seals with so many bytes, and takes no seal.
#[derive(Debug)]
struct Bytes(usize);

impl Seal for Bytes {
    fn seal(&self, _: &[u8]) -> Vec<u8> {
        vec![7; self.0]
    }

    fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

fn files(produced: &mut Produced) {
    let store = filled();
    let kept = UnknownRecords::default();
    let (text, _) = write(store.contents(), &kept, None).unwrap();
    let long = format!(
        "mutual-trust store 1.0\n{}\n",
        "x".repeat(MAX_STORE_LINE + 1)
    );
    let digest = text.rfind("digest sha256 ").unwrap() + "digest sha256 ".len();
    let mut other = text.clone();
    let digit = if other.as_bytes()[digest] == b'0' {
        "1"
    } else {
        "0"
    };
    other.replace_range(digest..=digest, digit);
    // Server b has the id of a, with the right check and digest.
    let twice = fitting(&text.replace("server b", "server a"));
    for bad in [
        String::new(),
        long,
        text[..text.len() / 2].to_owned(),
        text.replacen("1.0", "3.0", 1),
        text.replacen("claimed", "claimet", 1),
        format!("{text}more\n"),
        text.replacen("server a", "server \u{202e}a", 1),
        twice,
        other,
    ] {
        produced.error(read(bad.as_bytes(), keys(), None));
    }
    produced.error(read(&vec![0; MAX_STORE_WITH_JOURNAL + 1], keys(), None));
    produced.error(read(text.as_bytes(), keys(), Some(&Bytes(8))));
    let (sealed, _) = write(store.contents(), &kept, Some(&Bytes(8))).unwrap();
    produced.error(read(sealed.as_bytes(), keys(), Some(&Bytes(8))));
    produced.error(write(store.contents(), &kept, Some(&Bytes(0))));
}

/// The text with checks and a digest that fit.
fn fitting(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let mut content = String::new();
    for line in text.lines().take_while(|line| !line.starts_with("digest ")) {
        let line = match line.rsplit_once(" #") {
            Some((head, _)) if !line.starts_with("  ") && !content.is_empty() => {
                format!("{head} #{}", hex(&Sha256::digest(head.as_bytes())[..4]))
            }
            _ => line.to_owned(),
        };
        content.push_str(&line);
        content.push('\n');
    }
    let digest = hex(&Sha256::digest(content.as_bytes()));
    format!("{content}digest sha256 {digest}\n")
}

fn settings() -> DurableSettings {
    DurableSettings::new(keys()).with_clock(Arc::new(now()))
}

#[derive(Debug)]
struct Broken;

impl Counter for Broken {
    fn read(&self) -> io::Result<u64> {
        Err(io::ErrorKind::TimedOut.into())
    }

    fn raise(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// A seal that takes each.
#[derive(Debug)]
struct Any;

impl Seal for Any {
    fn seal(&self, _: &[u8]) -> Vec<u8> {
        vec![7]
    }

    fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

fn durable(produced: &mut Produced) {
    let folder = Folder::new("produced-durable");
    let path = folder.path();
    produced.error(DurableStore::open(path, settings()));
    produced.error(DurableStore::open(&folder.file("nowhere"), settings()));
    produced.error(DurableStore::create(
        path,
        settings().with_seal(Arc::new(Bytes(0))),
    ));
    let mut store = DurableStore::create(path, settings()).unwrap();
    let lock = fs::File::options()
        .write(true)
        .open(folder.file("trust-store.lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    produced.error(DurableStore::open(path, settings()));
    drop(lock);
    produced.error(DurableStore::read_at(path, &settings(), 1000));
    let there = folder.file("trust-store");
    produced.error(DurableStore::backup(path, &settings(), &there));
    let add = |store: &mut TrustStore| store.add_server(server_id("a"), []);
    let _ = store.change(add).unwrap();
    produced.error(store.change(add));
    produced.error(store.change(|store| {
        *store = TrustStore::new(keys());
        Ok(())
    }));
    let mut other = filled();
    for _ in 0..100 {
        let _ = other.reset_floor(None);
    }
    store.live().publish(other.snapshot()).unwrap();
    produced.error(store.change(|store| store.add_server(server_id("c"), [])));
    drop(store);
    produced.error(DurableStore::create(path, settings()));
    produced.error(DurableStore::open(
        path,
        settings().with_minimum_generation(1000),
    ));
    produced.error(DurableStore::open(
        path,
        settings().with_counter(Arc::new(Broken)),
    ));

    let gone = Folder::new("produced-gone");
    let mut store = DurableStore::create(gone.path(), settings()).unwrap();
    fs::remove_dir_all(gone.path()).unwrap();
    produced.error(store.change(add));

    let folder = Folder::new("produced-lost");
    fs::write(folder.file("trust-store.previous"), "an older store").unwrap();
    produced.error(DurableStore::create(folder.path(), settings()));
    let folder = Folder::new("produced-no-file");
    fs::create_dir(folder.file("trust-store")).unwrap();
    produced.error(DurableStore::create(folder.path(), settings()));
    let folder = Folder::new("produced-sealed");
    let sealed = settings().with_seal(Arc::new(Any));
    drop(DurableStore::create(folder.path(), sealed).unwrap());
    produced.error(DurableStore::read_backup(
        &folder.file("trust-store"),
        &settings(),
    ));
    let (mut store, _) = DurableStore::open(folder.path(), settings()).unwrap();
    match produced.error(store.change(add)) {
        DurableError::Unwritable(source) => produced.value(&source),
        other => panic!("{other}"),
    }
}

fn recovered(produced: &mut Produced) {
    let folder = Folder::new("produced-recovered");
    let path = folder.path();
    drop(DurableStore::create(path, settings()).unwrap());
    produced.error(DurableStore::recover(path, settings()));
    fs::write(folder.file("trust-store"), "not a store\n").unwrap();
    match produced.error(DurableStore::open(path, settings())) {
        DurableError::File { source, .. } => produced.value(&source),
        other => panic!("{other}"),
    }
    produced.error(DurableStore::recover(path, settings()));
}

fn plans(produced: &mut Produced) {
    let made = self_signed("a");
    let mut store = store();
    let id = server_id("a");
    let _ = store.add_server(id.clone(), []).unwrap();
    let scope = PinScope::Server(id.clone());
    let report = store
        .install_pin(scope, made.certificate(), EntryOptions::new())
        .unwrap();
    let key = report.entries().items()[0].clone();
    let mut seen = PeerHistory::default();
    let view = store.snapshot();
    let leaf = CertificateDer::from(made.certificate.der().to_vec());
    let question = VerifyRequest::server(ExpectedServer::id(&id, None), &leaf, &[], now());
    let verdict = decide(&view, &policy(), &question);
    assert!(verdict.is_accepted());
    seen.observe(&Observation::new(
        Arc::new(verdict),
        vec![leaf],
        now(),
        true,
    ));
    let none = LockoutAllowance::none();
    let refuse = |store: &mut TrustStore| store.add_server(server_id("a"), []);
    let stale: PlanError =
        produced.error(guard(&mut store, &policy(), &seen, now(), &none, refuse));
    assert!(matches!(
        stale,
        PlanError::Store(StoreError::ServerExists(_))
    ));
    produced.error(guard(&mut store, &policy(), &seen, now(), &none, |store| {
        store.remove(&key)
    }));
}
