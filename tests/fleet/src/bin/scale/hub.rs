//! A hub in a process of its own, its clients, and what a request costs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mutual_trust::certificate::Certificate;
use mutual_trust::{AuthorityScope, EntryOptions, Identity, LiveTrust, PinScope};
use mutual_trust_fleet::http::{Connector, Http};
use mutual_trust_fleet::server::{Acceptor, Hub, Listener};
use mutual_trust_fleet::{Fetched, Tag, Transport};
use mutual_trust_test_support as support;
use support::link::{Setting, keys_1, pin, settings};
use support::pki::{Made, spec};
use tokio::runtime::{Builder, Handle, Runtime};

/// The name of the client that publishes.
const PUBLISHER: &str = "publisher";

fn setting() -> Setting {
    settings().pop().unwrap()
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The process of the hub: it serves until it is killed.
pub fn serve(folder: &Path) {
    let setting = setting();
    let (chain, key) = (folder.join("hub.pem"), folder.join("hub.key"));
    let identity = Identity::from_files(chain, key, &setting.provider).unwrap();
    let mut clients = setting.store();
    let authority = Certificate::from_pem(&fs::read(folder.join("ca.pem")).unwrap()).unwrap();
    clients
        .install_authority(AuthorityScope::Clients, authority, EntryOptions::new())
        .unwrap();
    let builder = setting.server(LiveTrust::new(clients.snapshot()), identity);
    let acceptor = Acceptor::new(&builder).unwrap();
    let published = folder.join("published");
    fs::create_dir_all(&published).unwrap();
    let hub = Hub::open(published).unwrap();
    let hub = hub.with_publishers([format!("dns:{PUBLISHER}")]);
    runtime().block_on(async {
        let listener = Listener::bind("127.0.0.1:0", acceptor).await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        hub.serve(listener, std::future::pending()).await;
    });
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// A running hub with its clients.
pub struct Served {
    child: Child,
    port: u16,
    authority: Made,
    server: Made,
    runtime: Runtime,
}

impl Served {
    pub fn start(folder: &Path) -> Self {
        let folder = folder.join("hub");
        fs::create_dir_all(&folder).unwrap();
        let authority = spec("authority of the clients").ca().self_signed();
        let server = spec("hub").dns("localhost").server_auth().self_signed();
        fs::write(folder.join("ca.pem"), authority.certificate.to_pem()).unwrap();
        fs::write(folder.join("hub.pem"), server.certificate.to_pem()).unwrap();
        write_private(&folder.join("hub.key"), &server.key.serialize_pem());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("hub")
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        Self {
            child,
            port: line.trim().parse().unwrap(),
            authority,
            server,
            runtime: runtime(),
        }
    }

    fn connector(&self, name: &str) -> Connector {
        let setting = setting();
        let made = spec(name)
            .dns(name)
            .client_auth()
            .signed_by(&self.authority);
        let mut servers = setting.store();
        let names = [support::host("localhost")];
        servers.add_server(keys_1(), names).unwrap();
        let scope = PinScope::Server(keys_1());
        pin(&mut servers, scope, &self.server.certificate);
        let identity = made.identity(&[], &setting.provider);
        let builder = setting.client(servers.snapshot(), identity);
        Connector::new(&builder, &keys_1()).unwrap()
    }

    fn http(&self, handle: &Handle, connector: Connector) -> Http {
        let address = format!("https://localhost:{}", self.port);
        let http = Http::on(handle.clone(), &address, connector).unwrap();
        http.with_timeout(Duration::from_secs(60)).unwrap()
    }

    /// The transport of a node.
    pub fn node(&self, number: usize) -> Http {
        let connector = self.connector(&format!("node-{number}"));
        self.http(self.runtime.handle(), connector)
    }

    /// The transport of the publisher.
    pub fn publisher(&self) -> Http {
        self.http(self.runtime.handle(), self.connector(PUBLISHER))
    }

    /// The processor time that the hub has taken.
    pub fn used(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks: u64 = [11, 12]
            .map(|at| fields[at].parse::<u64>().unwrap())
            .iter()
            .sum();
        // Linux counts in hundredths of a second for every program.
        Duration::from_millis(ticks * 10)
    }

    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.child.id());
        let pages = fs::read_to_string(path).unwrap();
        pages
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 4096
    }

    /// Asks for some seconds from several threads, and says how many answers came a second, and what each cost the hub.
    pub fn load(&self, what: Asked, seconds: u64) -> (f64, Duration) {
        let clients = 4;
        let connectors: Vec<_> = (0..clients)
            .map(|number| self.connector(&format!("load-{number}")))
            .collect();
        let tag = {
            let mut http = self.http(self.runtime.handle(), connectors[0].clone());
            match http.fetch(None).unwrap() {
                Fetched::New { tag, .. } => tag,
                Fetched::Unchanged => unreachable!("nothing was known"),
            }
        };
        let answers = AtomicU64::new(0);
        let (start, used) = (Instant::now(), self.used());
        let end = start + Duration::from_secs(seconds);
        thread::scope(|scope| {
            for connector in &connectors {
                let (answers, tag) = (&answers, &tag);
                scope.spawn(move || {
                    let handle = self.runtime.handle();
                    let mut http = self.http(handle, connector.clone());
                    while Instant::now() < end {
                        if what == Asked::Connecting {
                            http = self.http(handle, connector.clone());
                        }
                        let known: Option<&Tag> = (what != Asked::Whole).then_some(tag);
                        http.fetch(known).unwrap();
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let count = u32::try_from(answers.load(Ordering::Relaxed)).unwrap();
        let each = (self.used() - used) / count;
        (f64::from(count) / start.elapsed().as_secs_f64(), each)
    }
}

/// What a load asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The publication that it has, over a connection that is open: 304.
    Known,
    /// The publication, over a connection that is open.
    Whole,
    /// The publication that it has, over a new connection: a full handshake of mutual TLS, and 304.
    Connecting,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
