//! Pins of which only the fingerprint is known, and their completion (rule M1).

use mutual_trust::error::{StoreError as E, UnusablePinReason};
use mutual_trust::store::{
    BlockSelector, Outcome, Scope, StoreWarning as W, TrustSource, ValidityRule,
};
use mutual_trust::{PinMatch, PinScope};

use crate::store::common::*;
use crate::support::*;

#[test]
fn a_fingerprint_alone_is_a_pin_and_claims() {
    // M1 and P2.
    let mut store = with_servers(&["s", "t"]);
    store.add_group(group_id("g")).unwrap();
    store.join_group(&group_id("g"), &server_id("t")).unwrap();
    let fingerprint = fixture("ee-p256").fingerprint();
    let report = changed!(
        store,
        store
            .install_pin_fingerprint(server("s"), fingerprint, options().with_label("by phone"))
            .unwrap()
    );
    assert_added(&report);
    assert_eq!(claims(&report), ["s"]);
    assert_eq!(
        shifts(&report),
        [("s".to_owned(), TrustSource::Nothing, TrustSource::OwnPins)]
    );
    let key = pin_key(of_server("s"), &fixture("ee-p256"));
    let entry = store.contents().entry(&key).unwrap();
    assert!(entry.certificate().is_none());
    assert_eq!(entry.options().label(), Some("by phone"));
    assert_eq!(entry.installed(), Some(at(NOW)));
    let report = store
        .install_pin_fingerprint(group("g"), fingerprint, options())
        .unwrap();
    assert_eq!(claims(&report), ["t"]);
    let report = store
        .install_pin_fingerprint(PinScope::Clients, fingerprint, options())
        .unwrap();
    assert!(report.claims().is_empty());
    // By a bare name as well: it makes the server.
    let name = PinScope::Name(host("new.example"));
    let report = store
        .install_pin_fingerprint(name, fingerprint, options())
        .unwrap();
    assert_eq!(claims(&report), ["new.example"]);
}

#[test]
fn installing_the_certificate_completes_a_fingerprint() {
    // M1.
    let mut store = with_servers(&["s"]);
    let certificate = fixture("openssl-req-san");
    let label = options().with_label("x");
    let fingerprint = certificate.fingerprint();
    store
        .install_pin_fingerprint(server("s"), fingerprint, label.clone())
        .unwrap();
    nothing_new!(
        store,
        store
            .install_pin_fingerprint(server("s"), fingerprint, label.clone())
            .unwrap()
    );
    // Only in that scope: elsewhere it is a new entry.
    let report = store
        .install_pin(PinScope::Clients, certificate.clone(), options())
        .unwrap();
    assert_added(&report);
    let report = changed!(
        store,
        store
            .install_pin(server("s"), certificate.clone(), label.clone())
            .unwrap()
    );
    assert_eq!(report.done(), Outcome::Completed);
    assert_eq!(
        report.entries().items(),
        [pin_key(of_server("s"), &certificate)]
    );
    assert!(
        report.claims().is_empty() && report.shifts().is_empty(),
        "{report}"
    );
    // What import warns of, it warns of now.
    assert_eq!(report.warnings().items(), [W::PinIsCa, W::PinNamesAnother]);
    let entry = store
        .contents()
        .entry(&pin_key(of_server("s"), &certificate));
    assert_eq!(entry.unwrap().certificate(), Some(&certificate));
    assert_eq!(store.contents().entries().len(), 2);
    nothing_new!(
        store,
        store.install_pin(server("s"), certificate, label).unwrap()
    );
}

#[test]
fn completing_with_other_options_is_an_error() {
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    store
        .install_pin_fingerprint(
            server("s"),
            certificate.fingerprint(),
            options().with_label("x"),
        )
        .unwrap();
    refused!(
        store,
        store.install_pin(server("s"), certificate.clone(), options().with_label("y")),
        E::OptionsDiffer(_)
    );
}

#[test]
fn a_certificate_that_import_refuses_completes_nothing() {
    // M1 and I4, I6: the pin stays as it was, a fingerprint.
    let mut store = with_servers(&["s"]);
    for name in [
        "rsa1024",
        "broken-self-signature",
        "eku-client-only",
        "unknown-critical-extension",
    ] {
        let certificate = fixture(name);
        store
            .install_pin_fingerprint(server("s"), certificate.fingerprint(), options())
            .unwrap();
        refused!(
            store,
            store.install_pin(server("s"), certificate, options()),
            E::Key(_)
                | E::WrongSelfSignature
                | E::CanNeverMatch {
                    why: UnusablePinReason::ExtendedKeyUsage { .. }
                        | UnusablePinReason::CriticalExtension { .. },
                    ..
                }
        );
    }
}

#[test]
fn completing_a_disabled_pin_does_not_enable_it() {
    // An entry that is disabled accepts nothing; `enable` is the call that lifts it.
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    let key = pin_key(of_server("s"), &certificate);
    store
        .install_pin_fingerprint(server("s"), certificate.fingerprint(), options())
        .unwrap();
    store.disable(&key, "under suspicion").unwrap();
    // Completing it or refusing to are both fine.
    let _ = store.install_pin(server("s"), certificate, options());
    let entry = store.contents().entry(&key).unwrap();
    assert_eq!(entry.disabled(), Some("under suspicion"));
}

#[test]
fn a_fingerprint_has_no_public_key_to_match() {
    let mut store = store();
    let fingerprint = fixture("ee-p256").fingerprint();
    refused!(
        store,
        store.install_pin_fingerprint(
            PinScope::Clients,
            fingerprint,
            options().with_matching(PinMatch::PublicKey)
        ),
        E::OptionNotHere { .. }
    );
    let grace = options().with_validity(ValidityRule::Grace(std::time::Duration::from_secs(DAY)));
    let all = grace.with_any_role().with_label("x").with_end(at(NOW + 1));
    assert_added(
        &store
            .install_pin_fingerprint(PinScope::Clients, fingerprint, all)
            .unwrap(),
    );
}

#[test]
fn a_blocked_fingerprint_is_not_installed() {
    // P1.
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    let fingerprint = certificate.fingerprint();
    for selector in [
        BlockSelector::Fingerprint(fingerprint),
        BlockSelector::certificate(&certificate),
    ] {
        store.block_selector(selector.clone());
        refused!(
            store,
            store.install_pin_fingerprint(server("s"), fingerprint, options()),
            E::Blocked(found) if **found == selector
        );
        store.unblock(&selector).unwrap();
    }
    // By its key nothing can be known of it, until it is completed.
    store.block_selector(BlockSelector::Key(certificate.key_pin()));
    changed!(
        store,
        store
            .install_pin_fingerprint(server("s"), fingerprint, options())
            .unwrap()
    );
    refused!(
        store,
        store.install_pin(server("s"), certificate.clone(), options()),
        E::Blocked(found) if **found == BlockSelector::Key(certificate.key_pin())
    );
    let key = pin_key(of_server("s"), &certificate);
    assert!(
        store
            .contents()
            .entry(&key)
            .unwrap()
            .certificate()
            .is_none()
    );
    assert!(
        store
            .contents()
            .entry(&pin_key(Scope::Clients, &certificate))
            .is_none()
    );
}
