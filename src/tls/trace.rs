//! Events of our own identity, for `tracing`. Without the feature `tracing` they do nothing. They have fingerprints, and
//! nothing of a key.

use crate::certificate::Fingerprint;

/// Another certificate of ours became the current one.
pub(super) fn renewed(current: Fingerprint) {
    #[cfg(feature = "tracing")]
    {
        let current = tracing::field::display(current);
        tracing::info!(target: "mutual_trust", current, "identity renewed");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = current;
}

/// The next identity is another one, or is presented to other servers.
pub(super) fn rotated(current: Fingerprint, next: Option<Fingerprint>) {
    #[cfg(feature = "tracing")]
    {
        let current = tracing::field::display(current);
        let next = next.map(tracing::field::display);
        tracing::info!(target: "mutual_trust", current, next, "identity rotation changed");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (current, next);
}
