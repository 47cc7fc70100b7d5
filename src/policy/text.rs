//! Verdicts as text. It is made here, at the edge; everything before it is data.
//!
//! A fingerprint that only identifies is short, and `{:#}` shows it in full. What is compared with another channel, or copied
//! to undo something, is always in full.

use core::fmt;

use super::short;
use super::{ChainProfile, Detail, PeerIdentity, ReasonCode, Verdict, VerdictWarning};
use crate::certificate::{Fingerprint, Role, shown};

/// With short fingerprints; `{:#}` has them in full. A block is always in full: `unblock` needs its selector.
impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "texts") {
            return short::detail(self, f);
        }
        match self {
            Self::None => Ok(()),
            Self::Time { limit, judged_at } => {
                write!(f, "limit {}, judged at {}", limit, judged_at)
            }
            Self::Clock(state) => f.write_str(&state.times()),
            Self::Block(selector) => write!(f, "block on {selector:#}"),
            Self::Key(refusal) => write!(f, "{refusal}"),
            Self::Oid(oid) => write!(f, "extension {oid}"),
            Self::Entry(key) => key.fmt(f),
            Self::Signature {
                certificate,
                subject,
                algorithm,
                key,
                aws_lc_rs: _,
            } => {
                named(f, certificate, subject)?;
                write!(f, " is signed with {algorithm}, by a key of the kind {key}")
            }
            Self::IssuedByPin {
                entry,
                no_authority,
            } => {
                entry.fmt(f)?;
                match no_authority {
                    Some(why) => write!(f, ", which cannot be an authority: {why}"),
                    None => Ok(()),
                }
            }
            Self::Certificate {
                certificate,
                subject,
                what,
            } => {
                named(f, certificate, subject)?;
                write!(f, ": {what}")
            }
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
                f.write_str("certificate ")?;
                certificate.identify(f)?;
                f.write_str(" with serial number ")?;
                serial.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
                write!(f, " was revoked at {date} ({why}), by list ")?;
                crl.identify(f)?;
                match number {
                    Some(number) => write!(f, ", number {number}"),
                    None => Ok(()),
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
                f.write_str("certificate ")?;
                certificate.identify(f)?;
                write!(f, " of {issuer}: ")?;
                match (lists, last_end, not_yet) {
                    (0, ..) => f.write_str("no list of this issuer is installed"),
                    (_, Some(end), _) => write!(f, "the last list expired at {}", end),
                    (_, None, Some(begin)) => write!(
                        f,
                        "its list is valid only from {begin} on, judged at {judged_at}"
                    ),
                    (1, ..) if *elsewhere == 1 => f.write_str(
                        "the installed list is for another distribution point or kind of certificate",
                    ),
                    (lists, ..) if elsewhere == lists => write!(
                        f,
                        "the {lists} installed lists are for other distribution points or kinds of certificate"
                    ),
                    (lists, ..) => write!(f, "none of the {lists} installed lists covers it"),
                }
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A certificate by its short fingerprint and its subject.
fn named(f: &mut fmt::Formatter<'_>, certificate: &Fingerprint, subject: &str) -> fmt::Result {
    f.write_str("certificate ")?;
    certificate.identify(f)?;
    write!(f, " ({subject})")
}

/// With short fingerprints; `{:#}` has them in full.
impl fmt::Display for VerdictWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "texts") {
            return short::warning(self, f);
        }
        match self {
            Self::ClockUnset(state) => write!(f, "{state}"),
            Self::ClockJumped(state) => write!(
                f,
                "{state}; compare the clock with another one before anything is renewed"
            ),
            Self::InGrace { not_after } => write!(
                f,
                "the certificate expired at {} and is in its grace: renew it",
                not_after
            ),
            Self::CrlInGrace { next_update } => write!(
                f,
                "a revocation list expired at {} and is in its grace: install the current one",
                next_update
            ),
            Self::Migrating { until } => write!(
                f,
                "the server migrates until {}: an authority decided, not a pin",
                until
            ),
            Self::UnlistedName => f.write_str("the dialled name belongs to no server"),
            Self::NameNotCovered => {
                f.write_str("the certificate does not cover the dialled name; its pin does")
            }
            Self::NoDigitalSignature => f.write_str("keyUsage lacks digitalSignature"),
            Self::RoleWaived => {
                f.write_str("the extended key usage is for another role, which the pin waives")
            }
            Self::Profile { rule, fingerprint } => {
                let demand = ChainProfile::rules()
                    .iter()
                    .find(|known| known.name() == *rule);
                let demand = demand.map_or("", |known| known.demand());
                f.write_str("certificate ")?;
                fingerprint.identify(f)?;
                write!(f, " breaks RFC 5280 ({rule}), which asks: {demand}")
            }
            Self::SelfSignatureUnsupported => {
                f.write_str("the crypto provider cannot verify the certificate's own signature")
            }
        }
    }
}

/// The label of a pin, or the names of a chain; without them, the whole fingerprint.
impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.label(), self.names()) {
            (Some(label), _) => f.write_str(label),
            (None, []) => write!(f, "{}", self.fingerprint()),
            (None, names) => f.write_str(&names.join(", ")),
        }
    }
}

/// Several lines: verdict and reason, the peer, what was presented and expected, what was considered, warnings, and what to
/// do.
///
/// Fingerprints that only identify are [short](Fingerprint::short). In full are those that an administrator compares or
/// copies: what an [unknown peer](ReasonCode::is_unknown_peer) presented, the pins that it should have presented, and
/// the selector of a block. `format!("{verdict:#}")` shows all in full.
///
/// Without the feature `texts` it is one line of stable codes and values.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !cfg!(feature = "texts") {
            return short::verdict(self, f);
        }
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
            f.write_str("\n  detail: ")?;
            self.detail().fmt(f)?;
        }
        if let Some(presented) = self.presented {
            f.write_str("\n  presented: ")?;
            if reason.is_unknown_peer() {
                presented.fmt(f)?;
            } else {
                presented.identify(f)?;
            }
            if let Some(subject) = self.subject.as_deref().filter(|text| !text.is_empty()) {
                write!(f, " ({})", shown(subject))?;
            }
        }
        if let Some(entry) = self.decided_by() {
            f.write_str("\n  decided by: ")?;
            entry.key().fmt(f)?;
            if let Some(label) = entry.options().label() {
                write!(f, " \"{label}\"")?;
            }
        }
        for item in &self.considered {
            f.write_str("\n  considered: ")?;
            match &item.entry {
                Some(key) if expects_pin(reason) => write!(f, "{key:#}")?,
                Some(key) => key.fmt(f)?,
                None => {
                    f.write_str("presented ")?;
                    item.fingerprint.identify(f)?;
                }
            }
            write!(f, ": {}", item.reason)?;
            if item.detail != Detail::None {
                f.write_str(" (")?;
                item.detail.fmt(f)?;
                f.write_str(")")?;
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
            write!(f, "\n  {kind}: ")?;
            warning.fmt(f)?;
        }
        if !self.is_accepted() {
            write!(f, "\n  to do: {}", self.remedy())?;
        }
        Ok(())
    }
}

/// Whether what was presented is compared with the pins that were expected.
fn expects_pin(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::PinDoesNotMatch
            | ReasonCode::RenewedWithSameKey
            | ReasonCode::SameSubjectOtherKey
    )
}
