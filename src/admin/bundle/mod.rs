#![doc = include_str!("format.md")]

mod count;
mod envelope;
pub(crate) mod error;
mod head;
mod held;
mod key;
mod key_set;
pub(crate) mod member;
mod names;
pub(crate) mod names_error;
mod publication;
mod signature;
mod tally;
mod text;
mod trust_set;

pub use head::BundleHead;
pub use held::{Held, Verified};
pub use key::BundleKey;
pub use key_set::KeySet;
#[cfg(feature = "metrics")]
pub(in crate::admin) use member::source;
pub use member::{FleetHealth, FleetMember, HeldBundle, MemberState, TakeOver};
pub use names::{FleetId, Part};
pub use publication::Publication;
pub use signature::{Signature, Signer};
pub use tally::{Missing, Signed, Tally};
pub use trust_set::Bundle;

pub use crate::store::fleet::{Merged, NameConflict, Notice};
