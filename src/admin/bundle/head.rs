//! The head of a bundle: what it is, without its records.

use pki_types::UnixTime;

use super::error::BundleError;
use super::key_set::KeySet;
use super::names::{FleetId, Part};
use super::text::{Reader, VERSION, exact, number};
use crate::admin::file::{Time, time};
use crate::certificate::Timestamp;
use crate::limits::{MAX_KEY_SETS, MAX_SEQUENCE};

/// What texts and errors call it.
pub(super) const WHAT: &str = "bundle";
/// What its first line starts with.
pub(super) const TITLE: &str = "mutual-trust bundle";
/// The line of a bundle without pins and authorities.
const TRUST_NONE: &str = "trust none";

/// The head of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleHead {
    fleet: FleetId,
    part: Part,
    sequence: u64,
    made: UnixTime,
    until: UnixTime,
    keys_version: u64,
    trusts_none: bool,
}

impl BundleHead {
    /// A head for a bundle that these keys sign. `sequence` starts at 1, and each new bundle has a higher one.
    ///
    /// # Errors
    /// The sequence is 0 or too high, or the end is not after the time at which it is made.
    pub fn new(
        keys: &KeySet,
        part: Part,
        sequence: u64,
        made: UnixTime,
        until: UnixTime,
    ) -> Result<Self, BundleError> {
        let head = Self {
            fleet: keys.fleet().clone(),
            part,
            sequence,
            made,
            until,
            keys_version: keys.version(),
            trusts_none: false,
        };
        head.checked()
    }

    /// States that the bundle has no pin and no authority: nodes that take it over trust none of its peers.
    #[must_use]
    pub fn trusting_none(mut self) -> Self {
        self.trusts_none = true;
        self
    }

    fn checked(self) -> Result<Self, BundleError> {
        let not = |why: String| Err(BundleError::Impossible { what: WHAT, why });
        let Self {
            sequence,
            made,
            until,
            ..
        } = &self;
        if !(1..=MAX_SEQUENCE).contains(sequence) {
            return not(format!(
                "its sequence is {sequence}, and must be 1 to {MAX_SEQUENCE}"
            ));
        }
        if until <= made {
            let [made, until] = [*made, *until].map(Timestamp::from);
            return not(format!("it is made at {made} and ends at {until}"));
        }
        Ok(self)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, BundleError> {
        let fleet = reader.value("fleet", "its id", exact)?;
        let part = reader.value("part", "`all`, `servers` or `systems`", exact)?;
        let sequence = reader.value("sequence", "a number", number)?;
        let made = reader.value("made", "a time", time)?;
        let until = reader.value("until", "a time", time)?;
        let keys_version = reader.value("keys", "a version from 1", |text| {
            number(text).filter(|version| (1..=MAX_KEY_SETS).contains(version))
        })?;
        let trusts_none = reader.starts_with("trust ");
        if trusts_none {
            reader.only(TRUST_NONE)?;
        }
        let head = Self {
            fleet,
            part,
            sequence,
            made,
            until,
            keys_version,
            trusts_none,
        };
        head.checked()
    }

    pub(super) fn text(&self) -> String {
        let Self {
            fleet,
            part,
            sequence,
            keys_version,
            ..
        } = self;
        let (made, until) = (Time(self.made), Time(self.until));
        let mut text = format!(
            "{TITLE} {VERSION}\nfleet {fleet}\npart {part}\nsequence {sequence}\nmade {made}\nuntil {until}\nkeys {keys_version}\n"
        );
        if self.trusts_none {
            text.push_str(TRUST_NONE);
            text.push('\n');
        }
        text
    }

    /// The fleet.
    #[doc(hidden)]
    pub fn fleet(&self) -> &FleetId {
        &self.fleet
    }

    /// Which records it has.
    #[doc(hidden)]
    pub fn part(&self) -> Part {
        self.part
    }

    /// Its number, from 1. A node never takes a lower one than it holds.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was made.
    pub fn made(&self) -> UnixTime {
        self.made
    }

    /// The time after which it is not taken over any more.
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// The version of the key set that signs it.
    #[doc(hidden)]
    pub fn keys_version(&self) -> u64 {
        self.keys_version
    }

    /// Whether it states that it has no pin and no authority.
    #[doc(hidden)]
    pub fn trusts_none(&self) -> bool {
        self.trusts_none
    }
}
