//! Publications reach nodes, and one publisher wins.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use mutual_trust_fleet::etcd::{Cluster, Etcd};
use mutual_trust_fleet::{Fetched, Publisher, Transport, TransportError};

use crate::server::{Server, needs_etcd};
use crate::support::{HEAD, Node, PREFIX, SOON, blob, etcd, new};

#[test]
fn a_publication_reaches_nodes_that_wait() {
    needs_etcd!();
    let server = Server::start("reaches");
    let mut publisher = etcd(&server.address());
    assert_eq!(publisher.current().unwrap(), None);
    let mut node = etcd(&server.address());
    let error = node.fetch(None).unwrap_err();
    assert!(
        matches!(error, TransportError::NotPublished { ref at } if at == HEAD),
        "{error}"
    );

    let first = publisher.publish(b"one", None).unwrap();
    let mut nodes: Vec<Node> = (0..3).map(|_| Node::new(etcd(&server.address()))).collect();
    for node in &mut nodes {
        node.has(b"one", SOON);
        assert_eq!(node.tag.as_ref(), Some(&first));
    }
    let waiting: Vec<_> = nodes
        .into_iter()
        .map(|mut node| {
            std::thread::spawn(move || {
                let begin = Instant::now();
                node.has(&blob(2, 100_000), SOON);
                (node, begin.elapsed())
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    let second = publisher.publish(&blob(2, 100_000), Some(&first)).unwrap();
    for waiting in waiting {
        let (mut node, _) = waiting.join().unwrap();
        assert_eq!(node.tag.as_ref(), Some(&second));
        assert!(matches!(
            node.etcd.fetch(Some(&second)),
            Ok(Fetched::Unchanged)
        ));
        assert_eq!(new(node.etcd.fetch(Some(&first))).1, second);
        assert!(node.errors.is_empty(), "{:?}", node.errors);
    }
    assert_eq!(
        publisher.current().unwrap(),
        Some((blob(2, 100_000), second))
    );
}

#[test]
fn of_two_publishers_one_is_superseded() {
    needs_etcd!();
    let server = Server::start("race");
    let mut one = etcd(&server.address());
    let first = one.publish(b"one", None).unwrap();
    let error = one.publish(b"two", None).unwrap_err();
    assert!(
        matches!(error, TransportError::Superseded { .. }),
        "{error}"
    );
    // 20 rounds: both begin at once.
    let mut before = first;
    for round in 0..20_u8 {
        let barrier = Arc::new(Barrier::new(2));
        let threads: Vec<_> = (0..2_u8)
            .map(|which| {
                let (barrier, before) = (barrier.clone(), before.clone());
                let mut publisher = etcd(&server.address());
                std::thread::spawn(move || {
                    let bytes = [round, which];
                    publisher.current().unwrap();
                    barrier.wait();
                    (bytes, publisher.publish(&bytes, Some(&before)))
                })
            })
            .collect();
        let join = |thread: std::thread::JoinHandle<_>| thread.join().unwrap();
        let results: Vec<_> = threads.into_iter().map(join).collect();
        let won: Vec<_> = results
            .iter()
            .filter(|(_, result)| result.is_ok())
            .collect();
        assert_eq!(won.len(), 1, "{results:?}");
        let lost = results
            .iter()
            .find_map(|(_, result)| result.as_ref().err())
            .unwrap();
        assert!(matches!(lost, TransportError::Superseded { .. }), "{lost}");
        let (bytes, tag) = one.current().unwrap().unwrap();
        assert_eq!(bytes, won[0].0);
        before = tag;
    }
}

#[test]
fn a_publication_that_was_read_is_not_overwritten_unread() {
    needs_etcd!();
    let server = Server::start("unread");
    let mut one = etcd(&server.address());
    let mut two = etcd(&server.address());
    let first = one.publish(b"one", None).unwrap();
    let second = one.publish(b"two", Some(&first)).unwrap();
    let error = two.publish(b"three", Some(&first)).unwrap_err();
    assert!(
        matches!(error, TransportError::Superseded { .. }),
        "{error}"
    );
    // The bytes of the first one again are another publication: what was read before counts no more.
    let third = one.publish(b"one", Some(&second)).unwrap();
    assert_ne!(third, first);
    let error = two.publish(b"three", Some(&first)).unwrap_err();
    assert!(
        matches!(error, TransportError::Superseded { .. }),
        "{error}"
    );
}

#[test]
fn fleets_under_other_prefixes_do_not_meet() {
    needs_etcd!();
    let server = Server::start("prefixes");
    let cluster = Cluster::in_plain_text(&[server.address()]).unwrap();
    let mut prod = Etcd::new(&cluster, PREFIX).unwrap();
    let mut test = Etcd::new(&cluster, "/fleets/prod/current").unwrap();
    prod.publish(b"prod", None).unwrap();
    assert_eq!(test.current().unwrap(), None);
}

#[test]
fn a_thread_that_runs_tasks_can_fetch() {
    needs_etcd!();
    let server = Server::start("task");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    runtime.block_on(async {
        let mut publisher = etcd(&server.address());
        let tag = publisher.publish(b"one", None).unwrap();
        assert_eq!(publisher.current().unwrap(), Some((b"one".to_vec(), tag)));
        // The runtime of the connections is dropped here too.
    });
}

#[test]
fn nodes_that_are_busy_do_not_hold_up_others_on_their_connection() {
    needs_etcd!();
    let server = Server::start("busy");
    let cluster = Cluster::in_plain_text(&[server.address()]).unwrap();
    let transport = || Etcd::new(&cluster, PREFIX).unwrap();
    let mut publisher = etcd(&server.address());
    let mut tag = publisher.publish(b"first", None).unwrap();
    // They watch, and then do something else.
    let mut busy: Vec<Node> = (0..16).map(|_| Node::new(transport())).collect();
    for node in &mut busy {
        node.has(b"first", SOON);
        assert!(!node.step(Duration::from_millis(20)));
    }
    for seed in 0..4 {
        tag = publisher.publish(&blob(seed, 1 << 20), Some(&tag)).unwrap();
    }
    // More than the connection holds is under way to them.
    let begin = Instant::now();
    assert_eq!(
        new(transport().fetch(None)),
        (blob(3, 1 << 20), tag.clone())
    );
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "{:?}",
        begin.elapsed()
    );
    for node in &mut busy {
        node.has(&blob(3, 1 << 20), SOON);
        assert!(node.errors.is_empty(), "{:?}", node.errors);
    }
}
