//! A private key on its way to the crypto provider.

use core::fmt;

use pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroizing;

use crate::certificate::pem;
use crate::error::IdentityError;

/// A private key in DER, wiped when dropped. It cannot be cloned, compared, printed or turned into bytes.
///
/// ```compile_fail,E0599
/// let key = mutual_trust::identity::PrivateKey::from_pem(b"").unwrap();
/// let copy = key.clone();
/// ```
pub struct PrivateKey {
    form: Form,
    der: Zeroizing<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Form {
    Pkcs8,
    Pkcs1,
    Sec1,
}

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
                return Err(IdentityError::KeyPem(crate::error::PemError::Label {
                    index: section.index,
                    line: section.line,
                    label: section.label.to_owned(),
                }));
            }
        };
        let der = section.decode().map_err(|error| {
            // The headers of an encrypted PKCS#1 key (`Proc-Type: 4,ENCRYPTED`).
            if matches!(error, crate::error::PemError::Headers { .. }) {
                IdentityError::EncryptedKey
            } else {
                IdentityError::KeyPem(error)
            }
        })?;
        Ok(Self { form, der })
    }

    /// Takes a PKCS#8 key in DER; `der` is wiped when the key is dropped.
    pub fn from_pkcs8(der: Vec<u8>) -> Self {
        Self {
            form: Form::Pkcs8,
            der: Zeroizing::new(der),
        }
    }

    /// The key for the one call that hands it to the provider, which wipes it (rustls does for owned keys).
    pub(crate) fn into_der(mut self) -> PrivateKeyDer<'static> {
        let der = core::mem::take(&mut *self.der);
        match self.form {
            Form::Pkcs8 => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
            Form::Pkcs1 => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
            Form::Sec1 => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}
