//! Each rule of the planner by itself, with the default settings.

use std::time::Duration;

use mutual_trust::ServerId;
use mutual_trust::failover::AttemptOutcome::{
    self, Closed, NotServed, RefusedByPeer, Served, Unreachable,
};
use mutual_trust::failover::{Failover, FailoverSettings, NextAttempt};

use crate::support::server_id;

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn ids(ids: &str) -> Vec<ServerId> {
    ids.split_whitespace().map(server_id).collect()
}

/// A system that asks at its time, without a spread at the start unless one is given.
struct System {
    failover: Failover,
    now: Duration,
    generation: u64,
}

impl System {
    fn new(servers: &str) -> Self {
        Self::with(
            servers,
            FailoverSettings::new()
                .with_boot_spread(Duration::ZERO)
                .unwrap(),
        )
    }

    fn with(servers: &str, settings: FailoverSettings) -> Self {
        Self {
            failover: Failover::new(ids(servers), 7, settings),
            now: seconds(1000),
            generation: 1,
        }
    }

    fn next(&mut self) -> NextAttempt {
        self.failover.next_attempt(self.now, self.generation)
    }

    /// The server that is to be tried now.
    #[track_caller]
    fn tried(&mut self) -> String {
        match self.next() {
            NextAttempt::Now(id) => id.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// How long is to be waited.
    #[track_caller]
    fn wait(&mut self) -> Duration {
        match self.next() {
            NextAttempt::At(then) => then.checked_sub(self.now).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn told(&mut self, server: &str, outcome: AttemptOutcome) {
        self.failover.report(&server_id(server), outcome, self.now);
    }

    /// Tries the next server, which has this outcome.
    #[track_caller]
    fn attempt(&mut self, server: &str, outcome: AttemptOutcome) {
        assert_eq!(self.tried(), server);
        self.told(server, outcome);
    }

    /// Waits until something is to be tried, and returns how long that was.
    fn pass(&mut self) -> Duration {
        let wait = self.wait();
        self.now += wait;
        wait
    }

    fn in_use(&self) -> Option<&str> {
        self.failover.in_use().map(ServerId::as_str)
    }
}

#[test]
fn servers_are_tried_in_their_order_and_no_further_than_one_that_serves() {
    let mut system = System::new("a b c d");
    system.attempt("a", Unreachable);
    system.attempt("b", RefusedByPeer);
    system.attempt("c", Served);
    assert_eq!(system.in_use(), Some("c"));
    // Only the better ones are tried from then on.
    for _ in 0..50 {
        system.pass();
        let tried = system.tried();
        assert!(["a", "b"].contains(&tried.as_str()), "{tried}");
        system.told(&tried, Unreachable);
    }
}

#[test]
fn the_best_server_is_returned_to_and_then_nothing_is_tried() {
    let mut system = System::new("a b");
    system.attempt("a", Unreachable);
    system.attempt("b", Served);
    system.pass();
    system.attempt("a", Served);
    assert_eq!(system.in_use(), Some("a"));
    assert_eq!(system.next(), NextAttempt::NotNeeded);
    // The other one can be used at once when the best is lost.
    system.now += seconds(1000);
    system.told("a", Unreachable);
    assert_eq!(system.in_use(), None);
    system.attempt("b", Served);
}

#[test]
fn the_wait_doubles_with_each_failure_up_to_its_bound_and_has_jitter() {
    let mut system = System::new("a");
    let mut cap = seconds(1);
    for _ in 0..12 {
        system.attempt("a", Unreachable);
        let wait = system.pass();
        assert!(cap / 2 <= wait && wait <= cap, "{wait:?} of {cap:?}");
        cap = (cap * 2).min(seconds(120));
    }
    let waits = |seed| {
        let mut one = Failover::new(ids("a"), seed, FailoverSettings::new());
        one.next_attempt(seconds(0), 1)
    };
    assert_eq!(waits(1), waits(1));
    assert_ne!(waits(1), waits(2));
}

#[test]
fn a_server_that_our_rules_refused_is_tried_again_after_a_long_wait() {
    let mut system = System::new("a");
    for _ in 0..3 {
        system.attempt("a", AttemptOutcome::refused_by_us(1));
        let wait = system.pass();
        assert!(seconds(150) <= wait && wait <= seconds(300), "{wait:?}");
    }
    // Its administrator renewed its certificate: nothing changed here.
    system.attempt("a", Served);
    assert_eq!(system.in_use(), Some("a"));
    let waits = |seed| {
        let settings = FailoverSettings::new().with_boot_spread(Duration::ZERO);
        let mut one = Failover::new(ids("a"), seed, settings.unwrap());
        assert!(matches!(
            one.next_attempt(seconds(0), 1),
            NextAttempt::Now(_)
        ));
        one.report(
            &server_id("a"),
            AttemptOutcome::refused_by_us(1),
            seconds(0),
        );
        one.next_attempt(seconds(0), 1)
    };
    assert_ne!(waits(1), waits(2), "systems are spread");
}

#[test]
fn a_server_that_our_rules_refused_is_tried_at_once_when_trust_changes() {
    let mut system = System::new("a b");
    system.attempt("a", AttemptOutcome::refused_by_us(1));
    system.attempt("b", AttemptOutcome::refused_by_us(1));
    system.now += seconds(10);
    assert!(system.wait() >= seconds(140), "the same trust");
    system.generation = 2;
    system.attempt("a", AttemptOutcome::refused_by_us(2));
    // Trust changed during the attempt: it is made again, but not at once.
    system.attempt("b", AttemptOutcome::refused_by_us(1));
    let wait = system.pass();
    assert!(seconds(1) / 2 <= wait && wait <= seconds(1), "{wait:?}");
    system.attempt("b", Served);
    let wait = system.wait();
    assert!(wait >= seconds(149), "the better one is refused: {wait:?}");
    system.generation = 3;
    system.now += seconds(5);
    system.attempt("a", Served);
}

#[test]
fn a_change_of_the_clock_lets_refusals_be_tried_again_by_its_own_call() {
    let mut system = System::new("a");
    system.attempt("a", AttemptOutcome::refused_by_us(1));
    system.now += seconds(10);
    assert!(system.wait() >= seconds(140));
    system.failover.retry_refused();
    system.attempt("a", Served);
}

#[test]
fn a_refusal_by_the_peer_waits_for_long() {
    let mut system = System::new("a");
    for _ in 0..3 {
        system.attempt("a", RefusedByPeer);
        let wait = system.pass();
        assert!(seconds(150) <= wait && wait <= seconds(300), "{wait:?}");
    }
}

#[test]
fn a_recheck_that_refuses_the_server_in_use_ends_its_use() {
    let mut system = System::new("a b");
    system.attempt("a", Served);
    system.generation = 2;
    system.told("a", AttemptOutcome::refused_by_us(2));
    assert_eq!(system.in_use(), None);
    system.attempt("b", Served);
    system.now += seconds(100);
    assert!(system.wait() >= seconds(50));
}

#[test]
fn a_connection_that_ends_without_a_fault_is_made_again_at_once() {
    let mut system = System::new("a b");
    system.attempt("a", Served);
    system.now += seconds(3600);
    system.told("a", Closed);
    system.attempt("a", Served);
    // A server that closes each connection at once is one that fails.
    system.now += seconds(1);
    system.told("a", Closed);
    system.attempt("b", Served);
    let wait = system.pass();
    assert!(wait >= seconds(1) / 2, "{wait:?}");
    system.attempt("a", Served);
}

#[test]
fn a_server_that_serves_for_a_moment_only_is_not_returned_to_again_and_again() {
    let mut system = System::new("a b");
    let mut switches = 0;
    let end = system.now + seconds(3600);
    while system.now < end {
        match system.next() {
            NextAttempt::Now(id) if id.as_str() == "a" => {
                system.told("a", Served);
                switches += 1;
                system.now += seconds(5);
                system.told("a", Unreachable);
            }
            NextAttempt::Now(id) => system.told(id.as_str(), Served),
            NextAttempt::At(then) => system.now = then,
            other => panic!("{other:?}"),
        }
    }
    // 7 until the wait is the longest one, then at most one a minute.
    assert!((20..=67).contains(&switches), "{switches}");
    // Once it has served for long, its failures are forgotten.
    loop {
        match system.next() {
            NextAttempt::Now(id) if id.as_str() == "a" => break,
            NextAttempt::Now(id) => system.told(id.as_str(), Served),
            NextAttempt::At(then) => system.now = then,
            other => panic!("{other:?}"),
        }
    }
    system.told("a", Served);
    system.now += seconds(121);
    system.told("a", Unreachable);
    system.attempt("b", Served);
    assert!(system.pass() <= seconds(1));
}

#[test]
fn one_attempt_runs_at_a_time_and_one_without_an_outcome_counts_as_failed() {
    let mut system = System::new("a b");
    assert_eq!(system.tried(), "a");
    assert_eq!(system.pass(), seconds(10));
    system.attempt("b", NotServed);
    // What is told late is not counted twice.
    system.told("a", Unreachable);
    let wait = system.wait();
    assert!(wait <= seconds(1), "{wait:?}");
    // Success counts whenever it comes.
    system.told("a", Served);
    assert_eq!(system.in_use(), Some("a"));
}

#[test]
fn systems_that_start_together_are_spread_and_none_waits_longer_than_the_bound() {
    let mut per_second = [0_usize; 5];
    for seed in 0..100 {
        let mut system = Failover::new(ids("a"), seed, FailoverSettings::new());
        let began = seconds(77);
        let first = match system.next_attempt(began, 1) {
            NextAttempt::Now(_) => began,
            NextAttempt::At(then) => then,
            other => panic!("{other:?}"),
        };
        assert!(first <= began + seconds(5));
        let second = (first - began).as_secs().min(4);
        per_second[usize::try_from(second).unwrap()] += 1;
        assert_eq!(
            system.next_attempt(first, 1),
            NextAttempt::Now(server_id("a"))
        );
    }
    assert!(
        per_second.iter().all(|count| *count <= 40),
        "{per_second:?}"
    );
}

#[test]
fn the_budget_is_of_all_servers_together() {
    let settings = FailoverSettings::new()
        .with_boot_spread(Duration::ZERO)
        .and_then(|settings| settings.with_budget(2, seconds(10)))
        .unwrap();
    let mut system = System::with("a b c d", settings);
    system.attempt("a", Unreachable);
    system.attempt("b", Unreachable);
    assert_eq!(system.pass(), seconds(10));
    system.attempt("c", Unreachable);
    assert_eq!(system.pass(), seconds(10));
    system.attempt("d", Served);
}

#[test]
fn attempts_to_get_back_leave_half_of_the_budget() {
    let settings = FailoverSettings::new()
        .with_boot_spread(Duration::ZERO)
        .and_then(|settings| settings.with_budget(4, seconds(1000)))
        .and_then(|settings| settings.with_backoff(seconds(1), seconds(2)))
        .unwrap();
    let mut system = System::with("a b", settings);
    system.now += seconds(10_000);
    system.attempt("a", Unreachable);
    system.attempt("b", Served);
    // Two are left, and both are kept.
    assert!(system.pass() <= seconds(1));
    assert!(system.pass() > seconds(900));
    system.attempt("a", Unreachable);
    system.now += seconds(3);
    system.told("b", Unreachable);
    let started = system.now;
    for _ in 0..2 {
        let tried = loop {
            match system.next() {
                NextAttempt::Now(id) => break id,
                NextAttempt::At(then) => system.now = then,
                other => panic!("{other:?}"),
            }
        };
        system.told(tried.as_str(), Unreachable);
    }
    assert!(
        system.now < started + seconds(5),
        "they are there when they are needed"
    );
}

#[test]
fn servers_come_and_go_and_those_that_stay_keep_what_is_known() {
    let mut system = System::new("a b c");
    system.attempt("a", AttemptOutcome::refused_by_us(1));
    system.attempt("b", Unreachable);
    system.attempt("c", Served);
    system.failover.set_servers(ids("d b a c a"));
    assert_eq!(system.in_use(), Some("c"));
    system.attempt("d", Unreachable);
    let wait = system.pass();
    assert!(wait >= seconds(1) / 2 && wait <= seconds(1), "{wait:?}");
    system.failover.set_servers(ids("a"));
    assert_eq!(system.in_use(), None);
    assert!(
        system.wait() >= seconds(140),
        "the refusal of a is not forgotten"
    );
    system.failover.set_servers([]);
    assert_eq!(system.next(), NextAttempt::NotNeeded);
    // Of servers that are not there, nothing is noted.
    system.told("c", Served);
    assert_eq!(system.in_use(), None);
}

#[test]
fn a_setting_out_of_range_is_an_error() {
    let settings = FailoverSettings::new();
    let (zero, day) = (Duration::ZERO, seconds(24 * 3600));
    assert_eq!(settings, FailoverSettings::default());
    assert!(settings.with_backoff(zero, seconds(1)).is_err());
    assert!(settings.with_backoff(seconds(2), seconds(1)).is_err());
    assert!(settings.with_backoff(seconds(1), day + seconds(1)).is_err());
    assert!(settings.with_backoff(seconds(1), day).is_ok());
    assert!(settings.with_refusal_wait(zero).is_err());
    assert!(settings.with_attempt_timeout(zero).is_err());
    assert!(settings.with_attempt_timeout(day + seconds(1)).is_err());
    assert!(settings.with_boot_spread(seconds(60)).is_ok());
    let error = settings.with_boot_spread(seconds(61)).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("61000") && said.contains("60000"), "{said}");
    assert!(settings.with_budget(0, seconds(1)).is_err());
    assert!(settings.with_budget(10_001, seconds(1)).is_err());
    assert!(settings.with_budget(1, zero).is_err());
}

/// Nothing overflows at the ends of the scale.
#[test]
fn times_at_the_end_of_the_scale_are_no_error() {
    let mut failover = Failover::new(ids("a b"), u64::MAX, FailoverSettings::new());
    for now in [Duration::ZERO, Duration::MAX, Duration::MAX] {
        for _ in 0..5 {
            if let NextAttempt::Now(id) = failover.next_attempt(now, u64::MAX) {
                failover.report(&id, Unreachable, now);
            }
        }
    }
    // A clock that goes back by mistake.
    let _ = failover.next_attempt(seconds(1), 0);
}
