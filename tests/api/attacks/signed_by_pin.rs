//! The holder of a pinned key signs certificates with it (rule I3).

use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode, TrustStore};

use crate::attacks::{Dial, dial, refuses_client, refuses_server};
use crate::support::link::{Setting, pin, settings};
use crate::support::plain::Credential;
use crate::support::{fixture, host, server_id};

/// Pins by what they say of themselves: CA:FALSE, nothing, CA:TRUE, version 1.
const PINS: [&str; 4] = ["ca-false", "no-basic-constraints", "openssl-req-san", "v1"];

/// A leaf with the SAN `kms1.example` or `other.example`, signed by the key of `pin`.
fn leaf(pin: &str, name: &str) -> Credential {
    let leaf = format!("leaf-signed-by-pin-{pin}-{name}");
    Credential::fixture(&leaf, &leaf)
}

/// The leaf alone, and with the pin sent as its issuer.
fn both_ways(pin: &str, name: &str) -> [(Credential, bool); 2] {
    [
        (leaf(pin, name), false),
        (leaf(pin, name).and(&fixture(pin)), true),
    ]
}

fn authorities(store: &mut TrustStore) {
    for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
        let options = EntryOptions::new();
        store
            .install_authority(scope, fixture("ca-root"), options)
            .unwrap();
    }
}

#[test]
fn a_leaf_signed_by_a_pin_is_not_that_server() {
    // I3: for its own name and for another, alone and with the pin as its issuer
    for setting in settings() {
        for pin in PINS {
            for name in ["kms1", "other"] {
                for (attacker, sent) in both_ways(pin, name) {
                    let what = format!("{pin} for {name}, sent {sent}");
                    let mut store = setting.pinning_server(&fixture(pin));
                    refuses_server(
                        &setting,
                        &mut store,
                        &attacker,
                        ReasonCode::IssuedByPin,
                        &what,
                    );
                    // Authorities for any server make no difference to a claimed one.
                    authorities(&mut store);
                    refuses_server(
                        &setting,
                        &mut store,
                        &attacker,
                        ReasonCode::IssuedByPin,
                        &what,
                    );
                }
            }
        }
    }
}

/// keys-1 with the pin, and `other.example`, which is another server without a pin.
fn with_another_server(setting: &Setting, pin: &str) -> TrustStore {
    let mut store = setting.pinning_server(&fixture(pin));
    store
        .add_server(server_id("keys-2"), [host("other.example")])
        .unwrap();
    store
}

#[test]
fn a_leaf_signed_by_a_pin_of_one_server_is_no_other_server() {
    // I3, P8
    for setting in settings() {
        for pin in PINS {
            for (attacker, sent) in both_ways(pin, "other") {
                let what = format!("{pin}, sent {sent}, {}", setting.name);
                let how = Dial::Name("other.example");
                let policy = setting.policy();
                let mut store = with_another_server(&setting, pin);
                let outcome = dial(&setting, &mut store, policy, how, &attacker);
                outcome.expect_client_refuses(&what, ReasonCode::NothingInstalled);

                authorities(&mut store);
                let outcome = dial(&setting, &mut store, policy, how, &attacker);
                outcome.expect_client_refuses(&what, no_path(pin, sent));

                let how = Dial::Name("unlisted.example");
                let outcome = dial(&setting, &mut store, policy, how, &attacker);
                outcome.expect_client_refuses(&what, ReasonCode::UnlistedName);
                let outcome = dial(
                    &setting,
                    &mut store,
                    policy.with_unlisted_allowed(),
                    how,
                    &attacker,
                );
                outcome.expect_client_refuses(&what, no_path(pin, sent));
            }
        }
    }
}

/// C1: no path leads to an authority. A pin that was sent is looked at as an issuer: only one that says CA:TRUE
/// could be one, and none has a way on from it.
fn no_path(pin: &str, sent: bool) -> ReasonCode {
    if sent && pin != "openssl-req-san" {
        ReasonCode::IssuerCannotSign
    } else {
        ReasonCode::UnknownIssuer
    }
}

#[test]
fn a_leaf_signed_by_a_pin_of_another_claimed_server_is_not_that_one() {
    // I3, P8, P2
    for setting in settings() {
        for name in PINS {
            for (attacker, _) in both_ways(name, "other") {
                let mut store = with_another_server(&setting, name);
                let scope = PinScope::Server(server_id("keys-2"));
                pin(&mut store, scope, &fixture("ee-p256"));
                let how = Dial::Name("other.example");
                let outcome = dial(&setting, &mut store, setting.policy(), how, &attacker);
                outcome.expect_client_refuses(name, ReasonCode::PinDoesNotMatch);
            }
        }
    }
}

#[test]
fn a_leaf_signed_by_a_pin_of_a_client_is_not_that_client() {
    // I3, P7
    for setting in settings() {
        for pin in PINS {
            for (attacker, sent) in both_ways(pin, "kms1") {
                let what = format!("{pin}, sent {sent}");
                let mut store = setting.pinning_client(&fixture(pin));
                refuses_client(
                    &setting,
                    &mut store,
                    &attacker,
                    ReasonCode::IssuedByPin,
                    &what,
                );
                // With authorities for clients, a chain is looked for, and none is found; the pin explains it.
                authorities(&mut store);
                refuses_client(
                    &setting,
                    &mut store,
                    &attacker,
                    ReasonCode::IssuedByPin,
                    &what,
                );
            }
        }
    }
}

#[test]
fn a_leaf_signed_by_a_pin_that_is_installed_for_the_other_end_is_nobody() {
    // I3, I7
    for setting in settings() {
        for pin in PINS {
            for (attacker, _) in both_ways(pin, "kms1") {
                let mut store = setting.pinning_server(&fixture(pin));
                let nothing = ReasonCode::NothingInstalled;
                refuses_client(&setting, &mut store, &attacker, nothing, pin);
            }
        }
    }
}
