//! What a key in a token costs, beside one in memory. It prints, and fails for nothing but errors.

use std::time::Instant;

use mutual_trust::Identity;
use mutual_trust_pkcs11::KeyType;
use mutual_trust_test_support::handshake::handshake;
use mutual_trust_test_support::link::{keys_1, settings};
use mutual_trust_test_support::pki::self_signed;

use pki_types::PrivateKeyDer;
use rustls::SignatureScheme;
use rustls::sign::SigningKey;

use crate::support::{Place, alone};

const ROUNDS: u32 = 40;

fn measured(place: &Place, what: &str, identity: &Identity) {
    let file = self_signed("keys-1").identity(&[], &place.provider);
    let setting = &settings()[1];
    let client = setting.client(
        setting.pinning_server(file.certificate()).snapshot(),
        identity.clone(),
    );
    let server = setting.server(
        setting.pinning_client(identity.certificate()).snapshot(),
        file,
    );
    let client = client.build_for(&keys_1()).unwrap();
    let server = server.build().unwrap();
    handshake(&client, &server, "kms1.example").expect_link(what);
    let started = Instant::now();
    for _ in 0..ROUNDS {
        handshake(&client, &server, "kms1.example").expect_link(what);
    }
    println!(
        "\nmeasured: {what}: {:?} a mutual handshake",
        started.elapsed() / ROUNDS
    );
}

/// What a signature alone costs.
fn signed(what: &str, key: &dyn SigningKey) {
    let schemes = [
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ED25519,
        SignatureScheme::RSA_PSS_SHA256,
    ];
    let signer = key.choose_scheme(&schemes).unwrap();
    signer.sign(b"message").unwrap();
    let started = Instant::now();
    for _ in 0..ROUNDS {
        signer.sign(b"message").unwrap();
    }
    println!(
        "\nmeasured: {what}: {:?} a signature",
        started.elapsed() / ROUNDS
    );
}

#[test]
fn a_link_with_a_key_in_a_token_beside_one_in_memory() {
    alone(
        "figures::a_link_with_a_key_in_a_token_beside_one_in_memory",
        &["array"],
        |place| {
            let made = self_signed("array-7");
            measured(
                place,
                "ECDSA P-256 in memory",
                &made.identity(&[], &place.provider),
            );
            let der = PrivateKeyDer::Pkcs8(made.key.serialize_der().into());
            let key = place.provider.key_provider.load_private_key(der).unwrap();
            signed("ECDSA P-256 in memory", &*key);
            for kind in [KeyType::P256, KeyType::Ed25519, KeyType::Rsa2048] {
                let uri = place.uri("array", &kind.to_string());
                let key = place.made(&uri, kind);
                signed(&format!("{kind} in SoftHSM"), &key);
                measured(
                    place,
                    &format!("{kind} in SoftHSM"),
                    &place.identity(&key, "array-7"),
                );
            }
        },
    );
}
