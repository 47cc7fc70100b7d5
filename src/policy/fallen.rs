//! What fell away in a search for a path, and which of the reasons a refusal gives.

use std::collections::HashSet;

use super::decide::Case;
use super::nodes::Nodes;
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, explain, names};
use crate::certificate::Fingerprint;
use crate::limits::{MAX_CONSIDERED, MAX_NAMESAKE_SIGNATURES};
use crate::store::{Bounded, EntryKey};

pub(super) struct Fallen<'b> {
    best: Option<Fall>,
    /// What is among the considered: a later pass does not name it again.
    named: HashSet<Fingerprint>,
    considered: &'b mut Bounded<Considered>,
}

impl<'b> Fallen<'b> {
    pub(super) fn new(considered: &'b mut Bounded<Considered>) -> Self {
        Self {
            best: None,
            named: HashSet::new(),
            considered,
        }
    }

    /// A certificate fell away; `again` if it may have been named before for the same.
    pub(super) fn fell(
        &mut self,
        fingerprint: Fingerprint,
        entry: Option<&EntryKey>,
        fall: Fall,
        again: bool,
    ) {
        if !self.named.insert(fingerprint) && again {
            self.note(fall);
            return;
        }
        if self.considered.items().len() < MAX_CONSIDERED {
            let item = Considered {
                fingerprint,
                entry: entry.cloned(),
                reason: fall.0,
                detail: fall.1.clone(),
            };
            self.considered.push_within(item, MAX_CONSIDERED);
        } else {
            self.considered.count(1);
        }
        self.note(fall);
    }

    /// Keeps the reason that came closest to success; of equals, the first.
    pub(super) fn note(&mut self, fall: Fall) {
        let closer = match &self.best {
            None => true,
            Some(best) => closeness(fall.0) > closeness(best.0),
        };
        if closer {
            self.best = Some(fall);
        }
    }

    /// Why there is no path; `has_issuer` if some CA is known to have signed the end entity.
    pub(super) fn why_not(self, case: &Case<'_>, nodes: &mut Nodes<'_>, has_issuer: bool) -> Fall {
        // Its own signature is no reason to trust it, but a reason to say what to do. What others of its name are
        // like, which a peer may send along, is none.
        let none_of_others = || match &self.best {
            None | Some((ReasonCode::ChainSignatureInvalid, _)) => true,
            Some(_) => explain::signed_itself(case),
        };
        if case.leaf.names_own_key() == Some(true) && !has_issuer && none_of_others() {
            return (ReasonCode::SelfSignedNotInstalled, Detail::None);
        }
        let unknown = || {
            (
                ReasonCode::UnknownIssuer,
                names::unknown_issuer(case, nodes),
            )
        };
        self.best.unwrap_or_else(unknown)
    }
}

/// More of one name than are tried.
pub(super) fn too_many() -> Fall {
    let limit = MAX_NAMESAKE_SIGNATURES;
    let found = limit.saturating_add(1);
    (ReasonCode::TooManyPaths, Detail::Limit { found, limit })
}

pub(super) fn too_long(found: usize, limit: usize) -> Fall {
    (ReasonCode::PathTooLong, Detail::Limit { found, limit })
}

/// How far a path came before it fell away.
fn closeness(reason: ReasonCode) -> u8 {
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
