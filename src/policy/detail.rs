//! The values behind the reasons of a verdict, as data. Fields that only make up a text are hidden from the interface.

use super::ReasonCode;
use crate::certificate::{
    CrlNumber, Fingerprint, KeyKind, KeyRefusal, RevocationReason, Timestamp,
};
use crate::store::{BlockSelector, ClockState, Entry, EntryKey};

/// The values behind a reason.
///
/// Print it to show them. The variants are no interface: match with `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// There are none.
    #[doc(hidden)]
    None,
    /// A limit in time, and the time at which it was judged.
    #[non_exhaustive]
    #[doc(hidden)]
    Time {
        /// The beginning that has not come, or the end that has passed.
        limit: Timestamp,
        /// The time, or the floor while the clock is unset.
        judged_at: Timestamp,
    },
    /// The clock, which does not count, and the floor.
    #[doc(hidden)]
    Clock(ClockState),
    /// The block that hit.
    #[doc(hidden)]
    Block(BlockSelector),
    /// The key that is not allowed.
    #[doc(hidden)]
    Key(KeyRefusal),
    /// An object identifier in dotted form.
    #[doc(hidden)]
    Oid(String),
    /// The entry that stands in the way.
    #[doc(hidden)]
    Entry(EntryKey),
    /// A signature that cannot be verified.
    #[non_exhaustive]
    #[doc(hidden)]
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
        #[doc(hidden)]
        aws_lc_rs: bool,
    },
    /// The pin whose key signed what was presented.
    #[non_exhaustive]
    #[doc(hidden)]
    IssuedByPin {
        /// The pin.
        entry: EntryKey,
        /// Why its certificate cannot be installed as an authority (rule I2); `None` if it can.
        #[doc(hidden)]
        no_authority: Option<&'static str>,
    },
    /// What stands in the way in a certificate of the chain.
    #[non_exhaustive]
    #[doc(hidden)]
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
    #[doc(hidden)]
    Limit {
        /// The number found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Names that were wanted and names that the certificate has, at most 16 of each.
    #[non_exhaustive]
    #[doc(hidden)]
    Names {
        /// Wanted.
        wanted: Vec<String>,
        /// Presented.
        presented: Vec<String>,
    },
    /// What a revocation list says of a certificate.
    #[non_exhaustive]
    #[doc(hidden)]
    Revoked {
        /// The certificate.
        certificate: Fingerprint,
        /// Its serial number's content bytes.
        serial: Box<[u8]>,
        /// When it was revoked.
        date: Timestamp,
        /// Why it was revoked.
        why: RevocationReason,
        /// The list.
        crl: Fingerprint,
        /// Its number, if it has one.
        number: Option<CrlNumber>,
    },
    /// A certificate that no current revocation list covers.
    #[non_exhaustive]
    #[doc(hidden)]
    NotCovered {
        /// The certificate.
        certificate: Fingerprint,
        /// The name of its issuer, safe to show.
        issuer: Box<str>,
        /// How many lists of the issuer are installed.
        #[doc(hidden)]
        lists: usize,
        /// The latest `nextUpdate` of the lists that cover the certificate and have expired.
        #[doc(hidden)]
        last_end: Option<Timestamp>,
        /// The earliest `thisUpdate` of the lists that cover the certificate and are not valid yet.
        #[doc(hidden)]
        not_yet: Option<Timestamp>,
        /// How many of them cover other certificates of the issuer: of another distribution point or kind.
        #[doc(hidden)]
        elsewhere: usize,
        /// The time at which they were judged.
        #[doc(hidden)]
        judged_at: Timestamp,
    },
    /// A sentence.
    #[doc(hidden)]
    Text(String),
}

/// Why something was rejected: the code, with the values behind it.
pub(super) type Rejection = (ReasonCode, Detail);

/// One installed or presented certificate that was considered, and why it was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Considered {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The entry that holds it; `None` if the peer presented it.
    pub entry: Option<EntryKey>,
    /// Why it was rejected.
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
