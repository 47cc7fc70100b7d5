//! Runs of the simulated fleet, each from a seed.
//!
//! A few seconds long in `cargo test`. In earnest:
//! `MUTUAL_TRUST_FLEET_SECONDS=600 cargo test --release --package mutual-trust-fleet-simulation -- --nocapture`.
//! `MUTUAL_TRUST_FLEET_SEED=N` plays one run again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::time::{Duration, Instant};

use mutual_trust_fleet_simulation::pool::Pool;
use mutual_trust_fleet_simulation::run::{Counts, play, scratch};

/// How long it plays. Two seconds of twenty are for what is made before.
const SECONDS: u64 = 18;

/// Runs that are played at least, however slow the machine.
const LEAST_RUNS: u64 = 5;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

#[test]
fn every_node_holds_a_published_set_at_every_moment_and_all_converge() {
    let pool = Pool::made();
    let folder = scratch();
    let mut counts = Counts::default();
    let mut playing = |seed: u64| {
        println!("seed {seed}");
        match play(&pool, seed, &folder) {
            Ok(run) => counts.add(&run),
            Err(wrong) => {
                let _ = fs::remove_dir_all(&folder);
                panic!("MUTUAL_TRUST_FLEET_SEED={seed} plays this again: {wrong}");
            }
        }
        counts.runs
    };
    if let Some(seed) = number("MUTUAL_TRUST_FLEET_SEED") {
        playing(seed);
    } else {
        let seconds = number("MUTUAL_TRUST_FLEET_SECONDS").unwrap_or(SECONDS);
        let first = number("MUTUAL_TRUST_FLEET_FIRST").unwrap_or(1);
        let (start, length) = (Instant::now(), Duration::from_secs(seconds));
        for seed in first.. {
            let runs = playing(seed);
            if start.elapsed() >= length && runs >= LEAST_RUNS {
                break;
            }
        }
    }
    let _ = fs::remove_dir_all(&folder);
    println!("{counts:#?}");
}
