//! The CA certificates of one subject. The right one is found without looking at all others (rule C5).
//!
//! Nearly every subject has one certificate or a few. From [`MANY`] on, the certificates are sorted in the order in
//! which they are tried, and are also found by their key identifier.

use core::cmp::Ordering;
use core::hash::BuildHasher;
use std::collections::{BTreeSet, hash_map::RandomState};
use std::sync::Arc;

use super::crowded::{Crowded, apart};
use super::{Entry, Slot};
use crate::certificate::sorted::sort_by;
use crate::certificate::{Certificate, canonical_name};

/// Number of certificates of one subject from which they are indexed. For fewer, comparing all is cheaper.
const MANY: usize = 16;

/// An installed CA certificate with its entry.
pub(crate) type Installed<'a> = (&'a Arc<Entry>, &'a Certificate);

/// A subject to search for. A peer chooses its spelling, so the caller converts it to canonical form once for all
/// searches.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    name: &'a [u8],
    /// The same in canonical form.
    pub(super) canonical: &'a [u8],
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(name: &'a [u8], canonical: &'a [u8]) -> Self {
        Self { name, canonical }
    }
}

/// Compares the subjects of entries with the wanted one.
#[derive(Clone)]
pub(super) struct Subject<'a> {
    wanted: Wanted<'a>,
    /// The last comparison. Certificates of one name nearly always have the same spelling.
    last: Option<(&'a [u8], bool)>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(wanted: Wanted<'a>) -> Self {
        Self { wanted, last: None }
    }

    /// An entry with its certificate, if it has this subject. Authorities match in any spelling (RFC 5280 section 7.1).
    /// Intermediates match only in the same bytes, because the path builder compares bytes below the authority.
    pub(super) fn installed(&mut self, entry: &'a Arc<Entry>) -> Option<Installed<'a>> {
        let certificate = entry.certificate()?;
        let own = certificate.subject_der();
        let same =
            own == self.wanted.name || (entry.slot() == Slot::Authority && self.is_same(own));
        same.then_some((entry, certificate))
    }

    fn is_same(&mut self, own: &'a [u8]) -> bool {
        if let Some((last, same)) = self.last
            && last == own
        {
            return same;
        }
        let same = *canonical_name(own) == *self.wanted.canonical;
        self.last = Some((own, same));
        same
    }
}

/// See the module. Each form is one pointer: almost every subject has one entry, and the index has many subjects.
#[derive(Clone)]
pub(crate) enum SameSubject {
    One(Arc<Entry>),
    Few(Arc<Vec<Arc<Entry>>>),
    Many(Arc<Many>),
}

#[derive(Clone, Default)]
pub(crate) struct Many {
    /// Certificates with a key identifier, sorted, and by a keyed hash of the identifier.
    identified: BTreeSet<Ranked>,
    by_key_id: Crowded,
    /// Certificates without a key identifier.
    unidentified: BTreeSet<Ranked>,
}

/// Entries in the order in which they are tried: the latest notAfter first, then by fingerprint. The order does not
/// depend on the order of installation.
#[derive(Clone)]
struct Ranked(Arc<Entry>);

/// The order of two entries.
fn ranked(one: &Entry, other: &Entry) -> Ordering {
    let longest = ends(other).cmp(&ends(one));
    longest.then_with(|| one.fingerprint().cmp(&other.fingerprint()))
}

fn ends(entry: &Entry) -> Option<i64> {
    let certificate = entry.certificate();
    certificate.map(|certificate| certificate.validity().not_after().seconds())
}

/// Sorts candidates by their class, and in each by [`ranked`].
fn sort_candidates(found: &mut Vec<(u8, Installed<'_>)>) {
    sort_by(found, |(class, (one, _)), (other_class, (other, _))| {
        class.cmp(other_class).then_with(|| ranked(one, other))
    });
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        ranked(&self.0, &other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

fn key_id(entry: &Entry) -> Option<&[u8]> {
    entry.certificate()?.subject_key_id()
}

impl Many {
    fn insert(&mut self, entry: Arc<Entry>, hasher: &RandomState) {
        let Some(id) = key_id(&entry) else {
            let _: bool = self.unidentified.insert(Ranked(entry));
            return;
        };
        let by_id = hasher.hash_one(id);
        let apart = || apart(hasher, entry.slot(), entry.scope(), entry.fingerprint());
        self.by_key_id.insert(by_id, apart, entry.clone());
        let _: bool = self.identified.insert(Ranked(entry));
    }

    fn remove(&mut self, entry: &Arc<Entry>, hasher: &RandomState) {
        let ranked = Ranked(entry.clone());
        match key_id(entry) {
            None => {
                let _: bool = self.unidentified.remove(&ranked);
            }
            Some(id) => {
                let key = entry.key();
                let apart = || apart(hasher, key.slot, &key.scope, key.fingerprint);
                self.by_key_id.take(hasher.hash_one(id), apart, &key);
                let _: bool = self.identified.remove(&ranked);
            }
        }
    }
}

impl SameSubject {
    pub(super) fn of(entry: Arc<Entry>) -> Self {
        Self::One(entry)
    }

    /// The entries as a slice, or the index of many.
    fn parts(&self) -> (&[Arc<Entry>], Option<&Many>) {
        match self {
            Self::One(one) => (core::slice::from_ref(one), None),
            Self::Few(few) => (few, None),
            Self::Many(crowd) => (&[], Some(crowd)),
        }
    }

    pub(super) fn insert(&mut self, entry: Arc<Entry>, hasher: &RandomState) {
        match self {
            Self::One(one) => *self = Self::Few(Arc::new(vec![one.clone(), entry])),
            Self::Few(few) if few.len() < MANY => Arc::make_mut(few).push(entry),
            Self::Few(few) => {
                let mut crowd = Many::default();
                for held in few.iter() {
                    crowd.insert(held.clone(), hasher);
                }
                crowd.insert(entry, hasher);
                *self = Self::Many(Arc::new(crowd));
            }
            Self::Many(crowd) => Arc::make_mut(crowd).insert(entry, hasher),
        }
    }

    /// Removes an entry; `false` if nothing is left.
    pub(super) fn remove(&mut self, entry: &Arc<Entry>, hasher: &RandomState) -> bool {
        match self {
            Self::One(one) => !one.is(&entry.key()),
            Self::Few(few) => {
                let key = entry.key();
                Arc::make_mut(few).retain(|held| !held.is(&key));
                !few.is_empty()
            }
            Self::Many(crowd) => {
                let crowd = Arc::make_mut(crowd);
                crowd.remove(entry, hasher);
                !(crowd.identified.is_empty() && crowd.unidentified.is_empty())
            }
        }
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        let (few, crowd) = self.parts();
        let crowd = crowd.map_or(0, |crowd| {
            crowd
                .identified
                .len()
                .saturating_add(crowd.unidentified.len())
        });
        few.len().saturating_add(crowd)
    }

    /// All entries, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let (few, crowd) = self.parts();
        let crowd = crowd.into_iter();
        let crowd = crowd.flat_map(|crowd| crowd.identified.iter().chain(&crowd.unidentified));
        few.iter().chain(crowd.map(|ranked| &ranked.0))
    }

    /// Candidates for the issuer of a certificate that names it by `subject` and perhaps by a key identifier, in
    /// the order in which they are tried: those with that identifier, then those without one, then the others.
    ///
    /// Of those with another identifier than the wanted one, only the first `others` are returned. RFC 5280 defines the
    /// identifiers as a help to find an issuer, and some private PKIs have wrong ones.
    pub(super) fn candidates<'a>(
        &'a self,
        subject: Wanted<'a>,
        wanted: Option<&'a [u8]>,
        others: usize,
        hasher: &RandomState,
    ) -> Box<dyn Iterator<Item = Installed<'a>> + 'a> {
        let mut subject = Subject::new(subject);
        let mut of_subject = move |entry: &'a Arc<Entry>| subject.installed(entry);
        match self {
            Self::One(one) => Box::new(of_subject(one).into_iter()),
            Self::Few(few) => {
                let class = |certificate: &Certificate| match (wanted, certificate.subject_key_id())
                {
                    (Some(wanted), Some(own)) if wanted == own => 0,
                    (Some(_), Some(_)) => 2,
                    _ => 1_u8,
                };
                let found = few.iter().filter_map(of_subject);
                let found = found.map(|installed| (class(installed.1), installed));
                let mut found: Vec<(u8, Installed<'_>)> = found.collect();
                sort_candidates(&mut found);
                let first_others = found.partition_point(|(class, _)| *class < 2);
                found.truncate(first_others.saturating_add(others));
                Box::new(found.into_iter().map(|(_, installed)| installed))
            }
            Self::Many(crowd) => {
                let hash = wanted.map(|wanted| hasher.hash_one(wanted));
                let by_id = hash.into_iter().flat_map(|hash| crowd.by_key_id.find(hash));
                let matching = by_id.filter(|entry| key_id(entry) == wanted);
                let matching = matching.filter_map(of_subject.clone());
                let mut matching: Vec<_> = matching.map(|installed| (0, installed)).collect();
                sort_candidates(&mut matching);
                let matching = matching.into_iter().map(|(_, installed)| installed);
                let unidentified = crowd.unidentified.iter().map(|ranked| &ranked.0);
                let others = match wanted {
                    Some(_) => others,
                    None => usize::MAX,
                };
                let first = matching.chain(unidentified.filter_map(of_subject.clone()));
                let rest = crowd.identified.iter().map(|ranked| &ranked.0);
                let rest = rest.filter(move |entry| key_id(entry) != wanted);
                // Only entries with the wanted subject count: another subject may have the same hash.
                Box::new(first.chain(rest.filter_map(of_subject).take(others)))
            }
        }
    }
}
