//! Moving a server from its self-signed to a CA-signed certificate (rules P2 and P3).

use std::sync::Arc;

use mutual_trust::policy::VerdictWarning;
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, LiveTrust, ReasonCode, TrustStore, Verdict,
};

use crate::support::handshake::{Outcome, handshake};
use crate::support::link::{Setting, keys_1, settings};
use crate::support::pki::{Made, Pki, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{DAY, NOW, at};

struct Moving {
    setting: Setting,
    ca: Pki,
    store: TrustStore,
    trust: LiveTrust,
    old: Credential,
    new: Credential,
}

fn issued(ca: &Pki) -> Made {
    let leaf = spec("issued").dns("kms1.example").server_auth();
    leaf.signed_by(&ca.intermediate)
}

impl Moving {
    fn new(setting: Setting) -> Self {
        let server = self_signed("kms1.example");
        let ca = pki("Example");
        let mut store = setting.pinning_server(&server.certificate);
        store
            .install_authority(
                AuthorityScope::AnyServer,
                ca.root.certificate(),
                EntryOptions::new(),
            )
            .unwrap();
        Self {
            trust: LiveTrust::new(store.snapshot()),
            old: Credential::of(&server, &[]),
            new: Credential::of(&issued(&ca), &[&ca.intermediate]),
            store,
            ca,
            setting,
        }
    }

    /// Our client against the server with `credential`, `after` seconds from now.
    fn dial(&self, credential: &Credential, after: u64) -> (Outcome, Verdict) {
        let system = self_signed("array-7.example").identity(&[], &self.setting.provider);
        let client = self
            .setting
            .client(self.trust.clone(), system)
            .with_clock(Arc::new(CurrentTime::Known(at(NOW + after))));
        let server = self.setting.server_of(credential);
        let outcome = handshake(
            &client.build_for(&keys_1()).unwrap(),
            &server,
            "kms1.example",
        );
        let check = client.peer_check();
        let verdict = Verdict::from(check.server(
            mutual_trust::ExpectedServer::id(&keys_1(), None),
            &outcome.client_connection,
        ));
        (outcome, verdict)
    }

    fn publish(&mut self) {
        self.trust.publish(self.store.snapshot()).unwrap();
    }
}

#[test]
fn a_server_moves_from_its_pin_to_a_chain_and_not_after_the_end() {
    // P2, P3
    for setting in settings() {
        let name = setting.name.clone();
        let mut moving = Moving::new(setting);
        // Claimed: the pin alone.
        moving.dial(&moving.old, 0).0.expect_link(&name);
        let (refused, _) = moving.dial(&moving.new, 0);
        refused.expect_client_refuses(&name, ReasonCode::AuthoritiesNotAsked);

        // Migrating: the pin as before, the chain with a warning.
        moving.store.migrate(&keys_1(), at(NOW + DAY)).unwrap();
        moving.publish();
        let (outcome, verdict) = moving.dial(&moving.old, 0);
        outcome.expect_link(&name);
        assert_eq!(verdict.reason(), ReasonCode::PinMatched);
        assert_eq!(verdict.warnings(), []);
        let (outcome, verdict) = moving.dial(&moving.new, DAY - 1);
        outcome.expect_link(&name);
        assert_eq!(verdict.reason(), ReasonCode::ChainVerified);
        let warned = |warning: &VerdictWarning| matches!(warning, VerdictWarning::Migrating { .. });
        assert!(verdict.warnings().iter().any(warned), "{verdict}");
        let stranger = Credential::of(&self_signed("kms1.example"), &[]);
        let (refused, _) = moving.dial(&stranger, 0);
        refused.expect_client_refuses(&name, ReasonCode::SameSubjectOtherKey);

        // After the end the claim holds again.
        let (refused, _) = moving.dial(&moving.new, DAY);
        refused.expect_client_refuses(&name, ReasonCode::AuthoritiesNotAsked);
        moving.dial(&moving.old, DAY).0.expect_link(&name);

        // Released: the chain alone.
        moving.store.release(&keys_1()).unwrap();
        moving.publish();
        let (outcome, verdict) = moving.dial(&moving.new, DAY);
        outcome.expect_link(&name);
        assert_eq!(verdict.warnings(), []);
        let (refused, _) = moving.dial(&moving.old, DAY);
        refused.expect_client_refuses(&name, ReasonCode::SelfSignedNotInstalled);
    }
}

#[test]
fn a_migrating_servers_ended_pin_is_not_helped_by_its_chain() {
    // P5: a match with a held pin is final
    for setting in settings() {
        let name = setting.name.clone();
        let mut moving = Moving::new(setting);
        let both = issued(&moving.ca);
        moving
            .store
            .install_pin(
                mutual_trust::PinScope::Server(keys_1()),
                both.certificate(),
                EntryOptions::new().with_end(at(NOW + DAY)),
            )
            .unwrap();
        moving.store.migrate(&keys_1(), at(NOW + 9 * DAY)).unwrap();
        moving.publish();
        let credential = Credential::of(&both, &[&moving.ca.intermediate]);
        let (outcome, verdict) = moving.dial(&credential, 0);
        outcome.expect_link(&name);
        assert_eq!(verdict.reason(), ReasonCode::PinMatched);
        let (refused, _) = moving.dial(&credential, DAY);
        refused.expect_client_refuses(&name, ReasonCode::EntryEnded);
    }
}
