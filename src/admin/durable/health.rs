//! The health of a durable store.

use core::fmt;
use std::path::PathBuf;

#[cfg(feature = "bundle")]
use crate::admin::bundle::FleetHealth;
use crate::admin::follow::SourceHealth;
use crate::store::{BlockSelector, ClockState, Truncated};

/// Faults of a durable store that keeps working. They are for an operator.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Health {
    /// The generation in force.
    pub generation: u64,
    /// The last stored generation.
    #[doc(hidden)]
    pub stored: u64,
    /// Blocks that are in force and not stored because the disk failed. They are stored at the next opportunity. Until
    /// then, a restart loses them.
    pub unsaved_blocks: Truncated<BlockSelector>,
    /// A failed change may be on the disk: the disk could neither complete nor undo it. A restart or another process may
    /// put it in force.
    /// It is undone at the next opportunity.
    #[doc(hidden)]
    pub refused_change_on_disk: bool,
    /// How the store's clock compares with the floor (rule M7), at the time of this call.
    pub clock: ClockState,
    /// Why the last attempt to store failed. `None` if it succeeded.
    pub last_error: Option<String>,
    /// Why the counter was not raised, if it was not. It is raised at the next opportunity.
    #[doc(hidden)]
    pub counter_error: Option<String>,
    /// The folder and the files that users other than the owner can write, at the time of this call.
    #[doc(hidden)]
    pub writable_by_others: Vec<PathBuf>,
    /// The followed sources at the last poll.
    pub sources: Vec<SourceHealth>,
    /// The fleets of which this process runs a member, at the last take-over. Whether a set is past its end is judged at the
    /// time of this call.
    #[cfg(feature = "bundle")]
    pub fleets: Vec<FleetHealth>,
}

impl Health {
    /// Whether nothing needs attention.
    pub fn is_good(&self) -> bool {
        #[cfg(feature = "bundle")]
        let fleets = self.fleets.iter().all(FleetHealth::is_good);
        #[cfg(not(feature = "bundle"))]
        let fleets = true;
        fleets
            && self.unsaved_blocks.is_empty()
            && !self.refused_change_on_disk
            && self.clock.is_good()
            && self.last_error.is_none()
            && self.counter_error.is_none()
            && self.writable_by_others.is_empty()
            && self.sources.iter().all(SourceHealth::is_good)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_good() {
            "good"
        } else {
            "needs attention"
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
        for path in &self.writable_by_others {
            let path = path.display();
            write!(
                f,
                "\n  other users can write {path}, and so replace the store: `chmod go-w`"
            )?;
        }
        for source in &self.sources {
            write!(f, "\n  {source}")?;
        }
        #[cfg(feature = "bundle")]
        for fleet in &self.fleets {
            write!(f, "\n  {fleet}")?;
        }
        Ok(())
    }
}
