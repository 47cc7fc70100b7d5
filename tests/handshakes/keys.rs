//! Every kind of key, at both ends.

use mutual_trust::ReasonCode;
use mutual_trust::tls::Identity;

use crate::support::fixture;
use crate::support::fixture_key;
use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, settings};
use crate::support::pki::self_signed;

/// Key kinds by the name of their fixture.
const KINDS: [&str; 6] = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "ed25519"];

fn identity(kind: &str, setting: &Setting) -> Identity {
    let chain = fixture(&format!("ee-{kind}")).to_pem();
    Identity::from_pem(chain.as_bytes(), &fixture_key(kind), &setting.provider).unwrap()
}

/// A handshake in which both ends have pinned each other's certificate.
fn link(setting: &Setting, server: Identity, client: Identity) -> Outcome {
    let trusted_server = setting.pinning_server(server.certificate()).view();
    let trusted_client = setting.pinning_client(client.certificate()).view();
    let client = setting.client(trusted_server, client);
    let server = setting.server(trusted_client, server);
    let (client_check, server_check) = (client.peer_check(), server.peer_check());
    let outcome = handshake(
        &client.build_for(&keys_1()).unwrap(),
        &server.build().unwrap(),
        "kms1.example",
    );
    if outcome.is_ok() {
        // M2: what was pinned is what signed, at both ends.
        let seen = client_check.server(&keys_1(), None, &outcome.client_connection);
        assert_eq!(seen.reason(), ReasonCode::PinMatched, "{}", setting.name);
        let seen = server_check.client(&outcome.server_connection);
        assert_eq!(seen.reason(), ReasonCode::PinMatched, "{}", setting.name);
        let version = outcome.client_connection.protocol_version();
        assert_eq!(version, Some(setting.protocol()), "{}", setting.name);
    }
    outcome
}

#[test]
fn every_kind_of_key_serves_a_server() {
    // M2
    for setting in settings() {
        for kind in KINDS {
            let client = self_signed("array-7.example").identity(&[], &setting.provider);
            let outcome = link(&setting, identity(kind, &setting), client);
            outcome.expect_link(&format!("{kind} {}", setting.name));
        }
    }
}

#[test]
fn every_kind_of_key_serves_a_client() {
    // M2
    for setting in settings() {
        for kind in KINDS {
            let server = self_signed("kms1.example").identity(&[], &setting.provider);
            let outcome = link(&setting, server, identity(kind, &setting));
            outcome.expect_link(&format!("{kind} {}", setting.name));
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_p521_key_serves_both_ends_in_tls_1_3() {
    // M2; ring has no P-521
    let setting = aws_lc_rs(true);
    let outcome = link(
        &setting,
        identity("p521", &setting),
        identity("p521", &setting),
    );
    outcome.expect_link("P-521");
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) fn aws_lc_rs(tls13: bool) -> Setting {
    let mut found = settings().into_iter();
    found
        .find(|setting| setting.name.starts_with("aws") && setting.is_tls13() == tls13)
        .unwrap()
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn the_key_that_keytool_makes_for_ec_serves_both_ends() {
    // M2; ring refuses the key, which lacks its public part
    for setting in settings() {
        if setting.name.starts_with("ring") {
            continue;
        }
        let pem = fixture("keytool-ec").to_pem();
        let both = || {
            let key = fixture_key("keytool-ec");
            Identity::from_pem(pem.as_bytes(), &key, &setting.provider).unwrap()
        };
        link(&setting, both(), both()).expect_link(&setting.name);
    }
}
