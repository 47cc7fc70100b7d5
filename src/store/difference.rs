//! What differs between two snapshots, found by what they do not share.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{
    BlockSelector, CrlIssuer, Entry, Group, InstalledCrl, Server, TrustSnapshot, UnreadCrl,
};

/// The items of one kind in the parts that two snapshots do not share. An item can be on both sides with equal content.
#[derive(Debug)]
pub(crate) struct Sides<T> {
    /// Of the earlier snapshot.
    pub(crate) gone: Vec<T>,
    /// Of the later snapshot.
    pub(crate) came: Vec<T>,
}

impl<T> Default for Sides<T> {
    fn default() -> Self {
        Self {
            gone: Vec::new(),
            came: Vec::new(),
        }
    }
}

impl<'a, T> Sides<&'a T> {
    /// Leaves out what both sides share.
    fn of(gone: Vec<&'a Arc<T>>, came: Vec<&'a Arc<T>>) -> Self {
        let places = |items: &[&Arc<T>]| -> BTreeSet<*const T> {
            items.iter().map(|item| Arc::as_ptr(item)).collect()
        };
        let (before, after) = (places(&gone), places(&came));
        let without = |items: Vec<&'a Arc<T>>, other: &BTreeSet<*const T>| {
            let left = items
                .into_iter()
                .filter(|item| !other.contains(&Arc::as_ptr(item)));
            left.map(|item| &**item).collect()
        };
        Self {
            gone: without(gone, &after),
            came: without(came, &before),
        }
    }

    fn extend(&mut self, more: Self) {
        self.gone.extend(more.gone);
        self.came.extend(more.came);
    }
}

/// What differs between two snapshots.
#[derive(Debug, Default)]
pub(crate) struct Difference<'a> {
    pub(crate) groups: Sides<&'a Group>,
    pub(crate) servers: Sides<&'a Server>,
    pub(crate) entries: Sides<&'a Entry>,
    pub(crate) blocks: Sides<&'a BlockSelector>,
    pub(crate) checked: Sides<CrlIssuer>,
    pub(crate) crls: Sides<&'a InstalledCrl>,
    pub(crate) unread_crls: Sides<&'a UnreadCrl>,
}

impl TrustSnapshot {
    /// What differs from an earlier snapshot. The cost is that of the difference, if one was made from the other.
    pub(crate) fn difference<'a>(&'a self, before: &'a Self) -> Difference<'a> {
        let (ours, theirs) = (self.data(), before.data());
        let mut found = Difference::default();
        let (gone, came) = ours.groups.changed(&theirs.groups);
        found.groups = Sides::of(gone, came);
        let (gone, came) = ours.servers.changed(&theirs.servers);
        found.servers = Sides::of(gone, came);
        // Each entry is in one of these two tables.
        for (gone, came) in ours.changed_entries(theirs) {
            found.entries.extend(Sides::of(gone, came));
        }
        if !ours.shares_blocks(theirs) {
            let (gone, came): (BTreeSet<_>, BTreeSet<_>) =
                (before.blocks().collect(), self.blocks().collect());
            found.blocks.gone = gone.difference(&came).copied().collect();
            found.blocks.came = came.difference(&gone).copied().collect();
        }
        if !ours.shares_crls(theirs) {
            let (ours, theirs) = (ours.crls(), theirs.crls());
            found.checked.gone = theirs.checked().collect();
            found.checked.came = ours.checked().collect();
            found.crls = Sides::of(theirs.all().collect(), ours.all().collect());
            found.unread_crls = Sides::of(theirs.unread().collect(), ours.unread().collect());
        }
        found
    }
}
