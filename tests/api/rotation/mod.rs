//! Replacing the own identity without downtime: real handshakes with servers that know the old certificate, the new
//! one, or both, in TLS 1.2 and 1.3, with every provider.

use crate::support;

mod calls;
#[cfg(feature = "admin")]
mod folder;
mod followed;
#[cfg(all(feature = "admin", feature = "issue"))]
mod renewing;
mod schemes;
mod serving;

use std::sync::Arc;

use mutual_trust::tls::{Identities, TlsVersion, refusal};
use mutual_trust::{
    Certificate, ClientConfigBuilder, Identity, PinScope, ReasonCode, ServerConfigBuilder, ServerId,
};
use rustls::{AlertDescription, ClientConfig, Error, ServerConfig};
use support::handshake::{Outcome, handshake};
use support::link::{Setting, pin, settings};
use support::pki::self_signed;
use support::{host, now, server_id};

/// A system with two key servers, which present one certificate here, and what it may present itself.
struct Scene {
    setting: Setting,
    key_server: Identity,
    old: Identity,
    new: Identity,
    identities: Identities,
    builder: ClientConfigBuilder,
}

fn keys_1() -> ServerId {
    server_id("keys-1")
}

fn keys_2() -> ServerId {
    server_id("keys-2")
}

impl Scene {
    fn new(setting: Setting) -> Self {
        let identity = |name| self_signed(name).identity(&[], &setting.provider);
        let (key_server, old, new) = (
            identity("kms.example"),
            identity("array-7.example"),
            identity("array-7.example"),
        );
        let mut store = setting.store();
        for (id, name) in [(keys_1(), "kms1.example"), (keys_2(), "kms2.example")] {
            store.add_server(id.clone(), [host(name)]).unwrap();
            pin(&mut store, PinScope::Server(id), key_server.certificate());
        }
        let identities = Identities::new(old.clone());
        let builder = ClientConfigBuilder::new(
            setting.provider.clone(),
            store.snapshot(),
            setting.policy(),
            identities.clone(),
        )
        .with_protocol_versions(&[setting.version])
        .with_clock(Arc::new(now()));
        Self {
            setting,
            key_server,
            old,
            new,
            identities,
            builder,
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        settings().into_iter().map(Self::new)
    }

    /// A key server whose administrator accepted these certificates.
    fn server_that_knows(&self, known: &[&Identity]) -> ServerConfig {
        let mut store = self.setting.store();
        for identity in known {
            pin(&mut store, PinScope::Clients, identity.certificate());
        }
        ServerConfigBuilder::new(
            self.setting.provider.clone(),
            store.snapshot(),
            self.setting.policy(),
            self.key_server.clone(),
        )
        .with_clock(Arc::new(now()))
        .build()
        .unwrap()
    }

    fn config_for(&self, server: &ServerId) -> ClientConfig {
        self.builder.build_for(server).unwrap()
    }

    /// What a server that knows both certificates gets to see.
    fn presented(&self, config: &ClientConfig, name: &str) -> Certificate {
        let both = self.server_that_knows(&[&self.old, &self.new]);
        let outcome = handshake(config, &both, name);
        outcome.expect_link(&self.setting.name);
        let certificates = outcome.server_connection.peer_certificates().unwrap();
        Certificate::from_der(&certificates[0]).unwrap()
    }

    fn expect_presented(&self, config: &ClientConfig, name: &str, expected: &Identity) {
        let presented = self.presented(config, name);
        assert_eq!(
            presented.fingerprint(),
            expected.certificate().fingerprint(),
            "{} {name}",
            self.setting.name
        );
    }
}

fn refused(outcome: &Outcome, what: &str) {
    outcome.expect_server_refuses(what, ReasonCode::NothingInstalled);
}

/// Whether the server knows the certificate, and so whether there is a link.
fn links(scene: &Scene, config: &ClientConfig, known: &[&Identity], linked: bool) {
    let outcome = handshake(config, &scene.server_that_knows(known), "kms1.example");
    if linked {
        outcome.expect_link(&scene.setting.name);
    } else {
        // The server does not know what was presented, and says so to us with one alert.
        let error = outcome.server.as_ref().unwrap_err();
        assert!(!refusal(error).unwrap().is_accepted());
        let alert = Error::AlertReceived(AlertDescription::CertificateUnknown);
        assert_eq!(outcome.client, Err(alert), "{}", scene.setting.name);
    }
}

#[test]
fn every_server_is_reached_at_every_step_if_it_is_activated_after_it_accepted() {
    for scene in Scene::all() {
        // Both configurations are older than the next identity.
        let (first, second) = (scene.config_for(&keys_1()), scene.config_for(&keys_2()));
        let (old, new) = (&scene.old, &scene.new);

        links(&scene, &first, &[old], true);
        links(&scene, &first, &[new], false);

        // Staged: no server sees it.
        scene.identities.stage(new.clone()).unwrap();
        links(&scene, &first, &[old], true);
        links(&scene, &first, &[new], false);
        scene.expect_presented(&first, "kms1.example", old);

        // Activated for one: it alone sees it.
        scene.identities.activate(&keys_1()).unwrap();
        links(&scene, &first, &[new], true);
        links(&scene, &first, &[old], false);
        links(&scene, &first, &[old, new], true);
        links(&scene, &second, &[old], true);
        links(&scene, &second, &[new], false);
        scene.expect_presented(&first, "kms1.example", new);
        scene.expect_presented(&second, "kms2.example", old);

        // And back.
        scene.identities.revert(&keys_1()).unwrap();
        links(&scene, &first, &[old], true);
        links(&scene, &first, &[new], false);

        // For all, with one that goes back.
        scene.identities.activate_all().unwrap();
        scene.expect_presented(&first, "kms1.example", new);
        scene.expect_presented(&second, "kms2.example", new);
        scene.identities.revert(&keys_2()).unwrap();
        scene.expect_presented(&first, "kms1.example", new);
        scene.expect_presented(&second, "kms2.example", old);

        // And to the end.
        scene.identities.activate(&keys_2()).unwrap();
        scene.identities.commit().unwrap();
        scene.expect_presented(&first, "kms1.example", new);
        scene.expect_presented(&second, "kms2.example", new);
        links(&scene, &second, &[old], false);
    }
}

#[test]
fn a_configuration_for_many_servers_presents_the_current_identity_until_the_next_is_for_all() {
    for scene in Scene::all() {
        let shared = scene.builder.build_by_name().unwrap();
        let (old, new) = (&scene.old, &scene.new);
        let expect = |expected| {
            scene.expect_presented(&shared, "kms1.example", expected);
            scene.expect_presented(&shared, "kms2.example", expected);
        };
        expect(old);
        scene.identities.stage(new.clone()).unwrap();
        expect(old);
        // Which server it will dial is not known to it, not even of an activated one.
        scene.identities.activate(&keys_1()).unwrap();
        expect(old);
        scene.identities.activate_all().unwrap();
        expect(new);
        scene.identities.revert(&keys_2()).unwrap();
        expect(old);
        scene.identities.activate(&keys_2()).unwrap();
        expect(new);
        scene.identities.revert_all().unwrap();
        expect(old);
        scene.identities.cancel().unwrap();
        expect(old);
    }
}

#[test]
fn an_open_connection_goes_on_while_the_identity_changes() {
    for scene in Scene::all() {
        let config = scene.config_for(&keys_1());
        let server = scene.server_that_knows(&[&scene.old, &scene.new]);
        let outcome = handshake(&config, &server, "kms1.example");
        outcome.expect_link(&scene.setting.name);
        scene.identities.stage(scene.new.clone()).unwrap();
        scene.identities.activate_all().unwrap();
        scene.identities.commit().unwrap();
        // The same connection still carries data, and is still the old one.
        let again = support::handshake::run(outcome.client_connection, outcome.server_connection);
        again.expect_link(&scene.setting.name);
        let seen = again.server_connection.peer_certificates().unwrap();
        assert_eq!(seen[0].as_ref(), scene.old.certificate().der());
        scene.expect_presented(&config, "kms1.example", &scene.new);
    }
}

#[test]
fn a_stranger_is_told_nothing_by_a_staged_identity() {
    // A server that knows neither refuses whatever is presented, with its own reason.
    for scene in Scene::all() {
        let nobody = scene.server_that_knows(&[]);
        let config = scene.config_for(&keys_1());
        scene.identities.stage(scene.new.clone()).unwrap();
        refused(&handshake(&config, &nobody, "kms1.example"), "staged");
        scene.identities.activate(&keys_1()).unwrap();
        refused(&handshake(&config, &nobody, "kms1.example"), "activated");
    }
}

fn versions() -> [TlsVersion; 2] {
    [TlsVersion::Tls12, TlsVersion::Tls13]
}
