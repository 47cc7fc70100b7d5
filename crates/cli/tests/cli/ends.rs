//! The two ends of a link, made by the library: the client `array-7` and the key server `keys-1` of a folder.

use std::fs;
use std::sync::Arc;

use mutual_trust::{
    Certificate, ClientConfigBuilder, EntryOptions, Identity, PinScope, Policy,
    ServerConfigBuilder, ServerId, TrustStore,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConfig};

use crate::folder::Folder;
use crate::support::{keys, provider};

fn certificate(folder: &Folder, file: &str) -> Certificate {
    Certificate::from_pem(&fs::read(folder.file(file)).unwrap()).unwrap()
}

fn identity(folder: &Folder, name: &str) -> Identity {
    let read = |end: &str| fs::read(folder.file(&format!("{name}.{end}"))).unwrap();
    Identity::from_pem(&read("pem"), &read("key"), &provider()).unwrap()
}

/// `keys-1`, which knows the client with this certificate.
pub(crate) fn key_server(folder: &Folder, client: &str) -> Arc<ServerConfig> {
    let mut trust = TrustStore::new(keys());
    trust
        .install_pin(
            PinScope::Clients,
            certificate(folder, client),
            EntryOptions::new(),
        )
        .unwrap();
    let (policy, identity) = (Policy::new(keys()), identity(folder, "keys-1"));
    let builder = ServerConfigBuilder::new(provider(), trust.snapshot(), policy, identity);
    Arc::new(builder.build().unwrap())
}

/// `array-7`, which knows `keys-1`.
pub(crate) fn array(folder: &Folder) -> ClientConnection {
    let mut trust = TrustStore::new(keys());
    let keys_1: ServerId = "keys-1".parse().unwrap();
    trust.add_server(keys_1.clone(), []).unwrap();
    trust
        .install_pin(
            PinScope::Server(keys_1.clone()),
            certificate(folder, "keys-1.pem"),
            EntryOptions::new(),
        )
        .unwrap();
    let (policy, identity) = (Policy::new(keys()), identity(folder, "array-7"));
    let builder = ClientConfigBuilder::new(provider(), trust.snapshot(), policy, identity);
    let config = builder.build_for(&keys_1).unwrap();
    ClientConnection::new(Arc::new(config), ServerName::try_from("keys-1").unwrap()).unwrap()
}
