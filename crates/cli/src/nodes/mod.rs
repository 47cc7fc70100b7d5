//! Where publications are, and what the nodes of a fleet report there.

mod place;
mod standing;

pub(crate) use place::Place;
pub(crate) use standing::{Standing, State, standings};
