//! A key server that is looked at, and accepted by the fingerprint that was read out.

use std::error::Error;
use std::net::TcpStream;
use std::sync::Arc;

use mutual_trust::certificate::SystemClock;
use mutual_trust::{
    ClientConfigBuilder, Enrolment, EntryOptions, Identity, PinScope, Policy, ServerId, TrustStore,
    tls,
};

pub(crate) fn accept() -> Result<(), Box<dyn Error>> {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let server: ServerId = "keys-3".parse()?;
    let mut store = TrustStore::new(keys);
    store.add_server(server.clone(), [])?;
    let ours = Identity::from_files("array.pem", "array.key", &provider)?;
    let builder = ClientConfigBuilder::new(provider, store.snapshot(), Policy::new(keys), ours);
    let tcp = TcpStream::connect("localhost:5696")?;
    let probed = builder.probe(&server)?.run("localhost".try_into()?, tcp)?;
    println!("{}", probed.presented());
    let heard = std::fs::read_to_string("heard")?.parse()?;
    Enrolment::new(Arc::new(SystemClock::new())).accept_server(
        probed.presented(),
        heard,
        &mut store,
        PinScope::Server(server),
        EntryOptions::new(),
        "alice",
    )?;
    Ok(())
}
