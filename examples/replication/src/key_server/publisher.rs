//! The primary's work: the trust set as administrators change it here, signed and published after each change.
//!
//! The primary signs by itself, with one key, so that an array is let in within a second. Administrators who sign by hand
//! need no machine that holds a key, and wait for each other. So the threshold is 1, and the key set names the keys of the
//! primary and of the secondary that replaces it: each has its own, which never leaves it. When the secondary is promoted,
//! it publishes the next key set without the key of the old primary. From then on no member takes anything that only the
//! old primary has signed. One key that both hold could not be taken from one of them.

use std::time::{Duration, SystemTime};

use mutual_trust::DurableStore;
use mutual_trust::admin::bundle::{
    Bundle, BundleHead, BundleKey, FleetId, KeySet, Part, Publication, Signer,
};
use mutual_trust::certificate::Timestamp;
use mutual_trust_fleet::Publisher as _;
use mutual_trust_fleet::folder::Folder;

use crate::Outcome;
use crate::machine::{Folder as Machine, keys};
use crate::taking::newest;

/// What is published, each in a place of its own: all for the secondary that can be promoted, what key servers need, and
/// what arrays need.
pub(crate) const PARTS: [Part; 3] = [Part::All, Part::Systems, Part::Servers];

/// A set that is older is not taken over any more, and health says so.
const VALID: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A set that is so old is published anew.
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// A promoted server continues so far above the last sequence that it has seen. The old primary may have published once
/// more just before it died, and members that took that must find ours to be newer.
const AFTER_PROMOTION: u64 = 1000;

/// The trust set, with what it takes to publish it.
pub(crate) struct Publisher {
    pub(crate) set: DurableStore,
    signer: Box<dyn Signer + Send>,
    places: Vec<(Part, Folder)>,
    /// What was published last, for any part: it has the key sets.
    newest: Publication,
    /// The last sequence that was used. One that was used for a publication that failed is not used again.
    sequence: u64,
}

impl Publisher {
    /// Founds a fleet: the first publication, by the keys that may publish.
    pub(crate) fn found(
        set: DurableStore,
        signer: Box<dyn Signer + Send>,
        folder: &Machine,
        fleet: FleetId,
        signing: impl IntoIterator<Item = BundleKey>,
    ) -> Outcome<Self> {
        let key_set = KeySet::new(fleet, 1, signing)?;
        // A draft that is not published: it has the key set. The first publication follows it.
        let bundle = bundle(&set, &key_set, Part::All, 1)?;
        let newest = Publication::new([key_set], bundle)?;
        let mut publisher = Self::new(set, signer, folder, newest)?;
        publisher.publish()?;
        Ok(publisher)
    }

    /// Goes on after a publication.
    pub(crate) fn new(
        set: DurableStore,
        signer: Box<dyn Signer + Send>,
        folder: &Machine,
        newest: Publication,
    ) -> Outcome<Self> {
        let mut sequence = newest.bundle().head().sequence();
        let mut places = Vec::new();
        for part in PARTS {
            let mut place = Folder::new(folder.published(part)?);
            // It may have failed before all parts were published.
            if let Some((bytes, _)) = place.current()? {
                let there = Publication::read(&bytes)?;
                sequence = sequence.max(there.bundle().head().sequence());
            }
            places.push((part, place));
        }
        Ok(Self {
            set,
            signer,
            places,
            newest,
            sequence,
        })
    }

    /// Reads what this machine published last.
    pub(crate) fn last(folder: &Machine) -> Outcome<Option<Publication>> {
        let mut place = Folder::new(folder.published(Part::All)?);
        let last = place.current()?;
        Ok(last
            .map(|(bytes, _)| Publication::read(&bytes))
            .transpose()?)
    }

    /// Whether the last publication is so old that it is published anew, although nothing has changed.
    pub(crate) fn is_due(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let made = self.newest.bundle().head().made();
        let due = made.as_secs().saturating_add(AGAIN.as_secs());
        now.is_ok_and(|now| now.as_secs() >= due)
    }

    /// The newest key set.
    pub(crate) fn key_set(&self) -> Outcome<KeySet> {
        newest(&self.newest)
    }

    /// Publishes the set as it is now.
    pub(crate) fn publish(&mut self) -> Outcome<u64> {
        self.put(None, 1)
    }

    /// Publishes for the first time on this machine, which was a secondary: with a key set that names its own key alone.
    pub(crate) fn promote(&mut self, others: &[BundleKey]) -> Outcome<u64> {
        let own = [self.signer.key().clone()];
        let next = self
            .key_set()?
            .next(1, own.into_iter().chain(others.iter().cloned()))?;
        self.put(Some(next), AFTER_PROMOTION)
    }

    fn put(&mut self, next: Option<KeySet>, step: u64) -> Outcome<u64> {
        self.sequence = self.sequence.saturating_add(step);
        let sequence = self.sequence;
        let key_set = next.clone().map_or_else(|| self.key_set(), Ok)?;
        let mut last = None;
        for (part, place) in &mut self.places {
            let bundle = bundle(&self.set, &key_set, *part, sequence)?;
            let mut publication = self.newest.next(next.clone(), bundle)?;
            if let Some(next) = &next {
                publication.add_signature(next.sign(&*self.signer)?, keys())?;
            }
            let signature = publication.bundle().sign(&*self.signer)?;
            publication.add_signature(signature, keys())?;
            let over = place.current()?.map(|(_, tag)| tag);
            place.publish(&publication.to_bytes(), over.as_ref())?;
            last = Some(publication);
        }
        self.newest = last.ok_or("no part is published")?;
        Ok(sequence)
    }
}

/// The part of a set that is published. That nothing is trusted yet must be stated.
fn bundle(set: &DurableStore, keys: &KeySet, part: Part, sequence: u64) -> Outcome<Bundle> {
    let now = SystemTime::now();
    let time = |time: SystemTime| Timestamp::from(time).try_into();
    let head = BundleHead::new(keys, part, sequence, time(now)?, time(now + VALID)?)?;
    let stated = head.clone().trusting_none();
    let bundle = Bundle::new(set.contents(), head);
    Ok(bundle.or_else(|_| Bundle::new(set.contents(), stated))?)
}
