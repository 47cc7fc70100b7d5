//! Results about revocation lists by address.

#![cfg_attr(
    not(feature = "http"),
    allow(
        dead_code,
        reason = "the schema has what the command does with the feature `http`"
    )
)]

use serde::Serialize;

/// What fetching revocation lists brought.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ListsFetched {
    /// Whether the store is another one now
    pub(crate) changed: bool,
    /// The state of the addresses
    #[serde(flatten)]
    pub(crate) state: ListsState,
}

/// The state of addresses of revocation lists.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ListsState {
    /// The generation of the store
    pub(crate) generation: u64,
    /// Whether the store has what each address has, and no list has ended or ends soon
    pub(crate) good: bool,
    /// The addresses
    pub(crate) lists: Vec<FetchedList>,
}

/// An address of revocation lists.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FetchedList {
    /// The address
    pub(crate) address: String,
    /// Whether nothing is wrong with it
    pub(crate) good: bool,
    /// The first end of the lists that it brought; null before the first one, or if they do not say
    pub(crate) until: Option<String>,
    /// Whether that is over
    pub(crate) ended: bool,
    /// Whether less than a tenth of its life is left, and no newer list came
    pub(crate) ends_soon: bool,
    /// When it had a good list last
    pub(crate) fetched: Option<String>,
    /// How many attempts in a row failed
    pub(crate) failures: u32,
    /// What is wrong since the last success
    pub(crate) error: Option<String>,
}
