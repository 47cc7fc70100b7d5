//! Makes the buckets of many items at once.

use std::sync::Arc;

#[cfg(any(test, feature = "admin"))]
use super::Table;
use super::{CHUNK, Chunk, MEAN, bucket_of, short};

#[cfg(any(test, feature = "admin"))]
impl<T> Table<T> {
    /// A table of these items with their hashes. It has the buckets of one into which they were inserted, and makes each
    /// of them once.
    pub(in crate::store) fn of(items: Vec<(u64, T)>) -> Self {
        let len = items.len();
        Self {
            chunks: (len > 0).then(|| chunks_of(items, Self::buckets_for(len))),
            len,
        }
    }

    /// Whether more than `most` of these items have one hash. It sorts them as [`of`](Self::of) does.
    pub(in crate::store) fn is_crowded(items: &mut [(u64, T)], most: usize) -> bool {
        sort(items, Self::buckets_for(items.len()));
        let mut pairs = items.iter().zip(items.iter().skip(most));
        pairs.any(|((first, _), (last, _))| short(*first) == short(*last))
    }

    fn buckets_for(len: usize) -> usize {
        len.div_ceil(MEAN).next_power_of_two()
    }
}

/// The number of the bucket for a hash, counted over all chunks: what [`place`] says in two numbers.
fn number(hash: u64, buckets: usize) -> usize {
    usize::try_from(short(hash)).unwrap_or(0) & buckets.saturating_sub(1)
}

/// Sorts items by their buckets, and those of one bucket by their hashes.
fn sort<T>(items: &mut [(u64, T)], buckets: usize) {
    items.sort_unstable_by_key(|(hash, _)| (number(*hash, buckets), short(*hash)));
}

/// These items in so many buckets.
pub(super) fn chunks_of<T>(mut items: Vec<(u64, T)>, buckets: usize) -> Arc<[Chunk<T>]> {
    sort(&mut items, buckets);
    let mut items = items.into_iter().peekable();
    let mut room = Vec::with_capacity(MEAN);
    let mut made = (0..buckets).map(|at| {
        let here = core::iter::from_fn(|| {
            let item = items.next_if(|(hash, _)| number(*hash, buckets) == at);
            item.map(|(hash, item)| (short(hash), item))
        });
        bucket_of(here, &mut room)
    });
    let chunks = 0..buckets.div_ceil(CHUNK);
    let chunks = chunks.map(|_| -> Chunk<T> { made.by_ref().take(CHUNK).collect() });
    chunks.collect()
}
