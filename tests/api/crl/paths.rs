//! Revocation along a path: every certificate below the authority, and the authority itself (rules C1 and C4).

use mutual_trust::policy::{Considered, Detail, Verdict};
use mutual_trust::{EntryOptions, ReasonCode, Rule};
use rcgen::KeyUsagePurpose;

use super::common::{Scene, ca, leaf, trusting};
use super::support::crl::*;
use super::support::pki::{Made, spec};
use crate::support::Lists as _;

/// The revoked certificate in the detail.
fn revoked(verdict: &Verdict) -> mutual_trust::Fingerprint {
    let Detail::Revoked { certificate, .. } = verdict.detail() else {
        panic!("{}", verdict.detail());
    };
    *certificate
}

#[test]
fn a_refusal_says_which_certificate_which_list_and_since_when() {
    let issuer = ca("CA");
    let leaf = leaf().serial(0x0102).signed_by(&issuer);
    let mut scene = trusting(&[&issuer]);
    let list = crl()
        .number(42)
        .entry(entry_with(&[1, 2], vec![reason(1)]))
        .signed_by(&issuer);
    scene.install(list.clone());
    let verdict = scene.verdict(&[&leaf.certificate]);
    assert_eq!(verdict.reason(), ReasonCode::Revoked);
    assert_eq!(verdict.rule(), Rule::C4);
    let Detail::Revoked {
        certificate,
        serial,
        date,
        why,
        crl,
        number,
        ..
    } = verdict.detail()
    else {
        panic!("{}", verdict.detail());
    };
    assert_eq!(*certificate, leaf.certificate.fingerprint());
    assert_eq!(**serial, [1, 2]);
    assert_eq!(
        *date,
        mutual_trust::certificate::Timestamp::from_seconds(1_798_675_200)
    );
    assert_eq!(why.to_string(), "keyCompromise");
    assert_eq!(*crl, list.fingerprint());
    assert_eq!(number.as_ref().unwrap().to_string(), "42");
    let text = verdict.to_string();
    let wanted = format!(
        "with serial number 0102 was revoked at 2026-12-31T00:00:00Z (keyCompromise), by list {}, number 42",
        list.fingerprint().short()
    );
    assert!(text.contains(&wanted), "{text}");
    let whole = list.fingerprint().to_string();
    assert!(format!("{verdict:#}").contains(&whole), "{verdict:#}");
    // The authority was rejected for that reason.
    let Considered { reason, .. } = &verdict.considered().items()[0];
    assert_eq!(*reason, ReasonCode::Revoked);
}

#[test]
fn every_certificate_below_the_authority_is_asked_about() {
    let root = ca("Root");
    let upper = spec("Upper").ca().signed_by(&root);
    let lower = spec("Lower").ca().signed_by(&upper);
    let end = leaf().signed_by(&lower);
    let presented = [&end.certificate, &lower.certificate, &upper.certificate];
    let scene = || {
        let mut scene = trusting(&[&root]);
        scene.intermediate(&upper);
        scene.intermediate(&lower);
        scene
    };
    for (issuer, certificate) in [(&lower, &end), (&upper, &lower), (&root, &upper)] {
        let mut scene = scene();
        assert!(scene.verdict(&presented).is_accepted());
        scene.install(crl().signed_by(issuer));
        assert!(scene.verdict(&presented).is_accepted());
        scene.install(
            crl()
                .number(2)
                .revoke(&certificate.certificate)
                .signed_by(issuer),
        );
        let verdict = scene.verdict(&presented);
        assert_eq!(verdict.reason(), ReasonCode::Revoked);
        assert_eq!(revoked(&verdict), certificate.certificate.fingerprint());
    }
    // An issuer without revocation checks needs no list, the others do.
    let mut scene = scene();
    let list = crl().signed_by(&upper);
    scene.install(list.clone());
    scene.store.remove_crl(list.fingerprint()).unwrap();
    let verdict = scene.verdict(&presented);
    assert_eq!(verdict.reason(), ReasonCode::RevocationUnknown);
    assert!(
        matches!(verdict.detail(), Detail::NotCovered { certificate, lists: 0, last_end: None, .. }
        if *certificate == lower.certificate.fingerprint())
    );
    assert!(
        verdict
            .to_string()
            .contains("no list of this issuer is installed")
    );
}

#[test]
fn what_is_revoked_is_said_before_what_is_not_known() {
    let root = ca("Root");
    let below = spec("Below").ca().signed_by(&root);
    let end = leaf().signed_by(&below);
    let mut scene = trusting(&[&root]);
    scene.intermediate(&below);
    // No list covers the leaf any more, and the CA above it is revoked.
    scene.install(crl().valid(-2 * HOUR, -HOUR).signed_by(&below));
    scene.install(crl().revoke(&below.certificate).signed_by(&root));
    assert_eq!(scene.reason(&[&end, &below]), ReasonCode::Revoked);
}

#[test]
fn all_issuers_are_checked_if_policy_requires_lists() {
    let root = ca("Root");
    let below = spec("Below").ca().signed_by(&root);
    let end = leaf().signed_by(&below);
    let mut scene = trusting(&[&root]);
    scene.intermediate(&below);
    assert!(scene.reason(&[&end]).accepts());
    scene.policy = scene.policy.with_crl_required();
    assert_eq!(scene.reason(&[&end]), ReasonCode::RevocationUnknown);
    scene.install(crl().signed_by(&below));
    assert_eq!(scene.reason(&[&end]), ReasonCode::RevocationUnknown);
    scene.install(crl().signed_by(&root));
    assert!(scene.reason(&[&end]).accepts());
    // The administrator vouches for an authority, so it needs no list.
    let mut scene = trusting(&[&below]);
    scene.policy = scene.policy.with_crl_required();
    scene.install(crl().signed_by(&below));
    assert!(scene.reason(&[&end]).accepts());
    // Pins need no lists.
    let mut scene = trusting(&[]);
    scene.policy = scene.policy.with_crl_required();
    scene.pin(&end.certificate, EntryOptions::new());
    assert_eq!(scene.reason(&[&end]), ReasonCode::PinMatched);
}

#[test]
fn an_authority_that_its_issuer_revoked_ends_no_path() {
    let root = ca("Root");
    let below = spec("Below").ca().signed_by(&root);
    let end = leaf().signed_by(&below);
    let scene = || {
        let mut scene = trusting(&[&below]);
        scene.intermediate(&root);
        scene
    };
    let list = crl().revoke(&below.certificate);
    for list in [
        list.clone(),
        list.clone().valid(-2 * HOUR, -HOUR),
        list.clone().no_key_id(),
    ] {
        let mut scene = scene();
        assert!(scene.reason(&[&end]).accepts());
        scene.install(list.signed_by(&root));
        let verdict = scene.verdict(&[&end.certificate]);
        assert_eq!(verdict.reason(), ReasonCode::Revoked);
        assert_eq!(revoked(&verdict), below.certificate.fingerprint());
    }
    // A list that names another certificate has no effect on it, and it needs no list of its issuer.
    let mut scene = scene();
    scene.install(crl().entry(entry(&[0x55])).signed_by(&root));
    assert!(scene.reason(&[&end]).accepts());
    let mut scene = scene_without_list(&below, &root);
    assert!(scene.reason(&[&end]).accepts());
}

/// Revocation is checked for the root, which has no list.
fn scene_without_list(below: &Made, root: &Made) -> Scene {
    let mut scene = trusting(&[below]);
    scene.intermediate(root);
    let list = crl().signed_by(root);
    scene.install(list.clone());
    scene.store.remove_crl(list.fingerprint()).unwrap();
    scene
}

#[test]
fn an_authority_that_revoked_itself_ends_no_path() {
    let root = ca("Root");
    let end = leaf().signed_by(&root);
    let mut scene = trusting(&[&root]);
    scene.install(crl().revoke(&root.certificate).signed_by(&root));
    let verdict = scene.verdict(&[&end.certificate]);
    assert_eq!(verdict.reason(), ReasonCode::Revoked);
    assert_eq!(revoked(&verdict), root.certificate.fingerprint());
}

#[test]
fn a_cross_signed_path_that_is_revoked_is_passed_over_for_one_that_is_not() {
    let old_root = ca("Old root");
    let new_root = ca("New root");
    // One CA, certified by two others.
    let by_new = spec("Issuing").ca().signed_by(&new_root);
    let by_old = spec("Issuing").ca().key_of(&by_new).signed_by(&old_root);
    let end = leaf().signed_by(&by_new);
    let scene = || {
        let mut scene = trusting(&[&old_root, &new_root]);
        scene.intermediate(&by_new);
        scene.intermediate(&by_old);
        scene
    };
    let revoke_old = crl().revoke(&by_old.certificate).signed_by(&old_root);
    let revoke_new = crl().revoke(&by_new.certificate).signed_by(&new_root);
    for (lists, reason) in [
        (vec![revoke_old.clone()], ReasonCode::ChainVerified),
        (vec![revoke_new.clone()], ReasonCode::ChainVerified),
        (
            vec![revoke_old.clone(), revoke_new.clone()],
            ReasonCode::Revoked,
        ),
        // A list of the common CA covers both paths.
        (
            vec![crl().revoke(&end.certificate).signed_by(&by_old)],
            ReasonCode::Revoked,
        ),
    ] {
        let mut scene = scene();
        for list in lists {
            scene.install(list);
        }
        let verdict = scene.verdict(&[&end.certificate]);
        assert_eq!(verdict.reason(), reason);
    }
    let mut scene = scene();
    scene.install(revoke_new);
    let verdict = scene.verdict(&[&end.certificate]);
    assert_eq!(
        verdict.decided_by().unwrap().fingerprint(),
        old_root.certificate.fingerprint()
    );
}

#[test]
fn two_cas_of_one_name_are_two_issuers() {
    let one = ca("CA");
    let two = ca("CA");
    let of_one = leaf().serial(7).signed_by(&one);
    let of_two = leaf().serial(7).signed_by(&two);
    let unnamed_key = leaf().serial(7).no_authority_key_id().signed_by(&two);
    for list in [crl(), crl().no_key_id()] {
        let mut scene = trusting(&[&one, &two]);
        scene.install(list.revoke(&of_one.certificate).signed_by(&one));
        assert_eq!(scene.reason(&[&of_one]), ReasonCode::Revoked);
        assert!(scene.reason(&[&of_two]).accepts());
        assert!(scene.reason(&[&unnamed_key]).accepts());
    }
    // Revocation is not checked for the other one because of that.
    let mut scene = trusting(&[&one, &two]);
    scene.install(crl().signed_by(&one));
    assert_eq!(scene.held(&two), None);
    assert!(scene.reason(&[&leaf().signed_by(&two)]).accepts());
}

// One CA's own certificate has the serial number of a leaf of the other, and names no key.
#[test]
fn a_root_is_not_taken_for_what_another_ca_of_its_name_revoked() {
    let one = ca("CA");
    let two = spec("CA")
        .ca()
        .serial(7)
        .no_authority_key_id()
        .self_signed();
    let other = spec("Below")
        .ca()
        .serial(7)
        .no_authority_key_id()
        .signed_by(&two);
    let end = leaf().signed_by(&two);
    for list in [crl(), crl().no_key_id()] {
        let mut scene = trusting(&[&one, &two]);
        let report = scene.install(list.clone().entry(entry(&[7])).signed_by(&one));
        assert!(report.entries().is_empty());
        assert!(scene.reason(&[&end]).accepts());
        // Its own list counts,
        let report = scene.install(list.clone().entry(entry(&[7])).signed_by(&two));
        assert_eq!(report.entries().len(), 1);
        assert_eq!(scene.reason(&[&end]), ReasonCode::Revoked);
        // and so does a list if it is unknown which of both issued the CA.
        let mut scene = trusting(&[&other]);
        scene.intermediate(&one);
        scene.install(list.entry(entry(&[7])).signed_by(&one));
        let below = leaf().signed_by(&other);
        assert_eq!(scene.reason(&[&below]), ReasonCode::Revoked);
    }
}

#[test]
fn a_ca_with_a_new_key_is_another_issuer_and_one_with_a_new_certificate_is_not() {
    let old = ca("CA");
    let new_key = ca("CA");
    let renewed = spec("CA").ca().key_of(&old).self_signed();
    let of_old = leaf().serial(7).signed_by(&old);
    let of_new_key = leaf().serial(7).signed_by(&new_key);
    let mut scene = trusting(&[&renewed, &new_key]);
    scene.install(crl().revoke(&of_old.certificate).signed_by(&old));
    assert_eq!(scene.held(&renewed), Some(1));
    assert_eq!(scene.reason(&[&of_old]), ReasonCode::Revoked);
    assert!(scene.reason(&[&of_new_key]).accepts());
}

#[test]
fn an_issuer_whose_certificate_in_the_path_may_not_sign_lists_tells_of_nobody() {
    let root = ca("Root");
    let good = spec("Issuing").ca().signed_by(&root);
    let usages = [KeyUsagePurpose::KeyCertSign];
    let mute = spec("Issuing")
        .ca()
        .key_usage(&usages)
        .key_of(&good)
        .signed_by(&root);
    let end = leaf().signed_by(&good);
    let revoked = leaf().signed_by(&good);
    let mut scene = trusting(&[&root]);
    scene.intermediate(&good);
    scene.install(crl().revoke(&revoked.certificate).signed_by(&good));
    let key = scene
        .store
        .contents()
        .entries()
        .iter()
        .map(|entry| entry.key())
        .find(|key| key.fingerprint == good.certificate.fingerprint())
        .unwrap();
    scene.store.remove(&key).unwrap();
    let verdict = scene.verdict(&[&end.certificate, &mute.certificate]);
    assert_eq!(verdict.reason(), ReasonCode::RevocationUnknown);
    assert!(
        verdict
            .to_string()
            .contains("CN=Issuing may not sign revocation lists")
    );
    // A certificate that the list names stays revoked.
    assert_eq!(scene.reason(&[&revoked, &mute]), ReasonCode::Revoked);
    // With the certificate that may sign lists, the same path is accepted.
    assert!(scene.reason(&[&end, &good]).accepts());
}
