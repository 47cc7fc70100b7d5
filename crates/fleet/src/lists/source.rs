//! One address of revocation lists.

use core::time::Duration;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{ETAG, IF_NONE_MATCH};
use mutual_trust::certificate::{Crl, is_der};
use mutual_trust::error::with_causes;
use mutual_trust::store::CrlIssuer;
use mutual_trust_tokio::Connector;

use crate::error::TransportError;
use crate::http::{Address, Answer, Ask, Client, Worker, ask_and_wait, refusal};
use crate::limits::{MAX_LIST_BYTES, MAX_TIMEOUT, MIN_TIMEOUT, REQUEST_TIMEOUT};
use crate::setting::{self, SettingError};
use crate::transport::Tag;

/// An address of revocation lists: a file in DER with one list, or in PEM with several.
///
/// The administrator names the authorities whose lists the address has, by name and key. A certificate of each must be in
/// the store. An authority with a new key is another issuer, so it is named beside the old one.
///
/// # Security
/// Lists are signed, so HTTP without TLS is enough: an attacker on the way can withhold a list or send an old one, and that
/// shows as a fault, or at the end of the list that is held. An attacker can also see which authority is asked for.
///
/// A list of another issuer is refused, also one of an authority that is installed. Whose list is installed is checked from
/// then on (rule C4), so a list that ended would refuse all peers of an authority that nothing checked.
///
/// A redirect is refused, also to the same host: an answer would choose where this machine connects, for example to an
/// address inside of the site. Configure the address itself.
#[derive(Clone, Debug)]
pub struct CrlSource {
    pub(super) address: Address,
    /// The issuers whose lists are taken.
    pub(super) issuers: Vec<CrlIssuer>,
    client: Arc<Client>,
    timeout: Duration,
}

/// What an address has.
#[derive(Debug)]
pub(super) enum Found {
    /// What it had before.
    Same,
    /// These lists, and what the server calls them.
    Lists(Vec<Crl>, Option<Tag>),
}

/// Why there are no lists.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("{at} has no revocation list")]
    NoList {
        at: String,
        source: mutual_trust::error::CrlError,
    },
    #[error("{0} has a file without a revocation list")]
    Empty(String),
}

impl CrlSource {
    /// An address of HTTP without TLS, and the issuers whose lists it has.
    ///
    /// # Errors
    /// It does not start with `http://`, or it has a user or a fragment; no issuer is named.
    pub fn http(
        address: &str,
        issuers: impl IntoIterator<Item = CrlIssuer>,
    ) -> Result<Self, SettingError> {
        Self::of(address, issuers.into_iter().collect(), None)
    }

    /// An address of HTTPS, and the issuers whose lists it has. `connector` has the authorities that the administrator names for its server: those of a store
    /// that is only for such servers, or of the same one.
    ///
    /// # Errors
    /// It does not start with `https://`, or it has a user or a fragment; no issuer is named.
    pub fn https(
        address: &str,
        issuers: impl IntoIterator<Item = CrlIssuer>,
        connector: Connector,
    ) -> Result<Self, SettingError> {
        Self::of(address, issuers.into_iter().collect(), Some(connector))
    }

    fn of(
        address: &str,
        issuers: Vec<CrlIssuer>,
        connector: Option<Connector>,
    ) -> Result<Self, SettingError> {
        let address = Address::parse(address)?;
        if address.is_tls() != connector.is_some() {
            let scheme = if connector.is_some() { "https" } else { "http" };
            let why = format!("{:?} does not start with {scheme}://", address.as_str());
            return Err(SettingError::new("the address", why));
        }
        if issuers.is_empty() {
            let why = "none is named for the address of revocation lists";
            return Err(SettingError::new("the issuers", why));
        }
        Ok(Self {
            address,
            issuers,
            client: Client::new(connector, false),
            timeout: REQUEST_TIMEOUT,
        })
    }

    /// Sets how long a request may take. [`REQUEST_TIMEOUT`] by default.
    ///
    /// # Errors
    /// The time is shorter than [`MIN_TIMEOUT`] or longer than [`MAX_TIMEOUT`].
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, SettingError> {
        let range = (MIN_TIMEOUT, MAX_TIMEOUT);
        self.timeout = setting::duration("the time limit of a request", timeout, range)?;
        Ok(self)
    }

    /// The address.
    pub fn address(&self) -> &str {
        self.address.as_str()
    }

    /// What the address has now, of the issuers that are named. For a plan of what installing it would do.
    #[doc(hidden)]
    pub fn lists(&self) -> Result<Vec<Crl>, TransportError> {
        let at = self.address().to_owned();
        let worker = match Worker::start() {
            Ok(worker) => worker,
            Err(error) => {
                let source = error.into();
                return Err(TransportError::Unreachable { at, source });
            }
        };
        let unexpected = |what: String| TransportError::Unexpected {
            at: at.clone(),
            what,
        };
        let lists = match self.fetch(&worker, None) {
            Ok(Found::Lists(lists, _)) => lists,
            Ok(Found::Same) => return Err(unexpected("nothing was known".to_owned())),
            Err(Fault::Transport(error)) => return Err(error),
            Err(fault) => return Err(unexpected(with_causes(&fault))),
        };
        let is_named = |list: &Crl| self.issuers.iter().any(|of| of.name() == list.issuer());
        match lists.iter().find(|list| !is_named(list)) {
            Some(other) => {
                let what = format!("a list of an issuer that is not named: {}", other.issuer());
                Err(unexpected(what))
            }
            None => Ok(lists),
        }
    }

    /// Fetches what the address has.
    pub(super) fn fetch(&self, worker: &Worker, known: Option<&Tag>) -> Result<Found, Fault> {
        let mut ask = Ask::get(self.address.clone(), self.timeout, MAX_LIST_BYTES);
        if let Some(known) = known {
            ask = ask.with(IF_NONE_MATCH, known.as_str());
        }
        let answer = ask_and_wait(worker, &self.client, ask)?;
        match answer.status {
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(Found::Same),
            StatusCode::OK => self.read(&answer),
            _ => Err(refusal(&self.address, &answer).into()),
        }
    }

    fn read(&self, answer: &Answer) -> Result<Found, Fault> {
        let at = || self.address().to_owned();
        answer.refuse_page(&self.address)?;
        let body = answer.body.as_slice();
        let lists = match is_der(body) {
            true => Crl::from_der(body).map(|list| vec![list]),
            false => Crl::many_from_pem(body),
        };
        let lists = lists.map_err(|source| Fault::NoList { at: at(), source })?;
        if lists.is_empty() {
            return Err(Fault::Empty(at()));
        }
        Ok(Found::Lists(lists, answer.header(&ETAG).and_then(Tag::new)))
    }
}
