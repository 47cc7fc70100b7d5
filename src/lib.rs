//! Mutual TLS between machines that know each other, by the certificates that an administrator installed and by nothing else.
//!
//! The crate is a trust store, a verdict that explains itself, and [rustls](https://docs.rs/rustls) configurations that enforce
//! it. It is made for storage systems and their key servers, and fits any mutual-TLS link between known machines.
//!
//! A client that trusts one server by its certificate, and says why if it refuses it:
//!
//! ```no_run
//! # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] mod example {
//! use mutual_trust::{tls, Certificate, ClientConfigBuilder, EntryOptions, Identity, PinScope, Policy, ServerId, TrustStore};
//! use std::{error::Error, fs::read, io::{Read, Write}, net::TcpStream};
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let provider = tls::provider::default_provider();
//!     let keys = tls::key_policy(&provider);
//!     let server: ServerId = "keys-1".parse()?; // an id of your choice
//!     let mut store = TrustStore::new(keys);
//!     store.add_server(server.clone(), ["localhost".parse()?])?;
//!     let theirs = Certificate::from_pem(&read("keys-1.pem")?)?; // the certificate that it must present
//!     store.install_pin(PinScope::Server(server.clone()), theirs, EntryOptions::new())?;
//!     let ours = Identity::from_files("array.pem", "array.key", &provider)?;
//!     let config = ClientConfigBuilder::new(provider, store.snapshot(), Policy::new(keys), ours).build_for(&server)?;
//!     let connection = rustls::ClientConnection::new(config.into(), "localhost".try_into()?)?; // plain rustls from here on
//!     let mut link = rustls::StreamOwned::new(connection, TcpStream::connect("localhost:5696")?);
//!     match link.write_all(b"hello\n").and_then(|()| link.read(&mut [0; 64])) {
//!         Ok(_) => println!("the link works"),
//!         Err(error) => println!("{}", tls::refusal(&error).map_or(error.to_string(), |verdict| verdict.to_string())),
//!     }
//!     Ok(())
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! # What you install
//!
//! - A **pin** ([`TrustStore::install_pin`]) is a certificate that the peer itself must present. The server is then *claimed*:
//!   no authority is consulted for it until [`TrustStore::release`].
//! - An **authority** ([`TrustStore::install_authority`]) is a CA certificate in which a presented chain may end.
//! - An **intermediate** ([`TrustStore::install_intermediate`]) completes chains that peers send incomplete.
//! - A **block** ([`TrustStore::block`]) wins over everything.
//! - A **revocation list** ([`TrustStore::install_crl`]) starts the check of its issuer.
//!
//! Each call returns a [`Report`](store::Report) with its consequences. Changes come into force when a snapshot is published
//! through [`LiveTrust`].
//!
//! # How a peer is judged
//!
//! [`decide`] is a pure function from a [`TrustSnapshot`], a [`Policy`] and a [`VerifyRequest`] to a [`Verdict`]: reason code,
//! rule, the entry that decided, what was considered, warnings, and what to do. [`Verdict::into_result`] makes it a
//! `Result` of [`Accepted`] and [`Refusal`]. In a handshake, the configurations call it.
//!
//! The numbered rules, for example "rule P2", are in `docs/RULES.md` of the package.
//!
//! # Where to start
//!
//! - Connect to a key server: [`ClientConfigBuilder::build_for`]. Accept clients: [`ServerConfigBuilder::build`]. Both return plain
//!   rustls configurations, for tokio-rustls, hyper and reqwest as well.
//! - Authorise a client: [`PeerCheck::client`] says who is at the other end.
//! - Change trust while connections are open: publish a snapshot with [`LiveTrust::publish`], then ask a [`PeerCheck`] about each
//!   connection. A task awaits [`LiveTrust::newer_than`].
//! - Read a refusal: [`tls::refusal`] finds the verdict in an error of rustls, or of a library above it.
#![cfg_attr(
    feature = "admin",
    doc = "- Keep the store on disk: [`DurableStore`]. Know before a change which peers it locks out: [`admin::plan`](admin::plan())."
)]
#![cfg_attr(
    feature = "enrol",
    doc = "- Let a new system ask to be accepted: [`Enrolment`]."
)]
//!
//! # Modules
//!
//! In the order in which a certificate passes through them:
//!
//! | Module | What it has |
//! |---|---|
//! | [`certificate`] | Bytes to a [`Certificate`] or a [`Crl`], with its names, keys and times |
//! | [`identity`] | Our own chain and private key, from files or made here |
//! | [`store`] | What is installed: pins, authorities, intermediates, blocks, lists; [`LiveTrust`] publishes it |
//! | [`policy`] | What is demanded, and [`decide`], the only function that accepts a peer |
//! | [`observe`] | What handshakes showed, in a queue that no handshake waits for |
//! | [`failover`] | Which of several servers to connect to next, and when |
#![cfg_attr(
    any(feature = "admin", feature = "enrol"),
    doc = "| [`admin`] | What no handshake needs: durable stores, plans, expiry, enrolment |"
)]
//! | [`tls`] | rustls: [`ClientConfigBuilder`], [`ServerConfigBuilder`], [`PeerCheck`] |
//! | [`error`] | The errors of all modules |
//!
//! # Security
//!
//! The verdict of [`decide`] is half of an authentication: without TLS around it, the peer has not proved that it has its key.
//! Sessions are never resumed. The threat model is in `SECURITY.md`.
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|:-:|---|
//! | `aws-lc-rs` | yes | A ready crypto provider, with ML-DSA and the hybrid key exchange |
//! | `ring` | | The same with ring |
//! | `admin` | yes | Durable stores, followed sources, plans, expiry, histories of peers |
//! | `texts` | yes | The sentences of verdicts; without it, codes and values |
//! | `enrol` | yes | Unknown peers wait until an administrator accepts them; probes of servers |
//! | `bundle` | | Signed trust sets for many machines |
//! | `issue` | | Makes keys, certificates and requests |
//! | `encrypted-keys` | | Reads private keys that are encrypted with a passphrase |
//! | `tracing` | | Events of verdicts, stored changes, publications and enrolment |
//! | `metrics` | | Counters of verdicts and handshakes; gauges of what ends and what is wrong (with `admin`) |
//!
//! A firmware that only connects turns the default features off and chooses a provider.
//!
//! # What is stable
//!
//! An item is API if a program acts on it, and then it is documented here. Hidden items, such as variants that only word a
//! message, can change in any version: match with `_`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that cannot go on has failed"
    )
)]

// The modules, in the order in which a certificate flows. Each names only those before it; `error` re-exports the
// errors of all, and `limits` belongs to all.
#[doc(hidden)]
pub mod limits;

pub mod certificate;

pub mod identity;

pub mod store;

pub mod policy;

pub mod observe;

pub mod failover;

#[cfg(any(feature = "admin", feature = "enrol"))]
pub mod admin;

pub mod tls;

pub mod error;

// The example of the README is compiled with those of the pages.
#[cfg(all(doctest, any(feature = "aws-lc-rs", feature = "ring")))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "admin")]
pub use admin::DurableStore;
#[cfg(feature = "enrol")]
pub use admin::Enrolment;
pub use certificate::{
    Certificate, Crl, CurrentTime, Fingerprint, HostName, KeyPin, KeyPolicy, Role,
};
pub use policy::{
    Accepted, ChainProfile, ExpectedServer, PeerIdentity, Policy, ReasonCode, Refusal, Rule,
    Verdict, VerdictWarning, VerifyRequest, decide,
};
pub use store::{
    AuthorityScope, EntryOptions, GroupId, LiveTrust, PinMatch, PinScope, ServerId, TrustSnapshot,
    TrustStore,
};
pub use tls::{
    ClientConfigBuilder, ClientConfigs, Identity, PeerCheck, ServerConfigBuilder, TlsVersion,
};
