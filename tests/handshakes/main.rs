//! Real handshakes for accepted and refused rows, both TLS versions, both providers, both ends' errors.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

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
            .versions(&[version])
            .clock(Arc::new(now()));
            let server = ServerConfigBuilder::new(
                provider.clone(),
                for_server.snapshot(),
                policy(),
                key_server.identity(&[], &provider),
            )
            .clock(Arc::new(now()));
            let check = server.peer_check();
            let outcome = handshake(
                &client.build_for(&id).unwrap(),
                &server.build().unwrap(),
                "kms1.example",
            );
            outcome.expect_link(name);
            let verdict = check.client(&outcome.server_connection);
            assert_eq!(verdict.reason(), ReasonCode::PinMatched);
        }
    }
}

#[test]
fn a_handshake_needs_the_stack_that_security_says() {
    // What it says of debug builds; less is needed in others. With too little, the process ends.
    let kib = 80;
    for setting in link::settings() {
        let (server, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
        let trusted = setting.pinning_server(&server.certificate).snapshot();
        let client = setting.client(trusted, system.identity(&[], &setting.provider));
        let client = client.build_for(&link::keys_1()).unwrap();
        let trusted = setting.pinning_client(&system.certificate).snapshot();
        let own = server.identity(&[], &setting.provider);
        let server = setting.server(trusted, own).build().unwrap();
        let both = move || {
            handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        };
        let thread = std::thread::Builder::new().stack_size(kib * 1024);
        thread.spawn(both).unwrap().join().unwrap();
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
        .versions(&[version])
        .clock(Arc::new(now()));
        let server = ServerConfigBuilder::new(
            provider.clone(),
            empty.snapshot(),
            policy(),
            key_server.identity(&[], &provider),
        )
        .clock(Arc::new(now()));
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
        .versions(&[version])
        .clock(Arc::new(now()));
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
