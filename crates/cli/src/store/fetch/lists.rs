//! The follower of the fleet's crate, with the store and the output of the command.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use mutual_trust::admin::DurableStore;
use mutual_trust::certificate::Crl;
use mutual_trust::store::CrlIssuer;
use mutual_trust_fleet::lists::{CrlSource, ListFollower, ListHandle, ListHealth};

use super::FetchArguments;
use crate::fingerprints;
use crate::json::{FetchedList, ListsFetched, ListsState};
use crate::nodes::Reach;
use crate::output::{self, Failure, Outcome};
use crate::passphrase::PassphraseArguments;
use crate::store::make::Common;

/// How often the state of what is followed is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Fetches once, or until the end.
pub(super) fn run(
    common: &Common,
    arguments: &FetchArguments,
    as_json: bool,
) -> Result<Outcome, Failure> {
    let begin = Instant::now();
    let store = common.open()?;
    let link = common.link(&arguments.link);
    let sources = sources(arguments, &Reach::of_node(&link, store.live()))?;
    let before = store.contents().generation();
    let store = Arc::new(Mutex::new(store));
    let mut follower = ListFollower::new(sources, store.clone())?;
    let watched = Watched {
        store,
        handle: follower.handle(),
    };
    // At once. What is fetched after that is not due before its time.
    let _ = follower.step();
    if arguments.follow {
        let end = arguments.seconds.map(Duration::from_secs);
        watched.follow(follower, begin, end, as_json)?;
    }
    let health = watched.handle.health();
    let state = watched.state(&health);
    let changed = state.generation != before;
    let mut lines: Vec<String> = health.iter().map(ToString::to_string).collect();
    lines.push(match changed {
        true => format!("changed (generation {})", state.generation),
        false => format!("nothing changed (generation {})", state.generation),
    });
    let refused = refusal(&health).map(str::to_owned);
    let fetched = ListsFetched { changed, state };
    let mut outcome = Outcome::of(lines.join("\n"), &fetched).or_refused(refused);
    // A reader of events takes a line for each.
    outcome.in_one_line = arguments.follow;
    Ok(outcome)
}

/// What the addresses have now.
pub(super) fn planned(arguments: &FetchArguments) -> Result<Vec<Crl>, Failure> {
    let passphrases = PassphraseArguments::from(None);
    let link = arguments.link.with_passphrases(passphrases);
    let mut all = Vec::new();
    for source in sources(arguments, &Reach::new(&link))? {
        all.extend(source.lists()?);
    }
    Ok(all)
}

/// The addresses with their issuers.
fn sources(arguments: &FetchArguments, reach: &Reach<'_>) -> Result<Vec<CrlSource>, Failure> {
    let mut all = Vec::new();
    for (address, files) in arguments.addresses() {
        let issuers = files
            .iter()
            .map(|file| Ok(CrlIssuer::of(&fingerprints::certificate(file)?)));
        let issuers = issuers.collect::<Result<Vec<_>, Failure>>()?;
        all.push(match address.starts_with("https://") {
            true => CrlSource::https(address, issuers, reach.connector()?)?,
            false => CrlSource::http(address, issuers)?,
        });
    }
    Ok(all)
}

/// What is followed.
struct Watched {
    store: Arc<Mutex<DurableStore>>,
    handle: ListHandle,
}

impl Watched {
    fn store(&self) -> MutexGuard<'_, DurableStore> {
        // A panic elsewhere leaves a store that is good: it changes by whole changes.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, health: &[ListHealth]) -> ListsState {
        ListsState {
            generation: self.store().contents().generation(),
            good: refusal(health).is_none(),
            lists: health.iter().map(list).collect(),
        }
    }

    /// Runs the follower, and prints the state when it changes.
    fn follow(
        &self,
        follower: ListFollower,
        begin: Instant,
        end: Option<Duration>,
        as_json: bool,
    ) -> Result<(), Failure> {
        let (_, thread) = follower.spawn()?;
        let mut last = None;
        while !thread.is_finished() {
            let health = self.handle.health();
            let state = self.state(&health);
            let now = (
                state.generation,
                health.iter().map(told).collect::<Vec<_>>(),
            );
            if last.as_ref() != Some(&now) {
                let lines: Vec<String> = health.iter().map(ToString::to_string).collect();
                // The reader of the output may have gone. What it followed is followed all the same.
                let _ = output::print_event(&lines.join("\n"), &state, as_json);
                last = Some(now);
            }
            let left = end.map(|end| end.saturating_sub(begin.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            thread::sleep(left.map_or(LOOK, |left| left.min(LOOK)));
        }
        self.handle.stop();
        let ended = |_| Failure::new("crl/FollowerEnded", "the lists are not followed any more");
        thread.join().map_err(ended)?;
        Ok(())
    }
}

/// What of a state is worth a line. That an address was asked again is not.
fn told(health: &ListHealth) -> (bool, Option<String>, Option<String>) {
    let until = health.next_update.map(|until| until.to_string());
    (health.is_good(), until, health.fault.clone())
}

/// Why a timer or a script must tell an operator, the most urgent first.
fn refusal(all: &[ListHealth]) -> Option<&'static str> {
    let has = |what: fn(&ListHealth) -> bool| all.iter().any(what);
    if has(|one| one.is_past_end) {
        return Some("ListEnded");
    }
    if has(|one| one.fault.is_some()) {
        return Some("ListNotFetched");
    }
    has(|one| one.ends_soon).then_some("ListEndsSoon")
}

fn list(health: &ListHealth) -> FetchedList {
    FetchedList {
        address: health.address.clone(),
        good: health.is_good() && health.fault.is_none(),
        until: health.next_update.map(|until| until.to_string()),
        ended: health.is_past_end,
        ends_soon: health.ends_soon,
        fetched: health.last_success.map(|time| time.to_string()),
        failures: health.failures,
        error: health.fault.clone(),
    }
}
