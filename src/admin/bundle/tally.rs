//! Which signatures count.

use core::fmt;

use crate::certificate::KeyPin;

/// What carries signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signed {
    /// The key set of this version.
    KeySet(u64),
    /// The bundle.
    Bundle,
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeySet(version) => write!(f, "key set {version}"),
            Self::Bundle => f.write_str("the bundle"),
        }
    }
}

/// The signatures on a key set or bundle, by the keys of one key set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Keys of the key set whose signatures verify, in order, each once.
    pub valid: Vec<KeyPin>,
    /// How many of them are needed.
    pub needed: usize,
    /// Keys that are in no key set that signs for this. Their signatures are not looked at.
    #[doc(hidden)]
    pub foreign: Vec<KeyPin>,
    /// Keys of the key set whose signatures do not verify.
    #[doc(hidden)]
    pub wrong: Vec<KeyPin>,
    /// Keys of the key set for which the crypto provider has no algorithm.
    #[doc(hidden)]
    pub unsupported: Vec<KeyPin>,
}

impl Tally {
    /// Whether the threshold is met.
    pub(super) fn is_met(&self) -> bool {
        self.needed > 0 && self.valid.len() >= self.needed
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} valid, {} needed", self.valid.len(), self.needed)?;
        let lists = [
            ("of other keys, not counted", &self.foreign),
            ("not valid", &self.wrong),
            (
                "of a kind that the crypto provider does not verify",
                &self.unsupported,
            ),
        ];
        for (what, keys) in lists {
            for (at, key) in keys.iter().enumerate() {
                match at {
                    0 => write!(f, "; {what}: ")?,
                    _ => f.write_str(", ")?,
                }
                key.identify(f)?;
            }
        }
        Ok(())
    }
}

/// What is not signed by enough keys yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct Missing {
    /// What must be signed.
    pub over: Signed,
    /// The version of the key set whose keys must sign it.
    pub by: u64,
    /// The signatures so far.
    pub tally: Tally,
    /// Keys of the key set without a valid signature.
    pub keys: Vec<KeyPin>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            over, by, tally, ..
        } = self;
        write!(f, "{over} by keys of key set {by}: {tally}")
    }
}
