//! The client of the README, from the file that its test compiles, and beside it what a firmware calls of each feature.

use std::error::Error;

#[cfg(feature = "admin")]
#[path = "../features/admin.rs"]
mod admin;
#[cfg(feature = "bundle")]
#[path = "../features/bundle.rs"]
mod bundle;
#[cfg(feature = "enrol")]
#[path = "../features/enrol.rs"]
mod enrol;
#[rustfmt::skip]
#[path = "../../../../tests/house/readme/example.rs"]
mod example;
#[cfg(feature = "issue")]
#[path = "../features/issue.rs"]
mod issue;

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "issue")]
    issue::make()?;
    #[cfg(feature = "admin")]
    admin::administer()?;
    #[cfg(feature = "enrol")]
    enrol::accept()?;
    #[cfg(feature = "bundle")]
    bundle::follow()?;
    example::main()
}
