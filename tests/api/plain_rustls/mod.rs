//! Plain rustls and this crate side by side on the same inputs: why a `RootCertStore` is not enough.
//!
//! The name of each test says what rustls does. A failure means that rustls has changed: the documentation must
//! change with it.

use crate::support;

mod accepts;
mod provider;
mod random_chains;
mod reasons;
mod refuses;
mod sessions;

use std::sync::Arc;

use mutual_trust::certificate::Certificate;
use mutual_trust::{AuthorityScope, EntryOptions, ReasonCode, TrustStore};
use pki_types::CertificateRevocationListDer;
use rustls::client::WebPkiServerVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use support::handshake::handshake;
use support::link::{Setting, keys_1};
use support::pki::self_signed;
use support::plain::Credential;

/// The store of roots that an operator fills.
fn roots(installed: &[&Certificate]) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in installed {
        roots.add(certificate.der().to_vec().into()).unwrap();
    }
    Arc::new(roots)
}

fn server_verifier(
    setting: &Setting,
    installed: &[&Certificate],
    crls: Vec<CertificateRevocationListDer<'static>>,
) -> Arc<WebPkiServerVerifier> {
    let provider = setting.provider.clone();
    WebPkiServerVerifier::builder_with_provider(roots(installed), provider)
        .with_crls(crls)
        .build()
        .unwrap()
}

fn client_verifier(setting: &Setting, installed: &[&Certificate]) -> Arc<dyn ClientCertVerifier> {
    let provider = setting.provider.clone();
    WebPkiClientVerifier::builder_with_provider(roots(installed), provider)
        .build()
        .unwrap()
}

/// What a plain client that has `installed` as its roots says of a server, and which alert the server gets.
fn plain(
    setting: &Setting,
    installed: &[&Certificate],
    server: &Credential,
    name: &str,
) -> (Result<(), Error>, Result<(), Error>) {
    let verifier = server_verifier(setting, installed, Vec::new());
    let own = Credential::of(&self_signed("array-7.example"), &[]);
    let client = setting.plain_client_verifying(verifier, own.resolver(&setting.provider));
    let outcome = handshake(&client, &setting.server_of(server), name);
    (outcome.client, outcome.server)
}

#[track_caller]
fn plain_accepts(setting: &Setting, installed: &[&Certificate], server: &Credential, name: &str) {
    let (client, other) = plain(setting, installed, server, name);
    assert!(
        client.is_ok() && other.is_ok(),
        "{}: {client:?} {other:?}",
        setting.name
    );
}

#[track_caller]
fn plain_refuses(
    setting: &Setting,
    installed: &[&Certificate],
    server: &Credential,
    name: &str,
) -> CertificateError {
    match plain(setting, installed, server, name).0 {
        Err(Error::InvalidCertificate(error)) => error,
        other => panic!("{}: {other:?}", setting.name),
    }
}

/// Why webpki refused, where rustls has no error of its own for it.
#[track_caller]
fn by_webpki(error: &CertificateError) -> webpki::Error {
    let CertificateError::Other(other) = error else {
        panic!("{error:?}");
    };
    other.0.downcast_ref::<webpki::Error>().unwrap().clone()
}

/// What our client says of the same server by the same name.
#[track_caller]
fn ours_accepts(setting: &Setting, store: TrustStore, server: &Credential, name: &str) {
    ours(setting, store, server, name).expect_link(&setting.name);
}

#[track_caller]
fn ours_refuses(
    setting: &Setting,
    store: TrustStore,
    server: &Credential,
    name: &str,
    reason: ReasonCode,
) {
    ours(setting, store, server, name).expect_client_refuses(&setting.name, reason);
}

fn ours(
    setting: &Setting,
    mut store: TrustStore,
    server: &Credential,
    name: &str,
) -> support::handshake::Outcome {
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let config = setting
        .client(store.snapshot(), system)
        .build_by_name()
        .unwrap();
    handshake(&config, &setting.server_of(server), name)
}

/// A store that lists keys-1, with this authority for any server.
fn trusting(setting: &Setting, root: &Certificate) -> TrustStore {
    let mut store = setting.listing_server();
    let options = EntryOptions::new();
    store
        .install_authority(AuthorityScope::AnyServer, root.clone(), options)
        .unwrap();
    assert!(store.contents().server(&keys_1()).is_some());
    store
}
