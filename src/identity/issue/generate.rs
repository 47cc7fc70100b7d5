//! Generates private keys with the crypto library of the enabled features.

use core::fmt;
#[cfg(unix)]
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyType;
use crate::identity::error::IssueError;
#[cfg(unix)]
use crate::identity::error::WriteError;
#[cfg(unix)]
use crate::identity::{IfExists, write_private};
use crate::identity::{PrivateKey, scrub_stack};

/// A newly generated private key. [Write](Self::write) it first, then [use](Self::into_key) it: a crypto provider does
/// not give a key back. It is wiped when dropped.
pub struct GeneratedKey(
    /// PKCS#8.
    Zeroizing<Vec<u8>>,
);

impl GeneratedKey {
    /// Generates a key: with aws-lc-rs if its feature is enabled, else with ring. Every crypto provider can load it.
    ///
    /// # Security
    /// aws-lc-rs wipes its buffers. ring leaves the key on the stack, which is scrubbed.
    ///
    /// # Errors
    /// The library does not support keys of this type, or failed.
    pub fn generate(key: KeyType) -> Result<Self, IssueError> {
        let made = library::generate(key);
        scrub_stack();
        let made = made?.ok_or(IssueError::Library {
            doing: "generating a key",
        })?;
        Ok(Self(made))
    }

    /// Writes the key as PKCS#8 in PEM, as [`write_private`] writes.
    ///
    /// # Errors
    /// As [`write_private`].
    #[cfg(unix)]
    pub fn write(&self, path: impl AsRef<Path>, existing: IfExists) -> Result<(), WriteError> {
        write_private(path, &self.to_pem(), existing)
    }

    /// The key for a crypto provider.
    ///
    /// # Errors
    /// As [`PrivateKey::from_der`]. No such error is known for a newly generated key.
    pub fn into_key(mut self) -> Result<PrivateKey, IssueError> {
        Ok(PrivateKey::from_der(core::mem::take(&mut *self.0))?)
    }

    /// The key as PKCS#8, for a program that encrypts it before it writes it.
    ///
    /// # Security
    /// The bytes are wiped with this key. Copies of them are the caller's to wipe.
    #[doc(hidden)]
    pub fn pkcs8(&self) -> &[u8] {
        &self.0
    }

    /// The PEM in one buffer, allocated at its final size.
    #[cfg(unix)]
    pub(crate) fn to_pem(&self) -> Zeroizing<Vec<u8>> {
        use base64ct::{Base64, Encoding};

        const BEGIN: &[u8] = b"-----BEGIN PRIVATE KEY-----\n";
        const END: &[u8] = b"-----END PRIVATE KEY-----\n";
        // 48 bytes are a line of 64 characters (RFC 7468 section 2).
        const LINE: usize = 48;

        let lines = self.0.len().div_ceil(LINE);
        let size = BEGIN
            .len()
            .saturating_add(lines.saturating_mul(65))
            .saturating_add(END.len());
        let mut pem = Zeroizing::new(Vec::with_capacity(size));
        pem.extend_from_slice(BEGIN);
        let mut line = Zeroizing::new([0_u8; 64]);
        for bytes in self.0.chunks(LINE) {
            // 48 bytes fit into 64 characters, so this does not fail.
            let text = Base64::encode(bytes, &mut *line).unwrap_or("");
            pem.extend_from_slice(text.as_bytes());
            pem.push(b'\n');
        }
        pem.extend_from_slice(END);
        pem
    }
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GeneratedKey(..)")
    }
}

/// Copies a key into a buffer of its exact size. The library wipes the original, or the scrub of the stack does.
fn kept(document: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(document.len()));
    kept.extend_from_slice(document);
    kept
}

#[cfg(feature = "aws-lc-rs")]
mod library {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING,
        ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm,
    };
    use zeroize::Zeroizing;

    use super::{KeyType, kept};
    use crate::identity::error::IssueError;

    type Made = Option<Zeroizing<Vec<u8>>>;

    /// Not inlined, so that the stack frames of the library are below the caller's, which scrubs.
    #[inline(never)]
    pub(super) fn generate(key: KeyType) -> Result<Made, IssueError> {
        Ok(match key {
            KeyType::P256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyType::P384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            KeyType::Ed25519 => ed25519(),
            KeyType::Rsa2048 => rsa(rsa::KeySize::Rsa2048),
            KeyType::Rsa3072 => rsa(rsa::KeySize::Rsa3072),
            KeyType::Rsa4096 => rsa(rsa::KeySize::Rsa4096),
            KeyType::MlDsa44 => ml_dsa(&ML_DSA_44_SIGNING),
            KeyType::MlDsa65 => ml_dsa(&ML_DSA_65_SIGNING),
            KeyType::MlDsa87 => ml_dsa(&ML_DSA_87_SIGNING),
        })
    }

    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Made {
        let document = EcdsaKeyPair::generate(algorithm).ok()?.to_pkcs8v1().ok()?;
        Some(kept(document.as_ref()))
    }

    /// PKCS#8 version 1 without the public part, because OpenSSL does not read version 2.
    fn ed25519() -> Made {
        let document = Ed25519KeyPair::generate().ok()?.to_pkcs8v1().ok()?;
        Some(kept(document.as_ref()))
    }

    /// Only the seed (RFC 9881 section 6). All readers can derive the rest.
    fn ml_dsa(algorithm: &'static PqdsaSigningAlgorithm) -> Made {
        let document = PqdsaKeyPair::generate(algorithm).ok()?.to_pkcs8v1().ok()?;
        Some(kept(document.as_ref()))
    }

    fn rsa(size: rsa::KeySize) -> Made {
        let pair = rsa::KeyPair::generate(size).ok()?;
        let document: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        Some(kept(document.as_ref()))
    }
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
mod library {
    use ring::rand::{SecureRandom, SystemRandom};
    use ring::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm,
    };
    use zeroize::Zeroizing;

    use super::{KeyType, kept};
    use crate::identity::error::IssueError;

    type Made = Option<Zeroizing<Vec<u8>>>;

    /// PKCS#8 version 1 for Ed25519 (RFC 8410 section 7), up to the seed.
    const ED25519: [u8; 16] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    const SEED: usize = 32;

    /// Not inlined, so that the stack frames of the library are below the caller's, which scrubs.
    #[inline(never)]
    pub(super) fn generate(key: KeyType) -> Result<Made, IssueError> {
        match key {
            KeyType::P256 => Ok(ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)),
            KeyType::P384 => Ok(ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING)),
            KeyType::Ed25519 => Ok(ed25519()),
            KeyType::Rsa2048
            | KeyType::Rsa3072
            | KeyType::Rsa4096
            | KeyType::MlDsa44
            | KeyType::MlDsa65
            | KeyType::MlDsa87 => Err(IssueError::KeyType { key }),
        }
    }

    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Made {
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).ok()?;
        Some(kept(document.as_ref()))
    }

    /// ring writes a PKCS#8 version 2 that OpenSSL does not read, so the key is encoded here. A seed is 32 random
    /// bytes.
    fn ed25519() -> Made {
        let mut key = kept(&[ED25519.as_slice(), &[0; SEED]].concat());
        SystemRandom::new()
            .fill(key.get_mut(ED25519.len()..)?)
            .ok()?;
        Some(key)
    }
}
