//! Installing the same again, certificates out of their time, and several pins (rule I5).

use mutual_trust::certificate::CurrentTime;
use mutual_trust::error::StoreError as E;
use mutual_trust::store::{StoreWarning as W, ValidityRule};
use mutual_trust::{AuthorityScope, PinMatch, PinScope};

use crate::store::common::*;
use crate::support::pki::spec;
use crate::support::*;

#[test]
fn the_same_entry_again_changes_nothing_and_says_so() {
    let mut store = with_servers(&["s"]);
    store.add_group(group_id("g")).unwrap();
    let (pin, ca) = (new_pin(), new_ca().certificate);
    for scope in [
        server("s"),
        group("g"),
        PinScope::Clients,
        PinScope::Name(host("s.example")),
    ] {
        let options = options().with_label("x");
        // The name is the server's: the third of these is there already.
        let first = store
            .install_pin(scope.clone(), pin.clone(), options.clone())
            .unwrap();
        assert_eq!(first.entries().len(), 1);
        let again = nothing_new!(
            store,
            store
                .install_pin(scope.clone(), pin.clone(), options.clone())
                .unwrap()
        );
        assert_eq!(again.entries(), first.entries());
        // A fingerprint of what is installed whole is nothing new either.
        nothing_new!(
            store,
            store
                .install_pin_fingerprint(scope, pin.fingerprint(), options)
                .unwrap()
        );
    }
    for scope in [
        authority("s"),
        AuthorityScope::AnyServer,
        AuthorityScope::Clients,
    ] {
        store
            .install_authority(scope.clone(), ca.clone(), options())
            .unwrap();
        nothing_new!(
            store,
            store
                .install_authority(scope, ca.clone(), options())
                .unwrap()
        );
    }
    store.install_intermediate(ca.clone(), options()).unwrap();
    nothing_new!(store, store.install_intermediate(ca, options()).unwrap());
}

#[test]
fn the_same_entry_with_other_options_is_an_error_that_names_update() {
    let mut store = with_servers(&["s"]);
    let (pin, ca) = (new_pin(), new_ca().certificate);
    store
        .install_pin(server("s"), pin.clone(), options().with_label("old"))
        .unwrap();
    let key = pin_key(of_server("s"), &pin);
    for other in [
        options(),
        options().with_label("new"),
        options()
            .with_label("old")
            .with_matching(PinMatch::PublicKey),
        options()
            .with_label("old")
            .with_validity(ValidityRule::Enforce),
        options().with_label("old").with_any_role(),
        options().with_label("old").with_end(at(NOW + DAY)),
    ] {
        refused!(
            store,
            store.install_pin(server("s"), pin.clone(), other.clone()),
            E::OptionsDiffer(found) if **found == key
        );
        let error = store
            .install_pin(server("s"), pin.clone(), other)
            .unwrap_err();
        assert!(error.to_string().contains("update"), "{error}");
    }
    refused!(
        store,
        store.install_pin_fingerprint(server("s"), pin.fingerprint(), options()),
        E::OptionsDiffer(found) if **found == key
    );
    store
        .install_authority(AuthorityScope::AnyServer, ca.clone(), options())
        .unwrap();
    refused!(
        store,
        store.install_authority(
            AuthorityScope::AnyServer,
            ca.clone(),
            options().with_label("x")
        ),
        E::OptionsDiffer(_)
    );
    store.install_intermediate(ca.clone(), options()).unwrap();
    refused!(
        store,
        store.install_intermediate(ca, options().with_label("x")),
        E::OptionsDiffer(_)
    );
}

#[test]
fn the_order_in_which_san_patterns_are_given_is_no_difference() {
    let mut store = store();
    let ca = new_ca().certificate;
    let patterns =
        |texts: &[&str]| options().with_san_patterns(texts.iter().map(|t| t.parse().unwrap()));
    let (one, two) = ("dns:*.arrays.example", "uri:spiffe://example/array/*");
    let install =
        store.install_authority(AuthorityScope::Clients, ca.clone(), patterns(&[one, two]));
    assert_added(&install.unwrap());
    nothing_new!(
        store,
        store
            .install_authority(
                AuthorityScope::Clients,
                ca.clone(),
                patterns(&[two, one, one])
            )
            .unwrap()
    );
    refused!(
        store,
        store.install_authority(AuthorityScope::Clients, ca, patterns(&[one])),
        E::OptionsDiffer(_)
    );
}

#[test]
fn a_certificate_out_of_its_time_is_installed_with_a_warning() {
    let mut store = with_servers(&["s"]);
    let expired = fixture("expired");
    let report = changed!(
        store,
        store.install_pin(server("s"), expired, options()).unwrap()
    );
    assert!(matches!(
        report.warnings().items(),
        [W::Expired { not_after, .. }, W::PinNamesAnother] if not_after.to_string() == "2013-01-01T00:00:00Z"
    ));
    // It is held, and so claims (P2).
    assert_eq!(claims(&report), ["s"]);
    let early = fixture("not-yet-valid");
    let report = changed!(
        store,
        store
            .install_pin(PinScope::Clients, early, options())
            .unwrap()
    );
    assert!(matches!(
        report.warnings().items(),
        [W::NotYetValid { not_before, .. }] if not_before.to_string() == "2100-01-01T00:00:00Z"
    ));
    let ca = fixture("ca-expired");
    let report = store.install_authority(AuthorityScope::AnyServer, ca.clone(), options());
    assert!(matches!(
        report.unwrap().warnings().items(),
        [W::Expired { .. }]
    ));
    let report = store.install_intermediate(ca, options());
    assert!(matches!(
        report.unwrap().warnings().items(),
        [W::Expired { .. }]
    ));
    let good = store.install_pin(PinScope::Clients, fixture("not-after-9999"), options());
    assert!(good.unwrap().warnings().is_empty());
}

#[test]
fn a_period_is_judged_to_the_second_and_its_start_with_five_minutes_of_tolerance() {
    // I5 with M3: notAfter is the last good second; a certificate made a minute ago on a machine ahead of
    // ours is no cause for alarm.
    let warned = |from: i64, to: i64| {
        let certificate = spec("x").valid(from, to).self_signed().certificate;
        let report = store()
            .install_pin(PinScope::Clients, certificate, options())
            .unwrap();
        report.warnings().items().to_vec()
    };
    assert!(warned(-60, 0).is_empty());
    assert!(matches!(warned(-60, -1)[..], [W::Expired { .. }]));
    assert!(warned(300, 600).is_empty());
    assert!(matches!(warned(301, 600)[..], [W::NotYetValid { .. }]));
}

#[test]
fn without_a_clock_ends_are_judged_at_the_floor_and_beginnings_not_at_all() {
    // M7.
    let (mut store, clock) = on_clock();
    clock.set(CurrentTime::Unset);
    let install = |store: &mut mutual_trust::TrustStore, from: i64, to: i64| {
        let certificate = spec("x").valid(from, to).self_signed().certificate;
        let report = store
            .install_pin(PinScope::Clients, certificate, options())
            .unwrap();
        report.warnings().items().to_vec()
    };
    // No floor: nothing can be said.
    assert!(install(&mut store, -600, -60).is_empty());
    assert!(install(&mut store, 6000, 7000).is_empty());
    clock.to(NOW);
    store.snapshot();
    clock.set(CurrentTime::Unset);
    assert!(matches!(
        install(&mut store, -600, -60)[..],
        [W::Expired { .. }]
    ));
    assert!(install(&mut store, -600, 0).is_empty());
    assert!(install(&mut store, 6000, 7000).is_empty());
    // A clock more than 26 hours below the floor is none.
    let below = 26 * 3600;
    clock.to(NOW - 26 * 3600 - 1);
    assert!(matches!(
        install(&mut store, -2 * below, -100)[..],
        [W::Expired { .. }, W::ClockBelowFloor(_)] | [W::ClockBelowFloor(_), W::Expired { .. }]
    ));
    assert!(matches!(
        install(&mut store, 6000, 7000)[..],
        [W::ClockBelowFloor(_)]
    ));
    clock.to(NOW - 26 * 3600);
    assert!(install(&mut store, -2 * below, -below).is_empty());
    assert!(matches!(
        install(&mut store, 6000, 7000)[..],
        [W::NotYetValid { .. }]
    ));
}

#[test]
fn several_pins_in_one_scope_are_normal() {
    // Current and next, so that a server can renew without downtime.
    let mut store = with_servers(&["s"]);
    let (old, new) = (fixture("reissued-old"), fixture("reissued-new"));
    let report = changed!(
        store,
        store
            .install_pin(server("s"), old.clone(), options())
            .unwrap()
    );
    assert_eq!(claims(&report), ["s"]);
    let report = changed!(
        store,
        store
            .install_pin(server("s"), new.clone(), options())
            .unwrap()
    );
    assert_added(&report);
    // Claimed already, and asked at the same level as before.
    assert!(
        report.claims().is_empty() && report.shifts().is_empty(),
        "{report}"
    );
    // The fixtures have other names than the server.
    assert_eq!(report.warnings().items(), [W::PinNamesAnother]);
    for certificate in [&old, &new] {
        let key = pin_key(of_server("s"), certificate);
        assert!(store.contents().entry(&key).is_some());
    }
}
