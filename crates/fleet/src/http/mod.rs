//! HTTPS: a server of publications that a node asks again and again, over mutual TLS by the rules of the library.
//!
//! | Request | What it is |
//! |---|---|
//! | `GET <address>/publication` | the publication, with its `ETag`; `If-None-Match` is answered by 304 |
//! | `PUT <address>/publication` | a new one, with `If-Match: <tag>` or `If-None-Match: *` |
//! | `PUT <address>/nodes/<node>` | the report of a node |
//! | `DELETE <address>/nodes/<node>` | removes that report |
//! | `GET <address>/nodes` | all reports, one after the other |
//!
//! A plain file server is enough for the first one, and then nodes cannot report.

mod address;
mod client;
mod publisher;
mod worker;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

use hyper::StatusCode;
use hyper::header::{ETAG, HeaderName, IF_NONE_MATCH};
pub use mutual_trust_tokio::Connector;
use tokio::runtime::Handle;

pub(crate) use self::address::Address;
pub(crate) use self::client::{Answer, Ask, Client, refusal};
pub(crate) use self::worker::Worker;
use self::worker::{NoResult, Pending};
use crate::digest::content_tag;
use crate::error::TransportError;
use crate::limits::{
    LONG_POLL, LONG_POLL_LEAST, MAX_PUBLICATION_BYTES, MAX_TIMEOUT, MIN_TIMEOUT, REQUEST_TIMEOUT,
};
use crate::report::NodeReport;
use crate::setting::{self, SettingError};
use crate::transport::{Fetched, Tag, Transport};

/// How long a server may wait for a change before it answers (RFC 7240 section 4.3).
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// That it will.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What a request brought.
pub(crate) type Asked = Result<Answer, TransportError>;

/// A server of publications.
///
/// ```no_run
/// use mutual_trust::ClientConfigBuilder;
/// use mutual_trust_fleet::http::{Connector, Http};
///
/// fn open(builder: &ClientConfigBuilder) -> Result<Http, Box<dyn std::error::Error>> {
///     let connector = Connector::new(builder, &"hub".parse()?)?;
///     Ok(Http::new("https://hub.example:8443/prod", connector)?)
/// }
/// ```
///
/// One connection is kept open between requests, and ends when trust in the server ends. A server that waits for a change
/// before it answers (`Prefer: wait`, as the one of the feature `server` does) is asked to, and then a change arrives at
/// once. Others are asked at each interval of the agent.
///
/// The calls wait, so they belong in a thread and not in a task of a runtime.
///
/// # Security
/// Each request is bounded in time and bytes. Redirects are not followed: an answer would choose where this machine
/// connects. The proxies of the environment are not asked, and no answer is decompressed.
pub struct Http {
    address: Address,
    client: Arc<Client>,
    worker: Worker,
    timeout: Duration,
    /// Whether the server waits for a change.
    waits: bool,
    /// The request that waits for a change.
    pending: Option<Poll>,
    /// What that request brought.
    arrived: Option<Arrived>,
    /// The publication that was fetched last.
    known: Option<Tag>,
    /// The digest of the bytes that arrived last.
    content: Option<Tag>,
}

/// A request that waits for a change.
struct Poll {
    /// What it knew.
    knew: Option<Tag>,
    begun: Instant,
    pending: Pending<Asked>,
}

/// What a request brought.
struct Arrived {
    knew: Option<Tag>,
    answer: Asked,
    /// Whether it was to wait for a change, and took less than a server that waits.
    is_early: bool,
}

impl Poll {
    fn arrived(self, answer: Asked) -> Arrived {
        Arrived {
            knew: self.knew,
            answer,
            is_early: self.begun.elapsed() < LONG_POLL_LEAST,
        }
    }
}

impl Http {
    /// A server by its address, `https://host:port/path`, with a thread of its own for the requests.
    ///
    /// # Errors
    /// The address is not one of HTTPS, or it has a user, a query or a fragment; no thread could be started.
    pub fn new(address: &str, connector: Connector) -> Result<Self, SettingError> {
        Self::with_worker(address, connector, Worker::start()?)
    }

    /// The same without a thread: requests run in the runtime of the program.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on(handle: Handle, address: &str, connector: Connector) -> Result<Self, SettingError> {
        Self::with_worker(address, connector, Worker::on(handle))
    }

    fn with_worker(
        address: &str,
        connector: Connector,
        worker: Worker,
    ) -> Result<Self, SettingError> {
        let address = Address::parse(address)?;
        if !address.is_tls() || address.has_query() {
            let why = format!("{:?} must be https:// without a query", address.as_str());
            return Err(SettingError::new("the address", why));
        }
        Ok(Self {
            address,
            client: Client::new(Some(connector), true),
            worker,
            timeout: REQUEST_TIMEOUT,
            waits: false,
            pending: None,
            arrived: None,
            known: None,
            content: None,
        })
    }

    /// Sets how long a request may take, from the look-up of the name to the last byte. [`REQUEST_TIMEOUT`] by default.
    ///
    /// # Errors
    /// The time is shorter than [`MIN_TIMEOUT`] or longer than [`MAX_TIMEOUT`].
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, SettingError> {
        let range = (MIN_TIMEOUT, MAX_TIMEOUT);
        self.timeout = setting::duration("the time limit of a request", timeout, range)?;
        Ok(self)
    }

    /// How long a request may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    fn publication(&self) -> Address {
        self.address.below("publication")
    }

    /// A request for the publication. `wait` is how long the server may wait for a change.
    fn get(&self, known: Option<&Tag>, wait: Duration) -> Ask {
        let within = self.timeout.saturating_add(wait);
        let ask = Ask::get(self.publication(), within, MAX_PUBLICATION_BYTES);
        let ask = ask.with(PREFER, format!("wait={}", wait.as_secs()));
        match known.filter(|tag| is_etag(tag)) {
            Some(tag) => ask.with(IF_NONE_MATCH, tag.as_str()),
            None => ask,
        }
    }

    fn begin(&self, ask: Ask) -> Pending<Asked> {
        self.worker.begin(self.client.clone().ask(ask))
    }

    fn ask(&self, ask: Ask) -> Asked {
        ask_and_wait(&self.worker, &self.client, ask)
    }

    /// The publication that an answer has. After an early one without a change, the server is not asked to wait for the next
    /// round: a server or cache that answers at once would be asked without a pause.
    fn take(
        &mut self,
        known: Option<&Tag>,
        answer: Answer,
        is_early: bool,
    ) -> Result<Fetched, TransportError> {
        let address = self.publication();
        self.waits = answer
            .header(&PREFERENCE_APPLIED)
            .is_some_and(|applied| applied.starts_with("wait"));
        match answer.status {
            StatusCode::NOT_MODIFIED if known.is_some_and(is_etag) => {
                self.known = known.cloned();
                self.waits &= !is_early;
                return Ok(Fetched::Unchanged);
            }
            StatusCode::NOT_MODIFIED => {
                let at = address.as_str().to_owned();
                let what = "304 Not Modified, and no tag was sent".to_owned();
                return Err(TransportError::Unexpected { at, what });
            }
            StatusCode::OK => {}
            _ => return Err(refusal(&address, &answer)),
        }
        answer.refuse_page(&address)?;
        let by_content = content_tag(&answer.body);
        let is_same = self.content.replace(by_content.clone()) == Some(by_content.clone());
        // Bytes that a server sends are new whatever tag it gives to them: only bytes of a known digest are not.
        let tag = answer.header(&ETAG).and_then(Tag::new);
        let tag = tag.filter(is_etag).unwrap_or(by_content);
        self.known = Some(tag.clone());
        self.waits &= !(is_early && (is_same || known == Some(&tag)));
        if known == Some(&tag) && !is_etag(&tag) {
            return Ok(Fetched::Unchanged);
        }
        let bytes = answer.body;
        Ok(Fetched::New { bytes, tag })
    }
}

/// Whether a tag is one of the server's. The others are digests of bytes, which no server knows.
fn is_etag(tag: &Tag) -> bool {
    let text = tag.as_str();
    let text = text.strip_prefix("W/").unwrap_or(text);
    text.len() >= 2 && text.starts_with('"') && text.ends_with('"')
}

/// Makes a request in the worker, and waits for its answer.
pub(crate) fn ask_and_wait(worker: &Worker, client: &Arc<Client>, ask: Ask) -> Asked {
    let (at, within) = (ask.address.as_str().to_owned(), ask.within);
    let ended = worker.begin(client.clone().ask(ask)).finish(within);
    ended.unwrap_or_else(|none| Err(no_result(at, within, none)))
}

/// A request without a result.
fn no_result(at: String, after: Duration, none: NoResult) -> TransportError {
    match none {
        NoResult::Late => TransportError::TimedOut { at, after },
        NoResult::Ended => TransportError::Unreachable {
            at,
            source: "the task of the request ended without a result".into(),
        },
    }
}

impl Transport for Http {
    fn fetch(&mut self, known: Option<&Tag>) -> Result<Fetched, TransportError> {
        if let Some(poll) = self.pending.take()
            && poll.knew.as_ref() == known
        {
            // It answers soon: on a change, or when the time is over that it may wait.
            let within = self.timeout.saturating_add(LONG_POLL);
            let at = self.publication().as_str().to_owned();
            let ended = poll.pending.finish(within);
            let answer = ended.unwrap_or_else(|none| Err(no_result(at, within, none)));
            self.arrived = Some(poll.arrived(answer));
        }
        let arrived = self.arrived.take();
        let (answer, is_early) = match arrived.filter(|arrived| arrived.knew.as_ref() == known) {
            Some(arrived) => (arrived.answer, arrived.is_early),
            None => (self.ask(self.get(known, Duration::ZERO)), false),
        };
        let fetched = answer.and_then(|answer| self.take(known, answer, is_early));
        if fetched.is_err() {
            self.waits = false;
            self.known = None;
        }
        fetched
    }

    fn wait(&mut self, at_most: Duration) -> Result<bool, TransportError> {
        if self.arrived.is_some() {
            return Ok(true);
        }
        if !self.waits {
            sleep(at_most);
            return Ok(false);
        }
        let poll = self.pending.take().unwrap_or_else(|| {
            let knew = self.known.clone();
            Poll {
                begun: Instant::now(),
                pending: self.begin(self.get(knew.as_ref(), LONG_POLL)),
                knew,
            }
        });
        match poll.pending.wait(at_most) {
            Ok(answer) => {
                self.arrived = Some(poll.arrived(answer));
                Ok(true)
            }
            Err(NoResult::Late) => {
                self.pending = Some(poll);
                Ok(false)
            }
            Err(NoResult::Ended) => {
                self.waits = false;
                let at = self.publication().as_str().to_owned();
                Err(no_result(at, at_most, NoResult::Ended))
            }
        }
    }

    fn report(&mut self, report: &NodeReport) -> Result<(), TransportError> {
        let address = self.address.below("nodes").below(report.node().as_str());
        let body = report.to_string().into_bytes();
        let answer = self.ask(Ask::put(address.clone(), self.timeout, body))?;
        match answer.status.as_u16() {
            200 | 201 | 204 => Ok(()),
            404 | 405 | 501 => Err(cannot_report(&address, &answer)),
            _ => Err(refusal(&address, &answer)),
        }
    }
}

/// What a server that takes no reports answers.
fn cannot_report(address: &Address, answer: &Answer) -> TransportError {
    TransportError::CannotReport {
        at: address.as_str().to_owned(),
        reason: answer.status.to_string(),
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("address", &self.address.as_str())
            .field("timeout", &self.timeout)
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}
