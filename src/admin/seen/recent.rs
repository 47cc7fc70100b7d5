//! A table that forgets the values that were written longest ago.

use std::collections::BTreeMap;

/// The number of bytes of a value on the heap.
pub(super) trait Weight {
    fn weight(&self) -> usize;
}

/// Bounds: the number of values, and their bytes together.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    values: BTreeMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
    next: u64,
    bytes: usize,
    most: usize,
    most_bytes: usize,
    forgotten: u64,
}

impl<K: Ord + Clone, V: Weight> Recent<K, V> {
    pub(super) const fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            values: BTreeMap::new(),
            order: BTreeMap::new(),
            next: 0,
            bytes: 0,
            most,
            most_bytes,
            forgotten: 0,
        }
    }

    /// Adds a value or replaces the one with the same key, and forgets the oldest values if there are too many.
    pub(super) fn put(&mut self, key: K, value: V) {
        self.take(&key);
        self.bytes = self.bytes.saturating_add(value.weight());
        self.next = self.next.saturating_add(1);
        self.order.insert(self.next, key.clone());
        self.values.insert(key, (self.next, value));
        while self.values.len() > self.most || self.bytes > self.most_bytes {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            if let Some((_, gone)) = self.values.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(gone.weight());
            }
            self.forgotten = self.forgotten.saturating_add(1);
        }
    }

    pub(super) fn take(&mut self, key: &K) -> Option<V> {
        let (place, value) = self.values.remove(key)?;
        self.order.remove(&place);
        self.bytes = self.bytes.saturating_sub(value.weight());
        Some(value)
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    /// All values, ordered by key.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.values.iter().map(|(key, (_, value))| (key, value))
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self
            .values
            .keys()
            .filter(|key| !keep(key))
            .cloned()
            .collect();
        for key in gone {
            self.take(&key);
        }
    }

    /// The number of values that were forgotten to stay within the bounds.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weight for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    fn held(table: &Recent<u8, usize>) -> Vec<(u8, usize)> {
        table.iter().map(|(key, value)| (*key, *value)).collect()
    }

    #[test]
    fn what_was_touched_longest_ago_is_forgotten_first() {
        let mut table = Recent::new(2, 1000);
        for (key, value) in [(1, 10), (2, 20), (1, 11), (3, 30)] {
            table.put(key, value);
        }
        assert_eq!(held(&table), [(1, 11), (3, 30)]);
        assert_eq!(table.forgotten(), 1);
    }

    #[test]
    fn bytes_are_bounded_and_given_back() {
        let mut table = Recent::new(10, 100);
        table.put(1, 60);
        table.put(2, 40);
        assert_eq!(held(&table).len(), 2);
        table.put(3, 1);
        assert_eq!(held(&table), [(2, 40), (3, 1)]);
        table.put(2, 99);
        assert_eq!(held(&table), [(2, 99), (3, 1)]);
        assert_eq!(table.take(&2), Some(99));
        table.put(4, 99);
        assert_eq!(held(&table), [(3, 1), (4, 99)]);
        // A value that is larger than the whole table is not kept. It may displace all others.
        table.put(5, 101);
        assert_eq!(held(&table), []);
        table.put(6, 100);
        assert_eq!(held(&table), [(6, 100)]);
    }
}
