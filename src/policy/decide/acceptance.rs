//! A yes as a value. Its fields are private and its constructors are for `decide` alone.

use std::sync::Arc;

use super::super::ReasonCode;
use super::super::peer::{PeerIdentity, names_of};
use crate::certificate::{Certificate, Fingerprint, SanName};
use crate::store::Entry;

/// That a peer may be trusted, and what shows it. Copies are cheap.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Acceptance {
    reason: ReasonCode,
    presented: Fingerprint,
    by: Arc<Entry>,
    chain: Option<Arc<ChainFacts>>,
}

#[derive(Debug)]
struct ChainFacts {
    path: Vec<Certificate>,
    names: Vec<String>,
}

impl Acceptance {
    /// `leaf` matches the pin `by`.
    pub(super) fn by_pin(leaf: &Certificate, by: Arc<Entry>, reason: ReasonCode) -> Self {
        Self {
            reason,
            presented: leaf.fingerprint(),
            by,
            chain: None,
        }
    }

    /// A verified path leads from its first certificate to the authority `by`.
    pub(super) fn by_chain(leaf: &Certificate, by: Arc<Entry>, path: Vec<Certificate>) -> Self {
        let patterns = by.options().san_patterns();
        // P7: with patterns, only the names that match one identify the peer.
        let offered = |name: &SanName<'_>| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
        };
        let names = names_of(leaf, offered).collect();
        Self {
            reason: ReasonCode::ChainVerified,
            presented: leaf.fingerprint(),
            chain: Some(Arc::new(ChainFacts { path, names })),
            by,
        }
    }

    pub(in crate::policy) fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// The pin that matched, or the authority in which the chain ends.
    pub(in crate::policy) fn by(&self) -> &Entry {
        &self.by
    }

    pub(in crate::policy) fn peer(&self) -> PeerIdentity {
        match &self.chain {
            None => PeerIdentity::Pin {
                fingerprint: self.presented,
                label: self.by.options().label().map(str::to_owned),
            },
            Some(chain) => PeerIdentity::Chain {
                fingerprint: self.presented,
                names: chain.names.clone(),
            },
        }
    }

    /// The verified path from the end entity to the authority, both included; empty for a pin.
    pub(in crate::policy) fn path(&self) -> &[Certificate] {
        self.chain.as_ref().map_or(&[], |chain| &chain.path)
    }
}
