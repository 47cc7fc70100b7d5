//! Unknown clients wait until an administrator accepts them.

use std::sync::Arc;
use std::time::Duration;

use mutual_trust::Enrolment;
use mutual_trust_tokio::{Acceptor, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{World, serve, settings, within};

#[tokio::test]
async fn an_unknown_client_waits_and_a_known_one_is_accepted() {
    let world = World::new(&settings()[1]);
    let enrolment = Enrolment::new(Arc::new(mutual_trust_test_support::now()));
    enrolment
        .open_enrolment(Duration::from_secs(600), 8)
        .unwrap();
    let acceptor = Acceptor::with_enrolment(&world.server_builder(), &enrolment)
        .unwrap()
        .with_http1();
    let listener = Listener::bind("127.0.0.1:0", acceptor).await.unwrap();
    let port = serve(listener, |mut stream| async move {
        let _ = stream.write_all(b"!").await;
        let _ = stream.shutdown().await;
    });
    let known = world.connector().with_http1();
    let mut stream = within(known.connect_tcp("127.0.0.1", port)).await.unwrap();
    assert_eq!(within(stream.read_u8()).await.unwrap(), b'!');
    assert_eq!(stream.alpn_protocol(), Some(&b"http/1.1"[..]));
    let unknown = world.unknown_connector();
    let asking = async {
        unknown
            .connect_tcp("127.0.0.1", port)
            .await?
            .read_u8()
            .await
    };
    within(asking).await.unwrap_err();
    assert_eq!(enrolment.pending().len(), 1);
}
