//! What a verdict is asked about, and what it is made from.

use std::sync::Arc;

use pki_types::CertificateDer;

use super::detail::Rejection;
use super::timing::Timing;
use super::work::Work;
use super::{Detail, Policy, ReasonCode};
use crate::certificate::{Certificate, CurrentTime, HostName, KeyKind, Role, SignatureCheck};
use crate::limits::MAX_RSA_BITS_TO_EXPLAIN;
use crate::store::{Entry, ServerId, TrustSnapshot};

/// Which server a peer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpectedServer<'a> {
    /// This server, whatever address was dialled. Recommended.
    #[non_exhaustive]
    Id {
        /// The server.
        id: &'a ServerId,
        /// The name or address dialled, which counts for a server that has no names (rule C2).
        dialled: Option<&'a HostName>,
    },
    /// The server to which the dialled name belongs.
    Name(&'a HostName),
}

impl<'a> ExpectedServer<'a> {
    /// The server `id`, dialled under `dialled` if that is known.
    pub const fn id(id: &'a ServerId, dialled: Option<&'a HostName>) -> Self {
        Self::Id { id, dialled }
    }

    pub(super) fn dialled(&self) -> Option<&'a HostName> {
        match self {
            Self::Id { dialled, .. } => *dialled,
            Self::Name(name) => Some(name),
        }
    }
}

/// What is asked: the role and identity that the peer must have, what it presented, and the time.
#[derive(Clone, Copy, Debug)]
pub struct VerifyRequest<'a> {
    pub(super) target: Option<ExpectedServer<'a>>,
    pub(super) end_entity: &'a [u8],
    pub(super) intermediates: &'a [CertificateDer<'a>],
    pub(super) clock: CurrentTime,
}

impl<'a> VerifyRequest<'a> {
    /// Asks about a server: `end_entity` is the first certificate that it presented, in DER, `intermediates` the rest
    /// in any order.
    pub const fn server(
        target: ExpectedServer<'a>,
        end_entity: &'a [u8],
        intermediates: &'a [CertificateDer<'a>],
        clock: CurrentTime,
    ) -> Self {
        Self {
            target: Some(target),
            end_entity,
            intermediates,
            clock,
        }
    }

    /// Asks about a client: `end_entity` is the first certificate that it presented, in DER, `intermediates` the rest
    /// in any order.
    pub const fn client(
        end_entity: &'a [u8],
        intermediates: &'a [CertificateDer<'a>],
        clock: CurrentTime,
    ) -> Self {
        Self {
            target: None,
            end_entity,
            intermediates,
            clock,
        }
    }

    /// The role of the peer.
    pub const fn role(&self) -> Role {
        match self.target {
            Some(_) => Role::Server,
            None => Role::Client,
        }
    }
}

/// What a verdict is made from: the arguments of [`decide`](super::decide()), and the certificate of which the peer must
/// have the key.
pub(super) struct Case<'a> {
    pub(super) view: &'a TrustSnapshot,
    pub(super) policy: &'a Policy,
    pub(super) question: &'a VerifyRequest<'a>,
    pub(super) timing: Timing,
    /// What this verdict has spent on what the peer presents.
    pub(super) work: &'a Work,
    pub(super) leaf: &'a Certificate,
    /// One of the entries that hold it, if there is one.
    pub(super) holder: Option<&'a Arc<Entry>>,
}

impl Case<'_> {
    pub(super) fn role(&self) -> Role {
        self.question.role()
    }

    /// I4: whether a verdict may rest on the key of a certificate, by the key policy of the policy and by that of the
    /// store of the view.
    pub(super) fn check_key(&self, certificate: &Certificate) -> Result<(), Rejection> {
        let stores = self.view.data().keys.as_ref();
        let judged = self.policy.key_policy().check_with(stores, certificate);
        judged.map_err(|refusal| (ReasonCode::KeyNotAllowed, Detail::Key(refusal)))
    }

    /// Whether what was presented carries a signature of its own key, so that it is no chain. `None` if its names say so and
    /// the signature is not verified: the key is dear, or no work is left.
    pub(super) fn leaf_signed_itself(&self) -> Option<bool> {
        if self.leaf.names_own_key() != Some(true) {
            return Some(false);
        }
        if matches!(self.leaf.key_kind(), KeyKind::Rsa { bits } if bits > MAX_RSA_BITS_TO_EXPLAIN) {
            return None;
        }
        let keys = self.policy.key_policy();
        let own_key = self.leaf.subject_public_key_info();
        // If the provider lacks the algorithm, the names alone tell.
        self.work
            .signed_itself(|| keys.check_signature(own_key, self.leaf) != SignatureCheck::Wrong)
    }
}
