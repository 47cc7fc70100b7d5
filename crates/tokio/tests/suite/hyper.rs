//! The client of hyper-util: pooled connections end with trust.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri, Version};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use mutual_trust::{ReasonCode, tls};
use mutual_trust_tokio::{Acceptor, HttpsConnector, Listener, Peer};
use rustls::AlertDescription;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{World, expect_refusal, serve, settings, within};

/// A server of HTTP: how often it was connected to, and a message for each connection that has ended.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    ended: UnboundedReceiver<()>,
}

async fn server(acceptor: Acceptor) -> Server {
    let listener = Listener::bind("127.0.0.1:0", acceptor).await.unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (ends, ended) = unbounded_channel();
    let counter = connections.clone();
    let port = serve(listener, move |stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        let ends = ends.clone();
        async move {
            let label = stream.peer().label().unwrap().to_owned();
            let answer = service_fn(move |request: Request<Incoming>| {
                let body = Full::new(Bytes::from(label.clone()));
                async move {
                    if request.uri().path() == "/never" {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, Infallible>(Response::new(body))
                }
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), answer).await;
            let _ = ends.send(());
        }
    });
    Server {
        port,
        connections,
        ended,
    }
}

type Pooled = Client<HttpsConnector, Empty<Bytes>>;

async fn get(client: &Pooled, uri: &str) -> Result<(Version, String), Error> {
    within(async {
        let response = client.get(uri.parse().unwrap()).await?;
        let version = response.version();
        assert!(response.extensions().get::<Peer>().is_some());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Ok((version, String::from_utf8(body.to_vec()).unwrap()))
    })
    .await
}

type Make = fn(mutual_trust_tokio::Connector) -> HttpsConnector;

const KINDS: [(Make, Version); 3] = [
    (HttpsConnector::new, Version::HTTP_2),
    (HttpsConnector::http1, Version::HTTP_11),
    (HttpsConnector::http2, Version::HTTP_2),
];

#[tokio::test]
async fn a_block_ends_a_pooled_connection_at_once_and_another_change_does_not() {
    for setting in settings() {
        for (make, expected) in KINDS {
            let mut world = World::new(&setting);
            let mut server = server(world.acceptor().with_http()).await;
            let client: Pooled =
                Client::builder(TokioExecutor::new()).build(make(world.connector()));
            let uri = format!("https://localhost:{}/", server.port);
            for _ in 0..3 {
                let answer = get(&client, &uri).await.unwrap();
                assert_eq!(answer, (expected, "array-7".to_owned()));
                world.client.change_something_else();
                world.server.change_something_else();
            }
            assert_eq!(server.connections.load(Ordering::SeqCst), 1);
            // No request: the connection is idle in the pool.
            world.block_server();
            within(server.ended.recv()).await.unwrap();
            let error = get(&client, &uri).await.unwrap_err();
            expect_refusal(&error, ReasonCode::Blocked);
            assert_eq!(server.connections.load(Ordering::SeqCst), 1);
        }
    }
}

#[tokio::test]
async fn a_block_of_the_client_ends_its_connection_at_the_server() {
    for (make, version) in KINDS {
        let mut world = World::new(&settings()[1]);
        let mut server = server(world.acceptor().with_http()).await;
        let client: Pooled = Client::builder(TokioExecutor::new()).build(make(world.connector()));
        let uri = format!("https://localhost:{}/", server.port);
        get(&client, &uri).await.unwrap();
        world.block_client();
        within(server.ended.recv()).await.unwrap();
        let error = get(&client, &uri).await.unwrap_err();
        assert!(
            tls::refusal(&error).is_none(),
            "the client has refused no server"
        );
        let alert = tls::refused_by_peer(&error);
        if version == Version::HTTP_11 {
            assert_eq!(alert, Some(AlertDescription::CertificateUnknown));
        }
        // HTTP/2 keeps of an error the kind and the text.
        assert!(
            format!("{error:?}").contains("CertificateUnknown"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_under_way_ends_with_the_block() {
    for (make, version) in KINDS {
        let mut world = World::new(&settings()[1]);
        let mut server = server(world.acceptor().with_http()).await;
        let client: Pooled = Client::builder(TokioExecutor::new()).build(make(world.connector()));
        let uri = format!("https://localhost:{}/", server.port);
        get(&client, &uri).await.unwrap();
        let waiting = tokio::spawn(async move { get(&client, &format!("{uri}never")).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.block_server();
        let error = within(waiting).await.unwrap().unwrap_err();
        within(server.ended.recv()).await.unwrap();
        if version == Version::HTTP_11 {
            expect_refusal(&error, ReasonCode::Blocked);
        } else {
            // HTTP/2 keeps of an error the kind and the text.
            assert!(
                format!("{error:?}").contains("see the verdict"),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn http_means_tls_and_other_schemes_are_errors() {
    let world = World::new(&settings()[1]);
    let server = server(world.acceptor().with_http()).await;
    let connector = HttpsConnector::http1(world.connector());
    let client: Pooled = Client::builder(TokioExecutor::new()).build(connector);
    let uri = format!("http://localhost:{}/", server.port);
    let answer = get(&client, &uri).await.unwrap();
    assert_eq!(answer, (Version::HTTP_11, "array-7".to_owned()));
    let uri = format!("ftp://localhost:{}/", server.port);
    let error = get(&client, &uri).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("neither https nor http"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_without_http2_is_an_error_that_says_so() {
    let world = World::new(&settings()[1]);
    let server = server(world.acceptor()).await;
    let connector = HttpsConnector::http2(world.connector());
    let client: Pooled = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector);
    let uri = format!("https://localhost:{}/", server.port);
    let error = get(&client, &uri).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("does not agree to HTTP/2"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_port_that_is_none_is_an_error_and_not_another_port() {
    let world = World::new(&settings()[1]);
    let connector = HttpsConnector::new(world.connector());
    for port in ["99999", "65536", "abc", "-1", "4433443443"] {
        let uri: Uri = format!("https://localhost:{port}/").parse().unwrap();
        let error = within(tower_service::Service::call(&mut connector.clone(), uri))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{port}: {error}");
        assert_eq!(error.to_string(), "the port of the URI is no port");
    }
    // Of the scheme.
    for authority in ["localhost", "localhost:", "user@localhost:443"] {
        let uri: Uri = format!("https://{authority}/").parse().unwrap();
        if let Err(error) = within(tower_service::Service::call(&mut connector.clone(), uri)).await
        {
            assert_ne!(error.kind(), io::ErrorKind::InvalidInput, "{authority}");
        }
    }
}
