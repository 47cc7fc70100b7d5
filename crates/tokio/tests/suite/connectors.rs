//! A connector: hosts, names and time limits.

use std::io;
use std::time::Duration;

use mutual_trust::ReasonCode;
use mutual_trust_test_support::link::keys_1;
use mutual_trust_tokio::{Connector, Listener};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{World, expect_refusal, ping_both, serve, settings, within};

#[tokio::test]
async fn a_server_is_found_by_its_id_or_by_the_dialled_name() {
    let world = World::new(&settings()[1]);
    let by_id = world.connector();
    let by_name = Connector::by_name(&world.client_builder()).unwrap();
    for connector in [by_id, by_name.clone()] {
        let (mut client, mut server) = world.link_of(world.acceptor(), connector).await;
        ping_both(&mut client, &mut server).await;
    }
    // A name that no server has is refused, whatever answers.
    let listener = Listener::bind("127.0.0.1:0", world.acceptor())
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let _port = serve(listener, |_| async {});
    let tcp = TcpStream::connect(address).await.unwrap();
    let refused = within(by_name.connect("elsewhere.example", tcp)).await;
    expect_refusal(&refused.unwrap_err(), ReasonCode::UnlistedName);
}

#[tokio::test]
async fn a_handshake_runs_over_any_stream() {
    let world = World::new(&settings()[1]);
    let (ours, theirs) = tokio::io::duplex(1024);
    let (acceptor, connector) = (world.acceptor(), world.connector());
    let address = [192, 0, 2, 7].into();
    let both = async {
        tokio::join!(
            connector.connect("localhost", ours),
            acceptor.accept(theirs, address)
        )
    };
    let (client, server) = within(both).await;
    assert_eq!(server.unwrap().peer().label(), Some("array-7"));
    assert_eq!(client.unwrap().peer().remote_addr(), None);
}

#[tokio::test]
async fn a_host_is_a_name_or_an_address() {
    let world = World::new(&settings()[1]);
    let listener = Listener::bind("127.0.0.1:0", world.acceptor())
        .await
        .unwrap();
    let port = serve(listener, |_| async {});
    for host in ["localhost", "LOCALHOST", "127.0.0.1"] {
        within(world.connector().connect_tcp(host, port))
            .await
            .unwrap();
    }
    for host in ["", "*.example", "a b", "https://localhost", "127.1"] {
        let error = within(world.connector().connect_tcp(host, port))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{host}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_stays_silent_is_given_up() {
    let world = World::new(&settings()[1]);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let limit = Duration::from_millis(50);
    let connector = world.connector().with_timeout(limit).unwrap();
    let error = within(connector.connect_tcp("127.0.0.1", port))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "no TLS handshake in time");
}

#[tokio::test]
async fn a_server_that_is_not_listed_has_no_connector() {
    let world = World::new(&settings()[1]);
    let unknown = "keys-9".parse().unwrap();
    assert!(Connector::new(&world.client_builder(), &unknown).is_err());
    assert!(Connector::new(&world.client_builder(), &keys_1()).is_ok());
}

#[tokio::test]
async fn application_protocols_replace_those_of_the_builder() {
    let world = World::new(&settings()[1]);
    let other = world.client_builder().with_alpn_protocols([b"x".to_vec()]);
    let connector = || Connector::new(&other, &keys_1()).unwrap();
    for (connector, acceptor, expected) in [
        (
            connector().with_http(),
            world.acceptor().with_http(),
            &b"h2"[..],
        ),
        (
            connector().with_http(),
            world.acceptor().with_http1(),
            b"http/1.1",
        ),
        (
            connector().with_http2(),
            world.acceptor().with_http(),
            b"h2",
        ),
        (
            connector().with_http1(),
            world.acceptor().with_http(),
            b"http/1.1",
        ),
    ] {
        let (client, server) = world.link_of(acceptor, connector).await;
        assert_eq!(client.alpn_protocol(), Some(expected));
        assert_eq!(server.alpn_protocol(), Some(expected));
    }
}
