//! The report of a change (rule I9).

use core::fmt;

use super::blocks::BlockSelector;
use super::consequence::{Consequence, Consequences};
use super::entry_key::EntryKey;
use super::warning::StoreWarning;

/// The result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A new entry, server, group, block or revocation list was added.
    Added,
    /// Nothing changed: it was there already, or something newer was (rules I5 and C4).
    Unchanged,
    /// A pin that had only a fingerprint has its certificate now (rule M1).
    Completed,
    /// Something was changed.
    Changed,
    /// Something was removed.
    Removed,
}

/// What a change of the store did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(super) done: Outcome,
    pub(super) generation: u64,
    pub(super) consequences: Consequences,
    /// What was blocked, or is no longer.
    block: Option<Box<BlockSelector>>,
}

impl Report {
    pub(super) fn new(done: Outcome, generation: u64) -> Self {
        Self {
            done,
            generation,
            consequences: Consequences::default(),
            block: None,
        }
    }

    /// The report of a block, or of its end.
    pub(super) fn of_block(mut self, selector: &BlockSelector) -> Self {
        self.block = Some(Box::new(selector.clone()));
        self
    }

    /// Adds a consequence.
    pub(super) fn push(&mut self, consequence: Consequence) {
        self.consequences.push(consequence);
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, warning: StoreWarning) {
        self.push(Consequence::Warning(warning));
    }

    /// The result of a call.
    pub fn done(&self) -> Outcome {
        self.done
    }

    /// The generation after the change.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What follows from the change, in the order of [`ConsequenceKind`](super::ConsequenceKind). Of each kind, at most
    /// 64 are listed and the rest are counted ([`Consequence::Omitted`]).
    ///
    /// ```
    /// use mutual_trust::store::{Consequence, Report};
    ///
    /// fn show(report: &Report) {
    ///     for consequence in report.consequences() {
    ///         match consequence {
    ///             Consequence::Claimed(server) => println!("{server} must present a pin from now on"),
    ///             Consequence::Warning(warning) => println!("warning: {warning}"),
    ///             other => println!("{other}"),
    ///         }
    ///     }
    /// }
    /// # let _ = show;
    /// ```
    pub fn consequences(&self) -> &[Consequence] {
        self.consequences.as_slice()
    }

    /// The first entry that the call is about: the one that was installed, updated or removed.
    pub fn entry(&self) -> Option<&EntryKey> {
        self.consequences().iter().find_map(|one| {
            if let Consequence::Entry(key) = one {
                Some(key)
            } else {
                None
            }
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match (self.done, &self.block) {
            (Outcome::Added, Some(_)) => "blocked",
            (Outcome::Unchanged, Some(_)) => "nothing changed: blocked already",
            (Outcome::Removed, Some(_)) => "no longer blocked",
            (Outcome::Added, None) => "added",
            (Outcome::Unchanged, None) => "nothing changed: already there",
            (Outcome::Completed, _) => "completed",
            (Outcome::Changed, _) => "changed",
            (Outcome::Removed, None) => "removed",
        };
        f.write_str(done)?;
        if let Some(block) = &self.block {
            f.write_str(": ")?;
            block.fmt(f)?;
        }
        write!(f, " (generation {})", self.generation)?;
        for consequence in self.consequences() {
            f.write_str("\n  ")?;
            match (consequence, &self.block) {
                (Consequence::Entry(key), Some(_)) => {
                    f.write_str("accepts nothing now: ")?;
                    key.fmt(f)?;
                }
                _ => consequence.fmt(f)?,
            }
        }
        Ok(())
    }
}
