//! Bytes -> a certificate revocation list that can be asked (RFC 5280 section 5).
//!
//! Parsing says what stands in it. Who signed it and whether it counts is for the [store](crate::store) and the
//! [policy](crate::policy).

pub(super) mod error;
mod number;
mod place;
mod read;
mod reader;
mod revoked;
mod scope;

use core::cmp::Ordering;
use core::fmt;
use std::sync::Arc;

pub use number::CrlNumber;
pub use revoked::{RevocationReason, Revoked};
pub use scope::CrlKinds;

pub(crate) use revoked::shortest;
pub(crate) use scope::Reasons;

use super::{Certificate, Fingerprint, algorithms, der, distinguished, dotted, pem};
use crate::certificate::error::{CrlError, CrlRefusal};
use crate::limits::MAX_CRL_PEM_BYTES;
use read::Facts;

/// The label of a section with a revocation list (RFC 7468 section 6).
pub(crate) const CRL_LABEL: &str = "X509 CRL";

/// One certificate revocation list, parsed once, never changed, cheap to clone.
///
/// It takes its DER and four bytes for each certificate that it revokes.
///
/// ```no_run
/// use mutual_trust::certificate::Crl;
///
/// let crl = Crl::from_pem(&std::fs::read("ca.crl.pem")?)?;
/// println!("{} revokes {} certificates", crl.issuer(), crl.revoked_count());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    der: Box<[u8]>,
    fingerprint: Fingerprint,
    facts: Facts,
}

/// Something in which a list departs from RFC 5280 without being unclear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CrlDeviation {
    /// It is of version 1 (section 5.1.2.1), as `openssl ca -gencrl` makes it without `crlnumber` and
    /// `crl_extensions`.
    Version1,
    /// It has no number (section 5.2.3).
    NoNumber,
    /// Its number is marked critical (section 5.2.3).
    NumberCritical,
    /// It has no authority key identifier (section 5.2.1).
    NoAuthorityKeyId,
    /// Its distribution point is not marked critical (section 5.2.5). It is applied all the same.
    DistributionPointNotCritical,
    /// It says that it revokes nothing by a list without entries (section 5.1.2.6).
    EmptyList,
}

impl fmt::Display for CrlDeviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version1 => "it is of version 1",
            Self::NoNumber => "it has no cRLNumber",
            Self::NumberCritical => "its cRLNumber is marked critical",
            Self::NoAuthorityKeyId => "it has no authorityKeyIdentifier",
            Self::DistributionPointNotCritical => {
                "its issuingDistributionPoint is not marked critical"
            }
            Self::EmptyList => "it has a list of revoked certificates without entries",
        })
    }
}

/// How a list stands to another one of the same issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Succession {
    /// It takes the place of the other.
    Newer,
    /// The other takes its place.
    Older,
    /// Of the same scope, and neither is told to be the newer one.
    Beside,
    /// Of another scope.
    Apart,
}

impl Crl {
    /// Reads one revocation list from DER.
    ///
    /// # Errors
    /// What is wrong with it: empty, too large, malformed with the field and the offset, bytes behind it, the
    /// same extension twice, extensions in version 1, two signature algorithms that differ. A list of a kind
    /// that is not installed is no error here: see [`refusal`](Self::refusal).
    pub fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        let facts = read::facts(der)?;
        Ok(Self(Arc::new(Inner {
            der: der.into(),
            fingerprint: Fingerprint::over(der),
            facts,
        })))
    }

    /// Reads exactly one revocation list from PEM (RFC 7468). Text around the section is allowed.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der), with the section; and [`CrlError::NotOne`] if there are more.
    pub fn from_pem(text: &[u8]) -> Result<Self, CrlError> {
        let mut all = Self::many_from_pem(text)?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (_, others) => Err(CrlError::NotOne {
                found: others.saturating_add(1),
            }),
        }
    }

    /// Reads every revocation list of a PEM file, in its order.
    ///
    /// # Errors
    /// All or nothing: the first section that is truncated, mislabelled or unreadable is named by its index
    /// (from 0) and its line (from 1), and nothing is returned of the others.
    pub fn many_from_pem(text: &[u8]) -> Result<Vec<Self>, CrlError> {
        let sections = pem::sections_within(text, MAX_CRL_PEM_BYTES)?;
        let mut lists = Vec::with_capacity(sections.len());
        for section in &sections {
            if section.label != CRL_LABEL {
                return Err(section.unexpected().into());
            }
            let der = section.decode_public()?;
            let list = Self::from_der(&der).map_err(|error| CrlError::Section {
                index: section.index,
                line: section.line,
                source: Box::new(error),
            })?;
            lists.push(list);
        }
        Ok(lists)
    }

    /// The list as one PEM section with lines of 64 characters.
    pub fn to_pem(&self) -> String {
        pem::encode(CRL_LABEL, self.der())
    }

    /// The DER, byte for byte as it was read.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 over the DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// The version: 1 or 2.
    pub fn version(&self) -> u8 {
        self.0.facts.version
    }

    /// The issuer as one line of text, safe to show.
    pub fn issuer(&self) -> String {
        distinguished(self.issuer_der())
    }

    /// The issuer's DER, as it stands there.
    pub fn issuer_der(&self) -> &[u8] {
        self.0.facts.issuer.get(self.der())
    }

    /// When it was issued, in seconds since 1970-01-01T00:00:00Z.
    pub fn this_update(&self) -> i64 {
        self.0.facts.this_update
    }

    /// When the next one comes at the latest, in seconds since 1970-01-01T00:00:00Z; from then on it has expired.
    pub fn next_update(&self) -> Option<i64> {
        self.0.facts.next_update
    }

    /// The `cRLNumber`, if present.
    pub fn number(&self) -> Option<&CrlNumber> {
        self.0.facts.number.as_ref()
    }

    /// The `keyIdentifier` of the `authorityKeyIdentifier`, if present.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        Some(self.0.facts.authority_key_id?.get(self.der()))
    }

    /// The object identifier of the algorithm with which it was signed, in dotted form.
    pub fn signature_algorithm(&self) -> String {
        der::take(self.algorithm_id())
            .map(|(oid, _)| dotted(oid.content))
            .unwrap_or_default()
    }

    /// What the algorithm is called with which it was signed; its object identifier stands in parentheses unless it is
    /// a usual one.
    pub fn signature_algorithm_name(&self) -> String {
        algorithms::signature_name(self.algorithm_id())
    }

    /// Which kind of certificates it is about.
    pub fn kinds(&self) -> CrlKinds {
        self.0.facts.scope.kinds
    }

    /// Whether it tells of certificates that were revoked for any reason, not for some only.
    pub fn has_all_reasons(&self) -> bool {
        self.0.facts.scope.reasons.is_all()
    }

    /// The URIs of its distribution point, in printable ASCII. A list that has a distribution point tells only
    /// of certificates that name it.
    pub fn distribution_point(&self) -> impl Iterator<Item = &str> {
        self.distribution_point_names().filter_map(|name| {
            let (name, _) = der::take(name)?;
            let text = core::str::from_utf8(name.content).ok()?;
            let clean = text.bytes().all(|byte| byte.is_ascii_graphic());
            (name.tag == 0x86 && clean).then_some(text)
        })
    }

    /// How many entries it has.
    pub fn revoked_count(&self) -> usize {
        self.0.facts.index.len()
    }

    /// What it says of the certificate of its issuer that has this serial number, as content bytes.
    pub fn revoked(&self, serial: &[u8]) -> Option<Revoked> {
        self.0.facts.index.find(self.der(), serial)
    }

    /// The serial numbers that it has, in their shortest form.
    pub(crate) fn serials(&self) -> impl Iterator<Item = &[u8]> {
        self.0.facts.index.serials(self.der())
    }

    /// Why a list of this kind is not installed, if so.
    pub fn refusal(&self) -> Option<&CrlRefusal> {
        self.0.facts.refusal.as_ref()
    }

    /// In what it departs from RFC 5280 without being unclear.
    pub fn deviations(&self) -> &[CrlDeviation] {
        &self.0.facts.deviations
    }

    /// What it says of a certificate that names its issuer: `None` if the certificate names the key of another issuer of
    /// that name.
    pub(crate) fn revoked_by_name(&self, certificate: &Certificate) -> Option<Revoked> {
        if let (Some(theirs), Some(ours)) =
            (certificate.authority_key_id(), self.authority_key_id())
            && theirs != ours
        {
            return None;
        }
        self.revoked(certificate.serial())
    }

    /// Of which reasons it tells for a certificate of its issuer.
    pub(crate) fn covers(&self, certificate: &Certificate) -> Reasons {
        self.0.facts.scope.covers(self.der(), certificate)
    }

    /// How it stands to another list of the same issuer. Those that have a number and those that have none are
    /// not compared, so that what takes the place of what does not depend on the order in which they come.
    pub(crate) fn succession(&self, other: &Self) -> Succession {
        if !self.has_scope_of(other) {
            return Succession::Apart;
        }
        let numbers = match (self.number(), other.number()) {
            (Some(own), Some(others)) => own.cmp(others),
            (None, None) => Ordering::Equal,
            (Some(_), None) | (None, Some(_)) => return Succession::Beside,
        };
        match (numbers, self.this_update().cmp(&other.this_update())) {
            (Ordering::Greater, Ordering::Greater | Ordering::Equal)
            | (Ordering::Equal, Ordering::Greater) => Succession::Newer,
            (Ordering::Less, Ordering::Less | Ordering::Equal)
            | (Ordering::Equal, Ordering::Less) => Succession::Older,
            (Ordering::Equal, Ordering::Equal)
            | (Ordering::Greater, Ordering::Less)
            | (Ordering::Less, Ordering::Greater) => Succession::Beside,
        }
    }

    /// Whether both tell of the same certificates and reasons.
    pub(crate) fn has_scope_of(&self, other: &Self) -> bool {
        let reasons = |list: &Self| list.0.facts.scope.reasons;
        self.kinds() == other.kinds()
            && reasons(self) == reasons(other)
            && self
                .distribution_point_names()
                .eq(other.distribution_point_names())
    }

    fn distribution_point_names(&self) -> impl Iterator<Item = &[u8]> {
        let names = self.0.facts.scope.names.iter();
        names.map(|name| name.get(self.der()))
    }

    pub(super) fn algorithm_id(&self) -> &[u8] {
        self.0.facts.algorithm.get(self.der())
    }

    pub(super) fn to_be_signed(&self) -> &[u8] {
        self.0.facts.tbs.get(self.der())
    }

    pub(super) fn signature(&self) -> &[u8] {
        self.0.facts.signature.get(self.der())
    }
}

/// Equality is over the whole DER.
impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.der == other.0.der
    }
}

impl Eq for Crl {}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crl")
            .field("issuer", &self.issuer())
            .field("number", &self.number())
            .field("revoked", &self.revoked_count())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
