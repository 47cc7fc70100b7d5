//! The client libraries.

use mutual_trust_ecosystem::pki::Pki;
use rustls::AlertDescription as Alert;

use super::Runner;
use crate::client::{self, AfterBlock, Library, Refused, VerdictIn, ends_after_block};
use crate::clients::blocking::Ureq;
use crate::clients::brokers::{
    self, Nats, Postgres, Redis, Rumqttc, Tungstenite, TungsteniteGuarded,
};
use crate::clients::grpc::{self, Over, Tonic};
use crate::clients::http::{HyperGuarded, HyperRustls, Pool, Reqwest12, Reqwest13};
use crate::clients::quic::{self, Quinn};
use crate::real::{Ports, Servers};
use crate::table::{Table, lines, locked};

const COLUMNS: [&str; 9] = [
    "library",
    "asked",
    "hook",
    "lines",
    "ALPN",
    "our verdict",
    "the server refuses us: `tls::refused_by_peer`",
    "pool or open connection after a block",
    "traps",
];

/// A client library, and what the table says of it.
struct Client<'a, L> {
    library: L,
    /// Its name in the lock file, and how its version begins.
    package: (&'a str, &'a str),
    asked: &'a str,
    /// The mark of the hook in the source.
    mark: &'a str,
    hook: &'a str,
    alpn: &'a str,
    verdict: &'a str,
    expected: client::Expected,
    /// How an open connection ends that goes on, or why it ends.
    after: &'a str,
    traps: &'a str,
}

impl<L: Library> Client<'_, L> {
    async fn measure(self, ports: Ports, pki: &Pki) -> Vec<String> {
        let exact = locked(self.package.0, self.package.1);
        println!("  {} {exact}", self.package.0);
        client::measure(&self.library, ports, pki, self.expected).await;
        let refused = match self.expected.refused {
            Refused::Alert(alert) => format!("`{alert:?}`"),
            Refused::NoAlert => "`None`: HTTP/2 keeps no sources of its errors".to_owned(),
            Refused::Error(text) => format!("`None`; the text has `{text}`"),
            Refused::Answer(text) => format!("no error: HTTP {text}"),
        };
        let after = match self.expected.after_block {
            AfterBlock::GoesOn => format!("goes on {}", self.after),
            AfterBlock::Ends => format!(
                "ends at once; the error of the next connection has the verdict{}",
                self.after
            ),
        };
        let verdict = match self.expected.verdict {
            VerdictIn::Error => format!("`tls::refusal(&error)`{}", self.verdict),
            VerdictIn::Variant | VerdictIn::Observer => self.verdict.to_owned(),
        };
        let texts = [
            self.asked,
            self.hook,
            &lines(self.mark).to_string(),
            self.alpn,
            &verdict,
            &refused,
            &after,
            self.traps,
        ];
        texts.map(str::to_owned).to_vec()
    }
}

const HTTP: client::Expected = client::Expected {
    answer: "CN=array HTTP/2.0",
    verdict: VerdictIn::Error,
    after_block: AfterBlock::GoesOn,
    refused: Refused::Answer("400"),
};

pub async fn clients(servers: &Servers, pki: &Pki, only: Option<&str>) -> Table {
    let mut run = Runner {
        only,
        rows: Vec::new(),
    };

    run.row("reqwest 0.12", servers.nginx, async |ports: Ports| {
        let cells = Client {
            library: Reqwest12(Pool::Default),
            package: ("reqwest", "0.12."),
            asked: "nginx",
            mark: "reqwest 0.12",
            hook: "`use_preconfigured_tls(config)`",
            alpn: "set `h2`, `http/1.1`",
            verdict: "",
            expected: HTTP,
            after: "while it is used, and 90 s idle; with `pool_max_idle_per_host(0)` each request connects",
            traps: "feature `rustls-tls-manual-roots-no-provider`; takes the value, no `Arc`; without ALPN it speaks HTTP/1.1",
        };
        let cells = cells.measure(ports, pki).await;
        ends_after_block(&Reqwest12(Pool::Empty), ports.pinned, pki, HTTP.answer).await;
        cells
    })
    .await;

    run.row("reqwest 0.13", servers.nginx, async |ports: Ports| {
        let cells = Client {
            library: Reqwest13(Pool::Default),
            package: ("reqwest", "0.13."),
            asked: "nginx",
            mark: "reqwest 0.13",
            hook: "`tls_backend_preconfigured(config)`",
            alpn: "set `h2`, `http/1.1`",
            verdict: "",
            expected: HTTP,
            after: "while it is used, and 90 s idle; with `pool_max_idle_per_host(0)` each request connects",
            traps: "feature `rustls-no-provider`; takes the value, no `Arc`; without ALPN it speaks HTTP/1.1",
        };
        let cells = cells.measure(ports, pki).await;
        ends_after_block(&Reqwest13(Pool::Empty), ports.pinned, pki, HTTP.answer).await;
        cells
    })
    .await;

    run.row("hyper-util 0.1", servers.nginx, async |ports: Ports| {
        let cells = Client {
            library: HyperGuarded,
            package: ("hyper-util", "0.1."),
            asked: "nginx",
            mark: "hyper-util",
            hook: "`Client::builder(..).build(HttpsConnector::new(connector))` of mutual-trust-tokio",
            alpn: "the connector sets it",
            verdict: "",
            expected: client::Expected { after_block: AfterBlock::Ends, ..HTTP },
            after: "",
            traps: "without its feature `http2`: `HttpsConnector::http1`",
        };
        let cells = cells.measure(ports, pki).await;
        ends_after_block(&HyperGuarded, ports.pinned, pki, HTTP.answer).await;
        cells
    })
    .await;

    run.row("hyper-rustls 0.27", servers.nginx, async |ports: Ports| {
        let cells = Client {
            library: HyperRustls(Pool::Default),
            package: ("hyper-rustls", "0.27."),
            asked: "nginx",
            mark: "hyper-rustls",
            hook: "`HttpsConnectorBuilder::new().with_tls_config(config)`",
            alpn: "set none: it sets them",
            verdict: "",
            expected: HTTP,
            after: "while it is used, and 90 s idle; with `pool_max_idle_per_host(0)` of hyper-util each request connects",
            traps: "panics if protocols are set",
        };
        let cells = cells.measure(ports, pki).await;
        ends_after_block(&HyperRustls(Pool::Empty), ports.pinned, pki, HTTP.answer).await;
        cells
    })
    .await;

    run.row("ureq 3", servers.nginx, async |ports: Ports| {
        let cells = Client {
            library: Ureq(Pool::Default),
            package: ("ureq", "3."),
            asked: "nginx",
            mark: "ureq",
            hook: "takes no configuration: a `Connector` and a `Transport` of one's own, `Agent::with_parts`",
            alpn: "none needed: HTTP/1.1",
            verdict: "`match error { ureq::Error::Io(error) => tls::refusal(&error), .. }`; the error as it is has none",
            expected: client::Expected { answer: "CN=array HTTP/1.1", verdict: VerdictIn::Variant, ..HTTP },
            after: "while it is used, and 15 s idle; with `max_idle_connections(0)` each request connects",
            traps: "the interface is `ureq::unversioned`; feature `rustls-no-provider`",
        };
        let cells = cells.measure(ports, pki).await;
        ends_after_block(&Ureq(Pool::Empty), ports.pinned, pki, "CN=array HTTP/1.1").await;
        cells
    })
    .await;

    let grpc = client::Expected {
        answer: "etcd",
        after_block: AfterBlock::GoesOn,
        refused: Refused::NoAlert,
        verdict: VerdictIn::Error,
    };
    run.row("tonic 0.14", servers.etcd, async |ports: Ports| {
        let cells = Client {
            library: Tonic(Over::Guarded),
            package: ("tonic", "0.14."),
            asked: "etcd",
            mark: "tonic",
            hook: "`connect_with_connector_lazy(HttpsConnector::http2(connector))` of mutual-trust-tokio, address `http://…`",
            alpn: "the connector sets `h2`",
            verdict: ": a `Status` or a `transport::Error`",
            expected: client::Expected { after_block: AfterBlock::Ends, ..grpc },
            after: "",
            traps: "its own TLS takes PEM alone; `https://…` fails if any crate of the build turns on a feature `tls-*` of tonic",
        };
        cells.measure(ports, pki).await
    })
    .await;

    run.row(
        "tonic 0.14, tokio-rustls",
        servers.etcd,
        async |ports: Ports| {
            let cells = Client {
                library: Tonic(Over::TokioRustls),
                package: ("tonic", "0.14."),
                asked: "etcd",
                mark: "tonic, tokio-rustls",
                hook: "`connect_with_connector_lazy(tower::service_fn(..))`, address `http://…`",
                alpn: "set `h2`",
                verdict: ": a `Status` or a `transport::Error`",
                expected: grpc,
                after: "until the HTTP/2 connection ends",
                traps: "without `h2` it fails in HTTP/2; else as above",
            };
            let cells = cells.measure(ports, pki).await;
            grpc::refused_when_connecting(ports.pinned, pki).await;
            cells
        },
    )
    .await;

    #[cfg(feature = "etcd-client")]
    let etcd = servers.etcd;
    #[cfg(not(feature = "etcd-client"))]
    let etcd: Option<Ports> = None;
    run.row("etcd-client 0.21", etcd, async |ports: Ports| {
        #[cfg(feature = "etcd-client")]
        return {
            use crate::clients::etcd::Etcd;
            let cells = Client {
                library: Etcd(Over::Guarded),
                package: ("etcd-client", "0.21."),
                asked: "etcd",
                mark: "etcd-client",
                hook: "feature `raw-channel`: `Client::from_channel(Channel::Tonic(channel), None)`, with the channel of tonic",
                alpn: "as tonic",
                verdict: "`match error { etcd_client::Error::GRpcStatus(status) => tls::refusal(&status), .. }`; the error as it is has none",
                expected: client::Expected { verdict: VerdictIn::Variant, after_block: AfterBlock::Ends, ..grpc },
                after: "",
                traps: "`with_tls` takes PEM alone; needs `protoc` and the `.proto` files of protobuf to build",
            };
            cells.measure(ports, pki).await
        };
        #[cfg(not(feature = "etcd-client"))]
        unreachable!("{ports:?} {pki:?}")
    })
    .await;

    let broker = client::Expected {
        refused: Refused::Alert(Alert::UnknownCA),
        ..grpc
    };
    run.row(
        "tokio-postgres-rustls 0.14",
        servers.postgresql,
        async |ports: Ports| {
            let cells = Client {
                library: Postgres,
                package: ("tokio-postgres-rustls", "0.14."),
                asked: "PostgreSQL, `cert clientcert=verify-full`",
                mark: "tokio-postgres-rustls",
                hook: "`MakeRustlsConnect::new(config)`",
                alpn: "none needed",
                verdict: "",
                expected: client::Expected {
                    answer: "array /CN=array",
                    ..broker
                },
                after: "until the connection ends: drop the client after a change",
                traps: "`sslmode=require` in the address: the default goes on without TLS if the server offers none",
            };
            cells.measure(ports, pki).await
        },
    )
    .await;

    run.row("redis 1", servers.redis, async |ports: Ports| {
        let cells = Client {
            library: Redis,
            package: ("redis", "1."),
            asked: "redis",
            mark: "redis",
            hook: "none (PEM alone): `MultiplexedConnection::new_with_config(&info, stream, settings)` over a stream of mutual-trust-tokio",
            alpn: "none needed",
            verdict: "",
            expected: client::Expected { answer: "PONG", after_block: AfterBlock::Ends, ..broker },
            after: "",
            traps: "without `Client`, `ConnectionManager` and cluster, which connect by themselves",
        };
        cells.measure(ports, pki).await
    })
    .await;

    run.row("async-nats 0.51", servers.nats, async |ports: Ports| {
        let cells = Client {
            library: Nats,
            package: ("async-nats", "0.51."),
            asked: "nats-server, `verify: true`",
            mark: "async-nats",
            hook: "`ConnectOptions::tls_client_config(config)`",
            alpn: "none needed",
            verdict: "",
            expected: client::Expected { answer: "nats", refused: Refused::Alert(Alert::BadCertificate), ..broker },
            after: "until the connection ends: `client.force_reconnect()` ends it",
            traps: "loads the platform's certificates all the same: without any, it does not connect",
        };
        let cells = cells.measure(ports, pki).await;
        brokers::nats_reconnects(ports.pinned, pki).await;
        cells
    })
    .await;

    run.row("rumqttc 0.25", servers.mosquitto, async |ports: Ports| {
        let cells = Client {
            library: Rumqttc,
            package: ("rumqttc", "0.25."),
            asked: "mosquitto, `require_certificate`",
            mark: "rumqttc",
            hook: "`TlsConfiguration::Rustls(Arc::new(config))`",
            alpn: "none needed",
            verdict: "",
            expected: client::Expected {
                answer: "SubAck",
                ..broker
            },
            after: "until the connection ends: drop the event loop after a change",
            traps: "feature `use-rustls-no-provider`",
        };
        cells.measure(ports, pki).await
    })
    .await;

    run.row("tokio-tungstenite 0.30", servers.websocket, async |ports: Ports| {
        let cells = Client {
            library: Tungstenite,
            package: ("tokio-tungstenite", "0.30."),
            asked: "nats-server, websocket",
            mark: "tokio-tungstenite",
            hook: "`Connector::Rustls(Arc::new(config))`",
            alpn: "none needed",
            verdict: "",
            expected: client::Expected { answer: "PONG", refused: Refused::Alert(Alert::BadCertificate), ..broker },
            after: "until the connection ends; with `client_async` over a stream of mutual-trust-tokio it ends at once",
            traps: "its features `rustls-tls-*` bring roots, which are not used; `client_async` needs none of them",
        };
        let cells = cells.measure(ports, pki).await;
        ends_after_block(&TungsteniteGuarded, ports.pinned, pki, "PONG").await;
        cells
    })
    .await;

    run.row("quinn 0.11, h3 0.0.8", servers.caddy, async |ports: Ports| {
        locked("h3", "0.0.8");
        let cells = Client {
            library: Quinn,
            package: ("quinn", "0.11."),
            asked: "caddy, HTTP/3",
            mark: "quinn",
            hook: "`QuicClientConfig::try_from(config)`",
            alpn: "set `h3`",
            verdict: "`with_observer`: quinn keeps a text of the error alone",
            expected: client::Expected {
                answer: "200 OK HTTP/3.0",
                verdict: VerdictIn::Observer,
                after_block: AfterBlock::GoesOn,
                refused: Refused::Error("error 42"),
            },
            after: "until it is closed: `Peer::server_presented(..)` and `no_longer_trusted()` of mutual-trust-tokio say when",
            traps: "the alert is the code of `ConnectionClosed`, less 0x100",
        };
        let cells = cells.measure(ports, pki).await;
        quic::closes_after_block(ports.pinned, pki).await;
        cells
    })
    .await;

    Table {
        title: "Clients",
        columns: &COLUMNS,
        rows: run.rows,
    }
}
