//! What each server library is asked, by curl and by clients of Rust, and what is asserted.

use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mutual_trust::observe::{ObservationReader, observation_queue};
use mutual_trust::{LiveTrust, ReasonCode, ServerConfigBuilder, TrustStore, Verdict, tls};
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::trust;
use mutual_trust_tokio::Failure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::chain;

/// How often an unknown client tries: its alert and the end of the connection race.
const REFUSALS: usize = 10;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a connection is watched that stays open.
const WATCH: Duration = Duration::from_secs(1);

/// After what time nothing more comes of an answer that has begun.
const PAUSE: Duration = Duration::from_millis(300);

/// What curl is told of a refusal in TLS 1.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// Each time the alert.
    Alert,
    /// The alert, or a reset that comes first.
    AlertOrReset,
}

/// What becomes of an open connection after a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Open {
    /// It ends at once, also if it is idle.
    Ends,
    /// It stays open, and each request on it has this status.
    Answers(u16),
}

/// What is expected of a library beside what is expected of all.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The protocol that is agreed with a client that offers `h2` and `http/1.1`.
    pub protocol: &'static str,
    pub told: Told,
    pub open: Open,
    /// Refusals go to the failure handler of a listener too.
    pub has_failure_handler: bool,
}

/// What a server is made of.
pub struct Setup {
    pub builder: ServerConfigBuilder,
    pub store: TrustStore,
    pub live: LiveTrust,
    pub seen: ObservationReader,
    /// What the failure handler was called with.
    failures: Arc<Mutex<Vec<ReasonCode>>>,
}

impl Setup {
    pub fn new(pki: &Pki) -> Self {
        let mut store = trust::clients(pki);
        let live = LiveTrust::new(store.snapshot());
        let (observations, seen) = observation_queue(256).unwrap();
        let builder =
            trust::server_builder(pki, live.clone(), "server").with_observer(observations);
        Self {
            builder,
            store,
            live,
            seen,
            failures: Arc::default(),
        }
    }

    /// For a listener.
    pub fn failure_handler(&self) -> impl Fn(&Failure) + Send + Sync + 'static + use<> {
        let failures = self.failures.clone();
        move |failure| {
            let reason = failure.verdict().map(Verdict::reason);
            failures.lock().unwrap().extend(reason);
        }
    }
}

/// Asks everything of one server. Panics where something else happens than is expected.
pub async fn measure(mut setup: Setup, port: u16, pki: &Pki, expected: Expected) {
    let version = if expected.protocol == "h2" {
        "HTTP/2"
    } else {
        "HTTP/1.1"
    };
    let curl = async |us: &str, more: &[&str]| curl(pki, us, port, more).await;

    // The peer in the handler, by the label of a pin and by the name that the CA vouches for.
    for (us, who) in [("client", trust::LABEL), ("client-of-ca", trust::NAME)] {
        let said = curl(us, &[]).await;
        assert!(said.contains(who) && said.contains(version), "{us}: {said}");
    }
    let said = curl("client", &["--tls-max", "1.2"]).await;
    assert!(said.contains(trust::LABEL), "{said}");

    // An unknown client is refused, and told so.
    let mut alerts = 0;
    for _ in 0..REFUSALS {
        let said = curl("other", &[]).await;
        assert!(said.starts_with("curl: ("), "{said}");
        alerts += usize::from(said.contains("alert certificate unknown"));
    }
    println!("  {alerts} alerts of {REFUSALS} refusals");
    let told = if alerts == REFUSALS {
        Told::Alert
    } else {
        Told::AlertOrReset
    };
    assert!(
        told == expected.told || expected.told == Told::AlertOrReset,
        "{alerts} alerts of {REFUSALS}"
    );
    let said = curl("other", &["--tls-max", "1.2"]).await;
    assert!(said.contains("alert certificate unknown"), "{said}");

    // Two open connections: one is asked again after the block, one is left alone.
    let mut trusts = trust::pinned(pki, "server");
    let protocols = ["h2", "http/1.1"].map(|protocol| protocol.as_bytes().to_vec());
    let client =
        trust::client_builder(pki, trusts.snapshot(), "client").with_alpn_protocols(protocols);
    let config = client.build_for(&trust::server()).unwrap();
    let asking = reqwest13::Client::builder()
        .tls_backend_preconfigured(config.clone())
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("https://localhost:{port}/");
    let answer = asking.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains(trust::LABEL), "{answer}");
    let mut idle = Idle::open(config, port).await;
    assert_eq!(idle.protocol(), expected.protocol);

    let _ = setup.store.block(&pki.certificate("client"));
    setup.live.publish(setup.store.snapshot()).unwrap();
    let asked = asking.get(&url).send().await;
    match expected.open {
        Open::Ends => {
            let error = asked.expect_err("the client is blocked");
            assert!(tls::refusal(&error).is_none(), "{}", chain(&error));
            assert!(idle.ends_within(PATIENCE).await, "it is still open");
        }
        Open::Answers(status) => {
            let answer = asked.unwrap_or_else(|error| panic!("{}", chain(&error)));
            assert_eq!(answer.status().as_u16(), status);
            assert!(!answer.text().await.unwrap().contains(trust::LABEL));
            assert!(!idle.ends_within(WATCH).await, "it has ended");
        }
    }
    let said = curl("client", &[]).await;
    assert!(said.starts_with("curl: ("), "{said}");
    let said = curl("client-of-ca", &[]).await;
    assert!(said.contains(trust::NAME), "{said}");

    // The observer has the verdict of each handshake.
    let seen: Vec<_> = setup
        .seen
        .try_iter()
        .iter()
        .map(|seen| seen.verdict.reason())
        .collect();
    let count = |reason| seen.iter().filter(|seen| **seen == reason).count();
    assert_eq!(
        count(ReasonCode::CaUsedAsEndEntity),
        REFUSALS + 1,
        "{seen:?}"
    );
    assert!(count(ReasonCode::Blocked) >= 1, "{seen:?}");
    assert_eq!(count(ReasonCode::ChainVerified), 2, "{seen:?}");
    let failures = setup.failures.lock().unwrap();
    let unknown = failures
        .iter()
        .filter(|reason| **reason == ReasonCode::CaUsedAsEndEntity)
        .count();
    let expected = if expected.has_failure_handler {
        REFUSALS + 1
    } else {
        0
    };
    assert_eq!(unknown, expected, "{failures:?}");
}

/// What curl says: the answer with its version, or the error.
async fn curl(pki: &Pki, us: &str, port: u16, more: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--insecure",
        "--max-time",
        "10",
        "--http2",
    ]);
    command
        .args(["--write-out", " HTTP/%{http_version}"])
        .args(more);
    command
        .arg("--cert")
        .arg(pki.pem(us))
        .arg("--key")
        .arg(pki.key(us));
    command.arg(format!("https://localhost:{port}/"));
    let asked = tokio::task::spawn_blocking(move || command.output());
    let Output {
        status,
        stdout,
        stderr,
    } = asked.await.unwrap().unwrap();
    let said = if status.success() { stdout } else { stderr };
    String::from_utf8_lossy(&said).into_owned()
}

/// An open connection on which nothing is asked any more.
struct Idle(tokio_rustls::client::TlsStream<TcpStream>);

impl Idle {
    async fn open(config: rustls::ClientConfig, port: u16) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .unwrap();
        // In HTTP/2 both ends begin with their settings.
        let hello: &[u8] = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            _ => b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        };
        stream.write_all(hello).await.unwrap();
        let mut idle = Self(stream);
        let count = idle.read_within(PATIENCE).await;
        assert!(
            count.is_some_and(|count| count > 0),
            "the server accepts us"
        );
        while idle.read_within(PAUSE).await.is_some_and(|count| count > 0) {}
        idle
    }

    /// How much comes, if anything does in time; 0 at the end.
    async fn read_within(&mut self, time: Duration) -> Option<usize> {
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(time, self.0.read(&mut buffer)).await;
        read.ok().map(|count| count.unwrap_or(0))
    }

    async fn ends_within(&mut self, time: Duration) -> bool {
        let end = async {
            while self
                .read_within(PATIENCE)
                .await
                .is_none_or(|count| count > 0)
            {}
        };
        tokio::time::timeout(time, end).await.is_ok()
    }

    fn protocol(&self) -> &str {
        let protocol = self.0.get_ref().1.alpn_protocol().unwrap_or(b"none");
        std::str::from_utf8(protocol).unwrap()
    }
}
