//! Certificate revocation lists (RFC 5280 section 5).
//!
//! Parsing tells what a list states. Who signed it, and whether it counts, is decided in the [store](crate::store) and
//! the [policy](crate::policy).

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

use super::{Certificate, Fingerprint, Timestamp, algorithms, der, distinguished, dotted, pem};
use crate::certificate::error::{CrlError, UnsupportedCrl};
use crate::limits::MAX_CRL_PEM_BYTES;
use read::Facts;

/// The label of a revocation list in PEM (RFC 7468 section 6).
pub(crate) const CRL_LABEL: &str = "X509 CRL";

/// A certificate revocation list. It is parsed once, never changes, and is cheap to clone.
///
/// It needs the memory of its DER and four bytes for each entry.
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

/// A harmless deviation of a list from RFC 5280: its meaning is still clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[doc(hidden)]
pub enum CrlDeviation {
    /// The list has version 1 (section 5.1.2.1). `openssl ca -gencrl` makes such lists without `crlnumber` and
    /// `crl_extensions`.
    Version1,
    /// The list has no `cRLNumber` (section 5.2.3).
    NoNumber,
    /// The `cRLNumber` is marked critical (section 5.2.3).
    NumberCritical,
    /// The list has no `authorityKeyIdentifier` (section 5.2.1).
    NoAuthorityKeyId,
    /// The `issuingDistributionPoint` is not marked critical (section 5.2.5). It is applied nevertheless.
    DistributionPointNotCritical,
    /// The list revokes nothing, and states it by an empty `revokedCertificates` instead of omitting the field (section
    /// 5.1.2.6).
    EmptyList,
    /// A string in the name of the issuer is outside of the alphabet of its type (sections 5.1.2.3 and 4.1.2.4). Names
    /// are compared by section 7.1, where such a name can be equal to that of the issuer.
    IssuerAlphabet,
}

impl fmt::Display for CrlDeviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version1 => "it has version 1",
            Self::NoNumber => "it has no cRLNumber",
            Self::NumberCritical => "its cRLNumber is marked critical",
            Self::NoAuthorityKeyId => "it has no authorityKeyIdentifier",
            Self::DistributionPointNotCritical => {
                "its issuingDistributionPoint is not marked critical"
            }
            Self::EmptyList => "its list of revoked certificates has no entries",
            Self::IssuerAlphabet => {
                "a string in the name of its issuer is outside of the alphabet of its type"
            }
        })
    }
}

/// The relation of a list to another list of the same issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Succession {
    /// Replaces the other list.
    Newer,
    /// Is replaced by the other list.
    Older,
    /// Same scope, but number and date disagree about which list is newer.
    Beside,
    /// Another scope.
    Apart,
}

impl Crl {
    /// Reads one revocation list from DER.
    ///
    /// # Errors
    /// The list is empty, too large or malformed (the error names the field and the offset). Other bytes follow it. It
    /// has an extension twice, or extensions in version 1. Its two signature algorithms differ. A list of an
    /// unsupported kind is not an error here: see [`refusal`](Self::refusal).
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
    /// As [`from_der`](Self::from_der), with the section. [`CrlError::NotOne`] if there are several lists.
    pub fn from_pem(text: &[u8]) -> Result<Self, CrlError> {
        let mut all = Self::many_from_pem(text)?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (_, others) => Err(CrlError::NotOne {
                found: others.saturating_add(1),
            }),
        }
    }

    /// Reads all revocation lists of a PEM file, in order.
    ///
    /// # Errors
    /// One section is truncated, mislabelled or unreadable. The error names the first such section by its position
    /// (from 0) and line (from 1). No list is returned then.
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
    #[doc(hidden)]
    pub fn version(&self) -> u8 {
        self.0.facts.version
    }

    /// The issuer as one line of text that is safe to show.
    pub fn issuer(&self) -> String {
        distinguished(self.issuer_der())
    }

    /// The issuer in DER, as encoded.
    #[doc(hidden)]
    pub fn issuer_der(&self) -> &[u8] {
        self.0.facts.issuer.get(self.der())
    }

    /// `thisUpdate`: when the list was issued.
    pub fn this_update(&self) -> Timestamp {
        Timestamp(self.0.facts.this_update)
    }

    /// `nextUpdate`: the latest time at which the CA issues the next list. From then on this one has expired.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.0.facts.next_update.map(Timestamp)
    }

    /// The `cRLNumber`, if present.
    #[doc(hidden)]
    pub fn number(&self) -> Option<&CrlNumber> {
        self.0.facts.number.as_ref()
    }

    /// The `keyIdentifier` of the `authorityKeyIdentifier`, if present.
    #[doc(hidden)]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        Some(self.0.facts.authority_key_id?.get(self.der()))
    }

    /// The object identifier of the signature algorithm, in dotted form.
    #[doc(hidden)]
    pub fn signature_algorithm(&self) -> String {
        der::take(self.algorithm_id())
            .map(|(oid, _)| dotted(oid.content))
            .unwrap_or_default()
    }

    /// The name of the signature algorithm. Its object identifier follows in parentheses unless the algorithm is well
    /// known.
    #[doc(hidden)]
    pub fn signature_algorithm_name(&self) -> String {
        algorithms::signature_name(self.algorithm_id())
    }

    /// The kind of certificates that the list covers.
    #[doc(hidden)]
    pub fn kinds(&self) -> CrlKinds {
        self.0.facts.scope.kinds
    }

    /// Whether the list covers revocations for all reasons, not only for some.
    #[doc(hidden)]
    pub fn has_all_reasons(&self) -> bool {
        self.0.facts.scope.reasons.is_all()
    }

    /// The URIs of the list's distribution point, in printable ASCII. A list with a distribution point covers only the
    /// certificates that name it.
    #[doc(hidden)]
    pub fn distribution_point(&self) -> impl Iterator<Item = &str> {
        self.distribution_point_names().filter_map(|name| {
            let (name, _) = der::take(name)?;
            let text = core::str::from_utf8(name.content).ok()?;
            let clean = text.bytes().all(|byte| byte.is_ascii_graphic());
            (name.tag == 0x86 && clean).then_some(text)
        })
    }

    /// The number of entries.
    #[doc(hidden)]
    pub fn revoked_count(&self) -> usize {
        self.0.facts.index.len()
    }

    /// The entry for the issuer's certificate with this serial number, given as content bytes.
    #[doc(hidden)]
    pub fn revoked(&self, serial: &[u8]) -> Option<Revoked> {
        self.0.facts.index.find(self.der(), serial)
    }

    /// The serial numbers of all entries, in their shortest form.
    pub(crate) fn serials(&self) -> impl Iterator<Item = &[u8]> {
        self.0.facts.index.serials(self.der())
    }

    /// Why the list is of an unsupported kind and cannot be installed. `None` if it can be.
    #[doc(hidden)]
    pub fn refusal(&self) -> Option<&UnsupportedCrl> {
        self.0.facts.refusal.as_ref()
    }

    /// The harmless deviations of the list from RFC 5280.
    #[doc(hidden)]
    pub fn deviations(&self) -> &[CrlDeviation] {
        &self.0.facts.deviations
    }

    /// The entry for a certificate that names the issuer of this list. `None` if the certificate names another key of
    /// an issuer of the same name.
    pub(crate) fn revoked_by_name(&self, certificate: &Certificate) -> Option<Revoked> {
        if let (Some(theirs), Some(ours)) =
            (certificate.authority_key_id(), self.authority_key_id())
            && theirs != ours
        {
            return None;
        }
        self.revoked(certificate.serial())
    }

    /// The revocation reasons for which the list covers a certificate of its issuer.
    pub(crate) fn covers(&self, certificate: &Certificate) -> Reasons {
        self.0.facts.scope.covers(self.der(), certificate)
    }

    /// The revocation reasons for which the list covers all that its issuer signed, of the kinds that it covers.
    #[cfg(feature = "admin")]
    pub(crate) fn covers_all_of(&self, issuer: &Certificate) -> Reasons {
        self.0.facts.scope.covers_all_of(self.der(), issuer)
    }

    /// The relation to another list of the same issuer. Lists with and without a number are not compared: otherwise the
    /// result would depend on the order of installation.
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

    /// Whether both lists cover the same certificates and reasons.
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

/// Two lists are equal if their DER is equal.
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
