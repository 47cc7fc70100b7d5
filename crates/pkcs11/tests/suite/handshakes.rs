//! Links whose keys are in tokens.

use std::thread;

use mutual_trust::Identity;
use mutual_trust::PinScope;
use mutual_trust::tls::{Identities, key_policy};
use mutual_trust_pkcs11::{Error, KeyType};
use mutual_trust_test_support::handshake::handshake;
use mutual_trust_test_support::link::{keys_1, pin, settings};
use mutual_trust_test_support::pki::self_signed;

use crate::support::{Place, alone};

const KINDS: [KeyType; 6] = [
    KeyType::P256,
    KeyType::P384,
    KeyType::P521,
    KeyType::Ed25519,
    KeyType::Rsa2048,
    KeyType::Rsa3072,
];

/// A link with one identity at each end, in TLS 1.2 and 1.3, with each provider that has keys of these kinds: ring has no P-521.
pub(crate) fn links(ours: &Identity, theirs: &Identity, what: &str) {
    for setting in settings() {
        let keys = key_policy(&setting.provider);
        let is_known = |end: &Identity| keys.check(end.certificate()).is_ok();
        if setting.name.starts_with("ring") && !(is_known(ours) && is_known(theirs)) {
            continue;
        }
        let client = setting.client(
            setting.pinning_server(theirs.certificate()).snapshot(),
            ours.clone(),
        );
        let server = setting.server(
            setting.pinning_client(ours.certificate()).snapshot(),
            theirs.clone(),
        );
        let client = client.build_for(&keys_1()).unwrap();
        let outcome = handshake(&client, &server.build().unwrap(), "kms1.example");
        outcome.expect_link(&format!("{what}, {}", setting.name));
    }
}

#[test]
fn a_key_of_each_kind_serves_both_ends_in_both_versions() {
    alone(
        "handshakes::a_key_of_each_kind_serves_both_ends_in_both_versions",
        &["array"],
        |place| {
            for kind in KINDS {
                let uri = place.uri("array", &format!("key {kind}"));
                let key = place.made(&uri, kind);
                let identity = place.identity(&key, "array-7");
                let file = self_signed("keys-1").identity(&[], &place.provider);
                links(&identity, &file, &format!("client with {kind}"));
                links(&file, &identity, &format!("server with {kind}"));
                links(&identity, &identity, &format!("both with {kind}"));
            }
        },
    );
}

#[test]
fn a_token_without_ml_dsa_says_so() {
    alone(
        "handshakes::a_token_without_ml_dsa_says_so",
        &["array"],
        |place| {
            let uri = place.uri("array", "link");
            let token = place.open(&uri);
            for kind in [KeyType::MlDsa44, KeyType::MlDsa65, KeyType::MlDsa87] {
                let made = token.generate(&uri, kind, &place.provider);
                let error = made.map(drop).unwrap_err();
                assert!(matches!(error, Error::UnusableKey { .. }), "{error}");
                assert!(error.to_string().contains(&kind.to_string()), "{error}");
            }
        },
    );
}

#[test]
fn a_token_that_hashes_by_itself_signs_as_well() {
    alone(
        "handshakes::a_token_that_hashes_by_itself_signs_as_well",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            // CKM_RSA_PKCS and CKM_RSA_PKCS_PSS.
            place.order("hide 1\nhide d");
            let key = place.made(&uri, KeyType::Rsa2048);
            let identity = place.identity(&key, "array-7");
            links(&identity, &identity, "hashes in the token");
        },
    );
}

fn eight_threads(place: &Place, identity: &Identity) {
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
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    handshake(&client, &server, "kms1.example").expect_link("8 threads");
                }
            });
        }
    });
}

#[test]
fn eight_threads_share_the_sessions_of_a_token() {
    alone(
        "handshakes::eight_threads_share_the_sessions_of_a_token",
        &["array"],
        |place| {
            let uri = place.shim("array", "link");
            let key = place.made(&uri, KeyType::P256);
            let identity = place.identity(&key, "array-7");
            let before = place.calls("C_OpenSession");
            eight_threads(place, &identity);
            let opened = place.calls("C_OpenSession") - before;
            assert!(opened <= 4, "{opened} sessions");
            assert_eq!(place.calls("C_Login"), 1);
        },
    );
}

#[test]
fn an_identity_is_rotated_to_a_key_in_another_token_while_links_are_made() {
    alone(
        "handshakes::an_identity_is_rotated_to_a_key_in_another_token_while_links_are_made",
        &["old", "new"],
        |place| {
            let old = place.made(&place.uri("old", "link"), KeyType::P256);
            let new = place.made(&place.uri("new", "link"), KeyType::P384);
            let (old, new) = (
                place.identity(&old, "array-7"),
                place.identity(&new, "array-7"),
            );
            let file = self_signed("keys-1").identity(&[], &place.provider);
            let setting = &settings()[1];
            let mut clients = setting.pinning_client(old.certificate());
            pin(&mut clients, PinScope::Clients, new.certificate());
            let server = setting.server(clients.snapshot(), file.clone());
            let server = server.build().unwrap();
            let identities = Identities::new(old.clone());
            let client = mutual_trust::ClientConfigBuilder::new(
                setting.provider.clone(),
                setting.pinning_server(file.certificate()).snapshot(),
                setting.policy(),
                identities.clone(),
            )
            .with_protocol_versions(&[setting.version])
            .with_clock(std::sync::Arc::new(mutual_trust_test_support::now()));
            let client = client.build_for(&keys_1()).unwrap();
            let presented = || {
                let outcome = handshake(&client, &server, "kms1.example");
                outcome.expect_link("rotation");
                let peer = outcome.server_connection.peer_certificates().unwrap();
                peer[0].as_ref().to_vec()
            };
            let der = |identity: &Identity| identity.certificate().der().to_vec();
            assert_eq!(presented(), der(&old));
            thread::scope(|scope| {
                let going = scope.spawn(|| (0..200).map(|_| presented()).collect::<Vec<_>>());
                identities.stage(new.clone()).unwrap();
                identities.activate(&keys_1()).unwrap();
                identities.activate_all().unwrap();
                identities.commit().unwrap();
                let seen = going.join().unwrap();
                assert!(
                    seen.iter()
                        .all(|one| *one == der(&old) || *one == der(&new))
                );
            });
            assert_eq!(presented(), der(&new));
        },
    );
}
