//! The next change is exact to the second: the second before, the verdict is the old one.

use core::time::Duration;

use mutual_trust::admin::{ExpiringItem, NextTransition, TimelineEvent, next_change};
use mutual_trust::store::{EntryKey, Scope, ValidityRule};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, PinMatch, PinScope, ReasonCode, Verdict,
};

use crate::admin::desk::{Desk, chain};
use crate::invariants::pool::days;
use crate::support::pki::{Made, self_signed, spec};
use crate::support::{DAY, at, server_id};

const DAY_: i64 = 24 * 60 * 60;

fn moment(seconds: i64) -> pki_types::UnixTime {
    at(u64::try_from(seconds).unwrap())
}

fn next(desk: &Desk) -> Option<NextTransition> {
    next_change(desk.view(), &desk.policy, &desk.seen, desk.now())
}

/// The moment of the next change, which must be about this.
fn next_is(desk: &Desk, at: i64, subject: &ExpiringItem, turn: TimelineEvent) {
    let next = next(desk).unwrap();
    assert_eq!(next.at(), moment(at), "{next}");
    let found = next.changes().items().iter();
    let found: Vec<_> = found.map(|change| (&change.subject, change.turn)).collect();
    assert!(found.contains(&(subject, turn)), "{next}");
}

/// What the server is told the second before the next change and at it; the clock is left there.
fn around(desk: &Desk, presented: &[&Made]) -> (Verdict, Verdict) {
    let at = i64::try_from(next(desk).unwrap().at().as_secs()).unwrap();
    desk.clock.set(Some(at - 1));
    let before = desk.verdict("keys-1", presented);
    desk.clock.set(Some(at));
    (before, desk.verdict("keys-1", presented))
}

fn reasons(verdicts: (Verdict, Verdict)) -> (ReasonCode, ReasonCode) {
    (verdicts.0.reason(), verdicts.1.reason())
}

fn with_pin(made: &Made, options: EntryOptions) -> (Desk, EntryKey) {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let key = desk.pin_with(PinScope::Server(server_id("keys-1")), made, options);
    (desk, key)
}

use ReasonCode::{
    AuthoritiesNotAsked, ChainVerified, EntryEnded, Expired, IssuerExpired, IssuerNotYetValid,
    NotYetValid, PinMatched,
};

#[test]
fn a_pin_begins_five_minutes_early_and_ends_after_its_last_second() {
    let made = spec("kms1").valid(DAY_, 10 * DAY_).self_signed();
    let (desk, key) = with_pin(&made, EntryOptions::new());
    let subject = ExpiringItem::Certificate(key);
    next_is(&desk, days(1) - 300, &subject, TimelineEvent::Begins);
    assert_eq!(reasons(around(&desk, &[&made])), (NotYetValid, PinMatched));
    next_is(&desk, days(10) + 1, &subject, TimelineEvent::Ends);
    let told = next(&desk).unwrap();
    assert_eq!(told.changes().len(), 1, "{told}");
    assert_eq!(reasons(around(&desk, &[&made])), (PinMatched, Expired));
    assert!(next(&desk).is_none());
}

#[test]
fn a_grace_begins_and_ends() {
    let made = spec("kms1").valid(-DAY_, 10 * DAY_).self_signed();
    let grace = ValidityRule::Grace(Duration::from_secs(5 * DAY));
    for own in [true, false] {
        let options = if own {
            EntryOptions::new().with_validity(grace)
        } else {
            EntryOptions::new()
        };
        let (mut desk, key) = with_pin(&made, options);
        if !own {
            desk.policy = desk.policy.with_validity(grace).unwrap();
        }
        let subject = ExpiringItem::Certificate(key);
        next_is(&desk, days(10) + 1, &subject, TimelineEvent::GraceBegins);
        let said = next(&desk).unwrap().to_string();
        let lines: Vec<_> = said.lines().collect();
        let change = format!("  {subject}: is in its grace");
        assert_eq!(lines[1..], [change], "{said}");
        let (before, after) = around(&desk, &[&made]);
        assert!(before.warnings().is_empty());
        assert_eq!(after.warnings().len(), 1);
        next_is(&desk, days(15) + 1, &subject, TimelineEvent::Ends);
        assert_eq!(reasons(around(&desk, &[&made])), (PinMatched, Expired));
        assert!(next(&desk).is_none());
    }
}

#[test]
fn an_end_that_was_set_for_an_entry_is_exclusive() {
    let made = self_signed("kms1.example");
    let options = EntryOptions::new().with_end(moment(days(3)));
    let (desk, key) = with_pin(&made, options);
    next_is(
        &desk,
        days(3),
        &ExpiringItem::EntryEnd(key),
        TimelineEvent::Ends,
    );
    assert_eq!(reasons(around(&desk, &[&made])), (PinMatched, EntryEnded));
}

#[test]
fn a_migration_ends_exclusively() {
    let own = self_signed("kms1.example");
    let (mut desk, _) = with_pin(&own, EntryOptions::new());
    let root = spec("root").ca().self_signed();
    let leaf = spec("kms1").dns("kms1.example").signed_by(&root);
    desk.authority(AuthorityScope::AnyServer, &root);
    desk.store
        .migrate(&server_id("keys-1"), moment(days(3)))
        .unwrap();
    let subject = ExpiringItem::Migration(server_id("keys-1"));
    next_is(&desk, days(3), &subject, TimelineEvent::Ends);
    let told = reasons(around(&desk, &[&leaf]));
    assert_eq!(told, (ChainVerified, AuthoritiesNotAsked));
}

#[test]
fn authorities_and_intermediates_begin_and_end_to_the_second() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let root = spec("root").ca().valid(DAY_, 30 * DAY_).self_signed();
    let inter = spec("inter")
        .ca()
        .valid(2 * DAY_, 20 * DAY_)
        .signed_by(&root);
    let leaf = spec("kms1").dns("kms1.example").signed_by(&inter);
    let root_key = desk.authority(AuthorityScope::AnyServer, &root);
    let done = desk
        .store
        .install_intermediate(inter.certificate(), EntryOptions::new());
    let inter_key = crate::admin::desk::key_of(&done.unwrap());
    next_is(
        &desk,
        days(1),
        &ExpiringItem::Certificate(root_key),
        TimelineEvent::Begins,
    );
    desk.clock.set(Some(days(1)));
    let subject = ExpiringItem::Certificate(inter_key);
    next_is(&desk, days(2), &subject, TimelineEvent::Begins);
    let told = reasons(around(&desk, &[&leaf]));
    assert_eq!(told, (IssuerNotYetValid, ChainVerified));
    next_is(&desk, days(20) + 1, &subject, TimelineEvent::Ends);
    let told = reasons(around(&desk, &[&leaf]));
    assert_eq!(told, (ChainVerified, IssuerExpired));
}

#[test]
fn what_a_peer_presented_ends_as_well() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let root = spec("root").ca().valid(-DAY_, 1000 * DAY_).self_signed();
    let inter = spec("inter").ca().valid(-DAY_, 20 * DAY_).signed_by(&root);
    let leaf = spec("kms1")
        .dns("kms1.example")
        .valid(-DAY_, 10 * DAY_)
        .signed_by(&inter);
    desk.authority(AuthorityScope::AnyServer, &root);
    next_is(
        &desk,
        days(1000) + 1,
        &ExpiringItem::Certificate(desk.view().entries()[0].key().clone()),
        TimelineEvent::Ends,
    );
    assert!(desk.connects("keys-1", &[&leaf, &inter]));
    let subject = ExpiringItem::Presented(leaf.certificate.fingerprint());
    next_is(&desk, days(10) + 1, &subject, TimelineEvent::Ends);
    let told = reasons(around(&desk, &[&leaf, &inter]));
    assert_eq!(told, (ChainVerified, Expired));
    let subject = ExpiringItem::Presented(inter.certificate.fingerprint());
    next_is(&desk, days(20) + 1, &subject, TimelineEvent::Ends);
}

#[test]
fn under_public_key_match_the_presented_certificate_has_the_grace_of_its_entry() {
    let installed = spec("kms1").valid(-DAY_, 1000 * DAY_).self_signed();
    let presented = spec("kms1")
        .valid(-DAY_, 10 * DAY_)
        .key_of(&installed)
        .self_signed();
    let grace = ValidityRule::Grace(Duration::from_secs(5 * DAY));
    let options = EntryOptions::new()
        .with_matching(PinMatch::PublicKey)
        .with_validity(grace);
    let (mut desk, _) = with_pin(&installed, options);
    assert!(desk.connects("keys-1", &[&presented]));
    let subject = ExpiringItem::Presented(presented.certificate.fingerprint());
    next_is(&desk, days(10) + 1, &subject, TimelineEvent::GraceBegins);
    desk.clock.set(Some(days(10) + 1));
    next_is(&desk, days(15) + 1, &subject, TimelineEvent::Ends);
    let told = reasons(around(&desk, &[&presented]));
    assert_eq!(told, (ReasonCode::KeyMatched, Expired));
}

#[test]
fn what_is_presented_for_a_bare_fingerprint_has_the_grace_of_its_entry() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-DAY_, 10 * DAY_).self_signed();
    let grace = ValidityRule::Grace(Duration::from_secs(5 * DAY));
    let scope = PinScope::Server(server_id("keys-1"));
    let fingerprint = made.certificate.fingerprint();
    let options = EntryOptions::new().with_validity(grace);
    desk.store
        .install_pin_fingerprint(scope, fingerprint, options)
        .unwrap();
    assert!(next(&desk).is_none(), "nothing is known of it");
    assert!(desk.connects("keys-1", &[&made]));
    desk.clock.set(Some(days(10) + 1));
    let told = reasons(around(&desk, &[&made]));
    assert_eq!(told, (ReasonCode::FingerprintMatched, Expired));
}

#[test]
fn an_entry_that_takes_over_what_a_peer_presents_brings_its_own_grace() {
    let made = spec("kms1").valid(-DAY_, 10 * DAY_).self_signed();
    let twin = spec("kms1")
        .valid(-DAY_, 1000 * DAY_)
        .key_of(&made)
        .self_signed();
    let grace = ValidityRule::Grace(Duration::from_secs(5 * DAY));
    for by_key in [true, false] {
        let mut desk = Desk::at(days(0));
        desk.group("cluster", &["keys-1"]);
        let own = desk.server_pin("keys-1", &made);
        assert!(desk.connects("keys-1", &[&made]));
        desk.store.remove(&own).unwrap();
        let scope = PinScope::Group(crate::admin::desk::group("cluster"));
        let options = EntryOptions::new().with_validity(grace);
        if by_key {
            let options = options.with_matching(PinMatch::PublicKey);
            desk.pin_with(scope, &twin, options);
        } else {
            let fingerprint = made.certificate.fingerprint();
            let done = desk
                .store
                .install_pin_fingerprint(scope, fingerprint, options);
            done.unwrap();
        }
        desk.clock.set(Some(days(10) + 1));
        let subject = ExpiringItem::Presented(made.certificate.fingerprint());
        next_is(&desk, days(15) + 1, &subject, TimelineEvent::Ends);
        let (before, after) = around(&desk, &[&made]);
        assert!(before.is_accepted(), "{before}");
        assert_eq!(after.reason(), Expired);
    }
}

// M7
#[test]
fn a_clock_below_the_floor_changes_everything_once_it_comes_close_and_an_unset_one_nothing() {
    let made = spec("kms1").valid(DAY_, 10 * DAY_).self_signed();
    let (mut desk, _) = with_pin(&made, EntryOptions::new());
    desk.store.snapshot();
    assert_eq!(desk.view().floor(), Some(moment(days(0))));
    desk.clock.set(Some(days(0) - 26 * 3600 - 1));
    next_is(
        &desk,
        days(0) - 26 * 3600,
        &ExpiringItem::Clock,
        TimelineEvent::Begins,
    );
    // Unset, its beginning is not judged.
    assert_eq!(reasons(around(&desk, &[&made])), (PinMatched, NotYetValid));
    desk.clock.set(Some(days(0) - 26 * 3600));
    next_is(
        &desk,
        days(1) - 300,
        &ExpiringItem::Certificate(EntryKey::new(
            mutual_trust::store::Slot::Pin,
            Scope::Server(server_id("keys-1")),
            made.certificate.fingerprint(),
        )),
        TimelineEvent::Begins,
    );
    let unset = next_change(desk.view(), &desk.policy, &desk.seen, CurrentTime::Unset);
    assert!(unset.is_none());
    assert_eq!(chain(&[&made]).len(), 1);
}
