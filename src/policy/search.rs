//! The search for a path: from the end entity up, authorities before intermediates, within bounds (rule C5).
//!
//! Names are followed without looking at signatures. Where they lead to an authority, the signatures are verified
//! from there down: the first is one that only the authority can have made, so what a stranger sends costs him more
//! than us. What is known of a pair of certificates is not asked again.

use std::sync::Arc;

use super::decide::Case;
use super::issuers::{self, Place};
use super::presented::Presented;
use super::signatures::Signatures;
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, constraints, path};
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::{
    MAX_CONSIDERED, MAX_CONSTRAINT_COMPARISONS, MAX_INTERMEDIATES_IN_PATH, MAX_NAMESAKES_TRIED,
    MAX_PATH_STEPS, MAX_PATHS_TRIED,
};
use crate::store::{Bounded, Entry, EntryKey, Scope, Slot};

/// A certificate that may stand below an authority in a path.
struct Node {
    certificate: Certificate,
    /// Candidates for its issuer, once they are known, in the order in which they are tried.
    above: Option<Arc<[usize]>>,
}

pub(super) struct Search<'a, 'b> {
    case: &'a Case<'a>,
    scope: &'a Scope,
    presented: Presented<'a>,
    /// The end entity, then every intermediate that was met.
    nodes: Vec<Node>,
    signatures: Signatures,
    steps: usize,
    tried: usize,
    comparisons: usize,
    /// A bound was reached: nothing more is tried.
    stopped: bool,
    best: Option<Fall>,
    considered: &'b mut Bounded<Considered>,
}

impl<'a, 'b> Search<'a, 'b> {
    pub(super) fn new(
        case: &'a Case<'a>,
        scope: &'a Scope,
        considered: &'b mut Bounded<Considered>,
    ) -> Self {
        Self {
            case,
            scope,
            presented: Presented::new(case.question.intermediates),
            nodes: Vec::new(),
            signatures: Signatures::default(),
            steps: 0,
            tried: 0,
            comparisons: 0,
            stopped: false,
            best: None,
            considered,
        }
    }

    /// Finds an authority above the end entity; returns its entry and the verified path, both ends included.
    pub(super) fn run(&mut self) -> Option<(Arc<Entry>, Vec<Certificate>)> {
        let leaf = self.case.leaf.clone();
        self.nodes.push(Node {
            certificate: leaf.clone(),
            above: None,
        });
        self.extend(&mut vec![0], &mut vec![leaf])
    }

    /// Looks for an authority above the last certificate of a path, then for an intermediate to go on from. `path`
    /// has the certificates of the nodes `at`.
    fn extend(
        &mut self,
        at: &mut Vec<usize>,
        path: &mut Vec<Certificate>,
    ) -> Option<(Arc<Entry>, Vec<Certificate>)> {
        let case = self.case;
        let last = path.last()?.clone();
        let below = issuers::counted(path);
        let authorities = case.view.data().candidates(
            Slot::Authority,
            self.scope.clone(),
            last.issuer_der(),
            last.authority_key_id(),
            MAX_NAMESAKES_TRIED,
        );
        for (entry, certificate) in authorities {
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
                    self.fell(fingerprint, Some(entry.key()), fall);
                }
            }
            if self.stopped || self.is_broken(path) {
                return None;
            }
        }
        let above = self.issuers_of(*at.last()?);
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
            let certificate = self.nodes.get(next)?.certificate.clone();
            // A certificate, or another one for the same name and key, stands in a path once.
            let again = path.iter().any(|used| {
                used.key_pin() == certificate.key_pin()
                    && used.subject_der() == certificate.subject_der()
            });
            if again || self.signatures.is_wrong(&last, &certificate) {
                continue;
            }
            if let Err(fall) = issuers::check_length(case.policy, &certificate, below) {
                let installed = self.installed(&certificate);
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
            if self.stopped || self.is_broken(path) {
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
        issuers::check_authority_length(case.policy, authority, below)?;
        // From the authority down.
        let mut above = authority;
        for (index, certificate) in path.iter().enumerate().rev() {
            let top = index.saturating_add(1) == path.len();
            let keys = &case.policy.keys;
            self.signatures
                .check(keys, certificate, above, top)
                .inspect_err(|fall| self.stopped |= fall.0 == ReasonCode::TooManyPaths)?;
            above = certificate;
        }
        let mut whole = path.to_vec();
        whole.push(authority.clone());
        self.comparisons = self
            .comparisons
            .saturating_add(constraints::comparisons(&whole));
        if self.comparisons > MAX_CONSTRAINT_COMPARISONS {
            self.stopped = true;
            let (found, limit) = (self.comparisons, MAX_CONSTRAINT_COMPARISONS);
            return Err((
                ReasonCode::TooManyConstraints,
                Detail::Limit { found, limit },
            ));
        }
        if self.tried >= MAX_PATHS_TRIED {
            self.stopped = true;
            return Err(too_many(self.tried, MAX_PATHS_TRIED));
        }
        self.tried = self.tried.saturating_add(1);
        let pairs = self.signatures.of_path(&whole);
        let pairs = pairs.ok_or((ReasonCode::ChainSignatureInvalid, Detail::None))?;
        path::verify_linear(case, &whole, &pairs, entry)
    }

    /// Candidates for the issuer of a node, installed ones and presented ones, which may stand in a path.
    fn issuers_of(&mut self, at: usize) -> Arc<[usize]> {
        let Some(node) = self.nodes.get(at) else {
            return Arc::default();
        };
        if let Some(known) = &node.above {
            return known.clone();
        }
        let below = node.certificate.clone();
        let mut found = self.candidates(&below);
        found.sort_by_cached_key(|certificate| issuers::order(self.case, &below, certificate));
        let mut above = Vec::with_capacity(found.len());
        for certificate in found {
            let fit = issuers::check(self.case, &certificate, Place::Intermediate);
            match fit {
                Ok(()) => above.push(self.node(certificate)),
                Err(fall) => {
                    let installed = self.installed(&certificate);
                    self.fell(certificate.fingerprint(), installed.as_ref(), fall);
                }
            }
        }
        let above: Arc<[usize]> = above.into();
        if let Some(node) = self.nodes.get_mut(at) {
            node.above = Some(above.clone());
        }
        above
    }

    /// Certificates with the name of the issuer of `below`, each once.
    fn candidates(&mut self, below: &Certificate) -> Vec<Certificate> {
        let case = self.case;
        let data = case.view.data();
        let mut installed = data.candidates(
            Slot::Intermediate,
            Scope::Everyone,
            below.issuer_der(),
            below.authority_key_id(),
            MAX_NAMESAKES_TRIED,
        );
        let mut found: Vec<Certificate> = Vec::new();
        let mut dead: Vec<(&Entry, Fall)> = Vec::new();
        for (entry, certificate) in installed.by_ref().take(MAX_NAMESAKES_TRIED) {
            match case.timing.entry(entry) {
                Ok(()) => found.push(certificate.clone()),
                Err(fall) => dead.push((entry, fall)),
            }
        }
        let left_out = installed.count();
        for certificate in self.presented.with_subject(case.view, below.issuer_der()) {
            if !found.contains(&certificate) {
                found.push(certificate);
            }
        }
        for (entry, fall) in dead {
            // A disabled entry does not stand before what the peer presents.
            let fingerprint = entry.key().fingerprint;
            if !found.iter().any(|found| found.fingerprint() == fingerprint) {
                self.fell(fingerprint, Some(entry.key()), fall);
            }
        }
        if left_out > 0 {
            let count = MAX_NAMESAKES_TRIED.saturating_add(left_out);
            self.note(too_many(count, MAX_NAMESAKES_TRIED));
        }
        found
    }

    fn node(&mut self, certificate: Certificate) -> usize {
        let known = self
            .nodes
            .iter()
            .position(|node| node.certificate == certificate);
        known.unwrap_or_else(|| {
            self.nodes.push(Node {
                certificate,
                above: None,
            });
            self.nodes.len().saturating_sub(1)
        })
    }

    /// The entry that holds an intermediate, if it is installed as one.
    fn installed(&self, certificate: &Certificate) -> Option<EntryKey> {
        let key = EntryKey::new(
            Slot::Intermediate,
            Scope::Everyone,
            certificate.fingerprint(),
        );
        self.case.view.data().entry(&key).map(|_| key)
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

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MAX_PATH_STEPS {
            self.stopped = true;
            self.note(too_many(self.steps, MAX_PATH_STEPS));
        }
        !self.stopped
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
        ReasonCode::Blocked => 4,
        ReasonCode::NameConstraintViolated
        | ReasonCode::ConstraintFormUnsupported
        | ReasonCode::TooManyConstraints
        | ReasonCode::PathRefused => 5,
        ReasonCode::NoPatternMatches => 6,
        _ => 3,
    }
}
