//! `store clock`: changes of the clock and the floor (rule M7).

use clap::Subcommand;
use mutual_trust::TrustStore;
use pki_types::UnixTime;

use super::change::{Edit, one};
use super::scope::moment;

/// The clock and the floor.
#[derive(Subcommand, Clone, Copy, Debug)]
pub(super) enum ClockChange {
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
    pub(super) fn prepare(self) -> Edit {
        match self {
            Self::Confirm => one(TrustStore::confirm_clock),
            // Without a floor, the clock sets it when the change is stored.
            Self::Reset { to } => one(move |store| Ok(store.reset_floor(to))),
        }
    }
}
