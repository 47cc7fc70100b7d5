//! A listener: handshakes in tasks that do not delay each other, and clients that learn of their refusal.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mutual_trust::{ReasonCode, tls};
use mutual_trust_test_support::pki::spec;
use mutual_trust_tokio::Listener;
use rustls::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Stream, World, expect_refusal, failures, serve, settings, within};

/// Answers each byte with one.
async fn echo(mut stream: Stream) {
    while let Ok(byte) = stream.read_u8().await {
        if stream.write_all(&[byte]).await.is_err() {
            return;
        }
    }
}

async fn answered(stream: &mut Stream) -> io::Result<u8> {
    within(async {
        stream.write_all(b"?").await?;
        stream.read_u8().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_client_gets_its_alert_each_time() {
    for setting in settings() {
        let world = World::new(&setting);
        let (handler, mut failed) = failures();
        let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
        let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), echo);
        let connector = world.unknown_connector();
        for _ in 0..100 {
            // In TLS 1.3 the client sends a request before it learns of the refusal. Had the server closed its socket
            // by then, a write would fail, and the client would not read its alert.
            let error = within(async {
                let mut stream = connector.connect_tcp("127.0.0.1", port).await?;
                for _ in 0..8 {
                    stream.write_all(&[0; 4096]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
                stream.read_u8().await
            })
            .await
            .unwrap_err();
            let alert = tls::refused_by_peer(&error);
            assert_eq!(
                alert,
                Some(AlertDescription::CertificateUnknown),
                "{error:?}"
            );
            let failed = within(failed.recv()).await.unwrap();
            assert_eq!(failed.reason, Some(ReasonCode::PinDoesNotMatch));
            assert!(!failed.text.contains("PinDoesNotMatch"), "{}", failed.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_do_not_hold_up_others_although_they_take_all_places() {
    let world = World::new(&settings()[1]);
    let (handler, mut failed) = failures();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
    let builder = builder.with_max_handshakes(4).unwrap();
    let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), echo);
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let mut stream = within(
        world
            .connector()
            .with_timeout(Duration::from_secs(100))
            .unwrap()
            .connect_tcp("127.0.0.1", port),
    )
    .await
    .unwrap();
    assert_eq!(answered(&mut stream).await.unwrap(), b'?');
    // Nine of twelve made room, one after the other.
    for _ in 0..9 {
        let failed = within(failed.recv()).await.unwrap();
        assert_eq!(failed.kind, io::ErrorKind::TimedOut);
        assert!(failed.text.contains("made room"), "{}", failed.text);
    }
}

#[tokio::test]
async fn no_more_handshakes_are_under_way_than_allowed() {
    let world = World::new(&settings()[1]);
    let builder = Listener::builder(world.acceptor())
        .with_max_handshakes(3)
        .unwrap();
    assert_eq!(builder.max_handshakes(), 3);
    let mut listener = builder.bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let mut most = 0;
    for _ in 0..20 {
        let accepted = tokio::time::timeout(Duration::from_millis(10), listener.accept());
        assert!(accepted.await.is_err());
        let text = format!("{listener:?}");
        let count = text.split("handshakes: ").nth(1).unwrap();
        let count: usize = count
            .split(|end: char| !end.is_ascii_digit())
            .next()
            .unwrap()
            .parse()
            .unwrap();
        most = most.max(count);
        assert!(count <= 3, "{text}");
    }
    assert_eq!(most, 3);
}

#[tokio::test]
async fn a_handshake_ends_at_its_time_limit_however_slowly_it_goes_on() {
    let world = World::new(&settings()[1]);
    let limit = Duration::from_millis(100);
    let acceptor = world.acceptor().with_handshake_timeout(limit).unwrap();
    let (handler, mut failed) = failures();
    let builder = Listener::builder(acceptor).with_failure_handler(handler);
    let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), echo);
    let mut slow = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let sending = tokio::spawn(async move {
        // A record of 16 KiB, byte for byte.
        let header = [22, 3, 1, 0x40, 0];
        let bytes = header.into_iter().chain(std::iter::repeat(1));
        for byte in bytes {
            if slow.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let failed = within(failed.recv()).await.unwrap();
    assert_eq!(failed.kind, io::ErrorKind::TimedOut);
    within(sending).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_stand_while_trust_in_others_changes() {
    let mut world = World::new(&settings()[1]);
    let listener = Listener::bind("127.0.0.1:0", world.acceptor())
        .await
        .unwrap();
    let port = serve(listener, echo);
    let connector = world.connector();
    let answers = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for _ in 0..100 {
        let (connector, answers) = (connector.clone(), answers.clone());
        clients.push(tokio::spawn(async move {
            let mut stream = connector.connect_tcp("127.0.0.1", port).await.unwrap();
            for _ in 0..20 {
                assert_eq!(answered(&mut stream).await.unwrap(), b'?');
                answers.fetch_add(1, Ordering::SeqCst);
            }
            // Idle from now on.
            stream.read_u8().await.unwrap_err()
        }));
    }
    while answers.load(Ordering::SeqCst) < 2_000 {
        world.server.change_something_else();
        let other = spec("other").client_auth().self_signed();
        world.server.block(&other);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(clients.iter().all(|client| !client.is_finished()));
    }
    // And the block ends all of them.
    world.block_client();
    for client in clients {
        let error = within(client).await.unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}

#[tokio::test]
async fn a_dropped_listener_ends_its_handshakes_and_its_socket() {
    let world = World::new(&settings()[1]);
    let mut listener = Listener::bind("127.0.0.1:0", world.acceptor())
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), listener.accept());
    assert!(waiting.await.is_err());
    drop(listener);
    // The end, or a reset.
    let read = within(silent.read(&mut [0; 8])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_accept_loses_no_client() {
    let world = World::new(&settings()[1]);
    let mut listener = Listener::bind("127.0.0.1:0", world.acceptor())
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let connector = world.connector();
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let connector = connector.clone();
            tokio::spawn(async move { connector.connect_tcp("127.0.0.1", port).await.unwrap() })
        })
        .collect();
    let mut seen = BTreeSet::new();
    let mut streams = Vec::new();
    within(async {
        while seen.len() < 20 {
            let accepted = tokio::time::timeout(Duration::from_micros(300), listener.accept());
            if let Ok((stream, address)) = accepted.await {
                assert!(seen.insert(address));
                streams.push(stream);
            }
        }
    })
    .await;
    for client in clients {
        within(client).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_tls_is_a_failure_without_a_verdict() {
    let world = World::new(&settings()[1]);
    let (handler, mut failed) = failures();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
    let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), echo);
    let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let failed = within(failed.recv()).await.unwrap();
    assert_eq!(
        (failed.kind, failed.reason),
        (io::ErrorKind::InvalidData, None)
    );
}

#[tokio::test]
async fn a_refusal_of_the_server_is_found_at_the_client() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let (handler, mut failed) = failures();
        let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
        let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), echo);
        world.block_server();
        let refused = within(world.connector().connect_tcp("127.0.0.1", port)).await;
        expect_refusal(&refused.unwrap_err(), ReasonCode::Blocked);
        let failed = within(failed.recv()).await.unwrap();
        assert!(
            failed.reason.is_none() && failed.kind == io::ErrorKind::InvalidData,
            "{failed:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_listener_goes_on_after_there_were_too_many_open_files() {
    with_48_files("listeners::with_few_files");
}

/// Runs an ignored test in a process that may have 48 files.
#[cfg(unix)]
pub fn with_48_files(test: &str) {
    let script = format!("ulimit -n 48 && exec \"$0\" --ignored --exact {test}");
    let child = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(
        text.contains("test result: ok. 1 passed"),
        "{text}\n{child:?}"
    );
}

#[tokio::test]
#[ignore = "runs in a process of its own, which may have few files"]
async fn with_few_files() {
    let world = World::new(&settings()[1]);
    let connector = world.connector();
    let (handler, mut failed) = failures();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
    let listener = builder.bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut silent = Vec::new();
    while let Ok(tcp) = std::net::TcpStream::connect(("127.0.0.1", port)) {
        silent.push(tcp);
        assert!(silent.len() < 4096, "the process has many files");
    }
    let port = serve(listener, echo);
    let first = within(failed.recv()).await.unwrap();
    assert!(
        first
            .text
            .starts_with("no connection is accepted for now: ")
    );
    // It pauses, and does not ask again and again.
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(silent);
    let mut stream = within(connector.connect_tcp("127.0.0.1", port))
        .await
        .unwrap();
    assert_eq!(answered(&mut stream).await.unwrap(), b'?');
    let mut errors = 1;
    while let Ok(failed) = failed.try_recv() {
        errors += usize::from(failed.text.starts_with("no connection is accepted"));
    }
    assert!(errors < 1_000, "{errors} errors");
}
