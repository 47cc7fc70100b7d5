//! What a hub answers.

use core::convert::Infallible;
use core::str::FromStr as _;
use core::time::Duration;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, RETRY_AFTER,
};
use hyper::{Method, Request, Response, StatusCode};
use mutual_trust::admin::bundle::Publication;
use mutual_trust::error::with_causes;
use mutual_trust_tokio::Peer;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Hub;
use super::published::Content;
use super::reports::Reports;
use crate::error::TransportError;
use crate::limits::{LONG_POLL, MAX_PUBLICATION_BYTES, MAX_REPORT_BYTES, REQUEST_TIMEOUT};
use crate::report::{NodeName, NodeReport};
use crate::transport::Tag;

type Answer = Response<Full<Bytes>>;

impl Hub {
    pub(super) async fn answer(
        &self,
        peer: &Peer,
        request: Request<Incoming>,
    ) -> Result<Answer, Infallible> {
        let path = request.uri().path().to_owned();
        let answer = match path.as_str() {
            "/publication" => self.publication(peer, request).await,
            "/nodes" => self.all_nodes(peer, &request).await,
            path => match path.strip_prefix("/nodes/").map(NodeName::from_str) {
                Some(Ok(node)) => self.node(peer, node, request).await,
                Some(Err(error)) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
                None => refuse(StatusCode::NOT_FOUND, "there is /publication and /nodes"),
            },
        };
        Ok(answer)
    }

    async fn publication(&self, peer: &Peer, request: Request<Incoming>) -> Answer {
        match *request.method() {
            Method::GET => self.get(&request).await,
            Method::PUT => self.put(peer, request).await,
            _ => not_allowed("GET, PUT"),
        }
    }

    /// The publication. If the client has it and asks to wait, waits for the next one.
    async fn get(&self, request: &Request<Incoming>) -> Answer {
        let wait = header(request, &HeaderName::from_static("prefer")).and_then(wished_wait);
        let known = header(request, &IF_NONE_MATCH).map(str::to_owned);
        let is_known = |now: &Option<Arc<Content>>| match (now, &known) {
            (Some(now), Some(known)) => now.etag == *known,
            (None, _) => true,
            (Some(_), None) => false,
        };
        let mut published = self.shared.published.subscribe();
        let time = wait.unwrap_or_default();
        if !time.is_zero() {
            // Late or not, what is there now is the answer.
            let _ = timeout(time, published.wait_for(|now| !is_known(now))).await;
        }
        let now = published.borrow_and_update().clone();
        let mut answer = match now {
            None => refuse(StatusCode::NOT_FOUND, "nothing is published"),
            Some(now) if known.as_ref() == Some(&now.etag) => {
                with_etag(plain(StatusCode::NOT_MODIFIED, Bytes::new()), &now.etag)
            }
            Some(now) => with_etag(bytes(now.bytes.clone()), &now.etag),
        };
        if wait.is_some() {
            let applied = HeaderValue::try_from(format!("wait={}", time.as_secs()));
            let name = HeaderName::from_static("preference-applied");
            answer
                .headers_mut()
                .extend(applied.map(|value| (name, value)));
        }
        answer
    }

    /// A new publication, from one of the publishers.
    async fn put(&self, peer: &Peer, request: Request<Incoming>) -> Answer {
        if !self.is_publisher(peer) {
            return refuse(StatusCode::FORBIDDEN, "this client is no publisher");
        }
        let over = match (
            header(&request, &IF_MATCH),
            header(&request, &IF_NONE_MATCH),
        ) {
            (Some(tag), None) => {
                let tag = tag.trim_matches('"');
                let Some(tag) = Tag::new(tag) else {
                    return refuse(StatusCode::BAD_REQUEST, "If-Match has no tag");
                };
                Some(tag)
            }
            (None, Some("*")) => None,
            _ => {
                let text = "If-Match with the tag of what is replaced, or If-None-Match: *";
                return refuse(StatusCode::PRECONDITION_REQUIRED, text);
            }
        };
        let Ok(_place) = self.shared.uploads.try_acquire() else {
            return busy("other publications are being read");
        };
        let body = match read(request, MAX_PUBLICATION_BYTES).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let shared = self.shared.clone();
        let published = spawn_blocking(move || {
            // By mistake alone: what is signed wrongly is refused by the nodes.
            if let Err(error) = Publication::read(&body) {
                return refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string());
            }
            match shared.published.publish(body, over.as_ref()) {
                Ok(etag) => with_etag(plain(StatusCode::NO_CONTENT, Bytes::new()), &etag),
                Err(TransportError::Superseded { .. }) => {
                    let text = "another publication is there";
                    refuse(StatusCode::PRECONDITION_FAILED, text)
                }
                Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            }
        });
        let failed = |_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "it was not published");
        published.await.unwrap_or_else(failed)
    }

    async fn all_nodes(&self, peer: &Peer, request: &Request<Incoming>) -> Answer {
        if request.method() != Method::GET {
            return not_allowed("GET");
        }
        if !self.is_publisher(peer) {
            return refuse(StatusCode::FORBIDDEN, "this client is no publisher");
        }
        self.of_reports(|reports| {
            let all = reports.all()?;
            Ok(plain(StatusCode::OK, Bytes::from(all.to_string())))
        })
        .await
    }

    async fn node(&self, peer: &Peer, node: NodeName, request: Request<Incoming>) -> Answer {
        let is_own = is_node(peer, &node);
        let is_publisher = self.is_publisher(peer);
        let missing = || refuse(StatusCode::NOT_FOUND, "this node did not report");
        match *request.method() {
            Method::GET if is_own || is_publisher => {
                self.of_reports(move |reports| {
                    let report = reports.of(&node)?;
                    let text = report.map(|report| Bytes::from(report.to_string()));
                    Ok(text.map_or_else(missing, |text| plain(StatusCode::OK, text)))
                })
                .await
            }
            Method::PUT if is_own => {
                let body = match read(request, MAX_REPORT_BYTES).await {
                    Ok(body) => body,
                    Err(answer) => return answer,
                };
                let report = match NodeReport::read(&body) {
                    Ok(report) if *report.node() == node => report,
                    Ok(_) => return refuse(StatusCode::BAD_REQUEST, "it is of another node"),
                    Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
                };
                self.of_reports(move |reports| {
                    reports.put(report)?;
                    Ok(plain(StatusCode::NO_CONTENT, Bytes::new()))
                })
                .await
            }
            Method::DELETE if is_publisher => {
                self.of_reports(move |reports| {
                    Ok(match reports.forget(&node)? {
                        true => plain(StatusCode::NO_CONTENT, Bytes::new()),
                        false => missing(),
                    })
                })
                .await
            }
            Method::DELETE => refuse(StatusCode::FORBIDDEN, "this client is no publisher"),
            Method::GET | Method::PUT => {
                let text = "a node writes and reads the report of its own name";
                refuse(StatusCode::FORBIDDEN, text)
            }
            _ => not_allowed("GET, PUT, DELETE"),
        }
    }

    /// What comes of the reports. Those in memory are there at once; others wait for the disk, which a task must not.
    async fn of_reports(
        &self,
        task: impl FnOnce(&Reports) -> Result<Answer, TransportError> + Send + 'static,
    ) -> Answer {
        let reports = self.reports.clone();
        let done = match &reports {
            Reports::Memory(_) => Ok(task(&reports)),
            Reports::Folder(_) => spawn_blocking(move || task(&reports)).await,
        };
        match done {
            Ok(Ok(answer)) => answer,
            Ok(Err(TransportError::TooManyNodes { .. })) => busy("too many nodes report"),
            Ok(Err(error)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &with_causes(&error)),
            Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the report is not known"),
        }
    }

    /// By the label of its pin, or by a name in its certificate with its kind, such as `dns:alice.example`.
    fn is_publisher(&self, peer: &Peer) -> bool {
        let listed = |name: &str| self.publishers.contains(name);
        peer.label().is_some_and(listed) || peer.names().iter().any(|name| listed(name))
    }
}

/// Whether a client is a node: its name is the label of the client's pin, or a host name that an authority vouches for.
fn is_node(peer: &Peer, node: &NodeName) -> bool {
    let host = format!("dns:{node}");
    peer.label() == Some(node.as_str()) || peer.names().contains(&host)
}

/// How long a client wishes to wait, within our bound.
fn wished_wait(prefer: &str) -> Option<Duration> {
    let mut wishes = prefer.split([',', ';']).map(str::trim);
    let seconds = wishes.find_map(|wish| wish.strip_prefix("wait="))?;
    let seconds = seconds.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONG_POLL))
}

/// Reads a body within bounds.
async fn read(request: Request<Incoming>, limit: usize) -> Result<Vec<u8>, Answer> {
    let body = Limited::new(request.into_body(), limit).collect();
    match timeout(REQUEST_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(_)) => {
            let text = format!("it is cut off, or has more than {limit} bytes");
            Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, &text))
        }
        Err(_) => Err(refuse(StatusCode::REQUEST_TIMEOUT, "it came too slowly")),
    }
}

fn header<'r>(request: &'r Request<Incoming>, name: &HeaderName) -> Option<&'r str> {
    request.headers().get(name)?.to_str().ok()
}

fn with_type(status: StatusCode, body: Bytes, kind: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn plain(status: StatusCode, body: Bytes) -> Answer {
    with_type(status, body, "text/plain; charset=utf-8")
}

fn bytes(body: Bytes) -> Answer {
    with_type(StatusCode::OK, body, "application/octet-stream")
}

fn with_etag(mut answer: Answer, etag: &str) -> Answer {
    let etag = HeaderValue::try_from(etag);
    answer.headers_mut().extend(etag.map(|value| (ETAG, value)));
    answer
}

fn refuse(status: StatusCode, text: &str) -> Answer {
    plain(status, Bytes::from(format!("{text}\n")))
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED, methods);
    let methods = HeaderValue::from_static(methods);
    answer.headers_mut().insert(ALLOW, methods);
    answer
}

fn busy(text: &str) -> Answer {
    let mut answer = refuse(StatusCode::SERVICE_UNAVAILABLE, text);
    let soon = HeaderValue::from_static("5");
    answer.headers_mut().insert(RETRY_AFTER, soon);
    answer
}
