//! Which nodes are behind, for how long, and why.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use mutual_trust::admin::bundle::{Bundle, FleetId, Part};
use mutual_trust::certificate::Timestamp;
use mutual_trust::{CurrentTime, Fingerprint};
use mutual_trust_fleet::limits::MAX_NODES;
use mutual_trust_fleet::{NodeName, NodeReport, NodeReports, UnreadReport};

use crate::json::FleetNode;
use crate::plain;

/// How far ahead of the clock here a report may be, in seconds: as far as a bundle. One that is dated in the year 2099 would
/// never be silent.
const MAX_AHEAD: i64 = 26 * 3600;

/// What is published, as far as it is compared with what nodes hold.
pub(crate) struct Published {
    pub(crate) fleet: FleetId,
    pub(crate) part: Part,
    pub(crate) sequence: u64,
    pub(crate) digest: Fingerprint,
    pub(crate) made: Timestamp,
}

impl From<&Bundle> for Published {
    fn from(bundle: &Bundle) -> Self {
        let head = bundle.head();
        Self {
            fleet: head.fleet().clone(),
            part: head.part(),
            sequence: head.sequence(),
            digest: bundle.digest(),
            made: head.made().into(),
        }
    }
}

/// How a node stands, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Other,
    Unreadable,
    Behind,
    Missing,
    Silent,
    Current,
}

impl State {
    /// The word of it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Unreadable => "unreadable",
            Self::Behind => "behind",
            Self::Missing => "missing",
            Self::Silent => "silent",
            Self::Current => "current",
        }
    }
}

/// A node beside what is published.
pub(crate) struct Standing {
    pub(crate) state: State,
    name: String,
    report: Option<NodeReport>,
    since: Option<Timestamp>,
    why: Option<String>,
}

/// The nodes of a place.
pub(crate) struct Standings {
    /// The worst first.
    pub(crate) all: Vec<Standing>,
    /// Whether there are more, which were not read.
    is_cut: bool,
}

/// How the nodes stand.
pub(crate) fn standings(
    published: &Published,
    reports: NodeReports,
    expected: &[NodeName],
    silent_after: Duration,
    clock: CurrentTime,
) -> Standings {
    let now = match clock {
        CurrentTime::Known(now) => Some(Timestamp::from(now).seconds()),
        CurrentTime::Unset => None,
    };
    let mut all = BTreeMap::new();
    let mut missing: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
    for report in reports.reports {
        let name = report.node().to_string();
        missing.remove(&name);
        all.insert(name, report);
    }
    let unread: Vec<Standing> = reports.unread.iter().map(unreadable).collect();
    for node in &unread {
        missing.remove(&node.name);
    }
    let reported = all.into_values();
    let mut found: Vec<Standing> = reported
        .map(|report| standing(published, report, silent_after, now))
        .collect();
    found.extend(unread);
    found.extend(missing.into_iter().map(|name| Standing {
        state: State::Missing,
        name,
        report: None,
        since: None,
        why: Some(String::from("it never reported")),
    }));
    found.sort_by(|one, other| (one.state, &one.name).cmp(&(other.state, &other.name)));
    Standings {
        all: found,
        is_cut: reports.is_cut,
    }
}

impl Standings {
    /// How many of them need attention.
    pub(crate) fn behind(&self) -> usize {
        let all = self.all.iter();
        all.filter(|node| node.needs_attention()).count()
    }

    /// The reports of how many of them cannot be read.
    pub(crate) fn unreadable(&self) -> usize {
        let all = self.all.iter();
        all.filter(|node| node.state == State::Unreadable).count()
    }

    /// That there are more nodes, if there are.
    pub(crate) fn more(&self) -> Option<String> {
        self.is_cut.then(|| {
            format!(
                "more than {MAX_NODES} nodes report, and those beyond are not read: `fleet forget` removes reports"
            )
        })
    }
}

/// A node of which nothing is known but that it reported.
fn unreadable(report: &UnreadReport) -> Standing {
    let name = report.node().map(ToString::to_string);
    Standing {
        state: State::Unreadable,
        name: name.unwrap_or_else(|| String::from("(without a name)")),
        report: None,
        since: None,
        why: Some(format!("its report cannot be read: {}", report.why())),
    }
}

fn standing(
    published: &Published,
    report: NodeReport,
    silent_after: Duration,
    now: Option<i64>,
) -> Standing {
    let told = report.fault().map(str::to_owned);
    let why = |text: String| {
        Some(
            told.clone()
                .map_or(text.clone(), |told| format!("{text}: {told}")),
        )
    };
    let reported = report.time();
    let limit = i64::try_from(silent_after.as_secs()).unwrap_or(i64::MAX);
    let is_silent = now.is_some_and(|now| now.saturating_sub(reported.seconds()) > limit);
    let is_ahead = now.is_some_and(|now| reported.seconds().saturating_sub(now) > MAX_AHEAD);
    let made = Some(published.made);
    let (state, since, why) = if *report.fleet() != published.fleet {
        let text = format!("it is of the fleet {}", report.fleet());
        (State::Other, None, why(text))
    } else if report.part() != published.part {
        let text = format!("it takes the part `{}`", report.part());
        (State::Other, None, why(text))
    } else {
        match report.sequence() {
            None => (
                State::Behind,
                made,
                why(String::from("it holds nothing yet")),
            ),
            Some(held) if held > published.sequence => {
                let text = format!("it holds bundle {held}, which is not published here");
                (State::Other, None, why(text))
            }
            Some(held) if held < published.sequence => {
                (State::Behind, made, why(format!("it holds bundle {held}")))
            }
            Some(_) if report.digest() != Some(published.digest) => {
                let text = String::from("it holds another bundle of this number");
                (State::Other, None, why(text))
            }
            Some(_) if !report.is_applied() => {
                let text = String::from("it holds the bundle, and its store does not have it");
                (State::Behind, made, why(text))
            }
            Some(_) if is_ahead => {
                let text = format!("its report is dated {reported}, far ahead of this clock");
                (State::Silent, None, why(text))
            }
            Some(_) if is_silent => (
                State::Silent,
                Some(reported),
                why(String::from("no report since")),
            ),
            Some(_) => (State::Current, None, told),
        }
    };
    Standing {
        state,
        name: report.node().to_string(),
        report: Some(report),
        since,
        why,
    }
}

impl Standing {
    /// Whether an administrator has to look after it.
    fn needs_attention(&self) -> bool {
        // A node that has the bundle says nothing else in its report than what is wrong.
        self.state != State::Current || self.why.is_some()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Since when it is behind or silent, as far as it is known.
    pub(crate) const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// What is wrong with it.
    pub(crate) fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// The sequence that it holds.
    pub(crate) fn sequence(&self) -> Option<u64> {
        self.report.as_ref().and_then(NodeReport::sequence)
    }

    /// When it reported.
    pub(crate) fn reported(&self) -> Option<Timestamp> {
        self.report.as_ref().map(NodeReport::time)
    }

    /// A line about it.
    pub(crate) fn line(&self) -> String {
        let word = self.state.word();
        let mut line = format!("{word}: node {}", plain::line(&self.name));
        if let (State::Current, Some(sequence)) = (self.state, self.sequence()) {
            line.push_str(&format!(": bundle {sequence}"));
        }
        if let Some(why) = &self.why {
            line.push_str(&format!(": {}", plain::line(why)));
        }
        if let Some(since) = self.since {
            line.push_str(&format!(" (since {since})"));
        }
        line
    }

    /// The same for programs.
    pub(crate) fn fact(&self) -> FleetNode {
        let report = self.report.as_ref();
        FleetNode {
            node: self.name.clone(),
            state: self.state.word(),
            sequence: self.sequence(),
            applied: report.is_some_and(NodeReport::is_applied),
            keys_version: report.map(NodeReport::keys_version),
            generation: report.and_then(NodeReport::generation),
            reported: self.reported().map(|time| time.to_string()),
            since: self.since.map(|time| time.to_string()),
            fault: self.why.clone(),
        }
    }
}
