//! The paths that the path builder is given in one verdict: how many, and what judging them takes (rule C5).

use super::decide::Case;
use super::timing::Fall;
use super::{Detail, ReasonCode, constraints, revocation, work};
use crate::certificate::Certificate;
use crate::limits::{MAX_CONSTRAINT_COMPARISONS, MAX_LISTS_ASKED, MAX_PATHS_TRIED};
use crate::store::Entry;

/// What was given to the path builder so far.
#[derive(Default)]
pub(super) struct Built {
    paths: usize,
    comparisons: usize,
    lists: usize,
}

impl Built {
    /// Whether one more path may be judged, of which every signature is verified.
    pub(super) fn one_more(
        &mut self,
        case: &Case<'_>,
        path: &[Certificate],
        authority: &Entry,
    ) -> Result<(), Fall> {
        let of_patterns = constraints::of_patterns(case.leaf, authority);
        let of_constraints = constraints::comparisons(path);
        self.comparisons = self
            .comparisons
            .saturating_add(of_constraints)
            .saturating_add(of_patterns);
        if self.comparisons > MAX_CONSTRAINT_COMPARISONS {
            let (found, limit) = (self.comparisons, MAX_CONSTRAINT_COMPARISONS);
            return Err((
                ReasonCode::TooManyConstraints,
                Detail::Limit { found, limit },
            ));
        }
        self.paths = self.paths.saturating_add(1);
        work::within(self.paths, MAX_PATHS_TRIED)?;
        self.lists = self.lists.saturating_add(revocation::count(case, path));
        // One path is judged whatever its issuers have.
        if self.paths > 1 {
            work::within(self.lists, MAX_LISTS_ASKED)?;
        }
        Ok(())
    }
}
