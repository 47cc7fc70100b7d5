//! Errors of key sets, bundles, signatures and publications.

use thiserror::Error;

use super::names::{FleetId, Part};
use super::tally::{Signed, Tally};
use crate::admin::file::error::StoreFileError;
use crate::certificate::{Fingerprint, KeyPin, Timestamp};

/// Why a text of a fleet was not made, read or taken. Nothing was changed.
///
/// The variants that are not shown here only word the message: match them with `_`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A key that cannot be a signing key.
    #[error("not a signing key: {why}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Key {
        /// What is wrong with it.
        why: String,
    },
    /// A key set or head that contradicts itself.
    #[error("{what} is not possible: {why}")]
    #[non_exhaustive]
    #[doc(hidden)]
    Impossible {
        /// What was to be made or read.
        what: &'static str,
        /// The contradiction.
        why: String,
    },
    /// More bytes than the limit.
    #[error("the {what} has {size} bytes, the limit is {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// More key sets or signatures than the limit.
    #[error("there are more than {limit} {what}")]
    #[non_exhaustive]
    #[doc(hidden)]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A text is cut or changed, or another one.
    #[error("the {what} is damaged in line {line}")]
    #[non_exhaustive]
    Damaged {
        /// What is damaged.
        what: &'static str,
        /// The line, from 1. That of a bundle, key set or signature counts from its own first line.
        line: usize,
        /// What is wrong there.
        source: Box<StoreFileError>,
    },
    /// A text of a version that this one does not read.
    #[error("the {what} has version {found}, and this program reads 1.0: use a newer program")]
    #[non_exhaustive]
    UnknownVersion {
        /// What has the version.
        what: &'static str,
        /// The version.
        found: String,
    },
    /// The publication is of another fleet.
    #[error("the publication is of fleet {offered}, and this node belongs to fleet {held}")]
    #[non_exhaustive]
    OtherFleet {
        /// The fleet of the node.
        held: FleetId,
        /// The fleet of the publication.
        offered: FleetId,
    },
    /// The bundle has another part of the trust set.
    #[error("the bundle has the part `{offered}`, and this node takes `{held}`")]
    #[non_exhaustive]
    OtherPart {
        /// The part of the node.
        held: Part,
        /// The part of the bundle.
        offered: Part,
    },
    /// A key set that is not the next one after the one before it.
    #[error(
        "key set {found} stands where key set {} belongs: one is missing, or they are out of order",
        before.saturating_add(1)
    )]
    #[non_exhaustive]
    KeySetSkipped {
        /// The version before, or 0 at the start.
        before: u64,
        /// The version that was found.
        found: u64,
    },
    /// A key set that follows another one than the one before it.
    #[error(
        "key set {version} does not follow the key set before it: it names another digest or fleet"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    KeySetOther {
        /// Its version.
        version: u64,
    },
    /// A key set that this node trusts has other bytes in the publication.
    #[error("key set {version} is not the one that this node trusts: {offered} instead of {held}")]
    #[non_exhaustive]
    #[doc(hidden)]
    KeySetChanged {
        /// Its version.
        version: u64,
        /// The digest of the trusted one.
        held: Fingerprint,
        /// The digest of the one in the publication.
        offered: Fingerprint,
    },
    /// The newest key set of the publication is older than the one that the node trusts.
    #[error(
        "the publication ends with key set {offered}, and this node trusts key set {held}: it is an old one"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    KeySetBelow {
        /// The version that the node trusts.
        held: u64,
        /// The newest version in the publication.
        offered: u64,
    },
    /// A key set without enough signatures by the keys before it, or by its own.
    #[error("key set {version} is not signed by enough keys of key set {by}: {tally}")]
    #[non_exhaustive]
    KeySetNotSigned {
        /// Its version.
        version: u64,
        /// The version of the key set by which it must be signed: the one before it, or its own.
        by: u64,
        /// The signatures.
        tally: Box<Tally>,
    },
    /// A bundle without enough signatures by the newest key set.
    #[error("the bundle is not signed by enough keys of key set {by}: {tally}")]
    #[non_exhaustive]
    TooFewSignatures {
        /// The version of the key set.
        by: u64,
        /// The signatures.
        tally: Box<Tally>,
    },
    /// The bundle names another key set than the newest of its publication.
    #[error("the bundle is for key set {named}, and the publication ends with key set {newest}")]
    #[non_exhaustive]
    #[doc(hidden)]
    OtherKeySet {
        /// The version that the bundle names.
        named: u64,
        /// The newest version in the publication.
        newest: u64,
    },
    /// The bundle is older than the one that the node holds.
    #[error("the bundle has sequence {offered}, and this node holds {held}: it is an old one")]
    #[non_exhaustive]
    SequenceBelow {
        /// The sequence that the node holds.
        held: u64,
        /// The sequence of the bundle.
        offered: u64,
    },
    /// Two bundles with one sequence.
    #[error(
        "the bundle has sequence {sequence} as the one that this node holds, and other bytes: {offered} instead of {held}"
    )]
    #[non_exhaustive]
    SameSequenceOtherBytes {
        /// The sequence.
        sequence: u64,
        /// The digest of the bundle that the node holds.
        held: Fingerprint,
        /// The digest of the other one.
        offered: Fingerprint,
    },
    /// A sequence too far from the one that the node holds.
    #[error(
        "the bundle has sequence {offered}, more than {limit} above {held}: let the node join again if this is meant"
    )]
    #[non_exhaustive]
    JumpTooFar {
        /// The sequence that the node holds.
        held: u64,
        /// The sequence of the bundle.
        offered: u64,
        /// The greatest step.
        limit: u64,
    },
    /// The bundle is past its end.
    #[error("the bundle was valid until {until}, and now it is {now}: publish a new one")]
    #[non_exhaustive]
    Expired {
        /// Its end.
        until: Timestamp,
        /// The clock, or the floor if the clock is not set.
        now: Timestamp,
    },
    /// The bundle was made too far ahead of the clock.
    #[error(
        "the bundle was made at {made}, and now it is {now}: a clock is wrong, here or where it was made"
    )]
    #[non_exhaustive]
    NotYetMade {
        /// When it was made.
        made: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// A bundle without pins and authorities that does not say so.
    #[error("the bundle has no pin and no authority, and its head does not say `trust none`")]
    EmptyNotStated,
    /// A bundle that says that it trusts none, and has pins or authorities.
    #[error("the head of the bundle says `trust none`, and it has {entries} pins and authorities")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotEmpty {
        /// The number of its pins and authorities.
        entries: usize,
    },
    /// A record that does not belong to the part.
    #[error("line {line} of the bundle does not belong to the part `{part}`: {record}")]
    #[non_exhaustive]
    #[doc(hidden)]
    NotInPart {
        /// The part.
        part: Part,
        /// The line, from 1.
        line: usize,
        /// The record, at most 80 characters.
        record: String,
    },
    /// A signature on something that is not in the publication.
    #[error(
        "the signature of {key} is over {over}, which is no key set and no bundle of this publication"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    SignsNothing {
        /// The key.
        key: KeyPin,
        /// The digest of what it signs.
        over: Fingerprint,
    },
    /// A signature by a key that does not sign for this.
    #[error("the key {key} does not sign {over}: it is in no key set that does")]
    #[non_exhaustive]
    #[doc(hidden)]
    ForeignSignature {
        /// The key.
        key: KeyPin,
        /// What it signs.
        over: Signed,
    },
    /// A signature that does not verify.
    #[error(
        "the signature of {key} on {over} does not verify: sign the bytes of `to_sign`, with the algorithm of the key"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    WrongSignature {
        /// The key.
        key: KeyPin,
        /// What it signs.
        over: Signed,
    },
    /// The crypto provider does not verify signatures of this kind of key.
    #[error(
        "the crypto provider verifies no signature of key {key} ({kind}): use one that does, such as aws-lc-rs"
    )]
    #[non_exhaustive]
    #[doc(hidden)]
    Unsupported {
        /// The key.
        key: KeyPin,
        /// Its kind.
        kind: &'static str,
    },
    /// A signer failed.
    #[error("the key {key} did not sign")]
    #[non_exhaustive]
    #[doc(hidden)]
    Signer {
        /// The key.
        key: KeyPin,
        /// Why.
        source: Box<dyn core::error::Error + Send + Sync>,
    },
}
