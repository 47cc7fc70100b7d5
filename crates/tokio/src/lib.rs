//! [mutual-trust](https://docs.rs/mutual-trust) in async services: TLS for tokio whose connections end when trust in
//! the peer ends.
//!
//! A TLS library judges a peer once, in the handshake. A connection that stays open in a pool outlives a block. The
//! streams here are judged again: after each publication of a [`LiveTrust`], and each minute for what time alone
//! changes. A block ends open and idle connections at once, and a change that does not concern the peer leaves them
//! alone.
//!
//! A service that tells each client its label:
//!
//! ```
//! use mutual_trust::ServerConfigBuilder;
//! use mutual_trust_tokio::{Acceptor, Listener};
//! use tokio::io::AsyncWriteExt;
//!
//! async fn serve(builder: &ServerConfigBuilder) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut listener = Listener::builder(Acceptor::new(builder)?)
//!         .with_failure_handler(|failure| eprintln!("{}", failure.details()))
//!         .bind("127.0.0.1:5696")
//!         .await?;
//!     loop {
//!         let (mut stream, _) = listener.accept().await;
//!         tokio::spawn(async move {
//!             let label = stream.peer().label().unwrap_or("unlabelled").to_owned();
//!             stream.write_all(label.as_bytes()).await?;
//!             stream.shutdown().await
//!         });
//!     }
//! }
//! ```
//!
//! - [`Connector`] connects to servers, [`Listener`] accepts clients, and [`Acceptor`] makes the handshake over any
//!   stream. All make a [`TlsStream`].
//! - [`Peer`] is the other end of a connection: who it is, and whether it is still trusted.
//!   [`Peer::no_longer_trusted`] ends what has no stream of ours, for example a QUIC connection.
//! - [`PerGeneration`] is for libraries that take a configuration and no connector.
//! - [`mutual_trust::tls::refusal`] finds the verdict in the errors of all of them, and in those of the libraries above.
//!
//! [`LiveTrust::newer_than`] is a future that needs no runtime and no thread. A task that waits for it does not hold
//! the end of the process.
//!
//! # Adapters
//!
//! | Feature | What it adds |
//! |---|---|
#![cfg_attr(
    feature = "tower",
    doc = "| `tower` | [`HttpsConnector`]: a connector for hyper-util, tonic, etcd-client and kube |"
)]
#![cfg_attr(
    not(feature = "tower"),
    doc = "| `tower` | `HttpsConnector`: a connector for hyper-util, tonic, etcd-client and kube |"
)]
//! | `axum` | [`Listener`] is a listener for `axum::serve`, and [`Peer`] is its connection information and an extractor |
//! | `axum-server` | [`Acceptor`] is an acceptor for `axum-server` |
#![cfg_attr(
    feature = "tonic",
    doc = "| `tonic` | [`Listener::incoming`] is the stream of connections that a tonic server takes; [`Peer::of_request`] |"
)]
#![cfg_attr(
    not(feature = "tonic"),
    doc = "| `tonic` | `Listener::incoming` is the stream of connections that a tonic server takes; `Peer::of_request` |"
)]
#![cfg_attr(
    feature = "actix",
    doc = "| `actix` | [`actix`]: a hook, a middleware, and [`Peer`] as an extractor for actix-web |"
)]
#![cfg_attr(
    not(feature = "actix"),
    doc = "| `actix` | `actix`: a hook, a middleware, and [`Peer`] as an extractor for actix-web |"
)]
//! | `enrol` | [`Acceptor`] lets unknown clients wait until an administrator accepts them |
//!
//! None is on by default, because each brings a framework. actix-web makes its connections itself: of a block on its open
//! connections, the page of the feature says what ends and what goes on.
//!
//! # Cost
//! A publication asks once about each open connection: 10,000 pinned peers took 20 ms of one processor. A connection that
//! waits for data takes 0.9 KiB more than one of tokio-rustls.
//!
//! # Security
//! What is handed out here was judged by the view in force at that moment. An answer that a handler already computes
//! when a block is published is not sent: the write fails. What the handler did is done.
//!
//! [`LiveTrust`]: mutual_trust::LiveTrust
//! [`LiveTrust::newer_than`]: mutual_trust::LiveTrust::newer_than
#![cfg_attr(docsrs, feature(doc_cfg))]

mod acceptor;
mod adapters;
mod alpn;
mod connector;
mod dial;
mod drain;
mod failure;
mod guard;
mod handler;
pub mod limits;
mod listener;
mod peer;
mod per_generation;
mod setting;
mod stream;

pub use acceptor::Acceptor;
#[cfg(feature = "actix")]
pub use adapters::actix;
#[cfg(feature = "tonic")]
pub use adapters::tonic::Incoming;
#[cfg(feature = "tower")]
pub use adapters::tower::HttpsConnector;
#[cfg(feature = "axum-server")]
pub use adapters::with_peer::WithPeer;
pub use connector::Connector;
pub use failure::Failure;
pub use listener::{Listener, ListenerBuilder};
pub use peer::Peer;
pub use per_generation::PerGeneration;
pub use setting::SettingError;
pub use stream::TlsStream;

// The example of the README is compiled with those of the pages.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
mod readme {}
