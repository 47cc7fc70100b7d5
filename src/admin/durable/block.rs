//! Blocks, which hold even if the disk refuses them.

use super::{DurableStore, Undo};
use crate::admin::durable::error::DurableError;
use crate::certificate::Certificate;
use crate::store::{BlockSelector, Report};

/// The result of a block, which is in force in any case.
#[derive(Debug)]
#[must_use = "`unsaved` says whether a restart forgets the block"]
#[non_exhaustive]
pub struct Blocked {
    /// What it did.
    pub report: Report,
    /// Why it is not stored, if it is not: until it is, a restart forgets it.
    pub unsaved: Option<DurableError>,
}

impl DurableStore {
    /// Blocks a certificate and its key (rule P1). In force in any case, and stored if the disk allows; else at the
    /// first chance, and [`Health`](super::Health) says so until then.
    pub fn block(&mut self, certificate: &Certificate) -> Blocked {
        self.block_selector(BlockSelector::certificate(certificate))
    }

    /// Blocks by one selector alone, as [`block`](Self::block).
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
            // Refused only if somebody else published meanwhile, which a later change reports.
            let _ = self.publish();
        }
        Blocked { report, unsaved }
    }
}
