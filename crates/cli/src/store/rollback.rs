//! Goes back to what the store held at an earlier generation.

use clap::Args;
use mutual_trust::admin::DurableStore;
use mutual_trust::{TrustSnapshot, TrustStore};

use super::calls::{Calls, Came};
use super::make::{self, Common};
use crate::output::{Failure, Outcome};

/// Where to.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// The generation whose content the store gets again; `store log` shows the generations
    #[arg(long, value_name = "GENERATION")]
    to: u64,
}

/// Makes a new generation with the content of an earlier one, except for what takes trust away.
pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<Outcome, Failure> {
    let settings = common.settings()?;
    let earlier = DurableStore::read_at(common.folder()?, &settings, arguments.to)?.store;
    let earlier: TrustSnapshot = earlier.contents().clone();
    let calls: Calls =
        Box::new(move |store: &mut TrustStore| Ok(Came::from(store.roll_back(&earlier)?)));
    make::guarded(common, &common.look()?, &calls)
}
