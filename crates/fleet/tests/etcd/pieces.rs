//! Publications above 1 MiB.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mutual_trust_fleet::{Publisher, Transport, TransportError};

use crate::raw::Raw;
use crate::server::{Server, needs_etcd};
use crate::support::{BODY, HEAD, Node, SOON, blob, etcd, new};

const CHUNKS: &str = "/fleets/prod/chunks/";
const MIB: usize = 1 << 20;

#[test]
fn a_large_publication_travels_in_pieces() {
    needs_etcd!();
    let server = Server::start("pieces");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address());
    let mut node = Node::new(etcd(&server.address()));
    // At the border too, and the largest there is.
    let mut before = None;
    for (seed, size, pieces) in [
        (1, MIB, 0),
        (2, MIB + 1, 2),
        (3, 3_000_000, 3),
        (4, 3 * MIB, 3),
        (5, 16 * MIB, 16),
        (6, 100, 0),
    ] {
        let bytes = blob(seed, size);
        before = Some(publisher.publish(&bytes, before.as_ref()).unwrap());
        node.has(&bytes, SOON);
        let head = String::from_utf8(raw.get(HEAD).unwrap()).unwrap();
        assert!(head.contains(&format!("\nsize {size}\n")), "{head}");
        assert!(head.ends_with(&format!("\nchunks {pieces}\n")), "{head}");
        assert_eq!(raw.get(BODY).is_some(), pieces == 0, "size {size}");
    }
    assert!(node.errors.is_empty(), "{:?}", node.errors);
    let too_large = vec![0; 64 * MIB + 1];
    let error = publisher.publish(&too_large, before.as_ref()).unwrap_err();
    assert!(
        matches!(error, TransportError::TooLarge { limit, .. } if limit == 64 * MIB),
        "{error}"
    );
}

#[test]
fn old_pieces_stay_for_a_grace_and_are_removed_then() {
    needs_etcd!();
    let server = Server::start("grace");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address())
        .with_grace(Duration::from_secs(3))
        .unwrap();
    let first = publisher.publish(&blob(1, 3_000_000), None).unwrap();
    let old = raw.keys(CHUNKS);
    assert_eq!(old.len(), 3);
    let begin = Instant::now();
    publisher
        .publish(&blob(2, 2_000_000), Some(&first))
        .unwrap();
    assert_eq!(
        raw.keys(CHUNKS).len(),
        5,
        "removed before their grace was over"
    );
    assert_eq!(publisher.clean().unwrap(), 0);
    let removed = loop {
        match publisher.clean().unwrap() {
            0 if begin.elapsed() < SOON => std::thread::sleep(Duration::from_millis(100)),
            removed => break removed,
        }
    };
    assert_eq!(removed, 1);
    assert!(
        begin.elapsed() >= Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    let left = raw.keys(CHUNKS);
    assert_eq!(left.len(), 2);
    assert!(old.iter().all(|key| !left.contains(key)));
    assert_eq!(raw.keys("/fleets/prod/retired/"), Vec::<String>::new());
    // Those in force stay, however often this is done.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(publisher.clean().unwrap(), 0);
    assert_eq!(publisher.current().unwrap().unwrap().0, blob(2, 2_000_000));
}

#[test]
fn a_publisher_that_dies_between_pieces_leaves_the_old_publication_in_force() {
    needs_etcd!();
    let server = Server::start("dies");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address())
        .with_grace(Duration::from_secs(1))
        .unwrap();
    let first = publisher.publish(b"one", None).unwrap();
    let mut node = Node::new(etcd(&server.address()));
    node.has(b"one", SOON);
    // What it has written: two pieces of three.
    let folder = format!("{CHUNKS}{}/", "ab".repeat(32));
    raw.put(&format!("{folder}0000"), blob(1, MIB));
    raw.put(&format!("{folder}0001"), blob(2, MIB));
    assert!(!node.step(Duration::from_secs(1)));
    assert_eq!(node.bytes, b"one");
    assert_eq!(publisher.current().unwrap().unwrap().1, first);
    let second = publisher.publish(b"two", Some(&first)).unwrap();
    assert_eq!(
        raw.keys(&folder).len(),
        2,
        "another publisher may still write them"
    );
    node.has(b"two", SOON);
    std::thread::sleep(Duration::from_secs(3));
    publisher.publish(b"three", Some(&second)).unwrap();
    assert_eq!(raw.keys(CHUNKS), Vec::<String>::new());
}

#[test]
fn a_publisher_that_takes_long_is_superseded_by_a_faster_one() {
    needs_etcd!();
    let server = Server::start("slow");
    let raw = Raw::new(&server.address());
    let mut fast = etcd(&server.address());
    let first = fast.publish(b"one", None).unwrap();
    let slow = {
        let (mut slow, first) = (etcd(&server.address()), first.clone());
        std::thread::spawn(move || slow.publish(&blob(1, 16 * MIB), Some(&first)))
    };
    // It has compared, and writes its pieces.
    let begin = Instant::now();
    while raw.keys(CHUNKS).is_empty() {
        assert!(begin.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(1));
    }
    let second = fast.publish(b"two", Some(&first)).unwrap();
    let error = slow.join().unwrap().unwrap_err();
    assert!(
        matches!(error, TransportError::Superseded { .. }),
        "{error}"
    );
    assert_eq!(fast.current().unwrap(), Some((b"two".to_vec(), second)));
}

#[test]
fn no_head_stands_without_its_pieces() {
    needs_etcd!();
    let server = Server::start("swept");
    let mut publisher = etcd(&server.address());
    let mut before = publisher.publish(b"one", None).unwrap();
    for seed in 1..9 {
        // It removes pieces that belong to no head, without a grace.
        let stop = Arc::new(AtomicBool::new(false));
        let sweeper = {
            let (stop, raw) = (stop.clone(), Raw::new(&server.address()));
            let revision = raw.mod_revision(HEAD);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    raw.delete_unless_changed(CHUNKS, HEAD, revision);
                    std::thread::sleep(Duration::from_millis(5 * u64::from(seed)));
                }
            })
        };
        let bytes = blob(seed, 3_000_000);
        let published = publisher.publish(&bytes, Some(&before));
        stop.store(true, Ordering::Relaxed);
        sweeper.join().unwrap();
        let (now, tag) = publisher
            .current()
            .expect("a head without its pieces")
            .unwrap();
        if published.is_ok() {
            assert_eq!(now, bytes);
        }
        // One without pieces: the next sweeper must find none that belong to a head.
        before = publisher.publish(b"one", Some(&tag)).unwrap();
    }
}

/// What is done to the keys of three pieces.
type Change<'a> = &'a dyn Fn(&[String]);

#[test]
fn a_mixture_is_refused_and_the_next_publication_is_taken() {
    needs_etcd!();
    let server = Server::start("mixture");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address());
    let mut before = None;
    // What a man in the middle does to a publication in three pieces.
    let changes: [Change<'_>; 5] = [
        // Other bytes of the same length,
        &|keys| raw.put(&keys[1], blob(9, MIB)),
        // a bit,
        &|keys| {
            let mut bytes = raw.get(&keys[2]).unwrap();
            bytes[7] ^= 1;
            raw.put(&keys[2], bytes);
        },
        // fewer bytes,
        &|keys| {
            let bytes = raw.get(&keys[0]).unwrap();
            raw.put(&keys[0], &bytes[..MIB - 1]);
        },
        // two pieces changed for each other,
        &|keys| {
            let (first, second) = (raw.get(&keys[0]).unwrap(), raw.get(&keys[1]).unwrap());
            raw.put(&keys[0], second);
            raw.put(&keys[1], first);
        },
        // one piece less.
        &|keys| raw.delete(&keys[1]),
    ];
    for (seed, change) in (1..).zip(changes) {
        let bytes = blob(seed, 3_000_000);
        before = Some(publisher.publish(&bytes, before.as_ref()).unwrap());
        let digest = before
            .as_ref()
            .unwrap()
            .as_str()
            .split_once('-')
            .unwrap()
            .1
            .to_owned();
        let keys = raw.keys(&format!("{CHUNKS}{digest}/"));
        assert_eq!(keys.len(), 3);
        change(&keys);
        let mut node = Node::new(etcd(&server.address()));
        let error = node.etcd.fetch(None).unwrap_err();
        assert!(
            matches!(error, TransportError::Unexpected { .. }),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("the bytes are not those that the head names"),
            "{error}"
        );
        // It does not ask again and again.
        let begin = Instant::now();
        node.etcd.wait(Duration::from_millis(700)).unwrap();
        assert!(
            begin.elapsed() >= Duration::from_millis(700),
            "{:?}",
            begin.elapsed()
        );
        before = Some(publisher.publish(&[seed], before.as_ref()).unwrap());
        node.has(&[seed], SOON);
    }
}

#[test]
fn a_body_of_another_publication_is_refused() {
    needs_etcd!();
    let server = Server::start("body");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address());
    let first = publisher.publish(b"one of these", None).unwrap();
    let mut node = Node::new(etcd(&server.address()));
    node.has(b"one of these", SOON);
    let second = publisher.publish(b"two of these", Some(&first)).unwrap();
    node.has(b"two of these", SOON);
    for body in ["one of these", "two of thes", ""] {
        raw.put(BODY, body);
        let error = etcd(&server.address()).fetch(None).unwrap_err();
        assert!(
            matches!(error, TransportError::Unexpected { .. }),
            "{error}"
        );
    }
    raw.delete(BODY);
    let error = etcd(&server.address()).fetch(Some(&first)).unwrap_err();
    assert!(
        matches!(error, TransportError::Unexpected { .. }),
        "{error}"
    );
    publisher.publish(b"three", Some(&second)).unwrap();
    node.has(b"three", SOON);
}

#[test]
fn a_head_is_bounded_before_anything_is_read_by_it() {
    needs_etcd!();
    let server = Server::start("head");
    let raw = Raw::new(&server.address());
    let digest = "ab".repeat(32);
    let head = |size: &str, chunks: &str| {
        format!("mutual-trust-etcd 1\nsize {size}\ndigest {digest}\nchunks {chunks}\n")
    };
    for (value, is_too_large) in [
        (head("67108865", "65"), true),
        (head("18446744073709551615", "17592186044416"), true),
        (head("18446744073709551616", "17592186044416"), false),
        (head("3000000", "4"), false),
        (head("3000000", "0"), false),
        (head("03000000", "3"), false),
        (head("0", "0"), false),
        (head("100", "0").replace("ab", "AB"), false),
        (head("100", "0").replace("etcd 1", "etcd 2"), false),
        (head("100", "0") + "more\n", false),
        ("x".repeat(1_400_000), false),
        (String::new(), false),
    ] {
        raw.put(HEAD, value.as_str());
        let error = etcd(&server.address()).fetch(None).unwrap_err();
        let shown: String = value.chars().take(200).collect();
        if is_too_large {
            assert!(
                matches!(error, TransportError::TooLarge { .. }),
                "{shown}: {error}"
            );
        } else {
            assert!(
                matches!(error, TransportError::Unexpected { .. }),
                "{shown}: {error}"
            );
        }
    }
    // What does not belong there does not hide the head.
    raw.put("/fleets/prod/current/other", "x");
    let error = etcd(&server.address()).fetch(None).unwrap_err();
    assert!(
        matches!(error, TransportError::Unexpected { .. }),
        "{error}"
    );
    raw.delete("/fleets/prod/current/");
    etcd(&server.address()).publish(b"one", None).unwrap();
    assert_eq!(new(etcd(&server.address()).fetch(None)).0, b"one");
}
