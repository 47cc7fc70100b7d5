//! Errors of reading certificate revocation lists, and why one that was read does not count.

use thiserror::Error;

use crate::certificate::error::PemError;

/// Why bytes are not a certificate revocation list (RFC 5280 section 5).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CrlError {
    /// There are no bytes.
    #[error("the revocation list is empty of bytes")]
    Empty,
    /// More bytes than the limit.
    #[error("the revocation list has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not DER, or not a revocation list.
    #[error("malformed revocation list: {field} at byte {offset}")]
    #[non_exhaustive]
    Malformed {
        /// What could not be read.
        field: &'static str,
        /// Where in the DER.
        offset: usize,
    },
    /// There are bytes behind the list.
    #[error("{count} bytes follow the revocation list, which ends at byte {offset}")]
    #[non_exhaustive]
    TrailingBytes {
        /// Where the list ends.
        offset: usize,
        /// How many bytes follow.
        count: usize,
    },
    /// One extension stands twice (RFC 5280 section 4.2 forbids it).
    #[error("the extension {oid} of the revocation list stands twice, again at byte {offset}")]
    #[non_exhaustive]
    DuplicateExtension {
        /// Object identifier in dotted form.
        oid: String,
        /// Where the second one is.
        offset: usize,
    },
    /// More extensions than the limit, in the list or in one of its entries.
    #[error("the revocation list has more than {limit} extensions in one place")]
    #[non_exhaustive]
    TooManyExtensions {
        /// The limit.
        limit: usize,
    },
    /// Extensions in a list of version 1 (RFC 5280 section 5.1.2.1).
    #[error("the revocation list has extensions but is not of version 2")]
    ExtensionsNeedVersion2,
    /// The signed and the unsigned statement of the signature algorithm differ (RFC 5280 section 5.1.1.2).
    #[error("the signature algorithm inside the revocation list is not the one outside")]
    SignatureAlgorithmMismatch,
    /// `nextUpdate` is earlier than `thisUpdate`.
    #[error("the revocation list's next update is before its own")]
    UpdatesReversed,
    /// The PEM around the lists is damaged, or holds something else.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// One section of a PEM file is not a good list.
    #[error("section {index} (line {line}) is not a good revocation list")]
    #[non_exhaustive]
    Section {
        /// Number of the section, from 0.
        index: usize,
        /// Line of its first boundary, from 1.
        line: usize,
        /// What is wrong with it.
        source: Box<CrlError>,
    },
    /// One list was asked for.
    #[error("the file holds {found} revocation lists where exactly one is wanted")]
    #[non_exhaustive]
    NotOne {
        /// How many there are.
        found: usize,
    },
}

/// Why a revocation list that can be read is of a kind that is not installed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CrlRefusal {
    /// It lists certificates of other issuers too (RFC 5280 section 5.2.5), which nobody here can tell apart.
    #[error("it is an indirect list: have each CA publish its own")]
    Indirect,
    /// It lists changes since another list only (RFC 5280 section 5.2.4).
    #[error("it is a delta list: install the complete one")]
    Delta,
    /// It lists attribute certificates, which TLS has not.
    #[error("it is about attribute certificates only")]
    AttributeCertificates,
    /// Its distribution point is named relative to its issuer (RFC 5280 section 5.2.5).
    #[error("its distribution point is named relative to the issuer, which is not read")]
    RelativeDistributionPoint,
    /// It takes an entry back, which only delta lists do (RFC 5280 section 5.3.1).
    #[error("it takes an entry back (removeFromCRL), which a complete list cannot")]
    TakesBack,
    /// It does not say when the next one comes, which RFC 5280 section 5.1.2.5 demands: it would never expire.
    #[error("it does not say when the next one comes (nextUpdate)")]
    NoNextUpdate,
    /// A critical extension that is not understood.
    #[error("its critical extension {oid} is not understood")]
    #[non_exhaustive]
    CriticalExtension {
        /// The object identifier in dotted form.
        oid: String,
    },
    /// A critical extension in an entry that is not understood.
    #[error("the critical extension {oid} in one of its entries is not understood")]
    #[non_exhaustive]
    CriticalEntryExtension {
        /// The object identifier in dotted form.
        oid: String,
    },
}
