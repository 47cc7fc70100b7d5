//! axum: the peer in the handler, and connections that end with trust.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{EntryOptions, ReasonCode};
use mutual_trust_test_support::pki::spec;
use mutual_trust_test_support::{DAY, NOW};
use mutual_trust_tokio::{Listener, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::http::request;
use crate::support::{Stream, World, expect_refusal, settings, within};

async fn label(peer: Peer) -> String {
    format!("you are {}", peer.label().unwrap_or("unlabelled"))
}

fn service() -> Router {
    Router::new().route("/", get(label))
}

async fn start(world: &World) -> Stream {
    let listener = Listener::bind("127.0.0.1:0", world.acceptor().with_http())
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = service().into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let connector = world.connector().with_http1();
    within(connector.connect_tcp("127.0.0.1", port))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_block_ends_an_open_connection_at_once_and_another_change_does_not() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let mut stream = start(&world).await;
        assert!(request(&mut stream).await.ends_with("you are array-7"));
        world.server.change_something_else();
        assert!(request(&mut stream).await.ends_with("you are array-7"));
        world.block_client();
        // Without a request.
        assert_eq!(within(stream.read(&mut [0; 8])).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_handler_sees_the_label_that_the_peer_has_now() {
    let mut world = World::new(&settings()[1]);
    let mut stream = start(&world).await;
    assert!(request(&mut stream).await.ends_with("you are array-7"));
    let fingerprint = world.client.made.certificate.fingerprint();
    let key = EntryKey::new(Slot::Pin, Scope::Clients, fingerprint);
    let label = EntryOptions::new().with_label("array-8");
    world.server.store.update(&key, label).unwrap();
    world.server.publish();
    assert!(request(&mut stream).await.ends_with("you are array-8"));
}

async fn answer(request: Request<Body>) -> (StatusCode, String) {
    let service = TowerToHyperService::new(service());
    let response: Result<_, Infallible> = service.call(request).await;
    let (parts, body) = response.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_is_refused_although_its_connection_is_open() {
    let mut world = World::new(&settings()[1]);
    let presented = [world.client.made.certificate.der().to_vec().into()];
    let peer = Peer::client_presented(world.server_builder().peer_check(), &presented).unwrap();
    let ask = |peer: &Peer| {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        answer(request)
    };
    assert_eq!(
        ask(&peer).await,
        (StatusCode::OK, "you are array-7".to_owned())
    );
    world.block_client();
    assert_eq!(ask(&peer).await, (StatusCode::FORBIDDEN, String::new()));
    expect_refusal(&peer.check().unwrap_err(), ReasonCode::Blocked);
}

#[tokio::test]
async fn a_request_without_a_peer_is_refused() {
    let refused = answer(Request::new(Body::empty())).await;
    assert_eq!(refused, (StatusCode::INTERNAL_SERVER_ERROR, String::new()));
}

#[tokio::test]
async fn an_expiry_that_a_request_meets_ends_the_connection_as_a_block_does() {
    for setting in settings() {
        let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
        let server = spec("kms1").dns("localhost").self_signed();
        let world = World::of(&setting, server, client);
        let mut stream = start(&world).await;
        assert!(request(&mut stream).await.ends_with("you are array-7"));
        world.server.clock.set(NOW + DAY);
        let mut answer = Vec::new();
        let _ = within(async {
            stream
                .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .await?;
            stream.read_to_end(&mut answer).await
        })
        .await;
        assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    }
}
