//! The command without the feature `http` has no hub.

use super::Arguments;
use crate::output::{Failure, Outcome};

/// Says so.
pub(super) fn run(_: &Arguments, _: bool) -> Result<Outcome, Failure> {
    let text = "this command was built without the feature for a hub: http";
    Err(Failure::new("usage", text))
}
