//! A configuration for each server, as servers come and go.

use std::sync::Arc;
use std::thread;

use mutual_trust::error::ConfigError;
use mutual_trust::limits::MAX_CACHED_LINKS;
use mutual_trust::tls::{ClientConfigs, Identities};
use mutual_trust::{ClientConfigBuilder, LiveTrust, PinScope, ReasonCode, ServerId, TrustStore};

use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, self_signed};
use crate::support::plain::Credential;
use crate::support::{host, now, server_id};

fn links(setting: &Setting, trust: &LiveTrust) -> ClientConfigs {
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    setting
        .client(trust.clone(), system)
        .client_configs()
        .unwrap()
}

#[test]
fn a_link_is_the_same_configuration_as_long_as_the_server_is_there() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let mut store = setting.pinning_server(&key_server.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let links = links(&setting, &trust);
        let first = links.config_for(&keys_1()).unwrap();
        assert!(Arc::ptr_eq(&first, &links.config_for(&keys_1()).unwrap()));
        assert!(Arc::ptr_eq(
            &first,
            &links.clone().config_for(&keys_1()).unwrap()
        ));
        let server = setting.server_of(&Credential::of(&key_server, &[]));
        handshake(&first, &server, "kms1.example").expect_link(&setting.name);
    }
}

#[test]
fn a_server_that_is_unknown_or_deleted_gets_no_link_and_an_old_one_refuses_it() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let mut store = setting.pinning_server(&key_server.certificate);
        let trust = LiveTrust::new(store.snapshot());
        let links = links(&setting, &trust);
        let error = links.config_for(&server_id("keys-9")).unwrap_err();
        assert!(matches!(error, ConfigError::UnknownServer(id) if id.as_str() == "keys-9"));
        let old = links.config_for(&keys_1()).unwrap();
        assert_eq!(links.cached(), 1);

        store.release(&keys_1()).unwrap();
        store.remove_server(&keys_1()).unwrap();
        // The view in force counts, not the store.
        links.config_for(&keys_1()).unwrap();
        trust.publish(store.snapshot()).unwrap();
        let error = links.config_for(&keys_1()).unwrap_err();
        assert!(matches!(error, ConfigError::UnknownServer(_)), "{error}");
        assert_eq!(links.cached(), 0);
        let server = setting.server_of(&Credential::of(&key_server, &[]));
        let outcome = handshake(&old, &server, "kms1.example");
        outcome.expect_client_refuses(&setting.name, ReasonCode::UnknownServer);

        // It comes back, with nothing installed.
        store.add_server(keys_1(), [host("kms1.example")]).unwrap();
        trust.publish(store.snapshot()).unwrap();
        let outcome = handshake(
            &links.config_for(&keys_1()).unwrap(),
            &server,
            "kms1.example",
        );
        outcome.expect_client_refuses(&setting.name, ReasonCode::NothingInstalled);
    }
}

#[test]
fn links_follow_what_is_published() {
    for setting in settings() {
        let key_server = self_signed("kms1.example");
        let mut store = setting.listing_server();
        let trust = LiveTrust::new(store.snapshot());
        let links = links(&setting, &trust);
        let server = setting.server_of(&Credential::of(&key_server, &[]));
        let visit = || {
            handshake(
                &links.config_for(&keys_1()).unwrap(),
                &server,
                "kms1.example",
            )
        };
        visit().expect_client_refuses(&setting.name, ReasonCode::NothingInstalled);
        pin(
            &mut store,
            PinScope::Server(keys_1()),
            &key_server.certificate,
        );
        trust.publish(store.snapshot()).unwrap();
        visit().expect_link(&setting.name);
        store.block(&key_server.certificate);
        trust.publish(store.snapshot()).unwrap();
        visit().expect_client_refuses(&setting.name, ReasonCode::Blocked);
    }
}

/// Two servers, each with a certificate of its own.
fn two_servers(setting: &Setting) -> (TrustStore, [(ServerId, Made); 2]) {
    let servers = ["kms1.example", "kms2.example"].map(|name| {
        let id = server_id(name);
        (id, self_signed(name))
    });
    let mut store = setting.store();
    for (id, made) in &servers {
        store.add_server(id.clone(), [host(id.as_str())]).unwrap();
        pin(&mut store, PinScope::Server(id.clone()), &made.certificate);
    }
    (store, servers)
}

#[test]
fn each_server_is_presented_the_identity_that_is_activated_for_it() {
    for setting in settings() {
        let (mut store, servers) = two_servers(&setting);
        let (current, next) = (
            self_signed("array-7.example"),
            self_signed("array-7.example"),
        );
        let identities = Identities::new(current.identity(&[], &setting.provider));
        identities
            .stage(next.identity(&[], &setting.provider))
            .unwrap();
        identities.activate(&servers[1].0).unwrap();
        let builder = ClientConfigBuilder::new(
            setting.provider.clone(),
            store.snapshot(),
            setting.policy(),
            identities.clone(),
        );
        let builder = builder
            .with_protocol_versions(&[setting.version])
            .with_clock(Arc::new(now()));
        let links = builder.client_configs().unwrap();
        let presented = || {
            servers.each_ref().map(|(id, made)| {
                let server = setting.server_of(&Credential::of(made, &[]));
                let outcome = handshake(&links.config_for(id).unwrap(), &server, id.as_str());
                outcome.expect_link(&setting.name);
                outcome.server_connection.peer_certificates().unwrap()[0].clone()
            })
        };
        let ders = [
            current.certificate.der().to_vec().into(),
            next.certificate.der().to_vec().into(),
        ];
        assert_eq!(presented(), ders, "{}", setting.name);
        // The links that are kept follow.
        identities.revert_all().unwrap();
        assert_eq!(presented(), [ders[0].clone(), ders[0].clone()]);
    }
}

#[test]
fn a_link_takes_no_other_server() {
    // P8: the configuration is for the server, whatever is dialled
    for setting in settings() {
        let (mut store, servers) = two_servers(&setting);
        let links = links(&setting, &LiveTrust::new(store.snapshot()));
        let other = setting.server_of(&Credential::of(&servers[1].1, &[]));
        for name in ["kms1.example", "kms2.example", "127.0.0.1"] {
            let outcome = handshake(&links.config_for(&servers[0].0).unwrap(), &other, name);
            outcome.expect_client_refuses(&setting.name, ReasonCode::PinOfAnotherServer);
        }
    }
}

#[test]
fn the_links_that_are_kept_are_bounded_and_deleted_servers_go_first() {
    let setting = &settings()[0];
    let mut store = setting.store();
    let ids: Vec<_> = (0..MAX_CACHED_LINKS + 8)
        .map(|number| server_id(&format!("keys-{number:05}")))
        .collect();
    for id in &ids {
        store.add_server(id.clone(), []).unwrap();
    }
    let trust = LiveTrust::new(store.snapshot());
    let links = links(setting, &trust);
    for id in &ids[..MAX_CACHED_LINKS] {
        links.config_for(id).unwrap();
    }
    assert_eq!(links.cached(), MAX_CACHED_LINKS);
    for id in &ids {
        links.config_for(id).unwrap();
        assert_eq!(links.cached(), MAX_CACHED_LINKS);
    }
    for id in &ids[8..100] {
        store.remove_server(id).unwrap();
    }
    trust.publish(store.snapshot()).unwrap();
    let before = links.cached();
    // One that is not kept: the deleted ones make room for it.
    let dropped = ids.iter().filter(|id| !ids[8..100].contains(id));
    dropped
        .take(8)
        .for_each(|id| drop(links.config_for(id).unwrap()));
    assert!(links.cached() < before);
}

#[test]
fn links_can_be_asked_for_from_many_threads() {
    let setting = &settings()[0];
    let (mut store, servers) = two_servers(setting);
    let links = links(setting, &LiveTrust::new(store.snapshot()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    for (id, _) in &servers {
                        links.config_for(id).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(links.cached(), 2);
}

#[test]
fn links_are_not_made_with_an_identity_that_cannot_be_used() {
    let setting = &settings()[0];
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let builder = setting
        .client(setting.listing_server().snapshot(), system)
        .with_protocol_versions(&[]);
    // Not the versions, which show at the first link.
    let links = builder.client_configs().unwrap();
    let none = links.config_for(&keys_1());
    assert!(matches!(none, Err(ConfigError::NoVersion)), "{none:?}");
    let alpn = builder.with_alpn_protocols([Vec::new()]);
    assert!(matches!(alpn.client_configs(), Err(ConfigError::Alpn)));
}
