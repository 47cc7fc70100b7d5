//! The certificates that a search has found, each once, and the candidates for the issuer of each.

use std::sync::Arc;

use pki_types::CertificateDer;

use super::case::Case;
use super::detail::Rejection;
use super::issuers;
use super::profile::Place;
use super::signatures::Link;
use super::work::Work;
use crate::certificate::sorted::sort_by;
use crate::certificate::{Certificate, Fingerprint, canonical_name, der};
use crate::limits::{MAX_MISMATCHES_TRIED, MAX_SAME_SUBJECT_EXAMINED, MAX_SAME_SUBJECT_SIGNATURES};
use crate::store::{EntryKey, Scope, Signer, Slot, TrustSnapshot, Wanted};

/// How the key identifier of a candidate compares with the one that a certificate names for its issuer. Candidates are
/// tried in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyIdMatch {
    /// They are the same.
    Same,
    /// One of the two certificates has none.
    Absent,
    /// They differ.
    Other,
}

impl KeyIdMatch {
    pub(super) fn of(below: &Certificate, above: &Certificate) -> Self {
        match (below.authority_key_id(), above.subject_key_id()) {
            (Some(wanted), Some(own)) if wanted == own => Self::Same,
            (Some(_), Some(_)) => Self::Other,
            _ => Self::Absent,
        }
    }
}

/// A candidate for the issuer of a node.
#[derive(Clone, Copy)]
pub(super) struct Above {
    pub(super) node: usize,
    pub(super) key_id: KeyIdMatch,
}

/// A certificate that may stand below an authority in a path.
struct Node {
    certificate: Certificate,
    /// It is installed as an intermediate, whether the peer presents it or not.
    installed: bool,
    above: Option<Arc<[Above]>>,
    /// The name of its issuer in canonical form.
    issuer: Option<Arc<[u8]>>,
    /// No authority has the name of its issuer, or none has the key that signed it.
    rootless: bool,
}

/// A certificate that was rejected while candidates were looked for, its entry if it is installed, and why.
pub(super) type Rejected = (Fingerprint, Option<EntryKey>, Rejection);

pub(super) struct Nodes<'a> {
    case: &'a Case<'a>,
    presented: Presented<'a>,
    /// The end entity, then every intermediate that was met and may stand in a path.
    all: Vec<Node>,
    /// The presented certificates of a name, keyed by a certificate whose issuer has that name.
    by_name: Vec<(Certificate, Arc<[usize]>)>,
    pub(super) rejected: Vec<Rejected>,
    /// Whether installed intermediates of one name were left out.
    pub(super) left_out: bool,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(case: &'a Case<'a>) -> Self {
        let mut nodes = Self {
            case,
            presented: Presented::new(case.leaf.der(), case.question.intermediates),
            all: Vec::new(),
            by_name: Vec::new(),
            rejected: Vec::new(),
            left_out: false,
        };
        // An end entity is no CA: as what it may be installed says nothing of its issuer.
        nodes.all.push(Node {
            certificate: case.leaf.clone(),
            installed: false,
            above: None,
            issuer: None,
            rootless: false,
        });
        nodes
    }

    pub(super) fn certificate(&self, at: usize) -> Option<&Certificate> {
        self.all.get(at).map(|node| &node.certificate)
    }

    pub(super) fn link(&self, at: usize) -> Option<Link<'_>> {
        self.all.get(at).map(|node| Link {
            certificate: &node.certificate,
            installed: node.installed,
        })
    }

    pub(super) fn is_rootless(&self, at: usize) -> bool {
        self.all.get(at).is_some_and(|node| node.rootless)
    }

    pub(super) fn set_rootless(&mut self, at: usize) {
        if let Some(node) = self.all.get_mut(at) {
            node.rootless = true;
        }
    }

    /// The known signer of an installed node. It was verified at installation, and counts if the policy of this verdict
    /// allows that signature too.
    pub(super) fn signer(&self, at: usize) -> Signer<'a> {
        let Some(node) = self.all.get(at).filter(|node| node.installed) else {
            return Signer::Unknown;
        };
        match self.case.view.data().signer(&node.certificate) {
            Signer::Is(issued) if !self.case.policy.key_policy().stands_by(issued) => {
                Signer::Unknown
            }
            known @ (Signer::Is(_) | Signer::NotInstalled | Signer::Unknown) => known,
        }
    }

    /// The name of the issuer of a node in canonical form. A search looks for it in each path, so it is made once.
    pub(super) fn issuer_name(&mut self, at: usize) -> Arc<[u8]> {
        let Some(node) = self.all.get_mut(at) else {
            return Arc::default();
        };
        let issuer = node.certificate.issuer_der();
        let name = node
            .issuer
            .get_or_insert_with(|| canonical_name(issuer).into());
        name.clone()
    }

    /// Candidates for the issuer of a node that may stand in a path. First those with the key identifier that the node
    /// names, then those without one, then the others; in each group, what the peer presents in its own order, then what is
    /// installed. If the key that signed the node is known, only certificates with that key.
    pub(super) fn issuers_of(&mut self, at: usize) -> Arc<[Above]> {
        let Some(node) = self.all.get(at) else {
            return Arc::default();
        };
        if let Some(known) = &node.above {
            return known.clone();
        }
        let below = node.certificate.clone();
        let mut above = self.presented_above(&below).to_vec();
        for installed in self.installed_above(at, &below) {
            if !above.contains(&installed) {
                above.push(installed);
            }
        }
        // An entry that accepts nothing does not stand before what the peer presents.
        let presented: Vec<Fingerprint> = above
            .iter()
            .filter_map(|one| Some(self.certificate(*one)?.fingerprint()))
            .collect();
        self.rejected
            .retain(|(fingerprint, entry, _)| entry.is_none() || !presented.contains(fingerprint));
        let signer = self.signer(at);
        let candidates = above.into_iter().filter_map(|node| {
            let candidate = self.all.get(node)?;
            let may = signer.may_be(&candidate.certificate, candidate.installed);
            let key_id = KeyIdMatch::of(&below, &candidate.certificate);
            may.then_some(Above { node, key_id })
        });
        let mut above: Vec<Above> = candidates.collect();
        sort_by(&mut above, |one, other| one.key_id.cmp(&other.key_id));
        let above: Arc<[Above]> = above.into();
        if let Some(node) = self.all.get_mut(at) {
            node.above = Some(above.clone());
        }
        above
    }

    /// Presented certificates with the name of the issuer of `below`, in the peer's own order, each once.
    fn presented_above(&mut self, below: &Certificate) -> Arc<[usize]> {
        let mut known = self.by_name.iter();
        let same = |(other, _): &&(Certificate, _)| other.issuer_der() == below.issuer_der();
        if let Some((_, found)) = known.find(same) {
            return found.clone();
        }
        let case = self.case;
        let found = self
            .presented
            .with_subject(case.view, below.issuer_der(), case.work);
        let mut all: Vec<usize> = Vec::with_capacity(found.len());
        for certificate in found {
            match issuers::check(case, &certificate, Place::Intermediate) {
                Ok(()) => {
                    let node = self.node(certificate);
                    if !all.contains(&node) {
                        all.push(node);
                    }
                }
                Err(rejection) => self.reject(certificate.fingerprint(), None, rejection),
            }
        }
        let all: Arc<[usize]> = all.into();
        self.by_name.push((below.clone(), all.clone()));
        all
    }

    /// Installed intermediates with the name of the issuer of `below`, in the order in which they are tried.
    fn installed_above(&mut self, at: usize, below: &Certificate) -> Vec<usize> {
        let case = self.case;
        let canonical = self.issuer_name(at);
        let name = below.issuer_der();
        let mut installed = case.view.data().candidates(
            Slot::Intermediate,
            Scope::Everyone,
            Wanted::new(name, &canonical),
            below.authority_key_id(),
            MAX_MISMATCHES_TRIED,
        );
        let mut all = Vec::new();
        for (entry, certificate) in installed.by_ref().take(MAX_SAME_SUBJECT_EXAMINED) {
            let fit = case
                .timing
                .entry(entry)
                .and_then(|()| issuers::check(case, certificate, Place::Intermediate));
            match fit {
                Ok(()) if all.len() >= MAX_SAME_SUBJECT_SIGNATURES => {
                    self.left_out = true;
                    return all;
                }
                Ok(()) => all.push(self.node(certificate.clone())),
                Err(rejection) => {
                    self.reject(certificate.fingerprint(), Some(entry.key()), rejection);
                }
            }
        }
        self.left_out |= installed.next().is_some();
        all
    }

    fn reject(&mut self, fingerprint: Fingerprint, entry: Option<EntryKey>, rejection: Rejection) {
        // What is presented and installed is named once, by its entry.
        let mut rejected = self.rejected.iter_mut();
        match rejected.find(|(known, _, _)| *known == fingerprint) {
            Some((_, held, _)) => *held = entry.or(held.take()),
            None => self.rejected.push((fingerprint, entry, rejection)),
        }
    }

    /// The node of a certificate; a new one if it has none yet.
    fn node(&mut self, certificate: Certificate) -> usize {
        let mut all = self.all.iter();
        if let Some(known) = all.position(|node| node.certificate == certificate) {
            return known;
        }
        self.all.push(Node {
            installed: self.entry(&certificate).is_some(),
            certificate,
            above: None,
            issuer: None,
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

/// A presented certificate: its bytes, the name in them, and what was read. It is read when a path first needs it.
struct One<'a> {
    bytes: &'a [u8],
    subject: &'a [u8],
    read: Option<Option<Certificate>>,
}

struct Presented<'a>(Vec<One<'a>>);

impl<'a> Presented<'a> {
    /// Leaves out what has no readable name, since it completes no path, and the end entity, which some peers send twice.
    fn new(end_entity: &[u8], all: &'a [CertificateDer<'a>]) -> Self {
        let others = all.iter().filter(|bytes| bytes.as_ref() != end_entity);
        let named = others.filter_map(|bytes| {
            Some(One {
                bytes,
                subject: der::subject_of(bytes)?,
                read: None,
            })
        });
        Self(named.collect())
    }

    /// The certificates with this subject, in the order in which they were presented, as far as there is work left to
    /// read them.
    fn with_subject(
        &mut self,
        view: &TrustSnapshot,
        subject: &[u8],
        work: &Work,
    ) -> Vec<Certificate> {
        let named = self.0.iter_mut().filter(|one| one.subject == subject);
        named
            .filter_map(|one| match &one.read {
                Some(read) => read.clone(),
                None => {
                    let known = view.data().known(one.bytes).cloned();
                    if known.is_none() && work.spend(1).is_err() {
                        return None;
                    }
                    // What was read before costs as much work as to read it. What cannot be read completes no path.
                    let read = known
                        .or_else(|| view.data().read_before(one.bytes))
                        .or_else(|| Certificate::from_der(one.bytes).ok());
                    one.read = Some(read.clone());
                    read
                }
            })
            .collect()
    }
}
