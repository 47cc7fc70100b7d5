//! The search for a path: from the end entity up, authorities before intermediates, within bounds (rule C5).

use std::sync::Arc;

use super::decide::Case;
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, issuers, path};
use crate::certificate::Certificate;
use crate::limits::{MAX_CONSIDERED, MAX_INTERMEDIATES_IN_PATH, MAX_PATH_STEPS, MAX_PATHS_TRIED};
use crate::store::{Bounded, Entry, Scope};

pub(super) struct Search<'a, 'b> {
    case: &'a Case<'a>,
    scope: &'a Scope,
    presented: Vec<Certificate>,
    steps: usize,
    tried: usize,
    best: Option<Fall>,
    considered: &'b mut Bounded<Considered>,
}

impl<'a, 'b> Search<'a, 'b> {
    pub(super) fn new(
        case: &'a Case<'a>,
        scope: &'a Scope,
        presented: Vec<Certificate>,
        considered: &'b mut Bounded<Considered>,
    ) -> Self {
        Self {
            case,
            scope,
            presented,
            steps: 0,
            tried: 0,
            best: None,
            considered,
        }
    }
}

impl Search<'_, '_> {
    /// Looks for an authority above the last certificate of `path`, then for an intermediate to go on from.
    pub(super) fn extend(&mut self, path: &mut Vec<Certificate>) -> Option<Arc<Entry>> {
        let last = path.last()?.clone();
        let below = path
            .iter()
            .skip(1)
            .filter(|certificate| !certificate.is_self_issued())
            .count();
        let authorities = issuers::authorities_above(self.case, self.scope, &last);
        self.note_left_out(authorities.left_out);
        for (entry, certificate) in authorities.listed {
            if !self.step() {
                return None;
            }
            let fit = self
                .case
                .timing
                .entry(&entry)
                .and_then(|()| issuers::check(self.case, &certificate, below));
            let verified = match fit {
                Ok(()) if self.tried >= MAX_PATHS_TRIED => {
                    self.note(too_many(self.tried, MAX_PATHS_TRIED));
                    return None;
                }
                Ok(()) => {
                    self.tried = self.tried.saturating_add(1);
                    path::verify_linear(self.case, path, &entry, &certificate)
                }
                Err(fall) => Err(fall),
            };
            match verified {
                Ok(()) => {
                    path.push(certificate);
                    return Some(entry);
                }
                Err(fall) => {
                    let item = Considered::entry(&entry, fall.0, fall.1.clone());
                    self.consider(item);
                    self.note(fall);
                }
            }
        }
        let intermediates = issuers::intermediates_above(self.case, &self.presented, &last);
        if path.len() > MAX_INTERMEDIATES_IN_PATH {
            if !intermediates.listed.is_empty() {
                self.note(too_long(path.len()));
            }
            return None;
        }
        self.note_left_out(intermediates.left_out);
        for (entry, certificate) in intermediates.listed {
            if !self.step() {
                return None;
            }
            // A certificate, or another one for the same name and key, stands in a path once.
            let again = path.iter().any(|used| {
                used.subject_der() == certificate.subject_der()
                    && used.key_pin() == certificate.key_pin()
            });
            if again {
                continue;
            }
            let alive = entry
                .as_ref()
                .map_or(Ok(()), |entry| self.case.timing.entry(entry));
            let fit = alive.and_then(|()| issuers::check(self.case, &certificate, below));
            if let Err(fall) = fit {
                self.consider(Considered {
                    fingerprint: certificate.fingerprint(),
                    entry: entry.map(|entry| entry.key().clone()),
                    reason: fall.0,
                    detail: fall.1.clone(),
                });
                self.note(fall);
                continue;
            }
            path.push(certificate);
            if let Some(authority) = self.extend(path) {
                return Some(authority);
            }
            path.pop();
        }
        None
    }

    fn note_left_out(&mut self, count: usize) {
        if count > 0 {
            self.note(too_many(
                count.saturating_add(MAX_PATHS_TRIED),
                MAX_PATHS_TRIED,
            ));
        }
    }

    fn consider(&mut self, item: Considered) {
        self.considered.push_within(item, MAX_CONSIDERED);
    }

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MAX_PATH_STEPS {
            self.note(too_many(self.steps, MAX_PATH_STEPS));
            return false;
        }
        true
    }

    /// Keeps the reason that came closest to success; of equals, the first.
    fn note(&mut self, fall: Fall) {
        let closer = match &self.best {
            None => true,
            Some(best) => closeness(fall.0) > closeness(best.0),
        };
        if closer {
            self.best = Some(fall);
        }
    }

    pub(super) fn why_not(self) -> Fall {
        let leaf = self.case.leaf;
        let self_signed = leaf.names_own_key() == Some(true);
        match self.best {
            // Its own signature is no reason to trust it, but a reason to say what to do.
            None | Some((ReasonCode::ChainSignatureInvalid, _)) if self_signed => {
                (ReasonCode::SelfSignedNotInstalled, Detail::None)
            }
            Some(fall) => fall,
            None => (
                ReasonCode::UnknownIssuer,
                Detail::Text(format!("issuer {}", leaf.issuer())),
            ),
        }
    }
}

fn too_many(found: usize, limit: usize) -> Fall {
    (ReasonCode::TooManyPaths, Detail::Limit { found, limit })
}

fn too_long(found: usize) -> Fall {
    let limit = MAX_INTERMEDIATES_IN_PATH;
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
        ReasonCode::Blocked => 4,
        ReasonCode::NameConstraintViolated | ReasonCode::PathRefused => 5,
        ReasonCode::NoPatternMatches
        | ReasonCode::Revoked
        | ReasonCode::RevocationUnknown
        | ReasonCode::CrlExpired => 6,
        _ => 3,
    }
}
