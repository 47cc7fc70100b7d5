//! actix-web: the hook, the middleware and the extractor.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::rt::time::{Interval, interval};
use actix_web::{App, HttpResponse, HttpServer, web};
use futures_core::Stream;
use mutual_trust::{ReasonCode, tls};
use mutual_trust_tokio::{Peer, actix};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::http::request;
use crate::support::{Stream as Guarded, World, settings, within};

async fn label(peer: Peer) -> String {
    format!("you are {}", peer.label().unwrap_or("unlabelled"))
}

/// An answer without an end. Or it waits after its first part.
struct Parts(Interval, bool);

impl MessageBody for Parts {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        let _ = ready!(self.0.poll_tick(context));
        if self.1 {
            self.0 = interval(Duration::from_secs(3600));
            self.0.reset();
        }
        Poll::Ready(Some(Ok(web::Bytes::from_static(b"secret"))))
    }
}

/// Where an upload says what it has read, and why it has ended.
type Uploads = UnboundedSender<Result<usize, Option<ReasonCode>>>;

async fn upload(mut body: web::Payload, uploads: web::Data<Uploads>) -> HttpResponse {
    loop {
        let part = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await;
        let part = part.unwrap().map(|part| part.len());
        let part = part.map_err(|error| tls::refusal(&error).map(|verdict| verdict.reason()));
        let ended = part.is_err();
        let _ = uploads.send(part);
        if ended {
            return HttpResponse::Ok().finish();
        }
    }
}

/// A server with one port for TLS and one without, on a thread of its own.
async fn start(world: &World) -> (u16, u16, ServerHandle) {
    start_with(world, unbounded_channel().0).await
}

async fn start_with(world: &World, uploads: Uploads) -> (u16, u16, ServerHandle) {
    let (config, check) = (
        world.server_builder().build().unwrap(),
        world.server_builder().peer_check(),
    );
    let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = [0, 1].map(|index: usize| sockets[index].local_addr().unwrap().port());
    let (started, handle) = oneshot::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let parts = async |waits| {
                HttpResponse::Ok().body(Parts(interval(Duration::from_millis(5)), waits))
            };
            let app = move || {
                let demanded = web::scope("/demanded").wrap(from_fn(actix::require_peer));
                let demanded = demanded
                    .route("", web::get().to(async || "demanded"))
                    .route("/parts", web::get().to(move || parts(false)))
                    .route("/waiting", web::get().to(move || parts(true)))
                    .route("/upload", web::post().to(upload));
                App::new()
                    .app_data(web::Data::new(uploads.clone()))
                    .route("/", web::get().to(label))
                    .service(demanded)
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

/// Sends the head of a request, on a connection of its own.
async fn begin(world: &World, port: u16, head: &str) -> Guarded {
    within(async {
        let connector = world.connector().with_http1();
        let mut stream = connector.connect_tcp("127.0.0.1", port).await.unwrap();
        let text = format!("{head}\r\nhost: localhost\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    })
    .await
}

#[tokio::test]
async fn a_block_ends_an_answer_that_is_under_way() {
    for setting in settings() {
        for path in ["parts", "waiting"] {
            let mut world = World::new(&setting);
            let (port, _, server) = start(&world).await;
            let head = format!("GET /demanded/{path} HTTP/1.1");
            let mut stream = begin(&world, port, &head).await;
            let mut text = String::new();
            while !text.contains("secret") {
                let mut part = [0; 4096];
                let count = within(stream.read(&mut part)).await.unwrap();
                text.push_str(std::str::from_utf8(&part[..count]).unwrap());
            }
            world.server.change_something_else();
            world.block_client();
            let mut rest = Vec::new();
            let _ = within(stream.read_to_end(&mut rest)).await;
            // The last chunk is not there: the answer is not complete.
            assert!(!rest.ends_with(b"0\r\n\r\n"));
            within(server.stop(false)).await;
        }
    }
}

#[tokio::test]
async fn a_block_ends_an_upload_that_is_under_way() {
    for setting in settings() {
        let mut world = World::new(&setting);
        let (uploads, mut uploaded) = unbounded_channel();
        let (port, _, server) = start_with(&world, uploads).await;
        let head = "POST /demanded/upload HTTP/1.1\r\ntransfer-encoding: chunked";
        let mut stream = begin(&world, port, head).await;
        within(stream.write_all(b"5\r\nhello\r\n")).await.unwrap();
        assert_eq!(within(uploaded.recv()).await.unwrap(), Ok(5));
        world.block_client();
        let end = within(uploaded.recv()).await.unwrap();
        assert_eq!(end, Err(Some(ReasonCode::Blocked)));
        within(server.stop(false)).await;
    }
}
