//! A hash table whose copies share their common parts.
//!
//! A published snapshot must not change, so a change works on a copy. A copy of this table is a pointer. A change
//! copies one bucket and the two lists of pointers above it: a few kilobytes among 100,000 items. A `HashMap` would be
//! copied whole. Buckets have exactly the size of their items, without spare capacity.

mod bulk;
mod items;

use std::sync::Arc;

use bulk::{chunks_of, rank};
use items::Items;

/// Most items in a bucket on average. A higher value makes the lists of pointers shorter and look-ups slower: above
/// this value, a look-up reads a fourth cache line of hashes and pointers.
const MEAN: usize = 16;

/// Most buckets in a chunk. With this value, a change among 100,000 items copies two lists of about 130 pointers.
const CHUNK: usize = 64;

type Bucket<T> = Option<Arc<[Pair<T>]>>;
type Chunk<T> = Arc<[Bucket<T>]>;

/// Two items, or one at the end of a bucket. In this layout a hash takes four bytes beside a pointer, not eight. The
/// first is `None` only while a bucket that no copy shares is made again: its items are moved, not cloned.
#[derive(Clone)]
struct Pair<T> {
    hashes: (u32, u32),
    first: Option<T>,
    second: Option<T>,
}

/// The items of a bucket: moved if no copy of the table shares the bucket, else cloned. To clone an item writes to its
/// reference count, which is in memory that no cache has.
fn into_items<T: Clone>(mut bucket: Bucket<T>, mut to: impl FnMut(u32, T)) {
    let Some(pairs) = &mut bucket else {
        return;
    };
    if let Some(own) = Arc::get_mut(pairs) {
        for pair in own {
            for (hash, item) in [
                (pair.hashes.0, pair.first.take()),
                (pair.hashes.1, pair.second.take()),
            ] {
                if let Some(item) = item {
                    to(hash, item);
                }
            }
        }
    } else {
        for (hash, item) in Items::of_bucket(pairs) {
            to(hash, item.clone());
        }
    }
}

/// A bucket of these items; none if there are none. It is made in `room`, which stays empty, and moved once its size is
/// known.
fn bucket_of<T>(mut items: impl Iterator<Item = (u32, T)>, room: &mut Vec<Pair<T>>) -> Bucket<T> {
    while let Some((hash, first)) = items.next() {
        let (other, second) = items.next().unzip();
        room.push(Pair {
            hashes: (hash, other.unwrap_or(0)),
            first: Some(first),
            second,
        });
    }
    (!room.is_empty()).then(|| room.drain(..).collect())
}

/// A bucket with one item more. What no copy of the table shares is moved, or stays in its place.
fn with<T: Clone>(bucket: Bucket<T>, hash: u32, item: T) -> Arc<[Pair<T>]> {
    let pair = |item| Pair {
        hashes: (hash, 0),
        first: Some(item),
        second: None,
    };
    let Some(mut pairs) = bucket else {
        return Arc::new([pair(item)]);
    };
    let is_full = pairs.last().is_none_or(|last| last.second.is_some());
    // The last pair has room, if it is not full: then no pair is added.
    let mut rest = Some(item);
    let added = if is_full { rest.take().map(pair) } else { None };
    match (Arc::get_mut(&mut pairs), added) {
        (Some(_), None) => {}
        (Some(own), Some(added)) => {
            let moved = own.iter_mut().map(|pair| Pair {
                hashes: pair.hashes,
                first: pair.first.take(),
                second: pair.second.take(),
            });
            pairs = moved.chain(core::iter::once(added)).collect();
        }
        (None, added) => pairs = pairs.iter().cloned().chain(added).collect(),
    }
    if let Some(item) = rest
        && let Some(last) = Arc::get_mut(&mut pairs).and_then(|own| own.last_mut())
    {
        last.hashes.1 = hash;
        last.second = Some(item);
    }
    pairs
}

/// Items by the lower 32 bits of a hash. Several items may have the same hash; in a table of a million it happens. The
/// caller computes the hash and compares the found items.
#[derive(Clone)]
pub(super) struct Table<T> {
    /// A power of two of chunks with equally many buckets each, also a power of two. An empty table has none.
    chunks: Option<Arc<[Chunk<T>]>>,
    len: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            chunks: None,
            len: 0,
        }
    }
}

impl<T> Table<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether both are copies of one table, and neither was changed since.
    #[cfg(any(test, feature = "admin"))]
    pub(super) fn is_shared(&self, other: &Self) -> bool {
        match (&self.chunks, &other.chunks) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// The items of those parts in which this table and `before` differ: first of `before`, then of this one. Parts that
    /// both share are skipped, so that the cost is that of the change. An item can be in both lists.
    #[cfg(any(test, feature = "admin"))]
    pub(super) fn changed<'a>(&'a self, before: &'a Self) -> (Vec<&'a T>, Vec<&'a T>) {
        let (mut gone, mut came) = (Vec::new(), Vec::new());
        let (Some(ours), Some(theirs)) = (&self.chunks, &before.chunks) else {
            return (before.iter().collect(), self.iter().collect());
        };
        if self.buckets() != before.buckets() {
            return (before.iter().collect(), self.iter().collect());
        }
        let chunks = ours.iter().zip(theirs.iter());
        for (ours, theirs) in chunks.filter(|(ours, theirs)| !Arc::ptr_eq(ours, theirs)) {
            for (ours, theirs) in ours.iter().zip(theirs.iter()) {
                if let (Some(ours), Some(theirs)) = (ours, theirs)
                    && Arc::ptr_eq(ours, theirs)
                {
                    continue;
                }
                let items = |bucket: &'a Bucket<T>| {
                    let items = Items::of_bucket(bucket.as_deref().unwrap_or(&[]));
                    items.map(|(_, item)| item)
                };
                came.extend(items(ours));
                gone.extend(items(theirs));
            }
        }
        (gone, came)
    }

    /// All items, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items().map(|(_, item)| item)
    }

    /// The items with this hash.
    pub(super) fn find(&self, hash: u64) -> Found<'_, T> {
        let hash = short(hash);
        Found {
            hash,
            pairs: self.bucket(hash).unwrap_or(&[]).iter(),
            second: None,
        }
    }

    fn items(&self) -> Items<'_, T> {
        Items::of(self.chunks.as_deref().unwrap_or(&[]))
    }

    fn bucket(&self, hash: u32) -> Option<&[Pair<T>]> {
        let chunks = self.chunks.as_ref()?;
        let (chunk, bucket) = place(hash, chunks.len(), chunks.first()?.len());
        chunks.get(chunk)?.get(bucket)?.as_deref()
    }

    /// Index in its bucket of the first item with this hash for which `is` holds.
    fn position(&self, hash: u32, is: impl Fn(&T) -> bool) -> Option<usize> {
        let mut items = Items::of_bucket(self.bucket(hash)?);
        items.position(|(found, item)| found == hash && is(item))
    }

    /// How many buckets there are.
    fn buckets(&self) -> usize {
        let chunks = self.chunks.as_deref().unwrap_or(&[]);
        let each = chunks.first().map_or(0, |chunk| chunk.len());
        chunks.len().saturating_mul(each)
    }
}

/// The items of one hash in a bucket.
#[derive(Clone)]
pub(super) struct Found<'a, T> {
    hash: u32,
    pairs: core::slice::Iter<'a, Pair<T>>,
    /// The second item of a pair whose first item was returned.
    second: Option<&'a T>,
}

impl<'a, T> Iterator for Found<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        if let Some(second) = self.second.take() {
            return Some(second);
        }
        let hash = self.hash;
        let pair = self
            .pairs
            .find(|pair| pair.hashes.0 == hash || pair.hashes.1 == hash)?;
        let second = pair.second.as_ref().filter(|_| pair.hashes.1 == hash);
        if pair.hashes.0 != hash {
            return second.or_else(|| self.next());
        }
        self.second = second;
        pair.first.as_ref()
    }
}

impl<T: Clone> Table<T> {
    pub(super) fn insert(&mut self, hash: u64, item: T) {
        let len = self.len.saturating_add(1);
        if len > self.buckets().saturating_mul(MEAN) {
            self.grow();
        }
        let hash = short(hash);
        if let Some(bucket) = self.bucket_mut(hash) {
            *bucket = Some(with(bucket.take(), hash, item));
            self.len = len;
        }
    }

    /// Removes the first item with this hash for which `is` holds.
    pub(super) fn take(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        let hash = short(hash);
        // Search first, so that nothing is copied if the item is absent.
        let at = self.position(hash, is)?;
        let bucket = self.bucket_mut(hash)?;
        let old = bucket.take()?;
        let items = || Items::of_bucket(&old).enumerate();
        let rest = items().filter(|(index, _)| *index != at);
        let rest = rest.map(|(_, (hash, item))| (hash, item.clone()));
        *bucket = bucket_of(rest, &mut Vec::new());
        let (_, (_, taken)) = items().nth(at)?;
        let taken = taken.clone();
        self.len = self.len.saturating_sub(1);
        if self.len == 0 {
            self.chunks = None;
        }
        Some(taken)
    }

    /// The first item with this hash for which `is` holds, to change without changing its hash.
    pub(super) fn find_mut(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&mut T> {
        let hash = short(hash);
        let at = self.position(hash, is)?;
        let bucket = Arc::make_mut(self.bucket_mut(hash)?.as_mut()?);
        let pair = bucket.get_mut(at / 2)?;
        if at.is_multiple_of(2) {
            pair.first.as_mut()
        } else {
            pair.second.as_mut()
        }
    }

    fn bucket_mut(&mut self, hash: u32) -> Option<&mut Bucket<T>> {
        let chunks = Arc::make_mut(self.chunks.as_mut()?);
        let (chunk, bucket) = place(hash, chunks.len(), chunks.first()?.len());
        Arc::make_mut(chunks.get_mut(chunk)?).get_mut(bucket)
    }

    /// Doubles the number of buckets. Nothing is shared with copies afterwards. It happens once in as many insertions
    /// as there are items.
    fn grow(&mut self) {
        let buckets = self.buckets().saturating_mul(2).max(1);
        let mut items = Vec::with_capacity(self.len);
        let mut waiting = Vec::with_capacity(self.len);
        let mut move_to = |hash, item| {
            waiting.push((rank(u64::from(hash), buckets), items.len()));
            items.push(Some(item));
        };
        match self.chunks.as_mut().map(Arc::get_mut) {
            Some(Some(own)) => {
                for chunk in own {
                    match Arc::get_mut(chunk) {
                        Some(own) => own
                            .iter_mut()
                            .for_each(|bucket| into_items(bucket.take(), &mut move_to)),
                        None => chunk
                            .iter()
                            .for_each(|bucket| into_items(bucket.clone(), &mut move_to)),
                    }
                }
            }
            Some(None) | None => {
                let items = self.items();
                items.for_each(|(hash, item)| move_to(hash, item.clone()));
            }
        }
        self.chunks = Some(chunks_of(waiting, items, buckets));
    }
}

/// The lower 32 bits.
fn short(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0)
}

/// The chunk and the bucket for a hash, of `chunks` chunks of `each` buckets; both are powers of two. There is
/// more than one chunk only of [`CHUNK`] buckets.
fn place(hash: u32, chunks: usize, each: usize) -> (usize, usize) {
    let hash = usize::try_from(hash).unwrap_or(0);
    let below = |number: usize, count: usize| number & count.saturating_sub(1);
    (below(hash / CHUNK, chunks), below(hash, each))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn all(table: &Table<u64>) -> Vec<u64> {
        let mut items: Vec<u64> = table.iter().copied().collect();
        items.sort_unstable();
        items
    }

    #[test]
    fn every_item_is_found_by_its_hash_until_it_is_taken() {
        let mut table = Table::default();
        for number in 0..20_000 {
            table.insert(mix(number), number);
            assert_eq!(table.len(), usize::try_from(number).unwrap() + 1);
        }
        for number in 0..20_000 {
            assert!(table.find(mix(number)).eq([&number]));
        }
        assert!(all(&table).into_iter().eq(0..20_000));
        assert_eq!(table.find(1).count(), 0);
        for number in 0..20_000 {
            assert_eq!(table.take(mix(number), |_| false), None);
            assert_eq!(
                table.take(mix(number), |item| *item == number),
                Some(number)
            );
            assert_eq!(table.find(mix(number)).count(), 0);
        }
        assert_eq!(table.len(), 0);
        assert!(table.chunks.is_none());
    }

    #[test]
    fn a_table_of_items_is_the_one_into_which_they_are_inserted() {
        for count in [0, 1, 2, 15, 16, 17, 32, 33, 1_024, 1_025, 20_000] {
            let mut inserted = Table::default();
            for number in 0..count {
                inserted.insert(mix(number), number);
            }
            let items = (0..count).rev().map(|number| (mix(number), number));
            let mut made = Table::of(items.collect());
            assert_eq!(made.len(), inserted.len());
            assert_eq!(made.buckets(), inserted.buckets());
            assert_eq!(made.chunks.is_none(), inserted.chunks.is_none());
            assert!(all(&made).into_iter().eq(0..count));
            for number in 0..count {
                assert!(made.find(mix(number)).eq([&number]), "{number} of {count}");
            }
            // It goes on as the other does.
            made.insert(mix(count), count);
            assert_eq!(made.take(mix(count), |_| true), Some(count));
            for number in 0..count {
                assert_eq!(made.take(mix(number), |item| *item == number), Some(number));
            }
            assert!(made.chunks.is_none());
        }
    }

    #[test]
    fn items_of_one_hash_are_counted_when_they_are_sorted() {
        let mut items: Vec<_> = (0..1_000).map(|number| (mix(number), number)).collect();
        items.extend((0..3).map(|number| (mix(5), number)));
        assert!(Table::is_crowded(&items, 3));
        assert!(!Table::is_crowded(&items, 4));
        let made = Table::of(items);
        assert_eq!(made.find(mix(5)).count(), 4);
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut table = Table::default();
        for number in 0..5_000 {
            table.insert(mix(number), number);
        }
        let copy = table.clone();
        assert!(table.is_shared(&copy));
        assert!(!table.is_shared(&Table::default()));
        table.insert(mix(5_000), 5_000);
        assert!(!table.is_shared(&copy));
        *table.find_mut(mix(7), |item| *item == 7).unwrap() = 70;
        table.take(mix(8), |_| true).unwrap();
        assert!(all(&copy).into_iter().eq(0..5_000));
        assert_eq!(table.len(), 5_000);
        assert!(table.find(mix(7)).eq([&70]));
    }

    #[test]
    fn a_change_leaves_all_but_one_chunk_shared() {
        let mut table = Table::default();
        for number in 0..50_000 {
            table.insert(mix(number), number);
        }
        let copy = table.clone();
        table.take(mix(8), |_| true).unwrap();
        let chunks = |table: &Table<u64>| table.chunks.as_ref().unwrap().to_vec();
        let (ours, theirs) = (chunks(&table), chunks(&copy));
        let other = ours.iter().zip(&theirs).filter(|(a, b)| !Arc::ptr_eq(a, b));
        assert_eq!(other.count(), 1);
        assert!(ours.len() > 32);
    }

    #[test]
    fn what_changed_is_found_without_a_look_at_what_is_shared() {
        let mut table = Table::default();
        for number in 0..50_000 {
            table.insert(mix(number), number);
        }
        let before = table.clone();
        assert_eq!(table.changed(&before), (Vec::new(), Vec::new()));
        table.take(mix(8), |item| *item == 8).unwrap();
        table.insert(mix(50_000), 50_000);
        let (gone, came) = table.changed(&before);
        assert!(gone.len() < 100 && came.len() < 100);
        assert!(gone.contains(&&8) && !came.contains(&&8));
        assert!(came.contains(&&50_000) && !gone.contains(&&50_000));
        // One that has grown shares nothing.
        let mut grown = before.clone();
        for number in 50_000..100_000 {
            grown.insert(mix(number), number);
        }
        let (gone, came) = grown.changed(&before);
        assert_eq!((gone.len(), came.len()), (50_000, 100_000));
        let empty = Table::default();
        let (gone, came) = empty.changed(&before);
        assert_eq!((gone.len(), came.len()), (50_000, 0));
    }

    #[test]
    fn an_item_changed_in_place_is_the_one_asked_for() {
        let mut table = Table::default();
        for number in 0..7_u64 {
            table.insert(1, number);
        }
        for number in 0..7 {
            *table.find_mut(1, |item| *item == number).unwrap() += 100;
            assert_eq!(all(&table).last(), Some(&(number + 100)));
            assert_eq!(
                table.take(1, |item| *item == number + 100),
                Some(number + 100)
            );
            table.insert(1, number);
            assert!(all(&table).into_iter().eq(0..7));
        }
    }

    #[test]
    fn a_pair_of_pointers_takes_no_more_than_they_and_two_short_hashes() {
        assert_eq!(size_of::<Pair<Arc<u64>>>(), 2 * (size_of::<usize>() + 4));
    }

    #[test]
    fn items_of_one_hash_are_all_found_and_taken_one_by_one() {
        let mut table = Table::default();
        for number in 0..100_u64 {
            table.insert(1, number);
        }
        assert_eq!(table.find(1).count(), 100);
        assert_eq!(table.take(1, |item| *item == 50), Some(50));
        assert!(table.find(1).all(|item| *item != 50));
        assert_eq!(table.find(1).count(), 99);
        assert!(table.find_mut(1, |item| *item == 50).is_none());
    }

    #[test]
    fn no_bucket_is_long_and_no_list_of_pointers_is_longer_than_it_need_be() {
        let mut table = Table::default();
        for number in 0..100_000 {
            table.insert(mix(number), number);
        }
        let buckets = table.buckets();
        assert!((100_000 / MEAN..=2 * 100_000 / MEAN).contains(&buckets));
        assert_eq!(table.chunks.as_ref().unwrap().len(), buckets / CHUNK);
    }
}
