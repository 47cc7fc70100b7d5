//! A machine without a clock must reach its keys (rule M7).

use std::sync::Arc;

use mutual_trust::policy::VerdictWarning;
use mutual_trust::{AuthorityScope, CurrentTime, EntryOptions, ReasonCode};
use pki_types::UnixTime;

use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, pin, settings};
use crate::support::pki::{pki, self_signed};
use crate::support::plain::Credential;
use crate::support::{DAY, NOW, at, now};

/// A clock that is not set, and one that is below the floor by more than the tolerance.
fn unset_clocks() -> [CurrentTime; 2] {
    [CurrentTime::Unset, CurrentTime::Known(at(NOW - 2 * DAY))]
}

#[test]
fn pins_connect_at_both_ends_while_the_clock_is_unset() {
    // M7
    for setting in settings() {
        for clock in unset_clocks() {
            let (system, key_server) =
                (self_signed("array-7.example"), self_signed("kms1.example"));
            let mut store = setting.pinning_server(&key_server.certificate);
            pin(
                &mut store,
                mutual_trust::PinScope::Clients,
                &system.certificate,
            );
            let view = store.snapshot();
            let client = setting
                .client(view.clone(), system.identity(&[], &setting.provider))
                .with_clock(Arc::new(clock));
            let server = setting
                .server(view, key_server.identity(&[], &setting.provider))
                .with_clock(Arc::new(clock));
            let config = client.build_for(&keys_1()).unwrap();
            let outcome = handshake(&config, &server.build().unwrap(), "kms1.example");
            outcome.expect_link(&setting.name);
            let verdict =
                mutual_trust::Verdict::from(server.peer_check().client(&outcome.server_connection));
            assert_eq!(verdict.reason(), ReasonCode::PinMatched);
            assert!(matches!(
                verdict.warnings(),
                [VerdictWarning::ClockUnset(_)]
            ));
        }
    }
}

#[test]
fn chains_are_refused_while_the_clock_is_unset_unless_the_policy_allows_them() {
    // M7
    for setting in settings() {
        for clock in unset_clocks() {
            let ca = pki("Example");
            let mut store = setting.listing_server();
            for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
                let options = EntryOptions::new();
                store
                    .install_authority(scope, ca.root.certificate(), options)
                    .unwrap();
            }
            let view = store.snapshot();
            let system = ca.client("array-7.example");
            let key_server = ca.server("kms1.example");
            for allowed in [false, true] {
                let reason = match clock {
                    CurrentTime::Unset => ReasonCode::ClockUnset,
                    CurrentTime::Known(_) => ReasonCode::ClockBelowFloor,
                };
                let what = format!("{clock:?}, allowed {allowed}, {}", setting.name);
                let policy = if allowed {
                    setting.policy().with_chains_without_clock()
                } else {
                    setting.policy()
                };
                let client = {
                    let identity = system.identity(&[&ca.intermediate], &setting.provider);
                    let client = setting.client_with(view.clone(), identity, policy, clock);
                    client.build_for(&keys_1()).unwrap()
                };
                let server = {
                    let identity = key_server.identity(&[&ca.intermediate], &setting.provider);
                    let server = setting.server_with(view.clone(), identity, policy, clock);
                    server.build().unwrap()
                };
                if allowed {
                    handshake(&client, &server, "kms1.example").expect_link(&what);
                    continue;
                }
                let accepting =
                    setting.server_of(&Credential::of(&key_server, &[&ca.intermediate]));
                handshake(&client, &accepting, "kms1.example").expect_client_refuses(&what, reason);
                let accepting = setting.client_of(&Credential::of(&system, &[&ca.intermediate]));
                handshake(&accepting, &server, "kms1.example").expect_server_refuses(&what, reason);
            }
        }
    }
}

fn times(setting: &Setting, clock: CurrentTime) -> [Option<UnixTime>; 2] {
    let made = self_signed("kms1.example");
    let mut store = setting.pinning_server(&made.certificate);
    let view = store.snapshot();
    let client = setting
        .client(view.clone(), made.identity(&[], &setting.provider))
        .with_clock(Arc::new(clock))
        .build_by_name()
        .unwrap();
    let server = setting
        .server(view, made.identity(&[], &setting.provider))
        .with_clock(Arc::new(clock))
        .build()
        .unwrap();
    [
        client.time_provider.current_time(),
        server.time_provider.current_time(),
    ]
}

#[test]
fn rustls_reads_the_clock_that_was_given_and_never_lacks_a_time() {
    // M7: rustls ends a handshake when it gets no time, and would else read the system's clock
    for setting in settings() {
        assert_eq!(times(&setting, now()), [Some(at(NOW)); 2]);
        assert_eq!(times(&setting, CurrentTime::Unset), [Some(at(0)); 2]);
    }
}
