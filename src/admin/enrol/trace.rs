//! Events of enrolment, for `tracing`. Without the feature `tracing` it does nothing.
//!
//! Events contain no text that a peer chose.

use super::EnrolmentEvent;

/// Something happened in enrolment.
pub(super) fn event(event: EnrolmentEvent, by: Option<&str>) {
    #[cfg(feature = "tracing")]
    {
        let event = tracing::field::debug(event);
        tracing::info!(target: "mutual_trust", event, by, "enrolment");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (event, by);
}
