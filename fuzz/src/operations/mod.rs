//! Any sequence of an administrator's calls against the model of the library's own random tests: lists and loops,
//! written to be compared with the rules line by line. Here libFuzzer looks for the sequences.

#![allow(
    unreachable_pub,
    dead_code,
    missing_docs,
    clippy::type_complexity,
    missing_debug_implementations,
    reason = "most of it is shared with a test, whose business that is"
)]

#[path = "../../../tests/api/invariants/admin.rs"]
mod admin;
#[path = "../../../tests/api/invariants/asks.rs"]
mod asks;
#[path = "../../../tests/api/invariants/calls.rs"]
mod calls;
mod decode;
#[path = "../../../tests/api/invariants/facts.rs"]
mod facts;
#[path = "../../../tests/api/invariants/judge.rs"]
mod judge;
mod lists;
#[path = "../../../tests/api/invariants/ops.rs"]
mod ops;
mod pool;
#[path = "../../../tests/api/invariants/rows.rs"]
mod rows;
mod same;
mod support;
#[path = "../../../tests/api/invariants/world.rs"]
mod world;

use core::fmt::Debug;

use mutual_trust::error::StoreError;
use mutual_trust::store::{Outcome, Report};

use crate::OPERATIONS_BYTES;
use crate::report::{self, Call};
use crate::snapshot::Snapshot;
use decode::Input;
use facts::Expected;
use judge::Ruling;
use lists::{Act, Lists};
use ops::Op;
use world::World;

/// After each call, the store holds what the model holds, and a report says what has changed; in between, peers are
/// accepted exactly when the model accepts them, and by the entry that it names.
pub fn operations(data: &[u8]) -> bool {
    if data.len() > OPERATIONS_BYTES {
        return false;
    }
    let mut input = Input::new(data);
    let mut world = World::new();
    let mut lists = Lists::default();
    let mut changed = false;
    if input.byte() % 2 == 1 {
        for op in ops::start() {
            call(&mut world, &lists, &op);
        }
    }
    while !input.is_empty() {
        match input.byte() % 16 {
            // Another target checks what lists revoke.
            0..4 if lists.is_empty() => ask(&world, &mut input),
            0 | 4 => changed |= list(&mut world, &mut lists, &input.list()),
            _ => changed |= call(&mut world, &lists, &input.op()),
        }
    }
    changed
}

fn call(world: &mut World, lists: &Lists, op: &Op) -> bool {
    let before = Snapshot::of(world.admin.view());
    let levels = world.facts.levels();
    let step = world.apply(op);
    let call = Call {
        installs: matches!(
            op,
            Op::Pin(..) | Op::Fingerprint(..) | Op::Authority(..) | Op::Intermediate(..)
        ),
        may_release: matches!(op, Op::Release(_) | Op::ReleaseGroup(_)),
    };
    let done = settle(world, lists, &before, &call, step.expected, step.result, op);
    done.is_some_and(|report| {
        same::compare_shifts(&levels, &world.facts.levels(), &report, op);
        report.done() != Outcome::Unchanged
    })
}

fn list(world: &mut World, lists: &mut Lists, act: &Act) -> bool {
    let before = Snapshot::of(world.admin.view());
    let expected = lists.expect(&world.facts, act);
    let result = Lists::apply(&mut world.admin.store, act);
    if result.is_ok() && expected == Expected::Done {
        lists.effect(&world.facts, act);
    }
    let call = Call {
        installs: false,
        may_release: false,
    };
    let done = settle(world, lists, &before, &call, expected, Some(result), act);
    done.is_some_and(|report| report.done() != Outcome::Unchanged)
}

/// Compares the store after a call with the model; returns the report of a change.
fn settle(
    world: &World,
    lists: &Lists,
    before: &Snapshot,
    call: &Call,
    expected: Expected,
    result: Option<Result<Report, StoreError>>,
    what: &dyn Debug,
) -> Option<Report> {
    let after = Snapshot::of(world.admin.view());
    after.check(world.admin.view());
    match (&result, expected) {
        (Some(Ok(_)), Expected::Refused) => panic!("{what:?} must be refused"),
        (Some(Err(error)), Expected::Done) => panic!("{what:?} is refused: {error}"),
        _ => {}
    }
    same::compare(&world.facts, &after, what);
    lists.compare(&after, what);
    match result? {
        Ok(report) => {
            report::told(call, &report, before, &after);
            Some(report)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(
                *before, after,
                "{what:?} is refused with {error}, and changed"
            );
            None
        }
    }
}

fn ask(world: &World, input: &mut Input<'_>) {
    let view = world.admin.view();
    let ask = input.ask().settle(view);
    let answer = ask.answer(view);
    match world.facts.judge(&ask) {
        Ruling::No => assert_eq!(answer.accepted, None, "{ask:?}"),
        Ruling::Pin(key) => assert_eq!(answer.accepted, Some(key), "{ask:?}: {answer:?}"),
        Ruling::Chain(keys) => {
            let by = answer.accepted.as_ref();
            let good = by.is_some_and(|by| keys.contains(by));
            assert!(good, "{ask:?}: one of {keys:?}, not {answer:?}");
        }
    }
}
