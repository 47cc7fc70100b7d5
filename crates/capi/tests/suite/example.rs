//! The example of the guide: an array that reads a key over KMIP, built and run as the guide says.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;

use mutual_trust::tls::TlsVersion;
use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::link::Setting;
use mutual_trust_test_support::pki::{self, Made};
use mutual_trust_test_support::plain::Credential;
use mutual_trust_test_support::provider;
use rustls::{ServerConnection, Stream};

use super::kit::{Kit, Stack, kit, package, run};

/// A structure, text or number of KMIP.
fn item(tag: u32, kind: u8, value: &[u8]) -> Vec<u8> {
    let mut item = tag.to_be_bytes()[1..].to_vec();
    item.push(kind);
    item.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    item.extend(value);
    item.resize(item.len().next_multiple_of(8), 0);
    item
}

fn number(tag: u32, kind: u8, value: u32) -> Vec<u8> {
    item(tag, kind, &value.to_be_bytes())
}

/// A request for a key, as the example must write it.
fn request(name: &str) -> Vec<u8> {
    let version = [number(0x42_006A, 2, 1), number(0x42_006B, 2, 2)].concat();
    let header = [item(0x42_0069, 1, &version), number(0x42_000D, 2, 1)].concat();
    let payload = item(0x42_0094, 7, name.as_bytes());
    let asked = [number(0x42_005C, 5, 10), item(0x42_0079, 1, &payload)].concat();
    let message = [item(0x42_0077, 1, &header), item(0x42_000F, 1, &asked)].concat();
    item(0x42_0078, 1, &message)
}

/// An answer, with a key or without.
fn answer(key: Option<&[u8]>) -> Vec<u8> {
    let version = [number(0x42_006A, 2, 1), number(0x42_006B, 2, 2)].concat();
    let header = [item(0x42_0069, 1, &version), number(0x42_000D, 2, 1)].concat();
    let found = match key {
        Some(key) => {
            let material = item(0x42_0043, 8, key);
            let block = [
                number(0x42_0042, 5, 1),
                item(0x42_0045, 1, &material),
                number(0x42_0028, 5, 3),
            ];
            let object = item(0x42_008F, 1, &item(0x42_0040, 1, &block.concat()));
            let payload = [
                number(0x42_0057, 5, 2),
                item(0x42_0094, 7, b"key-1"),
                object,
            ]
            .concat();
            [number(0x42_007F, 5, 0), item(0x42_007C, 1, &payload)].concat()
        }
        None => [
            number(0x42_007F, 5, 1),
            number(0x42_007E, 5, 1),
            item(0x42_007D, 7, b"no such key"),
        ]
        .concat(),
    };
    let batch = [number(0x42_005C, 5, 10), found].concat();
    let message = [item(0x42_007A, 1, &header), item(0x42_000F, 1, &batch)].concat();
    item(0x42_007B, 1, &message)
}

/// Answers one array with these bytes.
fn key_server(peer: &Made, answer: Vec<u8>) -> (u16, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let setting = Setting {
        name: "kmip".into(),
        provider: provider(),
        version: TlsVersion::Tls13,
    };
    let config = setting.server_of(&Credential::of(peer, &[]));
    let serving = thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = Stream::new(&mut tls, &mut tcp);
        let expected = request("key-1");
        let mut asked = vec![0; expected.len()];
        if stream.read_exact(&mut asked).is_ok() {
            assert_eq!(asked, expected);
            let _ = stream.write_all(&answer);
            let _ = stream.read(&mut asked);
        }
    });
    (port, serving)
}

/// An example, compiled by the line that stands in its head.
pub fn built(kit: &Kit, name: &str) -> std::path::PathBuf {
    let folder = kit.file("example");
    fs::create_dir_all(&folder).unwrap();
    let source = fs::read_to_string(package().join(format!("examples/{name}.c"))).unwrap();
    let line: String = source
        .lines()
        .skip_while(|line| !line.contains(" cc "))
        .take(2)
        .map(|line| line.trim_start_matches(" *").trim_end_matches('\\'))
        .collect();
    fs::write(folder.join(format!("{name}.c")), &source).unwrap();
    run(Command::new("sh")
        .args(["-ec", &line])
        .current_dir(&folder)
        .env("PKG_CONFIG_PATH", kit.prefix().join("lib/pkgconfig")));
    folder.join(name)
}

struct Array {
    program: std::path::PathBuf,
    libraries: std::path::PathBuf,
    folder: Folder,
}

impl Array {
    fn run(&self, words: &[&str]) -> Output {
        Command::new(&self.program)
            .args(words)
            .current_dir(self.folder.path())
            .env("LD_LIBRARY_PATH", &self.libraries)
            .output()
            .unwrap()
    }

    fn key(&self, peer: &Made, answer: Vec<u8>) -> (bool, String) {
        let (port, serving) = key_server(peer, answer);
        let words = [
            "key",
            "store",
            "keys-1",
            "localhost",
            &port.to_string(),
            "us.pem",
            "us.key",
            "key-1",
        ];
        let output = self.run(&words);
        serving.join().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

/// Valid now: the program reads the clock of the system.
pub fn long_lived(name: &str) -> Made {
    let spec = pki::spec(name).dns(name).server_auth().client_auth();
    let years = 100 * 365 * 24 * 60 * 60;
    spec.valid(-years / 10, years).self_signed()
}

#[test]
fn an_array_reads_a_key_over_kmip() {
    let Some(kit) = kit() else { return };
    if kit.peer(Stack::OpenSsl).is_none() {
        return;
    }
    let array = Array {
        program: built(kit, "array"),
        libraries: kit.prefix().join("lib"),
        folder: Folder::new("array"),
    };
    let (server, other, ours) = (
        long_lived("localhost"),
        long_lived("other"),
        long_lived("array-7"),
    );
    let write = |name: &str, text: String| fs::write(array.folder.file(name), text).unwrap();
    write("server.pem", server.certificate.to_pem());
    write("us.pem", ours.certificate.to_pem());
    write("us.key", ours.key.serialize_pem());
    fs::create_dir(array.folder.file("store")).unwrap();

    let installed = array.run(&["trust", "store", "keys-1", "localhost", "server.pem"]);
    assert!(installed.status.success(), "{installed:?}");

    // What is wrong stands there: the name of another server, a name that is none, a folder without a store.
    let said_by = |words: &[&str]| {
        let output = array.run(words);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = said_by(&["trust", "store", "keys-2", "localhost", "server.pem"]);
    assert!(said.contains("belongs to server keys-1"), "{said}");
    let said = said_by(&["trust", "store", "keys-2", "no name!", "server.pem"]);
    assert!(
        said.contains("not UTF-8, or not of the form") && !said.contains("there is no server"),
        "{said}"
    );
    let again = array.run(&["trust", "store", "keys-1", "localhost", "server.pem"]);
    assert!(again.status.success(), "{again:?}");
    fs::create_dir(array.folder.file("wrong")).unwrap();
    let words = [
        "key",
        "wrong",
        "keys-1",
        "localhost",
        "1",
        "us.pem",
        "us.key",
        "key-1",
    ];
    for _ in 0..2 {
        let said = said_by(&words);
        assert!(said.contains("There is no store"), "{said}");
    }

    // FIPS 197, appendix C.3, has this key; its check value is that of openssl.
    let key: Vec<u8> = (0..32).collect();
    let (ok, said) = array.key(&server, answer(Some(&key)));
    assert!(ok, "{said}");
    assert_eq!(said, "key-1: 256 bits, check value F29000\n");

    let (ok, said) = array.key(&server, answer(None));
    assert!(
        !ok && said.contains("the key server refuses: no such key"),
        "{said}"
    );

    let (ok, said) = array.key(&other, answer(Some(&key)));
    assert!(
        !ok && said.starts_with("refused: ") && !said.contains("refused: refused"),
        "{said}"
    );

    // Answers that are cut or say wrong lengths.
    let good = answer(Some(&key));
    for (index, byte) in [(4, 0x7f), (12, 0xff), (100, 0xff), (3, 9)] {
        let mut bad = good.clone();
        bad[index] = byte;
        let (ok, said) = array.key(&server, bad);
        assert!(!ok, "{index}: {said}");
    }
}
