//! What runs out is reported in time, with those who depend on it.

use core::time::Duration;

use mutual_trust::admin::{
    Expiring, ExpiringItem, ExpiryReport, OwnCertificates, Severity, Windows, expiry,
};
use mutual_trust::error::WindowsError;
use mutual_trust::identity::CertificateChain;
use mutual_trust::limits::MAX_EXPIRIES;
use mutual_trust::store::ValidityRule;
use mutual_trust::{AuthorityScope, CurrentTime, EntryOptions, PinScope};

use crate::admin::desk::{Desk, group, peer};
use crate::invariants::pool::days;
use crate::support::pki::{self_signed, spec};
use crate::support::{DAY, at, server_id};

const HOUR: i64 = 3600;
const DAY_: i64 = 24 * HOUR;

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

fn windows() -> Windows {
    Windows::new(hours(48), hours(24), hours(2)).unwrap()
}

fn report(desk: &Desk) -> ExpiryReport {
    desk.expiry(&windows())
}

fn only(desk: &Desk) -> Expiring {
    let report = report(desk);
    assert_eq!(report.items().len(), 1, "{report}");
    report.items()[0].clone()
}

#[test]
fn windows_grow_from_critical_to_notice() {
    assert_eq!(
        Windows::new(hours(2), hours(24), hours(1)),
        Err(WindowsError::Order)
    );
    assert_eq!(
        Windows::new(hours(48), hours(1), hours(2)),
        Err(WindowsError::Order)
    );
    let second = Duration::from_secs(59);
    assert_eq!(
        Windows::new(hours(48), hours(1), second),
        Err(WindowsError::Empty)
    );
    assert!(Windows::new(hours(1), hours(1), hours(1)).is_ok());
    assert!(Windows::new(Duration::MAX, Duration::MAX, hours(1)).is_ok());
}

#[test]
fn severities_begin_to_the_second() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-DAY_, 10 * DAY_).self_signed();
    let key = desk.server_pin("keys-1", &made);
    let ends = days(10) + 1;
    for (left, severity) in [
        (48 * HOUR + 1, None),
        (48 * HOUR, Some(Severity::Notice)),
        (24 * HOUR + 1, Some(Severity::Notice)),
        (24 * HOUR, Some(Severity::Warning)),
        (2 * HOUR + 1, Some(Severity::Warning)),
        (2 * HOUR, Some(Severity::Critical)),
        (1, Some(Severity::Critical)),
        (0, Some(Severity::Ended)),
        (-DAY_, Some(Severity::Ended)),
    ] {
        desk.clock.set(Some(ends - left));
        let report = report(&desk);
        assert_eq!(report.worst(), severity, "{left}");
        let Some(item) = report.items().first() else {
            continue;
        };
        assert_eq!(item.subject, ExpiringItem::Certificate(key.clone()));
        assert_eq!(item.ends, at(u64::try_from(ends).unwrap()));
        assert_eq!(item.dependents.servers.items(), [server_id("keys-1")]);
        let left = item.dependents.left_with_nothing.items();
        assert_eq!(left, [server_id("keys-1")]);
    }
}

#[test]
fn a_grace_postpones_the_end_and_is_worth_a_warning() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-DAY_, 10 * DAY_).self_signed();
    let grace = ValidityRule::Grace(Duration::from_secs(30 * DAY));
    let options = EntryOptions::new().with_validity(grace);
    desk.pin_with(PinScope::Server(server_id("keys-1")), &made, options);
    desk.clock.set(Some(days(10)));
    assert!(report(&desk).items().is_empty());
    desk.clock.set(Some(days(10) + 1));
    let item = only(&desk);
    assert!(item.in_grace);
    assert_eq!(item.severity, Severity::Warning);
    assert_eq!(item.ends, at(u64::try_from(days(40) + 1).unwrap()));
    desk.clock.set(Some(days(40)));
    assert_eq!(only(&desk).severity, Severity::Critical);
    desk.clock.set(Some(days(40) + 1));
    let item = only(&desk);
    assert_eq!((item.severity, item.in_grace), (Severity::Ended, false));
}

#[test]
fn a_group_s_pin_is_reported_with_its_group_and_who_would_be_left_with_nothing() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &["kms-1", "kms-2", "kms-3"]);
    let made = spec("shared").valid(-DAY_, DAY_).self_signed();
    desk.group_pin("cluster", &made);
    // Two pins of its own take over, one of which lasts.
    desk.server_pin("kms-3", &self_signed("own"));
    let item = only(&desk);
    assert_eq!(item.dependents.group, Some(group("cluster")));
    let servers = [server_id("kms-1"), server_id("kms-2")];
    assert_eq!(item.dependents.servers.items(), servers);
    assert_eq!(item.dependents.left_with_nothing.items(), servers);
    // The next pin is there already: no server is left with nothing.
    desk.group_pin("cluster", &self_signed("next"));
    let item = only(&desk);
    assert_eq!(item.dependents.servers.items(), servers);
    assert!(item.dependents.left_with_nothing.is_empty());
}

#[test]
fn an_authority_is_reported_with_the_servers_about_which_it_is_asked() {
    let mut desk = Desk::at(days(0));
    for id in ["claimed", "migrates", "open", "own"] {
        desk.server(id, &[]);
    }
    let root = spec("root").ca().valid(-DAY_, DAY_).self_signed();
    desk.authority(AuthorityScope::AnyServer, &root);
    let other = spec("other").ca().self_signed();
    desk.authority(AuthorityScope::Server(server_id("own")), &other);
    desk.server_pin("claimed", &self_signed("claimed"));
    desk.server_pin("migrates", &self_signed("migrates"));
    let until = at(u64::try_from(days(100)).unwrap());
    desk.store.migrate(&server_id("migrates"), until).unwrap();
    let item = only(&desk);
    let servers = [server_id("migrates"), server_id("open")];
    assert_eq!(item.dependents.servers.items(), servers);
    assert_eq!(
        item.dependents.left_with_nothing.items(),
        [server_id("open")]
    );
}

#[test]
fn ends_of_entries_and_migrations_and_client_pins_are_reported() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    desk.server_pin("keys-1", &self_signed("kms1"));
    let soon = at(u64::try_from(days(0) + HOUR).unwrap());
    desk.store.migrate(&server_id("keys-1"), soon).unwrap();
    let client = self_signed("array-7");
    let later = at(u64::try_from(days(0) + 5 * HOUR).unwrap());
    let key = desk.pin_with(
        PinScope::Clients,
        &client,
        EntryOptions::new().with_end(later),
    );
    let report = report(&desk);
    let items = report.items();
    assert_eq!(
        items[0].subject,
        ExpiringItem::Migration(server_id("keys-1"))
    );
    assert_eq!(items[0].severity, Severity::Critical);
    assert_eq!(items[1].subject, ExpiringItem::EntryEnd(key));
    assert_eq!(items[1].severity, Severity::Warning);
    assert!(items[1].dependents.clients);
    assert_eq!(items.len(), 2);
}

#[test]
fn what_is_disabled_is_left_out() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-DAY_, DAY_).self_signed();
    let key = desk.server_pin("keys-1", &made);
    assert_eq!(report(&desk).items().len(), 1);
    desk.store.disable(&key, "a test").unwrap();
    assert!(report(&desk).items().is_empty());
}

#[test]
fn what_peers_present_is_reported_though_it_is_not_installed() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    desk.server("keys-2", &["kms2.example"]);
    let root = spec("root").ca().self_signed();
    let inter = spec("inter").ca().valid(-DAY_, DAY_).signed_by(&root);
    desk.authority(AuthorityScope::AnyServer, &root);
    let one = spec("one")
        .dns("kms1.example")
        .valid(-DAY_, DAY_ / 2)
        .signed_by(&inter);
    let two = spec("two").dns("kms2.example").signed_by(&inter);
    assert!(desk.connects("keys-1", &[&one, &inter]));
    assert!(desk.connects("keys-2", &[&two, &inter]));
    let report = report(&desk);
    let items = report.items();
    let leaf = ExpiringItem::Presented(one.certificate.fingerprint());
    assert_eq!(items[0].subject, leaf);
    assert_eq!(items[0].dependents.servers.items(), [server_id("keys-1")]);
    let shared = ExpiringItem::Presented(inter.certificate.fingerprint());
    assert_eq!(items[1].subject, shared);
    assert_eq!(items[1].dependents.servers.len(), 2);
    assert_eq!(items.len(), 2);
}

#[test]
fn what_is_presented_ends_by_the_rules_of_the_entry_that_accepted_it() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let installed = spec("kms1").valid(-DAY_, 1000 * DAY_).self_signed();
    let presented = spec("kms1")
        .valid(-DAY_, HOUR)
        .key_of(&installed)
        .self_signed();
    let options = EntryOptions::new()
        .with_matching(mutual_trust::PinMatch::PublicKey)
        .with_validity(ValidityRule::Grace(Duration::from_secs(30 * DAY)));
    desk.pin_with(PinScope::Server(server_id("keys-1")), &installed, options);
    assert!(desk.connects("keys-1", &[&presented]));
    assert!(report(&desk).items().is_empty());
    desk.clock.set(Some(days(0) + HOUR + 1));
    assert!(only(&desk).in_grace);
}

#[test]
fn of_the_ends_that_one_certificate_has_for_several_servers_the_earliest_counts() {
    let mut desk = Desk::at(days(0));
    let installed = spec("kms").valid(-DAY_, 1000 * DAY_).self_signed();
    let presented = spec("kms")
        .valid(-DAY_, HOUR)
        .key_of(&installed)
        .self_signed();
    for (id, grace) in [("a", 8), ("b", 4)] {
        desk.server(id, &[]);
        let options = EntryOptions::new()
            .with_matching(mutual_trust::PinMatch::PublicKey)
            .with_validity(ValidityRule::Grace(hours(grace)));
        desk.pin_with(PinScope::Server(server_id(id)), &installed, options);
        assert!(desk.connects(id, &[&presented]));
    }
    let item = only(&desk);
    let ends = days(0) + HOUR + 4 * HOUR + 1;
    assert_eq!(item.ends, at(u64::try_from(ends).unwrap()));
    assert_eq!(item.dependents.servers.len(), 2);
}

#[test]
fn what_a_client_presents_is_reported_until_it_has_ended() {
    let mut desk = Desk::at(days(0));
    let root = spec("root").ca().self_signed();
    desk.authority(AuthorityScope::Clients, &root);
    let client = spec("array-7").valid(-DAY_, HOUR).signed_by(&root);
    assert!(desk.client_connects(&[&client]));
    let who = mutual_trust::admin::Peer::Client(client.certificate.fingerprint());
    assert_eq!(only(&desk).dependents.peers.items(), [who]);
    desk.clock.set(Some(days(0) + HOUR));
    assert_eq!(only(&desk).severity, Severity::Critical);
    desk.clock.set(Some(days(0) + HOUR + 1));
    assert!(report(&desk).items().is_empty());
}

#[test]
fn an_installed_intermediate_is_reported_with_those_whose_chain_it_completes() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let root = spec("root").ca().self_signed();
    let inter = spec("inter").ca().valid(-DAY_, DAY_).signed_by(&root);
    desk.authority(AuthorityScope::AnyServer, &root);
    let done = desk
        .store
        .install_intermediate(inter.certificate(), EntryOptions::new());
    let key = crate::admin::desk::key_of(&done.unwrap());
    assert!(only(&desk).dependents.servers.is_empty());
    let leaf = spec("one").dns("kms1.example").signed_by(&inter);
    assert!(desk.connects("keys-1", &[&leaf]));
    let item = only(&desk);
    assert_eq!(item.subject, ExpiringItem::Certificate(key));
    assert_eq!(item.dependents.servers.items(), [server_id("keys-1")]);
}

#[test]
fn a_pinned_certificate_that_is_also_presented_is_reported_once() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-DAY_, DAY_).self_signed();
    let key = desk.server_pin("keys-1", &made);
    assert!(desk.connects("keys-1", &[&made]));
    only(&desk);
    assert!(desk.seen.last(&peer("keys-1")).is_some());
    // Also behind another certificate, which has the pinned key.
    let by_key = EntryOptions::new().with_matching(mutual_trust::PinMatch::PublicKey);
    desk.store.update(&key, by_key).unwrap();
    let renewed = spec("kms1").key_of(&made).self_signed();
    assert!(desk.connects("keys-1", &[&renewed, &made]));
    assert_eq!(only(&desk).subject, ExpiringItem::Certificate(key));
}

#[test]
fn our_own_certificates_are_reported_under_their_name() {
    let desk = Desk::at(days(0));
    let root = spec("root").ca().self_signed();
    let own = spec("array-7").valid(-DAY_, DAY_).signed_by(&root);
    let chain = CertificateChain::new(vec![own.certificate(), root.certificate()]).unwrap();
    let own_name = OwnCertificates::new("to the key\nservers", &chain);
    let report = expiry(
        desk.view(),
        &desk.policy,
        &desk.seen,
        desk.now(),
        &windows(),
        &[own_name],
    );
    assert_eq!(report.items().len(), 1);
    match &report.items()[0].subject {
        ExpiringItem::Own {
            name, fingerprint, ..
        } => {
            assert_eq!(name, "to the keyservers");
            assert_eq!(*fingerprint, own.certificate.fingerprint());
        }
        other => panic!("{other:?}"),
    }
    let long = OwnCertificates::new(&"é".repeat(100), &chain);
    assert!(format!("{long:?}").contains(&"é".repeat(64)));
    assert!(!format!("{long:?}").contains(&"é".repeat(65)));
}

#[test]
fn the_earliest_stands_first_and_each_severity_is_bounded_by_itself() {
    let mut desk = Desk::at(days(0));
    let mut key = None;
    // One pin in the store for many ends: each for another server.
    let long_ago = spec("old").valid(-100 * DAY_, -DAY_).self_signed();
    for number in 0..MAX_EXPIRIES + 3 {
        let id = format!("old-{number:04}");
        desk.server(&id, &[]);
        desk.server_pin(&id, &long_ago);
    }
    // What ended just now is not hidden by what ended long ago.
    let just_now = spec("just now").valid(-DAY_, -HOUR).self_signed();
    desk.server("just-now", &[]);
    let just_now = ExpiringItem::Certificate(desk.server_pin("just-now", &just_now));
    let soon = spec("soon").valid(-DAY_, HOUR).self_signed();
    let sooner = spec("sooner").valid(-DAY_, HOUR / 2).self_signed();
    for (id, made) in [("soon", &soon), ("sooner", &sooner)] {
        desk.server(id, &[]);
        key = Some(desk.server_pin(id, made));
    }
    let report = report(&desk);
    assert_eq!(report.items().len(), MAX_EXPIRIES + 2);
    assert_eq!(report.more(Severity::Ended), 4);
    assert!(report.items().iter().any(|item| item.subject == just_now));
    assert_eq!(report.more(Severity::Critical), 0);
    let sooner = &report.items()[MAX_EXPIRIES];
    assert_eq!(sooner.subject, ExpiringItem::Certificate(key.unwrap()));
    let ends: Vec<_> = report.items().iter().map(|item| item.ends).collect();
    assert!(ends.is_sorted());
    assert_eq!(report.worst(), Some(Severity::Ended));
    assert!(report.to_string().contains("and 4 more"), "{report}");
}

// M7
#[test]
fn while_the_clock_is_unset_ends_are_judged_at_the_floor() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-DAY_, DAY_).self_signed();
    desk.server_pin("keys-1", &made);
    desk.store.snapshot();
    let report = expiry(
        desk.view(),
        &desk.policy,
        &desk.seen,
        CurrentTime::Unset,
        &windows(),
        &[],
    );
    assert!(!report.is_clock_known());
    assert_eq!(report.items()[0].severity, Severity::Notice);
    let said = report.to_string();
    assert!(
        said.contains("the clock is not set: ends are judged at the floor"),
        "{said}"
    );
    // What the clock shows, and the floor.
    let early = crate::invariants::questions::clock(Some(days(-3)));
    let (view, policy) = (desk.view(), &desk.policy);
    let report = expiry(view, policy, &desk.seen, early, &windows(), &[]);
    assert!(!report.is_clock_known());
    let said = report.to_string();
    assert!(said.contains("the clock (2026-12-29T00:00:00Z) is more than 26 hours below the floor (2027-01-01T00:00:00Z)"), "{said}");
    let late = crate::invariants::questions::clock(Some(days(367)));
    let report = expiry(view, policy, &desk.seen, late, &windows(), &[]);
    assert!(report.is_clock_known());
    let said = report.to_string();
    assert!(
        said.contains(
            "the clock jumped: it shows 2028-01-03T00:00:00Z, more than 366 days above the floor"
        ),
        "{said}"
    );
    let month = crate::invariants::questions::clock(Some(days(30)));
    let (view, policy) = (desk.view(), &desk.policy);
    let report = expiry(view, policy, &desk.seen, month, &windows(), &[]);
    assert!(report.is_clock_known());
    assert_eq!(report.items()[0].severity, Severity::Ended);
}
