//! A verdict as data, and as a text that an operator can act on.

use std::borrow::Cow;
use std::sync::Arc;

use super::decide::Accepted;
use super::{Considered, Detail, ReasonCode};
use crate::certificate::{Certificate, Fingerprint, HostName, Role};
use crate::limits::MAX_CONSIDERED;
use crate::store::{Bounded, ClockState, Entry, EntryKey, ServerId, Slot};

/// Something that an operator should know although, or because, the verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerdictWarning {
    /// The clock does not count: ends were judged at the floor, beginnings not at all (rule M7).
    ClockUnset(ClockState),
    /// The clock counts and is far above the floor: what has ended by it may be valid, if the clock is wrong (rule M7).
    ClockJumped(ClockState),
    /// The pin's certificate has expired and lives on its grace (rule M3).
    #[non_exhaustive]
    InGrace {
        /// `notAfter` in seconds since the epoch.
        not_after: i64,
    },
    /// A revocation list has expired and lives on its grace (rule C4).
    #[non_exhaustive]
    CrlInGrace {
        /// `nextUpdate` in seconds since the epoch.
        next_update: i64,
    },
    /// The server migrates, and an authority vouched for what it presented (rule P3).
    #[non_exhaustive]
    Migrating {
        /// The end of the migration in seconds since the epoch.
        until: i64,
    },
    /// The dialled name belongs to no server (rule P6).
    UnlistedName,
    /// The certificate does not cover the dialled name. The pin's scope vouches for it (rule M5).
    NameNotCovered,
    /// `keyUsage` of the end entity lacks digitalSignature (rules M4 and C1).
    NoDigitalSignature,
    /// The extended key usage is for another role and was waived for the pin (rule I6).
    RoleWaived,
    /// A certificate of the chain breaks RFC 5280 in a way that harms nobody (rule C1).
    #[non_exhaustive]
    Profile {
        /// The name of the rule, of [`ChainProfile::rules`](super::ChainProfile::rules).
        rule: &'static str,
        /// The certificate.
        fingerprint: Fingerprint,
    },
    /// The provider cannot verify the signature of a self-signed certificate that was matched by its
    /// fingerprint (rule I4).
    SelfSignatureUnsupported,
}

/// Who an accepted peer is, for authorisation (rule P7).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PeerIdentity {
    /// A pin says whose certificate it is.
    #[non_exhaustive]
    Pin {
        /// The fingerprint of what was presented.
        fingerprint: Fingerprint,
        /// The entry's label.
        label: Option<String>,
    },
    /// A chain was verified. The authority by itself identifies nobody: authorise by the names, which it
    /// vouches for, or by the fingerprint.
    #[non_exhaustive]
    Chain {
        /// The fingerprint of the end entity's certificate.
        fingerprint: Fingerprint,
        /// Its subject alternative names, as `dns:…`, `ip:…`, `uri:…` or `email:…`; if the authority has
        /// patterns, only those that match one. Never the common name. A name has no comma: it stands there as `\u{2c}`.
        names: Vec<String>,
    },
}

impl PeerIdentity {
    /// The fingerprint of what the peer presented.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Pin { fingerprint, .. } | Self::Chain { fingerprint, .. } => *fingerprint,
        }
    }

    /// The label of the pin that decided; `None` for a chain, and for a pin without label.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Pin { label, .. } => label.as_deref(),
            Self::Chain { .. } => None,
        }
    }

    /// The names that the authority vouches for; none for a pin.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Pin { .. } => &[],
            Self::Chain { names, .. } => names,
        }
    }
}

/// Whether a peer may be trusted, by which entry, and why.
///
/// An accepted verdict is made by [`decide`](super::decide()) alone. In TLS it counts only once the handshake
/// signature has verified.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub(super) outcome: Result<Accepted, (ReasonCode, Detail)>,
    pub(super) role: Role,
    pub(super) generation: u64,
    pub(super) server: Option<ServerId>,
    pub(super) dialled: Option<HostName>,
    pub(super) presented: Option<Fingerprint>,
    pub(super) subject: Option<String>,
    pub(super) decided: Option<Arc<Entry>>,
    pub(super) considered: Bounded<Considered>,
    pub(super) warnings: Vec<VerdictWarning>,
    /// The remedy, if it was told before the values that it rests on were hidden.
    pub(super) remedy: Option<Cow<'static, str>>,
}

impl Verdict {
    /// Whether the peer may be trusted.
    pub fn is_accepted(&self) -> bool {
        self.outcome.is_ok()
    }

    /// The acceptance, with who the peer is.
    pub fn accepted(&self) -> Option<&Accepted> {
        self.outcome.as_ref().ok()
    }

    /// Who the peer is, for authorisation, if it may be trusted.
    pub fn peer(&self) -> Option<PeerIdentity> {
        self.accepted().map(Accepted::peer)
    }

    /// The reason code.
    pub fn reason(&self) -> ReasonCode {
        match &self.outcome {
            Ok(accepted) => accepted.reason(),
            Err((reason, _)) => *reason,
        }
    }

    /// The values behind the reason.
    pub fn detail(&self) -> &Detail {
        match &self.outcome {
            Ok(_) => &Detail::None,
            Err((_, detail)) => detail,
        }
    }

    /// The role of the peer.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The generation of the view that was asked.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The server that the peer had to be, if that is known.
    pub fn server(&self) -> Option<&ServerId> {
        self.server.as_ref()
    }

    /// The name that was dialled, if that is known.
    pub fn dialled(&self) -> Option<&HostName> {
        self.dialled.as_ref()
    }

    /// The fingerprint of what the peer presented; `None` if that was over the limits.
    pub fn presented(&self) -> Option<Fingerprint> {
        self.presented
    }

    /// The entry that decided: the pin that matched, or the authority in which the chain ends. A refusal has
    /// one if a pin matched and could not be used.
    pub fn decided_by(&self) -> Option<&Entry> {
        self.decided.as_deref()
    }

    /// What was considered and fell away: at most 16 in full, the rest counted.
    pub fn considered(&self) -> &Bounded<Considered> {
        &self.considered
    }

    /// The fingerprints of the pins of which the peer should have presented one, as far as they are listed in
    /// [`considered`](Self::considered).
    pub fn expected(&self) -> impl Iterator<Item = Fingerprint> {
        let is_pin = |key: &EntryKey| key.slot == Slot::Pin;
        let items = self.considered.items().iter();
        let pins = items.filter(move |item| item.entry.as_ref().is_some_and(is_pin));
        pins.map(|item| item.fingerprint)
    }

    /// What an operator should know besides.
    pub fn warnings(&self) -> &[VerdictWarning] {
        &self.warnings
    }

    pub(super) fn consider(&mut self, considered: Considered) {
        self.considered.push_within(considered, MAX_CONSIDERED);
    }

    fn refused(role: Role, reason: ReasonCode, why: String) -> Self {
        Self {
            outcome: Err((reason, Detail::Text(why))),
            role,
            generation: 0,
            server: None,
            dialled: None,
            presented: None,
            subject: None,
            decided: None,
            considered: Bounded::default(),
            warnings: Vec::new(),
            remedy: None,
        }
    }

    /// The refusal of a peer that was accepted and then did not prove possession of its key (rule M2). There
    /// is no way back from it.
    pub(crate) fn without_possession(role: Role, end_entity: &[u8], why: String) -> Self {
        let certificate = Certificate::from_der(end_entity).ok();
        Self {
            presented: Some(Fingerprint::over(end_entity)),
            subject: certificate.map(|certificate| certificate.subject()),
            ..Self::refused(role, ReasonCode::HandshakeSignatureInvalid, why)
        }
    }

    /// The same, about the server and by the view of an earlier verdict on this connection.
    pub(crate) fn after(mut self, earlier: &Self) -> Self {
        self.generation = earlier.generation;
        self.server.clone_from(&earlier.server);
        self.dialled.clone_from(&earlier.dialled);
        self
    }

    /// The same without the fingerprint of what was presented, which whoever decides about it must hear over
    /// another channel and not read here first. A pin that was refused stays: it was compared when it was installed.
    #[cfg(feature = "enrol")]
    pub(crate) fn without_fingerprint(mut self) -> Self {
        let remedy = self.remedy();
        let Some(presented) = self.presented.take() else {
            return self;
        };
        self.remedy = Some(remedy);
        self.considered.retain(|item| item.fingerprint != presented);
        // As the entry of another server, or as a block.
        if let Err((_, detail)) = &mut self.outcome {
            let shown = detail.to_string();
            let hidden = shown.replace(&presented.to_string(), "(its fingerprint)");
            if hidden != shown {
                *detail = Detail::Text(hidden);
            }
        }
        self
    }

    /// The refusal of a connection whose peer has not proved anything yet.
    pub(crate) fn unfinished(is_server: bool, generation: u64) -> Self {
        let role = if is_server {
            Role::Server
        } else {
            Role::Client
        };
        let why = String::from("there is no peer certificate yet");
        let refused = Self::refused(role, ReasonCode::HandshakeNotFinished, why);
        Self {
            generation,
            ..refused
        }
    }

    /// The refusal of a name that cannot be one of a server's.
    pub(crate) fn unlisted(end_entity: &[u8], generation: u64, why: String) -> Self {
        Self {
            generation,
            presented: Some(Fingerprint::over(end_entity)),
            ..Self::refused(Role::Server, ReasonCode::UnlistedName, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Which names rustls reads and this library does not depends on the version of its types: today none.
    #[test]
    fn a_name_of_no_server_is_refused_with_what_was_presented_and_the_view() {
        let verdict = Verdict::unlisted(b"end entity", 7, String::from("why"));
        assert_eq!(verdict.reason(), ReasonCode::UnlistedName);
        assert_eq!(verdict.generation(), 7);
        assert_eq!(verdict.presented(), Some(Fingerprint::over(b"end entity")));
        assert!(matches!(verdict.detail(), Detail::Text(text) if text == "why"));
    }

    #[test]
    fn without_its_fingerprint_a_verdict_shows_it_nowhere_and_keeps_the_rest() {
        let [presented, held] = [1, 2].map(|byte| Fingerprint::from_bytes([byte; 32]));
        let mut verdict = Verdict {
            presented: Some(presented),
            ..Verdict::refused(Role::Client, ReasonCode::Blocked, format!("{presented}!"))
        };
        for fingerprint in [held, presented] {
            verdict.consider(Considered {
                fingerprint,
                entry: None,
                reason: ReasonCode::Expired,
                detail: Detail::None,
            });
        }
        let hidden = verdict.without_fingerprint();
        assert_eq!(hidden.presented, None);
        let considered = hidden.considered();
        assert_eq!((considered.items().len(), considered.len()), (1, 2));
        assert!(
            considered
                .items()
                .iter()
                .all(|item| item.fingerprint == held)
        );
        assert!(matches!(hidden.detail(), Detail::Text(text) if text == "(its fingerprint)!"));
    }
}
