//! Every world of a few servers and epochs: each server in each state in each epoch, with and without changes of trust.

use std::time::Duration;

use crate::failover::world::{ALL, Epoch, Is, Numbers, Run};

fn numbers() -> Numbers {
    let seconds = Duration::from_secs;
    Numbers {
        first: seconds(1),
        longest: seconds(4),
        refusal: seconds(6),
        timeout: seconds(2),
        spread: seconds(1),
        budget: 3,
        refill: seconds(2),
    }
}

/// The states of all servers in one epoch, by a number.
fn states(servers: usize, kinds: &[Is], mut number: usize) -> Vec<Is> {
    let states = (0..servers).map(|_| {
        let is = kinds[number % kinds.len()];
        number /= kinds.len();
        is
    });
    states.collect()
}

/// Runs all worlds, and returns how many there were and how many attempts.
fn all(servers: usize, epochs: usize, kinds: &[Is], lasts: Duration) -> (usize, usize) {
    let numbers = numbers();
    let per_epoch = kinds.len().pow(u32::try_from(servers).unwrap());
    let worlds = per_epoch.pow(u32::try_from(epochs).unwrap());
    let changes = 1 << (epochs - 1);
    let mut attempts = 0;
    for world in 0..worlds * changes {
        let (mut of, flags) = (world / changes, world % changes);
        let made = (0..epochs).map(|at| {
            let servers = states(servers, kinds, of % per_epoch);
            of /= per_epoch;
            Epoch {
                servers,
                lasts,
                trust_changes: at > 0 && flags >> (at - 1) & 1 == 1,
            }
        });
        let made: Vec<Epoch> = made.collect();
        let mut run = Run::new(&made, numbers, u64::try_from(world).unwrap());
        if let Err(what) = run.check() {
            panic!("{what}\nin {made:#?}");
        }
        attempts += run.count();
    }
    (worlds * changes, attempts)
}

/// Epochs that are longer than the bound: at the end of each, the best server that can be in use is.
#[test]
fn in_every_small_world_the_best_server_is_reached_within_the_bound() {
    let bound = numbers().bound(4) + Duration::from_secs(1);
    let without_down = [Is::Good, Is::Silent, Is::RefusedByUs, Is::RefusesUs];
    for (servers, epochs, kinds) in [
        (1, 3, &ALL[..]),
        (2, 2, &ALL[..]),
        (2, 3, &without_down[..]),
        (3, 2, &without_down[..]),
        (4, 1, &ALL[..]),
    ] {
        let (worlds, attempts) = all(servers, epochs, kinds, bound);
        assert!(attempts > worlds, "{worlds} worlds, {attempts} attempts");
    }
}

/// Epochs that end in the middle of waits: budget, refusals and spacing hold whatever comes when.
#[test]
fn in_every_small_world_that_changes_quickly_the_budget_and_the_waits_hold() {
    let kinds = [Is::Good, Is::Silent, Is::RefusedByUs];
    for (servers, epochs, lasts) in [(2, 4, 1_300), (3, 2, 2_900), (2, 4, 3_700)] {
        let (worlds, _) = all(servers, epochs, &kinds, Duration::from_millis(lasts));
        assert!(worlds > 1_000);
    }
}
