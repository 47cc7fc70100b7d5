//! Servers on hyper: axum, axum-server, tonic.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use mutual_trust_tokio::{Acceptor, Listener, Peer};

use super::who;
use crate::process::free_port;
use crate::server::Setup;

const LOOPBACK: (&str, u16) = ("127.0.0.1", 0);

fn service() -> Router {
    Router::new().route("/", get(|peer: Peer| async move { who(&peer) }))
}

pub async fn axum(setup: &Setup) -> u16 {
    let (builder, app) = (&setup.builder, service());
    // hook: axum
    let acceptor = Acceptor::new(builder).unwrap().with_http();
    let listener = Listener::builder(acceptor).with_failure_handler(setup.failure_handler());
    let listener = listener.bind(LOOPBACK).await.unwrap();
    let service = app.into_make_service_with_connect_info::<Peer>();
    // end of hook
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, service).await });
    port
}

pub async fn axum_server(setup: &Setup) -> u16 {
    let (builder, app, port) = (&setup.builder, service(), free_port());
    let server = axum_server::bind(SocketAddr::from(([127, 0, 0, 1], port)));
    // hook: axum-server
    let server = server.acceptor(Acceptor::new(builder).unwrap().with_http());
    // end of hook
    tokio::spawn(server.serve(app.into_make_service()));
    port
}

/// A router of axum stands for the services of gRPC, so that curl can ask. Its handler gets the request of tonic.
pub async fn tonic(setup: &Setup) -> u16 {
    let answer = async |request: axum::extract::Request| {
        let request = tonic::Request::from_http(request);
        Peer::of_request(&request)
            .map(|peer| who(&peer))
            .map_err(|status| format!("{status:?}"))
    };
    let routes = tonic::service::Routes::from(Router::new().route("/", get(answer)));
    let builder = &setup.builder;
    // hook: tonic server
    let acceptor = Acceptor::new(builder).unwrap().with_http2();
    let listener = Listener::builder(acceptor).with_failure_handler(setup.failure_handler());
    let listener = listener.bind(LOOPBACK).await.unwrap();
    // end of hook
    let port = listener.local_addr().unwrap().port();
    let server = tonic::transport::Server::builder().add_routes(routes);
    tokio::spawn(server.serve_with_incoming(listener.incoming()));
    port
}
