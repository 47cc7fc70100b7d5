//! A new certificate of our own: which servers are ready for it.
//!
//! What a remote machine accepts cannot be known here. What can be told is to whom the new certificate is presented,
//! and who answered on a connection on which it was.

use crate::admin::PeerHistory;
use crate::certificate::Fingerprint;
use crate::store::{ServerId, Truncated, TrustSnapshot};

/// The servers by how far they are. Those that are not confirmed would be risked by letting go of the old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRenewal {
    not_presented: Truncated<ServerId>,
    not_confirmed: Truncated<ServerId>,
    confirmed: Truncated<ServerId>,
}

impl OwnRenewal {
    /// Servers to which the new certificate is not presented yet.
    pub fn not_presented(&self) -> &Truncated<ServerId> {
        &self.not_presented
    }

    /// Servers to which it is presented and which were not seen to accept it.
    pub fn not_confirmed(&self) -> &Truncated<ServerId> {
        &self.not_confirmed
    }

    /// Servers that were seen to accept it.
    pub fn confirmed(&self) -> &Truncated<ServerId> {
        &self.confirmed
    }

    /// Whether every server was seen to accept it, so that the old one can be let go.
    pub fn is_complete(&self) -> bool {
        self.not_presented.is_empty() && self.not_confirmed.is_empty()
    }
}

/// Asks how far each server is with the certificate `next` of ours.
///
/// `presented_to` says which of our certificates is presented to a server: with
/// [`Identities`](crate::tls::Identities), `|id| identities.presented_to(id).certificate().fingerprint()`. Who
/// accepted it is what [`PeerHistory::confirm_own`] was told.
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
    renewal
}
