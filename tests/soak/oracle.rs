//! What was installed in each generation, kept apart from the crate, and what a verdict must therefore be.

use std::collections::BTreeMap;
use std::sync::RwLock;

use mutual_trust::{ReasonCode, Verdict};

/// Who is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Server(usize),
    Client(usize),
    Stranger(usize),
}

/// What is installed: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Installed {
    pub(crate) servers: u64,
    pub(crate) clients: u64,
    pub(crate) strangers: u64,
    pub(crate) blocked_servers: u64,
    pub(crate) blocked_clients: u64,
}

impl Installed {
    /// The reason code of the only right verdict. Every server is claimed, and one client is always installed.
    pub(crate) fn reason(&self, peer: Peer) -> ReasonCode {
        let bit = |bits: u64, index: usize| bits >> index & 1 == 1;
        let (blocked, pinned, otherwise) = match peer {
            Peer::Server(index) => (
                bit(self.blocked_servers, index),
                bit(self.servers, index),
                ReasonCode::NoUsablePin,
            ),
            Peer::Client(index) => (
                bit(self.blocked_clients, index),
                bit(self.clients, index),
                ReasonCode::PinDoesNotMatch,
            ),
            Peer::Stranger(index) => (
                false,
                bit(self.strangers, index),
                ReasonCode::PinDoesNotMatch,
            ),
        };
        match (blocked, pinned) {
            (true, _) => ReasonCode::Blocked,
            (false, true) => ReasonCode::PinMatched,
            (false, false) => otherwise,
        }
    }
}

/// How many generations are remembered: far more than are published while one handshake is made.
const REMEMBERED: usize = 50_000;

/// By generation.
#[derive(Default)]
pub(crate) struct Oracle(RwLock<BTreeMap<u64, Installed>>);

impl Oracle {
    /// To be called before the generation is published.
    pub(crate) fn note(&self, generation: u64, installed: Installed) {
        let mut all = self.0.write().unwrap();
        all.insert(generation, installed);
        if all.len() > REMEMBERED {
            all.pop_first();
        }
    }

    pub(crate) fn check(&self, peer: Peer, verdict: &Verdict) {
        let all = self.0.read().unwrap();
        let installed = all.get(&verdict.generation());
        let installed = installed.unwrap_or_else(|| panic!("never published: {verdict}"));
        let right = installed.reason(peer);
        assert_eq!(
            verdict.reason(),
            right,
            "{peer:?} in {installed:?}: {verdict}"
        );
        assert_eq!(verdict.is_accepted(), right == ReasonCode::PinMatched);
    }
}
