//! The certificates that we present.

use std::path::Path;

use super::reader;
use crate::certificate::error::CertificateError;
use crate::certificate::pem::Section;
use crate::certificate::{Certificate, KeyPolicy, SignatureCheck};
use crate::identity::error::IdentityError;
use crate::limits::MAX_PRESENTED_CERTIFICATES;

/// The certificates that we present, our own first, each followed by its issuer. Any version will do.
#[derive(Clone, Debug)]
pub struct Chain {
    leaf: Certificate,
    issuers: Vec<Certificate>,
}

impl Chain {
    /// Takes certificates and puts them in the order in which they are presented (RFC 5246 section 7.4.2): our
    /// own first, which issued none of the others, then the issuer of each.
    ///
    /// A certificate is followed by the one whose subject is its issuer; of several, by the one that its key
    /// identifier names, else by the one that was given behind it. The root may be there or not. What is given
    /// twice is presented once.
    ///
    /// # Errors
    /// There is none, or more than a peer accepts; one does not belong to the chain or another is missing
    /// between them; the order cannot be told; or each issued another.
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

    /// Reads the certificates of a PEM file, in any order.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`Certificate::many_from_pem`], which refuses a file with a private key.
    pub fn from_pem(text: &[u8]) -> Result<Self, IdentityError> {
        Self::new(Certificate::many_from_pem(text)?)
    }

    /// Reads the certificates of a PEM text in which their private key may stand as well; it is passed over.
    ///
    /// # Errors
    /// As [`new`](Self::new); a section that is neither a certificate nor a key, or that is damaged.
    pub fn from_combined_pem(text: &[u8]) -> Result<Self, IdentityError> {
        Self::of(&reader::sections(text).map_err(CertificateError::Pem)?)
    }

    /// Reads a file as [`from_combined_pem`](Self::from_combined_pem) reads its text. A chain is public: who
    /// else can read the file is not asked.
    ///
    /// # Errors
    /// The file cannot be read, or is no regular file, or too large; or as there.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, IdentityError> {
        let text = reader::read_public(path.as_ref()).map_err(IdentityError::ChainFile)?;
        Self::from_combined_pem(&text)
    }

    /// The certificates among the sections of a file.
    pub(super) fn of(sections: &[Section<'_>]) -> Result<Self, IdentityError> {
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

    /// Whether each certificate is signed by the next, as far as the provider can tell (rule K1). The last one's
    /// own signature is not asked: an anchor's is no part of path validation (RFC 5280 section 6.1).
    ///
    /// # Errors
    /// The first that is not.
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

    /// Each certificate with the next.
    pub(super) fn links(&self) -> impl Iterator<Item = (&Certificate, &Certificate)> {
        self.certificates().zip(&self.issuers)
    }

    /// Our own certificate.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// All certificates, our own first.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        core::iter::once(&self.leaf).chain(&self.issuers)
    }
}

/// Whether the provider can tell if `issued` is signed by `issuer`. What it says of a key that is too weak or unknown
/// to it would look like a wrong signature.
pub(super) fn can_check(issued: &Certificate, issuer: &Certificate, keys: &KeyPolicy) -> bool {
    keys.check(issuer).is_ok() && keys.can_verify(issued, issuer)
}

/// A certificate with its place in what was given, from 0.
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

/// The chain from `leaf` on, if it uses every certificate.
fn walk(given: &[Given], leaf: &Given) -> Result<Chain, IdentityError> {
    let mut left: Vec<&Given> = given.iter().filter(|one| one.index != leaf.index).collect();
    let mut issuers = Vec::with_capacity(left.len());
    let mut last = leaf;
    while let Some(issuer) = issuer_of(last, &left)? {
        left.retain(|one| one.index != issuer.index);
        issuers.push(issuer.certificate.clone());
        last = issuer;
    }
    match left.first() {
        None => Ok(Chain {
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

/// The issuer of a certificate among those that are left; none behind one that is its own issuer.
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
