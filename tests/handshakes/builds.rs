//! What can be known when a configuration is built is an error then (rules K1 and K3), and what is negotiated.

use std::sync::Arc;

use mutual_trust::error::{ConfigError, IdentityError};
use mutual_trust::tls::{Identity, TlsVersion};
use mutual_trust::{ClientConfigBuilder, PinScope, ServerConfigBuilder};
use rustls::ProtocolVersion;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};

use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, self_signed};
use crate::support::{fixture, fixture_identity, fixture_key, now, server_id};

struct Ends {
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
}

/// Both ends, which accept each other, with both versions.
fn ends(setting: &Setting) -> Ends {
    let made = self_signed("kms1.example");
    ends_of(setting, &made, made.identity(&[], &setting.provider))
}

fn ends_of(setting: &Setting, made: &Made, identity: Identity) -> Ends {
    let mut store = setting.pinning_server(&made.certificate);
    pin(&mut store, PinScope::Clients, &made.certificate);
    let view = store.snapshot();
    let policy = setting.policy();
    let provider = &setting.provider;
    Ends {
        client: {
            let identity = identity.clone();
            ClientConfigBuilder::new(provider.clone(), view.clone(), policy, identity)
                .clock(Arc::new(now()))
        },
        server: ServerConfigBuilder::new(provider.clone(), view, policy, identity)
            .clock(Arc::new(now())),
    }
}

impl Ends {
    fn handshake(&self) -> Outcome {
        let client = self.client.build_for(&keys_1()).unwrap();
        handshake(&client, &self.server.build().unwrap(), "kms1.example")
    }
}

#[test]
fn a_server_id_that_is_not_in_the_view_is_an_error() {
    for setting in settings() {
        let error = ends(&setting)
            .client
            .build_for(&server_id("keys-9"))
            .unwrap_err();
        assert!(matches!(error, ConfigError::UnknownServer(id) if id == server_id("keys-9")));
    }
}

#[test]
fn no_protocol_version_at_all_is_an_error() {
    for setting in settings() {
        let Ends { client, server } = ends(&setting);
        let client = client.versions(&[]);
        let error = client.build_for(&keys_1()).unwrap_err();
        assert!(matches!(error, ConfigError::NoVersion), "{error:?}");
        let error = client.build_by_name().unwrap_err();
        assert!(matches!(error, ConfigError::NoVersion), "{error:?}");
        let error = server.versions(&[]).build().unwrap_err();
        assert!(matches!(error, ConfigError::NoVersion), "{error:?}");
    }
}

#[test]
fn the_versions_asked_for_are_those_spoken() {
    use ProtocolVersion::{TLSv1_2, TLSv1_3};
    use TlsVersion::{Tls12, Tls13};
    for setting in settings() {
        // By default both, and the newer one is chosen.
        let spoken = ends(&setting)
            .handshake()
            .client_connection
            .protocol_version();
        assert_eq!(spoken, Some(TLSv1_3));
        let cases: [(&[TlsVersion], _); 4] = [
            (&[Tls12], TLSv1_2),
            (&[Tls13], TLSv1_3),
            (&[Tls12, Tls13, Tls12], TLSv1_3),
            (&[Tls12, Tls12], TLSv1_2),
        ];
        for (versions, expected) in cases {
            let Ends { client, server } = ends(&setting);
            let client_limits = Ends {
                client: client.versions(versions),
                server,
            };
            let Ends { client, server } = ends(&setting);
            let server_limits = Ends {
                client,
                server: server.versions(versions),
            };
            // Both are pairs with their own certificates.
            for pair in [client_limits, server_limits] {
                let outcome = pair.handshake();
                outcome.expect_link(&setting.name);
                let spoken = outcome.server_connection.protocol_version();
                assert_eq!(spoken, Some(expected), "{versions:?}");
            }
        }
        let Ends { client, server } = ends(&setting);
        let apart = Ends {
            client: client.versions(&[Tls12]),
            server: server.versions(&[Tls13]),
        };
        assert!(!apart.handshake().is_ok());
    }
}

#[test]
fn application_protocols_are_offered_and_those_that_cannot_be_carried_are_an_error() {
    // RFC 7301 section 3.1: 1 to 255 bytes
    for setting in settings() {
        let outcome = ends(&setting).handshake();
        assert_eq!(outcome.client_connection.alpn_protocol(), None);
        for protocol in [b"kmip".to_vec(), vec![b'x'; 255]] {
            let Ends { client, server } = ends(&setting);
            let both = Ends {
                client: client.alpn([b"first".to_vec(), protocol.clone()]),
                server: server.alpn([protocol.clone()]),
            };
            let outcome = both.handshake();
            outcome.expect_link(&setting.name);
            let chosen = outcome.client_connection.alpn_protocol();
            assert_eq!(chosen, Some(&*protocol));
        }
        for bad in [vec![], vec![b'x'; 256]] {
            let Ends { client, server } = ends(&setting);
            let client = client.alpn([b"kmip".to_vec(), bad.clone()]);
            assert!(matches!(
                client.build_for(&keys_1()),
                Err(ConfigError::Alpn)
            ));
            assert!(matches!(client.build_by_name(), Err(ConfigError::Alpn)));
            let server = server.alpn([bad]);
            assert!(matches!(server.build(), Err(ConfigError::Alpn)));
        }
    }
}

/// The provider with only those schemes for handshake signatures whose name has `part` in it.
fn only(setting: &Setting, part: &str) -> Arc<CryptoProvider> {
    let mut provider = (*setting.provider).clone();
    let all = provider.signature_verification_algorithms;
    let kept: Vec<_> = all
        .mapping
        .iter()
        .filter(|(scheme, _)| format!("{scheme:?}").contains(part))
        .copied()
        .collect();
    provider.signature_verification_algorithms = WebPkiSupportedAlgorithms {
        all: all.all,
        mapping: kept.leak(),
    };
    Arc::new(provider)
}

#[test]
fn an_identity_that_no_scheme_of_the_provider_fits_is_an_error() {
    // K3: rustls would send an empty certificate, or fail in the handshake
    for setting in settings() {
        let narrow = Setting {
            provider: only(&setting, "RSA"),
            ..setting.clone()
        };
        let Ends { client, server } = ends(&narrow);
        let unusable = |error| matches!(error, ConfigError::IdentityUnusable);
        assert!(unusable(client.build_for(&keys_1()).unwrap_err()));
        assert!(unusable(client.build_by_name().unwrap_err()));
        assert!(unusable(server.build().unwrap_err()));
        // One that fits is none.
        let rsa = fixture_identity("ee-rsa2048", "rsa2048", &narrow.provider);
        let made = self_signed("kms1.example");
        let Ends { client, server } = ends_of(&narrow, &made, rsa);
        assert!(client.build_by_name().is_ok());
        assert!(server.build().is_ok());
    }
}

#[test]
fn a_provider_that_cannot_speak_the_version_is_an_error() {
    for setting in settings() {
        let mut provider = (*setting.provider).clone();
        let version = setting.rustls_version();
        provider
            .cipher_suites
            .retain(|suite| suite.version() != version);
        let unable = Setting {
            provider: Arc::new(provider),
            ..setting.clone()
        };
        let Ends { client, server } = ends(&unable);
        let client = client.versions(&[setting.version]).build_by_name();
        assert!(matches!(client, Err(ConfigError::Rustls(_))), "{client:?}");
        let server = server.versions(&[setting.version]).build();
        assert!(matches!(server, Err(ConfigError::Rustls(_))), "{server:?}");
    }
}

#[test]
fn a_key_that_belongs_to_another_certificate_makes_no_identity() {
    // K1
    for setting in settings() {
        for (certificate, key) in [
            ("ee-p256", "p256-b"),
            ("v1", "rsa2048"),
            ("ee-p256", "p384"),
        ] {
            let pem = fixture(certificate).to_pem();
            let made = Identity::from_pem(pem.as_bytes(), &fixture_key(key), &setting.provider);
            let error = made.unwrap_err();
            assert!(
                matches!(error, IdentityError::KeyMismatch { .. }),
                "{error:?}"
            );
        }
    }
}

#[test]
fn no_process_default_provider_is_read_or_made() {
    // The provider is an argument; with the features of both providers on, rustls would panic
    for setting in settings() {
        let outcome = ends(&setting).handshake();
        outcome.expect_link(&setting.name);
        assert!(CryptoProvider::get_default().is_none());
    }
}

#[test]
fn the_provider_that_was_given_is_the_one_that_is_used() {
    for setting in settings() {
        let mut provider = (*setting.provider).clone();
        let mut suites = provider.cipher_suites.iter().copied();
        let version = setting.rustls_version();
        let only = suites.rfind(|suite| suite.version() == version).unwrap();
        provider.cipher_suites = vec![only];
        let narrow = Setting {
            provider: Arc::new(provider),
            ..setting.clone()
        };
        let key = if setting.is_tls13() {
            "ee-p256"
        } else {
            "ee-rsa2048"
        };
        let identity = fixture_identity(key, &key[3..], &narrow.provider);
        let mut store = narrow.pinning_server(&fixture(key));
        pin(&mut store, PinScope::Clients, &fixture(key));
        let view = store.snapshot();
        let client = narrow
            .client(view.clone(), identity.clone())
            .build_for(&keys_1());
        let server = narrow.server(view, identity).build().unwrap();
        let outcome = handshake(&client.unwrap(), &server, "kms1.example");
        outcome.expect_link(&setting.name);
        let suite = outcome.client_connection.negotiated_cipher_suite();
        assert_eq!(suite, Some(only), "{}", setting.name);
    }
}
