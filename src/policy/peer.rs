//! Who an accepted peer is.

use crate::certificate::{Certificate, Fingerprint, SanName};

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
    /// A chain was verified. The authority by itself identifies no peer: authorise by the names, for which it vouches, or
    /// by the fingerprint.
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

/// The subject alternative names of a certificate that are kept.
pub(super) fn names_of(
    certificate: &Certificate,
    keep: impl Fn(&SanName<'_>) -> bool,
) -> impl Iterator<Item = String> {
    let named = certificate.names().filter(|name| *name != SanName::Other);
    named.filter(keep).map(SanName::to_text)
}
