//! The key server's end, to paste from: answers the clients whose certificates are installed.
//!
//! `server ADDRESS OUR_CHAIN.pem OUR_KEY.pem CLIENT_CERT.pem… [--once]`. The label of each client is the name of
//! its file. The bound address is printed first, so that port 0 will do.

// In a program of your own, leave the lines with `cfg` out.
#![cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    expect(dead_code, reason = "there is no provider to call with")
)]

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::{error::Error, fs::read, path::Path, sync::Arc, time::Duration};

use mutual_trust::{
    Certificate, EntryOptions, Identity, PeerCheck, PeerIdentity, PinScope, Policy,
    ServerConfigBuilder, TrustStore, tls,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::CryptoProvider};

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "server ADDRESS OUR_CHAIN.pem OUR_KEY.pem CLIENT_CERT.pem… [--once]";

fn main() -> Outcome<()> {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    return serve(tls::provider::default_provider());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    Err("this needs the feature aws-lc-rs or ring".into())
}

fn serve(provider: Arc<CryptoProvider>) -> Outcome<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let once = arguments.pop_if(|last| last == "--once").is_some();
    let [address, our_chain, our_key, clients @ ..] = arguments.as_slice() else {
        return Err(USAGE.into());
    };

    // What is installed: the certificate of each client, with a label that says who it is.
    let keys = tls::key_policy(&provider);
    let mut store = TrustStore::new(keys);
    for file in clients {
        let certificate = Certificate::from_pem(&read(file)?)?;
        let label = Path::new(file).file_stem().unwrap_or_default();
        let options = EntryOptions::new().with_label(label.to_string_lossy());
        store.install_pin(PinScope::Clients, certificate, options)?;
    }

    // Who we are. The key's file must be ours alone; nothing of it stays in memory but the provider's copy.
    let identity = Identity::from_files(our_chain, our_key, &provider)?;
    let builder = ServerConfigBuilder::new(provider, store.snapshot(), Policy::new(keys), identity);
    let (config, check) = (builder.build()?, builder.peer_check());
    let listener = TcpListener::bind(address.as_str())?;
    println!("{}", listener.local_addr()?);
    // One client after the other; a server in earnest gives each a thread or a task.
    for tcp in listener.incoming().take(if once { 1 } else { usize::MAX }) {
        match tcp
            .map_err(Into::into)
            .and_then(|tcp| answer(&tcp, &config, &check))
        {
            Ok(who) => println!("answered {who}"),
            Err(error) => match tls::refusal(&*error) {
                // We refused the client. The text says why, and what to do.
                Some(verdict) => println!("{verdict}"),
                // Here an alert `CertificateUnknown` means that the client refused us.
                None => println!("error: {error}"),
            },
        }
    }
    Ok(())
}

fn answer(tcp: &TcpStream, config: &Arc<ServerConfig>, check: &PeerCheck) -> Outcome<String> {
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut link = StreamOwned::new(ServerConnection::new(config.clone())?, tcp);
    // The handshake runs with the first read, which fails if the client is refused.
    if let Err(error) = link.read(&mut [0; 256]) {
        // To close a socket with unread data resets the connection: the client could lose our alert.
        tcp.shutdown(Shutdown::Write)?;
        io::copy(&mut tcp.take(65536), &mut io::sink())?;
        return Err(error.into());
    }
    let verdict = check.client(&link.conn);
    // A chain would say which names its authority vouches for; here only pins are installed.
    let peer = verdict.accepted().map(|accepted| accepted.peer());
    let Some(PeerIdentity::Pin {
        label: Some(label), ..
    }) = peer
    else {
        return Err(verdict.to_string().into());
    };
    // Not `writeln!`, which would send its parts in records of their own.
    link.write_all(format!("you are {label}\n").as_bytes())?;
    link.conn.send_close_notify();
    link.flush()?;
    Ok(label)
}
