//! The nodes of a fleet: which ones are behind, for how long, and why.

use core::time::Duration;

use mutual_trust::CurrentTime;
use mutual_trust::admin::bundle::Bundle;
use mutual_trust::certificate::Timestamp;

use super::facts::Facts;
use super::html::{Html, State};
use crate::nodes::{Place, Reach, Standing, State as Stand, standings};
use crate::output::{Failure, identified};

/// How many nodes are shown.
const MAX_SHOWN: usize = 40;

/// A node without a report for so long is silent: a timer may run once a day.
const SILENT_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What is published, and how the nodes stand.
pub(super) struct Nodes {
    bundle: Bundle,
    at: String,
    all: Vec<Standing>,
}

/// Reads what is published, and the reports.
pub(super) fn read(place: &Place, clock: CurrentTime) -> Result<Nodes, Failure> {
    let bundle = place.publication(&Reach::none())?.bundle().clone();
    let now = match clock {
        CurrentTime::Known(now) => Some(Timestamp::from(now).seconds()),
        CurrentTime::Unset => None,
    };
    let reports = place.reports(&Reach::none())?;
    Ok(Nodes {
        all: standings(&(&bundle).into(), reports, &[], SILENT_AFTER, now),
        bundle,
        at: place.to_string(),
    })
}

impl Nodes {
    /// How many nodes need attention.
    pub(super) fn behind(&self) -> usize {
        self.all
            .iter()
            .filter(|node| node.needs_attention())
            .count()
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
    if nodes.all.is_empty() {
        html.raw("<p>No node has reported.</p></section>\n");
        return;
    }
    html.table(
        "Nodes",
        &["Node", "State", "Bundle", "Since", "Reported", "Why"],
    );
    for node in nodes.all.iter().take(MAX_SHOWN) {
        let state = match node.state {
            Stand::Current => State::Good,
            Stand::Silent => State::Warn,
            Stand::Behind | Stand::Missing => State::Urgent,
            Stand::Other => State::Bad,
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
    html.more(nodes.all.len().saturating_sub(MAX_SHOWN), "more nodes");
    html.raw("</section>\n");
}

fn since(time: Option<Timestamp>, html: &mut Html) {
    match time {
        Some(time) => html.seconds(time.seconds()),
        None => html.soft("–"),
    }
}
