//! Demands, and the verdict: may this peer be trusted, and by which installed certificate?
//!
//! [`decide`] is a pure function of a [`TrustSnapshot`](crate::store::TrustSnapshot), a [`Policy`] and a [`VerifyRequest`]. It has no
//! clock, file or socket, waits for no lock, and is the only place that can say yes.

// A question goes one way through the files: `decide` reads what was presented and asks the pins (`pinned`) or the
// authorities (`path`, `search`, `linear`). Each returns what it found, considered and warns of; `explain` says why a
// refusal is one.

mod built;
mod case;
mod decide;
mod detail;
mod explain;
mod issuers;
mod judged;
mod linear;
mod memory;
mod names;
mod nodes;
mod path;
mod peer;
mod pinned;
#[expect(
    clippy::module_inception,
    reason = "the room is named after its main type"
)]
mod policy;
mod profile;
mod reason;
mod rejections;
mod remedy;
mod result;
mod revocation;
mod search;
mod short;
mod signatures;
mod text;
mod timing;
#[cfg(feature = "enrol")]
mod unknown;
#[cfg(feature = "admin")]
mod usable;
mod verdict;
mod warning;
mod work;

pub use case::{ExpectedServer, VerifyRequest};
pub use decide::{decide, decide_with_work};
pub use detail::{Considered, Detail};
pub use memory::{ChainMemory, MemoryStatistics};
pub use peer::PeerIdentity;
pub use policy::Policy;
pub use profile::{ChainProfile, ProfileAction, ProfileRule};
pub use reason::{ReasonCode, Rule};
pub use result::{Accepted, Refusal};
pub use verdict::Verdict;
pub use warning::VerdictWarning;

#[cfg(feature = "admin")]
pub(crate) use revocation::may_tell;
#[cfg(feature = "enrol")]
pub(crate) use unknown::unknown_peer;
#[cfg(feature = "admin")]
pub(crate) use usable::Usable;
