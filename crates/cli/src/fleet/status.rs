//! What each node holds, and which ones are behind.

use clap::Args as ClapArgs;
use mutual_trust::CurrentTime;
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust_fleet::NodeName;

use super::words;
use crate::json::FleetStatus;
use crate::nodes::{self, LinkArguments, Place, Reach, Standing};
use crate::output::{Failure, Outcome};
use crate::store::Span;

/// How many nodes are listed for people. JSON has all.
const MAX_SHOWN: usize = 64;

/// Where the reports are.
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
A report says what a node says of itself. It is not signed, and proves nothing.

Exit codes: 0 each node has the bundle. 1 one is behind, silent, missing, holds another bundle, reports a fault, has a clock that
is far ahead, or its report cannot be read (NodesBehind); or the bundle has ended, and no new node takes it over (Expired). 2
failed.")]
pub(super) struct Arguments {
    /// Where nodes look and report: a folder, or an address
    #[arg(value_name = "FOLDER|ADDRESS")]
    at: Place,
    /// The name of a node that must have reported; it can be given again
    #[arg(long, value_name = "NODE")]
    expect: Vec<NodeName>,
    /// A node without a report for so long is silent: 1d, 12h, 30m
    #[arg(long, value_name = "SPAN", default_value = "1d")]
    silent_after: Span,
    #[command(flatten)]
    link: LinkArguments,
}

/// Shows the nodes, those that are behind first.
pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let reach = Reach::new(&arguments.link);
    let publication = arguments.at.publication(&reach)?;
    let bundle = publication.bundle();
    let clock = SystemClock::new().now();
    let reports = arguments.at.reports(&reach)?;
    let (expected, silent) = (&arguments.expect, arguments.silent_after.0);
    let found = nodes::standings(&bundle.into(), reports, expected, silent, clock);
    let (behind, unreadable) = (found.behind(), found.unreadable());
    let mut lines = words::bundle_lines(bundle);
    let until = bundle.head().until();
    let has_ended = matches!(clock, CurrentTime::Known(now) if now > until);
    if has_ended {
        let until = Timestamp::from(until);
        lines.push(format!(
            "refused: it ended at {until}: make the next one with `fleet draft`"
        ));
    }
    let all = &found.all;
    lines.extend(all.iter().take(MAX_SHOWN).map(Standing::line));
    if let more @ 1.. = all.len().saturating_sub(MAX_SHOWN) {
        lines.push(format!("and {more} more, of which JSON has all"));
    }
    lines.push(match (all.len(), behind) {
        (0, _) => String::from("no node has reported"),
        (_, 0) => String::from("each node has it"),
        (all, behind) => format!("{behind} of {all} nodes need attention"),
    });
    if unreadable > 0 {
        lines.push(format!("of {unreadable} of them the report cannot be read"));
    }
    let more = found.more();
    lines.extend(more.clone());
    // Of a node that is not read, it is not known that it has the bundle.
    let code = match (behind > 0 || more.is_some(), has_ended) {
        (true, _) => Some("NodesBehind"),
        (false, true) => Some("Expired"),
        (false, false) => None,
    };
    let fact = FleetStatus {
        bundle: words::bundle_fact(bundle),
        nodes: all.iter().map(Standing::fact).collect(),
        behind,
        unreadable,
        more: more.is_some(),
    };
    Ok(Outcome::of(lines.join("\n"), &fact).or_refused(code.map(str::to_owned)))
}
