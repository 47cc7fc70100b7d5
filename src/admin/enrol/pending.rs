//! The table of peers that wait for an administrator: which peer gets a place, and which loses one.
//!
//! It has no clock and no lock. [`Enrolment`](super::Enrolment) has both.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pki_types::UnixTime;

use super::PresentedCertificate;
use super::pending_id::PendingId;
use crate::admin::enrol::error::EnrolmentError;
use crate::certificate::Fingerprint;
use crate::limits::{
    CLOCK_TOLERANCE, MAX_ENROLMENT_WINDOW, MAX_EXPECTED, MAX_PENDING_AGE, MAX_PENDING_BYTES,
    MAX_PENDING_PEERS, PENDING_SHARE,
};

/// An unknown client that proved possession of its key and was refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PendingPeer {
    /// Its number.
    pub id: PendingId,
    /// Its certificate.
    pub presented: PresentedCertificate,
    /// Its address at the last connection.
    pub address: IpAddr,
    /// The time of its first connection.
    pub first_seen: UnixTime,
    /// The time of its last connection.
    pub last_seen: UnixTime,
    /// The number of its connections.
    pub attempts: u64,
    /// Whether its fingerprint is [expected](super::Enrolment::expect).
    pub expected: bool,
    network: Network,
}

/// The network by which places are counted: an IPv4 /24, or an IPv6 /56.
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

/// The result for a peer that asked for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
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

/// Whether a time is ahead by more than a usual correction of a running clock.
fn is_ahead(moment: u64, now: UnixTime) -> bool {
    moment > now.as_secs().saturating_add(CLOCK_TOLERANCE.as_secs())
}

/// The waiting peers.
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

    /// A clock that was set back to before the opening closes the window. Otherwise the window would become longer.
    fn window(&self, now: UnixTime) -> Option<Window> {
        let window = self.window.filter(|window| now.as_secs() < window.ends)?;
        (!is_ahead(window.opened, now)).then_some(window)
    }

    pub(super) fn is_open(&self, now: UnixTime) -> bool {
        self.window(now).is_some()
    }

    /// The end of the open window.
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

    /// Adds a peer that proved possession of its key and was refused as unknown.
    pub(super) fn arrive(
        &mut self,
        now: UnixTime,
        address: IpAddr,
        presented: PresentedCertificate,
    ) -> Arrival {
        self.age(now);
        let Some(window) = self.window(now) else {
            return Arrival::Closed;
        };
        let fingerprint = presented.fingerprint();
        let known = |peer: &&mut PendingPeer| peer.presented.fingerprint() == fingerprint;
        if let Some(peer) = self.peers.iter_mut().find(known) {
            // The network of the first connection stays: the place is counted there.
            peer.presented = presented;
            peer.address = address;
            peer.last_seen = now;
            peer.attempts = peer.attempts.saturating_add(1);
            return Arrival::Again;
        }
        if presented.certificate().der().len() > MAX_PENDING_BYTES {
            return Arrival::TooLarge;
        }
        let expected = self.expected.contains(&fingerprint);
        let network = Network::of(address);
        if !expected && !self.make_place(network, window.places) {
            return Arrival::NoPlace;
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
        Arrival::New
    }

    /// Whether there is a place for another peer of a network.
    ///
    /// Each network has a share of the places. It can take more while no other network needs them, so that a rack of
    /// systems can connect at once. A flood from one network displaces its own peers and those beyond a share, never
    /// peers within the share of another network.
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
        // The peer that was not seen for the longest time.
        let of_loser = taken.filter(|peer| peer.network == loser);
        let oldest = of_loser.min_by_key(|peer| (peer.last_seen.as_secs(), peer.id));
        let oldest = oldest.map(|peer| peer.id);
        self.peers.retain(|peer| Some(peer.id) != oldest);
        true
    }

    /// Removes peers that were not seen for long. Peers with a time in the future were recorded with a wrong clock and
    /// are removed as well.
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

    /// Takes out a peer for a decision.
    pub(super) fn take(&mut self, id: PendingId) {
        self.peers.retain(|peer| peer.id != id);
    }

    /// Puts the peer back if the decision failed, unless it has connected again in the meantime.
    pub(super) fn put_back(&mut self, peer: PendingPeer) {
        let fingerprint = peer.presented.fingerprint();
        let mut all = self.peers.iter();
        if all.all(|other| other.presented.fingerprint() != fingerprint) {
            let at = self.peers.partition_point(|other| other.id < peer.id);
            self.peers.insert(at, peer);
        }
    }

    /// Records a decision about a certificate: it is no longer expected, and a peer that connected with it in the
    /// meantime no longer waits.
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
            // The constants of Knuth's MMIX, for numbers that are the same in each run.
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
                let arrive = waiting.arrive(at(1_000 + step), address, peer.clone());
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
                match arrive {
                    Arrival::Again => assert!(known),
                    Arrival::New => assert!(!known),
                    // Only if all other networks have no more than their share, and this network has none left.
                    Arrival::NoPlace => {
                        assert!(after.values().all(|count| *count <= share));
                        assert!(
                            after
                                .get(&Network::of(address))
                                .is_none_or(|own| *own < share)
                        );
                        assert!(total >= places);
                    }
                    Arrival::TooLarge | Arrival::Closed => panic!("{arrive:?}"),
                }
            }
        }
    }

    #[test]
    fn nobody_waits_before_the_window_or_after_it() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let mut waiting = Waiting::default();
        let all = presented();
        let arrive = |waiting: &mut Waiting, seconds| {
            waiting.arrive(at(seconds), [10, 0, 0, 1].into(), all[0].clone())
        };
        assert_eq!(arrive(&mut waiting, 1_000), Arrival::Closed);
        waiting.open(at(1_000), Duration::from_secs(60), 8).unwrap();
        assert_eq!(arrive(&mut waiting, 1_060), Arrival::Closed);
        assert_eq!(arrive(&mut waiting, 1_059), Arrival::New);
        waiting.close();
        assert_eq!(arrive(&mut waiting, 1_030), Arrival::Closed);
        assert_eq!(waiting.peers().len(), 1);
    }

    #[test]
    fn who_is_put_back_keeps_its_order_and_is_not_doubled() {
        let all = presented();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(1_000));
        let mut waiting = Waiting::default();
        waiting.open(at, Duration::from_secs(60), 8).unwrap();
        let arrive = |waiting: &mut Waiting, index: usize| {
            waiting.arrive(at, [10, 0, 0, 1].into(), all[index].clone());
        };
        (0..3).for_each(|index| arrive(&mut waiting, index));
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
        arrive(&mut waiting, 1);
        waiting.put_back(taken.clone());
        assert_eq!(ids(&waiting), [1, 3, 4]);
        // It was accepted: no peer waits with that certificate.
        waiting.settle(taken.presented.fingerprint());
        assert_eq!(ids(&waiting), [1, 3]);
    }
}
