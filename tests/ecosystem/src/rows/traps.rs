//! The traps.

use mutual_trust_ecosystem::pki::Pki;

use super::Runner;
use crate::real::{Ports, Servers};
use crate::table::Table;
use crate::traps;

const COLUMNS: [&str; 2] = ["library", "what happens"];

pub async fn traps(servers: &Servers, pki: &Pki, only: Option<&str>) -> Table {
    let mut run = Runner {
        only,
        rows: Vec::new(),
    };
    let (nginx, etcd, nats) = (servers.nginx, servers.etcd, servers.nats);
    let says = |text: &str| vec![text.to_owned()];

    run.row("reqwest: ALPN", nginx, async |ports: Ports| {
        traps::reqwest_sets_no_protocols(pki, ports.pinned).await;
        says("adds no protocols: HTTP/1.1 although its feature `http2` is on; `http2_prior_knowledge` fails without `h2`")
    })
    .await;
    run.row("reqwest: `Arc`", Some(()), async |()| {
        traps::reqwest_takes_no_arc(pki, 0).await;
        says("an `Arc` of a configuration compiles, and fails with `Unknown TLS backend`")
    })
    .await;
    run.row("hyper-rustls: ALPN", Some(()), async |()| {
        traps::hyper_rustls_panics_with_protocols(pki, 0).await;
        says("panics if the configuration has protocols")
    })
    .await;
    run.row("tonic: ALPN", etcd, async |ports: Ports| {
        traps::tonic_needs_h2(pki, ports.pinned).await;
        says("a connector of one's own without `h2` in ALPN fails in HTTP/2")
    })
    .await;
    run.row("tonic: `https://`", etcd, async |ports: Ports| {
        traps::tonic_refuses_https(pki, ports.pinned).await;
        says("with a feature `tls-*` of tonic on, `https://` over another connector fails with `Connecting to HTTPS without TLS enabled`, after a good handshake")
    })
    .await;
    run.row("async-nats: roots", nats, async |ports: Ports| {
        traps::async_nats_needs_roots_of_the_platform(pki, ports.pinned).await;
        says("without certificates of the platform: `could not load platform certs`; `SSL_CERT_FILE` with any certificate helps")
    })
    .await;
    run.row("actix-web: `on_connect`", Some(()), async |()| {
        traps::actix_shows_a_stream_of_its_own(pki, 0).await;
        says("shows a stream of actix-tls: who asks for the one of tokio-rustls finds no peer")
    })
    .await;

    Table {
        title: "Traps",
        columns: &COLUMNS,
        rows: run.rows,
    }
}
