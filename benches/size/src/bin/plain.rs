//! The client of the README over plain rustls: the certificate of the server is a root, and the rest is the same.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "ring")]
    let provider = rustls::crypto::ring::default_provider();
    #[cfg(not(feature = "ring"))]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file("keys-1.pem")?)?;
    let chain = CertificateDer::pem_file_iter("array.pem")?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file("array.key")?;
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into()?)?;
    let mut link = StreamOwned::new(connection, TcpStream::connect("localhost:5696")?);
    match link
        .write_all(b"hello\n")
        .and_then(|()| link.read(&mut [0; 64]))
    {
        Ok(_) => println!("the link works"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
