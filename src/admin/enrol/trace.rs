//! Events of enrolment, for `tracing`, with the feature of that name; without it, nothing.
//!
//! None has a text that a peer chose.

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
