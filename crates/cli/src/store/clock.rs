//! `store clock`: what is said and done about the clock and the floor (rule M7).

use clap::Subcommand;
use mutual_trust::TrustStore;
use pki_types::UnixTime;

use super::change::{Edit, one};
use super::whom::moment;

/// The clock and the floor.
#[derive(Subcommand, Clone, Copy, Debug)]
pub(super) enum ClockChange {
    /// Say that the clock is right although it is more than 366 days later than the floor
    #[command(after_help = "\
The clock counts in any case. Confirmed, it raises the floor as well, so that a clock which is lost later is
judged by a recent time. Compare it with another clock first.")]
    Confirm,
    /// Set the floor to what the clock shows now: for a floor that a wrong clock raised
    #[command(after_help = "\
With a floor that is later than the clock by more than 26 hours, the clock does not count: pins that end before
the floor are refused, and so are all chains. Set the clock first, and compare it with another one.")]
    Reset {
        /// Set it to this time instead: on a machine without a clock
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
