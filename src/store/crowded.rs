//! Entries by something that several of them may have in common: a key, a fingerprint, the end of a certificate.
//!
//! Nearly always it is one entry, or a few. A bucket of a [`Table`] is copied for each change and walked for each
//! look-up, so many entries of one hash would make each change of a store as long as their number, and its loading as
//! long as the square of it. From [`FEW`] on, they are in a table of their own.

use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;
use std::sync::Arc;

use super::table::Table;
use super::{Entry, EntryKey, Scope, Slot};
use crate::certificate::Fingerprint;

/// Most entries of one hash in the table of all. A bucket has as many on average.
const FEW: usize = 16;

/// A hash that tells entries of one key or fingerprint apart.
pub(super) fn apart(
    hasher: &RandomState,
    slot: Slot,
    scope: &Scope,
    fingerprint: Fingerprint,
) -> u64 {
    hasher.hash_one((slot, scope, fingerprint))
}

/// Entries that went and entries that came.
#[cfg(feature = "admin")]
pub(super) type Changed<'a> = (Vec<&'a Arc<Entry>>, Vec<&'a Arc<Entry>>);

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Crowded {
    few: Table<Arc<Entry>>,
    /// The others of one hash. A table of a table, so that a change copies a few kilobytes of it.
    crowds: Table<Crowd>,
}

/// The entries of one hash beyond the first few, by another hash that tells them apart.
#[derive(Clone)]
struct Crowd(Arc<Table<Arc<Entry>>>);

impl Crowded {
    #[cfg(feature = "admin")]
    pub(super) fn is_shared(&self, other: &Self) -> bool {
        self.few.is_shared(&other.few) && self.crowds.is_shared(&other.crowds)
    }

    /// The entries of those parts in which this and `before` differ, as [`Table::changed`] has them: first of `before`, then
    /// of this one. An entry can be in both lists.
    #[cfg(feature = "admin")]
    pub(super) fn changed<'a>(&'a self, before: &'a Self) -> Changed<'a> {
        let (mut gone, mut came) = self.few.changed(&before.few);
        let (mut left, mut right) = self.crowds.changed(&before.crowds);
        let shared = |one: &Crowd, others: &[&Crowd]| {
            others.iter().any(|other| Arc::ptr_eq(&one.0, &other.0))
        };
        let (all_left, all_right) = (left.clone(), right.clone());
        left.retain(|crowd| !shared(crowd, &all_right));
        right.retain(|crowd| !shared(crowd, &all_left));
        if let ([left], [right]) = (&left[..], &right[..]) {
            // Nearly always: one crowd, of which one entry changed.
            let (of_left, of_right) = right.0.changed(&left.0);
            gone.extend(of_left);
            came.extend(of_right);
        } else {
            gone.extend(left.iter().flat_map(|crowd| crowd.0.iter()));
            came.extend(right.iter().flat_map(|crowd| crowd.0.iter()));
        }
        (gone, came)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.few.len() == 0 && self.crowds.len() == 0
    }

    /// The entries with this hash.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = &Arc<Entry>> {
        let crowd = self.crowds.find(hash).flat_map(|crowd| crowd.0.iter());
        self.few.find(hash).chain(crowd)
    }

    /// The first entry with this hash for which `is` holds. `apart` is the hash that tells entries of one hash apart; it
    /// is computed if there are many.
    pub(super) fn find_one(
        &self,
        hash: u64,
        apart: impl Fn() -> u64,
        is: impl Fn(&Arc<Entry>) -> bool,
    ) -> Option<&Arc<Entry>> {
        let few = self.few.find(hash).find(|entry| is(entry));
        few.or_else(|| {
            let mut crowds = self.crowds.find(hash);
            crowds.find_map(|crowd| crowd.0.find(apart()).find(|entry| is(entry)))
        })
    }

    /// Adds an entry. `apart` as in [`find_one`](Self::find_one).
    pub(super) fn insert(&mut self, hash: u64, apart: impl Fn() -> u64, entry: Arc<Entry>) {
        if self.few.find(hash).nth(FEW - 1).is_none() {
            self.few.insert(hash, entry);
            return;
        }
        match self.crowds.find_mut(hash, |_| true) {
            Some(Crowd(crowd)) => Arc::make_mut(crowd).insert(apart(), entry),
            None => {
                let mut crowd = Table::default();
                crowd.insert(apart(), entry);
                self.crowds.insert(hash, Crowd(Arc::new(crowd)));
            }
        }
    }

    /// These entries with their hashes. `apart` tells apart the entries of one hash, as in
    /// [`find_one`](Self::find_one).
    #[cfg(feature = "admin")]
    pub(super) fn of(entries: Vec<(u64, Arc<Entry>)>, apart: impl Fn(&Entry) -> u64) -> Self {
        let mut made = Self::default();
        if Table::is_crowded(&entries, FEW) {
            for (hash, entry) in entries {
                made.insert(hash, || apart(&entry), entry.clone());
            }
        } else {
            made.few = Table::of(entries);
        }
        made
    }

    /// Removes the entry with this key. `apart` as it was when the entry was added.
    pub(super) fn take(
        &mut self,
        hash: u64,
        apart: impl Fn() -> u64,
        key: &EntryKey,
    ) -> Option<Arc<Entry>> {
        let is = |entry: &Arc<Entry>| entry.is(key);
        if let Some(entry) = self.few.take(hash, is) {
            return Some(entry);
        }
        let Crowd(crowd) = self.crowds.find_mut(hash, |_| true)?;
        let crowd = Arc::make_mut(crowd);
        let entry = crowd.take(apart(), is);
        if crowd.len() == 0 {
            self.crowds.take(hash, |_| true);
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::store::EntryOptions;
    use crate::store::entry::More;

    fn entry(number: u64) -> Arc<Entry> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let key = EntryKey::new(Slot::Pin, Scope::Clients, Fingerprint::from_bytes(bytes));
        let more = More {
            options: EntryOptions::new(),
            installed_by: None,
            source: None,
            disabled: None,
        };
        Arc::new(Entry::new(key, None, None, more, &mut None))
    }

    fn mix(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn one_of_many_with_the_same_hash_is_found_after_a_few_comparisons() {
        let mut all = Crowded::default();
        for number in 0..10_000 {
            all.insert(7, || mix(number), entry(number));
        }
        let compared = Cell::new(0);
        for number in 0..10_000 {
            let wanted = entry(number);
            let is = |held: &Arc<Entry>| {
                compared.set(compared.get() + 1);
                held.fingerprint() == wanted.fingerprint()
            };
            let found = all.find_one(7, || mix(number), is).unwrap();
            assert_eq!(found.fingerprint(), wanted.fingerprint());
        }
        assert!(compared.get() < 20 * 10_000, "{}", compared.get());
        assert!(all.find_one(8, || 0, |_| true).is_none());
        assert_eq!(all.find(7).count(), 10_000);
    }

    #[test]
    fn each_entry_is_held_until_it_is_removed_and_copies_stay_as_they_were() {
        for count in [1, 2, FEW, FEW + 1, 100] {
            let items = |hash, all: &Crowded| u64::try_from(all.find(hash).count()).unwrap();
            let count = u64::try_from(count).unwrap();
            let mut all = Crowded::default();
            assert!(all.is_empty());
            for number in 0..count {
                all.insert(7, || mix(number), entry(number));
                all.insert(8, || mix(number), entry(count + number));
            }
            let copy = all.clone();
            for number in 0..count {
                let key = entry(number).key();
                let taken = all.take(7, || mix(number), &key).unwrap();
                assert_eq!(taken.key(), key);
                assert!(all.take(7, || mix(number), &key).is_none());
                assert_eq!(items(7, &all), count - number - 1);
                assert!(!all.is_empty());
                // There is room again.
                all.insert(7, || mix(number), taken);
                assert_eq!(items(7, &all), count - number);
                all.take(7, || mix(number), &key).unwrap();
            }
            assert_eq!(items(8, &all), count);
            assert_eq!(items(7, &copy), count);
            for number in 0..count {
                let key = entry(count + number).key();
                all.take(8, || mix(number), &key).unwrap();
            }
            assert!(all.is_empty());
        }
    }

    #[cfg(feature = "admin")]
    #[test]
    fn entries_that_are_put_at_once_are_held_as_those_that_are_inserted() {
        for count in [0, 1, FEW, FEW + 1, 100] {
            let count = u64::try_from(count).unwrap();
            // Of one hash, and each of its own.
            let own = |number| (mix(count + number), entry(count + number));
            let entries = (0..count).flat_map(|number| [(7, entry(number)), own(number)]);
            let number_of = |entry: &Entry| {
                let fingerprint = entry.fingerprint();
                let (first, _) = fingerprint.as_bytes().split_first_chunk().unwrap();
                u64::from_be_bytes(*first)
            };
            let mut made = Crowded::of(entries.collect(), |entry| mix(number_of(entry)));
            assert_eq!(u64::try_from(made.find(7).count()).unwrap(), count);
            let most = u64::try_from(FEW).unwrap();
            assert_eq!(made.crowds.len(), usize::from(count > most));
            for number in 0..count {
                let key = own(number).1.key();
                let taken = made.take(mix(count + number), || 0, &key).unwrap();
                assert_eq!(taken.key(), key);
                let key = entry(number).key();
                let taken = made.take(7, || mix(number), &key).unwrap();
                assert_eq!(taken.key(), key);
            }
            assert!(made.is_empty());
        }
    }

    #[cfg(feature = "admin")]
    #[test]
    fn what_changed_among_many_is_found_without_the_others() {
        let keys = |entries: &[&Arc<Entry>]| -> std::collections::BTreeSet<String> {
            entries
                .iter()
                .map(|entry| entry.key().to_string())
                .collect()
        };
        for (hash, count) in [(7, 3), (7, 1000)] {
            let mut before = Crowded::default();
            for number in 0..count {
                before.insert(hash, || mix(number), entry(number));
                // Another crowd, which stays as it is.
                before.insert(8, || mix(number), entry(count + number));
            }
            let mut after = before.clone();
            let (gone, came) = after.changed(&before);
            assert!(gone.is_empty() && came.is_empty());
            let last = entry(count - 1).key();
            after.take(hash, || mix(count - 1), &last).unwrap();
            after.insert(hash, || mix(5000), entry(5000));
            let (gone, came) = after.changed(&before);
            assert!(
                gone.len() < 64 && came.len() < 64,
                "{} {}",
                gone.len(),
                came.len()
            );
            let (gone, came) = (keys(&gone), keys(&came));
            let only_gone: Vec<_> = gone.difference(&came).cloned().collect();
            let only_came: Vec<_> = came.difference(&gone).cloned().collect();
            assert_eq!(only_gone, [last.to_string()]);
            assert_eq!(only_came, [entry(5000).key().to_string()]);
        }
    }
}
