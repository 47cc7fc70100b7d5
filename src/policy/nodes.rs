//! The certificates that a search has met, each once, and the candidates for the issuer of each.

use core::cmp::Reverse;
use std::sync::Arc;

use super::decide::Case;
use super::issuers::{self, Place};
use super::presented::Presented;
use super::timing::Fall;
use super::work::Work;
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::MAX_NAMESAKES_TRIED;
use crate::store::{EntryKey, Scope, Slot};

/// The order in which intermediates of one name are tried: those that are valid now, those that last longest, then
/// by fingerprint. It does not depend on the order in which they were installed or presented.
type Rank = (bool, Reverse<i64>, Fingerprint);

/// A certificate that may stand below an authority in a path.
struct Node {
    certificate: Certificate,
    rank: Rank,
    above: Option<Arc<[usize]>>,
    /// No authority has the name of its issuer.
    rootless: bool,
}

/// What fell away when candidates were looked for: a certificate, its entry if it is installed, and why.
pub(super) type Fallen = (Fingerprint, Option<EntryKey>, Fall);

pub(super) struct Nodes<'a> {
    case: &'a Case<'a>,
    presented: Presented<'a>,
    /// The end entity, then every intermediate that was met and may stand in a path.
    all: Vec<Node>,
    /// The presented ones of a name, by a certificate whose issuer has that name.
    by_name: Vec<(Certificate, Arc<[usize]>)>,
    pub(super) fallen: Vec<Fallen>,
    /// How many installed intermediates of one name were left out.
    pub(super) left_out: usize,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(case: &'a Case<'a>) -> Self {
        let mut nodes = Self {
            case,
            presented: Presented::new(case.leaf.der(), case.question.intermediates),
            all: Vec::new(),
            by_name: Vec::new(),
            fallen: Vec::new(),
            left_out: 0,
        };
        nodes.add(case.leaf.clone());
        nodes
    }

    pub(super) fn certificate(&self, at: usize) -> Option<&Certificate> {
        self.all.get(at).map(|node| &node.certificate)
    }

    pub(super) fn is_rootless(&self, at: usize) -> bool {
        self.all.get(at).is_some_and(|node| node.rootless)
    }

    pub(super) fn set_rootless(&mut self, at: usize) {
        if let Some(node) = self.all.get_mut(at) {
            node.rootless = true;
        }
    }

    /// Candidates for the issuer of a node, installed ones and presented ones, which may stand in a path: those with
    /// the key identifier that is asked for, then those without one, then the others; each by its rank.
    pub(super) fn issuers_of(&mut self, at: usize, work: &mut Work) -> Arc<[usize]> {
        let Some(node) = self.all.get(at) else {
            return Arc::default();
        };
        if let Some(known) = &node.above {
            return known.clone();
        }
        let below = node.certificate.clone();
        let presented = self.presented_above(&below, work);
        let mut above = self.installed_above(&below);
        let only_presented = above.is_empty();
        for &one in presented.iter() {
            if only_presented || !above.contains(&one) {
                above.push(one);
            }
        }
        // An entry that accepts nothing does not stand before what the peer presents.
        let all = &self.all;
        self.fallen.retain(|(fingerprint, entry, _)| {
            let mut found = presented.iter().filter_map(|one| all.get(*one));
            entry.is_none() || !found.any(|node| node.rank.2 == *fingerprint)
        });
        if !only_presented {
            above.sort_by_key(|one| self.all.get(*one).map(|node| node.rank));
        }
        let wanted = below.authority_key_id();
        // Stable: within a class the rank decides.
        above.sort_by_key(|one| {
            let own = self.certificate(*one).and_then(Certificate::subject_key_id);
            match (wanted, own) {
                (Some(wanted), Some(own)) if wanted == own => 0,
                (Some(_), Some(_)) => 2,
                _ => 1_u8,
            }
        });
        let above: Arc<[usize]> = above.into();
        if let Some(node) = self.all.get_mut(at) {
            node.above = Some(above.clone());
        }
        above
    }

    /// Presented certificates with the name of the issuer of `below`, by rank.
    fn presented_above(&mut self, below: &Certificate, work: &mut Work) -> Arc<[usize]> {
        let mut known = self.by_name.iter();
        let same = |(other, _): &&(Certificate, _)| other.issuer_der() == below.issuer_der();
        if let Some((_, found)) = known.find(same) {
            return found.clone();
        }
        let view = self.case.view;
        let found = self.presented.with_subject(view, below.issuer_der(), work);
        let mut all: Vec<usize> = Vec::with_capacity(found.len());
        for certificate in found {
            match issuers::check(self.case, &certificate, Place::Intermediate) {
                Ok(()) => all.push(self.node(certificate)),
                Err(fall) => self.fell(certificate.fingerprint(), None, fall),
            }
        }
        all.sort_by_key(|one| self.all.get(*one).map(|node| node.rank));
        all.dedup();
        let all: Arc<[usize]> = all.into();
        self.by_name.push((below.clone(), all.clone()));
        all
    }

    /// Installed intermediates with the name of the issuer of `below`.
    fn installed_above(&mut self, below: &Certificate) -> Vec<usize> {
        let case = self.case;
        let mut installed = case.view.data().candidates(
            Slot::Intermediate,
            Scope::Everyone,
            below.issuer_der(),
            below.authority_key_id(),
            MAX_NAMESAKES_TRIED,
        );
        let mut all = Vec::new();
        for (entry, certificate) in installed.by_ref().take(MAX_NAMESAKES_TRIED) {
            let fit = case
                .timing
                .entry(entry)
                .and_then(|()| issuers::check(case, certificate, Place::Intermediate));
            match fit {
                Ok(()) => all.push(self.node(certificate.clone())),
                Err(fall) => {
                    self.fell(certificate.fingerprint(), Some(entry.key()), fall);
                }
            }
        }
        let left_out = installed.count();
        if left_out > 0 {
            self.left_out = left_out.saturating_add(MAX_NAMESAKES_TRIED);
        }
        all
    }

    fn fell(&mut self, fingerprint: Fingerprint, entry: Option<EntryKey>, fall: Fall) {
        // What is presented and installed is named once, by its entry.
        let mut fallen = self.fallen.iter_mut();
        match fallen.find(|(known, _, _)| *known == fingerprint) {
            Some((_, held, _)) => *held = entry.or(held.take()),
            None => self.fallen.push((fingerprint, entry, fall)),
        }
    }

    /// The node of a certificate; a new one if it was not met before.
    fn node(&mut self, certificate: Certificate) -> usize {
        let fingerprint = certificate.fingerprint();
        let mut all = self.all.iter();
        let known = all.position(|node| node.rank.2 == fingerprint);
        known.unwrap_or_else(|| self.add(certificate))
    }

    fn add(&mut self, certificate: Certificate) -> usize {
        let validity = certificate.validity();
        self.all.push(Node {
            rank: (
                self.case.timing.chain(validity).is_err(),
                Reverse(validity.not_after()),
                certificate.fingerprint(),
            ),
            certificate,
            above: None,
            rootless: false,
        });
        self.all.len().saturating_sub(1)
    }

    /// The entry that holds a node's certificate as an intermediate, if there is one.
    pub(super) fn entry(&self, certificate: &Certificate) -> Option<EntryKey> {
        let fingerprint = certificate.fingerprint();
        let key = EntryKey::new(Slot::Intermediate, Scope::Everyone, fingerprint);
        self.case.view.data().entry(&key).map(|_| key)
    }
}
