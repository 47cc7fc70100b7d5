//! Signs for a fleet with a private key of ours.

use core::fmt;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::sign::SigningKey;

use crate::admin::bundle::{BundleKey, Signer};
use crate::identity::error::IdentityError;
use crate::identity::{PrivateKey, scrub_stack};

/// Loads a private key into the provider, to sign key sets and bundles of a fleet with it: Ed25519, ECDSA P-256 or ML-DSA.
/// The key is wiped as that of an [`Identity`](super::Identity) is.
///
/// # Errors
/// The provider cannot use the key, or it is of another kind.
pub fn bundle_signer(
    key: PrivateKey,
    provider: &CryptoProvider,
) -> Result<impl Signer + use<>, IdentityError> {
    let kind = key.kind();
    let (der, unusable) = key.into_der();
    let loaded = super::identity::load(der, provider).ok_or(unusable)?;
    let signer = ProviderSigner::new(loaded);
    if signer.is_none() {
        // The provider has dropped the key.
        scrub_stack();
    }
    signer.ok_or(IdentityError::KeyUnusable { key: kind })
}

/// A key inside a crypto provider.
struct ProviderSigner {
    key: Arc<dyn SigningKey>,
    public: BundleKey,
}

/// The schemes of the kinds of keys that sign, of which each has one.
const SCHEMES: [SignatureScheme; 5] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ML_DSA_44,
    SignatureScheme::ML_DSA_65,
    SignatureScheme::ML_DSA_87,
];

impl ProviderSigner {
    fn new(key: Arc<dyn SigningKey>) -> Option<Self> {
        let public = BundleKey::from_der(key.public_key()?.as_ref()).ok()?;
        key.choose_scheme(&SCHEMES)?;
        Some(Self { key, public })
    }
}

impl Signer for ProviderSigner {
    fn key(&self) -> &BundleKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn core::error::Error + Send + Sync>> {
        let signer = self.key.choose_scheme(&SCHEMES);
        let signer = signer.ok_or("the crypto provider has no scheme for the key")?;
        Ok(super::identity::sign(&*signer, message)?)
    }
}

impl fmt::Debug for ProviderSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderSigner({:?})", self.public)
    }
}
