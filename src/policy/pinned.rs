//! Does what the peer presented match a held pin, and may that pin be used? (rules P5, M1, M3, M4, M6)

use std::sync::Arc;

use super::case::Case;
use super::detail::Rejection;
use super::judged::consider;
use super::timing::Timing;
use super::{Considered, Detail, ReasonCode, VerdictWarning, revocation};
use crate::certificate::sorted::sort_by;
use crate::certificate::{Certificate, SignatureCheck};
use crate::limits::MAX_CONSIDERED;
use crate::store::{
    CertificateIndex, Entry, EntryOptions, PinMatch, Slot, Truncated, TrustSnapshot,
};

/// What the pins of one scope say.
pub(super) enum PinOutcome<'a> {
    /// A pin matches and may be used. Making that an acceptance is up to the caller.
    Passed(Passed<'a>),
    /// Pins match, and none of them may be used. That is final (rule P5).
    Failed {
        /// The first of them, and why it may not be used.
        entry: &'a Arc<Entry>,
        rejection: Rejection,
        considered: Truncated<Considered>,
    },
    /// No held pin matches.
    NoMatch,
}

/// A pin that matches and may be used.
pub(super) struct Passed<'a> {
    pub(super) entry: &'a Arc<Entry>,
    pub(super) reason: ReasonCode,
    pub(super) warnings: Vec<VerdictWarning>,
    /// Pins that matched before it and may not be used.
    pub(super) considered: Truncated<Considered>,
}

/// Asks the pins of one scope, if it holds any.
pub(super) fn ask<'a>(case: &Case<'a>, pins: Option<&'a CertificateIndex>) -> PinOutcome<'a> {
    let Some(pins) = pins else {
        return PinOutcome::NoMatch;
    };
    // P5: a whole-certificate or fingerprint match decides before a key match, then the lower fingerprint.
    let whole = pins
        .get_held(case.leaf.fingerprint(), case.holder)
        .filter(|entry| entry.options().matching() == PinMatch::Certificate);
    let mut by_key = pins.by_public_key(case.leaf.subject_public_key_info());
    let (only, mut others) = (by_key.next(), Vec::new());
    others.extend(by_key);
    if !others.is_empty() {
        others.extend(only);
        sort_by(&mut others, |one, other| {
            one.fingerprint().cmp(&other.fingerprint())
        });
    }
    // One alone is almost always what there is, and takes no list.
    let only = only.filter(|_| others.is_empty());
    let by_key = only.into_iter().chain(others);
    let mut first_failed: Option<(&Arc<Entry>, Rejection)> = None;
    let mut considered: Truncated<Considered> = Truncated::default();
    let mut presented: Presented = None;
    for entry in whole.into_iter().chain(by_key) {
        match usable(case, entry, &mut presented) {
            Ok(warnings) => {
                let reason = match (entry.certificate(), entry.options().matching()) {
                    (None, _) => ReasonCode::FingerprintMatched,
                    (Some(_), PinMatch::Certificate) => ReasonCode::PinMatched,
                    (Some(_), PinMatch::PublicKey) => ReasonCode::KeyMatched,
                };
                return PinOutcome::Passed(Passed {
                    entry,
                    reason,
                    warnings,
                    considered,
                });
            }
            Err(rejection) => {
                if considered.items().len() < MAX_CONSIDERED {
                    let (reason, detail) = rejection.clone();
                    consider(&mut considered, Considered::entry(entry, reason, detail));
                } else {
                    considered.count(1);
                }
                first_failed.get_or_insert((entry, rejection));
            }
        }
    }
    match first_failed {
        Some((entry, rejection)) => PinOutcome::Failed {
            entry,
            rejection,
            considered,
        },
        None => PinOutcome::NoMatch,
    }
}

/// What holds of the presented certificate whichever pin it matches, once it was asked. A peer chooses how long its names are,
/// and many pins can have one key.
type Presented = Option<Result<(), Rejection>>;

/// Whether a pin that matches may be used. Allocates nothing unless there is something to say.
fn usable(
    case: &Case<'_>,
    entry: &Entry,
    presented: &mut Presented,
) -> Result<Vec<VerdictWarning>, Rejection> {
    let mut warnings = Vec::new();
    case.work.pin();
    alive(case.view, &case.timing, entry)?;
    if let Some(installed) = entry.certificate() {
        // Under public-key match the presented certificate is the key holder's own statement: it may cost
        // trust, never give it. So what was installed must stand by itself.
        if installed != case.leaf {
            certificate_usable(case, entry.options(), installed, &mut warnings)?;
        }
    }
    presented
        .get_or_insert_with(|| check_by_itself(case, case.leaf))
        .clone()?;
    check_for_entry(case, entry.options(), case.leaf, &mut warnings)?;
    if entry.certificate().is_none() {
        check_self_signature(case, &mut warnings)?;
    }
    Ok(warnings)
}

/// P1 for the installed certificate, and whether the entry accepts anything at all.
pub(super) fn alive(view: &TrustSnapshot, timing: &Timing, entry: &Entry) -> Result<(), Rejection> {
    let blocks = view.data().blocks();
    let block = match entry.certificate() {
        Some(installed) => blocks.find(installed),
        None => blocks.find_fingerprint(entry.fingerprint()),
    };
    if let Some(block) = block {
        return Err((ReasonCode::Blocked, Detail::Block(block.clone())));
    }
    timing.entry(entry)
}

/// M8, I4 (keys), M3, M4 and M6 for one certificate.
fn certificate_usable(
    case: &Case<'_>,
    options: &EntryOptions,
    certificate: &Certificate,
    warnings: &mut Vec<VerdictWarning>,
) -> Result<(), Rejection> {
    check_by_itself(case, certificate)?;
    check_for_entry(case, options, certificate, warnings)
}

/// M8 and I4 (keys): what depends on no entry.
fn check_by_itself(case: &Case<'_>, certificate: &Certificate) -> Result<(), Rejection> {
    revocation::check_installed(case, certificate, Slot::Pin)?;
    case.check_key(certificate)
}

/// M3, M4 and M6, by the options of an entry.
fn check_for_entry(
    case: &Case<'_>,
    options: &EntryOptions,
    certificate: &Certificate,
    warnings: &mut Vec<VerdictWarning>,
) -> Result<(), Rejection> {
    let rule = options.validity().unwrap_or(case.policy.validity());
    if case.timing.pin(certificate.validity(), rule)? {
        warnings.push(VerdictWarning::InGrace {
            not_after: certificate.validity().not_after(),
        });
    }
    if let Some(usage) = certificate.extended_key_usage()
        && !usage.allows(case.role())
    {
        if !options.is_any_role() {
            return Err((ReasonCode::WrongExtendedKeyUsage, Detail::None));
        }
        warnings.push(VerdictWarning::RoleWaived);
    }
    if let Some(oid) = certificate.unknown_critical_in_pin() {
        return Err((ReasonCode::UnknownCriticalExtension, Detail::Oid(oid)));
    }
    if certificate
        .key_usage()
        .is_some_and(|usage| !usage.digital_signature())
    {
        warnings.push(VerdictWarning::NoDigitalSignature);
    }
    Ok(())
}

/// The check that import makes of a certificate, for one of which only the fingerprint was installed (rules M1 and I4).
fn check_self_signature(
    case: &Case<'_>,
    warnings: &mut Vec<VerdictWarning>,
) -> Result<(), Rejection> {
    if case.leaf.names_own_key() != Some(true) {
        return Ok(());
    }
    let own_key = case.leaf.subject_public_key_info();
    match case.policy.key_policy().check_signature(own_key, case.leaf) {
        SignatureCheck::Verified => Ok(()),
        SignatureCheck::Wrong => Err((ReasonCode::WrongSelfSignature, Detail::None)),
        SignatureCheck::Unsupported => {
            warnings.push(VerdictWarning::SelfSignatureUnsupported);
            Ok(())
        }
    }
}

/// Why a pin that does not match would not have helped either; `None` if it could accept its own certificate.
pub(super) fn unusable(case: &Case<'_>, entry: &Entry) -> Option<Rejection> {
    case.work.pin();
    if let Err(rejection) = alive(case.view, &case.timing, entry) {
        return Some(rejection);
    }
    let installed = entry.certificate()?;
    certificate_usable(case, entry.options(), installed, &mut Vec::new()).err()
}

/// Whether what was presented would be accepted now if it were installed as a pin without any option. An administrator
/// may then be asked about it; nothing else follows.
#[cfg(feature = "enrol")]
pub(super) fn could_be_pinned(case: &Case<'_>) -> bool {
    let mut warnings = Vec::new();
    certificate_usable(case, &EntryOptions::new(), case.leaf, &mut warnings).is_ok()
        && check_self_signature(case, &mut warnings).is_ok()
}
