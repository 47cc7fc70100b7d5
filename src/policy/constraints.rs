//! Name constraints: what comparing them costs, and which of them the path builder does not process (rule C5).
//!
//! The path builder compares every name below a CA with every subtree of it, and refuses a path in which a constraint
//! that it cannot process applies.

use super::profile;
use crate::certificate::Certificate;
use crate::certificate::form::{DIRECTORY_NAME, unprocessed};
use crate::store::Entry;

/// How many comparisons of a name with a subtree a path from the end entity to the authority asks for.
pub(super) fn comparisons(path: &[Certificate]) -> usize {
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

/// How many comparisons of a name of the end entity with a pattern of the authority a path may ask for: of names none of
/// which matches, each is compared with each pattern.
pub(super) fn of_patterns(leaf: &Certificate, entry: &Entry) -> usize {
    let patterns = entry.options().san_patterns().len();
    match patterns {
        0 => 0,
        patterns => patterns.saturating_mul(leaf.count_names()),
    }
}

/// A form of constraint in a path that applies and is not processed.
pub(super) fn unsupported(path: &[Certificate]) -> Option<&'static str> {
    path.iter().enumerate().skip(1).find_map(|(place, issuer)| {
        let below = path.get(..place)?;
        issuer.constraints().find_map(|subtree| {
            let form = unprocessed(subtree.form)?;
            // Every certificate has a subject, which is a directory name.
            let applies = subtree.form == DIRECTORY_NAME
                || below.iter().any(|certificate| {
                    certificate
                        .name_forms()
                        .any(|name| name.form == subtree.form)
                });
            applies.then_some(form)
        })
    })
}
