//! The same at the key server's end, which presents one identity to all its clients.

use std::sync::Arc;

use mutual_trust::tls::Identities;
use mutual_trust::{Identity, PinScope, ServerConfigBuilder};

use crate::keys_1;
use crate::support::handshake::handshake;
use crate::support::link::{Setting, pin, settings};
use crate::support::now;
use crate::support::pki::self_signed;

fn reaches(
    setting: &Setting,
    known: &Identity,
    server: &ServerConfigBuilder,
    ours: &Identity,
) -> bool {
    let mut store = setting.listing_server();
    pin(&mut store, PinScope::Server(keys_1()), known.certificate());
    let client = setting.client(store.snapshot(), ours.clone());
    let config = client.build_for(&keys_1()).unwrap();
    handshake(&config, &server.build().unwrap(), "kms1.example").is_ok()
}

#[test]
fn a_key_server_presents_the_next_identity_once_it_is_for_all() {
    for setting in settings() {
        let identity = |name| self_signed(name).identity(&[], &setting.provider);
        let (old, new) = (identity("kms1.example"), identity("kms1.example"));
        let system = identity("array-7.example");
        let identities = Identities::new(old.clone());
        let clients = setting.pinning_client(system.certificate()).snapshot();
        let server = ServerConfigBuilder::new(
            setting.provider.clone(),
            clients,
            setting.policy(),
            identities.clone(),
        )
        .clock(Arc::new(now()));
        let presents = |expected: &Identity, other: &Identity, when: &str| {
            let name = &setting.name;
            assert!(
                reaches(&setting, expected, &server, &system),
                "{name} {when}"
            );
            assert!(!reaches(&setting, other, &server, &system), "{name} {when}");
        };
        presents(&old, &new, "at first");
        identities.stage(new.clone()).unwrap();
        identities.activate(&keys_1()).unwrap();
        presents(&old, &new, "for one");
        identities.activate_all().unwrap();
        presents(&new, &old, "for all");
        identities.back_all().unwrap();
        presents(&old, &new, "back");
        identities.activate_all().unwrap();
        identities.finish().unwrap();
        presents(&new, &old, "finished");
    }
}
