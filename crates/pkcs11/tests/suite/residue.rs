//! What is left of a PIN in the memory of the process, after the log-in.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use mutual_trust_pkcs11::{KeyType, Pin, PinSource, Token, TokenSettings};
use mutual_trust_test_support::residue::needles::{Kind, Needle};
use mutual_trust_test_support::residue::scan::{Index, scan};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;

use crate::support::{Place, alone_after, inside, softhsm};

/// Not in this program: made of what is.
fn pin() -> String {
    (0..24_u8)
        .map(|number| char::from(b'a' + number * 7 % 26))
        .collect()
}

/// Waits after a log-in, for the other process to look.
fn waits(place: &Place, source: PinSource) {
    let uri = place.uri("array", "link");
    let token = Token::open(&uri, Some(source), TokenSettings::new()).unwrap();
    let key = token
        .generate(&uri, KeyType::P256, &place.provider)
        .unwrap();
    let signer = key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
    signer.unwrap().sign(b"message").unwrap();
    fs::write(place.folder.join("ready"), "").unwrap();
    std::io::stdin().read_exact(&mut [0]).unwrap();
}

/// How often the PIN is found in the process of a test.
fn found(name: &str, test: impl FnOnce(&Place)) -> Option<usize> {
    let mut count = None;
    alone_after(name, test, |folder| {
        let environment = softhsm(folder, &[])?;
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "array"])
            .args(["--pin", &pin(), "--so-pin", "12345678"])
            .envs(environment.clone())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let file = folder.join("pin");
        fs::write(&file, pin()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let mut child = inside(name, folder, environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while !folder.join("ready").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it has ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        let needles = [Needle::new(Kind::Passphrase, "PIN", pin().into_bytes())];
        let findings = scan(child.id(), &Index::new(&needles), true);
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"\n").unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        assert!(findings.bytes > 1 << 20, "{}", findings.bytes);
        for hit in &findings.hits {
            eprintln!("{hit:?}");
        }
        count = Some(findings.hits.len());
        // It has run already.
        None::<(_, ())>
    });
    count
}

#[test]
fn a_pin_of_a_file_is_gone_after_the_log_in() {
    let left = found(
        "residue::a_pin_of_a_file_is_gone_after_the_log_in",
        |place| {
            waits(place, PinSource::file(place.folder.join("pin")));
        },
    );
    assert!(left.is_none_or(|left| left == 0), "{left:?}");
}

/// What shows that the other test finds something.
#[test]
fn a_pin_that_is_kept_is_there() {
    let left = found("residue::a_pin_that_is_kept_is_there", |place| {
        let file = fs::File::open(place.folder.join("pin")).unwrap();
        waits(place, PinSource::kept(Pin::read(file).unwrap()));
    });
    assert!(left.is_none_or(|left| left > 0), "{left:?}");
}
