//! Makes certificates and requests with a key that is inside a crypto provider.

use core::fmt;
use std::sync::Arc;

use pki_types::{AlgorithmIdentifier, alg_id};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, SecureRandom};
use rustls::sign::SigningKey;

use super::Identity;
use crate::certificate::{CurrentTime, KeyKind, KeyPolicy, der};
use crate::identity::error::{IdentityError, IssueError};
use crate::identity::{
    CertificateChain, CertificateRequest, CertificateSpec, PrivateKey, SERIAL_BYTES,
    is_self_signed, request, scrub_stack, self_signed,
};

/// Our private key inside a crypto provider, which makes certificates and requests. Cheap to clone.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use mutual_trust::CurrentTime;
/// use mutual_trust::certificate::{SystemClock, TimeSource};
/// use mutual_trust::identity::{CertificateSpec, KeyType, GeneratedKey};
/// use mutual_trust::tls::{self, SigningKeyPair};
///
/// let provider = tls::provider::default_provider();
/// let new = GeneratedKey::generate(KeyType::P256)?; // new.write(..) before it goes into the provider
/// let key = SigningKeyPair::new(new.into_key()?, &provider)?;
/// let spec = CertificateSpec::new("array-7")?.with_dns_name("array-7.example".parse()?);
/// let identity = key.self_signed(&spec, 730, SystemClock::new().now())?;
/// println!("{}", identity.certificate().to_pem()); // for the key servers' administrators
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct SigningKeyPair {
    key: Arc<dyn SigningKey>,
    kind: KeyKind,
    spki: Vec<u8>,
    /// What its provider verifies.
    keys: KeyPolicy,
    random: &'static dyn SecureRandom,
}

impl SigningKeyPair {
    /// Loads a key into the provider.
    ///
    /// # Errors
    /// The provider cannot use the key, or does not report its public key.
    pub fn new(key: PrivateKey, provider: &CryptoProvider) -> Result<Self, IdentityError> {
        let kind = key.kind();
        let (der, unusable) = key.into_der();
        let key = super::identity::load(der, provider);
        Self::of_signer(key.ok_or(unusable)?, kind, provider)
    }

    /// Takes the key of an identity, which stays where it is.
    ///
    /// # Errors
    /// The key does not report its public key. An external signer may not report it.
    pub fn from_identity(
        identity: &Identity,
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        let key = ResolvesClientCert::resolve(&*identity.resolver(), &[], &[]);
        let key = key.ok_or(IdentityError::KeyUnknown)?.key.clone();
        Self::of_signer(key, identity.certificate().key_kind(), provider)
    }

    /// Takes a key that stays where it is, and has no certificate yet: for the crates beside this one. Its kind is for
    /// messages.
    ///
    /// # Errors
    /// The key does not report its public key.
    #[doc(hidden)]
    pub fn of_signer(
        key: Arc<dyn SigningKey>,
        kind: KeyKind,
        provider: &CryptoProvider,
    ) -> Result<Self, IdentityError> {
        let Some(spki) = key.public_key().map(|public| public.to_vec()) else {
            drop(key);
            // The provider may have dropped the key.
            scrub_stack();
            return Err(IdentityError::KeyUnknown);
        };
        Ok(Self {
            key,
            kind,
            spki,
            keys: super::key_policy(provider),
            random: provider.secure_random,
        })
    }

    /// Makes a certificate signed by the key itself, valid from five minutes before `now` for `days`, with a
    /// random serial number.
    ///
    /// All key servers that we know accept such a certificate: version 3, CA:FALSE, for clients and servers,
    /// digitalSignature (and keyEncipherment for RSA).
    ///
    /// # Errors
    /// The clock is unset, the validity is out of range, or the key cannot sign certificates.
    pub fn self_signed(
        &self,
        spec: &CertificateSpec,
        days: u32,
        now: CurrentTime,
    ) -> Result<Identity, IssueError> {
        let mut serial = [0; SERIAL_BYTES];
        self.random
            .fill(&mut serial)
            .map_err(|_| IssueError::Library {
                doing: "giving random numbers",
            })?;
        let certificate = self_signed(spec, days, now, serial, &self.signer()?)?;
        self.identity(CertificateChain::new(vec![certificate])?)
    }

    /// Makes a request for a certificate by a CA. Keep the key and the request until the answer is
    /// [installed](Self::install).
    ///
    /// # Errors
    /// The key signs nothing.
    pub fn request(&self, spec: &CertificateSpec) -> Result<CertificateRequest, IssueError> {
        request(spec, &self.signer()?)
    }

    /// Makes an identity from the answer to a request: our certificate with those of its issuers. Its
    /// [advice](Identity::advice) says whether key servers accept it.
    ///
    /// # Errors
    /// The answer is to another request, a self-signed certificate or a CA; or one of its certificates is not signed
    /// by the next; or the request was made with another key than this one.
    pub fn install(
        &self,
        request: &CertificateRequest,
        answer: CertificateChain,
    ) -> Result<Identity, IssueError> {
        request.check_answer(&answer)?;
        self.identity(answer)
    }

    fn identity(&self, chain: CertificateChain) -> Result<Identity, IssueError> {
        Ok(Identity::of_key(chain, self.key.clone(), self.keys)?)
    }

    /// How this key signs certificates.
    fn signer(&self) -> Result<Signer<'_>, IssueError> {
        let signer = parts(&self.spki).and_then(|(algorithm, public)| {
            let (rcgen, scheme) = algorithms(algorithm)?;
            self.key.choose_scheme(&[scheme])?;
            Some(Signer {
                key: &*self.key,
                public,
                rcgen,
                scheme,
            })
        });
        signer.ok_or(IssueError::CannotSign { key: self.kind })
    }
}

impl Identity {
    /// Makes a certificate of the same key, subject and names, signed by the key itself, with other dates and another
    /// serial number. It is for key servers that bind to the key. All other key servers need the new certificate before
    /// it is presented there ([`Identities`](super::Identities)).
    ///
    /// # Errors
    /// The certificate is issued by a CA: use [`request_renewal`](Self::request_renewal). Or its subject or names cannot
    /// be written again as they are. Or as [`SigningKeyPair::self_signed`].
    pub fn renew(
        &self,
        days: u32,
        now: CurrentTime,
        provider: &CryptoProvider,
    ) -> Result<Self, IssueError> {
        self.self_signed_anew(&SigningKeyPair::from_identity(self, provider)?, days, now)
    }

    /// Does the same with a new key: for the end of a key's life, or when others may know the key.
    ///
    /// # Errors
    /// The key is the old one; or as [`renew`](Self::renew).
    pub fn rekey(
        &self,
        key: &SigningKeyPair,
        days: u32,
        now: CurrentTime,
    ) -> Result<Self, IssueError> {
        if key.spki == self.certificate().subject_public_key_info() {
            return Err(IssueError::SameKey);
        }
        self.self_signed_anew(key, days, now)
    }

    /// Makes a request for a certificate of the same key, subject and names, by a CA. For a new key, use
    /// [`SigningKeyPair::request`].
    ///
    /// # Errors
    /// The subject or names cannot be written again as they are; or as [`SigningKeyPair::request`].
    pub fn request_renewal(
        &self,
        provider: &CryptoProvider,
    ) -> Result<CertificateRequest, IssueError> {
        let spec = CertificateSpec::from_template(self.certificate())?;
        SigningKeyPair::from_identity(self, provider)?.request(&spec)
    }

    fn self_signed_anew(
        &self,
        key: &SigningKeyPair,
        days: u32,
        now: CurrentTime,
    ) -> Result<Self, IssueError> {
        let old = self.certificate();
        if !is_self_signed(old) {
            return Err(IssueError::NotSelfSigned {
                issuer: old.issuer(),
            });
        }
        let new = key.self_signed(&CertificateSpec::from_template(old)?, days, now)?;
        if !CertificateSpec::is_kept(new.certificate(), old) {
            return Err(IssueError::NotKept {
                what: "the subject or a name",
            });
        }
        Ok(new)
    }
}

/// The key as the writer of certificates needs it: it signs, and does not leave the provider.
struct Signer<'a> {
    key: &'a dyn SigningKey,
    public: &'a [u8],
    rcgen: &'static rcgen::SignatureAlgorithm,
    scheme: SignatureScheme,
}

impl rcgen::PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.rcgen
    }
}

impl rcgen::SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = self.key.choose_scheme(&[self.scheme]);
        let signer = signer.ok_or(rcgen::Error::RemoteKeyError)?;
        let signature = super::identity::sign(&*signer, message);
        signature.map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// The contents of the algorithm identifier and of the public key in a `SubjectPublicKeyInfo`.
fn parts(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let algorithm = der::algorithm_of_spki(spki)?;
    let (outer, _) = der::take(spki)?;
    let (_, rest) = der::take(outer.content)?;
    let (bits, _) = der::take(rest)?;
    // The first byte counts unused bits; keys have none.
    let public = bits.content.strip_prefix(&[0])?;
    Some((algorithm, public))
}

/// The algorithms that certificates are signed with: the hash that fits the curve, and for RSA the padding that all
/// readers of certificates know.
fn algorithms(key: &[u8]) -> Option<(&'static rcgen::SignatureAlgorithm, SignatureScheme)> {
    let is = |algorithm: AlgorithmIdentifier| algorithm.as_ref() == key;
    if is(alg_id::ECDSA_P256) {
        let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
        Some((&rcgen::PKCS_ECDSA_P256_SHA256, scheme))
    } else if is(alg_id::ECDSA_P384) {
        let scheme = SignatureScheme::ECDSA_NISTP384_SHA384;
        Some((&rcgen::PKCS_ECDSA_P384_SHA384, scheme))
    } else if is(alg_id::ED25519) {
        Some((&rcgen::PKCS_ED25519, SignatureScheme::ED25519))
    } else if is(alg_id::RSA_ENCRYPTION) {
        Some((&rcgen::PKCS_RSA_SHA256, SignatureScheme::RSA_PKCS1_SHA256))
    } else {
        only_of_aws_lc(key)
    }
}

/// The writer of certificates has these identifiers with its backend for aws-lc-rs, which is used for nothing else.
#[cfg(feature = "aws-lc-rs")]
fn only_of_aws_lc(key: &[u8]) -> Option<(&'static rcgen::SignatureAlgorithm, SignatureScheme)> {
    let is = |algorithm: AlgorithmIdentifier| algorithm.as_ref() == key;
    if is(alg_id::ECDSA_P521) {
        let scheme = SignatureScheme::ECDSA_NISTP521_SHA512;
        Some((&rcgen::PKCS_ECDSA_P521_SHA512, scheme))
    } else if is(alg_id::ML_DSA_44) {
        Some((&rcgen::PKCS_ML_DSA_44, SignatureScheme::ML_DSA_44))
    } else if is(alg_id::ML_DSA_65) {
        Some((&rcgen::PKCS_ML_DSA_65, SignatureScheme::ML_DSA_65))
    } else if is(alg_id::ML_DSA_87) {
        Some((&rcgen::PKCS_ML_DSA_87, SignatureScheme::ML_DSA_87))
    } else {
        None
    }
}

#[cfg(not(feature = "aws-lc-rs"))]
fn only_of_aws_lc(_: &[u8]) -> Option<(&'static rcgen::SignatureAlgorithm, SignatureScheme)> {
    None
}

impl fmt::Debug for SigningKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnKey({})", self.kind)
    }
}
