//! Events about the snapshot in force, for `tracing`. Without the feature `tracing` they do nothing.

#[cfg(feature = "admin")]
use super::ClockState;

/// A snapshot was put in force.
pub(super) fn published(generation: u64) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "mutual_trust", generation, "trust published");
    #[cfg(not(feature = "tracing"))]
    let _ = generation;
}

/// A snapshot was stored with a clock that an operator should check.
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
