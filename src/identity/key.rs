//! A private key before it is loaded into a crypto provider.

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

/// A private key in DER. It is wiped when dropped, and cannot be cloned, compared, printed or turned into bytes.
///
/// It can be read from PKCS#8 (RFC 5958, both versions), PKCS#1 (RFC 8017) and SEC 1 (RFC 5915). RSA keys must have
/// 2048 to 8192 bits. Other kinds must be supported by the crypto provider: aws-lc-rs also supports ML-DSA (RFC 9881).
/// A [`KeyReader`] has options, for example a passphrase.
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
    /// Always PKCS#8, whatever the input was.
    der: Zeroizing<Vec<u8>>,
    kind: KeyKind,
    lacks_public_part: bool,
}

impl PrivateKey {
    /// Reads exactly one private key from PEM: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`. Certificates, `EC
    /// PARAMETERS` and text around the sections are skipped.
    ///
    /// # Security
    /// `text` stays with the caller, who should wipe it. [`from_file`](Self::from_file) wipes what it reads.
    ///
    /// # Errors
    /// There is no key, several keys, or another section (the error says what was found). The key is encrypted or
    /// damaged. No error carries content.
    pub fn from_pem(text: &[u8]) -> Result<Self, IdentityError> {
        KeyReader::new().pem(text)
    }

    /// Reads a key in DER: PKCS#8, PKCS#1 or SEC 1, recognised by its fields. `der` is wiped.
    ///
    /// # Errors
    /// The input has another format (the error says which), is encrypted or truncated, or is too large for a key.
    pub fn from_der(der: Vec<u8>) -> Result<Self, IdentityError> {
        KeyReader::new().der(der)
    }

    /// Reads a file with exactly one private key, in PEM or DER. A file that begins with a DER value is never searched
    /// for PEM.
    ///
    /// # Security
    /// On Unix, the file must belong to root or to the effective user of this process, and its group and others must
    /// have no access (mode 0600 or 0400). If root owns it and this process is not root, its group may read it (mode 0640
    /// or 0440): so orchestrators mount a secret for a service. [`KeyReader::allow_shared_file`] waives this check. On
    /// other systems nothing is checked. The content is read into one buffer of its size, which is wiped.
    ///
    /// # Errors
    /// The file cannot be read, is not a regular file, is too large, or is accessible to others: the error has the path
    /// and the cause. Else as [`from_pem`](Self::from_pem) and [`from_der`](Self::from_der).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, IdentityError> {
        KeyReader::new().file(path)
    }

    /// Reads exactly one private key, in PEM or DER, from a reader that has exactly `size` bytes. To read a part of a
    /// longer stream, pass `reader.take(size)`.
    ///
    /// # Security
    /// The content is read into one buffer of its size, which is wiped. Buffers of the reader itself are not.
    ///
    /// # Errors
    /// The reader fails, or has fewer or more bytes. Else as [`from_pem`](Self::from_pem) and
    /// [`from_der`](Self::from_der).
    pub fn from_reader(reader: impl Read, size: usize) -> Result<Self, IdentityError> {
        KeyReader::new().reader(reader, size)
    }

    /// The kind and size of the key.
    #[doc(hidden)]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Converts a key to PKCS#8 and checks its size. `curve` is from an `EC PARAMETERS` section beside a SEC 1 key.
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

    /// The DER for the crypto provider, which wipes it (rustls does for owned keys), and the error to return if the
    /// provider cannot load it.
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

/// Shows the kind of key only.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kind)
    }
}
