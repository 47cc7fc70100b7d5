//! Clusters of several members.

use std::time::{Duration, Instant};

use mutual_trust_fleet::etcd::{Cluster, Etcd};
use mutual_trust_fleet::{Publisher, Transport, TransportError};

use crate::server::{Server, free_port, needs_etcd};
use crate::support::{Node, PREFIX, SOON, etcd};

#[test]
fn another_member_answers_for_one_that_is_down() {
    needs_etcd!();
    let mut members = Server::cluster("members", 3);
    let addresses: Vec<String> = members.iter().map(Server::address).collect();
    // One more, which was never there.
    let mut all = vec![format!("127.0.0.1:{}", free_port())];
    all.extend(addresses.iter().cloned());
    let cluster = Cluster::in_plain_text(&all).unwrap();
    let mut node = Node::new(Etcd::new(&cluster, PREFIX).unwrap());
    let mut publisher = etcd(&addresses[2]);
    let first = publisher.publish(b"one", None).unwrap();
    node.has(b"one", SOON);
    assert!(!node.step(Duration::from_millis(300)));
    // The member that it watches, the first that answered.
    members[0].kill();
    let second = publish(&mut publisher, b"two", &first);
    node.has(b"two", SOON);
    members[0].run();
    members[1].kill();
    publish(&mut publisher, b"three", &second);
    node.has(b"three", SOON);
    // One of three stays behind: it knows nothing new, and says so.
    members[0].kill();
    let begin = Instant::now();
    let mut errors = 0;
    while errors < 2 && begin.elapsed() < Duration::from_secs(120) {
        node.errors.clear();
        node.step(Duration::from_secs(5));
        errors += usize::from(!node.errors.is_empty());
    }
    assert_eq!(errors, 2);
    assert_eq!(node.bytes, b"three");
}

/// While a leader is elected, etcd takes no writes.
fn publish(
    publisher: &mut Etcd,
    bytes: &[u8],
    over: &mutual_trust_fleet::Tag,
) -> mutual_trust_fleet::Tag {
    let begin = Instant::now();
    loop {
        match publisher.publish(bytes, Some(over)) {
            Ok(tag) => return tag,
            Err(error) if begin.elapsed() > SOON => panic!("{error}"),
            Err(TransportError::Superseded { .. }) => {
                let (now, tag) = publisher.current().unwrap().unwrap();
                assert_eq!(now, bytes);
                return tag;
            }
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

#[test]
fn settings_that_cannot_be_used_are_errors() {
    for member in [
        "",
        "etcd1",
        "etcd1:",
        ":2379",
        "http://etcd1:2379",
        "etcd1:2379/",
        "etcd1:65536",
        "user@etcd1:2379",
        "etcd1:+2379",
        "fe80::1:2379",
        "etcd 1:2379",
        "etcd1:2379#",
    ] {
        let error = Cluster::in_plain_text(&[member]).unwrap_err();
        assert!(error.to_string().contains("HOST:PORT"), "{member}: {error}");
    }
    for member in [
        "etcd1:2379",
        "127.0.0.1:2379",
        "[::1]:2379",
        "etcd-1.example:1",
    ] {
        Cluster::in_plain_text(&[member]).unwrap();
    }
    let none: [&str; 0] = [];
    let error = Cluster::in_plain_text(&none).unwrap_err();
    assert!(error.to_string().contains("these are 0"), "{error}");
    let error = Cluster::in_plain_text(&["etcd1:2379"; 17]).unwrap_err();
    assert!(error.to_string().contains("these are 17"), "{error}");

    let cluster = Cluster::in_plain_text(&["etcd1:2379"]).unwrap();
    let error = cluster.clone().with_user("root", "secret").unwrap_err();
    assert!(error.to_string().contains("plain text"), "{error}");
    for prefix in [
        "",
        "/",
        "/fleets/",
        "/fleets prod",
        "/fl\u{f6}tte",
        &"x".repeat(201),
    ] {
        let error = Etcd::new(&cluster, prefix).unwrap_err();
        assert!(error.to_string().contains("prefix"), "{prefix}: {error}");
    }
    let transport = || Etcd::new(&cluster, PREFIX).unwrap();
    for seconds in [0, 3601] {
        let error = transport()
            .with_poll_interval(Duration::from_secs(seconds))
            .unwrap_err();
        assert!(error.to_string().contains("poll interval"), "{error}");
    }
    assert!(transport().with_presence(Duration::from_secs(2)).is_err());
    assert!(transport().with_grace(Duration::from_millis(999)).is_err());
    assert!(!format!("{:?}", transport()).contains("secret"));
}

#[test]
fn a_member_that_accepts_and_says_nothing_costs_its_time_limit() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let begin = Instant::now();
    let error = etcd(&address).fetch(None).unwrap_err();
    assert!(matches!(error, TransportError::TimedOut { .. }), "{error}");
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}
