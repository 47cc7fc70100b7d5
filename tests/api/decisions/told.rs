//! The reason and the remedy that an operator reads are the true ones: what the authorities say of a chain comes before
//! what its subject looks like, and the remedy is one that helps in just this case (rules C1, C4, I2, I3, P2, P3, P7).

use std::sync::Arc;

use mutual_trust::ReasonCode::*;
use mutual_trust::certificate::{Certificate, Crl};
use mutual_trust::policy::{Detail, Rule};
use mutual_trust::{AuthorityScope, CurrentTime, PinScope, ReasonCode, Role, Verdict};

use super::support::der::{Der, tree, with_sha1};
use super::support::pki::{Made, pki, self_signed, spec};
use super::support::{DAY, NOW, at, fixture, fixture_bytes, host, server_id};
use super::world::{For, Has, KEYS_1, KMS, World, plain};

/// The server that the collected certificates are of, by this name.
const COLLECTED: For = For::Server("keys-3");

fn told(name: &str) -> Certificate {
    fixture(&format!("told/{name}"))
}

fn collected(name: &'static str) -> World {
    let mut world = World::new();
    world
        .store
        .add_server(server_id("keys-3"), [host(name)])
        .unwrap();
    world.ask_name(name);
    world
}

fn sklm1() -> World {
    collected("sklm1.example.test")
}

fn migrate(world: &mut World, id: &str) {
    let until = at(NOW + DAY);
    world.store.migrate(&server_id(id), until).unwrap();
}

/// What a collected case must come to: the reason, its rule, and parts of the detail and of the remedy.
#[track_caller]
fn says(
    world: &mut World,
    reason: ReasonCode,
    rule: Rule,
    detail: &str,
    remedy: &str,
) -> Arc<Verdict> {
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), reason, "{verdict}");
    assert_eq!(verdict.rule(), rule, "{verdict}");
    let found = verdict.detail().to_string();
    assert!(found.contains(detail), "{detail:?}: {verdict}");
    assert!(verdict.remedy().contains(remedy), "{remedy:?}: {verdict}");
    let text = verdict.to_string();
    assert!(text.contains(&*verdict.remedy()), "{verdict}");
    Arc::new(verdict)
}

// P3, C1: a server that moves to a CA keeps its name, whatever is wrong with its chain.
#[test]
fn a_server_that_migrates_is_told_what_its_chain_lacks() {
    for pin in ["d1", "b2"] {
        for (leaf, reason, detail, remedy) in [
            (
                "g1",
                UnknownIssuer,
                "issuer O=Example Keys, CN=Example Issuing CA",
                "have the peer send its certificate",
            ),
            (
                "i3",
                SignatureAlgorithmUnsupported,
                "RSA with SHA-1 (1.2.840.113549.1.1.5)",
                "issued again, signed with SHA-256",
            ),
            (
                "f9",
                UnparsableEndEntity,
                "X.509 version 1",
                "Have it made again as X.509 version 3",
            ),
        ] {
            let mut world = sklm1();
            world.pin(COLLECTED, "own", &told(pin));
            world.authority(For::AnyServer, "root", &told("root"));
            migrate(&mut world, "keys-3");
            world.presents(&told(leaf));
            says(&mut world, reason, Rule::C1, detail, remedy);
        }
    }
}

// P7, C1
#[test]
fn a_client_beside_a_pin_of_its_name_is_told_what_its_chain_lacks() {
    for with_pin in [false, true] {
        let mut world = World::new();
        world.authority(For::Clients, "root", &told("root"));
        if with_pin {
            world.pin(For::Clients, "own", &told("cl_full"));
        }
        world.presents(&told("cl_noint"));
        world.ask_client();
        let issuer = "issuer O=Example Keys, CN=Example Issuing CA";
        let send = "have the peer send its certificate";
        says(&mut world, UnknownIssuer, Rule::C1, issuer, send);
    }
}

// C1: an algorithm that the provider lacks says nothing of the key.
#[test]
fn an_algorithm_that_is_not_supported_is_named() {
    for (name, root, leaf, algorithm) in [
        (
            "sklm1.example.test",
            "root",
            "i3",
            "RSA with SHA-1 (1.2.840.113549.1.1.5), by a key of the kind RSA",
        ),
        (
            "keys.example",
            "f5-ca",
            "f5-leaf",
            "RSA with SHA-1 (1.2.840.113549.1.1.5)",
        ),
        (
            "kms-b.lab.example",
            "root-of-sha1",
            "leaf-sha1",
            "ECDSA with SHA-1 (1.2.840.10045.4.1), by a key of the kind ECDSA P-256",
        ),
    ] {
        let mut world = collected(name);
        world.authority(For::AnyServer, "root", &told(root));
        let leaf = told(leaf);
        world.presents(&leaf);
        let again = "issued again, signed with SHA-256";
        let verdict = says(
            &mut world,
            SignatureAlgorithmUnsupported,
            Rule::C1,
            algorithm,
            again,
        );
        let Detail::Signature { certificate, .. } = verdict.detail() else {
            panic!("{verdict}")
        };
        assert_eq!(*certificate, leaf.fingerprint());
        assert!(!verdict.remedy().contains("install the CA"), "{verdict}");
        assert!(!verdict.remedy().contains("aws-lc-rs"), "{verdict}");
    }
}

// C1: of an intermediate in the path, that is named and not the leaf.
#[test]
fn the_certificate_with_the_signature_that_is_not_supported_is_named() {
    let root = spec("root").ca().self_signed();
    let issuing = spec("issuing").ca().signed_by(&root);
    let leaf = spec("x").dns(KMS).signed_by(&issuing);
    let weak = with_sha1(&issuing.certificate);
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &root);
    world.presents(&leaf).with("issuing", &weak);
    let detail = "issuing (CN=issuing) is signed with ECDSA with SHA-1";
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), SignatureAlgorithmUnsupported, "{verdict}");
    let found = world.readable(&verdict.detail().to_string());
    assert!(found.contains(detail), "{found}");
}

// C1: a signature by keys of another kind was made with another key, and that is what helps to know.
#[test]
fn a_signature_of_another_kind_of_key_is_another_keys() {
    let mut name = rcgen::DistinguishedName::new();
    name.push(rcgen::DnType::OrganizationName, "Example Keys");
    name.push(rcgen::DnType::CommonName, "Example Root CA");
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &told("root"));
    let other = spec("")
        .ca()
        .params(|params| params.distinguished_name = name)
        .self_signed();
    world.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(&other));
    let detail = "makes no such signatures";
    let remedy = "install the CA's current certificate";
    says(&mut world, ChainSignatureInvalid, Rule::C1, detail, remedy);
}

// I4: a CA's signature on itself is no part of path validation (RFC 5280 section 6.1).
#[test]
fn an_authority_that_signed_itself_with_sha1_vouches_for_its_chains() {
    let mut world = sklm1();
    world.authority(For::AnyServer, "root", &told("rootsha1"));
    world.presents(&told("i6"));
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), ChainVerified, "{verdict}");
    let mut world = collected("localhost");
    let before = CurrentTime::Known(at(NOW - 5 * DAY));
    world.published_at(before);
    world.clock = before;
    world.authority(For::AnyServer, "root", &told("sha1ca"));
    world.presents(&told("sha1leaf"));
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), ChainVerified, "{verdict}");
}

// I3, I2: what can never be an authority is not to be installed as one.
#[test]
fn the_remedy_for_a_leaf_that_a_pin_issued_looks_at_the_pin() {
    let mut world = sklm1();
    world.pin(COLLECTED, "own", &told("rootv1"));
    world.presents(&told("f10"));
    let verdict = says(
        &mut world,
        IssuedByPin,
        Rule::I3,
        "which cannot be an authority: it has an old X.509 version",
        "issue itself a new certificate of X.509 version 3 with basicConstraints CA:TRUE",
    );
    assert!(
        verdict
            .remedy()
            .contains("install the presented certificate as a pin")
    );
    // As an authority it is refused, with the same way out.
    let old = told("rootv1");
    let refused = world
        .store
        .install_authority(AuthorityScope::AnyServer, old, plain());
    let text = refused.unwrap_err().to_string();
    assert!(
        text.contains("version 3 with basicConstraints CA:TRUE"),
        "{text}"
    );
    let keytool = world
        .store
        .install_authority(AuthorityScope::AnyServer, told("b2"), plain());
    let text = keytool.unwrap_err().to_string();
    assert!(text.contains("with basicConstraints CA:TRUE"), "{text}");

    let ca = spec("own").ca().self_signed();
    for client in [false, true] {
        let mut world = World::new();
        let scope = if client { For::Clients } else { KEYS_1 };
        world.pin(scope, "own", &ca);
        world.presents(&spec("x").dns(KMS).signed_by(&ca));
        let remedy = if client {
            world.ask_client();
            "install it as an authority for clients. If"
        } else {
            "install it as an authority and release the server from its pins. If"
        };
        says(&mut world, IssuedByPin, Rule::I3, "pin ", remedy);
    }
}

// C1, M3: no tolerance, no grace and nothing to install.
#[test]
fn the_times_of_a_chain_are_judged_by_the_rule_of_chains() {
    let root = spec("root").ca().self_signed();
    let second = 1;
    for (from, to, reason, chain, pin) in [
        (
            -1000,
            -second,
            Expired,
            "Nothing has to be installed here",
            "a grace bridges",
        ),
        (
            1000,
            2000,
            NotYetValid,
            "a chain has no tolerance",
            "Compare the clocks",
        ),
    ] {
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        world.presents(&spec("x").dns(KMS).valid(from, to).signed_by(&root));
        says(&mut world, reason, Rule::C1, "judged at", chain);
        let mut world = World::new();
        let own = spec("x").dns(KMS).valid(from, to).self_signed();
        world.pin(KEYS_1, "own", &own);
        world.presents(&own);
        says(&mut world, reason, Rule::M3, "judged at", pin);
    }
}

// C4: why a list does not tell, and what to do about that.
#[test]
fn a_list_that_does_not_tell_is_said_to_be_early_or_of_another_scope() {
    for (list, detail, remedy) in [
        (
            "crl-not-yet-valid",
            "valid only from 2030-01-01T00:00:00Z on, judged at 2027-01-01",
            "Compare the clocks of this machine and of the CA",
        ),
        (
            "crl-distribution-point",
            "the installed list is for another distribution point",
            "revocation list of the distribution point that the certificate names",
        ),
    ] {
        let mut world = collected("kms.lab.example");
        world.authority(For::AnyServer, "root", &told("crl-root"));
        let list = Crl::from_pem(&fixture_bytes(&format!("told/{list}.pem"))).unwrap();
        world.store.install_crl(list).unwrap();
        world.presents(&told("crl-leaf"));
        says(&mut world, RevocationUnknown, Rule::C4, detail, remedy);
    }
    let mut world = collected("kms.lab.example");
    world.policy = world.policy.with_crl_required();
    world.authority(For::AnyServer, "root", &told("crl-root"));
    world.presents(&told("crl-leaf"));
    let (detail, remedy) = (
        "no list of this issuer is installed",
        "Install the issuer's current",
    );
    says(&mut world, RevocationUnknown, Rule::C4, detail, remedy);
}

// C1: webpki does not say which certificate it does not read, nor what in it.
#[test]
fn what_the_path_builder_does_not_read_is_named_with_its_certificate() {
    let mut world = collected("kms.lab.example");
    world.authority(For::AnyServer, "root", &told("pol-root"));
    let chain = fixture_bytes("told/pol-cp.pem");
    let [leaf, intermediate] = &Certificate::many_from_pem(&chain).unwrap()[..] else {
        panic!()
    };
    world.presents(leaf).with("i", intermediate);
    let verdict = says(
        &mut world,
        PathRefused,
        Rule::C1,
        "critical extension 2.5.29.32 (certificatePolicies)",
        "certificate that is named",
    );
    let detail = world.readable(&verdict.detail().to_string());
    assert!(detail.starts_with("certificate i (CN=Pol cp)"), "{detail}");

    // A time before 1970, in a leaf and in an intermediate.
    let root = spec("root").ca().self_signed();
    let (now, early) = (i64::try_from(NOW).unwrap(), -86_400);
    let early = early - now;
    let intermediate = spec("I").ca().valid(early, 1000).signed_by(&root);
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &root);
    world
        .presents(&spec("x").dns(KMS).signed_by(&intermediate))
        .with("I", &intermediate);
    let detail = "(CN=I): the path builder cannot read its notBefore (valid 1969-12-31T00:00:00Z";
    says(
        &mut world,
        PathRefused,
        Rule::C1,
        detail,
        "certificate that is named",
    );

    // A critical extension in the leaf that a pin may have and a chain may not.
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &root);
    let leaf = spec("x").dns(KMS).critical_extension(&[2, 5, 29, 32]);
    world.presents(&leaf.signed_by(&root));
    let detail = "critical extension 2.5.29.32 (certificatePolicies)";
    says(
        &mut world,
        UnparsableEndEntity,
        Rule::C1,
        detail,
        "without what is named",
    );
}

// I4, C1: what a provider takes is listed from the provider.
#[test]
fn a_key_that_is_not_taken_is_named_with_the_kinds_that_are() {
    let k256 = told("j_k256");
    let mut world = World::new();
    let refused = world.store.install_pin(PinScope::Clients, k256, plain());
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("ECDSA secp256k1 (1.3.132.0.10)"), "{text}");
    let root = spec("root").ca().self_signed();
    world.authority(For::AnyServer, "root", &root);
    world.presents(&with_key_of(
        &spec("x").dns(KMS).signed_by(&root),
        &told("j_k256"),
    ));
    let allowed = super::support::keys().allowed().to_string();
    assert!(text.contains(&allowed), "{text}");
    let detail = "ECDSA secp256k1 (1.3.132.0.10)";
    let remedy = format!("Give the peer a key of a kind that is accepted here: {allowed}");
    says(&mut world, KeyNotAllowed, Rule::I4, detail, &remedy);
    // Of a CA, the CA has to change.
    let issuing = with_key_of(&spec("issuing").ca().signed_by(&root), &told("j_k256"));
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &root);
    let leaf = spec("x")
        .dns(KMS)
        .signed_by(&spec("issuing").ca().self_signed());
    world.presents(&leaf).with("issuing", &issuing);
    let remedy = "Have the peer's certificate issued by a CA with a key of a kind";
    says(&mut world, KeyNotAllowed, Rule::I4, detail, remedy);
}

#[test]
fn an_ml_dsa_key_has_its_name() {
    let certificate = told("mldsa65");
    assert_eq!(certificate.key_name(), "ML-DSA-65");
    assert_eq!(certificate.signature_algorithm_name(), "ML-DSA-65");
}

// C1, I4: what the other provider takes is said where it is the way out, and only there.
#[cfg(feature = "ring")]
#[test]
fn with_ring_the_other_provider_is_named_where_it_helps() {
    let ring = mutual_trust::tls::key_policy(&mutual_trust::tls::provider::ring());
    let by_ring = mutual_trust::Policy::new(ring);
    let root = spec("root").ca().self_signed();
    // ecdsa-with-SHA512 under a P-256 key.
    let mut leaf = tree(&spec("x").dns(KMS).signed_by(&root).certificate);
    let sha512 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
    *leaf.at(&[1, 0]).content() = sha512.to_vec();
    *leaf.field(2).at(&[0]).content() = sha512.to_vec();
    let mut world = World::new();
    world.policy = by_ring;
    world.authority(For::AnyServer, "root", &root);
    world.presents_bytes(leaf.write());
    let detail = "ECDSA with SHA-512, by a key of the kind ECDSA P-256";
    let remedy = "Use the crypto provider aws-lc-rs";
    says(
        &mut world,
        SignatureAlgorithmUnsupported,
        Rule::C1,
        detail,
        remedy,
    );
    for (key, detail, helps) in [
        ("told/mldsa65", "ML-DSA-65", true),
        ("ee-p521", "ECDSA P-521", true),
        ("told/j_k256", "secp256k1", false),
    ] {
        let mut world = World::new();
        world.policy = by_ring;
        world.fingerprint(KEYS_1, "own", &fixture(key), plain());
        world.presents(&fixture(key));
        let taken = "accepted here: RSA from 2048 to 8192 bits, ECDSA P-256, ECDSA P-384, Ed25519";
        let verdict = says(&mut world, KeyNotAllowed, Rule::I4, detail, taken);
        let named = verdict
            .remedy()
            .contains("or use the crypto provider aws-lc-rs");
        assert_eq!(named, helps, "{verdict}");
    }
}

/// The certificate with another key, which is judged before its signature.
fn with_key_of(certificate: &impl Has, other: &Certificate) -> Certificate {
    let mut tree = tree(&certificate.certificate());
    *tree.field(6) = Der::read(other.subject_public_key_info());
    Certificate::from_der(&tree.write()).unwrap()
}

/// The certificate as X.509 version 1, whose signature no verdict comes to look at.
fn version_1(certificate: &impl Has) -> Certificate {
    let mut tree = tree(&certificate.certificate());
    let fields: &mut Vec<Der> = tree.at(&[0]).list();
    fields.pop();
    fields.remove(0);
    Certificate::from_der(&tree.write()).unwrap()
}

/// What is wrong with a chain, or nothing, of a leaf that has the pin's subject.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Chain {
    Good,
    NoIntermediate,
    NoRoot,
    Sha1,
    Version1,
    OtherKey,
    IssuerNoCa,
    CaUsedAsEndEntity,
    Expired,
    IssuerExpired,
    CriticalExtension,
    /// Not one: the peer signed its certificate itself, with a new key.
    SelfSigned,
    SelfSignedTwice,
}

const CHAINS: [(Chain, ReasonCode, &str); 13] = [
    (Chain::Good, ChainVerified, ""),
    (
        Chain::NoIntermediate,
        UnknownIssuer,
        "issuer CN=any intermediate",
    ),
    (
        Chain::NoRoot,
        UnknownIssuer,
        "issuer CN=other root of CN=other intermediate",
    ),
    (
        Chain::Sha1,
        SignatureAlgorithmUnsupported,
        "is signed with ECDSA with SHA-1",
    ),
    (Chain::Version1, UnparsableEndEntity, "X.509 version 1"),
    (Chain::OtherKey, ChainSignatureInvalid, "does not verify"),
    (Chain::IssuerNoCa, IssuerCannotSign, "it is not a CA"),
    (Chain::CaUsedAsEndEntity, CaUsedAsEndEntity, ""),
    (Chain::Expired, Expired, "limit"),
    (Chain::IssuerExpired, IssuerExpired, "limit"),
    (
        Chain::CriticalExtension,
        UnparsableEndEntity,
        "2.5.29.32 (certificatePolicies)",
    ),
    (Chain::SelfSigned, SelfSignedNotInstalled, ""),
    (Chain::SelfSignedTwice, SelfSignedNotInstalled, ""),
];

fn present(world: &mut World, chain: Chain, any: &super::support::pki::Pki) {
    let leaf = || spec("own").dns(KMS);
    let root = &any.root;
    match chain {
        Chain::Good => {
            let leaf = leaf().signed_by(&any.intermediate);
            world.presents(&leaf).with("i", &any.intermediate);
        }
        Chain::NoIntermediate => {
            world.presents(&leaf().signed_by(&any.intermediate));
        }
        Chain::NoRoot => {
            let other = pki("other");
            let leaf = leaf().signed_by(&other.intermediate);
            world.presents(&leaf).with("i", &other.intermediate);
        }
        Chain::Sha1 => {
            world.presents(&with_sha1(&leaf().signed_by(root).certificate));
        }
        Chain::Version1 => {
            world.presents(&version_1(&leaf().signed_by(root)));
        }
        Chain::OtherKey => {
            let other = spec("any root").ca().self_signed();
            world.presents(&leaf().signed_by(&other));
        }
        Chain::IssuerNoCa => {
            let no_ca = self_signed("no CA");
            world.presents(&leaf().signed_by(&no_ca)).with("i", &no_ca);
        }
        Chain::CaUsedAsEndEntity => {
            world.presents(&leaf().ca().signed_by(root));
        }
        Chain::Expired => {
            world.presents(&leaf().valid(-1000, -1).signed_by(root));
        }
        Chain::IssuerExpired => {
            let old = spec("I").ca().valid(-1000, -1).signed_by(root);
            world.presents(&leaf().signed_by(&old)).with("i", &old);
        }
        Chain::CriticalExtension => {
            let leaf = leaf().critical_extension(&[2, 5, 29, 32]);
            world.presents(&leaf.signed_by(root));
        }
        Chain::SelfSigned => {
            world.presents(&leaf().self_signed());
        }
        Chain::SelfSignedTwice => {
            let leaf = leaf().self_signed();
            world.presents(&leaf).with("leaf", &leaf);
        }
    }
}

/// The scope for which something is held, and what.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Held {
    Unclaimed,
    Claimed,
    Migrating,
    ClientAuthority,
    ClientBoth,
    ClientPin,
    ClientBothPinsOnly,
    ClientAuthorityPinsOnly,
}

impl Held {
    const ALL: [Self; 8] = [
        Self::Unclaimed,
        Self::Claimed,
        Self::Migrating,
        Self::ClientAuthority,
        Self::ClientBoth,
        Self::ClientPin,
        Self::ClientBothPinsOnly,
        Self::ClientAuthorityPinsOnly,
    ];

    fn hold(self, world: &mut World, own: &Made, any: &super::support::pki::Pki) {
        let client = !matches!(self, Self::Unclaimed | Self::Claimed | Self::Migrating);
        let (pins, authorities) = if client {
            world.ask_client();
            (For::Clients, For::Clients)
        } else {
            (KEYS_1, For::AnyServer)
        };
        let with_pin = !matches!(
            self,
            Self::Unclaimed | Self::ClientAuthority | Self::ClientAuthorityPinsOnly
        );
        if with_pin {
            world.pin(pins, "own", own);
        }
        if self != Self::ClientPin {
            world.authority(authorities, "root", &any.root);
        }
        if self == Self::Migrating {
            migrate(world, "keys-1");
        }
        if matches!(
            self,
            Self::ClientBothPinsOnly | Self::ClientAuthorityPinsOnly
        ) {
            world.policy = world.policy.with_clients_by_pin_only();
        }
    }

    /// What comes of a chain of which the authorities say `reason`, and by which rule.
    fn told(self, chain: Chain, reason: ReasonCode) -> (ReasonCode, Rule) {
        let signed_itself = matches!(chain, Chain::SelfSigned | Chain::SelfSignedTwice);
        let of_chain = match reason {
            // C1 for everything that is judged in a chain, but that a CA is no peer.
            CaUsedAsEndEntity => Rule::C3,
            _ => Rule::C1,
        };
        match (self, chain) {
            // Authorities alone are asked.
            (Self::Unclaimed | Self::ClientAuthority, _) => (reason, of_chain),
            // Authorities are asked: their word counts, where they have one.
            (Self::Migrating, _) if signed_itself => (SameSubjectOtherKey, Rule::P2),
            (Self::ClientBoth, _) if signed_itself => (SameSubjectOtherKey, Rule::P7),
            (Self::Migrating | Self::ClientBoth, _) => (reason, of_chain),
            // Authorities are not asked, and that they would vouch is the reason.
            (Self::Claimed, Chain::Good) => (AuthoritiesNotAsked, Rule::P2),
            (Self::Claimed, _) => (SameSubjectOtherKey, Rule::P2),
            (Self::ClientBothPinsOnly, Chain::Good) => (PinsOnly, Rule::P7),
            (Self::ClientBothPinsOnly | Self::ClientPin, _) => (SameSubjectOtherKey, Rule::P7),
            (Self::ClientAuthorityPinsOnly, _) => (PinsOnly, Rule::P7),
        }
    }
}

// P2, P3, P7, C1: a table of what is held and of what is wrong with a chain of the pin's name.
#[test]
fn what_the_authorities_say_of_a_chain_comes_before_what_its_subject_looks_like() {
    let mut wrong = String::new();
    for held in Held::ALL {
        for (chain, reason, detail) in CHAINS {
            let (any, own) = (pki("any"), self_signed("own"));
            let mut world = World::new();
            held.hold(&mut world, &own, &any);
            present(&mut world, chain, &any);
            let verdict = world.verdict();
            let expected = held.told(chain, reason);
            let found = (verdict.reason(), verdict.rule());
            let mut good = found == expected;
            if expected.0 == reason {
                good &= verdict.detail().to_string().contains(detail);
            }
            // The client has no claim, and no rule of servers.
            let about_servers = [Rule::P2, Rule::P3, Rule::P4, Rule::P8];
            good &= verdict.role() == Role::Server || !about_servers.contains(&verdict.rule());
            if !good {
                wrong.push_str(&format!(
                    "\n{held:?}, {chain:?}: must be {expected:?}, {detail:?}\n{verdict}\n"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

// C1: a certificate that signed itself is told as that, whatever the peer sends with it.
#[test]
fn what_a_self_signed_peer_sends_beside_its_certificate_hides_nothing() {
    for client in [false, true] {
        let own = self_signed("own");
        let expired = spec("own").ca().valid(-1000, -10).self_signed();
        let no_ca = self_signed("own");
        let rest: [(&str, Vec<&Made>); 5] = [
            ("nothing", vec![]),
            ("itself", vec![&own]),
            ("an expired CA of its name", vec![&expired]),
            ("another end entity of its name", vec![&no_ca]),
            ("all of them", vec![&own, &expired, &no_ca, &own]),
        ];
        for (what, rest) in rest {
            let mut world = World::new();
            let scope = if client { For::Clients } else { For::AnyServer };
            world.authority(scope, "root", &pki("any").root);
            world.presents(&own);
            for made in rest {
                world.with("beside", made);
            }
            if client {
                world.ask_client();
            }
            let verdict = world.verdict();
            assert_eq!(
                verdict.reason(),
                SelfSignedNotInstalled,
                "{what}: {verdict}"
            );
            assert!(verdict.reason().is_unknown_peer());
        }
    }
    // Of a CA of its own name that is not installed: its copy is no issuer that could not sign.
    let leaf = spec("own")
        .dns(KMS)
        .signed_by(&spec("own").ca().self_signed());
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &pki("any").root);
    world.presents(&leaf).with("leaf", &leaf);
    let verdict = says(
        &mut world,
        UnknownIssuer,
        Rule::C1,
        "issuer CN=own",
        "as an authority",
    );
    assert!(verdict.considered().is_empty(), "{verdict}");
    // A CA of the leaf's own name that is installed and has expired: it may have issued the leaf, unless the leaf
    // signed itself.
    let old = spec("own").ca().valid(-1000, -10).self_signed();
    let issued = spec("own").dns(KMS).no_authority_key_id();
    for (leaf, reason) in [
        (issued.signed_by(&old), IssuerExpired),
        (self_signed("own"), SelfSignedNotInstalled),
    ] {
        let mut world = World::new();
        world.authority(For::AnyServer, "old", &old);
        world.presents(&leaf);
        let verdict = world.verdict();
        assert_eq!(verdict.reason(), reason, "{verdict}");
    }
}
