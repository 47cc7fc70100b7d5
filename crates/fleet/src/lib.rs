//! One trust set for many machines: bundles of [mutual-trust](https://docs.rs/mutual-trust) over folders, HTTPS and etcd.
//!
//! Administrators sign a bundle. A [`Transport`] carries it as one blob of bytes. Each machine verifies the signatures and
//! takes the bundle over into its durable store.
//!
//! - [`Agent`] runs a member of a fleet over any transport. It keeps the last good set on every fault, and its health and
//!   that of the store say what is wrong.
//! - [`Publisher`] is the other end: it compares and swaps, so that of two publishers one wins.
//! - [`folder`] is a shared disk or a mounted config map of Kubernetes.
//!
//! | Feature | What it adds |
//! |---|---|
//! | `http` | HTTPS: a server that is asked with ETags, over mutual TLS. Revocation lists by address |
//! | `server` | A hub that serves a folder to nodes over HTTPS, and takes their reports |
//! | `etcd` | etcd: a watch, with polling as its fallback |
//!
//! None is on by default, because each brings a client.
//!
//! # Security
//! A transport proves nothing. It can withhold a publication, and then the health of the machine says that nothing came.
//! It can also say again and again that nothing changed, and then the health says it when the set is past its end. It
//! cannot add to a trust set, take from it or bring back an old one: the library refuses that.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod agent;
mod digest;
mod error;
#[cfg(feature = "etcd")]
pub mod etcd;
pub mod folder;
#[cfg(feature = "http")]
pub mod http;
pub mod limits;
#[cfg(feature = "http")]
pub mod lists;
mod report;
mod reported;
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
pub use reported::{NodeReports, UnreadReport};
pub use setting::SettingError;
pub use transport::{Fetched, Publisher, Tag, Transport};

// The example of the README is compiled with those of the pages.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
