//! actix-web: the hook, the middleware and the extractor.

use std::net::TcpListener;
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use mutual_trust_tokio::{Peer, actix};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::http::request;
use crate::support::{World, settings, within};

async fn label(peer: Peer) -> String {
    format!("you are {}", peer.label().unwrap_or("unlabelled"))
}

/// A server with one port for TLS and one without, on a thread of its own.
async fn start(world: &World) -> (u16, u16, ServerHandle) {
    let (config, check) = (
        world.server_builder().build().unwrap(),
        world.server_builder().peer_check(),
    );
    let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = [0, 1].map(|index: usize| sockets[index].local_addr().unwrap().port());
    let (started, handle) = oneshot::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = || {
                App::new().route("/", web::get().to(label)).service(
                    web::resource("/demanded")
                        .wrap(from_fn(actix::require_peer))
                        .route(web::get().to(async || "demanded")),
                )
            };
            let [with_tls, without] = sockets;
            let server = HttpServer::new(app)
                .workers(1)
                .disable_signals()
                .on_connect(actix::on_connect(check))
                .listen_rustls_0_23(with_tls, config)
                .unwrap()
                .listen(without)
                .unwrap()
                .run();
            let _ = started.send(server.handle());
            server.await.unwrap();
        });
    });
    (ports[0], ports[1], within(handle).await.unwrap())
}

#[tokio::test]
async fn a_blocked_client_is_refused_on_its_open_connection() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let (port, _, server) = start(&world).await;
        let connector = world.connector().with_http1();
        let mut stream = within(connector.connect_tcp("127.0.0.1", port))
            .await
            .unwrap();
        assert!(request(&mut stream).await.ends_with("you are array-7"));
        world.server.change_something_else();
        assert!(request(&mut stream).await.ends_with("you are array-7"));
        world.block_client();
        let answer = request(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        within(server.stop(false)).await;
    }
}

#[tokio::test]
async fn a_connection_without_tls_has_no_peer() {
    let world = World::new(&settings()[1]);
    let (with_tls, without, server) = start(&world).await;
    let ask = async |port, path: &str| {
        let text = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        if port == with_tls {
            let connector = world.connector().with_http1();
            let mut stream = connector.connect_tcp("127.0.0.1", port).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let _ = stream.read_to_string(&mut answer).await;
        } else {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            stream.read_to_string(&mut answer).await.unwrap();
        }
        answer
    };
    let answer = within(ask(with_tls, "/demanded")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for path in ["/", "/demanded"] {
        let answer = within(ask(without, path)).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
    within(server.stop(false)).await;
}
