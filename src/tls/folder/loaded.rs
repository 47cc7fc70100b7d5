//! The identities of a folder in memory: what is presented, and what is written.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::state::IdentityState;
use crate::certificate::{Certificate, Fingerprint};
use crate::store::ServerId;
use crate::tls::error::{FolderError, RotationError};
use crate::tls::{Identities, Identity};

/// The identities of a folder, and which servers are presented the next one.
pub(in crate::tls) struct FolderIdentities {
    pub(super) current: Identity,
    pub(super) next: Option<Identity>,
    pub(super) all: bool,
    pub(super) except: BTreeSet<ServerId>,
}

impl FolderIdentities {
    /// Presents them. `true` if anything is another than before.
    pub(in crate::tls) fn present(self, identities: &Identities) -> bool {
        identities.set(self.current, self.next, self.all, self.except)
    }
}

/// Makes the next identity the current one.
pub(super) fn commit(state: &mut IdentityState) -> Result<(), FolderError> {
    let next = state.next.take().ok_or(RotationError::NothingStaged)?;
    state.current = next.certificate;
    state.request = None;
    Ok(())
}

/// What is written of an identity.
pub(super) struct New {
    pub(super) certificate: Fingerprint,
    pub(super) chain: String,
    /// The file of the private key, in whatever form it is.
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl New {
    pub(super) fn of(identity: &Identity, key: Zeroizing<Vec<u8>>) -> Self {
        let certificates = identity.chain().certificates();
        Self {
            certificate: identity.certificate().fingerprint(),
            chain: certificates.map(Certificate::to_pem).collect(),
            key,
        }
    }
}
