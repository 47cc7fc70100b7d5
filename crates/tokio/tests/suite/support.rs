//! A server and a client that know each other, and what an administrator does to both.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mutual_trust::certificate::TimeSource;
use mutual_trust::{
    ClientConfigBuilder, CurrentTime, EntryOptions, LiveTrust, PinScope, ReasonCode,
    ServerConfigBuilder, TrustStore, tls,
};
use mutual_trust_test_support::link::{Setting, keys_1, pin};
use mutual_trust_test_support::pki::{Made, spec};
use mutual_trust_test_support::{NOW, at, host};
use mutual_trust_tokio::{Acceptor, Connector, Failure, Listener, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use mutual_trust_test_support::link::settings;

pub type Stream = TlsStream<TcpStream>;

/// Ends a test that hangs.
pub async fn within<T>(task: impl Future<Output = T>) -> T {
    let limit = tokio::time::timeout(Duration::from_secs(120), task);
    limit.await.expect("this hangs")
}

/// A clock that a test sets.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW)))
    }

    pub fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl TimeSource for TestClock {
    fn now(&self) -> CurrentTime {
        CurrentTime::Known(at(self.0.load(Ordering::SeqCst)))
    }
}

/// One end: what it trusts, and what it is.
pub struct End {
    pub store: TrustStore,
    pub trust: LiveTrust,
    pub clock: Arc<TestClock>,
    pub made: Made,
    others: u64,
}

impl End {
    fn new(mut store: TrustStore, made: Made) -> Self {
        Self {
            trust: LiveTrust::new(store.snapshot()),
            store,
            clock: TestClock::new(),
            made,
            others: 0,
        }
    }

    pub fn publish(&mut self) {
        self.trust.publish(self.store.snapshot()).unwrap();
    }

    pub fn block(&mut self, made: &Made) {
        let _report = self.store.block(&made.certificate);
        self.publish();
    }

    /// A change that concerns none of the two ends.
    pub fn change_something_else(&mut self) {
        self.others += 1;
        let id = format!("other-{}", self.others).parse().unwrap();
        self.store.add_server(id, []).unwrap();
        self.publish();
    }
}

pub struct World {
    pub setting: Setting,
    pub server: End,
    pub client: End,
}

impl World {
    pub fn new(setting: &Setting) -> Self {
        let server = spec("kms1").dns("localhost").server_auth().self_signed();
        let client = spec("array-7").client_auth().self_signed();
        Self::of(setting, server, client)
    }

    pub fn of(setting: &Setting, server: Made, client: Made) -> Self {
        let mut clients = setting.store();
        let label = EntryOptions::new().with_label("array-7");
        clients
            .install_pin(PinScope::Clients, client.certificate(), label)
            .unwrap();
        let mut servers = setting.store();
        let names = [host("localhost"), host("127.0.0.1")];
        servers.add_server(keys_1(), names).unwrap();
        pin(
            &mut servers,
            PinScope::Server(keys_1()),
            &server.certificate,
        );
        Self {
            setting: setting.clone(),
            server: End::new(clients, server),
            client: End::new(servers, client),
        }
    }

    pub fn server_builder(&self) -> ServerConfigBuilder {
        let identity = self.server.made.identity(&[], &self.setting.provider);
        let builder = self.setting.server(self.server.trust.clone(), identity);
        builder.with_clock(self.server.clock.clone())
    }

    pub fn client_builder(&self) -> ClientConfigBuilder {
        self.client_builder_of(&self.client.made)
    }

    pub fn client_builder_of(&self, us: &Made) -> ClientConfigBuilder {
        let identity = us.identity(&[], &self.setting.provider);
        let builder = self.setting.client(self.client.trust.clone(), identity);
        builder.with_clock(self.client.clock.clone())
    }

    pub fn acceptor(&self) -> Acceptor {
        Acceptor::new(&self.server_builder()).unwrap()
    }

    pub fn connector(&self) -> Connector {
        Connector::new(&self.client_builder(), &keys_1()).unwrap()
    }

    /// A client that the server does not know.
    pub fn unknown_connector(&self) -> Connector {
        let unknown = spec("unknown").client_auth().self_signed();
        Connector::new(&self.client_builder_of(&unknown), &keys_1()).unwrap()
    }

    pub fn block_client(&mut self) {
        self.server.block(&self.client.made);
    }

    pub fn block_server(&mut self) {
        self.client.block(&self.server.made);
    }

    /// Both ends of one connection.
    pub async fn link(&self) -> (Stream, Stream) {
        self.link_of(self.acceptor(), self.connector()).await
    }

    pub async fn link_of(&self, acceptor: Acceptor, connector: Connector) -> (Stream, Stream) {
        let mut listener = Listener::bind("127.0.0.1:0", acceptor).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connecting = connector.connect_tcp("127.0.0.1", port);
        let (client, (server, _)) =
            within(async { tokio::join!(connecting, listener.accept()) }).await;
        (client.unwrap(), server)
    }
}

/// What a failure handler was told.
#[derive(Debug)]
pub struct Failed {
    pub kind: io::ErrorKind,
    pub reason: Option<ReasonCode>,
    pub text: String,
}

impl Failed {
    fn of(failure: &Failure) -> Self {
        Self {
            kind: failure.error().kind(),
            reason: failure.verdict().map(|verdict| verdict.reason()),
            text: format!("{failure}: {}", failure.error()),
        }
    }
}

/// A failure handler, and what it is told.
pub fn failures() -> (
    impl Fn(&Failure) + Send + Sync + 'static,
    UnboundedReceiver<Failed>,
) {
    let (sender, receiver) = unbounded_channel();
    let handler = move |failure: &Failure| {
        let _ = sender.send(Failed::of(failure));
    };
    (handler, receiver)
}

/// Runs a listener in a task. Each stream goes to `serve`, in a task of its own.
pub fn serve<F: Future<Output = ()> + Send + 'static>(
    mut listener: Listener,
    serve: impl Fn(Stream) -> F + Send + 'static,
) -> u16 {
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await;
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// The verdict inside an error must be a refusal for this reason, and the texts of the error must say nothing of it.
pub fn expect_refusal(error: &(dyn std::error::Error + 'static), reason: ReasonCode) {
    let verdict = tls::refusal(error).unwrap_or_else(|| panic!("no verdict in {error:?}"));
    assert!(!verdict.is_accepted());
    assert_eq!(verdict.reason(), reason, "{verdict}");
    let code = format!("{reason:?}");
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains(&code), "the text of the verdict: {text}");
    }
}

pub async fn ping(from: &mut Stream, to: &mut Stream) {
    within(async {
        from.write_all(b"?").await.unwrap();
        from.flush().await.unwrap();
        assert_eq!(to.read_u8().await.unwrap(), b'?');
    })
    .await;
}

/// Both directions work.
pub async fn ping_both(one: &mut Stream, other: &mut Stream) {
    ping(one, other).await;
    ping(other, one).await;
}
