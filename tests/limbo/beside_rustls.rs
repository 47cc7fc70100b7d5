//! Nothing is accepted that the verifier of rustls refuses, on the whole suite and in both profiles, but for what is listed.

use std::sync::Arc;

use mutual_trust::ChainProfile;
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, ServerName};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::{Error, RootCertStore};

use super::limbo::{Came, Case, judge, moment};
use super::support;
use super::{MADE, settings, suite};

/// Where we differ: webpki wants two labels behind a wildcard, RFC 9525 section 6.3 one, which private zones have.
const WIDER: [&str; 1] = ["webpki::san::public-suffix-wildcard-san"];

fn der(pem: &str) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}

/// What rustls says of a peer; `None` if it cannot be asked.
fn rustls(case: &Case) -> Option<Result<(), Error>> {
    let mut roots = RootCertStore::empty();
    let trusted = case.trusted.iter().filter_map(|pem| der(pem));
    let _: (usize, usize) = roots.add_parsable_certificates(trusted);
    let (roots, provider) = (Arc::new(roots), support::provider());
    let leaf = der(&case.peer)?;
    let sent: Vec<_> = case
        .intermediates
        .iter()
        .filter_map(|pem| der(pem))
        .collect();
    let time = match &case.time {
        Some(text) => moment(text)?,
        None => support::at(MADE),
    };
    if !case.server {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let verdict = verifier
            .build()
            .ok()?
            .verify_client_cert(&leaf, &sent, time);
        return Some(verdict.map(|_| ()));
    }
    let (_, name) = case.names.first()?;
    let name = ServerName::try_from(name.clone()).ok()?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider);
    let verifier = verifier.build().ok()?;
    let verdict = verifier.verify_server_cert(&leaf, &sent, &name, &[], time);
    Some(verdict.map(|_| ()))
}

#[test]
fn nothing_is_accepted_that_rustls_refuses() {
    let Some(suite) = suite() else { return };
    let mut asked = 0;
    let mut wrong = Vec::new();
    let mut wider = Vec::new();
    for case in &suite {
        let Some(plain) = rustls(case) else { continue };
        asked += 1;
        for profile in [ChainProfile::Compatible, ChainProfile::Strict] {
            let judged = judge(case, &settings(profile));
            if judged.got == Came::Success
                && let Err(error) = &plain
            {
                if WIDER.contains(&case.id.as_str()) {
                    wider.push((case.id.as_str(), profile));
                } else {
                    wrong.push(format!("{} {profile:?}: {error}", case.id));
                }
            }
        }
    }
    assert!(asked > 100, "{asked} cases could be put to rustls");
    assert!(
        wrong.is_empty(),
        "{} of {asked}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let listed = WIDER.map(|id| [(id, ChainProfile::Compatible), (id, ChainProfile::Strict)]);
    assert_eq!(wider, listed.concat(), "the list says what is accepted");
}
