//! Taking publications over: once, or as they come.

use core::time::Duration;
use std::thread;
use std::time::Instant;

use clap::Args;
use mutual_trust::admin::bundle::{FleetMember, MemberState, Merged, TakeOver};
use mutual_trust::admin::{DurableStore, Effect, Peer};
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::error::MemberError;
use mutual_trust::store::Truncated;
use mutual_trust::{CurrentTime, Fingerprint};
use mutual_trust_fleet::{Fetched, NodeName, NodeReport, Tag, Transport};

use super::node::{self, Which};
use super::publish::code;
use crate::facts::{bounded, entry_key};
use crate::json::{Bounded, FleetTaken};
use crate::nodes::Place;
use crate::output::{self, Failure, Outcome, shown};
use crate::store::Guard;
use crate::trust::PolicyArguments;
use crate::{ours, plain};

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
    member: FleetMember,
    store: DurableStore,
    transport: Option<Box<dyn Transport>>,
    name: NodeName,
    known: Option<Tag>,
}

impl From {
    fn open(&self) -> Result<Node, Failure> {
        let name = match &self.node {
            Some(name) => name.clone(),
            None => machine()?,
        };
        let mut store = self.which.open()?;
        let member = self.which.member(&mut store)?;
        let policy = self.policy.policy(ours::keys());
        let is_file = self.from.is_file();
        let transport = (!is_file).then(|| self.from.transport()).transpose()?;
        Ok(Node {
            member: member.with_guard(self.guard.into(), policy),
            store,
            transport,
            name,
            known: None,
        })
    }

    /// The publication, if there is another one than before.
    fn fetched(&self, node: &mut Node) -> Result<Option<Vec<u8>>, Failure> {
        let Some(transport) = &mut node.transport else {
            return self.from.bytes().map(Some);
        };
        match transport.fetch(node.known.as_ref())? {
            Fetched::Unchanged => Ok(None),
            Fetched::New { bytes, tag } => {
                node.known = Some(tag);
                Ok(Some(bytes))
            }
        }
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
}

impl Node {
    fn state(&self) -> MemberState {
        self.member.state()
    }

    /// Takes a publication over, or finishes what was begun.
    fn take(&mut self, bytes: Option<&[u8]>) -> Result<Taken, Failure> {
        let before = self.store.contents().generation();
        let done = match bytes {
            Some(bytes) => self.member.take_over(bytes, &mut self.store),
            None => self.member.refresh(&mut self.store),
        };
        let after = self.store.contents().generation();
        let mut taken = Taken {
            text: String::new(),
            fact: FleetTaken {
                changed: before != after,
                generation: after,
                state: node::state_fact(&self.state(), None),
                came: Bounded::none(),
                gone: Bounded::none(),
                lost: Bounded::none(),
                at_risk: Bounded::none(),
                notices: Bounded::none(),
            },
            code: None,
        };
        match done {
            Ok(TakeOver::Applied {
                merged, effects, ..
            }) => {
                taken.merged(&merged);
                let is_locked_out = effects.all_lost().next().is_some();
                let words = ["locked out", "at risk"];
                taken.peers(
                    effects.lost(),
                    effects.at_risk(),
                    |effect: &Effect| &effect.peer,
                    words,
                );
                taken.code = is_locked_out.then(|| String::from("LockedOut"));
            }
            Ok(TakeOver::Held {
                lost,
                at_risk,
                merged,
                ..
            }) => {
                taken.line(
                    "held: it would lock a peer out, and --guard refuse keeps what is installed",
                );
                taken.merged(&merged);
                let words = ["would lock out", "would put at risk"];
                taken.peers(&lost, &at_risk, |peer| peer, words);
                taken.code = Some(String::from("LocksOut"));
            }
            Ok(_) => taken.line("the store has the newest bundle"),
            Err(error) => taken.refused(error)?,
        }
        taken.rest(&self.state());
        Ok(taken)
    }

    /// Reports what this node holds. Gives back why that is not possible.
    fn report(&mut self, fault: Option<&str>) -> Option<String> {
        let transport = self.transport.as_mut()?;
        let CurrentTime::Known(now) = SystemClock::new().now() else {
            return Some(String::from("nothing is reported: the clock is not set"));
        };
        let state = self.member.state();
        let time = Timestamp::from(now);
        let node = self.name.clone();
        let report = NodeReport::new(node, state.fleet.clone(), state.part, time);
        let mut report = report.with_keys_version(state.keys_version);
        if let Some(newest) = &state.newest {
            report = report.with_held(newest.sequence, newest.digest, state.is_applied());
        }
        if let Ok(digest) = self.store.digest().to_string().parse::<Fingerprint>() {
            report = report.with_store(self.store.contents().generation(), digest);
        }
        if let Some(fault) = fault {
            report = report.with_fault(fault);
        }
        let error = transport.report(&report).err()?;
        Some(format!(
            "warning: nothing is reported: {}",
            Failure::from(error).message()
        ))
    }
}

impl Taken {
    fn line(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
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
        peer: impl Fn(&T) -> &Peer,
        words: [&str; 2],
    ) {
        for (word, peers) in words.into_iter().zip([lost, at_risk]) {
            for one in peers {
                self.line(&format!("{word}: {}", shown(peer(one))));
            }
            if peers.omitted() > 0 {
                self.line(&format!("{word}: and {} more", peers.omitted()));
            }
        }
        self.fact.lost = bounded(lost, |one| peer(one).to_string());
        self.fact.at_risk = bounded(at_risk, |one| peer(one).to_string());
    }

    /// What is wrong with what the node holds, if nothing else is.
    fn rest(&mut self, state: &MemberState) {
        match (&self.code, node::fault(state)) {
            (None, Some((code, text))) => {
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
        let is_refusal = matches!(error, MemberError::Bundle(_) | MemberError::Conflict(_));
        let is_conflict = matches!(error, MemberError::Conflict(_));
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
}

/// Takes the newest publication over.
pub(super) fn take(arguments: &Take) -> Result<Outcome, Failure> {
    let from = &arguments.from;
    let mut node = from.open()?;
    let bytes = from.fetched(&mut node)?;
    let taken = node.take(bytes.as_deref())?;
    let unreported = node.report(taken.fact.state.fault.as_deref());
    let mut outcome = node.outcome(taken);
    outcome.aside = unreported;
    Ok(outcome)
}

impl Node {
    fn outcome(&self, mut taken: Taken) -> Outcome {
        let state = &taken.fact.state;
        let held = match state.sequence {
            Some(sequence) => format!("fleet {}: bundle {sequence}", state.fleet),
            None => format!("fleet {}: no bundle yet", state.fleet),
        };
        let generation = taken.fact.generation;
        taken.line(&format!("{held}; generation {generation}"));
        Outcome::of(taken.text, &taken.fact).or_refused(taken.code)
    }
}

/// Takes publications over as they come, and prints the state when it changes.
pub(super) fn follow(arguments: &Follow, as_json: bool) -> Result<Outcome, Failure> {
    let from = &arguments.from;
    let mut node = from.open()?;
    let every = Duration::from_secs(arguments.every);
    let end = arguments.seconds.map(Duration::from_secs);
    let begin = Instant::now();
    let mut last = None;
    loop {
        let fetched = from.fetched(&mut node);
        let taken = match fetched {
            Ok(bytes) => node.take(bytes.as_deref())?,
            Err(failure) => {
                let mut taken = node.take(None)?;
                taken.fact.state.fault = Some(failure.message().to_owned());
                taken.code = Some(code(&failure));
                taken
            }
        };
        node.report(taken.fact.state.fault.as_deref());
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
        let left = end.map(|end| end.saturating_sub(begin.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            let mut outcome = node.outcome(taken);
            outcome.in_one_line = true;
            return Ok(outcome);
        }
        let pause = left.map_or(every, |left| left.min(every));
        // What the transport cannot tell is found when the time is over.
        let waited = node
            .transport
            .as_mut()
            .map(|transport| transport.wait(pause).is_ok());
        if waited != Some(true) {
            thread::sleep(pause);
        }
    }
}
