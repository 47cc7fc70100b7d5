//! Events of what is in force, for `tracing`, with the feature of that name; without it, nothing.

#[cfg(feature = "admin")]
use super::ClockState;

/// A view was put in force.
pub(super) fn published(generation: u64) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "mutual_trust", generation, "trust published");
    #[cfg(not(feature = "tracing"))]
    let _ = generation;
}

/// A view was stored by a clock that an operator should check.
#[cfg(feature = "admin")]
pub(crate) fn clock(state: ClockState) {
    #[cfg(feature = "tracing")]
    if !state.is_good() {
        let state = tracing::field::display(state);
        tracing::warn!(target: "mutual_trust", state, "clock");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = state;
}
