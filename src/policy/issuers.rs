//! Issuers in a path: what each must satisfy by itself, and in which order they are tried (rules C1 and C5).
//!
//! No signature is looked at here.

use super::case::Case;
use super::detail::Rejection;
use super::profile::{self, Place};
use super::{Detail, Policy, ReasonCode};
use crate::certificate::{Certificate, ExtendedKeyUsage};

/// How many intermediates stand below the next certificate of a path that begins with the end entity, self-issued
/// ones not counted (RFC 5280 section 4.2.1.9).
pub(super) fn counted(path: &[Certificate]) -> usize {
    let intermediates = path.iter().skip(1);
    intermediates
        .filter(|certificate| !certificate.is_self_issued())
        .count()
}

/// How many intermediates an issuer allows below it (rule C1); `below` counts them.
pub(super) fn check_path_len(issuer: &Certificate, below: usize) -> Result<(), Rejection> {
    let constraints = issuer.basic_constraints();
    match constraints.and_then(|constraints| constraints.path_len) {
        Some(limit) => at_most(below, usize::try_from(limit).unwrap_or(usize::MAX)),
        None => Ok(()),
    }
}

fn at_most(found: usize, limit: usize) -> Result<(), Rejection> {
    if found > limit {
        return Err((ReasonCode::PathTooLong, Detail::Limit { found, limit }));
    }
    Ok(())
}

/// Whether an intermediate may stand above `below` others, by what it says and by the policy.
pub(super) fn check_length(
    policy: &Policy,
    issuer: &Certificate,
    below: usize,
) -> Result<(), Rejection> {
    check_path_len(issuer, below)?;
    let own = usize::from(!issuer.is_self_issued());
    at_most(below.saturating_add(own), policy.max_intermediates())
}

/// Why an extended key usage that does not name the role of a peer is not enough for a chain. webpki does not read
/// anyExtendedKeyUsage in a path, and nothing is accepted that it refuses. "Applications that require the presence of a
/// particular purpose MAY reject certificates that include the anyExtendedKeyUsage OID but not the particular OID" (RFC
/// 5280 section 4.2.1.12).
pub(super) fn unnamed(usage: ExtendedKeyUsage) -> ReasonCode {
    if usage.any {
        ReasonCode::AnyExtendedKeyUsageAlone
    } else {
        ReasonCode::WrongExtendedKeyUsage
    }
}

/// An issuer in a path by itself (rule C1).
pub(super) fn check(case: &Case<'_>, issuer: &Certificate, place: Place) -> Result<(), Rejection> {
    if let Some(block) = case.view.data().blocks().find(issuer) {
        return Err((ReasonCode::Blocked, Detail::Block(block.clone())));
    }
    case.check_key(issuer)?;
    let cannot = |why: &str| Err((ReasonCode::IssuerCannotSign, Detail::Text(why.into())));
    if !issuer.is_ca() || issuer.version() != 3 {
        return cannot("it is not a CA (version, basicConstraints)");
    }
    if issuer
        .key_usage()
        .is_some_and(|usage| !usage.key_cert_sign())
    {
        return cannot("keyUsage lacks keyCertSign");
    }
    if let Some(usage) = issuer.extended_key_usage() {
        if !usage.allows(case.role()) {
            return cannot("its extended key usage is for another role");
        }
        // An authority is installed for its role; what the peer sends is not.
        if place == Place::Intermediate && !usage.names(case.role()) {
            return Err((unnamed(usage), Detail::None));
        }
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
        })?;
    profile::check(case, issuer, place)
}
