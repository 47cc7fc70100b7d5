//! What users of these libraries run into, asserted: the table names them.

use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mutual_trust_ecosystem::grpc::call;
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::{BoxError, trust};
use rustls::ClientConfig;
use tonic::transport::Endpoint;

use crate::client::chain;
use crate::clients::grpc::over_tokio_rustls;
use crate::clients::http::https;
use crate::server::Setup;

fn config(pki: &Pki, protocols: &[&str]) -> ClientConfig {
    let protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec());
    let builder = trust::client_builder(pki, trust::pinned(pki, "server").snapshot(), "client");
    builder
        .with_alpn_protocols(protocols)
        .build_for(&trust::server())
        .unwrap()
}

/// reqwest adds no protocols to ours, even with its feature `http2`.
pub async fn reqwest_sets_no_protocols(pki: &Pki, nginx: u16) {
    let url = format!("https://localhost:{nginx}/");
    for (protocols, version) in [(&[][..], "HTTP/1.1"), (&["h2", "http/1.1"], "HTTP/2.0")] {
        let client = reqwest12::Client::builder().use_preconfigured_tls(config(pki, protocols));
        let answer = client
            .no_proxy()
            .build()
            .unwrap()
            .get(&url)
            .send()
            .await
            .unwrap();
        assert_eq!(format!("{:?}", answer.version()), version);
        let client = reqwest13::Client::builder().tls_backend_preconfigured(config(pki, protocols));
        let answer = client
            .no_proxy()
            .build()
            .unwrap()
            .get(&url)
            .send()
            .await
            .unwrap();
        assert_eq!(format!("{:?}", answer.version()), version);
    }
    // Without `h2` in the handshake, nginx answers in HTTP/1.1, which is no HTTP/2.
    let client = reqwest13::Client::builder()
        .tls_backend_preconfigured(config(pki, &[]))
        .http2_prior_knowledge();
    client
        .no_proxy()
        .build()
        .unwrap()
        .get(&url)
        .send()
        .await
        .expect_err("HTTP/2 is not agreed");
}

/// reqwest takes any type, and says only at run time that it is not the one.
pub async fn reqwest_takes_no_arc(pki: &Pki, _: u16) {
    let shared = Arc::new(config(pki, &[]));
    let error = reqwest12::Client::builder()
        .use_preconfigured_tls(shared.clone())
        .build()
        .unwrap_err();
    assert!(
        chain(&error).contains("Unknown TLS backend"),
        "{}",
        chain(&error)
    );
    let error = reqwest13::Client::builder()
        .tls_backend_preconfigured(shared)
        .build()
        .unwrap_err();
    assert!(
        chain(&error).contains("Unknown TLS backend"),
        "{}",
        chain(&error)
    );
}

/// hyper-rustls sets the protocols itself, and panics if they are set.
pub async fn hyper_rustls_panics_with_protocols(pki: &Pki, _: u16) {
    let with = config(pki, &["h2"]);
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let made = std::panic::catch_unwind(AssertUnwindSafe(|| drop(https(with))));
    std::panic::set_hook(loud);
    made.expect_err("it panics");
    drop(https(config(pki, &[])));
}

/// A connector of one's own under tonic needs `h2`; no error names it.
pub async fn tonic_needs_h2(pki: &Pki, etcd: u16) {
    for (protocols, works) in [(&[][..], false), (&["h2"], true)] {
        let channel = over_tokio_rustls(config(pki, protocols), etcd).unwrap();
        let answer = call(channel, "/etcdserverpb.Maintenance/Status").await;
        assert_eq!(answer.is_ok(), works, "{answer:?}");
    }
}

/// `Connecting to HTTPS without TLS enabled`, after a good handshake of ours: once any crate of a build turns on a feature
/// `tls-*` of tonic, as this one does, `https://` works with tonic's own TLS alone.
pub async fn tonic_refuses_https(pki: &Pki, etcd: u16) {
    let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config(pki, &[]));
    let endpoint = Endpoint::from_shared(format!("https://localhost:{etcd}")).unwrap();
    let connector = connector.https_only().enable_http2().build();
    let channel = endpoint.connect_with_connector_lazy(connector);
    let status = call(channel, "/etcdserverpb.Maintenance/Status")
        .await
        .unwrap_err();
    assert!(
        chain(&status).contains("Connecting to HTTPS without TLS enabled"),
        "{}",
        chain(&status)
    );
}

/// async-nats loads the certificates of the platform, also with a configuration of ours: without them it does not
/// connect. Another process is asked, because the environment says where they are.
pub async fn async_nats_needs_roots_of_the_platform(pki: &Pki, nats: u16) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .arg("--nats")
        .arg(pki.folder())
        .arg(nats.to_string());
    command
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent");
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        !done.status.success() && said.contains("could not load platform certs"),
        "{said}"
    );
    // Any certificate will do.
    command
        .env("SSL_CERT_FILE", pki.pem("unknown-ca"))
        .env_remove("SSL_CERT_DIR");
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// What the other process of [`async_nats_needs_roots_of_the_platform`] does.
pub async fn connect_to_nats(pki: &Pki, port: u16) -> Result<(), BoxError> {
    let options = async_nats::ConnectOptions::new()
        .tls_client_config(config(pki, &[]))
        .require_tls(true);
    Ok(options
        .connect(format!("tls://localhost:{port}"))
        .await?
        .flush()
        .await?)
}

/// The stream that actix-web shows `on_connect` is that of actix-tls. Who asks for that of tokio-rustls finds no peer.
pub async fn actix_shows_a_stream_of_its_own(pki: &Pki, _: u16) {
    use actix_tls::accept::rustls_0_23::TlsStream as OfActix;
    use actix_web::rt::net::TcpStream as Tcp;
    let builder = Setup::new(pki).builder;
    let found = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
    let (send, receive) = std::sync::mpsc::channel();
    let seen = found.clone();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = actix_web::HttpServer::new(actix_web::App::new);
            let server = server.on_connect(move |stream, _| {
                seen[0].store(stream.is::<OfActix<Tcp>>(), Ordering::SeqCst);
                seen[1].store(
                    stream.is::<tokio_rustls::server::TlsStream<Tcp>>(),
                    Ordering::SeqCst,
                );
            });
            let server = server
                .bind_rustls_0_23(("127.0.0.1", 0), builder.build().unwrap())
                .unwrap();
            send.send(server.addrs()[0].port()).unwrap();
            server.workers(1).disable_signals().run().await
        })
    });
    let port = receive.recv().unwrap();
    let client = reqwest13::Client::builder()
        .tls_backend_preconfigured(config(pki, &[]))
        .no_proxy()
        .build()
        .unwrap();
    client
        .get(format!("https://localhost:{port}/"))
        .send()
        .await
        .unwrap();
    assert!(found[0].load(Ordering::SeqCst) && !found[1].load(Ordering::SeqCst));
}
