//! The clock and the floor: the newest time at which the store was published with a known clock (rule M7).
//!
//! A floor that is too low does little harm. A floor that is too high locks the store while its clock is right. So one
//! publication with a wrong clock cannot raise it far, the effect is reported, and it can be undone.

use pki_types::UnixTime;

use super::{ClockState, Outcome, Report, StoreWarning, TrustSnapshot, TrustStore};
use crate::certificate::CurrentTime;
use crate::store::error::StoreError;

impl TrustSnapshot {
    /// How `clock` compares with the floor of this snapshot.
    pub fn clock_state(&self, clock: CurrentTime) -> ClockState {
        ClockState::of(clock, self.floor())
    }

    /// The clock as verdicts use it: unset if it is too far below the floor.
    pub(crate) fn judge(&self, clock: CurrentTime) -> CurrentTime {
        if self.clock_state(clock).counts() {
            clock
        } else {
            CurrentTime::Unset
        }
    }

    /// The time by which an end is told: that of verdicts, or the floor while the clock does not count.
    pub(crate) fn now_or_floor(&self, clock: CurrentTime) -> Option<UnixTime> {
        self.judge(clock).known().or(self.floor())
    }

    /// The floor after a publication at this time.
    pub(super) fn floor_after(&self, clock: CurrentTime) -> Option<UnixTime> {
        let floor = self.floor();
        match (clock, self.clock_state(clock)) {
            (CurrentTime::Known(now), ClockState::Known) => {
                // A clock within the tolerance below the floor does not lower it.
                Some(floor.map_or(now, |floor| floor.max(now)))
            }
            _ => floor,
        }
    }

    /// The same snapshot with another floor, for reading only.
    #[cfg(feature = "admin")]
    pub(crate) fn with_floor(&self, floor: Option<UnixTime>) -> Self {
        let mut view = self.clone();
        view.edit().floor = floor;
        view
    }
}

impl TrustStore {
    /// A snapshot to publish. If the clock is known and later than the floor, the floor moves up to it (rule M7), which
    /// makes a new generation. If the clock is more than 366 days later, the floor stays until the clock is
    /// [confirmed](Self::confirm_clock). A store without a floor takes any clock.
    pub fn snapshot(&mut self) -> TrustSnapshot {
        let floor = self.data.floor_after(self.clock.now());
        if floor != self.data.floor() {
            self.set_floor(floor);
        }
        self.data.clone()
    }

    /// How the store's clock compares with the floor.
    pub fn clock_state(&self) -> ClockState {
        self.data.clock_state(self.clock.now())
    }

    /// Confirms a clock that is more than 366 days later than the floor, and moves the floor up to it (rule M7). Use it
    /// for a machine that was off for a long time.
    ///
    /// # Security
    /// Compare the clock with another one first. If the floor is too high, the right clock does not count.
    /// [`reset_floor`](Self::reset_floor) undoes it.
    ///
    /// # Errors
    /// The clock is not set, or below the floor: there is nothing to confirm.
    pub fn confirm_clock(&mut self) -> Result<Report, StoreError> {
        match self.clock_state() {
            ClockState::Known => Ok(Report::new(Outcome::Unchanged, self.data.generation())),
            ClockState::Jumped { clock, .. } => {
                self.ask(format_args!("clock confirm"));
                self.set_floor(Some(clock));
                Ok(Report::new(Outcome::Changed, self.data.generation()))
            }
            state @ (ClockState::Unset { .. } | ClockState::BelowFloor { .. }) => {
                Err(StoreError::NothingToConfirm { state })
            }
        }
    }

    /// Sets the floor, for example after a wrong clock raised it (rule M7). `None` removes it, and the next
    /// [`snapshot`](Self::snapshot) sets it to the clock.
    ///
    /// # Security
    /// While the clock is unset, every end is judged at the floor. With a lower floor, certificates that have expired
    /// since count as valid.
    pub fn reset_floor(&mut self, floor: Option<UnixTime>) -> Report {
        self.ask(format_args!("clock reset-floor"));
        self.set_floor(floor);
        let mut report = Report::new(Outcome::Changed, self.data.generation());
        self.warn_of_clock(&mut report);
        report
    }

    /// The time as the store judges it. A clock that is below the floor by more than the tolerance counts as unset.
    pub(super) fn now(&self) -> CurrentTime {
        self.data.judge(self.clock.now())
    }

    /// Adds a warning if publishing the change does not raise the floor although there is a clock.
    pub(super) fn warn_of_clock(&self, report: &mut Report) {
        match self.clock_state() {
            ClockState::Known | ClockState::Unset { .. } => {}
            state @ ClockState::BelowFloor { .. } => {
                report.warn(StoreWarning::ClockBelowFloor(state));
            }
            state @ ClockState::Jumped { .. } => {
                report.warn(StoreWarning::ClockJumped(state));
            }
        }
    }

    fn set_floor(&mut self, floor: Option<UnixTime>) {
        let data = self.edit();
        data.floor = floor;
        data.grow();
    }
}
