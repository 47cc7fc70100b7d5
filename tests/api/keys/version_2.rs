//! PKCS#8 of version 2 (RFC 5958), with the public key and with attributes, as ring and others write it.

use mutual_trust::Identity;
use mutual_trust::error::IdentityError as E;
use mutual_trust::identity::{CertificateChain, PrivateKey};

use crate::keys::formats::expect_links;
use crate::keys::{assert_is, keys_format};
use crate::support::der::{Der, bytes, parts};
use crate::support::{fixture, fixture_bytes, providers};

/// A key in version 2, with its public key under `tag`, and optionally with attributes.
fn version_2(kind: &str, tag: u8, attributes: bool) -> Vec<u8> {
    let mut key = Der::read(&keys_format(&format!("{kind}-pkcs8.der")));
    let spki = fixture(&format!("ee-{kind}"));
    let mut spki = Der::read(spki.subject_public_key_info());
    let public = spki.at(&[1]).content().clone();
    *key.at(&[0]).content() = vec![1];
    if attributes {
        key.list().push(parts(0xa0, Vec::new()));
    }
    // `[1] IMPLICIT BIT STRING`. ring encoded it as EXPLICIT.
    key.list().push(match tag {
        0xa1 => parts(0xa1, vec![bytes(3, &public)]),
        tag => bytes(tag, &public),
    });
    key.write()
}

#[test]
fn every_kind_of_key_in_version_2_makes_an_identity_and_a_link() {
    for (name, provider) in providers() {
        for kind in ["rsa2048", "p256", "p384", "ed25519"] {
            for tag in [0x81, 0xa1] {
                for attributes in [false, true] {
                    let key = PrivateKey::from_der(version_2(kind, tag, attributes)).unwrap();
                    let chain =
                        CertificateChain::from_pem(&fixture_bytes(&format!("ee-{kind}.pem")))
                            .unwrap();
                    let identity = Identity::new(chain, key, &provider)
                        .unwrap_or_else(|error| panic!("{name} {kind}: {error}"));
                    expect_links(kind, &identity, name);
                }
            }
        }
    }
}

#[test]
fn the_public_key_beside_a_private_one_is_not_believed() {
    // An RFC 8410 key with another's public part would make signatures that reveal the private key.
    let mut key = Der::read(&version_2("ed25519", 0x81, false));
    key.at(&[3]).content()[5] ^= 1;
    for (name, provider) in providers() {
        let key = PrivateKey::from_der(key.write()).unwrap();
        let chain = CertificateChain::from_pem(&fixture_bytes("ee-ed25519.pem")).unwrap();
        let identity = Identity::new(chain, key, &provider).unwrap();
        expect_links("public key of another", &identity, name);
    }
}

#[test]
fn attributes_may_stand_in_version_1_and_the_public_key_may_not() {
    let mut key = Der::read(&keys_format("p256-pkcs8.der"));
    key.list().push(parts(0xa0, Vec::new()));
    PrivateKey::from_der(key.write()).unwrap();
    let mut key = Der::read(&version_2("p256", 0x81, false));
    *key.at(&[0]).content() = vec![0];
    assert_is!(PrivateKey::from_der(key.write()), E::KeyMalformed);
}
