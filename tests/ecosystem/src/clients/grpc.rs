//! gRPC clients, asked by etcd.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use mutual_trust::{ReasonCode, Verdict, tls};
use mutual_trust_ecosystem::grpc::call;
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::{BoxError, trust};
use mutual_trust_tokio::{Connector, HttpsConnector};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::client::{Library, Ours};

/// The connector of a channel. With `http://…`, tonic leaves TLS to it, whatever features of tonic are on.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// The connector whose streams end with trust.
    Guarded,
    /// tokio-rustls with our configuration.
    TokioRustls,
}

impl Over {
    pub fn channel(self, ours: Ours, port: u16) -> Result<Channel, BoxError> {
        match self {
            Self::TokioRustls => over_tokio_rustls(ours.config, port),
            Self::Guarded => {
                let connector = ours.connector();
                // hook: tonic
                let endpoint = Endpoint::from_shared(format!("http://localhost:{port}"))?;
                let connector = HttpsConnector::http2(connector);
                let channel = endpoint.connect_with_connector_lazy(connector);
                // end of hook
                Ok(channel)
            }
        }
    }
}

/// A channel over a connector of one's own. The configuration must have `h2`.
pub fn over_tokio_rustls(config: ClientConfig, port: u16) -> Result<Channel, BoxError> {
    // hook: tonic, tokio-rustls
    let tls = TlsConnector::from(Arc::new(config));
    let connector = tower::service_fn(move |_: http::Uri| {
        let tls = tls.clone();
        async move {
            let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
            let stream = tls.connect("localhost".try_into()?, tcp).await?;
            Ok::<_, BoxError>(TokioIo::new(stream))
        }
    });
    let endpoint = Endpoint::from_shared(format!("http://localhost:{port}"))?;
    let channel = endpoint.connect_with_connector_lazy(connector);
    // end of hook
    Ok(channel)
}

pub struct Tonic(pub Over);

impl Library for Tonic {
    type Client = Channel;
    type Open = Channel;

    const ALPN: &'static [&'static str] = &["h2"];

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        self.0.channel(ours, port)
    }

    async fn open(&self, client: &Self::Client) -> Result<Self::Open, BoxError> {
        Ok(client.clone())
    }

    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError> {
        Ok(status(open.clone()).await?)
    }
}

/// Asks for the status of etcd.
pub async fn status(channel: Channel) -> Result<String, Status> {
    let answer = call(channel, "/etcdserverpb.Maintenance/Status").await?;
    Ok(format!("{} bytes of etcd", answer.len()))
}

/// A channel that connects at once has the verdict in its error.
pub async fn refused_when_connecting(port: u16, pki: &Pki) {
    let trust = trust::pinned(pki, "other").snapshot();
    let builder = trust::client_builder(pki, trust, "client");
    let connector = Connector::new(&builder, &trust::server()).unwrap();
    let connector = HttpsConnector::http2(connector);
    let endpoint = Endpoint::from_shared(format!("http://localhost:{port}")).unwrap();
    let error = endpoint
        .connect_with_connector(connector)
        .await
        .expect_err("another pin");
    let verdict = tls::refusal(&error).map(Verdict::reason);
    assert_eq!(verdict, Some(ReasonCode::PinDoesNotMatch), "{error:?}");
}
