//! Options of an entry.

use core::time::Duration;

use pki_types::UnixTime;

use super::{SanPattern, Scope, Slot};
use crate::certificate::breaks_a_line;
use crate::certificate::sorted::sort_by;
use crate::limits::{MAX_GRACE, MAX_LABEL_BYTES, MAX_SAN_PATTERNS};
use crate::store::error::StoreError;

/// How a pin is compared with what a peer presents (rule M1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a further way to match would change what every match on it means for trust"
)]
pub enum PinMatch {
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
    /// It is refused. The default: the administrator or the tool chose the end.
    #[default]
    Enforce,
    /// It is accepted for this time after `notAfter`, with a warning. At most one year.
    Grace(Duration),
}

/// Options of an entry. Each option applies to some slots only. The store refuses it in other slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryOptions {
    label: Option<Box<str>>,
    matching: PinMatch,
    validity: Option<ValidityRule>,
    any_role: bool,
    ends: Option<UnixTime>,
    /// Never empty.
    san_patterns: Option<Box<[SanPattern]>>,
}

impl EntryOptions {
    /// No label, whole-certificate match, the policy's validity rule, no waiver, no end, no patterns.
    pub const fn new() -> Self {
        Self {
            label: None,
            matching: PinMatch::Certificate,
            validity: None,
            any_role: false,
            ends: None,
            san_patterns: None,
        }
    }

    /// A line of text for people and for authorisation, not blank, at most 128 bytes.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into().into_boxed_str());
        self
    }

    /// Pins: how the presented certificate is compared.
    #[must_use]
    pub fn with_matching(mut self, matching: PinMatch) -> Self {
        self.matching = matching;
        self
    }

    /// Pins: the validity rule, instead of the policy's rule.
    #[must_use]
    pub fn with_validity(mut self, rule: ValidityRule) -> Self {
        self.validity = Some(rule);
        self
    }

    /// Pins: ignores the extended key usage, for a system that has one certificate for all purposes (rule I6).
    #[must_use]
    pub fn with_any_role(mut self) -> Self {
        self.any_role = true;
        self
    }

    /// The time from which the entry accepts nothing, even if its certificate is valid longer.
    #[must_use]
    pub fn with_end(mut self, end: UnixTime) -> Self {
        self.ends = Some(end);
        self
    }

    /// Authorities for clients: one of these patterns must match a name of the client's certificate (rule P7).
    #[must_use]
    pub fn with_san_patterns(mut self, patterns: impl IntoIterator<Item = SanPattern>) -> Self {
        let mut patterns: Vec<_> = patterns.into_iter().collect();
        sort_by(&mut patterns, SanPattern::cmp);
        patterns.dedup();
        self.san_patterns = (!patterns.is_empty()).then(|| patterns.into_boxed_slice());
        self
    }

    /// The label, if there is one.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// How the pin is compared.
    pub fn matching(&self) -> PinMatch {
        self.matching
    }

    /// The entry's own validity rule, if it has one.
    pub fn validity(&self) -> Option<ValidityRule> {
        self.validity
    }

    /// Whether the extended key usage is waived.
    pub fn is_any_role(&self) -> bool {
        self.any_role
    }

    /// The time from which the entry accepts nothing.
    pub fn end(&self) -> Option<UnixTime> {
        self.ends
    }

    /// The patterns of a client authority.
    pub fn san_patterns(&self) -> &[SanPattern] {
        self.san_patterns.as_deref().unwrap_or(&[])
    }

    /// Refuses options that the slot and scope do not have, and values out of bounds.
    pub(super) fn check(
        &self,
        slot: Slot,
        scope: &Scope,
        only_fingerprint: bool,
    ) -> Result<(), StoreError> {
        // The label of a pin is the name of its client.
        if self.label().is_some_and(|label| label.trim().is_empty()) {
            return Err(StoreError::Label {
                limit: MAX_LABEL_BYTES,
            });
        }
        self.check_loaded(slot, scope, only_fingerprint)
    }

    /// The same for options that were stored. An earlier version took empty labels, and their peers are not locked out.
    pub(super) fn check_loaded(
        &self,
        slot: Slot,
        scope: &Scope,
        only_fingerprint: bool,
    ) -> Result<(), StoreError> {
        let not_here = |option| Err(StoreError::OptionNotHere { option });
        if let Some(label) = &self.label
            && (label.len() > MAX_LABEL_BYTES || label.chars().any(breaks_a_line))
        {
            return Err(StoreError::Label {
                limit: MAX_LABEL_BYTES,
            });
        }
        if slot != Slot::Pin {
            if self.matching != PinMatch::Certificate {
                return not_here("public-key match");
            }
            if self.validity.is_some() {
                return not_here("a validity rule");
            }
            if self.any_role {
                return not_here("any_role");
            }
        }
        if only_fingerprint && self.matching == PinMatch::PublicKey {
            return not_here("public-key match (the key is not known from a fingerprint)");
        }
        if let Some(ValidityRule::Grace(grace)) = self.validity {
            check_grace(grace)?;
        }
        if self.san_patterns.is_some() && (slot, scope) != (Slot::Authority, &Scope::Clients) {
            return not_here("a SAN pattern");
        }
        let count = self.san_patterns().len();
        if count > MAX_SAN_PATTERNS {
            return Err(StoreError::TooManyPatterns {
                count,
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
