//! What is demanded of peers.

use core::time::Duration;
use std::sync::Mutex;

use mutual_trust::error::SettingError;
use mutual_trust::store::ValidityRule;
use mutual_trust::{ChainProfile, Policy as Demands};

use crate::argument::{Out, Owned, Ref, Size, U32, U64};
use crate::entry::{ignore, status};
use crate::settings::keys;
use crate::status::{ARGUMENT, FAULT, Failed, OK, PROFILE_COMPATIBLE, PROFILE_STRICT};

/// A policy that is being made. The lock is for programs that share a handle by mistake.
#[derive(Debug)]
pub(crate) struct Policy(Mutex<Demands>);

/// The demands of a handle, or the usual ones.
pub(crate) fn or_default(policy: Option<&Policy>) -> Result<Demands, Failed> {
    match policy {
        Some(policy) => Ok(*policy.0.lock().map_err(|_| FAULT)?),
        None => Ok(Demands::new(keys())),
    }
}

impl Policy {
    fn change(
        &self,
        change: impl FnOnce(Demands) -> Result<Demands, SettingError>,
    ) -> Result<u32, Failed> {
        let mut policy = self.0.lock().map_err(|_| FAULT)?;
        *policy = change(*policy).map_err(|_| ARGUMENT)?;
        Ok(OK)
    }
}

entries! { "The policy";
    /// Makes a policy with the strict defaults: ends are enforced, unlisted names refused, no chains without a clock.
    /// Free it with mt_policy_free.
    /// Threads: any.
    fn mt_policy_new(policy: Out<Policy>) -> u32, else status {
        policy.give(Policy(Mutex::new(Demands::new(keys()))));
        Ok(OK)
    }

    /// Accepts pins that have no rule of their own for so many seconds after their end, at most 366 days, with a warning.
    /// Threads: any.
    fn mt_policy_set_grace(policy: Ref<Policy>, seconds: U64) -> u32, else status {
        let grace = ValidityRule::Grace(Duration::from_secs(seconds));
        policy.change(|policy| policy.with_validity(grace))
    }

    /// Gives names that belong to no server to the authorities of any server, with a warning.
    /// Threads: any.
    fn mt_policy_allow_unlisted(policy: Ref<Policy>) -> u32, else status {
        policy.change(|policy| Ok(policy.with_unlisted_allowed()))
    }

    /// Accepts clients by pin alone, whatever authorities are installed for them.
    /// Threads: any.
    fn mt_policy_clients_by_pin_only(policy: Ref<Policy>) -> u32, else status {
        policy.change(|policy| Ok(policy.with_clients_by_pin_only()))
    }

    /// Judges chains also while the clock is not set, by the newest time that the store has seen.
    /// Threads: any.
    fn mt_policy_allow_chains_without_clock(policy: Ref<Policy>) -> u32, else status {
        policy.change(|policy| Ok(policy.with_chains_without_clock()))
    }

    /// Refuses chains for whose issuers there is no revocation list.
    /// Threads: any.
    fn mt_policy_require_crl(policy: Ref<Policy>) -> u32, else status {
        policy.change(|policy| Ok(policy.with_crl_required()))
    }

    /// Uses revocation lists for so many seconds after their end, at most 366 days, with a warning.
    /// Threads: any.
    fn mt_policy_set_crl_grace(policy: Ref<Policy>, seconds: U64) -> u32, else status {
        policy.change(|policy| policy.with_crl_grace(Duration::from_secs(seconds)))
    }

    /// Sets the profile of chains: MT_PROFILE_COMPATIBLE (the default) or MT_PROFILE_STRICT.
    /// Threads: any.
    fn mt_policy_set_profile(policy: Ref<Policy>, profile: U32) -> u32, else status {
        let profile = match profile {
            PROFILE_COMPATIBLE => ChainProfile::Compatible,
            PROFILE_STRICT => ChainProfile::Strict,
            _ => return Err(ARGUMENT),
        };
        policy.change(|policy| Ok(policy.with_chain_profile(profile)))
    }

    /// Lowers the number of intermediates that a chain may have. It cannot be raised above the limit of the library.
    /// Threads: any.
    fn mt_policy_set_max_intermediates(policy: Ref<Policy>, count: Size) -> u32, else status {
        policy.change(|policy| policy.with_max_intermediates(count))
    }

    /// Remembers so many accepted chains in each judge, so that a peer that comes again costs no signature. 0, the default,
    /// remembers none. A change of trust forgets all of them.
    /// Threads: any.
    fn mt_policy_set_remembered_chains(policy: Ref<Policy>, count: Size) -> u32, else status {
        policy.change(|policy| policy.with_remembered_chains(count))
    }

    /// Frees a policy. Judges that were made with it keep theirs. NULL is nothing to do.
    /// Threads: any, when no other uses it.
    fn mt_policy_free(policy: Owned<Policy>) -> (), else ignore {
        drop(policy);
        Ok(())
    }
}
