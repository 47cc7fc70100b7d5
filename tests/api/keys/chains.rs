//! The order of a chain: kept, repaired, or refused with a reason.

use std::path::PathBuf;
use std::sync::Arc;

use mutual_trust::error::{CertificateError, ConfigError, IdentityError as E, PemError};
use mutual_trust::identity::{CertificateChain, IdentityAdvice};
use mutual_trust::limits::MAX_PRESENTED_CERTIFICATES;
use mutual_trust::tls::KeyMatch;
use mutual_trust::{Certificate, ClientConfigBuilder, Identity, ServerConfigBuilder};
use rcgen::KeyPair;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};

use crate::keys::{assert_is, keys_format};
use crate::support::pki::{Made, pki, spec};
use crate::support::plain::load;
use crate::support::{fixture, fixture_key, now, policy, providers, store};

fn order(certificates: &[&Certificate]) -> Result<Vec<Certificate>, E> {
    let chain = CertificateChain::new(certificates.iter().map(|one| (*one).clone()).collect())?;
    let found: Vec<Certificate> = chain.certificates().cloned().collect();
    assert_eq!(found.first(), Some(chain.leaf()));
    Ok(found)
}

/// All orders of `things`.
fn orders<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.len() < 2 {
        return vec![things.to_vec()];
    }
    let mut all = Vec::new();
    for index in 0..things.len() {
        let mut rest = things.to_vec();
        let first = rest.remove(index);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

#[test]
fn a_chain_is_presented_in_its_order_however_it_was_given() {
    let pki = pki("corp");
    let leaf = pki.server("kms1.example").certificate;
    let (intermediate, root) = (pki.intermediate.certificate, pki.root.certificate);
    // With the root, which is optional, and without it.
    for whole in [
        vec![&leaf],
        vec![&leaf, &intermediate],
        vec![&leaf, &intermediate, &root],
    ] {
        let expected: Vec<Certificate> = whole.iter().map(|one| (*one).clone()).collect();
        for given in orders(&whole) {
            assert_eq!(order(&given).unwrap(), expected);
        }
    }
}

#[test]
fn what_is_given_twice_is_presented_once() {
    let pki = pki("corp");
    let leaf = pki.server("kms1.example").certificate;
    let intermediate = pki.intermediate.certificate;
    let expected = [leaf.clone(), intermediate.clone()];
    for given in [
        vec![&leaf, &leaf, &intermediate],
        vec![&leaf, &intermediate, &leaf],
        vec![&intermediate, &leaf, &intermediate],
    ] {
        assert_eq!(order(&given).unwrap(), expected);
    }
    let own = spec("own").self_signed().certificate;
    assert_eq!(order(&[&own, &own]).unwrap(), [own]);
}

#[test]
fn a_gap_and_an_unrelated_certificate_are_refused_with_their_place_and_the_issuer_that_was_looked_for()
 {
    let pki = pki("corp");
    let leaf = pki.server("kms1.example").certificate;
    let root = &pki.root.certificate;
    let other = fixture("ca-root");
    let intermediate = &pki.intermediate.certificate;
    for (given, place, missing) in [
        (vec![&leaf, root], 1, "corp intermediate"),
        (vec![&leaf, &other], 1, "corp intermediate"),
        (vec![&leaf, intermediate, &other], 2, "corp root"),
        (vec![&leaf, &other, intermediate], 1, "corp root"),
        (vec![intermediate, &leaf, &other], 2, "corp root"),
    ] {
        let error = assert_is!(
            order(&given),
            E::ChainBroken { index, leaf, issuer, .. }
                if *index == place && leaf.contains("kms1.example") && issuer.contains(missing)
        );
        let text = error.to_string();
        assert!(
            text.contains(missing) && text.contains("kms1.example"),
            "{text}"
        );
    }
    // Two end entities: the first is taken as ours, and the other does not belong to the chain.
    let other = pki.client("array-7").certificate;
    assert_is!(
        order(&[&leaf, &other, intermediate]),
        E::ChainBroken { index: 1, .. }
    );
    assert_is!(
        order(&[intermediate, &leaf, &other]),
        E::ChainBroken { index: 2, .. }
    );
    // A self-signed certificate ends the chain, even if another one has its name.
    let (old, new) = (spec("own").self_signed(), spec("own").self_signed());
    let error = order(&[&old.certificate, &new.certificate]).unwrap_err();
    assert!(
        matches!(error, E::ChainBroken { index: 1, .. } | E::ChainWithoutLeaf),
        "{error:?}"
    );
}

/// Two CAs of the same name with different keys, and a leaf of the second.
fn same_name(leaf_names_key: bool) -> (Made, Made, Certificate) {
    let ca = || spec("twin").ca().self_signed();
    let (first, second) = (ca(), ca());
    let leaf = spec("kms1.example").dns("kms1.example");
    let leaf = if leaf_names_key {
        leaf
    } else {
        leaf.no_authority_key_id()
    };
    let leaf = leaf.signed_by(&second).certificate;
    (first, second, leaf)
}

#[test]
fn of_issuers_of_one_name_the_key_identifier_tells_which() {
    let (first, second, leaf) = same_name(true);
    let (first, second) = (first.certificate, second.certificate);
    // The other CA is not part of the chain.
    assert_is!(
        order(&[&leaf, &first, &second]),
        E::ChainBroken { index: 1, .. }
    );
    assert_is!(
        order(&[&leaf, &second, &first]),
        E::ChainBroken { index: 2, .. }
    );
    // Without a key identifier, either can be the issuer.
    let (first, second, leaf) = same_name(false);
    assert_is!(
        order(&[&first.certificate, &second.certificate, &leaf]),
        E::ChainAmbiguous {
            first: 0,
            second: 1,
            ..
        }
    );
    // Intermediates of the same name, each below its own root. The key identifiers tell them apart.
    let roots = [
        spec("root a").ca().self_signed(),
        spec("root b").ca().self_signed(),
    ];
    let rolled = spec("twin").ca().signed_by(&roots[0]);
    let leaf = spec("kms1.example").signed_by(&rolled).certificate;
    let chain = [
        leaf.clone(),
        rolled.certificate.clone(),
        roots[0].certificate.clone(),
    ];
    for given in orders(&chain.iter().collect::<Vec<_>>()) {
        assert_eq!(order(&given).unwrap(), chain);
    }
}

#[test]
fn issuers_that_nothing_tells_apart_are_refused_unless_their_order_does() {
    let root = spec("root").ca().self_signed();
    let key = spec("cross").ca().self_signed();
    // One key and name with two certificates: either can be the issuer of the leaf.
    let by_root = spec("cross").ca().key_of(&key).signed_by(&root).certificate;
    let again = spec("cross").ca().key_of(&key).signed_by(&key).certificate;
    let leaf = spec("kms1.example").signed_by(&key).certificate;
    assert_is!(
        order(&[&by_root, &leaf, &root.certificate, &again]),
        E::ChainAmbiguous {
            first: 0,
            second: 3,
            ..
        }
    );
    let error = order(&[&root.certificate, &again, &by_root, &leaf]).unwrap_err();
    assert!(
        error.to_string().contains("certificates 1 and 2"),
        "{error}"
    );
    // The one after the leaf is taken. The other one does not continue the chain.
    assert_is!(
        order(&[&leaf, &by_root, &root.certificate, &again]),
        E::ChainBroken { index: 3, .. }
    );
    assert_eq!(
        order(&[&leaf, &by_root, &root.certificate]).unwrap(),
        [leaf, by_root, root.certificate]
    );
}

#[test]
fn certificates_that_all_issued_each_other_are_no_chain() {
    let (a, b) = (spec("a").ca().self_signed(), spec("b").ca().self_signed());
    let a_by_b = spec("a").ca().key_of(&a).signed_by(&b).certificate;
    let b_by_a = spec("b").ca().key_of(&b).signed_by(&a).certificate;
    // Two certificates that issued each other are presented in the given order.
    assert_eq!(
        order(&[&a_by_b, &b_by_a]).unwrap(),
        [a_by_b.clone(), b_by_a.clone()]
    );
    let other = spec("c").ca().self_signed();
    let c_by_c = spec("c").ca().key_of(&other).signed_by(&other).certificate;
    let result = order(&[&a_by_b, &b_by_a, &other.certificate, &c_by_c]);
    assert_is!(result, E::ChainWithoutLeaf);
}

#[test]
fn a_chain_has_as_many_certificates_as_a_peer_may_present() {
    assert_is!(CertificateChain::new(Vec::new()), E::NoCertificate);
    let root = spec("root").ca().self_signed().certificate;
    let count = MAX_PRESENTED_CERTIFICATES + 1;
    assert_is!(
        CertificateChain::new(vec![root; count]),
        E::TooMany { count: seen, limit: MAX_PRESENTED_CERTIFICATES, .. } if *seen == count
    );
}

#[test]
fn a_file_of_a_chain_holds_certificates_and_perhaps_their_key() {
    let certificate = keys_format("certificate.pem");
    let key = keys_format("p256-sec1-after-parameters.pem");
    let both = [&*certificate, &*key].concat();
    CertificateChain::from_combined_pem(&both).unwrap();
    // A certificate file must not contain a private key.
    assert_is!(
        CertificateChain::from_pem(&both),
        E::Certificate(CertificateError::PrivateKey { index: 2, .. })
    );
    assert_is!(CertificateChain::from_combined_pem(&key), E::NoCertificate);
    let other = [&*certificate, &*keys_format("public-key.pem")].concat();
    assert_is!(
        CertificateChain::from_combined_pem(&other),
        E::Certificate(CertificateError::Pem(PemError::Label { index: 1, label, .. })) if label == "PUBLIC KEY"
    );
    let mut cut = both;
    cut.truncate(certificate.len() + 40);
    assert_is!(
        CertificateChain::from_combined_pem(&cut),
        E::Certificate(CertificateError::Pem(PemError::MissingEnd { index: 1, .. }))
    );
    let damaged = String::from_utf8(certificate)
        .unwrap()
        .replacen("MII", "MIH", 1);
    assert_is!(
        CertificateChain::from_combined_pem(damaged.as_bytes()),
        E::Certificate(CertificateError::Section {
            index: 0,
            line: 1,
            ..
        })
    );
}

/// The certificate with another signature of the same length.
fn with_wrong_signature(certificate: &Certificate) -> Certificate {
    let mut der = certificate.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    Certificate::from_der(&der).unwrap()
}

/// A chain of three with its keys, and for each issuer another certificate with the same name, another key, and no key
/// identifiers.
struct Rolled {
    leaf: Made,
    intermediate: Certificate,
    root: Certificate,
    other_intermediate: Certificate,
    other_root: Certificate,
}

fn rolled() -> Rolled {
    let ca = |name: &str| spec(name).ca().no_authority_key_id();
    let (root, other_root) = (ca("root").self_signed(), ca("root").self_signed());
    let intermediate = ca("issuing").signed_by(&root);
    let leaf = spec("array-7").no_authority_key_id();
    Rolled {
        leaf: leaf.signed_by(&intermediate),
        intermediate: intermediate.certificate,
        root: root.certificate,
        other_intermediate: ca("issuing").signed_by(&other_root).certificate,
        other_root: other_root.certificate,
    }
}

fn pem(certificates: &[&Certificate]) -> String {
    certificates.iter().map(|one| one.to_pem()).collect()
}

/// A temporary file, removed when dropped.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_chain_whose_certificate_is_not_signed_by_the_next_is_refused_with_its_place() {
    // K1
    let rolled = rolled();
    let leaf = &rolled.leaf.certificate;
    let key = rolled.leaf.key.serialize_pem();
    for (name, provider) in providers() {
        for (given, place) in [
            (vec![leaf, &rolled.other_intermediate], 0),
            (
                vec![leaf, &rolled.other_intermediate, &rolled.other_root],
                0,
            ),
            (vec![leaf, &rolled.intermediate, &rolled.other_root], 1),
        ] {
            let text = pem(&given);
            let is_refused = |result: Result<Identity, E>| {
                let error = assert_is!(
                    result,
                    E::ChainNotSigned { index, subject, issuer, .. }
                        if *index == place
                            && *subject == given[place].subject()
                            && *issuer == given[place + 1].subject()
                );
                let text = error.to_string();
                assert!(text.contains(&format!("certificate {place} ")), "{text}");
                assert!(text.contains("another key"), "{name}: {text}");
            };
            is_refused(Identity::from_pem(
                text.as_bytes(),
                key.as_bytes(),
                &provider,
            ));
            let both = format!("{text}{key}");
            is_refused(Identity::from_combined_pem(both.as_bytes(), &provider));
            let file = File::new("chain-not-signed", &both);
            is_refused(Identity::from_files(&file.0, &file.0, &provider));
        }
        for given in [
            vec![leaf],
            vec![leaf, &rolled.intermediate],
            vec![leaf, &rolled.intermediate, &rolled.root],
        ] {
            let text = pem(&given);
            let identity = Identity::from_pem(text.as_bytes(), key.as_bytes(), &provider).unwrap();
            assert_eq!(identity.chain().certificates().count(), given.len());
        }
    }
}

#[test]
fn of_a_root_at_the_end_and_of_a_certificate_alone_no_signature_is_asked() {
    let rolled = rolled();
    let key = rolled.leaf.key.serialize_pem();
    let root = with_wrong_signature(&rolled.root);
    let own = spec("array-7").self_signed();
    let alone = with_wrong_signature(&own.certificate);
    for (_, provider) in providers() {
        let text = pem(&[&rolled.leaf.certificate, &rolled.intermediate, &root]);
        Identity::from_pem(text.as_bytes(), key.as_bytes(), &provider).unwrap();
        let text = alone.to_pem();
        Identity::from_pem(
            text.as_bytes(),
            own.key.serialize_pem().as_bytes(),
            &provider,
        )
        .unwrap();
    }
}

#[test]
fn the_chain_of_an_external_signer_is_checked_when_a_configuration_is_built() {
    // Without a provider, signatures cannot be checked.
    let rolled = rolled();
    let leaf = &rolled.leaf.certificate;
    for (name, provider) in providers() {
        let identity = |issuer: &Certificate| {
            let chain = CertificateChain::new(vec![leaf.clone(), issuer.clone()]).unwrap();
            let signer = load(rolled.leaf.key.serialized_der(), &provider);
            Identity::from_signer(chain, signer, KeyMatch::Required).unwrap()
        };
        let client = |identity| {
            ClientConfigBuilder::new(provider.clone(), store().snapshot(), policy(), identity)
                .with_clock(Arc::new(now()))
        };
        let server = |identity| {
            ServerConfigBuilder::new(provider.clone(), store().snapshot(), policy(), identity)
                .with_clock(Arc::new(now()))
        };
        let wrong = identity(&rolled.other_intermediate);
        let is_refused = |error: ConfigError| {
            assert!(
                matches!(
                    &error,
                    ConfigError::Identity(E::ChainNotSigned { index: 0, .. })
                ),
                "{name}: {error:?}"
            );
            let text = error.to_string();
            assert!(text.contains("CN=issuing"), "{text}");
        };
        is_refused(client(wrong.clone()).build_by_name().unwrap_err());
        is_refused(client(wrong.clone()).client_configs().unwrap_err());
        is_refused(server(wrong).build().unwrap_err());
        let right = identity(&rolled.intermediate);
        for _ in 0..2 {
            client(right.clone()).build_by_name().unwrap();
            server(right.clone()).build().unwrap();
        }
    }
}

/// The provider without one signature algorithm for certificates.
fn without(provider: &CryptoProvider, algorithm: pki_types::AlgorithmIdentifier) -> CryptoProvider {
    let all = provider.signature_verification_algorithms;
    let kept: Vec<_> = all
        .all
        .iter()
        .copied()
        .filter(|one| one.signature_alg_id() != algorithm)
        .collect();
    assert!(kept.len() < all.all.len());
    CryptoProvider {
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: kept.leak(),
            mapping: all.mapping,
        },
        ..provider.clone()
    }
}

#[test]
fn a_signature_that_the_provider_cannot_verify_is_told_and_no_error() {
    // Peers may support the algorithm. They check the signature then.
    let key = String::from_utf8(fixture_key("rsa2048")).unwrap();
    let key = KeyPair::from_pem_and_sign_algo(&key, &rcgen::PKCS_RSA_SHA512).unwrap();
    let issuing = spec("issuing").ca().key(key).self_signed();
    let leaf = spec("array-7")
        .dns("array-7.example")
        .client_auth()
        .signed_by(&issuing);
    let untold = leaf.identity(&[&issuing], &crate::support::provider());
    assert_eq!(untold.advice(now()), []);
    for (name, provider) in providers() {
        let lacking = without(&provider, pki_types::alg_id::RSA_PKCS1_SHA512);
        let identity = leaf.identity(&[&issuing], &lacking);
        let advice = identity.advice(now());
        let [
            IdentityAdvice::SignatureNotChecked {
                index: 0,
                algorithm,
                ..
            },
        ] = &advice[..]
        else {
            panic!("{name}: {advice:?}");
        };
        assert_eq!(algorithm, "1.2.840.113549.1.1.13");
        let text = advice[0].to_string();
        assert!(text.starts_with("the certificate "), "{text}");
        // The result of such a provider must not be taken for a wrong signature either.
        let wrong = with_wrong_signature(&leaf.certificate);
        let text = pem(&[&wrong, &issuing.certificate]);
        let key = leaf.key.serialize_pem();
        Identity::from_pem(text.as_bytes(), key.as_bytes(), &lacking).unwrap();
        assert_is!(
            Identity::from_pem(text.as_bytes(), key.as_bytes(), &provider),
            E::ChainNotSigned { index: 0, .. }
        );
    }
}

#[cfg(all(feature = "ring", feature = "aws-lc-rs"))]
#[test]
fn an_issuer_whose_key_the_provider_does_not_know_is_told_once() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let issuing = spec("issuing").ca().key(key).self_signed();
    let leaf = spec("array-7")
        .dns("array-7.example")
        .client_auth()
        .signed_by(&issuing);
    let identity = leaf.identity(&[&issuing], &mutual_trust::tls::provider::ring());
    let advice = identity.advice(now());
    assert!(
        matches!(advice[..], [IdentityAdvice::Key { index: 1, .. }]),
        "{advice:?}"
    );
}
