//! An outage that time alone will bring is seen today.

use mutual_trust::admin::{Evidence, forecast, own_renewal};
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode};

use crate::admin::desk::{Desk, peer};
use crate::invariants::pool::days;
use crate::support::pki::{self_signed, spec};
use crate::support::{DAY, at, server_id};

fn moment(seconds: i64) -> pki_types::UnixTime {
    at(u64::try_from(seconds).unwrap())
}

#[test]
fn what_expires_until_then_is_told_with_its_first_second() {
    let day = i64::try_from(DAY).unwrap();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    desk.server("keys-2", &[]);
    let one = spec("one").valid(-10 * day, 10 * day).self_signed();
    let two = spec("two").valid(-10 * day, 100 * day).self_signed();
    desk.server_pin("keys-1", &one);
    desk.server_pin("keys-2", &two);
    assert!(desk.connects("keys-1", &[&one]) && desk.connects("keys-2", &[&two]));
    let ask = |time| {
        forecast(
            desk.view(),
            &desk.policy,
            &desk.seen,
            desk.now(),
            moment(time),
        )
    };
    assert!(ask(days(10)).outages().is_empty());
    let first = ask(days(10) + 1);
    assert_eq!(first.outages().items()[0].since, Some(moment(days(10) + 1)));
    let soon = ask(days(30));
    let outages = soon.outages().items();
    assert_eq!(outages.len(), 1);
    assert_eq!(outages[0].effect.peer, peer("keys-1"));
    assert_eq!(outages[0].effect.after.reason, ReasonCode::Expired);
    assert_eq!(outages[0].since, Some(moment(days(10) + 1)));
    assert_eq!(ask(days(200)).outages().len(), 2);
}

#[test]
fn a_migration_that_ends_while_the_server_presents_a_chain_is_an_outage() {
    let day = i64::try_from(DAY).unwrap();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let own = self_signed("kms1.example");
    let root = spec("root").ca().valid(-10 * day, 100 * day).self_signed();
    let leaf = spec("kms1").dns("kms1.example").signed_by(&root);
    desk.server_pin("keys-1", &own);
    desk.authority(AuthorityScope::AnyServer, &root);
    desk.store
        .migrate(&server_id("keys-1"), moment(days(5)))
        .unwrap();
    assert!(desk.connects("keys-1", &[&leaf]));
    let then = forecast(
        desk.view(),
        &desk.policy,
        &desk.seen,
        desk.now(),
        moment(days(7)),
    );
    let outage = &then.outages().items()[0];
    assert_eq!(outage.since, Some(moment(days(5))));
    assert_eq!(outage.effect.after.reason, ReasonCode::AuthoritiesNotAsked);
    desk.store.release(&server_id("keys-1")).unwrap();
    // What the peer presented ends as well, although it is not installed.
    let then = forecast(
        desk.view(),
        &desk.policy,
        &desk.seen,
        desk.now(),
        moment(days(150)),
    );
    let outage = &then.outages().items()[0];
    assert_eq!(outage.since, Some(moment(days(100) + 1)));
    assert_eq!(outage.effect.after.reason, ReasonCode::IssuerExpired);
}

#[test]
fn a_server_that_was_never_seen_is_forecast_by_what_is_installed() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let own = self_signed("kms1.example");
    let options = EntryOptions::new().with_end(moment(days(5)));
    desk.pin_with(PinScope::Server(server_id("keys-1")), &own, options);
    let then = forecast(
        desk.view(),
        &desk.policy,
        &desk.seen,
        desk.now(),
        moment(days(6)),
    );
    let outage = &then.outages().items()[0];
    assert_eq!(then.effects().lost().len(), 1);
    assert_eq!(outage.effect.basis, Evidence::Installed);
    assert_eq!(outage.since, Some(moment(days(5))));
    assert!(outage.to_string().contains("server keys-1"), "{outage}");
}

#[test]
fn a_new_certificate_of_our_own_is_followed_server_by_server() {
    let mut desk = Desk::at(days(0));
    for id in ["keys-1", "keys-2", "keys-3"] {
        desk.server(id, &[]);
    }
    let old = self_signed("array-7").certificate.fingerprint();
    let next = self_signed("array-7").certificate.fingerprint();
    let presented = |id: &mutual_trust::ServerId| {
        if *id == server_id("keys-3") {
            old
        } else {
            next
        }
    };
    desk.seen.confirm_own(&server_id("keys-1"), next);
    desk.seen.confirm_own(&server_id("keys-2"), old);
    desk.seen.confirm_own(&server_id("keys-3"), next);
    let renewal = own_renewal(desk.view(), &desk.seen, next, presented);
    assert_eq!(renewal.confirmed().items(), [server_id("keys-1")]);
    assert_eq!(renewal.not_confirmed().items(), [server_id("keys-2")]);
    assert_eq!(renewal.not_presented().items(), [server_id("keys-3")]);
    assert!(!renewal.is_complete());
    desk.seen.confirm_own(&server_id("keys-2"), next);
    let renewal = own_renewal(desk.view(), &desk.seen, next, presented);
    assert!(renewal.not_confirmed().is_empty() && !renewal.is_complete());
    desk.seen.confirm_own(&server_id("keys-3"), old);
    let renewal = own_renewal(desk.view(), &desk.seen, next, |_| next);
    assert!(renewal.not_presented().is_empty() && !renewal.is_complete());
    desk.seen.confirm_own(&server_id("keys-3"), next);
    let renewal = own_renewal(desk.view(), &desk.seen, next, |_| next);
    assert!(renewal.is_complete());
}
