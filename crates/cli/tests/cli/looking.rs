//! `inspect`: what is in a file, and nothing of a private key but its kind.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::folder::Folder;
use crate::openssl::openssl;
use crate::run::{encrypted, fingerprint, machine, now_spec, private, run, run_with, write};
use crate::support::crl::crl;
use crate::support::fixture_bytes;

#[test]
fn a_certificate_is_told_in_plain_words_with_the_roles_that_it_could_play() {
    let folder = Folder::new("cli-inspect");
    machine(&folder, "keys-1");
    let ran = run(&folder, "inspect keys-1.pem")
        .ends_with(0)
        .says("certificate 1: CN=keys-1");
    let ran = ran
        .says("kind: end entity")
        .says("names: (none)")
        .says("key: ECDSA P-256");
    let ran = ran
        .says(&fingerprint(&folder, "keys-1.pem"))
        .says("key pin: ")
        .says("could be a pin of a server");
    ran.says("not an authority for servers: the certificate is not a CA");
    let found = run(&folder, "inspect keys-1.pem --json").json();
    let item = &found["files"][0]["items"][0];
    assert_eq!(item["kind"], "certificate");
    let roles = item["roles"].as_array().unwrap();
    let possible: Vec<bool> = roles
        .iter()
        .map(|role| role["possible"].as_bool().unwrap())
        .collect();
    assert_eq!(possible, [true, true, false, false, false]);

    // Of every fixture, in DER as well.
    for name in [
        "openssl-req-default.pem",
        "ca-v1.pem",
        "keytool-default.pem",
        "ee-p256.der",
    ] {
        fs::write(folder.file(name), fixture_bytes(name)).unwrap();
        run(&folder, &format!("inspect {name}"))
            .ends_with(0)
            .says("SHA-256: ");
    }
    run(&folder, "inspect openssl-req-default.pem")
        .says("warning: the certificate is a CA: as a pin");
    run(&folder, "inspect ca-v1.pem").says("version 1, which cannot say whether it is a CA");
}

#[test]
fn a_private_key_shows_its_kind_and_whose_it_is() {
    let folder = Folder::new("cli-inspect-key");
    machine(&folder, "keys-1");
    machine(&folder, "other");
    run(&folder, "inspect keys-1.key")
        .ends_with(0)
        .says("private key: ECDSA P-256");
    run(&folder, "inspect keys-1.key --certificate keys-1.pem")
        .says("it belongs to the certificate of CN=keys-1");
    run(&folder, "inspect keys-1.key --certificate other.pem").says("it does NOT belong");
    let key = fs::read_to_string(folder.file("keys-1.key")).unwrap();
    private(
        &folder,
        "both.pem",
        &format!(
            "{}{key}",
            fs::read_to_string(folder.file("keys-1.pem")).unwrap()
        ),
    );
    run(&folder, "inspect both.pem")
        .ends_with(0)
        .says("certificate 1: CN=keys-1")
        .says("private key: ECDSA P-256");
    fs::set_permissions(folder.file("keys-1.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = run(
        &folder,
        "inspect keys-1.key --certificate keys-1.pem --json",
    )
    .ends_with(0);
    run(&folder, "inspect keys-1.key").says("warning: its group or others have access");
    let item = &ran.json()["files"][0]["items"][0];
    assert_eq!(item["belongs"], true);
    assert!(item["warning"].as_str().unwrap().contains("chmod 600"));
    let names: Vec<&String> = item.as_object().unwrap().keys().collect();
    assert_eq!(names, ["belongs", "key", "kind", "warning"]);
    for line in key.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!ran.all().contains(line));
    }
}

#[test]
fn a_passphrase_comes_from_a_descriptor_and_is_shown_nowhere() {
    let Some(folder) = encrypted("cli-encrypted") else {
        return;
    };
    let line = "inspect a.key --certificate a.pem --passphrase-fd 0";
    let ran = run_with(&folder, line, "correct-horse\n")
        .ends_with(0)
        .says("it belongs");
    assert!(!ran.all().contains("correct-horse"));
    for (input, code) in [("wrong-battery\n", 2), ("", 2)] {
        let ran = run_with(&folder, line, input)
            .ends_with(code)
            .says("error[");
        assert!(!ran.all().contains("battery"), "{}", ran.all());
    }
    run_with(
        &folder,
        "identity show --identity a.pem --key a.key --passphrase-fd 0",
        "correct-horse",
    )
    .ends_with(0);
    run(&folder, "inspect a.key --passphrase-fd 99")
        .ends_with(2)
        .says("error[passphrase]");
    // No argument takes one.
    for word in ["inspect", "connect", "serve", "identity show"] {
        let help = run(&folder, &format!("{word} --help")).out;
        let flags = help
            .split_whitespace()
            .filter(|word| word.starts_with("--pass"));
        assert!(
            flags.into_iter().all(|flag| flag == "--passphrase-fd"),
            "{help}"
        );
    }
}

/// Runs a line of the shell with `$M` as the command.
fn shell(folder: &Folder, line: &str) -> (i32, String) {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder.path());
    shell.env("M", env!("CARGO_BIN_EXE_mutual-trust"));
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

#[test]
fn a_passphrase_is_read_from_the_descriptor_itself_and_as_it_stands() {
    let Some(tool) = openssl("cli-descriptor-tool") else {
        return;
    };
    let folder = Folder::new("cli-descriptor");
    // Bytes that edit a line at a terminal, blanks at both ends, and a carriage return.
    let pass = b" a\x03b\x04c\x08d\x7fe \r";
    fs::write(tool.path().join("pass"), [&pass[..], b"\nmore\n"].concat()).unwrap();
    tool.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass file:pass -out a.key");
    private(
        &folder,
        "a.key",
        &String::from_utf8(tool.read("a.key")).unwrap(),
    );
    fs::write(folder.file("pass"), [&pass[..], b"\nmore\n"].concat()).unwrap();
    fs::write(folder.file("behind"), [b"first line\n", &pass[..]].concat()).unwrap();
    for (line, code) in [
        ("$M inspect a.key --passphrase-fd 5 5<pass", 0),
        ("cat pass | $M inspect a.key --passphrase-fd 0", 0),
        // From where the descriptor stands, not from the start of its file.
        (
            "{ read -r line; $M inspect a.key --passphrase-fd 0; } <behind",
            0,
        ),
        // A file that is open and can no longer be opened.
        (
            "exec 5<pass; rm pass; $M inspect a.key --passphrase-fd 5",
            0,
        ),
        // The end of a pipe that is for writing: nothing would ever come.
        ("{ $M inspect a.key --passphrase-fd 1 2>&3 | cat; } 3>&1", 0),
        ("$M inspect a.key --passphrase-fd -1", 2),
    ] {
        let (found, said) = shell(&folder, line);
        assert_eq!(found, code, "{line}: {said}");
        let is_read = said.contains("private key: ECDSA P-256");
        assert_eq!(
            is_read,
            code == 0 && !line.contains("fd 1"),
            "{line}: {said}"
        );
    }
}

#[test]
fn a_passphrase_is_read_from_a_socket() {
    let Some(folder) = encrypted("cli-socket") else {
        return;
    };
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.write_all(b"correct-horse\n").unwrap();
    let mut command = crate::run::command(folder.path(), "inspect a.key --passphrase-fd 0");
    command.stdin(std::os::fd::OwnedFd::from(theirs));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
}

/// What is shown at a terminal while `typed` is typed at the prompt, and the exit code; by way of util-linux.
fn at_a_terminal(folder: &Folder, line: &str, typed: &[u8]) -> Option<(String, i32)> {
    let line = format!("{} {line}", env!("CARGO_BIN_EXE_mutual-trust"));
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path());
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = script.spawn().ok()?;
    let (mut input, mut output) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
    let (mut shown, mut byte) = (Vec::new(), [0]);
    while !shown.ends_with(b"Passphrase of a.key: ") {
        assert_eq!(
            output.read(&mut byte).unwrap(),
            1,
            "{}",
            String::from_utf8_lossy(&shown)
        );
        shown.push(byte[0]);
    }
    input.write_all(typed).unwrap();
    output.read_to_end(&mut shown).unwrap();
    let code = script.wait().unwrap().code().unwrap();
    Some((String::from_utf8(shown).unwrap(), code))
}

#[test]
fn a_passphrase_that_is_typed_is_not_shown() {
    let Some(folder) = encrypted("cli-typed") else {
        return;
    };
    let typed = |typed: &[u8]| at_a_terminal(&folder, "inspect a.key", typed);
    let Some((shown, code)) = typed(b"correcx\x7ft-horse\r") else {
        crate::support::skips::skipped("no script, so there is no terminal to type at");
        return;
    };
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("private key: ECDSA P-256"), "{shown}");
    assert!(!shown.contains("horse"), "{shown}");
    // An interrupt ends it.
    let (shown, code) = typed(b"correct-h\x03").unwrap();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("error[passphrase]"), "{shown}");
    assert!(!shown.contains("correct"), "{shown}");
}

#[test]
fn lists_requests_and_stores_are_told_as_well() {
    let folder = Folder::new("cli-inspect-kinds");
    let ca = now_spec("CA").ca().self_signed();
    write(&folder, "ca", &ca);
    let list = crl().signed_by(&ca);
    fs::write(folder.file("ca.crl"), list.to_pem()).unwrap();
    fs::write(folder.file("ca.crl.der"), list.der()).unwrap();
    for name in ["ca.crl", "ca.crl.der"] {
        run(&folder, &format!("inspect {name}"))
            .ends_with(0)
            .says("revocation list of CN=CA")
            .says("revoked certificates: ");
    }
    run(&folder, "identity request a --key a.key --request a.csr").ends_with(0);
    run(&folder, "inspect a.csr")
        .ends_with(0)
        .says("certificate request");
    run(&folder, "store create --store trust").ends_with(0);
    run(&folder, "inspect trust/trust-store")
        .ends_with(0)
        .says("trust store")
        .says("servers: 0");
    for (name, text) in [
        ("empty", ""),
        ("text", "hello"),
        ("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"),
        (
            "odd.pem",
            "-----BEGIN SECRET-----\nAAAA\n-----END SECRET-----\n",
        ),
    ] {
        fs::write(folder.file(name), text).unwrap();
        run(&folder, &format!("inspect {name}"))
            .ends_with(2)
            .says(name);
    }
    // What can be told of the others is told.
    run(&folder, "inspect text ca.crl")
        .ends_with(2)
        .says("revocation list of CN=CA");
    run(&folder, "inspect .").ends_with(2).says("error[io]");
}

#[test]
fn standard_input_is_inspected_but_for_private_keys() {
    let folder = Folder::new("cli-inspect-input");
    machine(&folder, "keys-1");
    let read = |name: &str| fs::read_to_string(folder.file(name)).unwrap();
    run_with(&folder, "inspect -", &read("keys-1.pem"))
        .ends_with(0)
        .says(&fingerprint(&folder, "keys-1.pem"));
    run_with(&folder, "inspect -", &read("keys-1.key"))
        .ends_with(2)
        .says("a private key is not read from standard input: name its file");
}
