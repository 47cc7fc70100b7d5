//! Errors of reading certificates, PEM, fingerprints and names.

use thiserror::Error;

pub use super::causes::with_causes;
pub use super::crl::error::{CrlError, UnsupportedCrl};
pub use super::format_error::{FingerprintError, OtherFormat};
pub use super::setting::SettingError;

/// Why bytes are not a certificate that this crate reads.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The input is empty.
    #[error("the certificate is empty")]
    #[doc(hidden)]
    Empty,
    /// The certificate is larger than any that a peer can present.
    #[error("the certificate has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLarge {
        /// Size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are not DER, or not a certificate.
    #[error("malformed certificate: {field}{}", at(*offset))]
    #[non_exhaustive]
    #[doc(hidden)]
    Malformed {
        /// The field that cannot be read.
        field: &'static str,
        /// Its offset in the DER, if there is one place to point at.
        offset: Option<usize>,
    },
    /// The input is something else: a container of certificates, a key, a list.
    #[error("not a certificate but {found}")]
    #[non_exhaustive]
    #[doc(hidden)]
    OtherFormat {
        /// The format.
        found: OtherFormat,
    },
    /// Other bytes follow the certificate.
    #[error("{count} bytes follow the certificate, which ends at byte {offset}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TrailingBytes {
        /// Offset of the end of the certificate.
        offset: usize,
        /// How many bytes follow.
        count: usize,
    },
    /// The certificate has the same extension twice (RFC 5280 section 4.2 forbids it).
    #[error("the certificate has the extension {oid} twice: extension {index} (from 0) repeats it")]
    #[non_exhaustive]
    #[doc(hidden)]
    DuplicateExtension {
        /// Object identifier in dotted form.
        oid: String,
        /// Position of the second one among the extensions, from 0.
        index: usize,
    },
    /// A certificate of version 1 or 2 has extensions (RFC 5280 section 4.1.2.9).
    #[error("the certificate has extensions, but is not of version 3")]
    #[doc(hidden)]
    ExtensionsNeedVersion3,
    /// The certificate has too many extensions.
    #[error("the certificate has {count} extensions, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyExtensions {
        /// The number found.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The certificate has too many subject alternative names.
    #[error("the certificate has {count} subject alternative names, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyNames {
        /// The number found.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The two fields for the signature algorithm, one signed and one not, differ (RFC 5280 section 4.1.1.2).
    #[error(
        "the certificate states two different signature algorithms (signatureAlgorithm and signature)"
    )]
    #[doc(hidden)]
    SignatureAlgorithmMismatch,
    /// `notBefore` is later than `notAfter`.
    #[error("the certificate's validity ends before it begins")]
    #[doc(hidden)]
    ValidityReversed,
    /// The PEM around the certificates is damaged.
    #[error(transparent)]
    #[doc(hidden)]
    Pem(#[from] PemError),
    /// A file of certificates contains a private key.
    #[error(
        "section {} (line {line}) is a private key: remove it, since certificate files are passed on to others",
        .index.saturating_add(1)
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    PrivateKey {
        /// Position of the section in the file, from 0.
        index: usize,
        /// Line of its `BEGIN` boundary, from 1.
        line: usize,
    },
    /// One section of a PEM file is not a valid certificate.
    #[error("the certificate in section {} (line {line}) cannot be read", .index.saturating_add(1))]
    #[non_exhaustive]
    #[doc(hidden)]
    Section {
        /// Position of the section in the file, from 0.
        index: usize,
        /// Line of its `BEGIN` boundary, from 1.
        line: usize,
        /// What is wrong with the certificate.
        source: Box<CertificateError>,
    },
    /// The file has several certificates where one is expected.
    #[error("the file has {found} certificates, exactly one is expected")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotOne {
        /// The number of certificates.
        found: usize,
    },
}

fn at(offset: Option<usize>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at byte {offset}"))
}

/// Why a file cannot be read as PEM (RFC 7468). No variant carries content of the file.
#[derive(Debug, Error)]
#[non_exhaustive]
#[doc(hidden)]
pub enum PemError {
    /// The file is too large.
    #[error("the file has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is not text. Most often it is DER, or a keystore.
    #[error("the file is not text from byte {offset} on: is it DER, or a PKCS#12 keystore?")]
    #[non_exhaustive]
    NotText {
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
    },
    /// The file is in another format.
    #[error("the file is {found}")]
    #[non_exhaustive]
    #[doc(hidden)]
    OtherFormat {
        /// The format.
        found: OtherFormat,
    },
    /// The file is UTF-16 text, which is not read.
    #[error(
        "the file is UTF-16 text, as PowerShell's `>` writes it: convert it with \
         `iconv -f UTF-16 -t UTF-8 FILE > NEW`, or in PowerShell with `Get-Content FILE | Set-Content -Encoding ascii NEW`"
    )]
    Utf16,
    /// The file has no `-----BEGIN`.
    #[error("the file has no PEM section")]
    NoSection,
    /// A boundary is damaged or indented, or is in a place where no boundary can be.
    #[error(
        "line {line}: damaged or misplaced PEM boundary: it has a line of its own, five dashes at both ends, and nothing before them"
    )]
    #[non_exhaustive]
    Boundary {
        /// The line, from 1.
        line: usize,
    },
    /// A section has no `END` boundary.
    #[error("section {} ({label}, line {line}) has no end: the file is truncated", .index.saturating_add(1))]
    #[non_exhaustive]
    MissingEnd {
        /// Position of the section in the file, from 0.
        index: usize,
        /// Line of its `BEGIN` boundary, from 1.
        line: usize,
        /// Its label, in the form of [`Label`](Self::Label).
        label: String,
    },
    /// The two boundaries of a section have different labels.
    #[error("line {line}: section {} begins as {begin} and ends as {end}", .index.saturating_add(1))]
    #[non_exhaustive]
    LabelMismatch {
        /// Position of the section in the file, from 0.
        index: usize,
        /// Line of the `END` boundary, from 1.
        line: usize,
        /// Label of the `BEGIN` boundary.
        begin: String,
        /// Label of the `END` boundary.
        end: String,
    },
    /// A section has a label that is not expected in this file.
    #[error(
        "section {} (line {line}) is a {label}, which is not expected here{}",
        .index.saturating_add(1),
        conversion(label)
    )]
    #[non_exhaustive]
    Label {
        /// Position of the section in the file, from 0.
        index: usize,
        /// Line of its `BEGIN` boundary, from 1.
        line: usize,
        /// The label, or "(unknown label)" if it is not one that tools write: an unknown label may be a part of a key.
        label: String,
    },
    /// A section has headers (RFC 1421). Only the legacy encryption of keys writes them.
    #[error("line {line}: section {} has headers (RFC 1421), which are not supported", .index.saturating_add(1))]
    #[non_exhaustive]
    Headers {
        /// Position of the section in the file, from 0.
        index: usize,
        /// The line, from 1.
        line: usize,
    },
    /// The content of a section is not base64.
    #[error("line {line}: section {} is not base64", .index.saturating_add(1))]
    #[non_exhaustive]
    Base64 {
        /// Position of the section in the file, from 0.
        index: usize,
        /// The line, from 1, or the line of the `BEGIN` boundary if the fault is in no single line.
        line: usize,
    },
    /// The file has too many sections.
    #[error("the file has more than {limit} sections")]
    #[non_exhaustive]
    TooManySections {
        /// The limit.
        limit: usize,
    },
}

/// How to convert a section with this label into one that is read. Empty if there is no simple command.
fn conversion(label: &str) -> &'static str {
    match label {
        "PKCS7" | "CMS" => {
            ": extract its certificates with `openssl pkcs7 -print_certs -in FILE -out NEW`"
        }
        "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => {
            ": convert it with `openssl x509 -in FILE -out NEW`"
        }
        "OPENSSH PRIVATE KEY" => ": convert a copy with `ssh-keygen -p -m PKCS8 -f COPY`",
        _ => "",
    }
}

/// Why a text is not the name of a server.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostNameError {
    /// The text is empty.
    #[error("the name is empty")]
    #[doc(hidden)]
    Empty,
    /// The name is longer than a DNS name can be.
    #[error("the name has {length} bytes, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The brackets do not enclose an IPv6 address.
    #[error("brackets are for IPv6 addresses only")]
    #[doc(hidden)]
    Brackets,
    /// The address has an IPv6 zone, which has a meaning on one machine only (RFC 4007).
    #[error(
        "the address has an IPv6 zone (`%…`), which is local to one machine: give it without the zone"
    )]
    #[doc(hidden)]
    ZoneId,
    /// The name has a wildcard. Names of servers are exact.
    #[error("a server's name cannot have a wildcard: give each name")]
    #[doc(hidden)]
    Wildcard,
    /// The name has characters outside ASCII.
    #[error("give the name in its ASCII form (`xn--…`, RFC 5890)")]
    #[doc(hidden)]
    NotAscii,
    /// A label is empty or too long, or has a character that is not allowed in labels.
    #[error("invalid DNS label at byte {offset} (a port is not part of the name)")]
    #[non_exhaustive]
    #[doc(hidden)]
    Label {
        /// Offset of the label.
        offset: usize,
    },
    /// The name is not an IP address, but some resolvers read it as one.
    #[error("the name looks like an IP address, but is not a valid one")]
    #[doc(hidden)]
    LooksLikeAddress,
    /// The name is neither a DNS name nor an IP address.
    #[error("the name is neither a DNS name nor an IP address")]
    #[doc(hidden)]
    Form,
}

/// Why a text is not a time, or a time has no value in another type.
///
/// The variants word the message and are no interface: match with `_`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimestampError {
    /// Neither a date nor a date and time in UTC.
    #[error("a time is a date (2027-01-31) or a date and time in UTC (2027-01-31T12:00:00Z)")]
    #[doc(hidden)]
    Format,
    /// The other type cannot express this time, for example because it begins in 1970.
    #[error("the time is out of range")]
    #[doc(hidden)]
    OutOfRange,
}
