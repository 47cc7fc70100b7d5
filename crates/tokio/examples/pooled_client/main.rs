//! A client of hyper-util whose pooled connection ends when its server is blocked, without a request.

#[path = "../support/mod.rs"]
mod support;

use std::convert::Infallible;

use http_body_util::{BodyExt, Empty, Full};
use hyper::Response;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use mutual_trust::{
    ClientConfigBuilder, EntryOptions, LiveTrust, PinScope, Policy, ServerConfigBuilder, ServerId,
    TrustStore, tls,
};
use mutual_trust_tokio::{Acceptor, Connector, HttpsConnector, Listener};
use support::{Machine, Outcome, expect};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Outcome<()> {
    let (server, us) = (Machine::new("keys-1")?, Machine::new("array-7")?);
    let (port, mut ended) = serve(&server, &us).await?;

    // What the client trusts, and may stop trusting.
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let id: ServerId = "keys-1".parse()?;
    let mut store = TrustStore::new(keys);
    store.add_server(id.clone(), [])?;
    let pin = server.certificate.clone();
    store.install_pin(PinScope::Server(id.clone()), pin, EntryOptions::new())?;
    let trust = LiveTrust::new(store.snapshot());

    // The client, as for any server: the pool is hyper-util's.
    let identity = us.identity()?;
    let builder = ClientConfigBuilder::new(provider, trust.clone(), Policy::new(keys), identity);
    let connector = HttpsConnector::new(Connector::new(&builder, &id)?);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let get = async || -> Outcome<Bytes> {
        let uri = format!("https://localhost:{port}/").parse()?;
        Ok(client
            .get(uri)
            .await?
            .into_body()
            .collect()
            .await?
            .to_bytes())
    };

    expect(get().await? == "hello array-7", "the server answers")?;
    store.add_server("keys-2".parse()?, [])?;
    trust.publish(store.snapshot())?;
    expect(
        get().await? == "hello array-7",
        "a change that does not concern it is no end",
    )?;
    expect(ended.is_empty(), "both requests were on one connection")?;

    let _report = store.block(&server.certificate);
    trust.publish(store.snapshot())?;
    expect(
        ended.recv().await.is_some(),
        "the block ends the idle connection at once",
    )?;
    let mut error = get().await.err().ok_or("a blocked server has answered")?;
    if tls::refusal(&*error).is_none() {
        // The pool still had the connection that was ending. HTTP keeps no verdict of it; a new connection has one.
        error = get().await.err().ok_or("a blocked server has answered")?;
    }
    let verdict = tls::refusal(&*error).ok_or("no verdict")?;
    println!("{verdict}");
    expect(
        !verdict.is_accepted(),
        "the next request says why there is none",
    )
}

/// A server that says hello to its client, and tells when a connection has ended.
async fn serve(us: &Machine, client: &Machine) -> Outcome<(u16, mpsc::UnboundedReceiver<()>)> {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let mut store = TrustStore::new(keys);
    let (pin, label) = (
        client.certificate.clone(),
        EntryOptions::new().with_label("array-7"),
    );
    store.install_pin(PinScope::Clients, pin, label)?;
    let identity = us.identity()?;
    let builder = ServerConfigBuilder::new(provider, store.snapshot(), Policy::new(keys), identity);
    let mut listener = Listener::bind("127.0.0.1:0", Acceptor::new(&builder)?.with_http()).await?;
    let port = listener.local_addr()?.port();
    let (ends, ended) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await;
            let ends = ends.clone();
            tokio::spawn(async move {
                let hello = format!("hello {}", stream.peer().label().unwrap_or("unlabelled"));
                let answer = service_fn(move |_request| {
                    let body = Full::new(Bytes::from(hello.clone()));
                    async { Ok::<_, Infallible>(Response::new(body)) }
                });
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), answer).await;
                let _ = ends.send(());
            });
        }
    });
    Ok((port, ended))
}
