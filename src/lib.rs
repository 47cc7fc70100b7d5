// The README's example needs a provider, so that it can be run as it stands.
#![cfg_attr(
    any(feature = "aws-lc-rs", feature = "ring"),
    doc = include_str!("../README.md")
)]
#![cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    doc = "Mutual TLS by the certificates that an administrator installed. See the README."
)]
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

// The rooms, in the order in which a certificate flows. A room names only rooms above it; errors and limits
// belong to all.
pub mod error;
pub mod limits;

pub mod certificate;

pub mod identity;

pub mod store;

pub mod policy;

pub mod observe;

#[cfg(any(feature = "admin", feature = "enrol"))]
pub mod admin;

pub mod tls;

#[cfg(feature = "admin")]
pub use admin::DurableStore;
#[cfg(feature = "enrol")]
pub use admin::Enrolment;
pub use certificate::{Certificate, Clock, Crl, Fingerprint, HostName, KeyPin, KeyPolicy, Role};
pub use policy::{
    ChainProfile, PeerIdentity, Policy, Question, ReasonCode, Rule, Target, Verdict,
    VerdictWarning, decide,
};
pub use store::{
    AuthorityScope, EntryOptions, GroupId, LiveTrust, Matching, PinScope, ServerId, TrustStore,
    View,
};
pub use tls::{ClientConfigBuilder, Identity, Links, PeerCheck, ServerConfigBuilder, TlsVersion};
