//! Goes through the numbers of stores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{env, thread};

use crate::arms;
use crate::asks::questions;
use crate::check::{Tally, check};
use crate::keys::keys;
use crate::pool::{Kind, NOW, Pool};
use crate::stores::{Both, Bound, Choice, LATER, Lists, count};

/// The numbers of one enumeration: each `stride`-th, from `first` on.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    kind: Kind,
    bound: Bound,
    first: usize,
    stride: usize,
}

fn enumerate(numbers: Numbers) -> Tally {
    let Numbers {
        kind,
        bound,
        first,
        stride,
    } = numbers;
    let keys = keys();
    let pool = Pool::new(kind);
    let lists = Lists::new(&pool);
    let [now, later] = questions(keys);
    let mut tally = Tally::default();
    for number in (first..count(bound)).step_by(stride) {
        let choice = Choice::of(bound, number);
        let shown = || format!("{kind:?} {bound:?} {number}: {choice:?}");
        let build = || Both::build(&pool, kind, keys, &lists, &choice);
        let built = catch_unwind(AssertUnwindSafe(build));
        let Some(mut both) = built.unwrap_or_else(|_| panic!("{}", shown())) else {
            continue;
        };
        tally.stores += 1;
        for (at, all) in [(NOW, &now), (LATER, &later)] {
            let view = both.publish(at);
            let shown = || format!("{}, published at {at}", shown());
            for question in all {
                check(&pool, &view, &both.state, question, &mut tally, shown);
            }
        }
        // The verdicts of one store show the fault.
        if !tally.wrong.is_empty() {
            break;
        }
    }
    tally
}

/// All of them, each on a thread of its own.
fn all(jobs: &[Numbers]) -> Tally {
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let running: Vec<_> = jobs
            .iter()
            .map(|job| scope.spawn(|| enumerate(*job)))
            .collect();
        for job in running {
            tally.add(
                job.join()
                    .unwrap_or_else(|_| panic!("a store was not built")),
            );
        }
    });
    for (kind, (count, first)) in &tally.wrong {
        println!("{count} times {kind}, first in\n{first}\n");
    }
    assert!(tally.wrong.is_empty(), "verdicts that are not the model's");
    tally
}

/// Unoptimised, all of it would take an hour.
const THIN: usize = if cfg!(debug_assertions) { 10 } else { 1 };

const KINDS: [Kind; 4] = [Kind::Plain, Kind::Roles, Kind::Odd, Kind::Broken];

#[test]
fn every_verdict_of_a_small_world_is_that_of_the_slow_model() {
    let jobs = KINDS.map(|kind| Numbers {
        kind,
        bound: Bound::Single,
        first: 0,
        // A prime that no number of choices has: so each choice is met with each other one.
        stride: THIN * 1009,
    });
    let tally = all(&jobs);
    arms::show(&tally);
    arms::compare(&tally, THIN == 1);
}

/// `MUTUAL_TRUST_WORLDS` is `small 1/1`, `single 3/8` or `product 3/8`: the third of eight parts. Together they are all.
#[test]
#[ignore = "takes minutes; the README of this package has the command"]
fn every_verdict_of_a_part_of_the_worlds_is_that_of_the_slow_model() {
    let wanted = env::var("MUTUAL_TRUST_WORLDS").expect("MUTUAL_TRUST_WORLDS, as `single 3/8`");
    let parts = wanted.split_once(' ').and_then(|(bound, part)| {
        let (part, of) = part.split_once('/')?;
        let bound = match bound {
            "small" => Bound::Small,
            "single" => Bound::Single,
            "product" => Bound::Product,
            _ => return None,
        };
        Some((
            bound,
            part.parse::<usize>().ok()?,
            of.parse::<usize>().ok()?,
        ))
    });
    let (bound, part, of) = parts.expect("as `single 3/8`");
    let jobs = KINDS.map(|kind| Numbers {
        kind,
        bound,
        first: part - 1,
        stride: of,
    });
    let tally = all(&jobs);
    println!("part {part} of {of}, {bound:?}");
    arms::show(&tally);
    // A part of a smaller bound reaches fewer arms, and more of them may be reached beyond what the checks take.
}
