//! What is installed: pins, authorities, intermediates, groups, blocks and revocation lists.
//!
//! An administrator changes a [`TrustStore`], one call at a time. Each call returns a [`Report`] of what it did, or
//! leaves the store unchanged. Verdicts read a [`TrustSnapshot`]: an immutable snapshot with a number, the *generation*, which
//! only grows. [`LiveTrust`] holds the snapshot in force.
//!
//! ```
//! use mutual_trust::{KeyPolicy, LiveTrust, TrustStore};
//!
//! let mut store = TrustStore::new(KeyPolicy::new(&[]));
//! let trust = LiveTrust::new(store.snapshot()); // configurations follow it
//!
//! let report = store.add_server("keys-1".parse()?, ["kms1.example".parse()?])?;
//! println!("{report}"); // what the change did, for the administrator
//! trust.publish(store.snapshot())?; // in force from the next handshake on
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An empty store trusts no peer.

mod asked;
mod blocks;
mod bounded;
#[cfg(feature = "admin")]
mod bulk;
mod bundle;
mod changes;
mod claims;
mod clock;
mod clock_state;
mod consequence;
mod crl_issuer;
mod crls;
mod crowded;
mod data;
#[cfg(feature = "admin")]
mod difference;
mod directory;
mod draft;
mod entry;
mod entry_key;
pub(crate) mod error;
mod error_text;
mod filter;
#[cfg(feature = "bundle")]
pub(crate) mod fleet;
mod group;
mod groups;
mod ids;
mod ids_error;
mod import;
mod index;
mod install;
mod learn;
mod live;
mod options;
mod order;
mod patterns;
mod patterns_error;
#[cfg(feature = "admin")]
mod planned;
mod pointer;
mod recall;
#[cfg(feature = "admin")]
mod replay;
mod report;
#[cfg(feature = "admin")]
mod restore;
mod revocation;
#[cfg(feature = "admin")]
mod rollback;
#[cfg(feature = "admin")]
mod rolled_back;
#[cfg(feature = "admin")]
mod salvage;
mod same_subject;
mod server;
mod servers;
mod signers;
mod snapshot;
mod table;
mod tail;
mod threads;
pub(crate) mod trace;
mod trust_source;
mod unlikely;
mod unusable_error;
mod verified;
mod view;
pub(crate) mod waiters;
mod warning;

use std::sync::Arc;

pub use blocks::BlockSelector;
#[cfg(feature = "admin")]
pub(crate) use bulk::Bulk;
pub use bundle::{Bundle, BundleItem, Decision, SuggestedSlot};
pub use clock_state::ClockState;
pub use crl_issuer::CrlIssuer;
pub(crate) use crls::CrlOrigin;
#[cfg(feature = "admin")]
pub(crate) use crls::HeldCrl;
pub use crls::{InstalledCrl, UnreadCrl};
#[cfg(feature = "admin")]
pub(crate) use difference::Sides;
pub use draft::Draft;
pub use entry::Entry;
pub use entry_key::{AuthorityScope, EntryKey, PinScope, Scope, Slot};
pub use group::Group;
pub use ids::{GroupId, ServerId};
pub(crate) use index::CertificateIndex;
pub use live::LiveTrust;
pub use options::{EntryOptions, PinMatch, ValidityRule};
pub use patterns::SanPattern;
#[cfg(feature = "admin")]
pub(crate) use restore::{HeldEntry, HeldServer};
#[cfg(feature = "admin")]
#[doc(hidden)]
pub use rolled_back::{Kept, RolledBack};
#[cfg(feature = "admin")]
pub(crate) use salvage::Narrower;
pub(crate) use same_subject::Wanted;
pub(crate) use signers::Signer;
pub(crate) use snapshot::Snapshot;

pub use bounded::Truncated;
pub use consequence::{Consequence, ConsequenceKind};
pub use report::{Outcome, Report};
pub use server::{Claim, Server, ServerRole};
pub use trust_source::{TrustSource, TrustSourceChange};
pub use view::TrustSnapshot;
pub use warning::StoreWarning;

use crate::certificate::{KeyPolicy, SystemClock, TimeSource};
use crate::store::error::StoreError;
#[cfg(feature = "admin")]
pub(crate) use asked::Asked;
#[cfg(not(feature = "admin"))]
use asked::Asked;
use data::Data;
use entry::More;

/// The certificates that an administrator installed, each with its slot and scope.
///
/// One store per tenant; stores share nothing. Do not share it between threads: publish [snapshots](Self::snapshot) of
/// it.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// use mutual_trust::store::Consequence;
/// use mutual_trust::{Certificate, EntryOptions, KeyPolicy, PinScope, ServerId, TrustStore, tls};
///
/// let provider = tls::provider::default_provider();
/// let mut store = TrustStore::new(KeyPolicy::new(provider.signature_verification_algorithms.all));
/// store.add_server("keys-1".parse()?, ["kms1.example".parse()?, "192.0.2.7".parse()?])?;
///
/// let certificate = Certificate::from_pem(include_bytes!("../../tests/fixtures/ee-p256.pem"))?;
/// let server: ServerId = "keys-1".parse()?;
/// let report = store.install_pin(PinScope::Server(server.clone()), certificate, EntryOptions::new())?;
/// assert!(report.consequences().contains(&Consequence::Claimed(server)));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TrustStore {
    data: TrustSnapshot,
    keys: KeyPolicy,
    clock: Arc<dyn TimeSource>,
    /// The actor of the changes.
    acting: Option<Arc<str>>,
    /// The followed source whose content is being installed.
    source: Option<Arc<str>>,
    /// The optional values of the last entry. The next entry shares them if its values are equal.
    last: Option<Arc<More>>,
    /// The calls since the store was stored last.
    asked: Asked,
}

impl TrustStore {
    /// An empty store, which trusts no peer, on the system's clock.
    ///
    /// `keys` says which public keys may be installed. The same limit applies to verdicts on snapshots of this store,
    /// even if the policy of a verdict allows more (rule I4).
    pub fn new(keys: KeyPolicy) -> Self {
        let mut data = TrustSnapshot::default();
        data.edit().keys = Some(keys);
        Self {
            data,
            keys,
            clock: Arc::new(SystemClock::new()),
            acting: None,
            source: None,
            last: None,
            asked: Asked::default(),
        }
    }

    /// Reads the time from `clock` instead of the system's clock: for install times, for warnings about
    /// expiry, and for the floor.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn TimeSource>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the actor of the changes from now on: an account, a controller, a ticket. It is recorded with the time in
    /// each entry that is installed or completed. One line of at most 128 bytes. `None` records no actor; this is the
    /// initial value.
    ///
    /// # Errors
    /// It is not one line of text within the bound.
    pub fn set_actor(&mut self, who: Option<&str>) -> Result<(), StoreError> {
        who.map_or(Ok(()), changes::check_line)?;
        self.acting = who.map(Arc::from);
        Ok(())
    }

    /// Makes a change with `who` as the actor. The previous actor is restored, also if `change` fails.
    ///
    /// # Errors
    /// `who` is not one line of text within the bound of [`set_actor`](Self::set_actor); or `change` failed.
    pub fn with_actor<T>(
        &mut self,
        who: &str,
        change: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        changes::check_line(who)?;
        let before = self.acting.replace(who.into());
        let done = change(self);
        self.acting = before;
        done
    }

    /// What is installed now, for reading. To publish it, take a [`snapshot`](Self::snapshot).
    pub fn contents(&self) -> &TrustSnapshot {
        &self.data
    }

    /// The key policy for imports. Verdicts apply it in addition to the key policy of [`Policy`](crate::Policy).
    pub fn key_policy(&self) -> &KeyPolicy {
        &self.keys
    }

    fn edit(&mut self) -> &mut Data {
        self.data.edit()
    }
}
