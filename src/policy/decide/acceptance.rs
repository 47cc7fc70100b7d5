//! A yes as a value. Its fields are private and its constructors are for `decide` alone.

use core::cell::RefCell;
use std::borrow::Cow;
use std::sync::Arc;

use super::super::ReasonCode;
use super::super::peer::{PeerIdentity, names_of};
use crate::certificate::apart::{Copies, clone_apart};
use crate::certificate::{Certificate, Fingerprint, SanName};
use crate::store::Entry;

thread_local! {
    static ENTRIES: RefCell<Copies<Entry>> = const { Copies::none() };
}

/// That a peer may be trusted, and what shows it. Copies are cheap.
///
/// A pin is that of the view until the acceptance is [kept](Self::kept): to hold it is to write to a count that all threads
/// share that judge this peer.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Acceptance<'a> {
    reason: ReasonCode,
    presented: Fingerprint,
    by: Cow<'a, Arc<Entry>>,
    chain: Option<Arc<ChainFacts>>,
}

/// That a peer may be trusted, and nothing of what shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Yes {
    reason: ReasonCode,
}

impl Yes {
    pub(crate) fn reason(self) -> ReasonCode {
        self.reason
    }
}

#[derive(Debug)]
struct ChainFacts {
    path: Vec<Certificate>,
    names: Vec<String>,
}

impl<'a> Acceptance<'a> {
    /// `leaf` matches the pin `by`.
    pub(super) fn by_pin(leaf: &Certificate, by: &'a Arc<Entry>, reason: ReasonCode) -> Self {
        Self {
            reason,
            presented: leaf.fingerprint(),
            by: Cow::Borrowed(by),
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
            by: Cow::Owned(by),
        }
    }

    /// The same without the view.
    pub(super) fn kept(self) -> Acceptance<'static> {
        Acceptance {
            reason: self.reason,
            presented: self.presented,
            by: Cow::Owned(match self.by {
                Cow::Borrowed(by) => clone_apart(&ENTRIES, by, |by| Arc::new(by.clone())),
                Cow::Owned(by) => by,
            }),
            chain: self.chain,
        }
    }

    /// The same as a yes for an adapter, which needs no more.
    pub(in crate::policy) fn given(&self) -> Yes {
        Yes {
            reason: self.reason,
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
