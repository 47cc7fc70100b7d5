//! Issuers in a path: what each must satisfy by itself, and in which order they are tried (rules C1 and C5).
//!
//! No signature is looked at here.

use core::cmp::Reverse;
use std::sync::Arc;

use super::decide::Case;
use super::timing::Fall;
use super::{Detail, ReasonCode};
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::MAX_PATHS_TRIED;
use crate::store::{Entry, Scope, Slot};

/// An issuer in a path by itself (rule C1). `below` is how many intermediates stand between it and the leaf,
/// self-issued ones not counted (RFC 5280 section 4.2.1.9).
pub(super) fn check(case: &Case<'_>, issuer: &Certificate, below: usize) -> Result<(), Fall> {
    if let Some(block) = case.view.data().blocks().find(issuer) {
        return Err((ReasonCode::Blocked, Detail::Block(block.clone())));
    }
    if let Err(refusal) = case.policy.keys.check(issuer) {
        return Err((ReasonCode::KeyNotAllowed, Detail::Key(refusal)));
    }
    let cannot = |why: &str| Err((ReasonCode::IssuerCannotSign, Detail::Text(why.into())));
    let constraints = issuer.basic_constraints().filter(|found| found.ca);
    let Some(constraints) = constraints.filter(|_| issuer.version() == 3) else {
        return cannot("it is not a CA (version, basicConstraints)");
    };
    if issuer
        .key_usage()
        .is_some_and(|usage| !usage.key_cert_sign())
    {
        return cannot("keyUsage lacks keyCertSign");
    }
    if let Some(limit) = constraints.path_len {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if below > limit {
            let found = below;
            return Err((ReasonCode::PathTooLong, Detail::Limit { found, limit }));
        }
    }
    if issuer
        .extended_key_usage()
        .is_some_and(|usage| !usage.allows(case.role()))
    {
        return cannot("its extended key usage is for another role");
    }
    if let Some(oid) = issuer.unknown_critical_in_ca() {
        return Err((ReasonCode::UnknownCriticalExtension, Detail::Oid(oid)));
    }
    case.timing
        .chain(issuer.validity())
        .map_err(|(reason, detail)| {
            if reason == ReasonCode::NotYetValid {
                (ReasonCode::IssuerNotYetValid, detail)
            } else {
                (ReasonCode::IssuerExpired, detail)
            }
        })
}

/// Candidates for one place in a path, in order, and how many more there were than can be tried.
pub(super) struct Candidates<T> {
    pub(super) listed: Vec<T>,
    pub(super) left_out: usize,
}

impl<T> Candidates<T> {
    /// Beyond what can be tried, more candidates only cost time. The order does not depend on how they were
    /// installed, and so neither does the choice.
    fn of(mut found: Vec<(Order, T)>) -> Self {
        found.sort_by_key(|(order, _)| *order);
        found.dedup_by_key(|(order, _)| order.3);
        let left_out = found.len().saturating_sub(MAX_PATHS_TRIED);
        found.truncate(MAX_PATHS_TRIED);
        Self {
            listed: found.into_iter().map(|(_, candidate)| candidate).collect(),
            left_out,
        }
    }
}

/// Authorities of `scope` with the name of the issuer of `below`.
pub(super) fn authorities_above(
    case: &Case<'_>,
    scope: &Scope,
    below: &Certificate,
) -> Candidates<(Arc<Entry>, Certificate)> {
    let data = case.view.data();
    let found = data.by_subject(Slot::Authority, scope.clone(), below.issuer_der());
    Candidates::of(
        found
            .map(|(entry, certificate)| {
                let candidate = (entry.clone(), certificate.clone());
                (order(case, below, certificate), candidate)
            })
            .collect(),
    )
}

/// Intermediates, installed ones and `presented` ones, with the name of the issuer of `below`.
pub(super) fn intermediates_above(
    case: &Case<'_>,
    presented: &[Certificate],
    below: &Certificate,
) -> Candidates<(Option<Arc<Entry>>, Certificate)> {
    let data = case.view.data();
    let installed = || data.by_subject(Slot::Intermediate, Scope::Everyone, below.issuer_der());
    let alive = |entry: &Entry| case.timing.entry(entry).is_ok();
    let from_store = |(entry, certificate): (&Arc<Entry>, &Certificate)| {
        (Some(entry.clone()), certificate.clone())
    };
    let presented = presented
        .iter()
        .filter(|certificate| certificate.subject_der() == below.issuer_der())
        .map(|certificate| (None, certificate.clone()));
    // Of one certificate the first is kept: a disabled entry must not stand before what the peer presents.
    let living = installed().filter(|(entry, _)| alive(entry));
    let dead = installed().filter(|(entry, _)| !alive(entry));
    Candidates::of(
        living
            .map(from_store)
            .chain(presented)
            .chain(dead.map(from_store))
            .map(|candidate| (order(case, below, &candidate.1), candidate))
            .collect(),
    )
}

type Order = (u8, bool, Reverse<i64>, Fingerprint);

/// The order in which issuers are tried: those with the key identifier that is asked for, then those without
/// one; those that are valid now; those that last longest; then by fingerprint.
fn order(case: &Case<'_>, below: &Certificate, issuer: &Certificate) -> Order {
    let identifier = match (below.authority_key_id(), issuer.subject_key_id()) {
        (Some(wanted), Some(own)) if wanted == own => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    };
    (
        identifier,
        case.timing.chain(issuer.validity()).is_err(),
        Reverse(issuer.validity().not_after()),
        issuer.fingerprint(),
    )
}
