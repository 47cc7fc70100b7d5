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

mod blocks;
mod bounded;
mod bundle;
mod changes;
mod claims;
mod clock;
mod crl_issuer;
mod crls;
mod data;
mod directory;
mod draft;
mod entry;
pub(crate) mod error;
mod error_text;
mod filter;
mod groups;
mod ids;
mod import;
mod install;
mod live;
mod namesakes;
mod options;
mod patterns;
#[cfg(feature = "admin")]
mod planned;
mod report;
#[cfg(feature = "admin")]
mod restore;
mod revocation;
mod servers;
mod shelf;
mod signers;
mod table;
pub(crate) mod trace;
mod view;
pub(crate) mod waiters;

use std::sync::Arc;

pub use blocks::BlockSelector;
pub use bundle::{Bundle, BundleItem, Decision, SuggestedSlot};
pub use clock::ClockState;
pub use crl_issuer::CrlIssuer;
pub(crate) use crls::CrlOrigin;
#[cfg(feature = "admin")]
pub(crate) use crls::HeldCrl;
pub use crls::{InstalledCrl, UnreadCrl};
pub use draft::Draft;
pub use entry::{AuthorityScope, Entry, EntryKey, PinScope, Scope, Slot};
pub use groups::Group;
pub use ids::{GroupId, ServerId};
pub use live::LiveTrust;
pub(crate) use namesakes::Wanted;
pub use options::{EntryOptions, PinMatch, ValidityRule};
pub use patterns::SanPattern;
#[cfg(feature = "admin")]
pub(crate) use restore::{HeldEntry, HeldServer};
pub(crate) use shelf::Shelf;
pub(crate) use signers::Signer;

pub use bounded::Truncated;
pub use report::{Outcome, Report, StoreWarning, TrustSource, TrustSourceChange};
pub use servers::{Claim, Server};
pub(crate) use view::Snapshot;
pub use view::TrustSnapshot;

use crate::certificate::{KeyPolicy, SystemClock, TimeSource};
use crate::store::error::StoreError;
use data::Data;
use entry::More;

/// The certificates that an administrator installed, and for whom.
///
/// One store per tenant; stores share nothing. It is not meant to be shared between threads: publish
/// [snapshots](Self::snapshot) of it.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// use mutual_trust::{Certificate, EntryOptions, KeyPolicy, PinScope, TrustStore, tls};
///
/// let provider = tls::provider::default_provider();
/// let mut store = TrustStore::new(KeyPolicy::new(provider.signature_verification_algorithms.all));
/// store.add_server("keys-1".parse()?, ["kms1.example".parse()?, "192.0.2.7".parse()?])?;
///
/// let certificate = Certificate::from_pem(include_bytes!("../../tests/fixtures/ee-p256.pem"))?;
/// let report = store.install_pin(PinScope::Server("keys-1".parse()?), certificate, EntryOptions::new())?;
/// assert_eq!(report.claims().len(), 1);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TrustStore {
    data: TrustSnapshot,
    keys: KeyPolicy,
    clock: Arc<dyn TimeSource>,
    /// On whose behalf it is changed.
    acting: Option<Arc<str>>,
    /// The followed source whose content is being installed.
    source: Option<Arc<str>>,
    /// What the last entry that was made shares with the next one, if that has the same.
    last: Option<Arc<More>>,
}

impl TrustStore {
    /// An empty store, which trusts no peer, on the system's clock.
    ///
    /// `keys` says which public keys may be installed at all, and which may decide anything by a view of this store,
    /// whatever the policy of the question takes (rule I4).
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
        }
    }

    /// Reads the time from `clock` instead of the system's clock: for install times, for warnings about
    /// expiry, and for the floor.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn TimeSource>) -> Self {
        self.clock = clock;
        self
    }

    /// Says on whose behalf the store is changed from now on: an account, a controller, a ticket. Each entry that
    /// is installed or completed then has it beside its time. One line of at most 128 bytes; `None` for nobody
    /// in particular, as at first.
    ///
    /// # Errors
    /// It is not one line of text within the bound.
    pub fn set_actor(&mut self, who: Option<&str>) -> Result<(), StoreError> {
        who.map_or(Ok(()), changes::check_line)?;
        self.acting = who.map(Arc::from);
        Ok(())
    }

    /// Changes the store on behalf of `who`, and then again of whom it was before, whatever comes of `change`.
    ///
    /// # Errors
    /// `who` is not one line of text within the bound of [`set_actor`](Self::set_actor); or `change` refused.
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

    /// The key policy that is asked at import and, beside that of the policy, by verdicts.
    pub fn key_policy(&self) -> &KeyPolicy {
        &self.keys
    }

    fn edit(&mut self) -> &mut Data {
        self.data.edit()
    }
}
