//! Errors of reading certificates, PEM, fingerprints and names.

use core::fmt;

use thiserror::Error;

pub use super::causes::with_causes;
pub use super::crl::error::{CrlError, CrlRefusal};
pub use super::setting::SettingError;

/// Why bytes are not a certificate that this crate can talk about.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// There are no bytes.
    #[error("the certificate is empty")]
    Empty,
    /// More bytes than any peer could present.
    #[error("the certificate has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not DER, or not a certificate.
    #[error("malformed certificate: {field}{}", at(*offset))]
    #[non_exhaustive]
    Malformed {
        /// What could not be read.
        field: &'static str,
        /// Where in the DER, if one place can be named.
        offset: Option<usize>,
    },
    /// A whole file of another kind.
    #[error("this is no certificate but {found}")]
    #[non_exhaustive]
    OtherFormat {
        /// What it is.
        found: OtherFormat,
    },
    /// There are bytes behind the certificate.
    #[error("{count} bytes follow the certificate, which ends at byte {offset}")]
    #[non_exhaustive]
    TrailingBytes {
        /// Where the certificate ends.
        offset: usize,
        /// How many bytes follow.
        count: usize,
    },
    /// One extension stands twice (RFC 5280 section 4.2 forbids it).
    #[error("the extension {oid} stands twice, the second time as number {index} (from 0)")]
    #[non_exhaustive]
    DuplicateExtension {
        /// Object identifier in dotted form.
        oid: String,
        /// Number of the second one among the extensions.
        index: usize,
    },
    /// Extensions in a certificate of version 1 or 2 (RFC 5280 section 4.1.2.9).
    #[error("the certificate has extensions but is not of version 3")]
    ExtensionsNeedVersion3,
    /// More extensions than the limit.
    #[error("the certificate has {count} extensions, the limit is {limit}")]
    #[non_exhaustive]
    TooManyExtensions {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// More subject alternative names than the limit.
    #[error("the certificate has {count} alternative names, the limit is {limit}")]
    #[non_exhaustive]
    TooManyNames {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The signed and the unsigned statement of the signature algorithm differ (RFC 5280 section 4.1.1.2).
    #[error("the signature algorithm inside the certificate is not the one outside")]
    SignatureAlgorithmMismatch,
    /// `notBefore` is later than `notAfter`.
    #[error("the certificate's validity ends before it begins")]
    ValidityReversed,
    /// The PEM around the certificates is damaged.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A private key stands in a file of certificates.
    #[error(
        "section {index} (line {line}) is a private key: a certificate file that is handed around must not hold one"
    )]
    #[non_exhaustive]
    PrivateKey {
        /// Number of the section, from 0.
        index: usize,
        /// Line of its first boundary, from 1.
        line: usize,
    },
    /// One section of a PEM file is not a good certificate.
    #[error("section {index} (line {line}) is not a good certificate")]
    #[non_exhaustive]
    Section {
        /// Number of the section, from 0.
        index: usize,
        /// Line of its first boundary, from 1.
        line: usize,
        /// What is wrong with it.
        source: Box<CertificateError>,
    },
    /// One certificate was asked for.
    #[error("the file holds {found} certificates where exactly one is wanted")]
    #[non_exhaustive]
    NotOne {
        /// How many there are.
        found: usize,
    },
}

/// What may be given for a certificate in DER, and holds some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherFormat {
    /// PKCS#7, or CMS (RFC 5652).
    Pkcs7,
    /// A keystore (RFC 7292).
    Pkcs12,
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs7 => {
                "PKCS#7: take its certificates out with `openssl pkcs7 -inform DER -print_certs -in FILE -out NEW`"
            }
            Self::Pkcs12 => {
                "a PKCS#12 keystore: take its certificates out with `openssl pkcs12 -nokeys -in FILE -out NEW`"
            }
        })
    }
}

fn at(offset: Option<usize>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at byte {offset}"))
}

/// Why a file is not PEM (RFC 7468) that can be read whole. No variant carries content.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PemError {
    /// More bytes than the limit.
    #[error("the file has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not text: most often DER, or a keystore.
    #[error("the file is not text from byte {offset} on; is it DER, or a PKCS#12 keystore?")]
    #[non_exhaustive]
    NotText {
        /// Where the first byte is that is not UTF-8.
        offset: usize,
    },
    /// Text in UTF-16, in which no section is looked for.
    #[error(
        "the file is UTF-16 text, as PowerShell's `>` writes it: convert it to ASCII with \
         `iconv -f UTF-16 -t UTF-8 FILE > NEW`, or in PowerShell with `Get-Content FILE | Set-Content -Encoding ascii NEW`"
    )]
    Utf16,
    /// No `-----BEGIN` anywhere.
    #[error("the file has no PEM section")]
    NoSection,
    /// A boundary that is damaged, indented or where none can be.
    #[error("line {line}: damaged or misplaced PEM boundary")]
    #[non_exhaustive]
    Boundary {
        /// The line, from 1.
        line: usize,
    },
    /// A section has no end: the file was cut.
    #[error("section {index} ({label}, line {line}) has no end: the file is truncated")]
    #[non_exhaustive]
    MissingEnd {
        /// Number of the section, from 0.
        index: usize,
        /// Line of its first boundary, from 1.
        line: usize,
        /// Its label, as in [`Label`](Self::Label).
        label: String,
    },
    /// The end of a section names another label than its beginning.
    #[error("line {line}: section {index} begins as {begin} and ends as {end}")]
    #[non_exhaustive]
    LabelMismatch {
        /// Number of the section, from 0.
        index: usize,
        /// Line of the end, from 1.
        line: usize,
        /// Label of the beginning.
        begin: String,
        /// Label of the end.
        end: String,
    },
    /// A label that is not wanted here.
    #[error(
        "section {index} (line {line}) is a {label}, which is not read here{}",
        way_out(label)
    )]
    #[non_exhaustive]
    Label {
        /// Number of the section, from 0.
        index: usize,
        /// Line of its first boundary, from 1.
        line: usize,
        /// The label found; "(unknown label)" if it is none that tools write, since anything may stand there.
        label: String,
    },
    /// Headers in a section, which only the legacy encryption of keys has (RFC 1421).
    #[error("line {line}: section {index} has headers (RFC 1421), which are not read")]
    #[non_exhaustive]
    Headers {
        /// Number of the section, from 0.
        index: usize,
        /// The line, from 1.
        line: usize,
    },
    /// The content is not base64.
    #[error("line {line}: section {index} is not base64")]
    #[non_exhaustive]
    Base64 {
        /// Number of the section, from 0.
        index: usize,
        /// The line, from 1; that of the boundary if no one line can be named.
        line: usize,
    },
    /// More sections than the limit.
    #[error("the file has more than {limit} sections")]
    #[non_exhaustive]
    TooManySections {
        /// The limit.
        limit: usize,
    },
}

/// What makes a section that is read of one with another label; empty if nothing does that is easy to say.
fn way_out(label: &str) -> &'static str {
    match label {
        "PKCS7" | "CMS" => {
            ": take its certificates out with `openssl pkcs7 -print_certs -in FILE -out NEW`"
        }
        "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => {
            ": write it anew with `openssl x509 -in FILE -out NEW`"
        }
        "OPENSSH PRIVATE KEY" => ": convert a copy with `ssh-keygen -p -m PKCS8 -f COPY`",
        _ => "",
    }
}

/// Why a text is not a fingerprint.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// Not 32 bytes.
    #[error(
        "a fingerprint has 32 bytes (SHA-256), this has {found}; `openssl x509 -noout -fingerprint -sha256` prints it"
    )]
    #[non_exhaustive]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// The label names another digest.
    #[error("this is not a SHA-256 fingerprint; use `openssl x509 -noout -fingerprint -sha256`")]
    OtherDigest,
    /// Not hexadecimal, or colons in some places only.
    #[error("not hexadecimal at byte {offset} of the value")]
    #[non_exhaustive]
    NotHex {
        /// Where, counted from the start of the value.
        offset: usize,
    },
    /// More text than any form of a fingerprint has.
    #[error("{length} bytes of text are no fingerprint, the limit is {limit}")]
    #[non_exhaustive]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

/// Why a text is not the name of a server.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostNameError {
    /// No text.
    #[error("the name is empty")]
    Empty,
    /// Longer than a DNS name can be.
    #[error("the name has {length} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Brackets that do not hold an IPv6 address.
    #[error("brackets stand around IPv6 addresses only")]
    Brackets,
    /// An IPv6 zone, which has a meaning on one machine only (RFC 4007).
    #[error("an IPv6 zone (`%…`) names an interface of one machine: give the address without it")]
    ZoneId,
    /// A wildcard. Names of servers are exact.
    #[error("a server's name has no wildcard: list each name")]
    Wildcard,
    /// A name with letters beyond ASCII.
    #[error("give the name in its ASCII form (`xn--…`, RFC 5890)")]
    NotAscii,
    /// A label that is empty, too long, or has a character that labels do not have.
    #[error("no DNS label at byte {offset} (a port does not belong to the name)")]
    #[non_exhaustive]
    Label {
        /// Where the label starts.
        offset: usize,
    },
    /// Digits that some resolvers read as an address, and that are none.
    #[error("this looks like an IP address and is none")]
    LooksLikeAddress,
    /// A form of name that is neither DNS nor address.
    #[error("this form of name is not read")]
    Form,
}

/// A text is not a moment.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a time is a date (2027-01-31) or a date and time in UTC (2027-01-31T12:00:00Z)")]
#[non_exhaustive]
pub struct MomentError;
