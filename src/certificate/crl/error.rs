//! Errors of reading certificate revocation lists, and why some lists are not supported.

use thiserror::Error;

use crate::certificate::error::PemError;

/// Why bytes are not a certificate revocation list (RFC 5280 section 5).
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CrlError {
    /// The input is empty.
    #[error("the revocation list is empty: it has no bytes")]
    #[doc(hidden)]
    Empty,
    /// The list is too large.
    #[error("the revocation list has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLarge {
        /// Size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are not DER, or not a revocation list.
    #[error("malformed revocation list: {field} at byte {offset}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Malformed {
        /// The field that cannot be read.
        field: &'static str,
        /// Its offset in the DER.
        offset: usize,
    },
    /// Other bytes follow the list.
    #[error("{count} bytes follow the revocation list, which ends at byte {offset}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TrailingBytes {
        /// Offset of the end of the list.
        offset: usize,
        /// How many bytes follow.
        count: usize,
    },
    /// The list, or one of its entries, has the same extension twice (RFC 5280 section 4.2 forbids it).
    #[error("the revocation list has the extension {oid} twice: byte {offset} repeats it")]
    #[non_exhaustive]
    #[doc(hidden)]
    DuplicateExtension {
        /// Object identifier in dotted form.
        oid: String,
        /// Offset of the second one in the DER.
        offset: usize,
    },
    /// The list, or one of its entries, has too many extensions.
    #[error("the revocation list, or one of its entries, has more than {limit} extensions")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyExtensions {
        /// The limit.
        limit: usize,
    },
    /// A list of version 1 has extensions (RFC 5280 section 5.1.2.1).
    #[error("the revocation list has extensions, but is not of version 2")]
    #[doc(hidden)]
    ExtensionsNeedVersion2,
    /// The two fields for the signature algorithm, one signed and one not, differ (RFC 5280 section 5.1.1.2).
    #[error(
        "the revocation list states two different signature algorithms (signatureAlgorithm and signature)"
    )]
    #[doc(hidden)]
    SignatureAlgorithmMismatch,
    /// `nextUpdate` is earlier than `thisUpdate`.
    #[error("the revocation list's nextUpdate is before its thisUpdate")]
    #[doc(hidden)]
    UpdatesReversed,
    /// The PEM around the lists is damaged, or contains something else.
    #[error(transparent)]
    #[doc(hidden)]
    Pem(#[from] PemError),
    /// One section of a PEM file is not a valid list.
    #[error("the revocation list in section {} (line {line}) cannot be read", .index.saturating_add(1))]
    #[non_exhaustive]
    #[doc(hidden)]
    Section {
        /// Position of the section in the file, from 0.
        index: usize,
        /// Line of its `BEGIN` boundary, from 1.
        line: usize,
        /// What is wrong with the list.
        source: Box<CrlError>,
    },
    /// The file has several lists where one is expected.
    #[error("the file has {found} revocation lists, exactly one is expected")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotOne {
        /// The number of lists.
        found: usize,
    },
}

/// Why a revocation list that can be read is of an unsupported kind and cannot be installed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[doc(hidden)]
pub enum UnsupportedCrl {
    /// It also lists certificates of other issuers (RFC 5280 section 5.2.5). Their entries cannot be told apart here.
    #[error("it is an indirect list: have each CA publish its own")]
    Indirect,
    /// It only lists the changes since another list (RFC 5280 section 5.2.4).
    #[error("it is a delta list: install the complete one")]
    Delta,
    /// It lists attribute certificates, which TLS does not use.
    #[error("it is about attribute certificates only")]
    AttributeCertificates,
    /// Its distribution point is named relative to its issuer (RFC 5280 section 5.2.5).
    #[error("its distribution point is named relative to the issuer, which is not supported")]
    RelativeDistributionPoint,
    /// It removes an entry. Only delta lists can (RFC 5280 section 5.3.1).
    #[error("it removes an entry (removeFromCRL), which a complete list cannot do")]
    TakesBack,
    /// It has no `nextUpdate`, so it would never expire. RFC 5280 section 5.1.2.5 requires the field.
    #[error("it does not say when the next list is due (nextUpdate)")]
    NoNextUpdate,
    /// It has a critical extension that is not known here.
    #[error("its critical extension {oid} is not supported")]
    #[non_exhaustive]
    CriticalExtension {
        /// The object identifier in dotted form.
        oid: String,
    },
    /// One of its entries has a critical extension that is not known here.
    #[error("the critical extension {oid} in one of its entries is not supported")]
    #[non_exhaustive]
    CriticalEntryExtension {
        /// The object identifier in dotted form.
        oid: String,
    },
}
