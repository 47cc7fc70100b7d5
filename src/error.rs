//! What can go wrong outside a verdict: one error enum per room, all of them typed data.
//!
//! Refusals of a peer are not here. They are [verdicts](crate::policy::Verdict).

use thiserror::Error;

pub use crate::certificate::KeyRefusal;
use crate::store::{BlockSelector, EntryKey, GroupId, ServerId};

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
    #[error("section {index} (line {line}): {source}")]
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
        /// Its label.
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
    #[error("section {index} (line {line}) is a {label}, which is not read here")]
    #[non_exhaustive]
    Label {
        /// Number of the section, from 0.
        index: usize,
        /// Line of its first boundary, from 1.
        line: usize,
        /// The label found.
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

/// Why a text is not an id of a server or a group.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdError {
    /// No text.
    #[error("the id is empty")]
    Empty,
    /// Too long.
    #[error("the id has {length} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A character that ids do not have.
    #[error("an id has letters and digits of ASCII and `-_.:@/` only; not so at byte {offset}")]
    #[non_exhaustive]
    Character {
        /// Where.
        offset: usize,
    },
}

/// Why a text is not a pattern for subject alternative names.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SanPatternError {
    /// No `dns:`, `ip:`, `uri:` or `email:` before the value.
    #[error("a pattern starts with `dns:`, `ip:`, `uri:` or `email:`")]
    Kind,
    /// The value is empty, too long, or has characters that no such name has.
    #[error("the value of the pattern is not a name of its kind")]
    Value,
    /// A wildcard where none is allowed.
    #[error(
        "a wildcard stands for the whole leftmost label of a DNS name (`dns:*.example`) or for what follows a `/` at the end of a URI (`uri:spiffe://example/*`)"
    )]
    Wildcard,
}

/// Why a change of the store was refused. The store is as it was before the call.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The id is malformed.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The name is malformed.
    #[error(transparent)]
    Name(#[from] HostNameError),
    /// There is no such server.
    #[error("there is no server {0}")]
    UnknownServer(ServerId),
    /// There is no such group.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// The id is taken.
    #[error("there is a server {0} already")]
    ServerExists(ServerId),
    /// The id is taken.
    #[error("there is a group {0} already")]
    GroupExists(GroupId),
    /// A name belongs to at most one server.
    #[error("the name {name} belongs to server {server}")]
    #[non_exhaustive]
    NameTaken {
        /// The name.
        name: crate::HostName,
        /// Who has it.
        server: ServerId,
    },
    /// The name belongs to no server.
    #[error("the name {0} belongs to no server")]
    UnknownName(crate::HostName),
    /// A claimed server is deleted, and loses a name to an unclaimed one, only after its release (P2).
    #[error(
        "server {server} is claimed by a pin: release it first, knowing that authorities then vouch for it"
    )]
    #[non_exhaustive]
    Claimed {
        /// The server.
        server: ServerId,
    },
    /// The server is not claimed, so there is nothing to release or to migrate from.
    #[error("server {server} is not claimed by a pin")]
    #[non_exhaustive]
    NotClaimed {
        /// The server.
        server: ServerId,
    },
    /// Release is refused while the server's group holds a pin (P2).
    #[error("group {group} of server {server} holds a pin: leave or release the group first")]
    #[non_exhaustive]
    GroupHoldsPin {
        /// The server.
        server: ServerId,
        /// Its group.
        group: GroupId,
    },
    /// A server is in at most one group.
    #[error("server {server} is in group {group} already")]
    #[non_exhaustive]
    InAnotherGroup {
        /// The server.
        server: ServerId,
        /// The group it is in.
        group: GroupId,
    },
    /// The server is in no group.
    #[error("server {server} is in no group")]
    #[non_exhaustive]
    NotInGroup {
        /// The server.
        server: ServerId,
    },
    /// An end that has passed already.
    #[error("the end given has passed already")]
    EndInThePast,
    /// No entry of this slot and scope has this fingerprint.
    #[error("there is no entry {0}")]
    NoSuchEntry(Box<EntryKey>),
    /// The same entry is there with other options (I5).
    #[error("the entry {0} is there with other options: use update")]
    OptionsDiffer(Box<EntryKey>),
    /// The certificate is blocked (P1).
    #[error("the certificate is blocked by {0}: unblock it first")]
    Blocked(Box<BlockSelector>),
    /// There is no such block.
    #[error("nothing is blocked by {0}")]
    NotBlocked(Box<BlockSelector>),
    /// The certificate is of a version that cannot say whether it is a CA (I2).
    #[error(
        "a certificate of version {version} does not state that it may issue others (RoleNotStated): to trust the peer that presents it, install it as a pin"
    )]
    #[non_exhaustive]
    RoleNotStated {
        /// The X.509 version.
        version: u8,
    },
    /// The certificate says that it is no CA (I2).
    #[error(
        "the certificate is not a CA (basicConstraints): to trust the peer that presents it, install it as a pin"
    )]
    NotCa,
    /// The certificate's `keyUsage` does not allow it to sign certificates (I2).
    #[error("the certificate's keyUsage does not allow it to sign certificates (keyCertSign)")]
    NoKeyCertSign,
    /// The key cannot be verified or is weak (I4).
    #[error("{0}")]
    Key(KeyRefusal),
    /// The certificate says that it signed itself, and did not (I4).
    #[error("the certificate's signature by its own key does not verify: it is damaged or forged")]
    WrongSelfSignature,
    /// The provider lacks the algorithm with which a CA signed itself (I4).
    #[error(
        "the provider cannot verify the certificate's signature by its own key (algorithm {algorithm})"
    )]
    #[non_exhaustive]
    SelfSignatureUnsupported {
        /// The signature algorithm's object identifier.
        algorithm: String,
    },
    /// The certificate could never be accepted in this slot and scope (I6).
    #[error("the certificate could never be accepted here (CanNeverMatch): {why}")]
    #[non_exhaustive]
    CanNeverMatch {
        /// What stands in the way.
        why: NeverMatch,
    },
    /// A label is too long or has control characters.
    #[error("a label is one line of at most {limit} bytes")]
    #[non_exhaustive]
    Label {
        /// The limit in bytes.
        limit: usize,
    },
    /// A grace longer than the limit.
    #[error("a grace after notAfter is at most {limit} days: accept a new certificate instead")]
    #[non_exhaustive]
    GraceTooLong {
        /// The limit in days.
        limit: u64,
    },
    /// An option that this slot or scope does not have.
    #[error("{option} does not apply to this slot and scope")]
    #[non_exhaustive]
    OptionNotHere {
        /// The option.
        option: &'static str,
    },
    /// More SAN patterns than the limit.
    #[error("{count} patterns, the limit is {limit}")]
    #[non_exhaustive]
    TooManyPatterns {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A proposed bundle has a certificate whose slot nobody decided (I1).
    #[error(
        "certificate {index} of the bundle is a self-signed CA alone: say whether it is a pin or an authority"
    )]
    #[non_exhaustive]
    Undecided {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
    },
    /// One certificate of a bundle was refused, and with it the bundle (I1).
    #[error("certificate {index} of the bundle: {source}")]
    #[non_exhaustive]
    BundleItem {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
        /// Why.
        source: Box<StoreError>,
    },
}

/// Why a certificate could never be accepted in a slot and scope (rule I6).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NeverMatch {
    /// The extended key usage is for the other role or for none.
    #[error(
        "its extended key usage does not allow the role of {role} (for a pin, the option any_role waives this)"
    )]
    #[non_exhaustive]
    ExtendedKeyUsage {
        /// The role that it would have to allow.
        role: crate::Role,
    },
    /// A critical extension that is not understood.
    #[error("its critical extension {oid} is not understood")]
    #[non_exhaustive]
    CriticalExtension {
        /// The object identifier in dotted form.
        oid: String,
    },
    /// The path builder cannot read the certificate.
    #[error("the path builder cannot read it")]
    Unreadable,
}

/// Why an identity cannot be presented.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no certificate.
    #[error("an identity needs at least one certificate")]
    NoCertificate,
    /// More certificates than any peer accepts.
    #[error("{count} certificates in the chain, the limit is {limit}")]
    #[non_exhaustive]
    TooMany {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A certificate of the chain was not issued by the next one.
    #[error(
        "certificate {index} of the chain does not follow: the one before it names another issuer"
    )]
    #[non_exhaustive]
    ChainBroken {
        /// Number of the certificate that does not follow, from 0.
        index: usize,
    },
    /// The certificates could not be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The PEM of the key could not be read.
    #[error("the private key: {0}")]
    KeyPem(PemError),
    /// The file holds no private key, or more than one.
    #[error("the file holds {found} private keys where exactly one is wanted")]
    #[non_exhaustive]
    NotOneKey {
        /// How many there are.
        found: usize,
    },
    /// The key is encrypted.
    #[error("the private key is encrypted: decrypt it first (`openssl pkey`)")]
    EncryptedKey,
    /// The provider cannot load the key.
    #[error("the crypto provider cannot use this private key")]
    KeyUnusable,
    /// The key does not belong to the first certificate (K1).
    #[error("the private key does not belong to the certificate {certificate}")]
    #[non_exhaustive]
    KeyMismatch {
        /// Fingerprint of the certificate.
        certificate: crate::Fingerprint,
    },
    /// The provider does not say which public key a private key has, so that K1 cannot be checked.
    #[error("the provider does not tell the public key of this private key")]
    KeyUnknown,
}

/// Why a view was not published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The generation must grow.
    #[error("generation {offered} is not newer than generation {current}, which is in force")]
    #[non_exhaustive]
    NotNewer {
        /// In force.
        current: u64,
        /// Offered.
        offered: u64,
    },
}

/// Why a TLS configuration cannot be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The provider and the protocol versions do not fit.
    #[error("rustls refuses the configuration: {0}")]
    Rustls(String),
    /// The server id is not in the view.
    #[error("there is no server {0} in the trust store")]
    UnknownServer(ServerId),
    /// The identity cannot be used with any signature scheme of the provider (K3).
    #[error("no signature scheme of the provider fits the identity's key")]
    IdentityUnusable,
    /// No protocol version was given.
    #[error("no protocol version is allowed")]
    NoVersion,
    /// An application protocol that ALPN cannot carry (RFC 7301 section 3.1).
    #[error("an application protocol has 1 to 255 bytes")]
    Alpn,
}
