//! Proposing slots for the certificates of a mixed bundle (rule I1).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{TrustStore, threads};
use crate::certificate::{Certificate, KeyPolicy, SignatureCheck, canonical_name};

/// Most candidate issuers that are tried for one certificate of a bundle. A CA is rarely re-issued more often under one
/// name.
const MAX_SAME_SUBJECT: usize = 16;

/// What [`classify_bundle`](TrustStore::classify_bundle) proposes for a certificate, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuggestedSlot {
    /// An end entity whose issuer is in the bundle. Skip it: its issuer vouches for it, and as a pin it would exclude
    /// every other certificate.
    Skip,
    /// An end entity whose issuer is not in the bundle.
    Pin,
    /// A CA whose issuer is in the bundle.
    Intermediate,
    /// A self-signed CA that issued nothing else in the bundle: a key server's own certificate, or an
    /// authority. Only the administrator knows.
    Undecided,
    /// Any other CA.
    Authority,
}

/// What an administrator decided for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Do not install it.
    Skip,
    /// Install it as a pin.
    Pin,
    /// Install it as an intermediate.
    Intermediate,
    /// Install it as an authority.
    Authority,
    /// Not decided yet: the bundle cannot be installed.
    Undecided,
}

impl From<SuggestedSlot> for Decision {
    fn from(proposal: SuggestedSlot) -> Self {
        match proposal {
            SuggestedSlot::Skip => Self::Skip,
            SuggestedSlot::Pin => Self::Pin,
            SuggestedSlot::Intermediate => Self::Intermediate,
            SuggestedSlot::Undecided => Self::Undecided,
            SuggestedSlot::Authority => Self::Authority,
        }
    }
}

/// One certificate of a bundle.
#[derive(Clone, Debug)]
pub struct BundleItem {
    certificate: Certificate,
    proposal: SuggestedSlot,
    decision: Decision,
}

impl BundleItem {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What was proposed.
    pub fn proposal(&self) -> SuggestedSlot {
        self.proposal
    }

    /// What will be done.
    pub fn decision(&self) -> Decision {
        self.decision
    }
}

/// A bundle with a proposal for each certificate. It is not installed yet.
#[derive(Clone, Debug)]
pub struct Bundle {
    items: Vec<BundleItem>,
}

impl Bundle {
    /// The certificates in their order.
    pub fn items(&self) -> &[BundleItem] {
        &self.items
    }

    /// Decides for the certificate at `index` (from 0); `false` if there is none.
    pub fn decide(&mut self, index: usize, decision: Decision) -> bool {
        match self.items.get_mut(index) {
            Some(item) => {
                item.decision = decision;
                true
            }
            None => false,
        }
    }
}

impl TrustStore {
    /// Proposes a slot for each certificate of a bundle. Nothing is installed.
    ///
    /// Whether one certificate issued another is judged by name and signature.
    pub fn classify_bundle(&self, certificates: Vec<Certificate>) -> Bundle {
        let mut by_subject: HashMap<Cow<'_, [u8]>, Vec<usize>> = HashMap::new();
        for (index, certificate) in certificates.iter().enumerate() {
            let subject = canonical_name(certificate.subject_der());
            by_subject.entry(subject).or_default().push(index);
        }
        let keys = *self.key_policy();
        let issuers: Vec<Option<usize>> = threads::each(&certificates, |certificate| {
            let named = by_subject.get(&canonical_name(certificate.issuer_der()))?;
            let candidates = named.iter().take(MAX_SAME_SUBJECT).copied();
            let mut candidates = candidates.filter_map(|at| Some((at, certificates.get(at)?)));
            candidates
                .find(|(_, issuer)| issued(&keys, issuer, certificate))
                .map(|(at, _)| at)
        });
        let issued_some: HashSet<usize> = issuers.iter().copied().flatten().collect();
        let issued_another = |index: usize| issued_some.contains(&index);
        let items = certificates
            .iter()
            .enumerate()
            .map(|(index, certificate)| {
                let has_issuer = issuers.get(index).is_some_and(Option::is_some);
                let proposal = match (certificate.is_ca(), has_issuer) {
                    (false, true) => SuggestedSlot::Skip,
                    (false, false) => SuggestedSlot::Pin,
                    (true, true) => SuggestedSlot::Intermediate,
                    (true, false) => {
                        let own = certificate.names_own_key() != Some(false);
                        if own && !issued_another(index) {
                            SuggestedSlot::Undecided
                        } else {
                            SuggestedSlot::Authority
                        }
                    }
                };
                BundleItem {
                    certificate: certificate.clone(),
                    proposal,
                    decision: proposal.into(),
                }
            })
            .collect();
        Bundle { items }
    }
}

/// Whether `issuer`, another certificate with a CA's role, signed `certificate`.
fn issued(keys: &KeyPolicy, issuer: &Certificate, certificate: &Certificate) -> bool {
    if issuer == certificate || !issuer.is_ca() || issuer.has_key_of(certificate) {
        // Two certificates of one self-signed CA have the same key. Neither issued the other in the sense of a chain.
        return false;
    }
    let key = issuer.subject_public_key_info();
    match keys.check_signature(key, certificate) {
        SignatureCheck::Verified => true,
        SignatureCheck::Wrong => false,
        // The signature cannot be verified here. The key identifiers are the next best evidence.
        SignatureCheck::Unsupported => {
            match (certificate.authority_key_id(), issuer.subject_key_id()) {
                (Some(authority), Some(subject)) => authority == subject,
                _ => !certificate.is_self_issued(),
            }
        }
    }
}
