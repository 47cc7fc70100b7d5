//! An agent over transports that work, fail, lie, hang and panic.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use mutual_trust::admin::bundle::TakeOver;
use mutual_trust::error::{BundleError, MemberError};
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::limits::{
    FIRST_BACKOFF, INTERVAL, LONGEST_BACKOFF, MIN_GAP, REPORT_INTERVAL, SILENCE_LIMIT,
};
use mutual_trust_fleet::{
    Agent, AgentError, AgentStatus, Fetched, NodeReport, Publisher, Tag, Transport, TransportError,
};
use mutual_trust_test_support::folder::Folder as Temporary;

use crate::support::node::{Clock, Node};
use crate::support::published::{DAY, Fleet};

const LIMIT: Duration = Duration::from_secs(120);

/// What a test does in the place of a transport.
type Script = Box<dyn FnMut(Option<&Tag>) -> Result<Fetched, TransportError> + Send>;

struct Scripted {
    fetch: Script,
    clock: Arc<Clock>,
    /// Whether each wait ends early, ends with its time and with news, or fails.
    early: bool,
    late: bool,
    fails: bool,
    fetches: Arc<AtomicUsize>,
    reports: Arc<Mutex<Vec<NodeReport>>>,
    takes_reports: bool,
}

impl Scripted {
    fn new(
        node: &Node,
        fetch: impl FnMut(Option<&Tag>) -> Result<Fetched, TransportError> + Send + 'static,
    ) -> Self {
        Self {
            fetch: Box::new(fetch),
            clock: node.clock.clone(),
            early: false,
            late: false,
            fails: false,
            fetches: Arc::default(),
            reports: Arc::default(),
            takes_reports: true,
        }
    }
}

impl Transport for Scripted {
    fn fetch(&mut self, known: Option<&Tag>) -> Result<Fetched, TransportError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        (self.fetch)(known)
    }

    fn wait(&mut self, at_most: Duration) -> Result<bool, TransportError> {
        if self.fails {
            return Err(down());
        }
        if !self.early {
            self.clock.pass(at_most);
        }
        Ok(self.early || self.late)
    }

    fn report(&mut self, report: &NodeReport) -> Result<(), TransportError> {
        if !self.takes_reports {
            return Err(TransportError::CannotReport {
                at: "here".to_owned(),
                reason: "read only".to_owned(),
            });
        }
        self.reports.lock().unwrap().push(report.clone());
        Ok(())
    }
}

fn down() -> TransportError {
    TransportError::NotPublished {
        at: "there".to_owned(),
    }
}

fn new(bytes: Vec<u8>) -> Result<Fetched, TransportError> {
    let tag = Tag::new(&format!("{}", bytes.len())).unwrap();
    Ok(Fetched::New { bytes, tag })
}

fn applied(done: &Result<TakeOver, AgentError>) -> bool {
    matches!(done, Ok(TakeOver::Applied { .. }))
}

#[test]
fn a_node_follows_a_folder_and_reports() {
    let place = Temporary::new("fleet-agent");
    let fleet = Fleet::new();
    let mut publisher = Folder::new(place.path());
    let mut node = Node::new(&fleet);
    let agent = node.agent(Folder::new(place.path()));
    let mut agent = agent.with_reports("array-7".parse().unwrap());
    assert!(matches!(
        agent.step().done,
        Err(AgentError::Transport(TransportError::NotPublished { .. }))
    ));
    let reported = publisher.nodes().unwrap().reports;
    assert_eq!((reported.len(), reported[0].sequence()), (1, None));

    let first = publisher.publish(&fleet.publication(1), None).unwrap();
    assert!(applied(&agent.step().done));
    assert_eq!(node.entries(), 1);
    assert!(matches!(agent.step().done, Ok(TakeOver::Unchanged)));
    publisher
        .publish(&fleet.publication(3), Some(&first))
        .unwrap();
    assert!(applied(&agent.step().done));
    assert_eq!(node.entries(), 3);

    let reported = publisher.nodes().unwrap().reports;
    let state = agent.member().state();
    let store = node.store.lock().unwrap();
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].node().as_str(), "array-7");
    assert_eq!(reported[0].sequence(), Some(3));
    assert_eq!(
        reported[0].digest(),
        state.newest.map(|newest| newest.digest)
    );
    assert!(reported[0].is_applied());
    assert_eq!(reported[0].keys_version(), 1);
    assert_eq!(
        reported[0].generation(),
        Some(store.contents().generation())
    );
    assert_eq!(reported[0].fault(), None);
    assert!(agent.handle().health().is_good());
}

/// Nodes that start together do not ask together. Until the first fetch, the health says so.
#[test]
fn an_agent_that_runs_says_that_it_has_not_asked_yet() {
    let (fleet, place) = (Fleet::new(), Temporary::new("fleet-agent-asked"));
    let mut node = Node::new(&fleet);
    let mut agent = node.agent(Folder::new(place.path()));
    let handle = agent.handle();
    let said = || {
        let health = handle.health();
        let is_said = health.to_string().contains("not asked yet");
        assert_eq!(is_said, !health.was_asked, "{health}");
        is_said
    };
    assert!(said());
    // Also an attempt that fails is one.
    let step = agent.step();
    assert!(step.done.is_err());
    assert!(!said());
}

#[test]
fn a_refused_publication_changes_nothing_and_is_asked_for_again() {
    let fleet = Fleet::new();
    let stolen = Fleet::new();
    let mut node = Node::new(&fleet);
    let good = fleet.publication(2);
    let offered = Arc::new(Mutex::new(good.clone()));
    let offer = offered.clone();
    let known_last = Arc::new(Mutex::new(None));
    let knew = known_last.clone();
    let transport = Scripted::new(&node, move |known| {
        *knew.lock().unwrap() = known.cloned();
        let offered = offer.lock().unwrap().clone();
        match (new(offered), known) {
            (Ok(Fetched::New { tag, .. }), Some(known)) if tag == *known => Ok(Fetched::Unchanged),
            (fetched, _) => fetched,
        }
    });
    let reports = transport.reports.clone();
    let mut agent = node.agent(transport).with_reports("a".parse().unwrap());
    assert!(applied(&agent.step().done));
    for bad in [
        stolen.publication(3),
        fleet.publication(1),
        b"<html>".to_vec(),
        Vec::new(),
        good[..good.len() - 9].to_vec(),
    ] {
        *offered.lock().unwrap() = bad;
        for _ in 0..2 {
            let done = agent.step().done;
            assert!(
                matches!(done, Err(AgentError::Member(MemberError::Bundle(_)))),
                "{done:?}"
            );
            assert_eq!(node.entries(), 2);
        }
        // Not a word that the node has it.
        assert_eq!(*known_last.lock().unwrap(), None);
        assert!(!node.health().is_good());
        assert!(reports.lock().unwrap().last().unwrap().fault().is_some());
    }
    *offered.lock().unwrap() = good;
    assert!(matches!(agent.step().done, Ok(TakeOver::Unchanged)));
    assert!(node.health().is_good(), "{}", node.health());
    assert_eq!(reports.lock().unwrap().last().unwrap().fault(), None);
}

#[test]
fn waits_are_random_and_grow_with_failures_up_to_a_bound() {
    let fleet = Fleet::new();
    let mut pauses = Vec::new();
    let mut node = Node::new(&fleet);
    let works = Arc::new(Mutex::new(false));
    let working = works.clone();
    let publication = fleet.publication(1);
    let transport = Scripted::new(&node, move |_| match *working.lock().unwrap() {
        true => new(publication.clone()),
        false => Err(down()),
    });
    let mut agent = node.agent(transport);
    for number in 0..40_u32 {
        let pause = agent.step().pause;
        let most = FIRST_BACKOFF * 2_u32.pow(number.min(20));
        let most = most.min(LONGEST_BACKOFF);
        assert!(
            pause >= most / 2 && pause <= most + most / 2,
            "{number}: {pause:?}"
        );
        pauses.push(pause);
    }
    let last: std::collections::BTreeSet<_> = pauses.iter().skip(10).collect();
    assert!(last.len() > 20, "{last:?}");
    assert_eq!(agent.handle().health().failures, 40);
    *works.lock().unwrap() = true;
    let good: std::collections::BTreeSet<_> = (0..40).map(|_| agent.step().pause).collect();
    assert!(good.len() > 20);
    assert!(
        good.iter()
            .all(|pause| *pause >= INTERVAL / 2 && *pause <= INTERVAL)
    );
    assert_eq!(agent.handle().health().failures, 0);
    *works.lock().unwrap() = false;
    assert!(agent.step().pause <= FIRST_BACKOFF * 2);
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let asked = Duration::from_secs(1000);
    let transport = Scripted::new(&node, move |_| {
        Err(TransportError::Unavailable {
            at: "there".to_owned(),
            reason: "busy".to_owned(),
            retry_after: Some(asked),
        })
    });
    let mut agent = node.agent(transport);
    let pauses: std::collections::BTreeSet<_> = (0..10).map(|_| agent.step().pause).collect();
    assert!(pauses.iter().all(|pause| *pause >= asked), "{pauses:?}");
    // And not all nodes at the same moment.
    assert!(pauses.len() > 5);
}

#[test]
fn a_silence_shows_in_both_healths_and_ends() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let works = Arc::new(Mutex::new(true));
    let working = works.clone();
    let transport = Scripted::new(&node, move |known| match *working.lock().unwrap() {
        true if known.is_some() => Ok(Fetched::Unchanged),
        true => new(publication.clone()),
        false => Err(down()),
    });
    let mut agent = node.agent(transport);
    let handle = agent.handle();
    let _ = agent.step();
    *works.lock().unwrap() = false;
    node.clock.pass(SILENCE_LIMIT - Duration::from_secs(1));
    let _ = agent.step();
    // One failure needs no attention.
    assert!(handle.health().is_good() && node.health().is_good());
    node.clock.pass(Duration::from_secs(2));
    // Also without a step: an agent that hangs.
    assert!(!handle.health().is_good());
    let _ = agent.step();
    let shown = node.health().to_string();
    assert!(
        shown.contains("nothing was heard from the publisher for 901 s: nothing is"),
        "{shown}"
    );
    assert!(!node.health().is_good());
    assert!(
        handle.health().to_string().contains("2 failures in a row"),
        "{}",
        handle.health()
    );
    assert_eq!(node.entries(), 1);
    *works.lock().unwrap() = true;
    let _ = agent.step();
    assert!(
        handle.health().is_good() && node.health().is_good(),
        "{}",
        node.health()
    );
}

/// An answer that says that nothing changed is none to a node that knows nothing.
#[test]
fn nothing_changed_is_no_answer_to_a_node_that_knows_nothing() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let transport = Scripted::new(&node, |_| Ok(Fetched::Unchanged));
    let mut agent = node.agent(transport);
    let done = agent.step().done;
    assert!(
        matches!(
            done,
            Err(AgentError::Transport(TransportError::Unexpected { .. }))
        ),
        "{done:?}"
    );
    node.clock.pass(SILENCE_LIMIT * 2);
    let _ = agent.step();
    assert!(!agent.handle().health().is_good());
}

#[test]
fn a_set_past_its_end_stays_and_shows() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let transport = Scripted::new(&node, move |known| match known {
        Some(_) => Ok(Fetched::Unchanged),
        None => new(publication.clone()),
    });
    let reports = transport.reports.clone();
    let mut agent = node.agent(transport).with_reports("a".parse().unwrap());
    let _ = agent.step();
    assert!(!agent.handle().health().is_past_end);
    node.clock.pass(Duration::from_secs(31 * DAY));
    assert!(agent.handle().health().is_past_end);
    let _ = agent.step();
    assert!(!agent.handle().health().is_good() && !node.health().is_good());
    assert!(agent.handle().health().to_string().contains("ended at"));
    assert_eq!(node.entries(), 1);
    let reports = reports.lock().unwrap();
    assert_eq!(
        reports.last().unwrap().fault(),
        Some("the set is past its end")
    );
}

#[test]
fn reports_are_sent_on_a_change_and_from_time_to_time() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let transport = Scripted::new(&node, move |known| match known {
        Some(_) => Ok(Fetched::Unchanged),
        None => new(publication.clone()),
    });
    let reports = transport.reports.clone();
    let mut agent = node.agent(transport).with_reports("a".parse().unwrap());
    for _ in 0..5 {
        node.clock.pass(Duration::from_secs(1));
        let _ = agent.step();
    }
    assert_eq!(reports.lock().unwrap().len(), 1);
    node.clock.pass(REPORT_INTERVAL);
    let _ = agent.step();
    assert_eq!(reports.lock().unwrap().len(), 2);
}

#[test]
fn a_transport_without_reports_is_no_fault_of_the_trust_set() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let mut transport = Scripted::new(&node, move |_| new(publication.clone()));
    transport.takes_reports = false;
    let mut agent = node.agent(transport).with_reports("a".parse().unwrap());
    let _ = agent.step();
    let health = agent.handle().health();
    assert!(health.is_good() && node.health().is_good());
    assert!(
        health
            .report_fault
            .as_deref()
            .unwrap()
            .contains("read only")
    );
}

/// Runs an agent in simulated time until so many fetches, and says how long that took.
fn run_until(agent: &mut Agent<Scripted>, node: &Node, fetches: usize) -> Duration {
    let counter = agent.transport().fetches.clone();
    let handle = agent.handle();
    let before = node.clock.passed();
    let stop = handle.clone();
    let take = core::mem::replace(&mut agent.transport().fetch, Box::new(|_| Err(down())));
    let mut take = take;
    agent.transport().fetch = Box::new(move |known| {
        if counter.load(Ordering::SeqCst) >= fetches {
            stop.stop();
        }
        take(known)
    });
    agent.run();
    assert_eq!(handle.health().status, AgentStatus::Stopped);
    node.clock.passed() - before
}

#[test]
fn a_transport_that_says_always_that_something_is_new_is_not_asked_without_a_pause() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let mut transport = Scripted::new(&node, move |_| new(publication.clone()));
    transport.early = true;
    let mut agent = node.agent(transport);
    let took = run_until(&mut agent, &node, 100);
    assert!(took >= MIN_GAP * 99, "{took:?}");
    // It is asked at once otherwise.
    assert!(took < INTERVAL, "{took:?}");
}

#[test]
fn news_at_the_end_of_a_step_are_not_lost() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let mut transport = Scripted::new(&node, move |_| new(publication.clone()));
    transport.late = true;
    let mut agent = node.agent(transport);
    let took = run_until(&mut agent, &node, 20);
    assert!(took < INTERVAL / 2, "{took:?}");
}

#[test]
fn a_transport_that_cannot_tell_is_asked_at_the_interval() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let mut transport = Scripted::new(&node, move |_| new(publication.clone()));
    transport.fails = true;
    let mut agent = node.agent(transport);
    let took = run_until(&mut agent, &node, 20);
    assert!(
        took >= INTERVAL / 2 * 19 && took <= INTERVAL * 21,
        "{took:?}"
    );
}

/// A program that needs the newest set before it starts the loop does not ask twice within seconds.
#[test]
fn a_step_before_the_loop_is_its_first() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let transport = Scripted::new(&node, move |_| new(publication.clone()));
    let mut agent = node.agent(transport);
    let _ = agent.step();
    let took = run_until(&mut agent, &node, 2);
    assert!(took >= INTERVAL / 2, "{took:?}");
}

#[test]
fn one_seed_gives_one_run() {
    let fleet = Fleet::new();
    let publication = fleet.publication(1);
    let run = || {
        let mut node = Node::new(&fleet);
        let publication = publication.clone();
        let mut count = 0;
        let transport = Scripted::new(&node, move |_| {
            count += 1;
            if count % 3 == 0 {
                new(publication.clone())
            } else {
                Err(down())
            }
        });
        let mut agent = node.agent(transport);
        run_until(&mut agent, &node, 30)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_stop_ends_a_wait_and_a_change_too() {
    let place = Temporary::new("fleet-agent-stop");
    let fleet = Fleet::new();
    let mut publisher = Folder::new(place.path());
    let first = publisher.publish(&fleet.publication(1), None).unwrap();
    let mut node = Node::new(&fleet);
    let (told, steps) = mpsc::channel();
    let agent = node.agent_in_real_time(Folder::new(place.path()));
    let agent = agent.with_interval(Duration::from_secs(DAY)).unwrap();
    let agent = agent.with_handler(move |done| {
        let _ = told.send(applied(done));
    });
    let (handle, thread) = agent.spawn().unwrap();
    assert!(steps.recv_timeout(LIMIT).unwrap());
    assert_eq!(handle.health().status, AgentStatus::Running);
    publisher
        .publish(&fleet.publication(2), Some(&first))
        .unwrap();
    let start = Instant::now();
    assert!(steps.recv_timeout(LIMIT).unwrap());
    assert_eq!(node.entries(), 2);
    // It waits by now, for a day.
    std::thread::sleep(Duration::from_millis(500));
    handle.stop();
    let _agent = thread.join().unwrap();
    assert!(start.elapsed() < LIMIT);
    assert_eq!(handle.health().status, AgentStatus::Stopped);
    assert!(!handle.health().is_good());
}

#[test]
fn a_panic_is_seen() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let transport = Scripted::new(&node, |_| panic!("out of luck"));
    let agent = node.agent(transport);
    let (handle, thread) = agent.spawn().unwrap();
    assert!(thread.join().is_err());
    let health = handle.health();
    assert_eq!(
        health.status,
        AgentStatus::Panicked("out of luck".to_owned())
    );
    assert!(
        !health.is_good() && health.to_string().contains("out of luck"),
        "{health}"
    );
    assert!(!node.health().is_good());
    assert!(
        node.health().to_string().contains("out of luck"),
        "{}",
        node.health()
    );
}

#[test]
fn a_transport_that_hangs_is_seen() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let (go, wait) = mpsc::channel::<()>();
    let transport = Scripted::new(&node, move |_| {
        let _ = wait.recv();
        Err(down())
    });
    let agent = node.agent(transport);
    let (handle, thread) = agent.spawn().unwrap();
    node.clock.pass(SILENCE_LIMIT * 2);
    assert!(!handle.health().is_good());
    // The lock of the store is free meanwhile.
    assert_eq!(node.entries(), 0);
    handle.stop();
    drop(go);
    thread.join().unwrap();
}

#[test]
fn a_program_that_keeps_its_store_is_told() {
    let fleet = Fleet::new();
    let node = Node::new(&fleet);
    let publication = fleet.publication(1);
    let transport = Scripted::new(&node, move |_| new(publication.clone()));
    let mut other = Node::new(&fleet);
    let member = other.agent(Folder::new("unused"));
    drop(member);
    let mut store = node.store.lock().unwrap();
    let fleet_id = "prod".parse().unwrap();
    let member = mutual_trust::admin::bundle::FleetMember::open(&mut store, &fleet_id).unwrap();
    drop(store);
    let mut agent = Agent::with_access(transport, member, |_| {});
    assert!(matches!(agent.step().done, Err(AgentError::NoStore)));
    assert_eq!(node.entries(), 0);
}

/// A publication that is refused for the clock is good when the clock is set.
#[test]
fn what_is_not_made_yet_is_taken_over_later() {
    let fleet = Fleet::new();
    let mut node = Node::new(&fleet);
    let late = fleet.publication_made(1, 10 * DAY);
    let transport = Scripted::new(&node, move |known| match known {
        Some(_) => Ok(Fetched::Unchanged),
        None => new(late.clone()),
    });
    let mut agent = node.agent(transport);
    let done = agent.step().done;
    assert!(
        matches!(
            done,
            Err(AgentError::Member(MemberError::Bundle(
                BundleError::NotYetMade { .. }
            )))
        ),
        "{done:?}"
    );
    node.clock.pass(Duration::from_secs(11 * DAY));
    assert!(agent.step().done.is_ok());
}
