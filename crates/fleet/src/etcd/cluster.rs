//! The cluster of etcd, and how it is reached.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use etcd_client::{Channel, Client, ConnectOptions};
use mutual_trust_tokio::{Connector, HttpsConnector};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tonic::transport::Endpoint;

use super::fault::{self, Fault};
use super::limits::{CHUNK_BYTES, KEEP_ALIVE, MAX_MEMBERS, REQUEST_TIMEOUT};
use super::runtime::Runtime;
use crate::{SettingError, TransportError};

/// A cluster of etcd, and how to reach it. Cheap to clone: clones share their connections, one to each member in use.
///
/// It has a thread of its own for the connections. Its clones, and what
/// [`with_own_connections`](Self::with_own_connections) returns, share that thread.
///
/// ```no_run
/// use mutual_trust::ClientConfigBuilder;
/// use mutual_trust_fleet::etcd::{Cluster, Etcd};
/// use mutual_trust_tokio::Connector;
///
/// fn transport(builder: &ClientConfigBuilder) -> Result<Etcd, Box<dyn std::error::Error>> {
///     // The members are one server with three names, or with one certificate each.
///     let connector = Connector::new(builder, &"etcd".parse()?)?;
///     let members = ["etcd1.example:2379", "etcd2.example:2379", "etcd3.example:2379"];
///     let cluster = Cluster::over_tls(&members, connector)?;
///     Ok(Etcd::new(&cluster, "/mutual-trust/prod")?)
/// }
/// ```
#[derive(Clone)]
pub struct Cluster {
    settings: Settings,
    runtime: Arc<Runtime>,
    open: Arc<Open>,
}

#[derive(Clone)]
struct Settings {
    members: Vec<String>,
    /// `None`: plain text.
    connector: Option<Connector>,
    user: Option<(String, String)>,
}

/// The connections.
struct Open {
    members: Vec<Member>,
    /// The member that is asked first: the one that answered last.
    first: AtomicUsize,
}

/// A member, which is connected when it is first asked.
struct Member {
    name: String,
    channel: tonic::transport::Channel,
    options: ConnectOptions,
    client: OnceCell<Client>,
}

impl Cluster {
    /// A cluster over mutual TLS. A member is `HOST:PORT`.
    ///
    /// The connector says which servers are trusted, and presents the identity of this machine. With `--client-cert-auth`
    /// and authentication on, etcd takes the common name of that certificate for the user.
    ///
    /// # Errors
    /// [`SettingError`] if a member is none, or there is none or more than
    /// [`MAX_MEMBERS`](super::limits::MAX_MEMBERS).
    pub fn over_tls<S: AsRef<str>>(
        members: &[S],
        connector: Connector,
    ) -> Result<Self, SettingError> {
        Self::of(members, Some(connector))
    }

    /// A cluster in plain text: without proof who answers, and readable on the way.
    ///
    /// # Errors
    /// As for [`over_tls`](Self::over_tls).
    ///
    /// # Security
    /// What is published is signed, so plain text adds nothing to a trust set and takes nothing from it. But anybody on
    /// the way reads it, holds it back, and writes reports in the name of each node.
    pub fn in_plain_text<S: AsRef<str>>(members: &[S]) -> Result<Self, SettingError> {
        Self::of(members, None)
    }

    fn of<S: AsRef<str>>(
        members: &[S],
        connector: Option<Connector>,
    ) -> Result<Self, SettingError> {
        let count = members.len();
        if count == 0 || count > MAX_MEMBERS {
            let why = format!("a cluster has 1 to {MAX_MEMBERS}, and these are {count}");
            return Err(SettingError::new("the members of etcd", why));
        }
        let settings = Settings {
            members: members
                .iter()
                .map(|name| name.as_ref().to_owned())
                .collect(),
            connector,
            user: None,
        };
        let runtime =
            Runtime::new().map_err(|error| SettingError::new("no thread", error.to_string()))?;
        Self::opened(settings, Arc::new(runtime))
    }

    /// Connections are made when they are first used.
    fn opened(settings: Settings, runtime: Arc<Runtime>) -> Result<Self, SettingError> {
        let members = settings.members.iter().map(|name| {
            let endpoint = endpoint(name)?;
            let channel = runtime.enter(|| match settings.connector.clone() {
                Some(connector) => {
                    endpoint.connect_with_connector_lazy(HttpsConnector::http2(connector))
                }
                None => endpoint.connect_lazy(),
            });
            // A member that has lost the others must say so: its watch would be silent.
            let mut options = ConnectOptions::new().with_require_leader(true);
            if let Some((name, password)) = settings.user.clone() {
                options = options
                    .with_user(name, password)
                    .with_auto_token_refresh(true);
            }
            Ok(Member {
                name: name.clone(),
                channel,
                options,
                client: OnceCell::new(),
            })
        });
        let open = Open {
            members: members.collect::<Result<_, SettingError>>()?,
            first: AtomicUsize::new(0),
        };
        Ok(Self {
            settings,
            runtime,
            open: Arc::new(open),
        })
    }

    /// With a user of etcd and a password. Without: the certificate says who this is, if etcd asks.
    ///
    /// # Errors
    /// [`SettingError`] for a cluster in plain text: a password is not sent so.
    ///
    /// # Security
    /// etcd-client keeps the password in memory for as long as it may have to log in again, and does not wipe it. The
    /// certificate is the better proof.
    pub fn with_user(mut self, name: &str, password: &str) -> Result<Self, SettingError> {
        if self.settings.connector.is_none() {
            return Err(SettingError::new(
                "a password",
                "it is not sent in plain text",
            ));
        }
        self.settings.user = Some((name.to_owned(), password.to_owned()));
        Self::opened(self.settings, self.runtime)
    }

    /// The same cluster over connections of its own, on the same thread.
    ///
    /// One connection carries the watches of thousands of nodes, one after another. Of several, each waits for fewer.
    ///
    /// # Errors
    /// None in practice: the members were checked.
    pub fn with_own_connections(&self) -> Result<Self, SettingError> {
        Self::opened(self.settings.clone(), Arc::clone(&self.runtime))
    }

    /// Waits for a task in this thread.
    pub(super) fn block_on<T>(&self, task: impl Future<Output = T>) -> T {
        self.runtime.block_on(task)
    }

    /// Asks the members in turn, from the one that answered last. What one of them refuses, the others refuse too.
    pub(super) async fn ask<T>(
        &self,
        question: impl AsyncFn(Client) -> Result<T, Fault>,
    ) -> Result<T, TransportError> {
        let count = self.open.members.len();
        let begin = self.open.first.load(Ordering::Relaxed);
        let mut last = None;
        for step in 0..count {
            let at = begin.wrapping_add(step).checked_rem(count).unwrap_or(0);
            let Some(member) = self.open.members.get(at) else {
                continue;
            };
            let answer = async { question(member.client().await?).await };
            let error = match timeout(REQUEST_TIMEOUT, answer).await {
                Ok(Ok(answer)) => {
                    self.open.first.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Err(fault)) if fault.is_final() => return Err(fault.at(&member.name)),
                Ok(Err(fault)) => fault.at(&member.name),
                Err(_) => fault::timed_out(&member.name),
            };
            last = Some(error);
        }
        Err(last.unwrap_or_else(|| fault::timed_out("etcd")))
    }

    /// Asks another member next time: this one does not say all.
    pub(super) fn turn(&self) {
        let count = self.open.members.len();
        let first = self.open.first.load(Ordering::Relaxed);
        let next = first.wrapping_add(1).checked_rem(count).unwrap_or(0);
        self.open.first.store(next, Ordering::Relaxed);
    }
}

impl Member {
    /// With a user, the first call logs in.
    async fn client(&self) -> Result<Client, Fault> {
        let connect = || {
            let channel = Channel::Tonic(self.channel.clone());
            Client::from_channel(channel, Some(self.options.clone()))
        };
        Ok(self.client.get_or_try_init(connect).await?.clone())
    }
}

/// How a member is reached. With `http://` in both cases: TLS is that of the connector.
fn endpoint(name: &str) -> Result<Endpoint, SettingError> {
    let refuse = || {
        let why = format!("{name:?} is none: HOST:PORT is, without a scheme");
        SettingError::new("a member of etcd", why)
    };
    let (host, port) = name.rsplit_once(':').ok_or_else(refuse)?;
    let host_fits = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte))
        && (!host.contains(':') || (host.starts_with('[') && host.ends_with(']')));
    let port_fits = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if !host_fits || !port_fits {
        return Err(refuse());
    }
    let endpoint = Endpoint::from_shared(format!("http://{name}")).map_err(|_| refuse())?;
    Ok(endpoint
        .connect_timeout(REQUEST_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(REQUEST_TIMEOUT)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW.saturating_mul(4)))
}

/// How much of an answer is under way before it is read: the largest body. So a publication needs one round trip.
const WINDOW: u32 = 1 << 20;
const _: () = assert!(
    CHUNK_BYTES == 1 << 20,
    "the window is that of the largest body"
);

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("members", &self.settings.members)
            .field("tls", &self.settings.connector.is_some())
            .field("user", &self.settings.user.as_ref().map(|(name, _)| name))
            .finish_non_exhaustive()
    }
}
