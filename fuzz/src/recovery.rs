//! Recovers a store from a damaged file and the good version before it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::{env, fs, process};

use mutual_trust::admin::file::{UnknownRecords, write};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::certificate::Crl;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::{BlockSelector, Claim};
use mutual_trust::{
    AuthorityScope, Certificate, CurrentTime, EntryOptions, PinScope, Policy, ServerId,
    TrustSnapshot, TrustStore, decide,
};
use pki_types::UnixTime;

use crate::STORE_FILE_BYTES;
use crate::make::{Der, List, Name, Spec, Spelling};
use crate::snapshot::Snapshot;
use crate::store_file::fitting_lines;

const NOW: i64 = 1_798_761_600;
const YEAR: i64 = 365 * 24 * 60 * 60;

fn now() -> CurrentTime {
    let seconds = u64::try_from(NOW).unwrap();
    CurrentTime::Known(UnixTime::since_unix_epoch(core::time::Duration::from_secs(
        seconds,
    )))
}

fn certificate(subject: &'static str, key: u8, ca: bool) -> Certificate {
    let spec = Spec {
        from: NOW - YEAR,
        to: NOW + YEAR,
        names: vec![Name::Dns("a.kms.example")],
        ..Spec::new(subject, key, ca)
    };
    Certificate::from_der(&spec.der()).expect("it is good")
}

/// The pins of server `a` and of a client, and what is blocked.
static PEERS: LazyLock<[Certificate; 3]> = LazyLock::new(|| {
    [("a", 1), ("client", 2), ("gone", 3)].map(|(subject, key)| certificate(subject, key, false))
});

/// The version before the damaged one: two servers, one of them claimed; a client, a block, a revocation list.
pub(crate) fn good() -> TrustStore {
    let mut store = TrustStore::new(crate::keys()).with_clock(Arc::new(now()));
    let id = |id: &str| -> ServerId { id.parse().unwrap() };
    let [a, client, gone] = &*PEERS;
    let root = certificate("root", 4, true);
    let list = List {
        issuer: "root",
        signer: 4,
        number: 1,
        this_update: NOW - 1000,
        next_update: NOW + YEAR,
        serials: vec![vec![9]],
        broken: false,
        spelling: Spelling::default(),
    };
    let list = Crl::from_der(&list.der()).expect("it is good");
    let options = EntryOptions::new;
    let done = [
        store.add_server(id("a"), ["a.kms.example".parse().unwrap()]),
        store.add_server(id("b"), []),
        store.install_pin(PinScope::Server(id("a")), a.clone(), options()),
        store.install_pin(PinScope::Clients, client.clone(), options()),
        store.install_authority(AuthorityScope::AnyServer, root, options()),
        store.install_crl(list),
        Ok(store.block_selector(BlockSelector::certificate(gone))),
    ];
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    store.snapshot();
    store
}

fn accepts(view: &TrustSnapshot, at: usize) -> bool {
    let id: ServerId = "a".parse().unwrap();
    let leaf = PEERS[at].der();
    let question = match at {
        1 => VerifyRequest::client(leaf, &[], now()),
        _ => VerifyRequest::server(ExpectedServer::id(&id, None), leaf, &[], now()),
    };
    decide(view, &Policy::new(crate::keys()), &question).is_accepted()
}

/// A folder for the files, in memory where the system has that.
fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let above = if memory.is_dir() {
        memory
    } else {
        env::temp_dir()
    };
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    above.join(format!("mutual-trust-recovery-{}-{number}", process::id()))
}

/// Recovery from any damaged file trusts no peer that the good version before it does not trust. It keeps each claim,
/// block and checked issuer of that version, and its floor. The result is a store that opens.
pub fn recovery(data: &[u8]) -> bool {
    if data.len() > STORE_FILE_BYTES {
        return false;
    }
    static BEFORE: LazyLock<(String, Snapshot)> = LazyLock::new(|| {
        let store = good();
        let (text, _) =
            write(store.contents(), &UnknownRecords::default(), None).expect("it is small");
        (text, Snapshot::of(store.contents()))
    });
    let (text, before) = &*BEFORE;
    let folder = folder();
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("there is room");
    // Only lines with valid checks; recovery skips the others.
    let damaged = match std::str::from_utf8(data) {
        Ok(text) => fitting_lines(text).into_bytes(),
        Err(_) => data.to_vec(),
    };
    fs::write(folder.join("trust-store"), &damaged).expect("there is room");
    fs::write(folder.join("trust-store.previous"), text).expect("there is room");
    let settings = || DurableSettings::new(crate::keys()).with_clock(Arc::new(now()));
    let recovered = DurableStore::recover(&folder, settings());
    let told = match recovered {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
        Ok((store, report)) => {
            assert!(!report.to_string().is_empty());
            let after = Snapshot::of(store.contents());
            after.check(store.contents());
            compare(before, &after);
            for at in 0..PEERS.len() {
                let was = [true, true, false][at];
                assert!(
                    was || !accepts(store.contents(), at),
                    "peer {at} is trusted"
                );
            }
            drop(store);
            let (again, _) = DurableStore::open(&folder, settings()).expect("it is whole");
            assert_eq!(Snapshot::of(again.contents()), after);
            !report.blocks.is_empty() || !report.claims.is_empty() || !report.checked.is_empty()
        }
    };
    let _ = fs::remove_dir_all(&folder);
    told
}

fn compare(before: &Snapshot, after: &Snapshot) {
    assert!(after.generation > before.generation);
    assert!(after.floor >= before.floor, "the floor fell");
    for (key, held) in &after.entries {
        let was = before.entries.iter().find(|(other, _)| other == key);
        let (certificate, options, installed, disabled) = held;
        // A damaged file may disable it, and nothing else.
        let is_same = was.is_some_and(|(_, was)| {
            (&was.0, &was.1, &was.2) == (certificate, options, installed)
                && (was.3.is_none() || was.3 == *disabled)
        });
        assert!(is_same, "{key} came from a damaged file");
    }
    for block in &before.blocks {
        assert!(after.blocks.contains(block), "the block of {block} is gone");
    }
    for issuer in &before.checked {
        assert!(
            after.checked.contains(issuer),
            "{issuer} is not checked any more"
        );
    }
    for (id, server) in &before.servers {
        let kept = after.servers.get(id);
        let claimed = |claim| claim != Claim::Unclaimed;
        assert!(
            !claimed(server.claim) || kept.is_some_and(|kept| claimed(kept.claim)),
            "{id} lost its claim"
        );
    }
}
