//! Files as vendors hand them out, made by OpenSSL and keytool: `tests/fixtures/formats/make.sh`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::folder::Folder;
use crate::openssl::openssl;
use crate::run::{Ran, fingerprint, run, run_with};
use crate::support::skips::skipped;

const PASSPHRASE: &str = "changeit\n";
const CHAIN: &[&str] = &["leaf", "issuing", "root"];
const CAS: &[&str] = &["issuing", "root"];
const TRUSTED: &[&str] = &["root", "other"];

/// The archives with their certificates, and one of their aliases. All but those `CLEAR` need their passphrase.
const ARCHIVES: [(&str, &[&str], &str); 22] = [
    ("openssl-default.p12", CHAIN, "Array 7"),
    ("openssl-legacy.p12", CHAIN, "Array 7"),
    ("openssl-3des.p12", CHAIN, "Array 7"),
    ("openssl-aes128-sha384.p12", CHAIN, "Array 7"),
    ("openssl-clear.p12", CHAIN, "Array 7"),
    ("openssl-all-clear.p12", CHAIN, "Array 7"),
    ("openssl-nomac.p12", CHAIN, "Array 7"),
    ("openssl-in-clear.p12", CHAIN, "Array 7"),
    ("openssl-nomac-encrypted.p12", CHAIN, "Array 7"),
    ("openssl-umlaut.p12", CHAIN, "Büro KMS"),
    ("openssl-iter1.p12", CHAIN, "Array 7"),
    ("openssl-legacy-iter1.p12", CHAIN, "Array 7"),
    (
        "openssl-many.p12",
        &["leaf", "other", "issuing", "root"],
        "Array 7",
    ),
    // Java's KeyStore, and libraries like it, find nothing in this one: it lacks an attribute of Java.
    ("openssl-nokeys.p12", CAS, ""),
    ("openssl-one.p12", &["other"], "Key server"),
    ("keytool-key.p12", CHAIN, "array 7"),
    ("keytool-key-legacy.p12", CHAIN, "array 7"),
    ("keytool-two-keys.p12", CHAIN, "second"),
    ("keytool-trust.p12", TRUSTED, "root"),
    ("keytool-trust-legacy.p12", TRUSTED, "other"),
    ("openssl-empty.p12", CHAIN, "Array 7"),
    ("nss.p12", CHAIN, "Array 7"),
];

/// Archives that are read without a passphrase.
const CLEAR: [&str; 2] = ["openssl-nomac.p12", "openssl-in-clear.p12"];

/// Other files with their certificates, and whether there is a revocation list.
const FILES: [(&str, &[&str], bool); 14] = [
    ("cas.p7b", CAS, false),
    ("cas-der.p7b", CAS, false),
    ("cms-ber.p7b", CHAIN, false),
    ("with-list.p7b", &["root"], true),
    ("with-list.pem", &["root"], true),
    ("trusted.pem", &["root"], false),
    ("trusted-alias.pem", &["root"], false),
    ("x509label.pem", &["root"], false),
    ("mixed.pem", &["root", "other", "issuing"], false),
    ("utf16-le.pem", &["root"], false),
    ("utf16-be.pem", CAS, false),
    ("utf16-trusted.pem", &["root"], false),
    ("root.der", &["root"], false),
    ("root.pem", &["root"], false),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats")
}

/// A folder with the files that are checked in, and one in DER.
fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    for entry in fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(
            &path,
            folder.file(path.file_name().unwrap().to_str().unwrap()),
        )
        .unwrap();
    }
    with_der(&folder);
    folder
}

fn with_der(folder: &Folder) {
    let text = fs::read(folder.file("root.pem")).unwrap();
    let root = mutual_trust::Certificate::from_pem(&text).unwrap();
    fs::write(folder.file("root.der"), root.der()).unwrap();
}

/// Runs a command with a passphrase on its standard input.
fn with(folder: &Folder, line: &str, passphrase: &str) -> Ran {
    run_with(folder, &format!("{line} --passphrase-fd 0"), passphrase)
}

fn passphrase_of(file: &str) -> &'static str {
    if file == "openssl-empty.p12" {
        "\n"
    } else {
        PASSPHRASE
    }
}

fn kinds<'a>(found: &'a Value, kind: &str) -> Vec<&'a Value> {
    let items = found["files"][0]["items"].as_array().unwrap();
    items.iter().filter(|item| item["kind"] == kind).collect()
}

/// The files in the folder hold what they were made of.
fn hold(folder: &Folder) {
    let expected = |names: &[&str]| -> BTreeSet<String> {
        let all = names.iter();
        all.map(|name| fingerprint(folder, &format!("{name}.pem")))
            .collect()
    };
    // Where NSS is not installed, it made none.
    let archives = ARCHIVES
        .iter()
        .filter(|(file, _, _)| *file != "nss.p12" || folder.file(file).exists())
        .map(|(file, names, _)| (*file, *names, false));
    for (file, names, has_list) in archives.chain(FILES) {
        let passphrase = passphrase_of(file);
        let found = with(folder, &format!("inspect {file} --json"), passphrase);
        let found = found.ends_with(0).json();
        let certificates = kinds(&found, "certificate");
        let fingerprints = certificates
            .iter()
            .map(|one| one["fingerprint"].as_str().unwrap().to_owned());
        assert_eq!(
            fingerprints.collect::<BTreeSet<_>>(),
            expected(names),
            "{file}"
        );
        assert_eq!(kinds(&found, "crl").len(), usize::from(has_list), "{file}");
    }
    for (file, _, alias) in ARCHIVES {
        if !folder.file(file).exists() {
            continue;
        }
        let ran = with(folder, &format!("inspect {file}"), passphrase_of(file)).ends_with(0);
        if !alias.is_empty() {
            ran.says(alias);
        }
    }
    run(folder, "inspect openssl-2000000.p12 --passphrase-fd 0")
        .ends_with(2)
        .says("2000000 iterations");
    for kind in ["jks", "jceks"] {
        run(folder, &format!("inspect keytool.{kind}"))
            .ends_with(2)
            .says(&format!(
                "keytool -importkeystore -srckeystore FILE -srcstoretype {}",
                kind.to_uppercase()
            ));
    }
}

#[test]
fn every_file_of_openssl_and_keytool_gives_its_certificates_and_aliases() {
    hold(&folder("cli-formats"));
}

/// The same with files that the programs of this machine make.
#[test]
fn files_that_openssl_and_keytool_make_here_are_read() {
    let tool = Command::new("keytool").arg("-help").output();
    if openssl("cli-formats-made").is_none() || tool.is_err() {
        skipped("no openssl or no keytool, so their archives are only those that are checked in");
        return;
    }
    let folder = Folder::new("cli-formats-made");
    let made = Command::new("sh")
        .arg(fixtures().join("make.sh"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{text}");
    with_der(&folder);
    hold(&folder);
}

#[test]
fn a_wrong_passphrase_is_told_as_such() {
    let folder = folder("cli-formats-wrong");
    for (file, _, _) in ARCHIVES {
        let ran = with(&folder, &format!("inspect {file}"), "wrong\n");
        if CLEAR.contains(&file) {
            ran.ends_with(0);
            continue;
        }
        let ran = ran.ends_with(2).says("error[passphrase/Wrong]");
        assert!(!ran.all().contains("damaged"), "{}", ran.all());
    }
    // Without a MAC, a wrong passphrase can leave what looks like padding.
    for tried in 0..300 {
        let ran = with(
            &folder,
            "inspect openssl-nomac-encrypted.p12",
            &format!("{tried}\n"),
        );
        ran.ends_with(2).says("error[passphrase/Wrong]");
    }
}

#[test]
fn a_file_that_is_cut_off_is_told_as_damaged() {
    let folder = folder("cli-formats-cut");
    for file in [
        "openssl-default.p12",
        "keytool-trust.p12",
        "openssl-nomac.p12",
        "cas-der.p7b",
    ] {
        let whole = fs::read(folder.file(file)).unwrap();
        for length in [20, whole.len() / 2, whole.len() - 1] {
            fs::write(folder.file("cut"), &whole[..length]).unwrap();
            for line in [
                "inspect cut",
                "check --chain cut --server-name a --pin root.pem",
            ] {
                with(&folder, line, PASSPHRASE)
                    .ends_with(2)
                    .says("error[file/Damaged]");
            }
        }
        // Something behind the archive.
        fs::write(folder.file("cut"), [&whole[..], b"x"].concat()).unwrap();
        with(&folder, "inspect cut", PASSPHRASE).ends_with(2);
    }
    let whole = fs::read(folder.file("utf16-le.pem")).unwrap();
    for length in [whole.len() / 2, whole.len() - 5] {
        fs::write(folder.file("cut"), &whole[..length]).unwrap();
        run(&folder, "inspect cut").ends_with(2);
    }
    // The library names the section and its line in the file, behind one that was converted.
    let whole = fs::read_to_string(folder.file("mixed.pem")).unwrap();
    let before = whole.split("-----END PKCS7").next().unwrap();
    fs::write(folder.file("cut"), before).unwrap();
    let line = whole.lines().position(|line| line.contains("BEGIN PKCS7"));
    run(&folder, "inspect cut")
        .ends_with(2)
        .says(&format!("line {}", line.unwrap() + 1));
}

#[test]
fn a_passphrase_that_takes_too_long_to_check_is_refused_at_once() {
    let folder = folder("cli-formats-cost");
    let start = Instant::now();
    for line in [
        "inspect openssl-2000000.p12",
        "store adopt openssl-2000000.p12 --clients --store trust",
        "identity import openssl-2000000.p12 --identity a.pem --key a.key",
    ] {
        run(&folder, "store create --store trust");
        with(&folder, line, PASSPHRASE)
            .ends_with(2)
            .says("2000000 iterations");
    }
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn every_verb_that_takes_certificates_takes_these_files() {
    let folder = folder("cli-formats-verbs");
    run(&folder, "store create --store trust").ends_with(0);
    run(
        &folder,
        "store server add keys-1 keys-1.example --store trust",
    )
    .ends_with(0);
    for line in [
        "store pin openssl-one.p12 --server keys-1",
        "store authority utf16-le.pem --any-server",
        "store authority trusted.pem --clients",
        "store intermediate issuing.pem",
        "store crl add with-list.p7b",
        "store bundle cas-der.p7b --any-server --undecided authority --accept",
        "store adopt keytool-trust.p12 --clients --undecided authority --accept",
        "store update openssl-one.p12 --server keys-1 --label vendor",
        "store block openssl-one.p12 --force",
        "store unblock openssl-one.p12",
        "store remove openssl-one.p12 --server keys-1 --force",
    ] {
        with(&folder, &format!("{line} --store trust"), PASSPHRASE).ends_with(0);
    }
    for line in [
        "check --chain openssl-default.p12 --client --ca cas.p7b",
        "check --chain leaf.pem --client --ca openssl-nokeys.p12",
        "check --chain openssl-one.p12 --server-name a --pin x509label.pem --pin openssl-one.p12",
    ] {
        let lines = PASSPHRASE.repeat(3);
        with(&folder, line, &lines).ends_with(0).says("accepted");
    }
    for line in [
        "store pin rejected.pem --clients --store trust",
        "store pin trusted-mail.pem --clients --store trust",
    ] {
        run(&folder, line)
            .ends_with(2)
            .says("error[file/NotTrusted]");
    }
}

#[test]
fn one_certificate_of_a_file_is_chosen_by_its_fingerprint_or_name() {
    let folder = folder("cli-formats-chosen");
    run(&folder, "store create --store trust").ends_with(0);
    let leaf = fingerprint(&folder, "leaf.pem");
    let pin = "store pin openssl-default.p12 --clients --store trust";
    with(&folder, pin, PASSPHRASE)
        .ends_with(2)
        .says("3 certificates, but one is needed; choose it with --certificate")
        .says(&format!("\n  {leaf} O=Example, CN=array-7\n"))
        .says("O=Example, CN=Issuing (CA)");
    let chosen = |line: &str, name: &str| {
        let line = format!("store {line} --store trust --json --certificate {name}");
        with(&folder, &line, PASSPHRASE).ends_with(0).json()
    };
    let pinned = chosen("pin openssl-default.p12 --clients", &leaf);
    assert!(pinned.to_string().contains(&leaf), "{pinned}");
    let again = chosen("pin openssl-default.p12 --clients", "array-7");
    assert_eq!(again["changed"], false, "it is the same certificate");
    for (line, name, file) in [
        ("authority cas.p7b --any-server", "Root", "root.pem"),
        ("intermediate cas.p7b", "Issuing", "issuing.pem"),
    ] {
        let done = chosen(line, name).to_string();
        assert!(done.contains(&fingerprint(&folder, file)), "{done}");
    }
    for name in ["other", "Example", "CN=Root"] {
        let line = format!("{pin} --certificate {name}");
        with(&folder, &line, PASSPHRASE)
            .ends_with(2)
            .says("error[certificate/NotInFile]");
    }
    run(
        &folder,
        &format!("store pin {leaf} --certificate Root --clients --store trust"),
    )
    .ends_with(2)
    .says("--certificate belongs to a file");
    // The help has the options that apply.
    let help = |verb: &str| {
        run(&folder, &format!("store {verb} --help"))
            .ends_with(0)
            .out
    };
    let (pin, authority) = (help("pin"), help("authority"));
    assert!(pin.contains("--match-key") && !pin.contains("--pattern"));
    assert!(!authority.contains("--match-key") && authority.contains("--pattern"));
    run(&folder, &format!("store block {leaf} --store trust"))
        .ends_with(2)
        .says("with --fingerprint");
    // What is named by its fingerprint anyway has no such option, and says which ones there are.
    run(&folder, "store block cas.p7b --store trust")
        .ends_with(2)
        .says("2 certificates, but one is needed\n")
        .says(&fingerprint(&folder, "root.pem"));
}

#[test]
fn a_folder_of_all_formats_is_adopted_and_what_was_left_out_is_named() {
    let folder = folder("cli-formats-adopt");
    let mixed = folder.file("mixed");
    fs::create_dir(&mixed).unwrap();
    let good = [
        "keytool-trust.p12",
        "cas.p7b",
        "utf16-be.pem",
        "root.der",
        "trusted.pem",
    ];
    for file in good.iter().chain(&["keytool.jks", "rejected.pem"]) {
        fs::copy(folder.file(file), mixed.join(file)).unwrap();
    }
    run(&folder, "store create --store trust").ends_with(0);
    run(&folder, "store server add k --store trust").ends_with(0);
    let line = "store adopt mixed --server k --undecided authority --accept --store trust";
    let ran = with(&folder, line, PASSPHRASE).ends_with(2);
    let ran = ran
        .says("keytool -importkeystore")
        .says("rejected.pem")
        .says("2 left out");
    assert!(!ran.all().contains("no certificate"), "{}", ran.all());
    let listed = run(&folder, "store list --store trust --full")
        .ends_with(0)
        .out;
    for name in ["root", "issuing", "other"] {
        let one = fingerprint(&folder, &format!("{name}.pem"));
        assert!(listed.contains(&one), "{name}: {listed}");
    }
}

fn import(folder: &Folder, file: &str, more: &str, input: &str) -> Ran {
    for name in ["new.pem", "new.key"] {
        let _ = fs::remove_file(folder.file(name));
    }
    let line = format!("identity import {file} --identity new.pem --key new.key {more}");
    with(folder, &line, input)
}

#[test]
fn a_key_of_an_archive_becomes_an_encrypted_file_with_its_chain() {
    let folder = folder("cli-formats-import");
    // The two behind the first are encrypted anew, which takes seconds in a build that is not optimised.
    for file in [
        "openssl-default.p12",
        "openssl-legacy-iter1.p12",
        "openssl-all-clear.p12",
        "openssl-many.p12",
        "keytool-key.p12",
    ] {
        let ran = import(&folder, file, "", PASSPHRASE).ends_with(0);
        let key = fs::read_to_string(folder.file("new.key")).unwrap();
        assert!(
            key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
            "{file}: {key}"
        );
        assert!(
            !ran.all().contains(key.lines().nth(1).unwrap()),
            "{}",
            ran.all()
        );
        let mode = fs::metadata(folder.file("new.key")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{file}");
        let chain = fs::read(folder.file("new.pem")).unwrap();
        let chain = mutual_trust::Certificate::many_from_pem(&chain).unwrap();
        let written: Vec<String> = chain
            .iter()
            .map(|one| one.fingerprint().to_string())
            .collect();
        let expected: Vec<String> = CHAIN
            .iter()
            .map(|name| fingerprint(&folder, &format!("{name}.pem")))
            .collect();
        assert_eq!(written, expected, "{file}");
        let line = "identity show --identity new.pem --key new.key";
        with(&folder, line, PASSPHRASE)
            .ends_with(0)
            .says("CN=array-7");
        if let Some(tool) = openssl("cli-formats-key") {
            tool.write("new.key", &key);
            tool.run("pkey -in new.key -passin pass:changeit -noout");
        }
    }
    let left = import(&folder, "openssl-many.p12", "--json", PASSPHRASE)
        .ends_with(0)
        .json();
    assert_eq!(left["left_out"].as_array().unwrap().len(), 1, "{left}");
    assert_eq!(
        left["left_out"][0]["fingerprint"],
        fingerprint(&folder, "other.pem")
    );

    // Another passphrase for the file, and one of two keys.
    let more = "--new-passphrase-fd 0 --alias second";
    let input = "changeit\nother secret\n";
    import(&folder, "keytool-two-keys.p12", more, input).ends_with(0);
    let line = "identity show --identity new.pem --key new.key";
    with(&folder, line, "other secret\n").ends_with(0);
    with(&folder, line, PASSPHRASE).ends_with(2);
}

#[test]
fn no_passphrase_is_asked_for_an_archive_in_clear() {
    let folder = folder("cli-formats-in-clear");
    let line = "identity import openssl-in-clear.p12 --identity new.pem --key new.key";
    run(&folder, line)
        .ends_with(2)
        .says("error[passphrase/Empty]")
        .says("the archive has no passphrase")
        .says("--new-passphrase-fd");
    assert!(!folder.file("new.key").exists());
    let line = format!("{line} --new-passphrase-fd 0");
    run_with(&folder, &line, "new secret\n").ends_with(0);
    let line = "identity show --identity new.pem --key new.key";
    with(&folder, line, "new secret\n")
        .ends_with(0)
        .says("CN=array-7");
}

#[test]
fn nothing_is_written_if_an_import_fails() {
    let folder = folder("cli-formats-no-import");
    for (file, more, input, said) in [
        (
            "openssl-default.p12",
            "",
            "wrong\n",
            "error[passphrase/Wrong]",
        ),
        (
            "openssl-legacy.p12",
            "",
            "wrong\n",
            "error[passphrase/Wrong]",
        ),
        ("openssl-empty.p12", "", "\n", "error[passphrase/Empty]"),
        (
            "openssl-default.p12",
            "--alias other",
            PASSPHRASE,
            "only \"Array 7\"",
        ),
        (
            "keytool-two-keys.p12",
            "",
            PASSPHRASE,
            "name one with --alias",
        ),
        ("keytool-trust.p12", "", PASSPHRASE, "no private key"),
        ("keytool.jks", "", PASSPHRASE, "keytool -importkeystore"),
        ("leaf.pem", "", PASSPHRASE, "not a PKCS#12 archive"),
    ] {
        import(&folder, file, more, input).ends_with(2).says(said);
        assert!(!folder.file("new.pem").exists(), "{file}");
        assert!(!folder.file("new.key").exists(), "{file}");
    }
    let input = "\nother secret\n";
    import(&folder, "openssl-empty.p12", "--new-passphrase-fd 0", input).ends_with(0);
    // What is there is kept.
    let line = "identity import openssl-default.p12 --identity leaf.pem --key other.key";
    with(&folder, line, PASSPHRASE)
        .ends_with(2)
        .says("error[write/Exists]");
    assert!(!folder.file("other.key").exists());
    // A link has no use for an archive.
    run(&folder, "identity show --identity openssl-default.p12")
        .ends_with(2)
        .says("identity import");
}
