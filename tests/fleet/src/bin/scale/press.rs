//! A fleet's trust set of about 100 kB, and its publications, signed by two of three keys.

use std::collections::BTreeSet;

use mutual_trust::admin::bundle::{Bundle, BundleHead, KeySet, Part, Publication, Signer};
use mutual_trust::certificate::Certificate;
use mutual_trust::{EntryOptions, Fingerprint, PinScope, TrustStore};
use mutual_trust_fleet_simulation::office::signer;
use mutual_trust_test_support as support;
use support::pki::self_signed;

use crate::nodes::pins;

pub struct Press {
    keys: KeySet,
    signers: Vec<Box<dyn Signer>>,
    store: TrustStore,
    spare: Vec<Certificate>,
    sequence: u64,
}

impl Press {
    /// A trust set with so many pins of clients.
    pub fn new(pins: usize) -> Self {
        let signers: Vec<_> = (1..=3).map(signer).collect();
        let public = signers.iter().map(|signer| signer.key().clone());
        let keys = KeySet::new("prod".parse().unwrap(), 2, public).unwrap();
        let mut store = support::store();
        for number in 0..pins {
            let made = self_signed(&format!("array-{number}.example"));
            let options = EntryOptions::new();
            store
                .install_pin(PinScope::Clients, made.certificate(), options)
                .unwrap();
        }
        let spare = (0..64).map(|number| self_signed(&format!("new-{number}.example")));
        Self {
            keys,
            signers,
            store,
            spare: spare.map(|made| made.certificate()).collect(),
            sequence: 0,
        }
    }

    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The certificates of the newest publication.
    pub fn pins(&self) -> BTreeSet<Fingerprint> {
        pins(self.store.contents())
    }

    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The next publication: one more pin is in it than in the one before.
    pub fn next(&mut self) -> Vec<u8> {
        if let Some(certificate) = self.spare.pop() {
            self.store
                .install_pin(PinScope::Clients, certificate, EntryOptions::new())
                .unwrap();
        }
        self.sequence += 1;
        self.signed()
    }

    fn signed(&self) -> Vec<u8> {
        let times = [support::NOW, support::NOW + 14 * support::DAY].map(support::at);
        let head =
            BundleHead::new(&self.keys, Part::All, self.sequence, times[0], times[1]).unwrap();
        let bundle = Bundle::new(self.store.contents(), head).unwrap();
        let mut publication = Publication::new([self.keys.clone()], bundle).unwrap();
        for signer in &self.signers[..2] {
            let signature = publication.bundle().sign(&**signer).unwrap();
            publication
                .add_signature(signature, support::keys())
                .unwrap();
        }
        publication.to_bytes()
    }
}
