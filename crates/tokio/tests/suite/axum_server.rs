//! axum-server: the acceptor.

use axum::routing::get;
use axum::{Extension, Router};
use mutual_trust_tokio::Peer;
use tokio::io::AsyncReadExt;

use crate::http::request;
use crate::support::{World, settings, within};

async fn label(Extension(peer): Extension<Peer>) -> String {
    format!("you are {}", peer.label().unwrap_or("unlabelled"))
}

#[tokio::test]
async fn a_block_ends_an_open_connection_at_once_and_another_change_does_not() {
    let mut world = World::new(&settings()[1]);
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let port = socket.local_addr().unwrap().port();
    let acceptor = world.acceptor().with_http();
    let service = Router::new().route("/", get(label)).into_make_service();
    let server = axum_server::from_tcp(socket).unwrap().acceptor(acceptor);
    tokio::spawn(async move { server.serve(service).await.unwrap() });
    let connector = world.connector().with_http1();
    let mut stream = within(connector.connect_tcp("127.0.0.1", port))
        .await
        .unwrap();
    assert!(request(&mut stream).await.ends_with("you are array-7"));
    world.server.change_something_else();
    assert!(request(&mut stream).await.ends_with("you are array-7"));
    world.block_client();
    assert_eq!(within(stream.read(&mut [0; 8])).await.unwrap(), 0);
}
