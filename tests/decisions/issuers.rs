//! What every issuer of a path must satisfy (rule C1): presented and installed intermediates, and the
//! authority.

use mutual_trust::ReasonCode::{self, *};
use mutual_trust::certificate::Certificate;
use rcgen::{
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
};

use super::row::{Row, accepted, hold, refused, row};
use super::support::pki::{Spec, spec};
use super::support::{fixture, fixture_key, keys};
use super::world::{For, KMS, World};

const DAY: i64 = 24 * 60 * 60;
const ROOT: &str = "authority root for any server";

fn leaf() -> Spec {
    spec("leaf").dns(KMS)
}

/// An intermediate made by `make` below an authority, with a leaf; the peer presents both.
fn presented(world: &mut World, make: impl Fn(Spec) -> Spec) {
    let root = spec("root").ca().self_signed();
    let intermediate = make(spec("I").ca()).signed_by(&root);
    world.authority(For::AnyServer, "root", &root);
    world.presents(&leaf().signed_by(&intermediate));
    world.with("I", &intermediate);
}

/// The same, and the intermediate is installed and not presented.
fn installed(world: &mut World, make: impl Fn(Spec) -> Spec) {
    let root = spec("root").ca().self_signed();
    let intermediate = make(spec("I").ca()).signed_by(&root);
    world.authority(For::AnyServer, "root", &root);
    world.intermediate("I", &intermediate);
    world.presents(&leaf().signed_by(&intermediate));
}

/// An authority made by `make`, which issued the leaf.
fn authority(world: &mut World, make: impl Fn(Spec) -> Spec) {
    let root = make(spec("root").ca()).self_signed();
    world.authority(For::AnyServer, "root", &root);
    world.presents(&leaf().signed_by(&root));
}

/// The same for a client.
fn for_client(world: &mut World, make: impl Fn(Spec) -> Spec) {
    let root = spec("root").ca().self_signed();
    let intermediate = make(spec("I").ca()).signed_by(&root);
    world.authority(For::Clients, "root", &root);
    world.presents(&leaf().signed_by(&intermediate));
    world.with("I", &intermediate);
    world.ask_client();
}

fn rsa2048(spec: Spec) -> Spec {
    let key = String::from_utf8(fixture_key("rsa2048")).unwrap();
    spec.key(KeyPair::from_pem(&key).unwrap())
}

fn usage(usages: &'static [KeyUsagePurpose]) -> impl Fn(Spec) -> Spec {
    move |spec| spec.key_usage(usages)
}

fn any_usage(spec: Spec) -> Spec {
    spec.extended_key_usage(ExtendedKeyUsagePurpose::Any)
}

fn longer_keys(world: &mut World) {
    world.policy = mutual_trust::Policy::new(keys().require_rsa_bits(3072).unwrap());
}

#[rustfmt::skip]
fn by_themselves() -> Vec<Row> {
    let found = || accepted(ChainVerified, ROOT);
    let of_presented = |reason: ReasonCode, what: &'static str| refused(reason).considered(&[what]);
    let cannot_sign = move || of_presented(IssuerCannotSign, "presented I: IssuerCannotSign");
    vec![
        // CA:TRUE and the version
        row("C1", "the intermediate says CA:FALSE", cannot_sign(), |w| presented(w, |s| s.params(|p| p.is_ca = IsCa::ExplicitNoCa))),
        row("C1", "the intermediate says nothing of being a CA", cannot_sign(), |w| presented(w, |s| s.no_basic_constraints())),
        row("I3", "the leaf was signed with the key of an accepted leaf of the same chain", cannot_sign(), |w| presented(w, |_| leaf().server_auth())),
        row("C1", "the intermediate is of version 1", refused(IssuerCannotSign).considered(&["presented I: IssuerCannotSign"]), |w| {
            w.authority(For::AnyServer, "root", &spec("root").ca().self_signed());
            w.presents(&fixture("ca-v1-leaf")).with("I", &fixture("ca-v1"));
        }),
        // keyUsage
        row("C1", "the intermediate's keyUsage lacks keyCertSign", cannot_sign(), |w| presented(w, usage(&[KeyUsagePurpose::DigitalSignature]))),
        row("C1", "the intermediate has no keyUsage", found().warns(&["ca-key-usage"]), |w| presented(w, usage(&[]))),
        row("C1", "the authority has no keyUsage", found().warns(&["ca-key-usage"]), |w| authority(w, usage(&[]))),
        row("C1", "the intermediate's keyUsage has keyCertSign alone", found(), |w| presented(w, usage(&[KeyUsagePurpose::KeyCertSign]))),
        // extKeyUsage
        row("C1", "the intermediate is for clients", cannot_sign(), |w| presented(w, Spec::client_auth)),
        row("C1", "the installed intermediate is for clients", refused(IssuerCannotSign).considered(&["intermediate I for all chains: IssuerCannotSign"]), |w| installed(w, Spec::client_auth)),
        row("C1", "the intermediate of a client is for servers", of_presented(IssuerCannotSign, "presented I: IssuerCannotSign"), |w| for_client(w, Spec::server_auth)),
        row("C1", "the intermediate is for signing code", cannot_sign(), |w| presented(w, |s| s.extended_key_usage(ExtendedKeyUsagePurpose::CodeSigning))),
        row("C1", "the intermediate is for servers", found(), |w| presented(w, Spec::server_auth)),
        row("C1", "the intermediate is for both", found(), |w| presented(w, |s| s.client_auth().server_auth())),
        row("C1", "the intermediate of a client is for clients", accepted(ChainVerified, "authority root for clients"), |w| for_client(w, Spec::client_auth)),
        row("C1", "the authority is for servers", found(), |w| authority(w, Spec::server_auth)),
        row("C1", "the authority has anyExtendedKeyUsage", found(), |w| authority(w, any_usage)),
        row("C1", "the intermediate has anyExtendedKeyUsage, which the path builder does not read", of_presented(AnyExtendedKeyUsageAlone, "presented I: AnyExtendedKeyUsageAlone"), |w| presented(w, any_usage)),
        // Critical extensions
        row("M6", "the intermediate has an unknown critical extension", of_presented(UnknownCriticalExtension, "presented I: UnknownCriticalExtension"), |w| presented(w, |s| s.critical_extension(&[1, 2, 3, 4]))),
        row("M6", "policyConstraints is not known in a CA, since it is not applied", of_presented(UnknownCriticalExtension, "presented I: UnknownCriticalExtension"), |w| presented(w, |s| s.critical_extension(&[2, 5, 29, 36]))),
        row("C1", "the intermediate has a critical extension that the path builder alone does not know", refused(PathRefused).considered(&["authority root for any server: PathRefused"]).detail("certificate I (CN=I): critical extension 2.5.29.32 (certificatePolicies), which the path builder does not process"), |w| {
            presented(w, |s| s.critical_extension(&[2, 5, 29, 32]));
        }),
        row("C1", "the leaf began before 1970", refused(PathRefused).any_considered(), |w| {
            let root = spec("root").ca().self_signed();
            w.authority(For::AnyServer, "root", &root);
            w.presents(&spec("leaf").dns(KMS).valid(-60 * 365 * DAY, DAY).signed_by(&root));
        }),
        row("C1", "the authority has critical policies, every one of which is acceptable", found().warns(&["policies-form"]), |w| authority(w, |s| s.critical_extension(&[2, 5, 29, 32]))),
        // Keys
        row("I4", "the policy asks for longer keys than the intermediate has", of_presented(KeyNotAllowed, "presented I: KeyNotAllowed"), |w| { presented(w, rsa2048); longer_keys(w); }),
        row("I4", "the policy asks for longer keys than the authority has", refused(KeyNotAllowed).considered(&["authority root for any server: KeyNotAllowed"]), |w| { authority(w, rsa2048); longer_keys(w); }),
        row("I4", "the policy asks for longer keys than the leaf has", refused(KeyNotAllowed), |w| {
            authority(w, |s| s);
            let root = spec("other").ca().self_signed();
            w.authority(For::AnyServer, "other", &root);
            w.presents(&rsa2048(leaf()).signed_by(&root));
            longer_keys(w);
        }),
        row("I4", "keys that are long enough", found(), |w| presented(w, rsa2048)),
        row("I4", "an intermediate of RSA 1024", of_presented(KeyNotAllowed, "presented I: KeyNotAllowed"), |w| {
            let root = spec("root").ca().self_signed();
            let weak: Certificate = spec("I").ca().for_key_of(&fixture("rsa1024-ca"), &root);
            w.authority(For::AnyServer, "root", &root);
            // Signed with another key of that name: the weak one can sign nothing here.
            w.presents(&leaf().no_authority_key_id().signed_by(&spec("I").ca().self_signed()));
            w.with("I", &weak);
        }),
        row("I4", "a leaf of RSA 1024", refused(KeyNotAllowed).detail("the key (RSA 1024) is below the 2048 bits asked for"), |w| {
            let root = spec("root").ca().self_signed();
            w.authority(For::AnyServer, "root", &root);
            w.presents(&leaf().for_key_of(&fixture("rsa1024"), &root));
        }),
    ]
}

/// Three CAs in a row below an authority, with a leaf. `make` is told the number, 0 for the authority.
fn row_of_cas(world: &mut World, make: impl Fn(usize, Spec) -> Spec) {
    let root = make(0, spec("CA 0").ca()).self_signed();
    world.authority(For::AnyServer, "root", &root);
    let first = make(1, spec("CA 1").ca()).signed_by(&root);
    let second = make(2, spec("CA 2").ca()).signed_by(&first);
    world.presents(&leaf().signed_by(&second));
    world.with("first", &first).with("second", &second);
}

fn limited(number: usize, length: u8) -> impl Fn(usize, Spec) -> Spec {
    move |at, spec| {
        if at == number {
            spec.path_len(length)
        } else {
            spec
        }
    }
}

fn only(permitted: &str, excluded: Option<&str>) -> NameConstraints {
    NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(permitted.to_owned())],
        excluded_subtrees: excluded
            .map(|name| GeneralSubtree::DnsName(name.to_owned()))
            .into_iter()
            .collect(),
    }
}

#[rustfmt::skip]
fn constraints() -> Vec<Row> {
    let found = || accepted(ChainVerified, ROOT);
    let too_long = |what: &'static str| refused(PathTooLong).considered(&[what]);
    let violated = || refused(NameConstraintViolated).considered(&["authority root for any server: NameConstraintViolated"]);
    vec![
        row("C1", "pathLen of the authority holds", found(), |w| row_of_cas(w, limited(0, 2))),
        row("C1", "pathLen of the authority is exceeded", too_long("authority root for any server: PathTooLong").detail("2, the limit is 1"), |w| row_of_cas(w, limited(0, 1))),
        row("C1", "pathLen 0 of the authority that issued the leaf", found(), |w| authority(w, |s| s.path_len(0))),
        row("C1", "pathLen of an intermediate holds", found(), |w| row_of_cas(w, limited(1, 1))),
        row("C1", "pathLen of an intermediate is exceeded", too_long("presented first: PathTooLong"), |w| row_of_cas(w, limited(1, 0))),
        row("C1", "pathLen 0 of the intermediate that issued the leaf", found(), |w| row_of_cas(w, limited(2, 0))),
        row("C1", "an intermediate that issued itself a new key does not count for the authority's pathLen", found().considered(&["authority root for any server: ChainSignatureInvalid"]), |w| {
            let root = spec("CA").ca().path_len(0).self_signed();
            let new_key = spec("CA").ca().signed_by(&root);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&leaf().signed_by(&new_key)).with("new key", &new_key);
        }),
        row("C1", "the intermediate may issue for the name", found(), |w| presented(w, |s| s.permit_dns("example"))),
        row("C1", "the intermediate may not issue for the name", violated(), |w| presented(w, |s| s.permit_dns("other.example"))),
        row("C1", "the authority may issue for the name", found(), |w| authority(w, |s| s.permit_dns("kms1.example"))),
        row("C1", "the authority may not issue for the name", violated(), |w| authority(w, |s| s.permit_dns("other.example"))),
        row("C1", "the authority excludes the name", violated(), |w| authority(w, |s| s.params(|p| p.name_constraints = Some(only("example", Some(KMS)))))),
        row("C1", "the authority may not issue for another of the leaf's names", violated(), |w| {
            let root = spec("root").ca().permit_dns("example").self_signed();
            w.authority(For::AnyServer, "root", &root);
            w.presents(&leaf().dns("kms1.elsewhere").signed_by(&root));
        }),
        row("C1", "of two CAs of one name and key one may not issue for the name", found().considered(&["authority narrow for any server: NameConstraintViolated"]), |w| {
            let day = 24 * 60 * 60;
            let narrow = spec("CA").ca().permit_dns("other.example").valid(-day, 90 * day).self_signed();
            let root = spec("CA").ca().key_of(&narrow).valid(-day, 80 * day).self_signed();
            w.authority(For::AnyServer, "narrow", &narrow);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&leaf().signed_by(&root));
        }),
    ]
}

/// Of several reasons, the one of the path that came closest.
#[rustfmt::skip]
fn closest() -> Vec<Row> {
    let day = 24 * 60 * 60;
    // The first is tried first.
    let two = move |w: &mut World, first: &dyn Fn(Spec) -> Spec, second: &dyn Fn(Spec) -> Spec| {
        let one = first(spec("CA").ca().valid(-day, 90 * day)).self_signed();
        let other = second(spec("CA").ca().valid(-day, 80 * day).key_of(&one)).self_signed();
        w.authority(For::AnyServer, "one", &one);
        w.authority(For::AnyServer, "other", &other);
        w.presents(&leaf().signed_by(&one));
    };
    let both = |reason: ReasonCode, one: &'static str, other: &'static str| refused(reason).considered(&[one, other]);
    vec![
        row("C1", "a CA of another key, and one that may not issue for the name", both(NameConstraintViolated, "authority one for any server: NameConstraintViolated", "authority other for any server: ChainSignatureInvalid"), move |w| {
            let one = spec("CA").ca().permit_dns("other.example").valid(-day, 80 * day).self_signed();
            w.authority(For::AnyServer, "one", &one);
            w.authority(For::AnyServer, "other", &spec("CA").ca().valid(-day, 90 * day).self_signed());
            w.presents(&leaf().no_authority_key_id().signed_by(&one));
        }),
        row("C1", "a CA that may not issue for the name, and one of another key", both(NameConstraintViolated, "authority one for any server: NameConstraintViolated", "authority other for any server: ChainSignatureInvalid"), move |w| {
            let one = spec("CA").ca().permit_dns("other.example").valid(-day, 90 * day).self_signed();
            w.authority(For::AnyServer, "one", &one);
            w.authority(For::AnyServer, "other", &spec("CA").ca().valid(-day, 80 * day).self_signed());
            w.presents(&leaf().no_authority_key_id().signed_by(&one));
        }),
        row("P1", "a blocked CA, and one that is too far away", both(Blocked, "authority one for any server: Blocked", "authority other for any server: IssuerExpired"), move |w| {
            two(w, &|s| s, &|s| s.valid(-9 * day, -day));
            let key = w.store.contents().entries().into_iter().find(|entry| entry.certificate().unwrap().validity().not_after() > 1_798_761_600).unwrap().fingerprint();
            w.store.block_selector(mutual_trust::store::BlockSelector::Fingerprint(key));
        }),
        row("P1", "a disabled CA, and a blocked one after it", both(Blocked, "authority one for any server: EntryDisabled", "authority other for any server: Blocked"), move |w| {
            let one = spec("CA").ca().valid(-day, 90 * day).self_signed();
            let other = spec("CA").ca().valid(-day, 80 * day).key_of(&one).self_signed();
            let key = w.authority(For::AnyServer, "one", &one);
            w.disable(&key);
            w.authority(For::AnyServer, "other", &other);
            w.store.block_selector(mutual_trust::store::BlockSelector::Fingerprint(other.certificate().fingerprint()));
            w.presents(&leaf().signed_by(&one));
        }),
        row("P7", "a CA whose pattern does not match, and a disabled one before it", refused(NoPatternMatches).considered(&["authority one for clients: EntryDisabled", "authority other for clients: NoPatternMatches"]), move |w| {
            let one = spec("CA").ca().valid(-day, 90 * day).self_signed();
            let other = spec("CA").ca().valid(-day, 80 * day).key_of(&one).self_signed();
            let key = w.authority(For::Clients, "one", &one);
            w.disable(&key);
            let options = super::world::plain().with_san_patterns(["dns:other.example".parse().unwrap()]);
            w.authority_with(For::Clients, "other", &other, options);
            w.presents(&leaf().signed_by(&one));
            w.ask_client();
        }),
        row("C1", "too many CAs of the name, and one of them may not issue for the name", refused(NameConstraintViolated).any_considered(), move |w| {
            let one = spec("CA").ca().permit_dns("other.example").valid(-day, 90 * day).self_signed();
            w.authority(For::AnyServer, "one", &one);
            for _ in 0..20 {
                w.authority(For::AnyServer, "namesake", &spec("CA").ca().valid(-day, 80 * day).self_signed());
            }
            w.presents(&leaf().no_authority_key_id().signed_by(&one));
        }),
        row("C1", "an expired CA of the right key, and one of another key", both(IssuerExpired, "authority one for any server: IssuerExpired", "authority other for any server: ChainSignatureInvalid"), move |w| {
            let one = spec("CA").ca().valid(-9 * day, -day).self_signed();
            w.authority(For::AnyServer, "one", &one);
            w.authority(For::AnyServer, "other", &spec("CA").ca().self_signed());
            w.presents(&leaf().signed_by(&one));
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = by_themselves();
    rows.extend(constraints());
    rows.extend(closest());
    rows
}

// C1, I3, I4, M6
#[test]
fn each_issuer_of_a_path_is_judged_by_itself() {
    hold(by_themselves());
}

// C1
#[test]
fn lengths_and_names_that_an_issuer_limits_are_kept() {
    hold(constraints());
}

// C1, P1
#[test]
fn of_several_reasons_the_one_that_came_closest_is_told() {
    hold(closest());
}
