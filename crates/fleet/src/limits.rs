//! Every bound and default, with its reason.

/// The longest name of a node: that of a host (RFC 1035 section 2.3.4), so that a host name can be the name of its node.
pub const MAX_NODE_NAME: usize = 253;

/// The longest fault in a report, in bytes. A line that an operator reads; the whole error is in the log of the node.
pub const MAX_FAULT: usize = 512;

/// The largest report in bytes: its lines at their longest are less than 1,500.
pub const MAX_REPORT_BYTES: usize = 2048;

/// The longest tag in bytes. Servers send ETags of less than 100; what is longer is no name of a version.
pub const MAX_TAG: usize = 256;
