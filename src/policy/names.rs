//! Explains why no issuer was found, where a name is the same and its encoding differs (rule C1).
//!
//! An authority is found by its name (RFC 5280 section 7.1). Further down webpki compares the bytes of names, so that an
//! intermediate whose name is encoded differently completes no path. Nothing here can accept.

use std::borrow::Cow;

use super::Detail;
use super::case::Case;
use super::nodes::Nodes;
use crate::certificate::{Certificate, canonical_name, der};
use crate::limits::{MAX_CONSIDERED, MAX_INTERMEDIATES_IN_PATH};

/// What to say when no authority issued the end entity: which issuer is missing, and whether a name that is the same in
/// another encoding is the cause.
pub(super) fn unknown_issuer(case: &Case<'_>, nodes: &mut Nodes<'_>) -> Detail {
    let mut text = missing(nodes);
    let met = (0..MAX_CONSIDERED).map_while(|at| nodes.certificate(at));
    if let Some(why) = encoded_differently(case, met) {
        text.push_str(&why);
    }
    Detail::Text(text)
}

/// Which issuer is missing, up from the end entity along the first candidates.
fn missing(nodes: &mut Nodes<'_>) -> String {
    let mut passed = vec![0];
    loop {
        let own = passed.last().copied().unwrap_or(0);
        let above = nodes.issuers_of(own);
        let next = above.first().map(|above| above.node);
        // The names of longer chains tell nothing more: no path is that long.
        let next = next.filter(|_| passed.len() <= MAX_INTERMEDIATES_IN_PATH);
        let Some(certificate) = nodes.certificate(own) else {
            return String::new();
        };
        match next {
            None if own == 0 => return format!("issuer {}", certificate.issuer()),
            None => {
                let (issuer, below) = (certificate.issuer(), certificate.subject());
                return format!("issuer {issuer} of {below}");
            }
            Some(next) if passed.contains(&next) => {
                let last = certificate.subject();
                return format!("the chain ends in {last}, which is no installed authority");
            }
            Some(next) => passed.push(next),
        }
    }
}

/// What to add to the text; `met` are the certificates that the search found, the end entity first.
fn encoded_differently<'a>(
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
