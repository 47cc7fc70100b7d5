//! Results about what is in a store.

use serde::Serialize;

use super::{Bounded, Certificate, Clock, Disabled, Effect, List, Slot};

/// The clock and the floor of a store.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StoreClock {
    /// The generation of the store
    pub(crate) generation: u64,
    /// The clock and the floor
    pub(crate) clock: Clock,
}

/// What ends within a time.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Expiring {
    /// What ends, the earliest first
    pub(crate) items: Vec<End>,
    /// How many are not listed
    pub(crate) more: usize,
    /// The clock and the floor
    pub(crate) clock: Clock,
    /// The worst of all, listed or not
    pub(crate) worst: Option<Severity>,
    /// When the next of them becomes worse
    pub(crate) next_change: Option<String>,
    /// The servers that something installed can accept now
    pub(crate) servers: UsableServers,
    /// How many of them something installed can accept at the end of the time
    pub(crate) usable_servers_at_end: usize,
}

/// How many servers can be accepted.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UsableServers {
    /// How many servers the store has
    pub(crate) all: usize,
    /// How many of them something installed can accept now
    pub(crate) usable: usize,
    /// Whether these are fewer than two, in a store that has servers
    pub(crate) few: bool,
}

/// How soon something ends.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    Notice,
    Warning,
    Critical,
    Ended,
}

/// Something that ends.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct End {
    /// What ends
    pub(crate) subject: String,
    /// How soon
    pub(crate) severity: Severity,
    /// When
    pub(crate) ends: String,
    /// Whether it is accepted after its end
    pub(crate) in_grace: bool,
    /// The peers that depend on it
    pub(crate) dependents: String,
}

/// How two stores differ.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StoreDiff {
    /// The generation of the first
    pub(crate) from: u64,
    /// The generation of the second
    pub(crate) to: u64,
    /// Records that only the first has
    pub(crate) gone: Vec<String>,
    /// Records that only the second has
    pub(crate) came: Vec<String>,
    /// The peers that they judge differently
    pub(crate) effects: DiffEffects,
}

/// The peers that two stores judge differently.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DiffEffects {
    /// The second store refuses what the first accepts
    pub(crate) lost: Bounded<Effect>,
    /// The second store may refuse what the first accepts
    pub(crate) at_risk: Bounded<Effect>,
    /// The first store refuses what the second accepts
    pub(crate) gained: Bounded<Effect>,
    /// The first store may refuse what the second accepts
    pub(crate) may_gain: Bounded<Effect>,
}

/// The history of a store.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StoreLog {
    /// The generation before the first change that is kept
    pub(crate) since_generation: u64,
    /// Why the previous file does not belong to this history
    pub(crate) previous: Option<String>,
    /// The seal: `none`, `verified`, or `not-verified` without its key
    pub(crate) seal: &'static str,
    /// The changes, oldest first
    pub(crate) changes: Vec<LoggedChange>,
    /// Refused changes that are recorded, oldest first
    pub(crate) refusals: Vec<LoggedRefusal>,
}

/// A change that was refused.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LoggedRefusal {
    /// The generation that was in force
    pub(crate) after: u64,
    /// When it was refused; null if the clock was unset
    pub(crate) at: Option<String>,
    /// The calls
    pub(crate) asked: Vec<Asked>,
    /// How many more calls there were
    pub(crate) more: usize,
    /// Why it was refused
    pub(crate) because: String,
    /// How many refusals before it are not recorded
    pub(crate) omitted: u64,
    /// The digest of the record
    pub(crate) digest: String,
}

/// A change in the history.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LoggedChange {
    /// The generation before
    pub(crate) from: u64,
    /// The generation after it
    pub(crate) to: u64,
    /// When it was made; null if the clock was unset
    pub(crate) at: Option<String>,
    /// The calls
    pub(crate) asked: Vec<Asked>,
    /// How many more calls there were
    pub(crate) more: usize,
    /// Records that it took out
    pub(crate) gone: Vec<String>,
    /// Records that it brought
    pub(crate) came: Vec<String>,
    /// The digest of the change
    pub(crate) digest: String,
}

/// A call of a change.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Asked {
    /// The call
    pub(crate) call: String,
    /// The account or ticket that asked for it
    pub(crate) by: Option<String>,
}

/// Whether a store is whole, and what of it accepts nothing.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verified {
    /// The generation of the store
    pub(crate) generation: u64,
    /// The digest of its content
    pub(crate) digest: String,
    /// Whether it is sealed, and by the key that was named
    #[cfg_attr(test, schemars(extend("enum" = ["none", "verified", "not-verified"])))]
    pub(crate) seal: &'static str,
    /// Its history
    pub(crate) history: HistoryFacts,
    /// The clock and the floor
    pub(crate) clock: Clock,
    /// How many entries it has
    pub(crate) entries: usize,
    /// How many revocation lists it has
    pub(crate) crls: usize,
    /// Entries that accept nothing on this machine
    pub(crate) disabled: Bounded<Disabled>,
    /// Servers that nothing installed can accept now
    pub(crate) without_usable: Vec<WithoutUsable>,
    /// The servers that something installed can accept now
    pub(crate) servers: UsableServers,
}

/// How far the history goes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HistoryFacts {
    /// How many changes are kept
    pub(crate) changes: usize,
    /// How many refused changes are recorded in it
    pub(crate) refusals: usize,
    /// The generation before the first of them
    pub(crate) since_generation: u64,
    /// Why the previous file does not belong to this history
    pub(crate) previous: Option<String>,
}

/// A server that nothing installed can accept now.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WithoutUsable {
    /// Its id
    pub(crate) server: String,
    /// The code of the reason
    pub(crate) reason: String,
}

/// What is installed. The fields stand in the order of their names, as every other result has them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StoreList<'a> {
    /// What is never accepted
    pub(crate) blocks: List<'a, String>,
    /// Issuers whose certificates are checked for revocation
    pub(crate) checked_issuers: List<'a, String>,
    /// The clock and the floor
    pub(crate) clock: Clock,
    /// The revocation lists
    pub(crate) crls: List<'a, InstalledCrl>,
    /// The entries
    pub(crate) entries: List<'a, Entry>,
    /// The generation of the store
    pub(crate) generation: u64,
    /// The groups
    pub(crate) groups: List<'a, Group>,
    /// The policy of the call, by which the levels of servers are told
    pub(crate) policy: PolicyFacts,
    /// The seal: `none`, `verified`, or `not-verified` without its key
    pub(crate) seal: &'static str,
    /// The servers
    pub(crate) servers: List<'a, Server>,
}

/// The policy of a call.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PolicyFacts {
    /// How strictly chains are checked against RFC 5280
    #[cfg_attr(test, schemars(extend("enum" = ["compatible", "strict"])))]
    pub(crate) profile: &'static str,
    /// Whether chains are refused if an issuer has no current revocation list installed
    pub(crate) require_crl: bool,
    /// Whether names of no server are accepted by the authorities for any server
    pub(crate) allow_unlisted: bool,
}

/// An entry.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Entry {
    /// What it is for
    pub(crate) slot: Slot,
    /// The peers that it is for
    pub(crate) scope: String,
    /// The fingerprint of its certificate
    pub(crate) fingerprint: String,
    /// Its label, for people and for authorisation
    pub(crate) label: Option<String>,
    /// Its certificate; null if only the fingerprint is known
    pub(crate) certificate: Option<Certificate>,
    /// Its certificate in PEM; only of `store export`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pem: Option<String>,
    /// The end that was set for it
    pub(crate) ends: Option<String>,
    /// Patterns of which one must match a name of a client
    pub(crate) patterns: Vec<String>,
    /// What a presented certificate must have in common with it
    #[serde(rename = "match")]
    pub(crate) matching: Matching,
    /// How long after its end the certificate is accepted, if that is set
    pub(crate) grace_seconds: Option<u64>,
    /// Whether its extended key usage does not count
    pub(crate) any_role: bool,
    /// The followed source from which it is
    pub(crate) source: Option<String>,
    /// When it was installed; null if the clock was unset
    pub(crate) installed: Option<String>,
    /// The account or ticket that installed it
    pub(crate) installed_by: Option<String>,
    /// Why it accepts nothing on this machine
    pub(crate) disabled: Option<String>,
}

/// What a presented certificate must have in common with a pin.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Matching {
    Certificate,
    PublicKey,
}

/// A revocation list that is installed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct InstalledCrl {
    /// Its SHA-256 fingerprint
    pub(crate) fingerprint: String,
    /// Its issuer (RFC 4514)
    pub(crate) issuer: String,
    /// When the next one is due, if it says so
    pub(crate) next_update: Option<String>,
}

/// A group.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Group {
    /// Its id
    pub(crate) id: String,
    /// The ids of its servers
    pub(crate) members: Vec<String>,
}

/// A server.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Server {
    /// Its id
    pub(crate) id: String,
    /// The names by which it is dialled
    pub(crate) names: Vec<String>,
    /// The names that chains are checked for, instead of those
    pub(crate) expected_names: Vec<String>,
    /// Its group
    pub(crate) group: Option<String>,
    /// Whether it is claimed, or migrates and until when
    pub(crate) claim: String,
    /// The level that decides about it
    pub(crate) asked: String,
    /// Its role among several key servers, if it has a place
    #[cfg_attr(test, schemars(extend("enum" = ["primary", "secondary", null])))]
    pub(crate) role: Option<&'static str>,
    /// Its place among the primaries, or among the secondaries of its primary, from 1
    pub(crate) place: Option<usize>,
    /// The primary of a secondary
    pub(crate) secondary_of: Option<String>,
}
