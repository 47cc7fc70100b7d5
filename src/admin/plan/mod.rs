//! Plans: the effect of a change on the present peers, before the change is made.

mod clients;
mod effects;
pub(crate) mod error;
mod floor;
mod forecast;
mod impact;
mod names;
mod overruling;
mod own;
mod severed;
mod side;
mod text;
mod unseen;

use core::fmt;
use std::collections::BTreeSet;

pub use forecast::{Forecast, PredictedOutage, forecast};
pub use impact::{Effect, Evidence, FloorMove, Impact, PeerOutcome};
pub use own::{OwnRenewal, own_renewal};

use super::{Peer, PeerHistory};
use crate::admin::plan::error::PlanError;
use crate::certificate::CurrentTime;
use crate::policy::Policy;
use crate::store::error::StoreError;
use crate::store::{
    Asked, BlockSelector, Draft, EntryKey, Report, Truncated, TrustSnapshot, TrustStore,
};
use effects::compare;
use side::Side;

/// A change that was tried on a copy of the store, with the peers that it gains and loses. Nothing changes until it is
/// [applied](Self::apply).
#[derive(Debug)]
#[must_use = "a plan changes nothing until it is applied"]
pub struct Plan<T> {
    draft: Draft,
    policy: Policy,
    outcome: T,
    effects: Impact,
}

/// The peers that a change may lock out, named one by one.
///
/// There is no value for "all peers": a guard that can be switched off is switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockoutAllowance(BTreeSet<Peer>);

impl LockoutAllowance {
    /// No peer may be locked out.
    pub fn none() -> Self {
        Self::default()
    }

    /// These peers may be locked out.
    pub fn allow<P: Into<Peer>>(peers: impl IntoIterator<Item = P>) -> Self {
        Self(peers.into_iter().map(Into::into).collect())
    }
}

/// Tries `change` on a copy of the store. For every peer of the history it computes the verdict before and after, at
/// the time of `clock`. A later time than now shows the effect at that time.
///
/// A peer that was never seen is judged by what is installed for it. A server is lost if no certificate that could accept
/// it is left, or if one of its names is gone, and at risk if one of the certificates is gone. A client is the pin that is
/// installed for it; the clients of an authority are one peer, [`Peer::Authority`]. The cost is two verdicts for each
/// peer of the history, and a look at each server and each entry for clients.
///
/// A publication moves the floor to the store's clock (rule M7). If the floor passes the end of something in use, each
/// peer that depends on it counts as lost ([`Evidence::Floor`]): if the clock is wrong, these peers are refused once it
/// is corrected.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// use mutual_trust::admin::{LockoutAllowance, PeerHistory, plan};
/// use mutual_trust::error::PlanError;
/// use mutual_trust::store::{EntryKey, Scope, Slot};
/// use mutual_trust::{Certificate, CurrentTime, EntryOptions, KeyPolicy, PinScope, Policy, ServerId, TrustStore, tls};
///
/// let keys = tls::key_policy(&tls::provider::default_provider());
/// let mut store = TrustStore::new(keys);
/// let id: ServerId = "keys-1".parse()?;
/// store.add_server(id.clone(), [])?;
/// let certificate = Certificate::from_pem(include_bytes!("../../../tests/fixtures/ee-p256.pem"))?;
/// let pin = EntryKey::new(Slot::Pin, Scope::Server(id.clone()), certificate.fingerprint());
/// store.install_pin(PinScope::Server(id.clone()), certificate, EntryOptions::new())?;
///
/// let (policy, seen, clock) = (Policy::new(keys), PeerHistory::new(), CurrentTime::Unset);
/// let plan = plan(&store, &policy, &seen, clock, |store| store.remove(&pin))?;
/// assert!(plan.effects().loses(&id.clone().into()));
/// let refused = plan.apply(&mut store, &seen, clock, &LockoutAllowance::none());
/// assert!(matches!(refused, Err(PlanError::Loses { .. })));
///
/// plan.apply(&mut store, &seen, clock, &LockoutAllowance::allow([id]))?;
/// assert!(store.contents().entry(&pin).is_none());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The change's own.
pub fn plan<T>(
    store: &TrustStore,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    change: impl FnOnce(&mut TrustStore) -> Result<T, StoreError>,
) -> Result<Plan<T>, StoreError> {
    let mut plan = Plan::make(store.draft(), policy, change)?;
    plan.effects = plan.effects_of_publication(seen, clock);
    Ok(plan)
}

/// [`plan`] and [`Plan::apply`] in one call.
///
/// # Errors
/// The change's own, or it would lock out a peer that `allowed` does not name. The store is then unchanged.
pub fn guard<T>(
    store: &mut TrustStore,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    allowed: &LockoutAllowance,
    change: impl FnOnce(&mut TrustStore) -> Result<T, StoreError>,
) -> Result<Applied<T>, PlanError> {
    let plan = plan(store, policy, seen, clock, change)?;
    let effects = plan.apply(store, seen, clock, allowed)?;
    Ok(Applied {
        outcome: plan.outcome,
        effects,
    })
}

/// Makes a block, and returns the peers that it locks out. A block is never refused: a compromised certificate must be
/// rejected now.
pub fn block(
    store: &mut TrustStore,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    selector: BlockSelector,
) -> Applied<Report> {
    let before = store.contents().clone();
    let outcome = store.block_selector(selector);
    let was = Side {
        view: &before,
        clock,
    };
    let is = Side {
        view: store.contents(),
        clock,
    };
    let effects = compare(was, is, policy, seen);
    Applied { outcome, effects }
}

/// A change that was made, and what it did.
#[derive(Clone, Debug)]
#[must_use = "it says which peers the change locked out"]
#[non_exhaustive]
pub struct Applied<T> {
    /// What the change returned.
    pub outcome: T,
    /// The peers that the change gained and locked out.
    pub effects: Impact,
}

/// The peers that are judged differently by two snapshots, of one store or of two, at one time. Nothing is changed.
///
/// What the second snapshot accepts and the first one does not is found by the same call with both exchanged.
#[doc(hidden)]
pub fn effects_between(
    before: &TrustSnapshot,
    after: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
) -> Impact {
    let side = |view| Side { view, clock };
    compare(side(before), side(after), policy, seen)
}

impl<T> Plan<T> {
    pub(super) fn make(
        mut draft: Draft,
        policy: &Policy,
        change: impl FnOnce(&mut TrustStore) -> Result<T, StoreError>,
    ) -> Result<Self, StoreError> {
        let outcome = change(draft.store())?;
        let plan = Self {
            draft,
            policy: *policy,
            outcome,
            effects: Impact::default(),
        };
        Ok(plan)
    }

    fn effects_at(&self, seen: &PeerHistory, clock: CurrentTime) -> Impact {
        let side = |view| Side { view, clock };
        let (before, after) = (side(self.draft.before()), side(self.draft.after()));
        compare(before, after, &self.policy, seen)
    }

    /// The same, with the effect of the publication on the floor.
    fn effects_of_publication(&self, seen: &PeerHistory, clock: CurrentTime) -> Impact {
        let mut effects = self.effects_at(seen, clock);
        floor::add_lost_by_clock(&mut effects, &self.draft, &self.policy, seen, clock);
        floor::add_lost(&mut effects, &self.draft, &self.policy, seen);
        effects
    }

    /// What the change returned: its reports.
    pub fn outcome(&self) -> &T {
        &self.outcome
    }

    /// The peers that the change would gain and lock out, as known when the plan was made.
    pub fn effects(&self) -> &Impact {
        &self.effects
    }

    /// The generation on which the plan was made.
    #[doc(hidden)]
    pub fn generation(&self) -> u64 {
        self.draft.before().generation()
    }

    /// The generation that the store would have if the plan were applied now. If the floor moves (rule M7), it is one more
    /// than that of [`contents`](Self::contents).
    #[doc(hidden)]
    pub fn next_generation(&self) -> u64 {
        self.draft.published_generation()
    }

    /// The store as it would be, for reading. Not to be published.
    #[doc(hidden)]
    pub fn contents(&self) -> &TrustSnapshot {
        self.draft.after()
    }

    /// What the change asked of the store.
    pub(in crate::admin) fn asked(&self) -> &Asked {
        self.draft.asked()
    }

    /// Makes the change if it locks out no peer but those that `allowed` names. The lockouts are computed again, at the
    /// time of `clock` and from the current history: a server may have renewed since the plan was made.
    ///
    /// Lockouts that a block causes need no allowance, and a plan of blocks alone is also applied to a store that has
    /// changed since: nothing delays a block.
    ///
    /// # Errors
    /// The store has changed since the plan was made, or is another store; or a peer would be locked out. The store is
    /// then unchanged.
    pub fn apply(
        &self,
        store: &mut TrustStore,
        seen: &PeerHistory,
        clock: CurrentTime,
        allowed: &LockoutAllowance,
    ) -> Result<Impact, PlanError> {
        if self.draft.only_blocks() {
            return Ok(self.block(store, seen, clock));
        }
        self.draft.check(store)?;
        let effects = self.effects_of_publication(seen, clock);
        let by_block = self.lost_by_block(seen, clock);
        let held: Vec<&Peer> = effects
            .all_lost
            .iter()
            .filter(|peer| !by_block.contains(*peer) && !allowed.0.contains(*peer))
            .collect();
        if !held.is_empty() {
            let mut lost = Truncated::default();
            held.into_iter().for_each(|peer| lost.push(peer.clone()));
            return Err(PlanError::Loses { lost });
        }
        store.commit(self.draft.copy())?;
        Ok(effects)
    }

    fn block(&self, store: &mut TrustStore, seen: &PeerHistory, clock: CurrentTime) -> Impact {
        let before = store.contents().clone();
        store.block_all(self.draft.new_blocks());
        let side = |view| Side { view, clock };
        compare(side(&before), side(store.contents()), &self.policy, seen)
    }

    fn lost_by_block(&self, seen: &PeerHistory, clock: CurrentTime) -> BTreeSet<Peer> {
        if self.draft.new_blocks().is_empty() {
            return BTreeSet::new();
        }
        let blocked = self.draft.with_blocks_alone();
        let side = |view| Side { view, clock };
        let effects = compare(
            side(self.draft.before()),
            side(&blocked),
            &self.policy,
            seen,
        );
        effects.all_lost
    }
}

impl<T: fmt::Display> fmt::Display for Plan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.outcome, self.effects)
    }
}

/// Whether an entry can be removed without a lockout.
#[derive(Clone, Debug)]
#[must_use = "it says whether the removal locks a peer out"]
pub struct Removal {
    effects: Impact,
}

impl Removal {
    /// Whether the removal locks out no peer of the history, and puts no other server at risk.
    pub fn is_safe(&self) -> bool {
        self.effects.all_lost.is_empty() && self.effects.at_risk().is_empty()
    }

    /// The peers that it locks out, and those at risk.
    pub fn effects(&self) -> &Impact {
        &self.effects
    }
}

/// Finds the peers that were last accepted with this entry and have no other.
///
/// # Errors
/// There is no such entry.
pub fn safe_to_remove(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    key: &EntryKey,
) -> Result<Removal, StoreError> {
    let draft = Draft::from_snapshot(view, *policy.key_policy(), std::sync::Arc::new(clock));
    // Only the removal is judged: nothing is published, so the floor does not move.
    let plan = Plan::make(draft, policy, |store| store.remove(key))?;
    Ok(Removal {
        effects: plan.effects_at(seen, clock),
    })
}
