//! Peers that take no signature that our key can make (K3).

use std::sync::Arc;

use mutual_trust::certificate::KeyKind;
use mutual_trust::error::ConfigError;
use mutual_trust::tls::{Identities, TlsVersion};
use mutual_trust::{ClientConfigBuilder, ServerConfigBuilder};
use rustls::SignatureScheme;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};

use crate::rotation::{keys_1, versions};
use crate::support::handshake::handshake;
use crate::support::link::{Setting, settings};
use crate::support::pki::self_signed;
use crate::support::{fixture_identity, now};

/// The provider, able to verify signatures of one scheme only.
fn verifying_only(scheme: SignatureScheme, provider: &CryptoProvider) -> Arc<CryptoProvider> {
    let algorithms = provider.signature_verification_algorithms;
    let mapping = algorithms.mapping;
    let place = mapping.iter().position(|(found, _)| *found == scheme);
    let place = place.unwrap();
    Arc::new(CryptoProvider {
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: algorithms.all,
            mapping: &mapping[place..=place],
        },
        ..provider.clone()
    })
}

#[test]
fn a_certificate_that_could_not_be_presented_is_counted_and_described() {
    // K3
    for setting in settings() {
        let name = &setting.name;
        // The server takes Ed25519 from its clients and nothing else; our key is for P-256.
        let key_server = fixture_identity("ee-ed25519", "ed25519", &setting.provider);
        let ours = self_signed("array-7.example").identity(&[], &setting.provider);
        let trusted = setting.pinning_server(key_server.certificate()).snapshot();
        let client = setting.client(trusted, ours.clone());
        let server = ServerConfigBuilder::new(
            verifying_only(SignatureScheme::ED25519, &setting.provider),
            setting.pinning_client(ours.certificate()).snapshot(),
            setting.policy(),
            key_server,
        )
        .with_clock(Arc::new(now()))
        .build()
        .unwrap();

        let unsent = client.client_auth_failures();
        assert_eq!(unsent.count(), 0);
        assert!(unsent.last().is_none());
        let config = client.build_for(&keys_1()).unwrap();
        for count in 1..=2 {
            let outcome = handshake(&config, &server, "kms1.example");
            let without = Err(rustls::Error::NoCertificatesPresented);
            assert_eq!(outcome.server, without, "{name}");
            assert!(outcome.client.is_err(), "{name}");
            assert_eq!(unsent.count(), count, "{name}");
        }
        let last = unsent.last().unwrap();
        assert_eq!(last.server, Some(keys_1()));
        assert_eq!(last.certificate, ours.certificate().fingerprint());
        assert_eq!(last.key, KeyKind::P256);
        assert_eq!(last.offered, [SignatureScheme::ED25519]);
        assert_eq!(last.at, now());
        let text = last.to_string();
        for part in [
            "keys-1",
            "P-256",
            "ED25519",
            &last.certificate.short().to_string(),
        ] {
            assert!(text.contains(part), "{text}");
        }

        // A configuration for many servers does not know which one it was; the record is the builder's.
        let shared = client.clone().build_by_name().unwrap();
        assert!(!handshake(&shared, &server, "kms1.example").is_ok());
        assert_eq!(unsent.count(), 3);
        assert_eq!(unsent.last().unwrap().server, None);
    }
}

#[test]
fn a_certificate_that_was_presented_is_not_counted() {
    // K3
    for setting in settings() {
        let key_server = self_signed("kms1.example").identity(&[], &setting.provider);
        let ours = self_signed("array-7.example").identity(&[], &setting.provider);
        let stranger = setting.store().snapshot();
        let known = setting.pinning_client(ours.certificate()).snapshot();
        let client = setting.client(
            setting.pinning_server(key_server.certificate()).snapshot(),
            ours,
        );
        let config = client.build_for(&keys_1()).unwrap();
        for (clients, linked) in [(known, true), (stranger, false)] {
            let server = setting.server(clients, key_server.clone()).build().unwrap();
            let outcome = handshake(&config, &server, "kms1.example");
            assert_eq!(outcome.is_ok(), linked, "{}", setting.name);
        }
        let failures = client.client_auth_failures();
        assert_eq!((failures.requests(), failures.count()), (2, 0));
    }
}

#[test]
fn an_identity_that_the_provider_cannot_use_is_refused_at_build_now_and_next() {
    // K3
    for setting in settings() {
        let p256 = self_signed("array-7.example").identity(&[], &setting.provider);
        let ed25519 = fixture_identity("ee-ed25519", "ed25519", &setting.provider);
        let provider = verifying_only(SignatureScheme::ED25519, &setting.provider);
        let build = |identities: Identities| {
            let view = setting.store().snapshot();
            let policy = setting.policy();
            ClientConfigBuilder::new(provider.clone(), view, policy, identities)
                .with_protocol_versions(&versions())
                .build_by_name()
        };
        assert!(build(ed25519.clone().into()).is_ok());
        let unusable = build(p256.clone().into());
        assert!(matches!(unusable, Err(ConfigError::IdentityUnusable)));
        let staged = Identities::new(ed25519);
        staged.stage(p256).unwrap();
        assert!(matches!(build(staged), Err(ConfigError::IdentityUnusable)));
    }
}

#[test]
fn what_a_server_offers_is_kept_up_to_a_limit() {
    // K3: a server may send 32,767 schemes.
    use mutual_trust::limits::MAX_RECORDED_SCHEMES;
    for setting in settings().into_iter().filter(Setting::is_tls13) {
        assert_eq!(setting.version, TlsVersion::Tls13);
        let ours = self_signed("array-7.example").identity(&[], &setting.provider);
        let client = setting.client(setting.store().snapshot(), ours);
        let unsent = client.client_auth_failures();
        let config = client.build_by_name().unwrap();
        let offered = vec![SignatureScheme::Unknown(0xfe01); 32_767];
        let resolver = &config.client_auth_cert_resolver;
        assert!(resolver.resolve(&[], &offered).is_none());
        assert_eq!(unsent.last().unwrap().offered.len(), MAX_RECORDED_SCHEMES);
    }
}
