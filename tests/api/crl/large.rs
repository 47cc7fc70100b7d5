//! A list with a million entries.

use mutual_trust::ReasonCode;
use mutual_trust::certificate::Crl;

use super::common::{ca, leaf, trusting};
use super::support::crl::*;
use super::support::der::{INTEGER, SEQUENCE, bytes, parts, wrap};
use super::support::pki::Made;

const MILLION: u64 = 1_000_000;

/// A serial number of 16 bytes for each number, in no order.
fn serial(number: u64) -> [u8; 16] {
    let mut serial = [0x11; 16];
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    serial[1..9].copy_from_slice(&mixed.to_be_bytes());
    serial
}

/// A list with `count` entries, made of bytes, which is faster than a tree.
fn list_of(count: u64, issuer: &Made) -> Vec<u8> {
    let date = utc(1_000_000_000).write();
    let mut entries = Vec::new();
    for number in 0..count {
        entries.extend([SEQUENCE, 33, INTEGER, 16]);
        entries.extend(serial(number));
        entries.extend(&date);
    }
    let mut tree = crl().entry(entry(&[1])).tree(issuer);
    let before = parts(SEQUENCE, tree.at(&[0]).list()[..5].to_vec());
    let after = tree.at(&[0, 6]).write();
    let mut tbs: Vec<u8> = before.write()[2..].to_vec();
    tbs.extend(wrap(SEQUENCE, &entries));
    tbs.extend(after);
    let tbs = wrap(SEQUENCE, &tbs);
    let signature = rcgen::SigningKey::sign(&issuer.key, &tbs).unwrap();
    let rest = [
        tree.at(&[1]).write(),
        bytes(BITS, &[vec![0], signature].concat()).write(),
    ];
    wrap(SEQUENCE, &[tbs, rest.concat()].concat())
}

#[test]
fn a_million_revoked_certificates_are_read_and_each_is_found() {
    let issuer = ca("CA");
    let der = list_of(MILLION, &issuer);
    assert!(der.len() > 35_000_000, "{}", der.len());
    let list = Crl::from_der(&der).unwrap();
    assert_eq!(u64::try_from(list.revoked_count()).unwrap(), MILLION);
    for number in (0..MILLION).step_by(997).chain([MILLION - 1]) {
        assert!(list.revoked(&serial(number)).is_some(), "{number}");
    }
    for number in (MILLION..2 * MILLION).step_by(997) {
        assert!(list.revoked(&serial(number)).is_none(), "{number}");
    }
    let mut scene = trusting(&[&issuer]);
    scene.install(list);
    assert_eq!(
        scene.reason(&[&leaf().signed_by(&issuer)]),
        ReasonCode::ChainVerified
    );
    let mut number = [0; 8];
    number.copy_from_slice(&serial(7)[..8]);
    let revoked = leaf().params(|params| {
        params.serial_number = Some(serial(7).to_vec().into());
    });
    assert_eq!(
        scene.reason(&[&revoked.signed_by(&issuer)]),
        ReasonCode::Revoked
    );
}

#[test]
fn a_truncated_large_list_is_not_read() {
    let issuer = ca("CA");
    let der = list_of(5000, &issuer);
    assert!(Crl::from_der(&der).is_ok());
    for length in (0..der.len()).step_by(1009) {
        assert!(Crl::from_der(&der[..length]).is_err(), "{length}");
    }
}
