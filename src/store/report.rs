//! What a change did (rule I9).

use core::fmt;

use super::{ClockState, CrlIssuer, EntryKey, ServerId, Truncated};
use crate::certificate::{CrlDeviation, Fingerprint, Timestamp};
use crate::limits::MAX_NAMESAKE_SIGNATURES;

/// What became of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A new entry, server, group, block or revocation list is there.
    Added,
    /// It was there already, or something newer is; nothing changed (rules I5 and C4).
    Unchanged,
    /// A pin of which only the fingerprint was known has its certificate now (rule M1).
    Completed,
    /// Something that was there is different now.
    Changed,
    /// Something is gone.
    Removed,
}

/// What is asked about a server, from the highest priority to the lowest (rules P2 and P4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TrustSource {
    /// The server's own pins.
    OwnPins,
    /// The pins of its group.
    GroupPins,
    /// It is claimed and holds no pin: everything is refused.
    NoUsablePin,
    /// The server's own authorities.
    OwnAuthorities,
    /// The authorities of any server.
    AnyServerAuthorities,
    /// Nothing is installed for it: everything is refused.
    Nothing,
}

impl fmt::Display for TrustSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnPins => "its own pins",
            Self::GroupPins => "the pins of its group",
            Self::NoUsablePin => "nothing (claimed, no pin left)",
            Self::OwnAuthorities => "its own authorities",
            Self::AnyServerAuthorities => "the authorities of any server",
            Self::Nothing => "nothing (not installed)",
        })
    }
}

/// A server about which another level is asked than before the change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustSourceChange {
    /// The server.
    pub server: ServerId,
    /// What was asked before.
    pub from: TrustSource,
    /// What is asked now.
    pub to: TrustSource,
    /// The server migrates, and `to` is asked if it presents no pin: a pin decides as before (rule P3).
    pub migrates: bool,
}

impl fmt::Display for TrustSourceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, from, to) = (&self.server, self.from, self.to);
        // P3: a pin that is presented decides as before.
        if self.migrates && matches!(from, TrustSource::OwnPins | TrustSource::GroupPins) {
            return write!(f, "server {server}: {from} as before, else {to}");
        }
        write!(f, "server {server}: {to} instead of {from}")
    }
}

/// Something that an administrator should know about a change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreWarning {
    /// The certificate has expired.
    #[non_exhaustive]
    Expired {
        /// `notAfter` in seconds since the epoch.
        not_after: i64,
    },
    /// The certificate is not valid yet.
    #[non_exhaustive]
    NotYetValid {
        /// `notBefore` in seconds since the epoch.
        not_before: i64,
    },
    /// The provider lacks the algorithm of a certificate's signature on itself (rule I4). The certificate is trusted
    /// because it is installed, for its bytes and its key; what a CA signs for others must be verifiable all the same.
    #[non_exhaustive]
    SelfSignatureUnsupported {
        /// The name of the algorithm, with its object identifier unless it is a usual one.
        algorithm: String,
    },
    /// The extended key usage is for another role and was waived (`any_role`).
    RoleWaived,
    /// `keyUsage` lacks digitalSignature, with which TLS handshakes are signed (rule M4).
    NoDigitalSignature,
    /// The pin is a CA certificate. As a pin it vouches for itself only (rule I3).
    PinIsCa,
    /// The CA constrains names of a form that is not processed: chains through it that have such names are refused.
    #[non_exhaustive]
    ConstraintForm {
        /// Names of which form.
        form: &'static str,
    },
    /// More CA certificates of this name are installed here than are tried for a certificate that names no key of its
    /// issuer: of those, the ones that end first may not be found (rule C5).
    #[non_exhaustive]
    ManyOfOneName {
        /// How many there are now.
        count: usize,
    },
    /// A server is claimed and no pin is left for it: everything that it presents is refused.
    #[non_exhaustive]
    NoUsablePin {
        /// The server.
        server: ServerId,
    },
    /// The entry came from a followed source, and goes when it vanishes there. To keep it whatever the source
    /// says, remove it and install it.
    #[non_exhaustive]
    Followed {
        /// The source.
        source: Box<str>,
    },
    /// A chain of certificates left this one out, since a pin would be exclusive (rule I1).
    #[non_exhaustive]
    LeftOut {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
    },
    /// The revocation list has expired: what it revokes stays revoked, and certificates that it does not name are
    /// refused until a newer one is installed (rule C4).
    #[non_exhaustive]
    CrlExpired {
        /// `nextUpdate` in seconds since the epoch.
        next_update: i64,
    },
    /// The revocation list is not valid yet and tells of no certificate until then that it is not revoked.
    #[non_exhaustive]
    CrlNotYetValid {
        /// `thisUpdate` in seconds since the epoch.
        this_update: i64,
    },
    /// Another revocation list of the same issuer and scope is there, and neither is told to be the newer one:
    /// both are asked.
    CrlBeside,
    /// The revocation list is older than another one of the same issuer and scope that was installed with it: it was
    /// left out, and the newer one is in force (rule C4).
    #[non_exhaustive]
    CrlSuperseded {
        /// The fingerprint of the newer list.
        by: Fingerprint,
    },
    /// The revocation list departs from RFC 5280 in something that changes nothing.
    CrlDeviates(CrlDeviation),
    /// No revocation list of a checked issuer is left: its certificates are refused in chains.
    #[non_exhaustive]
    NoCrlLeft {
        /// The issuer.
        issuer: CrlIssuer,
    },
    /// The clock is so far above the floor that it must be confirmed before a publication raises the floor to it
    /// (rule M7).
    ClockJumped(ClockState),
    /// The clock is so far below the floor that it does not count (rule M7).
    ClockBelowFloor(ClockState),
}

impl fmt::Display for StoreWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { not_after } => {
                write!(f, "the certificate expired at {}", Timestamp(*not_after))
            }
            Self::NotYetValid { not_before } => {
                write!(
                    f,
                    "the certificate is valid only from {} on",
                    Timestamp(*not_before)
                )
            }
            Self::SelfSignatureUnsupported { algorithm } => write!(
                f,
                "the certificate's signature on itself, made with {algorithm}, cannot be verified by this provider: compare its fingerprint with that of its owner"
            ),
            Self::RoleWaived => f.write_str("the extended key usage is for another role: waived"),
            Self::NoDigitalSignature => {
                f.write_str("keyUsage lacks digitalSignature, with which handshakes are signed")
            }
            Self::PinIsCa => f.write_str(
                "the certificate is a CA: as a pin it vouches for itself only, not for what it signs",
            ),
            Self::ConstraintForm { form } => write!(
                f,
                "the CA constrains {form}, which is not processed: chains below it with such names are refused"
            ),
            Self::ManyOfOneName { count } => write!(
                f,
                "{count} CA certificates of this name are installed here: of a certificate without authorityKeyIdentifier, {MAX_NAMESAKE_SIGNATURES} are tried as the issuer, those that last longest first"
            ),
            Self::NoUsablePin { server } => write!(
                f,
                "server {server} is claimed and holds no pin now: everything that it presents is refused"
            ),
            Self::Followed { source } => write!(
                f,
                "the entry came from the followed source {source} and goes when it vanishes there"
            ),
            Self::LeftOut { index } => write!(
                f,
                "certificate {index} of the bundle was left out: it is vouched for by its issuer, and a pin would be exclusive"
            ),
            Self::CrlExpired { next_update } => write!(
                f,
                "the revocation list expired at {}: install the current one",
                Timestamp(*next_update)
            ),
            Self::CrlNotYetValid { this_update } => write!(
                f,
                "the revocation list is valid only from {} on",
                Timestamp(*this_update)
            ),
            Self::CrlBeside => f.write_str(
                "another revocation list of this issuer and scope is there, and neither is the newer one: both are asked",
            ),
            Self::CrlSuperseded { by } => {
                f.write_str("the revocation list is older than ")?;
                by.identify(f)?;
                f.write_str(", which came with it: it was left out")
            }
            Self::CrlDeviates(deviation) => write!(
                f,
                "the revocation list is not as RFC 5280 has it: {deviation}"
            ),
            Self::NoCrlLeft { issuer } => write!(
                f,
                "no revocation list of {issuer} is left: its certificates are refused in chains until one is installed"
            ),
            Self::ClockJumped(state) | Self::ClockBelowFloor(state) => write!(f, "{state}"),
        }
    }
}

/// What a change of the store did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(super) done: Outcome,
    pub(super) generation: u64,
    pub(super) entries: Truncated<EntryKey>,
    pub(super) claims: Truncated<ServerId>,
    pub(super) checks: Truncated<CrlIssuer>,
    pub(super) shifts: Truncated<TrustSourceChange>,
    pub(super) still_held: Truncated<EntryKey>,
    pub(super) warnings: Truncated<StoreWarning>,
}

impl Report {
    pub(super) fn new(done: Outcome, generation: u64) -> Self {
        Self {
            done,
            generation,
            entries: Truncated::default(),
            claims: Truncated::default(),
            checks: Truncated::default(),
            shifts: Truncated::default(),
            still_held: Truncated::default(),
            warnings: Truncated::default(),
        }
    }

    /// What became of the call.
    pub fn done(&self) -> Outcome {
        self.done
    }

    /// The generation after the change.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The entries that were installed, updated or removed; those that a block hits, or that a revocation list
    /// revokes.
    pub fn entries(&self) -> &Truncated<EntryKey> {
        &self.entries
    }

    /// The servers that are claimed since this change: they must present a pin from now on.
    pub fn claims(&self) -> &Truncated<ServerId> {
        &self.claims
    }

    /// The issuers whose certificates are checked for revocation since this change.
    pub fn checks(&self) -> &Truncated<CrlIssuer> {
        &self.checks
    }

    /// Servers about which something of higher priority is asked now: what was asked before is shadowed.
    pub fn shadows(&self) -> impl Iterator<Item = &TrustSourceChange> {
        self.shifts
            .items()
            .iter()
            .filter(|shift| shift.to < shift.from)
    }

    /// Servers about which something of lower priority, or nothing, is asked now.
    pub fn exposes(&self) -> impl Iterator<Item = &TrustSourceChange> {
        self.shifts
            .items()
            .iter()
            .filter(|shift| shift.to > shift.from)
    }

    /// Every server about which another level is asked than before.
    pub fn shifts(&self) -> &Truncated<TrustSourceChange> {
        &self.shifts
    }

    /// Other entries that hold the certificate of a removed one, or its key.
    pub fn still_held(&self) -> &Truncated<EntryKey> {
        &self.still_held
    }

    /// What an administrator should know.
    pub fn warnings(&self) -> &Truncated<StoreWarning> {
        &self.warnings
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match self.done {
            Outcome::Added => "added",
            Outcome::Unchanged => "nothing changed: already there",
            Outcome::Completed => "completed",
            Outcome::Changed => "changed",
            Outcome::Removed => "removed",
        };
        write!(f, "{done} (generation {})", self.generation)?;
        list(f, "entry", &self.entries)?;
        list(f, "claims server", &self.claims)?;
        list(f, "checks the certificates of", &self.checks)?;
        list(f, "now asked of", &self.shifts)?;
        list(f, "still held by", &self.still_held)?;
        list(f, "warning", &self.warnings)
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: &Truncated<T>,
) -> fmt::Result {
    for item in items {
        write!(f, "\n  {title}: ")?;
        item.fmt(f)?;
    }
    if items.omitted() > 0 {
        write!(f, "\n  {title}: and {} more", items.omitted())?;
    }
    Ok(())
}
