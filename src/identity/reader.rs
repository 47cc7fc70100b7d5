//! Reads private keys, and chains with them, from memory, files and readers.

#[cfg(not(feature = "encrypted-keys"))]
use core::marker::PhantomData;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

#[cfg(feature = "encrypted-keys")]
use super::Passphrase;
use super::file::{self, Access};
use super::form::{Form, form_of};
use super::key::check_size;
use super::{CertificateChain, PrivateKey, pkcs8, scrub_stack};
use crate::certificate::error::PemError;
use crate::certificate::pem::{self, Section, is_der};
use crate::identity::error::{FoundKind, IdentityError};
use crate::limits::MAX_KEY_FILE_BYTES;

pub(super) const CERTIFICATE: &str = "CERTIFICATE";
const EC_PARAMETERS: &str = "EC PARAMETERS";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// Reads a private key with options: an encrypted key, a file that other users can read, or a key and its chain in one
/// text.
///
/// ```no_run
/// use mutual_trust::identity::KeyReader;
///
/// // The file system has no owners, so this cannot be checked.
/// let key = KeyReader::new().allow_shared_file().file("/run/secrets/array.key")?;
/// # Ok::<(), mutual_trust::error::IdentityError>(())
/// ```
#[cfg_attr(
    feature = "encrypted-keys",
    doc = r#"
```no_run
use mutual_trust::identity::{KeyReader, Passphrase};

# fn ask() -> String { String::new() }
let passphrase = Passphrase::from(ask());
let key = KeyReader::new().with_passphrase(&passphrase).file("array.key")?;
# Ok::<(), mutual_trust::error::IdentityError>(())
```
"#
)]
#[derive(Clone, Copy, Debug)]
pub struct KeyReader<'a> {
    access: Access,
    #[cfg(feature = "encrypted-keys")]
    passphrase: Option<&'a Passphrase>,
    #[cfg(not(feature = "encrypted-keys"))]
    passphrase: PhantomData<&'a ()>,
}

impl Default for KeyReader<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> KeyReader<'a> {
    /// A reader without options. It reads like [`PrivateKey::from_pem`], [`from_der`](PrivateKey::from_der) and
    /// [`from_file`](PrivateKey::from_file).
    pub const fn new() -> Self {
        Self {
            access: Access::Private,
            #[cfg(feature = "encrypted-keys")]
            passphrase: None,
            #[cfg(not(feature = "encrypted-keys"))]
            passphrase: PhantomData,
        }
    }

    /// Does not check the owner and mode of a file.
    ///
    /// # Security
    /// Users who can read the file have the key, and its owner can replace the key. Use it only for file systems without
    /// owners, and for mounts whose owner is another user than root.
    #[must_use]
    pub const fn allow_shared_file(mut self) -> Self {
        self.access = Access::Any;
        self
    }

    /// Decrypts encrypted keys with this passphrase. Unencrypted keys are read too.
    #[cfg(feature = "encrypted-keys")]
    #[must_use]
    pub const fn with_passphrase(mut self, passphrase: &'a Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Reads PEM like [`PrivateKey::from_pem`].
    ///
    /// # Errors
    /// As [`PrivateKey::from_pem`]. With a passphrase, also `IdentityError::Decrypt`.
    pub fn pem(self, text: &[u8]) -> Result<PrivateKey, IdentityError> {
        self.one_of(&sections(text).map_err(IdentityError::KeyPem)?)
    }

    /// Reads DER like [`PrivateKey::from_der`]. `der` is wiped.
    ///
    /// # Errors
    /// As [`PrivateKey::from_der`]. With a passphrase, also `IdentityError::Decrypt`.
    pub fn der(self, der: Vec<u8>) -> Result<PrivateKey, IdentityError> {
        self.of_der(Zeroizing::new(der))
    }

    /// Reads a file like [`PrivateKey::from_file`].
    ///
    /// # Errors
    /// As [`PrivateKey::from_file`] and [`pem`](Self::pem).
    pub fn file(self, path: impl AsRef<Path>) -> Result<PrivateKey, IdentityError> {
        self.content(self.read(path.as_ref())?)
    }

    /// Reads from a reader like [`PrivateKey::from_reader`].
    ///
    /// # Errors
    /// As [`PrivateKey::from_reader`] and [`pem`](Self::pem).
    pub fn reader(self, mut reader: impl Read, size: usize) -> Result<PrivateKey, IdentityError> {
        let content = file::exactly(&mut reader, size, MAX_KEY_FILE_BYTES);
        self.content(content.map_err(IdentityError::KeyReader)?)
    }

    /// Reads a chain and the private key of its end entity from one PEM text, in any order.
    ///
    /// # Errors
    /// As [`CertificateChain::from_combined_pem`] and [`pem`](Self::pem).
    pub fn combined_pem(
        self,
        text: &[u8],
    ) -> Result<(CertificateChain, PrivateKey), IdentityError> {
        let sections = sections(text).map_err(IdentityError::KeyPem)?;
        let key = self.one_of(&sections)?;
        Ok((CertificateChain::from_sections(&sections)?, key))
    }

    /// Reads a chain and the private key of its end entity from one PEM file. The owner and mode of the file are
    /// checked as for a private key.
    ///
    /// # Errors
    /// As [`combined_pem`](Self::combined_pem) and [`file`](Self::file).
    pub fn combined_file(
        self,
        path: impl AsRef<Path>,
    ) -> Result<(CertificateChain, PrivateKey), IdentityError> {
        self.combined_pem(&self.read(path.as_ref())?)
    }

    fn read(self, path: &Path) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
        let content = file::read(path, self.access, MAX_KEY_FILE_BYTES);
        content.map_err(|source| IdentityError::KeyFile {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads the content of a file that was read before.
    #[cfg(feature = "admin")]
    pub(crate) fn bytes(self, content: &[u8]) -> Result<PrivateKey, IdentityError> {
        if is_der(content) {
            self.of_der(Zeroizing::new(content.to_vec()))
        } else {
            self.pem(content)
        }
    }

    fn content(self, content: Zeroizing<Vec<u8>>) -> Result<PrivateKey, IdentityError> {
        if is_der(&content) {
            self.of_der(content)
        } else {
            self.pem(&content)
        }
    }

    fn of_der(self, der: Zeroizing<Vec<u8>>) -> Result<PrivateKey, IdentityError> {
        check_size(der.len())?;
        match form_of(&der)? {
            Form::Encrypted => self.decrypted(&der),
            form @ (Form::Pkcs8 | Form::Pkcs1 | Form::Sec1) => PrivateKey::of_form(form, der, None),
        }
    }

    /// Reads the private key among the sections of a file. There must be exactly one.
    fn one_of(self, sections: &[Section<'_>]) -> Result<PrivateKey, IdentityError> {
        let mut keys = sections.iter().filter(|section| is_key(section));
        let found = keys.clone().count();
        let section = match (keys.next(), found) {
            (Some(section), 1) => section,
            (Some(_), _) => return Err(IdentityError::NotOneKey { found }),
            (None, _) => return Err(instead(sections)),
        };
        let beside = |section: &&Section<'_>| {
            !is_key(section) && section.label != CERTIFICATE && section.label != EC_PARAMETERS
        };
        if let Some(other) = sections.iter().find(beside) {
            return Err(IdentityError::KeyPem(other.unexpected()));
        }
        let form = match section.label {
            "PRIVATE KEY" => Form::Pkcs8,
            "RSA PRIVATE KEY" => Form::Pkcs1,
            "EC PRIVATE KEY" => Form::Sec1,
            ENCRYPTED => Form::Encrypted,
            _ => return Err(IdentityError::KeyPem(section.unexpected())),
        };
        if form == Form::Encrypted && !self.decrypts() {
            return Err(IdentityError::EncryptedKey);
        }
        let key = section.decode_secret(scrub_stack).map_err(|error| {
            let old_form = matches!(form, Form::Pkcs1 | Form::Sec1);
            if old_form && matches!(error, PemError::Headers { .. }) {
                IdentityError::LegacyEncryptedKey
            } else {
                IdentityError::KeyPem(error)
            }
        })?;
        check_size(key.len())?;
        // The content decides, and must agree with the label.
        if form_of(&key)? != form {
            return Err(IdentityError::KeyMalformed);
        }
        if form == Form::Encrypted {
            return self.decrypted(&key);
        }
        let curve = match form {
            Form::Sec1 => parameters(sections)?,
            Form::Pkcs8 | Form::Pkcs1 | Form::Encrypted => None,
        };
        let curve = match &curve {
            Some(der) => Some(pkcs8::named_curve(der)?),
            None => None,
        };
        PrivateKey::of_form(form, key, curve)
    }

    const fn decrypts(self) -> bool {
        #[cfg(feature = "encrypted-keys")]
        return self.passphrase.is_some();
        #[cfg(not(feature = "encrypted-keys"))]
        return false;
    }

    #[cfg(feature = "encrypted-keys")]
    fn decrypted(self, der: &[u8]) -> Result<PrivateKey, IdentityError> {
        use super::encrypted::decrypt;
        use crate::identity::error::DecryptError;

        let passphrase = self.passphrase.ok_or(IdentityError::EncryptedKey)?;
        let key = decrypt(der, passphrase).map_err(IdentityError::Decrypt)?;
        // One in 256 wrong passphrases gives valid padding.
        match form_of(&key) {
            Ok(Form::Pkcs8) => PrivateKey::of_form(Form::Pkcs8, key, None),
            _ => Err(IdentityError::Decrypt(DecryptError::Passphrase)),
        }
    }

    #[cfg(not(feature = "encrypted-keys"))]
    fn decrypted(self, _: &[u8]) -> Result<PrivateKey, IdentityError> {
        Err(IdentityError::EncryptedKey)
    }
}

/// Reads a certificate file. Anyone may have access to it.
pub(super) fn read_public(path: &Path) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let content = file::read(path, Access::Any, MAX_KEY_FILE_BYTES);
    content.map_err(|source| IdentityError::ChainFile {
        path: path.to_owned(),
        source,
    })
}

/// The sections of a text that may contain a private key. On an error, the stack is scrubbed as after reading a key.
pub(super) fn sections(text: &[u8]) -> Result<Vec<Section<'_>>, PemError> {
    if text.len() > MAX_KEY_FILE_BYTES {
        return Err(PemError::TooLarge {
            size: text.len(),
            limit: MAX_KEY_FILE_BYTES,
        });
    }
    pem::sections(text).inspect_err(|_| scrub_stack())
}

fn is_key(section: &Section<'_>) -> bool {
    section.label.ends_with("PRIVATE KEY")
}

/// Whether a section belongs to a private key: the key itself or its parameters. Chains skip it.
pub(super) fn is_of_key(section: &Section<'_>) -> bool {
    is_key(section) || section.label == EC_PARAMETERS
}

/// The error for a text without a private key: it says what was found.
fn instead(sections: &[Section<'_>]) -> IdentityError {
    let Some(section) = sections.first() else {
        return IdentityError::KeyPem(PemError::NoSection);
    };
    let found = match section.label {
        CERTIFICATE | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => FoundKind::Certificate,
        "PUBLIC KEY" | "RSA PUBLIC KEY" => FoundKind::PublicKey,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => FoundKind::CertificateRequest,
        "X509 CRL" => FoundKind::RevocationList,
        EC_PARAMETERS | "DH PARAMETERS" => FoundKind::Parameters,
        "PKCS12" => FoundKind::Keystore,
        _ => return IdentityError::KeyPem(section.unexpected()),
    };
    IdentityError::NotAKey { found }
}

/// The DER of the `EC PARAMETERS` section, if there is one.
fn parameters(sections: &[Section<'_>]) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
    let mut found = sections
        .iter()
        .filter(|section| section.label == EC_PARAMETERS);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(section), None) => {
            let der = section.decode_secret(scrub_stack);
            let der = der.map_err(IdentityError::KeyPem)?;
            Ok(Some(der))
        }
        (Some(_), Some(other)) => Err(IdentityError::KeyPem(other.unexpected())),
    }
}
