//! The preset for the profiles of KMIP 2.1: what it leaves, what it refuses to do without.

use std::sync::Arc;

use mutual_trust::error::ConfigError;
use mutual_trust::tls::TlsVersion;
use mutual_trust::{ClientConfigBuilder, PinScope, ServerConfigBuilder};
use rustls::CipherSuite;
use rustls::crypto::CryptoProvider;

use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::now;
use crate::support::pki::{Made, self_signed};

const SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
];

struct Ends {
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
}

fn ends(setting: &Setting, provider: Arc<CryptoProvider>) -> Ends {
    ends_of(setting, provider, &self_signed("kms1.example"))
}

fn ends_of(setting: &Setting, provider: Arc<CryptoProvider>, made: &Made) -> Ends {
    let identity = made.identity(&[], &setting.provider);
    let mut store = setting.pinning_server(&made.certificate);
    pin(&mut store, PinScope::Clients, &made.certificate);
    let (view, policy) = (store.snapshot(), setting.policy());
    let client = ClientConfigBuilder::new(provider.clone(), view.clone(), policy, identity.clone());
    let server = ServerConfigBuilder::new(provider, view, policy, identity);
    Ends {
        client: client.clock(Arc::new(now())),
        server: server.clock(Arc::new(now())),
    }
}

fn without(setting: &Setting, gone: &[CipherSuite]) -> Arc<CryptoProvider> {
    let mut provider = (*setting.provider).clone();
    provider
        .cipher_suites
        .retain(|suite| !gone.contains(&suite.suite()));
    Arc::new(provider)
}

fn link(client: &ClientConfigBuilder, server: &ServerConfigBuilder) -> Outcome {
    let client = client.build_for(&keys_1()).unwrap();
    handshake(&client, &server.build().unwrap(), "kms1.example")
}

fn missing(error: &ConfigError) -> &str {
    let ConfigError::KmipProfile { missing, .. } = error else {
        panic!("{error:?}")
    };
    missing
}

#[test]
fn the_profile_leaves_its_own_suites_and_no_others_on_both_ends() {
    for setting in settings() {
        let Ends { client, server } = ends(&setting, setting.provider.clone());
        let client = client.kmip_profile().build_for(&keys_1()).unwrap();
        let server = server.kmip_profile().build().unwrap();
        for provider in [client.crypto_provider(), server.crypto_provider()] {
            let suites = provider.cipher_suites.iter().map(|suite| suite.suite());
            assert_eq!(suites.collect::<Vec<_>>(), SUITES);
        }
    }
}

#[test]
fn two_ends_that_keep_to_the_profile_talk_in_both_versions() {
    for setting in settings() {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let Ends { client, server } = ends(&setting, setting.provider.clone());
            let client = client.kmip_profile().versions(&[version]);
            let outcome = link(&client, &server.kmip_profile());
            outcome.expect_link("profile");
            let suite = outcome.client_connection.negotiated_cipher_suite().unwrap();
            assert!(SUITES.contains(&suite.suite()), "{suite:?}");
        }
    }
}

#[test]
fn a_peer_that_has_no_suite_of_the_profile_gets_no_link() {
    for setting in settings() {
        let made = self_signed("kms1.example");
        let Ends { client, server } = ends_of(&setting, without(&setting, &SUITES), &made);
        let kept = ends_of(&setting, setting.provider.clone(), &made);
        link(&kept.client, &server).expect_link("a client without the profile");
        link(&client, &kept.server).expect_link("a server without the profile");
        assert!(!link(&kept.client.kmip_profile(), &server).is_ok());
        assert!(!link(&client, &kept.server.kmip_profile()).is_ok());
    }
}

#[test]
fn a_server_without_a_mandatory_suite_or_tls_13_cannot_keep_to_the_profile() {
    for setting in settings() {
        for (gone, name) in [(SUITES[0], "AES_256"), (SUITES[1], "CHACHA20")] {
            let Ends { client, server } = ends(&setting, without(&setting, &[gone]));
            let error = server.kmip_profile().build().unwrap_err();
            assert!(missing(&error).contains(name), "{error}");
            // One of them is enough for a client.
            client.kmip_profile().build_for(&keys_1()).unwrap();
        }
        let Ends { server, .. } = ends(&setting, setting.provider.clone());
        let server = server.kmip_profile().versions(&[TlsVersion::Tls12]);
        let error = server.build().unwrap_err();
        assert_eq!(missing(&error), "TLS 1.3 of servers");
    }
}

#[test]
fn a_client_without_any_suite_of_the_profile_for_its_version_is_not_built() {
    use TlsVersion::{Tls12, Tls13};
    for setting in settings() {
        for (gone, versions, text) in [
            (&SUITES[..2], vec![Tls12, Tls13], "TLS 1.3"),
            (&SUITES[..2], vec![Tls13], "TLS 1.3"),
            (&SUITES[2..], vec![Tls12], "TLS 1.2"),
        ] {
            let Ends { client, .. } = ends(&setting, without(&setting, gone));
            let client = client.kmip_profile().versions(&versions);
            let error = client.build_for(&keys_1()).unwrap_err();
            assert!(missing(&error).contains(text), "{error}");
            assert!(client.links().is_err() || client.build_by_name().is_err());
        }
        let Ends { client, .. } = ends(&setting, without(&setting, &SUITES[2..]));
        client.kmip_profile().build_for(&keys_1()).unwrap();
    }
}
