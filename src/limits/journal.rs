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

/// A new snapshot is also written when the oldest change behind the last one is this old, so that the history does not
/// grow old without end. It then begins with the snapshot before: an audit that looks back a year finds it, and who asked
/// for a change more than two years ago is not kept. A store that is full of changes has less.
pub const MAX_JOURNAL_AGE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Largest file of a store with its journal in bytes: a snapshot, a journal, and one change that replaces all that the
/// store holds, of which the journal has what went and what came; and refused changes.
pub const MAX_STORE_WITH_JOURNAL: usize =
    3 * MAX_STORE_FILE_BYTES + MAX_JOURNAL_BYTES + MAX_REFUSED_BYTES;

/// How long a change waits for the change of another process before it fails, unless the settings say otherwise: writing the snapshot of the largest store
/// to a slow disk takes about as long.
pub const MAX_LOCK_WAIT: Duration = Duration::from_secs(10);

/// The stored floor is raised by a refresh when the clock is this much later: a service that refreshes every second
/// stores it twice a day, and one that does so once a day stores it each time.
pub const FLOOR_REFRESH: Duration = Duration::from_secs(12 * 60 * 60);

/// Most bytes of the refused changes that a store records behind one snapshot. They have room of their own: they never
/// make a new snapshot due, so that a script that fails again and again displaces no change from the history. With a few
/// hundred bytes each, these are some hundred refusals.
pub const MAX_REFUSED_BYTES: usize = 256 * 1024;

/// Most refused changes that a store records in [`REFUSAL_WINDOW`]: an administrator who tries something several times
/// is recorded whole, and a script leaves room for the next day. The same refusal again is recorded once.
pub const MAX_REFUSALS: usize = 16;

/// The time in which that many are recorded.
pub const REFUSAL_WINDOW: Duration = Duration::from_secs(60 * 60);

/// Most bytes of the record of one refused change, without its seal. Calls beyond it are counted.
pub const MAX_REFUSAL_BYTES: usize = 4096;

/// Most bytes of one call, or of the reason, in the record of a refused change: the longest id, name or fingerprint has
/// room, and the first peers that would be locked out.
pub const MAX_REFUSED_WORDS: usize = 1024;
