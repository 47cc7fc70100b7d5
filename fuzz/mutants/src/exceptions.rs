//! What another judge refuses and the library rightly does not, with the rule.

use std::sync::LazyLock;

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Exception {
    /// `strict`, `compatible` or `both`.
    pub(crate) profile: &'static str,
    pub(crate) judge: &'static str,
    /// What the other's reason contains.
    pub(crate) reason: &'static str,
    pub(crate) why: &'static str,
}

pub(crate) static ALL: LazyLock<Vec<Exception>> = LazyLock::new(|| {
    let lines = include_str!("exceptions.txt").lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split(" | ").collect();
            let [profile, judge, reason, why] = fields[..] else {
                panic!("not four fields: {line}");
            };
            Exception {
                profile,
                judge,
                reason,
                why,
            }
        })
        .collect()
});

/// Why this refusal does not count.
pub(crate) fn reason(profile: &str, judge: &str, refusal: &str) -> Option<&'static str> {
    let fits = |one: &&Exception| {
        (one.profile == profile || one.profile == "both")
            && one.judge == judge
            && refusal.contains(one.reason)
    };
    ALL.iter().find(fits).map(|one| one.why)
}
