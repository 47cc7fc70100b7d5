//! `identity`: keys are their owner's alone, and nothing is written over.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use mutual_trust::Certificate;
use rcgen::{CertificateParams, CertificateSigningRequestParams, Issuer, KeyPair};

use crate::folder::Folder;
use crate::run::{Ran, machine, run};

fn mode(folder: &Folder, name: &str) -> u32 {
    fs::metadata(folder.file(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

fn read(folder: &Folder, name: &str) -> Certificate {
    let all = Certificate::many_from_pem(&fs::read(folder.file(name)).unwrap()).unwrap();
    all[0].clone()
}

/// No line of the key is in what was said.
#[track_caller]
fn silent(folder: &Folder, key: &str, ran: &Ran) {
    let text = fs::read_to_string(folder.file(key)).unwrap();
    for line in text.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!ran.all().contains(line), "{}", ran.all());
    }
}

#[test]
fn a_new_identity_is_private_and_kept() {
    let folder = Folder::new("cli-new");
    for kind in ["p256", "p384", "ed25519", "rsa2048", "ml-dsa-65"] {
        let line = format!(
            "identity new array-7 --host array-7.example --host 192.0.2.7 --type {kind} --days 30 --identity {kind}.pem --key {kind}.key"
        );
        let ran = run(&folder, &line).ends_with(0);
        silent(&folder, &format!("{kind}.key"), &ran);
        assert_eq!(mode(&folder, &format!("{kind}.key")), 0o600);
        assert_eq!(mode(&folder, &format!("{kind}.pem")), 0o644);
        let made = read(&folder, &format!("{kind}.pem"));
        let names: Vec<String> = made.names().map(|name| name.to_string()).collect();
        assert_eq!(names, ["dns:array-7.example", "ip:192.0.2.7"]);
        let found = run(
            &folder,
            &format!("identity show --identity {kind}.pem --key {kind}.key --json"),
        )
        .ends_with(0);
        silent(&folder, &format!("{kind}.key"), &found);
        assert_eq!(
            found.json()["chain"][0]["fingerprint"],
            made.fingerprint().to_string()
        );
    }
    let before = (
        fs::read(folder.file("p256.key")).unwrap(),
        fs::read(folder.file("p256.pem")).unwrap(),
    );
    for line in [
        "identity new other --identity p256.pem --key other.key",
        "identity new other --identity other.pem --key p256.key",
    ] {
        run(&folder, line).ends_with(2).says("error[write/Exists]");
    }
    assert_eq!(
        (
            fs::read(folder.file("p256.key")).unwrap(),
            fs::read(folder.file("p256.pem")).unwrap()
        ),
        before
    );
    assert!(!folder.file("other.key").exists() && !folder.file("other.pem").exists());
    run(&folder, "identity show --identity p256.pem --key p384.key")
        .ends_with(2)
        .says("error[identity/KeyMismatch]");
    run(&folder, "identity show")
        .ends_with(2)
        .says("--identity");
}

#[test]
fn an_identity_is_renewed_with_its_key_and_with_another() {
    let folder = Folder::new("cli-renew");
    machine(&folder, "array-7");
    let old = read(&folder, "array-7.pem");
    let line = "identity renew --identity array-7.pem --key array-7.key";
    run(&folder, &format!("{line} --out same.pem --days 900"))
        .ends_with(0)
        .says("beside the old one");
    let same = read(&folder, "same.pem");
    assert_eq!(same.key_pin(), old.key_pin());
    assert!(same.validity().not_after() > old.validity().not_after());
    let ran = run(
        &folder,
        &format!("{line} --new-key next.key --out next.pem"),
    )
    .ends_with(0);
    silent(&folder, "next.key", &ran);
    let next = read(&folder, "next.pem");
    assert_eq!(next.subject(), old.subject());
    assert_ne!(next.key_pin(), old.key_pin());
    assert_eq!(mode(&folder, "next.key"), 0o600);
    run(&folder, "identity show --identity next.pem --key next.key").ends_with(0);
    run(&folder, &format!("{line} --out same.pem"))
        .ends_with(2)
        .says("error[write/Exists]");
}

#[test]
fn a_request_is_answered_and_installed() {
    let folder = Folder::new("cli-request");
    let line =
        "identity request array-7 --host array-7.example --key array-7.key --request array-7.csr";
    let ran = run(&folder, line).ends_with(0).says("key pin: ");
    silent(&folder, "array-7.key", &ran);
    assert_eq!(mode(&folder, "array-7.key"), 0o600);

    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = Issuer::new(ca, &ca_key);
    let csr = fs::read_to_string(folder.file("array-7.csr")).unwrap();
    let answer = CertificateSigningRequestParams::from_pem(&csr)
        .unwrap()
        .signed_by(&issuer)
        .unwrap();
    fs::write(folder.file("answer.pem"), answer.pem()).unwrap();
    let install = "identity install answer.pem --request array-7.csr --key array-7.key --identity array-7.pem";
    run(&folder, install)
        .ends_with(0)
        .says("dns:array-7.example");
    run(
        &folder,
        "identity show --identity array-7.pem --key array-7.key",
    )
    .ends_with(0);

    // The key is used again, and an answer to another request is refused.
    machine(&folder, "other");
    run(
        &folder,
        "identity request array-7 --key other.key --request other.csr",
    )
    .ends_with(0);
    let wrong =
        "identity install answer.pem --request other.csr --key other.key --identity wrong.pem";
    run(&folder, wrong)
        .ends_with(2)
        .says("error[issue/AnswerToAnother]");
    assert!(!folder.file("wrong.pem").exists());
}

/// A key that no certificate or request belongs to would stand in the way of the next try.
#[test]
fn no_key_is_left_where_what_it_is_for_cannot_be_written() {
    let folder = Folder::new("cli-orphans");
    machine(&folder, "old");
    for line in [
        "identity new q --days 0 --identity q.pem --key q.key",
        "identity new q --days 99999999 --identity q.pem --key q.key",
        "identity new q --identity missing/q.pem --key q.key",
        "identity new q --identity q.key --key q.key",
        "identity request q --request missing/q.csr --key q.key",
        "identity renew --identity old.pem --key old.key --out missing/q.pem --new-key q.key",
        "identity renew --identity old.pem --key old.key --out q.pem --new-key q.key --days 0",
    ] {
        let ran = run(&folder, line).ends_with(2);
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 2, "{line}: {}", ran.all());
    }
    // A key that was there before stays.
    let old = fs::read(folder.file("old.key")).unwrap();
    for line in [
        "identity new q --identity q.pem --key old.key",
        "identity request q --request missing/q.csr --key old.key",
    ] {
        run(&folder, line).ends_with(2);
        assert_eq!(fs::read(folder.file("old.key")).unwrap(), old, "{line}");
    }
    machine(&folder, "q");
}
