//! The search for a path: from the end entity up, authorities before intermediates, within bounds (rule C5).
//!
//! Names are followed without looking at signatures. Where they lead to an authority, the signatures are verified
//! from there down: the first is one that only the authority can have made, so what a stranger sends costs him more
//! than us. What is known of a pair of certificates is not asked again.

use std::sync::Arc;

use super::decide::Case;
use super::issuers::{self, Place};
use super::nodes::Nodes;
use super::path::EndEntity;
use super::signatures::Signatures;
use super::timing::Fall;
use super::work::Work;
use super::{Considered, Detail, ReasonCode, constraints, explain, path};
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::{
    MAX_CONSIDERED, MAX_CONSTRAINT_COMPARISONS, MAX_INTERMEDIATES_IN_PATH, MAX_NAMESAKES_TRIED,
    MAX_PATHS_TRIED,
};
use crate::store::{Bounded, Entry, EntryKey, Scope, Slot};

pub(super) struct Search<'a, 'b> {
    case: &'a Case<'a>,
    scope: &'a Scope,
    end_entity: &'a EndEntity<'a>,
    nodes: Nodes<'a>,
    signatures: Signatures,
    work: Work,
    tried: usize,
    comparisons: usize,
    best: Option<Fall>,
    considered: &'b mut Bounded<Considered>,
}

impl<'a, 'b> Search<'a, 'b> {
    pub(super) fn new(
        case: &'a Case<'a>,
        scope: &'a Scope,
        end_entity: &'a EndEntity<'a>,
        considered: &'b mut Bounded<Considered>,
    ) -> Self {
        Self {
            case,
            scope,
            end_entity,
            nodes: Nodes::new(case),
            signatures: Signatures::default(),
            work: Work::default(),
            tried: 0,
            comparisons: 0,
            best: None,
            considered,
        }
    }

    /// Finds an authority above the end entity; returns its entry and the verified path, both ends included.
    pub(super) fn run(&mut self) -> Option<(Arc<Entry>, Vec<Certificate>)> {
        let leaf = self.case.leaf.clone();
        self.extend(&mut vec![0], &mut vec![leaf])
    }

    /// Looks for an authority above the last certificate of a path, then for an intermediate to go on from. `path`
    /// has the certificates of the nodes `at`.
    fn extend(
        &mut self,
        at: &mut Vec<usize>,
        path: &mut Vec<Certificate>,
    ) -> Option<(Arc<Entry>, Vec<Certificate>)> {
        let below = issuers::counted(path);
        let own = *at.last()?;
        if !self.nodes.is_rootless(own) {
            if let Some(found) = self.end(own, path, below) {
                return Some(found);
            }
            if self.work.is_stopped() || self.is_broken(path) {
                return None;
            }
        }
        let above = self.issuers_of(own);
        if path.len() > MAX_INTERMEDIATES_IN_PATH {
            if !above.is_empty() {
                self.note(too_long(path.len(), MAX_INTERMEDIATES_IN_PATH));
            }
            return None;
        }
        for &next in above.iter() {
            if !self.step() {
                return None;
            }
            let certificate = self.nodes.certificate(next)?.clone();
            // A certificate, or another one for the same name and key, stands in a path once.
            let again = path.iter().any(|used| {
                used.subject_der() == certificate.subject_der() && used.has_key_of(&certificate)
            });
            if again || self.signatures.is_wrong(path.last()?, &certificate) {
                continue;
            }
            if let Err(fall) = issuers::check_length(self.case.policy, &certificate, below) {
                let installed = self.nodes.entry(&certificate);
                self.fell(certificate.fingerprint(), installed.as_ref(), fall);
                continue;
            }
            at.push(next);
            path.push(certificate);
            if let Some(found) = self.extend(at, path) {
                return Some(found);
            }
            at.pop();
            path.pop();
            if self.work.is_stopped() || self.is_broken(path) {
                return None;
            }
        }
        None
    }

    /// Looks for an authority above the last certificate of a path, which is that of the node `own`.
    fn end(
        &mut self,
        own: usize,
        path: &mut Vec<Certificate>,
        below: usize,
    ) -> Option<(Arc<Entry>, Vec<Certificate>)> {
        let last = path.last()?.clone();
        let mut authorities = self.case.view.data().candidates(
            Slot::Authority,
            self.scope.clone(),
            last.issuer_der(),
            last.authority_key_id(),
            MAX_NAMESAKES_TRIED,
        );
        let Some(first) = authorities.next() else {
            self.nodes.set_rootless(own);
            return None;
        };
        for (entry, certificate) in core::iter::once(first).chain(authorities) {
            if !self.step() {
                return None;
            }
            match self.try_authority(path, below, entry, certificate) {
                Ok(()) => {
                    path.push(certificate.clone());
                    return Some((entry.clone(), core::mem::take(path)));
                }
                Err(fall) => {
                    let fingerprint = certificate.fingerprint();
                    self.fell(fingerprint, Some(&entry.key()), fall);
                }
            }
            if self.work.is_stopped() || self.is_broken(path) {
                return None;
            }
        }
        None
    }

    /// Whether a signature inside a path is known to be wrong by now.
    fn is_broken(&self, path: &[Certificate]) -> bool {
        let mut pairs = path.iter().zip(path.iter().skip(1));
        pairs.any(|(below, above)| self.signatures.is_wrong(below, above))
    }

    fn try_authority(
        &mut self,
        path: &[Certificate],
        below: usize,
        entry: &Entry,
        authority: &Certificate,
    ) -> Result<(), Fall> {
        let case = self.case;
        case.timing.entry(entry)?;
        issuers::check(case, authority, Place::Authority)?;
        issuers::check_path_len(authority, below)?;
        // From the authority down.
        let mut above = authority;
        for (index, certificate) in path.iter().enumerate().rev() {
            let top = index.saturating_add(1) == path.len();
            let keys = &case.policy.keys;
            self.signatures
                .check(keys, certificate, above, top, &mut self.work)?;
            above = certificate;
        }
        let mut whole = path.to_vec();
        whole.push(authority.clone());
        self.comparisons = self
            .comparisons
            .saturating_add(constraints::comparisons(&whole));
        if self.comparisons > MAX_CONSTRAINT_COMPARISONS {
            let (found, limit) = (self.comparisons, MAX_CONSTRAINT_COMPARISONS);
            let fall = (
                ReasonCode::TooManyConstraints,
                Detail::Limit { found, limit },
            );
            return Err(self.work.stop(fall));
        }
        self.tried = self.tried.saturating_add(1);
        self.work.within(self.tried, MAX_PATHS_TRIED)?;
        let pairs = self.signatures.of_path(&whole);
        let pairs = pairs.ok_or((ReasonCode::ChainSignatureInvalid, Detail::None))?;
        path::verify_linear(case, self.end_entity, &whole, &pairs, entry)
    }

    /// Candidates for the issuer of a node; notes what fell away while they were looked for.
    fn issuers_of(&mut self, at: usize) -> Arc<[usize]> {
        let above = self.nodes.issuers_of(at, &mut self.work);
        for (fingerprint, entry, fall) in core::mem::take(&mut self.nodes.fallen) {
            self.fell(fingerprint, entry.as_ref(), fall);
        }
        let left_out = core::mem::take(&mut self.nodes.left_out);
        if left_out > 0 {
            self.note(too_many(left_out, MAX_NAMESAKES_TRIED));
        }
        above
    }

    fn fell(&mut self, fingerprint: Fingerprint, entry: Option<&EntryKey>, fall: Fall) {
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

    /// Whether one more candidate may be looked at.
    fn step(&mut self) -> bool {
        self.work.step().is_ok() && !self.work.is_stopped()
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

    pub(super) fn why_not(mut self) -> Fall {
        if let Some(fall) = self.work.why_stopped() {
            self.note(fall.clone());
        }
        let leaf = self.case.leaf;
        // Its own signature is no reason to trust it, but a reason to say what to do. What others of its name are
        // like, which a peer may send along, is none.
        let none_of_others = || match &self.best {
            None | Some((ReasonCode::ChainSignatureInvalid, _)) => true,
            Some(_) => explain::signed_itself(self.case),
        };
        if leaf.names_own_key() == Some(true)
            && !self.signatures.has_issuer(leaf)
            && none_of_others()
        {
            return (ReasonCode::SelfSignedNotInstalled, Detail::None);
        }
        let best = self.best.take();
        best.unwrap_or_else(|| (ReasonCode::UnknownIssuer, Detail::Text(self.missing())))
    }

    /// Which issuer is missing, up from the end entity along the first candidates.
    fn missing(&mut self) -> String {
        let mut passed = vec![0];
        loop {
            let own = passed.last().copied().unwrap_or(0);
            let next = self.nodes.issuers_of(own, &mut self.work).first().copied();
            let Some(certificate) = self.nodes.certificate(own) else {
                return String::new();
            };
            match next {
                None if own == 0 => return format!("issuer {}", certificate.issuer()),
                None => {
                    let (issuer, below) = (certificate.issuer(), certificate.subject());
                    return format!("issuer {issuer} of {below}");
                }
                Some(next) if passed.contains(&next) => {
                    let last = certificate.subject();
                    return format!("the chain ends in {last}, which is no installed authority");
                }
                Some(next) => passed.push(next),
            }
        }
    }
}

fn too_many(found: usize, limit: usize) -> Fall {
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
