//! `fleet` over HTTPS: a hub serves the publication, administrators publish there, and a node takes over and reports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::identity::{CertificateChain, KeyReader};
use mutual_trust::{Identity, Policy, ServerConfigBuilder, tls};
use mutual_trust_fleet::server::{Acceptor, Hub, Listener};

use crate::folder::Folder;
use crate::run::{machine, run};

/// Starts a hub with the store `hub-trust`. It ends with the process.
fn hub(folder: &Folder) -> SocketAddr {
    let provider = tls::provider::default_provider();
    let keys = tls::key_policy(&provider);
    let chain = CertificateChain::from_file(folder.file("hub.pem")).unwrap();
    let key = KeyReader::new().file(folder.file("hub.key")).unwrap();
    let identity = Identity::new(chain, key, &provider).unwrap();
    let settings = DurableSettings::new(keys);
    let (store, _) = DurableStore::open(&folder.file("hub-trust"), settings).unwrap();
    let builder = ServerConfigBuilder::new(
        Arc::clone(&provider),
        store.live(),
        Policy::new(keys),
        identity,
    );
    let hub = Hub::open(folder.file("served"))
        .unwrap()
        .with_publishers(["ana"]);
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let acceptor = Acceptor::new(&builder).unwrap();
            let listener = Listener::bind("127.0.0.1:0", acceptor).await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            hub.serve(listener, std::future::pending()).await;
        });
        drop(store);
    });
    told.recv().unwrap()
}

#[test]
fn administrators_publish_at_a_hub_and_a_node_takes_over_and_reports() {
    let folder = Folder::new("cli-fleet-https");
    for name in ["k1", "hub", "ana", "array-7", "array-8"] {
        machine(&folder, name);
    }
    for line in [
        "store create --store hub-trust",
        "store pin ana.pem --clients --label ana --store hub-trust",
        "store pin array-7.pem --clients --label array-7 --store hub-trust",
        "store create --store source",
        "store server add k1 k1.example --store source",
        "store pin k1.pem --server k1 --store source",
        "store create --store admin",
        "store server add hub 127.0.0.1 --store admin",
        "store pin hub.pem --server hub --store admin",
        "store create --store node",
        "store server add hub 127.0.0.1 --store node",
        "store pin hub.pem --server hub --store node",
        "fleet new-key sign.key --public-key sign.pub",
        "fleet init arrays --threshold 1 --key sign.pub --fleet fleet",
        "fleet draft --store source --days 90 --fleet fleet",
        "fleet sign fleet/draft --key sign.key --out sign.sig --accept",
    ] {
        run(&folder, line).ends_with(0);
    }
    std::fs::create_dir(folder.file("served")).unwrap();
    let at = format!("https://{}/", hub(&folder));
    let publish = format!("fleet publish --signature sign.sig --to {at} --fleet fleet");
    run(&folder, &publish).ends_with(2).says("--identity");
    let ana = "--trust admin --identity ana.pem --key ana.key";
    // A node publishes nothing, and a machine that the hub does not know reads nothing.
    let array = "--trust admin --identity array-7.pem --key array-7.key";
    run(&folder, &format!("{publish} {array}"))
        .ends_with(2)
        .says("error[transport/");
    run(&folder, &format!("{publish} {ana}")).ends_with(0);
    let keys = run(&folder, "fleet keys show fleet/keys --json")
        .ends_with(0)
        .json();
    let digest = keys["digest"].as_str().unwrap();
    let node = "--store node --identity array-7.pem --key array-7.key";
    run(
        &folder,
        &format!("fleet join {at} --digest {digest} {node}"),
    )
    .ends_with(0);
    let taken = run(
        &folder,
        &format!("fleet take {at} --node array-7 {node} --json"),
    )
    .ends_with(0);
    assert_eq!(taken.json()["sequence"], 1);
    let other = "--store node --identity array-8.pem --key array-8.key";
    run(&folder, &format!("fleet take {at} --node array-8 {other}"))
        .ends_with(2)
        .says("error[transport/");
    run(
        &folder,
        &format!("fleet status {at} --expect array-7 {ana}"),
    )
    .ends_with(0)
    .says("current: node array-7: bundle 1");
}
