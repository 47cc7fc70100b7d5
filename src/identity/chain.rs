//! The certificates that we present.

use crate::certificate::Certificate;
use crate::error::IdentityError;
use crate::limits::MAX_PRESENTED_CERTIFICATES;

/// The certificates that we present, our own first, each followed by its issuer. Any version will do.
#[derive(Clone, Debug)]
pub struct Chain {
    leaf: Certificate,
    issuers: Vec<Certificate>,
}

impl Chain {
    /// Takes certificates in the order in which they are presented.
    ///
    /// # Errors
    /// There is none, or more than a peer accepts; or one does not follow from the one before it, by the
    /// names of issuer and subject (RFC 5246 section 7.4.2 asks for that order).
    pub fn new(certificates: Vec<Certificate>) -> Result<Self, IdentityError> {
        let count = certificates.len();
        if count > MAX_PRESENTED_CERTIFICATES {
            return Err(IdentityError::TooMany {
                count,
                limit: MAX_PRESENTED_CERTIFICATES,
            });
        }
        let pairs = certificates.iter().zip(certificates.iter().skip(1));
        for (index, (issued, issuer)) in pairs.enumerate() {
            if issued.issuer_der() != issuer.subject_der() {
                return Err(IdentityError::ChainBroken {
                    index: index.saturating_add(1),
                });
            }
        }
        let mut certificates = certificates.into_iter();
        let leaf = certificates.next().ok_or(IdentityError::NoCertificate)?;
        Ok(Self {
            leaf,
            issuers: certificates.collect(),
        })
    }

    /// Reads the certificates of a PEM file in its order.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`Certificate::many_from_pem`].
    pub fn from_pem(text: &[u8]) -> Result<Self, IdentityError> {
        Self::new(Certificate::many_from_pem(text)?)
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
