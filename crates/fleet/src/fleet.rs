//! The words that bundles and reports share.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// The name of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FleetId(String);

/// Which part of a trust set a node takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// All of it.
    All,
    /// What systems need.
    Servers,
    /// What key servers need.
    Systems,
}

/// A text that is none of these words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no such fleet or part")]
#[non_exhaustive]
pub struct WordError;

impl FromStr for FleetId {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let starts = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let fits = text.len() <= 64 && text.bytes().all(allowed);
        (starts && fits)
            .then(|| Self(text.to_owned()))
            .ok_or(WordError)
    }
}

impl fmt::Display for FleetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Part {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "all" => Ok(Self::All),
            "servers" => Ok(Self::Servers),
            "systems" => Ok(Self::Systems),
            _ => Err(WordError),
        }
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
