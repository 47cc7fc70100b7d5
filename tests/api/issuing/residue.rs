//! What generating a key, and signing a certificate and a request with it, leaves in the memory of a process. The
//! process is this program again. The parent knows what to search for, and the child never had that.
//!
//! `tests/residue` covers loading and handshakes, and provides the secrets in all their forms.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use mutual_trust::Certificate;
use mutual_trust::identity::{CertificateRequest, GeneratedKey, IfExists, KeyType, write_private};
use mutual_trust::tls::SigningKeyPair;

use crate::issuing::made::spec;
use crate::support::folder::Folder;
use crate::support::residue::keys::{Fixture, signed_parts};
use crate::support::residue::needles::{Kind, Needle, check, of_fixture, of_signature};
use crate::support::residue::scan::{Hit, Index, Place, pieces};
use crate::support::{now, provider};

const FOLDER: &str = "MUTUAL_TRUST_TEST_RESIDUE";
const TYPE: &str = "MUTUAL_TRUST_TEST_KEY_TYPE";
const PLANT: &str = "MUTUAL_TRUST_TEST_PLANT";

/// Generates and uses a key in the processes that the tests below start. Does nothing otherwise.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let kind = std::env::var(TYPE).unwrap();
    let kind = KeyType::ALL.iter().find(|found| found.to_string() == kind);
    let provider = provider();
    moment("start");
    let new = GeneratedKey::generate(*kind.unwrap()).unwrap();
    moment("made");
    new.write(folder.join("own.key"), IfExists::Refuse).unwrap();
    moment("written");
    let planted = std::env::var(PLANT).is_ok();
    let planted = planted.then(|| fs::read(folder.join("own.key")).unwrap());
    let key = SigningKeyPair::new(new.into_key().unwrap(), &provider).unwrap();
    moment("loaded");
    let identity = key.self_signed(&spec(), 30, now()).unwrap();
    let pem = identity.certificate().to_pem();
    write_private(folder.join("own.pem"), pem.as_bytes(), IfExists::Refuse).unwrap();
    moment("signed");
    let request = key.request(&spec()).unwrap();
    request
        .write(folder.join("own.csr"), IfExists::Refuse)
        .unwrap();
    moment("requested");
    drop((key, identity));
    moment("dropped");
    drop(planted);
}

/// Waits until the parent has searched.
fn moment(name: &str) {
    println!("moment {name}");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_exact(&mut [0]).unwrap();
}

struct Looked {
    child: Child,
    said: BufReader<ChildStdout>,
    go: ChildStdin,
}

impl Looked {
    fn start(folder: &Folder, kind: KeyType, plant: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "issuing::residue::child", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(TYPE, kind.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if plant {
            command.env(PLANT, "1");
        }
        let mut child = command.spawn().unwrap();
        Self {
            said: BufReader::new(child.stdout.take().unwrap()),
            go: child.stdin.take().unwrap(),
            child,
        }
    }

    fn wait_for(&mut self, name: &str) {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if line.trim_end().ends_with(&format!("moment {name}")) {
                return;
            }
            line.clear();
        }
        panic!("the child did not come to {name}");
    }

    fn go_on(&mut self) {
        self.go.write_all(b"x").unwrap();
    }

    /// All writable memory with its addresses.
    fn memory(&self) -> Vec<(u64, Vec<u8>)> {
        let process = self.child.id();
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
        let memory = File::open(format!("/proc/{process}/mem")).unwrap();
        let mut found = Vec::new();
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (from, to) = fields.next().unwrap().split_once('-').unwrap();
            let permissions = fields.next().unwrap();
            if !permissions.starts_with("rw") || line.ends_with("[vvar]") {
                continue;
            }
            let from = u64::from_str_radix(from, 16).unwrap();
            let to = u64::from_str_radix(to, 16).unwrap();
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            memory.read_exact_at(&mut bytes, from).unwrap();
            found.push((from, bytes));
        }
        found
    }
}

impl Drop for Looked {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Memory = Vec<(u64, Vec<u8>)>;

/// Runs the child to its end. Returns its memory at each moment, and what to search for.
fn run(kind: KeyType, plant: bool) -> (Vec<(&'static str, Memory)>, Vec<Needle>) {
    let folder = Folder::new(&format!("residue-{kind}-{plant}"));
    let mut child = Looked::start(&folder, kind, plant);
    let mut looks = Vec::new();
    for name in [
        "start",
        "made",
        "written",
        "loaded",
        "signed",
        "requested",
        "dropped",
    ] {
        child.wait_for(name);
        looks.push((name, child.memory()));
        child.go_on();
    }
    drop(child);

    let read = |name: &str| fs::read(folder.file(name)).unwrap();
    let certificate = Certificate::from_pem(&read("own.pem")).unwrap();
    let request = CertificateRequest::from_pem(&read("own.csr")).unwrap();
    let fixture = Fixture::of_file(folder.file("own.key").to_str().unwrap());
    let mut needles = of_fixture(&fixture);
    for (number, signed) in [certificate.der(), request.der()].into_iter().enumerate() {
        let (message, signature) = signed_parts(signed);
        let number = u16::try_from(number).unwrap();
        needles.extend(of_signature(&fixture.key, number, message, signature));
    }
    (looks, needles)
}

#[test]
fn making_a_key_and_signing_with_it_leave_nothing_but_the_live_copy() {
    // K2
    check();
    for kind in [
        KeyType::P256,
        KeyType::P384,
        KeyType::Ed25519,
        KeyType::Rsa2048,
    ] {
        let (looks, needles) = run(kind, false);
        let index = Index::new(&needles);
        for (name, memory) in looks {
            let found = find(&index, &memory);
            let none = name == "start" || name == "dropped";
            let good = |kind: Kind| kind == Kind::Key && !none;
            let bad: Vec<_> = found.iter().filter(|hit| !good(hit.kind)).collect();
            assert!(bad.is_empty(), "{kind}, {name}: {bad:?}");
            // One copy: the numbers of the key in our buffer, or in the provider's with its precomputed values.
            let most = match (kind, name) {
                (KeyType::Rsa2048, "made" | "written") => 6,
                (KeyType::Rsa2048, _) => 16,
                _ => 1,
            };
            assert!(pieces(&found) <= most, "{kind}, {name}: {found:?}");
        }
    }
}

/// The copies in the memory of a process, in parts that are long enough to count.
fn find(index: &Index<'_>, memory: &[(u64, Vec<u8>)]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (address, bytes) in memory {
        index.search(bytes, *address, |_| Place::Heap, &mut hits);
    }
    hits.retain(|hit| hit.length >= hit.least);
    hits
}

#[test]
fn a_copy_that_is_kept_is_found() {
    let (looks, needles) = run(KeyType::P256, true);
    let index = Index::new(&needles);
    for (name, memory) in looks {
        let found = find(&index, &memory);
        let planted = found.iter().any(|hit| hit.kind == Kind::Text);
        let kept = matches!(name, "loaded" | "signed" | "requested" | "dropped");
        assert_eq!(planted, kept, "{name}: {found:?}");
    }
}
