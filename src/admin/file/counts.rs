//! The last record of a snapshot, which has the number of all others.

/// The number of records of each kind.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) groups: usize,
    pub(super) servers: usize,
    pub(super) entries: usize,
    pub(super) blocks: usize,
    pub(super) checked: usize,
    pub(super) crls: usize,
}

/// The last record.
pub(super) fn end_head(counts: &Counts) -> String {
    let Counts {
        groups,
        servers,
        entries,
        blocks,
        checked,
        crls,
    } = counts;
    format!(
        "end groups {groups} servers {servers} entries {entries} blocks {blocks} checked {checked} crls {crls}"
    )
}
