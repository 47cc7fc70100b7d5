//! The keys that sign for a fleet, with the number of signatures that it takes.

use core::fmt;
use std::sync::Arc;

use super::error::BundleError;
use super::key::{BundleKey, LABEL};
use super::names::FleetId;
use super::signature::{Signature, Signer, domain};
use super::tally::Signed;
use super::text::{Reader, VERSION, exact, number};
use crate::admin::file::write_section;
use crate::certificate::{Fingerprint, KeyPin};
use crate::limits::{MAX_FLEET_KEY_BYTES, MAX_FLEET_KEYS, MAX_KEY_SET_BYTES, MAX_KEY_SETS};

/// What texts and errors call it.
const WHAT: &str = "key set";
/// What its first line starts with.
const TITLE: &str = "mutual-trust key-set";

/// The keys that sign for a fleet, and how many of them must sign (m of n). Cheap to clone.
///
/// Each version names the digest of the one before it, so that the newest vouches for the bytes of all.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySet(Arc<Content>);

#[derive(PartialEq, Eq)]
struct Content {
    fleet: FleetId,
    version: u64,
    after: Option<Fingerprint>,
    threshold: usize,
    /// In the order of their ids.
    keys: Vec<BundleKey>,
    /// What is signed: the line of its kind and fleet, and its text.
    message: String,
    /// The length of that line.
    domain: usize,
    digest: Fingerprint,
}

impl KeySet {
    /// The first key set of a fleet, of version 1.
    ///
    /// # Errors
    /// There is no key, a key twice, or more than 16; the threshold is 0 or above their number.
    pub fn new(
        fleet: FleetId,
        threshold: usize,
        keys: impl IntoIterator<Item = BundleKey>,
    ) -> Result<Self, BundleError> {
        Self::of(fleet, 1, None, threshold, keys.into_iter().collect())
    }

    /// The key set after this one. It counts when enough keys of both have signed it.
    ///
    /// # Errors
    /// As [`new`](Self::new); or the fleet has used up its 1,024 key sets.
    pub fn next(
        &self,
        threshold: usize,
        keys: impl IntoIterator<Item = BundleKey>,
    ) -> Result<Self, BundleError> {
        let version = self.version().saturating_add(1);
        let after = Some(self.digest());
        let keys = keys.into_iter().collect();
        Self::of(self.fleet().clone(), version, after, threshold, keys)
    }

    fn of(
        fleet: FleetId,
        version: u64,
        after: Option<Fingerprint>,
        threshold: usize,
        mut keys: Vec<BundleKey>,
    ) -> Result<Self, BundleError> {
        let not = |why: String| Err(BundleError::Impossible { what: WHAT, why });
        let count = keys.len();
        if !(1..=MAX_FLEET_KEYS).contains(&count) {
            return not(format!(
                "it has {count} keys, and must have 1 to {MAX_FLEET_KEYS}"
            ));
        }
        if !(1..=count).contains(&threshold) {
            return not(format!("{threshold} of {count} keys must sign"));
        }
        if !(1..=MAX_KEY_SETS).contains(&version) {
            return not(format!(
                "its version is {version}, the last is {MAX_KEY_SETS}"
            ));
        }
        if after.is_none() != (version == 1) {
            return not("only version 1 follows none".to_owned());
        }
        keys.sort_by_key(BundleKey::id);
        let pairs = keys.iter().zip(keys.iter().skip(1));
        if let Some((key, _)) = pairs.into_iter().find(|(one, next)| one.id() == next.id()) {
            return not(format!("it has the key {} twice", key.id()));
        }
        let mut message = domain(&fleet, WHAT);
        let domain = message.len();
        let text = written(&fleet, version, after, threshold, &keys);
        message.push_str(&text);
        Ok(Self(Arc::new(Content {
            digest: Fingerprint::over(text.as_bytes()),
            fleet,
            version,
            after,
            threshold,
            keys,
            message,
            domain,
        })))
    }

    fn text(&self) -> &str {
        self.0.message.get(self.0.domain..).unwrap_or("")
    }

    /// Reads what [`to_bytes`](Self::to_bytes) writes, and nothing else.
    ///
    /// # Errors
    /// The text is damaged, too large or of a later version; or as [`new`](Self::new).
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut reader = Reader::new(WHAT, TITLE, bytes, MAX_KEY_SET_BYTES)?;
        let fleet = reader.value("fleet", "its id", exact)?;
        let version = reader.value("version", "a number", number)?;
        let after = match version {
            1 => None,
            _ => Some(reader.value("after", "a digest", exact)?),
        };
        let threshold = reader.value("threshold", "a number", |text| {
            usize::try_from(number(text)?).ok()
        })?;
        let mut keys = Vec::new();
        while reader.starts_with("key ") && keys.len() <= MAX_FLEET_KEYS {
            let id: KeyPin = reader.value("key", "its SHA-256", exact)?;
            let key = BundleKey::from_der(&reader.section(LABEL, MAX_FLEET_KEY_BYTES)?)?;
            if key.id() != id {
                return Err(reader.wrong(&format!("the key {id} above this line"), LABEL));
            }
            keys.push(key);
        }
        reader.only("end")?;
        let read = Self::of(fleet, version, after, threshold, keys)?;
        reader.end(read.text())?;
        Ok(read)
    }

    /// Its text. The same keys give the same bytes.
    pub fn to_bytes(&self) -> &[u8] {
        self.text().as_bytes()
    }

    /// What its keys and those of the key set before it sign.
    pub fn to_sign(&self) -> &[u8] {
        self.0.message.as_bytes()
    }

    /// Signs it.
    ///
    /// # Errors
    /// The signer fails.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Signature, BundleError> {
        Signature::make(self.digest(), signer, self.to_sign())
    }

    /// SHA-256 over its text: what administrators compare when a node joins. `sha256sum` prints the same.
    pub fn digest(&self) -> Fingerprint {
        self.0.digest
    }

    /// Its fleet.
    #[doc(hidden)]
    pub fn fleet(&self) -> &FleetId {
        &self.0.fleet
    }

    /// Its number, from 1.
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// How many keys must sign.
    #[doc(hidden)]
    pub fn threshold(&self) -> usize {
        self.0.threshold
    }

    /// Its keys, in the order of their ids.
    #[doc(hidden)]
    pub fn keys(&self) -> &[BundleKey] {
        &self.0.keys
    }

    pub(super) fn key(&self, id: KeyPin) -> Option<&BundleKey> {
        self.0.keys.iter().find(|key| key.id() == id)
    }

    /// Whether it names this one as the one before it.
    pub(super) fn follows(&self, before: &Self) -> bool {
        self.0.after == Some(before.digest()) && self.0.fleet == before.0.fleet
    }

    pub(super) fn named(&self) -> Signed {
        Signed::KeySet(self.version())
    }
}

fn written(
    fleet: &FleetId,
    version: u64,
    after: Option<Fingerprint>,
    threshold: usize,
    keys: &[BundleKey],
) -> String {
    let mut text = format!("{TITLE} {VERSION}\nfleet {fleet}\nversion {version}\n");
    if let Some(after) = after {
        text.push_str(&format!("after {after}\n"));
    }
    text.push_str(&format!("threshold {threshold}\n"));
    for key in keys {
        text.push_str(&format!("key {}\n", key.id()));
        // Writing to a string cannot fail.
        let _ = write_section(LABEL, key.der(), &mut text);
    }
    text.push_str("end\n");
    text
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Content {
            fleet,
            version,
            threshold,
            keys,
            digest,
            ..
        } = &*self.0;
        let count = keys.len();
        write!(
            f,
            "KeySet({fleet}, version {version}, {threshold} of {count}, {digest})"
        )
    }
}
