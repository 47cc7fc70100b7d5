//! The certificate of an unknown peer, as an administrator sees it.

use core::fmt;

use crate::certificate::{Certificate, Fingerprint, KeyKind, Role, SanName, Validity};
use crate::limits::MAX_SHOWN_NAMES;
use crate::policy::ReasonCode;
use crate::store::Truncated;

/// The certificate of an unknown peer: everything that helps to recognise the peer, except the fingerprint.
///
/// It gives access to neither the fingerprint nor the certificate. To accept the peer, the administrator gives the
/// fingerprint that was read aloud at the peer, over another channel. If it were shown here, it would be copied from
/// here.
#[derive(Clone)]
pub struct PresentedCertificate {
    certificate: Certificate,
    role: Role,
    reason: ReasonCode,
    proved: bool,
}

impl PresentedCertificate {
    /// `proved` says whether the peer proved possession of the key (rule M2).
    pub(crate) fn new(
        certificate: Certificate,
        role: Role,
        reason: ReasonCode,
        proved: bool,
    ) -> Self {
        Self {
            certificate,
            role,
            reason,
            proved,
        }
    }

    /// The role of the peer.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The subject as one line of text, safe to show. The peer chose it.
    pub fn subject(&self) -> String {
        self.certificate.subject()
    }

    /// The issuer as one line of text, safe to show. The peer chose it.
    pub fn issuer(&self) -> String {
        self.certificate.issuer()
    }

    /// The subject alternative names, as `dns:…`, `ip:…`, `uri:…` or `email:…`: the first sixteen, the rest counted.
    /// The peer chose them.
    pub fn names(&self) -> Truncated<String> {
        let mut names = Truncated::default();
        let named = self.certificate.names();
        for name in named.filter(|name| *name != SanName::Other) {
            names.push_within(name.to_string(), MAX_SHOWN_NAMES);
        }
        names
    }

    /// The validity period.
    pub fn validity(&self) -> Validity {
        self.certificate.validity()
    }

    /// The kind and size of the public key.
    #[doc(hidden)]
    pub fn key_kind(&self) -> KeyKind {
        self.certificate.key_kind()
    }

    /// The reason of the verdict. It shows whether the peer is unknown or resembles a known one.
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// Whether the peer proved possession of the private key (rule M2). If not, it cannot be accepted.
    pub fn is_proved(&self) -> bool {
        self.proved
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.certificate.fingerprint()
    }
}

/// Several lines for an administrator.
impl fmt::Display for PresentedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: String| {
            if text.is_empty() {
                "(none)".into()
            } else {
                text
            }
        };
        writeln!(f, "subject: {}", or_none(self.subject()))?;
        writeln!(f, "issuer: {}", or_none(self.issuer()))?;
        let names = self.names();
        let more = match names.omitted() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = or_none(names.items().join(", "));
        writeln!(f, "names: {shown}{more}")?;
        writeln!(f, "valid: {}", self.validity())?;
        writeln!(f, "key: {}", self.certificate.key_name())?;
        write!(f, "verdict: {}: {}", self.reason, self.reason.meaning())
    }
}

/// The output never has the fingerprint.
impl fmt::Debug for PresentedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedCertificate")
            .field("role", &self.role)
            .field("subject", &self.subject())
            .field("reason", &self.reason)
            .field("proved", &self.proved)
            .finish_non_exhaustive()
    }
}
