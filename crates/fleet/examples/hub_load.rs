//! Measures a hub: how many requests a second it answers on connections that stay open, and how soon waiting nodes learn
//! of a change.
//!
//! Nodes and hub share the processors, so a hub alone does more. Arguments: how many nodes, seconds for each figure.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mutual_trust::admin::bundle::{Bundle, BundleHead, KeySet, Part, Publication, Signer};
use mutual_trust::identity::PrivateKey;
use mutual_trust::{EntryOptions, PinScope, tls};
use mutual_trust_fleet::Publisher;
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::server::{Acceptor, Hub, Listener};
use mutual_trust_test_support::folder::Folder as Temporary;
use mutual_trust_test_support::link::{keys_1, pin, settings};
use mutual_trust_test_support::pki::spec;
use mutual_trust_test_support::{NOW, at, host, keys, provider, store};
use mutual_trust_tokio::Connector;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

type Connection = BufReader<mutual_trust_tokio::TlsStream<tokio::net::TcpStream>>;

async fn ask(connection: &mut Connection, request: &str) -> (u16, usize) {
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.flush().await.unwrap();
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    let status = line.get(9..12).unwrap().parse().unwrap();
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line).await.unwrap();
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    (status, length)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().unwrap());
    let nodes: usize = arguments.next().unwrap_or(1000);
    let seconds: usize = arguments.next().unwrap_or(5);
    let setting = settings().pop().unwrap();

    // About 100 kB, as a site of some hundred machines has it.
    let signer = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let signer = PrivateKey::from_der(signer.serialize_der()).unwrap();
    let signer = tls::bundle_signer(signer, &provider()).unwrap();
    let set = KeySet::new("prod".parse().unwrap(), 1, [signer.key().clone()]).unwrap();
    let mut published = store();
    for number in 0..130 {
        let name = format!("array-{number}.example");
        let made = spec(&name).client_auth().self_signed();
        let options = EntryOptions::new().with_label(&name);
        published
            .install_pin(PinScope::Clients, made.certificate, options)
            .unwrap();
    }
    let published = published.snapshot();
    let publication = |sequence| {
        let head = BundleHead::new(&set, Part::All, sequence, at(NOW), at(NOW + 86_400)).unwrap();
        let bundle = Bundle::new(&published, head).unwrap();
        let mut publication = Publication::new([set.clone()], bundle).unwrap();
        let signature = publication.bundle().sign(&signer).unwrap();
        publication.add_signature(signature, keys()).unwrap();
        publication.to_bytes()
    };

    let place = Temporary::new("hub-load");
    let mut folder = Folder::new(place.path());
    let first = folder.publish(&publication(1), None).unwrap();

    let server = spec("hub").dns("localhost").server_auth().self_signed();
    let mut clients = setting.store();
    // A client for each 4 nodes: a hub bounds the connections of each.
    let machine = |number| spec(&format!("node-{number}")).client_auth().self_signed();
    let machines: Vec<_> = (0..nodes.div_ceil(4)).map(machine).collect();
    for machine in &machines {
        pin(&mut clients, PinScope::Clients, &machine.certificate);
    }
    let mut servers = setting.store();
    servers.add_server(keys_1(), [host("localhost")]).unwrap();
    pin(
        &mut servers,
        PinScope::Server(keys_1()),
        &server.certificate,
    );
    let servers = servers.snapshot();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let identity = server.identity(&[], &setting.provider);
    let builder = setting.server(clients.snapshot(), identity);
    let hub = Hub::open(place.path()).unwrap();
    let acceptor = Acceptor::new(&builder).unwrap();
    let listener = runtime
        .block_on(Listener::bind("127.0.0.1:0", acceptor))
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = hub.clone();
    runtime.spawn(async move { serving.serve(listener, std::future::pending()).await });

    let start = Instant::now();
    let mut connections: Vec<Connection> = runtime.block_on(async {
        let mut connections = Vec::new();
        for number in 0..nodes {
            let machine = machines.get(number / 4).unwrap();
            let identity = machine.identity(&[], &setting.provider);
            let builder = setting.client(servers.clone(), identity);
            let connector = Connector::new(&builder, &keys_1()).unwrap();
            let stream = connector.connect_tcp("localhost", port).await.unwrap();
            let mut connection = BufReader::new(stream);
            let answer = ask(&mut connection, &get("", 0)).await;
            assert_eq!(answer.0, 200);
            connections.push(connection);
        }
        connections
    });
    let size = folder.current().unwrap().unwrap().0.len();
    println!(
        "{nodes} nodes connected one after the other in {:?}; publication of {size} bytes",
        start.elapsed()
    );
    println!("{} connections are open", hub.connections());

    let known = format!("If-None-Match: \"{first}\"\r\n");
    for (what, headers, expected) in [("304", known.as_str(), 304), ("200", "", 200)] {
        let answered = Arc::new(AtomicUsize::new(0));
        let request: Arc<str> = get(headers, 0).into();
        let until = Instant::now() + Duration::from_secs(u64::try_from(seconds).unwrap());
        connections = runtime.block_on(async {
            let mut tasks = Vec::new();
            for mut connection in connections {
                let (answered, request) = (answered.clone(), request.clone());
                tasks.push(tokio::spawn(async move {
                    while Instant::now() < until {
                        let (status, _) = ask(&mut connection, &request).await;
                        assert_eq!(status, expected);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    connection
                }));
            }
            let mut back = Vec::new();
            for task in tasks {
                back.push(task.await.unwrap());
            }
            back
        });
        let count = answered.load(Ordering::Relaxed);
        println!("{what}: {} requests a second", count / seconds);
    }

    // All wait for a change.
    let request: Arc<str> = get(&known, 25).into();
    let second = publication(2);
    let mut times: Vec<Duration> = runtime.block_on(async {
        let mut tasks = Vec::new();
        for mut connection in connections {
            let request = request.clone();
            tasks.push(tokio::spawn(async move {
                let (status, _) = ask(&mut connection, &request).await;
                assert_eq!(status, 200);
                Instant::now()
            }));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let start = Instant::now();
        tokio::task::spawn_blocking(move || folder.publish(&second, Some(&first)).unwrap())
            .await
            .unwrap();
        let mut times = Vec::new();
        for task in tasks {
            times.push(task.await.unwrap().duration_since(start));
        }
        times
    });
    times.sort();
    let (median, last) = (times.get(times.len() / 2), times.last());
    println!(
        "a change of the folder, until its last byte is at a waiting node: median {median:?}, last {last:?}"
    );
}

fn get(headers: &str, wait: u64) -> String {
    format!("GET /publication HTTP/1.1\r\nHost: hub\r\nPrefer: wait={wait}\r\n{headers}\r\n")
}
