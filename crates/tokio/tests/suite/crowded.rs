//! A listener that is full, or has no files left: who makes room, and who is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mutual_trust::certificate::TimeSource;
use mutual_trust::{CurrentTime, ReasonCode};
use mutual_trust_test_support::{NOW, at};
use mutual_trust_tokio::limits::{MAX_DRAINING, PATIENCE_WHEN_FULL};
use mutual_trust_tokio::{Acceptor, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{Stream, World, failures, serve, settings, within};

/// Answers one byte, and stays open.
async fn answer(mut stream: Stream) {
    let _ = stream.write_all(b"!").await;
    let _ = stream.read_u8().await;
}

/// Connects, and waits for the answer.
async fn is_served(world: &World, port: u16) -> Stream {
    let patient = world.connector().with_timeout(Duration::from_secs(100));
    within(async {
        let mut stream = patient
            .unwrap()
            .connect_tcp("127.0.0.1", port)
            .await
            .unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'!');
        stream
    })
    .await
}

/// Runs a task while the clock of the runtime stands still. A task that needs time to pass has failed.
async fn without_time<T>(task: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let (ended, end) = channel::<()>();
    // The clock of a test stands still while a blocking task runs.
    let holding = tokio::task::spawn_blocking(move || end.recv_timeout(Duration::from_secs(60)));
    let result = within(task).await;
    assert_eq!(Instant::now(), start, "this needed time to pass");
    drop(ended);
    holding.await.unwrap().unwrap_err();
    result
}

/// How many handshakes, or drains, a listener has.
fn count(listener: &Listener, what: &str) -> usize {
    let text = format!("{listener:?}");
    let digits = text.split(&format!("{what}: ")).nth(1).unwrap();
    let digits = digits.split(|end: char| !end.is_ascii_digit()).next();
    digits.unwrap().parse().unwrap()
}

/// Lets a listener work, until `done`. No client may be handed out.
async fn work(listener: &mut Listener, mut done: impl FnMut(&Listener) -> bool) {
    while !done(listener) {
        tokio::select! {
            biased;
            _ = listener.accept() => panic!("a client is handed out"),
            () = tokio::task::yield_now() => {}
        }
    }
}

/// A clock that holds the thread that reads it, once it is armed.
#[derive(Debug)]
struct HoldingClock {
    armed: AtomicBool,
    reached: Mutex<Sender<()>>,
    release: Mutex<Receiver<()>>,
}

impl TimeSource for HoldingClock {
    fn now(&self) -> CurrentTime {
        if self.armed.swap(false, Ordering::SeqCst) {
            let _ = self.reached.lock().unwrap().send(());
            let release = self.release.lock().unwrap_or_else(PoisonError::into_inner);
            // The other tasks of this thread go on.
            tokio::task::block_in_place(|| {
                release.recv_timeout(Duration::from_secs(60)).unwrap();
            });
        }
        CurrentTime::Known(at(NOW))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_client_that_is_done_while_its_handshake_is_ended_leaves_eviction_as_it_was() {
    for setting in settings() {
        let world = World::new(&setting);
        let ((reached, held), (go_on, release)) = (channel(), channel());
        let clock = Arc::new(HoldingClock {
            armed: AtomicBool::new(false),
            reached: Mutex::new(reached),
            release: Mutex::new(release),
        });
        // No handshake ends by itself.
        let acceptor = Acceptor::new(&world.server_builder().with_clock(clock.clone())).unwrap();
        let acceptor = acceptor
            .with_handshake_timeout(Duration::from_secs(3600))
            .unwrap();
        let (handler, mut failed) = failures();
        let builder = Listener::builder(acceptor).with_failure_handler(handler);
        let builder = builder.with_max_handshakes(1).unwrap();
        let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), answer);
        clock.armed.store(true, Ordering::SeqCst);
        let first = async {
            // Its handshake is in its last poll.
            let held = tokio::task::spawn_blocking(move || {
                held.recv_timeout(Duration::from_secs(60)).unwrap();
            });
            held.await.unwrap();
            // It is ended meanwhile.
            tokio::time::sleep(PATIENCE_WHEN_FULL + Duration::from_millis(500)).await;
            go_on.send(()).unwrap();
        };
        let (_first, ()) = tokio::join!(is_served(&world, port), first);
        // Who is handed out is not reported.
        assert!(failed.try_recv().is_err(), "a client that was handed out");

        // And the next silent one makes room.
        let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _served = is_served(&world, port).await;
        let made_room = within(failed.recv()).await.unwrap();
        assert!(made_room.text.contains("made room"), "{}", made_room.text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_becomes_free_is_taken_at_once() {
    let world = World::new(&settings()[1]);
    let (handler, mut failed) = failures();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
    let builder = builder.with_max_handshakes(2).unwrap();
    let mut listener = builder.bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    without_time(async {
        let mut silent = Vec::new();
        for _ in 0..2 {
            silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        }
        work(&mut listener, |listener| count(listener, "handshakes") == 2).await;
        // It is full, and waits for the oldest.
        let _port = serve(listener, answer);
        tokio::task::yield_now().await;
        silent.pop();
        let _served = is_served(&world, port).await;
        let ended = failed.recv().await.unwrap();
        assert!(!ended.text.contains("made room"), "{}", ended.text);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_reported_before_its_client_has_closed_and_holds_no_place() {
    for setting in settings() {
        let world = World::new(&setting);
        let (handler, mut failed) = failures();
        let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
        let builder = builder.with_max_handshakes(1).unwrap();
        let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), answer);
        without_time(async {
            let mut open = Vec::new();
            for _ in 0..3 {
                let tcp = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
                open.push(tcp.try_clone().unwrap());
                tcp.set_nonblocking(true).unwrap();
                let tcp = TcpStream::from_std(tcp).unwrap();
                let _ = world.unknown_connector().connect("127.0.0.1", tcp).await;
                let refused = failed.recv().await.unwrap();
                assert_eq!(refused.reason, Some(ReasonCode::PinDoesNotMatch));
            }
            let _served = is_served(&world, port).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_refused_clients_are_waited_for_than_the_bound() {
    let world = World::new(&settings()[1]);
    let (handler, mut failed) = failures();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
    let mut listener = builder.bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connector = world.unknown_connector();
    without_time(async {
        let clients = tokio::spawn(async move {
            let mut open = Vec::new();
            for _ in 0..MAX_DRAINING + 4 {
                // In TLS 1.3, the client learns nothing yet.
                open.push(connector.connect_tcp("127.0.0.1", port).await.unwrap());
            }
            open
        });
        let (mut told, mut most) = (0, 0);
        work(&mut listener, |listener| {
            let draining = count(listener, "draining");
            assert!(draining <= MAX_DRAINING, "{draining}");
            most = most.max(draining);
            told += usize::from(failed.try_recv().is_ok());
            told == MAX_DRAINING + 4
        })
        .await;
        assert_eq!(most, MAX_DRAINING);
        let _open = clients.await.unwrap();
    })
    .await;
}

/// Opens files until there are none left.
fn all_files() -> Vec<std::fs::File> {
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
        assert!(files.len() < 4096, "the process has many files");
    }
    files
}

#[cfg(unix)]
#[test]
fn silent_clients_that_take_all_files_make_room() {
    crate::listeners::with_48_files("crowded::without_a_file_left");
}

#[tokio::test]
#[ignore = "runs in a process of its own, which may have few files"]
async fn without_a_file_left() {
    let world = World::new(&settings()[1]);
    let (handler, mut failed) = failures();
    // No handshake ends by itself.
    let acceptor = world
        .acceptor()
        .with_handshake_timeout(Duration::from_secs(3600));
    let builder = Listener::builder(acceptor.unwrap()).with_failure_handler(handler);
    let mut listener = builder.bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    work(&mut listener, |listener| count(listener, "handshakes") == 8).await;
    let mut files = all_files();
    let _port = serve(listener, answer);
    let mut open = Vec::new();
    for _ in 0..3 {
        // One file, for the client itself.
        files.pop();
        open.push(is_served(&world, port).await);
        let told = [(); 2].map(|()| failed.try_recv());
        let texts: Vec<_> = told.into_iter().flatten().map(|told| told.text).collect();
        assert!(
            texts.iter().any(|text| text.contains("made room")),
            "{texts:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn refused_clients_that_take_all_files_make_room() {
    crate::listeners::with_48_files("crowded::with_files_of_refused_clients");
}

#[tokio::test(start_paused = true)]
#[ignore = "runs in a process of its own, which may have few files"]
async fn with_files_of_refused_clients() {
    let world = World::new(&settings()[1]);
    let (handler, mut failed) = failures();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
    let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), answer);
    without_time(async {
        let mut refused = Vec::new();
        for _ in 0..8 {
            let connector = world.unknown_connector();
            refused.push(connector.connect_tcp("127.0.0.1", port).await.unwrap());
            assert!(failed.recv().await.unwrap().reason.is_some());
        }
        let mut files = all_files();
        // One file, for the client itself.
        files.pop();
        let _served = is_served(&world, port).await;
    })
    .await;
}
