//! Events of enrolment, for `tracing`, and their count for `metrics`. Without these features it does nothing.
//!
//! Events contain no text that a peer chose.

use super::EnrolmentEvent;
use crate::observe::meter;

/// Something happened in enrolment.
pub(super) fn event(event: EnrolmentEvent, by: Option<&str>) {
    meter::enrolment(event.word());
    #[cfg(feature = "tracing")]
    {
        let event = tracing::field::debug(event);
        tracing::info!(target: "mutual_trust", event, by, "enrolment");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (event, by);
}
