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
use mutual_trust_fleet::{Agent, AgentError, AgentHandle, NodeName};
use serde_json::Value;

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
    look: Look,
}

/// What shows the state of a node.
#[derive(Clone)]
struct Look {
    handle: AgentHandle,
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
        let look = Look {
            handle: agent.handle(),
            store,
        };
        Ok(Node { agent, look })
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

impl Look {
    fn generation(&self) -> u64 {
        // A panic elsewhere leaves a store that is good: it changes by whole changes.
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.contents().generation()
    }

    /// What a step did to a store that had this generation before.
    fn taken(&self, done: &Result<TakeOver, AgentError>, before: u64) -> Result<Taken, Failure> {
        let after = self.generation();
        let state = self.handle.health().member;
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
        match done {
            Ok(done) => taken.done(done),
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
        Ok(taken)
    }

    /// Why the last report did not arrive.
    fn unreported(&self) -> Option<String> {
        let why = self.handle.health().report_fault?;
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
    fn refused(&mut self, error: &MemberError) -> Result<(), Failure> {
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

impl Node {
    /// Fetches the newest publication, takes it over, and reports.
    fn step(&mut self) -> Result<Taken, Failure> {
        let before = self.look.generation();
        let step = self.agent.step();
        self.look.taken(&step.done, before)
    }

    /// The same as the result of the command.
    fn last_step(&mut self) -> Result<Outcome, Failure> {
        let mut outcome = self.step()?.outcome();
        outcome.aside = self.look.unreported();
        Ok(outcome)
    }
}

/// Takes the newest publication over.
pub(super) fn take(arguments: &Take) -> Result<Outcome, Failure> {
    arguments.from.open()?.last_step()
}

/// Takes publications over as they come, and prints the state when it changes.
pub(super) fn follow(arguments: &Follow, as_json: bool) -> Result<Outcome, Failure> {
    let begin = Instant::now();
    let mut node = arguments.from.open()?;
    let every = Duration::from_secs(arguments.every);
    node.agent = node.agent.with_interval(every)?;
    let mut events = Events {
        last: None,
        as_json,
    };
    // What is wrong with the store from the start is not waited for.
    events.tell(&node.step()?);
    let look = node.look.clone();
    let mut generation = look.generation();
    node.agent = node.agent.with_handler(move |done| {
        // A store that another process changes for long is tried again, as the transport is.
        if let Ok(taken) = look.taken(done, generation) {
            events.tell(&taken);
            generation = taken.fact.generation;
        }
    });
    if let Some(end) = arguments.seconds.map(Duration::from_secs) {
        let handle = node.look.handle.clone();
        // It ends with the process, if the agent ends before.
        thread::spawn(move || {
            thread::sleep(end.saturating_sub(begin.elapsed()));
            handle.stop();
        });
    }
    node.agent.run();
    // What is there when the time is over is the result.
    let mut outcome = node.last_step()?;
    outcome.in_one_line = true;
    Ok(outcome)
}

/// Prints the state of a node when it changes.
struct Events {
    last: Option<Value>,
    as_json: bool,
}

impl Events {
    fn tell(&mut self, taken: &Taken) {
        let event = &taken.fact.state;
        let now = serde_json::to_value(event).ok();
        if now == self.last {
            return;
        }
        let text = match &event.fault {
            Some(fault) => format!("fleet {}: {fault}", event.fleet),
            None => format!(
                "fleet {}: bundle {}",
                event.fleet,
                event.sequence.unwrap_or(0)
            ),
        };
        // The reader of the output may have gone. What it followed is followed all the same.
        let _ = output::print_event(&text, event, self.as_json);
        self.last = now;
    }
}
