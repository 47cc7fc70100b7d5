//! A server by hyper and a client by reqwest, both with our configurations: HTTPS with mutual authentication.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mutual_trust::{PeerCheck, ReasonCode, tls};
use mutual_trust_embedding::{Machine, Outcome, client, client_pinned, expect, pinned, server};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let (key_server, array) = (Machine::new("keys-1")?, Machine::new("array-7")?);

    let builder = server(
        client_pinned("array-7", &array.certificate)?.snapshot(),
        &key_server,
    );
    let builder = builder.with_alpn_protocols([b"http/1.1".to_vec()]);
    let acceptor = TlsAcceptor::from(Arc::new(builder.build()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}/", listener.local_addr()?.port());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp, acceptor.clone(), builder.peer_check()));
        }
    });

    let id = "keys-1".parse()?;
    let trust = pinned(&id, &key_server.certificate)?.snapshot();
    let text = get(trust, &array, &url).await?;
    expect(
        text == "you are array-7",
        "reqwest gets its answer over our configuration",
    )?;

    // The same with the pin of another server: reqwest fails, and our verdict is in its error.
    let trust = pinned(&id, &Machine::new("keys-2")?.certificate)?.snapshot();
    let refused = get(trust, &array, &url).await;
    let reason = refused
        .err()
        .and_then(|error| Some(tls::refusal(&*error)?.reason()));
    expect(
        reason == Some(ReasonCode::PinDoesNotMatch),
        "reqwest refuses another server, and says why",
    )
}

async fn get(trust: mutual_trust::TrustSnapshot, us: &Machine, url: &str) -> Outcome<String> {
    let config = client(trust, us).build_by_name()?;
    // reqwest takes the configuration itself, not an `Arc` of it. It adds no application protocols: this is HTTP/1.1.
    let client = reqwest::Client::builder()
        .use_preconfigured_tls(config)
        .no_proxy()
        .build()?;
    Ok(client.get(url).send().await?.text().await?)
}

async fn serve(tcp: TcpStream, acceptor: TlsAcceptor, check: PeerCheck) -> Outcome<()> {
    let link = acceptor.accept(tcp).await?;
    let peer = check.client(link.get_ref().1)?.peer();
    let label = peer.label().unwrap_or("unnamed");
    let text = format!("you are {label}");
    let service = service_fn(|_: Request<Incoming>| {
        let text = text.clone();
        async { Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(text)))) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(link), service);
    Ok(connection.await?)
}
