//! One path, verified by webpki. The only file that names webpki's path builder.
//!
//! webpki gets one linear path and one anchor at a time, so that the entry that decided is known and the reason for each
//! refusal is that of the path at hand.

use core::time::Duration;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::case::Case;
use super::detail::Rejection;
use super::peer::names_of;
use super::{Detail, ReasonCode, profile, revocation};
use crate::certificate::form::{DIRECTORY_NAME, unprocessed};
use crate::certificate::{Certificate, Issued, OfPath, Role, der, names_equal};
use crate::limits::MAX_CONSIDERED;
use crate::store::Entry;

/// The end entity, as the path builder reads it.
pub(super) struct EndEntity<'a>(EndEntityCert<'a>);

impl<'a> EndEntity<'a> {
    /// Reads the presented certificate, whose bytes are `leaf`.
    pub(super) fn read(case: &Case<'_>, leaf: &'a CertificateDer<'a>) -> Result<Self, Rejection> {
        let read = EndEntityCert::try_from(leaf);
        read.map(Self).map_err(|error| unreadable(case, &error))
    }
}

/// Extensions whose critical marking webpki 0.103 understands, as dotted object identifiers (`remember_cert_extension`
/// there). It refuses a certificate below the authority with another one.
const KNOWN_CRITICAL_IN_WEBPKI: &[u8] = &[
    15, // keyUsage
    17, // subjectAltName
    19, // basicConstraints
    30, // nameConstraints
    31, // cRLDistributionPoints
    37, // extKeyUsage
];

fn unreadable(case: &Case<'_>, error: &webpki::Error) -> Rejection {
    match case.leaf.unknown_critical_in_pin() {
        Some(oid) => (ReasonCode::UnknownCriticalExtension, Detail::Oid(oid)),
        None => (
            ReasonCode::UnparsableEndEntity,
            Detail::Text(why_unreadable(case.leaf, error)),
        ),
    }
}

/// What webpki does not read in a certificate, as far as we find it: its errors do not say where it is.
fn why_unreadable(certificate: &Certificate, error: &webpki::Error) -> String {
    let version = certificate.version();
    let critical = certificate.critical_beyond(KNOWN_CRITICAL_IN_WEBPKI);
    if version != 3 {
        format!("it is of X.509 version {version}, and a chain needs version 3")
    } else if !critical.is_empty() {
        let name = extension_name(&critical);
        format!("critical extension {critical}{name}, which the path builder does not process")
    } else if let Some(field) = certificate.unread_time() {
        format!(
            "the path builder cannot read its {field} (valid {}): it reads times from 1970 on, to the second and in UTC \
             (RFC 5280 4.1.2.5)",
            certificate.validity()
        )
    } else {
        webpki_text(error)
    }
}

fn extension_name(oid: &str) -> &'static str {
    match oid {
        "2.5.29.14" => " (subjectKeyIdentifier)",
        "2.5.29.18" => " (issuerAltName)",
        "2.5.29.32" => " (certificatePolicies)",
        "2.5.29.33" => " (policyMappings)",
        "2.5.29.35" => " (authorityKeyIdentifier)",
        "2.5.29.36" => " (policyConstraints)",
        "2.5.29.54" => " (inhibitAnyPolicy)",
        _ => "",
    }
}

/// The certificate of a path, below the authority, that webpki does not read, and what in it. Its errors name none.
fn unreadable_in(path: &[Certificate], error: &webpki::Error) -> Option<Detail> {
    let (_, below) = path.split_last()?;
    let found = below.iter().find(|certificate| {
        let der = CertificateDer::from(certificate.der());
        certificate.unread_time().is_some() || EndEntityCert::try_from(&der).is_err()
    })?;
    Some(Detail::Certificate {
        certificate: found.fingerprint(),
        subject: found.subject(),
        what: why_unreadable(found, error),
    })
}

/// Has webpki verify one path, from the end entity to the authority, of which every signature has been verified: of
/// `pairs`, webpki takes the signatures of the path, and it finds no others.
pub(super) fn verify(
    case: &Case<'_>,
    end_entity: &EndEntity<'_>,
    path: &[Certificate],
    pairs: &[Issued],
    entry: &Entry,
) -> Result<(), Rejection> {
    let refused = |error: webpki::Error| refusal(&error, path);
    let [leaf, intermediates @ .., authority] = path else {
        return Err((ReasonCode::UnknownIssuer, Detail::None));
    };
    let intermediates: Vec<CertificateDer<'_>> = intermediates
        .iter()
        .map(|certificate| CertificateDer::from(certificate.der()))
        .collect();
    let authority_der = CertificateDer::from(authority.der());
    let mut anchor = webpki::anchor_from_trusted_cert(&authority_der).map_err(refused)?;
    // webpki compares names by their bytes. An authority is a name and a key (RFC 5280 section 6.1.1 (d)): where the
    // name below it is the same (section 7.1), it is given as it is written there.
    if let Some(below) = path.iter().nth_back(1)
        && names_equal(below.issuer_der(), authority.subject_der())
        && let Some((issuer, [])) = der::take(below.issuer_der())
    {
        anchor.subject = issuer.content.into();
    }
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
    let patterns = entry.options().san_patterns();
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
            moment = moment.max(certificate.validity().not_before().seconds());
        }
    }
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment).unwrap_or(0)))
}

/// What webpki's error means here. Every arm refuses.
fn refusal(error: &webpki::Error, path: &[Certificate]) -> Rejection {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "webpki's errors are non-exhaustive, and every one of them refuses"
    )]
    let reason = match error {
        // Every signature of the path has been verified: webpki tried another path than ours.
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
            if let Some(form) = unsupported_constraint(path) {
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
        _ => {
            let detail = unreadable_in(path, error);
            let detail = detail.unwrap_or_else(|| Detail::Text(webpki_text(error)));
            return (ReasonCode::PathRefused, detail);
        }
    };
    (reason, Detail::Text(webpki_text(error)))
}

/// webpki counts self-issued intermediates as well (RFC 5280 section 4.2.1.9 does not).
fn too_long(path: &[Certificate]) -> Option<Rejection> {
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

/// A form of name constraint in a path that applies and that webpki does not process: it refuses such a path.
fn unsupported_constraint(path: &[Certificate]) -> Option<&'static str> {
    path.iter().enumerate().skip(1).find_map(|(place, issuer)| {
        let below = path.get(..place)?;
        issuer.constraints().find_map(|subtree| {
            let form = unprocessed(subtree.form)?;
            // Every certificate has a subject, which is a directory name.
            let applies = subtree.form == DIRECTORY_NAME
                || below.iter().any(|certificate| {
                    certificate
                        .name_forms()
                        .any(|name| name.form == subtree.form)
                });
            applies.then_some(form)
        })
    })
}
