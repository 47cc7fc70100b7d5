//! Results about fleets: keys that sign, publications, and the nodes that take them over.

use serde::Serialize;

use super::{Bounded, EntryKey};

/// A key for signing that was made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetKeyFiles {
    /// The private key's file
    pub(crate) key_file: String,
    /// The public key's file, which the other administrators get
    pub(crate) public_key_file: String,
    /// The key
    pub(crate) key: FleetKey,
}

/// A key that signs for a fleet.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetKey {
    /// SHA-256 over its `SubjectPublicKeyInfo`
    pub(crate) id: String,
    /// What kind of key it is
    pub(crate) kind: String,
}

/// The keys that sign for a fleet.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetKeys {
    /// The fleet
    pub(crate) fleet: String,
    /// The version of the key set
    pub(crate) version: u64,
    /// How many of the keys must sign
    pub(crate) threshold: u64,
    /// The keys
    pub(crate) keys: Vec<FleetKey>,
    /// What administrators read out when a node joins: SHA-256 over the key set
    pub(crate) digest: String,
    /// The file that has the key set
    pub(crate) file: Option<String>,
}

/// Something that is published, or will be.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetBundle {
    /// The fleet
    pub(crate) fleet: String,
    /// Which part of a store it is
    #[cfg_attr(test, schemars(extend("enum" = ["all", "servers", "systems"])))]
    pub(crate) part: String,
    /// Its number
    pub(crate) sequence: u64,
    /// When it was made
    pub(crate) made: String,
    /// Until when it is good
    pub(crate) until: String,
    /// The version of the key set that signs it
    pub(crate) keys_version: u64,
    /// Whether it says that no peer is trusted
    pub(crate) trusts_none: bool,
    /// SHA-256 over it: all who sign or hold it have the same
    pub(crate) digest: String,
}

/// A bundle beside the one before it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetDifference {
    /// The sequence of the bundle before; null if none is known
    pub(crate) from: Option<u64>,
    /// Records that only the one before has
    pub(crate) gone: Vec<String>,
    /// Records that only this one has
    pub(crate) came: Vec<String>,
    /// Keys that do not sign any more
    pub(crate) keys_gone: Vec<FleetKey>,
    /// Keys that sign from now on
    pub(crate) keys_came: Vec<FleetKey>,
    /// The number of signatures that are needed, if that changes
    pub(crate) threshold: Option<u64>,
    /// Peers that are refused since
    pub(crate) lost: Bounded<String>,
    /// Peers that may be refused since
    pub(crate) at_risk: Bounded<String>,
}

/// A bundle that was made, to be signed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetDraft {
    /// Its file
    pub(crate) file: String,
    /// What it is
    pub(crate) bundle: FleetBundle,
    /// What it changes
    pub(crate) difference: FleetDifference,
    /// How many signatures it needs, of each key set that must sign
    pub(crate) needs: Vec<FleetMissing>,
}

/// Signatures that a draft needs.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetMissing {
    /// What is signed
    #[cfg_attr(test, schemars(extend("enum" = ["bundle", "keys"])))]
    pub(crate) what: &'static str,
    /// The version of the key set whose keys sign
    pub(crate) keys_version: u64,
    /// How many signatures are there
    pub(crate) signed: u64,
    /// How many are needed
    pub(crate) needed: u64,
}

/// What an administrator signed, or is to sign.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetSigned {
    /// What it is
    pub(crate) bundle: FleetBundle,
    /// What it changes
    pub(crate) difference: FleetDifference,
    /// The key that signed
    pub(crate) key: Option<String>,
    /// What it signed
    pub(crate) signed: Vec<&'static str>,
    /// The file that was written: signatures, or with `--to-sign` what another program signs
    pub(crate) file: Option<String>,
}

/// A publication that was published.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetPublished {
    /// What it is
    pub(crate) bundle: FleetBundle,
    /// The keys that signed it
    pub(crate) signers: Vec<String>,
    /// Signatures that do not count, and why
    pub(crate) not_counted: Vec<String>,
    /// Where it is
    pub(crate) places: Vec<String>,
}

/// A publisher's folder that was made from what is published.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetFetched {
    /// The folder
    pub(crate) folder: String,
    /// What is published
    pub(crate) bundle: FleetBundle,
    /// Its keys
    pub(crate) keys: FleetKeys,
}

/// How two publications, or a publication and a store, differ.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetDiff {
    /// The first; null if it is a store
    pub(crate) first: Option<FleetBundle>,
    /// The second; null if it is a store
    pub(crate) second: Option<FleetBundle>,
    /// What the second changes
    pub(crate) difference: FleetDifference,
}

/// What the nodes of a fleet hold.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetStatus {
    /// What is published
    pub(crate) bundle: FleetBundle,
    /// The nodes, those that are behind first
    pub(crate) nodes: Vec<FleetNode>,
    /// How many of them need attention: all that are not `current`, or report a fault
    pub(crate) behind: usize,
    /// The reports of how many of them cannot be read
    pub(crate) unreadable: usize,
    /// Whether more nodes report than are read
    pub(crate) more: bool,
}

/// Reports of nodes that were removed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetForgotten {
    /// Where the reports were
    pub(crate) at: String,
    /// The nodes whose reports were removed
    pub(crate) removed: Vec<String>,
    /// The nodes that have none there
    pub(crate) without: Vec<String>,
}

/// A node, as it reported last.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetNode {
    /// Its name
    pub(crate) node: String,
    /// `current`; `behind` (it holds an earlier bundle, or has not applied the one that it holds); `silent` (no report in
    /// time); `missing` (it is expected, and never reported); `unreadable` (its report cannot be read); `other` (it holds a bundle
    /// that is not the published one)
    #[cfg_attr(test, schemars(extend("enum" = ["current", "behind", "silent", "missing", "unreadable", "other"])))]
    pub(crate) state: &'static str,
    /// The sequence that it holds
    pub(crate) sequence: Option<u64>,
    /// Whether its store has what it holds
    pub(crate) applied: bool,
    /// The version of the key set that it holds
    pub(crate) keys_version: Option<u64>,
    /// The generation of its store
    pub(crate) generation: Option<u64>,
    /// When it reported
    pub(crate) reported: Option<String>,
    /// Since when it is behind or silent; for a node that is several bundles behind, at least since then
    pub(crate) since: Option<String>,
    /// Why, as far as it is known
    pub(crate) fault: Option<String>,
}

/// What a node holds of a fleet.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetMembership {
    /// Whether this call changed it
    pub(crate) changed: bool,
    /// The fleet; null if the store takes part in none
    pub(crate) fleet: Option<String>,
    /// Which part of a store it takes
    pub(crate) part: Option<String>,
    /// The version of the key set that it trusts
    pub(crate) keys_version: Option<u64>,
    /// The digest of that key set
    pub(crate) keys_digest: Option<String>,
    /// The newest sequence that it took; null before the first
    pub(crate) sequence: Option<u64>,
    /// The digest of that bundle
    pub(crate) digest: Option<String>,
    /// Whether the store has it
    pub(crate) applied: bool,
    /// Until when that bundle is good
    pub(crate) until: Option<String>,
    /// What is wrong, if anything is
    pub(crate) fault: Option<String>,
}

/// What became of a publication at a node.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetTaken {
    /// Whether the store is another one now
    pub(crate) changed: bool,
    /// The generation of the store
    pub(crate) generation: u64,
    /// What the node holds
    #[serde(flatten)]
    pub(crate) state: FleetNodeState,
    /// Entries that came
    pub(crate) came: Bounded<EntryKey>,
    /// Entries that went
    pub(crate) gone: Bounded<EntryKey>,
    /// Peers that are refused since, or would be
    pub(crate) lost: Bounded<String>,
    /// Peers that may be refused since, or would be
    pub(crate) at_risk: Bounded<String>,
    /// Where the store is not what the bundle says
    pub(crate) notices: Bounded<String>,
}

/// The state of a node that takes publications over.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FleetNodeState {
    /// The fleet
    pub(crate) fleet: String,
    /// The newest sequence that it took; null before the first
    pub(crate) sequence: Option<u64>,
    /// Whether the store has it
    pub(crate) applied: bool,
    /// Until when that bundle is good
    pub(crate) until: Option<String>,
    /// The code and the text of what is wrong, if anything is
    pub(crate) fault: Option<String>,
}
