//! Why no issuer was found, where a name is the same and its encoding is not (rule C1).
//!
//! An authority is found by its name (RFC 5280 section 7.1). Further down webpki compares the bytes of names, so that an
//! intermediate whose name is encoded differently completes no path. Nothing here can accept.

use std::borrow::Cow;

use super::decide::Case;
use crate::certificate::{Certificate, canonical_name, der};
use crate::limits::MAX_CONSIDERED;

/// What to add when no authority issued the end entity; `met` are the certificates that were met, the end entity first.
pub(super) fn encoded_differently<'a>(
    case: &Case<'_>,
    met: impl Iterator<Item = &'a Certificate>,
) -> Option<String> {
    let presented = case.question.intermediates.iter().take(MAX_CONSIDERED);
    let presented: Vec<(&[u8], Cow<'_, [u8]>)> = presented
        .filter_map(|bytes| der::subject_of(bytes))
        .map(|subject| (subject, canonical_name(subject)))
        .collect();
    for below in met {
        let wanted = below.issuer_der();
        let canonical = canonical_name(wanted);
        let data = case.view.data();
        let place = if data.has_intermediate_encoded_otherwise(wanted, MAX_CONSIDERED) {
            "installed"
        } else if presented
            .iter()
            .any(|(subject, other)| *subject != wanted && *other == canonical)
        {
            "presented"
        } else {
            continue;
        };
        return Some(format!(
            "; an intermediate named {} is {place}, but its name is encoded differently (string type, case or \
             spacing) than the certificate below it writes it; for an authority that makes no difference: install that \
             CA as one",
            below.issuer()
        ));
    }
    None
}
