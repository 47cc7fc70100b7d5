//! An attacker has a certificate of an installed CA for a server that is claimed by a pin (rules P2 and P6).

use mutual_trust::error::StoreError;
use mutual_trust::policy::VerdictWarning;
use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode, TrustStore};

use crate::attacks::{Dial, dial, refuses_server};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, Pki, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{DAY, host, server_id};

struct Scene {
    setting: Setting,
    store: TrustStore,
    ca: Pki,
    server: Made,
}

impl Scene {
    /// keys-1 with a second name, claimed by a pin, and a CA for any server.
    fn new(setting: Setting) -> Self {
        let server = self_signed("kms1.example");
        Self::claimed_by(setting, server)
    }

    fn claimed_by(setting: Setting, server: Made) -> Self {
        let mut store = setting.pinning_server(&server.certificate);
        store
            .add_name(&keys_1(), host("kms1.backup.example"))
            .unwrap();
        let ca = pki("Example");
        let options = EntryOptions::new();
        let root = ca.root.certificate();
        store
            .install_authority(AuthorityScope::AnyServer, root, options)
            .unwrap();
        Self {
            setting,
            store,
            ca,
            server,
        }
    }

    /// A flawless chain for every name of the server, and one more.
    fn attacker(&self) -> Credential {
        let leaf = spec("issued")
            .dns("kms1.example")
            .dns("kms1.backup.example")
            .dns("unlisted.example")
            .ip("127.0.0.1")
            .server_auth()
            .signed_by(&self.ca.intermediate);
        Credential::of(&leaf, &[&self.ca.intermediate])
    }

    fn refuses(&mut self, reason: ReasonCode, what: &str) {
        let attacker = self.attacker();
        refuses_server(&self.setting, &mut self.store, &attacker, reason, what);
        for how in [
            Dial::Name("kms1.backup.example"),
            Dial::Name("KMS1.Backup.Example."),
            Dial::Id("unlisted.example"),
            Dial::Id("::ffff:127.0.0.1"),
        ] {
            for policy in [
                self.setting.policy(),
                self.setting.policy().with_unlisted_allowed(),
            ] {
                let what = format!("{what}, {how:?}, {}", self.setting.name);
                let outcome = dial(&self.setting, &mut self.store, policy, how, &attacker);
                outcome.expect_client_refuses(&what, reason);
            }
        }
    }

    fn key(&self) -> EntryKey {
        let scope = Scope::Server(keys_1());
        EntryKey::new(Slot::Pin, scope, self.server.certificate.fingerprint())
    }
}

#[test]
fn a_ca_does_not_vouch_for_a_claimed_server_under_any_of_its_names() {
    // P2
    for setting in settings() {
        Scene::new(setting).refuses(ReasonCode::AuthoritiesNotAsked, "claimed");
    }
}

#[test]
fn a_servers_own_ca_does_not_vouch_for_it_while_it_is_claimed() {
    // P2
    for setting in settings() {
        let mut scene = Scene::new(setting);
        let root = scene.ca.root.certificate();
        let scope = AuthorityScope::Server(keys_1());
        scene
            .store
            .install_authority(scope, root, EntryOptions::new())
            .unwrap();
        scene.refuses(ReasonCode::AuthoritiesNotAsked, "own authority");
    }
}

#[test]
fn a_name_that_was_never_listed_reaches_no_claimed_server() {
    // P6: by name, the policy decides whether authorities are asked about it; it is not that server in any case
    for setting in settings() {
        let mut scene = Scene::new(setting);
        let (attacker, how) = (scene.attacker(), Dial::Name("unlisted.example"));
        let policy = scene.setting.policy();
        let outcome = dial(&scene.setting, &mut scene.store, policy, how, &attacker);
        outcome.expect_client_refuses("unlisted", ReasonCode::UnlistedName);

        // Allowed, it is another server, and the certificate must be for that.
        let view = scene.store.snapshot();
        let policy = policy.with_unlisted_allowed();
        let system = self_signed("array-7.example").identity(&[], &scene.setting.provider);
        let client = scene
            .setting
            .client_with(view, system, policy, crate::support::now());
        let server = scene.setting.server_of(&attacker);
        let config = client.build_by_name().unwrap();
        let outcome = crate::attacks::handshake(&config, &server, "unlisted.example");
        outcome.expect_link("allowed");
        let name = host("unlisted.example");
        let accepted = client
            .peer_check()
            .server(
                mutual_trust::ExpectedServer::Name(&name),
                &outcome.client_connection,
            )
            .unwrap();
        assert_eq!(accepted.verdict().server(), None);
        assert_eq!(accepted.warnings(), [VerdictWarning::UnlistedName]);

        let how = Dial::Name("unlisted.too.example");
        let outcome = dial(&scene.setting, &mut scene.store, policy, how, &attacker);
        outcome.expect_client_refuses("not for it", ReasonCode::NameMismatch);
    }
}

#[test]
fn removing_the_last_pin_lets_no_ca_in() {
    // P2
    for setting in settings() {
        let mut scene = Scene::new(setting);
        scene.store.remove(&scene.key()).unwrap();
        scene.refuses(ReasonCode::NoUsablePin, "removed");
    }
}

#[test]
fn a_pin_that_expired_or_ended_or_was_disabled_or_blocked_lets_no_ca_in() {
    // P2: an entry that accepts nothing is still held
    let day = i64::try_from(DAY).unwrap();
    for setting in settings() {
        let expired = spec("kms1.example").valid(-9 * day, -day).self_signed();
        let mut scene = Scene::claimed_by(setting.clone(), expired);
        scene.refuses(ReasonCode::NoUsablePin, "expired");

        let mut scene = Scene::new(setting.clone());
        scene.store.disable(&scene.key(), "rotated").unwrap();
        scene.refuses(ReasonCode::NoUsablePin, "disabled");

        let mut scene = Scene::new(setting);
        let certificate = scene.server.certificate();
        scene.store.block(&certificate);
        scene.refuses(ReasonCode::NoUsablePin, "blocked");
    }
}

/// keys-1 claimed by the pin of its group alone.
fn grouped(setting: Setting) -> Scene {
    let mut scene = Scene::new(setting);
    scene.store.release(&keys_1()).unwrap();
    let group = "site-a".parse().unwrap();
    scene.store.add_group("site-a".parse().unwrap()).unwrap();
    pin(
        &mut scene.store,
        PinScope::Group("site-a".parse().unwrap()),
        &scene.server.certificate,
    );
    scene.store.join_group(&group, &keys_1()).unwrap();
    scene
}

#[test]
fn a_member_of_a_group_that_holds_a_pin_is_claimed_by_it() {
    // P2
    for setting in settings() {
        grouped(setting).refuses(ReasonCode::AuthoritiesNotAsked, "member");
    }
}

#[test]
fn leaving_or_deleting_the_group_lets_no_ca_in() {
    // P2
    for setting in settings() {
        let group = "site-a".parse().unwrap();
        let mut scene = grouped(setting.clone());
        scene.store.leave_group(&keys_1()).unwrap();
        scene.refuses(ReasonCode::NoUsablePin, "left");

        let mut scene = grouped(setting.clone());
        scene.store.remove_group(&group).unwrap();
        scene.refuses(ReasonCode::NoUsablePin, "deleted");

        let mut scene = grouped(setting);
        let fingerprint = scene.server.certificate.fingerprint();
        let key = EntryKey::new(Slot::Pin, Scope::Group(group), fingerprint);
        scene.store.remove(&key).unwrap();
        scene.refuses(ReasonCode::NoUsablePin, "the group's pin removed");
    }
}

#[test]
fn a_claimed_server_cannot_be_deleted_and_made_again() {
    // Words of the rules, *server*: deleted only after release, and its names go to claimed servers only
    for setting in settings() {
        let mut scene = Scene::new(setting);
        scene.store.add_server(server_id("keys-2"), []).unwrap();
        for left in [true, false] {
            if !left {
                scene.store.remove(&scene.key()).unwrap();
            }
            let claimed = |result| matches!(result, Err(StoreError::Claimed { .. }));
            assert!(claimed(scene.store.remove_server(&keys_1())));
            let names = ["kms1.example", "kms1.backup.example", "127.0.0.1"];
            for name in names.map(host) {
                assert!(claimed(scene.store.move_name(&name, &server_id("keys-2"))));
                let taken = scene.store.add_server(server_id("keys-3"), [name]);
                assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
            }
            let again = scene.store.add_server(keys_1(), []);
            assert!(matches!(again, Err(StoreError::ServerExists(_))));
            let reason = match left {
                true => ReasonCode::AuthoritiesNotAsked,
                false => ReasonCode::NoUsablePin,
            };
            scene.refuses(reason, "delete refused");
        }
        // Migrating is a claim as well.
        scene
            .store
            .migrate(&keys_1(), crate::support::at(crate::support::NOW + DAY))
            .unwrap();
        let refused = scene.store.remove_server(&keys_1());
        assert!(matches!(refused, Err(StoreError::Claimed { .. })));
    }
}

#[test]
fn only_after_release_does_the_ca_vouch_for_the_server() {
    // P2: the control of all tests above, without which they would prove nothing
    for setting in settings() {
        let mut scene = Scene::new(setting);
        scene.store.release(&keys_1()).unwrap();
        let attacker = scene.attacker();
        for how in [Dial::Id("127.0.0.1"), Dial::Name("kms1.backup.example")] {
            let policy = scene.setting.policy();
            let outcome = dial(&scene.setting, &mut scene.store, policy, how, &attacker);
            outcome.expect_link("released");
        }
    }
}
