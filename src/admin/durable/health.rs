//! What an operator should know of a store that goes on.

use core::fmt;

use crate::admin::follow::SourceHealth;
use crate::store::{BlockSelector, ClockState, Truncated};

/// What an operator should know of a durable store that goes on all the same.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Health {
    /// The generation in force.
    pub generation: u64,
    /// The generation that was stored last.
    pub stored: u64,
    /// Blocks that are in force and not stored, since the disk refused. They are stored at the first chance; until
    /// then, a restart forgets them.
    pub unsaved_blocks: Truncated<BlockSelector>,
    /// A change that was refused may be on the disk: neither could its durability be had, nor could it be undone.
    /// A restart may bring it into force. It is undone at the first chance.
    pub refused_change_on_disk: bool,
    /// How the store's clock stands to the floor (rule M7): now, not when something was stored last.
    pub clock: ClockState,
    /// Why the last attempt to store something failed; `None` after one that did not.
    pub last_error: Option<String>,
    /// Why the counter was not raised, if it was not. It is raised at the first chance.
    #[doc(hidden)]
    pub counter_error: Option<String>,
    /// The followed sources, as the last poll found them.
    pub sources: Vec<SourceHealth>,
}

impl Health {
    /// Whether there is nothing to look after.
    pub fn is_good(&self) -> bool {
        !self.is_behind()
            && self.clock.is_good()
            && self.last_error.is_none()
            && self.counter_error.is_none()
            && self.sources.iter().all(SourceHealth::is_good)
    }

    /// Whether the disk does not hold what is in force.
    pub(super) fn is_behind(&self) -> bool {
        !self.unsaved_blocks.is_empty() || self.refused_change_on_disk
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_good() {
            "good"
        } else {
            "look after it"
        };
        write!(f, "{state}: generation {}", self.generation)?;
        for block in &self.unsaved_blocks {
            write!(f, "\n  in force and not stored: block of {block}")?;
        }
        if self.unsaved_blocks.omitted() > 0 {
            write!(f, "\n  and {} blocks more", self.unsaved_blocks.omitted())?;
        }
        if self.refused_change_on_disk {
            write!(f, "\n  a refused change may be on the disk")?;
        }
        if !self.clock.is_good() {
            write!(f, "\n  {}", self.clock)?;
        }
        if let Some(error) = &self.last_error {
            write!(f, "\n  {error}")?;
        }
        if let Some(error) = &self.counter_error {
            write!(f, "\n  the counter was not raised: {error}")?;
        }
        for source in &self.sources {
            write!(f, "\n  {source}")?;
        }
        Ok(())
    }
}
