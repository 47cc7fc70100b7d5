//! Makes what a fleet brought equal to its newest bundle (rule S6).
//!
//! Three sides meet: what earlier bundles said, what is installed here now, and what the new bundle says. What the fleet
//! brought is replaced. What was installed here stays. What takes trust away is added and never lifted.

mod entries;
mod lists;
mod names;
mod report;
mod servers;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use report::{Merged, NameConflict, Notice};

use super::changes::check_line;
use super::{GroupId, Outcome, Report, Server, ServerId, TrustSnapshot, TrustStore};
use crate::certificate::HostName;
use crate::store::error::StoreError;

/// The servers and groups that a fleet made here. What else its bundles name was here before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) servers: BTreeSet<ServerId>,
    pub(crate) groups: BTreeSet<GroupId>,
    /// Names that it gave to its servers, and that stay there although its bundle no longer has them.
    pub(crate) names: BTreeSet<(ServerId, HostName)>,
}

/// What a fleet says and said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bundles<'a> {
    /// The source of its entries here.
    pub(crate) source: &'a str,
    /// What may be applied here: the bundle that was applied last, and one of which it is not known.
    pub(crate) earlier: &'a [&'a TrustSnapshot],
    /// What is to be applied.
    pub(crate) new: &'a TrustSnapshot,
}

/// A merge while it is made.
struct Merge<'a> {
    store: &'a mut TrustStore,
    source: Arc<str>,
    earlier: &'a [&'a TrustSnapshot],
    new: &'a TrustSnapshot,
    made: Made,
    done: Merged,
    changed: bool,
}

impl TrustStore {
    /// Makes what a fleet brought equal to its new bundle, as one generation. `made` is what the fleet made here before;
    /// the result has what it made since.
    ///
    /// # Errors
    /// A name of the bundle belongs to a server that must keep it. The store is unchanged.
    pub(crate) fn merge_bundle(
        &mut self,
        bundles: &Bundles<'_>,
        made: &Made,
    ) -> Result<(Merged, Made), NameConflict> {
        let mut tried = self.fork();
        let mut merge = Merge::new(&mut tried, bundles, made.clone());
        merge.restrictions();
        merge.add_groups();
        merge.servers();
        merge.entries();
        merge.claims_of_pins();
        merge.dropped_servers();
        merge.dropped_groups();
        merge.names()?;
        let (done, made) = merge.finish(&self.data);
        // Nothing else makes a new snapshot: plans on the present one stay valid.
        if done.has_changed() {
            self.take_over(&tried);
        }
        Ok((done, made))
    }

    /// Adds what takes trust away in a bundle, and nothing else of it: blocks, checked issuers and revocation lists.
    pub(crate) fn merge_restrictions(&mut self, bundles: &Bundles<'_>) -> Merged {
        let before = self.data.clone();
        let mut merge = Merge::new(self, bundles, Made::default());
        merge.restrictions();
        merge.finish(&before).0
    }

    /// Makes the entries of a source entries of this store, as if an administrator had installed them. Returns how many
    /// these are.
    ///
    /// # Errors
    /// The name is not one line of text.
    pub(crate) fn adopt(&mut self, source: &str) -> Result<usize, StoreError> {
        check_line(source)?;
        let all = self.data.data().all();
        let ours = all.filter(|entry| entry.source() == Some(source));
        let ours: Vec<_> = ours.cloned().collect();
        for entry in &ours {
            let mut entry = (**entry).clone();
            entry.change(|more| more.source = None);
            self.edit().put(entry);
        }
        if !ours.is_empty() {
            self.edit().grow();
        }
        Ok(ours.len())
    }
}

impl<'a> Merge<'a> {
    fn new(store: &'a mut TrustStore, bundles: &Bundles<'a>, made: Made) -> Self {
        let generation = store.data.generation();
        Self {
            store,
            source: bundles.source.into(),
            earlier: bundles.earlier,
            new: bundles.new,
            made,
            done: Merged::new(Report::new(Outcome::Unchanged, generation)),
            changed: false,
        }
    }

    /// What earlier bundles say about a server.
    fn earlier(&self, id: &ServerId) -> impl Iterator<Item = &'a Server> {
        let id = id.clone();
        let earlier = self.earlier.iter();
        earlier.filter_map(move |bundle| bundle.server(&id))
    }

    fn notice(&mut self, notice: Notice) {
        self.done.notices.push(notice);
    }

    /// Counts the generation if something changed, and reports what that does.
    fn finish(mut self, before: &TrustSnapshot) -> (Merged, Made) {
        if self.changed {
            let sources = before.before(before.servers().map(Server::id));
            self.done.report = self.store.finish(Outcome::Changed, sources);
            self.store.report_taken(before, &mut self.done.report);
        }
        (self.done, self.made)
    }
}
