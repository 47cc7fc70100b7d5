//! Makes the buckets of many items at once.

use std::sync::Arc;

#[cfg(any(test, feature = "admin"))]
use super::Table;
use super::{CHUNK, Chunk, MEAN, bucket_of, short};

/// An item that waits for its bucket: the number of that and the lower 32 bits of the hash as one number, and where the
/// item lies in a list. One copy of the sort serves the tables of all kinds of items: a copy for each takes 3 kB.
pub(super) type Waiting = (u64, usize);

#[cfg(any(test, feature = "admin"))]
impl<T> Table<T> {
    /// A table of these items with their hashes. It has the buckets of one into which they were inserted, and makes each
    /// of them once.
    pub(in crate::store) fn of(items: Vec<(u64, T)>) -> Self {
        let len = items.len();
        let buckets = Self::buckets_for(len);
        let waiting = items.iter().enumerate();
        let waiting = waiting.map(|(at, (hash, _))| (rank(*hash, buckets), at));
        let waiting = waiting.collect();
        let items = items.into_iter().map(|(_, item)| Some(item)).collect();
        Self {
            chunks: (len > 0).then(|| chunks_of(waiting, items, buckets)),
            len,
        }
    }

    /// Whether more than `most` of these items have one hash.
    pub(in crate::store) fn is_crowded(items: &[(u64, T)], most: usize) -> bool {
        let mut hashes: Vec<u32> = items.iter().map(|(hash, _)| short(*hash)).collect();
        hashes.sort_unstable();
        let mut pairs = hashes.iter().zip(hashes.iter().skip(most));
        pairs.any(|(first, last)| first == last)
    }

    fn buckets_for(len: usize) -> usize {
        len.div_ceil(MEAN).next_power_of_two()
    }
}

/// What items are sorted by: the number of the bucket, counted over all chunks (what [`place`](super::place) says in two
/// numbers), and in a bucket the hash.
pub(super) fn rank(hash: u64, buckets: usize) -> u64 {
    let hash = u64::from(short(hash));
    ((hash & last(buckets)) << u32::BITS) | hash
}

fn last(buckets: usize) -> u64 {
    u64::try_from(buckets.saturating_sub(1)).unwrap_or(u64::MAX)
}

/// These items in so many buckets.
pub(super) fn chunks_of<T>(
    mut waiting: Vec<Waiting>,
    mut items: Vec<Option<T>>,
    buckets: usize,
) -> Arc<[Chunk<T>]> {
    waiting.sort_unstable();
    let mut waiting = waiting.into_iter().peekable();
    let mut room = Vec::with_capacity(MEAN);
    let mut made = (0..=last(buckets)).map(|number| {
        let here = core::iter::from_fn(|| {
            let (rank, at) = waiting.next_if(|(rank, _)| rank >> u32::BITS == number)?;
            let item = items.get_mut(at)?.take()?;
            Some((short(rank), item))
        });
        bucket_of(here, &mut room)
    });
    let chunks = 0..buckets.div_ceil(CHUNK);
    let chunks = chunks.map(|_| -> Chunk<T> { made.by_ref().take(CHUNK).collect() });
    chunks.collect()
}
