//! A trust set under a lease would vanish with it.

use std::time::Duration;

use mutual_trust_fleet::{Publisher, Transport, TransportError};

use crate::raw::Raw;
use crate::server::{Server, needs_etcd};
use crate::support::{BODY, HEAD, Node, SOON, blob, etcd};

#[track_caller]
fn expect_lease(error: &TransportError, key: &str) {
    assert!(
        matches!(error, TransportError::Unexpected { at, .. } if at == key),
        "{error}"
    );
    assert!(error.to_string().contains("under a lease"), "{error}");
}

#[test]
fn a_publication_under_a_lease_is_refused() {
    needs_etcd!();
    let server = Server::start("lease");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address());
    let mut tag = publisher.publish(b"one", None).unwrap();
    for key in [HEAD, BODY] {
        let mut node = Node::new(etcd(&server.address()));
        node.has(b"one", SOON);
        let value = raw.get(key).unwrap();
        // As read, and as watched: the node sees it come.
        raw.put_leased(key, value, 60);
        expect_lease(&etcd(&server.address()).fetch(None).unwrap_err(), key);
        expect_lease(&publisher.current().unwrap_err(), key);
        if key == HEAD {
            assert!(!node.step(Duration::from_secs(5)));
            expect_lease(node.errors.last().unwrap(), key);
        }
        // Published again, it is under none.
        tag = republish(&mut publisher, &raw, tag);
        assert_eq!(
            etcd(&server.address()).fetch(Some(&tag)).unwrap(),
            mutual_trust_fleet::Fetched::Unchanged
        );
    }
    let bytes = blob(1, 2_000_000);
    let tag = publisher.publish(&bytes, Some(&tag)).unwrap();
    let chunk = raw.keys("/fleets/prod/chunks/").remove(1);
    raw.put_leased(&chunk, raw.get(&chunk).unwrap(), 60);
    expect_lease(&etcd(&server.address()).fetch(None).unwrap_err(), &chunk);
    let again = publisher.publish(&bytes, Some(&tag)).unwrap();
    assert_eq!(publisher.current().unwrap(), Some((bytes, again)));
}

/// Publishes over what is there, whose bytes are refused.
fn republish(
    publisher: &mut impl Publisher,
    raw: &Raw,
    before: mutual_trust_fleet::Tag,
) -> mutual_trust_fleet::Tag {
    // The tag of what is there: its revision and digest.
    let digest = before.as_str().split_once('-').unwrap().1;
    let tag = format!("{}-{digest}", raw.mod_revision(HEAD));
    let tag = mutual_trust_fleet::Tag::new(&tag).unwrap();
    publisher.publish(b"one", Some(&tag)).unwrap()
}
