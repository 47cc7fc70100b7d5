//! The revocation lists that are installed, and the issuers whose certificates are checked (rule C4).

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use pki_types::UnixTime;

use super::Slot;
use crate::certificate::{Certificate, Crl, Fingerprint, KeyPin, Revoked, distinguished};

/// Who issued a revocation list: a name and a key. Two CAs of one name are two issuers, and a CA that gets a new
/// key is another one; a CA whose certificate is made again with its key is the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrlIssuer {
    name: Arc<[u8]>,
    key: KeyPin,
}

impl CrlIssuer {
    /// A CA, by its certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self::new(certificate.subject_der(), certificate.key_pin())
    }

    /// `name` is the DER of the issuer's name.
    pub(crate) fn new(name: &[u8], key: KeyPin) -> Self {
        let name = name.into();
        Self { name, key }
    }

    /// Its name as one line of text, safe to show.
    pub fn name(&self) -> String {
        distinguished(&self.name)
    }

    /// The DER of its name.
    pub fn name_der(&self) -> &[u8] {
        &self.name
    }

    /// Its key.
    pub fn key_pin(&self) -> KeyPin {
        self.key
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

/// A revocation list whose signature was verified when it was installed. It stands by itself: removing the CA's
/// certificate does not remove it.
#[derive(Clone, Debug)]
pub struct InstalledCrl {
    crl: Crl,
    issuer: CrlIssuer,
    installed: Option<UnixTime>,
}

impl InstalledCrl {
    /// A list whose signature was verified under the key of `issuer`, now or when it was first installed.
    pub(crate) fn new(crl: Crl, issuer: CrlIssuer, installed: Option<UnixTime>) -> Self {
        Self {
            crl,
            issuer,
            installed,
        }
    }

    /// The list.
    pub fn crl(&self) -> &Crl {
        &self.crl
    }

    /// Under whose key it was verified.
    pub fn issuer(&self) -> &CrlIssuer {
        &self.issuer
    }

    /// When it was installed; `None` if the clock was unset.
    pub fn installed(&self) -> Option<UnixTime> {
        self.installed
    }

    /// What it says of an installed certificate, whose issuer is not at hand and known by name alone; but that an
    /// authority or intermediate signed itself was verified when it was installed (rule I4).
    pub(crate) fn revokes(&self, certificate: &Certificate, slot: Slot) -> Option<Revoked> {
        let signed_itself = slot != Slot::Pin && certificate.names_own_key() == Some(true);
        if signed_itself && certificate.key_pin() != self.issuer.key {
            return None;
        }
        self.crl.revoked_by_name(certificate)
    }
}

/// The lists of one checked issuer, ordered by fingerprint.
type Lists = Arc<Vec<Arc<InstalledCrl>>>;

/// All lists, by issuer. Whoever stands here is checked, with lists or without; whoever does not has none.
#[derive(Clone, Default)]
pub(crate) struct Crls {
    issuers: BTreeMap<Arc<[u8]>, BTreeMap<KeyPin, Lists>>,
    count: usize,
    bytes: usize,
}

impl Crls {
    /// Whether no issuer is checked.
    pub(crate) fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    /// How many lists there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many bytes of DER they have together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The lists of one issuer; `None` if it is not checked.
    pub(crate) fn of(&self, name: &[u8], key: KeyPin) -> Option<&[Arc<InstalledCrl>]> {
        let lists = self.issuers.get(name)?.get(&key)?;
        Some(lists)
    }

    /// The lists of all issuers of one name.
    pub(crate) fn named(&self, name: &[u8]) -> impl Iterator<Item = &Arc<InstalledCrl>> {
        let keys = self
            .issuers
            .get(name)
            .into_iter()
            .flat_map(BTreeMap::values);
        keys.flat_map(|lists| lists.iter())
    }

    /// All lists, ordered by issuer and fingerprint.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<InstalledCrl>> {
        let keys = self.issuers.values().flat_map(BTreeMap::values);
        keys.flat_map(|lists| lists.iter())
    }

    /// All checked issuers, in order.
    pub(crate) fn checked(&self) -> impl Iterator<Item = CrlIssuer> {
        self.issuers.iter().flat_map(|(name, keys)| {
            keys.keys().map(|key| CrlIssuer {
                name: name.clone(),
                key: *key,
            })
        })
    }

    /// Lets an issuer be checked from now on; `false` if it was already.
    pub(crate) fn check(&mut self, issuer: &CrlIssuer) -> bool {
        let keys = self.issuers.entry(issuer.name.clone()).or_default();
        let new = !keys.contains_key(&issuer.key);
        keys.entry(issuer.key).or_default();
        new
    }

    /// Lets an issuer be checked no more, and takes its lists out; `None` if it was not checked.
    pub(super) fn stop(&mut self, issuer: &CrlIssuer) -> Option<Lists> {
        let keys = self.issuers.get_mut(&issuer.name)?;
        let lists = keys.remove(&issuer.key)?;
        if keys.is_empty() {
            self.issuers.remove(&issuer.name);
        }
        self.count = self.count.saturating_sub(lists.len());
        let bytes = lists.iter().map(|list| list.crl.der().len());
        self.bytes = bytes.fold(self.bytes, usize::saturating_sub);
        Some(lists)
    }

    /// Puts a list in, unjudged; its issuer is checked from now on.
    pub(crate) fn put(&mut self, list: InstalledCrl) {
        self.check(&list.issuer);
        let keys = self.issuers.get_mut(&list.issuer.name);
        let Some(lists) = keys.and_then(|keys| keys.get_mut(&list.issuer.key)) else {
            return;
        };
        let fingerprint = list.crl.fingerprint();
        let place = lists.binary_search_by_key(&fingerprint, |held| held.crl.fingerprint());
        if let Err(at) = place {
            self.count = self.count.saturating_add(1);
            self.bytes = self.bytes.saturating_add(list.crl.der().len());
            Arc::make_mut(lists).insert(at, Arc::new(list));
        }
    }

    /// Takes a list out; its issuer stays checked.
    pub(super) fn take(&mut self, fingerprint: Fingerprint) -> Option<Arc<InstalledCrl>> {
        let is = |held: &Arc<InstalledCrl>| held.crl.fingerprint() == fingerprint;
        let mut all = self.issuers.values_mut().flat_map(BTreeMap::values_mut);
        let lists = all.find(|lists| lists.iter().any(is))?;
        let at = lists.iter().position(is)?;
        let taken = Arc::make_mut(lists).remove(at);
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(taken.crl.der().len());
        Some(taken)
    }
}
