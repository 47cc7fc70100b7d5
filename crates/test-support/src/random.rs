//! The configuration of random tests.

use proptest::test_runner::{Config, RngSeed};

/// The same `cases` in every run, unless the environment sets another number or seed.
pub fn config(cases: u32) -> Config {
    let given = |name: &str| std::env::var_os(name).is_some();
    let mut config = Config::default();
    if !given("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !given("PROPTEST_MAX_SHRINK_ITERS") {
        config.max_shrink_iters = 2_000;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(20_270_101);
    }
    config.failure_persistence = None;
    config
}
