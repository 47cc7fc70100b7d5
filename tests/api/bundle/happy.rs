//! A fleet as it is meant to be used.

use mutual_trust::admin::bundle::{Held, Part, Publication};

use super::common::*;
use crate::support::keys;

#[test]
fn a_signed_bundle_gives_the_records_of_the_store_it_was_made_of() {
    let administrators = signers(3);
    let set = key_set(2, &administrators);
    let mut publication = Publication::new([set.clone()], bundle(&set, 1)).unwrap();
    assert_eq!(publication.missing(keys()).len(), 1);
    sign(&mut publication, &administrators[1..]);
    assert!(publication.missing(keys()).is_empty());
    let node = Held::new(set.clone(), Part::All);
    let verified = verify(&node, &publication).unwrap();
    assert_eq!(verified.head().sequence(), 1);
    assert_eq!(verified.signers().len(), 2);
    assert_eq!(verified.snapshot().entries().len(), 2);
    assert_eq!(verified.held().sequence(), 1);
    assert_eq!(
        verified.held().digest(),
        Some(publication.bundle().digest())
    );
    let kept = Held::read(&verified.held().to_bytes()).unwrap();
    assert_eq!(kept, *verified.held());
    // The same again is taken again.
    assert_eq!(
        verify(&kept, &publication).unwrap().digest(),
        verified.digest()
    );
}
