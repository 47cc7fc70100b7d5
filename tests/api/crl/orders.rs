//! The order of installation makes no difference, and no list replaces a newer one.

use mutual_trust::certificate::Crl;
use mutual_trust::error::StoreError;
use mutual_trust::limits::MAX_CRLS_PER_ISSUER;
use mutual_trust::store::{Outcome, StoreWarning};
use mutual_trust::{Fingerprint, ReasonCode};

use super::common::{ca, leaf, trusting};
use super::support::crl::*;
use super::support::pki::Made;
use crate::support::Lists as _;

/// All orders of `things`.
pub fn orders<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in things.iter().enumerate() {
        let mut rest = things.to_vec();
        rest.remove(index);
        for order in orders(&rest) {
            all.push([vec![first.clone()], order].concat());
        }
    }
    all
}

/// The lists that are held after installing in this order, and the verdict on a certificate.
fn after(issuer: &Made, order: &[Crl], asked: &Made) -> (Vec<Fingerprint>, ReasonCode) {
    let mut scene = trusting(&[issuer]);
    for list in order {
        // An older list is refused, as it should be.
        let done = scene.store.install_crl(list.clone());
        assert!(matches!(done, Ok(_) | Err(StoreError::CrlOlder { .. })));
    }
    let reason = scene.reason(&[asked]);
    let held = scene.store.contents().crls();
    (held.map(|list| list.crl().fingerprint()).collect(), reason)
}

fn same_in_all_orders(what: &str, issuer: &Made, lists: &[Crl], asked: &Made) -> ReasonCode {
    let all: Vec<_> = orders(lists)
        .iter()
        .map(|order| after(issuer, order, asked))
        .collect();
    assert!(
        all.windows(2).all(|pair| pair[0] == pair[1]),
        "{what}: {all:?}"
    );
    all[0].1
}

#[test]
fn a_revoked_certificate_passes_in_no_order_of_three_lists() {
    let issuer = ca("CA");
    let revoked = leaf().signed_by(&issuer);
    let day = 24 * HOUR;
    let list = |number: u8, days: i64| crl().number(number).valid(days * day, (days + 7) * day);
    let without = |number: u8, days: i64| list(number, days).signed_by(&issuer);
    let with = |number: u8, days: i64| {
        list(number, days)
            .revoke(&revoked.certificate)
            .signed_by(&issuer)
    };
    let unnumbered = |days: i64| list(0, days).no_number();
    for (what, lists) in [
        (
            "the newest revokes",
            [without(1, -3), without(2, -2), with(3, -1)],
        ),
        (
            "the newer ones revoke",
            [without(1, -3), with(2, -2), with(3, -1)],
        ),
        ("one number", [without(1, -1), with(1, -1), without(1, -1)]),
        (
            "one number, issued later",
            [without(1, -3), without(1, -2), with(1, -1)],
        ),
        (
            "numbers against dates",
            [without(1, -1), with(2, -2), without(3, -3)],
        ),
        (
            "a number less, issued later",
            [without(5, -3), with(4, -2), without(3, -4)],
        ),
        (
            "one without number",
            [
                without(1, -3),
                without(2, -2),
                unnumbered(-2)
                    .revoke(&revoked.certificate)
                    .signed_by(&issuer),
            ],
        ),
        (
            "one with number",
            [
                unnumbered(-3).signed_by(&issuer),
                unnumbered(-1).signed_by(&issuer),
                with(4, -2),
            ],
        ),
        (
            "without numbers, by date",
            [
                unnumbered(-3).signed_by(&issuer),
                unnumbered(-2).signed_by(&issuer),
                unnumbered(-1)
                    .revoke(&revoked.certificate)
                    .signed_by(&issuer),
            ],
        ),
        (
            "an expired one revokes",
            [
                list(1, -20)
                    .scope(vec![flag(0x81)])
                    .revoke(&revoked.certificate)
                    .signed_by(&issuer),
                without(1, -2),
                without(2, -1),
            ],
        ),
    ] {
        let reason = same_in_all_orders(what, &issuer, &lists, &revoked);
        assert_eq!(reason, ReasonCode::Revoked, "{what}");
    }
    // A certificate that the newest list does not name is accepted in all orders.
    let lists = [without(1, -3), with(2, -2), without(3, -1)];
    let reason = same_in_all_orders("let go", &issuer, &lists, &revoked);
    assert_eq!(reason, ReasonCode::ChainVerified);
}

#[test]
fn a_newer_list_takes_the_place_of_the_older_one_and_not_the_other_way_round() {
    let issuer = ca("CA");
    let held = |fingerprint| move |error| matches!(error, StoreError::CrlOlder { held, .. } if held == fingerprint);
    let pairs = [
        (crl().number(1), crl().number(2)),
        (crl().number(2).valid(-9 * HOUR, HOUR), crl().number(2)),
        (crl().number(1).valid(-48 * HOUR, HOUR), crl().number(2)),
        (crl().no_number().valid(-48 * HOUR, HOUR), crl().no_number()),
        (crl().version_1().valid(-48 * HOUR, HOUR), crl().version_1()),
    ];
    for (index, (older, newer)) in pairs.into_iter().enumerate() {
        // The date alone tells the second pair apart.
        let newer = if index == 1 {
            newer.valid(-8 * HOUR, HOUR)
        } else {
            newer
        };
        let (older, newer) = (older.signed_by(&issuer), newer.signed_by(&issuer));
        let mut scene = trusting(&[&issuer]);
        assert_eq!(scene.install(older.clone()).done(), Outcome::Added);
        assert_eq!(scene.install(older.clone()).done(), Outcome::Unchanged);
        let report = scene.install(newer.clone());
        assert_eq!(report.done(), Outcome::Changed);
        assert!(report.checks().is_empty());
        assert!(
            held(newer.fingerprint())(scene.refuse(older.clone())),
            "{index}"
        );
        assert_eq!(scene.held(&issuer), Some(1));
        assert_eq!(scene.install(newer).done(), Outcome::Unchanged);
    }
}

// The list would cover nothing, and the current one would be gone.
#[test]
fn a_list_that_is_not_valid_yet_takes_no_place_until_it_is() {
    let issuer = ca("CA");
    let good = leaf().signed_by(&issuer);
    let current = crl().number(1).signed_by(&issuer);
    let early = crl().number(2).valid(2 * HOUR, 9 * HOUR).signed_by(&issuer);
    for order in orders(&[current.clone(), early.clone()]) {
        let mut scene = trusting(&[&issuer]);
        for list in order {
            assert_eq!(scene.install(list).done(), Outcome::Added);
        }
        assert_eq!(scene.held(&issuer), Some(2));
        assert_eq!(scene.reason(&[&good]), ReasonCode::ChainVerified);
        scene.at(3 * HOUR);
        assert_eq!(scene.reason(&[&good]), ReasonCode::ChainVerified);
        // The next list replaces the first, but not one with a later date.
        let next = crl().number(3).valid(-HOUR, HOUR).signed_by(&issuer);
        let report = scene.install(next);
        assert_eq!(report.done(), Outcome::Changed);
        assert_eq!(scene.held(&issuer), Some(2));
    }
    // Without a clock, beginnings are not judged.
    let mut scene = trusting(&[&issuer]);
    scene.store.reset_floor(None);
    let unset = std::sync::Arc::new(mutual_trust::CurrentTime::Unset);
    scene.store = scene.store.with_clock(unset);
    scene.install(current.clone());
    assert_eq!(scene.install(early).done(), Outcome::Changed);
    assert!(matches!(scene.refuse(current), StoreError::CrlOlder { .. }));
}

#[test]
fn a_list_that_was_removed_keeps_no_older_one_out() {
    // The administrator removed it. Otherwise the newest list is known from what is held.
    let issuer = ca("CA");
    let older = crl().number(1).valid(-48 * HOUR, HOUR).signed_by(&issuer);
    let newer = crl().number(2).signed_by(&issuer);
    let mut scene = trusting(&[&issuer]);
    scene.install(newer.clone());
    assert!(matches!(
        scene.refuse(older.clone()),
        StoreError::CrlOlder { .. }
    ));
    scene.store.remove_crl(newer.fingerprint()).unwrap();
    assert_eq!(scene.install(older).done(), Outcome::Added);
}

#[test]
fn a_list_takes_no_place_by_a_clock_that_jumped() {
    // M7: the older list is in force when the clock is right again.
    let issuer = ca("CA");
    let good = leaf().signed_by(&issuer);
    let current = crl().number(1).signed_by(&issuer);
    let years = 70 * 366 * 24 * HOUR;
    let early = crl()
        .number(2)
        .valid(years, years + 9 * HOUR)
        .signed_by(&issuer);
    for order in orders(&[current.clone(), early.clone()]) {
        let mut scene = trusting(&[&issuer]);
        scene.store.snapshot();
        let jumped = u64::try_from(years).unwrap() + crate::support::NOW + 3600;
        let clock = mutual_trust::CurrentTime::Known(crate::support::at(jumped));
        scene.store = scene.store.with_clock(std::sync::Arc::new(clock));
        for list in order {
            assert_eq!(scene.install(list).done(), Outcome::Added);
        }
        assert_eq!(scene.held(&issuer), Some(2));
        assert_eq!(scene.reason(&[&good]), ReasonCode::ChainVerified);
    }
}

#[test]
fn lists_of_other_scopes_and_of_unclear_age_stand_beside_each_other() {
    let issuer = ca("CA");
    let mut scene = trusting(&[&issuer]);
    let one = point(&["http://ca.example/1"]);
    let two = point(&["http://ca.example/2"]);
    let scopes = [
        crl(),
        crl().scope(vec![flag(0x81)]),
        crl().scope(vec![flag(0x82)]),
        crl().scope(vec![one.clone()]),
        crl().scope(vec![two.clone()]),
        crl().scope(vec![one, flag(0x81)]),
        crl().scope(vec![two, bytes_of_reasons()]),
        crl().scope(vec![bytes_of_reasons()]),
    ];
    for (index, spec) in scopes.iter().enumerate() {
        let report = scene.install(spec.clone().number(9).signed_by(&issuer));
        assert!(!report.warnings().items().contains(&StoreWarning::CrlBeside));
        assert_eq!(scene.held(&issuer), Some(index + 1));
    }
    // Each scope has its own newer list.
    for spec in scopes {
        let newer = spec.clone().number(10).signed_by(&issuer);
        assert_eq!(scene.install(newer).done(), Outcome::Changed);
        let error = scene.refuse(spec.number(8).signed_by(&issuer));
        assert!(matches!(error, StoreError::CrlOlder { .. }));
    }
    assert_eq!(scene.held(&issuer), Some(8));
    for unclear in [
        crl().number(11).valid(-48 * HOUR, HOUR),
        crl().number(10),
        crl().no_number(),
    ] {
        let report = scene.install(unclear.signed_by(&issuer));
        assert_eq!(report.warnings().items()[0], StoreWarning::CrlBeside);
    }
    assert_eq!(scene.held(&issuer), Some(11));
    // The next list, newer by number and date, replaces them all except the one without a number.
    let report = scene.install(crl().number(12).valid(-HOUR, HOUR).signed_by(&issuer));
    assert_eq!(report.done(), Outcome::Changed);
    assert_eq!(scene.held(&issuer), Some(9));
}

fn bytes_of_reasons() -> super::support::der::Der {
    super::support::der::bytes(0x83, &[6, 0x40])
}

#[test]
fn lists_of_one_issuer_are_bounded_and_a_newer_one_still_gets_in() {
    let issuer = ca("CA");
    let other = ca("Other");
    let mut scene = trusting(&[&issuer, &other]);
    let part = |number: usize| {
        let uri = format!("http://ca.example/{number}");
        crl().scope(vec![point(&[&uri])])
    };
    for number in 0..MAX_CRLS_PER_ISSUER {
        scene.install(part(number).signed_by(&issuer));
    }
    let error = scene.refuse(part(MAX_CRLS_PER_ISSUER).signed_by(&issuer));
    assert!(matches!(
        error,
        StoreError::TooManyCrls {
            limit: MAX_CRLS_PER_ISSUER,
            ..
        }
    ));
    assert_eq!(scene.held(&issuer), Some(MAX_CRLS_PER_ISSUER));
    let newer = part(7).number(2).signed_by(&issuer);
    assert_eq!(scene.install(newer).done(), Outcome::Changed);
    scene.install(part(0).signed_by(&other));
}

// C4: the lists of one file can be in any order.
#[test]
fn of_several_lists_the_newest_is_in_force_in_whatever_order_they_come() {
    let issuer = ca("CA");
    let revoked = leaf().signed_by(&issuer);
    let day = 24 * HOUR;
    let list = |number: u8, days: i64| crl().number(number).valid(days * day, (days + 7) * day);
    let newest = list(3, -1).revoke(&revoked.certificate).signed_by(&issuer);
    let lists = [
        list(1, -3).signed_by(&issuer),
        list(2, -2).signed_by(&issuer),
        newest.clone(),
    ];
    for order in orders(&lists) {
        for before in [None, Some(&lists[0]), Some(&lists[1]), Some(&lists[2])] {
            let mut scene = trusting(&[&issuer]);
            if let Some(before) = before {
                scene.install(before.clone());
            }
            let done = scene.store.install_crls(order.clone());
            for (list, done) in order.iter().zip(&done) {
                let report = done.as_ref().unwrap();
                let by = newest.fingerprint();
                let superseded = report
                    .warnings()
                    .items()
                    .iter()
                    .any(|warning| matches!(warning, StoreWarning::CrlSuperseded { by: newer, .. } if lists[1..].iter().any(|list| list.fingerprint() == *newer)));
                let is_newest = list.fingerprint() == by;
                assert!(!(is_newest && superseded), "{report}");
                if superseded {
                    assert_eq!(report.done(), Outcome::Unchanged);
                    assert!(report.to_string().contains("older than"), "{report}");
                }
            }
            let held = scene.store.contents().crls();
            let held: Vec<_> = held.map(|list| list.crl().fingerprint()).collect();
            assert_eq!(held, [newest.fingerprint()]);
            assert_eq!(scene.reason(&[&revoked]), ReasonCode::Revoked);
        }
    }
    // The newest first: the others are skipped, and the report names each.
    let mut scene = trusting(&[&issuer]);
    let newest_first = [lists[2].clone(), lists[1].clone(), lists[0].clone()];
    let done = scene.store.install_crls(newest_first);
    for report in &done[1..] {
        let report = report.as_ref().unwrap();
        let by = newest.fingerprint();
        let warnings = report.warnings();
        let [StoreWarning::CrlSuperseded { by: newer, .. }] = warnings.items() else {
            panic!("{report}");
        };
        assert_eq!(*newer, by);
    }
    // A single older list is an error: a mistake or an attack.
    for alone in &lists[..2] {
        let done = scene.store.install_crls([alone.clone()]);
        assert!(matches!(done[..], [Err(StoreError::CrlOlder { .. })]));
    }
    let done = scene.store.install_crls(lists[..2].to_vec());
    assert!(
        done.iter()
            .all(|done| matches!(done, Err(StoreError::CrlOlder { .. })))
    );
    // Also beside a newer list of another issuer or scope.
    let other = ca("Other");
    let mut scene = trusting(&[&issuer, &other]);
    scene.install(newest);
    let done = scene.store.install_crls([
        list(9, -1).signed_by(&other),
        list(9, -1).scope(vec![flag(0x81)]).signed_by(&issuer),
        lists[0].clone(),
    ]);
    assert!(matches!(
        done[..],
        [Ok(_), Ok(_), Err(StoreError::CrlOlder { .. })]
    ));
}
