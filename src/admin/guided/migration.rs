//! Moving servers from a pin to CA-signed certificates (rule P3).

use core::fmt;
use std::sync::Arc;

use pki_types::UnixTime;

use super::{Facts, Subject, listed};
use crate::admin::plan::error::PlanError;
use crate::admin::plan::guard;
use crate::admin::scenarios::Scenarios;
use crate::admin::{Applied, LockoutAllowance, PeerHistory};
use crate::certificate::{CurrentTime, Timestamp, seconds};
use crate::policy::{Policy, Usable};
use crate::store::error::StoreError;
use crate::store::{
    Claim, Draft, GroupId, Report, Scope, ServerId, Slot, TrustSnapshot, TrustStore,
};

/// The progress of a move, and its next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan {
    subject: Subject,
    /// The servers that authorities accept with what they presented last.
    ready: Vec<ServerId>,
    step: MoveStep,
}

/// The next step.
///
/// Print it to show it. The variants are no interface: match with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoveStep {
    /// These servers have no usable authority: install the CA's certificate as an authority.
    #[non_exhaustive]
    #[doc(hidden)]
    InstallAuthority {
        /// The servers without one.
        servers: Vec<ServerId>,
    },
    /// These servers must present a pin: let them migrate, with an end.
    #[non_exhaustive]
    #[doc(hidden)]
    Migrate {
        /// The servers that do not migrate, or whose migration has ended.
        servers: Vec<ServerId>,
    },
    /// These servers do not present a certificate that authorities accept yet: give them their CA-signed certificates
    /// and connect.
    #[non_exhaustive]
    #[doc(hidden)]
    Observe {
        /// The servers to wait for.
        waiting: Vec<ServerId>,
        /// When the first migration ends.
        until: Option<UnixTime>,
    },
    /// The group holds a pin, so its member cannot be released: move the whole group, or remove the server from it.
    #[non_exhaustive]
    #[doc(hidden)]
    LeaveGroup {
        /// The group.
        group: GroupId,
    },
    /// All servers present a certificate that authorities accept: release them, so that only authorities decide.
    #[doc(hidden)]
    Release,
    /// No server is claimed any more: authorities decide.
    #[doc(hidden)]
    Done,
}

/// Finds the progress of a move of a server, or of a group's members, to CA-signed certificates.
///
/// The state is computed from the store and from the history since the start. A move goes on after a restart, but
/// servers must be seen again before they are released.
///
/// # Errors
/// There is no such server or group.
pub fn migration_plan(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    subject: impl Into<Subject>,
) -> Result<MigrationPlan, StoreError> {
    let subject = subject.into();
    let servers = subject.servers(view)?;
    let facts = Facts {
        view,
        policy,
        seen,
        clock,
    };
    let released = released(&facts, &subject);
    let is_ready = |id: &&ServerId| is_ready(&facts, &released, id);
    let ready: Vec<ServerId> = servers.iter().filter(is_ready).cloned().collect();
    let step = next_step(&facts, &subject, &servers, &ready);
    Ok(MigrationPlan {
        subject,
        ready,
        step,
    })
}

fn next_step(
    facts: &Facts<'_>,
    subject: &Subject,
    servers: &[ServerId],
    ready: &[ServerId],
) -> MoveStep {
    let those = |wanted: &dyn Fn(&ServerId) -> bool| -> Vec<ServerId> {
        servers.iter().filter(|id| wanted(id)).cloned().collect()
    };
    let without = those(&|id| !has_authority(facts, id));
    if !without.is_empty() {
        return MoveStep::InstallAuthority { servers: without };
    }
    let claims = servers.iter().filter_map(|id| facts.view.server(id));
    let claims: Vec<Claim> = claims.map(|server| server.claim()).collect();
    if claims.iter().all(|claim| *claim == Claim::Unclaimed) {
        return MoveStep::Done;
    }
    let waiting = those(&|id| !ready.contains(id));
    let usable = Usable {
        view: facts.view,
        policy: facts.policy,
        clock: facts.clock,
    };
    let must_pin = |id: &&ServerId| {
        let server = facts.view.server(id);
        server.is_some_and(|server| !usable.asks_authorities(server))
    };
    let must_pin: Vec<ServerId> = waiting.iter().filter(must_pin).cloned().collect();
    if !must_pin.is_empty() {
        return MoveStep::Migrate { servers: must_pin };
    }
    let until = claims.iter().filter_map(|claim| match claim {
        Claim::Migrating { until } => Some(*until),
        Claim::Unclaimed | Claim::Claimed => None,
    });
    if !waiting.is_empty() {
        let until = until.min();
        return MoveStep::Observe { waiting, until };
    }
    if let Subject::Server(id) = subject
        && let Some(group) = facts.view.server(id).and_then(|server| server.group())
        && facts.view.holds(Slot::Pin, Scope::Group(group.clone()))
    {
        let group = group.clone();
        return MoveStep::LeaveGroup { group };
    }
    MoveStep::Release
}

/// The snapshot after the release.
fn released(facts: &Facts<'_>, subject: &Subject) -> TrustSnapshot {
    let keys = *facts.policy.key_policy();
    let mut draft = Draft::from_snapshot(facts.view, keys, Arc::new(facts.clock));
    let store = draft.store();
    // If the release is refused, nothing changes, and no server is ready.
    let _done = match subject {
        Subject::Server(id) => {
            let _left = store.leave_group(id);
            store.release(id)
        }
        Subject::Group(id) => store.release_group(id),
    };
    draft.after().clone()
}

/// Whether a server is accepted with its last certificates, before and after a release.
fn is_ready(facts: &Facts<'_>, released: &TrustSnapshot, id: &ServerId) -> bool {
    let then = Facts {
        view: released,
        ..*facts
    };
    let accepts = |facts: &Facts<'_>| facts.last(id).is_some_and(|(_, it)| it.is_accepted());
    accepts(facts) && accepts(&then)
}

/// Whether the server would have a usable authority if it were not claimed.
fn has_authority(facts: &Facts<'_>, id: &ServerId) -> bool {
    let scenarios = Scenarios::new(facts.view, facts.policy, facts.clock);
    let server = facts.view.server(id);
    server.is_some_and(|server| !scenarios.authorities(server).usable.is_empty())
}

impl MigrationPlan {
    /// The server or group of the move.
    #[doc(hidden)]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Whether authorities accept a server with what it presented last, also after its release.
    #[doc(hidden)]
    pub fn is_ready(&self, server: &ServerId) -> bool {
        self.ready.contains(server)
    }

    /// The next step.
    pub fn step(&self) -> &MoveStep {
        &self.step
    }

    /// Makes the next step, if it is a change of the store: lets servers migrate until `until`, or releases them if no
    /// peer is lost. `None` if the administrator must act first: install an authority, wait, leave a group. Also `None`
    /// when the move is complete.
    ///
    /// # Errors
    /// The store refuses the step, or it would lock out a peer.
    pub fn advance(
        &self,
        store: &mut TrustStore,
        policy: &Policy,
        seen: &PeerHistory,
        clock: CurrentTime,
        until: UnixTime,
    ) -> Result<Option<Applied<Vec<Report>>>, PlanError> {
        let none = LockoutAllowance::none();
        let done = match &self.step {
            MoveStep::Migrate { servers } => guard(store, policy, seen, clock, &none, |store| {
                servers.iter().map(|id| store.migrate(id, until)).collect()
            })?,
            MoveStep::Release => guard(store, policy, seen, clock, &none, |store| {
                match &self.subject {
                    Subject::Server(id) => store.release(id),
                    Subject::Group(id) => store.release_group(id),
                }
                .map(|report| vec![report])
            })?,
            MoveStep::InstallAuthority { .. }
            | MoveStep::Observe { .. }
            | MoveStep::LeaveGroup { .. }
            | MoveStep::Done => return Ok(None),
        };
        Ok(Some(done))
    }
}

impl fmt::Display for MigrationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject)?;
        match &self.step {
            MoveStep::InstallAuthority { servers } => {
                listed(f, "install a usable authority for", servers)
            }
            MoveStep::Migrate { servers } => listed(f, "let migrate, with an end:", servers),
            MoveStep::Observe { waiting, until } => {
                listed(f, "waiting for a CA-signed certificate from", waiting)?;
                match until {
                    Some(until) => write!(f, ", until {}", Timestamp(seconds(*until))),
                    None => Ok(()),
                }
            }
            MoveStep::LeaveGroup { group } => write!(
                f,
                "group {group} holds a pin: move the whole group, or remove the server from it"
            ),
            MoveStep::Release => f.write_str("all present CA-signed certificates: release"),
            MoveStep::Done => f.write_str("done, authorities decide"),
        }
    }
}
