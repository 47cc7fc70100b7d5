//! Finds the most helpful reason for a refusal. Nothing here can accept: its results are refusals by their type.

use std::sync::Arc;

use super::case::Case;
use super::detail::Rejection;
use super::judged::{Explained, consider};
use super::{Considered, Detail, ReasonCode, path, pinned, revocation};
use crate::certificate::{Certificate, Role, SignatureCheck};
use crate::limits::{MAX_CONSIDERED, MAX_HOLDERS_EXAMINED, MAX_LISTS_ASKED, WORK_OF_SIGNATURE};
use crate::store::{Entry, PinMatch, Scope, Server, Slot, Truncated};

/// Most signatures verified to tell that a pin's key made the presented certificate. Pins of one subject, which
/// alone are asked, are a current and a next one; a peer must not make us verify for a hundred.
const MAX_SIGNATURES: usize = 4;

/// The work that is left for the chain of three certificates that a server may present which moves to a CA.
const WORK_OF_CHAIN: usize = 3 * WORK_OF_SIGNATURE;

/// Most bytes of names compared, those of different lengths not counted: 0.1 ms.
const MAX_COMPARED_BYTES: usize = 1024 * 1024;

/// Nothing is installed for the peer; perhaps it is for another one.
pub(super) fn nothing_installed(case: &Case<'_>) -> Rejection {
    installed_elsewhere(case, None).unwrap_or((ReasonCode::NothingInstalled, Detail::None))
}

/// A pin had to be presented and was not.
pub(super) fn no_pin(case: &Case<'_>, scope: &Scope, server: Option<&Server>) -> Explained {
    let survey = survey(case, scope);
    Explained {
        rejection: why_no_pin(case, scope, server, survey.near, survey.usable),
        considered: survey.considered,
    }
}

fn why_no_pin(
    case: &Case<'_>,
    scope: &Scope,
    server: Option<&Server>,
    near: Option<Rejection>,
    any_usable: bool,
) -> Rejection {
    let same_subject = match near {
        Some(near) if near.0 != ReasonCode::SameSubjectOtherKey => return near,
        near => near,
    };
    if let Some(rejection) = installed_elsewhere(case, Some(scope)) {
        return rejection;
    }
    if case.role() == Role::Client {
        let authorities = case.view.holds(Slot::Authority, Scope::Clients);
        if !(case.policy.clients_by_pin_only() && authorities) {
            return same_subject.unwrap_or((ReasonCode::PinDoesNotMatch, Detail::None));
        }
        // As for servers: before the same subject.
        let same_subject = same_subject.filter(|_| vouching(case, &Scope::Clients).is_none());
        return same_subject.unwrap_or((ReasonCode::PinsOnly, Detail::None));
    }
    if !any_usable {
        return same_subject.unwrap_or((ReasonCode::NoUsablePin, Detail::None));
    }
    // Before the same subject: a server that moves to a CA keeps its name.
    if let Some(authority) = would_be_asked(case, server) {
        let entry = Detail::Entry(authority.key().clone());
        return (ReasonCode::AuthoritiesNotAsked, entry);
    }
    same_subject.unwrap_or((ReasonCode::PinDoesNotMatch, Detail::None))
}

/// The authorities refused the chain. If they only say that they do not know its issuer, looks for a more helpful reason:
/// the certificate may be meant for a pin, of this peer or of another.
///
/// What the authorities say of a chain comes before its subject: a peer that moves to a CA keeps its name. They say
/// nothing of a certificate that signed itself, and there the subject says most.
pub(super) fn no_chain(case: &Case<'_>, pins: Option<&Scope>, chain: Rejection) -> Explained {
    let unknown = matches!(
        chain.0,
        ReasonCode::UnknownIssuer
            | ReasonCode::SelfSignedNotInstalled
            | ReasonCode::ChainSignatureInvalid
            | ReasonCode::SignatureAlgorithmUnsupported
            | ReasonCode::CaUsedAsEndEntity
            | ReasonCode::UnparsableEndEntity
            | ReasonCode::IssuerCannotSign
    );
    if !unknown {
        return chain.into();
    }
    let (near, considered) = match pins {
        Some(pins) => {
            let survey = survey(case, pins);
            (survey.near, survey.considered)
        }
        None => (None, Truncated::default()),
    };
    let rejection = match near {
        Some(near) if near.0 != ReasonCode::SameSubjectOtherKey => near,
        same_subject => installed_elsewhere(case, pins)
            .or_else(|| same_subject.filter(|_| case.leaf_signed_itself() != Some(false)))
            .unwrap_or(chain),
    };
    Explained {
        rejection,
        considered,
    }
}

/// What the held pins say about a certificate that matches none of them.
struct Survey {
    /// One of them could accept its own certificate.
    usable: bool,
    /// The pin to which the presented certificate is most alike, and how.
    near: Option<Rejection>,
    considered: Truncated<Considered>,
}

fn survey(case: &Case<'_>, scope: &Scope) -> Survey {
    let mut survey = Survey {
        usable: false,
        near: None,
        considered: Truncated::default(),
    };
    let Some(pins) = case.view.data().index(Slot::Pin, scope) else {
        return survey;
    };
    let mut looks = Looks::default();
    if pins.len() > MAX_HOLDERS_EXAMINED {
        survey.usable = true;
        survey.considered.count(pins.len());
        // By the key, a pin is found among any number.
        let holders = case.view.data().holders(case.leaf.key_pin());
        let same_key = holders
            .take(MAX_HOLDERS_EXAMINED)
            .filter(|entry| entry.slot() == Slot::Pin && entry.scope() == scope)
            .filter(|entry| mismatch(case, entry, &mut looks) == ReasonCode::RenewedWithSameKey)
            .min_by_key(|entry| entry.fingerprint());
        survey.near = same_key.map(|entry| {
            let detail = Detail::Entry(entry.key());
            (ReasonCode::RenewedWithSameKey, detail)
        });
        return survey;
    }
    let mut held: Vec<&Entry> = pins.iter().map(|entry| &**entry).collect();
    held.sort_by_key(|entry| entry.fingerprint());
    let mut near: Option<(ReasonCode, &Entry)> = None;
    for (place, &entry) in held.iter().enumerate() {
        let reason = mismatch(case, entry, &mut looks);
        let is_shown = place < MAX_CONSIDERED;
        // Whether a pin could be used is asked of those that are shown, and beyond them until one is found.
        let unusable = if is_shown || !survey.usable {
            looks.usability(case, entry)
        } else {
            Usability::NotAsked
        };
        let rejection = match unusable {
            Usability::No(rejection) => Some(rejection),
            Usability::Yes => {
                survey.usable = true;
                None
            }
            Usability::NotAsked => None,
            // What is not known is not said: pins beyond MAX_HOLDERS_EXAMINED are only counted as well.
            Usability::TooDear => {
                survey.usable = true;
                None
            }
        };
        if is_shown {
            let (shown, detail) = rejection.unwrap_or((reason, Detail::None));
            consider(
                &mut survey.considered,
                Considered::entry(entry, shown, detail),
            );
        } else {
            survey.considered.count(1);
        }
        let nearest = near.map_or(0, |(near, _)| specificity(near));
        if specificity(reason) > nearest {
            near = Some((reason, entry));
        }
    }
    survey.near = near.map(|(reason, entry)| (reason, detail_of(reason, entry)));
    survey
}

/// What a survey may cost, whatever is installed (rule C5).
#[derive(Default)]
struct Looks {
    signatures: usize,
    name_bytes: usize,
    usable: usize,
}

/// Whether a pin could accept its own certificate.
enum Usability {
    Yes,
    No(Rejection),
    NotAsked,
    TooDear,
}

impl Looks {
    /// Verifies that the key of `pin` signed what was presented, within what the verdict may spend on that.
    fn is_signed_by(&mut self, case: &Case<'_>, pin: &Certificate) -> bool {
        if self.signatures >= MAX_SIGNATURES
            || !case.work.spend_beside(WORK_OF_SIGNATURE, WORK_OF_CHAIN)
        {
            return false;
        }
        self.signatures = self.signatures.saturating_add(1);
        let key = pin.subject_public_key_info();
        case.policy.key_policy().check_signature(key, case.leaf) == SignatureCheck::Verified
    }

    /// Compares names, of which two long ones may be alike up to their ends.
    fn same_name(&mut self, one: &[u8], other: &[u8]) -> bool {
        if one.len() != other.len() || self.name_bytes > MAX_COMPARED_BYTES {
            return false;
        }
        self.name_bytes = self.name_bytes.saturating_add(one.len());
        one == other
    }

    fn usability(&mut self, case: &Case<'_>, entry: &Entry) -> Usability {
        let lists = entry
            .certificate()
            .map_or(0, |certificate| revocation::count_named(case, certificate));
        self.usable = self.usable.saturating_add(lists).saturating_add(1);
        if self.usable > MAX_LISTS_ASKED {
            return Usability::TooDear;
        }
        pinned::unusable(case, entry).map_or(Usability::Yes, Usability::No)
    }
}

/// The pin that a mismatch is about; of one that issued what was presented, whether it could have done so as a CA.
fn detail_of(reason: ReasonCode, entry: &Entry) -> Detail {
    let key = entry.key();
    match entry.certificate() {
        Some(issuer) if reason == ReasonCode::IssuedByPin => Detail::IssuedByPin {
            entry: key,
            no_authority: issuer.cannot_issue(),
        },
        _ => Detail::Entry(key),
    }
}

/// How much a mismatch says about who presents the certificate.
fn specificity(reason: ReasonCode) -> u8 {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only orders mismatches among each other"
    )]
    match reason {
        ReasonCode::RenewedWithSameKey => 3,
        ReasonCode::IssuedByPin => 2,
        ReasonCode::SameSubjectOtherKey => 1,
        _ => 0,
    }
}

/// How what was presented differs from a pin.
fn mismatch(case: &Case<'_>, entry: &Entry, looks: &mut Looks) -> ReasonCode {
    let Some(installed) = entry.certificate() else {
        return ReasonCode::PinDoesNotMatch;
    };
    if installed.has_key_of(case.leaf) {
        // Under public-key match the same key would have matched.
        return match entry.options().matching() {
            PinMatch::Certificate => ReasonCode::RenewedWithSameKey,
            PinMatch::PublicKey => ReasonCode::PinDoesNotMatch,
        };
    }
    if looks.same_name(case.leaf.issuer_der(), installed.subject_der())
        && looks.is_signed_by(case, installed)
    {
        return ReasonCode::IssuedByPin;
    }
    if !empty_name(installed) && looks.same_name(case.leaf.subject_der(), installed.subject_der()) {
        return ReasonCode::SameSubjectOtherKey;
    }
    ReasonCode::PinDoesNotMatch
}

/// Two certificates without a subject have no subject in common.
fn empty_name(certificate: &Certificate) -> bool {
    certificate.subject_der() == [0x30, 0x00]
}

/// Whether exactly this certificate is installed where it does not count for this peer: as a pin in another
/// scope than the one that was asked, or as a CA.
fn installed_elsewhere(case: &Case<'_>, scope: Option<&Scope>) -> Option<Rejection> {
    let reason_of = |entry: &Entry| {
        let role = entry.scope().role();
        match entry.slot() {
            Slot::Pin if role == Some(case.role()) => (0, ReasonCode::PinOfAnotherServer),
            Slot::Authority | Slot::Intermediate => (1, ReasonCode::AuthorityPresentedAsPeer),
            Slot::Pin => (2, ReasonCode::InstalledForOtherRole),
        }
    };
    // One certificate may be installed for every server: then the first of so many tells as well as all.
    let holders = case.view.data().holders(case.leaf.key_pin());
    let entry = holders
        .take(MAX_HOLDERS_EXAMINED)
        .filter(|entry| entry.fingerprint() == case.leaf.fingerprint())
        .filter(|entry| entry.slot() != Slot::Pin || Some(entry.scope()) != scope)
        .min_by(|left, right| {
            let reasons = reason_of(left).0.cmp(&reason_of(right).0);
            let scopes = || left.scope().cmp(right.scope());
            let slots = || left.slot().cmp(&right.slot());
            reasons.then_with(scopes).then_with(slots)
        })?;
    Some((reason_of(entry).1, Detail::Entry(entry.key())))
}

/// The authority that would have vouched for what was presented if the server were not claimed. It is looked
/// for by the whole check of a path, so that the remedy which follows is never read off a forged name.
fn would_be_asked(case: &Case<'_>, server: Option<&Server>) -> Option<Arc<Entry>> {
    let own = server.map(|server| Scope::Server(server.id().clone()));
    let scope = own
        .filter(|own| case.view.holds(Slot::Authority, own.clone()))
        .unwrap_or(Scope::AnyServer);
    vouching(case, &scope)
}

/// The authority of a scope in which what was presented ends.
fn vouching(case: &Case<'_>, scope: &Scope) -> Option<Arc<Entry>> {
    let chain = path::verify(case, scope).outcome.ok()?;
    Some(chain.authority)
}
