//! Which refusal it is. Nothing here can accept: it runs when the verdict is no already.

use super::decide::Case;
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, Verdict, pinned};
use crate::certificate::{Certificate, Role, SignatureCheck};
use crate::limits::MAX_CONSIDERED;
use crate::store::{Entry, Matching, Scope, Server, Slot};

/// Most pins looked at for their use when none matches. Beyond it, pins are only counted: key servers hold a
/// few, and the clients of a key server can be a million.
const MAX_EXAMINED: usize = 64;

/// Most signatures verified to tell that a pin's key made the presented certificate. A peer can make as many
/// pins as there are appear as its issuer only by their names, of which a few are the same at most.
const MAX_SIGNATURES: usize = 4;

/// Nothing is installed for the peer; perhaps it is for another one.
pub(super) fn nothing_installed(case: &Case<'_>) -> Fall {
    installed_elsewhere(case, None).unwrap_or((ReasonCode::NothingInstalled, Detail::None))
}

/// A pin had to be presented and was not.
pub(super) fn no_pin(
    case: &Case<'_>,
    scope: &Scope,
    server: Option<&Server>,
    verdict: &mut Verdict,
) -> Fall {
    let held = held_pins(case, scope);
    let mut usable = held.truncated;
    let mut near = None;
    let mut signatures = 0;
    for entry in &held.listed {
        let reason = mismatch(case, entry, &mut signatures);
        let (shown, detail) = match pinned::unusable(case, entry) {
            Some(fall) => fall,
            None => {
                usable = true;
                (reason, Detail::None)
            }
        };
        verdict.consider(Considered::entry(entry, shown, detail));
        if reason != ReasonCode::PinDoesNotMatch {
            near.get_or_insert((reason, Detail::Entry(entry.key().clone())));
        }
    }
    if let Some(near) = near {
        return near;
    }
    if let Some(fall) = installed_elsewhere(case, Some(scope)) {
        return fall;
    }
    if case.role() == Role::Client {
        let authorities = case.view.holds(Slot::Authority, Scope::Clients);
        let reason = if case.policy.pins_only && authorities {
            ReasonCode::PinsOnly
        } else {
            ReasonCode::PinDoesNotMatch
        };
        return (reason, Detail::None);
    }
    if !usable {
        return (ReasonCode::NoPinLeft, Detail::None);
    }
    if let Some(authority) = would_be_asked(case, server) {
        return (
            ReasonCode::AuthoritiesNotAsked,
            Detail::Entry(authority.key().clone()),
        );
    }
    (ReasonCode::PinDoesNotMatch, Detail::None)
}

struct Held<'a> {
    listed: Vec<&'a Entry>,
    truncated: bool,
}

/// The pins of a scope by ascending fingerprint, if they are few.
fn held_pins<'a>(case: &Case<'a>, scope: &Scope) -> Held<'a> {
    let mut held = Held {
        listed: Vec::new(),
        truncated: false,
    };
    if let Some(shelf) = case.view.data().shelf(Slot::Pin, scope.clone()) {
        if shelf.len() > MAX_EXAMINED {
            held.truncated = true;
            return held;
        }
        held.listed = shelf.iter().map(|entry| &**entry).collect();
        held.listed.sort_by_key(|entry| entry.key().fingerprint);
    }
    held
}

/// How what was presented differs from a pin. `signatures` counts the signatures verified so far.
fn mismatch(case: &Case<'_>, entry: &Entry, signatures: &mut usize) -> ReasonCode {
    let Some(installed) = entry.certificate() else {
        return ReasonCode::PinDoesNotMatch;
    };
    if installed.key_pin() == case.leaf.key_pin() {
        // Under public-key match the same key would have matched.
        return match entry.options().get_matching() {
            Matching::Certificate => ReasonCode::RenewedWithSameKey,
            Matching::PublicKey => ReasonCode::PinDoesNotMatch,
        };
    }
    if case.leaf.issuer_der() == installed.subject_der() && *signatures < MAX_SIGNATURES {
        *signatures = signatures.saturating_add(1);
        let key = installed.subject_public_key_info();
        if case.policy.keys.check_signature(key, case.leaf) == SignatureCheck::Verified {
            return ReasonCode::IssuedByPin;
        }
    }
    if case.leaf.subject_der() == installed.subject_der() && !empty_name(installed) {
        return ReasonCode::SameSubjectOtherKey;
    }
    ReasonCode::PinDoesNotMatch
}

/// Two certificates without a subject have no subject in common.
fn empty_name(certificate: &Certificate) -> bool {
    certificate.subject_der() == [0x30, 0x00]
}

/// Whether exactly this certificate is installed where it does not count for this peer.
fn installed_elsewhere(case: &Case<'_>, scope: Option<&Scope>) -> Option<Fall> {
    let mut elsewhere: Vec<&Entry> = case
        .view
        .data()
        .holders(case.leaf.key_pin())
        .iter()
        .map(|entry| &**entry)
        .filter(|entry| entry.key().fingerprint == case.leaf.fingerprint())
        .filter(|entry| Some(&entry.key().scope) != scope)
        .take(MAX_CONSIDERED)
        .collect();
    elsewhere.sort_by_key(|entry| entry.key());
    let reason_of = |entry: &Entry| {
        let same_role = entry
            .key()
            .scope
            .role()
            .is_none_or(|role| role == case.role());
        match (entry.key().slot, same_role) {
            (Slot::Authority | Slot::Intermediate, true) => ReasonCode::AuthorityPresentedAsPeer,
            (Slot::Pin, true) => ReasonCode::PinOfAnotherServer,
            (_, false) => ReasonCode::InstalledForOtherRole,
        }
    };
    let entry = elsewhere
        .iter()
        .min_by_key(|entry| (reason_of(entry), entry.key()))?;
    Some((reason_of(entry), Detail::Entry(entry.key().clone())))
}

/// The authority that would have been asked if the server were not claimed, and that issued the leaf or one
/// of the presented certificates, by its name.
fn would_be_asked<'a>(case: &Case<'a>, server: Option<&Server>) -> Option<&'a Entry> {
    let own = server.map(|server| Scope::Server(server.id().clone()));
    let scope = own
        .filter(|own| case.view.holds(Slot::Authority, own.clone()))
        .unwrap_or(Scope::AnyServer);
    let presented = case.question.intermediates.iter();
    let presented: Vec<Certificate> = presented
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    let data = case.view.data();
    let first_of = |slot, scope: &Scope, subject: &[u8]| {
        let shelf = data.by_subject(slot, scope.clone(), subject);
        let mut found: Vec<_> = shelf
            .map(|(entry, certificate)| (&**entry, certificate))
            .collect();
        found.sort_by_key(|(entry, _)| entry.key().fingerprint);
        found.into_iter().next().map(|(entry, certificate)| {
            let issuer = certificate.issuer_der().to_vec();
            (data.entry(entry.key()), issuer)
        })
    };
    let mut issuers: Vec<Vec<u8>> = vec![case.leaf.issuer_der().to_vec()];
    issuers.extend(presented.iter().map(|found| found.issuer_der().to_vec()));
    let through_installed: Vec<Vec<u8>> = issuers
        .iter()
        .filter_map(|issuer| first_of(Slot::Intermediate, &Scope::Everyone, issuer))
        .map(|(_, issuer)| issuer)
        .collect();
    issuers.extend(through_installed);
    issuers
        .iter()
        .find_map(|issuer| first_of(Slot::Authority, &scope, issuer)?.0)
        .map(|entry| &**entry)
}
