//! The revocation lists that are installed, and the issuers whose certificates are checked (rule C4).

use std::collections::BTreeMap;
use std::sync::Arc;

use pki_types::UnixTime;

use super::filter::{Filter, MANY_LISTS};
use super::{CrlIssuer, Slot};
use crate::certificate::{
    Certificate, Crl, Fingerprint, KeyPin, Revoked, canonical_name, shortest,
};

/// A revocation list whose signature was verified when it was installed. Removing the CA's certificate does not remove
/// the list.
#[derive(Clone, Debug)]
pub struct InstalledCrl {
    crl: Crl,
    issuer: CrlIssuer,
    origin: CrlOrigin,
    disabled: Option<Box<str>>,
}

/// When a list was installed, and by which administrator.
#[derive(Clone, Debug, Default)]
pub(crate) struct CrlOrigin {
    pub(crate) installed: Option<UnixTime>,
    pub(crate) installed_by: Option<Arc<str>>,
}

/// A stored revocation list that this version cannot read. Its bytes are kept and stored again. It revokes nothing, and
/// its issuer stays checked.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct UnreadCrl {
    der: Box<[u8]>,
    fingerprint: Fingerprint,
    issuer: CrlIssuer,
    origin: CrlOrigin,
    #[cfg(feature = "admin")]
    disabled: Option<Box<str>>,
}

impl UnreadCrl {
    /// The DER, byte for byte as it was stored.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 over the DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The issuer under whose key it was verified when it was installed.
    pub fn issuer(&self) -> &CrlIssuer {
        &self.issuer
    }

    /// When it was installed; `None` if the clock was unset.
    pub fn installed(&self) -> Option<UnixTime> {
        self.origin.installed
    }

    /// The actor that installed it.
    pub fn installed_by(&self) -> Option<&str> {
        self.origin.installed_by.as_deref()
    }

    /// The reason why it was disabled before, if it was.
    #[cfg(feature = "admin")]
    pub(crate) fn disabled(&self) -> Option<&str> {
        self.disabled.as_deref()
    }
}

/// A list as it was stored.
#[cfg(feature = "admin")]
pub(crate) struct HeldCrl<'a> {
    pub(crate) issuer: CrlIssuer,
    pub(crate) der: &'a [u8],
    pub(crate) origin: CrlOrigin,
    pub(crate) disabled: Option<Box<str>>,
}

#[cfg(feature = "admin")]
impl HeldCrl<'_> {
    pub(super) fn unread(self) -> UnreadCrl {
        UnreadCrl {
            der: self.der.into(),
            fingerprint: Fingerprint::over(self.der),
            issuer: self.issuer,
            origin: self.origin,
            disabled: self.disabled,
        }
    }
}

impl InstalledCrl {
    /// A list. Its signature was verified under the key of `issuer`, now or when it was first installed.
    pub(crate) fn new(crl: Crl, issuer: CrlIssuer, origin: CrlOrigin) -> Self {
        Self {
            crl,
            issuer,
            origin,
            disabled: None,
        }
    }

    /// The same list, used for its revocations only.
    #[cfg(feature = "admin")]
    pub(crate) fn disable(self, why: Option<Box<str>>) -> Self {
        Self {
            disabled: why,
            ..self
        }
    }

    /// The list.
    pub fn crl(&self) -> &Crl {
        &self.crl
    }

    /// The issuer under whose key it was verified.
    #[doc(hidden)]
    pub fn issuer(&self) -> &CrlIssuer {
        &self.issuer
    }

    /// When it was installed; `None` if the clock was unset.
    pub fn installed(&self) -> Option<UnixTime> {
        self.origin.installed
    }

    /// The actor that installed it ([`set_actor`](crate::TrustStore::set_actor)), if one was set.
    pub fn installed_by(&self) -> Option<&str> {
        self.origin.installed_by.as_deref()
    }

    /// Why the list is disabled, if it is: a recovery took it from a damaged file, and no installed certificate
    /// verifies it. What it names stays revoked, but it proves for no certificate that it is not revoked. To enable it,
    /// install the issuer's certificate and then the list again.
    pub fn disabled(&self) -> Option<&str> {
        self.disabled.as_deref()
    }

    /// Whether it can prove that a certificate is not revoked. A list of a kind that only an earlier version installed
    /// cannot.
    pub(crate) fn is_usable(&self) -> bool {
        self.disabled.is_none() && self.crl.refusal().is_none()
    }

    /// Whether it revokes an installed certificate. The issuer is known by its name only. A self-signature of an
    /// authority or intermediate was verified when it was installed (rule I4).
    pub(crate) fn revokes(&self, certificate: &Certificate, slot: Slot) -> Option<Revoked> {
        if !self.issuer.is_named(certificate.issuer_der()) {
            return None;
        }
        let signed_itself = slot != Slot::Pin && certificate.names_own_key() == Some(true);
        if signed_itself && certificate.key_pin() != self.issuer.key_pin() {
            return None;
        }
        self.crl.revoked_by_name(certificate)
    }
}

/// The lists of one checked issuer, ordered by fingerprint.
type Lists = Arc<Vec<Arc<InstalledCrl>>>;

/// A checked issuer, with its name as it was first written.
#[derive(Clone)]
struct Checked {
    issuer: CrlIssuer,
    lists: Lists,
}

/// All lists, by the issuer's canonical name and key. An issuer in this map is checked, even if it has no lists.
#[derive(Clone, Default)]
pub(crate) struct Crls {
    issuers: BTreeMap<Arc<[u8]>, BTreeMap<KeyPin, Checked>>,
    /// Filters for names with many lists: serial numbers that none of the lists has. By the canonical name.
    filters: BTreeMap<Arc<[u8]>, Arc<Filter>>,
    /// Lists that cannot be read. Their issuers are checked.
    unread: BTreeMap<(CrlIssuer, Fingerprint), Arc<UnreadCrl>>,
    count: usize,
    bytes: usize,
}

impl Crls {
    /// Whether no issuer is checked.
    pub(crate) fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    /// The number of lists, unreadable ones included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The bytes of DER of all lists together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The lists of one issuer; `None` if it is not checked.
    pub(crate) fn of(&self, issuer: &CrlIssuer) -> Option<&[Arc<InstalledCrl>]> {
        let checked = self
            .issuers
            .get(issuer.canonical_name())?
            .get(&issuer.key_pin())?;
        Some(&checked.lists)
    }

    /// The issuers of one name, by their keys.
    fn keys(&self, name: &[u8]) -> Option<&BTreeMap<KeyPin, Checked>> {
        if self.issuers.is_empty() {
            return None;
        }
        self.issuers.get(&*canonical_name(name))
    }

    /// The lists of one issuer, by its certificate. The key is hashed only if an issuer of this name is checked.
    pub(crate) fn of_issuer(&self, issuer: &Certificate) -> Option<&[Arc<InstalledCrl>]> {
        let checked = self.keys(issuer.subject_der())?.get(&issuer.key_pin())?;
        Some(&checked.lists)
    }

    /// The lists of all issuers of one name.
    pub(crate) fn named(&self, name: &[u8]) -> impl Iterator<Item = &Arc<InstalledCrl>> + Clone {
        Self::lists_of(self.keys(name))
    }

    fn lists_of(
        keys: Option<&BTreeMap<KeyPin, Checked>>,
    ) -> impl Iterator<Item = &Arc<InstalledCrl>> + Clone {
        let keys = keys.into_iter().flat_map(BTreeMap::values);
        keys.flat_map(|checked| checked.lists.iter())
    }

    /// Whether a list of an issuer of this name may have this serial number. `false` is certain.
    pub(crate) fn may_have(&self, name: &[u8], serial: &[u8]) -> bool {
        if self.filters.is_empty() {
            return true;
        }
        let filter = self.filters.get(&*canonical_name(name));
        filter.is_none_or(|filter| filter.may_have(shortest(serial)))
    }

    /// Updates the filter of a canonical name after `added` was put in. Removed lists stay in the filter until it is
    /// rebuilt; the filter then only rules out less.
    fn filter(&mut self, name: &Arc<[u8]>, added: Option<&Crl>) {
        let lists = Self::lists_of(self.issuers.get(name));
        if lists.count() < MANY_LISTS {
            self.filters.remove(name);
            return;
        }
        let held = self.filters.get_mut(name);
        if let (Some(filter), Some(added)) = (held, added)
            && Arc::make_mut(filter).add(added)
        {
            return;
        }
        if added.is_some() || !self.filters.contains_key(name) {
            let lists = Self::lists_of(self.issuers.get(name));
            let filter = Filter::of(lists.map(|list| &list.crl));
            self.filters.insert(name.clone(), Arc::new(filter));
        }
    }

    /// All lists, ordered by issuer and fingerprint.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<InstalledCrl>> {
        let keys = self.issuers.values().flat_map(BTreeMap::values);
        keys.flat_map(|checked| checked.lists.iter())
    }

    /// All unreadable lists, ordered by issuer and fingerprint.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &Arc<UnreadCrl>> {
        self.unread.values()
    }

    /// All checked issuers, in order.
    pub(crate) fn checked(&self) -> impl Iterator<Item = CrlIssuer> {
        let keys = self.issuers.values().flat_map(BTreeMap::values);
        keys.map(|checked| checked.issuer.clone())
    }

    /// Starts to check an issuer. `false` if it was checked already.
    pub(crate) fn check(&mut self, issuer: &CrlIssuer) -> bool {
        let keys = self
            .issuers
            .entry(issuer.canonical_name().clone())
            .or_default();
        let new = !keys.contains_key(&issuer.key_pin());
        keys.entry(issuer.key_pin()).or_insert_with(|| Checked {
            issuer: issuer.clone(),
            lists: Lists::default(),
        });
        new
    }

    /// Stops checking an issuer and removes its lists. `None` if it was not checked.
    pub(super) fn stop(&mut self, issuer: &CrlIssuer) -> Option<Lists> {
        let keys = self.issuers.get_mut(issuer.canonical_name())?;
        let lists = keys.remove(&issuer.key_pin())?.lists;
        if keys.is_empty() {
            self.issuers.remove(issuer.canonical_name());
        }
        self.count = self.count.saturating_sub(lists.len());
        let bytes = lists.iter().map(|list| list.crl.der().len());
        self.bytes = bytes.fold(self.bytes, usize::saturating_sub);
        let unread = self.unread.keys().filter(|(held, _)| held == issuer);
        let unread: Vec<Fingerprint> = unread.map(|(_, fingerprint)| *fingerprint).collect();
        for fingerprint in unread {
            self.take_unread(fingerprint);
        }
        self.filter(issuer.canonical_name(), None);
        Some(lists)
    }

    /// Adds an unreadable list. Its issuer is checked from now on.
    #[cfg(feature = "admin")]
    pub(crate) fn put_unread(&mut self, list: UnreadCrl) {
        self.check(&list.issuer);
        let size = list.der.len();
        let place = (list.issuer.clone(), list.fingerprint);
        if self.unread.insert(place, Arc::new(list)).is_none() {
            self.count = self.count.saturating_add(1);
            self.bytes = self.bytes.saturating_add(size);
        }
    }

    /// Removes an unreadable list and returns its issuer, which stays checked.
    pub(super) fn take_unread(&mut self, fingerprint: Fingerprint) -> Option<CrlIssuer> {
        let mut places = self.unread.keys();
        let place = places.find(|(_, held)| *held == fingerprint)?.clone();
        let taken = self.unread.remove(&place)?;
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(taken.der.len());
        Some(place.0)
    }

    /// Adds a list without judging it. Its issuer is checked from now on.
    pub(crate) fn put(&mut self, list: InstalledCrl) {
        self.check(&list.issuer);
        let keys = self.issuers.get_mut(list.issuer.canonical_name());
        let Some(Checked { issuer, lists }) =
            keys.and_then(|keys| keys.get_mut(&list.issuer.key_pin()))
        else {
            return;
        };
        // The name gets one spelling, so that a stored list has the name of the stored issuer.
        let issuer = issuer.clone();
        let list = InstalledCrl { issuer, ..list };
        let fingerprint = list.crl.fingerprint();
        let place = lists.binary_search_by_key(&fingerprint, |held| held.crl.fingerprint());
        if let Err(at) = place {
            self.count = self.count.saturating_add(1);
            self.bytes = self.bytes.saturating_add(list.crl.der().len());
            let (name, crl) = (list.issuer.canonical_name().clone(), list.crl.clone());
            Arc::make_mut(lists).insert(at, Arc::new(list));
            self.filter(&name, Some(&crl));
        }
    }

    /// Removes a list. Its issuer stays checked.
    pub(super) fn take(&mut self, fingerprint: Fingerprint) -> Option<Arc<InstalledCrl>> {
        let is = |held: &Arc<InstalledCrl>| held.crl.fingerprint() == fingerprint;
        let all = self.issuers.values_mut().flat_map(BTreeMap::values_mut);
        let mut all = all.map(|checked| &mut checked.lists);
        let lists = all.find(|lists| lists.iter().any(is))?;
        let at = lists.iter().position(is)?;
        let taken = Arc::make_mut(lists).remove(at);
        self.filter(&taken.issuer.canonical_name().clone(), None);
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(taken.crl.der().len());
        Some(taken)
    }
}
