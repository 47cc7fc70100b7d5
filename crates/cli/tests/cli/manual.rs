//! The operating manual: every command that it prints is run, in its order, as one administrator would.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::folder::Folder;
use crate::kmip;
use crate::run::{Ran, Server, fingerprint, machine, now_spec, run, run_with, write};
use crate::support::crl::crl;

const YEAR: i64 = 365 * 24 * 3600;

/// Commands that are not run, and why.
const NOT_RUN: [(&str, &str); 3] = [
    ("cargo install", "it builds the command that is tested here"),
    (
        "mutual-trust identity new array-7 --identity array-hsm.pem",
        "it needs a token: the tests of keys in hardware have one",
    ),
    (
        "mutual-trust identity show --identity array-hsm.pem",
        "the same",
    ),
];

/// Commands that end with 2 in a build without the feature `http`.
const OF_HTTP: [&str; 1] = ["mutual-trust fleet serve"];

/// Commands that may end with 1, and why.
const MAY_REFUSE: [(&str, &str); 4] = [
    (
        "identity finish",
        "other servers of the store are not there to accept it",
    ),
    (
        "store plan remove array.pem --clients",
        "it locks the client out",
    ),
    (
        "check --chain keys-1-next.pem",
        "the day that is asked about passes",
    ),
    (
        "store plan rollback",
        "a later claim stays, so that its server is locked out",
    ),
];

/// What a key server answers that speaks KMIP.
const KMIP: [&str; 3] = ["versions", "query-2.0", "key-2.0"];

fn manual() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATING.md");
    fs::read_to_string(page).unwrap()
}

/// The lines of the shell blocks, without their comments.
fn printed(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in page.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && !line.is_empty() {
            lines.push(line.split(" #").next().unwrap().trim().to_owned());
        }
    }
    lines
}

/// What the machines of the manual have before its first command.
fn prepared() -> Folder {
    let folder = Folder::new("cli-manual");
    for name in ["keys-1", "keys-1-next", "stolen", "shared"] {
        machine(&folder, name);
    }
    let ca = now_spec("CA").ca().self_signed();
    let issuing = now_spec("Issuing").ca().signed_by(&ca);
    write(&folder, "ca", &ca);
    write(&folder, "issuing", &issuing);
    let list = || crl().valid(-2 * YEAR, 20 * YEAR);
    let old = list().signed_by(&ca).to_pem();
    let lists = format!("{}{old}", list().signed_by(&issuing).to_pem());
    fs::write(folder.file("old.crl"), old).unwrap();
    fs::write(folder.file("lists.pem"), lists).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
    for (from, to) in [
        ("openssl-default.p12", "vendor.p12"),
        ("cas.p7b", "kms-ca.p7b"),
    ] {
        fs::copy(fixtures.join(from), folder.file(to)).unwrap();
    }
    fs::write(folder.file("vendor.pass"), "changeit\n").unwrap();
    fs::create_dir(folder.file("backup")).unwrap();
    fs::create_dir(folder.file("kms-ca")).unwrap();
    fs::copy(folder.file("ca.pem"), folder.file("kms-ca/ca.crt")).unwrap();
    fs::copy(folder.file("old.crl"), folder.file("kms-ca/ca.crl")).unwrap();
    folder
}

/// The key server that the manual calls kms3.example, which knows the array.
fn key_server(folder: &Folder) -> (Folder, Server) {
    let other = Folder::new("cli-manual-server");
    machine(&other, "keys-1");
    fs::copy(other.file("keys-1.pem"), folder.file("keys-3.pem")).unwrap();
    fs::copy(folder.file("array.pem"), other.file("array.pem")).unwrap();
    run(&other, "store create --store server-trust").ends_with(0);
    run(&other, "store pin array.pem --clients --store server-trust").ends_with(0);
    let server = Server::start(&other, "");
    (other, server)
}

fn shell(folder: &Folder, line: &str) {
    let command = Path::new(env!("CARGO_BIN_EXE_mutual-trust"))
        .parent()
        .unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let done = Command::new("sh")
        .args(["-c", line])
        .env("PATH", format!("{}:{path}", command.display()))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{line}: {text}");
}

/// Damages the last change, also if it is damaged already.
fn damage(folder: &Folder) {
    let path = folder.file("trust/trust-store");
    let mut content = fs::read(&path).unwrap();
    let at = content.len() - 20;
    content[at] = b'!';
    fs::write(path, content).unwrap();
}

/// The generation after the first change that is kept.
fn first_generation(folder: &Folder) -> u64 {
    let log = run(folder, "store log --store trust --json")
        .ends_with(0)
        .json();
    log["changes"][0]["to"].as_u64().unwrap()
}

#[test]
fn every_command_of_the_manual_is_run_in_its_order() {
    let folder = prepared();
    let mut server = None;
    let page = manual();
    let lines = printed(&page);
    assert!(lines.len() > 50, "{lines:#?}");
    let mut verbs = Vec::new();
    for line in &lines {
        if NOT_RUN.iter().any(|(known, _)| line.starts_with(known)) {
            continue;
        }
        if cfg!(not(feature = "http")) && OF_HTTP.iter().any(|known| line.starts_with(known)) {
            let command = line.strip_prefix("mutual-trust ").unwrap();
            run(&folder, command).ends_with(2).says("feature");
            verbs.push(command.to_owned());
            continue;
        }
        if server.is_none() && line.contains("keys-3") {
            server = Some(key_server(&folder));
        }
        let mut changed = line.replace("/backup/", "backup/");
        changed = changed.replace("/etc/kms-ca", "kms-ca");
        if let Some((other, server)) = &server {
            // The test server of the command does not speak KMIP.
            let address = if line.contains("--kmip") {
                kmip::key_server(other, "array.pem", kmip::answers(&KMIP))
                    .0
                    .to_string()
            } else {
                server.address.clone()
            };
            changed = changed.replace("kms3.example", &address);
        }
        let command = changed.strip_prefix("mutual-trust ");
        // The shell gives a file to a descriptor.
        let Some(command) = command.filter(|command| !command.contains("3< ")) else {
            shell(&folder, &changed);
            verbs.extend(command.map(str::to_owned));
            continue;
        };
        let mut command = command.to_owned();
        if command.contains("9A:…:01") {
            let keys = run(&folder, "fleet keys show fleet/keys --json")
                .ends_with(0)
                .json();
            command = command.replace("9A:…:01", keys["digest"].as_str().unwrap());
        }
        if command.contains("0E:D2:…:AB") {
            let text = fs::read(folder.file("stolen.pem")).unwrap();
            let stolen = mutual_trust::Certificate::from_pem(&text).unwrap();
            command = command.replace("0E:D2:…:AB", &stolen.key_pin().to_string());
        }
        if command.contains(" 41") {
            let first = first_generation(&folder);
            let after =
                run(&folder, "store list --store trust --json").json()["generation"].clone();
            command = command
                .replace(" 41", &format!(" {first}"))
                .replace(" 42", &format!(" {after}"));
        }
        if command.starts_with("identity install") {
            shell(
                &folder,
                "openssl x509 -req -in array-ca.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 90 -out answer.pem",
            );
        }
        if command.starts_with("identity activate keys-3") {
            let (other, server) = server.as_mut().unwrap();
            fs::copy(folder.file("array-2028.pem"), other.file("array-2028.pem")).unwrap();
            let pin = "store pin array-2028.pem --clients --store server-trust";
            run(other, pin).ends_with(0);
            server.until("changed");
        }
        if command.starts_with("store recover") {
            damage(&folder);
        }
        let ran: Ran = if command.starts_with("enroll ") {
            let heard = format!("{}\n", fingerprint(&folder, "keys-3.pem"));
            run_with(&folder, &command, &heard)
        } else {
            run(&folder, &command)
        };
        let may_refuse = MAY_REFUSE
            .iter()
            .any(|(known, _)| command.starts_with(known));
        assert!(
            ran.code == 0 || (may_refuse && ran.code == 1),
            "{command} ends with {}: {}",
            ran.code,
            ran.all()
        );
        verbs.push(command);
    }
    // The day is whole.
    for verb in [
        "identity new",
        "identity request",
        "identity install",
        "identity import",
        "identity renew",
        "identity show",
        "identity create",
        "identity stage",
        "identity activate",
        "identity status",
        "identity back",
        "identity finish",
        "identity renew --when-due",
        "store create",
        "store server add",
        "store pin",
        "store bundle",
        "store authority",
        "store intermediate",
        "store update",
        "enroll",
        "connect",
        "store remove",
        "store expiring",
        "store report",
        "store export",
        "check",
        "store block",
        "store unblock",
        "store crl add",
        "store crl remove",
        "store crl stop",
        "store group add",
        "store server order",
        "store server secondaries",
        "store replace",
        "store migrate",
        "store release",
        "store log",
        "store diff",
        "store plan",
        "store clock show",
        "store clock confirm",
        "store clock reset",
        "store backup",
        "store verify",
        "store restore",
        "store recover",
        "store new-seal-key",
        "store seal",
        "store unseal",
        "store follow",
        "fleet new-key",
        "fleet init",
        "fleet keys show",
        "fleet keys change",
        "fleet draft",
        "fleet sign",
        "fleet publish",
        "fleet fetch",
        "fleet status",
        "fleet forget",
        "fleet serve",
        "fleet diff",
        "fleet join",
        "fleet take",
        "fleet follow",
        "fleet show",
        "fleet leave",
    ] {
        assert!(verbs.iter().any(|line| line.starts_with(verb)), "no {verb}");
    }
}

/// The verbs that the text names between commands are those of the command.
#[test]
fn every_verb_that_the_manual_names_exists() {
    let folder = Folder::new("cli-manual-verbs");
    let page = manual();
    let text: String = page.split("```").step_by(2).collect();
    let mut count = 0;
    for span in text.split('`').skip(1).step_by(2) {
        let words: Vec<&str> = span.split_whitespace().collect();
        let is_verb = |word: &&&str| {
            word.chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '-')
        };
        let verb = match words.split_first() {
            Some((&("store" | "identity" | "fleet"), rest)) => {
                let below: Vec<&str> = rest.iter().take_while(is_verb).take(1).copied().collect();
                [&words[..1], &below].concat().join(" ")
            }
            Some((
                &("enroll" | "connect" | "serve" | "check" | "inspect" | "completions" | "man"),
                _,
            )) => words[0].to_owned(),
            _ => continue,
        };
        run(&folder, &format!("{verb} --help")).ends_with(0);
        count += 1;
    }
    assert!(count > 20, "{count}");
}
