//! A chain and a key that belong together, ready to be presented (rule K1).

use core::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::certificate::{Certificate, CurrentTime, KeyPolicy};
use crate::identity::error::IdentityError;
use crate::identity::{self, CertificateChain, IdentityAdvice, KeyReader, PrivateKey, scrub_stack};

/// Whether a signer must report the public key that it signs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a key that cannot be compared is either accepted or not"
)]
pub enum KeyMatch {
    /// It must report the public key, which must be that of the certificate (rule K1).
    Required,
    /// If it does not report the public key, the caller is responsible for it. With a wrong key, handshakes fail at the
    /// peer.
    AcceptUnknown,
}

/// Our identity: a chain of certificates, and the private key of the first, loaded into a crypto provider.
///
/// The certificate can be of any version, a self-signed end entity or signed by a CA. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    chain: CertificateChain,
    key: Arc<CertifiedKey>,
    /// What the provider verifies, if the key was loaded into one. The signatures in the chain were checked then.
    keys: Option<KeyPolicy>,
    /// Whether they were checked since, with the provider of a configuration. All clones share it.
    is_checked: Arc<AtomicBool>,
}

impl Identity {
    /// Loads the key into the provider and checks that it belongs to the first certificate, and that each certificate
    /// is signed by the next (rule K1). A signature for which the provider has no algorithm is not judged, and the
    /// [advice](Self::advice) says so.
    ///
    /// # Security
    /// The key is wiped from our buffer when the provider has it. A provider of your own must wipe what it is given, as
    /// those of rustls do.
    ///
    /// # Errors
    /// The provider cannot use the key, or the key belongs to another certificate (compared by
    /// `SubjectPublicKeyInfo`); or a certificate of the chain is not signed by the next.
    pub fn new(
        chain: CertificateChain,
        key: PrivateKey,
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        let kind = key.kind();
        let (der, unusable) = key.into_der();
        let key = load(der, provider);
        let keys = super::key_policy(provider);
        let key = key.ok_or_else(|| {
            if keys.check(chain.leaf()).is_err() {
                // The provider cannot use its public part either.
                IdentityError::KeyUnusable { key: kind }
            } else {
                unusable
            }
        })?;
        let identity = Self::of_key(chain, key, keys);
        if identity.is_err() {
            // The provider has dropped the key.
            scrub_stack();
        }
        identity
    }

    /// Does the same with a key that the provider has already. `keys` is what the provider verifies.
    pub(super) fn of_key(
        chain: CertificateChain,
        key: Arc<dyn SigningKey>,
        keys: KeyPolicy,
    ) -> Result<Self, IdentityError> {
        let identity = Self::of_signer(chain, key, KeyMatch::Required, Some(keys))?;
        identity.chain.check_signatures(&keys)?;
        Ok(identity)
    }

    /// Takes a signer for a key that stays where it is: in an HSM, behind PKCS#11 or in a TPM. When a configuration is
    /// built, its provider checks that each certificate is signed by the next. An identity that is
    /// [staged](super::Identities::stage) after the last configuration was built is not checked.
    ///
    /// # Security
    /// With [`KeyMatch::AcceptUnknown`], a signer that does not report its public key is trusted to have the right key. A
    /// key that is reported is compared all the same.
    ///
    /// # Errors
    /// The key belongs to another certificate, or is not reported and must be.
    pub fn from_signer(
        chain: CertificateChain,
        signer: Arc<dyn SigningKey>,
        key_match: KeyMatch,
    ) -> Result<Self, IdentityError> {
        Self::of_signer(chain, signer, key_match, None)
    }

    fn of_signer(
        chain: CertificateChain,
        key: Arc<dyn SigningKey>,
        key_match: KeyMatch,
        keys: Option<KeyPolicy>,
    ) -> Result<Self, IdentityError> {
        match (key.public_key(), key_match) {
            (Some(public), _) => {
                if public.as_ref() != chain.leaf().subject_public_key_info() {
                    return Err(IdentityError::KeyMismatch {
                        certificate: chain.leaf().fingerprint(),
                    });
                }
            }
            (None, KeyMatch::Required) => return Err(IdentityError::KeyUnknown),
            (None, KeyMatch::AcceptUnknown) => {}
        }
        let certificates = chain
            .certificates()
            .map(|certificate| certificate.der().to_vec().into());
        // Not `CertifiedKey::from_der`, which does not read certificates of version 1.
        let key = CertifiedKey::new(certificates.collect(), Arc::new(Scrubbing(key)));
        Ok(Self {
            chain,
            key: Arc::new(key),
            keys,
            is_checked: Arc::default(),
        })
    }

    /// Reads the chain and the key from PEM; both may be the same text.
    ///
    /// # Errors
    /// As [`CertificateChain::from_combined_pem`], [`PrivateKey::from_pem`] and [`new`](Self::new).
    pub fn from_pem(
        chain: &[u8],
        key: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        Self::new(
            CertificateChain::from_combined_pem(chain)?,
            PrivateKey::from_pem(key)?,
            provider,
        )
    }

    /// Reads the chain and the key from one PEM text.
    ///
    /// # Errors
    /// As [`KeyReader::combined_pem`] and [`new`](Self::new).
    pub fn from_combined_pem(
        text: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        let (chain, key) = KeyReader::new().combined_pem(text)?;
        Self::new(chain, key, provider)
    }

    /// Reads the chain and the key from files; both may be the same. The file of the key must be private, as
    /// [`PrivateKey::from_file`] says.
    ///
    /// # Errors
    /// As [`CertificateChain::from_file`], [`PrivateKey::from_file`] and [`new`](Self::new).
    pub fn from_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        Self::new(
            CertificateChain::from_file(chain)?,
            PrivateKey::from_file(key)?,
            provider,
        )
    }

    /// What peers are known to refuse about this identity, with the time by `clock`. An empty list is no promise that
    /// they accept it.
    ///
    /// ```
    /// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    /// # fn show(identity: mutual_trust::Identity) {
    /// use mutual_trust::certificate::{SystemClock, TimeSource};
    ///
    /// for advice in identity.advice(SystemClock::new().now()) {
    ///     println!("{advice}");
    /// }
    /// # }
    /// ```
    pub fn advice(&self, clock: CurrentTime) -> Vec<IdentityAdvice> {
        identity::advice(&self.chain, clock, self.keys.as_ref())
    }

    /// All certificates that are presented, in their order.
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }

    /// Our own certificate, which the administrator of the other end installs.
    pub fn certificate(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// Checks the signatures in the chain of an external signer with the provider of a configuration, once (rule K1).
    pub(super) fn check_chain(&self, keys: &KeyPolicy) -> Result<(), IdentityError> {
        if self.keys.is_none() && !self.is_checked.load(Ordering::Relaxed) {
            self.chain.check_signatures(keys)?;
            self.is_checked.store(true, Ordering::Relaxed);
        }
        Ok(())
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

/// Loads a key into a provider. `None` if the provider cannot use it.
///
/// Its result, and that of a signature, are made after the scrub: the unused bytes of one that is made before can hold
/// what a register or the stack held.
pub(super) fn load(
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Option<Arc<dyn SigningKey>> {
    #[inline(never)]
    fn load_into(
        key: PrivateKeyDer<'static>,
        provider: &CryptoProvider,
        loaded: &mut Option<Arc<dyn SigningKey>>,
    ) {
        if let Ok(key) = provider.key_provider.load_private_key(key) {
            *loaded = Some(key);
        }
    }
    let mut loaded = None;
    load_into(key, provider, &mut loaded);
    scrub_stack();
    loaded
}

/// Signs, and scrubs the stack (rule K2).
pub(super) fn sign(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
    #[inline(never)]
    fn sign_into(
        signer: &dyn Signer,
        message: &[u8],
        signature: &mut Vec<u8>,
        error: &mut Option<rustls::Error>,
    ) {
        match signer.sign(message) {
            Ok(signed) => *signature = signed,
            Err(failed) => *error = Some(failed),
        }
    }
    let (mut signature, mut error) = (Vec::new(), None);
    sign_into(signer, message, &mut signature, &mut error);
    scrub_stack();
    error.map_or(Ok(signature), Err)
}

struct ScrubbingSigner(Box<dyn Signer>);

impl Signer for ScrubbingSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        sign(&*self.0, message)
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
