//! The one place that can say yes.
//!
//! [`Accepted`] has private fields and no constructor: only this file makes one.

use std::borrow::Cow;
use std::sync::Arc;

use super::pinned::{self, PinOutcome};
use super::text::names_of;
use super::timing::{Fall, Timing};
use super::work::Work;
use super::{
    Detail, PeerIdentity, Policy, Question, ReasonCode, Target, Verdict, VerdictWarning, explain,
    floor, path, profile, revocation,
};
use crate::certificate::{Certificate, Fingerprint, HostName, Role, SanName, seconds};
use crate::limits::{MAX_PRESENTED_BYTES, MAX_PRESENTED_CERTIFICATES};
use crate::store::{Bounded, Claim, Entry, GroupId, Scope, Server, ServerId, Shelf, Slot, View};

/// That a peer may be trusted. In TLS it counts only once the handshake signature has verified (rule M2).
///
/// It cannot be made outside the verdict:
///
/// ```compile_fail,E0451
/// # fn entry() -> std::sync::Arc<mutual_trust::store::Entry> { unimplemented!() }
/// let accepted = mutual_trust::policy::Accepted {
///     reason: mutual_trust::policy::ReasonCode::PinMatched,
///     presented: mutual_trust::Fingerprint::from_bytes([0; 32]),
///     by: entry(),
///     chain: None,
/// };
/// ```
#[derive(Clone, Debug)]
pub struct Accepted {
    reason: ReasonCode,
    presented: Fingerprint,
    by: Arc<Entry>,
    chain: Option<ChainFacts>,
}

#[derive(Clone, Debug)]
struct ChainFacts {
    path: Vec<Certificate>,
    names: Vec<String>,
}

impl Accepted {
    /// The reason code.
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// The pin that matched, or the authority in which the chain ends.
    pub fn by(&self) -> &Entry {
        &self.by
    }

    /// Who the peer is, for authorisation.
    pub fn peer(&self) -> PeerIdentity {
        match &self.chain {
            None => PeerIdentity::Pin {
                fingerprint: self.presented,
                label: self.by.options().label().map(str::to_owned),
            },
            Some(chain) => PeerIdentity::Chain {
                fingerprint: self.presented,
                names: chain.names.clone(),
            },
        }
    }

    /// The verified path from the end entity to the authority, both included; empty for a pin.
    pub fn path(&self) -> &[Certificate] {
        self.chain.as_ref().map_or(&[], |chain| &chain.path)
    }
}

/// What a verdict is made from: the arguments of [`decide`], and the certificate that the peer must have the
/// key of.
pub(super) struct Case<'a> {
    pub(super) view: &'a View,
    pub(super) policy: &'a Policy,
    pub(super) question: &'a Question<'a>,
    pub(super) timing: Timing,
    /// What this verdict has spent on what the peer presents.
    pub(super) work: &'a Work,
    pub(super) leaf: &'a Certificate,
    /// One of the entries that hold it, if there is one.
    pub(super) holder: Option<&'a Arc<Entry>>,
}

impl Case<'_> {
    pub(super) fn role(&self) -> Role {
        self.question.role()
    }

    /// I4: whether a verdict may rest on the key of a certificate, by what the policy demands and by what the store
    /// demands whose view is asked.
    pub(super) fn check_key(&self, certificate: &Certificate) -> Result<(), Fall> {
        let stores = self.view.data().keys.as_ref();
        let judged = self.policy.keys.check_with(stores, certificate);
        judged.map_err(|refusal| (ReasonCode::KeyNotAllowed, Detail::Key(refusal)))
    }
}

/// Decides whether a peer may be trusted, and by which installed certificate.
///
/// The verdict depends on the arguments alone and uses one view from start to end (rule S1).
///
/// # Security
/// This is half of an authentication. The other half is the handshake signature under the key of the
/// certificate (rule M2), which the adapters in [`tls`](crate::tls) verify.
pub fn decide(view: &View, policy: &Policy, question: &Question<'_>) -> Verdict {
    decide_until(view, policy, question).0
}

/// The same, with the moment, exclusive, up to which the verdict stays as it is if nothing but the time changes and
/// the time goes on.
pub(super) fn decide_until(
    view: &View,
    policy: &Policy,
    question: &Question<'_>,
) -> (Verdict, i64) {
    decide_at_cost(view, policy, question, &Work::default())
}

/// The same, which counts what it spends.
pub(super) fn decide_at_cost(
    view: &View,
    policy: &Policy,
    question: &Question<'_>,
    work: &Work,
) -> (Verdict, i64) {
    let mut verdict = Verdict {
        outcome: Err((ReasonCode::NothingInstalled, Detail::None)),
        role: question.role(),
        generation: view.generation(),
        server: question.target.and_then(|target| server_of(view, target)),
        dialled: question.target.and_then(|target| target.dialled().cloned()),
        presented: None,
        subject: None,
        decided: None,
        considered: Bounded::default(),
        warnings: Vec::new(),
        remedy: None,
    };
    let timing = Timing::of(view, question.clock);
    let (leaf, holder) = match read_presented(view, question, &mut verdict) {
        Ok(found) => found,
        Err(fall) => {
            verdict.outcome = Err(fall);
            verdict.warnings.extend(timing.warning());
            return (verdict, i64::MIN);
        }
    };
    let case = Case {
        view,
        policy,
        question,
        timing,
        work,
        leaf: &leaf,
        holder,
    };
    verdict.outcome = judge(&case, &mut verdict)
        .map_err(|fall| floor::instead_of_ends(&case, fall, &mut verdict));
    if let Err((reason, _)) = &verdict.outcome {
        verdict.warnings.extend(case.timing.jumped(*reason));
        verdict.subject = Some(leaf.subject());
    }
    verdict.warnings.extend(case.timing.warning());
    (verdict, case.timing.same_until())
}

/// The server that the peer must be, as far as it is known before anything is judged.
fn server_of(view: &View, target: Target<'_>) -> Option<ServerId> {
    match target {
        Target::Id { id, .. } => Some(id.clone()),
        Target::Name(name) => view.server_of(name).map(|server| server.id().clone()),
    }
}

/// An end entity, and one of the entries that hold it.
type Presented<'a> = (Cow<'a, Certificate>, Option<&'a Arc<Entry>>);

/// The end entity, from what is installed if it is, else parsed; within the limits.
fn read_presented<'a>(
    view: &'a View,
    question: &Question<'_>,
    verdict: &mut Verdict,
) -> Result<Presented<'a>, Fall> {
    let end_entity = question.end_entity.as_ref();
    let count = question.intermediates.len().saturating_add(1);
    let too_much = |found, limit| (ReasonCode::PresentedTooMuch, Detail::Limit { found, limit });
    if count > MAX_PRESENTED_CERTIFICATES {
        return Err(too_much(count, MAX_PRESENTED_CERTIFICATES));
    }
    let others = question.intermediates.iter().map(|der| der.len());
    let bytes = others.fold(end_entity.len(), usize::saturating_add);
    if bytes > MAX_PRESENTED_BYTES {
        return Err(too_much(bytes, MAX_PRESENTED_BYTES));
    }
    if let Some(holder) = view.data().holder(end_entity)
        && let Some(known) = holder.certificate()
    {
        verdict.presented = Some(known.fingerprint());
        return Ok((Cow::Borrowed(known), Some(holder)));
    }
    let fingerprint = Fingerprint::over(end_entity);
    verdict.presented = Some(fingerprint);
    let read = Certificate::read(end_entity, Some(fingerprint));
    read.map(|leaf| (Cow::Owned(leaf), None)).map_err(|error| {
        match view.data().blocks().find_unread(end_entity, fingerprint) {
            Some(block) => (ReasonCode::Blocked, Detail::Block(block.clone())),
            None => (
                ReasonCode::MalformedCertificate,
                Detail::Text(error.to_string()),
            ),
        }
    })
}

fn judge(case: &Case<'_>, verdict: &mut Verdict) -> Result<Accepted, Fall> {
    // P1: a blocked leaf ends the verdict.
    if let Some(block) = case.view.data().blocks().find(case.leaf) {
        return Err((ReasonCode::Blocked, Detail::Block(block.clone())));
    }
    match case.question.target {
        Some(target) => judge_server(case, target, verdict),
        None => judge_client(case, verdict),
    }
}

fn judge_server(
    case: &Case<'_>,
    target: Target<'_>,
    verdict: &mut Verdict,
) -> Result<Accepted, Fall> {
    let server = match target {
        Target::Id { id, .. } => {
            let found = case.view.server(id);
            Some(found.ok_or((ReasonCode::UnknownServer, Detail::None))?)
        }
        Target::Name(name) => match case.view.server_of(name) {
            Some(server) => Some(server),
            None if case.policy.unlisted => {
                verdict.warnings.push(VerdictWarning::UnlistedName);
                None
            }
            None => return Err((ReasonCode::UnlistedName, Detail::None)),
        },
    };
    let mut migrating = None;
    if let Some(server) = server.filter(|server| server.claim() != Claim::Unclaimed) {
        let (group, shelf) = pins_of(case.view, server);
        let scope = || match group {
            Some(group) => Scope::Group(group.clone()),
            None => Scope::Server(server.id().clone()),
        };
        match pinned::ask(case, shelf, verdict) {
            PinOutcome::Passed { entry, reason } => {
                note_name(case, target.dialled(), verdict);
                return Ok(accept_pin(case, entry, reason, verdict));
            }
            // P5: a match with a held pin is final.
            PinOutcome::Failed { entry, fall } => {
                verdict.decided = Some(entry);
                return Err(fall);
            }
            PinOutcome::NoMatch => match server.claim() {
                Claim::Migrating { until } if !case.timing.is_past(until) => {
                    migrating = Some((seconds(until), scope()));
                }
                // P3: at the floor, a migration may have ended that has not.
                Claim::Migrating { .. } if !case.timing.is_known() => {
                    let fall = explain::no_pin(case, &scope(), Some(server), verdict);
                    return Err(if Timing::is_of_migration(fall.0) {
                        floor::instead_of(case, fall, verdict)
                    } else {
                        fall
                    });
                }
                // P2: authorities are not consulted.
                Claim::Claimed | Claim::Migrating { .. } | Claim::Unclaimed => {
                    return Err(explain::no_pin(case, &scope(), Some(server), verdict));
                }
            },
        }
    }
    let own = server.map(|server| Scope::Server(server.id().clone()));
    let authorities = own
        .filter(|own| case.view.holds(Slot::Authority, own.clone()))
        .unwrap_or(Scope::AnyServer);
    if !case.view.holds(Slot::Authority, authorities.clone()) {
        return Err(match migrating {
            Some((_, pins)) => explain::no_pin(case, &pins, server, verdict),
            None => explain::nothing_installed(case),
        });
    }
    let chain = match path::verify(case, &authorities, &mut verdict.considered) {
        Ok(chain) => chain,
        Err(fall) => {
            let pins = migrating.as_ref().map(|(_, pins)| pins);
            return Err(explain::no_chain(case, pins, fall, verdict));
        }
    };
    path::check_names(case, server, target.dialled())?;
    if let Some((until, _)) = migrating {
        verdict.warnings.push(VerdictWarning::Migrating { until });
    }
    Ok(accept_chain(case, chain, verdict))
}

fn judge_client(case: &Case<'_>, verdict: &mut Verdict) -> Result<Accepted, Fall> {
    let pins = Scope::Clients;
    let shelf = case.view.data().shelf(Slot::Pin, &pins);
    match pinned::ask(case, shelf, verdict) {
        PinOutcome::Passed { entry, reason } => {
            return Ok(accept_pin(case, entry, reason, verdict));
        }
        PinOutcome::Failed { entry, fall } => {
            verdict.decided = Some(entry);
            return Err(fall);
        }
        PinOutcome::NoMatch => {}
    }
    let authorities = case.view.holds(Slot::Authority, Scope::Clients);
    if !authorities || case.policy.pins_only {
        if authorities || shelf.is_some() {
            return Err(explain::no_pin(case, &pins, None, verdict));
        }
        return Err(explain::nothing_installed(case));
    }
    let chain = path::verify(case, &Scope::Clients, &mut verdict.considered)
        .map_err(|fall| explain::no_chain(case, Some(&pins), fall, verdict))?;
    Ok(accept_chain(case, chain, verdict))
}

/// P2: the server's own pins if it holds any, else those of its group, which is named then.
fn pins_of<'a>(view: &'a View, server: &'a Server) -> (Option<&'a GroupId>, Option<&'a Shelf>) {
    match (view.data().own_pins(server), server.group()) {
        (None, Some(group)) => {
            let scope = Scope::Group(group.clone());
            (Some(group), view.data().shelf(Slot::Pin, &scope))
        }
        (held, _) => (None, held),
    }
}

/// M5: the scope vouches for the name; a mismatch is a note.
fn note_name(case: &Case<'_>, dialled: Option<&HostName>, verdict: &mut Verdict) {
    if dialled.is_some_and(|name| !case.leaf.covers(name)) {
        verdict.warnings.push(VerdictWarning::NameNotCovered);
    }
}

fn accept_pin(
    case: &Case<'_>,
    entry: Arc<Entry>,
    reason: ReasonCode,
    verdict: &mut Verdict,
) -> Accepted {
    verdict.decided = Some(entry.clone());
    Accepted {
        reason,
        presented: case.leaf.fingerprint(),
        by: entry,
        chain: None,
    }
}

fn accept_chain(case: &Case<'_>, chain: path::Chain, verdict: &mut Verdict) -> Accepted {
    let harmless = profile::warnings(case, &chain.path);
    verdict.warnings.extend(harmless);
    verdict.decided = Some(chain.authority.clone());
    let warnings = revocation::warnings(case, &chain.path);
    verdict.warnings.extend(warnings);
    let patterns = chain.authority.options().san_patterns();
    let offered = |name: &SanName<'_>| {
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
    };
    Accepted {
        reason: ReasonCode::ChainVerified,
        presented: case.leaf.fingerprint(),
        chain: Some(ChainFacts {
            names: names_of(case.leaf, offered).collect(),
            path: chain.path,
        }),
        by: chain.authority,
    }
}
