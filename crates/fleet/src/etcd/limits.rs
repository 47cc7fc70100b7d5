//! Every bound and default of this transport, with its reason.

use core::time::Duration;

/// The longest prefix of keys in bytes. Each key has it, and etcd keeps all keys in memory.
pub const MAX_PREFIX: usize = 200;

/// How many bytes one key holds at most: a publication up to this size is one key, a larger one is cut into pieces of it.
///
/// etcd refuses requests above 1.5 MiB by default (`--max-request-bytes`). The rest is for what a request has besides.
pub const CHUNK_BYTES: usize = 1 << 20;

/// The largest value of the head key in bytes. Its four lines are less than 200.
pub const MAX_HEAD: usize = 256;

/// The largest answer that is read, in bytes. What is asked for is a piece of a publication or a page of reports, each at
/// most a quarter of it. It is also the bound of gRPC by default.
pub const MAX_ANSWER: usize = 4 << 20;

/// How many members of a cluster can be given. Clusters have 3, 5 or 7.
pub const MAX_MEMBERS: usize = 16;

/// How long one member may take to answer. A piece of 1 MiB takes 8 seconds at 1 Mbit/s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection with a watch stays unchecked. Firewalls forget connections that are silent for minutes;
/// etcd ends connections that ask more often than each 5 seconds.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How often the head is read although the watch says nothing.
///
/// A watch can be silent although there is something new: a proxy holds the connection, or etcd was restored from a backup
/// behind it. Reading the head takes 300 bytes: 1,000 nodes are 33 small reads a second.
pub const POLL_INTERVAL: Duration = Duration::from_secs(30);

/// The shortest poll interval that can be set. The watch is faster than that.
pub const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The longest poll interval that can be set: so long a silent watch may hide a publication.
pub const MAX_POLL_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long the first pause is after a watch that ended, or after etcd did not answer. Each is twice as long as the last.
///
/// Half of a pause is random, so that the watchers of a member that went away do not come back at once.
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two watches: so long after etcd is there again, the last node hears it.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a node is present after it last said so. It says so three times in that time, so that two lost requests do not
/// make it absent.
pub const PRESENCE: Duration = Duration::from_secs(90);

/// The shortest presence that can be set. etcd counts leases in seconds and takes some itself.
pub const MIN_PRESENCE: Duration = Duration::from_secs(3);

/// The longest presence that can be set.
pub const MAX_PRESENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the pieces of a publication stay after another one took its place.
///
/// A node may be reading them: 64 pieces of the largest publication, with [`REQUEST_TIMEOUT`] for each.
pub const GRACE: Duration = Duration::from_secs(64 * 10);

/// The shortest grace that can be set, which is the shortest lease.
pub const MIN_GRACE: Duration = Duration::from_secs(1);

/// The longest grace that can be set.
pub const MAX_GRACE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many times a publication is read or written from the start because it changed meanwhile.
pub const ATTEMPTS: usize = 3;

/// How many publications without a head one call of [`Etcd::clean`](super::Etcd::clean) looks at. Each publication leaves
/// at most one; the next call looks at the rest.
pub const MAX_CLEANED: usize = 64;

/// How many reports are read at once: 256 of the largest are half a megabyte.
pub const PAGE: i64 = 256;

/// How many names of nodes are read at once. Names are at most 253 bytes, and a key has a prefix: half a megabyte.
pub const NAMES_PAGE: i64 = 1024;
