//! A server with quinn, asked by a client with quinn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::ReasonCode;
use mutual_trust::tls;
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::{BoxError, trust};
use mutual_trust_tokio::Peer;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{Connection, ConnectionError, Endpoint};
use rustls::pki_types::CertificateDer;

use super::who;
use crate::server::Setup;

const ALPN: &[u8] = b"who";

fn listen(setup: &Setup) -> Endpoint {
    let builder = setup.builder.clone().with_alpn_protocols([ALPN.to_vec()]);
    // hook: quinn server
    let crypto = QuicServerConfig::try_from(builder.build().unwrap()).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint = Endpoint::server(config, SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    // end of hook
    let (accepting, check) = (endpoint.clone(), setup.builder.peer_check());
    tokio::spawn(async move {
        while let Some(incoming) = accepting.accept().await {
            let check = check.clone();
            tokio::spawn(async move {
                let connection = incoming.await?;
                // hook: quinn server
                let presented = connection.peer_identity().ok_or("no client")?;
                let presented = presented
                    .downcast::<Vec<CertificateDer<'static>>>()
                    .map_err(|_| "not of rustls")?;
                let peer = Peer::client_presented(check, &presented)?;
                let (untrusted, ending) = (peer.no_longer_trusted(), connection.clone());
                tokio::spawn(async move {
                    untrusted.await;
                    ending.close(0u32.into(), b"");
                });
                // end of hook
                let mut stream = connection.open_uni().await?;
                stream.write_all(who(&peer).as_bytes()).await?;
                stream.finish()?;
                connection.closed().await;
                Ok::<(), BoxError>(())
            });
        }
    });
    endpoint
}

/// Connects, and reads who we are.
async fn ask(pki: &Pki, to: SocketAddr, us: &str) -> Result<(Connection, String), BoxError> {
    let builder = trust::client_builder(pki, trust::pinned(pki, "server").snapshot(), us);
    let config = builder
        .with_alpn_protocols([ALPN.to_vec()])
        .build_for(&trust::server())?;
    let mut endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(
        QuicClientConfig::try_from(config)?,
    )));
    let connection = endpoint.connect(to, "localhost")?.await?;
    let mut stream = connection.accept_uni().await?;
    let text = String::from_utf8(stream.read_to_end(1000).await?)?;
    Ok((connection, text))
}

/// Asks everything of the server. Panics where something else happens than is expected.
pub async fn measure(mut setup: Setup, pki: &Pki) {
    let endpoint = listen(&setup);
    let to = endpoint.local_addr().unwrap();
    let (open, said) = ask(pki, to, "client").await.unwrap();
    assert!(said.contains(trust::LABEL), "{said}");
    let (of_ca, said) = ask(pki, to, "client-of-ca").await.unwrap();
    assert!(said.contains(trust::NAME), "{said}");

    for _ in 0..10 {
        let error = ask(pki, to, "other").await.expect_err("an unknown client");
        let Some(ConnectionError::ConnectionClosed(closed)) = error.downcast_ref() else {
            panic!("{error}")
        };
        // CRYPTO_ERROR with the alert `certificate_unknown` (RFC 9001 section 4.8).
        assert_eq!(u64::from(closed.error_code), 0x100 + 46);
        assert!(
            tls::refused_by_peer(&*error).is_none(),
            "quinn does not keep the alert as one of rustls"
        );
    }

    let _ = setup.store.block(&pki.certificate("client"));
    setup.live.publish(setup.store.snapshot()).unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), open.closed()).await;
    assert!(
        matches!(closed, Ok(ConnectionError::ApplicationClosed(_))),
        "{closed:?}"
    );
    assert!(of_ca.close_reason().is_none(), "the other client stays");
    ask(pki, to, "client").await.expect_err("a blocked client");

    let seen: Vec<_> = setup
        .seen
        .try_iter()
        .iter()
        .map(|seen| seen.verdict.reason())
        .collect();
    assert!(
        seen.contains(&ReasonCode::CaUsedAsEndEntity) && seen.contains(&ReasonCode::Blocked),
        "{seen:?}"
    );
}
