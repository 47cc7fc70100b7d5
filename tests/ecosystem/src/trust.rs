//! What our ends install, and the builders over it.

use mutual_trust::{
    AuthorityScope, ClientConfigBuilder, EntryOptions, LiveTrust, PinScope, Policy,
    ServerConfigBuilder, ServerId, TrustStore, tls,
};

use crate::pki::Pki;

/// The label of the pinned client.
pub const LABEL: &str = "array-7";

/// The name in the certificate of the client of the CA.
pub const NAME: &str = "array.example";

/// The server, reached as `localhost` and as 127.0.0.1.
pub fn server() -> ServerId {
    "server".parse().unwrap()
}

/// A store with the server and nothing installed for it.
pub fn empty() -> TrustStore {
    let mut store = TrustStore::new(tls::key_policy(&tls::provider::ring()));
    let names = ["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    store.add_server(server(), names).unwrap();
    store
}

/// Pins the server to a certificate.
pub fn pin(store: &mut TrustStore, pki: &Pki, name: &str) {
    let options = EntryOptions::new();
    store
        .install_pin(PinScope::Server(server()), pki.certificate(name), options)
        .unwrap();
}

/// A store in which the server is pinned to a certificate.
pub fn pinned(pki: &Pki, name: &str) -> TrustStore {
    let mut store = empty();
    pin(&mut store, pki, name);
    store
}

/// A store with the CA for any server.
pub fn authority(pki: &Pki) -> TrustStore {
    let mut store = empty();
    store
        .install_authority(
            AuthorityScope::AnyServer,
            pki.certificate("ca"),
            EntryOptions::new(),
        )
        .unwrap();
    store
}

/// A store with the pinned client and the CA for clients.
pub fn clients(pki: &Pki) -> TrustStore {
    let mut store = TrustStore::new(tls::key_policy(&tls::provider::ring()));
    let options = EntryOptions::new().with_label(LABEL);
    store
        .install_pin(PinScope::Clients, pki.certificate("client"), options)
        .unwrap();
    store
        .install_authority(
            AuthorityScope::Clients,
            pki.certificate("ca"),
            EntryOptions::new(),
        )
        .unwrap();
    store
}

/// The builder of a client that presents `us`.
pub fn client_builder(pki: &Pki, trust: impl Into<LiveTrust>, us: &str) -> ClientConfigBuilder {
    let provider = tls::provider::ring();
    let policy = Policy::new(tls::key_policy(&provider));
    ClientConfigBuilder::new(provider, trust, policy, pki.identity(us))
}

/// The builder of a server that presents `us`.
pub fn server_builder(pki: &Pki, trust: impl Into<LiveTrust>, us: &str) -> ServerConfigBuilder {
    let provider = tls::provider::ring();
    let policy = Policy::new(tls::key_policy(&provider));
    ServerConfigBuilder::new(provider, trust, policy, pki.identity(us))
}
