//! The search for a path: from the end entity up, authorities before intermediates, within bounds (rule C5).
//!
//! Names are followed without looking at signatures. Where they lead to an authority, the signatures are verified
//! from there down: only the authority can have made the first, so an unknown peer pays more for what it sends than we
//! do. What is known of a pair of certificates is not asked again.

mod authority;

use std::sync::Arc;

use super::built::Built;
use super::case::Case;
use super::detail::Rejection;
use super::linear::EndEntity;
use super::nodes::{Above, KeyIdMatch, Nodes};
use super::rejections::{Rejections, too_long, too_many};
use super::signatures::{Check, Paid, Signatures};
use super::{Considered, issuers, work};
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::{MAX_INTERMEDIATES_IN_PATH, MAX_PATH_STEPS};
use crate::store::{Entry, EntryKey, Scope, Truncated};

/// The authority in which a path ends, and the path with both ends.
type Found = (Arc<Entry>, Vec<Certificate>);

/// A search is made in up to three passes, of which the next begins only if the one before it found nothing and had to
/// leave something out. What is known of pairs of certificates holds for all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// What is presented and what is installed, in its order, as long as there is work left. Of several installed CAs
    /// that key identifiers do not tell apart, one is tried for each presented certificate.
    First,
    /// What is installed alone, all of it: whatever a peer presents besides, it spoils none of it.
    Installed,
    /// Again everything, with all of the installed CAs that key identifiers do not tell apart.
    SameSubject,
}

pub(super) struct Search<'a> {
    case: &'a Case<'a>,
    scope: &'a Scope,
    end_entity: &'a EndEntity<'a>,
    nodes: Nodes<'a>,
    signatures: Signatures,
    pass: Pass,
    /// Candidates that were looked at in this pass.
    steps: usize,
    /// Why nothing more is tried in this pass.
    stopped: Option<Rejection>,
    /// Nothing more is tried in any pass.
    over: bool,
    /// Whether installed CAs were left for a later pass: for the end entity, and for a presented intermediate.
    left: (bool, bool),
    built: Built,
    rejections: Rejections,
}

impl<'a> Search<'a> {
    pub(super) fn new(case: &'a Case<'a>, scope: &'a Scope, end_entity: &'a EndEntity<'a>) -> Self {
        Self {
            case,
            scope,
            end_entity,
            nodes: Nodes::new(case),
            signatures: Signatures::default(),
            pass: Pass::First,
            steps: 0,
            stopped: None,
            over: false,
            left: (false, false),
            built: Built::default(),
            rejections: Rejections::default(),
        }
    }

    /// Finds an authority above the end entity; returns its entry and the verified path, both ends included.
    pub(super) fn run(&mut self) -> Option<Found> {
        if let Some(found) = self.pass(Pass::First) {
            return Some(found);
        }
        let stopped = self.stopped.is_some();
        let (of_leaf, of_others) = self.left;
        if (stopped || of_leaf)
            && !self.over
            && let Some(found) = self.pass(Pass::Installed)
        {
            return Some(found);
        }
        if of_others && !stopped && !self.over && !self.case.work.is_used_up() {
            return self.pass(Pass::SameSubject);
        }
        None
    }

    fn pass(&mut self, pass: Pass) -> Option<Found> {
        self.pass = pass;
        self.steps = 0;
        self.stopped = None;
        let leaf = self.case.leaf.clone();
        let found = self.extend(&mut vec![0], &mut vec![leaf]);
        if found.is_none()
            && let Some(rejection) = self.stopped.clone()
        {
            self.note(rejection);
        }
        found
    }

    /// Looks for an authority above the last certificate of a path, then for an intermediate to go on from. `path`
    /// has the certificates of the nodes `at`.
    fn extend(&mut self, at: &mut Vec<usize>, path: &mut Vec<Certificate>) -> Option<Found> {
        let below = issuers::counted(path);
        let own = *at.last()?;
        // Authorities first: the shortest path to one needs the fewest signatures.
        if !self.nodes.is_rootless(own) {
            if let Some(found) = self.end(at, path, below) {
                return Some(found);
            }
            if self.is_over_for(path) {
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
        for next in above.iter() {
            let Some(certificate) = self.next(own, *next, path, below) else {
                if self.is_stopped() {
                    return None;
                }
                continue;
            };
            at.push(next.node);
            path.push(certificate);
            if let Some(found) = self.extend(at, path) {
                return Some(found);
            }
            at.pop();
            path.pop();
            if self.is_over_for(path) {
                return None;
            }
        }
        None
    }

    /// The certificate of a candidate for the issuer of the node `own`, if a path may go on with it.
    fn next(
        &mut self,
        own: usize,
        above: Above,
        path: &[Certificate],
        below: usize,
    ) -> Option<Certificate> {
        let link = self.nodes.link(above.node)?;
        let (certificate, installed) = (link.certificate.clone(), link.installed);
        // What is left for a later pass costs nothing in this one.
        if !self.is_for_this_pass(own, &certificate, installed, above.key_id) || !self.step() {
            return None;
        }
        // A certificate, or another one for the same name and key, stands in a path once: a circle ends nowhere.
        let again = path.iter().any(|used| {
            used.subject_der() == certificate.subject_der() && used.has_key_of(&certificate)
        });
        if again || self.signatures.is_wrong(path.last()?, &certificate) {
            return None;
        }
        if let Err(rejection) = issuers::check_length(self.case.policy, &certificate, below) {
            let installed = self.nodes.entry(&certificate);
            self.reject(certificate.fingerprint(), installed.as_ref(), rejection);
            return None;
        }
        let signed = self.is_signed_by_same_subject(own, above.node);
        signed.then_some(certificate)
    }

    /// Of installed intermediates that key identifiers do not tell apart, the right one alone is gone on from: so what is
    /// above them is looked at once, however many they are.
    fn is_signed_by_same_subject(&mut self, own: usize, next: usize) -> bool {
        if self.pass == Pass::First {
            return true;
        }
        let (Some(below), Some(above)) = (self.nodes.link(own), self.nodes.link(next)) else {
            return false;
        };
        if below.installed || !above.installed {
            return true;
        }
        match self
            .signatures
            .check(self.case, below, above, Paid::SameSubject)
        {
            Ok(()) => true,
            Err(Check::Rejected(rejection)) => {
                self.note(rejection);
                false
            }
            Err(Check::Stopped(rejection)) => {
                self.stopped = Some(rejection);
                false
            }
        }
    }

    /// Whether a candidate for the issuer of the node `own` is tried in this pass.
    fn is_for_this_pass(
        &mut self,
        own: usize,
        above: &Certificate,
        installed: bool,
        key_id: KeyIdMatch,
    ) -> bool {
        if !installed {
            return self.pass != Pass::Installed;
        }
        let Some(below) = self.nodes.link(own).filter(|below| !below.installed) else {
            // Between installed certificates, the signature is known.
            return true;
        };
        if self.signatures.is_verified(below.certificate, above) {
            return true;
        }
        match self.pass {
            Pass::First if key_id == KeyIdMatch::Other => true,
            Pass::First => {
                let wait = self.signatures.is_wrong_of_installed(below.certificate);
                if wait && own == 0 {
                    self.left.0 = true;
                } else if wait {
                    self.left.1 = true;
                }
                !wait
            }
            Pass::Installed | Pass::SameSubject => key_id != KeyIdMatch::Other,
        }
    }

    /// Whether nothing more is tried in this pass, or not with this path.
    fn is_over_for(&self, path: &[Certificate]) -> bool {
        self.is_stopped() || self.is_broken(path)
    }

    /// Whether a signature inside a path is known to be wrong by now.
    fn is_broken(&self, path: &[Certificate]) -> bool {
        let mut pairs = path.iter().zip(path.iter().skip(1));
        pairs.any(|(below, above)| self.signatures.is_wrong(below, above))
    }

    /// Candidates for the issuer of a node; notes what was rejected while they were looked for.
    fn issuers_of(&mut self, at: usize) -> Arc<[Above]> {
        let above = self.nodes.issuers_of(at);
        for (fingerprint, entry, rejection) in core::mem::take(&mut self.nodes.rejected) {
            self.reject(fingerprint, entry.as_ref(), rejection);
        }
        if core::mem::take(&mut self.nodes.left_out) {
            self.note(too_many());
        }
        above
    }

    fn reject(&mut self, fingerprint: Fingerprint, entry: Option<&EntryKey>, rejection: Rejection) {
        let again = self.pass != Pass::First;
        self.rejections.add(fingerprint, entry, rejection, again);
    }

    fn note(&mut self, rejection: Rejection) {
        self.rejections.note(rejection);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Whether one more candidate may be looked at.
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        if let Err(rejection) = work::within(self.steps, MAX_PATH_STEPS) {
            self.stopped.get_or_insert(rejection);
        }
        !self.is_stopped()
    }

    /// What was rejected before an authority was found.
    pub(super) fn considered(self) -> Truncated<Considered> {
        self.rejections.into_considered()
    }

    /// Why no authority was found, and what was rejected.
    pub(super) fn why_not(mut self) -> (Rejection, Truncated<Considered>) {
        let has_issuer = self.signatures.has_issuer(self.case.leaf);
        let (case, nodes) = (self.case, &mut self.nodes);
        self.rejections.why_not(case, nodes, has_issuer)
    }
}
