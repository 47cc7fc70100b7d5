//! The table of peers that wait for an administrator: which peer gets a place, and which loses one.
//!
//! Nothing here has a clock or a lock; both are [`Enrolment`](super::Enrolment)'s.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pki_types::UnixTime;

use super::PresentedCertificate;
use crate::admin::enrol::error::EnrolmentError;
use crate::certificate::Fingerprint;
use crate::limits::{
    CLOCK_TOLERANCE, MAX_ENROLMENT_WINDOW, MAX_EXPECTED, MAX_PENDING_AGE, MAX_PENDING_BYTES,
    MAX_PENDING_PEERS, PENDING_SHARE,
};

/// What names a peer that waits, as long as it does. Numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PendingId(u64);

impl fmt::Display for PendingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PendingId {
    type Err = core::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A client that nothing installed knows, that proved possession of its key, and that was refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PendingPeer {
    /// What names it.
    pub id: PendingId,
    /// What it presented.
    pub presented: PresentedCertificate,
    /// Where it came from, the last time.
    pub address: IpAddr,
    /// When it was first seen.
    pub first_seen: UnixTime,
    /// When it was last seen.
    pub last_seen: UnixTime,
    /// How often it was seen.
    pub attempts: u64,
    /// Whether its fingerprint is one that was [expected](super::Enrolment::expect).
    pub expected: bool,
    network: Network,
}

/// The network for which places are counted: an IPv4 /24, or an IPv6 /56.
///
/// A site often holds a whole /56 (RFC 6177 recommends it even for homes), which is 256 networks of /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    V4([u8; 3]),
    V6([u8; 7]),
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g])
            }
        }
    }
}

/// What became of a peer that knocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knock {
    /// It waits now.
    New,
    /// It was waiting already.
    Again,
    /// There was no place for it.
    NoPlace,
    /// Its certificate is too large to be kept.
    TooLarge,
    /// Enrolment is closed.
    Closed,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    opened: u64,
    ends: u64,
    places: usize,
}

/// Whether a moment lies ahead by more than clocks are corrected while they run.
fn is_ahead(moment: u64, now: UnixTime) -> bool {
    moment > now.as_secs().saturating_add(CLOCK_TOLERANCE.as_secs())
}

/// Who waits.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    window: Option<Window>,
    peers: Vec<PendingPeer>,
    expected: BTreeSet<Fingerprint>,
    last_id: u64,
}

impl Waiting {
    pub(super) fn open(
        &mut self,
        now: UnixTime,
        window: Duration,
        places: usize,
    ) -> Result<(), EnrolmentError> {
        if window > MAX_ENROLMENT_WINDOW || window.as_secs() == 0 {
            return Err(EnrolmentError::Window {
                limit: MAX_ENROLMENT_WINDOW.as_secs() / (60 * 60),
            });
        }
        if places == 0 || places > MAX_PENDING_PEERS {
            return Err(EnrolmentError::Places {
                limit: MAX_PENDING_PEERS,
            });
        }
        self.window = Some(Window {
            opened: now.as_secs(),
            ends: now.as_secs().saturating_add(window.as_secs()),
            places,
        });
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.window = None;
    }

    /// A clock that was set back to before the opening must not make the window longer: it closes it.
    fn window(&self, now: UnixTime) -> Option<Window> {
        let window = self.window.filter(|window| now.as_secs() < window.ends)?;
        (!is_ahead(window.opened, now)).then_some(window)
    }

    pub(super) fn is_open(&self, now: UnixTime) -> bool {
        self.window(now).is_some()
    }

    /// When the window that is open ends.
    pub(super) fn ends(&self, now: UnixTime) -> Option<UnixTime> {
        let window = self.window(now)?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(window.ends)))
    }

    pub(super) fn expected(&self) -> impl Iterator<Item = Fingerprint> {
        self.expected.iter().copied()
    }

    pub(super) fn expect(&mut self, fingerprint: Fingerprint) -> Result<(), EnrolmentError> {
        if !self.expected.contains(&fingerprint) && self.expected.len() >= MAX_EXPECTED {
            return Err(EnrolmentError::TooManyExpected {
                limit: MAX_EXPECTED,
            });
        }
        self.expected.insert(fingerprint);
        for peer in &mut self.peers {
            peer.expected |= peer.presented.fingerprint() == fingerprint;
        }
        Ok(())
    }

    pub(super) fn expect_no_more(&mut self, fingerprint: Fingerprint) {
        self.expected.remove(&fingerprint);
        self.peers
            .retain(|peer| !peer.expected || peer.presented.fingerprint() != fingerprint);
    }

    /// A peer proved possession of its key and was refused as unknown.
    pub(super) fn knock(
        &mut self,
        now: UnixTime,
        address: IpAddr,
        presented: PresentedCertificate,
    ) -> Knock {
        self.age(now);
        let Some(window) = self.window(now) else {
            return Knock::Closed;
        };
        let fingerprint = presented.fingerprint();
        let known = |peer: &&mut PendingPeer| peer.presented.fingerprint() == fingerprint;
        if let Some(peer) = self.peers.iter_mut().find(known) {
            // The network stays that of the first knock: its place is counted there.
            peer.presented = presented;
            peer.address = address;
            peer.last_seen = now;
            peer.attempts = peer.attempts.saturating_add(1);
            return Knock::Again;
        }
        if presented.certificate().der().len() > MAX_PENDING_BYTES {
            return Knock::TooLarge;
        }
        let expected = self.expected.contains(&fingerprint);
        let network = Network::of(address);
        if !expected && !self.make_place(network, window.places) {
            return Knock::NoPlace;
        }
        self.last_id = self.last_id.saturating_add(1);
        self.peers.push(PendingPeer {
            id: PendingId(self.last_id),
            presented,
            address,
            first_seen: now,
            last_seen: now,
            attempts: 1,
            expected,
            network,
        });
        Knock::New
    }

    /// Whether there is a place for one more peer of a network.
    ///
    /// Each network has a share. What it takes beyond that is lent, as long as nobody else asks for it: so a rack
    /// of systems can knock at once, and a flood pushes out its own and what was lent, never what another network
    /// has within its share.
    fn make_place(&mut self, network: Network, places: usize) -> bool {
        let taken = self.peers.iter().filter(|peer| !peer.expected);
        let mut counts = BTreeMap::<Network, usize>::new();
        for peer in taken.clone() {
            let count = counts.entry(peer.network).or_default();
            *count = count.saturating_add(1);
        }
        if counts.values().sum::<usize>() < places {
            return true;
        }
        let share = (places / PENDING_SHARE).max(1);
        let loser = if counts.get(&network).is_some_and(|own| *own >= share) {
            network
        } else {
            match counts.iter().max_by_key(|(_, count)| **count) {
                Some((most, count)) if *count > share => *most,
                Some(_) | None => return false,
            }
        };
        // The one that was not seen for the longest time.
        let of_loser = taken.filter(|peer| peer.network == loser);
        let oldest = of_loser.min_by_key(|peer| (peer.last_seen.as_secs(), peer.id));
        let oldest = oldest.map(|peer| peer.id);
        self.peers.retain(|peer| Some(peer.id) != oldest);
        true
    }

    /// Lets go of those that were not seen for long. Those from a time that has not come yet were seen by a clock
    /// that was wrong; they go as well.
    pub(super) fn age(&mut self, now: UnixTime) {
        self.peers.retain(|peer| {
            let waits = now.as_secs().saturating_sub(peer.last_seen.as_secs());
            !is_ahead(peer.last_seen.as_secs(), now) && waits < MAX_PENDING_AGE.as_secs()
        });
    }

    pub(super) fn peers(&self) -> &[PendingPeer] {
        &self.peers
    }

    pub(super) fn peer(&self, id: PendingId) -> Result<&PendingPeer, EnrolmentError> {
        let found = self.peers.iter().find(|peer| peer.id == id);
        found.ok_or(EnrolmentError::NotPending(id))
    }

    /// Takes a peer about which somebody decides.
    pub(super) fn take(&mut self, id: PendingId) {
        self.peers.retain(|peer| peer.id != id);
    }

    /// Puts it back if nothing came of that, unless it has knocked again meanwhile.
    pub(super) fn put_back(&mut self, peer: PendingPeer) {
        let fingerprint = peer.presented.fingerprint();
        let mut all = self.peers.iter();
        if all.all(|other| other.presented.fingerprint() != fingerprint) {
            let at = self.peers.partition_point(|other| other.id < peer.id);
            self.peers.insert(at, peer);
        }
    }

    /// It was decided about a certificate: nobody is expected with it any more, nor waits, should he have knocked
    /// meanwhile.
    pub(super) fn settle(&mut self, fingerprint: Fingerprint) {
        self.expected.remove(&fingerprint);
        let other = |peer: &PendingPeer| peer.presented.fingerprint() != fingerprint;
        self.peers.retain(other);
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::certificate::{Certificate, Role};
    use crate::policy::ReasonCode;

    fn presented() -> Vec<PresentedCertificate> {
        let key = KeyPair::generate().unwrap();
        let one = |number: u64| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.serial_number = Some(number.into());
            let made = params.self_signed(&key).unwrap();
            let certificate = Certificate::from_der(made.der()).unwrap();
            PresentedCertificate::new(
                certificate,
                Role::Client,
                ReasonCode::NothingInstalled,
                true,
            )
        };
        (1..=60).map(one).collect()
    }

    fn counts(waiting: &Waiting) -> BTreeMap<Network, usize> {
        let mut counts = BTreeMap::new();
        for peer in waiting.peers.iter().filter(|peer| !peer.expected) {
            *counts.entry(peer.network).or_default() += 1;
        }
        counts
    }

    #[test]
    fn whatever_comes_no_network_loses_of_its_share_and_nobody_who_is_expected_goes() {
        let all = presented();
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        for places in [1, 3, 4, 8, 13, 40] {
            let share = (places / PENDING_SHARE).max(1);
            let mut waiting = Waiting::default();
            waiting
                .open(at(1_000), Duration::from_secs(86_400), places)
                .unwrap();
            // The constants of Knuth's MMIX: numbers that are the same each time.
            let mut dice = 7_u64;
            let mut roll = |sides: u64| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005);
                dice = dice.wrapping_add(1_442_695_040_888_963_407);
                (dice >> 33) % sides
            };
            for step in 0..3_000 {
                let peer = &all[usize::try_from(roll(60)).unwrap()];
                if roll(50) == 0 {
                    match waiting.expected.len() < 5 {
                        true => waiting.expect(peer.fingerprint()).unwrap(),
                        false => waiting.expect_no_more(peer.fingerprint()),
                    }
                    continue;
                }
                let before = counts(&waiting);
                let expected: Vec<_> = waiting.peers.iter().filter(|peer| peer.expected).collect();
                let expected: Vec<_> = expected.iter().map(|peer| peer.id).collect();
                let known = waiting
                    .peers
                    .iter()
                    .any(|other| other.presented.fingerprint() == peer.fingerprint());
                let octet = u8::try_from(roll(9)).unwrap();
                let address = IpAddr::from([10, 0, octet, 1]);
                let knock = waiting.knock(at(1_000 + step), address, peer.clone());
                let after = counts(&waiting);
                let total: usize = after.values().sum();
                assert!(total <= places.max(before.values().sum()), "{places}");
                for (network, count) in &before {
                    let left = after.get(network).copied().unwrap_or(0);
                    let own = *network == Network::of(address);
                    assert!(
                        left >= *count || own || left >= share,
                        "{places}: {network:?}"
                    );
                }
                for id in expected {
                    assert!(
                        waiting.peer(id).is_ok(),
                        "{places}: an expected peer is gone"
                    );
                }
                match knock {
                    Knock::Again => assert!(known),
                    Knock::New => assert!(!known),
                    // Only if everybody else has no more than its share, and this network has none left.
                    Knock::NoPlace => {
                        assert!(after.values().all(|count| *count <= share));
                        assert!(
                            after
                                .get(&Network::of(address))
                                .is_none_or(|own| *own < share)
                        );
                        assert!(total >= places);
                    }
                    Knock::TooLarge | Knock::Closed => panic!("{knock:?}"),
                }
            }
        }
    }

    #[test]
    fn nobody_waits_before_the_window_or_after_it() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let mut waiting = Waiting::default();
        let all = presented();
        let knock = |waiting: &mut Waiting, seconds| {
            waiting.knock(at(seconds), [10, 0, 0, 1].into(), all[0].clone())
        };
        assert_eq!(knock(&mut waiting, 1_000), Knock::Closed);
        waiting.open(at(1_000), Duration::from_secs(60), 8).unwrap();
        assert_eq!(knock(&mut waiting, 1_060), Knock::Closed);
        assert_eq!(knock(&mut waiting, 1_059), Knock::New);
        waiting.close();
        assert_eq!(knock(&mut waiting, 1_030), Knock::Closed);
        assert_eq!(waiting.peers().len(), 1);
    }

    #[test]
    fn who_is_put_back_keeps_its_order_and_is_not_doubled() {
        let all = presented();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(1_000));
        let mut waiting = Waiting::default();
        waiting.open(at, Duration::from_secs(60), 8).unwrap();
        let knock = |waiting: &mut Waiting, index: usize| {
            waiting.knock(at, [10, 0, 0, 1].into(), all[index].clone());
        };
        (0..3).for_each(|index| knock(&mut waiting, index));
        let ids = |waiting: &Waiting| {
            waiting
                .peers
                .iter()
                .map(|peer| peer.id.0)
                .collect::<Vec<_>>()
        };
        let taken = waiting.peers[1].clone();
        waiting.take(taken.id);
        assert_eq!(ids(&waiting), [1, 3]);
        waiting.put_back(taken.clone());
        assert_eq!(ids(&waiting), [1, 2, 3]);
        waiting.take(taken.id);
        knock(&mut waiting, 1);
        waiting.put_back(taken.clone());
        assert_eq!(ids(&waiting), [1, 3, 4]);
        // Accepted after all: nobody waits with that certificate.
        waiting.settle(taken.presented.fingerprint());
        assert_eq!(ids(&waiting), [1, 3]);
    }
}
