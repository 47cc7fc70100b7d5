//! Replacing the certificate that servers must present: install the next pin beside the current one, then remove the
//! old one.

use core::fmt;

use super::{Facts, Subject, listed};
use crate::admin::plan::error::PlanError;
use crate::admin::plan::guard;
use crate::admin::scenarios::{Unusable, pins_of};
use crate::admin::{Applied, LockoutAllowance, PeerHistory};
use crate::certificate::{CurrentTime, Fingerprint};
use crate::policy::{Policy, Usable};
use crate::store::error::StoreError;
use crate::store::{
    Entry, EntryKey, GroupId, Report, Scope, ServerId, Slot, TrustSnapshot, TrustStore,
};

/// The progress of a replacement, and its next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacementPlan {
    subject: Subject,
    next: EntryKey,
    step: ReplaceStep,
}

/// The next step.
///
/// Print it to show it. The variants are no interface: match with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplaceStep {
    /// The server has no pin of its own and must present its group's certificate: replace the pin of the group. A pin
    /// of its own would replace the group's pin for this server and not be an alternative.
    #[doc(hidden)]
    UseGroup(GroupId),
    /// The next certificate is not installed: install it as a pin, beside the present one.
    #[doc(hidden)]
    InstallNext,
    /// The next pin accepts nothing now: wait until it is valid, or correct it.
    #[doc(hidden)]
    FixNextPin(Unusable),
    /// These servers have not been accepted with the next certificate: install it on them and connect.
    #[non_exhaustive]
    #[doc(hidden)]
    Observe {
        /// The servers to wait for.
        waiting: Vec<ServerId>,
    },
    /// All servers present the next certificate: the other pins can be removed.
    #[non_exhaustive]
    #[doc(hidden)]
    RemoveOld {
        /// The other pins.
        old: Vec<EntryKey>,
    },
    /// The next certificate is the only pin, and all servers present it.
    #[doc(hidden)]
    Done,
}

/// Finds the progress of a replacement of a server's or a group's certificate by `next`.
///
/// The state is computed from the store and from the history since the start. A replacement goes on after a restart,
/// but servers must be seen again before an old pin is removed. Members with pins of their own do not present the
/// group's certificate and are not waited for.
///
/// # Errors
/// There is no such server or group.
pub fn replacement_plan(
    view: &TrustSnapshot,
    policy: &Policy,
    seen: &PeerHistory,
    clock: CurrentTime,
    subject: impl Into<Subject>,
    next: Fingerprint,
) -> Result<ReplacementPlan, StoreError> {
    let subject = subject.into();
    let mut servers = subject.servers(view)?;
    let scope = subject.scope();
    let next = EntryKey::new(Slot::Pin, scope.clone(), next);
    // A server without a pin of its own must present its group's certificate until the next pin is installed.
    servers.retain(|id| {
        let asked = view.server(id).map(|server| pins_of(view, server));
        matches!(subject, Subject::Server(_)) || asked.as_ref() == Some(&scope)
    });
    let facts = Facts {
        view,
        policy,
        seen,
        clock,
    };
    let step = match shared_with(view, &subject) {
        Some(group) => ReplaceStep::UseGroup(group),
        None => next_step(&facts, &servers, &next),
    };
    Ok(ReplacementPlan {
        subject,
        next,
        step,
    })
}

/// The group whose certificate a server must present, if it has no pin of its own.
fn shared_with(view: &TrustSnapshot, subject: &Subject) -> Option<GroupId> {
    let Subject::Server(id) = subject else {
        return None;
    };
    match pins_of(view, view.server(id)?) {
        Scope::Group(group) => {
            let holds = view.holds(Slot::Pin, Scope::Group(group.clone()));
            holds.then_some(group)
        }
        Scope::Server(_) | Scope::AnyServer | Scope::Clients | Scope::Everyone => None,
    }
}

fn next_step(facts: &Facts<'_>, servers: &[ServerId], next: &EntryKey) -> ReplaceStep {
    let Some(entry) = facts.view.entry(next) else {
        return ReplaceStep::InstallNext;
    };
    let usable = Usable {
        view: facts.view,
        policy: facts.policy,
        clock: facts.clock,
    };
    let why_not = servers.first().and_then(|id| usable.why_not(id, entry));
    if let Some((reason, detail)) = why_not {
        return ReplaceStep::FixNextPin(Unusable {
            entry: next.clone(),
            reason,
            detail,
        });
    }
    let waiting: Vec<ServerId> = servers
        .iter()
        .filter(|id| !presents(facts, id, next))
        .cloned()
        .collect();
    if !waiting.is_empty() {
        return ReplaceStep::Observe { waiting };
    }
    let index = facts.view.data().index(Slot::Pin, &next.scope);
    let pins = index.into_iter().flat_map(|index| index.iter());
    let mut old: Vec<EntryKey> = pins
        .map(|entry| entry.key())
        .filter(|key| key != next)
        .collect();
    old.sort();
    if old.is_empty() {
        ReplaceStep::Done
    } else {
        ReplaceStep::RemoveOld { old }
    }
}

/// Whether a server was last accepted with the next pin, and would be accepted again.
fn presents(facts: &Facts<'_>, id: &ServerId, next: &EntryKey) -> bool {
    facts.last(id).is_some_and(|(_, verdict)| {
        let by = verdict.decided_by().map(Entry::key);
        verdict.is_accepted() && by.as_ref() == Some(next)
    })
}

impl ReplacementPlan {
    /// The server or group of the replacement.
    #[doc(hidden)]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The entry of the next certificate, installed or not.
    #[doc(hidden)]
    pub fn next(&self) -> &EntryKey {
        &self.next
    }

    /// The next step.
    pub fn step(&self) -> &ReplaceStep {
        &self.step
    }

    /// Makes the next step, if it is a change of the store: removes the old pins, if no peer is lost. `None` if the
    /// administrator must act first.
    ///
    /// # Errors
    /// The store refuses the step, or it would lock out a peer.
    pub fn advance(
        &self,
        store: &mut TrustStore,
        policy: &Policy,
        seen: &PeerHistory,
        clock: CurrentTime,
    ) -> Result<Option<Applied<Vec<Report>>>, PlanError> {
        let ReplaceStep::RemoveOld { old } = &self.step else {
            return Ok(None);
        };
        let none = LockoutAllowance::none();
        let done = guard(store, policy, seen, clock, &none, |store| {
            store.remove_all(old).map(|report| vec![report])
        })?;
        Ok(Some(done))
    }
}

impl fmt::Display for ReplacementPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject)?;
        match &self.step {
            ReplaceStep::UseGroup(group) => {
                write!(
                    f,
                    "it must present the certificate of group {group}: replace the certificate of the group"
                )
            }
            ReplaceStep::InstallNext => {
                write!(f, "install {} as a pin", self.next.fingerprint)
            }
            ReplaceStep::FixNextPin(unusable) => {
                let reason = unusable.reason;
                write!(f, "the next pin accepts nothing now: {reason}")
            }
            ReplaceStep::Observe { waiting } => {
                listed(f, "waiting for the next certificate from", waiting)
            }
            ReplaceStep::RemoveOld { old } => {
                write!(
                    f,
                    "all present the next certificate: remove {} old",
                    old.len()
                )
            }
            ReplaceStep::Done => f.write_str("done, the next certificate is the only pin"),
        }
    }
}
