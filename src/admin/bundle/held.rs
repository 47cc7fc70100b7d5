//! What a node holds of a fleet, and what it verifies with that.

use core::fmt;

use pki_types::UnixTime;

use super::count::count;
use super::error::BundleError;
use super::head::BundleHead;
use super::key_set::KeySet;
use super::names::{FleetId, Part};
use super::publication::Publication;
use super::tally::Tally;
use super::text::{Reader, VERSION, exact, number};
use super::trust_set::Bundle;
use crate::certificate::{CurrentTime, Fingerprint, KeyPin, KeyPolicy, Timestamp};
use crate::limits::{MAX_KEY_SET_BYTES, MAX_MADE_AHEAD, MAX_SEQUENCE, MAX_SEQUENCE_STEP};
use crate::store::{ClockState, TrustSnapshot};

/// What texts and errors call it.
const WHAT: &str = "state of a node";
/// What its first line starts with.
const TITLE: &str = "mutual-trust held";

/// What a node holds of a fleet: the key set that it trusts, the part that it takes, and the number and digest of the
/// newest bundle that it has verified.
///
/// [`to_bytes`](Self::to_bytes) is what is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    keys: KeySet,
    part: Part,
    newest: Option<Newest>,
}

/// The newest bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Newest {
    sequence: u64,
    digest: Fingerprint,
}

impl Held {
    /// A node that joins: it trusts this key set and has no bundle yet.
    ///
    /// # Security
    /// Compare the [digest](KeySet::digest) of the key set with what an administrator of the fleet reads out.
    pub fn new(keys: KeySet, part: Part) -> Self {
        Self {
            keys,
            part,
            newest: None,
        }
    }

    /// Verifies a publication. The order of the checks: the fleet, the key sets above that of this node and their
    /// signatures, the signatures on the bundle, its head, and at last its records.
    ///
    /// `floor` is that of the node's store. While the clock is unset, or more than 26 hours below the floor, the end of the
    /// bundle is judged at the floor, and the time at which it was made is not judged (rule M7).
    ///
    /// A bundle that the node holds already is verified again, apart from its times: it was taken in time.
    ///
    /// # Errors
    /// The reason why the publication is refused.
    pub fn verify(
        &self,
        publication: &Publication,
        clock: CurrentTime,
        floor: Option<UnixTime>,
        keys: KeyPolicy,
    ) -> Result<Verified, BundleError> {
        self.verify_and_read(publication, (clock, floor), keys, |bundle| {
            bundle.snapshot(keys)
        })
    }

    /// [`verify`](Self::verify), which reads the records by `read` when all else is verified.
    pub(super) fn verify_and_read(
        &self,
        publication: &Publication,
        (clock, floor): (CurrentTime, Option<UnixTime>),
        keys: KeyPolicy,
        read: impl FnOnce(&Bundle) -> Result<TrustSnapshot, BundleError>,
    ) -> Result<Verified, BundleError> {
        let (bundle, newest) = (publication.bundle(), publication.newest());
        if newest.fleet() != self.fleet() {
            return Err(BundleError::OtherFleet {
                held: self.fleet().clone(),
                offered: newest.fleet().clone(),
            });
        }
        self.walk(publication, &keys)?;
        let message = bundle.to_sign();
        let [tally] = count(message, publication.signatures(), [newest], &keys);
        if !tally.is_met() {
            let (by, tally) = (newest.version(), Box::new(tally));
            return Err(BundleError::TooFewSignatures { by, tally });
        }
        if !self.has(bundle)? {
            check_time(bundle.head(), clock, floor)?;
        }
        let snapshot = read(bundle)?;
        Ok(Verified {
            held: Self {
                keys: newest.clone(),
                part: self.part,
                newest: Some(Newest {
                    sequence: bundle.head().sequence(),
                    digest: bundle.digest(),
                }),
            },
            bundle: bundle.clone(),
            tally,
            snapshot,
        })
    }

    /// Goes from the key set of this node to the newest, one step at a time. Each is signed by the threshold of the one
    /// before it and by its own, as the root keys of TUF are (section 5.3 of its specification).
    fn walk(&self, publication: &Publication, keys: &KeyPolicy) -> Result<(), BundleError> {
        let (held, newest) = (self.keys.version(), publication.newest().version());
        if newest < held {
            return Err(BundleError::KeySetBelow {
                held,
                offered: newest,
            });
        }
        let sets = publication.sets().iter();
        let mut from = sets.skip_while(|signed| signed.set.version() < held);
        // Each names the digest of the one before it, so that the bytes of all below it are the right ones as well.
        let ours = from.next().map(|signed| &signed.set);
        let offered = ours.map_or(Fingerprint::over(&[]), KeySet::digest);
        if offered != self.keys.digest() {
            return Err(BundleError::KeySetChanged {
                version: held,
                held: self.keys.digest(),
                offered,
            });
        }
        let mut before = &self.keys;
        for signed in from {
            let message = signed.set.to_sign();
            let by = [before, &signed.set];
            let tallies = count(message, &signed.signatures, by, keys);
            for (set, tally) in by.into_iter().zip(tallies) {
                if !tally.is_met() {
                    return Err(BundleError::KeySetNotSigned {
                        version: signed.set.version(),
                        by: set.version(),
                        tally: Box::new(tally),
                    });
                }
            }
            before = &signed.set;
        }
        Ok(())
    }

    /// Whether the node holds this bundle, and not another one that it must not leave for it.
    fn has(&self, bundle: &Bundle) -> Result<bool, BundleError> {
        let head = bundle.head();
        if head.part() != self.part {
            return Err(BundleError::OtherPart {
                held: self.part,
                offered: head.part(),
            });
        }
        let Some(newest) = self.newest else {
            return Ok(false);
        };
        let (held, offered, limit) = (newest.sequence, head.sequence(), MAX_SEQUENCE_STEP);
        if offered < held {
            return Err(BundleError::SequenceBelow { held, offered });
        }
        if offered == held && bundle.digest() != newest.digest {
            return Err(BundleError::SameSequenceOtherBytes {
                sequence: held,
                held: newest.digest,
                offered: bundle.digest(),
            });
        }
        if offered.saturating_sub(held) > limit {
            return Err(BundleError::JumpTooFar {
                held,
                offered,
                limit,
            });
        }
        Ok(offered == held)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) writes, and nothing else.
    ///
    /// # Errors
    /// The text is damaged or of a later version.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut reader = Reader::new(WHAT, TITLE, bytes, MAX_HELD_BYTES)?;
        let part = reader.value("part", "`all`, `servers` or `systems`", exact)?;
        let newest = match reader.starts_with("sequence ") {
            false => None,
            true => Some(
                reader.value("sequence", "a number, `digest` and a digest", |text| {
                    let (sequence, digest) = text.split_once(" digest ")?;
                    let sequence = number(sequence).filter(|it| (1..=MAX_SEQUENCE).contains(it))?;
                    let digest = exact(digest)?;
                    Some(Newest { sequence, digest })
                })?,
            ),
        };
        let keys = KeySet::read(reader.rest().as_bytes())?;
        Ok(Self { keys, part, newest })
    }

    /// Its text.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{TITLE} {VERSION}\npart {}\n", self.part).into_bytes();
        if let Some(Newest { sequence, digest }) = self.newest {
            text.extend_from_slice(format!("sequence {sequence} digest {digest}\n").as_bytes());
        }
        text.extend_from_slice(self.keys.to_bytes());
        text
    }

    /// The fleet.
    #[doc(hidden)]
    pub fn fleet(&self) -> &FleetId {
        self.keys.fleet()
    }

    /// The key set that it trusts.
    #[doc(hidden)]
    pub fn key_set(&self) -> &KeySet {
        &self.keys
    }

    /// The part that it takes.
    #[doc(hidden)]
    pub fn part(&self) -> Part {
        self.part
    }

    /// The sequence of the newest bundle, or 0.
    pub fn sequence(&self) -> u64 {
        self.newest.map_or(0, |newest| newest.sequence)
    }

    /// The digest of the newest bundle.
    #[doc(hidden)]
    pub fn digest(&self) -> Option<Fingerprint> {
        self.newest.map(|newest| newest.digest)
    }
}

/// Largest text of what a node holds: a key set, and three lines.
const MAX_HELD_BYTES: usize = MAX_KEY_SET_BYTES + 1024;

/// Judges when a bundle was made and when it ends.
fn check_time(
    head: &BundleHead,
    clock: CurrentTime,
    floor: Option<UnixTime>,
) -> Result<(), BundleError> {
    let counts = ClockState::of(clock, floor).counts();
    let known = clock.known().filter(|_| counts);
    if let Some(now) = known
        && head.made().as_secs() > now.as_secs().saturating_add(MAX_MADE_AHEAD.as_secs())
    {
        return Err(BundleError::NotYetMade {
            made: head.made().into(),
            now: now.into(),
        });
    }
    match known.or(floor) {
        Some(now) if now > head.until() => Err(BundleError::Expired {
            until: Timestamp::from(head.until()),
            now: now.into(),
        }),
        _ => Ok(()),
    }
}

/// A publication that a node may take over.
#[derive(Clone, Debug)]
#[must_use = "nothing is taken over yet"]
pub struct Verified {
    held: Held,
    bundle: Bundle,
    tally: Tally,
    snapshot: TrustSnapshot,
}

impl Verified {
    /// What the node holds from now on. Keep it before the store changes.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// The bundle: its head, digest and bytes.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The head of the bundle.
    #[doc(hidden)]
    pub fn head(&self) -> &BundleHead {
        self.bundle.head()
    }

    /// The digest of the bundle.
    #[doc(hidden)]
    pub fn digest(&self) -> Fingerprint {
        self.bundle.digest()
    }

    /// The newest key set, which signed the bundle.
    #[doc(hidden)]
    pub fn key_set(&self) -> &KeySet {
        self.held.key_set()
    }

    /// The keys whose signatures on the bundle are valid, in order.
    pub fn signers(&self) -> &[KeyPin] {
        &self.tally.valid
    }

    /// All signatures on the bundle, also those that do not count.
    #[doc(hidden)]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The records, as a snapshot of generation 0 without a floor. Entries that this version, its key policy or its
    /// provider does not accept are disabled in it (rule I8).
    pub fn snapshot(&self) -> &TrustSnapshot {
        &self.snapshot
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head();
        write!(
            f,
            "fleet {} sequence {}, signed by",
            head.fleet(),
            head.sequence()
        )?;
        for (at, signer) in self.signers().iter().enumerate() {
            f.write_str(if at == 0 { " " } else { ", " })?;
            signer.identify(f)?;
        }
        Ok(())
    }
}
