//! What several results have in common.

use serde::Serialize;

/// A certificate.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Certificate {
    /// The version of X.509
    pub(crate) version: u8,
    /// The subject (RFC 4514); it can be empty
    pub(crate) subject: String,
    /// The issuer (RFC 4514)
    pub(crate) issuer: String,
    /// The serial number in hexadecimal with colons
    pub(crate) serial: String,
    /// The subject alternative names
    pub(crate) names: Vec<String>,
    /// The beginning of its validity
    pub(crate) not_before: String,
    /// The end of its validity
    pub(crate) not_after: String,
    /// The kind of its key
    pub(crate) key: String,
    /// Whether it says that it is a CA
    pub(crate) ca: bool,
    /// Its SHA-256 fingerprint
    pub(crate) fingerprint: String,
    /// SHA-256 over its SubjectPublicKeyInfo
    pub(crate) key_pin: String,
}

/// The slot of an entry.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Slot {
    Pin,
    Authority,
    Intermediate,
}

/// The name of an entry.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EntryKey {
    /// What it is for
    pub(crate) slot: Slot,
    /// The peers that it is for
    pub(crate) scope: String,
    /// The fingerprint of its certificate
    pub(crate) fingerprint: String,
}

/// A list that is bounded.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "BoundedOf{T}"))]
pub(crate) struct Bounded<T> {
    /// The first items
    pub(crate) items: Vec<T>,
    /// How many more there are
    pub(crate) more: usize,
}

impl<T> Bounded<T> {
    /// A list without items.
    pub(crate) const fn none() -> Self {
        Self {
            items: Vec::new(),
            more: 0,
        }
    }
}

/// A decision on a peer.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verdict {
    /// Whether the peer is trusted
    pub(crate) accepted: bool,
    /// The code of the reason
    pub(crate) reason: String,
    /// The trust rule behind it
    pub(crate) rule: String,
    /// The reason as a sentence
    pub(crate) meaning: String,
    /// What to do, if it is refused
    pub(crate) to_do: Option<String>,
    /// What was expected and what was presented
    pub(crate) detail: Option<String>,
    /// The role of the peer
    pub(crate) role: String,
    /// The id of the server
    pub(crate) server: Option<String>,
    /// The name by which it was dialled
    pub(crate) dialled: Option<String>,
    /// The fingerprint of the presented certificate
    pub(crate) presented: Option<String>,
    /// The entry that decided
    pub(crate) decided_by: Option<EntryKey>,
    /// Who the peer is
    pub(crate) peer: Option<String>,
    /// What was considered and did not decide
    pub(crate) considered: Vec<Considered>,
    /// How many more were considered
    pub(crate) considered_more: usize,
    /// Warnings
    pub(crate) warnings: Vec<String>,
    /// The generation of the store
    pub(crate) generation: u64,
}

/// A certificate or entry that was considered.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Considered {
    /// The fingerprint of the certificate
    pub(crate) fingerprint: String,
    /// Its entry, if it is installed
    pub(crate) entry: Option<EntryKey>,
    /// The code of the reason why it did not decide
    pub(crate) reason: String,
    /// What was expected and what was found
    pub(crate) detail: Option<String>,
}

/// The clock of the machine, and the floor of the store (rule M7).
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Clock {
    /// How they stand to each other
    #[cfg_attr(test, schemars(extend("enum" = ["known", "unset", "below_floor", "jumped"])))]
    pub(crate) state: &'static str,
    /// What the clock shows, if it is set
    pub(crate) now: Option<String>,
    /// The newest time at which the store was changed with a known clock
    pub(crate) floor: Option<String>,
    /// The state as a sentence
    pub(crate) text: String,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    Added,
    AlreadyThere,
    Completed,
    Removed,
    Changed,
}

/// What one call of a change did.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report {
    /// What became of it
    pub(crate) done: Done,
    /// The entries that it is about
    pub(crate) entries: Bounded<EntryKey>,
    /// Servers that it claims
    pub(crate) claims: Bounded<String>,
    /// Servers about which another source decides now
    pub(crate) shifts: Bounded<String>,
    /// Other entries that still accept what was removed
    pub(crate) still_held: Bounded<EntryKey>,
    /// Warnings
    pub(crate) warnings: Bounded<String>,
}

/// A peer that is judged differently by a change.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Effect {
    /// The peer
    pub(crate) peer: String,
    /// The code of the reason before
    pub(crate) before: String,
    /// The code of the reason after it
    pub(crate) after: String,
    /// The name, if the server is lost by that name alone
    pub(crate) dialled: Option<String>,
    /// The effect as a sentence
    pub(crate) text: String,
}

/// The peers that are judged differently by a change.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Effects {
    /// Accepted before, refused afterwards
    pub(crate) lost: Bounded<Effect>,
    /// Accepted before, perhaps refused afterwards
    pub(crate) at_risk: Bounded<Effect>,
    /// Refused before, accepted afterwards
    pub(crate) gained: Bounded<Effect>,
    /// Accepted by another rule or entry
    pub(crate) moved: Bounded<Effect>,
    /// The floor, if the change moves it past the end of something in use
    pub(crate) floor: Option<FloorMove>,
}

/// A move of the floor.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FloorMove {
    /// The floor before
    pub(crate) from: String,
    /// The floor after it
    pub(crate) to: String,
}
