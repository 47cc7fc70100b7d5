//! Who may sign a list, and the effects of installing, removing and disabling checks (rule C4).

use std::sync::Arc;

use mutual_trust::Crl;
use mutual_trust::error::{CrlError, StoreError};
use mutual_trust::store::{BlockSelector, CrlIssuer, EntryKey, Outcome, Scope, Slot, StoreWarning};
use mutual_trust::{CurrentTime, EntryOptions, ReasonCode, TrustStore};
use rcgen::KeyUsagePurpose;

use super::common::{ca, leaf, trusting};
use super::support::crl::*;
use super::support::der::{OCTETS, OID, SEQUENCE, bytes, ecdsa_with_sha1, parts};
use super::support::pki::spec;
use super::support::{NOW, at, keys};
use crate::support::Lists as _;

#[test]
fn a_list_is_installed_under_an_authority_or_an_intermediate_and_nobody_else() {
    let issuer = ca("CA");
    let mut scene = trusting(&[&issuer]);
    let report = scene.install(crl().signed_by(&issuer));
    assert_eq!(report.done(), Outcome::Added);
    assert_eq!(
        report.checks().items(),
        [CrlIssuer::of(&issuer.certificate)]
    );
    let text = report.to_string();
    assert!(text.contains("checks the certificates of: CN=CA"), "{text}");
    // Lists of zero items are not mentioned.
    assert!(!text.contains("more"), "{text}");
    assert_eq!(scene.held(&issuer), Some(1));

    let mut scene = trusting(&[]);
    scene.intermediate(&issuer);
    scene.install(crl().signed_by(&issuer));
    assert_eq!(scene.held(&issuer), Some(1));

    // A pin authenticates no other certificate (I3).
    let mut scene = trusting(&[]);
    scene.pin(&issuer.certificate, EntryOptions::new());
    let error = scene.refuse(crl().signed_by(&issuer));
    assert!(matches!(error, StoreError::CrlIssuerNotInstalled { issuer, .. } if issuer == "CN=CA"));
    // Another name.
    let other = ca("Other");
    let mut scene = trusting(&[&other]);
    let error = scene.refuse(crl().signed_by(&issuer));
    assert!(matches!(error, StoreError::CrlIssuerNotInstalled { .. }));
}

#[test]
fn the_signature_must_be_that_of_the_installed_key() {
    let issuer = ca("CA");
    let impostor = ca("CA");
    let mut scene = trusting(&[&issuer]);
    let wrong =
        |error| matches!(error, StoreError::WrongCrlSignature { issuer, .. } if issuer == "CN=CA");
    assert!(wrong(
        scene.refuse(crl().wrong_signature().signed_by(&issuer))
    ));
    // The same name and another key, as after a CA changed its key. The key identifier tells, or else the signature.
    // Without identifiers, a damaged list looks the same.
    for list in [
        crl().signed_by(&impostor),
        crl().no_key_id().signed_by(&impostor),
        crl().no_key_id().wrong_signature().signed_by(&issuer),
    ] {
        let error = scene.refuse(list);
        let text = error.to_string();
        assert!(
            matches!(&error, StoreError::CrlSignedByOtherKey { issuer, .. } if issuer == "CN=CA"),
            "{text}"
        );
        assert!(
            text.contains("install its certificate of the other key"),
            "{text}"
        );
    }
    // Of two CAs with the same name, the one that signed the list.
    let mut scene = trusting(&[&issuer, &impostor]);
    scene.install(crl().no_key_id().signed_by(&impostor));
    assert_eq!(scene.held(&issuer), None);
    assert_eq!(scene.held(&impostor), Some(1));
    // An algorithm that providers no longer support.
    let mut tree = crl().tree(&issuer);
    *tree.at(&[0, 1]) = ecdsa_with_sha1();
    *tree.at(&[1]) = ecdsa_with_sha1();
    sign(&mut tree, &issuer);
    let list = Crl::from_der(&tree.write()).unwrap();
    let error = trusting(&[&issuer]).refuse(list);
    assert!(
        matches!(error, StoreError::CrlSignatureUnsupported { algorithm, .. }
        if algorithm == "ECDSA with SHA-1 (1.2.840.10045.4.1)")
    );
    // A changed byte anywhere in the signed part.
    let mut der = crl().der(&issuer);
    let place = der.windows(2).position(|two| two == b"26").unwrap();
    der[place] = b'1';
    let list = Crl::from_der(&der).unwrap();
    assert!(wrong(trusting(&[&issuer]).refuse(list)));
}

#[test]
fn the_issuer_must_be_allowed_to_sign_lists() {
    let usages = [KeyUsagePurpose::KeyCertSign];
    let without = spec("CA").ca().key_usage(&usages).self_signed();
    let mut scene = trusting(&[&without]);
    let error = scene.refuse(crl().signed_by(&without));
    assert!(matches!(error, StoreError::NoCrlSign { issuer, .. } if issuer == "CN=CA"));
    assert_eq!(scene.held(&without), None);
    // Without keyUsage, the CA may sign lists.
    let silent = spec("CA").ca().key_usage(&[]).self_signed();
    let mut scene = trusting(&[&silent]);
    scene.install(crl().signed_by(&silent));
    // One certificate of the CA that allows it is enough.
    let renewed = spec("CA").ca().key_of(&without).self_signed();
    let mut scene = trusting(&[&without, &renewed]);
    scene.install(crl().signed_by(&renewed));
    assert_eq!(scene.held(&without), Some(1));
}

#[test]
fn of_cas_of_one_name_the_one_that_came_closest_tells_why() {
    let list = crl().no_key_id().signed_by(&ca("CA"));
    let without = spec("CA").ca().key_usage(&[KeyUsagePurpose::KeyCertSign]);
    let (other, without) = (ca("CA"), without.self_signed());
    // In either order.
    for both in [[&other, &without], [&without, &other]] {
        let error = trusting(&both).refuse(list.clone());
        assert!(matches!(error, StoreError::NoCrlSign { .. }), "{error}");
    }
}

#[test]
fn a_blocked_issuer_signs_nothing_and_an_expired_or_disabled_one_may() {
    let issuer = ca("CA");
    let mut scene = trusting(&[&issuer]);
    scene.store.block(&issuer.certificate);
    let error = scene.refuse(crl().signed_by(&issuer));
    assert!(matches!(error, StoreError::Blocked(selector)
        if *selector == BlockSelector::certificate(&issuer.certificate)));

    let expired = spec("CA").ca().valid(-2 * HOUR, -HOUR).self_signed();
    let mut scene = trusting(&[&expired]);
    scene.install(crl().signed_by(&expired));

    let mut scene = trusting(&[&issuer]);
    let fingerprint = issuer.certificate.fingerprint();
    let key = EntryKey::new(Slot::Authority, Scope::AnyServer, fingerprint);
    scene.store.disable(&key, "a reason").unwrap();
    scene.install(crl().signed_by(&issuer));
}

#[test]
fn a_list_stands_by_itself_when_its_ca_is_removed_and_comes_back() {
    let issuer = ca("CA");
    let revoked = leaf().signed_by(&issuer);
    let good = leaf().signed_by(&issuer);
    let mut scene = trusting(&[&issuer]);
    scene.install(crl().revoke(&revoked.certificate).signed_by(&issuer));
    let fingerprint = issuer.certificate.fingerprint();
    let key = EntryKey::new(Slot::Authority, Scope::AnyServer, fingerprint);
    scene.store.remove(&key).unwrap();
    assert_eq!(scene.held(&issuer), Some(1));
    // A new certificate of the CA with the same key: the same issuer.
    let renewed = spec("CA").ca().key_of(&issuer).self_signed();
    scene.authority(&renewed);
    assert_eq!(scene.reason(&[&revoked]), ReasonCode::Revoked);
    assert_eq!(scene.reason(&[&good]), ReasonCode::ChainVerified);
}

#[test]
fn an_issuer_stays_checked_until_the_check_is_stopped_by_its_name() {
    let issuer = ca("CA");
    let good = leaf().signed_by(&issuer);
    let revoked = leaf().signed_by(&issuer);
    let mut scene = trusting(&[&issuer]);
    assert_eq!(scene.reason(&[&good]), ReasonCode::ChainVerified);
    let list = crl().revoke(&revoked.certificate).signed_by(&issuer);
    scene.install(list.clone());
    assert_eq!(scene.reason(&[&good]), ReasonCode::ChainVerified);
    assert_eq!(scene.reason(&[&revoked]), ReasonCode::Revoked);

    let report = scene.store.remove_crl(list.fingerprint()).unwrap();
    assert_eq!(report.done(), Outcome::Removed);
    assert!(matches!(
        report.warnings().items(),
        [StoreWarning::NoCrlLeft { issuer: named, .. }]
            if *named == CrlIssuer::of(&issuer.certificate)
    ));
    assert_eq!(scene.held(&issuer), Some(0));
    assert_eq!(scene.reason(&[&good]), ReasonCode::RevocationUnknown);
    assert_eq!(scene.reason(&[&revoked]), ReasonCode::RevocationUnknown);
    assert!(matches!(
        scene.store.remove_crl(list.fingerprint()),
        Err(StoreError::NoSuchCrl(fingerprint)) if fingerprint == list.fingerprint()
    ));
    // The issuer was checked before, so there is nothing new to report.
    let report = scene.install(list);
    assert!(report.checks().is_empty());

    let name = CrlIssuer::of(&issuer.certificate);
    let report = scene.store.disable_revocation_checks(&name).unwrap();
    assert!(matches!(
        report.warnings().items(),
        [StoreWarning::ChecksStopped { issuer, revoked: 1, .. }] if *issuer == name
    ));
    let told = report.warnings().items()[0].to_string();
    assert!(told.contains(&name.to_string()), "{told}");
    assert!(told.contains("is accepted again"), "{told}");
    assert_eq!(report.done(), Outcome::Removed);
    assert_eq!(scene.held(&issuer), None);
    assert_eq!(scene.store.contents().crls().count(), 0);
    assert_eq!(scene.reason(&[&good]), ReasonCode::ChainVerified);
    assert_eq!(scene.reason(&[&revoked]), ReasonCode::ChainVerified);
    assert!(matches!(
        scene.store.disable_revocation_checks(&name),
        Err(StoreError::NotChecked(issuer)) if *issuer == name
    ));
}

#[test]
fn the_report_lists_the_entries_that_a_list_revokes_and_that_come_back() {
    let issuer = ca("CA");
    let pinned = leaf().serial(0x41).signed_by(&issuer);
    let other = leaf().signed_by(&issuer);
    let below = spec("Below").ca().signed_by(&issuer);
    let mut scene = trusting(&[&issuer, &below]);
    // The same serial number from another issuer.
    let serial = u64::from(pinned.certificate.serial()[0]);
    let elsewhere = leaf().serial(serial).no_authority_key_id();
    let elsewhere = elsewhere.signed_by(&ca("Other"));
    scene.pin(&elsewhere.certificate, EntryOptions::new());
    scene.pin(&pinned.certificate, EntryOptions::new());
    scene.pin(&other.certificate, EntryOptions::new());
    let list = crl()
        .revoke(&pinned.certificate)
        .revoke(&below.certificate)
        .signed_by(&issuer);
    let report = scene.install(list);
    let mut hit: Vec<_> = [&pinned, &below]
        .map(|made| made.certificate.fingerprint())
        .into();
    hit.sort();
    let reported = |report: &mutual_trust::store::Report| {
        let mut keys: Vec<_> = report
            .entries()
            .into_iter()
            .map(|key| key.fingerprint)
            .collect();
        keys.sort();
        keys
    };
    assert_eq!(reported(&report), hit);
    let report = scene
        .store
        .disable_revocation_checks(&CrlIssuer::of(&issuer.certificate))
        .unwrap();
    assert_eq!(reported(&report), hit);
}

#[test]
fn a_list_that_has_expired_or_is_not_valid_yet_is_installed_with_a_warning() {
    let issuer = ca("CA");
    for (from, to, warning) in [
        (-2 * HOUR, 0, "expired at 2027-01-01T00:00:00Z"),
        (-2 * HOUR, 1, ""),
        (300, HOUR, ""),
        (301, HOUR, "valid only from 2027-01-01T00:05:01Z on"),
    ] {
        let mut scene = trusting(&[&issuer]);
        let report = scene.install(crl().valid(from, to).signed_by(&issuer));
        assert_eq!(report.done(), Outcome::Added);
        let count = usize::from(!warning.is_empty());
        assert_eq!(report.warnings().len(), count, "{from} {to}");
        assert!(report.to_string().contains(warning), "{report}");
    }
    // Without a clock, ends are judged at the floor, and beginnings are not judged.
    let mut store = TrustStore::new(keys()).with_clock(Arc::new(CurrentTime::Unset));
    let scope = mutual_trust::AuthorityScope::AnyServer;
    store
        .install_authority(scope, issuer.certificate(), EntryOptions::new())
        .unwrap();
    let old = crl().valid(-2 * HOUR, -HOUR).signed_by(&issuer);
    let report = store.install_crl(old.clone()).unwrap();
    assert!(report.warnings().is_empty());
    store.remove_crl(old.fingerprint()).unwrap();
    store.reset_floor(Some(at(NOW)));
    let report = store.install_crl(old).unwrap();
    assert_eq!(report.warnings().len(), 1);
    let future = crl().number(2).valid(HOUR, 2 * HOUR).signed_by(&issuer);
    assert!(store.install_crl(future).unwrap().warnings().is_empty());
    assert_eq!(store.contents().crls().next().unwrap().installed(), None);
}

#[test]
fn lists_are_shown_in_order_with_when_they_came() {
    let one = ca("CA 1");
    let two = ca("CA 2");
    let mut scene = trusting(&[&one, &two]);
    for issuer in [&two, &one] {
        scene.install(crl().signed_by(issuer));
    }
    let view = scene.store.snapshot();
    let issuers: Vec<String> = view.crls().map(|list| list.issuer().name()).collect();
    assert_eq!(issuers, ["CN=CA 1", "CN=CA 2"]);
    assert!(view.crls().all(|list| list.installed() == Some(at(NOW))));
    let checked: Vec<CrlIssuer> = view.revocation_checked_issuers().collect();
    assert_eq!(
        checked,
        [&one, &two].map(|made| CrlIssuer::of(&made.certificate))
    );
    // A published view does not change.
    scene.store.disable_revocation_checks(&checked[0]).unwrap();
    assert_eq!(view.crls().count(), 2);
    assert_eq!(scene.store.contents().crls().count(), 1);
}

#[test]
fn an_entry_may_say_more_as_long_as_it_need_not_be_understood() {
    let issuer = ca("CA");
    let with = |count: u8| {
        let more = (0..count).map(|last| {
            let fields = vec![bytes(OID, &[0x2a, last]), bytes(OCTETS, &[5, 0])];
            parts(SEQUENCE, fields)
        });
        crl().entry(entry_with(&[1], more.collect())).der(&issuer)
    };
    // The maximum number of bytes in a serial number of a certificate.
    let list = Crl::from_der(&with(32)).unwrap();
    let mut scene = trusting(&[&issuer]);
    assert_eq!(scene.install(list).done(), Outcome::Added);
    assert!(matches!(
        Crl::from_der(&with(33)),
        Err(CrlError::TooManyExtensions { limit: 32, .. })
    ));
}
