//! Key sets, bundles, signatures and publications.

use core::error::Error;

use mutual_trust::admin::bundle::{
    Bundle, BundleHead, BundleKey, FleetId, Held, KeySet, Part, Publication, Signature, Signer,
};
use mutual_trust::identity::PrivateKey;
use mutual_trust::limits::{MAX_FLEET_SIGNATURE_BYTES, MAX_FLEET_SIGNATURES, MAX_SEQUENCE_STEP};
use mutual_trust::store::TrustSnapshot;
use mutual_trust::{CurrentTime, EntryOptions, Fingerprint, PinScope, TrustStore, tls};

use crate::produced::Produced;
use crate::support::pki::self_signed;
use crate::support::{NOW, at, fixture_key, keys, now, store};

/// A key that signs nothing.
struct Broken(BundleKey);

impl Signer for Broken {
    fn key(&self) -> &BundleKey {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Err("the token is not there".into())
    }
}

fn signer(name: &str) -> impl Signer {
    let key = PrivateKey::from_pem(&fixture_key(name)).unwrap();
    tls::bundle_signer(key, &tls::provider::aws_lc_rs()).unwrap()
}

fn filled() -> TrustSnapshot {
    let mut store = store();
    let certificate = self_signed("array-7").certificate();
    let pin = store.install_pin(PinScope::Clients, certificate, EntryOptions::new());
    let _ = pin.unwrap();
    store.snapshot()
}

pub(crate) fn produce(produced: &mut Produced) {
    produced.error("A".parse::<FleetId>());
    produced.error("none".parse::<Part>());
    produced.error(BundleKey::from_der(b"no key"));
    let (one, other) = (signer("ed25519"), signer("p256"));
    let fleet = |name: &str| -> FleetId { name.parse().unwrap() };
    let set = KeySet::new(fleet("site-a"), 1, [one.key().clone()]).unwrap();
    let theirs = KeySet::new(fleet("site-b"), 1, [one.key().clone()]).unwrap();
    let foreign = KeySet::new(fleet("site-a"), 1, [other.key().clone()]).unwrap();
    produced.error(KeySet::new(fleet("site-a"), 0, [one.key().clone()]));
    produced.error(set.sign(&Broken(one.key().clone())));
    texts(produced, &set);

    let view = filled();
    let head = |keys: &KeySet, sequence: u64| {
        BundleHead::new(keys, Part::All, sequence, at(NOW), at(NOW + 10)).unwrap()
    };
    let bundle = |keys: &KeySet, sequence| Bundle::new(&view, head(keys, sequence)).unwrap();
    let empty = TrustStore::new(keys()).contents().clone();
    produced.error(Bundle::new(&empty, head(&set, 1)));
    produced.error(Bundle::new(&view, head(&set, 1).trusting_none()));

    let mut publication = Publication::new([set.clone()], bundle(&set, 5)).unwrap();
    let node = Held::new(set.clone(), Part::All);
    let verify = |node: &Held, what: &Publication| node.verify(what, now(), None, keys());
    produced.error(verify(&node, &publication));
    let over = publication.bundle().digest();
    let of = |over, key: &BundleKey| Signature::new(over, key.id(), &[7]).unwrap();
    let elsewhere = Fingerprint::from_bytes([7; 32]);
    produced.error(publication.add_signature(of(elsewhere, one.key()), keys()));
    produced.error(publication.add_signature(of(over, other.key()), keys()));
    produced.error(publication.add_signature(of(over, one.key()), keys()));
    let signature = publication.bundle().sign(&one).unwrap();
    publication.add_signature(signature, keys()).unwrap();
    let held = verify(&node, &publication).unwrap().held().clone();

    // What a node refuses.
    produced.error(verify(&Held::new(theirs, Part::All), &publication));
    produced.error(verify(&Held::new(set.clone(), Part::Systems), &publication));
    produced.error(verify(&Held::new(foreign, Part::All), &publication));
    for clock in [NOW + 11, NOW - 200_000] {
        let clock = CurrentTime::Known(at(clock));
        produced.error(node.verify(&publication, clock, None, keys()));
    }
    let signed = |bundle: Bundle| {
        let mut made = publication.next(None, bundle).unwrap();
        let signature = made.bundle().sign(&one).unwrap();
        made.add_signature(signature, keys()).unwrap();
        made
    };
    for sequence in [4, 6 + MAX_SEQUENCE_STEP] {
        produced.error(verify(&held, &signed(bundle(&set, sequence))));
    }
    let again = Bundle::new(&filled(), head(&set, 5)).unwrap();
    produced.error(verify(&held, &signed(again)));
    let text = String::from_utf8(bundle(&set, 6).to_bytes().to_vec()).unwrap();
    let moved = text.replacen("part all", "part servers", 1);
    let moved = signed(Bundle::read(moved.as_bytes()).unwrap());
    produced.error(verify(&Held::new(set.clone(), Part::Servers), &moved));

    // Key sets.
    let next = set.next(1, [one.key().clone()]).unwrap();
    let not_next = KeySet::new(fleet("site-a"), 1, [other.key().clone()]).unwrap();
    produced.error(Publication::new([next.clone()], bundle(&next, 1)));
    produced.error(Publication::new([not_next, next.clone()], bundle(&next, 1)));
    produced.error(Publication::new([set.clone()], bundle(&next, 1)));
    let unsigned = publication
        .next(Some(next.clone()), bundle(&next, 6))
        .unwrap();
    produced.error(verify(&node, &unsigned));
    produced.error(verify(&Held::new(next, Part::All), &publication));

    // A provider without an algorithm.
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ML_DSA_44).unwrap();
    let key = PrivateKey::from_der(key.serialize_der()).unwrap();
    let modern = tls::bundle_signer(key, &tls::provider::aws_lc_rs()).unwrap();
    let set = KeySet::new(fleet("site-a"), 1, [modern.key().clone()]).unwrap();
    let mut publication = Publication::new([set.clone()], bundle(&set, 1)).unwrap();
    let signature = publication.bundle().sign(&modern).unwrap();
    let ring = tls::key_policy(&tls::provider::ring());
    produced.error(publication.add_signature(signature, ring));
}

fn texts(produced: &mut Produced, set: &KeySet) {
    let text = String::from_utf8(set.to_bytes().to_vec()).unwrap();
    produced.error(KeySet::read(
        text.replacen("version 1", "version", 1).as_bytes(),
    ));
    produced.error(KeySet::read(text.replacen("1.0", "2.0", 1).as_bytes()));
    let long = vec![7; MAX_FLEET_SIGNATURE_BYTES + 1];
    let of = |key: u8, bytes: &[u8]| {
        let key = mutual_trust::KeyPin::from_bytes([key; 32]);
        Signature::new(set.digest(), key, bytes)
    };
    produced.error(of(1, &long));
    let most = u8::try_from(MAX_FLEET_SIGNATURES).unwrap();
    let mut many = String::from("mutual-trust publication 1.0\n");
    many.push_str(&format!("key-set {}\n{text}", text.len()));
    for key in 0..=most {
        let signature = String::from_utf8(of(key, &[7]).unwrap().to_bytes()).unwrap();
        many.push_str(&format!("signature {}\n{signature}", signature.len()));
    }
    produced.error(Publication::read(many.as_bytes()));
}
