//! Nothing holds the end of the process.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use mutual_trust_tokio::Listener;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::support::{World, settings};

/// Runs `start` on a runtime of its own, which then ends. It must end by itself.
fn ends(start: impl AsyncFnOnce(World) + Send + 'static) {
    let (ended, end) = channel();
    thread::spawn(move || {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(start(World::new(&settings()[1])));
        // As at the end of `main`: waits for the tasks that block a thread.
        drop(runtime);
        ended.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(120))
        .expect("the runtime does not end");
}

#[test]
fn a_task_that_waits_for_a_newer_view_does_not_hold_the_end() {
    ends(async |world| {
        let generation = world.server.trust.current().generation();
        let newer = world.server.trust.newer_than(generation);
        let waiting = tokio::spawn(newer);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
    });
}

#[test]
fn a_listener_with_silent_clients_and_open_streams_does_not_hold_the_end() {
    ends(async |world| {
        let mut listener = Listener::bind("127.0.0.1:0", world.acceptor())
            .await
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let connecting = tokio::spawn(async move {
            world
                .connector()
                .connect_tcp("127.0.0.1", port)
                .await
                .unwrap()
        });
        let (stream, _) = listener.accept().await;
        let client = connecting.await.unwrap();
        let untrusted = stream.peer().no_longer_trusted();
        tokio::spawn(untrusted);
        tokio::spawn(async move {
            let _open = (silent, client, stream);
            listener.accept().await
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    });
}
