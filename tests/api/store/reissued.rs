//! A blocked key in another form (rule P1).

use mutual_trust::certificate::Certificate;
use mutual_trust::policy::ExpectedServer;
use mutual_trust::{AuthorityScope, TrustStore, VerifyRequest, decide};
use rcgen::{KeyPair, SigningKey};

use crate::store::common::*;
use crate::support::der::{bytes, parts, tree};
use crate::support::pki::{Made, spec};
use crate::support::*;

/// The leaf again under another serial number, with the bytes of its key changed, signed by the CA again.
fn reissued(leaf: &Made, ca: &Made, change: fn(&[u8]) -> Vec<u8>) -> Option<Certificate> {
    let mut der = tree(&leaf.certificate);
    *der.field(1).content() = vec![0x11; 16];
    let key = der.field(6).at(&[1]).content();
    *key = change(key);
    let signature = ca.key.sign(&der.at(&[0]).write()).unwrap();
    *der.at(&[2]).content() = [&[0][..], &signature].concat();
    // Not to be read is as good as to be blocked.
    Certificate::from_der(&der.write()).ok()
}

/// The short form of a point on a curve (RFC 5480 section 2.2), as the content of a BIT STRING.
fn compressed(point: &[u8]) -> Vec<u8> {
    assert_eq!((point.len(), point[1]), (66, 0x04));
    [&[0x00, 0x02 | (point[65] & 1)], &point[2..34]].concat()
}

/// An Ed25519 key inside a whole SubjectPublicKeyInfo, which aws-lc-rs takes for the key itself.
fn nested(key: &[u8]) -> Vec<u8> {
    let algorithm = parts(0x30, vec![bytes(0x06, &[0x2b, 0x65, 0x70])]);
    let whole = parts(0x30, vec![algorithm, bytes(0x03, key)]);
    [&[0x00][..], &whole.write()].concat()
}

#[test]
fn a_block_hits_the_key_in_whichever_form_it_is_written() {
    // P1: `block(certificate)` blocks its key; and I4: what the provider verifies is what is judged.
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let leaf = || spec("kms1.example").dns("s.example").server_auth();
    let ca = new_ca();
    let mut accepted = Vec::new();
    type Change = fn(&[u8]) -> Vec<u8>;
    let forms: [(&str, Made, Change); 4] = [
        ("P-256 as it was", leaf().signed_by(&ca), <[u8]>::to_vec),
        ("P-256 compressed", leaf().signed_by(&ca), compressed),
        (
            "Ed25519 as it was",
            leaf().key(ed25519).signed_by(&ca),
            <[u8]>::to_vec,
        ),
        (
            "Ed25519 nested",
            leaf()
                .key(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap())
                .signed_by(&ca),
            nested,
        ),
    ];
    for (what, leaf, change) in forms {
        let Some(again) = reissued(&leaf, &ca, change) else {
            continue;
        };
        let mut store = with_servers(&["s"]);
        let any = AuthorityScope::AnyServer;
        store
            .install_authority(any, ca.certificate(), options())
            .unwrap();
        let asked = |store: &mut TrustStore, certificate: &Certificate| {
            let id = server_id("s");
            let target = ExpectedServer::id(&id, None);
            let question = VerifyRequest::server(target, certificate.der(), &[], now());
            decide(&store.snapshot(), &policy(), &question)
        };
        assert!(asked(&mut store, &leaf.certificate).is_accepted(), "{what}");
        store.block(&leaf.certificate);
        assert!(
            !asked(&mut store, &leaf.certificate).is_accepted(),
            "{what}"
        );
        if asked(&mut store, &again).is_accepted() {
            accepted.push(format!("{what}: accepted in a chain"));
        }
        if store.install_pin(server("s"), again, options()).is_ok() {
            accepted.push(format!("{what}: installed"));
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}
