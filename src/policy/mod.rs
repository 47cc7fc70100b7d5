//! Demands, and the verdict: may this peer be trusted, and by which installed certificate?
//!
//! [`decide`] is a pure function of a [`View`](crate::store::View), a [`Policy`] and a [`Question`]. It has no
//! clock, lock, file or socket, and it is the only place that can say yes.

mod constraints;
mod decide;
mod explain;
mod issuers;
mod nodes;
mod path;
mod pinned;
mod presented;
mod profile;
mod question;
mod reason;
mod search;
mod signatures;
mod text;
mod timing;
mod verdict;
mod work;

use core::time::Duration;

pub use decide::{Accepted, decide};
pub use profile::{ChainProfile, ProfileAction, ProfileRule};
pub use question::{Question, Target};
pub use reason::{ReasonCode, Rule};
pub use verdict::{Considered, Detail, PeerIdentity, Verdict, VerdictWarning};

use crate::certificate::KeyPolicy;
use crate::limits::{MAX_GRACE, MAX_INTERMEDIATES_IN_PATH};
use crate::store::ValidityRule;

/// What is demanded of peers beyond what is installed. The defaults are the strict ones.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    keys: KeyPolicy,
    validity: ValidityRule,
    unlisted: bool,
    pins_only: bool,
    chains_without_clock: bool,
    profile: ChainProfile,
    max_intermediates: usize,
}

impl Policy {
    /// Expiry enforced, unlisted names refused, clients by pin or authority, no chains without a clock.
    ///
    /// `keys` is asked of every certificate on which a verdict rests (rule I4).
    pub const fn new(keys: KeyPolicy) -> Self {
        Self {
            keys,
            validity: ValidityRule::Enforce,
            unlisted: false,
            pins_only: false,
            chains_without_clock: false,
            profile: ChainProfile::Compatible,
            max_intermediates: MAX_INTERMEDIATES_IN_PATH,
        }
    }

    /// What happens after `notAfter` of pins that have no rule of their own (rule M3). A grace beyond one
    /// year is cut to that.
    #[must_use]
    pub fn validity(mut self, rule: ValidityRule) -> Self {
        self.validity = match rule {
            ValidityRule::Enforce => ValidityRule::Enforce,
            ValidityRule::Grace(grace) => ValidityRule::Grace(Duration::min(grace, MAX_GRACE)),
        };
        self
    }

    /// Gives names that belong to no server to the authorities of any server, with a warning (rule P6).
    ///
    /// # Security
    /// A name that somebody forgot to list then rests on the CA alone.
    #[must_use]
    pub const fn allow_unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }

    /// Accepts clients by pin only, whatever authorities are installed for them (rule P7).
    #[must_use]
    pub const fn clients_by_pin_only(mut self) -> Self {
        self.pins_only = true;
        self
    }

    /// Judges chains although the clock is unset: every end at the floor, no beginning (rule M7).
    ///
    /// # Security
    /// A chain that expired after the floor was set is then accepted. Pins are judged so in any case.
    #[must_use]
    pub const fn allow_chains_without_clock(mut self) -> Self {
        self.chains_without_clock = true;
        self
    }

    /// How closely the certificates of a chain are held to RFC 5280 (rule C1).
    #[must_use]
    pub const fn chain_profile(mut self, profile: ChainProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Most intermediates in a chain, self-issued ones not counted (`max_path_length` of RFC 5280 section 6.1.1). A
    /// number above six changes nothing.
    #[must_use]
    pub const fn max_intermediates(mut self, count: usize) -> Self {
        if count < MAX_INTERMEDIATES_IN_PATH {
            self.max_intermediates = count;
        }
        self
    }

    /// The key policy.
    pub const fn key_policy(&self) -> &KeyPolicy {
        &self.keys
    }
}
