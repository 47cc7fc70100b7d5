//! A verdict as data.

use std::borrow::Cow;

use super::decide::{Acceptance, Yes};
use super::judged::Denial;
use super::{Considered, Detail, PeerIdentity, ReasonCode, VerdictWarning};
use crate::certificate::{Certificate, Fingerprint, HostName, Role};
use crate::store::{Entry, EntryKey, ServerId, Slot, Truncated};

/// Whether a peer may be trusted, by which entry, and why.
///
/// [`into_result`](Self::into_result) is the usual way to act on it. An accepted verdict is made by
/// [`decide`](super::decide()) alone. In TLS it counts only once the handshake signature has verified.
#[derive(Clone, Debug)]
#[must_use = "a verdict that is not read refuses no peer: use `into_result` or `is_accepted`"]
pub struct Verdict {
    pub(super) outcome: Result<Acceptance<'static>, Denial>,
    pub(super) role: Role,
    pub(super) generation: u64,
    pub(super) server: Option<ServerId>,
    pub(super) dialled: Option<HostName>,
    pub(super) presented: Option<Fingerprint>,
    pub(super) subject: Option<String>,
    pub(super) considered: Truncated<Considered>,
    pub(super) warnings: Vec<VerdictWarning>,
    /// The remedy, if it was made before the values on which it rests were hidden.
    pub(super) remedy: Option<Cow<'static, str>>,
}

impl Verdict {
    /// Whether the peer may be trusted.
    pub fn is_accepted(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Who the peer is, for authorisation, if it may be trusted.
    pub fn peer(&self) -> Option<PeerIdentity> {
        self.outcome.as_ref().ok().map(Acceptance::peer)
    }

    /// The verified path from the end entity to the authority, both included; empty for a pin and for a refusal.
    pub fn path(&self) -> &[Certificate] {
        self.outcome.as_ref().map_or(&[], Acceptance::path)
    }

    /// As an answer: itself only if it is a refusal.
    pub(super) fn short(self) -> Result<Yes, Box<Self>> {
        match &self.outcome {
            Ok(acceptance) => Ok(acceptance.given()),
            Err(_) => Err(Box::new(self)),
        }
    }

    /// The reason code.
    pub fn reason(&self) -> ReasonCode {
        match &self.outcome {
            Ok(acceptance) => acceptance.reason(),
            Err(denial) => denial.rejection.0,
        }
    }

    /// The values behind the reason.
    pub fn detail(&self) -> &Detail {
        match &self.outcome {
            Ok(_) => &Detail::None,
            Err(denial) => &denial.rejection.1,
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
        match &self.outcome {
            Ok(acceptance) => Some(acceptance.by()),
            Err(denial) => denial.pin.as_deref(),
        }
    }

    /// What was considered and rejected: at most 16 in full, the rest counted.
    pub fn considered(&self) -> &Truncated<Considered> {
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

    /// What an operator should know beside the reason.
    pub fn warnings(&self) -> &[VerdictWarning] {
        &self.warnings
    }

    fn refused(role: Role, reason: ReasonCode, why: String) -> Self {
        Self {
            outcome: Err(Denial {
                rejection: (reason, Detail::Text(why)),
                pin: None,
            }),
            role,
            generation: 0,
            server: None,
            dialled: None,
            presented: None,
            subject: None,
            considered: Truncated::default(),
            warnings: Vec::new(),
            remedy: None,
        }
    }

    /// The refusal of a peer that was accepted and then did not prove possession of its key (rule M2). It is final.
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

    /// The same without the fingerprint of what was presented: an administrator who decides about the peer must hear
    /// it over another channel, not read it here first. A pin that was refused stays: it was compared at installation.
    #[cfg(any(test, feature = "enrol"))]
    pub(crate) fn without_fingerprint(mut self) -> Self {
        let remedy = self.remedy();
        let Some(presented) = self.presented.take() else {
            return self;
        };
        self.remedy = Some(remedy);
        self.considered.retain(|item| item.fingerprint != presented);
        // As the entry of another server, or as a block.
        if let Err(denial) = &mut self.outcome {
            let detail = &mut denial.rejection.1;
            let shown = detail.to_string();
            let mut hidden = shown.clone();
            for form in [presented.to_string(), presented.short().to_string()] {
                hidden = hidden.replace(&form, "(its fingerprint)");
            }
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
    use super::super::judged::consider;
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
            consider(
                &mut verdict.considered,
                Considered {
                    fingerprint,
                    entry: None,
                    reason: ReasonCode::Expired,
                    detail: Detail::None,
                },
            );
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
