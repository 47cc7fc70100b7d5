//! Items that end, and the peers that depend on them.

use core::fmt;

use super::timeline::About;
use crate::admin::Peer;
use crate::certificate::{Certificate, Fingerprint, breaks_a_line};
use crate::identity::CertificateChain;
use crate::limits::MAX_LABEL_BYTES;
use crate::store::{CrlIssuer, EntryKey, GroupId, ServerId, Truncated};

/// An item that begins or ends by itself.
///
/// Print it to show it. The variants are no interface: match with `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ExpiringItem {
    /// The certificate of an entry.
    #[doc(hidden)]
    Certificate(EntryKey),
    /// The end that was set for an entry.
    #[doc(hidden)]
    EntryEnd(EntryKey),
    /// The migration of a server. After its end the server must present a pin again (rule P3).
    #[doc(hidden)]
    Migration(ServerId),
    /// A certificate that peers presented and that is not installed: an end entity, or an intermediate.
    #[doc(hidden)]
    Presented(Fingerprint),
    /// A revocation list. After its end it no longer proves that a certificate is not revoked (rule C4).
    #[non_exhaustive]
    #[doc(hidden)]
    Crl {
        /// The issuer.
        issuer: CrlIssuer,
        /// The fingerprint of the list.
        fingerprint: Fingerprint,
    },
    /// A certificate that we present ourselves.
    #[non_exhaustive]
    #[doc(hidden)]
    Own {
        /// The caller's name for the identity.
        name: String,
        /// The fingerprint of the certificate.
        fingerprint: Fingerprint,
    },
    /// The clock, which is too far below the floor to count (rule M7).
    #[doc(hidden)]
    Clock,
}

impl ExpiringItem {
    pub(super) fn of(about: About<'_>) -> Self {
        match about {
            About::Certificate(entry) => Self::Certificate(entry.key()),
            About::EntryEnd(entry) => Self::EntryEnd(entry.key()),
            About::Migration(server) => Self::Migration(server.id().clone()),
            About::Presented(_, _, fingerprint) => Self::Presented(fingerprint),
            About::Crl(list) => Self::Crl {
                issuer: list.issuer().clone(),
                fingerprint: list.crl().fingerprint(),
            },
        }
    }
}

/// With a short fingerprint; `{:#}` has the whole one.
impl fmt::Display for ExpiringItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(key) => key.fmt(f),
            Self::EntryEnd(key) => {
                f.write_str("the end set for ")?;
                key.fmt(f)
            }
            Self::Migration(server) => write!(f, "the migration of server {server}"),
            Self::Presented(fingerprint) => {
                f.write_str("presented certificate ")?;
                fingerprint.identify(f)
            }
            Self::Crl {
                issuer,
                fingerprint,
            } => {
                f.write_str("revocation list ")?;
                fingerprint.identify(f)?;
                write!(f, " of {}", issuer.name())
            }
            Self::Own { name, fingerprint } => {
                f.write_str("our own certificate ")?;
                fingerprint.identify(f)?;
                write!(f, " ({name})")
            }
            Self::Clock => f.write_str("the clock"),
        }
    }
}

/// The peers that depend on an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct Dependents {
    /// Servers about which it decides, or that present it.
    pub servers: Truncated<ServerId>,
    /// The servers among these that no installed entry could accept after the end.
    pub left_with_nothing: Truncated<ServerId>,
    /// The group whose members share it.
    pub group: Option<GroupId>,
    /// Whether it is installed for clients.
    pub clients: bool,
    /// Other peers that present it, whose chain it completed, or whose chain its issuer is in.
    pub peers: Truncated<Peer>,
    /// Whether unknown peers may depend on it: it is used in chains, and peers that were not seen may present such a
    /// chain.
    pub others_not_known: bool,
}

impl fmt::Display for Dependents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(group) = &self.group {
            parts.push(format!("group {group}"));
        }
        if self.clients {
            parts.push(String::from("clients"));
        }
        let shown = self.servers.items().iter().take(4);
        parts.extend(shown.map(|server| format!("server {server}")));
        let more = self.servers.len().saturating_sub(4);
        if more > 0 {
            parts.push(format!("{more} more servers"));
        }
        if !self.peers.is_empty() {
            parts.push(format!("{} other peers", self.peers.len()));
        }
        if parts.is_empty() {
            let others = if self.others_not_known {
                "not known"
            } else {
                "none"
            };
            parts.push(String::from(others));
        }
        f.write_str(&parts.join(", "))?;
        match self.left_with_nothing.len() {
            0 => Ok(()),
            count => write!(f, "; {count} would be left with nothing"),
        }
    }
}

/// Our own certificates, with a name for the report.
#[derive(Clone, Debug)]
pub struct OwnCertificates {
    pub(super) name: String,
    pub(super) certificates: Vec<Certificate>,
}

/// One line of at most 128 bytes.
pub(in crate::admin) fn one_line(text: &str) -> String {
    let mut kept = String::new();
    for letter in text.chars().filter(|letter| !breaks_a_line(*letter)) {
        if kept.len().saturating_add(letter.len_utf8()) > MAX_LABEL_BYTES {
            break;
        }
        kept.push(letter);
    }
    kept
}

impl OwnCertificates {
    /// The certificates of an identity. The name is one line of at most 128 bytes. A longer name is cut, and line
    /// breaks are removed.
    pub fn new(name: &str, chain: &CertificateChain) -> Self {
        Self {
            name: one_line(name),
            certificates: chain.certificates().cloned().collect(),
        }
    }
}
