//! What one installed certificate is, and for whom.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use pki_types::UnixTime;

use super::{GroupId, SanPattern, ServerId};
use crate::certificate::{Certificate, Fingerprint, HostName, KeyPin, Role, breaks_a_line};
use crate::error::StoreError;
use crate::limits::{MAX_GRACE, MAX_LABEL_BYTES, MAX_SAN_PATTERNS};

/// As what a certificate is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further slot would change what every match on it means for trust"
)]
pub enum Slot {
    /// A certificate that the peer itself must present. It never vouches for another one (rule I3).
    Pin,
    /// A CA certificate in which a presented chain may end.
    Authority,
    /// A CA certificate that completes chains which peers send incomplete. It ends none.
    Intermediate,
}

/// For whom an entry counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further scope would change what every match on it means for trust"
)]
pub enum Scope {
    /// One server: pins and authorities.
    Server(ServerId),
    /// The members of a group: pins.
    Group(GroupId),
    /// Servers that hold no authority of their own: authorities.
    AnyServer,
    /// Clients: pins and authorities.
    Clients,
    /// Every chain: intermediates.
    Everyone,
}

impl Scope {
    /// The role of the peers for whom the entry counts; `None` for intermediates.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Server(_) | Self::Group(_) | Self::AnyServer => Some(Role::Server),
            Self::Clients => Some(Role::Client),
            Self::Everyone => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(id) => write!(f, "server {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::AnyServer => f.write_str("any server"),
            Self::Clients => f.write_str("clients"),
            Self::Everyone => f.write_str("all chains"),
        }
    }
}

/// For whom a pin is installed. There is no pin for any server: a pin says whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinScope {
    /// One server.
    Server(ServerId),
    /// The server that has this name; if none has, one is made whose id is the name's text.
    Name(HostName),
    /// All members of a group, present and future.
    Group(GroupId),
    /// Clients, seen from a key server.
    Clients,
}

/// For whom an authority is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorityScope {
    /// One server.
    Server(ServerId),
    /// The server that has this name; if none has, one is made whose id is the name's text.
    Name(HostName),
    /// Servers that hold no authority of their own and are not claimed by a pin.
    AnyServer,
    /// Clients, seen from a key server.
    Clients,
}

/// What names one entry: slot, scope and fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct EntryKey {
    /// For whom.
    pub scope: Scope,
    /// As what.
    pub slot: Slot,
    /// Which certificate.
    pub fingerprint: Fingerprint,
}

impl EntryKey {
    /// The key of an entry.
    pub const fn new(slot: Slot, scope: Scope, fingerprint: Fingerprint) -> Self {
        Self {
            scope,
            slot,
            fingerprint,
        }
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = match self.slot {
            Slot::Pin => "pin",
            Slot::Authority => "authority",
            Slot::Intermediate => "intermediate",
        };
        write!(f, "{slot} {} for {}", self.fingerprint, self.scope)
    }
}

/// How a pin is compared with what a peer presents (rule M1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further way to match would change what every match on it means for trust"
)]
pub enum Matching {
    /// The whole certificate, byte for byte. The default: what the administrator saw is what is accepted.
    #[default]
    Certificate,
    /// Any certificate with the same public key, so that a peer can renew without being installed again. All
    /// conditions must then hold for the installed certificate and for the presented one.
    PublicKey,
}

/// What happens when a pin's certificate has expired (rule M3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValidityRule {
    /// It is refused. The default: an administrator chose the end, or the tool did.
    #[default]
    Enforce,
    /// It is accepted for this long after `notAfter`, with a warning. At most one year.
    Grace(Duration),
}

/// Options of an entry. Each applies to some slots only; the store refuses it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryOptions {
    label: Option<Box<str>>,
    matching: Matching,
    validity: Option<ValidityRule>,
    any_role: bool,
    ends: Option<UnixTime>,
    san_patterns: Box<[SanPattern]>,
}

impl EntryOptions {
    /// No label, whole-certificate match, the policy's validity rule, no waiver, no end, no patterns.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of text for people and for authorisation, at most 128 bytes.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into().into_boxed_str());
        self
    }

    /// Pins: how the presented certificate is compared.
    #[must_use]
    pub fn matching(mut self, matching: Matching) -> Self {
        self.matching = matching;
        self
    }

    /// Pins: what happens after `notAfter`, instead of what the policy says.
    #[must_use]
    pub fn validity(mut self, rule: ValidityRule) -> Self {
        self.validity = Some(rule);
        self
    }

    /// Pins: waives the extended key usage, for the one certificate that a system has for everything (rule I6).
    #[must_use]
    pub fn any_role(mut self) -> Self {
        self.any_role = true;
        self
    }

    /// The moment from which on the entry accepts nothing, whatever its certificate says.
    #[must_use]
    pub fn ends(mut self, end: UnixTime) -> Self {
        self.ends = Some(end);
        self
    }

    /// Authorities for clients: one of these patterns must match a name of the client's certificate (rule P7).
    #[must_use]
    pub fn san_patterns(mut self, patterns: impl IntoIterator<Item = SanPattern>) -> Self {
        let mut patterns: Vec<_> = patterns.into_iter().collect();
        patterns.sort();
        patterns.dedup();
        self.san_patterns = patterns.into_boxed_slice();
        self
    }

    /// The label, if there is one.
    pub fn get_label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// How the pin is compared.
    pub fn get_matching(&self) -> Matching {
        self.matching
    }

    /// The entry's own validity rule, if it has one.
    pub fn get_validity(&self) -> Option<ValidityRule> {
        self.validity
    }

    /// Whether the extended key usage is waived.
    pub fn is_any_role(&self) -> bool {
        self.any_role
    }

    /// The moment from which on the entry accepts nothing.
    pub fn get_ends(&self) -> Option<UnixTime> {
        self.ends
    }

    /// The patterns of a client authority.
    pub fn get_san_patterns(&self) -> &[SanPattern] {
        &self.san_patterns
    }

    /// Refuses options that the slot and scope do not have, and values out of bounds.
    pub(super) fn check(&self, slot: Slot, scope: &Scope, bare: bool) -> Result<(), StoreError> {
        let not_here = |option| Err(StoreError::OptionNotHere { option });
        if let Some(label) = &self.label
            && (label.len() > MAX_LABEL_BYTES || label.chars().any(breaks_a_line))
        {
            return Err(StoreError::Label {
                limit: MAX_LABEL_BYTES,
            });
        }
        if slot != Slot::Pin {
            if self.matching != Matching::Certificate {
                return not_here("public-key match");
            }
            if self.validity.is_some() {
                return not_here("a validity rule");
            }
            if self.any_role {
                return not_here("any_role");
            }
        }
        if bare && self.matching == Matching::PublicKey {
            return not_here("public-key match (the key is not known from a fingerprint)");
        }
        if let Some(ValidityRule::Grace(grace)) = self.validity {
            check_grace(grace)?;
        }
        if !self.san_patterns.is_empty() && (slot, scope) != (Slot::Authority, &Scope::Clients) {
            return not_here("a SAN pattern");
        }
        if self.san_patterns.len() > MAX_SAN_PATTERNS {
            return Err(StoreError::TooManyPatterns {
                count: self.san_patterns.len(),
                limit: MAX_SAN_PATTERNS,
            });
        }
        Ok(())
    }
}

fn check_grace(grace: Duration) -> Result<(), StoreError> {
    if grace > MAX_GRACE {
        return Err(StoreError::GraceTooLong {
            limit: MAX_GRACE.as_secs() / (24 * 60 * 60),
        });
    }
    Ok(())
}

/// One installed certificate, or just its fingerprint, with its slot, scope and options.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) key: EntryKey,
    pub(super) certificate: Option<Certificate>,
    pub(super) options: EntryOptions,
    pub(super) installed: Option<UnixTime>,
    pub(super) installed_by: Option<Arc<str>>,
    pub(super) source: Option<Arc<str>>,
    pub(super) disabled: Option<Box<Disabled>>,
}

/// Why an entry accepts nothing although it is held. Boxed, since almost none is.
#[derive(Clone, Debug, Default)]
pub(super) struct Disabled {
    /// What the administrator said who disabled it.
    pub(super) by_call: Option<Box<str>>,
    /// Why this version, its key policy or its provider does not take it (rule I8). Judged at each loading.
    pub(super) at_loading: Option<Box<str>>,
    /// The bytes of its certificate, if this version cannot read them.
    pub(super) unread: Option<Box<[u8]>>,
}

impl Entry {
    pub(super) fn holds_key(&self, key: KeyPin) -> bool {
        let certificate = self.certificate.as_ref();
        certificate.is_some_and(|certificate| certificate.key_pin() == key)
    }

    pub(super) fn matches_by_key(&self) -> bool {
        self.key.slot == Slot::Pin && self.options.matching == Matching::PublicKey
    }

    /// Slot, scope and fingerprint.
    pub fn key(&self) -> &EntryKey {
        &self.key
    }

    /// The certificate; `None` while only the fingerprint of a pin is installed.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The options.
    pub fn options(&self) -> &EntryOptions {
        &self.options
    }

    /// When it was installed; `None` if the clock was unset then.
    pub fn installed(&self) -> Option<UnixTime> {
        self.installed
    }

    /// On whose behalf it was installed or completed ([`act_as`](super::TrustStore::act_as)); `None` if nobody
    /// was named.
    pub fn installed_by(&self) -> Option<&str> {
        self.installed_by.as_deref()
    }

    /// The followed source that it came from; `None` if an administrator installed it. It goes when it vanishes
    /// from that source.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Why the entry accepts nothing although it is held; `None` if it is enabled. An administrator
    /// disabled it, or this version does not take what an earlier one had installed (rule I8).
    pub fn disabled(&self) -> Option<&str> {
        let disabled = self.disabled.as_deref()?;
        disabled
            .by_call
            .as_deref()
            .or(disabled.at_loading.as_deref())
    }

    /// What the administrator said who disabled it.
    pub(crate) fn disabled_by_call(&self) -> Option<&str> {
        self.disabled.as_deref()?.by_call.as_deref()
    }

    /// The bytes of a certificate that this version cannot read.
    pub(crate) fn unread(&self) -> Option<&[u8]> {
        self.disabled.as_deref()?.unread.as_deref()
    }
}
