//! A signature, and what makes one.

use core::fmt;

use super::error::BundleError;
use super::key::BundleKey;
use super::names::FleetId;
use super::text::{Reader, VERSION, exact};
use crate::admin::file::write_section;
use crate::certificate::{Fingerprint, KeyPin};
use crate::limits::{MAX_FLEET_SIGNATURE_BYTES, MAX_FLEET_SIGNATURE_TEXT};

/// What texts and errors call it.
const WHAT: &str = "signature";
/// What its first line starts with.
const TITLE: &str = "mutual-trust signature";
/// The label of its section.
const LABEL: &str = "SIGNATURE";

/// Makes signatures with a key of a fleet.
///
/// [`tls::bundle_signer`](crate::tls::bundle_signer) gives one for a private key in a file. A key in a token needs none: it
/// signs the bytes of [`KeySet::to_sign`](super::KeySet::to_sign) or [`Bundle::to_sign`](super::Bundle::to_sign), and
/// [`Signature::new`] takes the result.
pub trait Signer {
    /// The public key.
    fn key(&self) -> &BundleKey;

    /// Signs a message: Ed25519 (RFC 8032), ECDSA with SHA-256 in DER (RFC 3279), or ML-DSA with an empty context.
    ///
    /// # Errors
    /// The key cannot be used.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn core::error::Error + Send + Sync>>;
}

/// A signature on a key set or a bundle. It is not verified until it is [added](super::Publication::add_signature).
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    over: Fingerprint,
    key: KeyPin,
    bytes: Box<[u8]>,
}

impl Signature {
    /// A signature that was made elsewhere: by `key`, over what has this [digest](super::Bundle::digest).
    ///
    /// # Errors
    /// It is empty or longer than any signature.
    pub fn new(over: Fingerprint, key: KeyPin, bytes: &[u8]) -> Result<Self, BundleError> {
        let (size, limit) = (bytes.len(), MAX_FLEET_SIGNATURE_BYTES);
        if size == 0 {
            let why = "it is empty".to_owned();
            return Err(BundleError::Impossible { what: WHAT, why });
        }
        if size > limit {
            let what = WHAT;
            return Err(BundleError::TooLarge { what, size, limit });
        }
        Ok(Self {
            over,
            key,
            bytes: bytes.into(),
        })
    }

    pub(super) fn make(
        over: Fingerprint,
        signer: &dyn Signer,
        message: &[u8],
    ) -> Result<Self, BundleError> {
        let key = signer.key().id();
        let bytes = signer.sign(message);
        let bytes = bytes.map_err(|source| BundleError::Signer { key, source })?;
        Self::new(over, key, &bytes)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) writes, and nothing else.
    ///
    /// # Errors
    /// The text is damaged, too large or of a later version.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut reader = Reader::new(WHAT, TITLE, bytes, MAX_FLEET_SIGNATURE_TEXT)?;
        let key = reader.value("key", "its SHA-256", exact)?;
        let over = reader.value("over", "the digest of what is signed", exact)?;
        let content = reader.section(LABEL, MAX_FLEET_SIGNATURE_BYTES)?;
        let read = Self::new(over, key, &content)?;
        reader.end(&read.to_text())?;
        Ok(read)
    }

    /// Its text: the file that an administrator sends back.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_text().into_bytes()
    }

    fn to_text(&self) -> String {
        let Self { over, key, bytes } = self;
        let mut text = format!("{TITLE} {VERSION}\nkey {key}\nover {over}\n");
        // Writing to a string cannot fail.
        let _ = write_section(LABEL, bytes, &mut text);
        text
    }

    /// The id of the key that it names.
    #[doc(hidden)]
    pub fn key(&self) -> KeyPin {
        self.key
    }

    /// The digest of what it says that it signs.
    #[doc(hidden)]
    pub fn over(&self) -> Fingerprint {
        self.over
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} over {})", self.key, self.over)
    }
}

/// The first line of what is signed. Each kind and each fleet has its own, so that a signature on one thing is none on
/// another.
pub(super) fn domain(fleet: &FleetId, kind: &str) -> String {
    format!("mutual-trust {VERSION} signs a {kind} of fleet {fleet}\n")
}
