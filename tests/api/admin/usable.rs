//! Servers that nothing installed could accept are named, each with its reasons.

use mutual_trust::admin::{
    WithoutUsable, deciding, servers_without_usable, unusable, usable_servers,
};
use mutual_trust::store::{Scope, TrustSource, ValidityRule};
use mutual_trust::{AuthorityScope, CurrentTime, EntryOptions, PinScope, ReasonCode};

use crate::admin::desk::{Desk, group, pin_key};
use crate::invariants::pool::days;
use crate::support::pki::{self_signed, spec};
use crate::support::{DAY, at, server_id};

fn without(desk: &Desk) -> Vec<WithoutUsable> {
    servers_without_usable(desk.view(), &desk.policy, desk.now())
}

/// The one server that is listed, its reason and those of its entries.
fn only(desk: &Desk) -> (ReasonCode, Vec<ReasonCode>) {
    let all = without(desk);
    assert_eq!(all.len(), 1, "{all:?}");
    let entries = all[0].entries.items().iter().map(|one| one.reason);
    (all[0].reason, entries.collect())
}

#[test]
fn a_server_without_anything_installed_is_listed() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let all = without(&desk);
    assert_eq!(all[0].server, server_id("keys-1"));
    assert_eq!(all[0].level, TrustSource::Nothing);
    assert_eq!(only(&desk), (ReasonCode::NothingInstalled, vec![]));
    let root = spec("root").ca().self_signed();
    desk.authority(AuthorityScope::AnyServer, &root);
    assert!(without(&desk).is_empty());
}

#[test]
fn a_pin_that_expired_ended_is_disabled_or_blocked_is_no_way_in() {
    let day = i64::try_from(DAY).unwrap();
    let made = spec("kms1").valid(-10 * day, 10 * day).self_signed();
    let start = || {
        let mut desk = Desk::at(days(0));
        desk.server("keys-1", &[]);
        let options = EntryOptions::new().with_end(at(u64::try_from(days(5)).unwrap()));
        let key = desk.pin_with(PinScope::Server(server_id("keys-1")), &made, options);
        assert!(without(&desk).is_empty());
        (desk, key)
    };
    let (desk, _) = start();
    desk.clock.set(Some(days(5)));
    let why = |reason| (ReasonCode::NoUsablePin, vec![reason]);
    assert_eq!(only(&desk), why(ReasonCode::EntryEnded));
    let (mut desk, key) = start();
    desk.store.disable(&key, "a test").unwrap();
    assert_eq!(only(&desk), why(ReasonCode::EntryDisabled));
    let (mut desk, key) = start();
    desk.store.update(&key, EntryOptions::new()).unwrap();
    desk.clock.set(Some(days(10)));
    assert!(without(&desk).is_empty());
    desk.clock.set(Some(days(10) + 1));
    assert_eq!(only(&desk), why(ReasonCode::Expired));
    let (mut desk, _) = start();
    desk.store.block(&made.certificate);
    assert_eq!(only(&desk), why(ReasonCode::Blocked));
    let (mut desk, key) = start();
    desk.store.remove(&key).unwrap();
    assert_eq!(only(&desk), (ReasonCode::NoUsablePin, vec![]));
}

#[test]
fn what_decides_about_a_server_is_named_with_what_does_not() {
    let day = i64::try_from(DAY).unwrap();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let now = self_signed("now");
    let old = spec("old").valid(-10 * day, -day).self_signed();
    let scope = || PinScope::Server(server_id("keys-1"));
    let good = desk.pin_with(scope(), &now, EntryOptions::new());
    let ended = desk.pin_with(scope(), &old, EntryOptions::new());
    let root = spec("root").ca().self_signed();
    desk.authority(AuthorityScope::AnyServer, &root);
    desk.authority(AuthorityScope::Clients, &root);
    let of = |desk: &Desk| {
        let server = desk.view().server(&server_id("keys-1")).unwrap();
        deciding(desk.view(), &desk.policy, desk.now(), server)
    };
    let found = of(&desk);
    assert_eq!((found.level, found.refused), (TrustSource::OwnPins, None));
    // Authorities are not asked about a claimed server.
    assert_eq!(found.usable, core::slice::from_ref(&good));
    assert_eq!(found.unusable.items()[0].entry, ended);
    let why = |desk: &Desk| {
        let entries = desk.view().entries().into_iter();
        let found =
            entries.filter_map(|entry| unusable(desk.view(), &desk.policy, desk.now(), entry));
        let mut found: Vec<_> = found.map(|one| (one.entry, one.reason)).collect();
        found.sort();
        found
    };
    assert_eq!(why(&desk), [(ended.clone(), ReasonCode::Expired)]);
    // The same reasons as of the server, for entries of all scopes.
    desk.store.block(&now.certificate);
    desk.store.block(&root.certificate);
    let found = of(&desk);
    assert_eq!(
        (found.usable.len(), found.refused),
        (0, Some(ReasonCode::NoUsablePin))
    );
    let reasons = why(&desk);
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert!(
        reasons.contains(&(good, ReasonCode::Blocked)),
        "{reasons:?}"
    );
}

#[test]
fn a_grace_keeps_a_pin_usable_and_one_usable_pin_is_enough() {
    let day = i64::try_from(DAY).unwrap();
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &["kms-1", "kms-2"]);
    let old = spec("old").valid(-10 * day, -day).self_signed();
    desk.group_pin("cluster", &old);
    assert_eq!(without(&desk).len(), 2);
    let next = self_signed("next");
    desk.group_pin("cluster", &next);
    assert!(without(&desk).is_empty());
    desk.store
        .remove(&pin_key(Scope::Group(group("cluster")), &next.certificate))
        .unwrap();
    assert_eq!(without(&desk).len(), 2);
    let grace = core::time::Duration::from_secs(2 * DAY);
    desk.policy = desk
        .policy
        .with_validity(ValidityRule::Grace(grace))
        .unwrap();
    assert!(without(&desk).is_empty());
}

#[test]
fn a_pin_of_which_only_the_fingerprint_is_known_is_a_way_in_until_it_ends() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = self_signed("kms1");
    let options = EntryOptions::new().with_end(at(u64::try_from(days(5)).unwrap()));
    let scope = PinScope::Server(server_id("keys-1"));
    let fingerprint = made.certificate.fingerprint();
    let done = desk
        .store
        .install_pin_fingerprint(scope, fingerprint, options);
    let key = crate::admin::desk::key_of(&done.unwrap());
    assert!(without(&desk).is_empty());
    desk.clock.set(Some(days(5)));
    assert_eq!(only(&desk).1, [ReasonCode::EntryEnded]);
    desk.clock.set(Some(days(4)));
    desk.store.block(&made.certificate);
    assert_eq!(only(&desk).1, [ReasonCode::Blocked]);
    assert_eq!(key.fingerprint, fingerprint);
}

#[test]
fn an_authority_that_expired_is_no_way_in_and_neither_is_any_while_the_clock_is_unset() {
    let day = i64::try_from(DAY).unwrap();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let root = spec("root").ca().valid(-10 * day, 10 * day).self_signed();
    desk.authority(AuthorityScope::Server(server_id("keys-1")), &root);
    assert!(without(&desk).is_empty());
    desk.clock.set(Some(days(10) + 1));
    let expired = ReasonCode::IssuerExpired;
    assert_eq!(only(&desk), (expired, vec![expired]));
    desk.clock.set(None);
    assert_eq!(only(&desk).0, ReasonCode::ClockUnset);
    let policy = desk.policy.with_chains_without_clock();
    let listed = servers_without_usable(desk.view(), &policy, CurrentTime::Unset);
    assert!(listed.is_empty());
}

#[test]
fn a_server_that_migrates_has_its_pins_and_its_authorities_until_that_ends() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let own = self_signed("kms1.example");
    let key = desk.server_pin("keys-1", &own);
    let until = at(u64::try_from(days(5)).unwrap());
    desk.store.migrate(&server_id("keys-1"), until).unwrap();
    desk.store.disable(&key, "a test").unwrap();
    assert_eq!(without(&desk).len(), 1);
    let root = spec("root").ca().self_signed();
    desk.authority(AuthorityScope::AnyServer, &root);
    assert!(without(&desk).is_empty());
    desk.clock.set(Some(days(5)));
    assert_eq!(only(&desk).0, ReasonCode::NoUsablePin);
}

#[test]
fn usable_servers_are_those_that_are_not_listed_in_the_order_in_which_they_are_asked() {
    let mut desk = Desk::at(days(0));
    for id in ["a", "b", "c"] {
        desk.server(id, &[]);
    }
    for id in ["a", "c"] {
        desk.server_pin(id, &self_signed(id));
    }
    let usable = |desk: &Desk| usable_servers(desk.view(), &desk.policy, desk.now());
    assert_eq!(usable(&desk), ["a", "c"].map(server_id));
    desk.store.set_server_order([server_id("c")]).unwrap();
    assert_eq!(usable(&desk), ["c", "a"].map(server_id));
    let all: Vec<_> = without(&desk).into_iter().map(|one| one.server).collect();
    assert_eq!(all, [server_id("b")]);
}
