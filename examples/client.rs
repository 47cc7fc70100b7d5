//! The system's end, to paste from: connects to the one server whose certificate is installed.
//!
//! `client ADDRESS SERVER_CERT.pem OUR_CHAIN.pem OUR_KEY.pem [tls12|tls13]`, with certificates such as
//! `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=array-7 -keyout key.pem -out cert.pem` makes.

// In a program of your own, leave the lines with `cfg` out.
#![cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    expect(dead_code, reason = "there is no provider to call with")
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::{error::Error, fs::read, net::TcpStream, process::ExitCode, sync::Arc, time::Duration};

use mutual_trust::tls::{self, TlsVersion};
use mutual_trust::{
    Certificate, ClientConfigBuilder, EntryOptions, ExpectedServer, Identity, PinScope, Policy,
    ServerId, TrustStore,
};
use rustls::{ClientConnection, StreamOwned, crypto::CryptoProvider, pki_types::ServerName};

const USAGE: &str = "client ADDRESS SERVER_CERT.pem OUR_CHAIN.pem OUR_KEY.pem [tls12|tls13]";

fn main() -> ExitCode {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    let done = visit(tls::provider::default_provider());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    let done: Result<(), Box<dyn Error>> = Err("this needs the feature aws-lc-rs or ring".into());
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    match tls::refusal(&*error) {
        // We refused the server. The text says why, and what to do.
        Some(verdict) => eprintln!("{verdict}"),
        // Here an alert `CertificateUnknown` means that the server refused us: its own log says why.
        None => eprintln!("error: {error}"),
    }
    ExitCode::FAILURE
}

fn visit(provider: Arc<CryptoProvider>) -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let versions = match arguments.get(4).map(String::as_str) {
        Some("tls12") => &[TlsVersion::Tls12][..],
        Some("tls13") => &[TlsVersion::Tls13],
        Some(_) => return Err(USAGE.into()),
        None => &[TlsVersion::Tls12, TlsVersion::Tls13],
    };
    arguments.truncate(4);
    let [address, server_cert, our_chain, our_key] = arguments.as_slice() else {
        return Err(USAGE.into());
    };

    // What is installed: one server, by an id of our choice, and the certificate that it must present.
    let keys = tls::key_policy(&provider);
    let server: ServerId = "key-server".parse()?;
    let mut store = TrustStore::new(keys);
    store.add_server(server.clone(), [])?;
    let certificate = Certificate::from_pem(&read(server_cert)?)?;
    let scope = PinScope::Server(server.clone());
    println!(
        "{}",
        store.install_pin(scope, certificate, EntryOptions::new())?
    );

    // Who we are. The key's file must be ours alone; nothing of it stays in memory but the provider's copy.
    let identity = Identity::from_files(our_chain, our_key, &provider)?;
    let builder = ClientConfigBuilder::new(provider, store.snapshot(), Policy::new(keys), identity)
        .with_protocol_versions(versions);

    // Plain rustls from here on. Whatever address is dialled, the peer must be that server.
    let (host, _port) = address.rsplit_once(':').ok_or(USAGE)?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
    let tls = ClientConnection::new(Arc::new(builder.build_for(&server)?), name)?;
    let tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut link = StreamOwned::new(tls, tcp);
    link.write_all(b"hello\n")?;
    // In TLS 1.3 our handshake ends before the server has judged us: a refusal arrives with this read.
    let mut answer = String::new();
    BufReader::new((&mut link).take(256)).read_line(&mut answer)?;

    let accepted = builder
        .peer_check()
        .server(ExpectedServer::id(&server, None), &link.conn)?;
    println!("{}", accepted.verdict());
    println!("answer: {}", answer.trim_end());
    link.conn.send_close_notify();
    link.flush()?;
    Ok(())
}
