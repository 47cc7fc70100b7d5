//! HTTP clients, asked by nginx.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use mutual_trust_ecosystem::BoxError;
use mutual_trust_tokio::HttpsConnector;
use rustls::ClientConfig;

use crate::client::{Library, Ours};

/// How many idle connections a pool keeps.
#[derive(Clone, Copy, Debug)]
pub enum Pool {
    /// As many as the library's default says.
    Default,
    /// None: the documented setting that makes each request connect.
    Empty,
}

pub struct Reqwest12(pub Pool);

impl Library for Reqwest12 {
    type Client = (reqwest12::Client, u16);
    type Open = (reqwest12::Client, u16);

    const ALPN: &'static [&'static str] = &["h2", "http/1.1"];

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        let config = ours.config;
        // hook: reqwest 0.12
        let builder = reqwest12::Client::builder().use_preconfigured_tls(config);
        // end of hook
        let builder = match self.0 {
            Pool::Default => builder,
            Pool::Empty => builder.pool_max_idle_per_host(0),
        };
        Ok((builder.no_proxy().build()?, port))
    }

    async fn open(&self, client: &Self::Client) -> Result<Self::Open, BoxError> {
        Ok(client.clone())
    }

    async fn ask(&self, (client, port): &mut Self::Open) -> Result<String, BoxError> {
        let response = client
            .get(format!("https://localhost:{port}/"))
            .send()
            .await?;
        Ok(response.text().await?)
    }
}

pub struct Reqwest13(pub Pool);

impl Library for Reqwest13 {
    type Client = (reqwest13::Client, u16);
    type Open = (reqwest13::Client, u16);

    const ALPN: &'static [&'static str] = &["h2", "http/1.1"];

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        let config = ours.config;
        // hook: reqwest 0.13
        let builder = reqwest13::Client::builder().tls_backend_preconfigured(config);
        // end of hook
        let builder = match self.0 {
            Pool::Default => builder,
            Pool::Empty => builder.pool_max_idle_per_host(0),
        };
        Ok((builder.no_proxy().build()?, port))
    }

    async fn open(&self, client: &Self::Client) -> Result<Self::Open, BoxError> {
        Ok(client.clone())
    }

    async fn ask(&self, (client, port): &mut Self::Open) -> Result<String, BoxError> {
        let response = client
            .get(format!("https://localhost:{port}/"))
            .send()
            .await?;
        Ok(response.text().await?)
    }
}

pub type Https = hyper_rustls::HttpsConnector<HttpConnector>;

pub fn https(config: ClientConfig) -> Https {
    // hook: hyper-rustls
    hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_all_versions()
        .build()
    // end of hook
}

pub struct HyperRustls(pub Pool);

impl Library for HyperRustls {
    type Client = (Client<Https, Empty<Bytes>>, u16);
    type Open = (Client<Https, Empty<Bytes>>, u16);

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        let mut builder = Client::builder(TokioExecutor::new());
        if let Pool::Empty = self.0 {
            builder.pool_max_idle_per_host(0);
        }
        Ok((builder.build(https(ours.config)), port))
    }

    async fn open(&self, client: &Self::Client) -> Result<Self::Open, BoxError> {
        Ok(client.clone())
    }

    async fn ask(&self, (client, port): &mut Self::Open) -> Result<String, BoxError> {
        get(client, *port).await
    }
}

/// hyper-util with the connector whose streams end with trust.
pub struct HyperGuarded;

impl Library for HyperGuarded {
    type Client = (Client<HttpsConnector, Empty<Bytes>>, u16);
    type Open = (Client<HttpsConnector, Empty<Bytes>>, u16);

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError> {
        let connector = ours.connector();
        // hook: hyper-util
        let client = Client::builder(TokioExecutor::new()).build(HttpsConnector::new(connector));
        // end of hook
        Ok((client, port))
    }

    async fn open(&self, client: &Self::Client) -> Result<Self::Open, BoxError> {
        Ok(client.clone())
    }

    async fn ask(&self, (client, port): &mut Self::Open) -> Result<String, BoxError> {
        get(client, *port).await
    }
}

async fn get<C>(client: &Client<C, Empty<Bytes>>, port: u16) -> Result<String, BoxError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let response = client
        .get(format!("https://localhost:{port}/").parse()?)
        .await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}
