//! The order of a chain: kept, repaired, or refused with a reason.

use mutual_trust::Certificate;
use mutual_trust::error::{CertificateError, IdentityError as E, PemError};
use mutual_trust::identity::Chain;
use mutual_trust::limits::MAX_PRESENTED_CERTIFICATES;

use crate::support::fixture;
use crate::support::pki::{Made, pki, spec};
use crate::{assert_is, keys_format};

fn order(certificates: &[&Certificate]) -> Result<Vec<Certificate>, E> {
    let chain = Chain::new(certificates.iter().map(|one| (*one).clone()).collect())?;
    let found: Vec<Certificate> = chain.certificates().cloned().collect();
    assert_eq!(found.first(), Some(chain.leaf()));
    Ok(found)
}

/// Every order of some things.
fn orders<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.len() < 2 {
        return vec![things.to_vec()];
    }
    let mut all = Vec::new();
    for index in 0..things.len() {
        let mut rest = things.to_vec();
        let first = rest.remove(index);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

#[test]
fn a_chain_is_presented_in_its_order_however_it_was_given() {
    let pki = pki("corp");
    let leaf = pki.server("kms1.example").certificate;
    let (intermediate, root) = (pki.intermediate.certificate, pki.root.certificate);
    // With the root, which is superfluous, and without.
    for whole in [
        vec![&leaf],
        vec![&leaf, &intermediate],
        vec![&leaf, &intermediate, &root],
    ] {
        let expected: Vec<Certificate> = whole.iter().map(|one| (*one).clone()).collect();
        for given in orders(&whole) {
            assert_eq!(order(&given).unwrap(), expected);
        }
    }
}

#[test]
fn what_is_given_twice_is_presented_once() {
    let pki = pki("corp");
    let leaf = pki.server("kms1.example").certificate;
    let intermediate = pki.intermediate.certificate;
    let expected = [leaf.clone(), intermediate.clone()];
    for given in [
        vec![&leaf, &leaf, &intermediate],
        vec![&leaf, &intermediate, &leaf],
        vec![&intermediate, &leaf, &intermediate],
    ] {
        assert_eq!(order(&given).unwrap(), expected);
    }
    let own = spec("own").self_signed().certificate;
    assert_eq!(order(&[&own, &own]).unwrap(), [own]);
}

#[test]
fn a_gap_and_a_stranger_are_refused_with_their_place_and_the_issuer_that_was_looked_for() {
    let pki = pki("corp");
    let leaf = pki.server("kms1.example").certificate;
    let root = &pki.root.certificate;
    let stranger = fixture("ca-root");
    let intermediate = &pki.intermediate.certificate;
    for (given, place, missing) in [
        (vec![&leaf, root], 1, "corp intermediate"),
        (vec![&leaf, &stranger], 1, "corp intermediate"),
        (vec![&leaf, intermediate, &stranger], 2, "corp root"),
        (vec![&leaf, &stranger, intermediate], 1, "corp root"),
        (vec![intermediate, &leaf, &stranger], 2, "corp root"),
    ] {
        let error = assert_is!(
            order(&given),
            E::ChainBroken { index, leaf, issuer, .. }
                if *index == place && leaf.contains("kms1.example") && issuer.contains(missing)
        );
        let text = error.to_string();
        assert!(
            text.contains(missing) && text.contains("kms1.example"),
            "{text}"
        );
    }
    // Two end entities: the first is ours, and what the other is for cannot be told.
    let other = pki.client("array-7").certificate;
    assert_is!(
        order(&[&leaf, &other, intermediate]),
        E::ChainBroken { index: 1, .. }
    );
    assert_is!(
        order(&[intermediate, &leaf, &other]),
        E::ChainBroken { index: 2, .. }
    );
    // Behind a self-signed certificate comes nothing, not even one of its name.
    let (old, new) = (spec("own").self_signed(), spec("own").self_signed());
    let error = order(&[&old.certificate, &new.certificate]).unwrap_err();
    assert!(
        matches!(error, E::ChainBroken { index: 1, .. } | E::ChainWithoutLeaf),
        "{error:?}"
    );
}

/// Two CAs of one name with different keys, and a leaf of the second.
fn same_name(leaf_names_key: bool) -> (Made, Made, Certificate) {
    let ca = || spec("twin").ca().self_signed();
    let (first, second) = (ca(), ca());
    let leaf = spec("kms1.example").dns("kms1.example");
    let leaf = if leaf_names_key {
        leaf
    } else {
        leaf.no_authority_key_id()
    };
    let leaf = leaf.signed_by(&second).certificate;
    (first, second, leaf)
}

#[test]
fn of_issuers_of_one_name_the_key_identifier_tells_which() {
    let (first, second, leaf) = same_name(true);
    let (first, second) = (first.certificate, second.certificate);
    // The other is no part of the chain.
    assert_is!(
        order(&[&leaf, &first, &second]),
        E::ChainBroken { index: 1, .. }
    );
    assert_is!(
        order(&[&leaf, &second, &first]),
        E::ChainBroken { index: 2, .. }
    );
    // Without it any of them can be the issuer.
    let (first, second, leaf) = same_name(false);
    assert_is!(
        order(&[&first.certificate, &second.certificate, &leaf]),
        E::ChainAmbiguous {
            first: 0,
            second: 1,
            ..
        }
    );
    // Intermediates of one name, each below a root of its own: with the key identifiers there is one way.
    let roots = [
        spec("root a").ca().self_signed(),
        spec("root b").ca().self_signed(),
    ];
    let rolled = spec("twin").ca().signed_by(&roots[0]);
    let leaf = spec("kms1.example").signed_by(&rolled).certificate;
    let chain = [
        leaf.clone(),
        rolled.certificate.clone(),
        roots[0].certificate.clone(),
    ];
    for given in orders(&chain.iter().collect::<Vec<_>>()) {
        assert_eq!(order(&given).unwrap(), chain);
    }
}

#[test]
fn issuers_that_nothing_tells_apart_are_refused_unless_their_order_does() {
    let root = spec("root").ca().self_signed();
    let key = spec("cross").ca().self_signed();
    // One key and one name, certified by two: the leaf's issuer is either.
    let by_root = spec("cross").ca().key_of(&key).signed_by(&root).certificate;
    let again = spec("cross").ca().key_of(&key).signed_by(&key).certificate;
    let leaf = spec("kms1.example").signed_by(&key).certificate;
    assert_is!(
        order(&[&by_root, &leaf, &root.certificate, &again]),
        E::ChainAmbiguous {
            first: 0,
            second: 3,
            ..
        }
    );
    let error = order(&[&root.certificate, &again, &by_root, &leaf]).unwrap_err();
    assert!(
        error.to_string().contains("certificates 1 and 2"),
        "{error}"
    );
    // Given behind the leaf, the first of them is taken; the other does not follow from it.
    assert_is!(
        order(&[&leaf, &by_root, &root.certificate, &again]),
        E::ChainBroken { index: 3, .. }
    );
    assert_eq!(
        order(&[&leaf, &by_root, &root.certificate]).unwrap(),
        [leaf, by_root, root.certificate]
    );
}

#[test]
fn certificates_that_all_issued_each_other_are_no_chain() {
    let (a, b) = (spec("a").ca().self_signed(), spec("b").ca().self_signed());
    let a_by_b = spec("a").ca().key_of(&a).signed_by(&b).certificate;
    let b_by_a = spec("b").ca().key_of(&b).signed_by(&a).certificate;
    // Two that follow from each other can be presented in the order given.
    assert_eq!(
        order(&[&a_by_b, &b_by_a]).unwrap(),
        [a_by_b.clone(), b_by_a.clone()]
    );
    let stranger = spec("c").ca().self_signed();
    let c_by_c = spec("c")
        .ca()
        .key_of(&stranger)
        .signed_by(&stranger)
        .certificate;
    let result = order(&[&a_by_b, &b_by_a, &stranger.certificate, &c_by_c]);
    assert_is!(result, E::ChainWithoutLeaf);
}

#[test]
fn a_chain_has_as_many_certificates_as_a_peer_may_present() {
    assert_is!(Chain::new(Vec::new()), E::NoCertificate);
    let root = spec("root").ca().self_signed().certificate;
    let count = MAX_PRESENTED_CERTIFICATES + 1;
    assert_is!(
        Chain::new(vec![root; count]),
        E::TooMany { count: seen, limit: MAX_PRESENTED_CERTIFICATES, .. } if *seen == count
    );
}

#[test]
fn a_file_of_a_chain_holds_certificates_and_perhaps_their_key() {
    let certificate = keys_format("certificate.pem");
    let key = keys_format("p256-sec1-after-parameters.pem");
    let both = [&*certificate, &*key].concat();
    Chain::from_combined_pem(&both).unwrap();
    // A file that is handed around holds no key.
    assert_is!(
        Chain::from_pem(&both),
        E::Certificate(CertificateError::PrivateKey { index: 2, .. })
    );
    assert_is!(Chain::from_combined_pem(&key), E::NoCertificate);
    let other = [&*certificate, &*keys_format("public-key.pem")].concat();
    assert_is!(
        Chain::from_combined_pem(&other),
        E::Certificate(CertificateError::Pem(PemError::Label { index: 1, label, .. })) if label == "PUBLIC KEY"
    );
    let mut cut = both;
    cut.truncate(certificate.len() + 40);
    assert_is!(
        Chain::from_combined_pem(&cut),
        E::Certificate(CertificateError::Pem(PemError::MissingEnd { index: 1, .. }))
    );
    let damaged = String::from_utf8(certificate)
        .unwrap()
        .replacen("MII", "MIH", 1);
    assert_is!(
        Chain::from_combined_pem(damaged.as_bytes()),
        E::Certificate(CertificateError::Section {
            index: 0,
            line: 1,
            ..
        })
    );
}
