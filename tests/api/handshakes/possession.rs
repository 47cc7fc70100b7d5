//! The peer must prove that it has the private key of what it presents (rule M2).

use std::sync::Arc;

use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode, TrustStore};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::support::fixture;
use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{pki, self_signed};
use crate::support::plain::{Always, Credential, load};

const REASON: ReasonCode = ReasonCode::HandshakeSignatureInvalid;

/// Our client against a server with `peer`, then a client with `peer` against our server.
fn both_ends(setting: &Setting, mut store: TrustStore, peer: CertifiedKey) -> [Outcome; 2] {
    let view = store.snapshot();
    let peer = Arc::new(Always(Arc::new(peer)));
    let ours = || self_signed("kms1.example").identity(&[], &setting.provider);
    let client = setting
        .client(view.clone(), ours())
        .build_for(&keys_1())
        .unwrap();
    let server = Arc::new(setting.plain_server(peer.clone()));
    let as_server = handshake(&client, &server, "kms1.example");
    let server = setting.server(view, ours()).build().unwrap();
    let client = Arc::new(setting.plain_client(peer));
    [as_server, handshake(&client, &server, "kms1.example")]
}

fn expect_refused(what: &str, [as_server, as_client]: &[Outcome; 2]) {
    let verdict = as_server.expect_client_refuses(what, REASON);
    assert!(verdict.presented().is_some(), "{what}");
    // With its subject: whose certificate was presented without the key.
    let text = verdict.to_string();
    let mut lines = text.lines();
    let shown = lines.find(|line| line.starts_with("  presented: "));
    assert!(shown.unwrap().ends_with(')'), "{what}: {text}");
    as_client.expect_server_refuses(what, REASON);
    assert!(as_client.server_connection.is_handshaking(), "{what}");
}

fn expect_accepted(what: &str, outcomes: &[Outcome; 2]) {
    for outcome in outcomes {
        outcome.expect_link(what);
    }
}

/// A store in which `certificate` is pinned for the server and for clients.
fn pinning(setting: &Setting, certificate: &str) -> TrustStore {
    let mut store = setting.pinning_server(&fixture(certificate));
    pin(&mut store, PinScope::Clients, &fixture(certificate));
    store
}

#[test]
fn a_pinned_certificate_without_its_private_key_is_refused() {
    // M2: keys of the same kind, one of them of a certificate that webpki does not read
    for setting in settings() {
        for (name, own, other) in [
            ("ee-p256", "p256", "p256-b"),
            ("ee-rsa2048", "rsa2048", "rsa2048-b"),
            ("v1", "v1", "rsa2048-b"),
            ("openssl-req-default", "openssl-req-default", "rsa2048-b"),
        ] {
            let what = format!("{name} {}", setting.name);
            let peer = |key| Credential::fixture(name, key).certified(&setting.provider);
            expect_refused(
                &what,
                &both_ends(&setting, pinning(&setting, name), peer(other)),
            );
            expect_accepted(
                &what,
                &both_ends(&setting, pinning(&setting, name), peer(own)),
            );
        }
    }
}

#[test]
fn a_chain_without_the_private_key_of_its_leaf_is_refused() {
    // M2, also with the key of its issuer
    for setting in settings() {
        let ca = pki("Example");
        let mut store = setting.listing_server();
        for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
            let options = EntryOptions::new();
            store
                .install_authority(scope, ca.root.certificate(), options)
                .unwrap();
        }
        let view = store.snapshot();
        let ours = || self_signed("kms1.example").identity(&[], &setting.provider);
        let issuer = Credential::of(&ca.intermediate, &[]);
        let server = Credential::of(&ca.server("kms1.example"), &[&ca.intermediate]);
        let client = setting
            .client(view.clone(), ours())
            .build_for(&keys_1())
            .unwrap();
        let server = setting.server_of(&server.signing_as(&issuer));
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_client_refuses(&setting.name, REASON);

        let client = Credential::of(&ca.client("array-7.example"), &[&ca.intermediate]);
        let client = setting.client_of(&client.signing_as(&issuer));
        let server = setting.server(view, ours()).build().unwrap();
        let outcome = handshake(&client, &server, "kms1.example");
        outcome.expect_server_refuses(&setting.name, REASON);
    }
}

/// Signs as it likes, whatever was offered.
#[derive(Debug)]
struct Stubborn {
    key: Arc<dyn SigningKey>,
    /// With this scheme …
    scheme: SignatureScheme,
    /// … which it calls so.
    called: SignatureScheme,
}

#[derive(Debug)]
struct Called(Box<dyn Signer>, SignatureScheme);

impl SigningKey for Stubborn {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.key.choose_scheme(&[self.scheme])?;
        Some(Box::new(Called(signer, self.called)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}

impl Signer for Called {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign(message)
    }

    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}

fn stubborn(setting: &Setting, scheme: SignatureScheme, called: SignatureScheme) -> CertifiedKey {
    let Credential { chain, key } = Credential::fixture("ee-rsa2048", "rsa2048");
    let key = load(&key, &setting.provider);
    CertifiedKey::new(
        chain,
        Arc::new(Stubborn {
            key,
            scheme,
            called,
        }),
    )
}

#[test]
fn a_pkcs1_signature_serves_tls_1_2_and_is_refused_in_tls_1_3() {
    // M2, RFC 8446 section 4.2.3
    for setting in settings() {
        for scheme in [
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
        ] {
            let what = format!("{scheme:?} {}", setting.name);
            let peer = stubborn(&setting, scheme, scheme);
            let outcomes = both_ends(&setting, pinning(&setting, "ee-rsa2048"), peer);
            if setting.is_tls13() {
                expect_refused(&what, &outcomes);
            } else {
                expect_accepted(&what, &outcomes);
            }
        }
    }
}

#[test]
fn a_signature_scheme_that_was_not_offered_is_refused() {
    // M2: a good signature under a wrong or unknown name
    for setting in settings() {
        let honest = SignatureScheme::RSA_PSS_SHA256;
        for called in [
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ED25519,
            SignatureScheme::Unknown(0x0808),
        ] {
            let what = format!("{called:?} {}", setting.name);
            let peer = stubborn(&setting, honest, called);
            let [as_server, as_client] = both_ends(&setting, pinning(&setting, "ee-rsa2048"), peer);
            as_client.expect_server_refuses(&what, REASON);
            // In TLS 1.2 rustls itself compares the cipher suite with the scheme of a server.
            if setting.is_tls13() {
                as_server.expect_client_refuses(&what, REASON);
            } else {
                let by_rustls = matches!(as_server.client, Err(Error::PeerMisbehaved(_)));
                if !by_rustls {
                    as_server.expect_client_refuses(&what, REASON);
                }
            }
        }
        let peer = stubborn(&setting, honest, honest);
        let outcomes = both_ends(&setting, pinning(&setting, "ee-rsa2048"), peer);
        expect_accepted(&setting.name, &outcomes);
    }
}

/// The setting with a provider that verifies `scheme` as it does `like`.
fn mapping(setting: &Setting, scheme: SignatureScheme, like: SignatureScheme) -> Setting {
    let mut provider = (*setting.provider).clone();
    let known = provider.signature_verification_algorithms;
    let mut mapping = known.mapping.to_vec();
    let found = mapping.iter().find(|(known, _)| *known == like).unwrap();
    mapping.push((scheme, found.1));
    provider.signature_verification_algorithms = WebPkiSupportedAlgorithms {
        all: known.all,
        mapping: mapping.leak(),
    };
    Setting {
        provider: Arc::new(provider),
        ..setting.clone()
    }
}

#[test]
fn a_provider_that_knows_sha1_schemes_does_not_bring_them_into_tls_1_3() {
    // M2, RFC 8446 section 4.2.3: they sign certificates at most
    for setting in settings() {
        for (scheme, like, certificate, key) in [
            (
                SignatureScheme::RSA_PKCS1_SHA1,
                SignatureScheme::RSA_PKCS1_SHA256,
                "ee-rsa2048",
                "rsa2048",
            ),
            (
                SignatureScheme::ECDSA_SHA1_Legacy,
                SignatureScheme::ECDSA_NISTP256_SHA256,
                "ee-p256",
                "p256",
            ),
        ] {
            let what = format!("{scheme:?} {}", setting.name);
            let setting = mapping(&setting, scheme, like);
            let Credential { chain, key } = Credential::fixture(certificate, key);
            let key = load(&key, &setting.provider);
            let (scheme, called) = (like, scheme);
            let key = Stubborn {
                key,
                scheme,
                called,
            };
            let peer = CertifiedKey::new(chain, Arc::new(key));
            let outcomes = both_ends(&setting, pinning(&setting, certificate), peer);
            if setting.is_tls13() {
                expect_refused(&what, &outcomes);
            } else {
                expect_accepted(&what, &outcomes);
            }
        }
    }
}

/// Signs with P-521 and SHA-256, under the scheme that TLS 1.2 calls "ECDSA with SHA-256" and TLS 1.3 "ECDSA
/// with P-256 and SHA-256".
#[cfg(feature = "aws-lc-rs")]
#[derive(Debug)]
struct OtherCurve(rcgen::KeyPair);

#[cfg(feature = "aws-lc-rs")]
#[derive(Debug)]
struct OtherCurveSigner(rcgen::KeyPair);

#[cfg(feature = "aws-lc-rs")]
impl OtherCurve {
    fn key(der: &[u8]) -> rcgen::KeyPair {
        let key = pki_types::PrivatePkcs8KeyDer::from(der);
        let algorithm = &rcgen::PKCS_ECDSA_P521_SHA256;
        rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&key, algorithm).unwrap()
    }
}

#[cfg(feature = "aws-lc-rs")]
impl SigningKey for OtherCurve {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(OtherCurveSigner(Self::key(
            self.0.serialized_der(),
        ))))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

#[cfg(feature = "aws-lc-rs")]
impl Signer for OtherCurveSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(rcgen::SigningKey::sign(&self.0, message).unwrap())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_scheme_names_the_curve_in_tls_1_3_and_only_the_hash_in_tls_1_2() {
    // M2, RFC 8446 section 4.2.3 and RFC 8422 section 5.1.1
    for tls13 in [false, true] {
        let setting = crate::handshakes::keys::aws_lc_rs(tls13);
        let Credential { chain, key } = Credential::fixture("ee-p521", "p521");
        let peer = CertifiedKey::new(chain, Arc::new(OtherCurve(OtherCurve::key(&key))));
        let outcomes = both_ends(&setting, pinning(&setting, "ee-p521"), peer);
        if tls13 {
            expect_refused(&setting.name, &outcomes);
        } else {
            expect_accepted(&setting.name, &outcomes);
        }
    }
}
