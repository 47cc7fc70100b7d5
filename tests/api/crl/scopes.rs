//! Which certificates a list covers: kinds, distribution points, reasons.

use mutual_trust::ReasonCode;
use mutual_trust::certificate::Certificate;
use rcgen::CustomExtension;

use super::common::{Scene, ca, leaf, trusting};
use super::support::crl::*;
use super::support::der::*;
use super::support::pki::{Made, Spec, spec};

const ONE: &str = "http://ca.example/1.crl";
const TWO: &str = "http://ca.example/2.crl";

fn with_points(spec: Spec, value: Vec<u8>) -> Spec {
    spec.params(|params| {
        let extension = CustomExtension::from_oid_content(&[2, 5, 29, 31], value);
        params.custom_extensions.push(extension);
    })
}

fn scene(issuer: &Made, lists: &[CrlSpec]) -> Scene {
    let mut scene = trusting(&[issuer]);
    for list in lists {
        scene.install(list.signed_by(issuer));
    }
    scene
}

/// Whether a certificate that no list names is accepted with lists of these scopes.
fn told(issuer: &Made, leaf: &Made, scopes: &[Vec<Der>]) -> bool {
    let lists: Vec<CrlSpec> = scopes
        .iter()
        .map(|fields| crl().scope(fields.clone()))
        .collect();
    let reason = scene(issuer, &lists).reason(&[leaf]);
    assert!(
        matches!(
            reason,
            ReasonCode::ChainVerified | ReasonCode::RevocationUnknown
        ),
        "{reason}"
    );
    reason.accepts()
}

#[test]
fn lists_of_end_entities_and_of_cas_tell_of_those() {
    let root = ca("Root");
    let below = spec("Below").ca().signed_by(&root);
    let of_root = leaf().signed_by(&root);
    let of_below = leaf().signed_by(&below);
    let (end_entities, authorities) = (vec![flag(0x81)], vec![flag(0x82)]);
    assert!(told(&root, &of_root, core::slice::from_ref(&end_entities)));
    assert!(!told(&root, &of_root, core::slice::from_ref(&authorities)));
    for (scopes, reason) in [
        (vec![], ReasonCode::ChainVerified),
        (vec![end_entities.clone()], ReasonCode::RevocationUnknown),
        (vec![authorities.clone()], ReasonCode::ChainVerified),
        (vec![authorities, end_entities], ReasonCode::ChainVerified),
    ] {
        let lists: Vec<CrlSpec> = scopes
            .into_iter()
            .map(|fields| crl().scope(fields))
            .collect();
        let mut scene = scene(&root, &lists);
        assert_eq!(scene.reason(&[&of_below, &below]), reason);
    }
}

#[test]
fn a_part_tells_of_the_certificates_that_name_it() {
    let issuer = ca("CA");
    let naming =
        |points: &[&[&str]]| with_points(leaf(), distribution_points(points)).signed_by(&issuer);
    let none = leaf().signed_by(&issuer);
    let part = |uris: &[&str]| vec![point(uris)];
    for (what, leaf, scope, wanted) in [
        ("its own", naming(&[&[ONE]]), part(&[ONE]), true),
        ("another", naming(&[&[TWO]]), part(&[ONE]), false),
        (
            "one of two names",
            naming(&[&[TWO, ONE]]),
            part(&[ONE]),
            true,
        ),
        (
            "one of two points",
            naming(&[&[TWO], &[ONE]]),
            part(&[ONE]),
            true,
        ),
        (
            "one of the list's names",
            naming(&[&[ONE]]),
            part(&[TWO, ONE]),
            true,
        ),
        (
            "a longer name",
            naming(&[&["http://ca.example/1.crl2"]]),
            part(&[ONE]),
            false,
        ),
        ("no name", none, part(&[ONE]), false),
        ("no part needed", naming(&[&[ONE]]), vec![flag(0x81)], true),
    ] {
        assert_eq!(told(&issuer, &leaf, &[scope]), wanted, "{what}");
    }
    assert!(
        scene(&issuer, &[crl()])
            .reason(&[&naming(&[&[ONE]])])
            .accepts()
    );
    // All parts are considered, in any order.
    let leaf = naming(&[&[TWO]]);
    assert!(told(&issuer, &leaf, &[part(&[ONE]), part(&[TWO])]));
    assert!(told(&issuer, &leaf, &[part(&[TWO]), part(&[ONE])]));
}

// RFC 5280 section 6.3.3: a list that no distribution point names counts as found under the issuer's name.
#[test]
fn a_part_that_is_named_as_the_issuer_tells_of_all() {
    let issuer = ca("CA");
    let name = |made: &Made| {
        let name = Der::read(made.certificate.subject_der());
        vec![parts(
            0xa0,
            vec![parts(0xa0, vec![parts(0xa4, vec![name])])],
        )]
    };
    let none = leaf().signed_by(&issuer);
    assert!(told(&issuer, &none, &[name(&issuer)]));
    assert!(!told(&issuer, &none, &[name(&ca("Other"))]));
}

#[test]
fn a_point_that_cannot_be_read_or_is_anothers_is_no_match() {
    let issuer = ca("CA");
    let one = || point(&[ONE]);
    let issuer_name = Der::read(issuer.certificate.subject_der());
    let crl_issuer = parts(0xa2, vec![parts(0xa4, vec![issuer_name])]);
    let a_point = |fields: Vec<Der>| parts(SEQUENCE, fields);
    for (what, value, wanted) in [
        (
            "as it should be",
            parts(SEQUENCE, vec![a_point(vec![one()])]),
            true,
        ),
        (
            "another issuer's list",
            parts(SEQUENCE, vec![a_point(vec![one(), crl_issuer.clone()])]),
            false,
        ),
        (
            "no name",
            parts(SEQUENCE, vec![a_point(vec![crl_issuer])]),
            false,
        ),
        (
            "an unknown field",
            parts(SEQUENCE, vec![a_point(vec![one(), bytes(0x89, b"")])]),
            false,
        ),
        (
            "two names",
            parts(SEQUENCE, vec![a_point(vec![one(), one()])]),
            false,
        ),
        (
            "a relative name",
            parts(
                SEQUENCE,
                vec![a_point(vec![parts(
                    0xa0,
                    vec![parts(0xa1, vec![uri(ONE)])],
                )])],
            ),
            false,
        ),
        (
            "odd reasons",
            parts(SEQUENCE, vec![a_point(vec![one(), bytes(0x81, &[9])])]),
            false,
        ),
        (
            "after an odd one",
            parts(SEQUENCE, vec![a_point(vec![]), a_point(vec![one()])]),
            true,
        ),
    ] {
        let leaf = with_points(leaf(), value.write()).signed_by(&issuer);
        assert_eq!(told(&issuer, &leaf, &[vec![one()]]), wanted, "{what}");
    }
    // The path builder does not read a malformed list of distribution points.
    let mut behind = parts(SEQUENCE, vec![a_point(vec![one()])]).write();
    behind.extend([5, 0]);
    for value in [behind, parts(0x31, vec![a_point(vec![one()])]).write()] {
        let leaf = with_points(leaf(), value).signed_by(&issuer);
        let mut scene = scene(&issuer, &[crl().scope(vec![one()])]);
        assert_eq!(scene.reason(&[&leaf]), ReasonCode::UnparsableEndEntity);
    }
}

#[test]
fn only_the_first_names_of_a_certificate_are_compared() {
    let issuer = ca("CA");
    let others: Vec<String> = (0..20)
        .map(|number| format!("http://ca.example/other-{number}"))
        .collect();
    for (before, wanted) in [(15, true), (16, false)] {
        let names = others[..before].iter().map(String::as_str).chain([ONE]);
        let names: Vec<[&str; 1]> = names.map(|name| [name]).collect();
        let names: Vec<&[&str]> = names.iter().map(|name| &name[..]).collect();
        let leaf = with_points(leaf(), distribution_points(&names)).signed_by(&issuer);
        assert_eq!(
            told(&issuer, &leaf, &[vec![point(&[ONE])]]),
            wanted,
            "{before}"
        );
    }
}

#[test]
fn lists_of_some_reasons_tell_only_when_they_are_complete_together() {
    let issuer = ca("CA");
    let plain = leaf().signed_by(&issuer);
    let some = |reasons: &[u8]| vec![bytes(0x83, reasons)];
    // Bits 1 to 8 are reasons. The first seven are in the first byte, after an unused bit.
    let (first, rest) = (some(&[0, 0x7f]), some(&[7, 0, 0x80]));
    assert!(!told(&issuer, &plain, core::slice::from_ref(&first)));
    assert!(!told(&issuer, &plain, core::slice::from_ref(&rest)));
    assert!(told(&issuer, &plain, &[first.clone(), rest.clone()]));
    assert!(told(&issuer, &plain, &[rest.clone(), first.clone()]));
    assert!(told(&issuer, &plain, &[some(&[7, 0x7f, 0x80])]));
    // One of them has expired.
    let lists = [
        crl().scope(first),
        crl().scope(rest).valid(-2 * HOUR, -HOUR),
    ];
    assert_eq!(
        scene(&issuer, &lists).reason(&[&plain]),
        ReasonCode::CrlExpired
    );

    // A distribution point for some reasons.
    let a_point =
        |uri: &str, reasons: &[u8]| parts(SEQUENCE, vec![point(&[uri]), bytes(0x81, reasons)]);
    let both = parts(
        SEQUENCE,
        vec![a_point(ONE, &[0, 0x7f]), a_point(TWO, &[7, 0, 0x80])],
    );
    let leaf = with_points(leaf(), both.write()).signed_by(&issuer);
    let part = |uri: &str| vec![point(&[uri])];
    assert!(!told(&issuer, &leaf, &[part(ONE)]));
    assert!(!told(&issuer, &leaf, &[part(TWO)]));
    assert!(told(&issuer, &leaf, &[part(ONE), part(TWO)]));
}

// Serial numbers are unique for an issuer, so a list that names the certificate out of scope still counts.
#[test]
fn what_a_list_of_another_scope_names_is_revoked() {
    let root = ca("Root");
    let below = spec("Below").ca().signed_by(&root);
    let of_below = leaf().signed_by(&below);
    let of_root = with_points(leaf(), distribution_points(&[&[ONE]])).signed_by(&root);
    let naming = |certificate: &Certificate, fields: Vec<Der>| {
        [crl(), crl().scope(fields).revoke(certificate)]
    };
    let lists = naming(&of_root.certificate, vec![point(&[TWO])]);
    assert_eq!(
        scene(&root, &lists).reason(&[&of_root]),
        ReasonCode::Revoked
    );
    let lists = naming(&below.certificate, vec![flag(0x81)]);
    let reason = scene(&root, &lists).reason(&[&of_below, &below]);
    assert_eq!(reason, ReasonCode::Revoked);
}
