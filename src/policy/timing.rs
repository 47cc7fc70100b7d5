//! The moment at which a verdict judges, when the clock is known and when it is unset (rules M3 and M7).

use core::cell::Cell;
use core::time::Duration;

use pki_types::UnixTime;

use super::detail::Rejection;
use super::{Detail, ReasonCode, VerdictWarning};
use crate::certificate::{Crl, CurrentTime, Timestamp, Validity, seconds};
use crate::limits::CLOCK_TOLERANCE;
use crate::store::{ClockState, Entry, TrustSnapshot, ValidityRule};

/// The time at which a verdict judges: the current time, or the floor while the clock is unset.
#[derive(Debug)]
pub(super) struct Timing {
    moment: i64,
    known: bool,
    /// How the clock stands to the floor.
    state: ClockState,
    /// Whether anything had ended at the floor, while the clock does not count.
    ended_at_floor: Cell<bool>,
    /// For the memory of verdicts; nothing that is judged here reads it.
    same_until: Cell<i64>,
}

/// How old a revocation list is. Ends are its `nextUpdate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    NotYet,
    Current,
    InGrace(i64),
    Expired(i64),
}

impl Timing {
    pub(super) fn of(view: &TrustSnapshot, clock: CurrentTime) -> Self {
        let state = view.clock_state(clock);
        let (moment, known) = match view.judge(clock) {
            CurrentTime::Known(now) => (seconds(now), true),
            // Without a floor, nothing is known of the time but that it is after 1970.
            CurrentTime::Unset => (view.floor().map_or(0, seconds), false),
        };
        Self {
            moment,
            known,
            state,
            ended_at_floor: Cell::new(false),
            same_until: Cell::new(i64::MAX),
        }
    }

    /// Whether a time has come. Every comparison with the time goes through here, so that the time until which all of them
    /// keep their result is known.
    fn has_come(&self, moment: i64) -> bool {
        let come = self.moment >= moment;
        if !come {
            self.same_until.set(self.same_until.get().min(moment));
        } else if !self.known {
            self.ended_at_floor.set(true);
        }
        come
    }

    /// The time, exclusive, until which every comparison so far keeps its result.
    pub(super) fn same_until(&self) -> i64 {
        self.same_until.get()
    }

    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// The warning that a verdict was made at the floor; `None` if the clock counts.
    pub(super) fn warning(&self) -> Option<VerdictWarning> {
        (!self.known).then_some(VerdictWarning::ClockUnset(self.state))
    }

    /// Why a chain is not judged, and why nothing is to be renewed, while the clock does not count.
    pub(super) fn not_by_clock(&self) -> Rejection {
        let reason = match self.state {
            ClockState::BelowFloor { .. } => ReasonCode::ClockBelowFloor,
            ClockState::Unset { .. } | ClockState::Known | ClockState::Jumped { .. } => {
                ReasonCode::ClockUnset
            }
        };
        (reason, Detail::Clock(self.state))
    }

    /// Whether a refusal rests on an end that was judged at the floor. What has ended there may be valid: the remedy is the
    /// clock or the floor, never a renewal (rule M7).
    pub(super) fn is_of_floor(&self, reason: ReasonCode) -> bool {
        let no_pin = reason == ReasonCode::NoUsablePin && self.ended_at_floor.get();
        !self.known && (is_by_end(reason) || no_pin)
    }

    /// The warning that the clock jumped, for a refusal that rests on an end: the clock may be wrong.
    pub(super) fn jumped(&self, reason: ReasonCode) -> Option<VerdictWarning> {
        let jumped = matches!(self.state, ClockState::Jumped { .. });
        let by_end = is_by_end(reason) || reason == ReasonCode::NoUsablePin;
        (jumped && by_end).then_some(VerdictWarning::ClockJumped(self.state))
    }

    /// The time at which ends are judged, in seconds since the epoch. For texts and for the path builder, which makes no
    /// comparison that was not made here.
    pub(super) fn moment(&self) -> i64 {
        self.moment
    }

    /// Whether an end, exclusive, has passed.
    pub(super) fn is_past(&self, end: UnixTime) -> bool {
        self.has_come(seconds(end))
    }

    /// Whether a last second has passed.
    fn is_over(&self, last: i64) -> bool {
        self.has_come(last.saturating_add(1))
    }

    fn begins_later(&self, validity: Validity, tolerance: i64) -> Option<Rejection> {
        let late =
            self.known && !self.has_come(validity.not_before().seconds().saturating_sub(tolerance));
        late.then_some((
            ReasonCode::NotYetValid,
            Detail::Time {
                limit: validity.not_before(),
                judged_at: Timestamp(self.moment),
            },
        ))
    }

    fn ended(&self, validity: Validity, grace: i64) -> Option<Rejection> {
        let past = self.is_over(validity.not_after().seconds().saturating_add(grace));
        past.then_some((
            ReasonCode::Expired,
            Detail::Time {
                limit: validity.not_after(),
                judged_at: Timestamp(self.moment),
            },
        ))
    }

    /// Whether a migrating server may be refused for this reason only because authorities were not asked.
    pub(super) fn is_of_migration(reason: ReasonCode) -> bool {
        matches!(
            reason,
            ReasonCode::PinDoesNotMatch
                | ReasonCode::SameSubjectOtherKey
                | ReasonCode::AuthoritiesNotAsked
        )
    }

    /// Judges a pin's certificate; `Ok(true)` if it is in its grace period.
    pub(super) fn pin(&self, validity: Validity, rule: ValidityRule) -> Result<bool, Rejection> {
        let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(0);
        let grace = match rule {
            ValidityRule::Enforce => 0,
            ValidityRule::Grace(grace) => i64::try_from(grace.as_secs()).unwrap_or(0),
        };
        if let Some(rejection) = self.begins_later(validity, tolerance) {
            return Err(rejection);
        }
        match self.ended(validity, grace) {
            Some(rejection) => Err(rejection),
            None => Ok(self.is_over(validity.not_after().seconds())),
        }
    }

    /// Judges a revocation list. It ends with `nextUpdate`, exclusive: the next list is published by then.
    pub(super) fn crl(&self, crl: &Crl, grace: Duration) -> Age {
        let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(0);
        let grace = i64::try_from(grace.as_secs()).unwrap_or(0);
        if self.known && !self.has_come(crl.this_update().seconds().saturating_sub(tolerance)) {
            return Age::NotYet;
        }
        // Without an end it is not installed; were it, it would not be current.
        let end = crl.next_update().map_or(i64::MIN, Timestamp::seconds);
        if !self.has_come(end) {
            Age::Current
        } else if !self.has_come(end.saturating_add(grace)) {
            Age::InGrace(end)
        } else {
            Age::Expired(end)
        }
    }

    /// Judges a certificate of a chain, to the second.
    pub(super) fn chain(&self, validity: Validity) -> Result<(), Rejection> {
        let rejection = self
            .begins_later(validity, 0)
            .or_else(|| self.ended(validity, 0));
        rejection.map_or(Ok(()), Err)
    }

    /// An entry that is disabled or past its end accepts nothing.
    pub(super) fn entry(&self, entry: &Entry) -> Result<(), Rejection> {
        if let Some(why) = entry.disabled() {
            return Err((ReasonCode::EntryDisabled, Detail::Text(why.into())));
        }
        match entry.options().end().filter(|end| self.is_past(*end)) {
            Some(end) => Err((
                ReasonCode::EntryEnded,
                Detail::Time {
                    limit: Timestamp(seconds(end)),
                    judged_at: Timestamp(self.moment),
                },
            )),
            None => Ok(()),
        }
    }
}

/// Whether this reason says that something has ended.
fn is_by_end(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::Expired
            | ReasonCode::EntryEnded
            | ReasonCode::IssuerExpired
            | ReasonCode::CrlExpired
    )
}
