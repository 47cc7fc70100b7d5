//! One name in several spellings: string type, case and spacing (RFC 5280 section 7.1; rules P1, M8, C1 and C4), and
//! names that only look like one another (rules P7 and C2).

use mutual_trust::ReasonCode::{self, *};
use mutual_trust::certificate::Certificate;
use mutual_trust::error::StoreError;
use mutual_trust::policy::{ChainProfile, Detail};
use mutual_trust::store::{BlockSelector, CrlIssuer, EntryKey, Scope, Slot, SuggestedSlot};
use mutual_trust::{EntryOptions, Verdict};
use rcgen::{
    CertificateParams, CidrSubnet, CustomExtension, DnType, DnValue, GeneralSubtree,
    NameConstraints,
};

use super::row::{Row, accepted, hold, refused, row};
use super::support::crl::{crl, sign};
use super::support::der::{Der, SEQUENCE, bytes, parts, tree};
use super::support::pki::{Made, Spec, spec};
use super::support::{fixture, host, server_id, store};
use super::world::{For, KEYS_1, KMS, World, plain};
use crate::support::Lists as _;

/// How a tool may write the name of a CA called `Lab CA`.
fn spellings() -> Vec<(&'static str, DnValue)> {
    let printable = |text: &str| DnValue::PrintableString(text.try_into().unwrap());
    vec![
        ("UTF8String", DnValue::Utf8String("Lab CA".into())),
        ("PrintableString", printable("Lab CA")),
        (
            "IA5String",
            DnValue::Ia5String("Lab CA".try_into().unwrap()),
        ),
        (
            "TeletexString",
            DnValue::TeletexString("Lab CA".try_into().unwrap()),
        ),
        (
            "BMPString",
            DnValue::BmpString("Lab CA".try_into().unwrap()),
        ),
        (
            "UniversalString",
            DnValue::UniversalString("Lab CA".try_into().unwrap()),
        ),
        ("another case", printable("LAB ca")),
        ("more space", printable(" Lab   CA ")),
    ]
}

/// The profiles that take certificates with names of these spellings: an IA5String is no DirectoryString, which Strict
/// asks a common name to be (RFC 5280 appendix A.1).
fn profiles(spelled: &[&str]) -> Vec<ChainProfile> {
    let mut all = vec![ChainProfile::Compatible];
    if !spelled.contains(&"IA5String") {
        all.push(ChainProfile::Strict);
    }
    all
}

fn named(name: DnValue) -> Spec {
    spec("")
        .ca()
        .params(|params| params.distinguished_name.push(DnType::CommonName, name))
}

fn lab() -> Made {
    named(DnValue::Utf8String("Lab CA".into())).self_signed()
}

fn leaf() -> Spec {
    spec("kms1").dns(KMS).server_auth().client_auth()
}

fn ask(world: &mut World, leaf: &Made) -> ReasonCode {
    world.presents(leaf);
    world.verdict().reason()
}

// C1
#[test]
fn an_authority_is_found_by_its_name_however_a_leaf_writes_it() {
    for (own_says, own) in spellings() {
        let root = named(own).self_signed();
        for (says, name) in spellings() {
            for profile in profiles(&[own_says, says]) {
                let mut world = World::new();
                world.policy = world.policy.with_chain_profile(profile);
                world.authority(For::AnyServer, "root", &root);
                let leaf = leaf().signed_by(&root.writes_its_name(name.clone()));
                assert_eq!(ask(&mut world, &leaf), ChainVerified, "{says} {profile:?}");
            }
        }
    }
}

// C1
#[test]
fn an_authority_is_found_above_an_intermediate_that_writes_its_name_otherwise() {
    let root = lab();
    for (says, name) in spellings() {
        let middle = spec("middle").ca().signed_by(&root.writes_its_name(name));
        let leaf = leaf().signed_by(&middle);
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        world.presents(&leaf).with("middle", &middle);
        assert_eq!(world.verdict().reason(), ChainVerified, "{says}");
        world.intermediate("middle", &middle);
        assert_eq!(ask(&mut world, &leaf), ChainVerified, "{says}");
    }
}

// C1
#[test]
fn leaves_of_the_field_are_accepted_under_the_ca_that_openssl_accepts_them_under() {
    let root = fixture("names/ca-printablestring");
    for file in ["leaf-issuer-utf8string", "leaf-issuer-other-case"] {
        let mut world = World::new();
        let id = server_id("lab");
        world
            .store
            .add_server(id, [host("kms.lab.example")])
            .unwrap();
        world.authority(For::AnyServer, "root", &root);
        world.presents(&fixture(&format!("names/{file}")));
        world.ask_name("kms.lab.example");
        assert_eq!(world.verdict().reason(), ChainVerified, "{file}");
    }
}

// C1, C5
#[test]
fn the_right_one_of_many_authorities_of_one_name_is_found_however_each_is_written() {
    let spellings = spellings();
    let spelling = |number: usize| spellings[number % spellings.len()].1.clone();
    let roots: Vec<Made> = (0..40)
        .map(|number| named(spelling(number)).self_signed())
        .collect();
    let leaves: Vec<Made> = (0..40)
        .map(|number| leaf().signed_by(&roots[number].writes_its_name(spelling(number + 3))))
        .collect();
    for few in [1, 3, 40] {
        let mut world = World::new();
        for root in &roots[..few] {
            world.authority(For::AnyServer, "root", root);
        }
        for leaf in &leaves[..few] {
            assert_eq!(ask(&mut world, leaf), ChainVerified);
        }
        world.authority(For::AnyServer, "other", &spec("other").ca().self_signed());
        for (root, leaf) in roots[..few].iter().zip(&leaves) {
            assert_eq!(ask(&mut world, leaf), ChainVerified);
            let fingerprint = root.certificate().fingerprint();
            let key = EntryKey::new(Slot::Authority, Scope::AnyServer, fingerprint);
            world.store.remove(&key).unwrap();
            assert_ne!(ask(&mut world, leaf), ChainVerified);
        }
        assert_eq!(ask(&mut world, &leaves[0]), UnknownIssuer);
    }
}

// C1: a name finds candidates and proves nothing.
#[test]
fn a_name_that_is_the_same_does_not_replace_a_signature() {
    let (root, other) = (lab(), lab());
    for (says, name) in spellings() {
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        let leaf = leaf()
            .no_authority_key_id()
            .signed_by(&other.writes_its_name(name));
        assert_eq!(ask(&mut world, &leaf), ChainSignatureInvalid, "{says}");
    }
}

// C1
#[test]
fn what_an_authority_says_of_itself_counts_however_a_leaf_writes_its_name() {
    let name = || DnValue::PrintableString("LAB CA".try_into().unwrap());
    let constrained = named(DnValue::Utf8String("Lab CA".into()))
        .permit_dns("other.example")
        .self_signed();
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &constrained);
    let one = leaf().signed_by(&constrained.writes_its_name(name()));
    assert_eq!(ask(&mut world, &one), NameConstraintViolated);

    let short = named(DnValue::Utf8String("Lab CA".into()))
        .path_len(0)
        .self_signed();
    let middle = spec("middle")
        .ca()
        .signed_by(&short.writes_its_name(name()));
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &short);
    let one = leaf().signed_by(&middle);
    world.presents(&one).with("middle", &middle);
    assert_eq!(world.verdict().reason(), PathTooLong);
}

fn text_of(verdict: &Verdict) -> String {
    match verdict.detail() {
        Detail::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

// C1: webpki compares bytes below the authority.
#[test]
fn an_intermediate_whose_name_is_written_otherwise_is_named_as_the_cause() {
    let root = spec("root").ca().self_signed();
    let middle = named(DnValue::Utf8String("Lab CA".into())).signed_by(&root);
    for (says, name) in spellings().into_iter().skip(1) {
        let leaf = leaf().signed_by(&middle.writes_its_name(name));
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        world.presents(&leaf);
        assert_eq!(world.verdict().reason(), UnknownIssuer, "{says}");
        assert!(!text_of(&world.verdict()).contains("intermediate"));

        world.presents(&leaf).with("middle", &middle);
        assert_eq!(world.verdict().reason(), UnknownIssuer, "{says}");
        let text = text_of(&world.verdict());
        assert!(
            text.contains("is presented, but its name is encoded differently"),
            "{text}"
        );

        world.intermediate("middle", &middle);
        assert_eq!(ask(&mut world, &leaf), UnknownIssuer, "{says}");
        let text = text_of(&world.verdict());
        assert!(
            text.contains("is installed, but its name is encoded differently"),
            "{text}"
        );

        // What the text advises.
        world.authority(For::AnyServer, "middle", &middle);
        assert_eq!(ask(&mut world, &leaf), ChainVerified, "{says}");
    }
}

// C1
#[test]
fn an_intermediate_further_up_whose_name_is_written_otherwise_is_named_as_well() {
    let root = spec("root").ca().self_signed();
    let upper = lab_below(&root);
    let lower = spec("lower")
        .ca()
        .signed_by(&upper.writes_its_name(DnValue::PrintableString("lab ca".try_into().unwrap())));
    let leaf = leaf().signed_by(&lower);
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &root);
    world
        .presents(&leaf)
        .with("lower", &lower)
        .with("upper", &upper);
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), UnknownIssuer);
    assert!(text_of(&verdict).contains("an intermediate named CN=lab ca is presented"));
}

fn lab_below(root: &Made) -> Made {
    named(DnValue::Utf8String("Lab CA".into())).signed_by(root)
}

// C4
#[test]
fn lists_of_an_authority_count_for_what_writes_its_name_otherwise() {
    let root = lab();
    for (says, name) in spellings() {
        let (good, bad) = (leaf(), leaf());
        let writes = root.writes_its_name(name);
        let (good, bad) = (good.signed_by(&writes), bad.signed_by(&writes));
        for profile in profiles(&[says]) {
            let mut world = World::new();
            world.policy = world.policy.with_chain_profile(profile).with_crl_required();
            world.authority(For::AnyServer, "root", &root);
            assert_eq!(ask(&mut world, &good), RevocationUnknown, "{says}");
            let list = crl().revoke(&bad.certificate).signed_by(&root);
            world.store.install_crl(list).unwrap();
            assert_eq!(ask(&mut world, &good), ChainVerified, "{says}");
            assert_eq!(ask(&mut world, &bad), Revoked, "{says}");
        }
    }
}

// C4, RFC 5280 section 6.3.3: the name of the issuer stands for a distribution point.
#[test]
fn a_list_for_the_name_of_its_issuer_covers_what_writes_that_name_otherwise() {
    let root = lab();
    for (says, name) in spellings() {
        let writes = made_again(&root, name);
        let place = Der::read(writes.certificate.subject_der());
        let place = parts(0xa0, vec![parts(0xa0, vec![parts(0xa4, vec![place])])]);
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        let list = crl().scope(vec![place]).signed_by(&root);
        world.store.install_crl(list).unwrap();
        assert_eq!(
            ask(&mut world, &leaf().signed_by(&root)),
            ChainVerified,
            "{says}"
        );
    }
}

/// The CA once more, with its key and its name in another spelling.
fn made_again(root: &Made, name: DnValue) -> Made {
    named(name).key_of(root).self_signed()
}

// C4: an issuer of lists is a name and a key.
#[test]
fn a_ca_that_is_made_again_with_its_name_in_another_spelling_is_the_same_issuer_of_lists() {
    let root = lab();
    for (says, name) in spellings() {
        let again = made_again(&root, name);
        assert_eq!(
            CrlIssuer::of(&root.certificate),
            CrlIssuer::of(&again.certificate)
        );
        let bad = leaf().signed_by(&again);
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        world.authority(For::AnyServer, "again", &again);
        let first = crl().revoke(&bad.certificate).signed_by(&root);
        world.store.install_crl(first.clone()).unwrap();
        assert_eq!(ask(&mut world, &bad), Revoked, "{says}");

        // Its next list takes the place of the first, and an older one does not come back.
        let next = crl().number(2).revoke(&bad.certificate).signed_by(&again);
        world.store.install_crl(next).unwrap();
        assert_eq!(world.store.contents().crls().count(), 1, "{says}");
        assert_eq!(
            world.store.contents().revocation_checked_issuers().count(),
            1,
            "{says}"
        );
        let older = world.store.install_crl(first);
        assert!(matches!(older, Err(StoreError::CrlOlder { .. })), "{says}");
        assert_eq!(ask(&mut world, &bad), Revoked, "{says}");

        world
            .store
            .disable_revocation_checks(&CrlIssuer::of(&again.certificate))
            .unwrap();
        assert_eq!(world.store.contents().crls().count(), 0, "{says}");
        assert_eq!(ask(&mut world, &bad), ChainVerified, "{says}");
    }
}

// C4: a list is found by the name of its signer.
#[test]
fn a_list_that_writes_its_issuer_otherwise_is_verified_by_the_ca_of_that_name() {
    let root = lab();
    for (says, name) in spellings() {
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        let bad = leaf().signed_by(&root);
        let list = crl()
            .revoke(&bad.certificate)
            .signed_by(&made_again(&root, name));
        world.store.install_crl(list).unwrap();
        assert_eq!(ask(&mut world, &bad), Revoked, "{says}");
        // A list of another key of that name is none of this CA's.
        let forged = crl().number(7).no_key_id().signed_by(&lab());
        let refused = world.store.install_crl(forged);
        assert!(
            matches!(refused, Err(StoreError::CrlSignedByOtherKey { .. })),
            "{says}"
        );
    }
}

// M8
#[test]
fn a_pin_that_writes_its_issuer_otherwise_than_a_list_is_refused() {
    let root = lab();
    for (says, name) in spellings() {
        let own = leaf().signed_by(&root.writes_its_name(name));
        let mut world = World::new();
        world.intermediate("root", &root);
        world.pin(KEYS_1, "own", &own);
        assert_eq!(ask(&mut world, &own), PinMatched, "{says}");
        let list = crl().revoke(&own.certificate).signed_by(&root);
        let report = world.store.install_crl(list).unwrap();
        assert_eq!(report.entries().len(), 1, "{says}");
        assert_eq!(ask(&mut world, &own), Revoked, "{says}");
    }
}

/// `made`, signed once more with other bytes for its serial number.
fn numbered(made: &Made, serial: &[u8], issuer: &Made) -> Certificate {
    let mut tree = tree(&made.certificate);
    *tree.field(1).content() = serial.to_vec();
    sign(&mut tree, issuer);
    Certificate::from_der(&Der::write(&tree)).unwrap()
}

// P1
#[test]
fn a_block_by_issuer_and_serial_number_compares_a_name_with_a_number() {
    let root = lab();
    for (says, name) in spellings() {
        let writes = root.writes_its_name(name);
        let one = leaf().serial(5).signed_by(&root);
        let padded: Vec<Certificate> = [&[5][..], &[0, 5], &[0, 0, 5]]
            .iter()
            .map(|serial| numbered(&leaf().signed_by(&writes), serial, &root))
            .collect();
        let other = numbered(&leaf().signed_by(&writes), &[5, 0], &root);
        for blocked in padded.iter().chain([&one.certificate]) {
            let mut world = World::new();
            world.authority(For::AnyServer, "root", &root);
            let selector = BlockSelector::issuer_serial(blocked);
            world.store.block_selector(selector.clone());
            for hit in padded.iter().chain([&one.certificate]) {
                world.presents(hit);
                assert_eq!(world.verdict().reason(), Blocked, "{says}");
                let mut store = store();
                store.add_server(server_id("keys-9"), []).unwrap();
                store.block_selector(selector.clone());
                let scope = mutual_trust::PinScope::Server(server_id("keys-9"));
                let pinned = store.install_pin(scope, hit.clone(), plain());
                assert!(matches!(pinned, Err(StoreError::Blocked(_))), "{says}");
            }
            world.presents(&other);
            assert_eq!(world.verdict().reason(), ChainVerified, "{says}");
            world.store.unblock(&selector).unwrap();
            world.presents(blocked);
            assert_eq!(world.verdict().reason(), ChainVerified, "{says}");
        }
    }
}

// P1, I9: what a block says that it hits.
#[test]
fn a_block_reports_the_entries_that_it_hits_in_any_spelling() {
    let root = lab();
    for (says, name) in spellings() {
        let own = leaf().serial(5).signed_by(&root.writes_its_name(name));
        let same = numbered(&leaf().signed_by(&root), &[0, 5], &root);
        let mut world = World::new();
        world.pin(KEYS_1, "own", &own);
        let report = world
            .store
            .block_selector(BlockSelector::issuer_serial(&same));
        assert_eq!(report.entries().len(), 1, "{says}");
    }
}

// I1
#[test]
fn a_leaf_of_a_bundle_is_left_out_if_its_issuer_is_there_in_any_spelling() {
    let root = lab();
    for (says, name) in spellings() {
        let leaf = leaf().signed_by(&root.writes_its_name(name));
        let bundle = store().classify_bundle(vec![root.certificate(), leaf.certificate()]);
        let proposals: Vec<SuggestedSlot> =
            bundle.items().iter().map(|item| item.proposal()).collect();
        assert_eq!(
            proposals,
            [SuggestedSlot::Authority, SuggestedSlot::Skip],
            "{says}"
        );
    }
}

// I4: self-signed is a matter of bytes, so that no other certificate's signature is judged.
#[test]
fn a_certificate_whose_issuer_is_its_subject_in_another_spelling_is_not_self_issued() {
    let root = lab();
    let own = spec("LAB CA")
        .dns(KMS)
        .no_authority_key_id()
        .signed_by(&root);
    assert!(!own.certificate.is_self_issued());
    let mut world = World::new();
    world.pin(KEYS_1, "own", &own);
    assert_eq!(ask(&mut world, &own), PinMatched);
}

// I4: which certificate a key identifier names is a matter of numbers.
#[test]
fn a_certificate_that_names_itself_by_its_serial_number_is_judged_however_that_is_written() {
    let name = Der::read(spec(KMS).self_signed().certificate.subject_der());
    let names = parts(0xa1, vec![parts(0xa4, vec![name])]);
    for (serial, own, itself) in [
        (&[5][..], &[5][..], true),
        (&[0, 5], &[5], true),
        (&[5], &[0, 5], true),
        (&[6], &[5], false),
        (&[5, 0], &[5], false),
    ] {
        let value = parts(SEQUENCE, vec![names.clone(), bytes(0x82, serial)]).write();
        let made = spec(KMS).no_authority_key_id().params(|params| {
            let extension = CustomExtension::from_oid_content(&[2, 5, 29, 35], value);
            params.custom_extensions.push(extension);
        });
        let made = made.self_signed();
        let mut broken = numbered(&made, own, &made).der().to_vec();
        *broken.last_mut().unwrap() ^= 1;
        let broken = Certificate::from_der(&broken).unwrap();
        let mut store = store();
        store.add_server(server_id("keys-9"), []).unwrap();
        let scope = mutual_trust::PinScope::Server(server_id("keys-9"));
        let refused = store.install_pin(scope, broken, plain()).is_err();
        assert_eq!(refused, itself, "{serial:?} {own:?}");
    }
}

fn excluding_ten(params: &mut CertificateParams) {
    let ten = GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![ten],
    });
}

/// A client of a CA that may not issue for `10.0.0.0/8`, under an authority for clients with one pattern.
fn client(world: &mut World, pattern: &str, make: impl Fn(Spec) -> Spec) {
    let root = spec("root").ca().self_signed();
    let sub = spec("sub").ca().params(excluding_ten).signed_by(&root);
    let options = EntryOptions::new().with_san_patterns([pattern.parse().unwrap()]);
    world.authority_with(For::Clients, "root", &root, options);
    let leaf = make(spec("client").client_auth()).signed_by(&sub);
    world.presents(&leaf).with("sub", &sub);
    world.ask_client();
}

#[rustfmt::skip]
fn looking_alike() -> Vec<Row> {
    let no = |reason| refused(reason).considered(&[match reason {
        NoPatternMatches => "authority root for clients: NoPatternMatches",
        _ => "authority root for clients: NameConstraintViolated",
    }]);
    let chained = || accepted(ChainVerified, "authority root for clients");
    let server = || accepted(ChainVerified, "authority root for any server");
    let serves = |world: &mut World, make: fn(Spec) -> Spec, name: &'static str| {
        let root = spec("root").ca().self_signed();
        world.authority(For::AnyServer, "root", &root);
        world.presents(&make(spec("x").server_auth()).signed_by(&root));
        let _ = world.store.add_server(server_id("keys-3"), [host(name)]);
        world.ask_name(name);
    };
    vec![
        row("P7", "an address that the CA may not issue for", no(NameConstraintViolated), |w| client(w, "ip:10.1.2.3", |s| s.ip("10.1.2.3"))),
        row("P7", "that address as an IPv4-mapped one", no(NoPatternMatches), |w| client(w, "ip:10.1.2.3", |s| s.ip("::ffff:10.1.2.3"))),
        row("P7", "that address as an IPv4-mapped one, and a pattern that is typed so", no(NoPatternMatches), |w| client(w, "ip:::ffff:10.1.2.3", |s| s.ip("::ffff:10.1.2.3"))),
        row("P7", "another address", chained(), |w| client(w, "ip:192.0.2.7", |s| s.ip("192.0.2.7"))),
        row("P7", "a DNS name with the text of another in it", no(NoPatternMatches).detail("wanted dns:*.example; the certificate has dns:x\\u{2c}dns\\u{3a}admin.example"), |w| client(w, "dns:*.example", |s| s.dns("x,dns:admin.example"))),
        row("P7", "a DNS name with a wildcard inside its first label", no(NoPatternMatches), |w| client(w, "dns:*.example", |s| s.dns("a*.example"))),
        row("P7", "a DNS name with an underscore", no(NoPatternMatches), |w| client(w, "dns:*.example", |s| s.dns("a_b.example"))),
        row("P7", "a host name", chained(), |w| client(w, "dns:*.example", |s| s.dns("a-7.example"))),
        row("C2", "dialled by an IPv4-mapped address, the leaf has that as IPv6", refused(NameMismatch), |w| {
            let root = spec("root").ca().self_signed();
            w.authority(For::AnyServer, "root", &root);
            w.presents(&spec("x").ip("::ffff:192.0.2.1").signed_by(&root));
            w.ask_name("::ffff:192.0.2.1");
        }),
        row("C2", "a wildcard with one label behind it", server(), move |w| serves(w, |s| s.dns("*.lan"), "kms.lan")),
        row("C2", "a wildcard with one label behind it, and a name of two more", refused(NameMismatch), move |w| serves(w, |s| s.dns("*.lan"), "a.kms.lan")),
        row("C2", "a wildcard alone", refused(NameMismatch), move |w| serves(w, |s| s.dns("*"), "kms")),
        row("C2", "a wildcard that is a part of a label", refused(NameMismatch), move |w| serves(w, |s| s.dns("k*.lan").dns("*s.lan").dns("kms.*"), "kms.lan")),
        row("C2", "a wildcard in an A-label", refused(NameMismatch), move |w| serves(w, |s| s.dns("xn--*.lan"), "xn--bcher-kva.lan")),
        row("C2", "a name with a dot at its end", refused(NameMismatch), move |w| serves(w, |s| s.dns("kms.lan.").dns("*.lan."), "kms.lan")),
    ]
}

// P7, C2
#[test]
fn names_that_look_alike_are_told_apart() {
    hold(looking_alike());
}

// P7: for a service that authorises by the text.
#[test]
fn an_identity_has_no_text_in_which_another_name_begins() {
    let root = spec("root").ca().self_signed();
    let mut world = World::new();
    world.authority(For::Clients, "root", &root);
    let names = spec("x")
        .client_auth()
        .uri("x:y,dns:admin.example")
        .dns("z,ip:192.0.2.1");
    world.presents(&names.signed_by(&root));
    world.ask_client();
    let verdict = world.verdict();
    let identity = verdict.peer().unwrap();
    let names = [
        "uri:x:y\\u{2c}dns:admin.example",
        "dns:z\\u{2c}ip\\u{3a}192.0.2.1",
    ];
    assert_eq!(identity.names(), names);
    assert_eq!(identity.to_string(), names.join(", "));
    assert!(!format!("{identity:?}").contains(",dns:"), "{identity:?}");
}
