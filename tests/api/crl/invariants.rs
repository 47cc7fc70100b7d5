//! Random lists in random order against a small model: the order makes no difference, and a list removes trust or
//! confirms that a certificate is not revoked, but never grants trust.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::LazyLock;

use mutual_trust::certificate::Crl;
use mutual_trust::error::StoreError;
use mutual_trust::store::Outcome;
use mutual_trust::{EntryOptions, Fingerprint, ReasonCode};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rcgen::CustomExtension;

use super::common::{Scene, ca, leaf, trusting};
use super::support::crl::*;
use super::support::pki::Made;
use crate::support::Lists as _;

const POINT: &str = "http://ca.example/1.crl";
const DAY: i64 = 24 * HOUR;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    EndEntities,
    Point,
}

/// The facts of a list for the model.
#[derive(Clone, Copy, Debug)]
struct Facts {
    scope: Scope,
    number: Option<u8>,
    /// In days relative to now.
    this_update: i64,
    next_update: i64,
    /// For each of the two leaves.
    revokes: [bool; 2],
}

struct World {
    issuer: Made,
    /// The first names the distribution point, the second names none.
    leaves: [Made; 2],
    lists: Vec<(Facts, Crl)>,
}

fn facts() -> impl Strategy<Value = Facts> {
    let scope = prop_oneof![
        Just(Scope::All),
        Just(Scope::EndEntities),
        Just(Scope::Point)
    ];
    let period = (-4..2_i64, 1..5_i64);
    let revokes = any::<[bool; 2]>();
    (scope, proptest::option::of(1..4_u8), period, revokes).prop_map(
        |(scope, number, (from, days), revokes)| Facts {
            scope,
            number,
            this_update: from,
            next_update: from + days,
            revokes,
        },
    )
}

fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let issuer = ca("CA");
    let naming = leaf().params(|params| {
        let value = distribution_points(&[&[POINT]]);
        let extension = CustomExtension::from_oid_content(&[2, 5, 29, 31], value);
        params.custom_extensions.push(extension);
    });
    let leaves = [naming.signed_by(&issuer), leaf().signed_by(&issuer)];
    let mut runner = runner(1);
    let lists = (0..60)
        .map(|_| {
            let facts = facts().new_tree(&mut runner).unwrap().current();
            let mut spec = crl().valid(facts.this_update * DAY, facts.next_update * DAY);
            spec = match facts.number {
                Some(number) => spec.number(number),
                None => spec.no_number(),
            };
            spec = match facts.scope {
                Scope::All => spec,
                Scope::EndEntities => spec.scope(vec![flag(0x81)]),
                Scope::Point => spec.scope(vec![point(&[POINT])]),
            };
            for (leaf, revoked) in leaves.iter().zip(facts.revokes) {
                if revoked {
                    spec = spec.revoke(&leaf.certificate);
                }
            }
            (facts, spec.signed_by(&issuer))
        })
        .collect();
    World {
        issuer,
        leaves,
        lists,
    }
});

/// Whether `newer` replaces `older`.
fn replaces(newer: &Facts, older: &Facts) -> bool {
    let age = |facts: &Facts| (facts.number, facts.this_update);
    newer.scope == older.scope
        && newer.this_update <= 0
        && newer.number.is_some() == older.number.is_some()
        && newer.number >= older.number
        && newer.this_update >= older.this_update
        && age(newer) != age(older)
}

/// Which of the offered lists are held.
fn held(offered: &[usize]) -> BTreeSet<usize> {
    let facts = |index: usize| &WORLD.lists[index].0;
    let kept = |index: &&usize| {
        !offered
            .iter()
            .any(|other| replaces(facts(*other), facts(**index)))
    };
    offered.iter().filter(kept).copied().collect()
}

/// The expected verdict on a leaf in a chain, and on the same leaf as a pin.
fn expected(held: &BTreeSet<usize>, leaf: usize) -> (ReasonCode, ReasonCode) {
    let lists: Vec<&Facts> = held.iter().map(|index| &WORLD.lists[*index].0).collect();
    if lists.iter().any(|list| list.revokes[leaf]) {
        return (ReasonCode::Revoked, ReasonCode::Revoked);
    }
    let telling: Vec<_> = lists
        .iter()
        .filter(|list| list.scope != Scope::Point || leaf == 0)
        .filter(|list| list.this_update <= 0)
        .collect();
    let chain = if lists.is_empty() || telling.iter().any(|list| list.next_update > 0) {
        ReasonCode::ChainVerified
    } else if telling.is_empty() {
        ReasonCode::RevocationUnknown
    } else {
        ReasonCode::CrlExpired
    };
    (chain, ReasonCode::PinMatched)
}

/// A store for chains, and one with both leaves as pins.
fn scenes() -> [Scene; 2] {
    let chains = trusting(&[&WORLD.issuer]);
    let mut pins = trusting(&[]);
    pins.intermediate(&WORLD.issuer);
    for leaf in &WORLD.leaves {
        pins.pin(&leaf.certificate, EntryOptions::new());
    }
    [chains, pins]
}

fn found(scene: &mut Scene) -> [ReasonCode; 2] {
    [0, 1].map(|leaf| scene.reason(&[&WORLD.leaves[leaf]]))
}

fn offered() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..60_usize, 0..7)
}

#[test]
fn what_is_held_and_what_comes_of_it_are_what_the_model_says_in_any_order() {
    let both = offered().prop_flat_map(|order| (Just(order.clone()), Just(order).prop_shuffle()));
    let seen = RefCell::new(BTreeSet::new());
    runner(150)
        .run(&both, |(order, other)| {
            let model = held(&order);
            prop_assert_eq!(&model, &held(&other));
            for order in [order, other] {
                let [mut chains, mut pins] = scenes();
                for index in &order {
                    for scene in [&mut chains, &mut pins] {
                        let done = scene.store.install_crl(WORLD.lists[*index].1.clone());
                        let fine = matches!(done, Ok(_) | Err(StoreError::CrlOlder { .. }));
                        prop_assert!(fine, "{:?}", done);
                    }
                }
                let fingerprints: BTreeSet<Fingerprint> = model
                    .iter()
                    .map(|index| WORLD.lists[*index].1.fingerprint())
                    .collect();
                let view = chains.store.snapshot();
                let installed = view.crls().map(|list| list.crl().fingerprint());
                prop_assert_eq!(installed.collect::<BTreeSet<_>>(), fingerprints);
                let wanted = [0, 1].map(|leaf| expected(&model, leaf));
                prop_assert_eq!(found(&mut chains), wanted.map(|(chain, _)| chain));
                prop_assert_eq!(found(&mut pins), wanted.map(|(_, pin)| pin));
                for (chain, pin) in wanted {
                    seen.borrow_mut().extend([chain, pin]);
                }
            }
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    assert_eq!(seen.len(), 5, "the lists are too much alike: {seen:?}");
}

#[test]
fn installing_a_list_turns_a_no_into_a_yes_only_where_one_was_missing_or_has_been_replaced() {
    let turned = Cell::new(0);
    runner(150)
        .run(&offered(), |order| {
            let mut scenes = scenes();
            for index in order {
                for (kind, scene) in scenes.iter_mut().enumerate() {
                    let before = found(scene);
                    let done = scene.store.install_crl(WORLD.lists[index].1.clone());
                    let after = found(scene);
                    for (before, after) in before.into_iter().zip(after) {
                        if before.accepts() || !after.accepts() {
                            continue;
                        }
                        turned.set(turned.get() + 1);
                        let missing = matches!(
                            before,
                            ReasonCode::RevocationUnknown | ReasonCode::CrlExpired
                        );
                        let replaced = done
                            .as_ref()
                            .is_ok_and(|done| done.done() == Outcome::Changed);
                        prop_assert!(missing || replaced, "{} to {}", before, after);
                        // A pin needs no list.
                        prop_assert!(kind == 0 || replaced);
                    }
                    // A refused change leaves everything as it was.
                    prop_assert!(done.is_ok() || before == after);
                    // The first list of an issuer only removes trust.
                    let first = done.is_ok_and(|done| !done.checks().is_empty());
                    let taken = before
                        .iter()
                        .zip(after)
                        .all(|(before, after)| before.accepts() || !after.accepts());
                    prop_assert!(!first || taken);
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(turned.get() > 10, "only {}", turned.get());
}
