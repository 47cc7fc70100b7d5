//! A fleet with keys of one's choice, and short words for what it publishes.

use mutual_trust::admin::bundle::{
    Bundle, BundleHead, FleetId, Held, KeySet, Part, Publication, Signer, Verified,
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

pub fn keys_of(signers: &[Box<dyn Signer>]) -> Vec<mutual_trust::admin::bundle::BundleKey> {
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
