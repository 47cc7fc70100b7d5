//! External keys: a signer uses them, and may or may not tell the public key.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mutual_trust::Identity;
use mutual_trust::error::IdentityError as E;
use mutual_trust::identity::CertificateChain;
use mutual_trust::tls::KeyMatch;
use pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::SigningKey;
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::keys::assert_is;
use crate::keys::formats::expect_links;
use crate::support::pki::self_signed;
use crate::support::plain::load;
use crate::support::{fixture, fixture_key, providers};

/// A signer like a module for an HSM. It may or may not tell its public key.
#[derive(Debug)]
pub(crate) struct Signer {
    key: Option<Arc<dyn SigningKey>>,
    tells: bool,
    chosen: AtomicUsize,
}

impl Signer {
    pub(crate) fn new(key: Arc<dyn SigningKey>, tells: bool) -> Arc<Self> {
        Arc::new(Self {
            key: Some(key),
            tells,
            chosen: AtomicUsize::new(0),
        })
    }

    /// A signer that cannot sign.
    pub(crate) fn silent() -> Arc<Self> {
        Arc::new(Self {
            key: None,
            tells: false,
            chosen: AtomicUsize::new(0),
        })
    }
}

impl SigningKey for Signer {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        self.chosen.fetch_add(1, Ordering::Relaxed);
        self.key.as_ref()?.choose_scheme(offered)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        let key = self.key.as_ref().filter(|_| self.tells)?;
        key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key
            .as_ref()
            .map_or(SignatureAlgorithm::Unknown(0), |key| key.algorithm())
    }
}

#[test]
fn an_external_signer_makes_links_at_both_ends() {
    for (name, provider) in providers() {
        for (tells, key_match) in [
            (true, KeyMatch::Required),
            (true, KeyMatch::AcceptUnknown),
            (false, KeyMatch::AcceptUnknown),
        ] {
            let made = self_signed("kms1.example");
            let signer = Signer::new(load(made.key.serialized_der(), &provider), tells);
            let chain = CertificateChain::new(vec![made.certificate()]).unwrap();
            let identity = Identity::from_signer(chain, signer.clone(), key_match).unwrap();
            expect_links("external signer", &identity, name);
            assert!(signer.chosen.load(Ordering::Relaxed) > 0);
        }
    }
}

#[test]
fn a_signer_that_does_not_tell_its_key_is_accepted_by_choice_only() {
    // K1
    for (_, provider) in providers() {
        let made = self_signed("kms1.example");
        let signer = || Signer::new(load(made.key.serialized_der(), &provider), false);
        let chain = || CertificateChain::new(vec![made.certificate()]).unwrap();
        assert_is!(
            Identity::from_signer(chain(), signer(), KeyMatch::Required),
            E::KeyUnknown
        );
        Identity::from_signer(chain(), signer(), KeyMatch::AcceptUnknown).unwrap();
    }
}

#[test]
fn a_signer_that_tells_another_key_is_refused_whatever_was_chosen() {
    // K1
    for (_, provider) in providers() {
        let (made, other) = (self_signed("kms1.example"), self_signed("kms1.example"));
        for key_match in [KeyMatch::Required, KeyMatch::AcceptUnknown] {
            let signer = Signer::new(load(other.key.serialized_der(), &provider), true);
            let chain = CertificateChain::new(vec![made.certificate()]).unwrap();
            assert_is!(
                Identity::from_signer(chain, signer, key_match),
                E::KeyMismatch { certificate, .. } if *certificate == made.certificate.fingerprint()
            );
        }
    }
}

#[test]
fn the_key_of_a_certificate_of_version_1_is_compared_too() {
    // K1
    let pkcs8 = |name: &str| {
        use pki_types::PrivatePkcs8KeyDer;
        use pki_types::pem::PemObject;
        let key = PrivatePkcs8KeyDer::from_pem_slice(&fixture_key(name)).unwrap();
        key.secret_pkcs8_der().to_vec()
    };
    for (name, provider) in providers() {
        let chain = || CertificateChain::new(vec![fixture("v1")]).unwrap();
        let signer = Signer::new(load(&pkcs8("v1"), &provider), true);
        let identity = Identity::from_signer(chain(), signer, KeyMatch::Required).unwrap();
        expect_links("version 1", &identity, name);
        let other = Signer::new(load(&pkcs8("rsa2048"), &provider), true);
        assert_is!(
            Identity::from_signer(chain(), other, KeyMatch::Required),
            E::KeyMismatch { .. }
        );
    }
}
