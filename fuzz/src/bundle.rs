//! Signed trust sets.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use mutual_trust::admin::bundle::{
    Bundle, BundleHead, BundleKey, FleetId, Held, KeySet, Part, Publication, Signature, Signed,
    Signer,
};
use mutual_trust::error::BundleError;
use mutual_trust::identity::PrivateKey;
use mutual_trust::store::BlockSelector;
use mutual_trust::{CurrentTime, Fingerprint, TrustStore, tls};
use pki_types::UnixTime;
use sha2::{Digest, Sha256};

use crate::make::pkcs8;
use crate::store_file::fitting_lines;
use crate::{FLEET_BYTES, PUBLICATION_BYTES};

/// Administrators, always the same.
const SIGNERS: u8 = 8;
static ALL: LazyLock<Vec<Box<dyn Signer + Send + Sync>>> = LazyLock::new(|| {
    let provider = tls::provider::ring();
    let signer = |number| -> Box<dyn Signer + Send + Sync> {
        let key = PrivateKey::from_der(pkcs8(number)).expect("it is a key");
        Box::new(tls::bundle_signer(key, &provider).expect("the provider takes it"))
    };
    (1..=SIGNERS).map(signer).collect()
});

fn fleet_id() -> FleetId {
    "f".parse().expect("it is an id")
}

fn time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// The only key set of a fleet that one administrator signs for.
fn alone() -> KeySet {
    KeySet::new(fleet_id(), 1, [ALL[0].key().clone()]).expect("one of one")
}

/// What is read is written again to the byte, and an error has a text.
fn same<T>(
    data: &[u8],
    read: fn(&[u8]) -> Result<T, BundleError>,
    written: fn(&T) -> Vec<u8>,
) -> Option<T> {
    match read(data) {
        Ok(value) => {
            assert_eq!(written(&value), data, "written otherwise than it was read");
            Some(value)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// Each text of a fleet that is read is written again as it was. What a signed bundle gives makes the same bundle, and with
/// any byte changed its publication is refused.
pub fn publication(data: &[u8]) -> bool {
    if data.len() > PUBLICATION_BYTES {
        return false;
    }
    let set = same(data, KeySet::read, |set| set.to_bytes().to_vec());
    let signature = same(data, Signature::read, Signature::to_bytes);
    let held = same(data, Held::read, Held::to_bytes);
    let whole = same(data, Publication::read, Publication::to_bytes);
    if let Some(publication) = &whole {
        let first = publication.key_sets().next().expect("there is one");
        for part in [Part::All, Part::Servers, Part::Systems] {
            let node = Held::new(first.clone(), part);
            if node
                .verify(publication, CurrentTime::Unset, None, crate::keys())
                .is_ok()
            {
                assert!(publication.missing(crate::keys()).is_empty());
            }
        }
    }
    let other = set.is_some() || signature.is_some() || held.is_some() || whole.is_some();
    signed(data) || other
}

/// Takes the input for a bundle, with the checks of its lines made right, and signs it.
fn signed(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let text = fitting_lines(text);
    let bundle = same(text.as_bytes(), Bundle::read, |bundle| {
        bundle.to_bytes().to_vec()
    });
    let Some(bundle) = bundle else {
        return false;
    };
    let Ok(mut publication) = Publication::new([alone()], bundle) else {
        return false;
    };
    let signature = publication.bundle().sign(&*ALL[0]).expect("the key signs");
    let added = publication.add_signature(signature, crate::keys());
    assert!(matches!(added, Ok(Signed::Bundle)));
    let node = Held::new(alone(), publication.bundle().head().part());
    let made = CurrentTime::Known(publication.bundle().head().made());
    let verify = |bytes: &[u8]| {
        let read = Publication::read(bytes)?;
        node.verify(&read, made, None, crate::keys())
    };
    let bytes = publication.to_bytes();
    let verified = match verify(&bytes) {
        Ok(verified) => verified,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let again = Bundle::new(verified.snapshot(), verified.head().clone());
    assert_eq!(again.expect("it was one").to_bytes(), text.as_bytes());
    // The input chooses the byte and the change, so that a run can be repeated.
    let chosen = Sha256::digest(data);
    let at = usize::from(u16::from_be_bytes([chosen[0], chosen[1]])) % bytes.len();
    let mut changed = bytes;
    changed[at] ^= chosen[2].max(1);
    assert!(verify(&changed).is_err(), "byte {at}");
    true
}

/// A key set of the model: who has a key, how many must sign, who signs.
struct Step {
    keys: BTreeSet<usize>,
    threshold: usize,
    signers: BTreeSet<usize>,
}

impl Step {
    fn is_met(&self, signers: &BTreeSet<usize>) -> bool {
        signers.intersection(&self.keys).count() >= self.threshold
    }

    fn keys(&self) -> Vec<BundleKey> {
        let keys = self.keys.iter();
        keys.map(|at| ALL[*at].key().clone()).collect()
    }
}

fn members(mask: u8) -> BTreeSet<usize> {
    let all = 0..usize::from(SIGNERS);
    all.filter(|at| mask & (1 << at) != 0).collect()
}

/// A fleet with up to four key sets, and a node that trusts one of them: it takes a publication exactly if a model of a few
/// lines takes it.
pub fn fleet(data: &[u8]) -> bool {
    if data.is_empty() || data.len() > FLEET_BYTES {
        return false;
    }
    let mut input = data.iter().copied();
    let mut next = || input.next().unwrap_or(0);
    let count = 1 + usize::from(next() % 4);
    let steps: Vec<Step> = (0..count)
        .map(|_| {
            let keys = members(next().max(1));
            Step {
                threshold: 1 + usize::from(next()) % keys.len(),
                signers: members(next()),
                keys,
            }
        })
        .collect();
    let signers = members(next());
    let trusted = usize::from(next()) % count;
    let (held, offered) = (u64::from(next() % 4), 1 + u64::from(next() % 4));
    let now = 10 + u64::from(next() % 4);

    let mut sets: Vec<KeySet> = Vec::new();
    for step in &steps {
        let made = match sets.last() {
            None => KeySet::new(fleet_id(), step.threshold, step.keys()),
            Some(last) => last.next(step.threshold, step.keys()),
        };
        sets.push(made.expect("the threshold is one of the keys"));
    }
    let last = &sets[count - 1];
    let mut store = TrustStore::new(crate::keys());
    let _ = store.block_selector(BlockSelector::Fingerprint(Fingerprint::from_bytes([7; 32])));
    let bundle = |keys: &KeySet, sequence: u64| {
        let head = BundleHead::new(keys, Part::All, sequence, time(10), time(12));
        let head = head.expect("it ends after it is made").trusting_none();
        Bundle::new(store.contents(), head).expect("it states that it is empty")
    };
    let sign = |publication: &mut Publication,
                by: &BTreeSet<usize>,
                set: Option<&KeySet>,
                may: &BTreeSet<usize>| {
        for at in by {
            let signature = match set {
                Some(set) => set.sign(&*ALL[*at]),
                None => publication.bundle().sign(&*ALL[*at]),
            };
            let added = publication.add_signature(signature.expect("the key signs"), crate::keys());
            match added {
                Ok(_) => assert!(may.contains(at)),
                Err(BundleError::ForeignSignature { .. }) => assert!(!may.contains(at)),
                Err(other) => panic!("{other}"),
            }
        }
    };
    let mut publication =
        Publication::new(sets.clone(), bundle(last, offered)).expect("one follows another");
    for (at, step) in steps.iter().enumerate() {
        let mut may = step.keys.clone();
        if let Some(before) = at.checked_sub(1) {
            may.extend(&steps[before].keys);
        }
        sign(&mut publication, &step.signers, Some(&sets[at]), &may);
    }
    sign(&mut publication, &signers, None, &steps[count - 1].keys);

    // The node has a bundle already, of the time when its key set was the newest.
    let everyone = members(u8::MAX);
    let mut node = Held::new(sets[trusted].clone(), Part::All);
    if held > 0 {
        let mut before = Publication::new(sets[..=trusted].to_vec(), bundle(&sets[trusted], held))
            .expect("one follows another");
        sign(&mut before, &everyone, None, &steps[trusted].keys);
        let clock = CurrentTime::Known(time(10));
        let verified = node.verify(&before, clock, None, crate::keys());
        node = verified.expect("all have signed").held().clone();
    }

    let pairs = steps[trusted..].iter().zip(&steps[trusted + 1..]);
    let walked = pairs
        .into_iter()
        .all(|(old, new)| old.is_met(&new.signers) && new.is_met(&new.signers));
    let is_same = held == offered && trusted == count - 1;
    let taken = walked
        && steps[count - 1].is_met(&signers)
        && (offered > held || is_same)
        && (now <= 12 || is_same);
    let travelled = Publication::read(&publication.to_bytes()).expect("it was written");
    assert_eq!(travelled, publication);
    let verified = node.verify(
        &travelled,
        CurrentTime::Known(time(now)),
        None,
        crate::keys(),
    );
    assert_eq!(verified.is_ok(), taken, "{verified:?}");
    taken
}
