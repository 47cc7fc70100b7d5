//! Publications of a small fleet.

use mutual_trust::admin::bundle::{Bundle, BundleHead, KeySet, Part, Publication, Signer};
use mutual_trust::identity::PrivateKey;
use mutual_trust::{EntryOptions, PinScope, tls};
use mutual_trust_test_support::pki::spec;
use mutual_trust_test_support::{NOW, at, keys, provider, store};

pub const DAY: u64 = 24 * 60 * 60;

/// A fleet with one key.
pub struct Fleet {
    signer: Box<dyn Signer>,
    pub keys: KeySet,
}

impl Fleet {
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let key = PrivateKey::from_der(key.serialize_der()).unwrap();
        let signer = tls::bundle_signer(key, &provider()).unwrap();
        let keys = KeySet::new("prod".parse().unwrap(), 1, [signer.key().clone()]).unwrap();
        Self {
            signer: Box::new(signer),
            keys,
        }
    }

    /// What is published with this sequence: as many clients.
    pub fn publication(&self, sequence: u64) -> Vec<u8> {
        self.publication_made(sequence, 0)
    }

    /// The same, made so many seconds after [`NOW`].
    pub fn publication_made(&self, sequence: u64, made: u64) -> Vec<u8> {
        let mut store = store();
        for number in 0..sequence {
            let name = format!("array-{number}");
            let made = spec(&name).client_auth().self_signed();
            let label = EntryOptions::new().with_label(&name);
            store
                .install_pin(PinScope::Clients, made.certificate, label)
                .unwrap();
        }
        let (made, until) = (at(NOW + made), at(NOW + made + 30 * DAY));
        let head = BundleHead::new(&self.keys, Part::All, sequence, made, until).unwrap();
        let bundle = Bundle::new(&store.snapshot(), head).unwrap();
        let mut publication = Publication::new([self.keys.clone()], bundle).unwrap();
        let signature = publication.bundle().sign(&*self.signer).unwrap();
        publication.add_signature(signature, keys()).unwrap();
        publication.to_bytes()
    }
}
