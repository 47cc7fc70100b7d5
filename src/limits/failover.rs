//! Bounds of several key servers, and of the attempts to connect to them.

use core::time::Duration;

/// A store with fewer usable servers than this is warned of, unless it has none at all: a system with one key server does
/// not start while this server is down.
pub const MIN_USABLE_SERVERS: usize = 2;

/// Most servers that have a place among the primaries, and most secondaries of one primary: storage systems allow four
/// and three.
pub const MAX_SERVERS_IN_ORDER: usize = 64;

/// How long the first wait after a failed attempt is, jitter apart: that of gRPC's connection back-off
/// (`INITIAL_BACKOFF`). A service that restarts takes about so long.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait after failed attempts, jitter apart: that of gRPC's connection back-off (`MAX_BACKOFF`). A server
/// that is down for a day costs about a thousand attempts, and one that is back is found within two minutes.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(120);

/// The wait after a refusal, jitter apart: an administrator has to change what the peer trusts, or has to renew the
/// certificate that the peer presents. Twelve to twenty-four lines an hour do not fill a log, and the system connects soon
/// after the change. Also after a refusal of ours: a disk array that cannot read its disks must not wait for a change of
/// trust when only the peer's certificate had expired.
pub const REFUSAL_WAIT: Duration = Duration::from_secs(5 * 60);

/// An attempt without an outcome counts as failed after this time: a SYN is sent again after 1, 2 and 4 seconds (RFC
/// 6298), and three seconds are left for the handshake.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The first attempt is made within this time, spread evenly by the seed: a hundred systems that start together after a
/// power failure make twenty attempts a second. A system needs its keys to read its disks, so the time is short.
pub const BOOT_SPREAD: Duration = Duration::from_secs(5);

/// Attempts that can be made at once, to all servers together: four primaries with three secondaries each, once.
pub const ATTEMPT_BUDGET: u32 = 16;

/// Time after which one more attempt can be made: a hundred systems without any server make ten attempts a second.
pub const ATTEMPT_REFILL: Duration = Duration::from_secs(10);

/// Longest time that a setting of attempts can have.
pub const MAX_ATTEMPT_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest time within which the first attempt can be set to be made.
pub const MAX_BOOT_SPREAD: Duration = Duration::from_secs(60);

/// Largest number of attempts that can be set to be made at once.
pub const MAX_ATTEMPT_BUDGET: u32 = 10_000;
