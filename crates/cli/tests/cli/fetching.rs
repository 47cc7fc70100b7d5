//! `store crl fetch`: revocation lists by address.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::folder::Folder;
use crate::run::{now_spec, run, write};
use crate::schema;
use crate::support::crl::crl;
use crate::support::pki::Made;

const YEAR: i64 = 365 * 24 * 3600;

/// A server that sends what a test sets. It ends with the process.
struct Server {
    body: Arc<Mutex<Vec<u8>>>,
    address: String,
}

impl Server {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/ca.crl", listener.local_addr().unwrap());
        let body: Arc<Mutex<Vec<u8>>> = Arc::default();
        let sent = Arc::clone(&body);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                    head.push(byte[0]);
                }
                let body = sent.lock().unwrap().clone();
                let head = match body.is_empty() {
                    true => String::from(
                        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
                    ),
                    false => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()),
                };
                let _ = stream.write_all(&[head.into_bytes(), body].concat());
            }
        });
        Self { body, address }
    }

    fn sends(&self, body: impl Into<Vec<u8>>) {
        *self.body.lock().unwrap() = body.into();
    }
}

/// A store that trusts clients of a CA, and the CA.
fn store(test: &str) -> (Folder, Made) {
    let folder = Folder::new(test);
    let ca = now_spec("CA").ca().self_signed();
    write(&folder, "ca", &ca);
    write(&folder, "other", &now_spec("Other").ca().self_signed());
    for line in [
        "store create --store trust",
        "store authority ca.pem --clients --store trust",
        "store authority other.pem --clients --store trust",
    ] {
        run(&folder, line).ends_with(0);
    }
    (folder, ca)
}

fn list(ca: &Made, number: u8) -> String {
    let list = crl().valid(-2 * YEAR, 20 * YEAR).number(number);
    list.signed_by(ca).to_pem()
}

fn fetch(folder: &Folder, address: &str, issuer: &str, code: i32) -> Value {
    let line = format!("store crl fetch --list {address} {issuer} --store trust --json");
    run(folder, &line).ends_with(code).json()
}

/// How many lists are installed.
fn held(folder: &Folder) -> usize {
    let list = run(folder, "store list --store trust --json")
        .ends_with(0)
        .json();
    list["crls"].as_array().unwrap().len()
}

#[test]
fn a_list_is_fetched_and_stays_when_its_address_fails() {
    let (folder, ca) = store("cli-fetch");
    let server = Server::new();
    let at = &server.address;
    server.sends(list(&ca, 1));
    let first = fetch(&folder, at, "ca.pem", 0);
    assert_eq!(
        (&first["changed"], &first["good"]),
        (&true.into(), &true.into())
    );
    assert_eq!(held(&folder), 1);
    assert_eq!(fetch(&folder, at, "ca.pem", 0)["changed"], false);
    // Of another issuer than the one that is named, although it is installed.
    let other = fetch(&folder, at, "other.pem", 1);
    assert_eq!(other["refused"], "ListNotFetched");
    let error = other["lists"][0]["error"].as_str().unwrap();
    assert!(error.contains("another issuer"), "{error}");
    for wrong in ["a page", ""] {
        server.sends(wrong);
        let failed = fetch(&folder, at, "ca.pem", 1);
        assert_eq!(failed["refused"], "ListNotFetched");
        assert_eq!((&failed["changed"], held(&folder)), (&false.into(), 1));
    }
    // An older one than the store has.
    server.sends(crl().valid(-3 * YEAR, 20 * YEAR).signed_by(&ca).to_pem());
    assert_eq!(fetch(&folder, at, "ca.pem", 1)["changed"], false);
    server.sends(list(&ca, 2));
    assert_eq!(fetch(&folder, at, "ca.pem", 0)["changed"], true);
}

#[test]
fn a_list_that_has_ended_is_told() {
    let (folder, ca) = store("cli-fetch-ended");
    let server = Server::new();
    server.sends(crl().valid(-9 * YEAR, -5 * YEAR).signed_by(&ca).to_pem());
    let ended = fetch(&folder, &server.address, "ca.pem", 1);
    assert_eq!(
        (&ended["refused"], &ended["lists"][0]["ended"]),
        (&"ListEnded".into(), &true.into())
    );
}

#[test]
fn an_address_is_followed_to_the_end_of_the_time() {
    let (folder, ca) = store("cli-fetch-follow");
    let server = Server::new();
    server.sends(list(&ca, 1));
    let line = format!(
        "store crl fetch --list {} ca.pem --follow --for 2 --store trust --json",
        server.address
    );
    let ran = run(&folder, &line).ends_with(0);
    let found = schema::objects(&ran.out);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["store-crl-fetch-event", "store-crl-fetch"]);
    assert!(found.iter().all(|(_, object)| object["good"] == true));
    assert_eq!(held(&folder), 1);
}

#[test]
fn what_cannot_be_an_address_or_an_issuer_is_told() {
    let (folder, _) = store("cli-fetch-usage");
    for (line, told) in [
        ("--list ftp://pki.example/ca.crl ca.pem", "http://"),
        ("--list https://pki.example/ca.crl ca.pem", "--identity"),
        ("--list http://pki.example/ca.crl none.pem", "none.pem"),
        ("--list http://pki.example/ca.crl ca.pem --force", "--force"),
    ] {
        let line = format!("store crl fetch {line} --store trust");
        run(&folder, &line).ends_with(2).says(told);
    }
}

/// From the first list on, an issuer is checked: what that does is shown before.
#[test]
fn a_plan_shows_what_the_lists_would_do() {
    let (folder, ca) = store("cli-fetch-plan");
    let server = Server::new();
    let at = &server.address;
    server.sends(list(&ca, 1));
    let plan = format!("store plan crl fetch --list {at} ca.pem --store trust");
    let dry = format!("store crl fetch --list {at} ca.pem --dry-run --store trust");
    for line in [plan, dry] {
        let ran = run(&folder, &format!("{line} --json")).ends_with(0).json();
        assert_eq!(
            (&ran["schema"], held(&folder)),
            (&"mutual-trust/store-change/1".into(), 0)
        );
    }
    let other = format!("store plan crl fetch --list {at} other.pem --store trust");
    run(&folder, &other)
        .ends_with(2)
        .says("a list of an issuer that is not named");
}
