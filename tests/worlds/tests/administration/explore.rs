//! Reaches the states of the model, and drives real stores along its paths.

use std::time::Instant;
use std::{env, thread};

use stateright::{Checker, HasDiscoveries, Model};

use crate::real::{Certificates, Machine};
use crate::store::Edit;
use crate::system::{Action, Administration, Fault, System};

/// Unoptimised, there are fewer states and paths.
const THIN: bool = cfg!(debug_assertions);

/// A number of the environment, or what runs otherwise.
fn number(name: &str, otherwise: usize) -> usize {
    let set = env::var(name).ok();
    set.map_or(otherwise, |text| text.parse().expect("it is a number"))
}

#[test]
fn every_interleaving_of_administration_keeps_the_rules() {
    // Initial states have depth 1.
    let depth = number("MUTUAL_TRUST_DEPTH", if THIN { 4 } else { 7 }) + 1;
    let begin = Instant::now();
    let model = Administration { fault: Fault::None };
    let checker = model
        .checker()
        .threads(thread::available_parallelism().map_or(1, Into::into))
        .target_max_depth(depth)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let (all, unique) = (checker.state_count(), checker.unique_state_count());
    println!(
        "{unique} states, {all} steps, up to {} actions, in {:?}",
        depth - 1,
        begin.elapsed()
    );
    checker.assert_properties();
}

/// Each fault is found, by the property of its rule.
#[test]
fn a_fault_in_the_model_breaks_its_property() {
    let faults = [
        (Fault::ChangesStaleCopy, "S4: "),
        (Fault::ClaimEndsWithPin, "P2: "),
        (Fault::JumpRaisesFloor, "M7: "),
    ];
    for (fault, rule) in faults {
        let checker = Administration { fault }
            .checker()
            .target_max_depth(4)
            .finish_when(HasDiscoveries::All)
            .spawn_bfs()
            .join();
        let found = checker.discoveries();
        let mut names = found.keys();
        assert!(
            names.any(|name| name.starts_with(rule)),
            "{fault:?}: {found:?}"
        );
    }
}

/// The next number of a sequence that is the same in every run (Knuth's constants).
fn draw(seed: &mut u64, end: usize) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap() % end
}

/// Takes the steps that `actions` chooses, in the model and on real stores. Returns how many.
fn follow(
    certificates: &Certificates,
    actions: &mut dyn FnMut(&System, Vec<Action>) -> Option<Action>,
) -> u64 {
    let model = Administration { fault: Fault::None };
    let mut machine = Machine::new(certificates);
    let mut system = Administration::start();
    let mut taken = Vec::new();
    machine.compare(&system).unwrap();
    loop {
        let mut possible = Vec::new();
        model.actions(&system, &mut possible);
        let Some(action) = actions(&system, possible) else {
            return taken.len().try_into().unwrap();
        };
        taken.push(action);
        system = model.next_state(&system, action).unwrap();
        machine.act(action);
        if let Err(what) = machine.compare(&system) {
            panic!("after {taken:?}: {what}");
        }
    }
}

#[test]
fn real_stores_take_the_steps_of_the_model() {
    let certificates = Certificates::new();
    let begin = Instant::now();
    let mut steps = 0;
    // Every path of two steps.
    let mut first = 0;
    loop {
        let (mut second, mut ended) = (0, false);
        loop {
            let mut depth = 0;
            let (mut firsts, mut seconds) = (0, 0);
            steps += follow(&certificates, &mut |_, possible| {
                depth += 1;
                match depth {
                    1 => {
                        firsts = possible.len();
                        possible.get(first).copied()
                    }
                    2 => {
                        seconds = possible.len();
                        possible.get(second).copied()
                    }
                    _ => None,
                }
            });
            ended |= first >= firsts;
            second += 1;
            if second >= seconds {
                break;
            }
        }
        first += 1;
        if ended || THIN {
            break;
        }
    }
    let paths = steps / 2;
    // Longer ones, drawn.
    let (walks, length) = (number("MUTUAL_TRUST_WALKS", if THIN { 5 } else { 150 }), 16);
    let mut seed = 1;
    for _ in 0..walks {
        let mut left = length;
        steps += follow(&certificates, &mut |_, possible| {
            left -= 1;
            (left > 0).then(|| possible[draw(&mut seed, possible.len())])
        });
    }
    println!(
        "{paths} paths of two steps and {walks} of {}, {steps} steps, in {:?}",
        length - 1,
        begin.elapsed()
    );
}

/// What the drawn paths seldom do: a server migrates to the end, and a clock jumps.
#[test]
fn real_stores_take_the_steps_of_a_migration() {
    let certificates = Certificates::new();
    let mut steps = [
        Action::Follow,
        Action::Change(0, Edit::InstallPin),
        Action::Change(1, Edit::Migrate),
        Action::Refresh(0),
        Action::Crash(0, Edit::Block),
        Action::Refresh(1),
        Action::Clock(crate::system::CLOCKS[3]),
        Action::Open(0),
        Action::Refresh(1),
        Action::Change(0, Edit::Unblock),
        Action::Clock(crate::system::CLOCKS[2]),
        Action::Change(1, Edit::RemovePin),
        Action::Clock(None),
        Action::Change(0, Edit::Release),
        // A clock that jumps, is confirmed, and was wrong.
        Action::Clock(crate::system::CLOCKS[4]),
        Action::Change(1, Edit::InstallPin),
        Action::Change(1, Edit::ConfirmClock),
        Action::Refresh(0),
        Action::Clock(crate::system::CLOCKS[2]),
        Action::Refresh(1),
        Action::Change(0, Edit::ResetFloor),
    ]
    .into_iter();
    follow(&certificates, &mut |_, _| steps.next());
}
