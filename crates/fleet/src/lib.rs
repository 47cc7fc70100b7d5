//! One trust set for many machines: bundles of [mutual-trust](https://docs.rs/mutual-trust) over folders, HTTPS and etcd.
//!
//! Administrators sign a bundle. A [`Transport`] carries it as one blob of bytes. Each machine verifies the signatures and
//! takes the bundle over into its durable store.
//!
//! # Security
//! A transport proves nothing. It can withhold a publication, and then the health of the machine says that nothing came.
//! It cannot add to a trust set, take from it or bring back an old one: the library refuses that.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod agent;
mod digest;
mod error;
pub mod folder;
#[cfg(feature = "http")]
pub mod http;
pub mod limits;
#[cfg(feature = "http")]
pub mod lists;
mod report;
#[cfg(feature = "server")]
pub mod server;
mod setting;
mod transport;

pub use agent::{
    Agent, AgentClock, AgentError, AgentHandle, AgentHealth, AgentStatus, MonotonicClock, Step,
};
pub use error::TransportError;
/// The id of a fleet, and the parts of a trust set.
pub use mutual_trust::admin::bundle::{FleetId, Part};
pub use report::{NodeName, NodeReport, ReportError};
pub use setting::SettingError;
pub use transport::{Fetched, Publisher, Tag, Transport};
