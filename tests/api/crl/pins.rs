//! A pin that an installed list names is refused, even if the list has expired (rule M8).

use mutual_trust::policy::Detail;
use mutual_trust::store::PinMatch;
use mutual_trust::{EntryOptions, PinScope, ReasonCode};

use super::common::{Scene, ca, leaf, trusting};
use super::support::crl::*;
use super::support::pki::{Made, spec};
use super::support::server_id;

/// A store that holds a CA as an intermediate, for its lists only.
fn knowing(issuer: &Made) -> Scene {
    let mut scene = trusting(&[]);
    scene.intermediate(issuer);
    scene
}

fn by_key() -> EntryOptions {
    EntryOptions::new().with_matching(PinMatch::PublicKey)
}

fn pin_fingerprint(scene: &mut Scene, made: &Made) {
    let scope = PinScope::Server(server_id("keys-1"));
    scene
        .store
        .install_pin_fingerprint(scope, made.certificate.fingerprint(), EntryOptions::new())
        .unwrap();
}

#[test]
fn a_pin_that_a_list_names_is_refused_however_it_matches() {
    let issuer = ca("CA");
    let pinned = leaf().signed_by(&issuer);
    type Pin = fn(&mut Scene, &Made);
    let pins: [(Pin, ReasonCode); 3] = [
        (
            |scene, made| scene.pin(&made.certificate, EntryOptions::new()),
            ReasonCode::PinMatched,
        ),
        (
            |scene, made| scene.pin(&made.certificate, by_key()),
            ReasonCode::KeyMatched,
        ),
        (pin_fingerprint, ReasonCode::FingerprintMatched),
    ];
    let list = crl().revoke(&pinned.certificate);
    let old = -100 * 24 * HOUR;
    for (pin, reason) in pins {
        for list in [
            list.clone(),
            list.clone().valid(old, old + HOUR),
            list.clone().valid(HOUR, 2 * HOUR),
            list.clone().no_key_id(),
            list.clone().version_1(),
            list.clone()
                .scope(vec![point(&["http://ca.example/1"]), flag(0x82)]),
        ] {
            let mut scene = knowing(&issuer);
            pin(&mut scene, &pinned);
            assert_eq!(scene.reason(&[&pinned]), reason);
            // A list that does not name the pin has no effect, and neither does having none.
            let other = crl()
                .number(0)
                .no_key_id()
                .valid(old - HOUR, old)
                .signed_by(&issuer);
            scene.install(other.clone());
            assert_eq!(scene.reason(&[&pinned]), reason);
            scene.store.remove_crl(other.fingerprint()).unwrap();
            assert_eq!(scene.reason(&[&pinned]), reason);

            scene.install(list.signed_by(&issuer));
            let verdict = scene.verdict(&[&pinned.certificate]);
            assert_eq!(verdict.reason(), ReasonCode::Revoked);
            let by = verdict.decided_by().unwrap().fingerprint();
            assert_eq!(by, pinned.certificate.fingerprint());
            assert!(
                matches!(verdict.detail(), Detail::Revoked { certificate, .. } if *certificate == by)
            );
        }
    }
}

#[test]
fn a_match_by_key_asks_about_what_is_installed_and_what_is_presented() {
    let issuer = ca("CA");
    let installed = leaf().signed_by(&issuer);
    let presented = leaf().key_of(&installed).signed_by(&issuer);
    let own = leaf().key_of(&installed).self_signed();
    for (asked, named, reason) in [
        (&presented, &installed, ReasonCode::Revoked),
        (&presented, &presented, ReasonCode::Revoked),
        (&own, &installed, ReasonCode::Revoked),
        // The installed certificate was not presented, and the presented one was not installed.
        (&own, &presented, ReasonCode::KeyMatched),
    ] {
        let mut scene = knowing(&issuer);
        scene.pin(&installed.certificate, by_key());
        assert_eq!(scene.reason(&[asked]), ReasonCode::KeyMatched);
        scene.install(crl().revoke(&named.certificate).signed_by(&issuer));
        assert_eq!(scene.reason(&[asked]), reason);
    }
}

#[test]
fn issuers_of_one_name_are_told_apart_by_the_key_that_is_named() {
    let one = ca("CA");
    let two = ca("CA");
    let of_one = leaf().serial(7).signed_by(&one);
    let unnamed = leaf().serial(7).no_authority_key_id().signed_by(&one);
    for (pinned, list, reason) in [
        (&of_one, crl(), ReasonCode::PinMatched),
        // It is unknown which CA issued it, so the list counts.
        (&of_one, crl().no_key_id(), ReasonCode::Revoked),
        (&unnamed, crl(), ReasonCode::Revoked),
    ] {
        let mut scene = knowing(&two);
        scene.pin(&pinned.certificate, EntryOptions::new());
        scene.install(list.entry(entry(&[7])).signed_by(&two));
        assert_eq!(scene.reason(&[pinned]), reason);
    }
    // The list of another issuer does not cover it.
    let other = ca("Other");
    let mut scene = knowing(&other);
    scene.pin(&unnamed.certificate, EntryOptions::new());
    scene.install(crl().no_key_id().entry(entry(&[7])).signed_by(&other));
    assert_eq!(scene.reason(&[&unnamed]), ReasonCode::PinMatched);
}

#[test]
fn a_list_gives_no_pin_trust() {
    let issuer = ca("CA");
    let expired = leaf().valid(-2 * HOUR, -HOUR).signed_by(&issuer);
    let stranger = leaf().signed_by(&issuer);
    let mut scene = knowing(&issuer);
    scene.pin(&expired.certificate, EntryOptions::new());
    scene.install(crl().signed_by(&issuer));
    assert_eq!(scene.reason(&[&expired]), ReasonCode::Expired);
    assert!(!scene.reason(&[&stranger]).accepts());
}

#[test]
fn another_pin_of_the_same_server_still_passes() {
    let issuer = ca("CA");
    let current = leaf().signed_by(&issuer);
    let next = leaf().signed_by(&issuer);
    let mut scene = knowing(&issuer);
    scene.pin(&current.certificate, EntryOptions::new());
    scene.pin(&next.certificate, EntryOptions::new());
    scene.install(crl().revoke(&current.certificate).signed_by(&issuer));
    assert_eq!(scene.reason(&[&current]), ReasonCode::Revoked);
    assert_eq!(scene.reason(&[&next]), ReasonCode::PinMatched);
    // If neither is presented, the revoked pin is named.
    let verdict = scene.verdict(&[&spec("x").self_signed().certificate]);
    let items = verdict.considered().items();
    let of_current = items
        .iter()
        .find(|item| item.fingerprint == current.certificate.fingerprint());
    assert_eq!(of_current.unwrap().reason, ReasonCode::Revoked);
}
