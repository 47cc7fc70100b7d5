//! Servers that others made.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::store::CrlIssuer;
use mutual_trust::{AuthorityScope, EntryOptions};
use mutual_trust_fleet::lists::{CrlSource, ListFollower};
use mutual_trust_fleet::{Fetched, Transport, TransportError};
use mutual_trust_test_support::crl::crl;
use mutual_trust_test_support::folder::Folder as Temporary;
use mutual_trust_test_support::keys;
use mutual_trust_test_support::pki::spec;
use mutual_trust_test_support::skips::skipped;

use crate::support::node::Clock;
use crate::support::world::{LONG, World, http};
use crate::support::{new, report};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Starts a server. `None` where it is not installed.
fn start(command: &mut Command, port: u16) -> Option<Running> {
    let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(child) = started else {
        let program = command.get_program().to_string_lossy().into_owned();
        skipped(&format!(
            "no {program}, so the fleet's client does not meet it"
        ));
        return None;
    };
    let running = Running(child);
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < LONG, "it does not listen");
        thread::sleep(Duration::from_millis(20));
    }
    Some(running)
}

/// nginx with the server given by its settings.
fn nginx(place: &Path, port: u16, server: &str) -> Option<Running> {
    let folder = place.display();
    let settings = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}\n\
         http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
         server {{ {server} }} }}\n"
    );
    fs::write(place.join("conf"), settings).unwrap();
    let mut command = Command::new("nginx");
    // Debian keeps it where users do not look.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin"));
    command
        .arg("-p")
        .arg(place)
        .arg("-c")
        .arg(place.join("conf"));
    start(&mut command, port)
}

/// A plain file server with mutual TLS is a transport: nodes poll, and cannot report.
#[test]
fn nginx_with_mutual_tls_serves_publications() {
    let place = Temporary::new("fleet-nginx");
    let world = World::new();
    // nginx judges by the clock of the machine, which is not that of the tests.
    let years = 20 * 366 * 24 * 60 * 60;
    let us = spec("array-7").client_auth().valid(-years, years);
    let us = us.self_signed();
    fs::write(place.file("cert"), world.server.certificate.to_pem()).unwrap();
    fs::write(place.file("key"), world.server.key.serialize_pem()).unwrap();
    fs::write(place.file("clients"), us.certificate.to_pem()).unwrap();
    fs::create_dir(place.file("root")).unwrap();
    let port = free_port();
    let folder = place.path().display();
    let server = format!(
        "listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3; ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key;\n\
         ssl_client_certificate {folder}/clients; ssl_verify_client on; root {folder}/root;\n\
         location /old {{ return 301 https://$host:{port}/publication; }}"
    );
    let Some(_running) = nginx(place.path(), port, &server) else {
        return;
    };
    let mut node = http(port, world.connector(&us));
    let nothing = node.fetch(None).unwrap_err();
    assert!(
        matches!(nothing, TransportError::NotPublished { .. }),
        "{nothing:?}"
    );
    fs::write(place.file("root").join("publication"), "one").unwrap();
    let (bytes, tag) = new(node.fetch(None));
    assert_eq!(bytes, b"one");
    assert!(tag.as_str().starts_with('"'), "{tag}");
    assert_eq!(node.fetch(Some(&tag)).unwrap(), Fetched::Unchanged);
    fs::write(place.file("root").join("publication"), "number two").unwrap();
    assert_eq!(new(node.fetch(Some(&tag))).0, b"number two");
    let told = node.report(&report("array-7")).unwrap_err();
    assert!(
        matches!(told, TransportError::CannotReport { .. }),
        "{told}"
    );
    // nginx does not wait for changes: the node does, for as long as it is told.
    let start = Instant::now();
    node.wait(Duration::from_millis(30)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(30));
    // A client that nginx does not know.
    let unknown = spec("unknown").client_auth().self_signed();
    let refused = http(port, world.connector(&unknown))
        .fetch(None)
        .unwrap_err();
    assert!(
        matches!(
            refused,
            TransportError::Unexpected { .. } | TransportError::Unreachable { .. }
        ),
        "{refused}"
    );
}

/// nginx has ETags, and Python's server has none.
#[test]
fn nginx_and_python_serve_revocation_lists() {
    let place = Temporary::new("fleet-lists-foreign");
    let ca = spec("a CA").ca().self_signed();
    let (nginx_port, python_port) = (free_port(), free_port());
    let root = place.path().display();
    let server = format!("listen 127.0.0.1:{nginx_port}; root {root};");
    let mut python = Command::new("python3");
    python.args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"]);
    python.arg(place.path()).arg(python_port.to_string());
    let servers = [
        (nginx(place.path(), nginx_port, &server), nginx_port),
        (start(&mut python, python_port), python_port),
    ];
    for (running, port) in &servers {
        if running.is_none() {
            continue;
        }
        let store_place = Temporary::new("fleet-lists-foreign-store");
        let clock = Arc::new(Clock::default());
        let settings = DurableSettings::new(keys()).with_clock(clock.clone());
        let mut store = DurableStore::create(store_place.path(), settings).unwrap();
        store
            .change(|store| {
                let options = EntryOptions::new();
                store.install_authority(AuthorityScope::Clients, ca.certificate(), options)
            })
            .unwrap();
        let store = Arc::new(Mutex::new(store));
        let address = format!("http://localhost:{port}/root.crl");
        let source = CrlSource::http(&address, [CrlIssuer::of(&ca.certificate())]).unwrap();
        let follower = ListFollower::new([source], store.clone()).unwrap();
        let mut follower = follower.with_clock(clock.clone(), clock.clone(), 7);
        for number in 1..=2 {
            fs::write(place.file("root.crl"), crl().number(number).der(&ca)).unwrap();
            // The tag of nginx is the length and the second in which a file was written.
            let file = fs::File::options()
                .append(true)
                .open(place.file("root.crl"));
            let written = SystemTime::UNIX_EPOCH + Duration::from_secs(number.into());
            file.unwrap().set_modified(written).unwrap();
            for _ in 0..2 {
                clock.pass(Duration::from_secs(2 * 60 * 60));
                let _ = follower.step();
                let health = follower.handle().health();
                assert!(
                    health[0].is_good() && health[0].failures == 0,
                    "{}",
                    health[0]
                );
            }
            let store = store.lock().unwrap();
            let held = store.contents().crls().next().unwrap();
            assert_eq!(held.crl().number().unwrap().as_bytes(), [number]);
        }
    }
}
