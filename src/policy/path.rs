//! Does a chain lead from the presented certificate to an installed authority? (rules C1, C2, C3, C5)
//!
//! The only file that names webpki's path builder. Candidates are ordered here, without looking at any
//! signature; webpki gets one linear path and one anchor at a time, so that the entry that decided is known
//! and the reason for each refusal is that of the path at hand.

use core::time::Duration;
use std::sync::Arc;

use pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::decide::Case;
use super::timing::Fall;
use super::verdict::names_of;
use super::{Considered, Detail, ReasonCode, issuers};
use crate::certificate::{Certificate, HostName, Role};
use crate::limits::{MAX_CONSIDERED, MAX_INTERMEDIATES_IN_PATH, MAX_PATH_STEPS, MAX_PATHS_TRIED};
use crate::store::{Bounded, Entry, Scope, Server, Slot};

/// A verified path. Making that an acceptance is up to the caller.
pub(super) struct Chain {
    pub(super) authority: Arc<Entry>,
    /// From the end entity to the authority, both included.
    pub(super) path: Vec<Certificate>,
}

/// Finds a path to an authority of `scope` and has it verified.
pub(super) fn verify(
    case: &Case<'_>,
    scope: &Scope,
    considered: &mut Bounded<Considered>,
) -> Result<Chain, Fall> {
    if !case.timing.is_known() && !case.policy.chains_without_clock {
        return Err((ReasonCode::ClockUnset, Detail::None));
    }
    check_leaf(case)?;
    let presented = case
        .question
        .intermediates
        .iter()
        .filter_map(|der| match case.view.data().known(der) {
            Some(known) => Some(known.clone()),
            // What cannot be read completes no path.
            None => Certificate::from_der(der).ok(),
        })
        .collect();
    let mut search = Search {
        case,
        scope,
        presented,
        steps: 0,
        tried: 0,
        best: None,
        considered,
    };
    let mut path = vec![case.leaf.clone()];
    match search.extend(&mut path) {
        Some(authority) => Ok(Chain { authority, path }),
        None => Err(search.why_not()),
    }
}

/// A subject alternative name must match (rule C2): one of the expected names if there are any, else one of
/// the server's names, else the dialled one.
pub(super) fn check_names(
    case: &Case<'_>,
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
    let leaf =
        EndEntityCert::try_from(case.leaf.der()).map_err(|error| unreadable(case, &error))?;
    let matches = |name: &&HostName| {
        name.to_server_name()
            .is_some_and(|name| leaf.verify_is_valid_for_subject_name(&name).is_ok())
    };
    if wanted.iter().any(matches) {
        return Ok(());
    }
    let few = |names: Vec<String>| names.into_iter().take(MAX_CONSIDERED).collect();
    Err((
        ReasonCode::NameMismatch,
        Detail::Names {
            wanted: few(wanted.iter().map(|name| name.to_string()).collect()),
            presented: few(names_of(case.leaf, |_| true)),
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
fn check_leaf(case: &Case<'_>) -> Result<(), Fall> {
    let leaf = case.leaf;
    if leaf.is_ca() {
        // C3; a CA that is installed as one is told apart.
        let mut holders = case.view.data().holders(leaf.key_pin()).iter();
        let authority = holders.find(|entry| {
            entry.key().slot != Slot::Pin && entry.key().fingerprint == leaf.fingerprint()
        });
        return Err(match authority {
            Some(entry) => (
                ReasonCode::AuthorityPresentedAsPeer,
                Detail::Entry(entry.key().clone()),
            ),
            None => (ReasonCode::CaAsLeaf, Detail::None),
        });
    }
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
        _ => Ok(()),
    }
}

fn named(usage: crate::certificate::ExtendedKeyUsage, role: Role) -> bool {
    match role {
        Role::Server => usage.server_auth,
        Role::Client => usage.client_auth,
    }
}

struct Search<'a, 'b> {
    case: &'a Case<'a>,
    scope: &'a Scope,
    presented: Vec<Certificate>,
    steps: usize,
    tried: usize,
    best: Option<Fall>,
    considered: &'b mut Bounded<Considered>,
}

impl Search<'_, '_> {
    /// Looks for an authority above the last certificate of `path`, then for an intermediate to go on from.
    fn extend(&mut self, path: &mut Vec<Certificate>) -> Option<Arc<Entry>> {
        let last = path.last()?.clone();
        let below = path
            .iter()
            .skip(1)
            .filter(|certificate| !certificate.is_self_issued())
            .count();
        let authorities = issuers::authorities_above(self.case, self.scope, &last);
        self.note_left_out(authorities.left_out);
        for (entry, certificate) in authorities.listed {
            if !self.step() {
                return None;
            }
            let fit = self
                .case
                .timing
                .entry(&entry)
                .and_then(|()| issuers::check(self.case, &certificate, below));
            let verified = match fit {
                Ok(()) if self.tried >= MAX_PATHS_TRIED => {
                    self.note(too_many(self.tried, MAX_PATHS_TRIED));
                    return None;
                }
                Ok(()) => {
                    self.tried = self.tried.saturating_add(1);
                    self.verify_linear(path, &entry, &certificate)
                }
                Err(fall) => Err(fall),
            };
            match verified {
                Ok(()) => {
                    path.push(certificate);
                    return Some(entry);
                }
                Err(fall) => {
                    let item = Considered::entry(&entry, fall.0, fall.1.clone());
                    self.consider(item);
                    self.note(fall);
                }
            }
        }
        let intermediates = issuers::intermediates_above(self.case, &self.presented, &last);
        if path.len() > MAX_INTERMEDIATES_IN_PATH {
            if !intermediates.listed.is_empty() {
                self.note(too_long(path.len()));
            }
            return None;
        }
        self.note_left_out(intermediates.left_out);
        for (entry, certificate) in intermediates.listed {
            if !self.step() {
                return None;
            }
            // A certificate, or another one for the same name and key, stands in a path once.
            let again = path.iter().any(|used| {
                used.subject_der() == certificate.subject_der()
                    && used.key_pin() == certificate.key_pin()
            });
            if again {
                continue;
            }
            let alive = entry
                .as_ref()
                .map_or(Ok(()), |entry| self.case.timing.entry(entry));
            let fit = alive.and_then(|()| issuers::check(self.case, &certificate, below));
            if let Err(fall) = fit {
                self.consider(Considered {
                    fingerprint: certificate.fingerprint(),
                    entry: entry.map(|entry| entry.key().clone()),
                    reason: fall.0,
                    detail: fall.1.clone(),
                });
                self.note(fall);
                continue;
            }
            path.push(certificate);
            if let Some(authority) = self.extend(path) {
                return Some(authority);
            }
            path.pop();
        }
        None
    }

    fn note_left_out(&mut self, count: usize) {
        if count > 0 {
            self.note(too_many(
                count.saturating_add(MAX_PATHS_TRIED),
                MAX_PATHS_TRIED,
            ));
        }
    }

    fn consider(&mut self, item: Considered) {
        self.considered.push_within(item, MAX_CONSIDERED);
    }

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MAX_PATH_STEPS {
            self.note(too_many(self.steps, MAX_PATH_STEPS));
            return false;
        }
        true
    }

    /// Has webpki verify one path to one anchor.
    fn verify_linear(
        &self,
        path: &[Certificate],
        entry: &Entry,
        authority: &Certificate,
    ) -> Result<(), Fall> {
        let refused = |error: webpki::Error| refusal(&error);
        let (leaf, intermediates) = path
            .split_first()
            .ok_or((ReasonCode::UnknownIssuer, Detail::None))?;
        let end_entity = EndEntityCert::try_from(leaf.der()).map_err(refused)?;
        let intermediates: Vec<CertificateDer<'_>> = intermediates
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der().as_ref()))
            .collect();
        let anchor = webpki::anchor_from_trusted_cert(authority.der()).map_err(refused)?;
        let usage = match self.case.role() {
            Role::Server => KeyUsage::server_auth(),
            Role::Client => KeyUsage::client_auth(),
        };
        end_entity
            .verify_for_usage(
                self.case.policy.keys.algorithms(),
                &[anchor],
                &intermediates,
                self.time(path),
                usage,
                None,
                None,
            )
            .map_err(refused)?;
        let patterns = entry.options().get_san_patterns();
        let matches = leaf
            .names()
            .any(|name| patterns.iter().any(|pattern| pattern.matches(&name)));
        if !patterns.is_empty() && !matches {
            let few = |names: Vec<String>| names.into_iter().take(MAX_CONSIDERED).collect();
            return Err((
                ReasonCode::NoPatternMatches,
                Detail::Names {
                    wanted: few(patterns.iter().map(|pattern| pattern.to_string()).collect()),
                    presented: few(names_of(leaf, |_| true)),
                },
            ));
        }
        Ok(())
    }

    /// The time at which webpki judges. With the clock unset, beginnings are not judged, but webpki judges
    /// them: so it gets the earliest moment from the floor on at which all have begun. A path whose
    /// certificates have no such moment in common was never valid since the floor, and webpki refuses it.
    fn time(&self, path: &[Certificate]) -> UnixTime {
        let mut moment = self.case.timing.moment();
        if !self.case.timing.is_known() {
            for certificate in path {
                moment = moment.max(certificate.validity().not_before());
            }
        }
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment).unwrap_or(0)))
    }

    /// Keeps the reason that came closest to success; of equals, the first.
    fn note(&mut self, fall: Fall) {
        let closer = match &self.best {
            None => true,
            Some(best) => closeness(fall.0) > closeness(best.0),
        };
        if closer {
            self.best = Some(fall);
        }
    }

    fn why_not(self) -> Fall {
        let leaf = self.case.leaf;
        let self_signed = leaf.names_own_key() == Some(true);
        match self.best {
            // Its own signature is no reason to trust it, but a reason to say what to do.
            None | Some((ReasonCode::ChainSignatureInvalid, _)) if self_signed => {
                (ReasonCode::SelfSignedNotInstalled, Detail::None)
            }
            Some(fall) => fall,
            None => (
                ReasonCode::UnknownIssuer,
                Detail::Text(format!("issuer {}", leaf.issuer())),
            ),
        }
    }
}

fn too_many(found: usize, limit: usize) -> Fall {
    (ReasonCode::TooManyPaths, Detail::Limit { found, limit })
}

fn too_long(found: usize) -> Fall {
    let limit = MAX_INTERMEDIATES_IN_PATH;
    (ReasonCode::PathTooLong, Detail::Limit { found, limit })
}

/// How far a path came before it fell away.
fn closeness(reason: ReasonCode) -> u8 {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only orders refusals among each other; what is not named was refused before its signatures"
    )]
    match reason {
        ReasonCode::ChainSignatureInvalid => 0,
        ReasonCode::PathTooLong => 1,
        ReasonCode::TooManyPaths => 2,
        ReasonCode::Blocked => 4,
        ReasonCode::NameConstraintViolated | ReasonCode::PathRefused => 5,
        ReasonCode::NoPatternMatches => 6,
        _ => 3,
    }
}

/// What webpki's error means here. Every arm refuses.
fn refusal(error: &webpki::Error) -> Fall {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "webpki's errors are non-exhaustive, and every one of them refuses"
    )]
    let reason = match error {
        webpki::Error::InvalidSignatureForPublicKey
        | webpki::Error::UnsupportedSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            ReasonCode::ChainSignatureInvalid
        }
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
            ReasonCode::IssuerExpired
        }
        webpki::Error::NameConstraintViolation => ReasonCode::NameConstraintViolated,
        webpki::Error::PathLenConstraintViolated => ReasonCode::PathTooLong,
        webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::EndEntityUsedAsCa => {
            ReasonCode::IssuerCannotSign
        }
        webpki::Error::UnknownIssuer => ReasonCode::UnknownIssuer,
        _ => ReasonCode::PathRefused,
    };
    (reason, Detail::Text(webpki_text(error)))
}

/// webpki's name of an error, without the object identifiers in it, which 0.103 prints wrongly.
fn webpki_text(error: &webpki::Error) -> String {
    let text = format!("{error:?}");
    let end = text.find([' ', '(', '{']).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned()
}
