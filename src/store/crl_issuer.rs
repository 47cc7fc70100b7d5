//! Issuers of revocation lists: a name, compared by value, and a key (rule C4).

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use std::borrow::Cow;
use std::sync::Arc;

use crate::certificate::{Certificate, KeyPin, canonical_name, distinguished};

/// The issuer of a revocation list: a name and a key. Two CAs with one name and different keys are two issuers. A CA
/// with a new key is another issuer; a CA with a new certificate for the same key is the same issuer. Names are
/// compared by RFC 5280 section 7.1: case, string type and spacing do not matter.
#[derive(Clone)]
pub struct CrlIssuer {
    name: Arc<[u8]>,
    canonical: Arc<[u8]>,
    key: KeyPin,
}

impl CrlIssuer {
    /// A CA, by its certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self::new(certificate.subject_der(), certificate.key_pin())
    }

    /// `name` is the DER of the issuer's name.
    pub(crate) fn new(name: &[u8], key: KeyPin) -> Self {
        let canonical = canonical_name(name);
        let name: Arc<[u8]> = name.into();
        Self {
            canonical: match canonical {
                Cow::Borrowed(_) => name.clone(),
                Cow::Owned(canonical) if canonical == *name => name.clone(),
                Cow::Owned(canonical) => canonical.into(),
            },
            name,
            key,
        }
    }

    /// The name in canonical form, for comparing.
    pub(super) fn canonical_name(&self) -> &Arc<[u8]> {
        &self.canonical
    }

    /// Whether a name in DER is that of this issuer.
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        *self.name == *name || *self.canonical == *canonical_name(name)
    }

    fn compared(&self) -> (&[u8], KeyPin) {
        (&self.canonical, self.key)
    }

    /// Its name as one line of text, safe to show.
    pub fn name(&self) -> String {
        distinguished(&self.name)
    }

    /// The DER of its name.
    #[doc(hidden)]
    pub fn name_der(&self) -> &[u8] {
        &self.name
    }

    /// Its key.
    #[doc(hidden)]
    pub fn key_pin(&self) -> KeyPin {
        self.key
    }
}

impl PartialEq for CrlIssuer {
    fn eq(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }
}

impl Eq for CrlIssuer {}

impl PartialOrd for CrlIssuer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CrlIssuer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compared().cmp(&other.compared())
    }
}

impl Hash for CrlIssuer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.compared().hash(state);
    }
}

impl fmt::Display for CrlIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with key {}", self.name(), self.key)
    }
}

impl fmt::Debug for CrlIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CrlIssuer({self})")
    }
}
