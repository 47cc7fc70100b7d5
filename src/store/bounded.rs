//! Lists with a bounded length.

#[cfg(feature = "admin")]
use core::fmt;

#[cfg(feature = "admin")]
use crate::limits::MAX_REPORTED;

/// A list that keeps the first items, at most 64, and counts the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncated<T> {
    items: Vec<T>,
    more: usize,
}

impl<T> Default for Truncated<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            more: 0,
        }
    }
}

impl<T> Truncated<T> {
    #[cfg(feature = "admin")]
    pub(crate) fn push(&mut self, item: T) {
        self.push_within(item, MAX_REPORTED);
    }

    pub(crate) fn push_within(&mut self, item: T, limit: usize) {
        if self.items.len() < limit {
            self.items.push(item);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Counts items without keeping them.
    pub(crate) fn count(&mut self, more: usize) {
        self.more = self.more.saturating_add(more);
    }

    /// Drops items and counts them as omitted.
    #[cfg(any(test, feature = "admin", feature = "enrol"))]
    pub(crate) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        let before = self.items.len();
        self.items.retain(keep);
        self.count(before.saturating_sub(self.items.len()));
    }

    pub(crate) fn items_mut(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// Adds the items of another list and its count of omitted items.
    #[cfg(feature = "admin")]
    pub(crate) fn append(&mut self, other: Self) {
        other.items.into_iter().for_each(|item| self.push(item));
        self.more = self.more.saturating_add(other.more);
    }

    /// Writes each item on a line of its own, behind a title, and how many are omitted.
    #[cfg(feature = "admin")]
    pub(crate) fn write_lines(&self, f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result
    where
        T: fmt::Display,
    {
        for item in self {
            write!(f, "\n  {title}: ")?;
            item.fmt(f)?;
        }
        if self.more > 0 {
            write!(f, "\n  {title}: and {} more", self.more)?;
        }
        Ok(())
    }

    /// The kept items, and the number of omitted items.
    pub(crate) fn into_parts(self) -> (Vec<T>, usize) {
        (self.items, self.more)
    }

    /// The kept items, in order.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The number of omitted items.
    pub fn omitted(&self) -> usize {
        self.more
    }

    /// The number of all items, omitted ones included.
    pub fn len(&self) -> usize {
        self.items.len().saturating_add(self.more)
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T> IntoIterator for &'a Truncated<T> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
