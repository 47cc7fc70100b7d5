//! What the guide (`docs/EMBEDDING.md`) shows in a piece, compiled: the lines between the marks are those of the guide.

#![allow(
    unreachable_code,
    unused_variables,
    clippy::diverging_sub_expression,
    reason = "a piece takes what it needs from nowhere: it is compiled and never run"
)]

use std::error::Error;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use mutual_trust::ClientConfigBuilder;
use mutual_trust_tokio::{Connector, HttpsConnector};
use tonic::transport::Endpoint;

fn any<T>() -> T {
    unimplemented!("it is only compiled")
}

#[rustfmt::skip]
fn clients() -> Result<(), Box<dyn Error>> {
    let builder: ClientConfigBuilder = any();
    // shown
    let connector = Connector::new(&builder, &"keys-1".parse()?)?;   // builder: a ClientConfigBuilder
    let client: Client<_, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).build(HttpsConnector::new(connector.clone()));
    let channel = Endpoint::from_static("http://kms1.example:443")   // TLS all the same: the connector makes nothing else
        .connect_with_connector_lazy(HttpsConnector::http2(connector));
    // end
    Ok(())
}

/// So that the piece is used.
#[test]
fn the_piece_of_the_guide_compiles() {
    let _ = clients;
}
