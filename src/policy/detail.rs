//! The values behind the reasons of a verdict, as data.

use super::ReasonCode;
use crate::certificate::{CrlNumber, Fingerprint, KeyKind, KeyRefusal, RevocationReason};
use crate::store::{BlockSelector, ClockState, Entry, EntryKey};

/// The values behind a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// There are none.
    None,
    /// A limit in time and the moment at which it was judged, both in seconds since 1970-01-01T00:00:00Z.
    #[non_exhaustive]
    Time {
        /// The beginning or end that was not kept.
        limit: i64,
        /// The time, or the floor while the clock is unset.
        judged_at: i64,
    },
    /// The clock, which does not count, and the floor.
    Clock(ClockState),
    /// The block that hit.
    Block(BlockSelector),
    /// The key that is not allowed.
    Key(KeyRefusal),
    /// An object identifier in dotted form.
    Oid(String),
    /// The entry that stands in the way.
    Entry(EntryKey),
    /// A signature that cannot be verified.
    #[non_exhaustive]
    Signature {
        /// The certificate that carries it.
        certificate: Fingerprint,
        /// Its subject, safe to show.
        subject: String,
        /// The name of the signature algorithm, with its object identifier if it is no usual one.
        algorithm: String,
        /// The kind of the issuer's key.
        key: KeyKind,
        /// Whether the crypto provider `aws-lc-rs` verifies it.
        aws_lc_rs: bool,
    },
    /// The pin whose key signed what was presented.
    #[non_exhaustive]
    IssuedByPin {
        /// The pin.
        entry: EntryKey,
        /// Why its certificate cannot be installed as an authority (rule I2); `None` if it can.
        no_authority: Option<&'static str>,
    },
    /// What stands in the way in a certificate of the chain.
    #[non_exhaustive]
    Certificate {
        /// The certificate.
        certificate: Fingerprint,
        /// Its subject, safe to show.
        subject: String,
        /// What it is, with the object identifier of an extension.
        what: String,
    },
    /// A number and its limit.
    #[non_exhaustive]
    Limit {
        /// The number found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Names that were wanted and names that the certificate has, at most 16 of each.
    #[non_exhaustive]
    Names {
        /// Wanted.
        wanted: Vec<String>,
        /// Presented.
        presented: Vec<String>,
    },
    /// What a revocation list says of a certificate.
    #[non_exhaustive]
    Revoked {
        /// The certificate.
        certificate: Fingerprint,
        /// Its serial number's content bytes.
        serial: Box<[u8]>,
        /// When it was revoked, in seconds since 1970-01-01T00:00:00Z.
        date: i64,
        /// Why it was revoked.
        why: RevocationReason,
        /// The list.
        crl: Fingerprint,
        /// Its number, if it has one.
        number: Option<CrlNumber>,
    },
    /// A certificate of which no current revocation list tells.
    #[non_exhaustive]
    NotCovered {
        /// The certificate.
        certificate: Fingerprint,
        /// The name of its issuer, safe to show.
        issuer: Box<str>,
        /// How many lists of the issuer are installed.
        lists: usize,
        /// If there are such that would tell but have expired, when the last of them did, in seconds since
        /// 1970-01-01T00:00:00Z.
        last_end: Option<i64>,
        /// If there are such that would tell but are not valid yet, when the first of them is, in seconds since
        /// 1970-01-01T00:00:00Z.
        not_yet: Option<i64>,
        /// How many are about other certificates of the issuer: another distribution point or kind.
        elsewhere: usize,
        /// The time at which they were judged, in seconds since 1970-01-01T00:00:00Z.
        judged_at: i64,
    },
    /// A sentence.
    Text(String),
}

/// One installed or presented certificate that was considered, and why it fell away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Considered {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The entry that holds it; `None` if the peer presented it.
    pub entry: Option<EntryKey>,
    /// Why it fell away.
    pub reason: ReasonCode,
    /// The values behind the reason.
    pub detail: Detail,
}

impl Considered {
    pub(super) fn entry(entry: &Entry, reason: ReasonCode, detail: Detail) -> Self {
        Self {
            fingerprint: entry.fingerprint(),
            entry: Some(entry.key()),
            reason,
            detail,
        }
    }
}
