//! A fleet with keys of one's choice, and short words for what it publishes.

use mutual_trust::admin::bundle::{
    Bundle, BundleHead, BundleKey, FleetId, Held, KeySet, Part, Publication, Signature, Signer,
    Verified,
};
use mutual_trust::error::BundleError;
use mutual_trust::identity::PrivateKey;
use mutual_trust::{EntryOptions, PinScope, TrustSnapshot, tls};
use rcgen::{KeyPair, SignatureAlgorithm};

use crate::support::pki::spec;
use crate::support::*;

/// The default end of a bundle: thirty days after [`NOW`].
pub const UNTIL: u64 = NOW + 30 * DAY;

pub fn fleet() -> FleetId {
    "site-a".parse().unwrap()
}

/// A new key of this kind, in the default provider.
pub fn signer_of(algorithm: &'static SignatureAlgorithm) -> Box<dyn Signer> {
    let key = KeyPair::generate_for(algorithm).unwrap().serialize_der();
    let key = PrivateKey::from_der(key).unwrap();
    Box::new(tls::bundle_signer(key, &provider()).unwrap())
}

/// New keys of Ed25519.
pub fn signers(count: usize) -> Vec<Box<dyn Signer>> {
    (0..count)
        .map(|_| signer_of(&rcgen::PKCS_ED25519))
        .collect()
}

pub fn key_set(threshold: usize, signers: &[Box<dyn Signer>]) -> KeySet {
    KeySet::new(fleet(), threshold, keys_of(signers)).unwrap()
}

pub fn keys_of(signers: &[Box<dyn Signer>]) -> Vec<BundleKey> {
    signers.iter().map(|signer| signer.key().clone()).collect()
}

/// A store with a pin for a server and one for clients.
pub fn small_store() -> TrustSnapshot {
    let mut store = store();
    let id = server_id("keys-1");
    store
        .add_server(id.clone(), [host("kms1.example")])
        .unwrap();
    let pin = |name: &str| spec(name).dns(name).self_signed().certificate;
    let options = EntryOptions::new;
    store
        .install_pin(PinScope::Server(id), pin("kms1.example"), options())
        .unwrap();
    store
        .install_pin(PinScope::Clients, pin("array-7"), options())
        .unwrap();
    store.snapshot()
}

pub fn head(keys: &KeySet, sequence: u64) -> BundleHead {
    BundleHead::new(keys, Part::All, sequence, at(NOW - DAY), at(UNTIL)).unwrap()
}

pub fn bundle(keys: &KeySet, sequence: u64) -> Bundle {
    Bundle::new(&small_store(), head(keys, sequence)).unwrap()
}

/// Signs the bundle of a publication.
pub fn sign(publication: &mut Publication, signers: &[Box<dyn Signer>]) {
    for signer in signers {
        let signature = publication.bundle().sign(&**signer).unwrap();
        publication.add_signature(signature, keys()).unwrap();
    }
}

/// Signs the newest key set of a publication.
pub fn sign_keys(publication: &mut Publication, signers: &[Box<dyn Signer>]) {
    for signer in signers {
        let set = publication.key_sets().last().unwrap();
        let signature = set.sign(&**signer).unwrap();
        publication.add_signature(signature, keys()).unwrap();
    }
}

/// A publication of one key set, signed by these keys.
pub fn published(keys: &KeySet, sequence: u64, by: &[Box<dyn Signer>]) -> Publication {
    let mut made = Publication::new([keys.clone()], bundle(keys, sequence)).unwrap();
    sign(&mut made, by);
    made
}

/// Verifies what travelled, at [`NOW`] without a floor.
pub fn verify(held: &Held, publication: &Publication) -> Result<Verified, BundleError> {
    let travelled = Publication::read(&publication.to_bytes()).unwrap();
    assert_eq!(travelled, *publication);
    held.verify(&travelled, now(), None, keys())
}

/// The items of a publication above the signatures of its bundle, and then these signatures.
pub fn items_with(
    publication: &Publication,
    signatures: impl IntoIterator<Item = Vec<u8>>,
) -> Vec<u8> {
    let whole = publication.to_bytes();
    let bundle = publication.bundle().to_bytes();
    let at = whole
        .windows(bundle.len())
        .position(|found| found == bundle);
    let mut text = whole[..at.unwrap() + bundle.len()].to_vec();
    for signature in signatures {
        text.extend(format!("signature {}\n", signature.len()).bytes());
        text.extend(signature);
    }
    text.extend(b"end\n");
    text
}

/// The publication with these signatures on its bundle beside its own, unverified, in the order that they must have.
pub fn with_signatures(
    publication: &Publication,
    more: impl IntoIterator<Item = Signature>,
) -> Publication {
    let mut all: Vec<Signature> = more.into_iter().collect();
    let text = publication.to_bytes();
    let text = String::from_utf8_lossy(&text).into_owned();
    let bundle = publication.bundle().digest();
    let own = text.match_indices("signature ").filter_map(|(at, _)| {
        let (size, rest) = text[at..].strip_prefix("signature ")?.split_once('\n')?;
        let read = Signature::read(rest.get(..size.parse().ok()?)?.as_bytes());
        read.ok().filter(|read| read.over() == bundle)
    });
    all.extend(own);
    all.sort_by_key(Signature::key);
    all.dedup_by_key(|signature| signature.key());
    let text = items_with(publication, all.iter().map(Signature::to_bytes));
    Publication::read(&text).unwrap()
}

/// A publication of a bundle with this text, which is signed as it is.
pub fn signed_text(keys: &KeySet, text: &str, by: &[Box<dyn Signer>]) -> Publication {
    let bundle = Bundle::read(text.as_bytes()).unwrap();
    let mut made = Publication::new([keys.clone()], bundle).unwrap();
    sign(&mut made, by);
    made
}
