//! Which client waits in an acceptor after a handshake.

use mutual_trust::{Certificate, Enrolment, EntryOptions, TrustStore};

use super::Link;
use super::peers::Presents;
use super::records::first_message;

/// The type of a message that proves possession (RFC 5246 section 7.4, RFC 8446 section 4).
const CERTIFICATE_VERIFY: u8 = 15;

impl Link<'_> {
    /// An unknown client waits only if it has the key of the certificate that it presented and its proof arrived
    /// unchanged. If nothing was changed, it does wait.
    pub(super) fn check_waiting(&self, enrolment: &Enrolment) {
        let pending = enrolment.pending();
        let known = self.setting.may_trust(self.presents);
        let may_wait = self.setting.open && self.presents.has_key() && !known;
        let what = || self.what();
        let Some(peer) = pending.first() else {
            let unchanged = self.edits.is_empty();
            assert!(!(may_wait && unchanged), "it should wait: {}", what());
            return;
        };
        assert!(may_wait, "it waits: {}", what());
        assert_eq!(pending.len(), 1, "{}", what());
        assert!(peer.presented.is_proved(), "{}", what());
        let Some(proof) = up_to_proof(&self.to_us.sent) else {
            panic!("it waits without a proof: {}", what());
        };
        assert!(self.to_us.came.starts_with(proof), "{}", what());
        let seen = self.to_them.came.starts_with(&self.to_them.sent);
        assert!(seen, "a change of what we sent went unseen: {}", what());
        // The acceptor shows the waiting certificate only when it is accepted.
        let leaf = Certificate::from_der(&self.presents.leaf()).expect("it is good");
        let mut store = TrustStore::new(crate::keys());
        let (print, options) = (leaf.fingerprint(), EntryOptions::new());
        let accepted = enrolment.accept_client(peer.id, print, &mut store, options, "admin");
        assert!(accepted.is_ok(), "{accepted:?}: {}", what());
        assert!(enrolment.pending().is_empty(), "{}", what());
    }
}

/// The handshake messages up to the last proof of possession and with it.
fn up_to_proof(messages: &[u8]) -> Option<&[u8]> {
    let (mut left, mut end) = (messages, None);
    while let Some((message, rest)) = first_message(left) {
        if message.first() == Some(&CERTIFICATE_VERIFY) {
            end = Some(messages.len() - rest.len());
        }
        left = rest;
    }
    messages.get(..end?)
}

impl Presents {
    /// Whether the peer has the key of what it presents.
    fn has_key(self) -> bool {
        matches!(self, Self::Pinned | Self::Chain | Self::Impostor)
    }
}
