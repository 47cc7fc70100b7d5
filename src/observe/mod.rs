//! Observations of handshakes, for services that watch them (rule S5).
//!
//! The builder of a configuration takes the writing end of a queue. The service reads from the other end, in its own
//! thread. No handshake waits, and no verdict depends on an observation.
//!
//! ```
//! use mutual_trust::observe::{Observation, observation_queue};
//! use std::time::Duration;
//!
//! let (observations, reader) = observation_queue(1024)?;
//! // builder.with_observer(observations) …; here a thread reads what the handshakes showed:
//! # drop(observations);
//! while let Some(observation) = reader.recv_timeout(Duration::from_secs(1)) {
//!     println!("{}", observation.verdict);
//! }
//! # Ok::<(), mutual_trust::error::SettingError>(())
//! ```

pub(crate) mod meter;
mod observation;
mod queue;
pub(crate) mod trace;

#[cfg(feature = "metrics")]
pub use meter::describe_metrics;
pub use observation::Observation;
pub use queue::{ObservationReader, Observations, observation_queue};
