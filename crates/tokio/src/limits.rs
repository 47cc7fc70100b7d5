//! Every bound and default, with its reason.

use core::time::Duration;

/// How often an open connection is asked again although nothing was published.
///
/// Time alone publishes nothing: a certificate that ends while its connection is open is refused at most this much
/// later. A minute is short beside the 5 minutes by which clocks may differ. It costs one verdict for each connection
/// and minute, which is a few hundred verdicts a second for 10,000 connections, and fewer verdicts than their
/// handshakes took.
pub const RECHECK_INTERVAL: Duration = Duration::from_secs(60);

/// The shortest interval that can be set. Shorter ones ask more often than clocks are read.
pub const MIN_RECHECK_INTERVAL: Duration = Duration::from_millis(10);

/// The longest interval that can be set: who wants less turns it off.
pub const MAX_RECHECK_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long connecting may take: looking up the name, the TCP connection and the handshake together.
///
/// A lost packet is sent again after 1, 3 and 7 seconds (RFC 6298 section 2), so two lost ones are survived.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the handshake with a client may take: as long as a client of ours would wait.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The shortest time limit that can be set. Timers have no finer steps.
pub const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// The longest time limit that can be set: who needs more has no time limit.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// How many handshakes of a listener are under way at most.
///
/// Each holds a socket and what the client has sent of a message, at most 64 KiB in rustls. So all together hold at most
/// 32 MiB. 1,024 is the usual soft limit of open files: handshakes take at most half of it, [`MAX_DRAINING`] an eighth,
/// and the rest is for open connections and for what else the program opens. A processor makes a few thousand handshakes
/// a second: clients that all come back after a restart wait for the processor and not for a place.
pub const MAX_HANDSHAKES: usize = 512;

/// The largest number of handshakes that can be allowed: a million sockets are more than a process may open by default.
pub const LARGEST_MAX_HANDSHAKES: usize = 1 << 20;

/// How long a handshake has while all places are taken. After that, the oldest one makes room for the next client.
///
/// Once the connection is there, a handshake needs one round trip in TLS 1.3 and two in TLS 1.2. By cable, two take less
/// than this between any two places on Earth. So clients that connect and stay silent delay others by a second and
/// not for the whole time limit.
pub const PATIENCE_WHEN_FULL: Duration = Duration::from_secs(1);

/// How long a listener waits after an error that concerns all connections, for example too many open files while no
/// handshake is under way. Open connections end meanwhile. Without a pause, the error would come back at once.
pub const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// How long a refused client may take to read its alert and to close. Two round trips of a slow link.
pub const DRAIN_TIME: Duration = Duration::from_secs(2);

/// How much of a refused client is read and dropped. In TLS 1.3 a client has sent its first request before it learns of
/// the refusal; this is what usually fits in a window of TCP.
pub const DRAIN_BYTES: usize = 64 * 1024;

/// How many refused clients of a listener may take this time at once.
///
/// An eighth of the 1,024 files that a process usually may open, see [`MAX_HANDSHAKES`]. A client that closes when it has
/// read its alert takes one round trip, so more than a thousand refusals a second are within this bound. Beyond it, a
/// connection is closed at once, and its client may see a reset instead of the alert.
pub const MAX_DRAINING: usize = 128;
