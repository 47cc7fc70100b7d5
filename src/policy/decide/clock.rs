//! Refusals that were judged at the floor (rule M7): the clock is the reason, and its remedy is no renewal.

use std::mem;

use super::super::case::Case;
use super::super::detail::{Considered, Rejection};
use super::super::judged::{Explained, Judged, consider};
use super::super::reason::ReasonCode;
use crate::store::Truncated;

/// M7: a refusal that rests on an end that has passed at the floor is the clock's, and its remedy is no renewal. Adds what
/// is to be said of the clock.
#[inline]
pub(super) fn at_floor<'a>(case: &Case<'_>, mut judged: Judged<'a>) -> Judged<'a> {
    if let Err(denial) = &mut judged.outcome {
        if case.timing.is_of_floor(denial.rejection.0) {
            let by_clock = case.timing.not_by_clock();
            let rejection = mem::replace(&mut denial.rejection, by_clock);
            note(case, rejection, &mut judged.considered);
        }
        let jumped = case.timing.jumped(denial.rejection.0);
        judged.warnings.extend(jumped);
    }
    judged.warnings.extend(case.timing.warning());
    judged
}

/// The refusal of the clock in place of another one.
pub(super) fn instead_of(case: &Case<'_>, mut explained: Explained) -> Explained {
    note(case, explained.rejection, &mut explained.considered);
    Explained {
        rejection: case.timing.not_by_clock(),
        considered: explained.considered,
    }
}

/// Notes the refusal for which the clock's stands, unless it is among what was considered.
fn note(case: &Case<'_>, (reason, detail): Rejection, considered: &mut Truncated<Considered>) {
    let mut known = considered.items().iter();
    // That no pin is left is shown by the pins.
    let shown = reason == ReasonCode::NoUsablePin
        || known.any(|item| item.reason == reason && item.detail == detail);
    if !shown {
        let item = Considered {
            fingerprint: case.leaf.fingerprint(),
            entry: None,
            reason,
            detail,
        };
        consider(considered, item);
    }
}
