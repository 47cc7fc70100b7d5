//! Errors of members of a fleet.

use std::path::PathBuf;

use thiserror::Error;

use crate::admin::bundle::FleetId;
use crate::admin::bundle::error::BundleError;
use crate::admin::durable::error::DurableError;
use crate::certificate::Fingerprint;
use crate::store::fleet::NameConflict;

/// Why a node did not join a fleet, or did not take a bundle over. The last good set stays in force.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MemberError {
    /// The publication is refused. Nothing changed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A name of the bundle belongs to another server here. The publication is kept, and is tried again at each take-over and
    /// refresh. What takes trust away in it is applied, as for a held bundle.
    #[error(transparent)]
    Conflict(#[from] NameConflict),
    /// The store was not read or written, or another process changes it.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The store belongs to no such fleet.
    #[error("{path}: the store is no member of the fleet {fleet}: join it first")]
    #[non_exhaustive]
    NotAMember {
        /// The fleet.
        fleet: FleetId,
        /// The expected file.
        path: PathBuf,
    },
    /// The store is a member already.
    #[error("{path}: the store is a member of the fleet {fleet} already")]
    #[non_exhaustive]
    Exists {
        /// The fleet.
        fleet: FleetId,
        /// The file of the member.
        path: PathBuf,
    },
    /// The store has entries of the fleet, or its history has bundles of it, and the file that says which bundle they are from is lost. Without it, an old
    /// publication cannot be told from a new one.
    #[error(
        "{path} is lost, and the store has taken bundles of the fleet {fleet} over: its {entries} entries of it stay; join again (`fleet join --again`) with the digest of the key set and the sequence that the fleet has now"
    )]
    #[non_exhaustive]
    StateLost {
        /// The fleet.
        fleet: FleetId,
        /// The file that is not there.
        path: PathBuf,
        /// How many entries there are.
        entries: usize,
    },
    /// The file of the member is damaged, or of another version or fleet.
    #[error(
        "{path} is damaged: {why}; the entries of the fleet stay; join again with the digest of the key set and the sequence that the fleet has now"
    )]
    #[non_exhaustive]
    StateDamaged {
        /// The file.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// The file of the member has no valid seal, and the settings of the store have one.
    #[error(
        "{path} has no valid seal: another program wrote it, or it has the seal from before; join again with the digest of the key set and the sequence that the fleet has now"
    )]
    #[non_exhaustive]
    StateNotSealed {
        /// The file.
        path: PathBuf,
    },
    /// The file of the member is older than the store: the history of the store has a newer sequence. An older file was put
    /// back.
    #[error(
        "{path} is older than the store: it holds sequence {held}, and the store has taken over {stored}; put the newer file back, or join again with the digest of the key set and the sequence that the fleet has now"
    )]
    #[non_exhaustive]
    StateOld {
        /// The file.
        path: PathBuf,
        /// Its sequence.
        held: u64,
        /// The sequence in the history of the store.
        stored: u64,
    },
    /// The key set is not the one that an administrator read out.
    #[error("the key set has the digest {found}, and {expected} was expected: it is another one")]
    #[non_exhaustive]
    OtherDigest {
        /// The digest that was read out.
        expected: Fingerprint,
        /// That of the key set.
        found: Fingerprint,
    },
}
