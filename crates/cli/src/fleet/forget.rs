//! Removes the reports of nodes that are out of service.

use clap::Args as ClapArgs;
use mutual_trust_fleet::NodeName;

use crate::json::FleetForgotten;
use crate::nodes::{LinkArguments, Place, Reach};
use crate::output::{Failure, Outcome};
use crate::plain;

/// Where the reports are, and of which nodes.
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
A node that is still in service reports again, and is back. At a hub, this needs the identity of a publisher.

Exit codes: 0 none of the nodes has a report there now. 2 failed, also where there are no reports (CannotReport): a file, or a
server of files.")]
pub(super) struct Arguments {
    /// Where nodes report: a folder, or an address
    #[arg(value_name = "FOLDER|ADDRESS")]
    at: Place,
    /// The names of the nodes
    #[arg(value_name = "NODE", required = true)]
    nodes: Vec<NodeName>,
    #[command(flatten)]
    link: LinkArguments,
}

/// Removes them.
pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let reach = Reach::new(&arguments.link);
    let mut lines = Vec::new();
    let (mut removed, mut without) = (Vec::new(), Vec::new());
    for node in &arguments.nodes {
        if arguments.at.forget(node, &reach)? {
            lines.push(format!("removed: the report of node {node}"));
            removed.push(node.to_string());
        } else {
            lines.push(format!("node {node} has no report"));
            without.push(node.to_string());
        }
    }
    let at = plain::line(&arguments.at.to_string());
    let fact = FleetForgotten {
        at,
        removed,
        without,
    };
    Ok(Outcome::of(lines.join("\n"), &fact))
}
