//! Errors of changing what is installed.

use thiserror::Error;

use super::error_text::{
    crl_older, migration_too_long, no_such_crl, no_such_entry, options_differ,
};
use crate::certificate::error::{HostNameError, UnsupportedCrl};
use crate::certificate::{Fingerprint, HostName, KeyRefusal, Role};
use crate::store::{BlockSelector, ClockState, CrlIssuer, EntryKey, GroupId, ServerId};

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
        name: HostName,
        /// Who has it.
        server: ServerId,
    },
    /// The name belongs to no server.
    #[error("the name {0} belongs to no server")]
    UnknownName(HostName),
    /// A claimed server is deleted, and loses a name to an unclaimed one, only after its release (P2).
    #[error(
        "server {server} is claimed by a pin: release it first; authorities decide about it from then on"
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
    /// A migration that would last too long, or without a time to count from (P3).
    #[error("{}", migration_too_long(*latest, *limit))]
    #[non_exhaustive]
    MigrationTooLong {
        /// The latest end in seconds since the epoch; `None` if neither the clock nor the floor says what time it is.
        latest: Option<i64>,
        /// The limit in days.
        limit: u64,
    },
    /// A migration that the clock alone allows, and not the floor: the clock jumped (M7, P3).
    #[error("{state}; a migration lasts from the floor on until then: confirm the clock first")]
    #[non_exhaustive]
    ClockNotConfirmed {
        /// The clock and the floor.
        state: ClockState,
    },
    /// An end that has passed at the floor, while the clock does not count (M7).
    #[error("the end given is not after the floor: {state}")]
    #[non_exhaustive]
    EndAtFloor {
        /// The clock and the floor.
        state: ClockState,
    },
    /// There is no clock that could be confirmed (M7).
    #[error("the clock cannot be confirmed: {state}")]
    #[non_exhaustive]
    NothingToConfirm {
        /// The clock and the floor.
        state: ClockState,
    },
    /// No entry of this slot and scope has this fingerprint.
    #[error(fmt = no_such_entry)]
    NoSuchEntry(Box<EntryKey>),
    /// The same entry is there with other options (I5).
    #[error(fmt = options_differ)]
    OptionsDiffer(Box<EntryKey>),
    /// The certificate is blocked (P1).
    #[error("the certificate is blocked by {0:#}: unblock it first")]
    Blocked(Box<BlockSelector>),
    /// There is no such block.
    #[error("there is no block on {0:#}")]
    NotBlocked(Box<BlockSelector>),
    /// The certificate is of a version that cannot say whether it is a CA (I2).
    #[error(
        "a certificate of version {version} does not say whether it is a CA (RoleNotStated): to trust the peer that presents it, install it as a pin; to trust what it issued, have that CA issue itself a certificate of version 3 with basicConstraints CA:TRUE"
    )]
    #[non_exhaustive]
    RoleNotStated {
        /// The X.509 version.
        version: u8,
    },
    /// The certificate says that it is no CA (I2).
    #[error(
        "the certificate is not a CA (basicConstraints): to trust the peer that presents it, install it as a pin; to trust what it issued, have that CA issue itself a certificate with basicConstraints CA:TRUE"
    )]
    NotCa,
    /// The certificate's `keyUsage` does not allow it to sign certificates (I2).
    #[error(
        "the certificate's keyUsage does not allow it to sign certificates: have the CA issue itself one with keyCertSign"
    )]
    NoKeyCertSign,
    /// The key cannot be verified or is weak (I4).
    #[error("{0}")]
    Key(KeyRefusal),
    /// The certificate says that it signed itself, and did not (I4).
    #[error("the certificate's signature by its own key does not verify: it is damaged or forged")]
    WrongSelfSignature,
    /// The certificate could never be accepted in this slot and scope (I6).
    #[error("the certificate could never be accepted here (CanNeverMatch): {why}")]
    #[non_exhaustive]
    CanNeverMatch {
        /// What stands in the way.
        why: UnusablePinReason,
    },
    /// This version cannot read the certificate that an earlier one had installed (I8).
    #[error(
        "this version cannot read the certificate of {0:#}: remove the entry and install another"
    )]
    Unread(Box<EntryKey>),
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
    /// A proposed bundle has a certificate whose slot was not decided (I1).
    #[error(
        "certificate {index} of the bundle is a self-signed CA alone: say whether it is a pin or an authority"
    )]
    #[non_exhaustive]
    Undecided {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
    },
    /// The store has changed since the draft was made, or the draft is another store's.
    #[error(
        "the draft was made on generation {planned} of a store, and this one is at generation {current}: make it again"
    )]
    #[non_exhaustive]
    StaleDraft {
        /// The generation on which the draft was made.
        planned: u64,
        /// The store's generation now.
        current: u64,
    },
    /// One certificate of a bundle was refused, and with it the bundle (I1).
    #[error("certificate {index} of the bundle was refused")]
    #[non_exhaustive]
    BundleItem {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
        /// Why.
        source: Box<StoreError>,
    },
    /// The revocation list is of a kind that is not installed (C4).
    #[error("the revocation list cannot be used: {0}")]
    CrlKind(UnsupportedCrl),
    /// No installed authority or intermediate has the name of the list's issuer (C4).
    #[error(
        "no installed authority or intermediate is the issuer of the revocation list ({issuer}): install the CA that signed it first"
    )]
    #[non_exhaustive]
    CrlIssuerNotInstalled {
        /// The issuer's name.
        issuer: String,
    },
    /// The issuer's `keyUsage` does not allow it to sign revocation lists (C4).
    #[error("the keyUsage of {issuer} does not allow it to sign revocation lists (cRLSign)")]
    #[non_exhaustive]
    NoCrlSign {
        /// The issuer's name.
        issuer: String,
    },
    /// An installed authority or intermediate has the name of the list's issuer, and another key signed the list: by the
    /// key identifiers, or without them by the signature (C4).
    #[error(
        "the revocation list of {issuer} is not signed by the key of that name that is installed, but by another one: if the CA changed its key, install its certificate of the other key as well; if not, the list is damaged or forged"
    )]
    #[non_exhaustive]
    CrlSignedByOtherKey {
        /// The issuer's name.
        issuer: String,
    },
    /// The revocation list names the issuer's key, and its signature does not verify under that (C4).
    #[error(
        "the signature on the revocation list does not verify under the key of {issuer} that it names: the list is damaged or forged"
    )]
    #[non_exhaustive]
    WrongCrlSignature {
        /// The issuer's name.
        issuer: String,
    },
    /// The provider lacks the algorithm with which the revocation list was signed (C4).
    #[error(
        "the provider cannot verify the signature on the revocation list, made with {algorithm}: have the CA sign its lists with SHA-256"
    )]
    #[non_exhaustive]
    CrlSignatureUnsupported {
        /// The name of the signature algorithm, with its object identifier unless it is a usual one.
        algorithm: String,
    },
    /// A newer revocation list of the same issuer and scope is there (C4).
    #[error(fmt = crl_older)]
    #[non_exhaustive]
    CrlOlder {
        /// The fingerprint of the list that is there.
        held: Fingerprint,
    },
    /// More revocation lists than the limit, of one issuer or in all.
    #[error("{limit} revocation lists are the limit: remove some, or stop checking an issuer")]
    #[non_exhaustive]
    TooManyCrls {
        /// The limit.
        limit: usize,
    },
    /// More bytes of revocation lists than the limit.
    #[error(
        "revocation lists of {limit} bytes together are the limit: remove some, or stop checking an issuer"
    )]
    #[non_exhaustive]
    CrlsTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// There is no such revocation list.
    #[error(fmt = no_such_crl)]
    NoSuchCrl(Fingerprint),
    /// The issuer's certificates are not checked for revocation.
    #[error("the certificates of {0} are not checked for revocation")]
    NotChecked(Box<CrlIssuer>),
}

/// Why a certificate could never be accepted in a slot and scope (rule I6).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnusablePinReason {
    /// The extended key usage is for the other role or for none.
    #[error(
        "its extended key usage does not allow the role of {role} (for a pin, the option any_role waives this)"
    )]
    #[non_exhaustive]
    ExtendedKeyUsage {
        /// The role that it would have to allow.
        role: Role,
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
