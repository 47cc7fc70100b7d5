//! A private key on its way to the crypto provider.

use core::fmt;
use std::io::Read;
use std::path::Path;

use pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::KeyReader;
use super::form::Form;
use super::pkcs8;
use crate::certificate::{KeyKind, KeyRefusal};
use crate::identity::error::IdentityError;
use crate::limits::{MAX_PRIVATE_KEY_BYTES, MAX_RSA_BITS, MIN_RSA_BITS};

/// A private key in DER, wiped when dropped. It cannot be cloned, compared, printed or turned into bytes.
///
/// Read are PKCS#8 (RFC 5958, of both versions), PKCS#1 (RFC 8017) and SEC 1 (RFC 5915), with RSA of 2048 to
/// 8192 bits or whatever else the provider can use, with aws-lc-rs also ML-DSA (RFC 9881); what is not the default way of reading them, such as a
/// passphrase, is for a [`KeyReader`].
///
/// ```compile_fail,E0599
/// let key = mutual_trust::identity::PrivateKey::from_pem(b"").unwrap();
/// let copy = key.clone();
/// ```
/// ```compile_fail,E0369
/// # fn key() -> mutual_trust::identity::PrivateKey { unimplemented!() }
/// let same = key() == key();
/// ```
/// ```compile_fail,E0277
/// # fn key() -> mutual_trust::identity::PrivateKey { unimplemented!() }
/// fn bytes(of: impl AsRef<[u8]>) {}
/// bytes(key());
/// ```
/// ```compile_fail,E0277
/// # fn key() -> mutual_trust::identity::PrivateKey { unimplemented!() }
/// println!("{}", key());
/// ```
/// ```compile_fail,E0277
/// # fn key() -> mutual_trust::identity::PrivateKey { unimplemented!() }
/// let bytes: Vec<u8> = key().into();
/// ```
pub struct PrivateKey {
    /// PKCS#8, whatever was read.
    der: Zeroizing<Vec<u8>>,
    kind: KeyKind,
    lacks_public_part: bool,
}

impl PrivateKey {
    /// Reads exactly one private key from PEM: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    /// Certificates and `EC PARAMETERS` beside it are passed over, as is text around the sections.
    ///
    /// # Security
    /// `text` stays with the caller, who should wipe it. [`from_file`](Self::from_file) does.
    ///
    /// # Errors
    /// No key or more than one; another section, or what is there instead of a key; an encrypted key; damage.
    /// No error carries content.
    pub fn from_pem(text: &[u8]) -> Result<Self, IdentityError> {
        KeyReader::new().pem(text)
    }

    /// Takes a key in DER: PKCS#8, PKCS#1 or SEC 1, told apart by its fields. `der` is wiped.
    ///
    /// # Errors
    /// It is none of these, with what it is instead; it is encrypted, truncated, or larger than any key.
    pub fn from_der(der: Vec<u8>) -> Result<Self, IdentityError> {
        KeyReader::new().der(der)
    }

    /// Reads a file with exactly one private key, in PEM or DER.
    ///
    /// # Security
    /// On Unix, the file must belong to root or to the effective user of this process, and neither its group
    /// nor others may have any access (mode 0600 or 0400);
    /// [`KeyReader::any_owner_and_mode`] waives that. Elsewhere nothing is checked. Its bytes go into one
    /// buffer of their size, which is wiped.
    ///
    /// # Errors
    /// The file cannot be read, is no regular file, too large, or not private; or as [`from_pem`](Self::from_pem)
    /// and [`from_der`](Self::from_der).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, IdentityError> {
        KeyReader::new().file(path)
    }

    /// Reads exactly one private key of exactly `size` bytes, in PEM or DER, from a reader that ends there. To
    /// take it out of a longer stream, give `reader.take(size)`.
    ///
    /// # Security
    /// Its bytes go into one buffer of their size, which is wiped. Buffers of the reader are its own affair.
    ///
    /// # Errors
    /// The reader fails, ends early, or goes on; or as [`from_file`](Self::from_file).
    pub fn from_reader(reader: impl Read, size: usize) -> Result<Self, IdentityError> {
        KeyReader::new().reader(reader, size)
    }

    /// The kind and size of the key.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// `curve` stands beside a SEC 1 key, in a section of its own.
    pub(super) fn of_form(
        form: Form,
        key: Zeroizing<Vec<u8>>,
        curve: Option<&[u8]>,
    ) -> Result<Self, IdentityError> {
        check_size(key.len())?;
        let key = pkcs8::from(form, key, curve)?;
        if let KeyKind::Rsa { bits } = key.kind {
            let key = key.kind;
            if bits < MIN_RSA_BITS {
                let min_bits = MIN_RSA_BITS;
                return Err(IdentityError::KeyRefused(KeyRefusal::Weak {
                    key,
                    min_bits,
                }));
            }
            if bits > MAX_RSA_BITS {
                return Err(IdentityError::KeyRefused(KeyRefusal::Unsupported {
                    key,
                    oid: None,
                    allowed: None,
                }));
            }
        }
        Ok(Self {
            der: key.der,
            kind: key.kind,
            lacks_public_part: key.lacks_public_part,
        })
    }

    /// The key for the one call that hands it to the provider, which wipes it (rustls does for owned keys), and
    /// the error if that provider cannot load it.
    pub(crate) fn into_der(mut self) -> (PrivateKeyDer<'static>, IdentityError) {
        let der = core::mem::take(&mut *self.der);
        let key = self.kind;
        let unusable = if self.lacks_public_part {
            IdentityError::KeyLacksPublicPart { key }
        } else {
            IdentityError::KeyUnusable { key }
        };
        (
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
            unusable,
        )
    }
}

pub(super) fn check_size(size: usize) -> Result<(), IdentityError> {
    if size > MAX_PRIVATE_KEY_BYTES {
        return Err(IdentityError::KeyTooLarge {
            size,
            limit: MAX_PRIVATE_KEY_BYTES,
        });
    }
    Ok(())
}

/// The kind of key, and nothing else.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kind)
    }
}
