//! Certificates and keys that are never accepted, whatever else is installed (rule P1).

use core::fmt;
use std::collections::{BTreeSet, HashMap};

use crate::certificate::{
    Certificate, Fingerprint, KeyPin, canonical_name, names_equal, shortest, variants,
};

/// What a block names. `unblock` takes the same selector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BlockSelector {
    /// A certificate and its key, so that re-issuing it with the same key does not help.
    #[non_exhaustive]
    Certificate {
        /// The certificate.
        fingerprint: Fingerprint,
        /// Its key.
        key: KeyPin,
    },
    /// The certificate with this fingerprint and its variants. A variant can be made without a key: the ECDSA signature
    /// `(r, s)` also verifies as `(r, n-s)`, and the same certificate then has another fingerprint. Variants are
    /// recognised for the curves P-256, P-384 and P-521.
    ///
    /// # Security
    /// This does not block the key. Its holder can get another certificate for it, or offer a self-made one to an
    /// administrator. For a compromised key, block the [certificate with its key](Self::certificate).
    Fingerprint(Fingerprint),
    /// Every certificate of one key.
    Key(KeyPin),
    /// The certificate to which one issuer gave this serial number. Some tools renew with the same key and the same
    /// number.
    ///
    /// The issuer is compared as a name (RFC 5280 section 7.1: case, string type and spacing do not matter). The serial
    /// number is compared as a number: leading zeros do not matter.
    #[non_exhaustive]
    IssuerSerial {
        /// The issuer's name in DER.
        issuer: Box<[u8]>,
        /// The serial number's content bytes.
        serial: Box<[u8]>,
    },
}

impl BlockSelector {
    /// The certificate and its key.
    pub fn certificate(certificate: &Certificate) -> Self {
        Self::Certificate {
            fingerprint: certificate.fingerprint(),
            key: certificate.key_pin(),
        }
    }

    /// The issuer and serial number of a certificate.
    pub fn issuer_serial(certificate: &Certificate) -> Self {
        Self::IssuerSerial {
            issuer: certificate.issuer_der().into(),
            serial: certificate.serial().into(),
        }
    }

    /// Whether this block hits the certificate.
    pub(super) fn names(&self, certificate: &Certificate) -> bool {
        if let Self::IssuerSerial { issuer, serial } = self {
            // The serial number first: it is cheap to compare and differs for nearly all certificates, of which there
            // can be a million.
            return shortest(serial) == shortest(certificate.serial())
                && names_equal(issuer, certificate.issuer_der());
        }
        let found = [
            Term::Fingerprint(certificate.fingerprint()),
            Term::Key(certificate.key_pin()),
        ];
        let named = |fingerprint| self.names_fingerprint(fingerprint);
        self.terms().any(|term| found.contains(&term))
            || variants::fingerprints(certificate.der()).any(named)
    }

    /// Whether this block hits the certificate with this fingerprint, when only the fingerprint is known.
    pub(super) fn names_fingerprint(&self, fingerprint: Fingerprint) -> bool {
        self.terms()
            .any(|term| term == Term::Fingerprint(fingerprint))
    }

    fn terms(&self) -> impl Iterator<Item = Term> {
        let (first, second) = match self {
            Self::Certificate { fingerprint, key } => {
                (Term::Fingerprint(*fingerprint), Some(Term::Key(*key)))
            }
            Self::Fingerprint(fingerprint) => (Term::Fingerprint(*fingerprint), None),
            Self::Key(key) => (Term::Key(*key), None),
            Self::IssuerSerial { issuer, serial } => (issuer_serial(issuer, serial), None),
        };
        core::iter::once(first).chain(second)
    }
}

/// With a short fingerprint; `{:#}` has the whole one, which `unblock` needs.
impl fmt::Display for BlockSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { fingerprint, .. } => {
                f.write_str("certificate ")?;
                fingerprint.identify(f)?;
                f.write_str(" and its key")
            }
            Self::Fingerprint(fingerprint) => {
                f.write_str("fingerprint ")?;
                fingerprint.identify(f)
            }
            Self::Key(key) => {
                f.write_str("key ")?;
                key.identify(f)
            }
            Self::IssuerSerial { serial, .. } => {
                f.write_str("issuer and serial number ")?;
                serial.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Term {
    Fingerprint(Fingerprint),
    Key(KeyPin),
    IssuerSerial(Box<[u8]>),
}

fn issuer_serial(issuer: &[u8], serial: &[u8]) -> Term {
    // The issuer is DER and ends where its length says, so two different pairs cannot give the same bytes.
    let pair: [&[u8]; 2] = [&canonical_name(issuer), shortest(serial)];
    Term::IssuerSerial(pair.concat().into_boxed_slice())
}

/// All blocks, indexed by fingerprint, key, and issuer with serial number.
#[derive(Clone, Default)]
pub(crate) struct Blocks {
    selectors: BTreeSet<BlockSelector>,
    terms: HashMap<Term, BTreeSet<BlockSelector>>,
    by_issuer_serial: usize,
    /// Number of blocks of a fingerprint alone. A block of a certificate also names its key, which the variants share.
    by_fingerprint: usize,
}

impl Blocks {
    pub(super) fn insert(&mut self, selector: &BlockSelector) -> bool {
        if !self.selectors.insert(selector.clone()) {
            return false;
        }
        if let Some(count) = self.count_of(selector) {
            *count = count.saturating_add(1);
        }
        for term in selector.terms() {
            self.terms.entry(term).or_default().insert(selector.clone());
        }
        true
    }

    pub(super) fn remove(&mut self, selector: &BlockSelector) -> bool {
        if !self.selectors.remove(selector) {
            return false;
        }
        if let Some(count) = self.count_of(selector) {
            *count = count.saturating_sub(1);
        }
        for term in selector.terms() {
            if let Some(holders) = self.terms.get_mut(&term) {
                holders.remove(selector);
                if holders.is_empty() {
                    self.terms.remove(&term);
                }
            }
        }
        true
    }

    fn count_of(&mut self, selector: &BlockSelector) -> Option<&mut usize> {
        match selector {
            BlockSelector::IssuerSerial { .. } => Some(&mut self.by_issuer_serial),
            BlockSelector::Fingerprint(_) => Some(&mut self.by_fingerprint),
            BlockSelector::Certificate { .. } | BlockSelector::Key(_) => None,
        }
    }

    pub(super) fn contains(&self, selector: &BlockSelector) -> bool {
        self.selectors.contains(selector)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &BlockSelector> {
        self.selectors.iter()
    }

    /// The first block that names `certificate`, if any.
    pub(crate) fn find(&self, certificate: &Certificate) -> Option<&BlockSelector> {
        if self.selectors.is_empty() {
            return None;
        }
        let by = |term: &Term| self.terms.get(term).and_then(BTreeSet::first);
        by(&Term::Fingerprint(certificate.fingerprint()))
            .or_else(|| by(&Term::Key(certificate.key_pin())))
            .or_else(|| {
                if self.by_issuer_serial == 0 {
                    return None;
                }
                by(&issuer_serial(
                    certificate.issuer_der(),
                    certificate.serial(),
                ))
            })
            .or_else(|| self.find_variant(certificate.der()))
    }

    /// The first block that names the certificate with these bytes, when the bytes cannot be parsed.
    pub(crate) fn find_unread(
        &self,
        der: &[u8],
        fingerprint: Fingerprint,
    ) -> Option<&BlockSelector> {
        self.find_fingerprint(fingerprint)
            .or_else(|| self.find_variant(der))
    }

    /// The first block on the fingerprint of a certificate of which `der` is a variant. It costs a hash, so it runs
    /// only if there is such a block.
    fn find_variant(&self, der: &[u8]) -> Option<&BlockSelector> {
        if self.by_fingerprint == 0 {
            return None;
        }
        variants::fingerprints(der).find_map(|fingerprint| self.find_fingerprint(fingerprint))
    }

    /// The first block that names the certificate with this fingerprint, when only the fingerprint is known.
    pub(crate) fn find_fingerprint(&self, fingerprint: Fingerprint) -> Option<&BlockSelector> {
        self.terms
            .get(&Term::Fingerprint(fingerprint))
            .and_then(BTreeSet::first)
    }
}
