//! The certificate chain that we present.

use std::path::Path;

use super::reader;
use crate::certificate::error::CertificateError;
use crate::certificate::pem::Section;
use crate::certificate::{Certificate, KeyPolicy, SignatureCheck};
use crate::identity::error::IdentityError;
use crate::limits::MAX_PRESENTED_CERTIFICATES;

/// The certificate chain that we present: the end entity first, then the issuer of each certificate. Certificates may
/// have any version.
#[derive(Clone, Debug)]
pub struct CertificateChain {
    leaf: Certificate,
    issuers: Vec<Certificate>,
}

impl CertificateChain {
    /// Makes a chain from certificates in any order. The end entity, which issued none of the others, comes first, then
    /// the issuer of each (RFC 5246 section 7.4.2).
    ///
    /// The issuer of a certificate is the one whose subject is its issuer name. Of several such certificates, it is the
    /// one that the key identifier names, or else the one that followed in the input. The root is optional. Duplicates
    /// are removed.
    ///
    /// # Errors
    /// There are no certificates, or more than a peer accepts. A certificate does not belong to the chain, or one is
    /// missing. The order is ambiguous. Every certificate issued another.
    pub fn new(certificates: Vec<Certificate>) -> Result<Self, IdentityError> {
        let count = certificates.len();
        if count > MAX_PRESENTED_CERTIFICATES {
            return Err(IdentityError::TooMany {
                count,
                limit: MAX_PRESENTED_CERTIFICATES,
            });
        }
        let mut given: Vec<Given> = Vec::with_capacity(count);
        for (index, certificate) in certificates.into_iter().enumerate() {
            if given.iter().all(|known| known.certificate != certificate) {
                given.push(Given { index, certificate });
            }
        }
        let first = given.first().ok_or(IdentityError::NoCertificate)?;
        walk(&given, first).or_else(|error| {
            let mut leaves = given.iter().filter(|one| issued_none(one, &given));
            match leaves.next() {
                None => Err(IdentityError::ChainWithoutLeaf),
                Some(leaf) if leaf.index == first.index => Err(error),
                Some(leaf) => walk(&given, leaf),
            }
        })
    }

    /// Reads the certificates of a PEM text, in any order.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`Certificate::many_from_pem`], which refuses a private key.
    pub fn from_pem(text: &[u8]) -> Result<Self, IdentityError> {
        Self::new(Certificate::many_from_pem(text)?)
    }

    /// Reads the certificates of a PEM text that may also contain their private key. The key is skipped.
    ///
    /// # Errors
    /// As [`new`](Self::new). Also if a section is damaged, or is neither a certificate nor a key.
    pub fn from_combined_pem(text: &[u8]) -> Result<Self, IdentityError> {
        Self::from_sections(&reader::sections(text).map_err(CertificateError::Pem)?)
    }

    /// Reads a file like [`from_combined_pem`](Self::from_combined_pem). A chain is public, so the owner and mode of
    /// the file are not checked.
    ///
    /// # Errors
    /// The file cannot be read, is not a regular file, or is too large: the error has the path and the cause. Else as
    /// `from_combined_pem`.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, IdentityError> {
        let text = reader::read_public(path.as_ref())?;
        Self::from_combined_pem(&text)
    }

    /// Reads the certificates among the sections of a file.
    pub(super) fn from_sections(sections: &[Section<'_>]) -> Result<Self, IdentityError> {
        let mut certificates = Vec::with_capacity(sections.len());
        for section in sections
            .iter()
            .filter(|section| !reader::is_of_key(section))
        {
            if section.label != reader::CERTIFICATE {
                return Err(CertificateError::Pem(section.unexpected()).into());
            }
            let der = section.decode_public().map_err(CertificateError::Pem)?;
            let certificate =
                Certificate::from_der(&der).map_err(|source| CertificateError::Section {
                    index: section.index,
                    line: section.line,
                    source: Box::new(source),
                })?;
            certificates.push(certificate);
        }
        Self::new(certificates)
    }

    /// Checks that each certificate is signed by the next, as far as the provider supports the algorithms (rule K1).
    /// The signature of the last one is not checked: that of an anchor is not part of path validation (RFC 5280 section
    /// 6.1).
    ///
    /// # Errors
    /// The first certificate that is not signed by the next.
    pub(crate) fn check_signatures(&self, keys: &KeyPolicy) -> Result<(), IdentityError> {
        for (index, (issued, issuer)) in self.links().enumerate() {
            if can_check(issued, issuer, keys)
                && keys.check_signature(issuer.subject_public_key_info(), issued)
                    == SignatureCheck::Wrong
            {
                return Err(IdentityError::ChainNotSigned {
                    index,
                    subject: issued.subject(),
                    issuer: issuer.subject(),
                });
            }
        }
        Ok(())
    }

    /// Each certificate with its issuer.
    pub(super) fn links(&self) -> impl Iterator<Item = (&Certificate, &Certificate)> {
        self.certificates().zip(&self.issuers)
    }

    /// The end-entity certificate.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// All certificates, the end entity first.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        core::iter::once(&self.leaf).chain(&self.issuers)
    }
}

/// Whether the provider can verify that `issuer` signed `issued`. Otherwise the result for a weak or unsupported key
/// would look like a wrong signature.
pub(super) fn can_check(issued: &Certificate, issuer: &Certificate, keys: &KeyPolicy) -> bool {
    keys.check(issuer).is_ok() && keys.can_verify(issued, issuer)
}

/// A certificate with its position in the input.
struct Given {
    index: usize,
    certificate: Certificate,
}

impl Given {
    fn names_as_issuer(&self, other: &Self) -> bool {
        self.certificate.issuer_der() == other.certificate.subject_der()
    }
}

fn issued_none(one: &Given, given: &[Given]) -> bool {
    let mut others = given.iter().filter(|other| other.index != one.index);
    !others.any(|other| other.names_as_issuer(one))
}

/// The chain that starts at `leaf`. It must use every certificate.
fn walk(given: &[Given], leaf: &Given) -> Result<CertificateChain, IdentityError> {
    let mut left: Vec<&Given> = given.iter().filter(|one| one.index != leaf.index).collect();
    let mut issuers = Vec::with_capacity(left.len());
    let mut last = leaf;
    while let Some(issuer) = issuer_of(last, &left)? {
        left.retain(|one| one.index != issuer.index);
        issuers.push(issuer.certificate.clone());
        last = issuer;
    }
    match left.first() {
        None => Ok(CertificateChain {
            leaf: leaf.certificate.clone(),
            issuers,
        }),
        Some(other) => Err(IdentityError::ChainBroken {
            index: other.index,
            leaf: leaf.certificate.subject(),
            issuer: last.certificate.issuer(),
        }),
    }
}

/// The issuer of a certificate among the remaining ones. A self-signed certificate ends the chain.
fn issuer_of<'a>(issued: &Given, left: &[&'a Given]) -> Result<Option<&'a Given>, IdentityError> {
    if issued.certificate.names_own_key() == Some(true) {
        return Ok(None);
    }
    let mut named: Vec<&Given> = left.to_vec();
    named.retain(|one| issued.names_as_issuer(one));
    let named_key = issued.certificate.authority_key_id();
    let by_key =
        |one: &&Given| named_key.is_some() && one.certificate.subject_key_id() == named_key;
    if named.iter().any(by_key) {
        named.retain(by_key);
    }
    match named.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        [first, second, ..] => {
            let behind = issued.index.saturating_add(1);
            let next = named.iter().find(|one| one.index == behind);
            next.map(|next| Some(*next))
                .ok_or(IdentityError::ChainAmbiguous {
                    first: first.index,
                    second: second.index,
                })
        }
    }
}
