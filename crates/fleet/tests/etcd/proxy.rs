//! A proxy before etcd that does not pass on what watches say.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

type Answer = BoxBody<Bytes, hyper::Error>;

/// It ends when it is dropped.
pub struct Proxy {
    _runtime: tokio::runtime::Runtime,
    port: u16,
}

impl Proxy {
    /// All but the answers of watches passes.
    pub fn silencing(backend: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(serve(listener, backend.to_owned()));
        Self {
            _runtime: runtime,
            port,
        }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

async fn serve(listener: TcpListener, backend: String) {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (client, backend) = (client.clone(), backend.clone());
        let pass = service_fn(move |request| pass(client.clone(), backend.clone(), request));
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), pass).await;
        });
    }
}

async fn pass(
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Incoming>,
    backend: String,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/Watch") {
        let answer = Response::builder().header("content-type", "application/grpc");
        return Ok(answer.body(Silent(request.into_body()).boxed()).unwrap());
    }
    *request.uri_mut() = Uri::try_from(format!("http://{backend}{path}")).unwrap();
    let answer = client.request(request).await.unwrap();
    Ok(answer.map(BodyExt::boxed))
}

/// Says nothing and does not end.
struct Silent(#[expect(dead_code, reason = "the request must stay open")] Incoming);

impl Body for Silent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Poll::Pending
    }
}
