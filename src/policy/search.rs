//! The search for a path: from the end entity up, authorities before intermediates, within bounds (rule C5).
//!
//! Names are followed without looking at signatures. Where they lead to an authority, the signatures are verified
//! from there down: the first is one that only the authority can have made, so what a stranger sends costs him more
//! than us. What is known of a pair of certificates is not asked again.

use std::sync::Arc;

use super::built::Built;
use super::decide::Case;
use super::fallen::{Fallen, too_long, too_many};
use super::issuers::{self, Place};
use super::nodes::{Above, Nodes, Told};
use super::path::EndEntity;
use super::signatures::{self, Check, Link, Paid, Signatures};
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, path, work};
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::{
    MAX_INTERMEDIATES_IN_PATH, MAX_MISMATCHES_TRIED, MAX_NAMESAKE_SIGNATURES,
    MAX_NAMESAKES_EXAMINED, MAX_PATH_STEPS,
};
use crate::store::{Bounded, Entry, EntryKey, Scope, Slot, Wanted};

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
    Namesakes,
}

pub(super) struct Search<'a, 'b> {
    case: &'a Case<'a>,
    scope: &'a Scope,
    end_entity: &'a EndEntity<'a>,
    nodes: Nodes<'a>,
    signatures: Signatures,
    pass: Pass,
    /// Candidates that were looked at in this pass.
    steps: usize,
    /// Why nothing more is tried in this pass.
    stopped: Option<Fall>,
    /// Nothing more is tried in any pass.
    over: bool,
    /// Whether installed CAs were left for a later pass: for the end entity, and for a presented intermediate.
    left: (bool, bool),
    built: Built,
    fallen: Fallen<'b>,
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
            pass: Pass::First,
            steps: 0,
            stopped: None,
            over: false,
            left: (false, false),
            built: Built::default(),
            fallen: Fallen::new(considered),
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
            return self.pass(Pass::Namesakes);
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
            && let Some(fall) = self.stopped.clone()
        {
            self.note(fall);
        }
        found
    }

    /// Looks for an authority above the last certificate of a path, then for an intermediate to go on from. `path`
    /// has the certificates of the nodes `at`.
    fn extend(&mut self, at: &mut Vec<usize>, path: &mut Vec<Certificate>) -> Option<Found> {
        let below = issuers::counted(path);
        let own = *at.last()?;
        if !self.nodes.is_rootless(own) {
            if let Some(found) = self.end(at, path, below) {
                return Some(found);
            }
            if self.is_stopped() || self.is_broken(path) {
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
            let link = self.nodes.link(next.node)?;
            let (certificate, installed) = (link.certificate.clone(), link.installed);
            if !self.is_for_this_pass(own, &certificate, installed, next.told) {
                continue;
            }
            if !self.step() {
                return None;
            }
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
            if !self.is_signed_by_namesake(own, next.node) {
                continue;
            }
            at.push(next.node);
            path.push(certificate);
            if let Some(found) = self.extend(at, path) {
                return Some(found);
            }
            at.pop();
            path.pop();
            if self.is_stopped() || self.is_broken(path) {
                return None;
            }
        }
        None
    }

    /// Of installed intermediates that key identifiers do not tell apart, the right one alone is gone on from: so what is
    /// above them is looked at once, however many they are.
    fn is_signed_by_namesake(&mut self, own: usize, next: usize) -> bool {
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
            .check(self.case, below, above, Paid::Namesakes)
        {
            Ok(()) => true,
            Err(Check::Fell(fall)) => {
                self.note(fall);
                false
            }
            Err(Check::Stopped(fall)) => {
                self.stopped = Some(fall);
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
        told: Told,
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
            Pass::First if told == Told::Other => true,
            Pass::First => {
                let wait = self.signatures.is_wrong_of_installed(below.certificate);
                if wait && own == 0 {
                    self.left.0 = true;
                } else if wait {
                    self.left.1 = true;
                }
                !wait
            }
            Pass::Installed | Pass::Namesakes => told != Told::Other,
        }
    }

    /// Looks for an authority above the last certificate of a path.
    fn end(&mut self, at: &[usize], path: &mut Vec<Certificate>, below: usize) -> Option<Found> {
        let own = *at.last()?;
        let last = path.last()?.clone();
        let data = self.case.view.data();
        let (name, canonical) = (last.issuer_der(), self.nodes.issuer_name(own));
        let authorities = data.candidates(
            Slot::Authority,
            self.scope.clone(),
            Wanted::new(name, &canonical),
            last.authority_key_id(),
            MAX_MISMATCHES_TRIED,
        );
        let signer = self.nodes.signer(own);
        // Whether one of them may have signed it, for all that is known now, and one that has not.
        let (mut any, mut other) = (false, None);
        let mut fit = 0_usize;
        for (seen, (entry, certificate)) in authorities.enumerate() {
            if seen >= MAX_NAMESAKES_EXAMINED || fit >= MAX_NAMESAKE_SIGNATURES {
                self.note(too_many());
                any = true;
                break;
            }
            if !signer.may_be(certificate, true) {
                other.get_or_insert(entry);
                continue;
            }
            let told = Told::of(&last, certificate);
            if !self.is_for_this_pass(own, certificate, true, told) {
                any = true;
                continue;
            }
            if !self.step() {
                return None;
            }
            let tried = match self.fits(below, entry, certificate) {
                Ok(()) => {
                    fit = fit.saturating_add(1);
                    self.try_authority(at, path, entry, certificate)
                }
                Err(fall) => Err(Check::Fell(fall)),
            };
            let fall = match tried {
                Ok(()) => {
                    path.push(certificate.clone());
                    return Some((entry.clone(), core::mem::take(path)));
                }
                Err(Check::Fell(fall)) => fall,
                Err(Check::Stopped(fall)) => {
                    self.stopped = Some(fall.clone());
                    fall
                }
            };
            self.fell(certificate.fingerprint(), Some(&entry.key()), fall);
            any |= !self.signatures.cannot_be(self.case, &last, certificate);
            if self.is_stopped() || self.is_broken(path) {
                return None;
            }
        }
        // By whatever path it is reached, it is not asked again.
        if !any {
            self.nodes.set_rootless(own);
            if let Some(entry) = other.filter(|_| fit == 0) {
                self.fell(entry.fingerprint(), Some(&entry.key()), signatures::wrong());
            }
        }
        None
    }

    /// Whether a signature inside a path is known to be wrong by now.
    fn is_broken(&self, path: &[Certificate]) -> bool {
        let mut pairs = path.iter().zip(path.iter().skip(1));
        pairs.any(|(below, above)| self.signatures.is_wrong(below, above))
    }

    /// Whether an authority may stand above `below` intermediates, before any signature.
    fn fits(&self, below: usize, entry: &Entry, authority: &Certificate) -> Result<(), Fall> {
        self.case.timing.entry(entry)?;
        issuers::check(self.case, authority, Place::Authority)?;
        issuers::check_path_len(authority, below)
    }

    fn try_authority(
        &mut self,
        at: &[usize],
        path: &[Certificate],
        entry: &Entry,
        authority: &Certificate,
    ) -> Result<(), Check> {
        let paid = match self.pass {
            Pass::First => Paid::Work,
            Pass::Installed | Pass::Namesakes => Paid::Namesakes,
        };
        // From the authority down.
        let mut above = Link {
            certificate: authority,
            installed: true,
        };
        for node in at.iter().rev() {
            let gone = (ReasonCode::UnknownIssuer, Detail::None);
            let below = self.nodes.link(*node).ok_or(Check::Stopped(gone))?;
            self.signatures.check(self.case, below, above, paid)?;
            above = below;
        }
        let mut whole = path.to_vec();
        whole.push(authority.clone());
        if let Err(fall) = self.built.one_more(self.case, &whole, entry) {
            self.over = true;
            return Err(Check::Stopped(fall));
        }
        let pairs = self.signatures.of_path(&whole);
        let pairs = pairs.ok_or_else(|| Check::Fell(signatures::wrong()))?;
        let verified = path::verify_linear(self.case, self.end_entity, &whole, &pairs, entry);
        verified.map_err(|fall| {
            // By whatever path, the signer of a revoked end entity is the same.
            let leaf = self.case.leaf.fingerprint();
            self.over =
                matches!(&fall.1, Detail::Revoked { certificate, .. } if *certificate == leaf);
            if self.over {
                Check::Stopped(fall)
            } else {
                Check::Fell(fall)
            }
        })
    }

    /// Candidates for the issuer of a node; notes what fell away while they were looked for.
    fn issuers_of(&mut self, at: usize) -> Arc<[Above]> {
        let above = self.nodes.issuers_of(at);
        for (fingerprint, entry, fall) in core::mem::take(&mut self.nodes.fallen) {
            self.fell(fingerprint, entry.as_ref(), fall);
        }
        if core::mem::take(&mut self.nodes.left_out) {
            self.note(too_many());
        }
        above
    }

    fn fell(&mut self, fingerprint: Fingerprint, entry: Option<&EntryKey>, fall: Fall) {
        let again = self.pass != Pass::First;
        self.fallen.fell(fingerprint, entry, fall, again);
    }

    fn note(&mut self, fall: Fall) {
        self.fallen.note(fall);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Whether one more candidate may be looked at.
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        if let Err(fall) = work::within(self.steps, MAX_PATH_STEPS) {
            self.stopped.get_or_insert(fall);
        }
        !self.is_stopped()
    }

    pub(super) fn why_not(mut self) -> Fall {
        let has_issuer = self.signatures.has_issuer(self.case.leaf);
        self.fallen.why_not(self.case, &mut self.nodes, has_issuer)
    }
}
