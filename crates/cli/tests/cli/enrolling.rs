//! `enroll` and the console of `serve`: what was presented is compared and never shown.

use std::io::ErrorKind;
use std::net::TcpListener;

use mutual_trust::{Certificate, Fingerprint};

use crate::folder::Folder;
use crate::run::{Server, fingerprint, machine, run, run_with};

/// Every form in which the fingerprint or key pin of a certificate could be shown, and their beginnings, which would
/// be enough to copy from.
fn forms(folder: &Folder, file: &str) -> Vec<String> {
    let text = std::fs::read(folder.file(file)).unwrap();
    let certificate = Certificate::from_pem(&text).unwrap();
    let both = [
        *certificate.fingerprint().as_bytes(),
        *certificate.key_pin().as_bytes(),
    ];
    let shown = both.map(|bytes| Fingerprint::from_bytes(bytes).to_string());
    let forms = shown
        .iter()
        .flat_map(|shown| [shown.clone(), shown.replace(':', "")]);
    forms.map(|form| form[..16].to_owned()).collect()
}

#[track_caller]
fn nowhere(folder: &Folder, file: &str, said: &str) {
    let said = said.to_uppercase();
    for form in forms(folder, file) {
        assert!(!said.contains(&form), "{form} is shown: {said}");
    }
}

fn start(test: &str) -> (Folder, Server) {
    let folder = Folder::new(test);
    for name in ["keys-1", "array-7", "other"] {
        machine(&folder, name);
    }
    run(&folder, "store create --store trust").ends_with(0);
    let server = Server::start(&folder, "");
    (folder, server)
}

#[test]
fn a_server_is_trusted_by_the_fingerprint_that_was_heard_and_by_no_other() {
    let (folder, server) = start("cli-enroll");
    let line = format!("enroll {} --store trust --server keys-1", server.address);
    let store = || std::fs::read(folder.file("trust/trust-store")).unwrap();
    let before = store();
    let wrong = fingerprint(&folder, "other.pem");
    for json in ["", " --json", " --full"] {
        for ran in [
            run(&folder, &format!("{line} --fingerprint {wrong}{json}")),
            run_with(&folder, &format!("{line}{json}"), &format!("{wrong}\n")),
        ] {
            let ran = ran
                .ends_with(1)
                .says("the fingerprint does not match the presented certificate");
            nowhere(&folder, "keys-1.pem", &ran.all());
            assert!(ran.all().contains("CN=keys-1"), "{}", ran.all());
        }
    }
    // All 32 bytes are compared: the last digit is another, and all others are right.
    let right = fingerprint(&folder, "keys-1.pem");
    let last = if right.ends_with('0') { '1' } else { '0' };
    let near = format!("{}{last}", &right[..right.len() - 1]);
    let ran = run(&folder, &format!("{line} --fingerprint {near}"));
    ran.ends_with(1).says("refused[OtherFingerprint]");
    let short = format!("{line} --fingerprint {}", &right[..59]);
    run(&folder, &short).ends_with(2).says("-sha256");
    assert_eq!(store(), before);

    let line = format!("{line} --label array-room --by alice");
    run_with(&folder, &line, &format!("sha256 Fingerprint={right}\n"))
        .ends_with(0)
        .says("accepted: server keys-1")
        .says(&right);
    run(&folder, "store list --store trust --full")
        .says(&right)
        .says("label: array-room")
        .says("claimed");
    let connect = format!("connect {} --store trust --settle 60000", server.address);
    run(&folder, &connect)
        .ends_with(1)
        .says("[PinMatched, rule M1]");
}

#[test]
fn nothing_is_looked_at_before_a_fingerprint_was_given() {
    let folder = Folder::new("cli-enroll-first");
    run(&folder, "store create --store trust").ends_with(0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let line = format!("enroll {} --store trust", listener.local_addr().unwrap());
    run(&folder, &line)
        .ends_with(2)
        .says("no fingerprint was given");
    run_with(&folder, &line, "not one\n")
        .ends_with(2)
        .says("error[fingerprint/");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn no_flag_accepts_what_was_fetched() {
    let folder = Folder::new("cli-enroll-flags");
    let help = run(&folder, "enroll --help").ends_with(0).out;
    let flags: Vec<&str> = help
        .split_whitespace()
        .filter(|word| word.starts_with("--"))
        .map(|word| word.trim_end_matches([',', '.', ';']))
        .collect();
    let known = [
        "--store",
        "--server",
        "--fingerprint",
        "--label",
        "--by",
        "--force",
        "--timeout",
        "--settle",
        "--json",
        // Of what is shown in any case.
        "--full",
        "--help",
    ];
    for flag in flags {
        assert!(known.contains(&flag), "{flag}: what does it accept?");
    }
}

#[test]
fn a_client_waits_at_the_console_and_is_let_in_by_its_fingerprint() {
    let (folder, mut server) = start("cli-console");
    let connect = format!(
        "connect {} --pin keys-1.pem --identity array-7.pem --key array-7.key",
        server.address
    );
    let refused = format!("{connect} --settle 60000");
    server.tell("pending");
    server.until("no client is waiting");
    run(&folder, &refused)
        .ends_with(1)
        .says("refused[RefusedByPeer]");
    server.until("refused: a client");
    server.tell("pending");
    let waits = server.until("1: from 127.0.0.1");
    assert!(waits.contains("seen 1 times"), "{waits}");
    server.until("CN=array-7");
    server.tell(&format!("accept 1 {}", fingerprint(&folder, "other.pem")));
    server.until("error: the fingerprint does not match the presented certificate");
    server.tell("accept 1 12:34");
    server.until("error: ");
    server.tell("nonsense");
    server.until("error: pending | accept");
    nowhere(&folder, "array-7.pem", &server.said);
    run(&folder, &refused).ends_with(1);

    server.tell(&format!(
        "accept 1 {} array seven",
        fingerprint(&folder, "array-7.pem")
    ));
    server.until("accepted: added");
    run(&folder, &connect).ends_with(0).says("works: ");
    server.until("accepted: client array seven");

    let other = format!(
        "connect {} --pin keys-1.pem --identity other.pem --key other.key --settle 60000",
        server.address
    );
    run(&folder, &other).ends_with(1);
    server.until("refused: a client");
    server.tell("reject 2");
    server.until("rejected: 2");
    server.tell("pending");
    server.until("no client is waiting");
    nowhere(
        &folder,
        "other.pem",
        &server.said.replace(&fingerprint(&folder, "other.pem"), ""),
    );
    server.tell("quit");
    let (code, said) = server.end();
    assert_eq!(code, 0, "{said}");
    run(&folder, "store list --store server-trust").says("label: array seven");
}

#[test]
fn a_server_ends_by_itself_with_its_input_or_its_time() {
    let (folder, server) = start("cli-ends");
    assert_eq!(server.end().0, 0);
    let mut server = Server::start(&folder, "--for 1");
    server.until("ended");
    assert_eq!(server.end().0, 0);
}
