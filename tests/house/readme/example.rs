//! The example of the README, compiled.

use mutual_trust::{tls, Certificate, ClientConfigBuilder, EntryOptions, Identity, PinScope, Policy, ServerId, TrustStore};
use std::{error::Error, fs::read, io::{Read, Write}, net::TcpStream};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let server: ServerId = "keys-1".parse()?; // an id of your choice
    let mut store = TrustStore::new(keys);
    store.add_server(server.clone(), ["localhost".parse()?])?;
    let theirs = Certificate::from_pem(&read("keys-1.pem")?)?; // the certificate that it must present
    store.install_pin(PinScope::Server(server.clone()), theirs, EntryOptions::new())?;
    let ours = Identity::from_files("array.pem", "array.key", &provider)?;
    let config = ClientConfigBuilder::new(provider, store.snapshot(), Policy::new(keys), ours).build_for(&server)?;
    let connection = rustls::ClientConnection::new(config.into(), "localhost".try_into()?)?; // plain rustls from here on
    let mut link = rustls::StreamOwned::new(connection, TcpStream::connect("localhost:5696")?);
    match link.write_all(b"hello\n").and_then(|()| link.read(&mut [0; 64])) {
        Ok(_) => println!("the link works"),
        Err(error) => println!("{}", tls::refusal(&error).map_or(error.to_string(), |verdict| verdict.to_string())),
    }
    Ok(())
}
