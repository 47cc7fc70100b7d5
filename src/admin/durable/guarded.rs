//! Changes of a durable store that lock out only named peers.

use super::disk::Wait;
use super::refusals::calls;
use super::{DurableStore, Undo};
use crate::admin::durable::error::GuardedError;
use crate::admin::plan::error::{PlanError, few};
use crate::admin::{Impact, LockoutAllowance, PeerHistory, Plan, plan};
use crate::certificate::CurrentTime;
use crate::policy::Policy;
use crate::store::TrustStore;
use crate::store::error::StoreError;

impl DurableStore {
    /// Tries a change without making it, as [`plan`] does. [`apply`](Self::apply) makes it.
    ///
    /// # Errors
    /// The change's own.
    pub fn plan<T>(
        &self,
        policy: &Policy,
        seen: &PeerHistory,
        clock: CurrentTime,
        change: impl FnOnce(&mut TrustStore) -> Result<T, StoreError>,
    ) -> Result<Plan<T>, StoreError> {
        plan(&self.store, policy, seen, clock, change)
    }

    /// Makes a planned change, as [`Plan::apply`] does: it is stored, and then in force. For a block that must be in
    /// force even if the disk fails, use [`block`](Self::block).
    ///
    /// # Errors
    /// The store has changed since the plan was made, here or by another process: plan again. A peer that `allowed` does not name would be locked out. The disk
    /// failed. The store and the snapshot in force are then unchanged.
    pub fn apply<T>(
        &mut self,
        plan: &Plan<T>,
        seen: &PeerHistory,
        clock: CurrentTime,
        allowed: &LockoutAllowance,
    ) -> Result<Impact, GuardedError> {
        let (_held, handle) = self
            .hold(Wait::Bounded)
            .map_err(|error| self.failed(error))?;
        let mut draft = self.store.fork();
        let effects = match plan.apply(&mut draft, seen, clock, allowed) {
            Ok(effects) => effects,
            Err(error) => {
                if let PlanError::Loses { lost } = &error {
                    // The journal is for people, who do not make the allowance.
                    let why = format!("the change would lock out {}", few(lost));
                    self.record_refusal(&handle, calls(plan.asked()), &why);
                }
                return Err(error.into());
            }
        };
        self.record_noted(&handle, &draft);
        if draft.contents().generation() != self.store.contents().generation() {
            self.persist(handle, &mut draft, Undo::Yes)?;
        }
        Ok(effects)
    }
}
