//! What somebody would try who wants to be taken for a peer that he is not. All of it is refused, in TLS 1.2 and
//! 1.3, with its own reason.

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

mod claimed;
mod impostors;
mod sessions;
mod signed_by_pin;
mod variants;

use mutual_trust::{Policy, ReasonCode, TrustStore};
use support::handshake::{Outcome, handshake};
use support::link::{Setting, keys_1};
use support::now;
use support::pki::self_signed;
use support::plain::Credential;

/// How a server is dialled.
#[derive(Clone, Copy, Debug)]
enum Dial<'a> {
    /// As `keys-1`, at this address.
    Id(&'a str),
    /// By this name, which says which server it must be.
    Name(&'a str),
}

/// Our client, dialling what the attacker runs.
fn dial(
    setting: &Setting,
    store: &mut TrustStore,
    policy: Policy,
    how: Dial<'_>,
    attacker: &Credential,
) -> Outcome {
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let client = setting.client_with(store.snapshot(), system, policy, now());
    let (config, name) = match how {
        Dial::Id(name) => (client.build_for(&keys_1()), name),
        Dial::Name(name) => (client.build_by_name(), name),
    };
    handshake(&config.unwrap(), &setting.server_of(attacker), name)
}

/// Our client must refuse what the attacker runs, however it is dialled.
fn refuses_server(
    setting: &Setting,
    store: &mut TrustStore,
    attacker: &Credential,
    reason: ReasonCode,
    what: &str,
) {
    for how in [
        Dial::Id("kms1.example"),
        Dial::Id("127.0.0.1"),
        Dial::Name("kms1.example"),
        Dial::Name("127.0.0.1"),
        Dial::Name("::ffff:127.0.0.1"),
    ] {
        let what = format!("{what}, {how:?}, {}", setting.name);
        let outcome = dial(setting, store, setting.policy(), how, attacker);
        outcome.expect_client_refuses(&what, reason);
    }
}

/// Our server must refuse the attacker, who comes as a client.
fn refuses_client(
    setting: &Setting,
    store: &mut TrustStore,
    attacker: &Credential,
    reason: ReasonCode,
    what: &str,
) {
    let identity = self_signed("kms1.example").identity(&[], &setting.provider);
    let server = setting.server(store.snapshot(), identity).build().unwrap();
    let outcome = handshake(&setting.client_of(attacker), &server, "kms1.example");
    outcome.expect_server_refuses(&format!("{what}, {}", setting.name), reason);
}
