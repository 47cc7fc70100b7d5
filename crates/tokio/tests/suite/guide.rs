//! What the guide (`docs/EMBEDDING.md`) shows in pieces, compiled: the lines between the marks are those of the guide.

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
use mutual_trust::admin::DurableStore;
use mutual_trust::{Certificate, ClientConfigBuilder, EntryOptions, PinScope};
use mutual_trust_tokio::{Connector, HttpsConnector};
use tonic::transport::Endpoint;

fn any<T>() -> T {
    unimplemented!("it is only compiled")
}

#[rustfmt::skip]
fn an_administrator() -> Result<(), Box<dyn Error>> {
    let mut store: DurableStore = any();
    // shown
    let theirs = Certificate::from_pem(&std::fs::read("array-7.pem")?)?;
    let label = EntryOptions::new().with_label("array-7");
    store.change(|store| store.install_pin(PinScope::Clients, theirs.clone(), label))?;
    let blocked = store.block(&theirs);   // ends its open connections at once
    // end
    Ok(())
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

/// So that the pieces are used.
#[test]
fn the_pieces_of_the_guide_compile() {
    let _: [fn() -> Result<(), Box<dyn Error>>; 2] = [an_administrator, clients];
}
