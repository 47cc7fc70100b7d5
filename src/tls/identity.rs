//! A chain and a key that belong together, ready to be presented (rule K1).

use core::fmt;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::certificate::Certificate;
use crate::error::IdentityError;
use crate::identity::{Chain, PrivateKey};

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
        let key = provider
            .key_provider
            .load_private_key(key.into_der())
            .map_err(|_| IdentityError::KeyUnusable)?;
        let public = key.public_key().ok_or(IdentityError::KeyUnknown)?;
        if public.as_ref() != chain.leaf().subject_public_key_info() {
            return Err(IdentityError::KeyMismatch {
                certificate: chain.leaf().fingerprint(),
            });
        }
        let certificates = chain
            .certificates()
            .map(|certificate| certificate.der().clone());
        let key = CertifiedKey::new(certificates.collect(), key);
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
