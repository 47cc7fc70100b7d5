//! Certificates in plain words, with what they could be installed as.

use mutual_trust::error::StoreError;
use mutual_trust::store::{Consequence, Report};
use mutual_trust::{
    AuthorityScope, Certificate, Crl, EntryOptions, KeyPolicy, PinScope, ServerId, TrustStore,
};

use crate::json::{self, Item, Role};
use crate::{facts, plain};

/// The content of a file: lines for people, and the same for programs.
pub(crate) type Found = (Vec<String>, Vec<Item>);

/// Each certificate, with what it could be installed as.
pub(crate) fn certificates_of<'a>(
    certificates: impl IntoIterator<Item = &'a Certificate>,
    keys: KeyPolicy,
) -> Found {
    certificates_named(certificates.into_iter().map(|one| (one, None)), keys)
}

/// The same for certificates that have names in an archive.
pub(crate) fn certificates_named<'a>(
    certificates: impl IntoIterator<Item = (&'a Certificate, Option<&'a str>)>,
    keys: KeyPolicy,
) -> Found {
    let mut found = Found::default();
    for (index, (certificate, alias)) in certificates.into_iter().enumerate() {
        let (mut lines, certificate_fact) = describe(certificate);
        lines.extend(alias.map(|alias| format!("  alias: {}", plain::line(alias))));
        if let Some(first) = lines.first_mut() {
            *first = format!("certificate {}: {first}", index.saturating_add(1));
        }
        let mut roles = Vec::new();
        for (role, tried) in try_roles(certificate, keys) {
            let (text, fact) = match &tried {
                Ok(report) => {
                    let mut warnings = Vec::new();
                    for one in report.consequences() {
                        if let Consequence::Warning(warning) = one {
                            warnings.push(warning.to_string());
                        }
                    }
                    let mut text = format!("  could be {role}");
                    for warning in &warnings {
                        text.push_str(&format!("\n        warning: {warning}"));
                    }
                    (
                        text,
                        Role {
                            role,
                            possible: true,
                            warnings,
                            why_not: None,
                        },
                    )
                }
                Err(error) => (
                    format!("  not {role}: {error}"),
                    Role {
                        role,
                        possible: false,
                        warnings: Vec::new(),
                        why_not: Some(facts::text(error)),
                    },
                ),
            };
            lines.extend(text.split('\n').map(str::to_owned));
            roles.push(fact);
        }
        found.0.extend(lines);
        found.1.push(Item::Certificate {
            alias: alias.map(str::to_owned),
            certificate: certificate_fact,
            roles,
        });
    }
    if found.1.is_empty() {
        found.0.push(String::from("nothing"));
    }
    found
}

/// Each revocation list.
pub(crate) fn lists_of(lists: &[Crl]) -> Found {
    let mut found = Found::default();
    for list in lists {
        let next = list.next_update().map(facts::time);
        found.0.extend([
            format!("revocation list of {}", list.issuer()),
            format!(
                "  number: {}",
                list.number()
                    .map_or(String::from("(none)"), ToString::to_string)
            ),
            format!("  issued: {}", facts::time(list.this_update())),
            format!(
                "  next one due: {}",
                next.as_deref().unwrap_or("(not stated)")
            ),
            format!("  revoked certificates: {}", list.revoked_count()),
            format!("  SHA-256: {}", list.fingerprint()),
        ]);
        found.0.extend(
            list.deviations()
                .iter()
                .map(|what| format!("  warning: {what}")),
        );
        found.0.extend(
            list.refusal()
                .map(|why| format!("  cannot be installed: {why}")),
        );
        found.1.push(Item::Crl {
            issuer: list.issuer().to_string(),
            number: list.number().map(ToString::to_string),
            this_update: facts::time(list.this_update()),
            next_update: next,
            revoked: list.revoked_count(),
            fingerprint: list.fingerprint().to_string(),
            why_not: list.refusal().map(ToString::to_string),
        });
    }
    found
}

/// Facts of a certificate, as lines and as fields.
pub(crate) fn describe(certificate: &Certificate) -> (Vec<String>, json::Certificate) {
    let names = facts::names(certificate);
    let shown = if names.is_empty() {
        String::from("(none)")
    } else {
        names.join(", ")
    };
    let kind = match (certificate.version(), certificate.is_ca()) {
        (1 | 2, _) => format!(
            "version {}, which cannot say whether it is a CA",
            certificate.version()
        ),
        (_, true) => String::from("CA"),
        (_, false) => String::from("end entity"),
    };
    let lines = vec![
        facts::subject(certificate),
        format!("  issuer: {}", certificate.issuer()),
        format!("  kind: {kind}"),
        format!("  names: {shown}"),
        format!("  valid: {}", certificate.validity()),
        format!("  key: {}", certificate.key_name()),
        format!("  SHA-256: {}", certificate.fingerprint()),
        format!("  key pin: {}", certificate.key_pin()),
    ];
    (lines, facts::certificate(certificate))
}

/// The result of an installation in each slot and scope, in a temporary store.
fn try_roles(
    certificate: &Certificate,
    keys: KeyPolicy,
) -> [(&'static str, Result<Report, StoreError>); 5] {
    let fresh = || TrustStore::new(keys);
    let (one, options) = (|| certificate.clone(), EntryOptions::new);
    let pin_of_server = || {
        let mut store = fresh();
        let id: ServerId = "server".parse()?;
        store.add_server(id.clone(), [])?;
        store.install_pin(PinScope::Server(id), one(), options())
    };
    [
        ("a pin of a server", pin_of_server()),
        (
            "a pin of a client",
            fresh().install_pin(PinScope::Clients, one(), options()),
        ),
        (
            "an authority for servers",
            fresh().install_authority(AuthorityScope::AnyServer, one(), options()),
        ),
        (
            "an authority for clients",
            fresh().install_authority(AuthorityScope::Clients, one(), options()),
        ),
        (
            "an intermediate",
            fresh().install_intermediate(one(), options()),
        ),
    ]
}
