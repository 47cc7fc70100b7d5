//! Sequences of calls of the C interface.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, process};

use mutual_trust::Certificate;
use mutual_trust::admin::file::{UnknownRecords, write};
use mutual_trust_capi::fuzz::World;

use crate::C_CALLS_BYTES;
use crate::make::{Der, List, Name, Spec, Spelling, Usage};

/// 2027-01-01.
const NOW: i64 = 1_798_761_600;
const YEAR: i64 = 365 * 24 * 60 * 60;

fn spec(subject: &'static str, key: u8, ca: bool) -> Spec {
    Spec {
        from: NOW - YEAR,
        to: NOW + YEAR,
        names: vec![Name::Dns("a.kms.example")],
        ..Spec::new(subject, key, ca)
    }
}

/// What is passed as data: certificates, a list, keys of seals, a store file. The seeds count on their order: append.
fn data() -> Vec<Vec<u8>> {
    let both = Usage {
        server: true,
        client: true,
        any: false,
    };
    let leaf = Spec {
        issuer: "root",
        signer: 4,
        usage: Some(both),
        names: vec![Name::Dns("a.kms.example"), Name::Dns("c.arrays.example")],
        ..spec("leaf", 5, false)
    };
    let list = List {
        issuer: "root",
        signer: 4,
        number: 1,
        this_update: NOW - 1000,
        next_update: NOW + YEAR,
        serials: vec![vec![9]],
        broken: false,
        spelling: Spelling::Utf8,
    };
    let pin = spec("a", 1, false).der();
    let root = spec("root", 4, true).der();
    let pem = |der: &[u8]| Certificate::from_der(der).expect("it is good").to_pem();
    let store = crate::recovery::good().snapshot();
    let (file, _) = write(&store, &UnknownRecords::default(), None).expect("it can be written");
    vec![
        pin.clone(),
        spec("client", 2, false).der(),
        root.clone(),
        leaf.der(),
        list.der(),
        pem(&pin).into_bytes(),
        pem(&root).into_bytes(),
        vec![7; 32],
        file.into_bytes(),
        b"junk".to_vec(),
    ]
}

/// What is passed as text. The seeds count on their order: append.
fn texts(data: &[Vec<u8>]) -> Vec<String> {
    let known = [
        "",
        "a",
        "b",
        "a.kms.example",
        "b.kms.example",
        "group",
        "192.0.2.1",
        "alice",
        "a label\n",
        "dns:*.arrays.example",
        "not a name!",
        "10.0.0.7",
    ];
    let fingerprint = |der: &Vec<u8>| Some(Certificate::from_der(der).ok()?.fingerprint());
    let fingerprints = data.iter().filter_map(fingerprint);
    let known = known.map(str::to_owned).into_iter();
    known
        .chain(fingerprints.map(|one| one.to_string()))
        .collect()
}

static KNOWN: LazyLock<(Vec<Vec<u8>>, Vec<String>)> = LazyLock::new(|| {
    let data = data();
    let texts = texts(&data);
    (data, texts)
});

/// A folder that is gone afterwards. In memory, if there is such a place: stores wait for their disk.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            memory.to_owned()
        } else {
            env::temp_dir()
        };
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("mutual-trust-c-calls-{}-{next}", process::id()));
        for folder in ["first", "second"] {
            fs::create_dir_all(path.join(folder)).expect("the folder can be made");
        }
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Calls of functions of the C interface, with NULL, lengths that cannot be, and buffers of any size among their
/// arguments. No call panics. A call without what it needs does nothing. An output is written in any case, and nothing
/// behind a buffer. A connection may be used if and only if its peer was judged with yes in the same handshake, and its
/// session is not resumed. Every handle can be freed. Returns whether a peer was accepted.
pub fn c_calls(bytes: &[u8]) -> bool {
    if bytes.len() > C_CALLS_BYTES {
        return false;
    }
    let scratch = Scratch::new();
    let (data, texts) = &*KNOWN;
    let world = World {
        data: data.clone(),
        texts: texts.clone(),
        folder: scratch.0.clone(),
        now: NOW,
    };
    mutual_trust_capi::fuzz::run(bytes, &world)
}
