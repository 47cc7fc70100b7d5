//! What is demanded of peers.

use core::time::Duration;

use super::ChainProfile;
use crate::certificate::KeyPolicy;
use crate::certificate::error::SettingError;
use crate::limits::{MAX_GRACE, MAX_INTERMEDIATES_IN_PATH, MAX_REMEMBERED_CHAINS};
use crate::store::ValidityRule;

/// What is demanded of peers beyond what is installed. The defaults are the strict ones.
///
/// What is named `…_required`, `…_only` or `max_…` is a demand, which a further call may tighten and none lowers. Of the
/// other settings the last call holds.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    keys: KeyPolicy,
    validity: ValidityRule,
    unlisted: bool,
    pins_only: bool,
    chains_without_clock: bool,
    require_crl: bool,
    crl_grace: Duration,
    profile: ChainProfile,
    max_intermediates: usize,
    remembered: usize,
}

impl Policy {
    /// Expiry enforced, of revocation lists too; unlisted names refused; clients by pin or authority; no chains
    /// without a clock; revocation checked for the issuers of which a list was installed.
    ///
    /// `keys` judges every certificate on which a verdict rests, and so does the key policy of the store of the view: a
    /// key that one of them refuses is refused (rule I4). Usually both are the same, from
    /// [`tls::key_policy`](crate::tls::key_policy).
    pub const fn new(keys: KeyPolicy) -> Self {
        Self {
            keys,
            validity: ValidityRule::Enforce,
            unlisted: false,
            pins_only: false,
            chains_without_clock: false,
            require_crl: false,
            crl_grace: Duration::ZERO,
            profile: ChainProfile::Compatible,
            max_intermediates: MAX_INTERMEDIATES_IN_PATH,
            remembered: 0,
        }
    }

    /// Sets what happens after `notAfter` of pins that have no rule of their own (rule M3).
    ///
    /// # Errors
    /// The grace is longer than 366 days.
    pub fn with_validity(mut self, rule: ValidityRule) -> Result<Self, SettingError> {
        if let ValidityRule::Grace(grace) = rule {
            check_grace("seconds of grace after notAfter", grace)?;
        }
        self.validity = rule;
        Ok(self)
    }

    /// What happens after `notAfter` of pins that have no rule of their own.
    pub const fn validity(&self) -> ValidityRule {
        self.validity
    }

    /// Gives names that belong to no server to the authorities of any server, with a warning (rule P6).
    ///
    /// # Security
    /// A name that was left out of the list by mistake then rests on the CA alone.
    #[must_use]
    pub const fn with_unlisted_allowed(mut self) -> Self {
        self.unlisted = true;
        self
    }

    /// Whether names that belong to no server are given to the authorities of any server.
    pub const fn unlisted_allowed(&self) -> bool {
        self.unlisted
    }

    /// Accepts clients by pin only, whatever authorities are installed for them (rule P7).
    #[must_use]
    pub const fn with_clients_by_pin_only(mut self) -> Self {
        self.pins_only = true;
        self
    }

    /// Whether clients are accepted by pin only.
    pub const fn clients_by_pin_only(&self) -> bool {
        self.pins_only
    }

    /// Judges chains although the clock is unset: every end at the floor, no beginning (rule M7).
    ///
    /// # Security
    /// A chain that expired after the floor was set is then accepted. Pins are judged so in any case.
    #[must_use]
    pub const fn with_chains_without_clock(mut self) -> Self {
        self.chains_without_clock = true;
        self
    }

    /// Whether chains are judged although the clock is unset.
    pub const fn chains_without_clock(&self) -> bool {
        self.chains_without_clock
    }

    /// Demands a current revocation list for every certificate of a chain but the authority, of every issuer and not only
    /// of those that are checked (rule C4). Pins need none.
    #[must_use]
    pub const fn with_crl_required(mut self) -> Self {
        self.require_crl = true;
        self
    }

    /// Whether a current revocation list is demanded for every certificate of a chain.
    pub const fn crl_required(&self) -> bool {
        self.require_crl
    }

    /// Sets for how long after `nextUpdate` a revocation list still shows that a certificate is not revoked, with a
    /// warning (rule C4). Without a grace, chains of the issuer are refused from `nextUpdate` on.
    ///
    /// # Security
    /// Certificates that the CA revoked since are accepted for that long.
    ///
    /// # Errors
    /// The grace is longer than 366 days.
    pub fn with_crl_grace(mut self, grace: Duration) -> Result<Self, SettingError> {
        check_grace("seconds of grace after nextUpdate", grace)?;
        self.crl_grace = grace;
        Ok(self)
    }

    /// For how long after `nextUpdate` a revocation list still counts.
    pub const fn crl_grace(&self) -> Duration {
        self.crl_grace
    }

    /// Sets how closely the certificates of a chain are held to RFC 5280 (rule C1).
    #[must_use]
    pub const fn with_chain_profile(mut self, profile: ChainProfile) -> Self {
        self.profile = profile;
        self
    }

    /// How closely the certificates of a chain are held to RFC 5280.
    pub const fn chain_profile(&self) -> ChainProfile {
        self.profile
    }

    /// Sets the most intermediates in a chain, self-issued ones not counted (`max_path_length` of RFC 5280 section
    /// 6.1.1). A further call may demand fewer.
    ///
    /// # Errors
    /// The number is above six, or an earlier call demanded fewer.
    pub fn with_max_intermediates(mut self, count: usize) -> Result<Self, SettingError> {
        let setting = "intermediates in a chain";
        let [found, set, most] = [count, self.max_intermediates, MAX_INTERMEDIATES_IN_PATH]
            .map(|number| u64::try_from(number).unwrap_or(u64::MAX));
        SettingError::check(setting, found, 0, most)?;
        if found > set {
            return Err(SettingError::Lowered {
                setting,
                found,
                set,
            });
        }
        self.max_intermediates = count;
        Ok(self)
    }

    /// The most intermediates in a chain.
    pub const fn max_intermediates(&self) -> usize {
        self.max_intermediates
    }

    /// Remembers so many accepted chains, the most recently used ones, so that a peer that comes again is judged about as
    /// fast as one with a pin ([`ChainMemory`](super::ChainMemory)). None by default.
    ///
    /// # Security
    /// A remembered chain is no verdict of its own: it answers only the same question, on the same view, while
    /// everything that depends on the time is as it was. A new view forgets all of them, so that a block, a removal or a
    /// revocation list counts from the next handshake on, as without.
    ///
    /// # Errors
    /// The number is above 16,384.
    pub fn with_remembered_chains(mut self, chains: usize) -> Result<Self, SettingError> {
        let [found, most] =
            [chains, MAX_REMEMBERED_CHAINS].map(|number| u64::try_from(number).unwrap_or(u64::MAX));
        SettingError::check("remembered chains", found, 0, most)?;
        self.remembered = chains;
        Ok(self)
    }

    /// How many accepted chains are remembered.
    pub const fn remembered_chains(&self) -> usize {
        self.remembered
    }

    /// The key policy.
    pub const fn key_policy(&self) -> &KeyPolicy {
        &self.keys
    }
}

/// Judged to the nanosecond; told in seconds, those that have begun counted.
fn check_grace(setting: &'static str, grace: Duration) -> Result<(), SettingError> {
    let begun = u64::from(grace.subsec_nanos() > 0);
    let found = grace.as_secs().saturating_add(begun);
    SettingError::check(setting, found, 0, MAX_GRACE.as_secs())
}
