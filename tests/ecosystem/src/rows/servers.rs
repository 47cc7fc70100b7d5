//! The server libraries.

use mutual_trust_ecosystem::pki::Pki;

use super::Runner;
use crate::process::is_there;
use crate::server::{self, Open, Setup, Told};
use crate::servers;
use crate::table::{Table, lines, locked};

const COLUMNS: [&str; 8] = [
    "library",
    "hook",
    "lines",
    "ALPN",
    "the peer in the handler",
    "our verdict",
    "a refused client (TLS 1.3) is told",
    "open connection after a block",
];

/// A server library, and what the table says of it.
struct Server<'a> {
    package: (&'a str, &'a str),
    mark: &'a str,
    hook: &'a str,
    alpn: &'a str,
    peer: &'a str,
    verdict: &'a str,
    expected: server::Expected,
}

impl Server<'_> {
    async fn measure(self, start: impl AsyncFnOnce(&Setup) -> u16, pki: &Pki) -> Vec<String> {
        println!(
            "  {} {}",
            self.package.0,
            locked(self.package.0, self.package.1)
        );
        let setup = Setup::new(pki);
        let port = start(&setup).await;
        server::measure(setup, port, pki, self.expected).await;
        let told = match self.expected.told {
            Told::Alert => "the alert",
            Told::AlertOrReset => "the alert, or a reset that comes first",
        };
        let open = match self.expected.open {
            Open::Ends => "ends at once",
            Open::Answers(status) => &format!("stays open, and each request has status {status}"),
        };
        let count = lines(self.mark).to_string();
        [
            self.hook,
            &count,
            self.alpn,
            self.peer,
            self.verdict,
            told,
            open,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

const OF_THE_CRATE: server::Expected = server::Expected {
    protocol: "h2",
    told: Told::Alert,
    open: Open::Ends,
    has_failure_handler: true,
};

pub async fn servers(pki: &Pki, only: Option<&str>) -> Table {
    let mut run = Runner {
        only,
        rows: Vec::new(),
    };
    let curl = is_there("curl").then_some(());

    run.row("axum 0.8, `axum::serve`", curl, async |()| {
        let server = Server {
            package: ("axum", "0.8."),
            mark: "axum",
            hook: "`Listener` of mutual-trust-tokio, `into_make_service_with_connect_info::<Peer>()`",
            alpn: "`Acceptor::with_http()` sets it",
            peer: "`Peer` as an extractor",
            verdict: "`with_failure_handler`, observer",
            expected: OF_THE_CRATE,
        };
        server.measure(servers::hyper::axum, pki).await
    })
    .await;

    run.row("axum-server 0.9", curl, async |()| {
        let server = Server {
            package: ("axum-server", "0.9."),
            mark: "axum-server",
            hook: "`acceptor(Acceptor)` of mutual-trust-tokio",
            alpn: "`Acceptor::with_http()` sets it",
            peer: "`Peer` as an extractor",
            verdict: "observer: it drops the error",
            expected: server::Expected {
                has_failure_handler: false,
                ..OF_THE_CRATE
            },
        };
        server.measure(servers::hyper::axum_server, pki).await
    })
    .await;

    run.row("tonic 0.14 server", curl, async |()| {
        let server = Server {
            package: ("tonic", "0.14."),
            mark: "tonic server",
            hook: "`serve_with_incoming(listener.incoming())` of mutual-trust-tokio",
            alpn: "`Acceptor::with_http2()` sets it",
            peer: "`Peer::of_request(&request)`",
            verdict: "`with_failure_handler`, observer",
            expected: OF_THE_CRATE,
        };
        server.measure(servers::hyper::tonic, pki).await
    })
    .await;

    run.row("actix-web 4", curl, async |()| {
        let server = Server {
            package: ("actix-web", "4."),
            mark: "actix-web",
            hook: "`bind_rustls_0_23(address, config)`; `on_connect` and `require_peer` of mutual-trust-tokio",
            alpn: "set none: it adds `h2` and `http/1.1`",
            peer: "`Peer` as an extractor",
            verdict: "observer: it drops the error",
            expected: server::Expected { protocol: "h2", told: Told::AlertOrReset, open: Open::Answers(403), has_failure_handler: false, },
        };
        server.measure(servers::actix::actix, pki).await
    })
    .await;

    run.row("poem 3", curl, async |()| {
        let server = Server {
            package: ("poem", "3."),
            mark: "poem",
            hook: "an `Acceptor` of one's own over the `Listener` of mutual-trust-tokio",
            alpn: "`Acceptor::with_http()` sets it",
            peer: "only as text, in `RemoteAddr(Addr::custom(..))`",
            verdict: "`with_failure_handler`, observer",
            expected: OF_THE_CRATE,
        };
        server.measure(servers::poem::poem, pki).await
    })
    .await;

    run.row("quinn 0.11 server", Some(()), async |()| {
        println!("  quinn {}", locked("quinn", "0.11."));
        servers::quic::measure(Setup::new(pki), pki).await;
        let texts = [
            "`QuicServerConfig::try_from(config)`; `Peer::client_presented` of mutual-trust-tokio",
            &lines("quinn server").to_string(),
            "must be set",
            "`Peer`",
            "observer: quinn keeps a text of the error alone",
            "the alert, as the code of `ConnectionClosed`",
            "ends at once, by `no_longer_trusted()`",
        ];
        texts.map(str::to_owned).to_vec()
    })
    .await;

    Table {
        title: "Servers",
        columns: &COLUMNS,
        rows: run.rows,
    }
}
