//! tonic at both ends: a channel and a server whose connections end with trust.

use std::convert::Infallible;
use std::task::{Context, Poll};

use mutual_trust::{ReasonCode, Role, tls};
use mutual_trust_tokio::{Connector, HttpsConnector, Listener, Peer};
use tokio::sync::mpsc::unbounded_channel;
use tonic::body::Body;
use tonic::client::Grpc as Client;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc as Server, NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::support::{World, expect_refusal, failures, settings, within};

/// A service with one method, which tells the client its label.
#[derive(Clone)]
struct Label;

impl NamedService for Label {
    const NAME: &'static str = "test.Label";
}

struct Method;

impl UnaryService<()> for Method {
    type Response = String;
    type Future = BoxFuture<Response<String>, Status>;

    fn call(&mut self, request: Request<()>) -> Self::Future {
        Box::pin(async move {
            let peer = Peer::of_request(&request)?;
            Ok(Response::new(
                peer.label().unwrap_or("unlabelled").to_owned(),
            ))
        })
    }
}

impl Service<http::Request<Body>> for Label {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut server = Server::new(ProstCodec::<String, ()>::default());
            Ok(server.unary(Method, request).await)
        })
    }
}

async fn start(world: &World) -> u16 {
    let (handler, _) = failures();
    let builder = Listener::builder(world.acceptor().with_http2()).with_failure_handler(handler);
    let listener = builder.bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server =
        tonic::transport::Server::builder().serve_with_incoming(Label, listener.incoming());
    tokio::spawn(async move { server.await.unwrap() });
    port
}

async fn ask(channel: &Channel) -> Result<String, Status> {
    within(async {
        let mut client = Client::new(channel.clone());
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        let path = "/test.Label/Get".parse().unwrap();
        let codec = ProstCodec::<(), String>::default();
        let response = client.unary(Request::new(()), path, codec).await?;
        Ok(response.into_inner())
    })
    .await
}

fn channel(connector: Connector, scheme: &str, port: u16) -> Channel {
    let uri = format!("{scheme}://localhost:{port}");
    let connector = HttpsConnector::http2(connector);
    Endpoint::from_shared(uri)
        .unwrap()
        .connect_with_connector_lazy(connector)
}

#[tokio::test]
async fn a_block_ends_a_channel_and_another_change_does_not() {
    for setting in settings() {
        for scheme in ["http", "https"] {
            let mut world = World::new(&setting);
            let port = start(&world).await;
            let (ends, mut ended) = unbounded_channel();
            let connector = world
                .connector()
                .with_refusal_handler(move |peer, refusal| {
                    let _ = ends.send((peer.role(), refusal.reason()));
                });
            let channel = channel(connector, scheme, port);
            for _ in 0..3 {
                assert_eq!(ask(&channel).await.unwrap(), "array-7");
                world.client.change_something_else();
                world.server.change_something_else();
            }
            world.block_server();
            // No call: the connection is idle.
            let end = within(ended.recv()).await.unwrap();
            assert_eq!(end, (Role::Server, ReasonCode::Blocked));
            let status = ask(&channel).await.unwrap_err();
            expect_refusal(&status, ReasonCode::Blocked);
            assert!(
                !status.message().contains("Blocked"),
                "{}",
                status.message()
            );
            // It stays refused.
            expect_refusal(&ask(&channel).await.unwrap_err(), ReasonCode::Blocked);
        }
    }
}

#[tokio::test]
async fn a_blocked_client_gets_no_answer_any_more() {
    let mut world = World::new(&settings()[1]);
    let port = start(&world).await;
    let channel = channel(world.connector(), "http", port);
    assert_eq!(ask(&channel).await.unwrap(), "array-7");
    world.block_client();
    let status = ask(&channel).await.unwrap_err();
    assert!(tls::refusal(&status).is_none());
}

#[tokio::test]
async fn a_request_is_refused_although_its_connection_is_open() {
    let mut world = World::new(&settings()[1]);
    let presented = [world.client.made.certificate.der().to_vec().into()];
    let check = world.server_builder().peer_check();
    let peer = Peer::client_presented(check, &presented).unwrap();
    let mut request = Request::new(());
    let missing = Peer::of_request(&request).unwrap_err();
    assert_eq!((missing.code(), missing.message()), (Code::Internal, ""));
    request.extensions_mut().insert(peer);
    assert_eq!(Peer::of_request(&request).unwrap().label(), Some("array-7"));
    world.block_client();
    let refused = Peer::of_request(&request).unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::PermissionDenied, "")
    );
}
