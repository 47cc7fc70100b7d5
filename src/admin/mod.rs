//! The slow path: publishing what an administrator changed, letting unknown peers wait for one, and seeing what
//! handshakes showed.
//!
//! The handshake path reads a [`View`](crate::store::View) and writes nothing that a verdict depends on; the
//! administrator's path makes views. They meet at one pointer, [`LiveTrust`].

mod enrolment;
mod live;
mod observation;
mod pending;
mod presented;
mod queue;
pub(crate) mod trace;

pub use enrolment::{Enrolment, EnrolmentDecision, EnrolmentEvent};
pub use live::LiveTrust;
pub use observation::Observation;
pub use pending::{PendingId, PendingPeer};
pub use presented::Presented;
pub use queue::{ObservationReader, Observations, observation_queue};
