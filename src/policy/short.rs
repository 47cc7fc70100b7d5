//! Verdicts in their short form: stable codes and values on one line, without sentences. It is what a program without the
//! feature `texts` shows; such a program also lacks the sentences.

use core::fmt::{self, Display as _};

use super::{Detail, Verdict, VerdictWarning};
use crate::certificate::{Fingerprint, KeyRefusal};

/// Words between spaces: the outcome, the reason and the rule; then the server, the dialled name, what was presented, the
/// entry that decided and the values of the reason, as far as there are any; what was considered; and the warnings.
pub(super) fn verdict(verdict: &Verdict, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let outcome = if verdict.is_accepted() {
        "accepted"
    } else {
        "refused"
    };
    write!(f, "{outcome} {} {}", verdict.reason(), verdict.rule())?;
    if let Some(server) = &verdict.server {
        write!(f, " server={server}")?;
    }
    if let Some(name) = &verdict.dialled {
        write!(f, " dialled={name}")?;
    }
    if let Some(presented) = verdict.presented {
        f.write_str(" presented=")?;
        if verdict.reason().is_unknown_peer() {
            presented.fmt(f)?;
        } else {
            presented.identify(f)?;
        }
    }
    if let Some(entry) = verdict.decided_by() {
        f.write_str(" by=")?;
        entry.key().fmt(f)?;
    }
    spaced(verdict.detail(), f)?;
    for item in &verdict.considered {
        write!(f, "; {} ", item.reason)?;
        match &item.entry {
            Some(key) => key.fmt(f)?,
            None => item.fingerprint.identify(f)?,
        }
        spaced(&item.detail, f)?;
    }
    if verdict.considered.omitted() > 0 {
        write!(f, "; {} more", verdict.considered.omitted())?;
    }
    for warning in &verdict.warnings {
        f.write_str("; ")?;
        self::warning(warning, f)?;
    }
    Ok(())
}

/// The values behind a reason, if there are any, behind a space.
fn spaced(values: &Detail, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if *values == Detail::None {
        return Ok(());
    }
    f.write_str(" ")?;
    detail(values, f)
}

/// The values behind a reason, with spaces between them.
pub(super) fn detail(detail: &Detail, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match detail {
        Detail::None => Ok(()),
        Detail::Time { limit, judged_at } => write!(f, "limit={limit} at={judged_at}"),
        Detail::Clock(state) => write!(f, "clock={}", state.code()),
        Detail::Block(selector) => write!(f, "block={selector:#}"),
        Detail::Key(
            KeyRefusal::Unsupported { key, .. }
            | KeyRefusal::Weak { key, .. }
            | KeyRefusal::VerifiesNothing { key, .. },
        ) => write!(f, "key={key}"),
        Detail::Oid(oid) => write!(f, "extension={oid}"),
        Detail::Entry(key) => {
            f.write_str("entry=")?;
            key.fmt(f)
        }
        Detail::Signature {
            certificate,
            algorithm,
            key,
            ..
        } => {
            named("certificate", certificate, f)?;
            write!(f, " algorithm={algorithm} key={key}")
        }
        Detail::IssuedByPin { entry, .. } => {
            f.write_str("pin=")?;
            entry.fmt(f)
        }
        Detail::Certificate {
            certificate, what, ..
        } => {
            named("certificate", certificate, f)?;
            write!(f, " what={what}")
        }
        Detail::Limit { found, limit } => write!(f, "found={found} limit={limit}"),
        Detail::Names { wanted, presented } => {
            write!(
                f,
                "wanted={} presented={}",
                wanted.join(","),
                presented.join(",")
            )
        }
        Detail::Revoked {
            certificate,
            date,
            crl,
            ..
        } => {
            named("certificate", certificate, f)?;
            write!(f, " revoked={date} ")?;
            named("list", crl, f)
        }
        Detail::NotCovered {
            certificate, lists, ..
        } => {
            named("certificate", certificate, f)?;
            write!(f, " lists={lists}")
        }
        Detail::Text(text) => f.write_str(text),
    }
}

fn named(name: &str, fingerprint: &Fingerprint, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{name}=")?;
    fingerprint.identify(f)
}

/// The code of a warning, with its values.
pub(super) fn warning(warning: &VerdictWarning, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (code, time) = match warning {
        VerdictWarning::ClockUnset(_) => ("ClockUnset", None),
        VerdictWarning::ClockJumped(_) => ("ClockJumped", None),
        VerdictWarning::InGrace { not_after } => ("InGrace", Some(not_after)),
        VerdictWarning::CrlInGrace { next_update } => ("CrlInGrace", Some(next_update)),
        VerdictWarning::Migrating { until } => ("Migrating", Some(until)),
        VerdictWarning::UnlistedName => ("UnlistedName", None),
        VerdictWarning::NameNotCovered => ("NameNotCovered", None),
        VerdictWarning::NoDigitalSignature => ("NoDigitalSignature", None),
        VerdictWarning::RoleWaived => ("RoleWaived", None),
        VerdictWarning::Profile { rule, fingerprint } => {
            write!(f, "Profile {rule} ")?;
            return named("certificate", fingerprint, f);
        }
        VerdictWarning::SelfSignatureUnsupported => ("SelfSignatureUnsupported", None),
    };
    f.write_str(code)?;
    time.map_or(Ok(()), |time| write!(f, " until={time}"))
}

#[cfg(test)]
mod tests {
    use core::fmt;

    use pki_types::CertificateDer;

    use super::super::{ExpectedServer, Policy, VerifyRequest, decide};
    use super::*;
    use crate::certificate::{Certificate, CurrentTime, KeyPolicy};
    use crate::store::{EntryOptions, PinScope, TrustStore};

    struct Short<'a>(&'a Verdict);

    impl fmt::Display for Short<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            verdict(self.0, f)
        }
    }

    fn fixture(name: &str) -> Certificate {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
        Certificate::from_pem(&std::fs::read(format!("{folder}{name}")).unwrap()).unwrap()
    }

    #[test]
    fn a_refusal_is_one_line_of_codes_and_values() {
        let keys = KeyPolicy::new(&[]);
        let mut store = TrustStore::new(keys);
        let server = "keys-1".parse().unwrap();
        store
            .add_server("keys-1".parse().unwrap(), ["kms1.example".parse().unwrap()])
            .unwrap();
        let pin = fixture("ee-p384.pem").fingerprint();
        let scope = PinScope::Server("keys-1".parse().unwrap());
        store
            .install_pin_fingerprint(scope, pin, EntryOptions::new())
            .unwrap();
        let presented = CertificateDer::from(fixture("ee-p256.pem").der().to_vec());
        let dialled = "kms1.example".parse().unwrap();
        let target = ExpectedServer::id(&server, Some(&dialled));
        let question = VerifyRequest::server(target, &presented, &[], CurrentTime::Unset);
        let refused = decide(&store.snapshot(), &Policy::new(keys), &question);
        let presented = fixture("ee-p256.pem").fingerprint();
        assert_eq!(
            Short(&refused).to_string(),
            format!(
                "refused PinDoesNotMatch P2 server=keys-1 dialled=kms1.example presented={presented}; \
                 PinDoesNotMatch pin {} for server keys-1; ClockUnset",
                pin.short()
            )
        );
        let client = CertificateDer::from(vec![7; 40]);
        let question = VerifyRequest::client(&client, &[], CurrentTime::Unset);
        let refused = decide(&store.snapshot(), &Policy::new(keys), &question);
        let text = Short(&refused).to_string();
        assert!(
            text.starts_with("refused MalformedCertificate C1 "),
            "{text}"
        );
        assert!(!text.contains('\n') && !text.contains(refused.reason().meaning()));
    }
}
