//! What a fleet publishes: key sets, bundles and signatures, with their digests.

use mutual_trust::admin::bundle::{Bundle, BundleHead, Held, KeySet, Part, Publication, Signer};
use mutual_trust::identity::PrivateKey;
use mutual_trust::tls;

use super::{AFTER_32_BITS, filled, is_known};
use crate::support::facts::facts;
use crate::support::{NOW, at, fixture_bytes, fixture_key, keys, now, provider};

const SEQUENCE: u64 = (1 << 40) + 7;

fn signer(key: &str) -> impl Signer {
    let key = PrivateKey::from_pem(&fixture_key(key)).unwrap();
    tls::bundle_signer(key, &provider()).unwrap()
}

/// Signed with Ed25519, whose signatures are the same each time.
fn made() -> (KeySet, Publication) {
    let (signs, other) = (signer("ed25519"), signer("p256"));
    let both = vec![signs.key().clone(), other.key().clone()];
    let set = KeySet::new("site-a".parse().unwrap(), 1, both).unwrap();
    let head = BundleHead::new(&set, Part::All, SEQUENCE, at(NOW), at(AFTER_32_BITS)).unwrap();
    let bundle = Bundle::new(&filled(), head).unwrap();
    let mut publication = Publication::new([set.clone()], bundle).unwrap();
    let signature = publication.bundle().sign(&signs).unwrap();
    publication.add_signature(signature, keys()).unwrap();
    (set, publication)
}

#[test]
fn a_publication_is_written_as_on_every_machine() {
    let (set, publication) = made();
    is_known("publication", &publication.to_bytes());
    let digests = format!("{}\n{}\n", set.digest(), publication.bundle().digest());
    is_known("publication.digests", digests.as_bytes());
}

#[test]
fn a_publication_of_another_machine_is_verified() {
    let publication = Publication::read(&fixture_bytes("portable/publication")).unwrap();
    let set = publication.key_sets().next().unwrap().clone();
    let held = Held::new(set, Part::All);
    let verified = held.verify(&publication, now(), None, keys()).unwrap();
    assert_eq!(verified.head().sequence(), SEQUENCE);
    assert_eq!(verified.head().until(), at(AFTER_32_BITS));
    let (_, own) = made();
    let held = held.verify(&own, now(), None, keys()).unwrap();
    assert_eq!(facts(verified.snapshot()), facts(held.snapshot()));
    is_known("held", &verified.held().to_bytes());
    assert_eq!(
        Held::read(&fixture_bytes("portable/held")).unwrap(),
        *verified.held()
    );
}
