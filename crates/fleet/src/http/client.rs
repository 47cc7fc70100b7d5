//! One request to one server, bounded in time and bytes.
//!
//! A redirect is not followed, a proxy of the environment is not asked, and nothing is decompressed: an answer decides
//! neither where this machine connects nor how much memory a byte of it takes.

use core::time::Duration;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mutual_trust_tokio::Connector;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Address;
use crate::error::TransportError;
use crate::limits::{CONNECT_TIMEOUT, MAX_HEADER_BYTES, MAX_HEADERS, MAX_REASON, MAX_RETRY_AFTER};
use crate::report::one_line;

type Sender = SendRequest<Full<Bytes>>;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) address: Address,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
    /// How long it may take, from the look-up of the name to the last byte.
    pub(crate) within: Duration,
    /// How many bytes of an answer are read.
    pub(crate) limit: usize,
    /// Whether it can be sent again when a connection that was open has ended meanwhile.
    pub(crate) repeatable: bool,
}

impl Ask {
    pub(crate) fn get(address: Address, within: Duration, limit: usize) -> Self {
        Self {
            method: Method::GET,
            address,
            headers: Vec::new(),
            body: Vec::new(),
            within,
            limit,
            repeatable: true,
        }
    }

    pub(crate) fn put(address: Address, within: Duration, body: Vec<u8>) -> Self {
        Self {
            method: Method::PUT,
            body,
            ..Self::get(address, within, 0)
        }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Of an answer of success, all of it. Of others, the start.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header that is one line of visible ASCII.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Refuses a page of HTML, as a portal or a proxy sends it.
    pub(crate) fn refuse_page(&self, address: &Address) -> Result<(), TransportError> {
        let kind = self.header(&CONTENT_TYPE).unwrap_or_default();
        let kind = kind.trim_start().to_ascii_lowercase();
        if kind.starts_with("text/html") {
            return Err(TransportError::Unexpected {
                at: address.as_str().to_owned(),
                what: "a page of HTML, as a portal or a proxy sends it".to_owned(),
            });
        }
        Ok(())
    }
}

/// A server with at most one open connection between requests.
#[derive(Debug)]
pub(crate) struct Client {
    /// `None`: without TLS.
    connector: Option<Connector>,
    /// Whether connections are kept.
    keeps: bool,
    idle: Mutex<Option<Sender>>,
}

impl Client {
    pub(crate) fn new(connector: Option<Connector>, keeps: bool) -> Arc<Self> {
        Arc::new(Self {
            connector: connector.map(Connector::with_http1),
            keeps,
            idle: Mutex::new(None),
        })
    }

    /// Makes a request. An answer of any status is no error yet.
    pub(crate) async fn ask(self: Arc<Self>, ask: Ask) -> Result<Answer, TransportError> {
        let (within, at) = (ask.within, ask.address.as_str().to_owned());
        let asked = timeout(within, self.ask_unbounded(ask)).await;
        asked.unwrap_or(Err(TransportError::TimedOut { at, after: within }))
    }

    async fn ask_unbounded(&self, ask: Ask) -> Result<Answer, TransportError> {
        if let Some(mut sender) = self.take_idle() {
            match sender.send_request(request(&ask)?).await {
                Ok(response) => return self.read(&ask, response, sender).await,
                // The server has closed it, or trust in the server has ended.
                Err(_) if ask.repeatable => {}
                Err(error) if error.is_canceled() => {}
                Err(error) => return Err(unreachable_because(&ask, error)),
            }
        }
        let mut sender = self.connect(&ask).await?;
        let sent = sender.send_request(request(&ask)?).await;
        let response = sent.map_err(|error| unreachable_because(&ask, error))?;
        self.read(&ask, response, sender).await
    }

    fn take_idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.take().filter(Sender::is_ready)
    }

    async fn connect(&self, ask: &Ask) -> Result<Sender, TransportError> {
        let (host, port) = (ask.address.host(), ask.address.port());
        let failed = |error| unreachable_because(ask, error);
        if let Some(connector) = &self.connector {
            let stream = connector.connect_tcp(host, port).await.map_err(failed)?;
            return handshake(ask, stream).await;
        }
        let after = CONNECT_TIMEOUT;
        let dialled = timeout(after, TcpStream::connect((host, port))).await;
        let stream = dialled.map_err(|_| {
            let at = ask.address.as_str().to_owned();
            TransportError::TimedOut { at, after }
        })?;
        handshake(ask, stream.map_err(failed)?).await
    }

    /// Reads a whole answer, and keeps the connection if it can be used again.
    async fn read(
        &self,
        ask: &Ask,
        response: Response<Incoming>,
        mut sender: Sender,
    ) -> Result<Answer, TransportError> {
        let at = || ask.address.as_str().to_owned();
        let (head, mut body) = response.into_parts();
        if head.headers.contains_key(CONTENT_ENCODING) {
            let what = "it is encoded, which was not asked for".to_owned();
            return Err(TransportError::Unexpected { at: at(), what });
        }
        let is_success = head.status == StatusCode::OK;
        let limit = if is_success { ask.limit } else { MAX_REASON };
        let mut read = Vec::new();
        let mut is_whole = true;
        // A length that is announced is only believed if it is too much.
        let announced = body.size_hint().lower();
        if is_success && usize::try_from(announced).unwrap_or(usize::MAX) > limit {
            return Err(TransportError::TooLarge { at: at(), limit });
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreachable_because(ask, error))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let left = limit.saturating_sub(read.len());
            if data.len() > left {
                if is_success {
                    return Err(TransportError::TooLarge { at: at(), limit });
                }
                read.extend(data.iter().take(left));
                is_whole = false;
                break;
            }
            read.extend_from_slice(&data);
        }
        if self.keeps && is_whole && sender.ready().await.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            *idle = Some(sender);
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: read,
        })
    }
}

/// Speaks HTTP/1.1 on a stream, in a task that ends with the connection.
async fn handshake<S>(ask: &Ask, stream: S) -> Result<Sender, TransportError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let begun = http1::Builder::new()
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = begun.map_err(|error| unreachable_because(ask, error))?;
    // Its error reaches the request that is under way.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

fn request(ask: &Ask) -> Result<Request<Full<Bytes>>, TransportError> {
    let mut builder = Request::builder()
        .method(ask.method.clone())
        .uri(ask.address.path())
        .header(HOST, ask.address.authority())
        .header(
            USER_AGENT,
            concat!("mutual-trust-fleet/", env!("CARGO_PKG_VERSION")),
        )
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in &ask.headers {
        builder = builder.header(name, value);
    }
    let body = Full::new(Bytes::from(ask.body.clone()));
    let made = builder.body(body);
    made.map_err(|error| unreachable_because(ask, error))
}

fn unreachable_because(
    ask: &Ask,
    error: impl Into<Box<dyn Error + Send + Sync>>,
) -> TransportError {
    TransportError::Unreachable {
        at: ask.address.as_str().to_owned(),
        source: error.into(),
    }
}

/// What an answer says that is no success.
pub(crate) fn refusal(address: &Address, answer: &Answer) -> TransportError {
    let at = address.as_str().to_owned();
    let status = answer.status;
    let reason = reason(answer);
    match status.as_u16() {
        404 | 410 => TransportError::NotPublished { at },
        401 | 403 => TransportError::Refused { at, reason },
        412 => TransportError::Superseded { at },
        408 | 429 | 500..=599 => TransportError::Unavailable {
            at,
            reason,
            retry_after: retry_after(answer),
        },
        300..=399 => TransportError::Unexpected {
            at,
            what: format!("{status}: redirects are not followed, configure the address itself"),
        },
        _ => TransportError::Unexpected { at, what: reason },
    }
}

/// The status, with the text that the server gives to it.
fn reason(answer: &Answer) -> String {
    let is_text = answer
        .header(&CONTENT_TYPE)
        .is_some_and(|kind| kind.starts_with("text/plain"));
    let text = String::from_utf8_lossy(&answer.body);
    let line = one_line(&text, MAX_REASON);
    if is_text && !line.is_empty() {
        format!("{}: {line}", answer.status)
    } else {
        answer.status.to_string()
    }
}

/// When a server asks to be tried again. A number of seconds, or a date, which is relative to the server's own.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let value = answer.header(&RETRY_AFTER)?.trim();
    let asked = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let then = httpdate::parse_http_date(value).ok()?;
        let now = httpdate::parse_http_date(answer.header(&hyper::header::DATE)?).ok()?;
        then.duration_since(now).unwrap_or_default()
    };
    Some(asked.min(MAX_RETRY_AFTER))
}
