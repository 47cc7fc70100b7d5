//! Bounds on the paths that the path builder gets in one verdict: their number and what judging them takes (rule C5).

use super::case::Case;
use super::detail::Rejection;
use super::{Detail, ReasonCode, profile, revocation, work};
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
    ) -> Result<(), Rejection> {
        let by_patterns = of_patterns(case.leaf, authority);
        let by_constraints = comparisons(path);
        self.comparisons = self
            .comparisons
            .saturating_add(by_constraints)
            .saturating_add(by_patterns);
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

/// How many comparisons of a name with a subtree of name constraints a path from the end entity to the authority takes:
/// webpki compares every name below a CA with every subtree of it.
fn comparisons(path: &[Certificate]) -> usize {
    let mut names = 0_usize;
    let mut sum = 0_usize;
    for certificate in path {
        if names > 0 {
            let subtrees = certificate.constraints().count();
            sum = sum.saturating_add(subtrees.saturating_mul(names));
        }
        // The subject is compared as well, and so are the e-mail addresses in it where they count.
        let in_subject = profile::addresses(certificate).count().saturating_add(1);
        names = names.saturating_add(certificate.count_names().saturating_add(in_subject));
    }
    sum
}

/// How many comparisons of a name of the end entity with a SAN pattern of the authority a path may take: if none matches,
/// each name is compared with each pattern.
fn of_patterns(leaf: &Certificate, entry: &Entry) -> usize {
    let patterns = entry.options().san_patterns().len();
    match patterns {
        0 => 0,
        patterns => patterns.saturating_mul(leaf.count_names()),
    }
}
