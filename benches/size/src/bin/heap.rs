//! What eight servers take of the heap: their certificates as pins, our identity, and a configuration for each. Prints the
//! bytes that stay, and the most there were while they were made.

use std::error::Error;
use std::hint::black_box;

use allocation_counter::measure;
use mutual_trust::{
    Certificate, ClientConfigBuilder, EntryOptions, Identity, LiveTrust, PinScope, Policy,
    ServerId, TrustStore, tls,
};
use rustls::ClientConfig;

const SERVERS: usize = 8;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a system has while it runs.
type System = (LiveTrust, Vec<ClientConfig>);

/// A certificate as `openssl req -x509` makes it, and its key.
fn made(name: &str) -> Outcome<(String, String)> {
    let key = rcgen::KeyPair::generate()?;
    let mut parameters = rcgen::CertificateParams::new([name.to_owned()])?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    let common_name = rcgen::DnType::CommonName;
    parameters.distinguished_name.push(common_name, name);
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn system(servers: &[(ServerId, String)], ours: &(String, String)) -> Outcome<System> {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let mut store = TrustStore::new(keys);
    for (server, certificate) in servers {
        store.add_server(server.clone(), [server.as_str().parse()?])?;
        let certificate = Certificate::from_pem(certificate.as_bytes())?;
        let scope = PinScope::Server(server.clone());
        store.install_pin(scope, certificate, EntryOptions::new())?;
    }
    let identity = Identity::from_pem(ours.0.as_bytes(), ours.1.as_bytes(), &provider)?;
    let live = LiveTrust::new(store.snapshot());
    let builder = ClientConfigBuilder::new(provider, live.clone(), Policy::new(keys), identity);
    let configs = servers
        .iter()
        .map(|(server, _)| Ok(builder.build_for(server)?));
    Ok((live, configs.collect::<Outcome<Vec<_>>>()?))
}

fn main() -> Outcome<()> {
    let mut servers = Vec::new();
    for number in 1..=SERVERS {
        let name = format!("keys-{number}.example");
        servers.push((name.parse()?, made(&name)?.0));
    }
    let ours = made("array-7")?;
    let mut kept = None;
    let used = measure(|| kept = Some(system(&servers, &ours)));
    let made = kept.transpose()?;
    println!("{} {}", used.bytes_current, used.bytes_max);
    black_box(made);
    Ok(())
}
