//! Errors of changing what is installed.

use thiserror::Error;

use super::error_text::{
    crl_older, migration_too_long, no_such_crl, no_such_entry, options_differ,
};
pub use super::ids_error::IdError;
pub use super::patterns_error::SanPatternError;
pub use super::unusable_error::UnusablePinReason;
use crate::certificate::error::{HostNameError, UnsupportedCrl};
use crate::certificate::{Fingerprint, HostName, KeyRefusal, Timestamp};
use crate::store::{BlockSelector, ClockState, CrlIssuer, EntryKey, GroupId, ServerId};

/// Why a change of the store was refused. The store is as it was before the call.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The id is malformed.
    #[error(transparent)]
    #[doc(hidden)]
    Id(#[from] IdError),
    /// The name is malformed.
    #[error(transparent)]
    #[doc(hidden)]
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
    /// A list of servers has one of them twice.
    #[error("server {0} is listed twice")]
    #[doc(hidden)]
    ServerListedTwice(ServerId),
    /// More servers than can have a place.
    #[error("at most {limit} servers have a place in an order")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyInOrder {
        /// The limit.
        limit: usize,
    },
    /// A secondary cannot have secondaries of its own.
    #[error(
        "server {secondary} is a secondary of {primary}, and a secondary has no secondaries: change its role first"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    SecondaryOfSecondary {
        /// The primary of the server.
        primary: ServerId,
        /// The server.
        secondary: ServerId,
    },
    /// The id is taken.
    #[error("there is a group {0} already")]
    GroupExists(GroupId),
    /// A name belongs to at most one server.
    #[error("the name {name} belongs to server {server}")]
    #[non_exhaustive]
    NameTaken {
        /// The name.
        name: HostName,
        /// The server that has it.
        server: ServerId,
    },
    /// The name belongs to no server.
    #[error("the name {0} belongs to no server")]
    #[doc(hidden)]
    UnknownName(HostName),
    /// The server is claimed. It must be released before it is deleted, or before one of its names moves to an
    /// unclaimed server (P2).
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
    #[doc(hidden)]
    NotClaimed {
        /// The server.
        server: ServerId,
    },
    /// Release is refused while the server's group holds a pin (P2).
    #[error("group {group} of server {server} holds a pin: leave or release the group first")]
    #[non_exhaustive]
    #[doc(hidden)]
    GroupHoldsPin {
        /// The server.
        server: ServerId,
        /// Its group.
        group: GroupId,
    },
    /// A server is in at most one group.
    #[error("server {server} is in group {group} already")]
    #[non_exhaustive]
    #[doc(hidden)]
    InAnotherGroup {
        /// The server.
        server: ServerId,
        /// The group it is in.
        group: GroupId,
    },
    /// The server is in no group.
    #[error("server {server} is in no group")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotInGroup {
        /// The server.
        server: ServerId,
    },
    /// The end has passed already.
    #[error("the given end has passed already")]
    #[doc(hidden)]
    EndInThePast,
    /// The migration would last too long, or there is no time to count from (P3).
    #[error("{}", migration_too_long(*latest, *limit))]
    #[non_exhaustive]
    #[doc(hidden)]
    MigrationTooLong {
        /// The latest end in seconds since the epoch. `None` if there is neither a clock nor a floor.
        latest: Option<Timestamp>,
        /// The limit in days.
        limit: u64,
    },
    /// The clock allows the end of the migration, but the floor does not: the clock jumped (M7, P3).
    #[error(
        "{state}; until then, the length of a migration counts from the floor: confirm the clock first"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    ClockNotConfirmed {
        /// The clock and the floor.
        state: ClockState,
    },
    /// The end is not after the floor, and the clock does not count (M7).
    #[error("the given end is not after the floor: {state}")]
    #[non_exhaustive]
    #[doc(hidden)]
    EndAtFloor {
        /// The clock and the floor.
        state: ClockState,
    },
    /// The clock is not set or is below the floor, so it cannot be confirmed (M7).
    #[error("the clock cannot be confirmed: {state}")]
    #[non_exhaustive]
    #[doc(hidden)]
    NothingToConfirm {
        /// The clock and the floor.
        state: ClockState,
    },
    /// No entry of this slot and scope has this fingerprint.
    #[error(fmt = no_such_entry)]
    NoSuchEntry(Box<EntryKey>),
    /// The same entry is there with other options (I5).
    #[error(fmt = options_differ)]
    #[doc(hidden)]
    OptionsDiffer(Box<EntryKey>),
    /// The certificate is blocked (P1).
    #[error("the certificate is blocked by {0:#}: unblock it first")]
    Blocked(Box<BlockSelector>),
    /// There is no such block.
    #[error("there is no block on {0:#}")]
    #[doc(hidden)]
    NotBlocked(Box<BlockSelector>),
    /// A certificate of this version cannot state whether it is a CA (I2).
    #[error(
        "a certificate of version {version} does not say whether it is a CA (RoleNotStated): to trust the peer that presents it, install it as a pin; to trust what it issued, have that CA issue itself a certificate of version 3 with basicConstraints CA:TRUE"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    RoleNotStated {
        /// The X.509 version.
        version: u8,
    },
    /// The certificate says that it is no CA (I2).
    #[error(
        "the certificate is not a CA (basicConstraints): to trust the peer that presents it, install it as a pin; to trust what it issued, have that CA issue itself a certificate with basicConstraints CA:TRUE"
    )]
    #[doc(hidden)]
    NotCa,
    /// The certificate's `keyUsage` does not allow it to sign certificates (I2).
    #[error(
        "the certificate's keyUsage does not allow it to sign certificates: have the CA issue itself one with keyCertSign"
    )]
    #[doc(hidden)]
    NoKeyCertSign,
    /// The key cannot be verified or is weak (I4).
    #[error("{0}")]
    #[doc(hidden)]
    Key(KeyRefusal),
    /// The certificate names itself as its issuer, and its signature does not verify under its own key (I4).
    #[error("the certificate's signature by its own key does not verify: it is damaged or forged")]
    #[doc(hidden)]
    WrongSelfSignature,
    /// The certificate could never be accepted in this slot and scope (I6).
    #[error("the certificate could never be accepted here: {why}")]
    #[non_exhaustive]
    #[doc(hidden)]
    CanNeverMatch {
        /// The reason.
        why: UnusablePinReason,
    },
    /// This version cannot read the certificate that an earlier version installed (I8).
    #[error(
        "this version cannot read the certificate of {0:#}: remove the entry and install another"
    )]
    #[doc(hidden)]
    Unread(Box<EntryKey>),
    /// A label is blank or too long, or has control characters.
    #[error("a label is one line of at most {limit} bytes, and not blank")]
    #[non_exhaustive]
    #[doc(hidden)]
    Label {
        /// The limit in bytes.
        limit: usize,
    },
    /// The grace is longer than the limit.
    #[error("a grace after notAfter is at most {limit} days: accept a new certificate instead")]
    #[non_exhaustive]
    #[doc(hidden)]
    GraceTooLong {
        /// The limit in days.
        limit: u64,
    },
    /// An option that this slot or scope does not have.
    #[error("{option} does not apply to this slot and scope")]
    #[non_exhaustive]
    #[doc(hidden)]
    OptionNotHere {
        /// The option.
        option: &'static str,
    },
    /// More SAN patterns than the limit.
    #[error("{count} patterns, the limit is {limit}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyPatterns {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A certificate of the bundle has no decision (I1).
    #[error(
        "certificate {index} of the bundle is a self-signed CA that issued nothing else in it: decide whether it is a pin or an authority"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Undecided {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
    },
    /// The store has changed since the draft was made, or the draft belongs to another store.
    #[error(
        "the draft is based on generation {planned}, and the store is at generation {current} or is another store: make the draft again"
    )]
    #[non_exhaustive]
    StaleDraft {
        /// The generation on which the draft was made.
        planned: u64,
        /// The store's generation now.
        current: u64,
    },
    /// One certificate of the bundle was refused, so nothing of the bundle is installed (I1).
    #[error("certificate {index} of the bundle was refused")]
    #[non_exhaustive]
    #[doc(hidden)]
    BundleItem {
        /// Number of the certificate in the bundle, from 0.
        index: usize,
        /// Why.
        source: Box<StoreError>,
    },
    /// Revocation lists of this kind are not supported (C4).
    #[error("the revocation list cannot be used: {0}")]
    #[doc(hidden)]
    CrlKind(UnsupportedCrl),
    /// No installed authority or intermediate has the name of the list's issuer (C4).
    #[error(
        "no installed authority or intermediate is the issuer of the revocation list ({issuer}): install the CA that signed it first"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    CrlIssuerNotInstalled {
        /// The issuer's name.
        issuer: String,
    },
    /// The issuer's `keyUsage` does not allow it to sign revocation lists (C4).
    #[error("the keyUsage of {issuer} does not allow it to sign revocation lists (cRLSign)")]
    #[non_exhaustive]
    #[doc(hidden)]
    NoCrlSign {
        /// The issuer's name.
        issuer: String,
    },
    /// An installed authority or intermediate has the name of the list's issuer, but another key signed the list. The
    /// key identifiers show it, or without identifiers the signature does (C4).
    #[error(
        "the revocation list of {issuer} is not signed by the key of that name that is installed, but by another one: if the CA changed its key, install its certificate of the other key as well; if not, the list is damaged or forged"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    CrlSignedByOtherKey {
        /// The issuer's name.
        issuer: String,
    },
    /// The revocation list names the issuer's key, but its signature does not verify under this key (C4).
    #[error(
        "the signature on the revocation list does not verify under the key of {issuer} that it names: the list is damaged or forged"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    WrongCrlSignature {
        /// The issuer's name.
        issuer: String,
    },
    /// The provider lacks the algorithm with which the revocation list was signed (C4).
    #[error(
        "the provider cannot verify the signature on the revocation list, made with {algorithm}: have the CA sign its lists with SHA-256"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    CrlSignatureUnsupported {
        /// The name of the signature algorithm, with its object identifier unless it is a usual one.
        algorithm: String,
    },
    /// A newer revocation list of the same issuer and scope is installed (C4).
    #[error(fmt = crl_older)]
    #[non_exhaustive]
    CrlOlder {
        /// The fingerprint of the installed list.
        held: Fingerprint,
    },
    /// Too many revocation lists, of one issuer or in all.
    #[error("the limit is {limit} revocation lists: remove some, or stop checking an issuer")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooManyCrls {
        /// The limit.
        limit: usize,
    },
    /// Too many bytes of revocation lists in all.
    #[error(
        "the limit is {limit} bytes of revocation lists together: remove some, or stop checking an issuer"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    CrlsTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// There is no such revocation list.
    #[error(fmt = no_such_crl)]
    NoSuchCrl(Fingerprint),
    /// The issuer's certificates are not checked for revocation.
    #[error("the certificates of {0} are not checked for revocation")]
    #[doc(hidden)]
    NotChecked(Box<CrlIssuer>),
}

/// Why a snapshot was not published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The generation must grow.
    #[error("generation {offered} is not newer than generation {current}, which is in force")]
    #[non_exhaustive]
    NotNewer {
        /// The generation in force.
        current: u64,
        /// The offered generation.
        offered: u64,
    },
}
