//! Which keys are agreed on: after X25519MLKEM768, recorded traffic is of no use to a later quantum computer.

use std::sync::Arc;

use mutual_trust::tls::TlsVersion;
use rustls::crypto::CryptoProvider;
use rustls::{HandshakeKind, NamedGroup};

use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, settings};
use crate::support::pki::self_signed;

/// The group that our provider of this setting agrees on with itself.
fn best(setting: &Setting) -> NamedGroup {
    if setting.name.starts_with("aws") && setting.is_tls13() {
        NamedGroup::X25519MLKEM768
    } else {
        NamedGroup::X25519
    }
}

/// The provider with these groups alone, in this order.
fn with(setting: &Setting, groups: &[NamedGroup]) -> Arc<CryptoProvider> {
    let mut provider = (*setting.provider).clone();
    let all = provider.kx_groups.clone();
    let find = |name: &NamedGroup| all.iter().copied().find(|group| group.name() == *name);
    provider.kx_groups = groups.iter().filter_map(find).collect();
    assert_eq!(provider.kx_groups.len(), groups.len());
    Arc::new(provider)
}

/// A link between our two ends, each with its provider, with the profile of KMIP or without.
fn link(
    setting: &Setting,
    client: &Arc<CryptoProvider>,
    server: &Arc<CryptoProvider>,
    kmip: bool,
) -> Outcome {
    let of = |provider: &Arc<CryptoProvider>| Setting {
        provider: provider.clone(),
        ..setting.clone()
    };
    let (server_made, client_made) = (self_signed("kms1.example"), self_signed("array-7.example"));
    let trusted = setting.pinning_server(&server_made.certificate).snapshot();
    let mut client = of(client).client(trusted, client_made.identity(&[], client));
    let trusted = setting.pinning_client(&client_made.certificate).snapshot();
    let mut server = of(server).server(trusted, server_made.identity(&[], server));
    if kmip {
        client = client.kmip_profile();
        // A server of the profile speaks TLS 1.3 in any case.
        let both = [TlsVersion::Tls12, TlsVersion::Tls13];
        server = server.kmip_profile().versions(&both);
    }
    let config = client.build_for(&keys_1()).unwrap();
    let outcome = handshake(&config, &server.build().unwrap(), "kms1.example");
    outcome.expect_link(&setting.name);
    outcome
}

fn group(outcome: &Outcome) -> NamedGroup {
    let group = |connection: &rustls::CommonState| {
        let group = connection.negotiated_key_exchange_group();
        group.map(rustls::crypto::SupportedKxGroup::name)
    };
    let agreed = group(&outcome.client_connection);
    assert_eq!(agreed, group(&outcome.server_connection));
    agreed.unwrap()
}

fn kind(outcome: &Outcome) -> HandshakeKind {
    outcome.client_connection.handshake_kind().unwrap()
}

#[test]
fn our_ends_agree_on_a_post_quantum_key_in_the_first_round_trip() {
    for setting in settings() {
        let provider = &setting.provider;
        for kmip in [false, true] {
            let outcome = link(&setting, provider, provider, kmip);
            assert_eq!(group(&outcome), best(&setting), "{} {kmip}", setting.name);
            assert_eq!(kind(&outcome), HandshakeKind::Full, "{}", setting.name);
        }
    }
}

#[test]
fn a_peer_without_the_post_quantum_group_costs_no_round_trip_more() {
    for setting in settings() {
        let provider = &setting.provider;
        // As OpenSSL 3.0, Java 17 and ring have them.
        let older = with(
            &setting,
            &[
                NamedGroup::X25519,
                NamedGroup::secp256r1,
                NamedGroup::secp384r1,
            ],
        );
        for (client, server) in [(provider, &older), (&older, provider)] {
            let outcome = link(&setting, client, server, false);
            assert_eq!(group(&outcome), NamedGroup::X25519, "{}", setting.name);
            assert_eq!(kind(&outcome), HandshakeKind::Full, "{}", setting.name);
        }
        // One that has nothing of what was offered with a share asks for it.
        let nist = with(&setting, &[NamedGroup::secp256r1]);
        let outcome = link(&setting, provider, &nist, false);
        assert_eq!(group(&outcome), NamedGroup::secp256r1, "{}", setting.name);
        let asked = match setting.is_tls13() {
            true => HandshakeKind::FullWithHelloRetryRequest,
            false => HandshakeKind::Full,
        };
        assert_eq!(kind(&outcome), asked, "{}", setting.name);
        let outcome = link(&setting, &nist, provider, false);
        assert_eq!(group(&outcome), NamedGroup::secp256r1, "{}", setting.name);
        assert_eq!(kind(&outcome), HandshakeKind::Full, "{}", setting.name);
    }
}

#[test]
fn the_groups_of_a_provider_of_the_callers_own_stay_as_they_are() {
    for setting in settings() {
        let own = with(&setting, &[NamedGroup::secp384r1, NamedGroup::X25519]);
        let outcome = link(&setting, &own, &setting.provider, false);
        assert_eq!(group(&outcome), NamedGroup::secp384r1, "{}", setting.name);
    }
}
