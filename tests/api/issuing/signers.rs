//! External signers, and keys that providers cannot use.

use std::sync::Arc;

use mutual_trust::Identity;
#[cfg(feature = "aws-lc-rs")]
use mutual_trust::certificate::KeyKind;
use mutual_trust::error::IssueError;
use mutual_trust::identity::{CertificateChain, KeyType};
use mutual_trust::tls::{KeyMatch, SigningKeyPair};
use pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom};
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::issuing::made::{own_key, spec};
#[cfg(feature = "aws-lc-rs")]
use crate::support::fixture_identity;
use crate::support::link::settings;
use crate::support::pki::self_signed;
use crate::support::{now, provider};

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_p521_key_that_was_made_elsewhere_signs_certificates() {
    // Keys of this kind are not generated here. Tokens have them.
    let identity = fixture_identity("ee-p521", "p521", &provider());
    let renewed = identity.renew(30, now(), &provider()).unwrap();
    assert_eq!(renewed.certificate().key_kind(), KeyKind::P521);
    assert_ne!(
        renewed.certificate().fingerprint(),
        identity.certificate().fingerprint()
    );
}

/// An external signer, such as an HSM, that tells its public key and then misbehaves.
#[derive(Debug)]
struct Outside {
    like: Arc<dyn SigningKey>,
    offers: bool,
}

impl SigningKey for Outside {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let inner = self.like.choose_scheme(offered)?;
        self.offers
            .then(|| -> Box<dyn Signer> { Box::new(Fails(inner.scheme())) })
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.like.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.like.algorithm()
    }
}

#[derive(Debug)]
struct Fails(SignatureScheme);

impl Signer for Fails {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Err(rustls::Error::General("the device is gone".into()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.0
    }
}

#[test]
fn a_signer_that_fails_or_offers_no_signature_is_an_error() {
    let provider = provider();
    for offers in [true, false] {
        let made = self_signed("array-7.example");
        let key = PrivateKeyDer::Pkcs8(made.key.serialize_der().into());
        let like = provider.key_provider.load_private_key(key).unwrap();
        let chain = CertificateChain::new(vec![made.certificate()]).unwrap();
        let outside = Arc::new(Outside { like, offers });
        let identity = Identity::from_signer(chain, outside, KeyMatch::Required).unwrap();
        let key = SigningKeyPair::from_identity(&identity, &provider).unwrap();
        for refused in [
            key.self_signed(&spec(), 30, now()).map(drop),
            key.request(&spec()).map(drop),
            identity.renew(30, now(), &provider).map(drop),
            identity.request_renewal(&provider).map(drop),
        ] {
            let expected = match &refused {
                Err(IssueError::Signing) => offers,
                Err(IssueError::CannotSign { .. }) => !offers,
                _ => false,
            };
            assert!(expected, "{refused:?}");
        }
    }
}

#[test]
fn a_signer_outside_signs_for_us_without_giving_its_key() {
    for setting in settings() {
        let made = self_signed("array-7.example");
        let key = PrivateKeyDer::Pkcs8(made.key.serialize_der().into());
        let signer = setting.provider.key_provider.load_private_key(key).unwrap();
        let chain = CertificateChain::new(vec![made.certificate()]).unwrap();
        let identity = Identity::from_signer(chain, signer, KeyMatch::Required).unwrap();
        let renewed = identity.renew(30, now(), &setting.provider).unwrap();
        assert_eq!(renewed.certificate().key_pin(), made.certificate.key_pin());
    }
}

#[test]
fn without_random_numbers_no_certificate_is_made() {
    #[derive(Debug)]
    struct NoRandom;
    impl SecureRandom for NoRandom {
        fn fill(&self, _: &mut [u8]) -> Result<(), GetRandomFailed> {
            Err(GetRandomFailed)
        }
    }
    let broken = CryptoProvider {
        secure_random: &NoRandom,
        ..CryptoProvider::clone(&provider())
    };
    let refused = own_key(KeyType::P256, &broken).self_signed(&spec(), 30, now());
    assert!(
        matches!(refused, Err(IssueError::Library { .. })),
        "{refused:?}"
    );
}
