//! The search for a path: from the end entity up, authorities before intermediates, within bounds (rule C5).
//!
//! Names are followed without looking at signatures. Where they lead to an authority, the signatures are verified
//! from there down: the first is one that only the authority can have made, so what a stranger sends costs him more
//! than us. What is known of a pair of certificates is not asked again.

use std::collections::HashSet;
use std::sync::Arc;

use super::decide::Case;
use super::issuers::{self, Place};
use super::nodes::{Above, Nodes, Told};
use super::path::EndEntity;
use super::signatures::{self, Check, Link, Paid, Signatures};
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, constraints, explain, names, path, revocation, work};
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::{
    MAX_CONSIDERED, MAX_CONSTRAINT_COMPARISONS, MAX_INTERMEDIATES_IN_PATH, MAX_LISTS_ASKED,
    MAX_MISMATCHES_TRIED, MAX_NAMESAKE_SIGNATURES, MAX_NAMESAKES_EXAMINED, MAX_PATH_STEPS,
    MAX_PATHS_TRIED,
};
use crate::store::{Bounded, Entry, EntryKey, Scope, Slot};

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
    tried: usize,
    comparisons: usize,
    lists: usize,
    best: Option<Fall>,
    /// What is among the considered: a later pass does not name it again.
    named: HashSet<Fingerprint>,
    considered: &'b mut Bounded<Considered>,
}

/// How a path to one authority ended.
enum Tried {
    Verified,
    Fell(Fall),
    /// Nothing more is tried in this pass.
    Stopped(Fall),
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
            tried: 0,
            comparisons: 0,
            lists: 0,
            best: None,
            named: HashSet::new(),
            considered,
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
        let authorities = data.candidates(
            Slot::Authority,
            self.scope.clone(),
            last.issuer_der(),
            last.authority_key_id(),
            MAX_MISMATCHES_TRIED,
        );
        let signer = self.nodes.signer(own);
        // Whether one of them may have signed it, and one that has not.
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
            any = true;
            let told = Told::of(&last, certificate);
            if !self.is_for_this_pass(own, certificate, true, told) {
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
                Err(fall) => Tried::Fell(fall),
            };
            let fall = match tried {
                Tried::Verified => {
                    path.push(certificate.clone());
                    return Some((entry.clone(), core::mem::take(path)));
                }
                Tried::Fell(fall) => fall,
                Tried::Stopped(fall) => {
                    self.stopped = Some(fall.clone());
                    fall
                }
            };
            self.fell(certificate.fingerprint(), Some(&entry.key()), fall);
            if self.is_stopped() || self.is_broken(path) {
                return None;
            }
        }
        if !any {
            self.nodes.set_rootless(own);
            if let Some(entry) = other {
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
    ) -> Tried {
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
            let Some(below) = self.nodes.link(*node) else {
                return Tried::Stopped((ReasonCode::UnknownIssuer, Detail::None));
            };
            match self.signatures.check(self.case, below, above, paid) {
                Ok(()) => above = below,
                Err(Check::Fell(fall)) => return Tried::Fell(fall),
                Err(Check::Stopped(fall)) => return Tried::Stopped(fall),
            }
        }
        let mut whole = path.to_vec();
        whole.push(authority.clone());
        if let Err(fall) = self.may_be_built(&whole, entry) {
            self.over = true;
            return Tried::Stopped(fall);
        }
        let Some(pairs) = self.signatures.of_path(&whole) else {
            return Tried::Fell((ReasonCode::ChainSignatureInvalid, Detail::None));
        };
        match path::verify_linear(self.case, self.end_entity, &whole, &pairs, entry) {
            Ok(()) => Tried::Verified,
            Err(fall) => {
                // By whatever path, its signer is the same.
                self.over = matches!(&fall.1, Detail::Revoked { certificate, .. } if *certificate == self.case.leaf.fingerprint());
                if self.over {
                    Tried::Stopped(fall)
                } else {
                    Tried::Fell(fall)
                }
            }
        }
    }

    /// Whether the path builder may be given one more path, of which every signature is verified: paths, comparisons of
    /// names and look-ups in revocation lists are bounded for all of them together.
    fn may_be_built(&mut self, whole: &[Certificate], entry: &Entry) -> Result<(), Fall> {
        let of_patterns = constraints::of_patterns(self.case.leaf, entry);
        self.comparisons = self
            .comparisons
            .saturating_add(constraints::comparisons(whole))
            .saturating_add(of_patterns);
        if self.comparisons > MAX_CONSTRAINT_COMPARISONS {
            let (found, limit) = (self.comparisons, MAX_CONSTRAINT_COMPARISONS);
            return Err((
                ReasonCode::TooManyConstraints,
                Detail::Limit { found, limit },
            ));
        }
        self.tried = self.tried.saturating_add(1);
        work::within(self.tried, MAX_PATHS_TRIED)?;
        self.lists = self
            .lists
            .saturating_add(revocation::count(self.case, whole));
        // One path is judged whatever its issuers have.
        if self.tried > 1 {
            work::within(self.lists, MAX_LISTS_ASKED)?;
        }
        Ok(())
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
        let new = self.named.insert(fingerprint) || self.pass == Pass::First;
        if !new {
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
        if let Some(best) = self.best.take() {
            return best;
        }
        let mut text = self.missing();
        let met = (0..MAX_CONSIDERED).map_while(|at| self.nodes.certificate(at));
        if let Some(why) = names::encoded_differently(self.case, met) {
            text.push_str(&why);
        }
        (ReasonCode::UnknownIssuer, Detail::Text(text))
    }

    /// Which issuer is missing, up from the end entity along the first candidates.
    fn missing(&mut self) -> String {
        let mut passed = vec![0];
        loop {
            let own = passed.last().copied().unwrap_or(0);
            let above = self.nodes.issuers_of(own);
            let next = above.first().map(|above| above.node);
            // The names of longer chains tell nothing more: no path is that long.
            let next = next.filter(|_| passed.len() <= MAX_INTERMEDIATES_IN_PATH);
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

/// More of one name than are tried.
fn too_many() -> Fall {
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
