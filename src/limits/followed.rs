//! Bounds of followed files and folders.

use super::MAX_PEM_BYTES;

/// Most files in a folder that is followed: a thousand key servers or clients with a file each.
pub const MAX_FOLLOWED_FILES: usize = 1024;

/// Most names in a folder that is followed, those that are passed over included.
pub const MAX_FOLLOWED_NAMES: usize = 4 * MAX_FOLLOWED_FILES;

/// Most bytes of all files of a followed source together: those of one PEM file.
pub const MAX_FOLLOWED_BYTES: usize = MAX_PEM_BYTES;

/// Most sources that one store follows: what an array can have of tenants and key servers, with room.
pub const MAX_SOURCES: usize = 256;

/// Most items of one kind that the gauges show: entries, migrations, revocation lists, servers, sources. Each has one or two
/// series. A server that collects metrics takes some thousand from one target well, and not the 100,000 entries of a large
/// store. What ends first is shown, and the rest is counted.
pub const MAX_METRIC_ITEMS: usize = 1024;

/// Most times that a source is read again in one poll because it changed meanwhile. The next poll tries again.
pub const MAX_REREADS: usize = 4;

/// Polls in a row that find a followed source changed, after which health says that it never settles. A program that
/// writes a file is done within one or two.
pub const MAX_UNSETTLED_POLLS: usize = 8;

/// Most patterns of the files in a followed folder: more than there are usual endings of certificates and lists.
pub const MAX_INCLUDES: usize = 16;

/// Longest such pattern in bytes: that of a file name on usual file systems.
pub const MAX_INCLUDE_BYTES: usize = 255;

/// The share of its life that a followed revocation list has left when health warns that no newer one has come: a tenth.
/// A CA publishes the next list before that (Windows does by default, with a tenth).
pub const CRL_LIFE_LEFT: i64 = 10;

/// Largest file in bytes with the state of our identity: 4,096 servers with ids of 253 bytes, each with two dates.
pub const MAX_IDENTITY_STATE_BYTES: usize = 4 * 1024 * 1024;

/// Greatest share of a certificate's life after which it is renewed, in thousandths. What is left must do for a person
/// to look at a renewal that failed: at 950 it is 18 days of a year.
pub const MAX_RENEWAL_FRACTION: u32 = 950;
