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

/// The largest publication in bytes: what fits into the memory of a small array beside its store. 100 kB is usual.
pub const MAX_PUBLICATION_BYTES: usize = 16 * 1024 * 1024;

/// The most nodes that report to one place.
pub const MAX_NODES: usize = 1 << 16;

/// How often a file that is being written is read again.
pub const MAX_READS: usize = 5;

/// How often a node that waits looks at its folder. Four looks a second cost nothing on a local disk, and are one small
/// request each on a network disk.
pub const FOLDER_LOOK: Duration = Duration::from_millis(250);

/// How long a publisher waits for another one: a publication is written and flushed in much less.
pub const PUBLISHER_LOCK_WAIT: Duration = Duration::from_secs(10);

/// How often it looks meanwhile: a flush of a disk takes about as long.
pub const PUBLISHER_LOCK_POLL: Duration = Duration::from_millis(10);
