//! The traits of other crates, each behind its feature.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "axum-server")]
mod axum_server;
#[cfg(feature = "axum")]
mod extensions;
#[cfg(feature = "tonic")]
pub(crate) mod tonic;
#[cfg(feature = "tower")]
pub(crate) mod tower;
#[cfg(feature = "axum-server")]
pub(crate) mod with_peer;
