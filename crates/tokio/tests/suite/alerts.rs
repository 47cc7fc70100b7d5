//! What a refused client receives, as bytes: the same for every reason.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use mutual_trust::ReasonCode;
use mutual_trust_test_support::link::{Setting, keys_1, records};
use mutual_trust_test_support::pki::{Made, spec};
use mutual_trust_test_support::{DAY, NOW};
use mutual_trust_tokio::{Connector, Listener};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::support::{World, failures, serve, settings, within};

/// A connection that keeps what it receives.
struct Tap(TcpStream, Arc<Mutex<Vec<u8>>>);

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
        let received = &buffer.filled()[filled..];
        self.1.lock().unwrap().extend_from_slice(received);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The last record that a client receives, and the reason that its server has.
async fn refused(world: &World, us: &Made) -> (Vec<u8>, ReasonCode) {
    let (handler, mut failed) = failures();
    let builder = Listener::builder(world.acceptor()).with_failure_handler(handler);
    let listener = builder.bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _port = serve(listener, |_| async { panic!("accepted") });
    let connector = Connector::new(&world.client_builder_of(us), &keys_1()).unwrap();
    let received = Arc::new(Mutex::new(Vec::new()));
    let tap = Tap(TcpStream::connect(address).await.unwrap(), received.clone());
    let talking = async {
        let mut stream = connector.connect("localhost", tap).await?;
        stream.write_all(b"who am I").await?;
        stream.read_u8().await
    };
    let _error = within(talking).await.unwrap_err();
    let last = records(&received.lock().unwrap()).last().unwrap().to_vec();
    (last, within(failed.recv()).await.unwrap().reason.unwrap())
}

/// The last record for each of the reasons.
async fn all(setting: &Setting) -> Vec<(Vec<u8>, ReasonCode)> {
    let unknown = spec("unknown").client_auth().self_signed();
    let world = World::new(setting);
    let mut all = vec![refused(&world, &unknown).await];

    let mut world = World::new(setting);
    world.block_client();
    all.push(refused(&world, &world.client.made).await);

    let short = spec("array-7").client_auth().valid(-60, 3600).self_signed();
    let world = World::of(setting, spec("kms1").self_signed(), short);
    world.server.clock.set(NOW + DAY);
    all.push(refused(&world, &world.client.made).await);

    let mut world = World::new(setting);
    world.server.store = setting.store();
    while world.server.store.contents().generation() <= world.server.trust.current().generation() {
        let name = format!("filler-{}", world.server.store.contents().generation());
        world
            .server
            .store
            .add_server(name.parse().unwrap(), [])
            .unwrap();
    }
    world.server.publish();
    all.push(refused(&world, &world.client.made).await);
    all
}

#[tokio::test]
async fn what_a_refused_client_receives_does_not_tell_the_reason() {
    for setting in settings() {
        let all = all(&setting).await;
        let reasons: BTreeSet<_> = all
            .iter()
            .map(|(_, reason)| format!("{reason:?}"))
            .collect();
        assert_eq!(reasons.len(), all.len(), "{reasons:?}");
        let (first, _) = &all[0];
        for (last, reason) in &all {
            if setting.is_tls13() {
                // Encrypted: an alert with its type and the tag.
                assert_eq!(
                    (last[0], last.len()),
                    (first[0], 5 + 2 + 1 + 16),
                    "{reason}"
                );
            } else {
                assert_eq!(last, first, "{reason}");
                assert_eq!(last[5..], [2, 46], "fatal, certificate_unknown");
            }
        }
    }
}
