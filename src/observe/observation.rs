//! The observation of one handshake.

use std::sync::Arc;

use pki_types::CertificateDer;

use crate::certificate::{CurrentTime, HostName};
use crate::policy::Verdict;
use crate::store::ServerId;

/// What a handshake showed about its peer.
///
/// The adapters make it after the verdict; no verdict depends on it (rule S5).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observation {
    /// The expected server; `None` for clients, and for a dialled name that belongs to no server.
    pub server: Option<ServerId>,
    /// The name that was dialled, if that is known.
    pub dialled: Option<HostName>,
    /// What the peer presented, the end entity first.
    pub presented: Vec<CertificateDer<'static>>,
    /// The verdict, with the role of the peer, the generation and the entry that decided.
    pub verdict: Arc<Verdict>,
    /// The clock by which the verdict was made.
    pub clock: CurrentTime,
    /// Whether the peer proved that it has the key: the handshake signature verified (rule M2). Only then does an
    /// accepted verdict count.
    pub proved: bool,
}

impl Observation {
    /// Makes an observation of what was presented and of its verdict. The server and the dialled name are those of the
    /// verdict.
    pub fn new(
        verdict: Arc<Verdict>,
        presented: Vec<CertificateDer<'static>>,
        clock: CurrentTime,
        proved: bool,
    ) -> Self {
        Self {
            server: verdict.server().cloned(),
            dialled: verdict.dialled().cloned(),
            presented,
            verdict,
            clock,
            proved,
        }
    }

    /// Whether the peer was accepted and proved that it has its key.
    #[doc(hidden)]
    pub fn is_accepted(&self) -> bool {
        self.proved && self.verdict.is_accepted()
    }
}
