//! Real handshakes, accepted and refused, with both TLS versions and both providers, and the errors at both ends.

use crate::support;

mod builds;
mod chains;
mod clocks;
mod groups;
mod keys;
mod kmip;
mod loopback;
mod migration;
mod pins;
mod possession;
mod presented;
mod refused_clients;
mod refused_servers;
mod sessions;
mod unfinished;

use std::sync::Arc;

use mutual_trust::tls::{ClientConfigBuilder, ServerConfigBuilder, TlsVersion, refusal};
use mutual_trust::{EntryOptions, PinScope, ReasonCode};
use support::handshake::handshake;
use support::pki::self_signed;
use support::*;

#[test]
fn two_machines_with_each_others_self_signed_certificate_talk() {
    for (name, provider) in providers() {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let key_server = self_signed("kms1.example");
            let system = self_signed("array-7.example");

            let mut for_system = store();
            let id = server_id("keys-1");
            for_system
                .add_server(id.clone(), [host("kms1.example")])
                .unwrap();
            for_system
                .install_pin(
                    PinScope::Server(id.clone()),
                    key_server.certificate(),
                    EntryOptions::new(),
                )
                .unwrap();
            let mut for_server = store();
            for_server
                .install_pin(
                    PinScope::Clients,
                    system.certificate(),
                    EntryOptions::new().with_label("array-7"),
                )
                .unwrap();

            let client = ClientConfigBuilder::new(
                provider.clone(),
                for_system.snapshot(),
                policy(),
                system.identity(&[], &provider),
            )
            .with_protocol_versions(&[version])
            .with_clock(Arc::new(now()));
            let server = ServerConfigBuilder::new(
                provider.clone(),
                for_server.snapshot(),
                policy(),
                key_server.identity(&[], &provider),
            )
            .with_clock(Arc::new(now()));
            let check = server.peer_check();
            let outcome = handshake(
                &client.build_for(&id).unwrap(),
                &server.build().unwrap(),
                "kms1.example",
            );
            outcome.expect_link(name);
            let verdict = mutual_trust::Verdict::from(check.client(&outcome.server_connection));
            assert_eq!(verdict.reason(), ReasonCode::PinMatched);
        }
    }
}

#[test]
fn an_empty_store_trusts_nobody_and_says_so() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let provider = provider();
        let key_server = self_signed("kms1.example");
        let system = self_signed("array-7.example");
        let mut empty = store();
        let client = ClientConfigBuilder::new(
            provider.clone(),
            empty.snapshot(),
            policy(),
            system.identity(&[], &provider),
        )
        .with_protocol_versions(&[version])
        .with_clock(Arc::new(now()));
        let server = ServerConfigBuilder::new(
            provider.clone(),
            empty.snapshot(),
            policy(),
            key_server.identity(&[], &provider),
        )
        .with_clock(Arc::new(now()));
        let outcome = handshake(
            &client.build_by_name().unwrap(),
            &server.build().unwrap(),
            "kms1.example",
        );
        let error = outcome.client.unwrap_err();
        let verdict = refusal(&error).unwrap();
        assert_eq!(verdict.reason(), ReasonCode::UnlistedName);

        // The other end, with a client that trusts it.
        let mut trusting = store();
        let id = server_id("keys-1");
        trusting
            .add_server(id.clone(), [host("kms1.example")])
            .unwrap();
        trusting
            .install_pin(
                PinScope::Server(id),
                key_server.certificate(),
                EntryOptions::new(),
            )
            .unwrap();
        let client = ClientConfigBuilder::new(
            provider.clone(),
            trusting.snapshot(),
            policy(),
            system.identity(&[], &provider),
        )
        .with_protocol_versions(&[version])
        .with_clock(Arc::new(now()));
        let outcome = handshake(
            &client.build_by_name().unwrap(),
            &server.build().unwrap(),
            "kms1.example",
        );
        let error = outcome.server.unwrap_err();
        let verdict = refusal(&error).unwrap();
        assert_eq!(verdict.reason(), ReasonCode::NothingInstalled);
    }
}
