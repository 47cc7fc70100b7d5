//! Does a chain lead from the presented certificate to an installed authority? (rules C1, C2, C3, C5)
//!
//! The only file that names webpki's path builder. Candidates are searched and ordered elsewhere, without looking
//! at any signature; webpki gets one linear path and one anchor at a time, so that the entry that decided is
//! known and the reason for each refusal is that of the path at hand.

use core::time::Duration;
use std::sync::Arc;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::decide::Case;
use super::issuers::Place;
use super::search::Search;
use super::text::names_of;
use super::timing::Fall;
use super::{Considered, Detail, ReasonCode, constraints, profile, revocation};
use crate::certificate::{Certificate, HostName, Issued, OfPath, Role};
use crate::limits::MAX_CONSIDERED;
use crate::store::{Bounded, Entry, Scope, Server, Slot};

/// The end entity, as the path builder reads it.
pub(super) struct EndEntity<'a>(EndEntityCert<'a>);

/// A verified path. Making that an acceptance is up to the caller.
pub(super) struct Chain<'a> {
    end_entity: EndEntity<'a>,
    pub(super) authority: Arc<Entry>,
    /// From the end entity to the authority, both included.
    pub(super) path: Vec<Certificate>,
}

/// Finds a path to an authority of `scope` and has it verified.
pub(super) fn verify<'a>(
    case: &Case<'a>,
    scope: &Scope,
    considered: &mut Bounded<Considered>,
) -> Result<Chain<'a>, Fall> {
    if !case.timing.is_known() && !case.policy.chains_without_clock {
        return Err(case.timing.not_by_clock());
    }
    let end_entity = check_leaf(case)?;
    let mut search = Search::new(case, scope, &end_entity, considered);
    match search.run() {
        Some((authority, path)) => Ok(Chain {
            end_entity,
            authority,
            path,
        }),
        None => Err(search.why_not()),
    }
}

/// A subject alternative name must match (rule C2): one of the expected names if there are any, else one of
/// the server's names, else the dialled one.
pub(super) fn check_names(
    case: &Case<'_>,
    chain: &Chain<'_>,
    server: Option<&Server>,
    dialled: Option<&HostName>,
) -> Result<(), Fall> {
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
    let matches = |name: &&HostName| {
        // First by ourselves: of a mismatch, webpki makes a list of all names.
        case.leaf.covers(name)
            && name.to_server_name().is_some_and(|name| {
                chain
                    .end_entity
                    .0
                    .verify_is_valid_for_subject_name(&name)
                    .is_ok()
            })
    };
    if wanted.iter().any(matches) {
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

fn unreadable(case: &Case<'_>, error: &webpki::Error) -> Fall {
    match case.leaf.unknown_critical_in_pin() {
        Some(oid) => (ReasonCode::UnknownCriticalExtension, Detail::Oid(oid)),
        None => (
            ReasonCode::LeafNotReadable,
            Detail::Text(webpki_text(error)),
        ),
    }
}

/// The end entity by itself, before any issuer is looked for.
fn check_leaf<'a>(case: &Case<'a>) -> Result<EndEntity<'a>, Fall> {
    let leaf = case.leaf;
    if leaf.is_ca() {
        // C3; a CA that is installed as one is told apart.
        let holders = case.view.data().holders(leaf.key_pin());
        let authority = holders
            .filter(|entry| entry.slot() != Slot::Pin)
            .filter(|entry| entry.fingerprint() == leaf.fingerprint())
            .min_by_key(|entry| entry.key());
        return Err(match authority {
            Some(entry) => (
                ReasonCode::AuthorityPresentedAsPeer,
                Detail::Entry(entry.key()),
            ),
            None => (ReasonCode::CaAsLeaf, Detail::None),
        });
    }
    let end_entity =
        EndEntityCert::try_from(leaf.der()).map_err(|error| unreadable(case, &error))?;
    if let Err(refusal) = case.policy.keys.check(leaf) {
        return Err((ReasonCode::KeyNotAllowed, Detail::Key(refusal)));
    }
    case.timing.chain(leaf.validity())?;
    match leaf.extended_key_usage() {
        // webpki does not read anyExtendedKeyUsage in a path, and we accept nothing that it refuses.
        Some(usage) if !named(usage, case.role()) => {
            Err((ReasonCode::WrongExtendedKeyUsage, Detail::None))
        }
        Some(_) | None => profile::check(case, leaf, Place::Leaf).map(|()| EndEntity(end_entity)),
    }
}

fn named(usage: crate::certificate::ExtendedKeyUsage, role: Role) -> bool {
    match role {
        Role::Server => usage.server_auth,
        Role::Client => usage.client_auth,
    }
}

/// Has webpki verify one path, from the end entity to the authority, of which every signature has been verified: of
/// `pairs`, webpki takes the signatures of the path, and it finds no others.
pub(super) fn verify_linear(
    case: &Case<'_>,
    end_entity: &EndEntity<'_>,
    path: &[Certificate],
    pairs: &[Issued],
    entry: &Entry,
) -> Result<(), Fall> {
    let refused = |error: webpki::Error| refusal(&error, path);
    let [leaf, intermediates @ .., authority] = path else {
        return Err((ReasonCode::UnknownIssuer, Detail::None));
    };
    let intermediates: Vec<CertificateDer<'_>> = intermediates
        .iter()
        .map(|certificate| CertificateDer::from(certificate.der().as_ref()))
        .collect();
    let anchor = webpki::anchor_from_trusted_cert(authority.der()).map_err(refused)?;
    let usage = match case.role() {
        Role::Server => KeyUsage::server_auth(),
        Role::Client => KeyUsage::client_auth(),
    };
    let known = OfPath::algorithms(pairs);
    let mut algorithms: Vec<&dyn SignatureVerificationAlgorithm> = Vec::with_capacity(known.len());
    for algorithm in &known {
        algorithms.push(algorithm);
    }
    end_entity
        .0
        .verify_for_usage(
            &algorithms,
            &[anchor],
            &intermediates,
            time(case, path),
            usage,
            None,
            None,
        )
        .map_err(refused)?;
    revocation::check_path(case, path)?;
    let patterns = entry.options().get_san_patterns();
    let matches = || {
        let mut names = leaf.names();
        names.any(|name| patterns.iter().any(|pattern| pattern.matches(&name)))
    };
    if !patterns.is_empty() && !matches() {
        let shown = patterns.iter().take(MAX_CONSIDERED);
        return Err((
            ReasonCode::NoPatternMatches,
            Detail::Names {
                wanted: shown.map(|pattern| pattern.to_string()).collect(),
                presented: names_of(leaf, |_| true).take(MAX_CONSIDERED).collect(),
            },
        ));
    }
    profile::check_pairs(case, path)
}

/// The time at which webpki judges. With the clock unset, beginnings are not judged, but webpki judges
/// them: so it gets the earliest moment from the floor on at which all have begun. A path whose
/// certificates have no such moment in common was never valid since the floor, and webpki refuses it.
fn time(case: &Case<'_>, path: &[Certificate]) -> UnixTime {
    let mut moment = case.timing.moment();
    if !case.timing.is_known() {
        // The authority is not judged by webpki.
        for certificate in path.iter().rev().skip(1) {
            moment = moment.max(certificate.validity().not_before());
        }
    }
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment).unwrap_or(0)))
}

/// What webpki's error means here. Every arm refuses.
fn refusal(error: &webpki::Error, path: &[Certificate]) -> Fall {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "webpki's errors are non-exhaustive, and every one of them refuses"
    )]
    let reason = match error {
        // Every signature of the path has been verified: this one is of a way that is none.
        webpki::Error::InvalidSignatureForPublicKey
        | webpki::Error::UnsupportedSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            let why = "the path builder judges a self-issued intermediate by its names and length";
            let refused = (ReasonCode::PathRefused, Detail::Text(why.to_owned()));
            return too_long(path).unwrap_or(refused);
        }
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
            ReasonCode::IssuerExpired
        }
        webpki::Error::NameConstraintViolation => {
            if let Some(form) = constraints::unsupported(path) {
                let detail = Detail::Text(form.to_owned());
                return (ReasonCode::ConstraintFormUnsupported, detail);
            }
            ReasonCode::NameConstraintViolated
        }
        webpki::Error::PathLenConstraintViolated => ReasonCode::PathTooLong,
        webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::EndEntityUsedAsCa => {
            ReasonCode::IssuerCannotSign
        }
        webpki::Error::UnknownIssuer => ReasonCode::UnknownIssuer,
        _ => ReasonCode::PathRefused,
    };
    (reason, Detail::Text(webpki_text(error)))
}

/// webpki counts self-issued intermediates as well (RFC 5280 section 4.2.1.9 does not).
fn too_long(path: &[Certificate]) -> Option<Fall> {
    let issuers = path.iter().skip(1).enumerate();
    let limits = issuers.filter_map(|(below, issuer)| {
        let limit = usize::try_from(issuer.basic_constraints()?.path_len?).ok()?;
        (below > limit).then_some((below, limit))
    });
    let (found, limit) = limits.min()?;
    Some((ReasonCode::PathTooLong, Detail::Limit { found, limit }))
}

/// webpki's name of an error, without the object identifiers in it, which 0.103 prints wrongly.
fn webpki_text(error: &webpki::Error) -> String {
    let text = format!("{error:?}");
    let end = text.find([' ', '(', '{']).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned()
}
