//! etcd compacts, stops, starts again and comes back from a backup; watches are silent.

use std::time::{Duration, Instant};

use mutual_trust::error::with_causes;
use mutual_trust_fleet::{Publisher, Transport, TransportError};

use crate::proxy::Proxy;
use crate::raw::Raw;
use crate::server::{Server, needs_etcd};
use crate::support::{HEAD, Node, SOON, blob, etcd};

/// A publication under what another publisher has published meanwhile.
fn publish(server: &Server, bytes: &[u8]) {
    let mut publisher = etcd(&server.address());
    let before = publisher.current().unwrap().map(|(_, tag)| tag);
    publisher.publish(bytes, before.as_ref()).unwrap();
}

#[test]
fn a_compaction_does_not_make_a_watcher_deaf() {
    needs_etcd!();
    let mut server = Server::start("compaction");
    publish(&server, b"one");
    let mut node = Node::new(etcd(&server.address()));
    node.has(b"one", SOON);
    // While it watches,
    assert!(!node.step(Duration::from_millis(500)));
    let raw = Raw::new(&server.address());
    (0..20).for_each(|number| raw.put("x", [number]));
    raw.compact();
    publish(&server, b"two");
    node.has(b"two", SOON);
    assert!(node.errors.is_empty(), "{:?}", node.errors);
    // and while it is away: what follows the revision that it saw last is forgotten when it comes back.
    server.kill();
    server.run();
    let raw = Raw::new(&server.address());
    publish(&server, b"three");
    (0..20).for_each(|number| raw.put("x", [number]));
    raw.compact();
    node.has(b"three", SOON);
    publish(&server, b"four");
    node.has(b"four", SOON);
}

#[test]
fn a_node_has_the_next_publication_after_etcd_was_killed_and_started() {
    needs_etcd!();
    let mut server = Server::start("killed");
    publish(&server, b"one");
    let mut node = Node::new(etcd(&server.address()));
    node.has(b"one", SOON);
    assert!(!node.step(Duration::from_millis(300)));
    server.kill();
    // Nothing is new, and an error says why.
    assert!(!node.step(Duration::from_secs(1)));
    assert!(
        matches!(node.errors[..], [TransportError::Unreachable { .. }]),
        "{:?}",
        node.errors
    );
    let text = with_causes(&node.errors[0]);
    assert!(text.contains("refused"), "{text}");
    server.run();
    // What was stored is still there, and is no news.
    assert!(!node.step(Duration::from_millis(500)));
    publish(&server, b"two");
    node.has(b"two", SOON);
}

#[test]
fn revisions_that_run_backwards_do_not_make_a_node_deaf() {
    needs_etcd!();
    let mut server = Server::start("backwards");
    publish(&server, b"one");
    let backup = server.save("backup");
    let mut node = Node::new(etcd(&server.address()));
    let raw = Raw::new(&server.address());
    (0..5).for_each(|number| raw.put("x", [number]));
    publish(&server, b"two");
    node.has(b"two", SOON);
    assert!(!node.step(Duration::from_millis(300)));
    let revision = raw.mod_revision(HEAD);
    server.kill();
    server.restore(&backup);
    server.run();
    // Another publication gets the revision that the node knows.
    let raw = Raw::new(&server.address());
    assert!(raw.revision() < revision, "{} {revision}", raw.revision());
    while raw.revision() + 1 < revision {
        raw.put("x", "y");
    }
    publish(&server, b"three");
    assert_eq!(raw.mod_revision(HEAD), revision);
    node.has(b"three", SOON);
    publish(&server, b"four");
    node.has(b"four", SOON);
}

#[test]
fn what_a_backup_brings_back_is_handed_out_for_the_library_to_refuse() {
    needs_etcd!();
    let mut server = Server::start("backup");
    publish(&server, &blob(1, 2_000_000));
    let backup = server.save("backup");
    publish(&server, b"two");
    let mut node = Node::new(etcd(&server.address()));
    node.has(b"two", SOON);
    server.kill();
    server.restore(&backup);
    server.run();
    node.has(&blob(1, 2_000_000), SOON);
    publish(&server, b"three");
    node.has(b"three", SOON);
}

#[test]
fn a_silent_watch_is_not_trusted() {
    needs_etcd!();
    let server = Server::start("silent");
    publish(&server, b"one");
    let proxy = Proxy::silencing(&server.address());
    let interval = Duration::from_millis(500);
    let transport = etcd(&proxy.address()).with_poll_interval(interval).unwrap();
    let mut node = Node::new(transport);
    node.has(b"one", SOON);
    assert!(!node.step(Duration::from_millis(200)));
    publish(&server, b"two");
    node.has(b"two", SOON);
    publish(&server, &blob(1, 2_000_000));
    node.has(&blob(1, 2_000_000), SOON);
    assert!(node.errors.is_empty(), "{:?}", node.errors);
}

#[test]
fn a_wait_without_news_lasts_as_long_as_it_may() {
    needs_etcd!();
    let server = Server::start("quiet");
    publish(&server, b"one");
    let mut node = Node::new(etcd(&server.address()));
    node.has(b"one", SOON);
    for _ in 0..3 {
        let begin = Instant::now();
        node.etcd.wait(Duration::from_millis(400)).unwrap();
        let passed = begin.elapsed();
        assert!(passed >= Duration::from_millis(400), "{passed:?}");
        assert!(passed < Duration::from_secs(3), "{passed:?}");
    }
}
