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

/// The generation of a store, as a report names it.
fn stored(folder: &Folder, store: &str) -> String {
    let list = run(folder, &format!("store list --store {store}")).ends_with(0);
    let generation = list
        .out
        .lines()
        .find(|line| line.starts_with("generation "));
    format!("({})", generation.unwrap())
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
    // It is recorded where that is asked for, without either fingerprint.
    let recorded = format!("{line} --fingerprint {wrong} --by mallory --record-refused");
    run(&folder, &recorded).ends_with(1);
    let log = run(&folder, "store log --store trust").ends_with(0);
    for part in [
        "refused after generation",
        "asked: accept server keys-1, by mallory",
        "because: the fingerprint does not match the presented certificate",
    ] {
        assert!(log.out.contains(part), "{part}: {}", log.out);
    }
    nowhere(&folder, "keys-1.pem", &log.all());
    assert!(!log.out.contains(&wrong), "{}", log.out);

    let line = format!("{line} --label array-room --by alice");
    run_with(&folder, &line, &format!("sha256 Fingerprint={right}\n"))
        .ends_with(0)
        .says("accepted: server keys-1")
        .says(&right)
        .says(&stored(&folder, "trust"));
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
        // Of what is refused.
        "--record-refused",
        "--timeout",
        "--settle",
        "--seal-key",
        "--wait",
        // Of a refusal.
        "--record-refused",
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
fn a_wrong_fingerprint_at_the_console_is_recorded_if_that_is_asked_for() {
    let folder = Folder::new("cli-console-refused");
    for name in ["keys-1", "array-7", "other"] {
        machine(&folder, name);
    }
    let mut server = Server::start(&folder, "--record-refused");
    let line = format!(
        "connect {} --pin keys-1.pem --identity array-7.pem --key array-7.key --settle 60000",
        server.address
    );
    run(&folder, &line).ends_with(1);
    server.until("refused: a client");
    let wrong = fingerprint(&folder, "other.pem");
    server.tell(&format!("accept 1 {wrong}"));
    server.until("error: the fingerprint does not match the presented certificate");
    let log = run(&folder, "store log --store server-trust").ends_with(0);
    let asked = "asked: accept client from 127.0.0.1, by console of mutual-trust serve";
    assert!(log.out.contains(asked), "{}", log.out);
    assert!(!log.out.contains(&wrong), "{}", log.out);
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
    let accepted = server.until("accepted: added");
    let stored = stored(&folder, "server-trust");
    assert!(accepted.contains(&stored), "{accepted} {stored}");
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

#[test]
fn an_id_is_not_taken_for_a_name_and_no_name_for_that_of_another_server() {
    let (folder, server) = start("cli-enroll-id");
    let (_, port) = server.address.rsplit_once(':').unwrap();
    let right = fingerprint(&folder, "keys-1.pem");
    let store = || std::fs::read(folder.file("trust/trust-store")).unwrap();
    let add =
        |line: &str| run(&folder, &format!("store server add {line} --store trust")).ends_with(0);
    // Another machine has the id `localhost`, and a third one the name.
    add("localhost 10.9.9.9");
    let before = store();
    let line = format!("enroll localhost:{port} --store trust --fingerprint {right}");
    run(&folder, &line)
        .ends_with(2)
        .says("error[enrolment/NameNotListed]")
        .says("--server");
    assert_eq!(store(), before);
    add("keys-3 127.0.0.1");
    let before = store();
    run(
        &folder,
        &format!("enroll 127.0.0.1:{port} --server keys-9 --store trust --fingerprint {right}"),
    )
    .ends_with(2)
    .says("127.0.0.1 is a name of server keys-3");
    assert_eq!(store(), before);

    // By its own id it is added with the name, and reached by it.
    run(&folder, &format!("{line} --server keys-1"))
        .ends_with(0)
        .says("it can be dialled as: localhost");
    let connect = format!("connect localhost:{port} --store trust --settle 0");
    run(&folder, &connect).ends_with(0);
    // A name that the server does not have is told, and is not dialled.
    add("keys-2 kms2.example");
    run(&folder, "store server release-name 127.0.0.1 --store trust").ends_with(0);
    let line =
        format!("enroll 127.0.0.1:{port} --server keys-2 --store trust --fingerprint {right}");
    run(&folder, &format!("{line} --force"))
        .ends_with(0)
        .says("it can be dialled as: kms2.example")
        .says("warning: 127.0.0.1 is none of its names")
        .says("store server add-name keys-2 127.0.0.1");
    let connect = format!("connect 127.0.0.1:{port} --store trust --settle 0");
    run(&folder, &connect).ends_with(1).says("UnlistedName");
    run(&folder, &format!("{connect} --server keys-2")).ends_with(0);
}

#[test]
fn the_store_is_not_held_while_a_fingerprint_is_asked_for() {
    let folder = Folder::new("cli-enroll-free");
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    let mut command = crate::run::command(folder.path(), "enroll 127.0.0.1:1 --store trust");
    command
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut asked = Vec::new();
    let mut said = child.stderr.take().unwrap();
    while !asked.ends_with(b"that it shows: ") {
        let mut byte = [0];
        assert_eq!(std::io::Read::read(&mut said, &mut byte).unwrap(), 1);
        asked.push(byte[0]);
    }
    run(&folder, "store block keys-1.pem --store trust").ends_with(0);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
    // A folder that is no store gets no file.
    std::fs::create_dir(folder.file("other")).unwrap();
    run(&folder, "enroll 127.0.0.1:1 --store other").ends_with(2);
    assert_eq!(std::fs::read_dir(folder.file("other")).unwrap().count(), 0);
}
