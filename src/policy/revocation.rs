//! Is a certificate revoked, and does a current list show that it is not? (rules C1, C4 and M8)
//!
//! A list can only take trust away. So a certificate is refused if any list of its issuer names it, also if that list
//! has expired, is not valid yet or covers other certificates: serial numbers are unique for an issuer. Only lists that
//! are current and cover the certificate show that it is *not* revoked.

use std::sync::Arc;

use super::case::Case;
use super::detail::Rejection;
use super::timing::Age;
use super::{ChainProfile, Detail, Policy, ReasonCode, VerdictWarning};
#[cfg(feature = "admin")]
use crate::certificate::CrlKinds;
use crate::certificate::{Certificate, Reasons, Revoked, Timestamp};
use crate::store::{InstalledCrl, Slot};

/// Judges a verified path, from the end entity to the authority, both included. The authority itself needs no current
/// list: the administrator trusts it, not its issuer.
pub(super) fn check_path(case: &Case<'_>, path: &[Certificate]) -> Result<(), Rejection> {
    if case.view.data().crls().is_empty() && !case.policy.crl_required() {
        return Ok(());
    }
    let pairs = || path.iter().zip(path.iter().skip(1));
    // A revoked certificate is a better reason than one whose status is unknown.
    for (certificate, issuer) in pairs() {
        let lists = case.view.data().crls();
        if !lists.may_have(issuer.subject_der(), certificate.serial()) {
            continue;
        }
        let lists = lists.of_issuer(issuer);
        for list in lists.unwrap_or(&[]) {
            case.work.list();
            if let Some(revoked) = list.crl().revoked(certificate.serial()) {
                return Err(rejection(certificate, list, revoked));
            }
        }
    }
    if let Some(authority) = path.last() {
        check_installed(case, authority, Slot::Authority)?;
    }
    pairs().try_for_each(|(certificate, issuer)| status(case, certificate, issuer).map(drop))
}

/// How many lists a path asks.
pub(super) fn count(case: &Case<'_>, path: &[Certificate]) -> usize {
    let crls = case.view.data().crls();
    if crls.is_empty() {
        return 0;
    }
    let issuers = path.iter().skip(1);
    let lists = issuers.filter_map(|issuer| crls.of_issuer(issuer));
    lists.map(<[_]>::len).fold(0, usize::saturating_add)
}

/// How many lists [`check_installed`] asks about a certificate.
pub(super) fn count_named(case: &Case<'_>, certificate: &Certificate) -> usize {
    let crls = case.view.data().crls();
    if crls.is_empty() || !crls.may_have(certificate.issuer_der(), certificate.serial()) {
        return 0;
    }
    crls.named(certificate.issuer_der()).count()
}

/// Refuses a listed certificate whose issuer is known by name alone: a pin (M8), or the authority in which a path ends
/// (C1).
pub(super) fn check_installed(
    case: &Case<'_>,
    certificate: &Certificate,
    slot: Slot,
) -> Result<(), Rejection> {
    let lists = case.view.data().crls();
    if !lists.may_have(certificate.issuer_der(), certificate.serial()) {
        return Ok(());
    }
    for list in lists.named(certificate.issuer_der()) {
        case.work.list();
        if let Some(revoked) = list.revokes(certificate, slot) {
            return Err(rejection(certificate, list, revoked));
        }
    }
    Ok(())
}

/// Warns of the lists that count only by their grace, for an accepted path from the end entity to the authority.
pub(super) fn warnings(case: &Case<'_>, path: &[Certificate]) -> Vec<VerdictWarning> {
    let mut warnings = Vec::new();
    for (certificate, issuer) in path.iter().zip(path.iter().skip(1)) {
        if let Ok(Some(next_update)) = status(case, certificate, issuer) {
            warnings.push(VerdictWarning::CrlInGrace {
                next_update: Timestamp(next_update),
            });
        }
    }
    warnings
}

/// Checks that a current list covers a certificate, if lists of its issuer are asked. Returns `nextUpdate` of the list if
/// only its grace makes it current.
fn status(
    case: &Case<'_>,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Option<i64>, Rejection> {
    let Some(lists) = asked(case, issuer)? else {
        return Ok(None);
    };
    let mut current = Reasons::NONE;
    let mut in_grace = Reasons::NONE;
    let mut expired = Reasons::NONE;
    let mut last_end: Option<i64> = None;
    let mut not_yet: Option<i64> = None;
    let mut elsewhere = 0_usize;
    for list in lists {
        case.work.list();
        let reasons = list.crl().covers(certificate);
        if reasons.is_none() {
            elsewhere = elsewhere.saturating_add(1);
            continue;
        }
        if !may_tell(case.policy, list) {
            continue;
        }
        let (known, end) = match case.timing.crl(list.crl(), case.policy.crl_grace()) {
            Age::NotYet => {
                let begin = list.crl().this_update().seconds();
                not_yet = Some(not_yet.map_or(begin, |first| first.min(begin)));
                continue;
            }
            Age::Current => (&mut current, None),
            Age::InGrace(end) => (&mut in_grace, Some(end)),
            Age::Expired(end) => (&mut expired, Some(end)),
        };
        *known = known.with(reasons);
        last_end = last_end.max(end);
    }
    if current.is_all() {
        return Ok(None);
    }
    let with_grace = current.with(in_grace);
    if with_grace.is_all() {
        return Ok(last_end);
    }
    let reason = if with_grace.with(expired).is_all() {
        ReasonCode::CrlExpired
    } else {
        ReasonCode::RevocationUnknown
    };
    Err((
        reason,
        Detail::NotCovered {
            certificate: certificate.fingerprint(),
            issuer: issuer.subject().into(),
            lists: lists.len(),
            last_end: last_end
                .filter(|_| reason == ReasonCode::CrlExpired)
                .map(Timestamp),
            not_yet: not_yet.map(Timestamp),
            elsewhere,
            judged_at: Timestamp(case.timing.moment()),
        },
    ))
}

/// The lists that are asked about what an issuer signed; `None` if it is not checked.
fn asked<'a>(
    case: &Case<'a>,
    issuer: &Certificate,
) -> Result<Option<&'a [Arc<InstalledCrl>]>, Rejection> {
    let crls = case.view.data().crls();
    let lists = match crls.of_issuer(issuer) {
        Some(lists) => lists,
        None if case.policy.crl_required() => &[],
        None => return Ok(None),
    };
    // RFC 5280 section 6.3.3 (f), for the certificate with which the issuer stands in this path.
    if issuer.key_usage().is_some_and(|usage| !usage.crl_sign()) {
        return Err((
            ReasonCode::RevocationUnknown,
            Detail::Text(format!(
                "{} may not sign revocation lists (keyUsage lacks cRLSign)",
                issuer.subject()
            )),
        ));
    }
    Ok(Some(lists))
}

/// Whether a current list may show that a certificate is not revoked. In the strict profile, a list that breaks RFC 5280
/// revokes and shows nothing else.
pub(crate) fn may_tell(policy: &Policy, list: &InstalledCrl) -> bool {
    let strict = policy.chain_profile() == ChainProfile::Strict;
    list.is_usable() && (!strict || list.crl().deviations().is_empty())
}

/// Whether anything that an issuer signed could count as not revoked now. For reports.
#[cfg(feature = "admin")]
pub(super) fn check_issuer(case: &Case<'_>, issuer: &Certificate) -> Result<(), Rejection> {
    let Some(lists) = asked(case, issuer)? else {
        return Ok(());
    };
    let mut reason = ReasonCode::RevocationUnknown;
    for list in lists
        .iter()
        .filter(|list| can_cover(case.policy, list, issuer))
    {
        match case.timing.crl(list.crl(), case.policy.crl_grace()) {
            Age::Current | Age::InGrace(_) => return Ok(()),
            Age::NotYet => {}
            Age::Expired(_) => reason = ReasonCode::CrlExpired,
        }
    }
    let why = format!(
        "no revocation list of {} that covers what it may issue is current",
        issuer.subject()
    );
    Err((reason, Detail::Text(why)))
}

/// Whether what an issuer signed may count as not revoked before and as unknown after: its current lists no longer cover
/// all of it, or one of their scopes is gone. For reports.
#[cfg(feature = "admin")]
pub(super) fn covers_less(before: &Case<'_>, after: &Case<'_>, issuer: &Certificate) -> bool {
    let Some(is) = current(after, issuer).filter(|lists| !cover_all(lists, issuer)) else {
        return false;
    };
    let is_kept = |old: &&InstalledCrl| is.iter().any(|new| new.crl().has_scope_of(old.crl()));
    current(before, issuer).is_none_or(|was| cover_all(&was, issuer) || !was.iter().all(is_kept))
}

/// The lists of an issuer that may show now that a certificate is not revoked; `None` if it is not checked.
#[cfg(feature = "admin")]
fn current<'a>(case: &Case<'a>, issuer: &Certificate) -> Option<Vec<&'a InstalledCrl>> {
    let lists = asked(case, issuer).ok()??.iter().map(|list| &**list);
    let lists = lists.filter(|list| can_cover(case.policy, list, issuer));
    let grace = case.policy.crl_grace();
    let is_current = |list: &&InstalledCrl| {
        let age = case.timing.crl(list.crl(), grace);
        matches!(age, Age::Current | Age::InGrace(_))
    };
    Some(lists.filter(is_current).collect())
}

/// Whether a list may show that some certificate of its issuer is not revoked. A list of CA certificates shows nothing if
/// the issuer may sign none.
#[cfg(feature = "admin")]
fn can_cover(policy: &Policy, list: &InstalledCrl, issuer: &Certificate) -> bool {
    may_tell(policy, list) && (list.crl().kinds() != CrlKinds::Authorities || signs_cas(issuer))
}

#[cfg(feature = "admin")]
fn signs_cas(issuer: &Certificate) -> bool {
    let constraints = issuer.basic_constraints();
    constraints.is_none_or(|constraints| constraints.path_len != Some(0))
}

/// Whether lists cover whatever their issuer signed, for all reasons.
#[cfg(feature = "admin")]
fn cover_all(lists: &[&InstalledCrl], issuer: &Certificate) -> bool {
    let reasons = |other: CrlKinds| {
        let lists = lists.iter().map(|list| list.crl());
        let lists = lists.filter(|list| list.kinds() != other);
        let reasons = lists.map(|list| list.covers_all_of(issuer));
        reasons.fold(Reasons::NONE, Reasons::with)
    };
    reasons(CrlKinds::Authorities).is_all()
        && (!signs_cas(issuer) || reasons(CrlKinds::EndEntities).is_all())
}

fn rejection(certificate: &Certificate, list: &InstalledCrl, revoked: Revoked) -> Rejection {
    (
        ReasonCode::Revoked,
        Detail::Revoked {
            certificate: certificate.fingerprint(),
            serial: certificate.serial().into(),
            date: revoked.date,
            why: revoked.reason,
            crl: list.crl().fingerprint(),
            number: list.crl().number().cloned(),
        },
    )
}
