//! Unsupported kinds of lists: each has its own error, and none affects another list.

use mutual_trust::ReasonCode;
use mutual_trust::certificate::CrlDeviation;
use mutual_trust::error::StoreError;
use mutual_trust::policy::ChainProfile;
use mutual_trust::store::{Outcome, Report, StoreWarning};

use super::common::{ca, leaf, trusting};
use super::support::crl::*;
use super::support::der::*;
use crate::support::Lists as _;

fn refusals() -> Vec<(&'static str, CrlSpec, &'static str)> {
    let null = || bytes(NULL, &[]);
    let unknown = "its critical extension 1.2.3.4 is not supported";
    let unknown_below = "the critical extension 1.2.3.4 in one of its entries is not supported";
    let (delta_list, indirect) = ("it is a delta list", "it is an indirect list");
    let id = [0x2a, 3, 4];
    let issuer_of_entry = |critical| {
        let name = parts(SEQUENCE, vec![uri("http://other.example")]);
        entry_with(&[1], vec![standard(29, critical, &name)])
    };
    let delta = |critical| standard(27, critical, &bytes(INTEGER, &[1]));
    let relative = parts(0xa0, vec![parts(0xa1, vec![])]);
    vec![
        ("delta", crl().extension(delta(true)), delta_list),
        (
            "delta, not critical",
            crl().extension(delta(false)),
            delta_list,
        ),
        ("indirect", crl().scope(vec![flag(0x84)]), indirect),
        (
            "attributes",
            crl().scope(vec![flag(0x85)]),
            "it is about attribute certificates only",
        ),
        (
            "relative",
            crl().scope(vec![relative]),
            "its distribution point is named relative to the issuer",
        ),
        (
            "an entry of another issuer",
            crl().entry(issuer_of_entry(true)),
            indirect,
        ),
        (
            "the same, not critical",
            crl().entry(issuer_of_entry(false)),
            indirect,
        ),
        (
            "an entry taken back",
            crl().entry(entry_with(&[1], vec![reason(8)])),
            "it removes an entry",
        ),
        (
            "no end",
            crl().no_end(),
            "it does not say when the next list is due",
        ),
        (
            "unknown critical",
            crl().extension(extension(&id, true, &null())),
            unknown,
        ),
        (
            "unknown critical in an entry",
            crl()
                .entry(entry(&[1]))
                .entry(entry_with(
                    &[2],
                    vec![reason(1), extension(&id, true, &null())],
                ))
                .entry(entry(&[3])),
            unknown_below,
        ),
        (
            "freshestCRL, critical",
            crl().extension(standard(46, true, &null())),
            "its critical extension 2.5.29.46 is not supported",
        ),
    ]
}

#[test]
fn each_kind_that_is_not_installed_says_so_and_starts_no_check() {
    let issuer = ca("CA");
    for (what, spec, why) in refusals() {
        let mut scene = trusting(&[&issuer]);
        let list = spec.signed_by(&issuer);
        let refusal = list.refusal().cloned().unwrap();
        assert!(refusal.to_string().starts_with(why), "{what}: {refusal}");
        let error = scene.refuse(list);
        assert!(
            matches!(&error, StoreError::CrlKind(found) if *found == refusal),
            "{what}: {error}"
        );
        assert!(error.to_string().contains(why), "{what}");
        assert_eq!(scene.held(&issuer), None, "{what}");
    }
}

#[test]
fn of_several_each_is_judged_by_itself() {
    let issuer = ca("CA");
    let stranger = ca("Stranger");
    let mut scene = trusting(&[&issuer]);
    let mut lists = vec![crl().signed_by(&stranger)];
    lists.extend(
        refusals()
            .iter()
            .map(|(_, spec, _)| spec.signed_by(&issuer)),
    );
    lists.push(crl().number(7).signed_by(&issuer));
    lists.push(crl().number(7).signed_by(&issuer));
    let done = scene.store.install_crls(lists.clone());
    assert_eq!(done.len(), lists.len());
    let (last, others) = done.split_last().unwrap();
    let (good, others) = others.split_last().unwrap();
    assert!(others.iter().all(Result::is_err));
    assert_eq!(good.as_ref().unwrap().done(), Outcome::Added);
    // ECDSA signatures of the same list differ, so this is another list beside the first.
    assert!(last.is_ok());
    assert_eq!(scene.held(&issuer), Some(2));
    let again = scene.store.install_crls(lists);
    assert_eq!(
        again.last().unwrap().as_ref().unwrap().done(),
        Outcome::Unchanged
    );
}

#[test]
fn what_is_odd_and_clear_is_installed_with_a_warning() {
    let issuer = ca("CA");
    let number = standard(20, true, &bytes(INTEGER, &[1]));
    for (spec, deviations) in [
        (crl(), vec![]),
        (
            crl().version_1(),
            vec![
                CrlDeviation::Version1,
                CrlDeviation::NoNumber,
                CrlDeviation::NoAuthorityKeyId,
            ],
        ),
        (crl().no_number(), vec![CrlDeviation::NoNumber]),
        (crl().no_key_id(), vec![CrlDeviation::NoAuthorityKeyId]),
        (
            crl().no_number().extension(number),
            vec![CrlDeviation::NumberCritical],
        ),
    ] {
        let mut scene = trusting(&[&issuer]);
        let report = scene.install(spec.signed_by(&issuer));
        let wanted: Vec<StoreWarning> = deviations
            .into_iter()
            .map(StoreWarning::CrlDeviates)
            .collect();
        assert_eq!(report.warnings().items(), wanted);
    }
    let mut tree = crl().tree(&issuer);
    tree.at(&[0]).list().insert(5, parts(SEQUENCE, vec![]));
    sign(&mut tree, &issuer);
    let list = mutual_trust::certificate::Crl::from_der(&tree.write()).unwrap();
    assert_eq!(list.deviations(), [CrlDeviation::EmptyList]);
    assert!(list.deviations()[0].to_string().contains("has no entries"));
}

// A character that is left out when names are compared (RFC 4518 section 2.2) makes no other issuer of it. It is in no
// PrintableString, though.
#[test]
fn a_list_whose_issuer_is_outside_of_its_alphabet_shows_nothing_in_the_strict_profile() {
    const PRINTABLE: u8 = 0x13;
    let issuer = ca("CA");
    let leaf = leaf().signed_by(&issuer);
    for (text, deviations) in [
        (&b"CA"[..], &[][..]),
        (b"\0CA", &[CrlDeviation::IssuerAlphabet]),
    ] {
        let mut tree = crl().tree(&issuer);
        *tree.at(&[0, 2, 0, 0, 1]) = bytes(PRINTABLE, text);
        sign(&mut tree, &issuer);
        let list = mutual_trust::certificate::Crl::from_der(&tree.write()).unwrap();
        assert_eq!(list.deviations(), deviations);
        let mut scene = trusting(&[&issuer]);
        let _: Report = scene.install(list);
        assert_eq!(scene.reason(&[&leaf]), ReasonCode::ChainVerified);
        scene.policy = scene.policy.with_chain_profile(ChainProfile::Strict);
        let reason = match deviations {
            [] => ReasonCode::ChainVerified,
            [_, ..] => ReasonCode::RevocationUnknown,
        };
        assert_eq!(scene.reason(&[&leaf]), reason, "{text:?}");
    }
}

// Known extensions may be marked critical.
#[test]
fn known_extensions_may_be_critical() {
    let issuer = ca("CA");
    let id = issuer.certificate.subject_key_id().unwrap();
    let key = standard(35, true, &parts(SEQUENCE, vec![bytes(0x80, id)]));
    let names = parts(SEQUENCE, vec![uri("http://ca.example")]);
    let date = standard(24, true, &bytes(0x18, b"20260101000000Z"));
    let mut held = reason(6);
    held.list().insert(1, bytes(BOOLEAN, &[0xff]));
    let list = crl()
        .no_key_id()
        .extension(key)
        .extension(standard(18, true, &names))
        .entry(entry_with(&[1], vec![held, date]))
        .signed_by(&issuer);
    assert_eq!(list.refusal(), None);
}
