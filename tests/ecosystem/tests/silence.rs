//! What a peer that is refused is told over QUIC, and what callers of a gRPC service are told of a refused upstream:
//! the same for each reason, and nothing of the verdict.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::observe::{ObservationReader, observation_queue};
use mutual_trust::{
    CurrentTime, EntryOptions, PinScope, ReasonCode, ServerId, TrustStore, Verdict, tls,
};
use mutual_trust_ecosystem::grpc::call;
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::trust;
use mutual_trust_tokio::{Connector, HttpsConnector};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ConnectionClose, ConnectionError};
use tonic::transport::Endpoint;

/// A time at which all certificates have expired, which openssl made for 30 days.
fn later() -> CurrentTime {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap() + Duration::from_secs(60 * 86_400);
    CurrentTime::Known(rustls::pki_types::UnixTime::since_unix_epoch(since))
}

fn now() -> CurrentTime {
    CurrentTime::Known(rustls::pki_types::UnixTime::now())
}

/// One end of a connection: what it presents, what it has installed, and its clock.
struct End {
    presents: &'static str,
    trusts: TrustStore,
    clock: CurrentTime,
}

impl End {
    fn new(presents: &'static str, trusts: TrustStore) -> Self {
        Self {
            presents,
            trusts,
            clock: now(),
        }
    }
}

/// The end that refuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Refuses {
    Client,
    Server,
}

/// Connects, and returns what the refused end is told, and the reason of the end that refuses.
async fn refused(
    pki: &Pki,
    client: End,
    server: End,
    which: Refuses,
) -> (ConnectionClose, ReasonCode) {
    let alpn = || [b"test".to_vec()];
    let (server_observations, server_saw) = observation_queue(8).unwrap();
    let mut trusts = server.trusts;
    let builder = trust::server_builder(pki, trusts.snapshot(), server.presents)
        .with_alpn_protocols(alpn())
        .with_clock(Arc::new(server.clock))
        .with_observer(server_observations);
    let config = QuicServerConfig::try_from(builder.build().unwrap()).unwrap();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let listening =
        quinn::Endpoint::server(quinn::ServerConfig::with_crypto(Arc::new(config)), loopback)
            .unwrap();
    let address = listening.local_addr().unwrap();

    let (client_observations, client_saw) = observation_queue(8).unwrap();
    let mut trusts = client.trusts;
    let builder = trust::client_builder(pki, trusts.snapshot(), client.presents)
        .with_alpn_protocols(alpn())
        .with_clock(Arc::new(client.clock))
        .with_observer(client_observations);
    let config = QuicClientConfig::try_from(builder.build_by_name().unwrap()).unwrap();
    let mut endpoint = quinn::Endpoint::client(loopback).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(config)));

    let at_server = async { ended(listening.accept().await.unwrap().await).await };
    let at_client = async { ended(endpoint.connect(address, "localhost").unwrap().await).await };
    let both = async { tokio::join!(at_server, at_client) };
    let (at_server, at_client) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .unwrap();
    let (told, saw) = match which {
        Refuses::Client => (at_server, client_saw),
        Refuses::Server => (at_client, server_saw),
    };
    match told {
        ConnectionError::ConnectionClosed(told) => (told, seen(&saw)),
        other => panic!("{other:?}"),
    }
}

/// The end of a connection, also if its handshake is done. A client is done before the server has judged it.
async fn ended(connection: Result<quinn::Connection, ConnectionError>) -> ConnectionError {
    match connection {
        Ok(connection) => connection.closed().await,
        Err(error) => error,
    }
}

fn seen(reader: &ObservationReader) -> ReasonCode {
    reader
        .recv_timeout(Duration::from_secs(20))
        .unwrap()
        .verdict
        .reason()
}

/// All are told the same, and nothing that is installed or presented.
fn told_nothing(pki: &Pki, all: &[(&str, ConnectionClose)]) {
    let (_, first) = &all[0];
    for (case, told) in all {
        assert_eq!(told.error_code, first.error_code, "{case}");
        assert_eq!(told.frame_type, first.frame_type, "{case}");
        assert_eq!(
            told.reason,
            first.reason,
            "{case}: {:?}",
            String::from_utf8_lossy(&told.reason)
        );
        reveals_nothing(pki, &String::from_utf8_lossy(&told.reason));
    }
}

/// No fingerprint, name or label, and no word for a reason.
fn reveals_nothing(pki: &Pki, text: &str) {
    let text = text.to_lowercase();
    let names = [
        "server",
        "client",
        "other",
        "ca",
        "unknown-ca",
        "server-of-ca",
        "client-of-ca",
    ];
    for name in names {
        let fingerprint = pki
            .certificate(name)
            .fingerprint()
            .to_string()
            .to_lowercase();
        let start: String = fingerprint.chars().take(5).collect();
        assert!(!text.contains(&start), "{name}: {text}");
    }
    for word in [
        trust::LABEL,
        trust::NAME,
        "test ca",
        "cn=",
        "localhost",
        "elsewhere",
        "array",
        "blocked",
        "expired",
        "pin",
        "authority",
        "installed",
        "issuer",
        "signature",
        "presented",
    ] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn a_client_is_told_the_same_for_each_reason_over_quic() {
    let pki = Pki::make("silence-server");
    let blocked = |name| {
        let mut store = trust::clients(&pki);
        let _ = store.block(&pki.certificate(name));
        store
    };
    let disabled = || {
        let mut store = trust::clients(&pki);
        let options = EntryOptions::new();
        let installed = store
            .install_pin(PinScope::Clients, pki.certificate("other"), options)
            .unwrap();
        let _ = store.disable(installed.entry().unwrap(), "lost").unwrap();
        store
    };
    let expired = || End {
        clock: later(),
        ..End::new("server", trust::clients(&pki))
    };
    let knows = |store| End::new("server", store);
    let installed = || knows(trust::clients(&pki));
    let cases = [
        (
            "unknown",
            "other",
            installed(),
            ReasonCode::CaUsedAsEndEntity,
        ),
        (
            "nothing installed",
            "client",
            knows(trust::empty()),
            ReasonCode::NothingInstalled,
        ),
        (
            "blocked pin",
            "client",
            knows(blocked("client")),
            ReasonCode::Blocked,
        ),
        (
            "blocked leaf of the CA",
            "client-of-ca",
            knows(blocked("client-of-ca")),
            ReasonCode::Blocked,
        ),
        (
            "disabled pin",
            "other",
            knows(disabled()),
            ReasonCode::EntryDisabled,
        ),
        ("expired pin", "client", expired(), ReasonCode::Expired),
        (
            "expired leaf",
            "client-of-ca",
            expired(),
            ReasonCode::Expired,
        ),
        (
            "CA known, signature wrong",
            "client-of-false-ca",
            installed(),
            ReasonCode::ChainSignatureInvalid,
        ),
        (
            "wrong role",
            "server-of-ca",
            installed(),
            ReasonCode::WrongExtendedKeyUsage,
        ),
        (
            "no path",
            "client-of-unknown-ca",
            installed(),
            ReasonCode::UnknownIssuer,
        ),
        (
            "the CA itself",
            "ca",
            installed(),
            ReasonCode::AuthorityPresentedAsPeer,
        ),
    ];
    let mut all = Vec::new();
    for (case, presents, server, expected) in cases {
        let client = End::new(presents, trust::pinned(&pki, "server"));
        let (told, reason) = refused(&pki, client, server, Refuses::Server).await;
        assert_eq!(reason, expected, "{case}");
        all.push((case, told));
    }
    told_nothing(&pki, &all);
}

#[tokio::test]
async fn a_server_is_told_the_same_for_each_reason_over_quic() {
    let pki = Pki::make("silence-client");
    let blocked = || {
        let mut store = trust::pinned(&pki, "server");
        let _ = store.block(&pki.certificate("server"));
        store
    };
    let elsewhere = || {
        let mut store = TrustStore::new(tls::key_policy(&tls::provider::ring()));
        let id: ServerId = "elsewhere".parse().unwrap();
        store
            .add_server(id.clone(), ["elsewhere.example".parse().unwrap()])
            .unwrap();
        store
            .install_pin(
                PinScope::Server(id),
                pki.certificate("server"),
                EntryOptions::new(),
            )
            .unwrap();
        store
    };
    let otherwise_named = || {
        let mut store = trust::authority(&pki);
        store
            .set_reference_names(&trust::server(), ["elsewhere.example".parse().unwrap()])
            .unwrap();
        store
    };
    let knows = |store| End::new("client", store);
    let expired = |store| End {
        clock: later(),
        ..knows(store)
    };
    let authority = || trust::authority(&pki);
    let pinned = |name| trust::pinned(&pki, name);
    let cases = [
        (
            "another pin",
            "server",
            knows(pinned("other")),
            ReasonCode::PinDoesNotMatch,
        ),
        (
            "leaf of a CA, but pinned",
            "server-of-ca",
            knows(pinned("other")),
            ReasonCode::PinDoesNotMatch,
        ),
        (
            "self-signed, not installed",
            "server",
            knows(authority()),
            ReasonCode::CaUsedAsEndEntity,
        ),
        (
            "nothing installed",
            "server",
            knows(trust::empty()),
            ReasonCode::NothingInstalled,
        ),
        ("blocked", "server", knows(blocked()), ReasonCode::Blocked),
        (
            "expired pin",
            "server",
            expired(pinned("server")),
            ReasonCode::Expired,
        ),
        (
            "expired leaf",
            "server-of-ca",
            expired(authority()),
            ReasonCode::Expired,
        ),
        (
            "CA known, signature wrong",
            "server-of-false-ca",
            knows(authority()),
            ReasonCode::ChainSignatureInvalid,
        ),
        (
            "wrong role",
            "client-of-ca",
            knows(authority()),
            ReasonCode::WrongExtendedKeyUsage,
        ),
        (
            "no path",
            "server-of-unknown-ca",
            knows(authority()),
            ReasonCode::UnknownIssuer,
        ),
        (
            "unlisted name",
            "server",
            knows(elsewhere()),
            ReasonCode::UnlistedName,
        ),
        (
            "another name",
            "server-of-ca",
            knows(otherwise_named()),
            ReasonCode::NameMismatch,
        ),
    ];
    let mut all = Vec::new();
    for (case, presents, client, expected) in cases {
        let server = End::new(presents, trust::clients(&pki));
        let (told, reason) = refused(&pki, client, server, Refuses::Client).await;
        assert_eq!(reason, expected, "{case}");
        all.push((case, told));
    }
    told_nothing(&pki, &all);
}

/// A service that returns the status of its upstream returns what is in it to its own callers.
#[tokio::test]
async fn the_status_of_a_refused_upstream_says_nothing_and_has_the_verdict() {
    let pki = Pki::make("silence-tonic");
    let builder = trust::server_builder(&pki, trust::clients(&pki).snapshot(), "server");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(builder.build().unwrap()));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let _ = acceptor.accept(tcp).await;
        }
    });
    for (store, expected) in [
        (trust::pinned(&pki, "other"), ReasonCode::PinDoesNotMatch),
        (trust::authority(&pki), ReasonCode::CaUsedAsEndEntity),
    ] {
        let mut store = store;
        let builder = trust::client_builder(&pki, store.snapshot(), "client");
        let connector = Connector::new(&builder, &trust::server()).unwrap();
        let connector = HttpsConnector::http2(connector);
        let endpoint = Endpoint::from_shared(format!("http://localhost:{port}")).unwrap();
        let channel = endpoint.connect_with_connector_lazy(connector);
        let status = call(channel, "/test.Test/Test")
            .await
            .expect_err("we refuse the server");
        assert_eq!(tls::refusal(&status).map(Verdict::reason), Some(expected));
        reveals_nothing(&pki, status.message());
    }
}
