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

#[path = "../../../tests/invariants/admin.rs"]
mod admin;
#[path = "../../../tests/invariants/asks.rs"]
mod asks;
#[path = "../../../tests/invariants/calls.rs"]
mod calls;
mod decode;
#[path = "../../../tests/invariants/facts.rs"]
mod facts;
#[path = "../../../tests/invariants/judge.rs"]
mod judge;
#[path = "../../../tests/invariants/ops.rs"]
mod ops;
mod pool;
#[path = "../../../tests/invariants/rows.rs"]
mod rows;
mod same;
mod support;
#[path = "../../../tests/invariants/world.rs"]
mod world;

use mutual_trust::store::Done;

use crate::OPERATIONS_BYTES;
use crate::report::{self, Call};
use crate::snapshot::Snapshot;
use decode::Input;
use facts::Expected;
use judge::Ruling;
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
    let mut changed = false;
    if input.byte() % 2 == 1 {
        for op in decode::start() {
            call(&mut world, &op);
        }
    }
    while !input.is_empty() {
        if input.byte().is_multiple_of(4) {
            ask(&world, &mut input);
        } else {
            changed |= call(&mut world, &input.op());
        }
    }
    changed
}

fn call(world: &mut World, op: &Op) -> bool {
    let before = Snapshot::of(world.admin.view());
    let levels = world.facts.levels();
    let step = world.apply(op);
    let after = Snapshot::of(world.admin.view());
    after.check(world.admin.view());
    match (&step.result, step.expected) {
        (Some(Ok(_)), Expected::Refused) => panic!("{op:?} must be refused"),
        (Some(Err(error)), Expected::Done) => panic!("{op:?} is refused: {error}"),
        _ => {}
    }
    same::compare(&world.facts, &after, op);
    match step.result {
        Some(Ok(report)) => {
            let call = Call {
                installs: matches!(
                    op,
                    Op::Pin(..) | Op::Fingerprint(..) | Op::Authority(..) | Op::Intermediate(..)
                ),
                may_release: matches!(op, Op::Release(_) | Op::ReleaseGroup(_)),
            };
            report::told(&call, &report, &before, &after);
            same::compare_shifts(&levels, &world.facts.levels(), &report, op);
            report.done() != Done::AlreadyThere
        }
        Some(Err(error)) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(before, after, "{op:?} is refused with {error}, and changed");
            false
        }
        None => false,
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
