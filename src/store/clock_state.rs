//! How the clock compares with the floor (rule M7).

use core::fmt;

use pki_types::UnixTime;

use crate::certificate::{CurrentTime, Timestamp};
use crate::limits::{FLOOR_TOLERANCE, MAX_FLOOR_RISE};

/// How the clock compares with the floor of a store (rule M7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClockState {
    /// The clock is known, and a publication raises the floor to it.
    #[default]
    Known,
    /// The clock is not set. Certificates and ends are judged at the floor.
    #[non_exhaustive]
    Unset {
        /// The floor. Without one, nothing counts as ended.
        floor: Option<UnixTime>,
    },
    /// The clock is more than 26 hours below the floor. It counts as unset, and ends are judged at the floor.
    #[non_exhaustive]
    BelowFloor {
        /// What the clock shows.
        clock: UnixTime,
        /// The floor.
        floor: UnixTime,
    },
    /// The clock is more than 366 days above the floor. It counts, but the floor does not move until the clock is
    /// [confirmed](crate::store::TrustStore::confirm_clock).
    #[non_exhaustive]
    Jumped {
        /// What the clock shows.
        clock: UnixTime,
        /// The floor.
        floor: UnixTime,
    },
}

impl ClockState {
    /// How a clock compares with a floor.
    pub(crate) fn of(clock: CurrentTime, floor: Option<UnixTime>) -> Self {
        let (clock, floor) = match (clock, floor) {
            (CurrentTime::Unset, floor) => return Self::Unset { floor },
            (CurrentTime::Known(_), None) => return Self::Known,
            (CurrentTime::Known(clock), Some(floor)) => (clock, floor),
        };
        let (now, least) = (clock.as_secs(), floor.as_secs());
        if now.saturating_add(FLOOR_TOLERANCE.as_secs()) < least {
            Self::BelowFloor { clock, floor }
        } else if now > least.saturating_add(MAX_FLOOR_RISE.as_secs()) {
            Self::Jumped { clock, floor }
        } else {
            Self::Known
        }
    }

    /// The stable name: `known`, `unset`, `below_floor` or `jumped`.
    #[doc(hidden)]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unset { .. } => "unset",
            Self::BelowFloor { .. } => "below_floor",
            Self::Jumped { .. } => "jumped",
        }
    }

    /// Whether verdicts use the clock. If not, they use the floor.
    #[doc(hidden)]
    pub fn counts(self) -> bool {
        matches!(self, Self::Known | Self::Jumped { .. })
    }

    /// The clock and the floor in a few words: `clock …, floor …`.
    pub(crate) fn times(self) -> String {
        let time = |time| Timestamp::from(time).to_string();
        match self {
            Self::Known => String::from("clock known"),
            Self::Unset { floor: None } => String::from("no clock, no floor"),
            Self::Unset { floor: Some(floor) } => format!("no clock, floor {}", time(floor)),
            Self::BelowFloor { clock, floor } | Self::Jumped { clock, floor } => {
                format!("clock {}, floor {}", time(clock), time(floor))
            }
        }
    }

    /// Whether the clock and the floor need no attention.
    pub fn is_good(self) -> bool {
        self == Self::Known
    }
}

/// The state, and what the operator should do.
impl fmt::Display for ClockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Known => f.write_str("the clock is known"),
            Self::Unset { floor: None } => f.write_str(
                "the clock is not set, and the store has no floor: nothing counts as ended; set the clock",
            ),
            Self::Unset { floor: Some(floor) } => write!(
                f,
                "the clock is not set: ends are judged at the floor ({}), the newest time at which the store was published; set the clock",
                Timestamp::from(floor)
            ),
            Self::BelowFloor { clock, floor } => write!(
                f,
                "the clock ({}) is more than {} hours below the floor ({}), the newest time at which the store was published: ends are judged at the floor; set the clock, or, if the clock is right, reset the floor",
                Timestamp::from(clock),
                FLOOR_TOLERANCE.as_secs() / 3600,
                Timestamp::from(floor)
            ),
            Self::Jumped { clock, floor } => write!(
                f,
                "the clock jumped: it shows {}, more than {} days above the floor ({}); it counts, and the floor stays until the clock is confirmed",
                Timestamp::from(clock),
                MAX_FLOOR_RISE.as_secs() / 86_400,
                Timestamp::from(floor)
            ),
        }
    }
}
