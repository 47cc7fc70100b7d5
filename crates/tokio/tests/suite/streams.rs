//! Streams that end when trust in the peer ends.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::time::Duration;

use mutual_trust::store::BlockSelector;
use mutual_trust::{ExpectedServer, PeerCheck, ReasonCode, Role};
use mutual_trust_test_support::link::keys_1;
use mutual_trust_test_support::pki::spec;
use mutual_trust_test_support::{DAY, NOW};
use mutual_trust_tokio::TlsStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::{World, expect_refusal, ping, ping_both, settings, within};

#[tokio::test]
async fn a_handshake_tells_both_ends_who_the_other_is() {
    for setting in settings() {
        let world = World::new(&setting);
        let (mut client, mut server) = world.link().await;
        assert_eq!(server.peer().label(), Some("array-7"));
        assert_eq!(server.peer().role(), Role::Client);
        assert_eq!(client.peer().role(), Role::Server);
        let presented = [client.peer().fingerprint(), server.peer().fingerprint()];
        let made = [&world.server.made, &world.client.made];
        assert_eq!(presented, made.map(|made| made.certificate.fingerprint()));
        let tcp = client.get_ref().0;
        assert_eq!(server.peer().remote_addr(), tcp.local_addr().ok());
        assert_eq!(client.peer().remote_addr(), tcp.peer_addr().ok());
        assert_eq!(
            client.get_ref().1.protocol_version(),
            Some(setting.protocol())
        );
        ping_both(&mut client, &mut server).await;
    }
}

async fn refused_read<IO: AsyncRead + AsyncWrite + Unpin>(stream: &mut TlsStream<IO>) -> io::Error {
    within(stream.read_u8()).await.unwrap_err()
}

#[tokio::test]
async fn a_block_ends_a_read_that_waits_at_either_end() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let (mut client, mut server) = world.link().await;
        let reading = tokio::spawn(async move { (refused_read(&mut server).await, server) });
        tokio::task::yield_now().await;
        world.block_client();
        let (error, _server) = within(reading).await.unwrap();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        expect_refusal(&error, ReasonCode::Blocked);
        // The end is in order: `close_notify` and no error.
        assert_eq!(within(client.read(&mut [0; 8])).await.unwrap(), 0);

        let mut world = World::new(&setting);
        let (mut client, mut server) = world.link().await;
        let reading = tokio::spawn(async move { (refused_read(&mut client).await, client) });
        tokio::task::yield_now().await;
        world.block_server();
        let (error, _client) = within(reading).await.unwrap();
        expect_refusal(&error, ReasonCode::Blocked);
        assert_eq!(within(server.read(&mut [0; 8])).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_block_ends_a_write_that_waits() {
    let mut world = World::new(&settings()[1]);
    let (_client, mut server) = world.link().await;
    let writing = tokio::spawn(async move {
        // The client reads nothing, so the socket is full some time.
        let error = loop {
            if let Err(error) = server.write_all(&[0; 65_536]).await {
                break error;
            }
        };
        (error, server)
    });
    // Not a matter of time: whether the task waits or still writes, its next step fails.
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.block_client();
    let (error, _server) = within(writing).await.unwrap();
    expect_refusal(&error, ReasonCode::Blocked);
}

#[tokio::test]
async fn a_change_that_does_not_concern_the_peer_leaves_a_connection_alone() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let (mut client, mut server) = world.link().await;
        for _ in 0..3 {
            world.server.change_something_else();
            world.client.change_something_else();
            ping_both(&mut client, &mut server).await;
        }
        // Also while both wait.
        let waiting = tokio::spawn(async move {
            let read = server.read_u8().await.unwrap();
            (read, server)
        });
        tokio::task::yield_now().await;
        world.server.change_something_else();
        tokio::task::yield_now().await;
        within(client.write_all(b"!")).await.unwrap();
        assert_eq!(within(waiting).await.unwrap().0, b'!');
    }
}

#[tokio::test]
async fn data_that_arrived_is_not_handed_out_after_the_refusal() {
    let mut world = World::new(&settings()[1]);
    let (mut client, mut server) = world.link().await;
    within(client.write_all(b"secret")).await.unwrap();
    within(client.flush()).await.unwrap();
    // It is there.
    within(server.get_ref().0.readable()).await.unwrap();
    world.block_client();
    let mut bytes = [0; 64];
    let mut buffer = ReadBuf::new(&mut bytes);
    let reading = poll_fn(|context| Pin::new(&mut server).poll_read(context, &mut buffer));
    let error = within(reading).await.unwrap_err();
    expect_refusal(&error, ReasonCode::Blocked);
    assert!(buffer.filled().is_empty());
}

#[tokio::test]
async fn nothing_is_written_after_the_refusal() {
    for vectored in [false, true] {
        let mut world = World::new(&settings()[1]);
        let (mut client, mut server) = world.link().await;
        world.block_client();
        let error = if vectored {
            let parts = [IoSlice::new(b"secret"), IoSlice::new(b"!")];
            within(server.write_vectored(&parts)).await.unwrap_err()
        } else {
            within(server.write_all(b"secret")).await.unwrap_err()
        };
        expect_refusal(&error, ReasonCode::Blocked);
        let mut read = Vec::new();
        within(client.read_to_end(&mut read)).await.unwrap();
        assert!(read.is_empty());
    }
}

#[tokio::test]
async fn what_waits_in_the_connection_is_not_sent_after_the_refusal() {
    for writes_again in [false, true] {
        let mut world = World::new(&settings()[1]);
        // A stream that takes less than a record.
        let (ours, theirs) = tokio::io::duplex(1024);
        let (acceptor, connector) = (world.acceptor(), world.connector());
        let address = [127, 0, 0, 1].into();
        let both = async {
            tokio::join!(
                connector.connect("localhost", ours),
                acceptor.accept(theirs, address)
            )
        };
        let (client, server) = within(both).await;
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        assert_eq!(within(server.write(&[0; 8192])).await.unwrap(), 8192);
        world.block_client();
        if writes_again {
            let error = within(server.write(b"!")).await.unwrap_err();
            expect_refusal(&error, ReasonCode::Blocked);
            within(server.shutdown()).await.unwrap();
        } else {
            let error = within(server.shutdown()).await.unwrap_err();
            expect_refusal(&error, ReasonCode::Blocked);
        }
        let mut read = Vec::new();
        let end = within(client.read_to_end(&mut read)).await;
        assert!(end.is_err() && read.is_empty(), "{} bytes", read.len());
    }
}

#[tokio::test]
async fn vectored_writes_go_through() {
    let world = World::new(&settings()[1]);
    let (mut client, mut server) = world.link().await;
    assert!(AsyncWrite::is_write_vectored(&server));
    let parts = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
    assert_eq!(within(server.write_vectored(&parts)).await.unwrap(), 4);
    let mut read = [0; 4];
    within(client.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"abcd");
}

#[tokio::test]
async fn a_refusal_is_final_although_trust_comes_back() {
    let mut world = World::new(&settings()[1]);
    let (_client, mut server) = world.link().await;
    world.block_client();
    expect_refusal(&refused_read(&mut server).await, ReasonCode::Blocked);
    let blocked = BlockSelector::certificate(&world.client.made.certificate);
    world.server.store.unblock(&blocked).unwrap();
    world.server.publish();
    assert!(server.peer().check().is_ok());
    expect_refusal(&refused_read(&mut server).await, ReasonCode::Blocked);
    let written = within(server.write(b"!")).await.unwrap_err();
    expect_refusal(&written, ReasonCode::Blocked);
    expect_refusal(
        &within(server.flush()).await.unwrap_err(),
        ReasonCode::Blocked,
    );
    within(server.shutdown()).await.unwrap();
    // A new connection is another matter.
    let (mut client, mut server) = world.link().await;
    ping_both(&mut client, &mut server).await;
}

#[tokio::test]
async fn the_end_of_an_open_connection_is_reported_once() {
    let mut world = World::new(&settings()[1]);
    let (ends, mut ended) = unbounded_channel();
    let acceptor = world.acceptor().with_refusal_handler(move |peer, refusal| {
        let _ = ends.send((peer.label().map(str::to_owned), refusal.reason()));
    });
    let (_client, mut server) = world.link_of(acceptor, world.connector()).await;
    world.server.change_something_else();
    world.block_client();
    expect_refusal(&refused_read(&mut server).await, ReasonCode::Blocked);
    let _again = refused_read(&mut server).await;
    let _again = within(server.write(b"!")).await.unwrap_err();
    let end = within(ended.recv()).await.unwrap();
    assert_eq!(end, (Some("array-7".to_owned()), ReasonCode::Blocked));
    assert!(within(ended.recv()).await.is_none(), "a second report");
}

#[tokio::test]
async fn a_reader_is_woken_although_a_writer_was_there_later() {
    let mut world = World::new(&settings()[1]);
    let (mut client, server) = world.link().await;
    let (mut read, mut write) = tokio::io::split(server);
    let reading = tokio::spawn(async move { read.read_u8().await.unwrap_err() });
    tokio::task::yield_now().await;
    let writing = tokio::spawn(async move {
        let error = loop {
            if let Err(error) = write.write_all(&[0; 65_536]).await {
                break error;
            }
        };
        (error, write)
    });
    // Until the writer waits as well.
    let _ = within(client.read(&mut [0; 8])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.block_client();
    expect_refusal(&within(reading).await.unwrap(), ReasonCode::Blocked);
    expect_refusal(&within(writing).await.unwrap().0, ReasonCode::Blocked);
}

/// Both ends of a connection that tokio-rustls has made.
async fn plain(
    world: &World,
) -> (
    tokio_rustls::client::TlsStream<TcpStream>,
    tokio_rustls::server::TlsStream<TcpStream>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = world.client_builder().build_for(&keys_1()).unwrap();
    let connector = TlsConnector::from(std::sync::Arc::new(client));
    let server = world.server_builder().build().unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(server));
    let connecting = async {
        let tcp = TcpStream::connect(address).await?;
        connector
            .connect("localhost".try_into().unwrap(), tcp)
            .await
    };
    let accepting = async { acceptor.accept(listener.accept().await?.0).await };
    let (client, server) = within(async { tokio::join!(connecting, accepting) }).await;
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn a_stream_of_tokio_rustls_is_guarded_from_the_view_of_its_handshake_on() {
    let mut world = World::new(&settings()[1]);
    let (client_check, server_check): (PeerCheck, PeerCheck) = (
        world.client_builder().peer_check(),
        world.server_builder().peer_check(),
    );
    let expected = keys_1();
    let (client, server) = plain(&world).await;
    let expected = ExpectedServer::id(&expected, None);
    let mut client = TlsStream::client(client_check.clone(), expected, client).unwrap();
    let mut server = TlsStream::server(server_check.clone(), server).unwrap();
    ping_both(&mut client, &mut server).await;

    // What was published between the handshake and the guard counts.
    let (client, server) = plain(&world).await;
    world.block_client();
    world.block_server();
    let refused = TlsStream::server(server_check, server).unwrap_err();
    assert_eq!(refused.reason(), ReasonCode::Blocked);
    let refused = TlsStream::client(client_check, expected, client).unwrap_err();
    assert_eq!(refused.reason(), ReasonCode::Blocked);
}

#[tokio::test]
async fn a_certificate_that_ends_while_its_connection_is_idle_ends_the_connection() {
    for setting in settings() {
        let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
        let server = spec("kms1").dns("localhost").self_signed();
        let world = World::of(&setting, server, client);
        let often = Some(Duration::from_millis(20));
        let acceptor = world.acceptor().with_recheck_interval(often).unwrap();
        let (mut client, mut server) = world.link_of(acceptor, world.connector()).await;
        ping_both(&mut client, &mut server).await;
        let reading = tokio::spawn(async move { refused_read(&mut server).await });
        tokio::task::yield_now().await;
        world.server.clock.set(NOW + DAY);
        expect_refusal(&within(reading).await.unwrap(), ReasonCode::Expired);
    }
}

#[tokio::test]
async fn a_busy_connection_is_asked_again_as_well() {
    let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
    let world = World::of(&settings()[1], spec("kms1").self_signed(), client);
    let often = Some(Duration::from_millis(20));
    let acceptor = world.acceptor().with_recheck_interval(often).unwrap();
    let (mut client, mut server) = world.link_of(acceptor, world.connector()).await;
    world.server.clock.set(NOW + DAY);
    // The server only writes, and never waits.
    let error = within(async {
        loop {
            if let Err(error) = server.write_all(b"!").await {
                break error;
            }
            let _ = client.read(&mut [0; 8]).await;
        }
    })
    .await;
    expect_refusal(&error, ReasonCode::Expired);
}

#[tokio::test]
async fn without_a_recheck_interval_a_publication_asks_and_time_does_not() {
    let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
    let mut world = World::of(&settings()[1], spec("kms1").self_signed(), client);
    let acceptor = world.acceptor().with_recheck_interval(None).unwrap();
    let (mut client, mut server) = world.link_of(acceptor, world.connector()).await;
    world.server.clock.set(NOW + DAY);
    tokio::time::sleep(Duration::from_millis(50)).await;
    ping(&mut client, &mut server).await;
    world.server.change_something_else();
    expect_refusal(&refused_read(&mut server).await, ReasonCode::Expired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_publication_is_missed_however_it_meets_the_handshakes() {
    // A client is blocked while its connection comes about. At every moment, the connection must end.
    let setting = &settings()[1];
    for round in 0..60_u32 {
        let mut world = World::new(setting);
        let (acceptor, connector) = (world.acceptor(), world.connector());
        let mut listener = mutual_trust_tokio::Listener::bind("127.0.0.1:0", acceptor)
            .await
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await;
            stream.read_u8().await
        });
        let client = tokio::spawn(async move {
            let mut stream = connector.connect_tcp("127.0.0.1", port).await?;
            // Until the server ends it.
            stream.read_u8().await
        });
        tokio::time::sleep(Duration::from_micros(100 * u64::from(round))).await;
        world.block_client();
        assert!(within(client).await.unwrap().is_err());
        // Either the handshake failed, and the server waits for another client, or the stream has ended.
        if server.is_finished() {
            expect_refusal(&server.await.unwrap().unwrap_err(), ReasonCode::Blocked);
        } else {
            server.abort();
        }
    }
}

#[tokio::test]
async fn a_stream_ends_once_its_peer_is_refused_elsewhere() {
    for setting in settings() {
        let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
        let server = spec("kms1").dns("localhost").self_signed();
        let world = World::of(&setting, server, client);
        let acceptor = world.acceptor().with_recheck_interval(None).unwrap();
        let (mut client, mut server) = world.link_of(acceptor, world.connector()).await;
        ping_both(&mut client, &mut server).await;
        let peer = server.peer().clone();
        let reading = tokio::spawn(async move { refused_read(&mut server).await });
        tokio::task::yield_now().await;
        world.server.clock.set(NOW + DAY);
        // As a handler does for a request.
        assert!(peer.refresh().is_err());
        expect_refusal(&within(reading).await.unwrap(), ReasonCode::Expired);
    }
}

/// A connection over a pipe, in which ten bytes are free: no room for a `close_notify`.
async fn nearly_full(world: &World) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (ours, theirs) = tokio::io::duplex(4096);
    let (acceptor, connector) = (world.acceptor(), world.connector());
    let both = async {
        tokio::join!(
            connector.connect("localhost", ours),
            acceptor.accept(theirs, [127, 0, 0, 1].into())
        )
    };
    let (client, server) = within(both).await;
    let (client, mut server) = (client.unwrap(), server.unwrap());
    let version = server.get_ref().1.protocol_version();
    let is_new = version == Some(rustls::ProtocolVersion::TLSv1_3);
    let overhead = if is_new { 22 } else { 29 };
    within(async {
        server
            .write_all(&vec![0; 4096 - overhead - 10])
            .await
            .unwrap();
        server.flush().await.unwrap();
    })
    .await;
    assert!(!server.get_ref().1.wants_write());
    (client, server)
}

#[tokio::test(start_paused = true)]
async fn a_block_ends_a_shutdown_that_waits_for_the_client() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let (_client, mut server) = nearly_full(&world).await;
        let mut closing = tokio::spawn(async move { server.shutdown().await });
        let waits = tokio::time::timeout(Duration::from_secs(1), &mut closing);
        assert!(waits.await.is_err());
        world.server.change_something_else();
        let waits = tokio::time::timeout(Duration::from_secs(1), &mut closing);
        assert!(waits.await.is_err());
        world.block_client();
        let error = within(closing).await.unwrap().unwrap_err();
        expect_refusal(&error, ReasonCode::Blocked);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_a_shutdown_does_not_wait_for_the_client() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let (_client, mut server) = nearly_full(&world).await;
        world.block_client();
        expect_refusal(&refused_read(&mut server).await, ReasonCode::Blocked);
        within(server.shutdown()).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_of_tokio_rustls_can_be_set_as_others_are() {
    let client = spec("array-7").client_auth().valid(-60, 3600).self_signed();
    let server = spec("kms1").dns("localhost").self_signed();
    let world = World::of(&settings()[1], server, client);
    let (_client, server) = plain(&world).await;
    // From here on, time passes at once when all tasks wait.
    tokio::time::pause();
    let (ends, mut ended) = unbounded_channel();
    let check = world.server_builder().peer_check();
    let often = Duration::from_secs(1);
    let mut server = TlsStream::server(check, server)
        .unwrap()
        .with_recheck_interval(Some(often))
        .unwrap()
        .with_refusal_handler(move |_, refusal| ends.send(refusal.reason()).unwrap());
    assert_eq!(server.peer().recheck_interval(), Some(often));
    world.server.clock.set(NOW + DAY);
    let start = tokio::time::Instant::now();
    expect_refusal(&refused_read(&mut server).await, ReasonCode::Expired);
    assert!(start.elapsed() < often * 2);
    assert_eq!(ended.try_recv(), Ok(ReasonCode::Expired));
    assert!(server.with_recheck_interval(Some(Duration::ZERO)).is_err());
}
