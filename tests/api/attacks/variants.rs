//! A stolen key, and the blocked certificate with the other value of its ECDSA signature (rule P1).

use mutual_trust::store::BlockSelector;
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode};

use crate::attacks::{Dial, dial, refuses_client, refuses_server};
use crate::support::link::{keys_1, settings};
use crate::support::pki::{pki, self_signed};
use crate::support::plain::Credential;
use crate::support::variants::other;

#[test]
fn a_blocked_leaf_is_refused_with_either_value_of_its_signature() {
    let pki = pki("any");
    let server = pki.server("kms1.example");
    let client = pki.client("array-7.example");
    for setting in settings() {
        let mut store = setting.listing_server();
        for scope in [AuthorityScope::Server(keys_1()), AuthorityScope::Clients] {
            let root = pki.root.certificate();
            store
                .install_authority(scope, root, EntryOptions::new())
                .unwrap();
        }
        let attacker = |made| {
            let genuine = Credential::of(made, &[&pki.intermediate]);
            let changed = other(&made.certificate).der().to_vec();
            genuine.presenting(changed)
        };
        // Before the block it is as good as the certificate itself.
        let how = Dial::Name("kms1.example");
        let outcome = dial(
            &setting,
            &mut store,
            setting.policy(),
            how,
            &attacker(&server),
        );
        outcome.expect_link(&setting.name);
        for made in [&server, &client] {
            store.block_selector(BlockSelector::Fingerprint(made.certificate.fingerprint()));
        }
        let what = "the other signature";
        let blocked = ReasonCode::Blocked;
        refuses_server_by_name(&setting, &mut store, &attacker(&server), blocked, what);
        refuses_client(&setting, &mut store, &attacker(&client), blocked, what);
    }
}

fn refuses_server_by_name(
    setting: &crate::support::link::Setting,
    store: &mut mutual_trust::TrustStore,
    attacker: &Credential,
    reason: ReasonCode,
    what: &str,
) {
    let how = Dial::Name("kms1.example");
    let outcome = dial(setting, store, setting.policy(), how, attacker);
    outcome.expect_client_refuses(&format!("{what}, {}", setting.name), reason);
}

#[test]
fn a_pin_is_not_matched_by_the_other_value_of_its_signature() {
    for setting in settings() {
        let own = self_signed("kms1.example");
        let mut store = setting.pinning_server(&own.certificate);
        let attacker = Credential::of(&own, &[]).presenting(other(&own.certificate).der().to_vec());
        let same_key = ReasonCode::RenewedWithSameKey;
        refuses_server(&setting, &mut store, &attacker, same_key, "a pin");
        store.block_selector(BlockSelector::Fingerprint(own.certificate.fingerprint()));
        refuses_server(
            &setting,
            &mut store,
            &attacker,
            ReasonCode::Blocked,
            "a blocked pin",
        );
        let bare = PinScope::Server(keys_1());
        let mut store = setting.listing_server();
        let fingerprint = other(&own.certificate).fingerprint();
        store
            .install_pin_fingerprint(bare, fingerprint, EntryOptions::new())
            .unwrap();
        store.block_selector(BlockSelector::Fingerprint(own.certificate.fingerprint()));
        let what = "a fingerprint that a block means";
        refuses_server(&setting, &mut store, &attacker, ReasonCode::Blocked, what);
    }
}
