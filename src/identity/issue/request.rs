//! Certificate requests (PKCS#10, RFC 2986), and the check of the CA's answer.

use core::fmt;
#[cfg(unix)]
use std::path::Path;

use crate::certificate::{Certificate, KeyPin, der, pem};
use crate::identity::CertificateChain;
use crate::identity::error::IssueError;
#[cfg(unix)]
use crate::identity::error::WriteError;
#[cfg(unix)]
use crate::identity::{IfExists, write_private};
use crate::limits::MAX_REQUEST_BYTES;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// The label of a request (RFC 7468 section 7), and the label that old tools write.
const LABEL: &str = "CERTIFICATE REQUEST";
const OLD_LABEL: &str = "NEW CERTIFICATE REQUEST";

/// A request to a CA for a certificate. It is public. Keep it until the answer is
/// [installed](crate::tls::SigningKeyPair::install).
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    spki: Vec<u8>,
}

impl CertificateRequest {
    /// Reads a request from PEM.
    ///
    /// Its signature is not verified, because an answer must also fit the private key.
    ///
    /// # Errors
    /// The text is not exactly one request, or the request is damaged.
    #[doc(hidden)]
    pub fn from_pem(text: &[u8]) -> Result<Self, IssueError> {
        let sections = pem::sections(text).map_err(IssueError::RequestPem)?;
        let [section] = sections.as_slice() else {
            return Err(IssueError::NotOneRequest {
                found: sections.len(),
            });
        };
        if section.label != LABEL && section.label != OLD_LABEL {
            return Err(IssueError::RequestPem(section.unexpected()));
        }
        Self::from_der(section.decode_public().map_err(IssueError::RequestPem)?)
    }

    /// Reads a request from DER.
    pub(crate) fn from_der(der: Vec<u8>) -> Result<Self, IssueError> {
        let spki = public_key(&der)
            .ok_or(IssueError::RequestMalformed)?
            .to_vec();
        Ok(Self { der, spki })
    }

    /// The request as one PEM section, to send to the CA.
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, &self.der)
    }

    /// The request in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 over the `SubjectPublicKeyInfo` of the request.
    #[doc(hidden)]
    pub fn key_pin(&self) -> KeyPin {
        KeyPin::over(&self.spki)
    }

    /// Writes the request as PEM, like [`write_private`].
    ///
    /// # Errors
    /// As [`write_private`].
    #[cfg(unix)]
    pub fn write(&self, path: impl AsRef<Path>, existing: IfExists) -> Result<(), WriteError> {
        write_private(path, self.to_pem().as_bytes(), existing)
    }

    /// Checks whether a chain can be the answer to this request. It does not check which CA answered: key servers
    /// decide which CAs they trust.
    ///
    /// # Errors
    /// Its first certificate has another key, is a CA certificate, or is a self-signed certificate.
    pub(crate) fn check_answer(&self, answer: &CertificateChain) -> Result<(), IssueError> {
        let leaf = answer.leaf();
        if leaf.subject_public_key_info() != self.spki {
            return Err(IssueError::AnswerToAnother {
                requested: self.key_pin(),
                found: leaf.key_pin(),
            });
        }
        if is_self_signed(leaf) {
            return Err(IssueError::AnswerSelfSigned);
        }
        if leaf.is_ca() {
            return Err(IssueError::AnswerIsCa);
        }
        Ok(())
    }
}

/// Whether the certificate names its own key as its signer. The same name as issuer is not enough if it names another
/// key.
pub(crate) fn is_self_signed(certificate: &Certificate) -> bool {
    certificate.names_own_key().unwrap_or(false)
}

impl fmt::Debug for CertificateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateRequest")
            .field("key_pin", &self.key_pin())
            .finish_non_exhaustive()
    }
}

/// The `SubjectPublicKeyInfo` of a request:
/// `SEQUENCE { SEQUENCE { version, subject, subjectPKInfo, [0] attributes }, algorithm, signature }`.
fn public_key(request: &[u8]) -> Option<&[u8]> {
    if request.len() > MAX_REQUEST_BYTES {
        return None;
    }
    der::check_whole(request).ok()?;
    let (outer, _) = der::take(request)?;
    let [info, algorithm, _signature] = der::children(outer.content).ok()?.try_into().ok()?;
    if info.tag != SEQUENCE || algorithm.tag != SEQUENCE {
        return None;
    }
    let (version, rest) = der::take(info.content)?;
    let (subject, rest) = der::take(rest)?;
    let (spki, _attributes) = der::take(rest)?;
    let sound = version.tag == INTEGER && subject.tag == SEQUENCE && spki.tag == SEQUENCE;
    der::algorithm_of_spki(spki.whole)?;
    sound.then_some(spki.whole)
}
