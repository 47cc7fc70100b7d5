//! The id of a fleet, and the parts of a trust set.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::names_error::FleetNameError;
use crate::limits::MAX_FLEET_ID_BYTES;

/// The id of a fleet: 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`. The first is a letter or digit.
///
/// ```
/// use mutual_trust::admin::bundle::FleetId;
///
/// let fleet: FleetId = "site-a".parse()?;
/// assert_eq!(fleet.as_str(), "site-a");
/// # Ok::<(), mutual_trust::error::FleetNameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FleetId(Arc<str>);

impl FleetId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FleetId {
    type Err = FleetNameError;

    fn from_str(text: &str) -> Result<Self, FleetNameError> {
        let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = |byte: u8| first(byte) || b"._-".contains(&byte);
        let begins = text.bytes().next().is_some_and(first);
        match begins && text.len() <= MAX_FLEET_ID_BYTES && text.bytes().all(good) {
            true => Ok(Self(text.into())),
            false => Err(FleetNameError::FleetId),
        }
    }
}

impl fmt::Display for FleetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FleetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FleetId({})", self.0)
    }
}

/// Which records of a store a bundle has. Intermediates, blocks, checked issuers and revocation lists are in every part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// All records: `all`.
    All,
    /// What systems need: groups, servers, and what is installed for servers: `servers`.
    Servers,
    /// What key servers need: what is installed for clients: `systems`.
    Systems,
}

impl Part {
    const ALL: [(Self, &'static str); 3] = [
        (Self::All, "all"),
        (Self::Servers, "servers"),
        (Self::Systems, "systems"),
    ];
}

impl FromStr for Part {
    type Err = FleetNameError;

    fn from_str(text: &str) -> Result<Self, FleetNameError> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|(_, name)| *name == text);
        found.map(|(part, _)| part).ok_or(FleetNameError::Part)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Servers => "servers",
            Self::Systems => "systems",
        })
    }
}
