//! The command without the feature `http` fetches no lists.

use mutual_trust::certificate::Crl;

use super::FetchArguments;
use crate::output::{Failure, Outcome};
use crate::store::make::Common;

/// Says so.
pub(super) fn run(_: &Common, _: &FetchArguments, _: bool) -> Result<Outcome, Failure> {
    Err(missing())
}

/// Says so.
pub(super) fn planned(_: &FetchArguments) -> Result<Vec<Crl>, Failure> {
    Err(missing())
}

fn missing() -> Failure {
    let text = "this command was built without the feature for addresses of lists: http";
    Failure::new("usage", text)
}
