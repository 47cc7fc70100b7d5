//! An axum service with mutual TLS: the label of the client in the handler, and a block that ends its open connection.
//!
//! The service is in `service.rs`. Here are an administrator and a client, so that the example runs by itself.

mod service;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::{
    ClientConfigBuilder, EntryOptions, PinScope, Policy, ServerId, TrustStore, tls,
};
use mutual_trust_tokio::{Connector, TlsStream};
use support::{Machine, Outcome, expect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("axum-service-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let outcome = run(&folder).await;
    fs::remove_dir_all(&folder)?;
    outcome
}

async fn run(folder: &Path) -> Outcome<()> {
    let (us, array_7, array_8) = (
        Machine::new("service.example")?,
        Machine::new("array-7")?,
        Machine::new("array-8")?,
    );
    fs::write(folder.join("us.pem"), &us.certificate_pem)?;
    write_key(&folder.join("us.key"), &us.key_pem)?;
    // The administrator: as the command `mutual-trust store` does, in another process.
    let keys = tls::key_policy(&tls::provider::default_provider());
    let mut store = DurableStore::create(folder, DurableSettings::new(keys))?;
    let address = service::start(folder).await?;

    let unknown = connect(&array_7, &us, address.port()).await?;
    expect(
        request(unknown).await.is_err(),
        "a client is refused before its pin is installed",
    )?;

    for (label, machine) in [("array-7", &array_7), ("array-8", &array_8)] {
        let (pin, label) = (
            machine.certificate.clone(),
            EntryOptions::new().with_label(label),
        );
        store.change(|store| store.install_pin(PinScope::Clients, pin, label))?;
    }
    let (stream, answer) = accepted(&array_7, &us, address.port()).await?;
    expect(
        answer.ends_with("hello array-7"),
        "the handler knows the client by its label",
    )?;
    let (mut other, _) = accepted(&array_8, &us, address.port()).await?;

    let blocked = store.block(&array_8.certificate);
    expect(blocked.unsaved.is_none(), "array-8 is blocked")?;
    let ended = other.read(&mut [0; 1]).await?;
    expect(ended == 0, "its open connection ends, without a request")?;
    let (_, answer) = request(stream).await?;
    expect(
        answer.ends_with("hello array-7"),
        "the connection of array-7 goes on",
    )
}

/// Asks until the service has read what was installed.
async fn accepted(
    client: &Machine,
    service: &Machine,
    port: u16,
) -> Outcome<(TlsStream<TcpStream>, String)> {
    for _ in 0..100 {
        if let Ok(answered) = request(connect(client, service, port).await?).await {
            return Ok(answered);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the service does not read the store".into())
}

/// A key that others can read is refused.
fn write_key(path: &Path, pem: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(pem.as_bytes())
}

async fn connect(client: &Machine, service: &Machine, port: u16) -> Outcome<TlsStream<TcpStream>> {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let id: ServerId = "service".parse()?;
    let mut trust = TrustStore::new(keys);
    trust.add_server(id.clone(), [])?;
    let pin = service.certificate.clone();
    trust.install_pin(PinScope::Server(id.clone()), pin, EntryOptions::new())?;
    let identity = client.identity()?;
    let builder = ClientConfigBuilder::new(provider, trust.snapshot(), Policy::new(keys), identity);
    let connector = Connector::new(&builder, &id)?.with_http1();
    Ok(connector.connect_tcp("127.0.0.1", port).await?)
}

/// One request on a connection that stays open.
async fn request(mut stream: TlsStream<TcpStream>) -> Outcome<(TlsStream<TcpStream>, String)> {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: service.example\r\n\r\n")
        .await?;
    let mut answer = [0; 1024];
    let count = stream.read(&mut answer).await?;
    let answer = answer.get(..count).unwrap_or_default();
    Ok((stream, String::from_utf8(answer.to_vec())?))
}
