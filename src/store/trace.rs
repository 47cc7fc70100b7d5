//! Events about the snapshot in force, for `tracing`, and their count for `metrics`. Without these features they do nothing.

#[cfg(feature = "admin")]
use super::ClockState;

/// A snapshot was put in force.
pub(super) fn published(generation: u64) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "mutual_trust", generation, "trust published");
    #[cfg(not(feature = "tracing"))]
    let _ = generation;
    // Two stores of one program would set one gauge of the generation, so it is a count.
    #[cfg(feature = "metrics")]
    metrics::counter!("mutual_trust_publications_total").increment(1);
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

/// A change was refused, for programs that record refusals: the calls that it consists of, each with its actor. Why is in
/// the error: it may have text of a certificate.
#[cfg(feature = "admin")]
pub(crate) fn refused(generation: u64, calls: &[(String, Option<String>)]) {
    #[cfg(feature = "tracing")]
    {
        let (by, asked) = joined(calls);
        let (by, asked) = (by.as_deref(), asked.as_str());
        tracing::warn!(target: "mutual_trust", generation, by, asked, "change refused");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (generation, calls);
}

/// The actors of calls, each once, and the calls.
#[cfg(all(feature = "admin", feature = "tracing"))]
fn joined(calls: &[(String, Option<String>)]) -> (Option<String>, String) {
    let mut actors: Vec<&str> = Vec::new();
    for by in calls.iter().filter_map(|(_, by)| by.as_deref()) {
        if !actors.contains(&by) {
            actors.push(by);
        }
    }
    let by = (!actors.is_empty()).then(|| actors.join(", "));
    let asked: Vec<&str> = calls.iter().map(|(call, _)| call.as_str()).collect();
    (by, asked.join("; "))
}

/// A change was stored: the calls that it consists of, each with its actor, and how many more there were. The calls have
/// ids and fingerprints, and no text of a certificate.
#[cfg(feature = "admin")]
pub(crate) fn stored(from: u64, to: u64, calls: &[(String, Option<String>)], more: usize) {
    #[cfg(feature = "tracing")]
    {
        let (by, asked) = joined(calls);
        let (by, asked) = (by.as_deref(), asked.as_str());
        tracing::info!(target: "mutual_trust", from, to, by, asked, more, "change stored");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (from, to, calls, more);
}
