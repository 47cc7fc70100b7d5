//! Does what the peer presented match a held pin, and may that pin be used? (rules P5, M1, M3, M4, M6)

use std::sync::Arc;

use super::decide::Case;
use super::timing::{Fall, Timing};
use super::{Considered, Detail, ReasonCode, Verdict, VerdictWarning, revocation};
use crate::certificate::{Certificate, SignatureCheck};
use crate::store::{Entry, EntryOptions, Matching, Shelf, Slot, View};

pub(super) enum PinOutcome {
    /// A pin matches and may be used. Making that an acceptance is up to the caller.
    Passed {
        entry: Arc<Entry>,
        reason: ReasonCode,
    },
    /// Pins match, and none of them may be used: the first of them, and why. That is final (rule P5).
    Failed { entry: Arc<Entry>, fall: Fall },
    /// No held pin matches.
    NoMatch,
}

/// Asks the pins of one scope; `shelf` holds them, if there are any.
pub(super) fn ask(case: &Case<'_>, shelf: Option<&Shelf>, verdict: &mut Verdict) -> PinOutcome {
    let Some(shelf) = shelf else {
        return PinOutcome::NoMatch;
    };
    let whole = shelf
        .get_held(case.leaf.fingerprint(), case.holder)
        .filter(|entry| entry.options().matching() == Matching::Certificate);
    let mut by_key = shelf.by_public_key(case.leaf.subject_public_key_info());
    let (only, mut others) = (by_key.next(), Vec::new());
    others.extend(by_key);
    if !others.is_empty() {
        others.extend(only);
        others.sort_by_key(|entry| entry.fingerprint());
    }
    // One alone is almost always what there is, and takes no list.
    let only = only.filter(|_| others.is_empty());
    let by_key = only.into_iter().chain(others);
    let mut first_failed: Option<(Arc<Entry>, Fall)> = None;
    for entry in whole.into_iter().chain(by_key) {
        match usable(case, entry) {
            Ok(warnings) => {
                verdict.warnings.extend(warnings);
                let reason = match (entry.certificate(), entry.options().matching()) {
                    (None, _) => ReasonCode::FingerprintMatched,
                    (Some(_), Matching::Certificate) => ReasonCode::PinMatched,
                    (Some(_), Matching::PublicKey) => ReasonCode::KeyMatched,
                };
                let entry = entry.clone();
                return PinOutcome::Passed { entry, reason };
            }
            Err(fall) => {
                verdict.consider(Considered::entry(entry, fall.0, fall.1.clone()));
                first_failed.get_or_insert_with(|| (entry.clone(), fall));
            }
        }
    }
    match first_failed {
        Some((entry, fall)) => PinOutcome::Failed { entry, fall },
        None => PinOutcome::NoMatch,
    }
}

/// Whether a pin that matches may be used. Allocates nothing unless there is something to say.
fn usable(case: &Case<'_>, entry: &Entry) -> Result<Vec<VerdictWarning>, Fall> {
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
    certificate_usable(case, entry.options(), case.leaf, &mut warnings)?;
    if entry.certificate().is_none() {
        check_self_signature(case, &mut warnings)?;
    }
    Ok(warnings)
}

/// P1 for the installed certificate, and whether the entry accepts anything at all.
pub(super) fn alive(view: &View, timing: &Timing, entry: &Entry) -> Result<(), Fall> {
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
) -> Result<(), Fall> {
    revocation::check_installed(case, certificate, Slot::Pin)?;
    case.check_key(certificate)?;
    let rule = options.validity().unwrap_or(case.policy.validity);
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

/// What import would have judged of the certificate behind a fingerprint (rules M1 and I4).
fn check_self_signature(case: &Case<'_>, warnings: &mut Vec<VerdictWarning>) -> Result<(), Fall> {
    if case.leaf.names_own_key() != Some(true) {
        return Ok(());
    }
    let own_key = case.leaf.subject_public_key_info();
    match case.policy.keys.check_signature(own_key, case.leaf) {
        SignatureCheck::Verified => Ok(()),
        SignatureCheck::Wrong => Err((ReasonCode::WrongSelfSignature, Detail::None)),
        SignatureCheck::Unsupported => {
            warnings.push(VerdictWarning::SelfSignatureUnsupported);
            Ok(())
        }
    }
}

/// Why a pin that does not match would not have helped either; `None` if it could accept its own certificate.
pub(super) fn unusable(case: &Case<'_>, entry: &Entry) -> Option<Fall> {
    case.work.pin();
    if let Err(fall) = alive(case.view, &case.timing, entry) {
        return Some(fall);
    }
    let installed = entry.certificate()?;
    certificate_usable(case, entry.options(), installed, &mut Vec::new()).err()
}

/// Whether what was presented would be accepted now if it were installed as a pin without any option. It is not
/// installed, and nothing follows from this but that an administrator may be asked about it.
#[cfg(feature = "enrol")]
pub(super) fn could_be_pinned(case: &Case<'_>) -> bool {
    let mut warnings = Vec::new();
    certificate_usable(case, &EntryOptions::new(), case.leaf, &mut warnings).is_ok()
        && check_self_signature(case, &mut warnings).is_ok()
}
