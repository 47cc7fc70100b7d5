//! The profiles of a chain (rule C1): each rule of RFC 5280, broken alone where that can be, in both profiles; and the
//! bounds and refusals that constraints on names have (rule C5).

use std::collections::BTreeSet;

use mutual_trust::ChainProfile;
use mutual_trust::ReasonCode::*;
use mutual_trust::certificate::Certificate;
use mutual_trust::policy::{Detail, ProfileAction, ProfileRule, VerdictWarning};
use mutual_trust::store::StoreWarning;
use rcgen::{ExtendedKeyUsagePurpose, GeneralSubtree, KeyIdMethod, KeyUsagePurpose, SanType};

use super::breaches::{
    AIA, Chain, EMAIL, IA5, SIA, again, as_it_is, at_uri, breaches, chain, constrain, extension,
    in_aki, mail, name, no_edit, oid, permits, policy, qualifier, seq, subnet, uri, with, without,
};
use super::row::{Row, accepted, hold, refused, row};
use super::support::der::{Der, bytes, parts};
use super::support::pki::{Spec, spec};
use super::world::{For, KMS, World};
use crate::support::Lists as _;

const ROOT: &str = "authority root for any server";

pub fn world(chain: &Chain, profile: ChainProfile) -> World {
    let mut world = World::new();
    world.policy = world.policy.with_chain_profile(profile);
    world.authority(For::AnyServer, "root", &chain[0]);
    world.presents(&chain[2]);
    world.with("I", &chain[1]);
    world
}

fn rule_of(name: &str) -> &'static ProfileRule {
    let mut rules = ChainProfile::rules().iter();
    rules.find(|rule| rule.name() == name).unwrap()
}

pub fn warned(world: &mut World) -> BTreeSet<&'static str> {
    let verdict = world.verdict();
    let warnings = verdict.warnings().iter();
    let rules = warnings.map(|warning| match warning {
        VerdictWarning::Profile { rule, .. } => *rule,
        // Said of pins as well, and so not by the name of the rule.
        VerdictWarning::NoDigitalSignature => "digital-signature",
        other => panic!("{other:?}"),
    });
    rules.collect()
}

// C1
#[test]
fn a_chain_that_keeps_rfc_5280_is_accepted_in_both_profiles_without_a_warning() {
    let chain = chain([as_it_is; 3], [no_edit; 3]);
    for profile in [ChainProfile::Compatible, ChainProfile::Strict] {
        let verdict = world(&chain, profile).verdict();
        assert_eq!(verdict.reason(), ChainVerified, "{verdict}");
        assert!(verdict.warnings().is_empty(), "{verdict}");
    }
}

// C1
#[test]
fn constraints_and_names_in_the_form_of_their_kind_break_nothing() {
    let whole: fn(Spec) -> Spec = |s| {
        let masks = [[255, 255, 255, 0], [255, 255, 254, 0], [255; 4], [0; 4]];
        let mut all: Vec<GeneralSubtree> = masks.map(subnet).into();
        all.extend(["root@kms1.example", "kms1.example", ".example"].map(mail));
        permits(s, all)
    };
    let addressed: fn(Spec) -> Spec = |s| s.ip("192.0.2.7").uri("urn:kms:1");
    // A registered identifier, and two ways to learn of the issuer.
    let registered: fn(&mut Der) = |t| {
        let names = t.extension_value(17);
        names[1] += 3;
        names.extend([0x88, 1, 0x2a]);
        let place = |text| seq(vec![oid(&[0x2a]), uri(text)]);
        let both = seq(vec![
            place("http://ca.example/a"),
            place("ldap:///CN=a?b?base"),
        ]);
        t.extensions().push(extension(&AIA, false, &both.write()));
        t.extensions().push(extension(&SIA, false, &both.write()));
    };
    // What few certificates have, in the form that RFC 5280 gives it.
    let rare: fn(&mut Der) = |t| {
        let cps = qualifier(
            &[0x2b, 6, 1, 5, 5, 7, 2, 1],
            bytes(0x16, b"http://ca.example"),
        );
        let reference = seq(vec![bytes(0x0c, b"Example"), seq(vec![bytes(2, &[1])])]);
        let text = bytes(0x0c, &[b'a'; 200]);
        let notices = [
            vec![reference.clone(), text],
            vec![bytes(0x1a, b"a")],
            vec![reference],
            vec![],
        ];
        let notices = notices.map(|notice| qualifier(&[0x2b, 6, 1, 5, 5, 7, 2, 2], seq(notice)));
        let other = qualifier(&[0x2a], bytes(5, b""));
        let policies = vec![
            policy(&[0x55, 0x1d, 0x20, 0], vec![cps]),
            policy(&[0x2a], notices.to_vec()),
            policy(&[0x2b], vec![other]),
        ];
        with(t, 32, &seq(policies));
        with(
            t,
            9,
            &seq(vec![seq(vec![
                oid(&[0x2a]),
                parts(0x31, vec![bytes(0x0c, b"a")]),
            ])]),
        );
        with(t, 18, &seq(vec![uri("http://[2001:db8::1]:80/")]));
        let signer = parts(
            0xa2,
            vec![parts(0xa4, vec![name(&[(&[0x55, 4, 3], 0x13, b"signer")])])],
        );
        let relative = parts(
            0xa0,
            vec![parts(
                0xa1,
                vec![seq(vec![oid(&[0x2a]), bytes(0x0c, b"a")])],
            )],
        );
        let points = vec![
            seq(vec![at_uri("ldap:///CN=a?b?base")]),
            seq(vec![at_uri("urn:a"), bytes(0x81, &[7, 0xff, 0x80])]),
            seq(vec![bytes(0x81, &[6, 0x40]), signer.clone()]),
            seq(vec![relative, signer]),
        ];
        with(t, 31, &seq(points.clone()));
        with(t, 46, &seq(points));
        in_aki(
            t,
            vec![parts(0xa1, vec![uri("urn:ca")]), bytes(0x82, &[0, 0x80])],
        );
        // A person of Example in one part, whose attributes stand in order.
        let attribute = |id: &[u8], tag, value: &[u8]| seq(vec![oid(id), bytes(tag, value)]);
        let person = vec![
            attribute(&[0x55, 4, 3], 0x0c, b"a"),
            attribute(&[0x55, 4, 6], 0x13, b"DE"),
        ];
        let mail = vec![attribute(
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
            0x16,
            b"a@kms1.example",
        )];
        *t.field(5) = seq(vec![parts(0x31, person), parts(0x31, mail)]);
        t.field(4).list()[1] = bytes(0x18, b"20500101000000Z");
    };
    let mapped: fn(&mut Der) = |t| with(t, 33, &seq(vec![seq(vec![oid(&[0x2a]), oid(&[0x2b])])]));
    let mut chains = vec![chain(
        [whole, as_it_is, addressed],
        [no_edit, no_edit, registered],
    )];
    chains.push(chain([as_it_is; 3], [no_edit, mapped, rare]));
    let bases: [fn(&mut Der); 4] = [
        |t| constrain(t, 0x86, b"example"),
        |t| constrain(t, 0x86, b".example"),
        |t| constrain(t, 0x88, &[0x2a]),
        |t| constrain(t, 0x87, &[[0x20; 16], [0; 16]].concat()),
    ];
    chains.extend(bases.map(|edit| chain([as_it_is; 3], [edit, no_edit, no_edit])));
    for chain in chains {
        for profile in [ChainProfile::Compatible, ChainProfile::Strict] {
            let verdict = world(&chain, profile).verdict();
            assert_eq!(verdict.reason(), ChainVerified, "{verdict}");
            assert!(verdict.warnings().is_empty(), "{verdict}");
        }
    }
}

// C1
#[test]
fn what_breaks_rfc_5280_harmlessly_is_accepted_with_a_warning() {
    for breach in breaches() {
        let mut world = world(&breach.chain, ChainProfile::Compatible);
        let verdict = world.verdict();
        assert_eq!(
            verdict.reason(),
            ChainVerified,
            "{}: {verdict}",
            breach.rule
        );
        let mut expected: BTreeSet<_> = breach.also.iter().copied().collect();
        expected.insert(breach.rule);
        assert_eq!(warned(&mut world), expected, "{}", breach.rule);
        let text = verdict.to_string();
        let demand = rule_of(breach.rule).demand();
        let told = match breach.rule {
            "digital-signature" => String::from("keyUsage lacks digitalSignature"),
            rule => format!("({rule}), which asks: {demand}"),
        };
        assert!(text.contains(&told), "{text}");
    }
}

// C1
#[test]
fn the_strict_profile_refuses_what_breaks_rfc_5280() {
    for breach in breaches() {
        let mut world = world(&breach.chain, ChainProfile::Strict);
        let verdict = world.verdict();
        if rule_of(breach.rule).action(ChainProfile::Strict) == ProfileAction::Warn {
            assert_eq!(verdict.reason(), ChainVerified, "{verdict}");
            assert_eq!(warned(&mut world), BTreeSet::from([breach.rule]));
            continue;
        }
        assert_eq!(
            verdict.reason(),
            ProfileViolation,
            "{}: {verdict}",
            breach.rule
        );
        let Detail::Text(why) = verdict.detail() else {
            panic!("{verdict}");
        };
        let named = |rule: &&str| why.starts_with(&format!("{rule}: "));
        let mut possible = breach.also.iter().chain([&breach.rule]);
        assert!(possible.any(named), "{}: {why}", breach.rule);
    }
}

// C1
#[test]
fn every_rule_of_the_table_is_broken_by_some_chain() {
    let broken: BTreeSet<_> = breaches().iter().map(|breach| breach.rule).collect();
    let rules: BTreeSet<_> = ChainProfile::rules()
        .iter()
        .map(|rule| rule.name())
        .collect();
    assert_eq!(broken, rules);
}

// C1: "refuses all that RFC 5280 does not allow", and a row that only warns is named where that is said.
#[test]
fn every_rule_refuses_in_the_strict_profile_but_the_one_that_the_claim_names() {
    let source = include_str!("../../../src/policy/profile/rules.rs");
    let (claim, _) = source.split_once("    Strict,\n").unwrap();
    let (_, claim) = claim.rsplit_once("    Compatible,\n").unwrap();
    let mut only_warned = Vec::new();
    for rule in ChainProfile::rules() {
        let compatible = rule.action(ChainProfile::Compatible);
        assert_eq!(compatible, ProfileAction::Warn, "{rule:?}");
        if rule.action(ChainProfile::Strict) == ProfileAction::Warn {
            assert!(claim.contains(&format!("`{}`", rule.name())), "{claim}");
            only_warned.push(rule.name());
        }
    }
    assert_eq!(only_warned, ["authority-serial-positive"]);
}

fn strict(world: &mut World) {
    world.policy = world.policy.with_chain_profile(ChainProfile::Strict);
}

fn below(world: &mut World, root: Spec, leaf: Spec) {
    let root = root.self_signed();
    world.authority(For::AnyServer, "root", &root);
    world.presents(&leaf.signed_by(&root));
}

fn of_client(world: &mut World, root: Spec, leaf: Spec) {
    let root = root.self_signed();
    world.authority(For::Clients, "root", &root);
    world.presents(&leaf.signed_by(&root));
    world.ask_client();
}

/// A client with so many addresses in its subject and no alternative names, below a CA with 100 constraints on such.
fn addressed(world: &mut World, count: usize) {
    let root = permits(spec("root").ca(), vec![mail("example"); 100]).self_signed();
    let leaf = spec("leaf").signed_by(&root);
    let leaf = again(&leaf, &root.key, |tree| {
        let address = |number: usize| format!("a{number}@example").into_bytes();
        let attribute = |value: Vec<u8>| seq(vec![oid(EMAIL), bytes(IA5, &value)]);
        let all: Vec<Der> = (0..count).map(address).map(attribute).collect();
        *tree.field(5) = seq(vec![parts(0x31, all)]);
    });
    world.authority(For::Clients, "root", &root);
    world.presents(&leaf);
    world.ask_client();
}

fn many(count: usize) -> Vec<GeneralSubtree> {
    let name = |number: usize| GeneralSubtree::DnsName(format!("d{number}.example"));
    let mut all: Vec<_> = (1..count).map(name).collect();
    all.push(GeneralSubtree::DnsName("example".to_owned()));
    all
}

fn named(count: usize) -> Spec {
    let more = (1..count).map(|number| format!("n{number}.example"));
    more.fold(spec("leaf").dns(KMS), |spec, name| spec.dns(&name))
}

#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    let found = || accepted(ChainVerified, ROOT);
    let breaks = || refused(ProfileViolation);
    let directory = || vec![GeneralSubtree::DirectoryName(rcgen::DistinguishedName::new())];
    vec![
        // A path that the profile refuses is passed over for another.
        row("C1", "strict: an authority of the same name and key that breaks RFC 5280 is passed over", found().considered(&["authority odd for any server: ProfileViolation"]), |w| {
            strict(w);
            let root = spec("root").ca().self_signed();
            // It lasts longer, and so is tried first.
            let odd = spec("root").ca().key_of(&root).key_usage(&[]).valid(-1, 400 * 24 * 60 * 60).self_signed();
            w.authority(For::AnyServer, "odd", &odd);
            w.presents(&spec("leaf").dns(KMS).signed_by(&root));
            w.authority(For::AnyServer, "root", &Certificate::from_der(root.certificate().der()).unwrap());
        }),
        row("C1", "strict: an intermediate that breaks RFC 5280 is passed over", found().considered(&["presented odd: ProfileViolation"]), |w| {
            strict(w);
            let root = spec("root").ca().self_signed();
            let good = spec("I").ca().signed_by(&root);
            let odd = spec("I").ca().key_of(&good).key_usage(&[]).signed_by(&root);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&spec("leaf").dns(KMS).signed_by(&good));
            w.with("odd", &odd).with("I", &good);
        }),
        row("C1", "strict: a leaf that breaks RFC 5280", breaks(), |w| {
            strict(w);
            below(w, spec("root").ca(), spec("leaf").dns(KMS).no_authority_key_id());
        }),
        row("C1", "strict: a pin is held to no profile", accepted(PinMatched, "pin own for server keys-1"), |w| {
            strict(w);
            let own = spec("own").dns(KMS).no_authority_key_id().serial(0).self_signed();
            w.pin(super::world::KEYS_1, "own", &own);
            w.presents(&own);
        }),
        // A leaf whose key may not sign a handshake (RFC 8446 section 4.4.2.2), for both ends.
        row("C1", "a server's key that may not sign", found().warns(&["NoDigitalSignature"]), |w| {
            below(w, spec("root").ca(), spec("leaf").dns(KMS).key_usage(&[KeyUsagePurpose::KeyEncipherment]));
        }),
        row("C1", "strict: a server's key that may not sign", breaks().detail("digital-signature: the key usage of an end entity, if there is one, allows digital signatures (RFC 8446 section 4.4.2.2) (RFC 5280 section 4.2.1.3)"), |w| {
            strict(w);
            below(w, spec("root").ca(), spec("leaf").dns(KMS).key_usage(&[KeyUsagePurpose::KeyEncipherment]));
        }),
        row("C1", "a client's key that may not sign", accepted(ChainVerified, "authority root for clients").warns(&["NoDigitalSignature"]), |w| {
            of_client(w, spec("root").ca(), spec("leaf").key_usage(&[KeyUsagePurpose::KeyAgreement]));
        }),
        row("C1", "strict: a client's key that may not sign", breaks(), |w| {
            strict(w);
            of_client(w, spec("root").ca(), spec("leaf").key_usage(&[KeyUsagePurpose::KeyAgreement]));
        }),
        // What the rules on pins ask is asked of a chain by C1; anyExtendedKeyUsage alone is not enough there.
        row("C1", "a leaf with anyExtendedKeyUsage and the role", found(), |w| {
            below(w, spec("root").ca(), spec("leaf").dns(KMS).extended_key_usage(ExtendedKeyUsagePurpose::Any).server_auth());
        }),
        row("C1", "a leaf with anyExtendedKeyUsage and the other role", refused(AnyExtendedKeyUsageAlone), |w| {
            below(w, spec("root").ca(), spec("leaf").dns(KMS).extended_key_usage(ExtendedKeyUsagePurpose::Any).client_auth());
        }),
        // Constraints on names of forms that the path builder does not process.
        row("C1", "a constraint on directory names", refused(ConstraintFormUnsupported).considered(&["authority root for any server: ConstraintFormUnsupported"]).detail("directory names (directoryName)"), move |w| {
            below(w, permits(spec("root").ca(), directory()), spec("leaf").dns(KMS));
        }),
        row("C1", "a constraint on e-mail addresses, and a leaf with one", refused(ConstraintFormUnsupported).any_considered().detail("e-mail addresses (rfc822Name)"), |w| {
            let mail = |params: &mut rcgen::CertificateParams| {
                params.subject_alt_names.push(SanType::Rfc822Name("a@example".try_into().unwrap()));
            };
            let root = permits(spec("root").ca(), vec![GeneralSubtree::Rfc822Name("example".to_owned())]);
            below(w, root, spec("leaf").dns(KMS).params(mail));
        }),
        row("C1", "a constraint on e-mail addresses, and a leaf without one", found(), |w| {
            below(w, permits(spec("root").ca(), vec![GeneralSubtree::Rfc822Name("example".to_owned())]), spec("leaf").dns(KMS));
        }),
        row("C1", "a constraint on e-mail addresses that does not apply is not blamed", refused(NameConstraintViolated).any_considered(), |w| {
            let both = vec![GeneralSubtree::Rfc822Name("example".to_owned()), GeneralSubtree::DnsName("other.example".to_owned())];
            below(w, permits(spec("root").ca(), both), spec("leaf").dns(KMS));
        }),
        row("C1", "a constraint on DNS names is not called unsupported", refused(NameConstraintViolated).any_considered(), |w| {
            below(w, spec("root").ca().permit_dns("other.example"), spec("leaf").dns(KMS));
        }),
        // The subject counts as a name.
        row("C5", "as many comparisons of names with constraints as are allowed", found(), |w| {
            below(w, permits(spec("root").ca(), many(100)), named(99));
        }),
        row("C5", "more comparisons of names with constraints than are allowed", refused(TooManyConstraints).any_considered().detail("10100, the limit is 10000"), |w| {
            below(w, permits(spec("root").ca(), many(100)), named(100));
        }),
        // So does each e-mail address in a subject, where there are no alternative names.
        row("C5", "as many comparisons of addresses in a subject as are allowed", accepted(ChainVerified, "authority root for clients"), |w| addressed(w, 99)),
        row("C5", "more comparisons of addresses in a subject than are allowed", refused(TooManyConstraints).any_considered().detail("10100, the limit is 10000"), |w| addressed(w, 100)),
        // The length that the policy allows.
        row("C1", "as many intermediates as the policy allows", found(), |w| {
            let chain = chain([as_it_is; 3], [no_edit; 3]);
            w.policy = w.policy.with_max_intermediates(1).unwrap();
            w.authority(For::AnyServer, "root", &chain[0]);
            w.presents(&chain[2]).with("I", &chain[1]);
        }),
        row("C1", "more intermediates than the policy allows", refused(PathTooLong).any_considered().detail("1, the limit is 0"), |w| {
            let chain = chain([as_it_is; 3], [no_edit; 3]);
            w.policy = w.policy.with_max_intermediates(0).unwrap();
            w.authority(For::AnyServer, "root", &chain[0]);
            w.presents(&chain[2]).with("I", &chain[1]);
        }),
        // The path builder counts self-issued intermediates, which RFC 5280 section 4.2.1.9 does not.
        row("C1", "a self-issued intermediate below a CA with the path length 0", refused(PathTooLong).any_considered().detail("1, the limit is 0"), |w| {
            let root = spec("root").ca().self_signed();
            let limited = spec("I").ca().path_len(0).signed_by(&root);
            let rolled = spec("I").ca().signed_by(&limited);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&spec("leaf").dns(KMS).signed_by(&rolled)).with("I", &limited).with("J", &rolled);
        }),
        row("C1", "more intermediates than the policy allows, and the one is installed", refused(PathTooLong).considered(&["intermediate I for all chains: PathTooLong"]), |w| {
            let chain = chain([as_it_is; 3], [no_edit; 3]);
            w.policy = w.policy.with_max_intermediates(0).unwrap();
            w.authority(For::AnyServer, "root", &chain[0]);
            w.intermediate("I", &chain[1]);
            w.presents(&chain[2]);
        }),
        // It judges the names of self-issued intermediates as well. The length is what is allowed.
        row("C1", "a self-issued intermediate with a name that its issuer may not give", refused(PathRefused).any_considered().detail("the path builder judges a self-issued intermediate by its names and length"), |w| {
            let root = spec("root").ca().path_len(1).permit_dns(KMS).self_signed();
            let rolled = spec("root").ca().dns("elsewhere.example").signed_by(&root);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&spec("leaf").dns(KMS).signed_by(&rolled)).with("J", &rolled);
        }),
        row("C1", "of authorities of one name and key, one without a key identifier is tried before one with another", accepted(ChainVerified, "authority bare for any server").warns(&["ski-present"]), |w| {
            let root = spec("root").ca().self_signed();
            let bare = again(&root, &root.key, |tree| without(tree, 14));
            // It lasts longer.
            let other = spec("root").ca().key_of(&root).valid(-1, 400 * 24 * 60 * 60);
            let other = other.params(|params| params.key_identifier_method = KeyIdMethod::PreSpecified(vec![1; 20]));
            w.authority(For::AnyServer, "other", &other.self_signed());
            w.authority(For::AnyServer, "bare", &bare);
            w.presents(&spec("leaf").dns(KMS).signed_by(&root));
        }),
        row("C1", "no intermediate, and the policy allows none", found(), |w| {
            w.policy = w.policy.with_max_intermediates(0).unwrap();
            below(w, spec("root").ca(), spec("leaf").dns(KMS));
        }),
    ]
}

// C1, C5
#[test]
fn profiles_constraints_and_lengths_decide_a_path() {
    hold(rows());
}

// I9
#[test]
fn a_constraint_that_is_not_processed_is_warned_of_when_it_is_installed() {
    let warnings = |subtrees| {
        let ca = permits(spec("root").ca(), subtrees).self_signed();
        let mut world = World::new();
        let scope = mutual_trust::AuthorityScope::AnyServer;
        let options = mutual_trust::EntryOptions::new();
        let report = world
            .store
            .install_authority(scope, ca.certificate(), options)
            .unwrap();
        report.warnings().items().to_vec()
    };
    let forms = |found: &[StoreWarning]| -> Vec<String> {
        found
            .iter()
            .map(|warning| match warning {
                StoreWarning::ConstraintForm { form, .. } => (*form).to_owned(),
                other => panic!("{other}"),
            })
            .collect()
    };
    let mail = |name: &str| GeneralSubtree::Rfc822Name(name.to_owned());
    let directory = GeneralSubtree::DirectoryName(rcgen::DistinguishedName::new());
    assert_eq!(
        forms(&warnings(vec![
            mail("a.example"),
            directory,
            mail("b.example")
        ])),
        [
            "e-mail addresses (rfc822Name)",
            "directory names (directoryName)"
        ]
    );
    assert!(warnings(vec![GeneralSubtree::DnsName("example".to_owned())]).is_empty());
    let of_uris = chain(
        [as_it_is; 3],
        [|t| constrain(t, 0x86, b"example"), no_edit, no_edit],
    );
    let installed = World::new().store.install_authority(
        mutual_trust::AuthorityScope::AnyServer,
        of_uris[0].clone(),
        mutual_trust::EntryOptions::new(),
    );
    assert_eq!(
        forms(installed.unwrap().warnings().items()),
        ["URIs (uniformResourceIdentifier)"]
    );
}
