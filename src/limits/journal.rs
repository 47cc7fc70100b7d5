//! Bounds of a store's journal, and of the wait for its lock.

use core::time::Duration;

use super::MAX_STORE_FILE_BYTES;

/// Most calls of one change that a journal names; it says how many more there were. What they changed stands there in
/// any case.
pub const MAX_ASKED: usize = 16;

/// The journal of a store is at least this long, in bytes, before a new snapshot is written: the changes of a small store
/// are then kept for some hundred changes.
pub const MIN_JOURNAL_BYTES: usize = 256 * 1024;

/// The journal is never longer than this before a new snapshot is written, so that opening a large store reads at most
/// so much more than its snapshot. Between the two it may be as long as the snapshot: then each byte of a change
/// costs at most one byte of rewriting.
pub const MAX_JOURNAL_BYTES: usize = 16 * 1024 * 1024;

/// Largest file of a store with its journal in bytes: a snapshot, a journal, and one change that replaces all that the
/// store holds, of which the journal has what went and what came.
pub const MAX_STORE_WITH_JOURNAL: usize = 3 * MAX_STORE_FILE_BYTES + MAX_JOURNAL_BYTES;

/// How long a change waits for the change of another process before it fails: writing the snapshot of the largest store
/// to a slow disk takes about as long.
pub const MAX_LOCK_WAIT: Duration = Duration::from_secs(10);

/// The stored floor is raised by a refresh when the clock is this much later: a service that refreshes every second
/// stores it twice a day, and one that does so once a day stores it each time.
pub const FLOOR_REFRESH: Duration = Duration::from_secs(12 * 60 * 60);
