//! Bounds of signed trust sets.

use core::time::Duration;

use super::FLOOR_TOLERANCE;

/// Longest id of a fleet in bytes: that of a label of a host name, and one letter.
pub const MAX_FLEET_ID_BYTES: usize = 64;

/// Most signing keys in one key set: more administrators than sign for one fleet. Each may need a signature that a node
/// verifies.
pub const MAX_FLEET_KEYS: usize = 16;

/// Most key sets of one fleet: one a week for nearly twenty years. A publication has all of them, and a node that joined
/// with the first one verifies each.
pub const MAX_KEY_SETS: u64 = 1024;

/// Most signatures on one key set or bundle. A key set without a common key with the one before it needs those of both.
pub const MAX_FLEET_SIGNATURES: usize = 2 * MAX_FLEET_KEYS;

/// Largest signature in bytes: one of ML-DSA-87 (FIPS 204 table 2).
pub const MAX_FLEET_SIGNATURE_BYTES: usize = 4627;

/// Largest text in bytes of a signature: base64 of [`MAX_FLEET_SIGNATURE_BYTES`] with line ends takes 6,300.
pub const MAX_FLEET_SIGNATURE_TEXT: usize = 8 * 1024;

/// Largest signing key in bytes of DER: one of ML-DSA-87 takes 2,614.
pub const MAX_FLEET_KEY_BYTES: usize = 4 * 1024;

/// Largest text in bytes of a key set: [`MAX_FLEET_KEYS`] keys of ML-DSA-87 take 59,000 in base64.
pub const MAX_KEY_SET_BYTES: usize = 64 * 1024;

/// Largest publication in bytes: 40,000 entries with certificates for P-256 and two names, or 20,000 with RSA. A node
/// holds it twice while it verifies it, next to its store. Larger revocation lists come by their own address.
pub const MAX_PUBLICATION_BYTES: usize = 64 * 1024 * 1024;

/// Greatest step of the sequence from the bundle that a node holds: one bundle a minute for two years. With stolen keys
/// one cannot use up the numbers in one step, and a node that was away for long still follows.
pub const MAX_SEQUENCE_STEP: u64 = 1 << 20;

/// Greatest sequence of a bundle, as of the generations of a store: a number that cannot grow is never reached.
pub const MAX_SEQUENCE: u64 = (1 << 62) - 1;

/// How far ahead of a node's clock a bundle may be made: as far as a clock in the time of another zone is off.
pub const MAX_MADE_AHEAD: Duration = FLOOR_TOLERANCE;

/// Largest file in bytes of a member: the newest publication, three that may be applied, and the ids of their servers and
/// groups.
pub const MAX_MEMBER_BYTES: usize = 5 * MAX_PUBLICATION_BYTES;
