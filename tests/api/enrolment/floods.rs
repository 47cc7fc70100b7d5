//! Many at once: no client without a key waits, the bounds hold, and accepted clients are not disturbed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use mutual_trust::limits::MAX_PENDING_PEERS;
use mutual_trust::{PinScope, ReasonCode};

use crate::enrolment::{HOUR, KeyServer};
use crate::support::link::{pin, settings};
use crate::support::pki::{Made, self_signed, spec};
use crate::support::plain::Credential;

const ROUNDS: usize = 12;

#[test]
fn in_a_flood_nobody_without_a_key_waits_and_everybody_is_judged_right() {
    for setting in settings() {
        let friend = self_signed("array-1.example");
        let mut store = setting.store();
        pin(&mut store, PinScope::Clients, &friend.certificate);
        let server = KeyServer::with(&setting, store);
        server.enrolment.open_enrolment(HOUR, 16).unwrap();
        let victim = self_signed("victim.example");
        let thief = self_signed("thief.example");
        let linked = AtomicUsize::new(0);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let mut threads = Vec::new();
            // The same leaf replayed without its key.
            for number in 0..3 {
                let (server, victim, thief) = (&server, &victim, &thief);
                threads.push(scope.spawn(move || {
                    let stolen = Credential::of(victim, &[]);
                    let stolen = stolen.signing_as(&Credential::of(thief, &[]));
                    for round in 0..ROUNDS {
                        let outcome = server.visit(&stolen, &format!("10.{number}.{round}.1"));
                        let reason = ReasonCode::HandshakeSignatureInvalid;
                        outcome.expect_server_refuses("stolen", reason);
                    }
                }));
            }
            // Unknown clients with keys of their own, from many networks.
            for number in 0..2 {
                let server = &server;
                threads.push(scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let stranger = spec(&format!("stranger-{number}-{round}")).self_signed();
                        let address = format!("10.9.{}.{round}", number * 100 + round);
                        let outcome = server.knock(&stranger, &address);
                        let reason = ReasonCode::PinDoesNotMatch;
                        outcome.expect_server_refuses("stranger", reason);
                    }
                }));
            }
            // A client that is known.
            let (known, friend, linked) = (&server, &friend, &linked);
            threads.push(scope.spawn(move || {
                for _ in 0..ROUNDS {
                    known.knock(friend, "192.0.2.1").expect_link("known");
                    linked.fetch_add(1, Ordering::SeqCst);
                }
            }));
            // An administrator who looks, and gives wrong fingerprints.
            let (server, over) = (&server, &over);
            let administrator = scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let pending = server.enrolment.pending();
                    assert!(pending.len() <= 16);
                    for peer in pending {
                        assert!(peer.presented.is_proved());
                        assert!(peer.presented.subject().starts_with("CN=stranger-"));
                        let mut store = server.setting.store();
                        let wrong = mutual_trust::Fingerprint::from_bytes([7; 32]);
                        let options = mutual_trust::EntryOptions::new();
                        let enrolment = &server.enrolment;
                        enrolment
                            .accept_client(peer.id, wrong, &mut store, options, "alice")
                            .unwrap_err();
                    }
                    thread::yield_now();
                }
            });
            // Over also if one of them fails.
            let done: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
            over.store(true, Ordering::SeqCst);
            assert!(done.iter().all(Result::is_ok));
            administrator.join().unwrap();
        });
        assert_eq!(linked.load(Ordering::SeqCst), ROUNDS, "{}", setting.name);
        let subjects = server.subjects();
        assert_eq!(subjects.len(), 16, "{subjects:?}");
        let known = |subject: &String| subject.starts_with("CN=stranger-");
        assert!(subjects.iter().all(known), "{subjects:?}");
        // Twelve networks of two unknown clients each found sixteen places, a share of four each.
        let missed = usize::try_from(server.enrolment.rejected_count()).unwrap();
        assert_eq!(missed, 2 * ROUNDS - 16);
    }
}

#[test]
fn of_many_that_come_at_once_each_is_counted_once() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting);
    server
        .enrolment
        .open_enrolment(HOUR, MAX_PENDING_PEERS)
        .unwrap();
    let made: Vec<Made> = (0..8)
        .map(|number| spec(&format!("a-{number}")).self_signed())
        .collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for machine in &made {
                    server.knock(machine, "192.0.2.7");
                }
            });
        }
    });
    let pending = server.enrolment.pending();
    assert_eq!(pending.len(), 8);
    assert!(pending.iter().all(|peer| peer.attempts == 4), "{pending:?}");
    let mut numbers: Vec<_> = pending.iter().map(|peer| peer.id).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 8);
}

#[test]
fn of_two_administrators_one_accepts_and_the_other_finds_the_peer_gone() {
    let setting = &settings()[0];
    let server = KeyServer::new(setting);
    server.enrolment.open_enrolment(HOUR, 4).unwrap();
    let system = self_signed("array-7.example");
    server.knock(&system, "192.0.2.7");
    let id = server.only_pending().id;
    let done: usize = thread::scope(|scope| {
        let accept = || {
            let mut store = setting.store();
            let given = system.certificate.fingerprint();
            let options = mutual_trust::EntryOptions::new();
            let enrolment = &server.enrolment;
            let report = enrolment.accept_client(id, given, &mut store, options, "alice");
            usize::from(report.is_ok())
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(accept)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(done, 1);
    assert_eq!(server.enrolment.decisions().len(), 1);
}
