//! The report of a change (rule I9).

use core::fmt;

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
}

impl Report {
    pub(super) fn new(done: Outcome, generation: u64) -> Self {
        Self {
            done,
            generation,
            consequences: Consequences::default(),
        }
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
        let done = match self.done {
            Outcome::Added => "added",
            Outcome::Unchanged => "nothing changed: already there",
            Outcome::Completed => "completed",
            Outcome::Changed => "changed",
            Outcome::Removed => "removed",
        };
        write!(f, "{done} (generation {})", self.generation)?;
        for consequence in self.consequences() {
            f.write_str("\n  ")?;
            consequence.fmt(f)?;
        }
        Ok(())
    }
}
