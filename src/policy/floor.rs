//! Refusals that were judged at the floor (rule M7): the clock is the reason, and its remedy is no renewal.

use super::decide::Case;
use super::timing::Fall;
use super::{Considered, ReasonCode, Verdict};

/// What a refusal is at the floor: if it rests on an end that has passed there, it is the clock's, and what ended is
/// among what was considered.
pub(super) fn instead_of_ends(case: &Case<'_>, fall: Fall, verdict: &mut Verdict) -> Fall {
    if !case.timing.is_of_floor(fall.0) {
        return fall;
    }
    instead_of(case, fall, verdict)
}

/// The refusal of the clock, with the one that it stands for among what was considered.
pub(super) fn instead_of(case: &Case<'_>, (reason, detail): Fall, verdict: &mut Verdict) -> Fall {
    let mut known = verdict.considered.items().iter();
    // That no pin is left is shown by the pins.
    let shown = reason == ReasonCode::NoPinLeft
        || known.any(|item| item.reason == reason && item.detail == detail);
    if !shown {
        verdict.consider(Considered {
            fingerprint: case.leaf.fingerprint(),
            entry: None,
            reason,
            detail,
        });
    }
    case.timing.not_by_clock()
}
