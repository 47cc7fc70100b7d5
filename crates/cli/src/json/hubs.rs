//! Results about hubs, and about what they serve.

#![cfg_attr(
    not(feature = "http"),
    allow(
        dead_code,
        reason = "the schema has what the command does with the feature `http`"
    )
)]

use serde::Serialize;

/// What happens at a hub.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum HubEvent {
    /// It listens
    Listening {
        /// The address and port
        address: String,
    },
    /// Another publication is served
    Published {
        /// The fleet
        fleet: String,
        /// The sequence of its bundle
        sequence: u64,
        /// The digest of its bundle
        digest: String,
    },
    /// Another process changed the store
    Changed {
        /// The generation that is in force
        generation: u64,
    },
    /// A client was refused, or its link failed
    Refused {
        /// Why
        message: String,
        /// The code of the reason, if it was refused
        reason: Option<String>,
        /// The address from which it came
        address: Option<String>,
    },
    /// Something failed
    Error {
        /// Why
        message: String,
    },
}

/// What a hub did until its end.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HubServed {
    /// The folder
    pub(crate) folder: String,
    /// The sequence that was served last; null if there was none
    pub(crate) sequence: Option<u64>,
    /// How many nodes have a report in the folder
    pub(crate) nodes: usize,
    /// The reports of how many others cannot be read
    pub(crate) unreadable: usize,
    /// How many clients were refused, or had links that failed
    pub(crate) refused: u64,
}
