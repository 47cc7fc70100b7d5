//! quinn with HTTP/3, asked by caddy.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Buf;
use mutual_trust::{ExpectedServer, LiveTrust, ReasonCode};
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::{BoxError, trust};
use mutual_trust_tokio::Peer;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::pki_types::CertificateDer;

use crate::client::{Library, Ours};

pub struct Quinn;

type Sender = h3::client::SendRequest<h3_quinn::OpenStreams, bytes::Bytes>;

impl Library for Quinn {
    type Client = (quinn::Endpoint, u16);
    type Open = (Sender, u16);

    const ALPN: &'static [&'static str] = &["h3"];

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        let mut endpoint = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let config = ours.config;
        // hook: quinn
        let crypto = QuicClientConfig::try_from(config)?;
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
        // end of hook
        Ok((endpoint, port))
    }

    async fn open(&self, (endpoint, port): &Self::Client) -> Result<Self::Open, BoxError> {
        let to = SocketAddr::from(([127, 0, 0, 1], *port));
        let connection = endpoint.connect(to, "localhost")?.await?;
        let (mut driver, sender) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
        tokio::spawn(async move { poll_fn(|context| driver.poll_close(context)).await });
        Ok((sender, *port))
    }

    async fn ask(&self, (sender, port): &mut Self::Open) -> Result<String, BoxError> {
        let request = http::Request::get(format!("https://localhost:{port}/")).body(())?;
        let mut stream = sender.send_request(request).await?;
        // caddy may have answered already, and asks for no more.
        let _ = stream.finish().await;
        let response = stream.recv_response().await?;
        let mut text = format!("{} ", response.status());
        while let Some(mut part) = stream.recv_data().await? {
            text += &String::from_utf8_lossy(&part.copy_to_bytes(part.remaining()));
        }
        Ok(text)
    }
}

/// A QUIC connection ends if the program closes it once its peer is no longer trusted.
pub async fn closes_after_block(port: u16, pki: &Pki) {
    let mut store = trust::pinned(pki, "server");
    let live = LiveTrust::new(store.snapshot());
    let builder =
        trust::client_builder(pki, live.clone(), "client").with_alpn_protocols([b"h3".to_vec()]);
    let mut endpoint = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let crypto = QuicClientConfig::try_from(builder.build_for(&trust::server()).unwrap()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    let connection = endpoint.connect(to, "localhost").unwrap().await.unwrap();

    let presented = connection
        .peer_identity()
        .unwrap()
        .downcast::<Vec<CertificateDer<'static>>>()
        .unwrap();
    let (server, check) = (trust::server(), builder.peer_check());
    let peer =
        Peer::server_presented(check, ExpectedServer::id(&server, None), &presented).unwrap();
    let untrusted = peer.no_longer_trusted();
    let ending = connection.clone();
    let ends = tokio::spawn(async move {
        let refusal = untrusted.await;
        ending.close(0u32.into(), b"");
        refusal.verdict().reason()
    });
    let _ = store.block(&pki.certificate("server"));
    live.publish(store.snapshot()).unwrap();
    assert_eq!(ends.await.unwrap(), ReasonCode::Blocked);
    assert!(connection.close_reason().is_some());
}
