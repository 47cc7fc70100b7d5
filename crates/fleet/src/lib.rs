//! One trust set for many machines: bundles of [mutual-trust](https://docs.rs/mutual-trust) over folders, HTTPS and etcd.
//!
//! Administrators sign a bundle. A [`Transport`] carries it as one blob of bytes. Each machine verifies the signatures and
//! takes the bundle over into its durable store.
//!
//! # Security
//! A transport proves nothing. It can withhold a publication, and then the health of the machine says that nothing came.
//! It cannot add to a trust set, take from it or bring back an old one: the library refuses that.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod digest;
mod error;
#[cfg(feature = "etcd")]
pub mod etcd;
mod fleet;
pub mod folder;
pub mod limits;
mod report;
mod transport;

pub use error::TransportError;
pub use fleet::{FleetId, Part, WordError};
pub use report::{NodeName, NodeReport, ReportError};
pub use transport::{Fetched, Publisher, Tag, Transport};
