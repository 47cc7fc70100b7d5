//! Does a chain lead from the presented certificate to an installed authority? (rules C1, C2, C3, C5)
//!
//! Candidates are searched and ordered in `search`, and each path that is found is verified in `linear`.

use std::sync::Arc;

use pki_types::CertificateDer;

use super::case::Case;
use super::detail::Rejection;
use super::linear::EndEntity;
use super::peer::names_of;
use super::profile::Place;
use super::search::Search;
use super::{Considered, Detail, ReasonCode, issuers, profile};
use crate::certificate::{Certificate, HostName};
use crate::limits::{MAX_CONSIDERED, MAX_HOLDERS_EXAMINED};
use crate::store::{Entry, Scope, Server, Slot, Truncated};

/// A verified path. Making that an acceptance is up to the caller.
pub(super) struct Chain {
    pub(super) authority: Arc<Entry>,
    /// From the end entity to the authority, both included.
    pub(super) path: Vec<Certificate>,
}

/// What a search for a path returns.
pub(super) struct Searched {
    pub(super) outcome: Result<Chain, Rejection>,
    pub(super) considered: Truncated<Considered>,
}

/// Finds a path to an authority of `scope` and has it verified.
pub(super) fn verify(case: &Case<'_>, scope: &Scope) -> Searched {
    let refused = |rejection| Searched {
        outcome: Err(rejection),
        considered: Truncated::default(),
    };
    // M7: without a clock, an expired chain would pass.
    if !case.timing.is_known() && !case.policy.chains_without_clock() {
        return refused(case.timing.not_by_clock());
    }
    let leaf = CertificateDer::from(case.leaf.der());
    let end_entity = match check_leaf(case, &leaf) {
        Ok(end_entity) => end_entity,
        Err(rejection) => return refused(rejection),
    };
    let mut search = Search::new(case, scope, &end_entity);
    match search.run() {
        Some((authority, path)) => Searched {
            outcome: Ok(Chain { authority, path }),
            considered: search.considered(),
        },
        None => {
            let (rejection, considered) = search.why_not();
            Searched {
                outcome: Err(rejection),
                considered,
            }
        }
    }
}

/// A subject alternative name must match (rule C2): one of the expected names if there are any, else one of
/// the server's names, else the dialled one.
///
/// We compare by ourselves (RFC 9525): webpki wants two labels behind a wildcard, and private zones (`.lan`,
/// `.internal`) have one.
pub(super) fn check_names(
    case: &Case<'_>,
    server: Option<&Server>,
    dialled: Option<&HostName>,
) -> Result<(), Rejection> {
    let mut wanted: Vec<&HostName> = Vec::new();
    if let Some(server) = server {
        wanted.extend(server.expected_names());
        if wanted.is_empty() {
            wanted.extend(server.names());
        }
    }
    if wanted.is_empty() {
        wanted.extend(dialled);
    }
    if wanted.is_empty() {
        return Err((ReasonCode::NoNameToMatch, Detail::None));
    }
    if case.leaf.covers_any(&wanted) {
        return Ok(());
    }
    let shown = wanted.iter().take(MAX_CONSIDERED);
    Err((
        ReasonCode::NameMismatch,
        Detail::Names {
            wanted: shown.map(|name| name.to_string()).collect(),
            presented: names_of(case.leaf, |_| true).take(MAX_CONSIDERED).collect(),
        },
    ))
}

/// The end entity by itself, before any issuer is looked for.
fn check_leaf<'a>(
    case: &Case<'_>,
    der: &'a CertificateDer<'a>,
) -> Result<EndEntity<'a>, Rejection> {
    let leaf = case.leaf;
    if leaf.is_ca() {
        // C3; a CA that is installed as one is told apart.
        let holders = case.view.data().holders(leaf.key_pin());
        let authority = holders
            .take(MAX_HOLDERS_EXAMINED)
            .filter(|entry| entry.slot() != Slot::Pin)
            .filter(|entry| entry.fingerprint() == leaf.fingerprint())
            .min_by_key(|entry| entry.key());
        return Err(match authority {
            Some(entry) => (
                ReasonCode::AuthorityPresentedAsPeer,
                Detail::Entry(entry.key()),
            ),
            None => (ReasonCode::CaUsedAsEndEntity, Detail::None),
        });
    }
    let end_entity = EndEntity::read(case, der)?;
    case.check_key(leaf)?;
    case.timing.chain(leaf.validity())?;
    match leaf.extended_key_usage() {
        Some(usage) if !usage.names(case.role()) => Err((issuers::unnamed(usage), Detail::None)),
        Some(_) | None => profile::check(case, leaf, Place::Leaf).map(|()| end_entity),
    }
}
