//! An unknown client of a TLS stack other than rustls.

use std::net::IpAddr;

use super::{Enrolment, PresentedCertificate};
use crate::certificate::{Certificate, Role};
use crate::policy::{Policy, ReasonCode, Verdict, VerifyRequest, unknown_peer};
use crate::store::TrustSnapshot;

/// A client that is refused as unknown and has not proved yet that it has its key. It waits in the enrolment when the
/// TLS stack has verified its handshake signature: [`Enrolment::proved`]. Dropped, it was never there.
///
/// For bindings to other TLS stacks. With rustls, [`EnrolmentAcceptor`](crate::tls::EnrolmentAcceptor) does both steps.
#[doc(hidden)]
#[derive(Debug)]
pub struct UnprovedClient {
    leaf: Certificate,
    reason: ReasonCode,
}

impl Enrolment {
    /// The verdict on a client as it may be shown, and the client if it may wait. While enrolment is open, a refusal does
    /// not have the fingerprint of what was presented: the administrator would compare it with itself.
    ///
    /// `verdict` must be the answer of [`decide`](crate::decide) to the same arguments. The client is refused in any case.
    #[doc(hidden)]
    pub fn unproved_client(
        &self,
        view: &TrustSnapshot,
        policy: &Policy,
        request: &VerifyRequest<'_>,
        verdict: Verdict,
    ) -> (Verdict, Option<UnprovedClient>) {
        if verdict.is_accepted() || request.role() != Role::Client || !self.is_open() {
            return (verdict, None);
        }
        let client = unknown_peer(view, policy, request, &verdict).map(|leaf| UnprovedClient {
            leaf,
            reason: verdict.reason(),
        });
        (verdict.without_fingerprint(), client)
    }

    /// Lets a client wait that has proved that it has its key.
    ///
    /// # Security
    /// Call it after the TLS stack has verified the handshake signature. Else any machine could wait under another's
    /// name with a copy of its certificate.
    #[doc(hidden)]
    pub fn proved(&self, client: UnprovedClient, address: IpAddr) {
        let UnprovedClient { leaf, reason } = client;
        let presented = PresentedCertificate::new(leaf, Role::Client, reason, true);
        self.arrive(address, presented);
    }
}
