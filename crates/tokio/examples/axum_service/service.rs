//! The service: what its author writes.

use std::{error::Error, net::SocketAddr, path::Path, thread, time::Duration};

use axum::{Router, routing::get};
use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::{Identity, Policy, ServerConfigBuilder, tls};
use mutual_trust_tokio::{Acceptor, Listener, Peer};

/// A handler. Its peer is asked again for each request, and has the label that the administrator gave it.
async fn hello(peer: Peer) -> String {
    format!("hello {}", peer.label().unwrap_or("unlabelled"))
}

/// Starts the service. What is changed in the store is in force for open connections as well.
pub(crate) async fn start(folder: &Path) -> Result<SocketAddr, Box<dyn Error + Send + Sync>> {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let ours = Identity::from_files(folder.join("us.pem"), folder.join("us.key"), &provider)?;
    let (mut store, _report) = DurableStore::open(folder, DurableSettings::new(keys))?;
    let builder = ServerConfigBuilder::new(provider, store.live(), Policy::new(keys), ours);
    // What an administrator changes with the command is in force a second later.
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            if let Err(error) = store.refresh() {
                eprintln!("the store cannot be read: {error}");
            }
        }
    });

    let acceptor = Acceptor::new(&builder)?.with_http();
    let acceptor = acceptor.with_refusal_handler(|peer, refusal| {
        let (label, address) = (peer.label(), peer.remote_addr());
        println!("{label:?} at {address:?} is cut off: {}", refusal.verdict());
    });
    let listener = Listener::builder(acceptor)
        .with_failure_handler(|failure| println!("{}", failure.details()));
    let listener = listener.bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let service = Router::new()
        .route("/", get(hello))
        .into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}
