//! A server of publications for nodes that ask by HTTPS: a hub.

mod answer;
mod connections;
mod published;
mod reports;

use core::fmt;
use core::time::Duration;
use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
pub use mutual_trust_tokio::{Acceptor, Listener};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use self::connections::Connections;
use self::published::Published;
use self::reports::Reports;
use crate::error::TransportError;
use crate::limits::{
    FOLDER_LOOK, MAX_CONNECTION_AGE, MAX_CONNECTIONS, MAX_HEADER_BYTES, MAX_HEADERS, MAX_IDLE_TIME,
    MAX_UPLOADS,
};
use crate::report::NodeReport;

type Stream = mutual_trust_tokio::TlsStream<TcpStream>;

/// Serves the publication of a folder, and takes the reports of nodes.
///
/// ```no_run
/// use mutual_trust::ServerConfigBuilder;
/// use mutual_trust_fleet::server::{Acceptor, Hub, Listener};
///
/// async fn serve(builder: &ServerConfigBuilder) -> Result<(), Box<dyn std::error::Error>> {
///     let hub = Hub::open("/var/lib/trust/prod")?.with_publishers(["alice", "bob"]);
///     let listener = Listener::bind("0.0.0.0:8443", Acceptor::new(builder)?).await?;
///     hub.serve(listener, std::future::pending()).await;
///     Ok(())
/// }
/// ```
///
/// The publication is in the folder, so it survives a restart, and a publisher on the same machine can use
/// [`Folder`](crate::folder::Folder). Reports are in memory: after a restart, the nodes report again. A hub
/// [with reports in its folder](Self::with_reports_in_folder) keeps them.
///
/// # Security
/// A hub holds no key and is not trusted: nodes verify what it serves. Its clients are judged by the rules of the library.
/// Every accepted client reads the publication. A node writes the report of its own name alone, which is the label of its
/// pin or a name in its certificate. Publishers are the clients with these labels or names, and they alone read the reports
/// of all, and remove the one of a node.
///
/// Connections are bounded in number, altogether and for each client, and in time; requests in bytes and time. A
/// connection is closed when it is an hour old, whatever it does.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
    publishers: Arc<BTreeSet<String>>,
    reports: Reports,
    max_connections: usize,
}

struct Shared {
    published: Published,
    connections: Connections,
    /// How many publications are read at once.
    uploads: Semaphore,
}

impl Hub {
    /// Serves the publication of a folder, which need not have one yet.
    ///
    /// # Errors
    /// [`TransportError`] if the folder cannot be read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, TransportError> {
        let shared = Shared {
            published: Published::open(folder.into())?,
            connections: Connections::default(),
            uploads: Semaphore::new(MAX_UPLOADS),
        };
        Ok(Self {
            shared: Arc::new(shared),
            publishers: Arc::default(),
            reports: Reports::in_memory(),
            max_connections: MAX_CONNECTIONS,
        })
    }

    /// Sets who may publish and read the reports of all: labels of pins, or names in certificates. None by default.
    #[must_use]
    pub fn with_publishers<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.publishers = Arc::new(names.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps the reports in the folder, a file for each node in `nodes/`, as [`Folder`](crate::folder::Folder) does. Then they
    /// survive a restart, and a program on the same machine reads them there. The disk must take each report: nodes send one
    /// after each change, and one in five minutes.
    #[must_use]
    pub fn with_reports_in_folder(mut self) -> Self {
        self.reports = Reports::in_folder(self.shared.published.folder());
        self
    }

    /// Sets how many connections are open at most. [`MAX_CONNECTIONS`] by default. More are closed at once.
    #[must_use]
    pub fn with_max_connections(mut self, most: usize) -> Self {
        self.max_connections = most;
        self
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.connections.open()
    }

    /// The last report of each node since the start, or those in the folder that can be read.
    pub fn nodes(&self) -> Vec<NodeReport> {
        let all = self.reports.all();
        all.map(|all| all.reports).unwrap_or_default()
    }

    /// Serves until `stop` is done. Then all connections end.
    ///
    /// A connection that panics ends alone.
    pub async fn serve(&self, mut listener: Listener, stop: impl Future<Output = ()>) {
        let mut stop = core::pin::pin!(stop);
        let mut look = interval(FOLDER_LOOK);
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = look.tick() => self.shared.published.look(),
                Some(_) = tasks.join_next() => {}
                (stream, _) = listener.accept() => {
                    let who = stream.peer().fingerprint();
                    let connections = &self.shared.connections;
                    if let Some(place) = connections.place(who, self.max_connections) {
                        let hub = self.clone();
                        tasks.spawn(async move {
                            hub.connection(stream).await;
                            drop(place);
                        });
                    }
                }
            }
        }
    }

    async fn connection(&self, stream: Stream) {
        let peer = stream.peer().clone();
        let service = service_fn(|request| self.answer(&peer, request));
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(MAX_IDLE_TIME)
            .max_buf_size(MAX_HEADER_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let mut served = core::pin::pin!(served);
        if timeout(MAX_CONNECTION_AGE, served.as_mut()).await.is_err() {
            // What is under way may end.
            served.as_mut().graceful_shutdown();
            let _ = timeout(Duration::from_secs(10), served).await;
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("publishers", &self.publishers)
            .field("max_connections", &self.max_connections)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
