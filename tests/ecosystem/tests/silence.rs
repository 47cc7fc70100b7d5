//! What a peer that is refused is told over QUIC and over TCP, and what callers of a gRPC service are told of a refused
//! upstream: the same for each reason, and nothing of the verdict.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::observe::{ObservationReader, observation_queue};
use mutual_trust::{
    ClientConfigBuilder, CurrentTime, EntryOptions, PinScope, ReasonCode, ServerConfigBuilder,
    ServerId, TlsVersion, TrustStore, Verdict, tls,
};
use mutual_trust_ecosystem::grpc::call;
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::trust;
use mutual_trust_tokio::{Connector, HttpsConnector};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ConnectionClose, ConnectionError};
use rustls::{AlertDescription, ClientConnection, ServerConnection};
use tonic::transport::Endpoint;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(20);

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

/// Two ends of which one refuses the other, and the reason.
struct Case {
    name: &'static str,
    client: End,
    server: End,
    reason: ReasonCode,
}

impl Case {
    /// The builders of both ends, and what the end that refuses observes.
    fn builders(
        self,
        pki: &Pki,
        which: Refuses,
    ) -> (ClientConfigBuilder, ServerConfigBuilder, ObservationReader) {
        let (observations, saw) = observation_queue(8).unwrap();
        let Self {
            mut client,
            mut server,
            ..
        } = self;
        let mut of_client = trust::client_builder(pki, client.trusts.snapshot(), client.presents)
            .with_clock(Arc::new(client.clock));
        let mut of_server = trust::server_builder(pki, server.trusts.snapshot(), server.presents)
            .with_clock(Arc::new(server.clock));
        match which {
            Refuses::Client => of_client = of_client.with_observer(observations),
            Refuses::Server => of_server = of_server.with_observer(observations),
        }
        (of_client, of_server, saw)
    }

    /// Connects over QUIC, and returns what the refused end is told.
    async fn over_quic(self, pki: &Pki, which: Refuses) -> ConnectionClose {
        let (name, reason) = (self.name, self.reason);
        let (client, server, saw) = self.builders(pki, which);
        let alpn = || [b"test".to_vec()];
        let config = server.with_alpn_protocols(alpn()).build().unwrap();
        let crypto = Arc::new(QuicServerConfig::try_from(config).unwrap());
        let config = quinn::ServerConfig::with_crypto(crypto);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let listening = quinn::Endpoint::server(config, loopback).unwrap();
        let address = listening.local_addr().unwrap();
        let config = client.with_alpn_protocols(alpn()).build_by_name().unwrap();
        let crypto = Arc::new(QuicClientConfig::try_from(config).unwrap());
        let mut endpoint = quinn::Endpoint::client(loopback).unwrap();
        endpoint.set_default_client_config(quinn::ClientConfig::new(crypto));

        let at_server = async { ended(listening.accept().await.unwrap().await).await };
        let at_client =
            async { ended(endpoint.connect(address, "localhost").unwrap().await).await };
        let both = async { tokio::join!(at_server, at_client) };
        let (at_server, at_client) = tokio::time::timeout(PATIENCE, both).await.unwrap();
        let told = match which {
            Refuses::Client => at_server,
            Refuses::Server => at_client,
        };
        assert_eq!(seen(&saw), reason, "{name}");
        match told {
            ConnectionError::ConnectionClosed(told) => told,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Connects in TLS without a network, and returns the bytes that the refused end gets of the refusal, and the alert in
    /// them.
    fn over_tls(
        self,
        pki: &Pki,
        which: Refuses,
        version: TlsVersion,
    ) -> (Vec<u8>, AlertDescription) {
        let (name, reason) = (self.name, self.reason);
        let (client, server, saw) = self.builders(pki, which);
        let config = client
            .with_protocol_versions(&[version])
            .build_by_name()
            .unwrap();
        let host = "localhost".try_into().unwrap();
        let mut client =
            rustls::Connection::from(ClientConnection::new(Arc::new(config), host).unwrap());
        let config = server.with_protocol_versions(&[version]).build().unwrap();
        let mut server = rustls::Connection::from(ServerConnection::new(Arc::new(config)).unwrap());
        let (refuses, refused) = match which {
            Refuses::Client => (&mut client, &mut server),
            Refuses::Server => (&mut server, &mut client),
        };
        // Until the end that refuses has something to say that is no handshake.
        for _ in 0..4 {
            refused.read_tls(&mut written(refuses).as_slice()).unwrap();
            refused.process_new_packets().unwrap();
            refuses.read_tls(&mut written(refused).as_slice()).unwrap();
            if refuses.process_new_packets().is_ok() {
                continue;
            }
            assert_eq!(seen(&saw), reason, "{name}");
            let told = written(refuses);
            refused.read_tls(&mut told.as_slice()).unwrap();
            return match refused.process_new_packets() {
                Err(rustls::Error::AlertReceived(alert)) => (told, alert),
                other => panic!("{name}: {other:?}"),
            };
        }
        panic!("{name}: not refused");
    }
}

/// What a connection has to send.
fn written(connection: &mut rustls::Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut bytes).unwrap();
    }
    bytes
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

/// Clients that a server refuses.
fn refused_clients(pki: &Pki) -> Vec<Case> {
    let blocked = |name| {
        let mut store = trust::clients(pki);
        let _ = store.block(&pki.certificate(name));
        store
    };
    let disabled = || {
        let (mut store, lost) = (trust::clients(pki), pki.certificate("other"));
        let installed = store
            .install_pin(PinScope::Clients, lost, EntryOptions::new())
            .unwrap();
        let _ = store.disable(installed.entry().unwrap(), "lost").unwrap();
        store
    };
    let expired = || End {
        clock: later(),
        ..End::new("server", trust::clients(pki))
    };
    let knows = |store| End::new("server", store);
    let installed = || knows(trust::clients(pki));
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
    let case = |(name, presents, server, reason)| Case {
        name,
        client: End::new(presents, trust::pinned(pki, "server")),
        server,
        reason,
    };
    cases.into_iter().map(case).collect()
}

/// Servers that a client refuses.
fn refused_servers(pki: &Pki) -> Vec<Case> {
    let blocked = || {
        let mut store = trust::pinned(pki, "server");
        let _ = store.block(&pki.certificate("server"));
        store
    };
    let elsewhere = || {
        let mut store = TrustStore::new(tls::key_policy(&tls::provider::ring()));
        let id: ServerId = "elsewhere".parse().unwrap();
        let _ = store
            .add_server(id.clone(), ["elsewhere.example".parse().unwrap()])
            .unwrap();
        let (scope, theirs) = (PinScope::Server(id), pki.certificate("server"));
        let _ = store
            .install_pin(scope, theirs, EntryOptions::new())
            .unwrap();
        store
    };
    let otherwise_named = || {
        let mut store = trust::authority(pki);
        let names = ["elsewhere.example".parse().unwrap()];
        let _ = store.set_reference_names(&trust::server(), names).unwrap();
        store
    };
    let knows = |store| End::new("client", store);
    let expired = |store| End {
        clock: later(),
        ..knows(store)
    };
    let authority = || trust::authority(pki);
    let pinned = |name| trust::pinned(pki, name);
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
    let case = |(name, presents, client, reason)| Case {
        name,
        client,
        server: End::new(presents, trust::clients(pki)),
        reason,
    };
    cases.into_iter().map(case).collect()
}

#[tokio::test]
async fn over_quic_each_reason_is_told_with_the_same_bytes() {
    let pki = Pki::make("silence-quic");
    let both = [
        (Refuses::Server, refused_clients(&pki)),
        (Refuses::Client, refused_servers(&pki)),
    ];
    for (which, cases) in both {
        let mut all = Vec::new();
        for case in cases {
            all.push((case.name, case.over_quic(&pki, which).await));
        }
        told_nothing(&pki, &all);
    }
}

#[test]
fn over_tls_each_reason_is_told_with_the_same_bytes() {
    let pki = Pki::make("silence-tls");
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let servers = (Refuses::Client, refused_servers(&pki));
        for (which, cases) in [(Refuses::Server, refused_clients(&pki)), servers] {
            let mut all = Vec::new();
            for case in cases {
                let name = case.name;
                let (told, alert) = case.over_tls(&pki, which, version);
                assert_eq!(alert, AlertDescription::CertificateUnknown, "{name}");
                all.push((name, records(&told)));
            }
            let (_, first) = &all[0];
            for (name, told) in &all {
                assert_eq!(told, first, "{name}, {version:?}, {which:?}");
            }
        }
    }
}

/// The records of TLS in these bytes, but for the contents of encrypted ones, whose keys differ: only their length can
/// tell something.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let [kind, _, _, high, low, ..] = *bytes {
        let length = 5 + usize::from(u16::from_be_bytes([high, low]));
        let (record, rest) = bytes.split_at(length);
        let shown = if kind == 23 { &record[..5] } else { record };
        records.push(shown.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty() && !records.is_empty());
    records
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
