//! Rollout of a new own certificate: the servers that accept it.
//!
//! The certificates that a remote machine accepts are not known here. Known are the servers to which the new
//! certificate is presented, and the servers that answered on such a connection.

use std::collections::BTreeSet;

use super::LockoutAllowance;
use crate::admin::plan::error::PlanError;
use crate::admin::{Peer, PeerHistory};
use crate::certificate::Fingerprint;
use crate::store::{ServerId, Truncated, TrustSnapshot};

/// The servers by their progress. Servers that are not confirmed may refuse us when the old certificate is removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRenewal {
    not_presented: Truncated<ServerId>,
    not_confirmed: Truncated<ServerId>,
    confirmed: Truncated<ServerId>,
    /// Every server that may refuse us.
    open: BTreeSet<Peer>,
}

impl OwnRenewal {
    /// Servers to which the new certificate is not presented yet.
    pub fn not_presented(&self) -> &Truncated<ServerId> {
        &self.not_presented
    }

    /// Servers to which it is presented and that have not been seen to accept it.
    pub fn not_confirmed(&self) -> &Truncated<ServerId> {
        &self.not_confirmed
    }

    /// Servers that were seen to accept it.
    pub fn confirmed(&self) -> &Truncated<ServerId> {
        &self.confirmed
    }

    /// Whether every server was seen to accept it, so that the old certificate can be removed.
    pub fn is_complete(&self) -> bool {
        self.not_presented.is_empty() && self.not_confirmed.is_empty()
    }

    /// Asks before the old certificate is given up, for instance by [`Identities::commit`](crate::tls::Identities::commit):
    /// every server must have been seen to accept the new one, but those that `allowed` names.
    ///
    /// # Errors
    /// Other servers were not seen to accept it, and may refuse us.
    #[doc(hidden)]
    pub fn guard(&self, allowed: &LockoutAllowance) -> Result<(), PlanError> {
        let mut lost = Truncated::default();
        let held = self.open.iter().filter(|peer| !allowed.0.contains(*peer));
        held.for_each(|peer| lost.push(peer.clone()));
        if lost.is_empty() {
            return Ok(());
        }
        Err(PlanError::Loses { lost })
    }
}

/// Finds the progress of each server with our certificate `next`.
///
/// `presented_to` says which of our certificates is presented to a server: with [`Identities`](crate::tls::Identities),
/// `|id| identities.presented_to(id).certificate().fingerprint()`. Acceptance is known from the calls of
/// [`PeerHistory::confirm_own`].
pub fn own_renewal(
    view: &TrustSnapshot,
    seen: &PeerHistory,
    next: Fingerprint,
    presented_to: impl Fn(&ServerId) -> Fingerprint,
) -> OwnRenewal {
    let mut renewal = OwnRenewal::default();
    for server in view.servers() {
        let id = server.id();
        let list = if presented_to(id) != next {
            &mut renewal.not_presented
        } else if seen.own_confirmed(id) == Some(next) {
            &mut renewal.confirmed
        } else {
            &mut renewal.not_confirmed
        };
        list.push(id.clone());
    }
    let is_open = |id: &ServerId| presented_to(id) != next || seen.own_confirmed(id) != Some(next);
    let open = view.servers().map(|server| server.id());
    let open = open.filter(|id| is_open(id)).cloned();
    renewal.open = open.map(Peer::Server).collect();
    renewal
}
