//! Every bound and default, with its reason.

use core::time::Duration;

/// The longest URI in bytes. All attributes of RFC 7512 at the length that PKCS#11 has for them, percent-encoded, are
/// less than half of it; the rest is for paths.
pub const MAX_URI_BYTES: usize = 4096;

/// The longest PIN in bytes. PKCS#11 leaves the bound to the token, and tokens take 255 at most; what is longer is a file
/// that was named by mistake.
pub const MAX_PIN_BYTES: usize = 1024;

/// The longest value of an identifier or label of a key, in bytes: tokens store 255 at most.
pub const MAX_LABEL_BYTES: usize = 255;

/// How many sessions with a token are open at most, by default. A handshake holds one for one signature. Small HSMs allow
/// 8 to 16 sessions for all programs together.
pub const DEFAULT_SESSIONS: usize = 4;

/// The most sessions that may be set. A network HSM allows some hundreds.
pub const MAX_SESSIONS: usize = 256;

/// How long a handshake waits for a session, by default: less than peers wait for a handshake (10 s and more).
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// The longest wait that may be set: no peer waits longer.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

/// How long no log-in is tried after one that failed for a reason that says nothing of the PIN. An HSM that restarts
/// answers so for a while, and each try may count as a wrong PIN there. As long, no source is asked for another PIN after
/// one that was refused: asking may cost an operator or a server something.
pub const LOG_IN_PAUSE: Duration = Duration::from_secs(10);

/// How many PINs that a token refused are remembered. Tokens lock after 15 wrong ones at most.
pub(crate) const MAX_REFUSED_PINS: usize = 16;

/// How long no further session is tried after the token has allowed none. One try a second costs the token nothing, and
/// what other programs held for a moment is used again soon.
pub(crate) const SESSION_PAUSE: Duration = Duration::from_secs(1);

/// How many objects with one identifier or label are looked at. Two are an error already.
pub(crate) const MAX_FOUND: usize = 2;
