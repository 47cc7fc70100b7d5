//! Where publications are, and what the nodes of a fleet report there.

#[cfg_attr(not(any(feature = "http", feature = "etcd")), path = "off.rs")]
mod link;
mod membership;
mod place;
mod standing;

pub(crate) use link::{LinkArguments, LinkFiles};
pub(crate) use membership::fault;
pub(crate) use place::{Carrier, Place, Reach};
pub(crate) use standing::{Standing, Standings, State, standings};
