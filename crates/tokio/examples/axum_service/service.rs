//! The service: what its author writes.

use std::{error::Error, net::SocketAddr, path::Path};

use axum::{Router, routing::get};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::{Identity, Policy, ServerConfigBuilder, tls};
use mutual_trust_tokio::{Acceptor, Listener, Peer};

/// A handler. Its peer is asked again for each request, and has the label that the administrator gave it.
async fn hello(peer: Peer) -> String {
    format!("hello {}", peer.label().unwrap_or("unlabelled"))
}

/// Starts the service. What is changed in the store is in force at once, for open connections as well.
pub(crate) async fn start(
    folder: &Path,
) -> Result<(DurableStore, SocketAddr), Box<dyn Error + Send + Sync>> {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let ours = Identity::from_files(folder.join("us.pem"), folder.join("us.key"), &provider)?;
    let (store, _report) = DurableStore::open(folder, DurableSettings::new(keys))?;
    let builder = ServerConfigBuilder::new(provider, store.live(), Policy::new(keys), ours);

    let acceptor = Acceptor::new(&builder)?.with_http();
    let acceptor = acceptor.with_refusal_handler(|peer, refusal| {
        println!("{:?} is cut off: {}", peer.label(), refusal.verdict());
    });
    let listener = Listener::builder(acceptor)
        .with_failure_handler(|failure| println!("{}", failure.details()));
    let listener = listener.bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let service = Router::new()
        .route("/", get(hello))
        .into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok((store, address))
}
