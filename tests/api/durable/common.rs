//! A store with one of everything, and short words for files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::file::{StoreFile, UnknownRecords, read, write};
use mutual_trust::admin::{DurableSettings, DurableStore, Seal};
use mutual_trust::error::{StoreError, StoreFileError};
use mutual_trust::store::{BlockSelector, EntryKey, InstalledCrl, ValidityRule};
use mutual_trust::{
    AuthorityScope, Certificate, EntryOptions, Fingerprint, PinMatch, PinScope, TrustSnapshot,
    TrustStore,
};
use sha2::{Digest, Sha256};

use crate::support::crl::{crl, entry};
use crate::support::pki::{Made, spec};
use crate::support::*;

pub fn options() -> EntryOptions {
    EntryOptions::new()
}

pub fn server(id: &str) -> PinScope {
    PinScope::Server(server_id(id))
}

pub fn pin(name: &str) -> Certificate {
    spec(name).dns(name).self_signed().certificate
}

pub fn ca(name: &str) -> Made {
    spec(name).ca().self_signed()
}

/// Revocation lists of two CAs, with a third that is checked without one.
fn fill_crls(store: &mut TrustStore) -> Result<(), StoreError> {
    for name in ["Listed", "Listed too", "Without a list"] {
        let ca = ca(name);
        let scope = AuthorityScope::AnyServer;
        let report = store.install_authority(scope, ca.certificate(), options())?;
        let authority = report.entries().items()[0].clone();
        store.set_actor((name == "Listed").then_some("bob"))?;
        let revoking = crl().entry(entry(&[7])).entry(entry(&[9]));
        store.install_crl(revoking.signed_by(&ca))?;
        if name == "Listed" {
            // Beside the first: neither is told to be the newer one.
            store.install_crl(crl().no_number().entry(entry(&[5])).signed_by(&ca))?;
        }
        store.set_actor(None)?;
        // A list stands by itself.
        store.remove(&authority)?;
        if name == "Without a list" {
            let own = |list: &&InstalledCrl| list.issuer().name().contains(name);
            let held = store.contents().crls().find(own).unwrap();
            let fingerprint = held.crl().fingerprint();
            store.remove_crl(fingerprint)?;
        }
    }
    Ok(())
}

/// One of everything that a store can hold.
pub fn fill(store: &mut TrustStore) -> Result<(), StoreError> {
    let group = || "site-a".parse().unwrap();
    store.set_actor(Some("alice@example, ticket 7"))?;
    store.add_group(group())?;
    store.add_group("empty".parse().unwrap())?;
    let names = ["kms1.example", "192.0.2.7", "[2001:db8::7]"].map(host);
    store.add_server(server_id("keys-1"), names)?;
    store.add_server(server_id("keys-2"), [host("kms2.example")])?;
    store.add_server(server_id("keys-3"), [])?;
    store.join_group(&group(), &server_id("keys-2"))?;
    store.set_reference_names(&server_id("keys-3"), [host("a.example"), host("b.example")])?;
    let labelled = options().with_label("rack 4, left # server claimed");
    store.install_pin(server("keys-1"), pin("kms1"), labelled)?;
    let by_key = options()
        .with_matching(PinMatch::PublicKey)
        .with_validity(ValidityRule::Grace(Duration::from_millis(86_400_500)))
        .with_any_role()
        .with_end(at(NOW + 100 * DAY));
    store.install_pin(PinScope::Group(group()), pin("both"), by_key)?;
    store.set_actor(None)?;
    let bare = Fingerprint::from_bytes([7; 32]);
    let enforced = options()
        .with_validity(ValidityRule::Enforce)
        .with_label("x");
    store.install_pin_fingerprint(PinScope::Clients, bare, enforced)?;
    let patterns = ["dns:*.arrays.example", "ip:192.0.2.9", "uri:spiffe://e/a/*"];
    let patterns = options().with_san_patterns(patterns.map(|text| text.parse().unwrap()));
    let root = ca("Client root");
    store.install_authority(AuthorityScope::Clients, root.certificate(), patterns)?;
    store.install_authority(AuthorityScope::AnyServer, root.certificate(), options())?;
    let own = AuthorityScope::Server(server_id("keys-3"));
    store.install_authority(own, ca("Own root").certificate(), options())?;
    let below = spec("Issuing").ca().path_len(0).signed_by(&root);
    let report = store.install_intermediate(below.certificate(), options())?;
    store.disable(&report.entries().items()[0], "looked at: ticket 9")?;
    store.migrate(&server_id("keys-2"), at(NOW + 30 * DAY))?;
    for (number, name) in ["one", "two", "three", "four"].into_iter().enumerate() {
        let gone = pin(name);
        store.block_selector(match number {
            0 => BlockSelector::certificate(&gone),
            1 => BlockSelector::Fingerprint(gone.fingerprint()),
            2 => BlockSelector::Key(gone.key_pin()),
            _ => BlockSelector::issuer_serial(&gone),
        });
    }
    fill_crls(store)?;
    store.snapshot();
    Ok(())
}

pub fn filled() -> TrustStore {
    let mut store = store();
    fill(&mut store).unwrap();
    store
}

/// One certificate, one block, one claim, one revocation list: short enough that every byte of its text can be tried.
pub fn small() -> TrustStore {
    let mut store = store();
    store
        .add_server(server_id("a"), [host("a.example")])
        .unwrap();
    store.install_pin(server("a"), pin("a"), options()).unwrap();
    store.block_selector(BlockSelector::Key(pin("b").key_pin()));
    let root = ca("r");
    let done = store.install_authority(AuthorityScope::Clients, root.certificate(), options());
    let key = done.unwrap().entries().items()[0].clone();
    store.install_crl(crl().signed_by(&root)).unwrap();
    store.remove(&key).unwrap();
    store.snapshot();
    store
}

pub fn text_of(view: &TrustSnapshot) -> String {
    write(view, &UnknownRecords::default(), None).unwrap().0
}

pub fn load(text: &str) -> Result<StoreFile, StoreFileError> {
    read(text.as_bytes(), keys(), None)
}

/// A store in a folder, on the clock of the tests.
pub fn settings() -> DurableSettings {
    DurableSettings::new(keys()).with_clock(Arc::new(now()))
}

/// A filled store that was saved twice, so that there is one before it.
pub fn durable(folder: &Path) -> DurableStore {
    let mut store = DurableStore::create(folder, settings()).unwrap();
    store.change(fill).unwrap();
    store
}

/// Puts the last two versions into a file each, as version 1.0 does after every change: a snapshot, and beside it the one
/// before.
pub fn apart(folder: &Path) {
    let history = DurableStore::history(folder, &settings()).unwrap();
    let last = &history.changes.last().unwrap().head;
    let text = |generation| {
        let found = DurableStore::read_at(folder, &settings(), generation).unwrap();
        text_of(found.store.contents())
    };
    let (before, after) = (text(last.from), text(last.to));
    fs::write(folder.join("trust-store.previous"), before).unwrap();
    fs::write(folder.join("trust-store"), after).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A first line with its check: what stands before ` #` may have been edited.
pub fn checked(line: &str) -> String {
    let head = line.rsplit_once(" #").map_or(line, |(head, _)| head);
    let check = hex(&Sha256::digest(head.as_bytes())[..4]);
    format!("{head} #{check}")
}

/// A file whose checks and digest fit what stands in it: edited with knowledge of the format.
pub fn fitting(text: &str) -> String {
    let mut content = String::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("digest ") {
            break;
        }
        let has_check = number > 0 && !line.starts_with("  ") && line.contains(" #");
        let line = if has_check {
            checked(line)
        } else {
            line.to_owned()
        };
        content.push_str(&line);
        content.push('\n');
    }
    let digest = hex(&Sha256::digest(content.as_bytes()));
    format!("{content}digest sha256 {digest}\n")
}

/// The number of the first line that starts so, from 1.
pub fn line_of(text: &str, start: &str) -> usize {
    text.lines()
        .position(|line| line.starts_with(start))
        .unwrap()
        + 1
}

/// A code by a key; good enough for a test.
#[derive(Debug)]
pub struct Key;

impl Seal for Key {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        Sha256::digest([b"key", content].concat()).to_vec()
    }

    fn verify(&self, content: &[u8], seal: &[u8]) -> bool {
        self.seal(content) == seal
    }
}

/// The key of the entry with this label.
pub fn key_of(view: &TrustSnapshot, label: &str) -> EntryKey {
    let entries = view.entries();
    let found = entries
        .iter()
        .find(|entry| entry.options().label() == Some(label));
    found.unwrap().key()
}

/// All files of a folder with their content, without the empty lock.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    names
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .filter(|(name, _)| name != "trust-store.lock")
        .collect()
}
