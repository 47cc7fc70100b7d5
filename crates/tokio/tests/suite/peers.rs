//! The other end of a connection that has no stream of ours.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{EntryOptions, ExpectedServer, ReasonCode};
use mutual_trust_test_support::link::keys_1;
use mutual_trust_test_support::pki::spec;
use mutual_trust_test_support::{DAY, NOW};
use mutual_trust_tokio::Peer;

use crate::support::{World, settings, within};

fn client_of(world: &World) -> Peer {
    let presented = [world.client.made.certificate.der().to_vec().into()];
    let check = world.server_builder().peer_check();
    Peer::client_presented(check, &presented).unwrap()
}

#[tokio::test]
async fn it_is_no_longer_trusted_after_the_block_and_not_before() {
    let mut world = World::new(&settings()[0]);
    let peer = client_of(&world);
    let mut untrusted = pin!(peer.no_longer_trusted());
    let mut poll = || {
        let mut context = Context::from_waker(Waker::noop());
        untrusted.as_mut().poll(&mut context)
    };
    assert!(poll().is_pending());
    world.server.change_something_else();
    assert!(poll().is_pending());
    world.block_client();
    let Poll::Ready(refusal) = poll() else {
        panic!("the block is not seen");
    };
    assert_eq!(refusal.reason(), ReasonCode::Blocked);
}

#[tokio::test]
async fn a_task_that_waits_is_woken_by_the_block_alone() {
    let mut world = World::new(&settings()[0]);
    let waiting = tokio::spawn(client_of(&world).no_longer_trusted());
    tokio::task::yield_now().await;
    world.server.change_something_else();
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    world.block_client();
    assert_eq!(within(waiting).await.unwrap().reason(), ReasonCode::Blocked);
}

#[tokio::test]
async fn time_alone_ends_trust_as_well() {
    let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
    let world = World::of(&settings()[0], spec("kms1").self_signed(), client);
    let peer = client_of(&world);
    let often = Some(Duration::from_millis(20));
    let waiting = tokio::spawn(
        peer.with_recheck_interval(often)
            .unwrap()
            .no_longer_trusted(),
    );
    tokio::task::yield_now().await;
    world.server.clock.set(NOW + DAY);
    assert_eq!(within(waiting).await.unwrap().reason(), ReasonCode::Expired);
}

#[tokio::test]
async fn a_server_is_asked_about_as_the_one_it_must_be() {
    let mut world = World::new(&settings()[0]);
    let presented = [world.server.made.certificate.der().to_vec().into()];
    let check = world.client_builder().peer_check();
    let id = keys_1();
    let expected = ExpectedServer::id(&id, None);
    let peer = Peer::server_presented(check.clone(), expected, &presented).unwrap();
    assert!(peer.check().is_ok());
    let name = "localhost".parse().unwrap();
    let by_name = Peer::server_presented(check.clone(), ExpectedServer::Name(&name), &presented);
    assert!(by_name.is_ok());
    let other = "other".parse().unwrap();
    let refused = Peer::server_presented(check, ExpectedServer::Name(&other), &presented);
    assert_eq!(refused.unwrap_err().reason(), ReasonCode::UnlistedName);
    world.block_server();
    assert_eq!(peer.check().unwrap_err().reason(), ReasonCode::Blocked);
}

#[tokio::test]
async fn without_a_certificate_there_is_no_peer() {
    let world = World::new(&settings()[0]);
    assert!(Peer::client_presented(world.server_builder().peer_check(), &[]).is_err());
}

#[tokio::test]
async fn a_refreshed_peer_has_its_new_label() {
    let mut world = World::new(&settings()[0]);
    let peer = client_of(&world);
    let fingerprint = world.client.made.certificate.fingerprint();
    let key = EntryKey::new(Slot::Pin, Scope::Clients, fingerprint);
    let label = EntryOptions::new().with_label("array-8");
    world.server.store.update(&key, label).unwrap();
    assert_eq!(peer.refresh().unwrap().label(), Some("array-7"));
    world.server.publish();
    assert_eq!(peer.label(), Some("array-7"));
    assert_eq!(peer.refresh().unwrap().label(), Some("array-8"));
    world.block_client();
    assert_eq!(peer.refresh().unwrap_err().reason(), ReasonCode::Blocked);
}

#[tokio::test]
async fn intervals_out_of_range_are_errors() {
    let world = World::new(&settings()[0]);
    for interval in [Duration::ZERO, Duration::from_millis(9), Duration::MAX] {
        let error = client_of(&world).with_recheck_interval(Some(interval));
        let text = error.unwrap_err().to_string();
        assert_eq!(text, "the recheck interval must be 10ms to 86400s");
        assert!(
            world
                .connector()
                .with_recheck_interval(Some(interval))
                .is_err()
        );
        assert!(
            world
                .acceptor()
                .with_recheck_interval(Some(interval))
                .is_err()
        );
    }
    for time in [Duration::ZERO, Duration::MAX] {
        assert!(world.connector().with_timeout(time).is_err());
        assert!(world.acceptor().with_handshake_timeout(time).is_err());
    }
    assert!(
        mutual_trust_tokio::Listener::builder(world.acceptor())
            .with_max_handshakes(0)
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_asks_for_a_new_future_each_time_sees_the_end_too() {
    let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
    let world = World::of(&settings()[0], spec("kms1").self_signed(), client);
    let often = Some(Duration::from_millis(100));
    let peer = client_of(&world).with_recheck_interval(often).unwrap();
    world.server.clock.set(NOW + DAY);
    let mut messages = 0;
    // A message each 30 ms, by the clock of the test.
    let refusal = loop {
        tokio::select! {
            refusal = peer.no_longer_trusted() => break refusal,
            () = tokio::time::sleep(Duration::from_millis(30)) => messages += 1,
        }
        assert!(messages < 5, "the end is not seen");
    };
    assert_eq!(refusal.reason(), ReasonCode::Expired);
    assert_eq!(messages, 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_another_task_saw_ends_the_wait() {
    let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
    let world = World::of(&settings()[0], spec("kms1").self_signed(), client);
    let peer = client_of(&world).with_recheck_interval(None).unwrap();
    let waiting = tokio::spawn(peer.clone().no_longer_trusted());
    tokio::task::yield_now().await;
    assert!(peer.refresh().is_ok());
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    world.server.clock.set(NOW + DAY);
    assert!(peer.refresh().is_err());
    assert_eq!(within(waiting).await.unwrap().reason(), ReasonCode::Expired);
    // What is trusted again is asked anew.
    world.server.clock.set(NOW);
    assert!(peer.check().is_ok());
}
