//! `store clock`: changes of the clock and the floor (rule M7).

use clap::Subcommand;
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::{CurrentTime, TrustSnapshot, TrustStore};
use pki_types::UnixTime;

use super::change::{Edit, one};
use super::scope::moment;
use crate::facts;
use crate::json::{StoreChange, StoreClock};
use crate::output::Outcome;

/// The clock and the floor.
#[derive(Subcommand, Clone, Copy, Debug)]
pub(super) enum ClockChange {
    /// Show the clock, the floor, and what to do if they do not fit
    Show,
    /// Confirm a clock that is more than 366 days later than the floor
    #[command(after_help = "\
The clock is used in any case. A confirmed clock raises the floor as well: if the clock is lost later, a recent
time is used. Compare it with another clock first.")]
    Confirm,
    /// Set the floor to the clock's time, after a wrong clock raised it
    #[command(after_help = "\
If the floor is more than 26 hours later than the clock, the clock is not used: all chains are refused, and so are
pins that end before the floor. Set the clock first, and compare it with another one.")]
    Reset {
        /// Set it to this time, on a machine without a clock
        #[arg(long, value_name = "TIME", value_parser = moment)]
        to: Option<UnixTime>,
    },
}

impl ClockChange {
    pub(super) fn prepare(self, view: &TrustSnapshot) -> Edit {
        let now = SystemClock::new().now();
        let is_good = view.clock_state(now).is_good();
        match self {
            Self::Show => {
                let shown = match now {
                    CurrentTime::Known(now) => Timestamp::from(now).to_string(),
                    CurrentTime::Unset => String::from("(not set)"),
                };
                let mut lines = vec![format!("clock {shown}")];
                lines.extend(facts::clock_lines(view, now));
                let shown = StoreClock {
                    generation: view.generation(),
                    clock: facts::clock(view, now),
                };
                Edit::Nothing(Outcome::of(lines.join("\n"), &shown))
            }
            Self::Confirm if is_good && view.floor().is_some() => {
                let text =
                    "nothing to confirm: the clock is not more than 366 days later than the floor";
                let mut lines = vec![String::from(text)];
                lines.extend(facts::clock_lines(view, now));
                let nothing = StoreChange {
                    changed: false,
                    dry_run: Some(false),
                    generation: Some(view.generation()),
                    reports: Some(Vec::new()),
                    effects: Some(None),
                    clock: Some(facts::clock(view, now)),
                };
                Edit::Nothing(Outcome::of(lines.join("\n"), &nothing))
            }
            Self::Confirm => one(TrustStore::confirm_clock),
            // Without a floor, the clock sets it when the change is stored.
            Self::Reset { to } => one(move |store| Ok(store.reset_floor(to))),
        }
    }
}
