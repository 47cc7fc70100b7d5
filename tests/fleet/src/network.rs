//! The network between a publisher and the nodes: what it delays, loses and alters, and who sits in it.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mutual_trust_fleet::{
    Fetched, NodeName, NodeReport, NodeReports, Publisher, Tag, Transport, TransportError,
};

use crate::draw::Draw;
use crate::records::PartOf;

/// The longest delay, in seconds.
const MAX_DELAY: u64 = 3_600;

/// What becomes of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It arrives as it was published.
    None,
    /// It does not arrive.
    Lost,
    /// What was there up to an hour ago.
    Delayed,
    /// Any earlier publication.
    Replayed,
    /// Its first part alone.
    Truncated,
    /// Something behind it.
    Extended,
    /// A few bits differ.
    Flipped,
    /// The beginning of one publication and the end of another.
    Mixed,
    /// Whole lines of one publication in the place of those of another.
    MixedLines,
    /// Whole items of two publications: key sets, signatures and the bundle.
    MixedItems,
    /// The publication of another fleet.
    OtherFleet,
    /// The publication for another part.
    OtherPart,
    /// Made by an attacker who has fewer keys than the threshold, or keys that were replaced.
    Forged,
    /// A publication that enough keys have signed, and that was never put in its place.
    Rival,
    /// No bytes at all, or noise.
    Noise,
    /// The node is told that nothing is new.
    Withheld,
}

pub const FAULTS: [Fault; 15] = [
    Fault::Lost,
    Fault::Delayed,
    Fault::Replayed,
    Fault::Truncated,
    Fault::Extended,
    Fault::Flipped,
    Fault::Mixed,
    Fault::MixedLines,
    Fault::MixedItems,
    Fault::OtherFleet,
    Fault::OtherPart,
    Fault::Forged,
    Fault::Rival,
    Fault::Noise,
    Fault::Withheld,
];

#[derive(Clone, Debug)]
struct Put {
    at: u64,
    bytes: Arc<[u8]>,
    tag: Tag,
}

/// What was made by an attacker.
#[derive(Clone, Debug)]
pub struct Forged {
    pub part: PartOf,
    pub bytes: Arc<[u8]>,
    /// Nodes that hold an older key set than this one cannot know that it is forged: its keys were good before.
    pub known_from: u64,
}

#[derive(Debug)]
struct Net {
    now: u64,
    places: BTreeMap<PartOf, Vec<Put>>,
    /// Everything that was ever at a place, in order.
    ever: BTreeMap<PartOf, Vec<Arc<[u8]>>>,
    other_fleet: Vec<Arc<[u8]>>,
    forged: Vec<Forged>,
    /// What was signed last and is in no place.
    rivals: BTreeMap<PartOf, Arc<[u8]>>,
    /// How many times out of a hundred each fault happens.
    chances: BTreeMap<Fault, u64>,
    puts: u64,
    reports: BTreeMap<String, NodeReport>,
    counts: BTreeMap<Fault, u64>,
    draw: Draw,
}

/// The network. Clones are one network.
#[derive(Clone, Debug)]
pub struct Network(Arc<Mutex<Net>>);

impl Network {
    pub fn new(mut draw: Draw) -> Self {
        // Each run has its own weather: some faults often, others never.
        let mut chances = BTreeMap::new();
        for fault in FAULTS {
            let chance = *draw.pick(&[0, 0, 2, 5, 15]);
            chances.insert(fault, chance);
        }
        Self(Arc::new(Mutex::new(Net {
            now: 0,
            places: BTreeMap::new(),
            ever: BTreeMap::new(),
            other_fleet: Vec::new(),
            forged: Vec::new(),
            rivals: BTreeMap::new(),
            chances,
            puts: 0,
            reports: BTreeMap::new(),
            counts: BTreeMap::new(),
            draw,
        })))
    }

    fn net(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_now(&self, now: u64) {
        self.net().now = now;
    }

    /// From now on, everything arrives.
    pub fn end_faults(&self) {
        self.net().chances.clear();
    }

    /// How often each fault happened.
    pub fn counts(&self) -> BTreeMap<Fault, u64> {
        self.net().counts.clone()
    }

    pub fn add_of_other_fleet(&self, bytes: &[u8]) {
        self.net().other_fleet.push(bytes.into());
    }

    pub fn add_forged(&self, forged: Forged) {
        self.net().forged.push(forged);
    }

    /// Puts an older publication in place of the newest, as a server does that is restored from a backup. Its tag goes
    /// back too.
    pub fn restore(&self, part: PartOf) -> bool {
        let mut net = self.net();
        let now = net.now;
        let length = net.places.get(&part).map_or(0, Vec::len);
        if length < 2 {
            return false;
        }
        let older = net.draw.below(length - 1);
        let puts = net.places.get_mut(&part).unwrap();
        puts.truncate(older + 1);
        puts[older].at = now;
        true
    }

    /// Leaves a part of a publication in the place, as a publisher does that stops while it writes.
    pub fn tear(&self, part: PartOf, bytes: &[u8]) {
        let mut net = self.net();
        let end = net.draw.below(bytes.len());
        net.put(part, &bytes[..end]);
    }

    /// A publication that was signed and is in no place: it can still arrive.
    pub fn leak(&self, part: PartOf, bytes: &[u8]) {
        let bytes: Arc<[u8]> = bytes.into();
        let mut net = self.net();
        net.rivals.insert(part, Arc::clone(&bytes));
        net.ever.entry(part).or_default().push(bytes);
    }

    /// The connection of one node. `keys_version` is what it trusts.
    pub fn link(&self, part: PartOf) -> Link {
        Link {
            network: self.clone(),
            part,
            keys_version: Arc::default(),
            last: Arc::default(),
            forced: Arc::default(),
        }
    }

    /// The connection of a publisher.
    pub fn desk(&self, part: PartOf) -> Desk {
        Desk {
            network: self.clone(),
            part,
        }
    }
}

impl Net {
    fn put(&mut self, part: PartOf, bytes: &[u8]) -> Tag {
        self.puts += 1;
        let tag = Tag::new(&format!("r{}", self.puts)).unwrap();
        let bytes: Arc<[u8]> = bytes.into();
        self.ever.entry(part).or_default().push(Arc::clone(&bytes));
        let put = Put {
            at: self.now,
            bytes,
            tag: tag.clone(),
        };
        self.places.entry(part).or_default().push(put);
        tag
    }

    fn fault(&mut self) -> Fault {
        for fault in FAULTS {
            let chance = self.chances.get(&fault).copied().unwrap_or(0);
            if self.draw.percent(chance) {
                return fault;
            }
        }
        Fault::None
    }

    /// Any publication for any part.
    fn any(&mut self) -> Option<Arc<[u8]>> {
        let all: Vec<_> = self.ever.values().flatten().collect();
        let at = self.draw.below(all.len());
        all.get(at).map(|bytes| Arc::clone(bytes))
    }

    /// What arrives instead of `newest`. `None`: this fault needs something that there is not yet.
    fn altered(
        &mut self,
        fault: Fault,
        part: PartOf,
        keys_version: u64,
        newest: &Arc<[u8]>,
    ) -> Option<Arc<[u8]>> {
        Some(match fault {
            Fault::None | Fault::Lost | Fault::Withheld => Arc::clone(newest),
            Fault::Delayed => {
                let back = self.draw.within(1, MAX_DELAY);
                let then = self.now.saturating_sub(back);
                let puts = self.places.get(&part)?;
                let put = puts.iter().rev().find(|put| put.at <= then)?;
                Arc::clone(&put.bytes)
            }
            Fault::Replayed => {
                let all = self.ever.get(&part)?;
                let at = self.draw.below(all.len());
                Arc::clone(all.get(at)?)
            }
            Fault::Truncated => newest[..self.draw.below(newest.len())].into(),
            Fault::Extended => {
                let more = self.any()?;
                let end = self.draw.below(more.len()) + 1;
                [newest, &more[..end]].concat().into()
            }
            Fault::Flipped => {
                let mut bytes = newest.to_vec();
                for _ in 0..=self.draw.below(3) {
                    let at = self.draw.below(bytes.len());
                    let bit = self.draw.below(8);
                    *bytes.get_mut(at)? ^= 1 << bit;
                }
                bytes.into()
            }
            Fault::Mixed => {
                let other = self.any()?;
                let from = self.draw.below(other.len());
                let to = self.draw.below(newest.len());
                [&newest[..to], &other[from..]].concat().into()
            }
            Fault::MixedLines => {
                let other = self.any()?;
                let ours: Vec<_> = newest.split_inclusive(|byte| *byte == b'\n').collect();
                let theirs: Vec<_> = other.split_inclusive(|byte| *byte == b'\n').collect();
                let at = self.draw.below(ours.len().min(theirs.len()));
                let count = self.draw.below(12) + 1;
                let ends = at.saturating_add(count);
                let mut lines: Vec<&[u8]> = ours.iter().take(at).copied().collect();
                lines.extend(theirs.iter().skip(at).take(count));
                lines.extend(ours.iter().skip(ends));
                lines.concat().into()
            }
            Fault::MixedItems => {
                let other = self.any()?;
                crate::office::mixed(newest, &other, &mut self.draw).into()
            }
            Fault::OtherFleet => {
                let at = self.draw.below(self.other_fleet.len());
                Arc::clone(self.other_fleet.get(at)?)
            }
            Fault::OtherPart => {
                let others = self.ever.iter().filter(|(other, _)| **other != part);
                let all: Vec<_> = others.flat_map(|(_, all)| all).cloned().collect();
                let at = self.draw.below(all.len());
                Arc::clone(all.get(at)?)
            }
            Fault::Forged => {
                let known = self
                    .forged
                    .iter()
                    .filter(|forged| forged.part == part && forged.known_from <= keys_version);
                let known: Vec<_> = known.map(|forged| Arc::clone(&forged.bytes)).collect();
                let at = self.draw.below(known.len());
                Arc::clone(known.get(at)?)
            }
            Fault::Rival => Arc::clone(self.rivals.get(&part)?),
            Fault::Noise => {
                let length = self.draw.below(300);
                let noise = (0..length).map(|_| self.draw.number().to_be_bytes()[0]);
                noise.collect::<Vec<_>>().into()
            }
        })
    }
}

/// What the network did with the last answer of a node.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub fault: Fault,
    pub bytes: Arc<[u8]>,
}

/// The connection of a node.
#[derive(Clone, Debug)]
pub struct Link {
    network: Network,
    part: PartOf,
    keys_version: Arc<Mutex<u64>>,
    last: Arc<Mutex<Option<Delivered>>>,
    /// What happens next, whatever the weather: an answer, or none.
    forced: Arc<Mutex<Option<Option<Delivered>>>>,
}

impl Link {
    /// The version of the key set that the node trusts.
    pub fn set_keys_version(&self, version: u64) {
        *self.keys_version.lock().unwrap() = version;
    }

    /// Says what happens at the next request.
    pub fn force(&self, next: Option<Delivered>) {
        *self.forced.lock().unwrap() = Some(next);
    }

    /// The time of the simulation.
    pub fn elapsed(&self) -> Duration {
        Duration::from_secs(self.network.net().now)
    }

    /// The last report of a node that arrived.
    pub fn reported(&self, node: &str) -> Option<NodeReport> {
        self.network.net().reports.get(node).cloned()
    }

    /// Forgets the report of a node that goes back to what it was before it reported.
    pub fn forget_report(&self, node: &str) {
        self.network.net().reports.remove(node);
    }

    /// What arrived last.
    pub fn take_last(&self) -> Option<Delivered> {
        self.last.lock().unwrap().take()
    }
}

fn lost() -> TransportError {
    TransportError::TimedOut {
        at: String::from("the simulated network"),
        after: Duration::from_secs(30),
    }
}

impl Transport for Link {
    fn fetch(&mut self, known: Option<&Tag>) -> Result<Fetched, TransportError> {
        let forced = self.forced.lock().unwrap().take();
        match forced {
            None => {}
            Some(None) => return Err(lost()),
            Some(Some(delivered)) => {
                let bytes = delivered.bytes.to_vec();
                *self.last.lock().unwrap() = Some(delivered);
                let tag = Tag::new("forced").unwrap();
                return Ok(Fetched::New { bytes, tag });
            }
        }
        let version = *self.keys_version.lock().unwrap();
        let mut net = self.network.net();
        let fault = net.fault();
        let newest = net.places.get(&self.part).and_then(|puts| puts.last());
        let Some(newest) = newest.cloned() else {
            return Err(TransportError::NotPublished {
                at: String::from("the simulated network"),
            });
        };
        *net.counts.entry(fault).or_default() += 1;
        let is_known = known == Some(&newest.tag);
        if fault == Fault::Lost {
            return Err(lost());
        }
        if fault == Fault::Withheld || (fault == Fault::None && is_known) {
            return Ok(Fetched::Unchanged);
        }
        let arrived = net.altered(fault, self.part, version, &newest.bytes);
        let (fault, bytes) = match arrived {
            Some(bytes) => (fault, bytes),
            None if is_known => return Ok(Fetched::Unchanged),
            None => (Fault::None, newest.bytes),
        };
        *self.last.lock().unwrap() = Some(Delivered {
            fault,
            bytes: Arc::clone(&bytes),
        });
        Ok(Fetched::New {
            bytes: bytes.to_vec(),
            // What was altered comes under the name of what was published.
            tag: newest.tag,
        })
    }

    fn wait(&mut self, _: Duration) -> Result<bool, TransportError> {
        Ok(false)
    }

    fn report(&mut self, report: &NodeReport) -> Result<(), TransportError> {
        let mut net = self.network.net();
        if net.fault() == Fault::Lost {
            return Err(lost());
        }
        let name = report.node().to_string();
        net.reports.insert(name, report.clone());
        Ok(())
    }
}

/// The connection of a publisher, for one part.
#[derive(Clone, Debug)]
pub struct Desk {
    network: Network,
    part: PartOf,
}

impl Publisher for Desk {
    fn current(&mut self) -> Result<Option<(Vec<u8>, Tag)>, TransportError> {
        let net = self.network.net();
        let newest = net.places.get(&self.part).and_then(|puts| puts.last());
        Ok(newest.map(|put| (put.bytes.to_vec(), put.tag.clone())))
    }

    fn publish(&mut self, bytes: &[u8], over: Option<&Tag>) -> Result<Tag, TransportError> {
        let mut net = self.network.net();
        let newest = net.places.get(&self.part).and_then(|puts| puts.last());
        if newest.map(|put| &put.tag) != over {
            return Err(TransportError::Superseded {
                at: String::from("the simulated network"),
            });
        }
        Ok(net.put(self.part, bytes))
    }

    fn nodes(&mut self) -> Result<NodeReports, TransportError> {
        let all: Vec<NodeReport> = self.network.net().reports.values().cloned().collect();
        Ok(all.into())
    }

    fn forget(&mut self, node: &NodeName) -> Result<bool, TransportError> {
        let removed = self.network.net().reports.remove(node.as_str());
        Ok(removed.is_some())
    }
}
