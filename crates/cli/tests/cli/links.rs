//! `connect`: links that are trusted, refused by either end, and that cannot be tried.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use rustls::{ServerConnection, StreamOwned};
use serde_json::json;

use crate::ends;
use crate::folder::Folder;
use crate::openssl::openssl;
use crate::run::{Foreign, Server, fingerprint, machine, now_spec, run, write};

const VERSIONS: [&str; 2] = ["1.2", "1.3"];

/// A key server and a system, each of which trusts the other.
fn both(test: &str) -> (Folder, Server) {
    let folder = Folder::new(test);
    machine(&folder, "keys-1");
    machine(&folder, "array-7");
    run(&folder, "store create --store server-trust").ends_with(0);
    run(
        &folder,
        "store pin array-7.pem --clients --label array-7 --store server-trust",
    )
    .ends_with(0);
    let server = Server::start(&folder, "");
    (folder, server)
}

const OURS: &str = "--identity array-7.pem --key array-7.key";

/// What our two ends agree on.
fn group(version: &str) -> &'static str {
    match version {
        "1.2" => "X25519",
        _ => "X25519MLKEM768",
    }
}

/// Where a refusal is awaited, however slow the machine is.
const PATIENT: &str = "--settle 60000";

#[test]
fn a_stranger_goes_from_openssl_files_to_a_working_explained_link_with_two_commands() {
    if openssl("cli-unknown-tool").is_none() {
        return;
    }
    let folder = Folder::new("cli-unknown");
    for name in ["keys-1", "array"] {
        let line = format!(
            "req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN={name} -keyout {name}.key -out {name}.pem"
        );
        let done = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(folder.path())
            .output();
        assert!(done.unwrap().status.success());
    }
    let server = Foreign::start(&folder, "-CAfile array.pem -Verify 1 -verify_return_error");
    let address = &server.address;

    let keys_1 = fingerprint(&folder, "keys-1.pem");
    run(&folder, "inspect keys-1.pem")
        .ends_with(0)
        .says(&keys_1)
        .says("could be a pin of a server");
    let short = format!("{}…{}", &keys_1[..23], &keys_1[90..]);
    for version in VERSIONS {
        let line = format!(
            "connect {address} --pin keys-1.pem --identity array.pem --key array.key --tls {version}"
        );
        run(&folder, &line)
            .ends_with(0)
            .says("accepted: server 127.0.0.1")
            .says("[PinMatched, rule M1]")
            .says(&format!("└─ CN=keys-1 [presented as its own] {short} to "))
            .says(&format!("works: {address}, TLS {version}, "));
    }
    // The same server refuses who is not installed there.
    for version in VERSIONS {
        run(
            &folder,
            &format!("connect {address} --pin keys-1.pem --tls {version} {PATIENT}"),
        )
        .ends_with(1)
        .says("accepted: server 127.0.0.1")
        .says("refused: the server refused us with the alert")
        .says("to do: name our certificate and key with --identity and --key")
        .says("refused[RefusedByPeer]");
    }
}

#[test]
fn a_link_of_two_that_know_each_other_works_in_both_versions() {
    let (folder, mut server) = both("cli-works");
    let address = server.address.clone();
    run(&folder, "store create --store trust").ends_with(0);
    run(&folder, "store server add keys-1 127.0.0.1 --store trust").ends_with(0);
    run(
        &folder,
        "store pin keys-1.pem --server keys-1 --store trust",
    )
    .ends_with(0);
    for version in VERSIONS {
        for trust in [
            "--pin keys-1.pem",
            "--store trust",
            "--store trust --server keys-1 --server-name other.example",
        ] {
            run(
                &folder,
                &format!("connect {address} {OURS} {trust} --tls {version}"),
            )
            .ends_with(0)
            .says("[PinMatched, rule M1]")
            .says(&format!("works: {address}, TLS {version}, "))
            .says(&format!(", {}\n", group(version)));
            server.until("accepted: client array-7");
        }
    }
    let (code, said) = server.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn our_refusal_says_which_rule_decided_and_what_to_do() {
    let (folder, server) = both("cli-refused");
    let address = &server.address;
    for version in VERSIONS {
        let ran = run(
            &folder,
            &format!("connect {address} {OURS} --pin array-7.pem --tls {version} --json"),
        )
        .ends_with(1);
        let found = ran.json();
        assert_eq!(found["schema"], "mutual-trust/connect/1");
        assert_eq!(found["refused"], "PinDoesNotMatch");
        assert_eq!(found["link"], "refused_by_us");
        assert_eq!(found["verdict"]["accepted"], false);
        assert_eq!(found["verdict"]["rule"], "P2");
        assert_eq!(
            found["presented"][0]["fingerprint"],
            json!(fingerprint(&folder, "keys-1.pem"))
        );
        let considered = &found["verdict"]["considered"][0];
        assert_eq!(
            considered["fingerprint"],
            json!(fingerprint(&folder, "array-7.pem"))
        );
        run(
            &folder,
            &format!("connect {address} {OURS} --pin array-7.pem --tls {version}"),
        )
        .ends_with(1)
        .says("[PinDoesNotMatch, rule P2]")
        .says("to do: Compare the presented fingerprint")
        .says("refused[PinDoesNotMatch]");
    }
}

// In TLS 1.3 the refusal arrives after the handshake.
#[test]
fn the_servers_refusal_is_seen_in_both_versions() {
    let (folder, server) = both("cli-turned-away");
    let address = &server.address;
    machine(&folder, "unknown");
    let unknown = fingerprint(&folder, "unknown.pem");
    for version in VERSIONS {
        let line = format!(
            "connect {address} --pin keys-1.pem --tls {version} {PATIENT} --identity unknown.pem --key unknown.key"
        );
        run(&folder, &line)
            .ends_with(1)
            .says("refused: the server refused us with the alert")
            .says(&unknown)
            .says("refused[RefusedByPeer]");
        let found = run(&folder, &format!("{line} --json")).ends_with(1).json();
        assert_eq!(found["link"], "refused_by_peer");
        assert_eq!(found["verdict"]["accepted"], true);
        assert_eq!(found["identity"]["temporary"], false);
        assert_eq!(found["handshake_finished"], version == "1.3");
    }
}

#[test]
fn the_clock_that_is_asked_for_is_the_one_that_judges() {
    let (folder, server) = both("cli-at");
    let address = &server.address;
    let line = format!("connect {address} {OURS} --pin keys-1.pem");
    run(&folder, &line).ends_with(0);
    run(&folder, &format!("{line} --at 2094-06-01"))
        .ends_with(1)
        .says("[Expired, rule M3]");
    run(&folder, &format!("{line} --at 2001-06-01"))
        .ends_with(1)
        .says("[NotYetValid, rule M3]");
    run(&folder, &format!("{line} --at yesterday"))
        .ends_with(2)
        .says("2027-01-31");
}

#[test]
fn a_chain_is_drawn_from_its_authority_down() {
    let folder = Folder::new("cli-chain");
    let root = now_spec("Root").ca().self_signed();
    let issuing = now_spec("Issuing").ca().signed_by(&root);
    let leaf = now_spec("keys-1").dns("localhost").signed_by(&issuing);
    write(&folder, "keys-1", &leaf);
    for (name, of) in [("root", &root), ("issuing", &issuing)] {
        fs::write(folder.file(&format!("{name}.pem")), of.certificate.to_pem()).unwrap();
    }
    let chain = [&leaf, &issuing]
        .map(|one| one.certificate.to_pem())
        .concat();
    fs::write(folder.file("keys-1.pem"), chain).unwrap();
    let server = Server::start(&folder, "");
    let address = server.address.replace("127.0.0.1", "localhost");
    let ran = run(
        &folder,
        &format!("connect {address} --ca root.pem --tls 1.3 {PATIENT}"),
    );
    let ran = ran
        .ends_with(1)
        .says("[ChainVerified, rule")
        .says("refused[RefusedByPeer]");
    let from = ran.out.find("chain:").unwrap();
    let rows: Vec<&str> = ran.out[from..].lines().skip(1).take(3).collect();
    for (row, start) in rows.iter().zip([
        "  CN=Root [installed authority] ",
        "  └─ CN=Issuing [presented] ",
        "     └─ CN=keys-1 [presented as its own] ",
    ]) {
        assert!(row.starts_with(start), "{row}");
    }
    // Without its authority, the picture says what is missing.
    fs::write(
        folder.file("other.pem"),
        now_spec("Other").ca().self_signed().certificate.to_pem(),
    )
    .unwrap();
    let ran = run(&folder, &format!("connect {address} --ca other.pem")).ends_with(1);
    ran.says("  ? CN=Root (its issuer, not presented)")
        .says("     └─ CN=keys-1 [presented as its own]".trim());
}

// What some TLS stacks do instead of an alert.
#[test]
fn a_server_that_closes_after_the_handshake_without_a_word_is_no_working_link() {
    let folder = Folder::new("cli-closed");
    machine(&folder, "keys-1");
    machine(&folder, "array-7");
    let config = ends::key_server(&folder, "array-7.pem");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Once without goodbye, once in due form.
    let peer = thread::spawn(move || {
        for says_goodbye in [false, true] {
            let (mut tcp, _) = listener.accept().unwrap();
            let mut tls = ServerConnection::new(config.clone()).unwrap();
            while tls.is_handshaking() {
                tls.complete_io(&mut tcp).unwrap();
            }
            if says_goodbye {
                tls.send_close_notify();
                tls.complete_io(&mut tcp).unwrap();
            }
            tcp.shutdown(Shutdown::Write).unwrap();
            let _ = tcp.read(&mut [0; 4096]);
        }
    });
    let line = format!("connect {address} {OURS} --pin keys-1.pem --tls 1.3 {PATIENT} --json");
    let found = run(&folder, &line).ends_with(1).json();
    assert_eq!(found["link"], "closed_by_peer");
    assert_eq!(found["verdict"]["accepted"], true);
    let found = run(&folder, &line).ends_with(0).json();
    assert_eq!(found["link"], "works");
    peer.join().unwrap();
}

#[test]
fn what_cannot_be_tried_ends_with_2() {
    let folder = Folder::new("cli-untried");
    machine(&folder, "keys-1");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The first says nothing, the second speaks something else, the third closes.
    let peer = thread::spawn(move || {
        let (silent, _) = listener.accept().unwrap();
        let (mut other, _) = listener.accept().unwrap();
        other
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        let _ = other.read(&mut [0; 4096]);
        drop(listener.accept().unwrap());
        drop((silent, listener));
    });
    let line = format!("connect {address} --pin keys-1.pem");
    run(&folder, &format!("{line} --timeout 1"))
        .ends_with(2)
        .says("error[link/TimedOut]")
        .says("in time");
    run(&folder, &line)
        .ends_with(2)
        .says("error[link]")
        .says("what answers at this port does not speak TLS");
    run(&folder, &line).ends_with(2).says("error[link]");
    peer.join().unwrap();
    run(&folder, &line).ends_with(2).says("error[connect]");
    for (line, kind) in [
        (
            "connect 127.0.0.1:1 --pin missing.pem",
            "error[io]: missing.pem",
        ),
        ("connect 127.0.0.1:1", "error[usage]"),
        (
            "connect 127.0.0.1:1 --store missing",
            "error[durable/NoStore]",
        ),
        (
            "connect 127.0.0.1:1 --pin keys-1.pem --identity keys-1.pem",
            "without --key, the key is read from the file of the chain",
        ),
        ("connect 127.0.0.1:1 --pin 00:11", "error[io]"),
    ] {
        run(&folder, line).ends_with(2).says(kind);
    }
    let error = run(&folder, "connect 127.0.0.1:1 --json")
        .ends_with(2)
        .json();
    assert_eq!(error["schema"], "mutual-trust/error/1");
    assert_eq!(error["kind"], "usage");
    for line in [
        "",
        "connect",
        "nonsense",
        "connect :x --pin keys-1.pem",
        "connect a --pin b --store c",
    ] {
        assert_eq!(run(&folder, line).code, 2, "{line}");
    }
}

/// A connected client that is blocked, or whose pin is removed, is not served any more.
#[test]
fn the_session_of_a_client_ends_with_the_trust_in_it() {
    for (change, reason) in [
        ("block array-7.pem", "Blocked"),
        ("remove array-7.pem --clients --force", "NothingInstalled"),
    ] {
        let (folder, mut server) = both(&format!("cli-ended-{reason}"));
        let tls = ends::array(&folder);
        let tcp = TcpStream::connect(&server.address).unwrap();
        let mut link = StreamOwned::new(tls, tcp);
        let mut line = [0; 6];
        link.write_all(b"hello\n").unwrap();
        link.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"hello\n");
        run(&folder, &format!("store {change} --store server-trust")).ends_with(0);
        assert_eq!(link.read(&mut line).unwrap(), 0);
        server.tell("quit");
        let (code, said) = server.end();
        assert_eq!(code, 0, "{said}");
        let ended = said
            .lines()
            .find(|line| line.starts_with("ended: client array-7: "));
        assert!(
            ended.is_some_and(|line| line.contains(&format!("[{reason}, rule "))),
            "{said}"
        );
    }
}
