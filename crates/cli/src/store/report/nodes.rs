//! The nodes of a fleet: which ones are behind, for how long, and why.

use core::time::Duration;
use std::fs;

use mutual_trust::CurrentTime;
use mutual_trust::admin::bundle::{Bundle, FleetMember, MemberState};
use mutual_trust::certificate::Timestamp;

use super::facts::Facts;
use super::html::{Html, State};
use crate::nodes::{Place, Reach, Standings, State as Stand, fault, standings};
use crate::output::{Failure, identified};
use crate::store::make::Common;

/// How many nodes are shown.
const MAX_SHOWN: usize = 40;

/// A node without a report for so long is silent: a timer may run once a day.
const SILENT_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The begin of the names of the files with what a store takes of fleets.
const STATE: &str = "fleet-";

/// What is published, and how the nodes stand.
pub(super) struct Nodes {
    bundle: Bundle,
    at: String,
    found: Standings,
}

/// Reads what is published, and the reports.
pub(super) fn read(place: &Place, reach: &Reach<'_>, clock: CurrentTime) -> Result<Nodes, Failure> {
    let bundle = place.publication(reach)?.bundle().clone();
    let reports = place.reports(reach)?;
    Ok(Nodes {
        found: standings(&(&bundle).into(), reports, &[], SILENT_AFTER, clock),
        bundle,
        at: place.to_string(),
    })
}

impl Nodes {
    /// How many nodes need attention.
    pub(super) fn behind(&self) -> usize {
        self.found.behind()
    }

    /// The reports of how many of them cannot be read.
    pub(super) fn unreadable(&self) -> usize {
        self.found.unreadable()
    }

    /// Whether something needs attention: one of them, or that there are more than are read.
    pub(super) fn need_attention(&self) -> bool {
        self.behind() > 0 || self.found.more().is_some()
    }
}

/// What the store takes of a fleet.
pub(super) struct Membership {
    /// What it holds.
    pub(super) text: String,
    /// What is wrong, if anything is.
    pub(super) fault: Option<String>,
}

/// The fleets of which the store is a node. A page about all else is better than none: what cannot be read is a fault.
pub(super) fn memberships(common: &Common, clock: CurrentTime) -> Vec<Membership> {
    let unread = |failure: &Failure| Membership {
        text: String::from("what the store takes of a fleet cannot be read"),
        fault: Some(failure.message().to_owned()),
    };
    // Most stores take part in none, and are not opened for it.
    let names = common
        .folder()
        .ok()
        .and_then(|folder| fs::read_dir(folder).ok());
    let mut names = names.into_iter().flatten().flatten();
    if !names.any(|name| name.file_name().to_string_lossy().starts_with(STATE)) {
        return Vec::new();
    }
    let found = common.open().and_then(|mut store| {
        let fleets = FleetMember::fleets(&store)?;
        let of = |fleet| match FleetMember::open(&mut store, &fleet) {
            Ok(member) => membership(&member.state(), clock),
            Err(error) => unread(&error.into()),
        };
        Ok(fleets.into_iter().map(of).collect())
    });
    found.unwrap_or_else(|failure| vec![unread(&failure)])
}

fn membership(state: &MemberState, clock: CurrentTime) -> Membership {
    let held = match &state.applied {
        Some(applied) => format!(
            "bundle {}, good until {}",
            applied.sequence,
            Timestamp::from(applied.until)
        ),
        None => String::from("no bundle yet"),
    };
    Membership {
        text: format!("{}, part {}: {held}", state.fleet, state.part),
        fault: fault(state, clock).map(|(_, text)| text),
    }
}

/// The section of the nodes.
pub(super) fn nodes(facts: &Facts<'_>, html: &mut Html) {
    let Some(nodes) = facts.nodes else {
        return;
    };
    let about = "What each node said of itself when it reported last. Reports are not signed.";
    html.section("nodes", "Fleet", about);
    let head = nodes.bundle.head();
    html.raw("<p>");
    html.text(&format!("Bundle {} of fleet ", head.sequence()));
    html.name(head.fleet().as_str());
    html.text(&format!(
        " (digest {}), published at ",
        identified(nodes.bundle.digest())
    ));
    html.name(&nodes.at);
    html.text(", is good until ");
    html.time(head.until());
    html.raw(".</p>\n");
    let all = &nodes.found.all;
    if all.is_empty() {
        html.raw("<p>No node has reported.</p></section>\n");
        return;
    }
    html.table(
        "Nodes",
        &["Node", "State", "Bundle", "Since", "Reported", "Why"],
    );
    for node in all.iter().take(MAX_SHOWN) {
        let state = match node.state {
            Stand::Current => State::Good,
            Stand::Silent => State::Warn,
            Stand::Behind | Stand::Missing => State::Urgent,
            Stand::Other | Stand::Unreadable => State::Bad,
        };
        html.row(|html| html.name(node.name()));
        html.cell("State", |html| html.state(state, node.state.word()));
        html.cell("Bundle", |html| match node.sequence() {
            Some(sequence) => html.text(&sequence.to_string()),
            None => html.soft("none"),
        });
        html.cell("Since", |html| since(node.since(), html));
        html.cell("Reported", |html| since(node.reported(), html));
        html.cell("Why", |html| html.name(node.why().unwrap_or("")));
        html.row_end();
    }
    html.table_end();
    html.more(all.len().saturating_sub(MAX_SHOWN), "more nodes");
    if let count @ 1.. = nodes.unreadable() {
        html.paragraph("more", &format!("Reports that cannot be read: {count}"));
    }
    if let Some(more) = nodes.found.more() {
        html.paragraph("more", &more);
    }
    html.raw("</section>\n");
}

fn since(time: Option<Timestamp>, html: &mut Html) {
    match time {
        Some(time) => html.seconds(time.seconds()),
        None => html.soft("–"),
    }
}
