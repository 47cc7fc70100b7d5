//! The one place that can say yes.
//!
//! An acceptance has private fields, and its constructors are visible in this module alone.

mod acceptance;
mod answered;
mod clock;
mod presented;

use std::sync::Arc;

pub(super) use acceptance::Acceptance;
pub(crate) use acceptance::Yes;
use answered::Answered;

use super::case::Case;
use super::detail::Rejection;
use super::judged::{Denial, Explained, Judged, append};
use super::path::{self, Chain, Searched};
use super::pinned::{self, Passed, PinOutcome};
use super::timing::Timing;
use super::work::Work;
use super::{
    Considered, Detail, ExpectedServer, Policy, ReasonCode, Verdict, VerdictWarning, VerifyRequest,
    explain, profile, revocation,
};
use crate::certificate::{HostName, Timestamp, seconds};
use crate::store::{
    CertificateIndex, Claim, Entry, GroupId, Scope, Server, Slot, Truncated, TrustSnapshot,
};

/// A yes, or all of a refusal.
pub(crate) type Answer = Result<Yes, Box<Verdict>>;

/// Decides whether a peer may be trusted, and by which installed certificate.
///
/// The verdict depends on the arguments alone and uses one view from start to end (rule S1).
///
/// # Security
/// This is half of an authentication. The other half is the handshake signature under the key of the
/// certificate (rule M2), which the adapters in [`tls`](crate::tls) verify.
pub fn decide(view: &TrustSnapshot, policy: &Policy, question: &VerifyRequest<'_>) -> Verdict {
    decide_until(view, policy, question).0
}

/// The same, with the moment, exclusive, up to which the verdict stays as it is if nothing but the time changes and
/// the time goes on.
pub(super) fn decide_until(
    view: &TrustSnapshot,
    policy: &Policy,
    question: &VerifyRequest<'_>,
) -> (Verdict, i64) {
    decide_at_cost(view, policy, question, &Work::default())
}

/// The same, with the units of work that it spent, of [`MAX_WORK`](crate::limits::MAX_WORK). For benchmarks.
#[doc(hidden)]
pub fn decide_with_work(
    view: &TrustSnapshot,
    policy: &Policy,
    question: &VerifyRequest<'_>,
) -> (Verdict, usize) {
    let work = Work::default();
    let (verdict, _) = decide_at_cost(view, policy, question, &work);
    (verdict, work.units())
}

/// The same, which counts what it spends.
pub(super) fn decide_at_cost(
    view: &TrustSnapshot,
    policy: &Policy,
    question: &VerifyRequest<'_>,
    work: &Work,
) -> (Verdict, i64) {
    judged(view, policy, question, work, |answered| answered.kept())
}

/// The same for an adapter: the verdict only if it is a refusal. A yes on a pin of a server or a client then writes
/// nothing that another thread reads or writes: neither what the view holds nor what was asked is counted for it.
pub(super) fn answer(
    view: &TrustSnapshot,
    policy: &Policy,
    question: &VerifyRequest<'_>,
) -> Answer {
    let work = Work::default();
    judged(view, policy, question, &work, |answered| answered.short()).0
}

/// Decides, and gives on what was decided.
fn judged<R>(
    view: &TrustSnapshot,
    policy: &Policy,
    question: &VerifyRequest<'_>,
    work: &Work,
    give: impl FnOnce(Answered<'_>) -> R,
) -> (R, i64) {
    let timing = Timing::of(view, question.clock);
    let presented = presented::read(view, question);
    let fingerprint = presented.fingerprint;
    let give = |judged: Judged<'_>, subject| {
        give(Answered {
            view,
            question,
            judged,
            fingerprint,
            subject,
        })
    };
    match presented.leaf {
        Ok((leaf, holder)) => {
            let case = Case {
                view,
                policy,
                question,
                timing,
                work,
                leaf: &leaf,
                holder,
            };
            let judged = clock::at_floor(&case, judge(&case));
            let subject = judged.outcome.is_err().then(|| leaf.subject());
            (give(judged, subject), case.timing.same_until())
        }
        // Nothing was compared with the time, but nothing is remembered of it either.
        Err(rejection) => {
            let mut judged = Judged::from(rejection);
            judged.warnings.extend(timing.warning());
            (give(judged, None), i64::MIN)
        }
    }
}

fn judge<'a>(case: &Case<'a>) -> Judged<'a> {
    // P1: a blocked leaf ends the verdict.
    if let Some(block) = case.view.data().blocks().find(case.leaf) {
        return (ReasonCode::Blocked, Detail::Block(block.clone())).into();
    }
    match case.question.target {
        Some(target) => judge_server(case, target),
        None => judge_client(case),
    }
}

fn judge_server<'a>(case: &Case<'a>, target: ExpectedServer<'_>) -> Judged<'a> {
    let server = match target {
        ExpectedServer::Id { id, .. } => match case.view.server(id) {
            Some(server) => server,
            None => return (ReasonCode::UnknownServer, Detail::None).into(),
        },
        ExpectedServer::Name(name) => match case.view.server_of(name) {
            Some(server) => server,
            None if case.policy.unlisted_allowed() => {
                let mut judged = by_authority(case, None, Some(name), None);
                // P6: the policy gives the name to the authorities of any server, with this warning.
                judged.warnings.insert(0, VerdictWarning::UnlistedName);
                return judged;
            }
            None => return (ReasonCode::UnlistedName, Detail::None).into(),
        },
    };
    if server.claim() == Claim::Unclaimed {
        return by_authority(case, Some(server), target.dialled(), None);
    }
    match claimed(case, server, target.dialled()) {
        ByClaim::Decided(judged) => judged,
        ByClaim::Migrating(migration) => {
            by_authority(case, Some(server), target.dialled(), Some(&migration))
        }
    }
}

/// What becomes of a claimed server.
enum ByClaim<'a> {
    Decided(Judged<'a>),
    /// No pin matches, and the server migrates: its authorities are asked (rule P3).
    Migrating(Migration),
}

/// A migration that has not ended, and the scope of the pins that the server held before it.
struct Migration {
    until: Timestamp,
    pins: Scope,
}

/// P2 and P3: a claimed server must present one of its pins, unless it migrates.
fn claimed<'a>(case: &Case<'a>, server: &'a Server, dialled: Option<&HostName>) -> ByClaim<'a> {
    let (group, pins) = pins_of(case.view, server);
    let scope = || match group {
        Some(group) => Scope::Group(group.clone()),
        None => Scope::Server(server.id().clone()),
    };
    let judged = match pinned::ask(case, pins) {
        PinOutcome::Passed(pin) => {
            let mut judged = accept_pin(case, pin);
            // M5: the scope vouches for the name; a mismatch is a note.
            if dialled.is_some_and(|name| !case.leaf.covers(name)) {
                judged.warnings.push(VerdictWarning::NameNotCovered);
            }
            judged
        }
        // P5: a match with a held pin is final.
        PinOutcome::Failed {
            entry,
            rejection,
            considered,
        } => refuse_pin(entry, rejection, considered),
        PinOutcome::NoMatch => match server.claim() {
            Claim::Migrating { until } if !case.timing.is_past(until) => {
                return ByClaim::Migrating(Migration {
                    until: Timestamp(seconds(until)),
                    pins: scope(),
                });
            }
            // P3: at the floor, a migration counts as ended that may still last. Then the clock is the reason.
            Claim::Migrating { .. } if !case.timing.is_known() => {
                let explained = explain::no_pin(case, &scope(), Some(server));
                if Timing::is_of_migration(explained.rejection.0) {
                    clock::instead_of(case, explained).into()
                } else {
                    explained.into()
                }
            }
            // P2: authorities are not consulted.
            Claim::Claimed | Claim::Migrating { .. } | Claim::Unclaimed => {
                explain::no_pin(case, &scope(), Some(server)).into()
            }
        },
    };
    ByClaim::Decided(judged)
}

/// P4: the server's own authorities if it holds any, else those of any server; for a name that belongs to no server, the
/// latter.
fn by_authority<'a>(
    case: &Case<'a>,
    server: Option<&Server>,
    dialled: Option<&HostName>,
    migration: Option<&Migration>,
) -> Judged<'a> {
    let own = server.map(|server| Scope::Server(server.id().clone()));
    let authorities = own
        .filter(|own| case.view.holds(Slot::Authority, own.clone()))
        .unwrap_or(Scope::AnyServer);
    let pins = migration.map(|migration| &migration.pins);
    if !case.view.holds(Slot::Authority, authorities.clone()) {
        return match pins {
            Some(pins) => explain::no_pin(case, pins, server).into(),
            None => explain::nothing_installed(case).into(),
        };
    }
    let Searched {
        outcome,
        considered,
    } = path::verify(case, &authorities);
    let chain = match outcome {
        Ok(chain) => chain,
        Err(rejection) => return no_chain(case, pins, rejection, considered),
    };
    // C2, after the path: of a chain that is none of ours, its names say nothing.
    if let Err(rejection) = path::check_names(case, server, dialled) {
        return Explained {
            rejection,
            considered,
        }
        .into();
    }
    let migrating = migration.map(|migration| VerdictWarning::Migrating {
        until: migration.until,
    });
    accept_chain(case, chain, considered, migrating)
}

/// P7: a pin for clients that matches decides; otherwise the authorities for clients, unless the policy says pins only.
fn judge_client<'a>(case: &Case<'a>) -> Judged<'a> {
    let scope = Scope::Clients;
    let pins = case.view.data().index(Slot::Pin, &scope);
    match pinned::ask(case, pins) {
        PinOutcome::Passed(pin) => return accept_pin(case, pin),
        PinOutcome::Failed {
            entry,
            rejection,
            considered,
        } => return refuse_pin(entry, rejection, considered),
        PinOutcome::NoMatch => {}
    }
    let authorities = case.view.holds(Slot::Authority, Scope::Clients);
    if !authorities || case.policy.clients_by_pin_only() {
        if authorities || pins.is_some() {
            return explain::no_pin(case, &scope, None).into();
        }
        return explain::nothing_installed(case).into();
    }
    let Searched {
        outcome,
        considered,
    } = path::verify(case, &Scope::Clients);
    match outcome {
        Ok(chain) => accept_chain(case, chain, considered, None),
        Err(rejection) => no_chain(case, Some(&scope), rejection, considered),
    }
}

/// P2: the server's own pins if it holds any, else those of its group, which is named then.
fn pins_of<'a>(
    view: &'a TrustSnapshot,
    server: &'a Server,
) -> (Option<&'a GroupId>, Option<&'a CertificateIndex>) {
    match (view.data().own_pins(server), server.group()) {
        (None, Some(group)) => {
            let scope = Scope::Group(group.clone());
            (Some(group), view.data().index(Slot::Pin, &scope))
        }
        (held, _) => (None, held),
    }
}

fn accept_pin<'a>(case: &Case<'a>, pin: Passed<'a>) -> Judged<'a> {
    Judged {
        outcome: Ok(Acceptance::by_pin(case.leaf, pin.entry, pin.reason)),
        considered: pin.considered,
        warnings: pin.warnings,
    }
}

fn refuse_pin<'a>(
    pin: &Arc<Entry>,
    rejection: Rejection,
    considered: Truncated<Considered>,
) -> Judged<'a> {
    Judged {
        outcome: Err(Denial {
            rejection,
            pin: Some(pin.clone()),
        }),
        considered,
        warnings: Vec::new(),
    }
}

fn accept_chain<'a>(
    case: &Case<'a>,
    chain: Chain,
    considered: Truncated<Considered>,
    migrating: Option<VerdictWarning>,
) -> Judged<'a> {
    let mut warnings: Vec<VerdictWarning> = migrating.into_iter().collect();
    warnings.extend(profile::warnings(case, &chain.path));
    warnings.extend(revocation::warnings(case, &chain.path));
    Judged {
        outcome: Ok(Acceptance::by_chain(case.leaf, chain.authority, chain.path)),
        considered,
        warnings,
    }
}

/// The refusal of the authorities, with what their search rejected before what explains it.
fn no_chain<'a>(
    case: &Case<'a>,
    pins: Option<&Scope>,
    rejection: Rejection,
    mut considered: Truncated<Considered>,
) -> Judged<'a> {
    let explained = explain::no_chain(case, pins, rejection);
    append(&mut considered, explained.considered);
    Explained {
        rejection: explained.rejection,
        considered,
    }
    .into()
}
