//! Who gets a place, who loses one, and when.

use std::time::Duration;

use mutual_trust::error::EnrolmentError;
use mutual_trust::limits::{
    CLOCK_TOLERANCE, MAX_ENROLMENT_WINDOW, MAX_EXPECTED, MAX_PENDING_BYTES, MAX_PENDING_PEERS,
};
use mutual_trust::{Fingerprint, ReasonCode};
use rcgen::{CustomExtension, KeyPair};

use crate::enrolment::{HOUR, KeyServer};
use crate::support::link::{Setting, settings};
use crate::support::pki::{Made, self_signed, spec};
use crate::support::{NOW, at};

/// One setting will do: what is looked at here is behind the handshake.
fn setting() -> Setting {
    settings().remove(0)
}

fn server(places: usize) -> KeyServer {
    let server = KeyServer::new(&setting());
    server.enrolment.open_enrolment(HOUR, places).unwrap();
    server
}

/// Several machines connect from one address, a second apart, each once. Returns them.
fn crowd(server: &KeyServer, name: &str, count: usize, address: &str) -> Vec<Made> {
    let knock = |number| {
        server.clock.advance(1);
        let made = spec(&format!("{name}-{number}")).self_signed();
        let outcome = server.knock(&made, address);
        outcome.expect_server_refuses(name, ReasonCode::NothingInstalled);
        made
    };
    (0..count).map(knock).collect()
}

fn of(server: &KeyServer, name: &str) -> Vec<String> {
    let start = format!("CN={name}-");
    let all = server.subjects().into_iter();
    all.filter(|subject| subject.starts_with(&start)).collect()
}

#[test]
fn enrolment_ends_by_itself() {
    let server = server(8);
    let end = at(NOW + HOUR.as_secs());
    server.clock.advance(HOUR.as_secs() - 1);
    assert!(server.enrolment.is_open());
    assert_eq!(server.enrolment.open_until(), Some(end));
    server.clock.advance(1);
    assert!(!server.enrolment.is_open());
    assert_eq!(server.enrolment.open_until(), None);
    crowd(&server, "late", 1, "192.0.2.7");
    assert!(server.enrolment.pending().is_empty());
}

#[test]
fn enrolment_can_be_closed_and_those_who_wait_can_still_be_accepted() {
    let server = server(8);
    let early = crowd(&server, "early", 1, "192.0.2.7");
    server.enrolment.close_enrolment();
    assert!(!server.enrolment.is_open());
    crowd(&server, "late", 1, "192.0.2.7");
    let peer = server.only_pending();
    let heard = early[0].certificate.fingerprint();
    let mut store = server.store.lock().unwrap();
    let options = mutual_trust::EntryOptions::new();
    let report = server
        .enrolment
        .accept_client(peer.id, heard, &mut store, options, "alice");
    report.unwrap();
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_enrolment_open() {
    let server = server(8);
    // Within what clocks are corrected by, it stays open; beyond, the time is not known.
    server.clock.set(NOW - CLOCK_TOLERANCE.as_secs());
    assert!(server.enrolment.is_open());
    server.clock.set(NOW - CLOCK_TOLERANCE.as_secs() - 1);
    assert!(!server.enrolment.is_open());
}

#[test]
fn windows_and_places_have_bounds() {
    let server = KeyServer::new(&setting());
    let open = |window, places| server.enrolment.open_enrolment(window, places);
    for window in [
        Duration::ZERO,
        Duration::from_millis(999),
        MAX_ENROLMENT_WINDOW + HOUR,
    ] {
        let error = open(window, 8).unwrap_err();
        assert!(matches!(error, EnrolmentError::Window { .. }));
        assert!(error.to_string().contains("at most 24 hours"), "{error}");
    }
    for places in [0, MAX_PENDING_PEERS + 1] {
        assert!(matches!(
            open(HOUR, places),
            Err(EnrolmentError::Places { .. })
        ));
    }
    assert!(!server.enrolment.is_open());
    open(MAX_ENROLMENT_WINDOW, MAX_PENDING_PEERS).unwrap();
    server.clock.set(0);
    assert!(matches!(open(HOUR, 8), Err(EnrolmentError::ClockUnset)));
}

#[test]
fn a_rack_of_systems_in_one_network_can_wait_together() {
    // What no other network asks for is lent
    let server = server(8);
    crowd(&server, "rack", 8, "192.0.2.7");
    assert_eq!(of(&server, "rack").len(), 8);
}

#[test]
fn a_flood_pushes_out_its_own_and_nobody_of_another_network() {
    let server = server(8);
    crowd(&server, "own", 2, "192.0.2.7");
    for address in ["198.51.100.1", "198.51.100.200"] {
        crowd(&server, "flood", 20, address);
        assert_eq!(of(&server, "own"), ["CN=own-0", "CN=own-1"]);
        // The newest of the flood.
        let last = ["CN=flood-14", "CN=flood-15", "CN=flood-16", "CN=flood-17"];
        assert_eq!(of(&server, "flood")[..4], last);
        assert_eq!(of(&server, "flood").len(), 6);
    }
}

#[test]
fn a_flood_that_came_first_makes_room_for_each_networks_share() {
    let server = server(8);
    crowd(&server, "flood", 20, "198.51.100.1");
    assert_eq!(of(&server, "flood").len(), 8);
    crowd(&server, "own", 2, "192.0.2.7");
    assert_eq!(of(&server, "own").len(), 2);
    crowd(&server, "flood", 20, "198.51.100.1");
    assert_eq!(of(&server, "own"), ["CN=own-0", "CN=own-1"]);
    // Beyond its share, a network pushes out its own.
    crowd(&server, "own", 1, "192.0.2.7");
    assert_eq!(of(&server, "own"), ["CN=own-1", "CN=own-0"]);
}

#[test]
fn of_a_network_the_one_that_was_not_seen_for_longest_loses_its_place() {
    let server = server(4);
    let made = crowd(&server, "own", 4, "192.0.2.7");
    server.clock.advance(1);
    server.knock(&made[0], "192.0.2.7");
    crowd(&server, "new", 1, "192.0.2.9");
    assert_eq!(of(&server, "own"), ["CN=own-0", "CN=own-2", "CN=own-3"]);
    assert_eq!(of(&server, "new").len(), 1);
}

#[test]
fn networks_that_keep_to_their_share_leave_none_to_others_which_are_counted() {
    let server = server(8);
    for network in 0..4 {
        crowd(
            &server,
            &format!("n{network}"),
            2,
            &format!("192.0.{network}.1"),
        );
    }
    crowd(&server, "fifth", 3, "192.0.4.1");
    assert!(of(&server, "fifth").is_empty());
    assert_eq!(server.enrolment.rejected_count(), 3);
    for network in 0..4 {
        assert_eq!(of(&server, &format!("n{network}")).len(), 2);
    }
}

#[test]
fn networks_are_24_bits_of_ipv4_and_56_of_ipv6() {
    for (flood, same) in [
        (["192.0.2.1", "192.0.2.255"], true),
        (["192.0.2.1", "192.0.3.1"], false),
        (["192.0.2.1", "::ffff:192.0.2.77"], true),
        (["2001:db8:0:aa00::1", "2001:db8:0:aaff:1::2"], true),
        (["2001:db8:0:aa00::1", "2001:db8:0:ab00::1"], false),
    ] {
        // Four places, a share of one each: the second attempt of a full network pushes out the first.
        let server = server(4);
        for filler in 0..3 {
            crowd(
                &server,
                &format!("filler{filler}"),
                1,
                &format!("10.0.{filler}.1"),
            );
        }
        crowd(&server, "first", 1, flood[0]);
        crowd(&server, "second", 1, flood[1]);
        assert_eq!(of(&server, "first").is_empty(), same, "{flood:?}");
        assert_eq!(of(&server, "second").is_empty(), !same, "{flood:?}");
    }
}

#[test]
fn a_place_that_is_kept_for_a_fingerprint_is_taken_by_nobody_else() {
    let server = server(4);
    let system = self_signed("array-7.example");
    let fingerprint = system.certificate.fingerprint();
    server.enrolment.expect(fingerprint).unwrap();
    for network in 0..6 {
        crowd(
            &server,
            &format!("flood{network}"),
            3,
            &format!("192.0.{network}.1"),
        );
    }
    assert_eq!(server.subjects().len(), 4);
    // From within a network that floods.
    server.knock(&system, "192.0.1.1");
    assert_eq!(server.subjects().len(), 5);
    for network in 0..6 {
        crowd(
            &server,
            &format!("more{network}"),
            3,
            &format!("192.0.{network}.1"),
        );
    }
    let pending = server.enrolment.pending();
    let expected: Vec<_> = pending.iter().filter(|peer| peer.expected).collect();
    assert_eq!(expected.len(), 1);
    assert_eq!(expected[0].presented.subject(), "CN=array-7.example");
    // It is not accepted by being expected.
    let outcome = server.knock(&system, "192.0.1.1");
    outcome.expect_server_refuses("expected", ReasonCode::NothingInstalled);
    // Once it is settled, nothing is kept any more.
    server.enrolment.reject(expected[0].id, "alice").unwrap();
    server.knock(&system, "203.0.113.1");
    assert!(server.enrolment.pending().iter().all(|peer| !peer.expected));
}

#[test]
fn an_expectation_changes_nothing_about_a_closed_enrolment_and_can_be_taken_back() {
    let server = KeyServer::new(&setting());
    let system = self_signed("array-7.example");
    let fingerprint = system.certificate.fingerprint();
    server.enrolment.expect(fingerprint).unwrap();
    server.knock(&system, "192.0.2.7");
    assert!(server.enrolment.pending().is_empty());

    server.enrolment.open_enrolment(HOUR, 4).unwrap();
    server.knock(&system, "192.0.2.7");
    assert!(server.only_pending().expected);
    server.enrolment.expect_no_more(fingerprint);
    assert!(server.enrolment.pending().is_empty());
    server.knock(&system, "192.0.2.7");
    assert!(!server.only_pending().expected);
    // It waits by itself now: no more is expected, and none goes.
    server.enrolment.expect_no_more(fingerprint);
    assert!(!server.only_pending().expected);
    // Expected only now, and beside another one, which stays.
    server.enrolment.expect(fingerprint).unwrap();
    assert!(server.only_pending().expected);
    let other = self_signed("array-8.example");
    let expected = other.certificate.fingerprint();
    server.enrolment.expect(expected).unwrap();
    server.knock(&other, "192.0.2.8");
    server.enrolment.expect_no_more(fingerprint);
    assert_eq!(
        server.only_pending().presented.subject(),
        "CN=array-8.example"
    );
}

#[test]
fn expectations_are_bounded() {
    let server = server(4);
    let number = |number: usize| {
        let mut bytes = [0; 32];
        bytes[0] = number.try_into().unwrap();
        Fingerprint::from_bytes(bytes)
    };
    for count in 0..MAX_EXPECTED {
        server.enrolment.expect(number(count)).unwrap();
    }
    let error = server.enrolment.expect(number(MAX_EXPECTED)).unwrap_err();
    assert!(matches!(error, EnrolmentError::TooManyExpected { .. }));
    server.enrolment.expect(number(0)).unwrap();
    assert_eq!(server.enrolment.expected().len(), MAX_EXPECTED);
    assert!(server.enrolment.expected().contains(&number(7)));
    server.enrolment.expect_no_more(number(0));
    server.enrolment.expect(number(MAX_EXPECTED)).unwrap();
}

#[test]
fn who_was_not_seen_for_a_day_is_gone() {
    let server = server(4);
    server
        .enrolment
        .open_enrolment(MAX_ENROLMENT_WINDOW, 4)
        .unwrap();
    let made = crowd(&server, "own", 2, "192.0.2.7");
    // The second one knocked last, and does so once more.
    server.clock.advance(12 * 60 * 60);
    server.knock(&made[1], "192.0.2.7");
    server.clock.advance(12 * 60 * 60 - 2);
    assert_eq!(server.subjects(), ["CN=own-0", "CN=own-1"]);
    server.clock.advance(1);
    assert_eq!(server.subjects(), ["CN=own-1"]);
    // It counts from when it was last seen: by now, the second one was first seen a day ago, too.
    server.clock.advance(1);
    assert_eq!(server.subjects(), ["CN=own-1"]);
    // A clock that was a year ahead and is right again.
    server.clock.set(NOW);
    assert!(server.subjects().is_empty());
}

/// A self-signed certificate of exactly this many bytes.
fn of_size(size: usize) -> Made {
    let padded = |padding: usize| {
        let padding = vec![0; padding];
        let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], padding);
        spec("large")
            .key(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap())
            .serial(7)
            .params(|params| params.custom_extensions.push(extension))
            .self_signed()
    };
    let more = size - padded(1000).certificate.der().len();
    let made = padded(1000 + more);
    assert_eq!(made.certificate.der().len(), size);
    made
}

#[test]
fn a_certificate_that_is_too_large_to_keep_is_counted() {
    let server = server(4);
    server.knock(&of_size(MAX_PENDING_BYTES), "192.0.2.7");
    let largest = server.only_pending();
    server.enrolment.reject(largest.id, "alice").unwrap();
    server.knock(&of_size(MAX_PENDING_BYTES + 1), "192.0.2.7");
    assert!(server.enrolment.pending().is_empty());
    assert_eq!(server.enrolment.rejected_count(), 1);
    let name = |number| format!("a-name-that-is-rather-long-{number}.example");
    let large = (0..500).fold(spec("large"), |spec, number| spec.dns(&name(number)));
    let large = large.self_signed();
    assert!(large.certificate.der().len() > MAX_PENDING_BYTES);
    let outcome = server.knock(&large, "192.0.2.7");
    outcome.expect_server_refuses("large", ReasonCode::NothingInstalled);
    assert!(server.enrolment.pending().is_empty());
    assert_eq!(server.enrolment.rejected_count(), 2);
    // Of one with many names, the first are shown.
    let many = (0..20).fold(spec("many"), |spec, number| spec.dns(&name(number)));
    server.knock(&many.self_signed(), "192.0.2.7");
    let peer = server.only_pending();
    assert_eq!(peer.presented.names().items().len(), 16);
    assert_eq!(peer.presented.names().omitted(), 4);
    assert!(peer.presented.to_string().contains("and 4 more"));
}
