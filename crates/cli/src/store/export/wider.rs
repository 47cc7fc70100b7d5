//! Why a certificate in a bundle would make OpenSSL accept more than the store does.

use mutual_trust::Certificate;
use mutual_trust::store::{CrlIssuer, Entry, Scope, Server, Slot, TrustSource};

use super::{Asked, Peers};

/// nsCertType (2.16.840.1.113730.1.1) in DER. OpenSSL takes a certificate for a CA that says so there.
const NS_CERT_TYPE: [u8; 11] = [
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x86, 0xF8, 0x42, 0x01, 0x01,
];

/// Whether OpenSSL would take what this certificate's key issues, if the certificate is a trust anchor. As its check_ca:
/// a CA by basicConstraints; without them, one of version 1, one whose key usage has keyCertSign, or one by nsCertType.
/// A key usage without keyCertSign rules it out.
fn can_issue(certificate: &Certificate) -> bool {
    let usage = certificate.key_usage();
    if usage.is_some_and(|usage| !usage.key_cert_sign()) {
        return false;
    }
    match certificate.basic_constraints() {
        Some(constraints) => constraints.ca,
        None => {
            let der: &[u8] = certificate.der();
            let is_named = der
                .windows(NS_CERT_TYPE.len())
                .any(|window| window == NS_CERT_TYPE);
            certificate.version() < 3 || usage.is_some() || is_named
        }
    }
}

/// Why what is installed for several peers would be accepted from one of them that is asked something else.
pub(super) fn for_several(asked: &Asked<'_>, peers: &Peers<'_>) -> Option<&'static str> {
    let level = |server: &Server| asked.view.level(server);
    match peers {
        Peers::Scope(Scope::AnyServer) => asked
            .view
            .servers()
            .any(|server| level(server) != TrustSource::AnyServerAuthorities)
            .then_some(
                "a server that has pins or authorities of its own would be accepted by it as well",
            ),
        Peers::Scope(Scope::Group(id)) => asked
            .view
            .group(id)?
            .members()
            .filter_map(|id| asked.view.server(id))
            .any(|server| level(server) != TrustSource::GroupPins)
            .then_some("a member that has pins of its own would be accepted by it as well"),
        Peers::Server(_) | Peers::Scope(_) | Peers::All => None,
    }
}

/// Why the entry would widen trust. `None` if it would not.
pub(super) fn why(asked: &Asked<'_>, entry: &Entry) -> Option<&'static str> {
    let certificate = entry.certificate()?;
    match entry.slot() {
        Slot::Pin => can_issue(certificate)
            .then_some("in a bundle it is a CA: what its key issues would be accepted as well"),
        Slot::Intermediate => Some(
            "with partial chains, which some programs accept, it would end chains, and here it ends none",
        ),
        Slot::Authority => {
            let issuer = CrlIssuer::of(certificate);
            let mut checked = asked.view.revocation_checked_issuers();
            if !entry.options().san_patterns().is_empty() {
                Some(
                    "the bundle cannot say for which names it is: every client of it would be accepted",
                )
            } else if asked.policy.crl_required() || checked.any(|one| one == issuer) {
                Some(
                    "its certificates are checked for revocation, which the other program does not do by itself",
                )
            } else if asked.view.blocks().next().is_some() {
                Some(
                    "the store has blocks, and a blocked certificate that it signed would be accepted",
                )
            } else {
                None
            }
        }
    }
}
