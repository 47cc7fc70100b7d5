//! Options of entries and their bounds.

use std::time::Duration;

use mutual_trust::error::StoreError as E;
use mutual_trust::limits::{MAX_GRACE, MAX_LABEL_BYTES, MAX_SAN_PATTERNS};
use mutual_trust::store::{SanPattern, Scope, ValidityRule};
use mutual_trust::{AuthorityScope, PinMatch, PinScope};

use crate::store::common::*;
use crate::support::*;

fn pattern(text: &str) -> SanPattern {
    text.parse().unwrap()
}

#[test]
fn a_label_is_one_line_within_its_bound() {
    let mut store = with_servers(&["s"]);
    let longest = "x".repeat(MAX_LABEL_BYTES);
    let good = options().with_label(longest.clone());
    assert_added(
        &store
            .install_pin(PinScope::Clients, fixture("ee-p256"), good)
            .unwrap(),
    );
    for bad in [
        format!("{longest}x"),
        "é".repeat(MAX_LABEL_BYTES / 2 + 1),
        "a\nb".to_owned(),
        "a\r".to_owned(),
        "\0".to_owned(),
        "a\u{1b}[31m".to_owned(),
        "a\u{85}b".to_owned(),
        // Such a label would give a client an empty name.
        String::new(),
        " ".to_owned(),
    ] {
        let label = options().with_label(bad.clone());
        refused!(
            store,
            store.install_pin(server("s"), fixture("ee-p256"), label.clone()),
            E::Label {
                limit: MAX_LABEL_BYTES,
                ..
            }
        );
        refused!(
            store,
            store.install_pin_fingerprint(
                server("s"),
                fixture("ee-p256").fingerprint(),
                label.clone()
            ),
            E::Label { .. }
        );
        refused!(
            store,
            store.install_authority(AuthorityScope::Clients, fixture("ca-root"), label.clone()),
            E::Label { .. }
        );
        refused!(
            store,
            store.update(&pin_key(Scope::Clients, &fixture("ee-p256")), label),
            E::Label { .. }
        );
    }
}

#[test]
fn a_label_cannot_break_or_turn_the_line_it_stands_on() {
    // The error says "one line": the separators and direction marks of Unicode end or turn one as well.
    let mut store = with_servers(&["s"]);
    for bad in [
        "a\u{2028}b",
        "a\u{2029}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{200f}b",
        "a\u{61c}b",
    ] {
        let result = store.install_pin(PinScope::Clients, new_pin(), options().with_label(bad));
        assert!(matches!(result, Err(E::Label { .. })), "{bad:?}");
    }
}

#[test]
fn a_grace_has_a_bound() {
    let mut store = with_servers(&["s"]);
    let grace = |duration| options().with_validity(ValidityRule::Grace(duration));
    let good = store.install_pin(server("s"), fixture("expired"), grace(MAX_GRACE));
    assert_added(&good.unwrap());
    for long in [MAX_GRACE + Duration::from_secs(1), Duration::MAX] {
        refused!(
            store,
            store.install_pin(PinScope::Clients, fixture("expired"), grace(long)),
            E::GraceTooLong { limit: 366, .. }
        );
        let key = pin_key(of_server("s"), &fixture("expired"));
        refused!(
            store,
            store.update(&key, grace(long)),
            E::GraceTooLong { .. }
        );
    }
}

#[test]
fn san_patterns_have_a_bound_and_are_for_client_authorities_alone() {
    // P7.
    let mut store = with_servers(&["s"]);
    let many = |count: usize| {
        let names = (0..count).map(|i| pattern(&format!("dns:array-{i}.example")));
        options().with_san_patterns(names)
    };
    refused!(
        store,
        store.install_authority(AuthorityScope::Clients, fixture("ca-root"), many(MAX_SAN_PATTERNS + 1)),
        E::TooManyPatterns { count, limit: MAX_SAN_PATTERNS, .. } if *count == MAX_SAN_PATTERNS + 1
    );
    let good = store.install_authority(
        AuthorityScope::Clients,
        fixture("ca-root"),
        many(MAX_SAN_PATTERNS),
    );
    assert_added(&good.unwrap());
    for scope in [AuthorityScope::AnyServer, authority("s")] {
        refused!(
            store,
            store.install_authority(scope, fixture("ca-other"), many(1)),
            E::OptionNotHere {
                option: "a SAN pattern",
                ..
            }
        );
    }
    for scope in [PinScope::Clients, server("s")] {
        refused!(
            store,
            store.install_pin(scope, fixture("ee-p256"), many(1)),
            E::OptionNotHere { .. }
        );
    }
    refused!(
        store,
        store.install_intermediate(fixture("ca-intermediate"), many(1)),
        E::OptionNotHere { .. }
    );
}

#[test]
fn the_options_of_pins_are_refused_elsewhere() {
    let mut store = with_servers(&["s"]);
    for option in [
        options().with_matching(PinMatch::PublicKey),
        options().with_validity(ValidityRule::Enforce),
        options().with_validity(ValidityRule::Grace(Duration::from_secs(1))),
        options().with_any_role(),
    ] {
        for scope in [
            AuthorityScope::AnyServer,
            AuthorityScope::Clients,
            authority("s"),
        ] {
            refused!(
                store,
                store.install_authority(scope, fixture("ca-root"), option.clone()),
                E::OptionNotHere { .. }
            );
        }
        refused!(
            store,
            store.install_intermediate(fixture("ca-intermediate"), option.clone()),
            E::OptionNotHere { .. }
        );
        let all = store.install_pin(PinScope::Clients, new_pin(), option);
        assert_added(&all.unwrap());
    }
}

#[test]
fn an_end_lies_in_the_future() {
    let mut store = with_servers(&["s"]);
    for past in [0, NOW - 1, NOW] {
        let ends = options().with_end(at(past));
        refused!(
            store,
            store.install_pin(server("s"), fixture("ee-p256"), ends.clone()),
            E::EndInThePast
        );
        refused!(
            store,
            store.install_pin_fingerprint(
                server("s"),
                fixture("ee-p256").fingerprint(),
                ends.clone()
            ),
            E::EndInThePast
        );
        refused!(
            store,
            store.install_authority(AuthorityScope::AnyServer, fixture("ca-root"), ends.clone()),
            E::EndInThePast
        );
        refused!(
            store,
            store.install_intermediate(fixture("ca-root"), ends),
            E::EndInThePast
        );
    }
    let ends = options().with_end(at(NOW + 1));
    assert_added(
        &store
            .install_pin(server("s"), fixture("ee-p256"), ends)
            .unwrap(),
    );
    let key = pin_key(of_server("s"), &fixture("ee-p256"));
    refused!(
        store,
        store.update(&key, options().with_end(at(NOW))),
        E::EndInThePast
    );
}
