//! A chain and a key that belong together, ready to be presented (rule K1).

use core::fmt;
use std::sync::Arc;

use pki_types::SubjectPublicKeyInfoDer;
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::certificate::Certificate;
use crate::error::IdentityError;
use crate::identity::{Chain, PrivateKey, scrub_stack};

/// Who we are: a chain of certificates, and the private key of the first, loaded into a crypto provider.
///
/// Any certificate will do, of any version, self-signed or CA-signed. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    chain: Chain,
    key: Arc<CertifiedKey>,
}

impl Identity {
    /// Loads the key into the provider and checks that it belongs to the first certificate.
    ///
    /// # Errors
    /// The provider cannot use the key, or the key belongs to another certificate (compared by
    /// `SubjectPublicKeyInfo`).
    pub fn new(
        chain: Chain,
        key: PrivateKey,
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        let key = provider.key_provider.load_private_key(key.into_der());
        scrub_stack();
        let key = key.map_err(|_| IdentityError::KeyUnusable)?;
        let public = key.public_key().ok_or(IdentityError::KeyUnknown)?;
        if public.as_ref() != chain.leaf().subject_public_key_info() {
            return Err(IdentityError::KeyMismatch {
                certificate: chain.leaf().fingerprint(),
            });
        }
        let certificates = chain
            .certificates()
            .map(|certificate| certificate.der().clone());
        let key = CertifiedKey::new(certificates.collect(), Arc::new(Scrubbing(key)));
        Ok(Self {
            chain,
            key: Arc::new(key),
        })
    }

    /// Reads the chain and the key from PEM; both may be the same text.
    ///
    /// # Errors
    /// As [`Chain::from_pem`], [`PrivateKey::from_pem`] and [`new`](Self::new).
    pub fn from_pem(
        chain: &[u8],
        key: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        Self::new(
            Chain::from_pem(chain)?,
            PrivateKey::from_pem(key)?,
            provider,
        )
    }

    /// Our own certificate: what the other end's administrator installs.
    pub fn certificate(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// Whether the key can sign with one of `schemes` (rule K3).
    pub(super) fn signs_with(&self, schemes: &[SignatureScheme]) -> bool {
        self.key.key.choose_scheme(schemes).is_some()
    }

    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.key.clone()))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", self.certificate())
            .finish_non_exhaustive()
    }
}

/// A provider's key, after each use of which the dead stack is scrubbed (rule K2).
struct Scrubbing(Arc<dyn SigningKey>);

impl SigningKey for Scrubbing {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.0.choose_scheme(offered)?;
        Some(Box::new(ScrubbingSigner(signer)))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.0.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl fmt::Debug for Scrubbing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.algorithm())
    }
}

struct ScrubbingSigner(Box<dyn Signer>);

impl Signer for ScrubbingSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature = self.0.sign(message);
        scrub_stack();
        signature
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}

impl fmt::Debug for ScrubbingSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:?})", self.scheme())
    }
}
