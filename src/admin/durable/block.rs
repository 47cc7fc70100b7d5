//! Blocks, which are in force even if the disk fails.

use super::disk::{Handle, Wait};
use super::{DurableStore, Undo};
use crate::admin::durable::error::DurableError;
use crate::certificate::Certificate;
use crate::store::{BlockSelector, Report, TrustStore};

/// The result of a block. The block is in force in any case.
#[derive(Debug)]
#[must_use = "`unsaved` says whether a restart forgets the block"]
#[non_exhaustive]
pub struct Blocked {
    /// The report.
    pub report: Report,
    /// Why the block is not stored, if it is not. Until it is stored, a restart loses it.
    pub unsaved: Option<DurableError>,
}

impl DurableStore {
    /// Blocks a certificate and its key (rule P1). The block is in force in any case. If the disk fails, it is stored
    /// at the next opportunity, and [`Health`](super::Health) reports it until then.
    pub fn block(&mut self, certificate: &Certificate) -> Blocked {
        self.block_selector(BlockSelector::certificate(certificate))
    }

    /// Blocks by one selector. See [`block`](Self::block).
    pub fn block_selector(&mut self, selector: BlockSelector) -> Blocked {
        let (_held, handle) = match self.hold(Wait::No) {
            Ok(held) => held,
            Err(DurableError::Locked { .. }) => return self.block_before_waiting(selector),
            Err(error) => {
                let report = self.block_unsaved(selector);
                let unsaved = Some(self.failed(error));
                return Blocked { report, unsaved };
            }
        };
        let (report, unsaved) = self.block_stored(selector, handle);
        Blocked { report, unsaved }
    }

    /// Makes a block on what is stored now.
    fn block_stored(
        &mut self,
        selector: BlockSelector,
        handle: Handle,
    ) -> (Report, Option<DurableError>) {
        let mut draft = self.store.fork();
        let current = draft.contents().generation();
        let report = draft.block_selector(selector.clone());
        if draft.contents().generation() == current {
            return (report, self.settle(handle).err());
        }
        let unsaved = self.persist(handle, &mut draft, Undo::No).err();
        if unsaved.is_some() {
            self.hold_unsaved(selector, draft);
        }
        (report, unsaved)
    }

    /// Another process changes the store: the block is put in force first and stored when that is done.
    fn block_before_waiting(&mut self, selector: BlockSelector) -> Blocked {
        let report = self.block_unsaved(selector.clone());
        let unsaved = match self.hold(Wait::Bounded) {
            Ok((_held, handle)) => self.block_stored(selector, handle).1,
            Err(error) => Some(self.failed(error)),
        };
        Blocked { report, unsaved }
    }

    fn block_unsaved(&mut self, selector: BlockSelector) -> Report {
        let mut draft = self.store.fork();
        let report = draft.block_selector(selector.clone());
        // Also where the block is in force: another process may have lifted it, and this one has not read that.
        self.hold_unsaved(selector, draft);
        report
    }

    fn hold_unsaved(&mut self, selector: BlockSelector, mut draft: TrustStore) {
        self.pending.insert(selector, draft.actor());
        draft.begin();
        self.store = draft;
        // It fails only if another program published in the meantime. A later change reports that.
        let _ = self.publish();
    }
}
