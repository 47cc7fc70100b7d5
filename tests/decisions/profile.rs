//! The profiles of a chain (rule C1): each rule of RFC 5280, broken alone where that can be, in both profiles; and the
//! bounds and refusals that constraints on names have (rule C5).

use std::collections::BTreeSet;

use mutual_trust::ChainProfile;
use mutual_trust::ReasonCode::*;
use mutual_trust::certificate::Certificate;
use mutual_trust::policy::{Detail, ProfileAction, ProfileRule, VerdictWarning};
use mutual_trust::store::StoreWarning;
use rcgen::{
    CidrSubnet, GeneralSubtree, KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
    SigningKey,
};

use super::row::{Row, accepted, hold, refused, row};
use super::support::der::{self, Body, Der, OCTETS, OID, SEQUENCE, bytes, parts};
use super::support::pki::{Made, Spec, spec};
use super::world::{For, KMS, World};

const ROOT: &str = "authority root for any server";
/// authorityInfoAccess (RFC 5280 section 4.2.2.1).
const AIA: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
const TRUE: [u8; 1] = [0xff];

/// Root, intermediate and leaf.
type Chain = [Certificate; 3];

/// One way to break one rule, and the rules that break with it.
struct Breach {
    rule: &'static str,
    also: &'static [&'static str],
    chain: Chain,
}

fn as_it_is(spec: Spec) -> Spec {
    spec
}

fn no_edit(_: &mut Der) {}

/// A chain of certificates made by `make`, each edited and signed again before the next is made below it.
fn chain(make: [fn(Spec) -> Spec; 3], edit: [fn(&mut Der); 3]) -> Chain {
    let root = make[0](spec("root").ca()).self_signed();
    let intermediate = make[1](spec("I").ca()).signed_by(&root);
    let leaf = make[2](spec("leaf").dns(KMS)).signed_by(&intermediate);
    [
        again(&root, &root.key, edit[0]),
        again(&intermediate, &root.key, edit[1]),
        again(&leaf, &intermediate.key, edit[2]),
    ]
}

/// The certificate edited, and signed again.
pub fn again(made: &Made, issuer: &KeyPair, edit: fn(&mut Der)) -> Certificate {
    let mut tree = der::tree(&made.certificate());
    edit(&mut tree);
    let signature = issuer.sign(&tree.at(&[0]).write()).unwrap();
    *tree.at(&[2]).content() = [vec![0], signature].concat();
    Certificate::from_der(&tree.write()).unwrap()
}

fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Der {
    let mut fields = vec![bytes(OID, oid)];
    if critical {
        fields.push(bytes(0x01, &TRUE));
    }
    fields.push(bytes(OCTETS, value));
    parts(SEQUENCE, fields)
}

/// Marks an extension critical, or takes the mark away.
fn turn(tree: &mut Der, last: u8) {
    let fields = tree.extension(last).list();
    if fields.len() == 3 {
        fields.remove(1);
    } else {
        fields.insert(1, bytes(0x01, &TRUE));
    }
}

pub fn without(tree: &mut Der, last: u8) {
    let oid = Body::Bytes(vec![0x55, 0x1d, last]);
    tree.extensions()
        .retain_mut(|extension| extension.at(&[0]).body != oid);
}

/// Permits names of one form alone, of which there are none below.
fn constrain(tree: &mut Der, form: u8, base: &[u8]) {
    let subtree = parts(SEQUENCE, vec![bytes(form, base)]);
    let value = parts(SEQUENCE, vec![parts(0xa0, vec![subtree])]);
    let extension = extension(&[0x55, 0x1d, 30], true, &value.write());
    tree.extensions().push(extension);
}

fn permits_dot(spec: Spec) -> Spec {
    spec.permit_dns(".example")
}

fn subnet(mask: [u8; 4]) -> GeneralSubtree {
    GeneralSubtree::IpAddress(CidrSubnet::V4([192, 0, 2, 0], mask))
}

fn mail(base: &str) -> GeneralSubtree {
    GeneralSubtree::Rfc822Name(base.to_owned())
}

/// With an e-mail address beside the other names.
fn mailbox(spec: Spec, address: &str) -> Spec {
    spec.params(|params| {
        let address = SanType::Rfc822Name(address.try_into().unwrap());
        params.subject_alt_names.push(address);
    })
}

/// Breaks a rule in the certificate with this number: 0 root, 1 intermediate, 2 leaf.
fn edited(rule: &'static str, place: usize, edit: fn(&mut Der)) -> Breach {
    let mut edits: [fn(&mut Der); 3] = [no_edit; 3];
    edits[place] = edit;
    Breach {
        rule,
        also: &[],
        chain: chain([as_it_is; 3], edits),
    }
}

fn made(rule: &'static str, place: usize, make: fn(Spec) -> Spec) -> Breach {
    let mut makes: [fn(Spec) -> Spec; 3] = [as_it_is; 3];
    makes[place] = make;
    Breach {
        rule,
        also: &[],
        chain: chain(makes, [no_edit; 3]),
    }
}

impl Breach {
    fn also(mut self, rules: &'static [&'static str]) -> Self {
        self.also = rules;
        self
    }
}

#[rustfmt::skip]
fn breaches() -> Vec<Breach> {
    let nameless: fn(Spec) -> Spec = |_| spec("").ca();
    vec![
        edited("serial-positive", 2, |t| *t.field(1).content() = vec![0]),
        edited("serial-positive", 1, |t| *t.field(1).content() = vec![0x80, 1]),
        edited("authority-serial-positive", 0, |t| *t.field(1).content() = vec![0]),
        edited("serial-length", 1, |t| *t.field(1).content() = vec![1; 21]),
        edited("serial-length", 0, |t| *t.field(1).content() = vec![1; 21]),
        made("issuer-present", 0, nameless).also(&["ca-subject-present", "san-critical"]),
        made("ca-subject-present", 1, nameless).also(&["issuer-present", "san-critical"]),
        Breach { chain: chain([as_it_is, as_it_is, |_| spec("").dns(KMS)], [no_edit, no_edit, |t| turn(t, 17)]), rule: "san-critical", also: &[] },
        made("aki-present", 2, Spec::no_authority_key_id),
        made("aki-present", 1, Spec::no_authority_key_id),
        // Of the certificates below an authority, the path builder refuses this itself.
        edited("aki-not-critical", 0, |t| turn(t, 35)),
        edited("aki-names-issuer", 2, |t| t.extension_value(35)[6] ^= 1),
        edited("ski-present", 1, |t| without(t, 14)),
        edited("ski-present", 0, |t| without(t, 14)),
        edited("ski-not-critical", 0, |t| turn(t, 14)),
        made("ca-key-usage", 1, |s| s.key_usage(&[])),
        made("ca-key-usage", 0, |s| s.key_usage(&[])),
        edited("key-usage-not-empty", 2, |t| *t.extension_value(15) = vec![3, 2, 7, 0]),
        made("leaf-no-cert-sign", 2, |s| s.key_usage(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign])),
        edited("policy-constraints-critical", 1, |t| t.extensions().push(extension(&[0x55, 0x1d, 36], false, &[0x30, 3, 0x80, 1, 0]))),
        edited("inhibit-any-policy-critical", 1, |t| t.extensions().push(extension(&[0x55, 0x1d, 54], false, &[2, 1, 0]))),
        edited("aia-form", 2, |t| t.extensions().push(extension(&AIA, false, &[0x30, 0]))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 4, 0x30, 2, 6, 0]))),
        // A method that is no identifier, a place that is no name, a field too much, a set.
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 8, 0x30, 6, 4, 1, 1, 0x86, 1, b':']))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 8, 0x30, 6, 6, 1, 1, 0x0c, 1, b':']))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 11, 0x30, 9, 6, 1, 1, 0x86, 1, b':', 0x86, 1, b':']))),
        edited("aia-form", 1, |t| t.extensions().push(extension(&AIA, false, &[0x30, 8, 0x31, 6, 6, 1, 1, 0x86, 1, b':']))),
        edited("basic-constraints-critical", 1, |t| turn(t, 19)),
        edited("basic-constraints-critical", 0, |t| turn(t, 19)),
        edited("path-length-of-ca", 2, |t| *t.extension_value(19) = vec![0x30, 3, 2, 1, 0]),
        // Of no CA, whatever else it says of itself.
        Breach { chain: chain([as_it_is, as_it_is, |s| s.key_usage(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign])], [no_edit, no_edit, |t| *t.extension_value(19) = vec![0x30, 3, 2, 1, 0]]), rule: "path-length-of-ca", also: &["leaf-no-cert-sign"] },
        edited("name-constraints-of-ca", 2, |t| t.extensions().push(extension(&[0x55, 0x1d, 30], true, &[0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, b'x']))),
        Breach { chain: chain([as_it_is, |s| s.permit_dns("example"), as_it_is], [no_edit, |t| turn(t, 30), no_edit]), rule: "name-constraints-critical", also: &[] },
        made("name-constraints-form", 1, permits_dot),
        made("name-constraints-form", 0, permits_dot),
        // A mask is ones and then zeros.
        made("name-constraints-form", 0, |s| permits(s, vec![subnet([255, 0, 255, 0])])),
        made("name-constraints-form", 1, |s| permits(s, vec![mail("a@b@example")])),
        made("name-constraints-form", 1, |s| permits(s, vec![mail("@example")])),
        made("name-constraints-form", 1, |s| permits(s, vec![mail("a b@example")])),
        edited("name-constraints-form", 0, |t| constrain(t, 0x86, b"example:")),
        // No lists, and an empty one.
        edited("name-constraints-form", 0, |t| t.extensions().push(extension(&[0x55, 0x1d, 30], true, &[0x30, 0]))),
        edited("name-constraints-form", 0, |t| t.extensions().push(extension(&[0x55, 0x1d, 30], true, &[0x30, 2, 0xa0, 0]))),
        edited("name-constraints-form", 0, |t| constrain(t, 0x87, &[0; 9])),
        made("san-form", 2, |s| s.dns("kms_1.example")),
        made("san-form", 2, |s| s.uri("example")),
        edited("san-form", 2, |t| {
            let names = t.extension_value(17);
            names[1] += 7;
            names.extend([0x87, 5, 192, 0, 2, 7, 0]);
        }),
        made("san-form", 2, |s| mailbox(s, "nobody")),
        made("san-form", 2, |s| mailbox(s, "a@b@kms1.example")),
    ]
}

fn world(chain: &Chain, profile: ChainProfile) -> World {
    let mut world = World::new();
    world.policy = world.policy.chain_profile(profile);
    world.authority(For::AnyServer, "root", &chain[0]);
    world.presents(&chain[2]);
    world.with("I", &chain[1]);
    world
}

fn rule_of(name: &str) -> &'static ProfileRule {
    let mut rules = ChainProfile::rules().iter();
    rules.find(|rule| rule.name() == name).unwrap()
}

fn warned(world: &mut World) -> BTreeSet<&'static str> {
    let verdict = world.verdict();
    let warnings = verdict.warnings().iter();
    let rules = warnings.map(|warning| match warning {
        VerdictWarning::Profile { rule, .. } => *rule,
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
        let place = [6, 1, 0x2a, 0x86, 1, b':'];
        let ways = [&[0x30, 6], &place[..], &[0x30, 6], &place].concat();
        let value = [&[0x30, 16], &ways[..]].concat();
        t.extensions().push(extension(&AIA, false, &value));
    };
    let mut chains = vec![chain(
        [whole, as_it_is, addressed],
        [no_edit, no_edit, registered],
    )];
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
        let told = format!("({}): not so that {demand}", breach.rule);
        assert!(text.contains(&told), "{text}");
    }
}

// C1
#[test]
fn the_strict_profile_refuses_what_breaks_rfc_5280() {
    for breach in breaches() {
        let action = |name: &str| rule_of(name).action(ChainProfile::Strict);
        let mut world = world(&breach.chain, ChainProfile::Strict);
        let verdict = world.verdict();
        let mut all = breach.also.iter().chain([&breach.rule]);
        if all.all(|rule| action(rule) == ProfileAction::Warn) {
            assert_eq!(
                verdict.reason(),
                ChainVerified,
                "{}: {verdict}",
                breach.rule
            );
            assert_eq!(warned(&mut world), BTreeSet::from([breach.rule]));
            continue;
        }
        assert_eq!(
            verdict.reason(),
            BreaksProfile,
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

fn strict(world: &mut World) {
    world.policy = world.policy.chain_profile(ChainProfile::Strict);
}

/// Permits names of one form, whatever the rest of the chain has.
fn permits(spec: Spec, subtrees: Vec<GeneralSubtree>) -> Spec {
    spec.params(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtrees,
            excluded_subtrees: Vec::new(),
        });
    })
}

fn below(world: &mut World, root: Spec, leaf: Spec) {
    let root = root.self_signed();
    world.authority(For::AnyServer, "root", &root);
    world.presents(&leaf.signed_by(&root));
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
    let breaks = || refused(BreaksProfile);
    let directory = || vec![GeneralSubtree::DirectoryName(rcgen::DistinguishedName::new())];
    vec![
        // A path that the profile refuses is passed over for another.
        row("C1", "strict: an authority of the same name and key that breaks RFC 5280 is passed over", found().considered(&["authority odd for any server: BreaksProfile"]), |w| {
            strict(w);
            let root = spec("root").ca().self_signed();
            // It lasts longer, and so is tried first.
            let odd = spec("root").ca().key_of(&root).key_usage(&[]).valid(-1, 400 * 24 * 60 * 60).self_signed();
            w.authority(For::AnyServer, "odd", &odd);
            w.presents(&spec("leaf").dns(KMS).signed_by(&root));
            w.authority(For::AnyServer, "root", &Certificate::from_der(root.certificate().der()).unwrap());
        }),
        row("C1", "strict: an intermediate that breaks RFC 5280 is passed over", found().considered(&["presented odd: BreaksProfile"]), |w| {
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
        // The length that the policy allows.
        row("C1", "as many intermediates as the policy allows", found(), |w| {
            let chain = chain([as_it_is; 3], [no_edit; 3]);
            w.policy = w.policy.max_intermediates(1).unwrap();
            w.authority(For::AnyServer, "root", &chain[0]);
            w.presents(&chain[2]).with("I", &chain[1]);
        }),
        row("C1", "more intermediates than the policy allows", refused(PathTooLong).any_considered().detail("1, the limit is 0"), |w| {
            let chain = chain([as_it_is; 3], [no_edit; 3]);
            w.policy = w.policy.max_intermediates(0).unwrap();
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
            w.policy = w.policy.max_intermediates(0).unwrap();
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
            w.policy = w.policy.max_intermediates(0).unwrap();
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
