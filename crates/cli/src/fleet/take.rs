//! Taking publications over: once, or as they come.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use clap::Args;
use mutual_trust::admin::bundle::{MemberState, Merged, TakeOver};
use mutual_trust::admin::{DurableStore, Effect, Peer};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::error::MemberError;
use mutual_trust::store::Truncated;
use mutual_trust_fleet::{Agent, AgentError, NodeName, Transport};

use super::node::{self, Which};
use super::publish::code;
use super::words;
use crate::facts::{bounded, entry_key};
use crate::json::{Bounded, FleetTaken};
use crate::nodes::{Carrier, LinkArguments, Place, Reach};
use crate::output::{self, Failure, Outcome, shown};
use crate::store::Guard;
use crate::trust::PolicyArguments;
use crate::{nodes, ours, plain};

/// Where publications are, and what becomes of them.
#[derive(Args, Debug)]
struct From {
    /// Where publications are: a file, a folder, or an address
    #[arg(value_name = "FILE|FOLDER|ADDRESS")]
    from: Place,
    /// The name under which this node reports; without it, the name of the machine
    #[arg(long, value_name = "NAME")]
    node: Option<NodeName>,
    /// What becomes of a bundle after which a peer that is accepted now would be refused, or may be
    // The default, as for followed files: what is taken away was taken away on purpose.
    #[arg(long, value_enum, default_value_t = Guard::Report)]
    guard: Guard,
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    link: LinkArguments,
}

/// One take-over.
#[derive(Args, Debug)]
#[command(after_help = CODES)]
pub(super) struct Take {
    #[command(flatten)]
    from: From,
}

/// Take-overs as publications come.
#[derive(Args, Debug)]
#[command(after_help = CODES)]
pub(super) struct Follow {
    #[command(flatten)]
    from: From,
    /// Look at least every so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
}

const CODES: &str = "\
A node takes what its key set signed, and nothing older than it holds. What was installed here stays.

Exit codes: 0 the store has the newest bundle. 1 the publication is refused, and nothing changed: the code says why
(SequenceBelow, TooFewSignatures, Expired, OtherFleet, …); the bundle is held, since it would lock a peer out (LocksOut); it is
applied, and that locked a peer out (LockedOut); or a name of it belongs to another server here (NameConflict). 2 failed.";

/// A node that takes publications over.
struct Node {
    agent: Agent<Carrier>,
    store: Arc<Mutex<DurableStore>>,
}

impl From {
    fn open(&self) -> Result<Node, Failure> {
        let mut store = self.which.open()?;
        let member = self.which.member(&mut store)?;
        let policy = self.policy.policy(ours::keys());
        let carrier = self
            .from
            .carrier(&Reach::of_node(&self.link, store.live()))?;
        let store = Arc::new(Mutex::new(store));
        let member = member.with_guard(self.guard.into(), policy);
        let agent = Agent::new(carrier, member, store.clone());
        let name = match &self.node {
            Some(name) => name.clone(),
            None => machine()?,
        };
        let agent = match self.from.is_file() {
            true => agent,
            false => agent.with_reports(name),
        };
        Ok(Node { agent, store })
    }
}

/// The name of the machine.
fn machine() -> Result<NodeName, Failure> {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    name.parse().map_err(|_| {
        let text = format!(
            "the name of the machine, {}, is none of a node: give one with --node",
            plain::line(&name)
        );
        Failure::new("usage", text)
    })
}

/// What became of a publication.
struct Taken {
    text: String,
    fact: FleetTaken,
    code: Option<String>,
    /// Why nothing was fetched.
    failed: Option<Failure>,
}

impl Node {
    fn generation(&self) -> u64 {
        // A panic elsewhere leaves a store that is good: it changes by whole changes.
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.contents().generation()
    }

    /// Fetches the newest publication, takes it over, and reports. Gives back when to do so again.
    fn step(&mut self) -> Result<(Taken, Duration), Failure> {
        let before = self.generation();
        let step = self.agent.step();
        let after = self.generation();
        let state = self.agent.member().state();
        let mut taken = Taken {
            text: String::new(),
            fact: FleetTaken {
                changed: before != after,
                generation: after,
                state: node::state_fact(&state, None),
                came: Bounded::none(),
                gone: Bounded::none(),
                lost: Bounded::none(),
                at_risk: Bounded::none(),
                notices: Bounded::none(),
            },
            code: None,
            failed: None,
        };
        match step.done {
            Ok(done) => taken.done(&done),
            Err(AgentError::Member(error)) => taken.refused(error)?,
            Err(AgentError::Transport(error)) => {
                let failure = Failure::from(error);
                taken.line(failure.message());
                taken.fact.state.fault = Some(failure.message().to_owned());
                taken.failed = Some(failure);
            }
            Err(error) => return Err(Failure::new("fleet/NoStore", error.to_string())),
        }
        taken.rest(&state);
        Ok((taken, step.pause))
    }

    /// Why the last report did not arrive.
    fn unreported(&self) -> Option<String> {
        let why = self.agent.handle().health().report_fault?;
        Some(format!("warning: nothing is reported: {why}"))
    }
}

impl Taken {
    fn line(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }

    fn done(&mut self, done: &TakeOver) {
        match done {
            TakeOver::Applied {
                merged, effects, ..
            } => {
                self.merged(merged);
                let words = ["locked out", "at risk"];
                let peer = |effect: &Effect| effect.peer.clone();
                self.peers(effects.lost(), effects.at_risk(), peer, words);
                let is_locked_out = effects.all_lost().next().is_some();
                self.code = is_locked_out.then(|| String::from("LockedOut"));
            }
            TakeOver::Held {
                lost,
                at_risk,
                merged,
                ..
            } => {
                self.line(
                    "held: it would lock a peer out, and --guard refuse keeps what is installed",
                );
                self.merged(merged);
                let words = ["would lock out", "would put at risk"];
                self.peers(lost, at_risk, Peer::clone, words);
                self.code = Some(String::from("LocksOut"));
            }
            TakeOver::Unchanged | _ => self.line("the store has what the newest bundle says"),
        }
    }

    fn merged(&mut self, merged: &Merged) {
        self.line(&shown(merged));
        self.fact.came = bounded(&merged.came, entry_key);
        self.fact.gone = bounded(&merged.gone, entry_key);
        self.fact.notices = bounded(&merged.notices, ToString::to_string);
    }

    fn peers<T>(
        &mut self,
        lost: &Truncated<T>,
        at_risk: &Truncated<T>,
        peer: impl Fn(&T) -> Peer,
        words: [&str; 2],
    ) {
        for (word, found) in words.into_iter().zip([lost, at_risk]) {
            for line in words::peers(word, found, &peer) {
                self.line(&line);
            }
        }
        self.fact.lost = bounded(lost, |one| peer(one).to_string());
        self.fact.at_risk = bounded(at_risk, |one| peer(one).to_string());
    }

    /// What is wrong with what the node holds, if nothing else is.
    fn rest(&mut self, state: &MemberState) {
        match (&self.code, nodes::fault(state, SystemClock::new().now())) {
            (None, Some((code, text))) if self.failed.is_none() => {
                self.line(&format!("warning: {text}"));
                self.code = Some(code.to_owned());
                self.fact.state.fault = Some(text);
            }
            (Some(code), _) if self.fact.state.fault.is_none() => {
                self.fact.state.fault = Some(code.clone());
            }
            _ => {}
        }
    }

    /// A publication that is refused is a result. What the store or the disk refuses is a failure.
    fn refused(&mut self, error: MemberError) -> Result<(), Failure> {
        let is_conflict = matches!(error, MemberError::Conflict(_));
        let is_refusal = is_conflict || matches!(error, MemberError::Bundle(_));
        let failure = Failure::from(error);
        if !is_refusal {
            return Err(failure);
        }
        self.line(&format!("refused: {}", failure.message()));
        self.fact.state.fault = Some(failure.message().to_owned());
        self.code = Some(match is_conflict {
            true => String::from("NameConflict"),
            false => code(&failure),
        });
        Ok(())
    }

    fn outcome(mut self) -> Outcome {
        let state = &self.fact.state;
        let held = match state.sequence {
            Some(sequence) => format!("bundle {sequence}"),
            None => String::from("no bundle yet"),
        };
        let line = format!(
            "fleet {}: {held}; generation {}",
            state.fleet, self.fact.generation
        );
        self.line(&line);
        let mut outcome = Outcome::of(self.text, &self.fact).or_refused(self.code);
        outcome.failed = self.failed;
        outcome
    }
}

/// Takes the newest publication over.
pub(super) fn take(arguments: &Take) -> Result<Outcome, Failure> {
    let mut node = arguments.from.open()?;
    let (taken, _) = node.step()?;
    let mut outcome = taken.outcome();
    outcome.aside = node.unreported();
    Ok(outcome)
}

/// Takes publications over as they come, and prints the state when it changes.
pub(super) fn follow(arguments: &Follow, as_json: bool) -> Result<Outcome, Failure> {
    let mut node = arguments.from.open()?;
    let every = Duration::from_secs(arguments.every);
    node.agent = node.agent.with_interval(every)?;
    let end = arguments.seconds.map(Duration::from_secs);
    let begin = Instant::now();
    let mut last = None;
    loop {
        // A store that another process changes for long is tried again, as the transport is.
        let (taken, pause) = match node.step() {
            Ok((taken, pause)) => (Some(taken), pause),
            Err(failure) if last.is_none() => return Err(failure),
            Err(_) => (None, every),
        };
        if let Some(taken) = &taken {
            let event = &taken.fact.state;
            let now = serde_json::to_value(event).ok();
            if now != last {
                let text = match &event.fault {
                    Some(fault) => format!("fleet {}: {fault}", event.fleet),
                    None => format!(
                        "fleet {}: bundle {}",
                        event.fleet,
                        event.sequence.unwrap_or(0)
                    ),
                };
                // The reader of the output may have gone. What it followed is followed all the same.
                let _ = output::print_event(&text, event, as_json);
                last = now;
            }
        }
        let left = end.map(|end| end.saturating_sub(begin.elapsed()));
        if let Some(taken) = taken.filter(|_| left.is_some_and(|left| left.is_zero())) {
            let mut outcome = taken.outcome();
            outcome.aside = node.unreported();
            outcome.in_one_line = true;
            return Ok(outcome);
        }
        let pause = left.map_or(pause, |left| left.min(pause));
        // What the transport cannot tell is found when the time is over.
        if node.agent.transport().wait(pause).is_err() {
            thread::sleep(pause);
        }
    }
}
