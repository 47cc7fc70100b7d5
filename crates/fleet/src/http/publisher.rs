//! What publishers ask for.

use core::time::Duration;

use hyper::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use hyper::{Method, StatusCode};

use super::client::{Ask, refusal};
use super::{Http, cannot_report, is_etag};
use crate::error::TransportError;
use crate::limits::{MAX_NODES, MAX_PUBLICATION_BYTES, MAX_REPORT_BYTES};
use crate::report::NodeName;
use crate::reported::NodeReports;
use crate::transport::{Fetched, Publisher, Tag};

impl Publisher for Http {
    fn current(&mut self) -> Result<Option<(Vec<u8>, Tag)>, TransportError> {
        let answer = self.ask(self.get(None, Duration::ZERO))?;
        match self.take(None, answer, false) {
            Ok(Fetched::New { bytes, tag }) => Ok(Some((bytes, tag))),
            Ok(Fetched::Unchanged) | Err(TransportError::NotPublished { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn publish(&mut self, bytes: &[u8], over: Option<&Tag>) -> Result<Tag, TransportError> {
        let address = self.publication();
        let at = || address.as_str().to_owned();
        if bytes.len() > MAX_PUBLICATION_BYTES {
            let limit = MAX_PUBLICATION_BYTES;
            return Err(TransportError::TooLarge { at: at(), limit });
        }
        let mut ask = Ask::put(address.clone(), self.timeout, bytes.to_vec());
        // Sent again, it would meet itself and be superseded.
        ask.repeatable = false;
        let ask = match over {
            Some(tag) => ask.with(IF_MATCH, tag.as_str()),
            None => ask.with(IF_NONE_MATCH, "*"),
        };
        let answer = self.ask(ask)?;
        match answer.status.as_u16() {
            200 | 201 | 204 => {
                let tag = answer.header(&ETAG).and_then(Tag::new);
                tag.filter(is_etag).ok_or_else(|| {
                    let what = "no ETag for the publication that it took".to_owned();
                    TransportError::Unexpected { at: at(), what }
                })
            }
            _ => Err(refusal(&address, &answer)),
        }
    }

    fn nodes(&mut self) -> Result<NodeReports, TransportError> {
        let address = self.address.below("nodes");
        let limit = MAX_NODES.saturating_mul(MAX_REPORT_BYTES);
        let answer = self.ask(Ask::get(address.clone(), self.timeout, limit))?;
        if answer.status != StatusCode::OK {
            return Err(refusal(&address, &answer));
        }
        Ok(NodeReports::read_all(&answer.body))
    }

    fn forget(&mut self, node: &NodeName) -> Result<bool, TransportError> {
        let address = self.address.below("nodes").below(node.as_str());
        let mut ask = Ask::get(address.clone(), self.timeout, 0);
        ask.method = Method::DELETE;
        let answer = self.ask(ask)?;
        match answer.status.as_u16() {
            200 | 204 => Ok(true),
            404 => Ok(false),
            405 | 501 => Err(cannot_report(&address, &answer)),
            _ => Err(refusal(&address, &answer)),
        }
    }
}
