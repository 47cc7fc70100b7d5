//! How many cases random tests try, and which.

use proptest::test_runner::{Config, RngSeed};

/// Cases of a test: the same in every run unless the environment says otherwise.
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
