//! Bounds of what threads have for themselves, so that they share nothing that one of them writes.

/// Reference counts that a snapshot in force has, each on a cache line of its own and made when a thread needs it: as many
/// as the cores of a large server. Threads beyond it share them.
pub const MAX_COUNTS_OF_SNAPSHOT: usize = 64;

/// Values of a kind (pins, ids and names) of which a thread makes copies for itself, because it needs them again and again:
/// the peers that a system talks to all the time. A thread holds at most so many of them after all else has dropped them.
pub const MAX_COPIES_APART: usize = 32;
