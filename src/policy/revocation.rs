//! Is a certificate revoked, and does a current list tell that it is not? (rules C1, C4 and M8)
//!
//! A list can only take trust away. So a certificate that any list of its issuer names is refused, whether that
//! list has expired, is not valid yet or is about other certificates: serial numbers are unique for an issuer.
//! That a certificate is *not* revoked is told only by lists that are current and have it in their scope.

use std::sync::Arc;

use super::decide::Case;
use super::timing::{Age, Fall};
use super::{ChainProfile, Detail, Policy, ReasonCode, VerdictWarning};
use crate::certificate::{Certificate, Reasons, Revoked};
use crate::store::{InstalledCrl, Slot};

/// Judges a verified path, from the end entity to the authority, both included. The authority itself is not asked
/// for a current list: that it is trusted is the administrator's word, not its issuer's.
pub(super) fn check_path(case: &Case<'_>, path: &[Certificate]) -> Result<(), Fall> {
    if case.view.data().crls().is_empty() && !case.policy.require_crl {
        return Ok(());
    }
    let pairs = || path.iter().zip(path.iter().skip(1));
    // What is revoked is said before what is not known.
    for (certificate, issuer) in pairs() {
        let lists = case.view.data().crls();
        if !lists.may_have(issuer.subject_der(), certificate.serial()) {
            continue;
        }
        let lists = lists.of_issuer(issuer);
        for list in lists.unwrap_or(&[]) {
            case.work.list();
            if let Some(revoked) = list.crl().revoked(certificate.serial()) {
                return Err(fall(certificate, list, revoked));
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

/// How many lists are asked whether they name a certificate whose issuer is known by name alone.
pub(super) fn count_named(case: &Case<'_>, certificate: &Certificate) -> usize {
    let crls = case.view.data().crls();
    if crls.is_empty() || !crls.may_have(certificate.issuer_der(), certificate.serial()) {
        return 0;
    }
    crls.named(certificate.issuer_der()).count()
}

/// A certificate whose issuer is not at hand, and known by name alone: a pin (M8), or the authority in which a
/// path ends (C1).
pub(super) fn check_installed(
    case: &Case<'_>,
    certificate: &Certificate,
    slot: Slot,
) -> Result<(), Fall> {
    let lists = case.view.data().crls();
    if !lists.may_have(certificate.issuer_der(), certificate.serial()) {
        return Ok(());
    }
    for list in lists.named(certificate.issuer_der()) {
        case.work.list();
        if let Some(revoked) = list.revokes(certificate, slot) {
            return Err(fall(certificate, list, revoked));
        }
    }
    Ok(())
}

/// What an operator should know of the lists on which an accepted path rests, from the end entity to the
/// authority, both included.
pub(super) fn warnings(case: &Case<'_>, path: &[Certificate]) -> Vec<VerdictWarning> {
    let mut warnings = Vec::new();
    for (certificate, issuer) in path.iter().zip(path.iter().skip(1)) {
        if let Ok(Some(next_update)) = status(case, certificate, issuer) {
            warnings.push(VerdictWarning::CrlInGrace { next_update });
        }
    }
    warnings
}

/// Whether a certificate that no list names is known not to be revoked, as far as its issuer is checked: the end
/// of the list that lives on its grace, if it takes that.
fn status(
    case: &Case<'_>,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Option<i64>, Fall> {
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
        let (known, end) = match case.timing.crl(list.crl(), case.policy.crl_grace) {
            Age::NotYet => {
                let begin = list.crl().this_update();
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
            last_end: last_end.filter(|_| reason == ReasonCode::CrlExpired),
            not_yet,
            elsewhere,
            judged_at: case.timing.moment(),
        },
    ))
}

/// The lists that are asked about what an issuer signed; `None` if it is not checked.
fn asked<'a>(
    case: &Case<'a>,
    issuer: &Certificate,
) -> Result<Option<&'a [Arc<InstalledCrl>]>, Fall> {
    let crls = case.view.data().crls();
    let lists = match crls.of_issuer(issuer) {
        Some(lists) => lists,
        None if case.policy.require_crl => &[],
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

/// Whether a list may tell that a certificate is not revoked, at its time. What breaks RFC 5280 takes trust away all
/// the same, but gives none in the strict profile.
pub(crate) fn may_tell(policy: &Policy, list: &InstalledCrl) -> bool {
    let strict = policy.profile == ChainProfile::Strict;
    list.tells() && (!strict || list.crl().deviations().is_empty())
}

/// Whether anything that an issuer signed could count as not revoked now. For reports.
#[cfg(feature = "admin")]
pub(super) fn check_issuer(case: &Case<'_>, issuer: &Certificate) -> Result<(), Fall> {
    let Some(lists) = asked(case, issuer)? else {
        return Ok(());
    };
    let mut reason = ReasonCode::RevocationUnknown;
    for list in lists.iter().filter(|list| may_tell(case.policy, list)) {
        match case.timing.crl(list.crl(), case.policy.crl_grace) {
            Age::Current | Age::InGrace(_) => return Ok(()),
            Age::NotYet => {}
            Age::Expired(_) => reason = ReasonCode::CrlExpired,
        }
    }
    let why = format!("no revocation list of {} is current", issuer.subject());
    Err((reason, Detail::Text(why)))
}

fn fall(certificate: &Certificate, list: &InstalledCrl, revoked: Revoked) -> Fall {
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
