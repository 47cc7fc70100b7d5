//! Our identity: a chain and a key that belong together, or an error (rules K1 and K3).

use mutual_trust::Identity;
use mutual_trust::error::{CertificateError, FoundKind, IdentityError as E, PemError};
use mutual_trust::identity::{CertificateChain, PrivateKey};
use mutual_trust::limits::{MAX_PRESENTED_CERTIFICATES, MAX_PRIVATE_KEY_BYTES};
use rustls::crypto::CryptoProvider;

use crate::support::der::{INTEGER, OCTETS, OID, SEQUENCE, bytes, parts};
use crate::support::pki::{pki, spec};
use crate::support::*;

fn load(name: &str, key: &str, provider: &CryptoProvider) -> Result<Identity, E> {
    Identity::from_pem(
        &fixture_bytes(&format!("{name}.pem")),
        &fixture_key(key),
        provider,
    )
}

macro_rules! assert_is {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {{
        let error = $result.unwrap_err();
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
    }};
}

#[test]
fn every_kind_of_key_and_certificate_can_be_an_identity() {
    for (which, provider) in providers() {
        for (name, key) in [
            ("ee-rsa2048", "rsa2048"),
            ("ee-rsa3072", "rsa3072"),
            ("ee-rsa4096", "rsa4096"),
            ("ee-p256", "p256"),
            ("ee-p384", "p384"),
            ("ee-ed25519", "ed25519"),
            ("openssl-req-default", "openssl-req-default"),
            ("keytool-default", "keytool-default"),
            ("v1", "v1"),
            ("empty-subject", "empty-subject"),
            ("unknown-critical-extension", "unknown-critical-extension"),
            ("expired", "expired"),
        ] {
            let identity = load(name, key, &provider);
            let identity = identity.unwrap_or_else(|error| panic!("{which} {name}: {error}"));
            assert_eq!(identity.certificate(), &fixture(name));
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn aws_lc_rs_loads_p521_and_keys_without_their_public_part() {
    let provider = mutual_trust::tls::provider::aws_lc_rs();
    load("ee-p521", "p521", &provider).unwrap();
    load("keytool-ec", "keytool-ec", &provider).unwrap();
}

#[cfg(feature = "ring")]
#[test]
fn a_key_that_the_provider_cannot_load_is_an_error_when_the_identity_is_built() {
    let provider = mutual_trust::tls::provider::ring();
    assert_is!(load("ee-p521", "p521", &provider), E::KeyUnusable { .. });
}

#[test]
fn bytes_that_are_no_key_are_an_error_before_or_when_the_identity_is_built() {
    for junk in [
        Vec::new(),
        vec![0x30, 0x00],
        vec![0; 64],
        vec![0x30, 0x03, 0x02, 0x01, 0x00],
    ] {
        assert_is!(PrivateKey::from_der(junk), E::KeyMalformed);
    }
    let size = MAX_PRIVATE_KEY_BYTES + 1;
    let large = parts(
        SEQUENCE,
        vec![
            bytes(INTEGER, &[0]),
            parts(SEQUENCE, Vec::new()),
            bytes(OCTETS, &vec![0; size]),
        ],
    );
    assert_is!(
        PrivateKey::from_der(large.write()),
        E::KeyTooLarge { size: found, limit: MAX_PRIVATE_KEY_BYTES, .. } if *found > size
    );
    // The structure of PKCS#8 without a key: without an algorithm, and with an unknown one.
    let shape = |algorithm| {
        let fields = vec![
            bytes(INTEGER, &[0]),
            parts(SEQUENCE, algorithm),
            bytes(OCTETS, &[0; 32]),
        ];
        PrivateKey::from_der(parts(SEQUENCE, fields).write())
    };
    assert_is!(shape(Vec::new()), E::KeyMalformed);
    for (_, provider) in providers() {
        let chain = CertificateChain::new(vec![fixture("ee-p256")]).unwrap();
        let key = shape(vec![bytes(OID, &[0x2a, 3, 4])]).unwrap();
        assert_is!(Identity::new(chain, key, &provider), E::KeyUnusable { .. });
    }
}

#[test]
fn a_key_of_another_certificate_is_refused_with_the_certificate() {
    // K1: the same kind of key, and another kind.
    for (_, provider) in providers() {
        for (name, key) in [
            ("ee-p256", "p256-b"),
            ("ee-rsa2048", "rsa2048-b"),
            ("ee-p256", "rsa2048"),
            ("ee-p256", "p384"),
            ("ee-ed25519", "p256"),
            ("v1", "rsa2048"),
        ] {
            let expected = fixture(name).fingerprint();
            assert_is!(
                load(name, key, &provider),
                E::KeyMismatch { certificate, .. } if *certificate == expected
            );
        }
    }
}

#[test]
fn the_key_belongs_to_the_first_certificate_not_to_another_of_the_chain() {
    let provider = provider();
    let pki = pki("corp");
    let leaf = pki.server("kms1.example");
    let chain = vec![leaf.certificate(), pki.intermediate.certificate()];
    let key = PrivateKey::from_der(pki.intermediate.key.serialize_der()).unwrap();
    let result = Identity::new(CertificateChain::new(chain).unwrap(), key, &provider);
    assert_is!(result, E::KeyMismatch { certificate, .. } if *certificate == leaf.certificate.fingerprint());
}

#[test]
fn exactly_one_private_key_is_wanted() {
    let key = fixture_key("p256");
    assert_is!(
        PrivateKey::from_pem(&[key.clone(), key.clone()].concat()),
        E::NotOneKey { found: 2, .. }
    );
    assert_is!(
        PrivateKey::from_pem(&[key.clone(), fixture_key("rsa2048")].concat()),
        E::NotOneKey { found: 2, .. }
    );
    assert_is!(
        PrivateKey::from_pem(&fixture_bytes("ee-p256.pem")),
        E::NotAKey {
            found: FoundKind::Certificate,
            ..
        }
    );
    assert_is!(PrivateKey::from_pem(b""), E::KeyPem(PemError::NoSection));
    let mut cut = key;
    cut.truncate(cut.len() - 5);
    assert_is!(
        PrivateKey::from_pem(&cut),
        E::KeyPem(PemError::Boundary { .. })
    );
}

#[test]
fn sections_beside_the_key_are_passed_over() {
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let text = [
        parameters.as_bytes(),
        &fixture_bytes("ee-p256.pem"),
        &fixture_key("p256"),
    ]
    .concat();
    let key = PrivateKey::from_pem(&text).unwrap();
    let chain = CertificateChain::new(vec![fixture("ee-p256")]).unwrap();
    Identity::new(chain, key, &provider()).unwrap();
}

#[test]
fn an_encrypted_key_is_told_apart_from_a_damaged_one() {
    let pkcs8 =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                  DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n\
                  -----END RSA PRIVATE KEY-----\n";
    assert_is!(PrivateKey::from_pem(pkcs8.as_bytes()), E::EncryptedKey);
    assert_is!(
        PrivateKey::from_pem(legacy.as_bytes()),
        E::LegacyEncryptedKey
    );
    for error in [E::EncryptedKey, E::LegacyEncryptedKey] {
        assert!(error.to_string().contains("decrypt"), "{error}");
    }
    let other = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    assert_is!(
        PrivateKey::from_pem(other.as_bytes()),
        E::KeyPem(PemError::Label { label, .. }) if label == "OPENSSH PRIVATE KEY"
    );
}

#[test]
fn a_chain_is_in_the_order_in_which_it_is_presented() {
    // RFC 5246 section 7.4.2.
    let pki = pki("corp");
    let leaf = pki.server("kms1.example").certificate();
    let (intermediate, root) = (pki.intermediate.certificate(), pki.root.certificate());
    let whole = vec![leaf.clone(), intermediate.clone(), root.clone()];
    let chain = CertificateChain::new(whole.clone()).unwrap();
    assert!(chain.certificates().eq(&whole));
    assert_eq!(chain.leaf(), &leaf);
    // In any order, with duplicates.
    for order in [
        vec![leaf.clone(), root.clone(), intermediate.clone()],
        vec![
            root.clone(),
            intermediate.clone(),
            leaf.clone(),
            leaf.clone(),
        ],
    ] {
        assert!(
            CertificateChain::new(order)
                .unwrap()
                .certificates()
                .eq(&whole)
        );
    }
    for (order, place) in [
        (vec![leaf.clone(), root.clone()], 1),
        (vec![leaf.clone(), fixture("ca-root")], 1),
        (
            vec![intermediate.clone(), leaf.clone(), fixture("ca-root")],
            2,
        ),
    ] {
        assert_is!(CertificateChain::new(order), E::ChainBroken { index, .. } if *index == place);
    }
    assert_is!(CertificateChain::new(Vec::new()), E::NoCertificate);
    let root = spec("root").ca().self_signed().certificate();
    let many = vec![root; MAX_PRESENTED_CERTIFICATES + 1];
    assert_is!(
        CertificateChain::new(many),
        E::TooMany { count, limit: MAX_PRESENTED_CERTIFICATES, .. }
            if *count == MAX_PRESENTED_CERTIFICATES + 1
    );
}

#[test]
fn the_errors_of_the_certificates_are_handed_on() {
    assert_is!(
        CertificateChain::from_pem(&fixture_bytes("malformed/truncated-last-section.pem")),
        E::Certificate(CertificateError::Pem(PemError::MissingEnd { index: 1, .. }))
    );
    assert_is!(
        CertificateChain::from_pem(b""),
        E::Certificate(CertificateError::Pem(PemError::NoSection))
    );
}

#[test]
fn chain_and_key_may_stand_in_one_text() {
    // As documented for `Identity::from_pem`, and as many tools write it.
    let text = [fixture_bytes("ee-p256.pem"), fixture_key("p256")].concat();
    let identity = Identity::from_pem(&text, &text, &provider()).unwrap();
    assert_eq!(identity.certificate(), &fixture("ee-p256"));
}
