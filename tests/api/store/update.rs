//! Changing an entry: `update`, `disable` and `enable`.

use std::time::Duration;

use mutual_trust::error::{StoreError as E, UnusablePinReason};
use mutual_trust::limits::MAX_LABEL_BYTES;
use mutual_trust::store::{Claim, Scope, StoreWarning as W, TrustSource, ValidityRule};
use mutual_trust::{AuthorityScope, EntryOptions, PinMatch, PinScope};

use crate::store::common::*;
use crate::support::*;

#[test]
fn an_entry_past_its_end_can_be_updated_without_a_new_end() {
    // It is still held until it is removed, and so can still be labelled.
    let (mut store, clock) = on_clock();
    let ends = options().with_end(at(NOW + 10));
    store
        .install_pin(PinScope::Clients, fixture("ee-p256"), ends.clone())
        .unwrap();
    clock.to(NOW + 100);
    let key = pin_key(Scope::Clients, &fixture("ee-p256"));
    changed!(
        store,
        store.update(&key, ends.clone().with_label("old")).unwrap()
    );
    // And installing it again is still the same entry.
    nothing_new!(
        store,
        store
            .install_pin(
                PinScope::Clients,
                fixture("ee-p256"),
                ends.with_label("old")
            )
            .unwrap()
    );
}

#[test]
fn update_replaces_all_options_and_nothing_else() {
    let (mut store, clock) = on_clock();
    store.add_server(server_id("s"), []).unwrap();
    let certificate = fixture("ee-p256");
    let key = pin_key(of_server("s"), &certificate);
    store
        .install_pin(
            server("s"),
            certificate.clone(),
            options().with_label("old"),
        )
        .unwrap();
    clock.to(NOW + DAY);
    let new = EntryOptions::new()
        .with_matching(PinMatch::PublicKey)
        .with_validity(ValidityRule::Grace(Duration::from_secs(DAY)))
        .with_any_role()
        .with_end(at(NOW + 2 * DAY));
    let report = changed!(store, store.update(&key, new.clone()).unwrap());
    assert_eq!(report.done(), mutual_trust::store::Outcome::Changed);
    assert_eq!(report.entries().items(), std::slice::from_ref(&key));
    assert!(
        report.claims().is_empty() && report.shifts().is_empty(),
        "{report}"
    );
    let entry = store.contents().entry(&key).unwrap();
    assert_eq!(entry.options(), &new);
    assert_eq!(entry.options().label(), None);
    assert_eq!(entry.certificate(), Some(&certificate));
    assert_eq!(entry.installed(), Some(at(NOW)));
    nothing_new!(store, store.update(&key, new).unwrap());
}

#[test]
fn update_judges_what_the_new_options_make_of_the_entry() {
    let mut store = with_servers(&["s"]);
    let certificate = fixture("eku-client-only");
    let key = pin_key(of_server("s"), &certificate);
    refused!(
        store,
        store.update(&key, options()),
        E::NoSuchEntry(found) if **found == key
    );
    store
        .install_pin(server("s"), certificate, options().with_any_role())
        .unwrap();
    // Without the waiver it could never match (I6).
    refused!(
        store,
        store.update(&key, options()),
        E::CanNeverMatch {
            why: UnusablePinReason::ExtendedKeyUsage { .. },
            ..
        }
    );
    let report = changed!(
        store,
        store
            .update(&key, options().with_any_role().with_label("x"))
            .unwrap()
    );
    assert!(
        report.warnings().items().contains(&W::RoleWaived),
        "{report}"
    );
    let ca = authority_key(Scope::AnyServer, &fixture("ca-root"));
    store
        .install_authority(AuthorityScope::AnyServer, fixture("ca-root"), options())
        .unwrap();
    refused!(
        store,
        store.update(&ca, options().with_matching(PinMatch::PublicKey)),
        E::OptionNotHere { .. }
    );
    let bare = pin_key(of_server("s"), &fixture("ee-p256"));
    store
        .install_pin_fingerprint(server("s"), fixture("ee-p256").fingerprint(), options())
        .unwrap();
    refused!(
        store,
        store.update(&bare, options().with_matching(PinMatch::PublicKey)),
        E::OptionNotHere { .. }
    );
    changed!(
        store,
        store.update(&bare, options().with_label("x")).unwrap()
    );
}

#[test]
fn an_entry_that_is_blocked_is_held_and_can_still_be_updated() {
    // I8: import checks run at import. P1 refuses to install a blocked certificate; this one is installed.
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    let key = pin_key(of_server("s"), &certificate);
    store
        .install_pin(server("s"), certificate.clone(), options())
        .unwrap();
    store.block(&certificate);
    let report = store.update(&key, options().with_label("stolen in March"));
    assert!(report.is_ok(), "{report:?}");
    let entry = store.contents().entry(&key).unwrap();
    assert_eq!(entry.options().label(), Some("stolen in March"));
}

#[test]
fn a_disabled_entry_is_held_with_its_reason() {
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    let key = pin_key(of_server("s"), &certificate);
    refused!(store, store.disable(&key, "why"), E::NoSuchEntry(_));
    refused!(store, store.enable(&key), E::NoSuchEntry(_));
    store
        .install_pin(server("s"), certificate.clone(), options())
        .unwrap();
    nothing_new!(store, store.enable(&key).unwrap());
    let report = changed!(store, store.disable(&key, "under suspicion").unwrap());
    assert_eq!(report.entries().items(), std::slice::from_ref(&key));
    let entry = store.contents().entry(&key).unwrap();
    assert_eq!(entry.disabled(), Some("under suspicion"));
    // Still held: it claims and shadows as before.
    assert_eq!(claim(&store, "s"), Claim::Claimed);
    assert_eq!(level(&store, "s"), TrustSource::OwnPins);
    // Other options or the same certificate again do not enable it.
    changed!(
        store,
        store.update(&key, options().with_label("x")).unwrap()
    );
    nothing_new!(
        store,
        store
            .install_pin(server("s"), certificate, options().with_label("x"))
            .unwrap()
    );
    let entry = store.contents().entry(&key).unwrap();
    assert_eq!(entry.disabled(), Some("under suspicion"));
    let report = changed!(store, store.enable(&key).unwrap());
    assert_eq!(report.entries().items(), std::slice::from_ref(&key));
    assert_eq!(store.contents().entry(&key).unwrap().disabled(), None);
}

#[test]
fn the_reason_for_disabling_is_one_line() {
    let mut store = with_servers(&["s"]);
    let key = pin_key(of_server("s"), &fixture("ee-p256"));
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    for bad in ["", "a\nb", "\u{1b}", &"x".repeat(MAX_LABEL_BYTES + 1)] {
        refused!(
            store,
            store.disable(&key, bad),
            E::Label {
                limit: MAX_LABEL_BYTES,
                ..
            }
        );
    }
}

#[test]
fn what_import_would_refuse_today_is_not_enabled() {
    // I8: a blocked certificate may be held, and stays without effect.
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    let key = pin_key(of_server("s"), &certificate);
    store
        .install_pin(server("s"), certificate.clone(), options())
        .unwrap();
    store.disable(&key, "why").unwrap();
    store.block(&certificate);
    refused!(store, store.enable(&key), E::Blocked(_));
}
