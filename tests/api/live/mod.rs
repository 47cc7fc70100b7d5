//! Trust that changes while it is in use: publications, configurations that follow them, open connections, and what
//! observers receive.

mod awaited;
#[cfg(all(feature = "admin", feature = "enrol", feature = "tracing"))]
mod events;
mod links;
mod observed;
mod publishing;
mod queue;
mod recheck;
