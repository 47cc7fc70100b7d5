//! Which refusal it is. Nothing here can accept: it runs when the verdict is no already.

use std::sync::Arc;

use super::decide::Case;
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, Verdict, path, pinned};
use crate::certificate::{Certificate, Role, SignatureCheck, algorithms, der};
use crate::store::{Bounded, Entry, Matching, Scope, Server, Slot};

/// Most pins looked at when none matches. Beyond it, pins are only counted: key servers hold a few, and the
/// clients of a key server can be a million, which a stranger must not make us read.
const MAX_EXAMINED: usize = 1024;

/// Most signatures verified to tell that a pin's key made the presented certificate. Pins of one subject, which
/// alone are asked, are a current and a next one; a peer must not make us verify for a hundred.
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
    let survey = survey(case, scope, verdict);
    let same_subject = match survey.near {
        Some(near) if near.0 != ReasonCode::SameSubjectOtherKey => return near,
        near => near,
    };
    if let Some(fall) = installed_elsewhere(case, Some(scope)) {
        return fall;
    }
    if case.role() == Role::Client {
        let authorities = case.view.holds(Slot::Authority, Scope::Clients);
        if !(case.policy.pins_only && authorities) {
            return same_subject.unwrap_or((ReasonCode::PinDoesNotMatch, Detail::None));
        }
        // As for servers: before the same subject.
        let same_subject = same_subject.filter(|_| vouching(case, &Scope::Clients).is_none());
        return same_subject.unwrap_or((ReasonCode::PinsOnly, Detail::None));
    }
    if !survey.usable {
        return same_subject.unwrap_or((ReasonCode::NoPinLeft, Detail::None));
    }
    // Before the same subject: a server that moves to a CA keeps its name.
    if let Some(authority) = would_be_asked(case, server) {
        let entry = Detail::Entry(authority.key().clone());
        return (ReasonCode::AuthoritiesNotAsked, entry);
    }
    same_subject.unwrap_or((ReasonCode::PinDoesNotMatch, Detail::None))
}

/// The chain was refused for a reason that says no more than that it is none of ours: perhaps the certificate
/// was meant for a pin, of this peer or of another one.
///
/// What the authorities say of a chain comes before what its subject looks like: a peer that moves to a CA keeps its
/// name. Of a certificate that signed itself they say nothing, and there the subject says most.
pub(super) fn no_chain(
    case: &Case<'_>,
    pins: Option<&Scope>,
    chain: Fall,
    verdict: &mut Verdict,
) -> Fall {
    let unknown = matches!(
        chain.0,
        ReasonCode::UnknownIssuer
            | ReasonCode::SelfSignedNotInstalled
            | ReasonCode::ChainSignatureInvalid
            | ReasonCode::SignatureAlgorithmUnsupported
            | ReasonCode::CaAsLeaf
            | ReasonCode::LeafNotReadable
            | ReasonCode::IssuerCannotSign
    );
    if !unknown {
        return chain;
    }
    let near = pins.and_then(|pins| survey(case, pins, verdict).near);
    let same_subject = match near {
        Some(near) if near.0 != ReasonCode::SameSubjectOtherKey => return near,
        near => near,
    };
    installed_elsewhere(case, pins)
        .or_else(|| same_subject.filter(|_| signed_itself(case)))
        .unwrap_or(chain)
}

/// Whether what was presented carries a signature of its own key, as far as that can be told: it is no chain then.
pub(super) fn signed_itself(case: &Case<'_>) -> bool {
    if case.leaf.names_own_key() != Some(true) {
        return false;
    }
    let own_key = case.leaf.subject_public_key_info();
    // With an algorithm that the provider lacks, names are all there is.
    case.policy.keys.check_signature(own_key, case.leaf) != SignatureCheck::Wrong
}

/// The provider has no algorithm for the signature on `below` under the key of `above`: it was not made with that
/// key, if keys of its kind make none by that algorithm; else it cannot be told.
pub(super) fn not_verifiable(below: &Certificate, above: &Certificate) -> Fall {
    let algorithm = der::signature_algorithm(below.der()).unwrap_or(&[]);
    let key = der::algorithm_of_spki(above.subject_public_key_info()).unwrap_or(&[]);
    let name = algorithms::signature_name(algorithm);
    if algorithms::signs_with(key, algorithm) == Some(false) {
        let why = format!(
            "{} is signed with {name}, and the key of that issuer ({}) makes no such signatures",
            below.subject(),
            above.key_name()
        );
        return (ReasonCode::ChainSignatureInvalid, Detail::Text(why));
    }
    let detail = Detail::Signature {
        certificate: below.fingerprint(),
        subject: below.subject(),
        algorithm: name,
        key: above.key_kind(),
        aws_lc_rs: algorithms::aws_lc_rs_verifies(algorithm, above.key_kind()),
    };
    (ReasonCode::SignatureAlgorithmUnsupported, detail)
}

/// What the held pins say about a certificate that matches none of them.
struct Survey {
    /// One of them could accept its own certificate.
    usable: bool,
    /// The pin that what was presented comes nearest to, and how.
    near: Option<Fall>,
}

fn survey(case: &Case<'_>, scope: &Scope, verdict: &mut Verdict) -> Survey {
    let mut survey = Survey {
        usable: false,
        near: None,
    };
    let Some(shelf) = case.view.data().shelf(Slot::Pin, scope) else {
        return survey;
    };
    if shelf.len() > MAX_EXAMINED {
        survey.usable = true;
        verdict.considered.count(shelf.len());
        // By the key, a pin is found among any number.
        let holders = case.view.data().holders(case.leaf.key_pin());
        let twin = holders
            .filter(|entry| entry.slot() == Slot::Pin && entry.scope() == scope)
            .filter(|entry| mismatch(case, entry, &mut 0) == ReasonCode::RenewedWithSameKey)
            .min_by_key(|entry| entry.key());
        survey.near = twin.map(|entry| {
            let detail = Detail::Entry(entry.key());
            (ReasonCode::RenewedWithSameKey, detail)
        });
        return survey;
    }
    let mut held: Vec<&Entry> = shelf.iter().map(|entry| &**entry).collect();
    held.sort_by_key(|entry| entry.fingerprint());
    let mut signatures = 0;
    for entry in held {
        let reason = mismatch(case, entry, &mut signatures);
        let (shown, detail) = match pinned::unusable(case, entry) {
            Some(fall) => fall,
            None => {
                survey.usable = true;
                (reason, Detail::None)
            }
        };
        verdict.consider(Considered::entry(entry, shown, detail));
        let nearer = match &survey.near {
            Some((near, _)) => nearness(reason) > nearness(*near),
            None => nearness(reason) > 0,
        };
        if nearer {
            survey.near = Some((reason, detail_of(reason, entry)));
        }
    }
    survey
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
fn nearness(reason: ReasonCode) -> u8 {
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

/// How what was presented differs from a pin. `signatures` counts the signatures verified so far.
fn mismatch(case: &Case<'_>, entry: &Entry, signatures: &mut usize) -> ReasonCode {
    let Some(installed) = entry.certificate() else {
        return ReasonCode::PinDoesNotMatch;
    };
    if installed.has_key_of(case.leaf) {
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

/// Whether exactly this certificate is installed where it does not count for this peer: as a pin in another
/// scope than the one that was asked, or as a CA.
fn installed_elsewhere(case: &Case<'_>, scope: Option<&Scope>) -> Option<Fall> {
    let reason_of = |entry: &Entry| {
        let role = entry.scope().role();
        match entry.slot() {
            Slot::Pin if role == Some(case.role()) => (0, ReasonCode::PinOfAnotherServer),
            Slot::Authority | Slot::Intermediate => (1, ReasonCode::AuthorityPresentedAsPeer),
            Slot::Pin => (2, ReasonCode::InstalledForOtherRole),
        }
    };
    let holders = case.view.data().holders(case.leaf.key_pin());
    let entry = holders
        .filter(|entry| entry.fingerprint() == case.leaf.fingerprint())
        .filter(|entry| entry.slot() != Slot::Pin || Some(entry.scope()) != scope)
        .min_by_key(|entry| (reason_of(entry), entry.key()))?;
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
    let chain = path::verify(case, scope, &mut Bounded::default()).ok()?;
    Some(chain.authority)
}
