//! What is wrong with what a node holds of a fleet.

use mutual_trust::CurrentTime;
use mutual_trust::admin::bundle::MemberState;
use mutual_trust::certificate::Timestamp;

/// The code and the text of what is wrong, if anything is.
pub(crate) fn fault(state: &MemberState, clock: CurrentTime) -> Option<(&'static str, String)> {
    let now = match clock {
        CurrentTime::Known(now) => Some(now),
        CurrentTime::Unset => None,
    };
    let ended = state.applied.as_ref();
    let ended = ended.filter(|applied| now.is_some_and(|now| now > applied.until));
    if let Some(applied) = ended {
        let text = format!(
            "bundle {} ended at {}; it stays in force until the next one is published",
            applied.sequence,
            Timestamp::from(applied.until)
        );
        return Some(("Expired", text));
    }
    let newest = state.newest.as_ref().filter(|_| !state.is_applied())?;
    let text = format!(
        "bundle {} is held and not applied: `fleet take` says why",
        newest.sequence
    );
    Some(("NotApplied", text))
}
