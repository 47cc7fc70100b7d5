//! Revocation lists by address: fetched before they end, kept on every fault.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::certificate::Crl;
use mutual_trust::store::CrlIssuer;
use mutual_trust::{AuthorityScope, EntryOptions};
use mutual_trust_fleet::http::Connector;
use mutual_trust_fleet::limits::{
    FIRST_LIST_BACKOFF, LIST_INTERVAL, LIST_SILENCE_LIMIT, MAX_LIST_SOURCES, MIN_LIST_WAIT,
};
use mutual_trust_fleet::lists::{CrlSource, ListFollower, ListHealth};
use mutual_trust_test_support::crl::crl;
use mutual_trust_test_support::folder::Folder as Temporary;
use mutual_trust_test_support::keys;
use mutual_trust_test_support::pki::{Made, spec};

use crate::support::node::Clock;
use crate::support::world::World;

const DAY: i64 = 24 * 60 * 60;

/// A server without TLS that sends what a test sets, and the requests that it got.
struct Server {
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<Mutex<Vec<String>>>,
    address: String,
}

impl Server {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self {
            answer: Arc::default(),
            asked: Arc::default(),
            address: format!("http://localhost:{port}/root.crl"),
        };
        let (answer, asked) = (server.answer.clone(), server.asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                    head.push(byte[0]);
                }
                asked.lock().unwrap().push(String::from_utf8(head).unwrap());
                let answer = answer.lock().unwrap().clone();
                let _ = stream.write_all(&answer);
            }
        });
        server
    }

    fn sends(&self, headers: &str, body: &[u8]) {
        let head = format!(
            "HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        *self.answer.lock().unwrap() = [head.as_bytes(), body].concat();
    }

    fn says(&self, text: &str) {
        *self.answer.lock().unwrap() = text.as_bytes().to_vec();
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn last(&self) -> String {
        self.asked.lock().unwrap().last().unwrap().to_lowercase()
    }
}

struct Followed {
    _place: Temporary,
    ca: Made,
    store: Arc<Mutex<DurableStore>>,
    clock: Arc<Clock>,
    follower: ListFollower,
}

impl Followed {
    /// A store with an authority whose lists are at an address.
    fn new(address: &str) -> Self {
        Self::of(|issuer| CrlSource::http(address, [issuer]).unwrap())
    }

    fn of(source: impl FnOnce(CrlIssuer) -> CrlSource) -> Self {
        let place = Temporary::new("fleet-lists");
        let clock = Arc::new(Clock::default());
        let settings = DurableSettings::new(keys()).with_clock(clock.clone());
        let mut store = DurableStore::create(place.path(), settings).unwrap();
        let ca = spec("a CA").ca().self_signed();
        store
            .change(|store| {
                let options = EntryOptions::new();
                store.install_authority(AuthorityScope::Clients, ca.certificate(), options)
            })
            .unwrap();
        let store = Arc::new(Mutex::new(store));
        let source = source(CrlIssuer::of(&ca.certificate()));
        let follower = ListFollower::new([source], store.clone()).unwrap();
        Self {
            _place: place,
            ca,
            store,
            follower: follower.with_clock(clock.clone(), clock.clone(), 7),
            clock,
        }
    }

    fn health(&self) -> ListHealth {
        self.follower.handle().health().pop().unwrap()
    }

    /// Lets the next attempt come.
    fn step(&mut self) -> Duration {
        self.clock.pass(LIST_INTERVAL);
        self.follower.step()
    }

    fn held(&self) -> Vec<Crl> {
        let store = self.store.lock().unwrap();
        let lists = store.contents().crls();
        lists.map(|list| list.crl().clone()).collect()
    }

    fn fault(&mut self) -> String {
        let failures = self.health().failures;
        self.step();
        let health = self.health();
        assert_eq!(health.failures, failures + 1, "{health}");
        health.fault.unwrap()
    }
}

#[test]
fn a_list_is_installed_kept_and_replaced_by_a_newer_one() {
    let server = Server::new();
    let mut followed = Followed::new(&server.address);
    let one = crl().valid(-DAY, 30 * DAY).der(&followed.ca);
    server.sends("ETag: \"1\"\r\n", &one);
    followed.step();
    assert_eq!(followed.held(), [Crl::from_der(&one).unwrap()]);
    assert!(followed.health().is_good(), "{}", followed.health());
    assert!(!server.last().contains("if-none-match"));
    let generation = followed.store.lock().unwrap().contents().generation();

    server.says("HTTP/1.1 304 Not Modified\r\n\r\n");
    followed.step();
    assert!(
        server.last().contains("if-none-match: \"1\"\r\n"),
        "{}",
        server.last()
    );
    assert!(followed.health().is_good() && followed.health().failures == 0);
    // The same bytes again, under another tag: no change of the store.
    server.sends("ETag: \"2\"\r\n", &one);
    followed.step();
    assert_eq!(
        followed.store.lock().unwrap().contents().generation(),
        generation
    );

    // In PEM, as some servers have it.
    let two = crl().number(2).valid(0, 31 * DAY).signed_by(&followed.ca);
    server.sends("", two.to_pem().as_bytes());
    followed.step();
    assert_eq!(followed.held(), std::slice::from_ref(&two));
    assert_eq!(followed.health().next_update, two.next_update());
}

/// Each leaves the last good list in force, and says what is wrong.
#[test]
fn what_is_no_good_list_changes_nothing() {
    let server = Server::new();
    let mut followed = Followed::new(&server.address);
    let newest = crl().number(5).valid(-DAY, 30 * DAY);
    server.sends("", &newest.der(&followed.ca));
    followed.step();
    let held = followed.held();
    let other = spec("another CA").ca().self_signed();
    let stolen = spec("a CA").ca().self_signed();

    let older = crl().number(4).valid(-2 * DAY, 29 * DAY).der(&followed.ca);
    server.sends("", &older);
    assert!(
        followed.fault().contains("a newer revocation list"),
        "{}",
        followed.health()
    );
    server.sends("", &crl().number(6).der(&other));
    assert!(
        followed.fault().contains("another issuer"),
        "{}",
        followed.health()
    );
    server.sends("", &crl().number(6).der(&stolen));
    followed.fault();
    server.sends("", &crl().number(6).wrong_signature().der(&followed.ca));
    followed.fault();
    let good = crl().number(6).der(&followed.ca);
    server.sends("", &good[..good.len() - 1]);
    followed.fault();
    server.sends("Content-Type: text/html\r\n", &good);
    assert!(followed.fault().contains("HTML"), "{}", followed.health());
    server.sends("Content-Encoding: gzip\r\n", &good);
    followed.fault();
    for body in ["", "<html>", "-----BEGIN X509 CRL-----\nAA"] {
        server.sends("", body.as_bytes());
        followed.fault();
    }
    for (text, word) in [
        ("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "nothing is"),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", "304"),
        (
            "HTTP/1.1 301 Moved\r\nLocation: http://10.0.0.1/\r\n\r\n",
            "redirect",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /other.crl\r\n\r\n",
            "redirect",
        ),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "503"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n",
            "more than",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "reached"),
        ("", "reached"),
    ] {
        server.says(text);
        let fault = followed.fault();
        assert!(fault.contains(word), "{text}: {fault}");
    }
    assert_eq!(followed.held(), held);
    server.sends("", &good);
    followed.step();
    assert_eq!(followed.health().failures, 0);
    assert_eq!(followed.held(), [Crl::from_der(&good).unwrap()]);
}

#[test]
fn a_list_is_asked_for_at_half_of_what_is_left_and_more_often_near_its_end() {
    let server = Server::new();
    let mut followed = Followed::new(&server.address);
    let start = i64::try_from(LIST_INTERVAL.as_secs()).unwrap();
    server.sends("", &crl().valid(-DAY, start + 1000).der(&followed.ca));
    let pause = followed.step();
    assert!(
        pause >= Duration::from_secs(250) && pause <= Duration::from_secs(500),
        "{pause:?}"
    );
    let before = server.asked();
    let mut asked_at = Vec::new();
    while followed.clock.passed() < LIST_INTERVAL + Duration::from_secs(3000) {
        let pause = followed.follower.step();
        assert!(
            pause >= MIN_LIST_WAIT / 2 && pause <= LIST_INTERVAL,
            "{pause:?}"
        );
        asked_at.push(followed.clock.passed());
        followed.clock.pass(pause);
    }
    // The first ones within what is left, and then about once a minute.
    let asked = server.asked() - before;
    assert!((30..70).contains(&asked), "{asked}: {asked_at:?}");

    // A list that is good for long is asked for once an hour at least.
    server.sends("", &crl().number(9).valid(0, 300 * DAY).der(&followed.ca));
    let pause = followed.step();
    assert!(
        pause >= LIST_INTERVAL / 2 && pause <= LIST_INTERVAL,
        "{pause:?}"
    );
    // After a failure, soon.
    server.says("");
    let pause = followed.step();
    assert!(pause <= FIRST_LIST_BACKOFF, "{pause:?}");
}

#[test]
fn the_end_of_a_list_is_told_before_it_comes() {
    let server = Server::new();
    let mut followed = Followed::new(&server.address);
    assert!(followed.health().is_good(), "before the first attempt");
    let second = Duration::from_secs(1);
    server.sends("", &crl().valid(-DAY, 9 * DAY).der(&followed.ca));
    followed.step();
    server.says("");
    let until = Duration::from_secs(8 * 86_400) - followed.clock.passed();
    followed.clock.pass(until - second);
    // A server that is away for a week is another matter.
    assert!(!followed.health().ends_soon && followed.health().silent_for > LIST_SILENCE_LIMIT);
    followed.clock.pass(second * 2);
    assert!(followed.health().ends_soon && !followed.health().is_good());
    assert!(
        followed.health().to_string().contains("ends soon"),
        "{}",
        followed.health()
    );
    followed.clock.pass(Duration::from_secs(86_400));
    assert!(followed.health().is_past_end);
    assert_eq!(followed.held().len(), 1);
}

#[test]
fn an_address_that_never_had_a_list_or_is_silent_needs_attention() {
    let server = Server::new();
    let mut followed = Followed::new(&server.address);
    server.says("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    followed.step();
    assert!(!followed.health().is_good());
    server.sends("", &crl().valid(-DAY, 300 * DAY).der(&followed.ca));
    followed.step();
    assert!(followed.health().is_good());
    server.says("");
    followed.step();
    // One failure needs none.
    assert!(followed.health().is_good(), "{}", followed.health());
    followed.clock.pass(LIST_SILENCE_LIMIT);
    assert!(!followed.health().is_good());
}

/// DER begins with the same byte.
#[test]
fn a_list_in_pem_may_have_a_title_that_begins_with_a_zero() {
    let server = Server::new();
    let mut followed = Followed::new(&server.address);
    let list = crl().valid(-DAY, 30 * DAY).signed_by(&followed.ca);
    let titled = format!("0 the list\n{}", list.to_pem());
    server.sends("", titled.as_bytes());
    followed.step();
    assert!(followed.health().is_good(), "{}", followed.health());
}

/// A list that an administrator removed, or a store that was restored: the tag is not sent, since the list is needed.
#[test]
fn a_list_that_is_no_longer_in_the_store_is_fetched_again() {
    let server = Server::new();
    let mut followed = Followed::new(&server.address);
    let list = crl().valid(-DAY, 30 * DAY).signed_by(&followed.ca);
    server.sends("ETag: \"1\"\r\n", list.der());
    followed.step();
    let removed = followed
        .store
        .lock()
        .unwrap()
        .change(|store| store.remove_crl(list.fingerprint()));
    removed.unwrap();
    followed.step();
    assert!(
        !server.last().contains("if-none-match"),
        "{}",
        server.last()
    );
    assert_eq!(followed.held(), [list]);
}

#[test]
fn a_follower_runs_and_stops() {
    let server = Server::new();
    let followed = Followed::new(&server.address);
    server.sends("", &crl().valid(-DAY, 30 * DAY).der(&followed.ca));
    let (handle, running) = followed.follower.spawn().unwrap();
    while handle.health()[0].last_success.is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    handle.stop();
    running.join().unwrap();
    let store = followed.store.lock().unwrap();
    assert_eq!(store.contents().crls().count(), 1);
}

/// By the rules of the library: the server of the lists is one that the administrator named.
#[test]
fn https_needs_a_server_that_the_administrator_named() {
    let mut world = World::new();
    let connector = world.client("array-7");
    let mut other = World::new();
    let unknown = other.client("array-7");
    let ca = spec("a CA").ca().self_signed();
    let list = crl().valid(-DAY, 30 * DAY).der(&ca);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", list.len());
    let port = world.sends([head.as_bytes(), &list].concat());
    let address = format!("https://localhost:{port}/root.crl");
    let of = |connector: Connector| {
        let mut followed =
            Followed::of(|issuer| CrlSource::https(&address, [issuer], connector).unwrap());
        followed.step();
        followed.health().fault.unwrap()
    };
    // The list arrives, and is not one of this store's authority.
    assert!(!of(connector).contains("reached"));
    assert!(of(unknown).contains("reached"));
}

#[test]
fn an_address_says_how_it_is_reached() {
    let mut world = World::new();
    let connector = world.client("array-7");
    let issuer = || {
        [CrlIssuer::of(
            &spec("a CA").ca().self_signed().certificate(),
        )]
    };
    assert!(CrlSource::http("https://pki/x.crl", issuer()).is_err());
    assert!(CrlSource::https("http://pki/x.crl", issuer(), connector.clone()).is_err());
    assert!(CrlSource::http("ldap://pki/x", issuer()).is_err());
    assert!(CrlSource::http("http://me:secret@pki/x", issuer()).is_err());
    assert!(CrlSource::http("http://pki/crl?id=7", issuer()).is_ok());
    assert!(CrlSource::https("https://pki/x.crl", issuer(), connector).is_ok());
    // No issuer is taken by default.
    assert!(CrlSource::http("http://pki/x.crl", []).is_err());
    let place = Temporary::new("fleet-lists-many");
    let settings = DurableSettings::new(keys());
    let store = DurableStore::create(place.path(), settings).unwrap();
    let source = CrlSource::http("http://pki/x.crl", issuer()).unwrap();
    let many = vec![source; MAX_LIST_SOURCES + 1];
    assert!(ListFollower::new(many, Arc::new(Mutex::new(store))).is_err());
}

/// Over HTTP, an attacker on the way sends the list of another authority that is installed: of the same name, or not.
#[test]
fn a_list_of_an_issuer_that_is_not_named_changes_nothing() {
    let server = Server::new();
    for name in ["another CA", "a CA"] {
        let mut followed = Followed::new(&server.address);
        let other = spec(name).ca().self_signed();
        let installed = followed.store.lock().unwrap().change(|store| {
            let options = EntryOptions::new();
            store.install_authority(AuthorityScope::Clients, other.certificate(), options)
        });
        installed.unwrap();
        let checked = |followed: &Followed| {
            let store = followed.store.lock().unwrap();
            let issuers: Vec<CrlIssuer> = store.contents().revocation_checked_issuers().collect();
            issuers
        };
        let ended = crl().number(1).valid(-60 * DAY, -30 * DAY);
        // Also beside a good one, in PEM.
        let good = crl()
            .number(5)
            .valid(-DAY, 30 * DAY)
            .signed_by(&followed.ca);
        let both = ended.clone().signed_by(&other).to_pem() + &good.to_pem();
        for body in [ended.der(&other), both.into_bytes()] {
            server.sends("", &body);
            let fault = followed.fault();
            assert!(fault.contains("another issuer"), "{fault}");
            assert_eq!(checked(&followed), []);
            assert_eq!(followed.held(), []);
        }
        server.sends("", good.der());
        followed.step();
        assert!(followed.health().is_good(), "{}", followed.health());
        let named = CrlIssuer::of(&followed.ca.certificate());
        assert_eq!(checked(&followed), [named]);
    }
}
