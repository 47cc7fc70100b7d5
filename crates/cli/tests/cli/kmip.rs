//! `connect --kmip` against a key server that answers what a test wants, over TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};

use crate::ends;
use crate::folder::Folder;
use crate::openssl::openssl;
use crate::run::{Foreign, Ran, machine, run};

/// Answers that PyKMIP gave: a name and the bytes in hexadecimal in each line.
const ANSWERS: &str = include_str!("../../src/kmip/answers.txt");

fn recorded(name: &str) -> Vec<u8> {
    let line = ANSWERS
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")));
    let digits = line.unwrap();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// What the server does after a request.
pub(crate) enum Act {
    Answer(Vec<u8>),
    /// Sends this, a byte at a time, with a pause behind each.
    Drip(Vec<u8>, Duration),
    /// Says nothing until the client has gone.
    Wait,
    /// Sends this and closes, in order or not.
    Close(Vec<u8>, InOrder),
}

type InOrder = bool;

pub(crate) fn answers(names: &[&str]) -> Vec<Act> {
    let recorded = names.iter().map(|name| recorded(name));
    recorded.map(Act::Answer).collect()
}

fn site(test: &str) -> Folder {
    let folder = Folder::new(test);
    machine(&folder, "keys-1");
    machine(&folder, "array-7");
    folder
}

fn serve(folder: &Folder, acts: Vec<Act>) -> (SocketAddr, JoinHandle<Vec<Vec<u8>>>) {
    key_server(folder, "array-7.pem", acts)
}

/// The key server `keys-1` for one connection of a client, whose requests it gives back.
pub(crate) fn key_server(
    folder: &Folder,
    client: &str,
    acts: Vec<Act>,
) -> (SocketAddr, JoinHandle<Vec<Vec<u8>>>) {
    let config = ends::key_server(folder, client);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
        let mut requests = Vec::new();
        for act in acts {
            let mut request = vec![0; 8];
            if tls.read_exact(&mut request).is_err() {
                break;
            }
            let length = u32::from_be_bytes(request[4..].try_into().unwrap());
            request.resize(8 + usize::try_from(length).unwrap(), 0);
            tls.read_exact(&mut request[8..]).unwrap();
            requests.push(request);
            match act {
                Act::Answer(bytes) => tls.write_all(&bytes).unwrap(),
                Act::Drip(bytes, pause) => {
                    for byte in bytes {
                        if tls.write_all(&[byte]).and_then(|()| tls.flush()).is_err() {
                            break;
                        }
                        thread::sleep(pause);
                    }
                }
                Act::Wait => {
                    let _ = tls.read(&mut [0; 64]);
                }
                Act::Close(bytes, in_order) => {
                    tls.write_all(&bytes).unwrap();
                    if in_order {
                        tls.conn.send_close_notify();
                    }
                    let _ = tls.flush();
                    break;
                }
            }
        }
        requests
    });
    (address, peer)
}

fn connect(folder: &Folder, address: SocketAddr, more: &str) -> Ran {
    let line = format!(
        "connect {address} --pin keys-1.pem --identity array-7.pem --key array-7.key --kmip {more}"
    );
    run(folder, &line)
}

#[test]
fn a_test_ends_with_a_key_that_is_active() {
    let folder = site("cli-kmip-good");
    let names = ["versions", "query-2.0", "key-2.0"];
    let (address, peer) = serve(&folder, answers(&names));
    connect(&folder, address, "--key-id 1")
        .ends_with(0)
        .says("[PinMatched, rule M1]")
        .says(&format!("works: {address}, TLS 1.3"))
        .says("KMIP 2.0: the server knows 2.0, 1.4, 1.3, 1.2, 1.1, 1.0\n")
        .says("key server: PyKMIP 0.11.0 Software Server\n")
        .says("key 1: Active, Symmetric Key, AES, 256 bits, named array key\n")
        .says("serves: the key is there and active; its material was not asked for");
    // Discover Versions, Query and Get Attributes; the operation is the first field of the batch item.
    let operations: Vec<u8> = peer
        .join()
        .unwrap()
        .iter()
        .map(|request| {
            let item = request
                .windows(4)
                .position(|window| window == [0x42, 0, 0x5C, 5]);
            request[item.unwrap() + 11]
        })
        .collect();
    assert_eq!(operations, [0x1E, 0x18, 0x0B]);

    let names = ["versions", "query-1.4", "key-1.4"];
    let (address, _peer) = serve(&folder, answers(&names));
    let line = "--key-id 1 --kmip-version 1.4 --tls 1.2 --json";
    let found = connect(&folder, address, line).ends_with(0).json();
    assert_eq!(found["link"], "works");
    assert_eq!(found["identity"]["accepted"], true);
    assert_eq!(found["verdict"]["rule"], "M1");
    let kmip = &found["kmip"];
    assert!(kmip["failed_step"].is_null() && kmip["refusal"].is_null());
    assert_eq!(kmip["version"], "1.4");
    assert_eq!(kmip["versions"][0], "2.0");
    assert_eq!(kmip["vendor"], "PyKMIP 0.11.0 Software Server");
    assert_eq!(kmip["key"]["state"], "Active");
    assert_eq!(kmip["key"]["bits"], 256);

    // Without a key.
    let (address, _peer) = serve(&folder, answers(&["versions", "query-2.0"]));
    connect(&folder, address, "")
        .ends_with(0)
        .says("serves: the server answers in KMIP; --key-id ID asks for a key");
}

#[test]
fn a_refusal_of_the_key_server_ends_with_1_and_what_to_do() {
    let folder = site("cli-kmip-refused");
    for (answer, code, meaning) in [
        ("unknown-key-1.4", "KeyNotFound", "no such key for its user"),
        (
            "other-user-1.4",
            "RefusedByKeyServer",
            "its user may not use this key",
        ),
    ] {
        let names = ["versions", "query-1.4", answer];
        let (address, _peer) = serve(&folder, answers(&names));
        connect(&folder, address, "--key-id 5 --kmip-version 1.4")
            .ends_with(1)
            .says(meaning)
            .says("  to do: ")
            .says(&format!("refused[{code}]"));
        let (address, _peer) = serve(&folder, answers(&names));
        let line = "--key-id 5 --kmip-version 1.4 --json";
        let found = connect(&folder, address, line).ends_with(1).json();
        assert_eq!(found["refused"], code);
        assert_eq!(found["link"], "works");
        assert_eq!(found["kmip"]["failed_step"], "key");
        let said = found["kmip"]["refusal"]["meaning"].as_str().unwrap();
        assert!(said.contains(meaning), "{said}");
    }
    // One that knows 1.0 alone is no refusal.
    let names = ["unsupported-1.0", "query-1.4", "query-1.4", "key-1.4"];
    let (address, _peer) = serve(&folder, answers(&names));
    connect(&folder, address, "--key-id 1")
        .ends_with(0)
        .says("KMIP 1.0: the server knows 1.0\n");
    let (address, _peer) = serve(&folder, answers(&["versions"]));
    connect(&folder, address, "--kmip-version 2.1")
        .ends_with(1)
        .says("it knows 2.0, 1.4")
        .says("refused[NoCommonKmipVersion]");
}

/// The error of a test that has no answer, with the link before it.
fn failure(folder: &Folder, acts: Vec<Act>, kind: &str, text: &str) {
    // The time of a test that waits for its end must suffice for the handshake, however slow the machine is.
    let seconds = if kind == "kmip/TimedOut" { 4 } else { 120 };
    let (address, peer) = serve(folder, acts);
    connect(folder, address, &format!("--key-id 1 --timeout {seconds}"))
        .ends_with(2)
        .says(&format!("works: {address}"))
        .says(&format!("error[{kind}]"))
        .says(text);
    let _ = peer.join();
}

#[test]
fn a_hostile_or_broken_key_server_is_an_error_in_bounded_time() {
    let folder = site("cli-kmip-hostile");
    let begin = Instant::now();
    let message = |length: u32| {
        let mut bytes = vec![0x42, 0x00, 0x7B, 0x01];
        bytes.extend(length.to_be_bytes());
        bytes
    };
    // 4 GiB, and one byte more than is read.
    for length in [u32::MAX, 256 * 1024 - 7] {
        let acts = vec![Act::Answer(message(length))];
        failure(&folder, acts, "kmip/TooLong", "announces an answer");
    }
    // Something else at the port.
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let text = "is this the port of its key service?";
    failure(&folder, vec![Act::Answer(http)], "kmip/Malformed", text);
    // Another type, and a message that is no TTLV.
    let mut request = recorded("versions");
    request[2] = 0x78;
    failure(&folder, vec![Act::Answer(request)], "kmip/Malformed", text);
    let mut broken = recorded("versions");
    broken[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
    let text = "cannot be read";
    failure(&folder, vec![Act::Answer(broken)], "kmip/Malformed", text);
    // The answer to another question.
    let text = "another operation";
    failure(&folder, answers(&["query-2.0"]), "kmip/Malformed", text);
    // Half an answer, then the end, with and without an orderly close.
    for in_order in [true, false] {
        for part in [0, 5, 8, 100] {
            let part = recorded("query-2.0")[..part].to_vec();
            let mut acts = answers(&["versions"]);
            acts.push(Act::Close(part, in_order));
            failure(&folder, acts, "kmip/Closed", "answering: is this the port");
        }
    }
    let text = "did not answer in time";
    failure(&folder, vec![Act::Wait], "kmip/TimedOut", text);
    // However slowly it sends, the time of an answer is the same.
    let slow = Act::Drip(recorded("versions"), Duration::from_millis(50));
    failure(&folder, vec![slow], "kmip/TimedOut", text);
    assert!(begin.elapsed() < Duration::from_secs(90));
}

#[test]
fn json_of_a_test_without_an_answer_has_the_step() {
    let folder = site("cli-kmip-json");
    let mut acts = answers(&["versions"]);
    acts.push(Act::Close(vec![], true));
    let (address, _peer) = serve(&folder, acts);
    let ran = connect(&folder, address, "--json").ends_with(2);
    assert_eq!(ran.json()["kind"], "kmip/Closed");
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["link"], "works");
    assert_eq!(found["kmip"]["failed_step"], "query");
    assert_eq!(found["kmip"]["versions"][0], "2.0");
    assert!(found["refused"].is_null());
}

#[test]
fn texts_of_the_key_server_make_no_lines_and_move_no_cursor() {
    let folder = site("cli-kmip-texts");
    let mut query = recorded("query-2.0");
    let name = b"PyKMIP 0.11.0 Software Server";
    let at = query
        .windows(name.len())
        .position(|window| window == name)
        .unwrap();
    query[at..at + 14].copy_from_slice(b"x\nserves: \x1b[2K");
    let acts = vec![Act::Answer(recorded("versions")), Act::Answer(query)];
    let (address, _peer) = serve(&folder, acts);
    let ran = connect(&folder, address, "").ends_with(0);
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    let count = ran.out.lines().filter(|line| line.starts_with("serves"));
    assert_eq!(count.count(), 1, "{}", ran.out);
}

/// In TLS 1.3 a server refuses a client after the client's handshake: the first answer is waited for.
#[test]
fn a_server_that_refuses_our_certificate_is_not_asked_in_vain() {
    if openssl("cli-kmip-refuses-tool").is_none() {
        return;
    }
    let folder = site("cli-kmip-refuses");
    machine(&folder, "unknown");
    let server = Foreign::start(
        &folder,
        "-CAfile array-7.pem -Verify 1 -verify_return_error",
    );
    for version in ["1.2", "1.3"] {
        let line = format!(
            "connect {} --pin keys-1.pem --identity unknown.pem --key unknown.key --kmip --tls {version}",
            server.address
        );
        run(&folder, &line)
            .ends_with(1)
            .says("refused: the server refused us with the alert")
            .says("refused[RefusedByPeer]");
        let found = run(&folder, &format!("{line} --json")).ends_with(1).json();
        assert_eq!(found["link"], "refused_by_peer");
        assert_eq!(found["identity"]["accepted"], false);
        assert!(found["kmip"].is_null());
    }
    // A server that we refuse is not asked.
    let line = format!(
        "connect {} --pin unknown.pem --identity array-7.pem --key array-7.key --kmip --json",
        server.address
    );
    let found = run(&folder, &line).ends_with(1).json();
    assert_eq!(found["link"], "refused_by_us");
    assert!(found["kmip"].is_null());
}

#[test]
fn a_key_id_needs_kmip() {
    let folder = site("cli-kmip-usage");
    for line in [
        "connect 127.0.0.1:1 --pin keys-1.pem --key-id 1",
        "connect 127.0.0.1:1 --pin keys-1.pem --kmip --kmip-version 1.5",
        "connect 127.0.0.1:1 --pin keys-1.pem --kmip --key-id",
    ] {
        run(&folder, line).ends_with(2);
    }
}
