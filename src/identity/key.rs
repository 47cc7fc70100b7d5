//! A private key on its way to the crypto provider.

use core::fmt;

use pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::pkcs8::{self, Form};
use super::scrub_stack;
use crate::certificate::pem;
use crate::error::{IdentityError, PemError};
use crate::limits::MAX_PRIVATE_KEY_BYTES;

/// A private key in DER, wiped when dropped. It cannot be cloned, compared, printed or turned into bytes.
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
pub struct PrivateKey(
    /// PKCS#8, whatever was read.
    Zeroizing<Vec<u8>>,
);

impl PrivateKey {
    /// Reads exactly one private key from PEM: PKCS#8 (`PRIVATE KEY`, RFC 5958), PKCS#1 (`RSA PRIVATE KEY`,
    /// RFC 8017) or SEC 1 (`EC PRIVATE KEY`, RFC 5915). Other sections, such as certificates and
    /// `EC PARAMETERS`, are passed over.
    ///
    /// # Security
    /// `text` stays with the caller, who should wipe it.
    ///
    /// # Errors
    /// No key or more than one, an encrypted one, or damaged PEM. No error carries content.
    pub fn from_pem(text: &[u8]) -> Result<Self, IdentityError> {
        let sections = pem::sections(text).map_err(IdentityError::KeyPem)?;
        let mut keys = sections
            .iter()
            .filter(|section| section.label.ends_with("PRIVATE KEY"));
        let found = keys.clone().count();
        let (Some(section), 1) = (keys.next(), found) else {
            return Err(IdentityError::NotOneKey { found });
        };
        let form = match section.label {
            "PRIVATE KEY" => Form::Pkcs8,
            "RSA PRIVATE KEY" => Form::Pkcs1,
            "EC PRIVATE KEY" => Form::Sec1,
            "ENCRYPTED PRIVATE KEY" => return Err(IdentityError::EncryptedKey),
            _ => {
                return Err(IdentityError::KeyPem(PemError::Label {
                    index: section.index,
                    line: section.line,
                    label: section.label.to_owned(),
                }));
            }
        };
        let key = section.decode();
        scrub_stack();
        let key = key.map_err(|error| {
            // The headers of an encrypted PKCS#1 key (`Proc-Type: 4,ENCRYPTED`).
            if matches!(error, PemError::Headers { .. }) {
                IdentityError::EncryptedKey
            } else {
                IdentityError::KeyPem(error)
            }
        })?;
        Self::of_form(form, key)
    }

    /// Takes a key in DER: PKCS#8, PKCS#1 or SEC 1, told apart by its fields. `der` is wiped.
    ///
    /// # Errors
    /// It is none of these, or larger than any key.
    pub fn from_der(der: Vec<u8>) -> Result<Self, IdentityError> {
        let key = Zeroizing::new(der);
        let form = pkcs8::form_of(&key).ok_or(IdentityError::KeyMalformed)?;
        Self::of_form(form, key)
    }

    fn of_form(form: Form, key: Zeroizing<Vec<u8>>) -> Result<Self, IdentityError> {
        if key.len() > MAX_PRIVATE_KEY_BYTES {
            return Err(IdentityError::KeyTooLarge {
                size: key.len(),
                limit: MAX_PRIVATE_KEY_BYTES,
            });
        }
        pkcs8::from(form, key)
            .map(Self)
            .ok_or(IdentityError::KeyMalformed)
    }

    /// The key for the one call that hands it to the provider, which wipes it (rustls does for owned keys).
    pub(crate) fn into_der(mut self) -> PrivateKeyDer<'static> {
        let der = core::mem::take(&mut *self.0);
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}
