//! What runs in our tasks and is not ours: a panic in it ends nothing but itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mutual_trust::certificate::TimeSource;
use mutual_trust::{CurrentTime, ReasonCode};
use mutual_trust_test_support::{NOW, at};
use mutual_trust_tokio::{Acceptor, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::unbounded_channel;

use crate::support::{Stream, World, expect_refusal, failures, serve, settings, within};

async fn answer(mut stream: Stream) {
    let _ = stream.write_all(b"!").await;
    let _ = stream.read_u8().await;
}

async fn is_served(world: &World, port: u16) {
    within(async {
        let connector = world.connector();
        let mut stream = connector.connect_tcp("127.0.0.1", port).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'!');
    })
    .await;
}

#[tokio::test]
async fn a_failure_handler_that_panics_does_not_end_the_listener() {
    let world = World::new(&settings()[1]);
    let (sender, mut called) = unbounded_channel();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(move |_| {
        let _ = sender.send(());
        panic!("a handler that panics");
    });
    let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), answer);
    for _ in 0..2 {
        let mut refused = within(world.unknown_connector().connect_tcp("127.0.0.1", port))
            .await
            .unwrap();
        assert!(within(refused.read_u8()).await.is_err());
        within(called.recv()).await.unwrap();
    }
    is_served(&world, port).await;
}

#[tokio::test]
async fn a_refusal_handler_that_panics_leaves_the_error_as_it_is() {
    let mut world = World::new(&settings()[1]);
    let acceptor = world
        .acceptor()
        .with_refusal_handler(|_, _| panic!("a handler that panics"));
    let (_client, mut server) = world.link_of(acceptor, world.connector()).await;
    world.block_client();
    let error = within(server.read_u8()).await.unwrap_err();
    expect_refusal(&error, ReasonCode::Blocked);
}

#[derive(Debug, Default)]
struct PanickingClock(AtomicBool);

impl TimeSource for PanickingClock {
    fn now(&self) -> CurrentTime {
        let again = self.0.swap(true, Ordering::SeqCst);
        assert!(again, "a clock that panics");
        CurrentTime::Known(at(NOW))
    }
}

#[tokio::test]
async fn a_handshake_that_panics_is_reported_with_its_address() {
    let world = World::new(&settings()[1]);
    let clock = Arc::new(PanickingClock::default());
    let acceptor = Acceptor::new(&world.server_builder().with_clock(clock)).unwrap();
    let (handler, mut failed) = failures();
    let builder = Listener::builder(acceptor).with_failure_handler(handler);
    let port = serve(builder.bind("127.0.0.1:0").await.unwrap(), answer);
    let connecting = world.connector();
    let lost = within(async {
        let mut stream = connecting.connect_tcp("127.0.0.1", port).await?;
        stream.read_u8().await
    });
    assert!(lost.await.is_err());
    let failed = within(failed.recv()).await.unwrap();
    let whose = "no connection with 127.0.0.1:";
    assert!(failed.text.starts_with(whose), "{}", failed.text);
    assert!(failed.text.contains("panic"), "{}", failed.text);
    is_served(&world, port).await;
}
