//! Warnings about a change (rule I9).

use core::fmt;

use super::clock_state::ClockState;
use super::crl_issuer::CrlIssuer;
use super::entry_key::EntryKey;
use super::ids::ServerId;
use crate::certificate::{CrlDeviation, Fingerprint, Timestamp};
use crate::limits::MAX_SAME_SUBJECT_SIGNATURES;

/// Something that an administrator should know about a change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreWarning {
    /// The certificate has expired.
    #[non_exhaustive]
    #[doc(hidden)]
    Expired {
        /// `notAfter`.
        not_after: Timestamp,
    },
    /// The certificate is not valid yet.
    #[non_exhaustive]
    #[doc(hidden)]
    NotYetValid {
        /// `notBefore`.
        not_before: Timestamp,
    },
    /// The provider lacks the algorithm of a certificate's signature on itself (rule I4). The certificate is trusted
    /// because it is installed, for its bytes and its key. The certificates that a CA signs must still be verifiable.
    #[non_exhaustive]
    #[doc(hidden)]
    SelfSignatureUnsupported {
        /// The name of the algorithm. Unusual ones have their object identifier as well.
        algorithm: String,
    },
    /// The extended key usage is for another role and was waived (`any_role`).
    #[doc(hidden)]
    RoleWaived,
    /// `keyUsage` lacks digitalSignature, with which TLS handshakes are signed (rule M4).
    #[doc(hidden)]
    NoDigitalSignature,
    /// The pin is a CA certificate. As a pin it vouches for itself only (rule I3).
    #[doc(hidden)]
    PinIsCa,
    /// The certificate is a pin of another server or group as well. Two servers have the same certificate only if they are
    /// replicas of each other.
    #[non_exhaustive]
    #[doc(hidden)]
    PinOfAnother {
        /// The other entry.
        held: Box<EntryKey>,
    },
    /// The certificate names hosts, and none of them is a name of the server. Many appliances have such certificates, so
    /// this is a note. The pin accepts the certificate all the same (rule M5).
    #[doc(hidden)]
    PinNamesAnother,
    /// The server or group has more pins than the present and the next one. Each of them is accepted.
    #[non_exhaustive]
    #[doc(hidden)]
    ManyPins {
        /// How many there are now.
        count: usize,
    },
    /// The CA constrains names of a form that is not processed. Chains through it that have such names are refused.
    #[non_exhaustive]
    #[doc(hidden)]
    ConstraintForm {
        /// The form of the names.
        form: &'static str,
    },
    /// More CA certificates of this name are installed than are tried for a certificate without an
    /// authorityKeyIdentifier. For such certificates, the CA certificates that end first may not be found (rule C5).
    #[non_exhaustive]
    #[doc(hidden)]
    ManyOfOneName {
        /// How many there are now.
        count: usize,
    },
    /// A server is claimed and has no pin left. Everything that it presents is refused.
    #[non_exhaustive]
    #[doc(hidden)]
    NoUsablePin {
        /// The server.
        server: ServerId,
    },
    /// A server migrates, and no authority is installed that could accept it: nothing but its pins is accepted (rule P3).
    #[non_exhaustive]
    #[doc(hidden)]
    NoAuthority {
        /// The server.
        server: ServerId,
    },
    /// The entry came from a followed source and is removed when the source no longer has it. To keep it in any case,
    /// remove it and install it again.
    #[non_exhaustive]
    #[doc(hidden)]
    Followed {
        /// The source.
        source: Box<str>,
    },
    /// The removed entry came from a followed source and is installed again as long as the source has it. To keep it out,
    /// remove it from the source or block it.
    #[non_exhaustive]
    #[doc(hidden)]
    RemovedFollowed {
        /// The source.
        source: Box<str>,
    },
    /// This certificate of a bundle was left out: its issuer vouches for it, and a pin would exclude every other
    /// certificate (rule I1).
    #[non_exhaustive]
    #[doc(hidden)]
    LeftOut {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
    },
    /// The revocation list has expired. What it revokes stays revoked. Certificates that it does not name are refused
    /// until a newer list is installed (rule C4).
    #[non_exhaustive]
    #[doc(hidden)]
    CrlExpired {
        /// `nextUpdate`.
        next_update: Timestamp,
    },
    /// The revocation list is not valid yet. Until then it proves for no certificate that it is not revoked.
    #[non_exhaustive]
    #[doc(hidden)]
    CrlNotYetValid {
        /// `thisUpdate`.
        this_update: Timestamp,
    },
    /// Another revocation list of the same issuer and scope is installed, and their numbers and dates disagree about
    /// which is newer. Both are used.
    #[doc(hidden)]
    CrlBeside,
    /// The revocation list was left out: a newer list of the same issuer and scope was installed in the same call and
    /// is in force (rule C4).
    #[non_exhaustive]
    #[doc(hidden)]
    CrlSuperseded {
        /// The fingerprint of the newer list.
        by: Fingerprint,
    },
    /// The revocation list deviates from RFC 5280 in a way that does not affect its meaning.
    #[doc(hidden)]
    CrlDeviates(CrlDeviation),
    /// A checked issuer has no revocation list left. Its certificates are refused in chains.
    #[non_exhaustive]
    #[doc(hidden)]
    NoCrlLeft {
        /// The issuer.
        issuer: CrlIssuer,
    },
    /// An issuer is not checked any more. What its lists revoke is accepted again.
    #[non_exhaustive]
    #[doc(hidden)]
    ChecksStopped {
        /// The issuer.
        issuer: CrlIssuer,
        /// How many certificates its lists revoke.
        revoked: usize,
    },
    /// The block names a key, and no held entry has that key: the value is the fingerprint of a held certificate. The block
    /// does not hit that certificate.
    #[non_exhaustive]
    #[doc(hidden)]
    BlockedKeyIsFingerprint {
        /// The entry of the certificate.
        held: Box<EntryKey>,
    },
    /// The block names the fingerprint of a certificate, and no held entry has that certificate: the value is the key pin of
    /// a held certificate. The block does not hit that certificate.
    #[non_exhaustive]
    #[doc(hidden)]
    BlockedFingerprintIsKey {
        /// The entry of the certificate.
        held: Box<EntryKey>,
    },
    /// The clock is so far above the floor that a publication does not raise the floor until the clock is confirmed
    /// (rule M7).
    #[doc(hidden)]
    ClockJumped(ClockState),
    /// The clock is so far below the floor that it does not count (rule M7).
    #[doc(hidden)]
    ClockBelowFloor(ClockState),
}

impl fmt::Display for StoreWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { not_after } => {
                write!(f, "the certificate expired at {}", not_after)
            }
            Self::NotYetValid { not_before } => {
                write!(
                    f,
                    "the certificate is valid only from {} on",
                    not_before
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
            Self::PinOfAnother { held } => {
                f.write_str("the certificate is also that of another server, ")?;
                held.fmt(f)?;
                f.write_str(": check that both servers present it")
            }
            Self::PinNamesAnother => f.write_str(
                "the certificate names other hosts than this server, as those of many appliances do: compare its fingerprint with that of this server",
            ),
            Self::ManyPins { count } => write!(
                f,
                "{count} pins are installed here now, and each of them is accepted: another replacement may be waiting; remove those that are not needed"
            ),
            Self::ConstraintForm { form } => write!(
                f,
                "the CA constrains {form}, which is not processed: chains below it with such names are refused"
            ),
            Self::ManyOfOneName { count } => write!(
                f,
                "{count} CA certificates of this name are installed here: of a certificate without authorityKeyIdentifier, {MAX_SAME_SUBJECT_SIGNATURES} are tried as the issuer, those that last longest first"
            ),
            Self::NoUsablePin { server } => write!(
                f,
                "server {server} is claimed and holds no pin now: everything that it presents is refused"
            ),
            Self::NoAuthority { server } => write!(
                f,
                "server {server} migrates and has no authority: only its pins are accepted; install the CA for it, or for any server"
            ),
            Self::Followed { source } => write!(
                f,
                "the entry came from the followed source {source} and goes when it vanishes there"
            ),
            Self::RemovedFollowed { source } => write!(
                f,
                "the entry came from the followed source {source} and is installed again as long as the source has it: remove it there, or block it"
            ),
            Self::LeftOut { index } => write!(
                f,
                "certificate {index} of the bundle was left out: it is vouched for by its issuer, and a pin would be exclusive"
            ),
            Self::CrlExpired { next_update } => write!(
                f,
                "the revocation list expired at {}: install the current one",
                next_update
            ),
            Self::CrlNotYetValid { this_update } => write!(
                f,
                "the revocation list is valid only from {} on",
                this_update
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
            Self::ChecksStopped { issuer, revoked } => write!(
                f,
                "{issuer} is not checked any more: what its revocation lists revoke ({revoked}) is accepted again"
            ),
            Self::BlockedKeyIsFingerprint { held } => {
                f.write_str("no held entry has this key: the value is the fingerprint of a held certificate, which is not blocked, ")?;
                held.fmt(f)?;
                f.write_str(": block it by its fingerprint or its file")
            }
            Self::BlockedFingerprintIsKey { held } => {
                f.write_str("no held entry has this certificate: the value is the key pin of a held certificate, which is not blocked, ")?;
                held.fmt(f)?;
                f.write_str(": block it by its key pin or its file")
            }
            Self::ClockJumped(state) | Self::ClockBelowFloor(state) => write!(f, "{state}"),
        }
    }
}
