//! How much stack a handshake needs.
//!
//! A program of its own: what all its libraries keep for each thread lies on the stack of the thread too, and the
//! program of the other suites has kilobytes of it.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use mutual_trust_test_support as support;
use support::handshake::handshake;
use support::link::{keys_1, settings};
use support::pki::self_signed;

#[test]
fn a_handshake_needs_the_stack_that_security_says() {
    // What it says of debug builds; less is needed in others. With too little, the process ends.
    let kib = 80;
    for setting in settings() {
        let (server, system) = (self_signed("kms1.example"), self_signed("array-7.example"));
        let trusted = setting.pinning_server(&server.certificate).snapshot();
        let client = setting.client(trusted, system.identity(&[], &setting.provider));
        let client = Arc::new(client.build_for(&keys_1()).unwrap());
        let trusted = setting.pinning_client(&system.certificate).snapshot();
        let own = server.identity(&[], &setting.provider);
        let server = Arc::new(setting.server(trusted, own).build().unwrap());
        let both = move || {
            handshake(&client, &server, "kms1.example").expect_link(&setting.name);
        };
        let thread = std::thread::Builder::new().stack_size(kib * 1024);
        thread.spawn(both).unwrap().join().unwrap();
    }
}
