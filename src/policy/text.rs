//! Verdicts as text. It is made here, at the edge; everything before it is data.

use core::fmt;

use super::{ChainProfile, Detail, PeerIdentity, Verdict, VerdictWarning};
use crate::certificate::{Certificate, Moment, Role, SanName, shown};

/// The subject alternative names of a certificate that are kept.
pub(super) fn names_of(
    certificate: &Certificate,
    keep: impl Fn(&SanName<'_>) -> bool,
) -> impl Iterator<Item = String> {
    let named = certificate.names().filter(|name| *name != SanName::Other);
    named.filter(keep).map(SanName::to_text)
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Time { limit, judged_at } => write!(
                f,
                "limit {}, judged at {}",
                Moment(*limit),
                Moment(*judged_at)
            ),
            Self::Clock(state) => f.write_str(&state.times()),
            Self::Block(selector) => write!(f, "block on {selector}"),
            Self::Key(refusal) => write!(f, "{refusal}"),
            Self::Oid(oid) => write!(f, "extension {oid}"),
            Self::Entry(key) => write!(f, "{key}"),
            Self::Signature {
                certificate,
                subject,
                algorithm,
                key,
                aws_lc_rs: _,
            } => write!(
                f,
                "certificate {certificate} ({subject}) is signed with {algorithm}, by a key of the kind {key}"
            ),
            Self::IssuedByPin {
                entry,
                no_authority,
            } => match no_authority {
                Some(why) => write!(f, "{entry}, which cannot be an authority: {why}"),
                None => write!(f, "{entry}"),
            },
            Self::Certificate {
                certificate,
                subject,
                what,
            } => write!(f, "certificate {certificate} ({subject}): {what}"),
            Self::Limit { found, limit } => write!(f, "{found}, the limit is {limit}"),
            Self::Names { wanted, presented } => {
                let or_none = |names: &[String]| {
                    if names.is_empty() {
                        String::from("none")
                    } else {
                        names.join(", ")
                    }
                };
                write!(
                    f,
                    "wanted {}; the certificate has {}",
                    or_none(wanted),
                    or_none(presented)
                )
            }
            Self::Revoked {
                certificate,
                serial,
                date,
                why,
                crl,
                number,
            } => {
                write!(f, "certificate {certificate} with serial number ")?;
                serial.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
                write!(f, " was revoked at {} ({why})", Moment(*date))?;
                match number {
                    Some(number) => write!(f, ", says list {crl}, number {number}"),
                    None => write!(f, ", says list {crl}"),
                }
            }
            Self::NotCovered {
                certificate,
                issuer,
                lists,
                last_end,
                not_yet,
                elsewhere,
                judged_at,
            } => {
                write!(f, "certificate {certificate} of {issuer}: ")?;
                match (lists, last_end, not_yet) {
                    (0, ..) => f.write_str("no list of this issuer is installed"),
                    (_, Some(end), _) => write!(f, "the last list expired at {}", Moment(*end)),
                    (_, None, Some(begin)) => write!(
                        f,
                        "the list that would tell of it is valid only from {} on, judged at {}",
                        Moment(*begin),
                        Moment(*judged_at)
                    ),
                    (1, ..) if *elsewhere == 1 => f.write_str(
                        "the list that is installed is of another distribution point, or about certificates of another kind",
                    ),
                    (lists, ..) if elsewhere == lists => write!(
                        f,
                        "the {lists} lists that are installed are of other distribution points, or about certificates of another kind"
                    ),
                    (lists, ..) => write!(f, "none of {lists} lists tells of it"),
                }
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for VerdictWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockUnset(state) => write!(f, "{state}"),
            Self::ClockJumped(state) => write!(
                f,
                "{state}; compare the clock with another one before anything is renewed"
            ),
            Self::InGrace { not_after } => write!(
                f,
                "the certificate expired at {} and is in its grace: renew it",
                Moment(*not_after)
            ),
            Self::CrlInGrace { next_update } => write!(
                f,
                "a revocation list expired at {} and is in its grace: install the current one",
                Moment(*next_update)
            ),
            Self::Migrating { until } => write!(
                f,
                "the server migrates until {}: an authority decided, not a pin",
                Moment(*until)
            ),
            Self::UnlistedName => f.write_str("the dialled name belongs to no server"),
            Self::NameNotCovered => {
                f.write_str("the certificate does not cover the dialled name; its pin does")
            }
            Self::NoDigitalSignature => f.write_str("keyUsage lacks digitalSignature"),
            Self::RoleWaived => f.write_str("the extended key usage is for another role: waived"),
            Self::Profile { rule, fingerprint } => {
                let demand = ChainProfile::rules()
                    .iter()
                    .find(|known| known.name() == *rule);
                let demand = demand.map_or("", |known| known.demand());
                write!(
                    f,
                    "certificate {fingerprint} breaks RFC 5280 ({rule}): not so that {demand}"
                )
            }
            Self::SelfSignatureUnsupported => {
                f.write_str("the certificate's own signature cannot be verified by this provider")
            }
        }
    }
}

/// The label of a pin, or the names of a chain; else the fingerprint.
impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.label(), self.names()) {
            (Some(label), _) => f.write_str(label),
            (None, []) => write!(f, "{}", self.fingerprint()),
            (None, names) => f.write_str(&names.join(", ")),
        }
    }
}

/// Several lines: verdict and reason, who, what was presented and expected, what was considered, warnings,
/// and what to do.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason();
        let word = if self.is_accepted() {
            "accepted"
        } else {
            "refused"
        };
        write!(f, "{word}: ")?;
        match (&self.server, &self.dialled, self.role) {
            (Some(server), Some(name), _) => write!(f, "server {server} (dialled {name})")?,
            (Some(server), None, _) => write!(f, "server {server}")?,
            (None, Some(name), _) => write!(f, "server dialled as {name}")?,
            (None, None, Role::Server) => f.write_str("a server")?,
            (None, None, Role::Client) => f.write_str("a client")?,
        }
        write!(f, ": {} [{reason}, rule {}]", reason.meaning(), self.rule())?;
        if *self.detail() != Detail::None {
            write!(f, "\n  detail: {}", self.detail())?;
        }
        if let Some(presented) = self.presented {
            write!(f, "\n  presented: {presented}")?;
            if let Some(subject) = self.subject.as_deref().filter(|text| !text.is_empty()) {
                write!(f, " ({})", shown(subject))?;
            }
        }
        if let Some(entry) = &self.decided {
            write!(f, "\n  decided by: {}", entry.key())?;
            if let Some(label) = entry.options().label() {
                write!(f, " \"{label}\"")?;
            }
        }
        for item in &self.considered {
            match &item.entry {
                Some(key) => write!(f, "\n  considered: {key}: {}", item.reason)?,
                None => write!(
                    f,
                    "\n  considered: presented {}: {}",
                    item.fingerprint, item.reason
                )?,
            }
            if item.detail != Detail::None {
                write!(f, " ({})", item.detail)?;
            }
        }
        if self.considered.omitted() > 0 {
            write!(f, "\n  considered: {} more", self.considered.omitted())?;
        }
        for warning in &self.warnings {
            // M5: a name that a pin's certificate does not cover is nothing to act on.
            let kind = if *warning == VerdictWarning::NameNotCovered {
                "note"
            } else {
                "warning"
            };
            write!(f, "\n  {kind}: {warning}")?;
        }
        if !self.is_accepted() {
            write!(f, "\n  to do: {}", self.remedy())?;
        }
        Ok(())
    }
}
