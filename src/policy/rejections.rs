//! What a search for a path rejected, and which of the reasons a refusal gives.

use std::collections::HashSet;

use super::case::Case;
use super::detail::Rejection;
use super::nodes::Nodes;
use super::{Considered, Detail, ReasonCode, names};
use crate::certificate::Fingerprint;
use crate::limits::{MAX_CONSIDERED, MAX_SAME_SUBJECT_SIGNATURES};
use crate::store::{EntryKey, Truncated};

#[derive(Default)]
pub(super) struct Rejections {
    best: Option<Rejection>,
    /// What is among the considered: a later pass does not name it again.
    named: HashSet<Fingerprint>,
    considered: Truncated<Considered>,
}

impl Rejections {
    /// Notes a rejected certificate; `again` if an earlier pass may have named it for the same reason.
    pub(super) fn add(
        &mut self,
        fingerprint: Fingerprint,
        entry: Option<&EntryKey>,
        rejection: Rejection,
        again: bool,
    ) {
        if !self.named.insert(fingerprint) && again {
            self.note(rejection);
            return;
        }
        if self.considered.items().len() < MAX_CONSIDERED {
            let item = Considered {
                fingerprint,
                entry: entry.cloned(),
                reason: rejection.0,
                detail: rejection.1.clone(),
            };
            self.considered.push_within(item, MAX_CONSIDERED);
        } else {
            self.considered.count(1);
        }
        self.note(rejection);
    }

    /// What was rejected on the way to an authority that was found.
    pub(super) fn into_considered(self) -> Truncated<Considered> {
        self.considered
    }

    /// Keeps the reason that came closest to success; of equals, the first.
    pub(super) fn note(&mut self, rejection: Rejection) {
        let closer = match &self.best {
            None => true,
            Some(best) => specificity(rejection.0) > specificity(best.0),
        };
        if closer {
            self.best = Some(rejection);
        }
    }

    /// Why there is no path, and what was rejected; `has_issuer` if some CA is known to have signed the end entity.
    pub(super) fn why_not(
        self,
        case: &Case<'_>,
        nodes: &mut Nodes<'_>,
        has_issuer: bool,
    ) -> (Rejection, Truncated<Considered>) {
        // A signature of its own key is no reason to trust a certificate, but it tells the operator what to do. CAs of
        // the same name, which a peer may send along, say nothing about that.
        let none_of_others = || match &self.best {
            None | Some((ReasonCode::ChainSignatureInvalid, _)) => true,
            Some(_) => case.leaf_signed_itself() == Some(true),
        };
        let rejection =
            if case.leaf.names_own_key() == Some(true) && !has_issuer && none_of_others() {
                (ReasonCode::SelfSignedNotInstalled, Detail::None)
            } else {
                self.best.unwrap_or_else(|| {
                    let detail = names::unknown_issuer(case, nodes);
                    (ReasonCode::UnknownIssuer, detail)
                })
            };
        (rejection, self.considered)
    }
}

/// More CAs of one name than are tried.
pub(super) fn too_many() -> Rejection {
    let limit = MAX_SAME_SUBJECT_SIGNATURES;
    let found = limit.saturating_add(1);
    (ReasonCode::TooManyPaths, Detail::Limit { found, limit })
}

pub(super) fn too_long(found: usize, limit: usize) -> Rejection {
    (ReasonCode::PathTooLong, Detail::Limit { found, limit })
}

/// How far a path came before it was rejected.
fn specificity(reason: ReasonCode) -> u8 {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only orders refusals among each other; what is not named was refused before its signatures"
    )]
    match reason {
        ReasonCode::ChainSignatureInvalid => 0,
        ReasonCode::PathTooLong => 1,
        ReasonCode::TooManyPaths => 2,
        // Whatever issuer it had, it would be refused.
        ReasonCode::Blocked | ReasonCode::SignatureAlgorithmUnsupported => 4,
        ReasonCode::NameConstraintViolated
        | ReasonCode::ConstraintFormUnsupported
        | ReasonCode::TooManyConstraints
        | ReasonCode::PathRefused => 5,
        ReasonCode::NoPatternMatches
        | ReasonCode::Revoked
        | ReasonCode::RevocationUnknown
        | ReasonCode::CrlExpired => 6,
        _ => 3,
    }
}
