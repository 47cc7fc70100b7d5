//! The event of a judged peer, for `tracing`. Without the feature `tracing` it does nothing.
//!
//! Events contain no secret and no text that a peer chose: no subjects and no names.

use super::Observation;

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
        // A refusal is for an operator to read, but any machine on the network can cause one.
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
