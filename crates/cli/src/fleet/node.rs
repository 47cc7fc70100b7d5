//! A node: its store, and what it holds of a fleet.

use std::path::{Path, PathBuf};

use clap::Args;
use mutual_trust::admin::DurableStore;
use mutual_trust::admin::bundle::{FleetId, FleetMember, HeldBundle, MemberState};
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};

use crate::json::{FleetMembership, FleetNodeState};
use crate::output::{Failure, Outcome};
use crate::trust::OpenArguments;
use crate::{nodes, plain};

/// The store of a node, and the fleet.
#[derive(Args, Debug)]
pub(super) struct Which {
    /// The folder of the store
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    /// The fleet, if the store takes part in several
    #[arg(long, value_name = "FLEET")]
    id: Option<FleetId>,
    /// Who asks for the change: a person, a ticket; without it, the account of the process
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    #[command(flatten)]
    open: OpenArguments,
}

impl Which {
    pub(super) fn folder(&self) -> &Path {
        &self.store
    }

    /// Opens the store.
    pub(super) fn open(&self) -> Result<DurableStore, Failure> {
        self.open.open(&self.store, self.by.as_deref())
    }

    /// The fleet of the store. `None` if it takes part in none.
    fn fleet(&self, store: &DurableStore) -> Result<Option<FleetId>, Failure> {
        if self.id.is_some() {
            return Ok(self.id.clone());
        }
        let all = FleetMember::fleets(store)?;
        match all.as_slice() {
            [] => Ok(of_entries(store)),
            [only] => Ok(Some(only.clone())),
            several => {
                let names: Vec<&str> = several.iter().map(FleetId::as_str).collect();
                let text = format!(
                    "the store takes part in several fleets: name one with --id: {}",
                    names.join(", ")
                );
                Err(Failure::new("usage", text))
            }
        }
    }

    /// The membership of the store.
    pub(super) fn member(&self, store: &mut DurableStore) -> Result<FleetMember, Failure> {
        let missing = || {
            let text = "the store takes part in no fleet: `fleet join` makes it a node of one";
            Failure::new("fleet/NoMember", text).about(plain::path(&self.store))
        };
        let fleet = self.fleet(store)?.ok_or_else(missing)?;
        Ok(FleetMember::open(store, &fleet)?)
    }
}

/// The fleet from which entries came, where the file of the member is lost: opening the member says so.
fn of_entries(store: &DurableStore) -> Option<FleetId> {
    let entries = store.contents().entries();
    entries
        .iter()
        .filter_map(|entry| entry.source()?.strip_prefix("fleet ")?.parse().ok())
        .next()
}

/// The bundle of which a state speaks first.
fn newest(state: &MemberState) -> Option<&HeldBundle> {
    state.newest.as_ref()
}

fn until(bundle: &HeldBundle) -> String {
    Timestamp::from(bundle.until).to_string()
}

/// What a node holds, for the lines of events.
pub(super) fn state_fact(state: &MemberState, fault: Option<String>) -> FleetNodeState {
    FleetNodeState {
        fleet: state.fleet.to_string(),
        sequence: newest(state).map(|bundle| bundle.sequence),
        applied: state.newest.is_some() && state.is_applied(),
        until: newest(state).map(until),
        fault,
    }
}

/// What a node holds, in words and as JSON.
pub(super) fn outcome(state: &MemberState, changed: bool, first: &str) -> Outcome {
    let mut lines = vec![first.to_owned()];
    lines.push(format!(
        "fleet {}, part `{}`, key set {} with the digest {:#}",
        state.fleet, state.part, state.keys_version, state.keys_digest
    ));
    match (newest(state), &state.applied) {
        (None, _) => lines.push(String::from("it took no bundle yet: `fleet take` does")),
        (Some(newest), applied) => {
            lines.push(format!(
                "bundle {}, good until {}, digest {:#}",
                newest.sequence,
                until(newest),
                newest.digest
            ));
            if let Some(applied) = applied.as_ref().filter(|applied| *applied != newest) {
                lines.push(format!("in the store: bundle {}", applied.sequence));
            }
        }
    }
    let fault = nodes::fault(state, SystemClock::new().now());
    lines.extend(fault.iter().map(|(_, text)| format!("warning: {text}")));
    lines.retain(|line| !line.is_empty());
    let code = fault.as_ref().map(|(code, _)| (*code).to_owned());
    let fact = FleetMembership {
        changed,
        fleet: Some(state.fleet.to_string()),
        part: Some(state.part.to_string()),
        keys_version: Some(state.keys_version),
        keys_digest: Some(state.keys_digest.to_string()),
        sequence: newest(state).map(|bundle| bundle.sequence),
        digest: newest(state).map(|bundle| bundle.digest.to_string()),
        applied: state.newest.is_some() && state.is_applied(),
        until: newest(state).map(until),
        fault: fault.map(|(_, text)| text),
    };
    Outcome::of(lines.join("\n"), &fact).or_refused(code)
}

/// A store that takes part in no fleet.
pub(super) fn none(changed: bool, text: String) -> Outcome {
    let fact = FleetMembership {
        changed,
        fleet: None,
        part: None,
        keys_version: None,
        keys_digest: None,
        sequence: None,
        digest: None,
        applied: false,
        until: None,
        fault: None,
    };
    Outcome::of(text, &fact)
}

/// Shows what a node holds.
pub(super) fn show(which: &Which) -> Result<Outcome, Failure> {
    let mut store = which.open()?;
    if which.fleet(&store)?.is_none() {
        let text = format!("{} takes part in no fleet", plain::path(&which.store));
        return Ok(none(false, text).or_refused(Some(String::from("NoMember"))));
    }
    let member = which.member(&mut store)?;
    Ok(outcome(&member.state(), false, ""))
}
