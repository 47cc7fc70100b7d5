//! Certificates that resemble the right one, and right ones in the wrong hands or place.

use mutual_trust::error::StoreError;
use mutual_trust::store::BlockSelector;
use mutual_trust::{AuthorityScope, EntryOptions, PinMatch, PinScope, ReasonCode, TrustStore};

use crate::attacks::{Dial, dial, refuses_client, refuses_server};
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{fixture, host, server_id};

fn itself(name: &str) -> Credential {
    Credential::fixture(name, name)
}

/// A store in which the root is an authority for both ends.
fn trusting(setting: &Setting, root: &Made) -> TrustStore {
    let mut store = setting.listing_server();
    for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
        let options = EntryOptions::new();
        store
            .install_authority(scope, root.certificate(), options)
            .unwrap();
    }
    store
}

/// A store in which the fixture is pinned for both ends.
fn pinning(setting: &Setting, name: &str, options: &EntryOptions) -> TrustStore {
    let mut store = setting.listing_server();
    for scope in [PinScope::Server(keys_1()), PinScope::Clients] {
        store
            .install_pin(scope, fixture(name), options.clone())
            .unwrap();
    }
    store
}

#[test]
fn the_same_subject_with_another_key_is_another_peer() {
    // P2, M1
    for setting in settings() {
        let by_key = EntryOptions::new().with_matching(PinMatch::PublicKey);
        for options in [EntryOptions::new(), by_key] {
            let mut store = pinning(&setting, "reissued-old", &options);
            let attacker = itself("same-subject-other-key");
            let reason = ReasonCode::SameSubjectOtherKey;
            refuses_server(&setting, &mut store, &attacker, reason, "server");
            refuses_client(&setting, &mut store, &attacker, reason, "client");
        }
    }
}

#[test]
fn the_pinned_certificate_without_its_private_key_is_nobody() {
    // M2
    for setting in settings() {
        let by_key = EntryOptions::new().with_matching(PinMatch::PublicKey);
        for options in [EntryOptions::new(), by_key] {
            let mut store = pinning(&setting, "ee-p256", &options);
            let attacker = Credential::fixture("ee-p256", "p256-b");
            let reason = ReasonCode::HandshakeSignatureInvalid;
            refuses_server(&setting, &mut store, &attacker, reason, "server");
            refuses_client(&setting, &mut store, &attacker, reason, "client");
        }
        let mut store = setting.listing_server();
        for scope in [PinScope::Server(keys_1()), PinScope::Clients] {
            let fingerprint = fixture("v1").fingerprint();
            store
                .install_pin_fingerprint(scope, fingerprint, EntryOptions::new())
                .unwrap();
        }
        let attacker = Credential::fixture("v1", "rsa2048-b");
        let reason = ReasonCode::HandshakeSignatureInvalid;
        refuses_server(&setting, &mut store, &attacker, reason, "version 1, server");
        refuses_client(&setting, &mut store, &attacker, reason, "version 1, client");
    }
}

#[test]
fn a_blocked_certificate_reissued_with_the_same_key_stays_blocked() {
    // P1
    for setting in settings() {
        let renewed = Credential::fixture("reissued-new", "reissued");
        let by_key = EntryOptions::new().with_matching(PinMatch::PublicKey);
        for options in [EntryOptions::new(), by_key] {
            let mut store = pinning(&setting, "reissued-old", &options);
            store.block(&fixture("reissued-old"));
            refuses_server(
                &setting,
                &mut store,
                &renewed,
                ReasonCode::Blocked,
                "server",
            );
            refuses_client(
                &setting,
                &mut store,
                &renewed,
                ReasonCode::Blocked,
                "client",
            );
            let scope = PinScope::Server(keys_1());
            let again = store.install_pin(scope, fixture("reissued-new"), EntryOptions::new());
            assert!(matches!(again, Err(StoreError::Blocked(_))));
        }
        // Installed before it was blocked.
        let mut store = pinning(&setting, "reissued-new", &EntryOptions::new());
        store.block(&fixture("reissued-old"));
        refuses_server(
            &setting,
            &mut store,
            &renewed,
            ReasonCode::Blocked,
            "server, pinned",
        );
        refuses_client(
            &setting,
            &mut store,
            &renewed,
            ReasonCode::Blocked,
            "client, pinned",
        );
    }
}

#[test]
fn a_blocked_key_in_a_certificate_of_a_ca_stays_blocked() {
    // P1
    for setting in settings() {
        let ca = pki("Example");
        let stolen = self_signed("kms1.example");
        let certified = spec("")
            .dns("kms1.example")
            .server_auth()
            .client_auth()
            .key_of(&stolen)
            .signed_by(&ca.intermediate);
        let attacker = Credential::of(&certified, &[&ca.intermediate]);
        let mut store = trusting(&setting, &ca.root);
        store.block(&stolen.certificate);
        refuses_server(
            &setting,
            &mut store,
            &attacker,
            ReasonCode::Blocked,
            "server",
        );
        refuses_client(
            &setting,
            &mut store,
            &attacker,
            ReasonCode::Blocked,
            "client",
        );
        // By its certificate alone, the key is not blocked: that is a call of its own.
        let mut store = trusting(&setting, &ca.root);
        store.block_selector(BlockSelector::Fingerprint(stolen.certificate.fingerprint()));
        let how = Dial::Name("kms1.example");
        dial(&setting, &mut store, setting.policy(), how, &attacker).expect_link("control");
    }
}

#[test]
fn a_self_signed_certificate_with_the_subject_of_the_ca_is_not_of_the_ca() {
    // C1
    for setting in settings() {
        let mut store = setting.listing_server();
        for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
            let options = EntryOptions::new();
            store
                .install_authority(scope, fixture("ca-root"), options)
                .unwrap();
        }
        let attacker = itself("self-signed-with-ca-subject");
        for attacker in [attacker.clone(), attacker.and(&fixture("ca-root"))] {
            let reason = ReasonCode::SelfSignedNotInstalled;
            refuses_server(&setting, &mut store, &attacker, reason, "server");
            refuses_client(&setting, &mut store, &attacker, reason, "client");
        }
    }
}

#[test]
fn a_ca_of_the_attackers_with_the_name_of_ours_is_not_ours() {
    // C1
    for setting in settings() {
        let (ours, theirs) = (pki("Example"), pki("Example"));
        let leaf = spec("").dns("kms1.example").server_auth().client_auth();
        let leaf = leaf.signed_by(&theirs.intermediate);
        let mut store = trusting(&setting, &ours.root);
        for attacker in [
            Credential::of(&leaf, &[&theirs.intermediate]),
            Credential::of(&leaf, &[&theirs.intermediate, &theirs.root]),
            Credential::of(&leaf, &[&theirs.intermediate, &ours.root]),
            Credential::of(&leaf, &[&ours.intermediate]),
        ] {
            let reason = ReasonCode::ChainSignatureInvalid;
            refuses_server(&setting, &mut store, &attacker, reason, "server");
            refuses_client(&setting, &mut store, &attacker, reason, "client");
        }
    }
}

#[test]
fn a_clients_certificate_does_not_serve_a_server_nor_the_reverse() {
    // I7, M4
    for setting in settings() {
        let ca = pki("Example");
        let client = spec("").dns("kms1.example").client_auth();
        let client = Credential::of(&client.signed_by(&ca.intermediate), &[&ca.intermediate]);
        let server = Credential::of(&ca.server("kms1.example"), &[&ca.intermediate]);
        let mut store = trusting(&setting, &ca.root);
        let reason = ReasonCode::WrongExtendedKeyUsage;
        refuses_server(&setting, &mut store, &client, reason, "chain");
        refuses_client(&setting, &mut store, &server, reason, "chain");

        // Pins of one end, without any extended key usage that would tell them apart.
        let (system, key_server) = (spec("array-7").self_signed(), spec("kms1").self_signed());
        let mut store = setting.pinning_server(&key_server.certificate);
        pin(&mut store, PinScope::Clients, &system.certificate);
        let (system, key_server) = (
            Credential::of(&system, &[]),
            Credential::of(&key_server, &[]),
        );
        let reason = ReasonCode::InstalledForOtherRole;
        refuses_server(&setting, &mut store, &system, reason, "pin");
        refuses_client(&setting, &mut store, &key_server, reason, "pin");
    }
}

#[test]
fn an_authority_for_one_end_ends_no_chain_for_the_other() {
    // I7
    for setting in settings() {
        let ca = pki("Example");
        let leaf = spec("").dns("kms1.example").server_auth().client_auth();
        let leaf = leaf.signed_by(&ca.intermediate);
        let attacker = Credential::of(&leaf, &[&ca.intermediate]);
        let mut for_clients = setting.listing_server();
        let (root, options) = (ca.root.certificate(), EntryOptions::new());
        for_clients
            .install_authority(AuthorityScope::Clients, root.clone(), options.clone())
            .unwrap();
        let nothing = ReasonCode::NothingInstalled;
        refuses_server(&setting, &mut for_clients, &attacker, nothing, "server");
        let mut for_servers = setting.listing_server();
        for scope in [AuthorityScope::AnyServer, AuthorityScope::Server(keys_1())] {
            for_servers
                .install_authority(scope, root.clone(), options.clone())
                .unwrap();
        }
        refuses_client(&setting, &mut for_servers, &attacker, nothing, "client");
    }
}

#[test]
fn an_authority_that_presents_itself_is_no_peer() {
    // C3
    for setting in settings() {
        let ca = pki("Example");
        let reason = ReasonCode::AuthorityPresentedAsPeer;
        let mut store = trusting(&setting, &ca.root);
        let options = EntryOptions::new();
        store
            .install_intermediate(ca.intermediate.certificate(), options)
            .unwrap();
        for attacker in [
            Credential::of(&ca.root, &[]),
            Credential::of(&ca.intermediate, &[]),
            Credential::of(&ca.intermediate, &[&ca.root]),
        ] {
            refuses_server(&setting, &mut store, &attacker, reason, "unclaimed");
            refuses_client(&setting, &mut store, &attacker, reason, "client");
        }
        // Claimed, the server must present a pin.
        let scope = PinScope::Server(keys_1());
        pin(&mut store, scope, &self_signed("kms1.example").certificate);
        let attacker = Credential::of(&ca.root, &[]);
        refuses_server(&setting, &mut store, &attacker, reason, "claimed");
        // A CA below an authority, which is installed nowhere.
        let below = spec("below").ca().dns("kms1.example").signed_by(&ca.root);
        let mut store = trusting(&setting, &ca.root);
        let attacker = Credential::of(&below, &[]);
        refuses_server(
            &setting,
            &mut store,
            &attacker,
            ReasonCode::CaUsedAsEndEntity,
            "below",
        );
        refuses_client(
            &setting,
            &mut store,
            &attacker,
            ReasonCode::CaUsedAsEndEntity,
            "below",
        );
    }
}

#[test]
fn one_servers_certificate_does_not_serve_another() {
    // P8, C2
    for setting in settings() {
        let (one, two) = (self_signed("one.example"), self_signed("two.example"));
        let mut store = setting.pinning_server(&one.certificate);
        let other = server_id("keys-2");
        store
            .add_server(other.clone(), [host("kms2.example")])
            .unwrap();
        pin(&mut store, PinScope::Server(other), &two.certificate);
        let attacker = Credential::of(&two, &[]);
        let reason = ReasonCode::PinOfAnotherServer;
        refuses_server(&setting, &mut store, &attacker, reason, "pin");

        let ca = pki("Example");
        let mut store = trusting(&setting, &ca.root);
        store
            .add_server(server_id("keys-2"), [host("kms2.example")])
            .unwrap();
        let attacker = Credential::of(&ca.server("kms2.example"), &[&ca.intermediate]);
        let reason = ReasonCode::NameMismatch;
        refuses_server(&setting, &mut store, &attacker, reason, "chain");
        let how = Dial::Name("kms2.example");
        dial(&setting, &mut store, setting.policy(), how, &attacker).expect_link("control");
    }
}

#[test]
fn the_right_certificate_behind_another_one_does_not_help() {
    // Only the first certificate is the peer's own
    for setting in settings() {
        let server = self_signed("kms1.example");
        let mut store = setting.pinning_server(&server.certificate);
        pin(&mut store, PinScope::Clients, &server.certificate);
        let attacker = self_signed("attacker.example");
        let attacker = Credential::of(&attacker, &[]).and(&server.certificate);
        let reason = ReasonCode::PinDoesNotMatch;
        refuses_server(&setting, &mut store, &attacker, reason, "server");
        refuses_client(&setting, &mut store, &attacker, reason, "client");
    }
}
