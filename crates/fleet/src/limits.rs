//! Every bound and default, with its reason.

use core::time::Duration;

/// The longest name of a node: that of a host (RFC 1035 section 2.3.4), so that a host name can be the name of its node.
pub const MAX_NODE_NAME: usize = 253;

/// The longest fault in a report, in bytes. A line that an operator reads; the whole error is in the log of the node.
pub const MAX_FAULT: usize = 512;

/// The largest report in bytes: its lines at their longest are less than 1,500.
pub const MAX_REPORT_BYTES: usize = 2048;

/// The longest tag in bytes. Servers send ETags of less than 100; what is longer is no name of a version.
pub const MAX_TAG: usize = 256;

/// The largest publication in bytes: what the library reads.
pub use mutual_trust::limits::MAX_PUBLICATION_BYTES;

/// The most nodes that report to one place.
pub const MAX_NODES: usize = 1 << 16;

/// How many names of a folder of reports are looked at: those that are no names of nodes take the place of no report, and
/// this many take about a second.
pub const MAX_NODE_FILES: usize = 1 << 20;

/// How often a file that is being written is read again.
pub const MAX_READS: usize = 5;

/// How often a node that waits looks at its folder. Four looks a second cost nothing on a local disk, and are one small
/// request each on a network disk.
pub const FOLDER_LOOK: Duration = Duration::from_millis(250);

/// How long a publisher waits for another one: a publication is written and flushed in much less.
pub const PUBLISHER_LOCK_WAIT: Duration = Duration::from_secs(10);

/// How often it looks meanwhile: a flush of a disk takes about as long.
pub const PUBLISHER_LOCK_POLL: Duration = Duration::from_millis(10);

/// How long a connection without TLS may take, and the look-up of its name with it. As long as one with TLS by default: two
/// lost packets are survived (RFC 6298 section 2).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request may take, from the look-up of the name to the last byte: 1 MB arrives in a minute over 140 kbit/s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The shortest time limit that can be set. Timers have no finer steps.
pub const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// The longest time limit that can be set: a server that takes longer is out of service.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// How long a server may wait for a change before it answers. Firewalls and proxies forget a connection that is silent for
/// longer, 60 seconds being their usual shortest.
pub const LONG_POLL: Duration = Duration::from_secs(25);

/// What a server that waits for a change takes at least, if none comes: half of what it is asked for, since it may have a
/// bound of its own. After an earlier answer without a change, the interval counts.
pub const LONG_POLL_LEAST: Duration = Duration::from_secs(12);

/// The longest wait that a server may ask for. It keeps a server from putting its nodes off for days.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What the headers of a message may have together, in bytes. Servers take 8 KiB to 16 KiB by default.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// How many headers a message may have. Servers send about 10.
pub const MAX_HEADERS: usize = 64;

/// How much of the text of a refusal is read, in bytes.
pub const MAX_REASON: usize = 512;

/// How much longer than a request a caller waits for its task. The task ends by itself, if its runtime lives.
pub const WORKER_SLACK: Duration = Duration::from_secs(5);

/// How many connections of a hub are open at most. Each of a node that is idle takes about 20 KB; so all take 320 MB. A
/// process needs as many open files.
pub const MAX_CONNECTIONS: usize = 16_384;

/// How many connections of one client are open at most: one for the publication, one for its reports, and as many again
/// whose end the hub did not see yet.
pub const MAX_CONNECTIONS_PER_CLIENT: usize = 4;

/// How long a hub waits for the next request on a connection: twice the usual interval of polling, and some more.
pub const MAX_IDLE_TIME: Duration = Duration::from_secs(150);

/// How old a connection of a hub gets. A client that reads slowly has its place no longer than this.
pub const MAX_CONNECTION_AGE: Duration = Duration::from_secs(60 * 60);

/// How many publications are read at once: two publishers, of which one wins.
pub const MAX_UPLOADS: usize = 2;

/// How often an agent asks for a publication, if its transport does not tell of changes. A minute is how long a change may
/// take that is not urgent, and 10,000 nodes ask a server 170 to 330 times a second then.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// The shortest interval that can be set. Who wants less takes a transport that tells of changes.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest interval that can be set: a day, so that a set does not end unseen.
pub const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an agent waits after the first failure.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait after failures: a repaired server has its nodes back within 5 minutes.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(5 * 60);

/// After how long a silence of the publisher needs attention: a restart of its server takes less.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How often a node reports although nothing changed, so that its publisher sees that it lives.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// How long nodes that start together spread their first requests: a server makes 10,000 handshakes in that time.
pub const START_SPREAD: Duration = Duration::from_secs(5);

/// The steps in which an agent waits, after each of which it sees that it is to stop.
pub const STOP_STEP: Duration = Duration::from_millis(200);

/// The shortest time between two requests, if a transport says again and again that something may be new.
pub const MIN_GAP: Duration = Duration::from_millis(50);

/// How often a waiting agent looks whether the store is still what the newest bundle says.
pub const TEND_INTERVAL: Duration = Duration::from_secs(5);

/// The largest file of revocation lists in bytes: what the library reads.
#[cfg(feature = "http")]
pub(crate) use mutual_trust::limits::MAX_CRL_PEM_BYTES as MAX_LIST_BYTES;

/// How often an address of revocation lists is asked at least. A revocation that is published between is known an hour
/// later, and a server that knows ETags sends a few bytes.
pub const LIST_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How often it is asked at most, near the end of a list and past it.
pub const MIN_LIST_WAIT: Duration = Duration::from_secs(60);

/// How long to wait after the first failure. Each further one doubles it, up to the interval.
pub const FIRST_LIST_BACKOFF: Duration = Duration::from_secs(60);

/// After how long without an answer an address needs attention, although its list is good for longer.
pub const LIST_SILENCE_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The most addresses of lists: one for each authority of a large site.
pub const MAX_LIST_SOURCES: usize = 64;
