//! Revocation lists.

use mutual_trust::certificate::Crl;
use mutual_trust::limits::MAX_CRL_BYTES;

use crate::produced::Produced;
use crate::support::crl::{CrlSpec, crl, entry, entry_with, extension, flag, reason, standard};
use crate::support::der::{INTEGER, NULL, bytes, parts};
use crate::support::pki::spec;

pub(crate) fn produce(produced: &mut Produced) {
    let issuer = spec("CA").ca().self_signed();
    let read = |list: &CrlSpec| Crl::from_der(&list.der(&issuer));
    let null = || bytes(NULL, &[]);
    produced.error(Crl::from_der(&[]));
    produced.error(Crl::from_der(&vec![0x30; MAX_CRL_BYTES + 1]));
    produced.error(Crl::from_der(b"hello"));
    produced.error(Crl::from_der(&[crl().der(&issuer), vec![0]].concat()));
    produced.error(read(
        &crl().entry(entry_with(&[1], vec![reason(1), reason(1)])),
    ));
    let many = (0..33)
        .map(|last| standard(60 + last, false, &null()))
        .collect();
    produced.error(read(&crl().entry(entry_with(&[1], many))));
    produced.error(read(
        &crl().version_1().entry(entry_with(&[1], vec![reason(1)])),
    ));
    let mut tree = crl().tree(&issuer);
    *tree.at(&[1, 0]).content() = vec![0x2a, 3];
    produced.error(Crl::from_der(&tree.write()));
    produced.error(read(&crl().valid(10, -10)));
    let pem = crl().signed_by(&issuer).to_pem();
    produced.error(Crl::from_pem(b"hello"));
    produced.error(Crl::from_pem(pem.repeat(2).as_bytes()));
    produced.error(Crl::many_from_pem(
        b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n",
    ));

    let id = [0x2a, 3, 4];
    let relative = parts(0xa0, vec![parts(0xa1, vec![])]);
    for list in [
        crl().scope(vec![flag(0x84)]),
        crl().extension(standard(27, true, &bytes(INTEGER, &[1]))),
        crl().scope(vec![flag(0x85)]),
        crl().scope(vec![relative]),
        crl().entry(entry_with(&[1], vec![reason(8)])),
        crl().no_end(),
        crl().extension(extension(&id, true, &null())),
        crl()
            .entry(entry(&[3]))
            .entry(entry_with(&[2], vec![extension(&id, true, &null())])),
    ] {
        produced.value(list.signed_by(&issuer).refusal().unwrap());
    }
}
