//! Reads what a peer presented, within the limits (rule C5).

use std::borrow::Cow;
use std::sync::Arc;

use super::super::case::VerifyRequest;
use super::super::detail::{Detail, Rejection};
use super::super::reason::ReasonCode;
use crate::certificate::{Certificate, Fingerprint};
use crate::limits::{MAX_PRESENTED_BYTES, MAX_PRESENTED_CERTIFICATES};
use crate::store::{Entry, TrustSnapshot};

/// What a peer presented as its own certificate.
pub(super) struct Presented<'a> {
    /// `None` if what was presented is over the limits.
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) leaf: Result<Leaf<'a>, Rejection>,
}

/// An end entity, and one of the entries that hold it.
pub(super) type Leaf<'a> = (Cow<'a, Certificate>, Option<&'a Arc<Entry>>);

/// The end entity, from what is installed if it is, else parsed; within the limits.
#[inline]
pub(super) fn read<'a>(view: &'a TrustSnapshot, question: &VerifyRequest<'_>) -> Presented<'a> {
    if let Err(rejection) = check_size(question) {
        return Presented {
            fingerprint: None,
            leaf: Err(rejection),
        };
    }
    let end_entity = question.end_entity;
    if let Some(holder) = view.data().holder(end_entity)
        && let Some(known) = holder.certificate()
    {
        return Presented {
            fingerprint: Some(known.fingerprint()),
            leaf: Ok((Cow::Borrowed(known), Some(holder))),
        };
    }
    let fingerprint = Fingerprint::over(end_entity);
    let read = Certificate::read(end_entity, Some(fingerprint));
    Presented {
        fingerprint: Some(fingerprint),
        leaf: read.map(|leaf| (Cow::Owned(leaf), None)).map_err(|error| {
            // P1: a block wins, also over the reason that the certificate cannot be read.
            match view.data().blocks().find_unread(end_entity, fingerprint) {
                Some(block) => (ReasonCode::Blocked, Detail::Block(block.clone())),
                None => (
                    ReasonCode::MalformedCertificate,
                    Detail::Text(error.to_string()),
                ),
            }
        }),
    }
}

/// C5: how many certificates and bytes a peer may present.
fn check_size(question: &VerifyRequest<'_>) -> Result<(), Rejection> {
    let too_much = |found, limit| {
        (
            ReasonCode::TooManyCertificates,
            Detail::Limit { found, limit },
        )
    };
    let count = question.intermediates.len().saturating_add(1);
    if count > MAX_PRESENTED_CERTIFICATES {
        return Err(too_much(count, MAX_PRESENTED_CERTIFICATES));
    }
    let others = question.intermediates.iter().map(|der| der.len());
    let bytes = others.fold(question.end_entity.len(), usize::saturating_add);
    if bytes > MAX_PRESENTED_BYTES {
        return Err(too_much(bytes, MAX_PRESENTED_BYTES));
    }
    Ok(())
}
