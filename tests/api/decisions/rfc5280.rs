//! What RFC 5280 asks of certificates, case by case (rule C1): the cases of the public suite x509test that break one of
//! its MUSTs and that common readers pass over, and what is refused in every profile, for which no rule of a profile is
//! needed.

use mutual_trust::certificate::Certificate;
use mutual_trust::policy::Detail;
use mutual_trust::{AuthorityScope, ChainProfile, EntryOptions, ReasonCode};
use rcgen::{DnType, DnValue, GeneralSubtree, NameConstraints, SigningKey, string::Ia5String};

use super::breaches::{
    AIA, Chain, EMAIL, IA5, PRINTABLE, SIA, UTF8, again, as_it_is, at_uri, chain, ends, extension,
    in_aki, name, no_edit, oid, policy, qualifier, seq, uri, with,
};
use super::profile::{warned, world};
use super::support::der::{self, Der, bytes, parts};
use super::support::pki::{Made, Spec, spec};
use super::world::{For, KMS, World};

const SURNAME: &[u8] = &[0x55, 4, 4];

/// A case of x509test: its name, how the leaf is written, and the rule that refuses it.
type Case = (&'static str, fn(&mut Der), &'static str);

/// Those of one leaf below a good CA, made as the suite describes them.
const CASES: &[Case] = &[
    (
        "ext-cert-policies-dup",
        |t| {
            let twice = [policy(&[0x2a, 3], vec![]), policy(&[0x2a, 3], vec![])];
            with(t, 32, &seq(twice.to_vec()));
        },
        "policies-unique",
    ),
    (
        "ext-cert-policies-any-qual",
        |t| {
            let place = qualifier(
                &[0x2b, 6, 1, 5, 5, 7, 2, 5],
                bytes(IA5, b"http://ca.example"),
            );
            let any = policy(&[0x55, 0x1d, 0x20, 0], vec![place]);
            with(t, 32, &seq(vec![policy(&[0x2a, 3], vec![]), any]));
        },
        "any-policy-qualifiers",
    ),
    (
        "ext-crl-point-reasons-only",
        |t| {
            let whole = seq(vec![at_uri("http://ca.example/list.crl")]);
            let reasons = seq(vec![bytes(0x81, &[7, 0xff, 0x80])]);
            with(t, 31, &seq(vec![whole, reasons]));
        },
        "crl-points-form",
    ),
    (
        "ext-subject-dirattr-empty",
        |t| with(t, 9, &seq(vec![])),
        "directory-attributes-form",
    ),
    (
        "ext-subject-info-empty",
        |t| {
            let extension = extension(&SIA, false, &[0x30, 0]);
            t.extensions().push(extension);
        },
        "sia-form",
    ),
    (
        "ext-auth-keyid-onlyserial",
        |t| in_aki(t, vec![bytes(0x82, &[4, 6, 0xca, 0xfe])]),
        "aki-issuer-and-serial",
    ),
    (
        "ext-auth-keyid-invalid-issuer",
        |t| {
            let names = vec![uri("http://ca.example"), bytes(0x87, &[0x7f, 0, 0, 1, 2])];
            let serial = bytes(0x82, &[4, 6, 0xca, 0xfe]);
            in_aki(t, vec![parts(0xa1, names), serial]);
        },
        "aki-form",
    ),
    (
        "soon-generalized-time",
        |t| ends(t, 0x18, b"20460517000000Z"),
        "time-type",
    ),
    (
        "der-invalid-nonminimal-int",
        |t| *t.field(1).content() = vec![0, 0, 0x12, 0x34],
        "serial-minimal",
    ),
    (
        "subject-nonprintable",
        |t| *t.field(5) = name(&[(SURNAME, PRINTABLE, b"The @ character")]),
        "name-strings",
    ),
];

fn leaf_of(edit: fn(&mut Der)) -> Chain {
    chain([as_it_is; 3], [no_edit, no_edit, edit])
}

fn refused_by(world: &mut World, rule: &str, what: &str) {
    let verdict = world.verdict();
    assert_eq!(
        verdict.reason(),
        ReasonCode::ProfileViolation,
        "{what}: {verdict}"
    );
    let Detail::Text(why) = verdict.detail() else {
        panic!("{verdict}");
    };
    assert!(why.starts_with(&format!("{rule}: ")), "{what}: {why}");
}

// C1
#[test]
fn cases_of_x509test_that_break_a_must_are_refused_in_the_strict_profile() {
    for (what, edit, rule) in CASES {
        let chain = leaf_of(*edit);
        refused_by(&mut world(&chain, ChainProfile::Strict), rule, what);
        let mut compatible = world(&chain, ChainProfile::Compatible);
        let verdict = compatible.verdict();
        assert!(verdict.is_accepted(), "{what}: {verdict}");
        assert!(warned(&mut compatible).contains(rule), "{what}: {verdict}");
    }
    // With the two below, all twelve that were let pass.
    assert_eq!(CASES.len(), 10);
}

/// name-excluded-email2: a CA that may not issue for addresses at a host, and the certificate of a client with one in
/// its subject and none among its alternative names.
fn excluded_email(profile: ChainProfile) -> World {
    let root = spec("root").ca().self_signed();
    let intermediate = spec("I").ca().params(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: Vec::new(),
            excluded_subtrees: vec![GeneralSubtree::Rfc822Name("excluded.example".to_owned())],
        });
    });
    let intermediate = intermediate.signed_by(&root);
    let leaf = again(
        &spec("leaf").signed_by(&intermediate),
        &intermediate.key,
        |t| {
            let address = b"someone@excluded.example";
            *t.field(5) = name(&[(EMAIL, IA5, address), (SURNAME, UTF8, b"Example")]);
        },
    );
    let mut world = World::new();
    world.policy = world.policy.with_chain_profile(profile);
    world.authority(For::Clients, "root", &root);
    world.presents(&leaf).with("I", &intermediate);
    world.ask_client();
    world
}

// C1
#[test]
fn an_excluded_address_in_the_subject_of_a_client_without_alternative_names_is_refused() {
    let what = "name-excluded-email2";
    let mut strict = excluded_email(ChainProfile::Strict);
    refused_by(&mut strict, "name-constraints-email", what);
    let mut compatible = excluded_email(ChainProfile::Compatible);
    assert!(
        compatible.verdict().is_accepted(),
        "{}",
        compatible.verdict()
    );
    assert!(warned(&mut compatible).contains("name-constraints-email"));
}

// C1: RFC 5280 section 4.2.1.10 looks into the subject only where there are no alternative names, and section 6.1.3 (b)
// leaves self-issued certificates alone that are not the last.
#[test]
fn an_address_in_a_subject_is_left_alone_where_rfc_5280_says_so() {
    let mail = |text: &str| vec![GeneralSubtree::Rfc822Name(text.to_owned())];
    let limited = |permitted: Vec<GeneralSubtree>| {
        spec("root").ca().params(|params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: permitted,
                excluded_subtrees: mail("excluded.example"),
            });
        })
    };
    let asked = |root: &Made, leaf: &Certificate| {
        let mut world = World::new();
        world.policy = world.policy.with_chain_profile(ChainProfile::Strict);
        world.authority(For::Clients, "root", root);
        world.presents(leaf);
        world.ask_client();
        world.verdict()
    };
    let root = limited(mail("permitted.example")).self_signed();
    let plain = |spec: Spec, edit: fn(&mut Der)| again(&spec.signed_by(&root), &root.key, edit);
    let permitted = |t: &mut Der| *t.field(5) = name(&[(EMAIL, IA5, b"a@permitted.example")]);
    let excluded = |t: &mut Der| *t.field(5) = name(&[(EMAIL, IA5, b"a@excluded.example")]);
    let other = |t: &mut Der| *t.field(5) = name(&[(EMAIL, IA5, b"a@other.example")]);
    for (leaf, accepted) in [
        (plain(spec("leaf"), permitted), true),
        (plain(spec("leaf").dns(KMS), excluded), true),
        (plain(spec("leaf"), other), false),
        (plain(spec("leaf"), excluded), false),
    ] {
        let verdict = asked(&root, &leaf);
        assert_eq!(verdict.is_accepted(), accepted, "{leaf:?} {verdict}");
    }
    // A CA that rolls its key, with an address in its name that it may not issue for.
    let named = |spec: Spec| {
        spec.params(|params| {
            let kind = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
            let address = Ia5String::try_from("ca@excluded.example").unwrap();
            let name = &mut params.distinguished_name;
            name.push(kind, DnValue::Ia5String(address));
        })
    };
    let root = named(limited(mail("permitted.example"))).self_signed();
    let rolled = named(spec("root").ca()).signed_by(&root);
    let mut world = World::new();
    world.policy = world.policy.with_chain_profile(ChainProfile::Strict);
    world.authority(For::Clients, "root", &root);
    world
        .presents(&spec("leaf").signed_by(&rolled))
        .with("J", &rolled);
    world.ask_client();
    assert!(world.verdict().is_accepted(), "{}", world.verdict());
}

/// What is refused whatever the profile: the section of RFC 5280, what is wrong, and how it is written.
struct Never {
    clause: &'static str,
    what: &'static str,
    edit: fn(&mut Der),
    /// Of which certificates: of a leaf, of an authority.
    of: [bool; 2],
}

fn critical(tree: &mut Der, id: &[u8], value: &Der) {
    tree.extensions().push(extension(id, true, &value.write()));
}

fn point() -> Der {
    seq(vec![seq(vec![at_uri("urn:a")])])
}

fn access() -> Der {
    seq(vec![seq(vec![oid(&[0x2a]), uri("urn:a")])])
}

#[rustfmt::skip]
fn never() -> Vec<Never> {
    let never = |clause, what, edit| Never { clause, what, edit, of: [true, true] };
    let of_leaf = |clause, what, edit| Never { clause, what, edit, of: [true, false] };
    let of_authority = |clause, what, edit| Never { clause, what, edit, of: [false, true] };
    vec![
        never("4.1.1.2", "two signature algorithms", |t| *t.at(&[1]) = seq(vec![oid(&[0x2b, 0x65, 0x70])])),
        never("4.1.2.1", "extensions in version 2", |t| *t.field(0) = parts(0xa0, vec![bytes(2, &[1])])),
        never("4.1.2.1", "a version after 3", |t| *t.field(0) = parts(0xa0, vec![bytes(2, &[3])])),
        // Of an authority, the profile refuses it: the path builder does not look.
        of_leaf("4.1.2.5.1", "UTCTime without seconds", |t| ends(t, 0x17, b"4901010000Z")),
        of_leaf("4.1.2.5.1", "UTCTime with an offset", |t| ends(t, 0x17, b"490101000000+0500")),
        of_leaf("4.1.2.5.2", "GeneralizedTime with a fraction", |t| ends(t, 0x18, b"20500101000000.5Z")),
        of_leaf("4.1.2.5.2", "GeneralizedTime without seconds", |t| ends(t, 0x18, b"205001010000Z")),
        never("4.1.2.5.2", "GeneralizedTime with an offset", |t| ends(t, 0x18, b"20500101000000+0500")),
        never("4.1.2.8", "a unique identifier of the issuer", |t| t.at(&[0]).list().insert(7, bytes(0x81, &[0, 1]))),
        never("4.1.2.8", "a unique identifier of the subject", |t| t.at(&[0]).list().insert(7, bytes(0x82, &[0, 1]))),
        never("4.1.2.9", "no extension in the list", |t| t.extensions().clear()),
        never("4.2", "an extension twice", |t| { let again = t.extension(35).clone(); t.extensions().push(again); }),
        never("4.2", "an unknown critical extension", |t| critical(t, &[0x2a, 3, 4], &bytes(5, b""))),
        never("4.2.1.5", "critical policy mappings", |t| critical(t, &[0x55, 0x1d, 33], &seq(vec![seq(vec![oid(&[0x2a]), oid(&[0x2b])])]))),
        never("4.2.1.6", "no subject alternative name in the extension", |t| {
            let list = t.extensions();
            list.retain(|one| !matches!(&one.body, der::Body::Parts(fields) if fields[0] == oid(&[0x55, 0x1d, 17])));
            list.push(extension(&[0x55, 0x1d, 17], false, &[0x30, 0]));
        }),
        never("4.2.1.8", "critical directory attributes", |t| critical(t, &[0x55, 0x1d, 9], &seq(vec![seq(vec![oid(&[0x2a]), parts(0x31, vec![bytes(0x0c, b"a")])])]))),
        never("4.2.1.9", "a negative path length", |t| *t.extension_value(19) = vec![0x30, 6, 1, 1, 0xff, 2, 1, 0xff]),
        of_authority("4.2.1.10", "a minimum in a name constraint", |t| critical(t, &[0x55, 0x1d, 30], &seq(vec![parts(0xa0, vec![seq(vec![bytes(0x82, KMS.as_bytes()), bytes(0x80, &[1])])])]))),
        of_authority("4.2.1.10", "a maximum in a name constraint", |t| critical(t, &[0x55, 0x1d, 30], &seq(vec![parts(0xa0, vec![seq(vec![bytes(0x82, KMS.as_bytes()), bytes(0x81, &[7])])])]))),
        // No policy is demanded of a chain, and what demands one is refused.
        never("4.2.1.11", "critical policy constraints", |t| critical(t, &[0x55, 0x1d, 36], &seq(vec![bytes(0x80, &[0])]))),
        never("4.2.1.12", "no purpose in the extended key usage", |t| with(t, 37, &seq(vec![]))),
        // extended-key-usage-empty-oid of x509test.
        never("4.2.1.12", "an empty purpose in the extended key usage", |t| {
            let purpose = |last| oid(&[0x2b, 6, 1, 5, 5, 7, 3, last]);
            with(t, 37, &seq(vec![purpose(1), purpose(2), oid(&[])]));
        }),
        never("4.2.1.14", "critical inhibitAnyPolicy", |t| critical(t, &[0x55, 0x1d, 54], &bytes(2, &[0]))),
        never("4.2.1.15", "a critical place of delta lists", |t| critical(t, &[0x55, 0x1d, 46], &point())),
        never("4.2.2.1", "a critical authority information access", |t| critical(t, &AIA, &access())),
        never("4.2.2.2", "a critical subject information access", |t| critical(t, &SIA, &access())),
    ]
}

/// The certificate edited and signed again, whether it can be read or not.
fn written(made: &Made, issuer: &Made, edit: fn(&mut Der)) -> Vec<u8> {
    let mut tree = der::tree(&made.certificate());
    edit(&mut tree);
    let signature = issuer.key.sign(&tree.at(&[0]).write()).unwrap();
    *tree.at(&[2]).content() = [vec![0], signature].concat();
    tree.write()
}

fn accepts(root: &[u8], leaf: &[u8], profile: ChainProfile) -> bool {
    let mut world = World::new();
    world.policy = world.policy.with_chain_profile(profile);
    let Ok(root) = Certificate::from_der(root) else {
        return false;
    };
    let scope = AuthorityScope::AnyServer;
    let installed = world
        .store
        .install_authority(scope, root, EntryOptions::new());
    world.presents_bytes(leaf.to_vec());
    installed.is_ok() && world.verdict().is_accepted()
}

// C1, I4
#[test]
fn what_no_rule_of_the_profiles_is_needed_for_is_refused_in_both() {
    let root = spec("root").ca().self_signed();
    let leaf = spec("leaf").dns(KMS).signed_by(&root);
    for never in never() {
        let (clause, what) = (never.clause, never.what);
        for profile in [ChainProfile::Compatible, ChainProfile::Strict] {
            let good = |_: &mut Der| {};
            let [of_root, of_leaf] = [written(&root, &root, good), written(&leaf, &root, good)];
            assert!(accepts(&of_root, &of_leaf, profile));
            let [leaves, authorities] = never.of;
            let bad = written(&leaf, &root, never.edit);
            let taken = leaves && accepts(&of_root, &bad, profile);
            assert!(!taken, "{clause} {what}: a leaf");
            let bad = written(&root, &root, never.edit);
            let taken = authorities && accepts(&bad, &of_leaf, profile);
            assert!(!taken, "{clause} {what}: an authority");
        }
    }
}

// C1
#[test]
fn the_claim_names_each_section_that_is_held_without_a_rule() {
    let claim = include_str!("../../../src/policy/profile/rules.rs");
    let claim: Vec<&str> = claim
        .split(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .collect();
    for Never { clause, what, .. } in never() {
        assert!(claim.contains(&clause), "{clause} {what}");
    }
}
