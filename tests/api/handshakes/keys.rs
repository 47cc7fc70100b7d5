//! Every kind of key, at both ends.

use mutual_trust::ReasonCode;
#[cfg(all(feature = "aws-lc-rs", feature = "ring"))]
use mutual_trust::error::IdentityError;
use mutual_trust::tls::Identity;
#[cfg(feature = "aws-lc-rs")]
use mutual_trust::{AuthorityScope, EntryOptions, error::ConfigError, tls::TlsVersion};
#[cfg(feature = "aws-lc-rs")]
use rustls::SignatureScheme;

use crate::support::fixture;
use crate::support::fixture_key;
use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, settings};
use crate::support::pki::self_signed;
#[cfg(feature = "aws-lc-rs")]
use crate::support::pki::{Spec, spec};

/// Key kinds by the name of their fixture.
const KINDS: [&str; 6] = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "ed25519"];

fn identity(kind: &str, setting: &Setting) -> Identity {
    let chain = fixture(&format!("ee-{kind}")).to_pem();
    Identity::from_pem(chain.as_bytes(), &fixture_key(kind), &setting.provider).unwrap()
}

/// A handshake in which both ends have pinned each other's certificate.
fn link(setting: &Setting, server: Identity, client: Identity) -> Outcome {
    let trusted_server = setting.pinning_server(server.certificate()).snapshot();
    let trusted_client = setting.pinning_client(client.certificate()).snapshot();
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
        let seen = mutual_trust::Verdict::from(client_check.server(
            mutual_trust::ExpectedServer::id(&keys_1(), None),
            &outcome.client_connection,
        ));
        assert_eq!(seen.reason(), ReasonCode::PinMatched, "{}", setting.name);
        let seen = mutual_trust::Verdict::from(server_check.client(&outcome.server_connection));
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

/// The certificates of ML-DSA, and what they are called.
#[cfg(feature = "aws-lc-rs")]
fn ml_dsa(name: &str) -> Vec<(SignatureScheme, Spec)> {
    let of = |algorithm| {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        spec(name).dns(name).server_auth().client_auth().key(key)
    };
    vec![
        (SignatureScheme::ML_DSA_44, of(&rcgen::PKCS_ML_DSA_44)),
        (SignatureScheme::ML_DSA_65, of(&rcgen::PKCS_ML_DSA_65)),
        (SignatureScheme::ML_DSA_87, of(&rcgen::PKCS_ML_DSA_87)),
    ]
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn ml_dsa_keys_serve_both_ends_as_pins() {
    // M2, RFC 9881
    let setting = aws_lc_rs(true);
    let of = |name| ml_dsa(name).into_iter();
    for ((scheme, server), (_, client)) in of("kms1.example").zip(of("array-7.example")) {
        let identity = |spec: Spec| spec.self_signed().identity(&[], &setting.provider);
        let outcome = link(&setting, identity(server), identity(client));
        outcome.expect_link(&format!("{scheme:?}"));
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn chains_of_ml_dsa_keys_are_accepted_at_both_ends() {
    // C1: every certificate of the chain has a key of the kind, the authority included.
    let setting = aws_lc_rs(true);
    let of = |name| ml_dsa(name).into_iter();
    let cas = of("root").zip(of("issuing"));
    let leaves = of("kms1.example").zip(of("array-7.example"));
    for (((scheme, root), (_, issuing)), ((_, server), (_, client))) in cas.zip(leaves) {
        let root = root.ca().self_signed();
        let issuing = issuing.ca().signed_by(&root);
        let identity = |spec: Spec| {
            let leaf = spec.signed_by(&issuing);
            leaf.identity(&[&issuing], &setting.provider)
        };
        let mut known = setting.listing_server();
        for scope in [AuthorityScope::Server(keys_1()), AuthorityScope::Clients] {
            known
                .install_authority(scope, root.certificate(), EntryOptions::new())
                .unwrap();
        }
        let view = known.snapshot();
        let client = setting.client(view.clone(), identity(client));
        let server = setting.server(view, identity(server));
        let check = server.peer_check();
        let client = client.build_for(&keys_1()).unwrap();
        let outcome = handshake(&client, &server.build().unwrap(), "kms1.example");
        outcome.expect_link(&format!("{scheme:?}"));
        let seen = mutual_trust::Verdict::from(check.client(&outcome.server_connection));
        assert_eq!(seen.reason(), ReasonCode::ChainVerified, "{scheme:?}");
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn an_ml_dsa_key_where_tls_1_2_alone_is_allowed_is_an_error_that_says_so() {
    // K3: rustls would find no cipher suite in common, or send an empty certificate.
    let setting = aws_lc_rs(false);
    for (scheme, spec) in ml_dsa("kms1.example") {
        let own = spec.self_signed();
        let identity = || own.identity(&[], &setting.provider);
        let client = setting.client(setting.listing_server().snapshot(), identity());
        let server = setting.server(setting.store().snapshot(), identity());
        for error in [
            client.build_for(&keys_1()).unwrap_err(),
            client.build_by_name().unwrap_err(),
            client.client_configs().unwrap_err(),
            server.build().unwrap_err(),
        ] {
            assert!(matches!(error, ConfigError::IdentityOnlyTls13), "{error:?}");
            let text = error.to_string();
            assert!(
                text.contains("ML-DSA") && text.contains("allow TLS 1.3"),
                "{text}"
            );
        }
        // With both versions allowed it is none, for the peers that speak the newer.
        let both = [TlsVersion::Tls12, TlsVersion::Tls13];
        client
            .clone()
            .with_protocol_versions(&both)
            .build_by_name()
            .unwrap();
        server.with_protocol_versions(&both).build().unwrap();
        // Of a peer that speaks only the older it is told that our certificate was not sent.
        let plain = self_signed("kms1.example");
        let trusted = setting.pinning_server(&plain.certificate).snapshot();
        let client = setting
            .client(trusted, identity())
            .with_protocol_versions(&both);
        let server = setting.server(
            setting.store().snapshot(),
            plain.identity(&[], &setting.provider),
        );
        let unsent = client.client_auth_failures();
        let client = client.build_for(&keys_1()).unwrap();
        let outcome = handshake(&client, &server.build().unwrap(), "kms1.example");
        assert!(!outcome.is_ok(), "{scheme:?}");
        assert_eq!(unsent.count(), 1, "{scheme:?}");
        let text = unsent.last().unwrap().to_string();
        assert!(
            text.contains("present an identity with a key of such a kind"),
            "{text}"
        );
    }
}

#[cfg(all(feature = "aws-lc-rs", feature = "ring"))]
#[test]
fn ring_refuses_an_ml_dsa_key_by_its_kind() {
    let ring = mutual_trust::tls::provider::ring();
    for (scheme, spec) in ml_dsa("array-7.example") {
        let made = spec.self_signed();
        let (chain, key) = (made.certificate.to_pem(), made.key.serialize_pem());
        let refused = Identity::from_pem(chain.as_bytes(), key.as_bytes(), &ring).unwrap_err();
        assert!(
            matches!(refused, IdentityError::KeyUnusable { .. }),
            "{scheme:?}: {refused:?}"
        );
    }
}
