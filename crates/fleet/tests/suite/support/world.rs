//! A server and clients that know each other, and servers that misbehave.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mutual_trust::{EntryOptions, LiveTrust, PinScope, TrustStore};
use mutual_trust_fleet::http::Http;
use mutual_trust_test_support::link::{Setting, keys_1, pin, settings};
use mutual_trust_test_support::pki::{Made, spec};
use mutual_trust_test_support::{host, now};
use mutual_trust_tokio::{Acceptor, Connector, Listener, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

pub type Stream = TlsStream<TcpStream>;

/// Each limit of a test that hangs.
pub const LONG: Duration = Duration::from_secs(120);

pub struct World {
    pub setting: Setting,
    pub server: Made,
    pub clients: TrustStore,
    pub live: LiveTrust,
    pub runtime: Runtime,
}

impl World {
    pub fn new() -> Self {
        let setting = settings().pop().unwrap();
        let server = spec("hub").dns("localhost").server_auth().self_signed();
        let mut clients = setting.store();
        Self {
            live: LiveTrust::new(clients.snapshot()),
            clients,
            setting,
            server,
            runtime: Runtime::new().unwrap(),
        }
    }

    pub fn acceptor(&self) -> Acceptor {
        let identity = self.server.identity(&[], &self.setting.provider);
        let builder = self.setting.server(self.live.clone(), identity);
        Acceptor::new(&builder.with_clock(Arc::new(now()))).unwrap()
    }

    /// A client that the server knows by this label.
    pub fn client(&mut self, label: &str) -> Connector {
        let made = spec(label).client_auth().self_signed();
        let options = EntryOptions::new().with_label(label);
        self.clients
            .install_pin(PinScope::Clients, made.certificate(), options)
            .unwrap();
        self.live.publish(self.clients.snapshot()).unwrap();
        self.connector(&made)
    }

    #[cfg(feature = "server")]
    pub fn block(&mut self, label: &str) {
        let snapshot = self.clients.snapshot();
        let entries = snapshot.entries();
        let found = entries
            .iter()
            .find(|entry| entry.options().label() == Some(label));
        let certificate = found.unwrap().certificate().unwrap().clone();
        let _report = self.clients.block(&certificate);
        self.live.publish(self.clients.snapshot()).unwrap();
    }

    pub fn connector(&self, us: &Made) -> Connector {
        let mut servers = self.setting.store();
        let names = [host("localhost"), host("127.0.0.1")];
        servers.add_server(keys_1(), names).unwrap();
        pin(
            &mut servers,
            PinScope::Server(keys_1()),
            &self.server.certificate,
        );
        let identity = us.identity(&[], &self.setting.provider);
        let builder = self.setting.client(servers.snapshot(), identity);
        Connector::new(&builder, &keys_1()).unwrap()
    }

    pub fn listener(&self) -> Listener {
        self.runtime
            .block_on(Listener::bind("127.0.0.1:0", self.acceptor()))
            .unwrap()
    }

    /// A server that reads the head of a request and then does what a test wants, and how often it was connected to.
    pub fn raw<F: Future<Output = ()> + Send + 'static>(
        &self,
        answer: impl Fn(Stream, String) -> F + Send + Sync + 'static,
    ) -> (u16, Arc<AtomicUsize>) {
        let mut listener = self.listener();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let answer = Arc::new(answer);
        self.runtime.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await;
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let head = head(&mut stream).await;
                    answer(stream, head).await;
                });
            }
        });
        (port, connections)
    }

    /// A server that sends this text, whatever it is asked for, and then closes properly.
    pub fn sends(&self, text: impl Into<Vec<u8>>) -> u16 {
        let text: Arc<[u8]> = text.into().into();
        let sent = move |mut stream: Stream, _| {
            let text = text.clone();
            async move {
                let _ = stream.write_all(&text).await;
                let _ = stream.shutdown().await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        };
        self.raw(sent).0
    }

    pub fn http(&mut self, port: u16) -> Http {
        let connector = self.client("array-7");
        http(port, connector)
    }
}

pub fn http(port: u16, connector: Connector) -> Http {
    Http::new(&format!("https://localhost:{port}"), connector).unwrap()
}

/// Reads up to the end of the head of a request.
pub async fn head(stream: &mut Stream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}
