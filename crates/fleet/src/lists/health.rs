//! The state of an address, for an operator.

use core::fmt;
use core::time::Duration;

use mutual_trust::CurrentTime;
use mutual_trust::certificate::{Crl, Timestamp};
use mutual_trust::limits::CRL_LIFE_LEFT;

use crate::limits::LIST_SILENCE_LIMIT;

/// The state of one address of revocation lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListHealth {
    /// The address.
    pub address: String,
    /// The first end of the lists that it brought: when the next ones are due. `None` before the first one, or if they do
    /// not say.
    pub next_update: Option<Timestamp>,
    /// Whether that time is over. The certificates of the issuer are refused then, but for a grace.
    pub is_past_end: bool,
    /// Whether less than a tenth of its life is left, and no newer list came.
    pub ends_soon: bool,
    /// When it had a good list last.
    pub last_success: Option<Timestamp>,
    /// How long ago that was, or since the start.
    pub silent_for: Duration,
    /// What is wrong since the last success.
    pub fault: Option<String>,
    /// How many attempts in a row failed.
    pub failures: u32,
}

impl ListHealth {
    /// Whether nothing needs attention. A list that is good for long needs none, although the address did not answer last.
    pub fn is_good(&self) -> bool {
        let has_one = self.last_success.is_some() || self.failures == 0;
        has_one && !self.is_past_end && !self.ends_soon && self.silent_for <= LIST_SILENCE_LIMIT
    }
}

impl fmt::Display for ListHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.address)?;
        match (self.next_update, self.last_success) {
            (Some(end), _) if self.is_past_end => write!(f, "the list ended at {end}")?,
            (Some(end), _) if self.ends_soon => {
                write!(f, "the list ends soon, at {end}, and no newer one came")?;
            }
            (Some(end), _) => write!(f, "the list ends at {end}")?,
            (None, Some(_)) => f.write_str("the list has no end")?,
            (None, None) => f.write_str("no list came yet")?,
        }
        if let Some(fault) = &self.fault {
            write!(f, "; {} failures in a row: {fault}", self.failures)?;
        }
        Ok(())
    }
}

/// The life of the lists of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    from: Timestamp,
    until: Timestamp,
}

impl Life {
    /// The life of the list that ends first.
    pub(super) fn of(lists: &[Crl]) -> Option<Self> {
        let each = lists.iter().filter_map(|list| {
            let (from, until) = (list.this_update(), list.next_update()?);
            Some(Self { from, until })
        });
        each.min_by_key(|life| life.until)
    }

    pub(super) fn until(self) -> Timestamp {
        self.until
    }

    /// How many seconds are left. `None` without a clock.
    pub(super) fn left(self, now: CurrentTime) -> Option<i64> {
        match now {
            CurrentTime::Known(now) => {
                let now = Timestamp::from(now).seconds();
                Some(self.until.seconds().saturating_sub(now))
            }
            CurrentTime::Unset => None,
        }
    }

    /// Whether less than the last part of it is left.
    pub(super) fn ends_soon(self, now: CurrentTime) -> bool {
        let whole = self.until.seconds().saturating_sub(self.from.seconds());
        let last = whole.checked_div(CRL_LIFE_LEFT).unwrap_or(0);
        self.left(now).is_some_and(|left| left < last)
    }

    pub(super) fn is_over(self, now: CurrentTime) -> bool {
        self.left(now).is_some_and(|left| left < 0)
    }
}
