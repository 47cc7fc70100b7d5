//! Changed bytes: no panic, and no changed list is installed.

use mutual_trust::certificate::Crl;
use mutual_trust::error::StoreError;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::common::{ca, trusting};
use super::support::crl::*;
use super::support::der::*;

fn rich(issuer: &super::support::pki::Made) -> Vec<u8> {
    let date = standard(24, false, &bytes(0x18, b"20260101000000Z"));
    crl()
        .entry(entry(&[1]))
        .entry(entry_with(&[0x7f, 2], vec![reason(1), date]))
        .entry(entry_with(
            &[0, 0x80],
            vec![extension(&[0x2a, 3], false, &bytes(NULL, &[]))],
        ))
        .scope(vec![
            point(&["http://ca.example/1", "ldap://ca.example/1"]),
            flag(0x81),
            bytes(0x83, &[6, 0x40]),
        ])
        .der(issuer)
}

/// Calls every accessor of a list.
fn look(list: &Crl) {
    assert_eq!(&Crl::from_der(list.der()).unwrap(), list);
    assert!(!list.issuer().contains('\n'));
    let _ = (
        list.signature_algorithm(),
        format!("{list:?}"),
        list.kinds(),
    );
    assert!(list.distribution_point().all(|uri| uri.is_ascii()));
    let _ = (
        list.revoked(&[1]),
        list.revoked(&[0x7f, 2]),
        list.revoked(&[]),
    );
}

#[test]
fn every_byte_may_be_changed_and_no_changed_list_is_installed() {
    let issuer = ca("CA");
    let good = rich(&issuer);
    let signed = {
        let tree = Der::read(&good);
        let mut tree = tree;
        tree.at(&[0]).write().len()
    };
    let mut scene = trusting(&[&issuer]);
    for place in 0..good.len() {
        for change in [1_u8, 0x20, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[place] ^= change;
            let Ok(list) = Crl::from_der(&bad) else {
                continue;
            };
            look(&list);
            // Changes in the signature are not tested: for ECDSA, two signatures are valid.
            if place < signed + 4 {
                let refused = scene.store.install_crl(list);
                let error = refused.expect_err("it was signed as something else");
                let known = matches!(
                    error,
                    StoreError::WrongCrlSignature { .. }
                        | StoreError::CrlIssuerNotInstalled { .. }
                        | StoreError::CrlSignatureUnsupported { .. }
                        | StoreError::CrlSignedByOtherKey { .. }
                        | StoreError::CrlKind(_)
                );
                assert!(known, "byte {place}: {error:?}");
            }
        }
    }
    assert!(scene.store.contents().crls().next().is_none());
}

#[test]
fn bytes_cut_out_put_in_and_doubled_never_panic() {
    let issuer = ca("CA");
    let good = rich(&issuer);
    let length = good.len();
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig {
            cases: 4000,
            failure_persistence: None,
            ..ProptestConfig::default()
        },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let edit = (
        0..length,
        0..16_usize,
        proptest::collection::vec(any::<u8>(), 0..8),
    );
    runner
        .run(&proptest::collection::vec(edit, 1..4), |edits| {
            let mut bytes = good.clone();
            for (place, cut, put) in edits {
                let from = place.min(bytes.len());
                let to = from.saturating_add(cut).min(bytes.len());
                bytes.splice(from..to, put);
            }
            if let Ok(list) = Crl::from_der(&bytes) {
                look(&list);
            }
            Ok(())
        })
        .unwrap();
}
