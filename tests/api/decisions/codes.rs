//! Every reason code is produced by some row.

use std::collections::BTreeSet;

use mutual_trust::ReasonCode;

use super::row::{Row, ask};
use super::{
    blocks, chains, clients, clock, explained, issuers, limits, matches, names, pins, profile,
    revoked, states,
};

/// Codes that need a handshake; the tests over TLS produce them.
pub const IN_TLS: [ReasonCode; 2] = [
    ReasonCode::HandshakeSignatureInvalid,
    ReasonCode::HandshakeNotFinished,
];

pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for some in [
        states::rows(),
        clients::rows(),
        pins::rows(),
        matches::rows(),
        blocks::rows(),
        clock::rows(),
        names::rows(),
        chains::rows(),
        issuers::rows(),
        limits::rows(),
        profile::rows(),
        explained::rows(),
        revoked::rows(),
    ] {
        rows.extend(some);
    }
    rows
}

#[test]
fn every_reason_code_is_produced_by_a_row() {
    let produced: BTreeSet<ReasonCode> = all()
        .iter()
        .map(|row| {
            let (_, verdict) = ask(row);
            verdict.reason()
        })
        .collect();
    let missing: Vec<_> = ReasonCode::ALL
        .iter()
        .filter(|reason| !produced.contains(reason) && !IN_TLS.contains(reason))
        .collect();
    assert!(missing.is_empty(), "no row produces {missing:?}");
    for reason in IN_TLS {
        assert!(!produced.contains(&reason), "{reason} without a handshake");
    }
}

// Saying yes: whatever the reason, the verdict says which server the peer had to be, if that is known.
#[test]
fn every_verdict_names_the_server_that_was_asked_about() {
    let mut unnamed = BTreeSet::new();
    for row in &all() {
        let (world, verdict) = ask(row);
        if verdict.server().map(ToString::to_string) != world.asked_about() {
            unnamed.insert(verdict.reason());
        }
    }
    assert!(unnamed.is_empty(), "without the server: {unnamed:?}");
}

#[test]
fn every_row_cites_rules_and_has_a_name_of_its_own() {
    let rows = all();
    let mut names = BTreeSet::new();
    for row in &rows {
        let rule = row.rule.split_at(1);
        assert!(
            "ICMPS".contains(rule.0) && rule.1.parse::<u8>().is_ok(),
            "{}",
            row.rule
        );
        assert!(names.insert(&row.name), "twice: {}", row.name);
    }
}
