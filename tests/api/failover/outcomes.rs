//! What an error of a connection means for the next attempt.

use std::io;

use mutual_trust::failover::AttemptOutcome;
use mutual_trust::tls;
use mutual_trust::{CurrentTime, ExpectedServer, Policy, TrustSnapshot, VerifyRequest, decide};
use rustls::AlertDescription;

use crate::support::pki::self_signed;
use crate::support::{NOW, at, keys, server_id};

#[test]
fn our_refusal_that_of_the_peer_and_a_failure_are_told_apart() {
    let made = self_signed("kms1.example");
    let id = server_id("keys-1");
    let expected = ExpectedServer::id(&id, None);
    let leaf = made.certificate.der();
    let request = VerifyRequest::server(expected, leaf, &[], CurrentTime::Known(at(NOW)));
    let refused = decide(&TrustSnapshot::default(), &Policy::new(keys()), &request);
    let refusal = refused.into_result().unwrap_err();
    let ours = rustls::Error::from(refusal);
    let alert = |alert| io::Error::other(rustls::Error::AlertReceived(alert));
    for (error, wanted) in [
        (io::Error::other(ours), AttemptOutcome::refused_by_us(9)),
        (
            alert(AlertDescription::CertificateUnknown),
            AttemptOutcome::RefusedByPeer,
        ),
        (
            alert(AlertDescription::HandshakeFailure),
            AttemptOutcome::RefusedByPeer,
        ),
        (
            alert(AlertDescription::InternalError),
            AttemptOutcome::NotServed,
        ),
        (
            io::Error::from(io::ErrorKind::TimedOut),
            AttemptOutcome::Unreachable,
        ),
        (
            io::Error::from(io::ErrorKind::ConnectionRefused),
            AttemptOutcome::Unreachable,
        ),
    ] {
        assert_eq!(tls::attempt_outcome(&error, 9), wanted, "{error}");
    }
}
