//! Blocks, which are in force even if the disk fails.

use super::{DurableStore, Undo};
use crate::admin::durable::error::DurableError;
use crate::certificate::Certificate;
use crate::store::{BlockSelector, Report};

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
        let mut draft = self.store.fork();
        let current = draft.contents().generation();
        let report = draft.block_selector(selector.clone());
        if draft.contents().generation() == current {
            let unsaved = self.retry().err();
            return Blocked { report, unsaved };
        }
        let unsaved = self.persist(&mut draft, Undo::No).err();
        if unsaved.is_some() {
            self.health.unsaved_blocks.push(selector);
            self.store = draft;
            // It fails only if another program published in the meantime. A later change reports that.
            let _ = self.publish();
        }
        Blocked { report, unsaved }
    }
}
