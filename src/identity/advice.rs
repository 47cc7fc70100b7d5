//! Properties of our own certificates that known peers refuse.

use core::fmt;

use pki_types::alg_id;

use super::CertificateChain;
use super::chain::can_check;
use crate::certificate::{
    Certificate, CurrentTime, KeyKind, KeyPolicy, KeyRefusal, Timestamp, der,
};
use crate::limits::{EXPIRY_NOTICE, MIN_RSA_BITS};

/// A property of an identity that some peers refuse. The identity is still usable: what matters is what the actual
/// peers accept.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityAdvice {
    /// The extended key usage does not list clientAuth. Peers refuse the certificate from a client.
    #[doc(hidden)]
    NotForClients,
    /// clientAuth is not stated: the extended key usage is missing or allows any usage. PyKMIP refuses such clients.
    #[doc(hidden)]
    ClientAuthNotStated,
    /// The end-entity certificate is a CA. MinIO KES and plain rustls refuse it.
    #[doc(hidden)]
    IsCa,
    /// There are no subject alternative names, so peers that check names refuse the certificate.
    #[doc(hidden)]
    NoNames,
    /// The certificate has version 1 or 2. webpki does not read it, and so plain rustls does not either.
    #[non_exhaustive]
    #[doc(hidden)]
    OldVersion {
        /// The version.
        version: u8,
    },
    /// TLS 1.2 peers that use rustls cannot verify this kind of key. TLS 1.3 is required.
    #[non_exhaustive]
    #[doc(hidden)]
    OnlyTls13 {
        /// The kind of key.
        key: KeyKind,
    },
    /// The key signs with ML-DSA (RFC 9881). TLS 1.2 does not have it, and few peers verify it.
    #[doc(hidden)]
    MlDsa,
    /// A certificate has expired.
    #[non_exhaustive]
    #[doc(hidden)]
    Expired {
        /// Position in the chain, from 0, the end entity.
        index: usize,
        /// Its last second.
        not_after: Timestamp,
    },
    /// A certificate expires within 30 days.
    #[non_exhaustive]
    #[doc(hidden)]
    ExpiresSoon {
        /// Position in the chain, from 0, the end entity.
        index: usize,
        /// Its last second.
        not_after: Timestamp,
    },
    /// A certificate is not valid yet.
    #[non_exhaustive]
    #[doc(hidden)]
    NotYetValid {
        /// Position in the chain, from 0, the end entity.
        index: usize,
        /// Its first second.
        not_before: Timestamp,
    },
    /// The clock is unset, so the validity periods cannot be checked.
    #[doc(hidden)]
    ClockUnset,
    /// A key is weaker than the policy requires, or the provider cannot verify it.
    #[non_exhaustive]
    #[doc(hidden)]
    Key {
        /// Position of its certificate in the chain, from 0, the end entity.
        index: usize,
        /// Why peers would refuse it.
        refusal: KeyRefusal,
    },
    /// The issuer signed a certificate with a digest for which signatures can be forged. OpenSSL, rustls and others
    /// refuse it.
    #[non_exhaustive]
    #[doc(hidden)]
    WeakSignature {
        /// Position in the chain, from 0, the end entity.
        index: usize,
        /// The digest algorithm.
        digest: &'static str,
    },
    /// The provider has no algorithm for the signature on a certificate, so it is unknown whether the next certificate
    /// is its issuer. Peers with the same provider refuse the chain.
    #[non_exhaustive]
    #[doc(hidden)]
    SignatureNotChecked {
        /// Position in the chain, from 0, the end entity.
        index: usize,
        /// Object identifier of the signature algorithm.
        algorithm: String,
    },
}

impl fmt::Display for IdentityAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForClients => f.write_str(
                "the extended key usage does not allow clientAuth: key servers refuse this certificate from a \
                 client",
            ),
            Self::ClientAuthNotStated => f.write_str(
                "the extended key usage does not list clientAuth: PyKMIP refuses this certificate",
            ),
            Self::IsCa => f.write_str(
                "the certificate is a CA: MinIO KES and plain rustls refuse it as an end entity",
            ),
            Self::NoNames => f.write_str(
                "the certificate has no subject alternative names: peers that check names refuse it",
            ),
            Self::OldVersion { version } => write!(
                f,
                "the certificate has X.509 version {version}: plain rustls does not read it"
            ),
            Self::OnlyTls13 { key } => write!(
                f,
                "peers that use rustls verify this key ({key}) in TLS 1.3 only"
            ),
            Self::MlDsa => f.write_str(
                "the key signs with ML-DSA: TLS 1.3 only, and few peers verify it (OpenSSL from 3.5 on, Go from \
                 1.27 on)",
            ),
            Self::Expired { index, not_after } => {
                write!(f, "{} ended at {}", Which(*index), not_after)
            }
            Self::ExpiresSoon { index, not_after } => {
                write!(f, "{} ends soon, at {}", Which(*index), not_after)
            }
            Self::NotYetValid { index, not_before } => write!(
                f,
                "{} is not valid before {}",
                Which(*index),
                not_before
            ),
            Self::ClockUnset => {
                f.write_str("the clock is unset: the validity of the certificates is unknown")
            }
            Self::Key { index, refusal } => write!(f, "{}: {refusal}", Which(*index)),
            Self::WeakSignature { index, digest } => write!(
                f,
                "{} was signed with {digest}, which peers refuse",
                Which(*index)
            ),
            Self::SignatureNotChecked { index, algorithm } => write!(
                f,
                "{} is signed with the algorithm {algorithm}, which the crypto provider does not support: the next \
                 certificate may not be its issuer",
                Which(*index)
            ),
        }
    }
}

/// Displays a certificate by its position in the chain.
struct Which(usize);

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("the certificate"),
            index => write!(f, "certificate {index} of the chain"),
        }
    }
}

/// Collects the advice on a chain. `keys` has the keys that the provider verifies, if a provider is known.
pub(crate) fn advice(
    chain: &CertificateChain,
    clock: CurrentTime,
    keys: Option<&KeyPolicy>,
) -> Vec<IdentityAdvice> {
    let mut found = Vec::new();
    let leaf = chain.leaf();
    match leaf.extended_key_usage() {
        Some(usage) if usage.client_auth => {}
        Some(usage) if !usage.any => found.push(IdentityAdvice::NotForClients),
        _ => found.push(IdentityAdvice::ClientAuthNotStated),
    }
    if leaf.is_ca() {
        found.push(IdentityAdvice::IsCa);
    }
    if leaf.names().next().is_none() {
        found.push(IdentityAdvice::NoNames);
    }
    let version = leaf.version();
    if version < 3 {
        found.push(IdentityAdvice::OldVersion { version });
    }
    if leaf.key_kind() == KeyKind::P521 {
        let key = KeyKind::P521;
        found.push(IdentityAdvice::OnlyTls13 { key });
    }
    if signs_with_ml_dsa(leaf) {
        found.push(IdentityAdvice::MlDsa);
    }
    if clock == CurrentTime::Unset {
        found.push(IdentityAdvice::ClockUnset);
    }
    for (index, certificate) in chain.certificates().enumerate() {
        found.extend(of_time(index, certificate, clock));
        found.extend(
            key_refusal(certificate, keys).map(|refusal| IdentityAdvice::Key { index, refusal }),
        );
        found.extend(
            weak_digest(certificate).map(|digest| IdentityAdvice::WeakSignature { index, digest }),
        );
    }
    for (index, (issued, issuer)) in chain.links().enumerate() {
        // The advice on the key or the digest covers this already.
        let is_told = key_refusal(issuer, keys).is_some() || weak_digest(issued).is_some();
        if keys.is_some_and(|keys| !is_told && !can_check(issued, issuer, keys)) {
            let algorithm = issued.signature_algorithm();
            found.push(IdentityAdvice::SignatureNotChecked { index, algorithm });
        }
    }
    found
}

/// Whether the key is an ML-DSA key (RFC 9881). TLS has signature schemes for these only in version 1.3.
pub(crate) fn signs_with_ml_dsa(certificate: &Certificate) -> bool {
    let kinds = [alg_id::ML_DSA_44, alg_id::ML_DSA_65, alg_id::ML_DSA_87];
    der::algorithm_of_spki(certificate.subject_public_key_info())
        .is_some_and(|found| kinds.iter().any(|kind| kind.as_ref() == found))
}

fn of_time(index: usize, certificate: &Certificate, clock: CurrentTime) -> Option<IdentityAdvice> {
    let now = match clock {
        CurrentTime::Known(now) => Timestamp::from(now),
        CurrentTime::Unset => return None,
    };
    let validity = certificate.validity();
    let (not_before, not_after) = (validity.not_before(), validity.not_after());
    let notice = i64::try_from(EXPIRY_NOTICE.as_secs()).unwrap_or(i64::MAX);
    if now > not_after {
        Some(IdentityAdvice::Expired { index, not_after })
    } else if now < not_before {
        Some(IdentityAdvice::NotYetValid { index, not_before })
    } else if not_after.seconds().saturating_sub(now.seconds()) < notice {
        Some(IdentityAdvice::ExpiresSoon { index, not_after })
    } else {
        None
    }
}

fn key_refusal(certificate: &Certificate, keys: Option<&KeyPolicy>) -> Option<KeyRefusal> {
    if let Some(keys) = keys {
        return keys.check(certificate).err();
    }
    let key = certificate.key_kind();
    let min_bits = MIN_RSA_BITS;
    matches!(key, KeyKind::Rsa { bits } if bits < min_bits)
        .then_some(KeyRefusal::Weak { key, min_bits })
}

/// The digest in the issuer's signature, if signatures with it can be forged. `None` for a self-signed certificate: its
/// own signature need not be verified.
fn weak_digest(certificate: &Certificate) -> Option<&'static str> {
    if certificate.names_own_key() == Some(true) {
        return None;
    }
    match certificate.signature_algorithm().as_str() {
        // With RSA (RFC 3279 section 2.2.1), DSA and ECDSA.
        "1.2.840.113549.1.1.2" => Some("MD2"),
        "1.2.840.113549.1.1.4" => Some("MD5"),
        "1.2.840.113549.1.1.5" | "1.2.840.10040.4.3" | "1.2.840.10045.4.1" => Some("SHA-1"),
        _ => None,
    }
}
