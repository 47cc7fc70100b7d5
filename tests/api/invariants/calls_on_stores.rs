//! What every call keeps to: nothing changes on an error, the generation grows, the report is complete.

use std::collections::BTreeMap;

use mutual_trust::ServerId;
use mutual_trust::store::{Claim, Outcome, TrustSnapshot, TrustSource};
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::copies::{content, written_down};
use crate::invariants::operations::{Op, Options, PinTo, history};
use crate::invariants::pool::item;
use crate::invariants::questions::{answers, asks, settle};
use crate::support::Lists as _;
use crate::support::random::config;

fn levels(view: &TrustSnapshot) -> BTreeMap<ServerId, (TrustSource, bool)> {
    let servers = view.servers();
    let each = servers.map(|server| {
        let claimed = server.claim() != Claim::Unclaimed;
        (server.id().clone(), (view.level(server), claimed))
    });
    each.collect()
}

proptest! {
    #![proptest_config(config(150))]

    // I1, I5, S4: an error changes nothing, and neither does a call that says that nothing changed.
    #[test]
    fn an_error_changes_nothing(history in history(40), asks in asks(2)) {
        let mut admin = Admin::new();
        for op in &history {
            let settled = settle(&asks, admin.view());
            let before = (written_down(admin.view()), answers(&settled, admin.view()));
            let Some(result) = admin.apply(op) else { continue };
            let unchanged = match &result {
                Ok(report) => report.done() == Outcome::Unchanged,
                Err(_) => true,
            };
            if unchanged {
                let after = (written_down(admin.view()), answers(&settled, admin.view()));
                prop_assert_eq!(before, after, "{:?}: {:?}", op, result);
            }
        }
    }

    // words of the rules, "view"
    #[test]
    fn the_generation_grows_with_every_change_and_a_view_never_changes(
        history in history(40),
        asks in asks(2),
    ) {
        let mut admin = Admin::new();
        for op in &history {
            let view = admin.view().clone();
            let settled = settle(&asks, &view);
            let then = (written_down(&view), answers(&settled, &view));
            let report = admin.apply(op);
            let now = admin.view();
            prop_assert!(now.generation() >= view.generation(), "{:?}", op);
            if content(now) != content(&view) || now.floor() != view.floor() {
                prop_assert!(now.generation() > view.generation(), "{:?}", op);
            }
            if let Some(Ok(report)) = report {
                prop_assert_eq!(report.generation(), now.generation(), "{:?}", op);
                let changed = report.done() != Outcome::Unchanged;
                prop_assert_eq!(changed, now.generation() > view.generation(), "{:?}", op);
            }
            prop_assert_eq!(then, (written_down(&view), answers(&settled, &view)), "{:?}", op);
        }
    }

    // I9: what a call claims, shadows and exposes stands in its report, and nothing else.
    #[test]
    fn a_report_names_every_claim_and_every_level_that_shifted(history in history(40)) {
        let mut admin = Admin::new();
        for op in &history {
            let before = levels(admin.view());
            let Some(Ok(report)) = admin.apply(op) else { continue };
            let after = levels(admin.view());
            let mut shifted = Vec::new();
            let mut claimed = Vec::new();
            for (id, (level, claim)) in &after {
                // A server that was made just now was asked about nothing.
                let (from, was) = before.get(id).copied().unwrap_or((*level, false));
                if from != *level {
                    shifted.push((id.clone(), from, *level));
                }
                if *claim && !was {
                    claimed.push(id.clone());
                }
            }
            let mut told: Vec<_> = report.claims().items().to_vec();
            told.sort();
            prop_assert_eq!(told, claimed, "{:?}", op);
            let shifts = report.shifts();
            let mut told: Vec<_> = shifts
                .items()
                .iter()
                .filter(|shift| before.contains_key(&shift.server))
                .map(|shift| (shift.server.clone(), shift.from, shift.to))
                .collect();
            // Of a migrating server, a second shift tells what is asked last.
            let migrates = |id: &ServerId| {
                let server = admin.view().server(id);
                server.is_some_and(|server| server.claim() != Claim::Unclaimed)
            };
            told.retain(|shift| shifted.contains(shift) || !migrates(&shift.0));
            told.sort();
            prop_assert_eq!(told, shifted, "{:?}", op);
        }
    }

    // I9: what is removed and still accepted by other entries.
    #[test]
    fn a_removal_names_every_other_entry_with_the_same_key(
        history in history(30),
        number in 0..64_usize,
    ) {
        let mut admin = Admin::after(&history);
        let Some(key) = admin.entry_key(number) else { return Ok(()) };
        let certificate = admin.view().entry(&key).unwrap().certificate().cloned();
        let report = admin.apply(&Op::Remove(number)).unwrap().unwrap();
        let told = report.still_held();
        let told = told.items();
        for entry in admin.view().entries() {
            let other = entry.certificate();
            let same_key = match (&certificate, other) {
                (Some(one), Some(other)) => one.key_pin() == other.key_pin(),
                (None, _) | (_, None) => false,
            };
            prop_assert!(!same_key || told.contains(&entry.key()), "{} in {}", entry.key(), report);
        }
        for other in told {
            prop_assert!(admin.view().entry(other).is_some());
        }
    }
}

// M1, I8: the certificate of a fingerprint completes its entry; only `enable` enables one.
#[test]
fn completing_a_disabled_fingerprint_does_not_enable_it() {
    let mut admin = Admin::after(&[
        Op::AddServer(0, Vec::new()),
        Op::Fingerprint(PinTo::Server(0), item("s1"), Options::PLAIN),
        Op::Disable(0),
    ]);
    let report = admin.apply(&Op::Again(0)).unwrap().unwrap();
    assert_eq!(report.done(), Outcome::Completed);
    let entry = admin.view().entries()[0].clone();
    assert!(entry.certificate().is_some());
    assert!(entry.disabled().is_some());
}
