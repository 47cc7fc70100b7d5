//! Events for `tracing`, with the feature of that name; without it, nothing.
//!
//! No event has a secret in it, and none has a text that a peer chose at will: subjects and names stay out. Only
//! this file names the crate.

use super::{EnrolmentEvent, Observation};
use crate::store::ClockState;

/// A view was put in force.
pub(super) fn published(generation: u64) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "mutual_trust", generation, "trust published");
    #[cfg(not(feature = "tracing"))]
    let _ = generation;
}

/// A view was stored by a clock of which an operator should know.
pub(super) fn clock(state: ClockState) {
    #[cfg(feature = "tracing")]
    if !state.is_good() {
        let state = tracing::field::display(state);
        tracing::warn!(target: "mutual_trust", state, "clock");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = state;
}

/// A peer was judged.
pub(crate) fn observed(observation: &Observation) {
    #[cfg(feature = "tracing")]
    {
        let verdict = &observation.verdict;
        let role = tracing::field::display(verdict.role());
        let server = verdict.server().map(tracing::field::display);
        let generation = verdict.generation();
        let reason = verdict.reason().code();
        let rule = tracing::field::display(verdict.rule());
        let fingerprint = verdict.presented().map(tracing::field::display);
        let proved = observation.proved;
        // A refusal is for an operator to read, and anybody who reaches the machine can cause one.
        if observation.is_accepted() {
            tracing::info!(
                target: "mutual_trust",
                role, server, generation, reason, rule, fingerprint, proved, "peer accepted"
            );
        } else {
            tracing::warn!(
                target: "mutual_trust",
                role, server, generation, reason, rule, fingerprint, proved, "peer refused"
            );
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = observation;
}

/// Something happened in enrolment.
pub(super) fn enrolment(event: EnrolmentEvent, by: Option<&str>) {
    #[cfg(feature = "tracing")]
    {
        let event = tracing::field::debug(event);
        tracing::info!(target: "mutual_trust", event, by, "enrolment");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (event, by);
}
