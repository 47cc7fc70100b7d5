//! Walks over the items of a table.

use super::{Bucket, Chunk, Pair};

/// The items of a table, or of one bucket, with their hashes. As a chain of adapters each use was compiled anew, through
/// five layers: 27 kB of a firmware, and its unwind tables.
pub(super) struct Items<'a, T> {
    chunks: core::slice::Iter<'a, Chunk<T>>,
    buckets: core::slice::Iter<'a, Bucket<T>>,
    pairs: core::slice::Iter<'a, Pair<T>>,
    /// The second item of a pair whose first item was returned.
    second: Option<(u32, &'a T)>,
}

impl<'a, T> Items<'a, T> {
    pub(super) fn of(chunks: &'a [Chunk<T>]) -> Self {
        Self {
            chunks: chunks.iter(),
            ..Self::of_bucket(&[])
        }
    }

    pub(super) fn of_bucket(pairs: &'a [Pair<T>]) -> Self {
        Self {
            chunks: [].iter(),
            buckets: [].iter(),
            pairs: pairs.iter(),
            second: None,
        }
    }
}

impl<'a, T> Iterator for Items<'a, T> {
    type Item = (u32, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(second) = self.second.take() {
            return Some(second);
        }
        loop {
            if let Some(pair) = self.pairs.next() {
                let second = pair.second.as_ref();
                let second = second.map(|item| (pair.hashes.1, item));
                let Some(first) = &pair.first else {
                    return second;
                };
                self.second = second;
                return Some((pair.hashes.0, first));
            }
            if let Some(bucket) = self.buckets.next() {
                self.pairs = bucket.as_deref().unwrap_or(&[]).iter();
            } else {
                self.buckets = self.chunks.next()?.iter();
            }
        }
    }
}
