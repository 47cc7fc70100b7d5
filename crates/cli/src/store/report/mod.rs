//! `store report`: one page for people, with all that matters of a store.
//!
//! The facts are those of the library's calls. The page loads nothing, runs nothing, and is bounded: of much, it shows the
//! worst and counts the rest.

mod changes;
mod ends;
mod facts;
mod html;
mod lists;
mod nodes;
mod page;
mod peers;
mod weak;

use std::path::PathBuf;

use clap::Args;
use mutual_trust::TrustSnapshot;
use mutual_trust::admin::{DurableStore, PeerHistory, Severity};
use mutual_trust::certificate::Timestamp;
use mutual_trust::identity::{IfExists, write_private};

use super::make::{Common, judged_at};
use crate::json::Reported;
use crate::nodes::{LinkFiles, Place, Reach};
use crate::output::{Failure, Outcome};
use crate::{files, ours, plain};
use facts::{Facts, Own};
use nodes::Nodes;

/// Where the page goes, and what it is about.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The page is one file without scripts, which loads nothing from elsewhere. It is for its owner alone (mode 0600): it says
which servers there are and when their certificates end. Of a large store it shows what needs attention first and counts
the rest.")]
pub(super) struct Arguments {
    /// Write the page to this file, which must not exist; - is standard output
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
    /// Replace the file
    #[arg(long)]
    replace: bool,
    /// A chain of our own, or the folder of our identity, to be shown as well
    #[arg(long, value_name = "CHAIN|FOLDER")]
    own: Vec<PathBuf>,
    /// Where the nodes of a fleet look and report, to show which ones are behind: a folder, or an address
    #[arg(long, value_name = "FOLDER|ADDRESS")]
    nodes: Option<Place>,
    #[command(flatten)]
    link: LinkFiles,
    /// Judge at this time instead of now: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// Writes the page.
pub(super) fn run(
    common: &Common,
    arguments: &Arguments,
    as_json: bool,
) -> Result<Outcome, Failure> {
    let to_output = arguments.html.as_os_str() == "-";
    if to_output && as_json {
        let text = "standard output has the page or the JSON: name a file with --html";
        return Err(Failure::new("usage", text));
    }
    let folder = common.folder()?;
    let settings = common.settings()?;
    let mut loaded = DurableStore::read(folder, &settings)?;
    let history = DurableStore::history(folder, &settings)?;
    let clock = judged_at(&mut loaded.store, arguments.at)?;
    let policy = common.policy();
    let mut own = Vec::new();
    for path in &arguments.own {
        own.extend(ours::chains(path)?.into_iter().map(|(file, chain)| Own {
            file: plain::path(&file),
            chain,
        }));
    }
    let link = common.link(&arguments.link);
    let nodes = arguments
        .nodes
        .as_ref()
        .map(|place| nodes::read(place, &Reach::new(&link), clock));
    let nodes = nodes.transpose()?;
    let memberships = nodes::memberships(common, clock);
    let view: &TrustSnapshot = loaded.store.contents();
    let exposed = DurableStore::writable_by_others(folder);
    // A page about all else is better than none.
    let seen = PeerHistory::load_beside(folder, view, &policy, clock).ok();
    let facts = Facts {
        view,
        policy: &policy,
        clock,
        is_named: arguments.at.is_some(),
        policy_words: common.policy.words(),
        folder: plain::path(folder),
        load: &loaded.report,
        history: &history,
        seen: seen.as_ref(),
        exposed: exposed.iter().map(|path| plain::path(path)).collect(),
        own: &own,
        memberships: &memberships,
        nodes: nodes.as_ref(),
        entries: view.entries(),
        ends: Facts::ends(view, &policy, clock, &own)?,
        without: Facts::without(view, &policy, clock),
    };
    let page = page::page(&facts);
    if to_output {
        let html = page.html;
        return Ok(Outcome::long::<Reported>(Box::new(move |out, _| {
            out.text(&html)
        })));
    }
    let existing = if arguments.replace {
        IfExists::Replace
    } else {
        IfExists::Refuse
    };
    let written = write_private(&arguments.html, page.html.as_bytes(), existing);
    written.map_err(files::not_replaced)?;
    let ending = [Severity::Ended, Severity::Critical, Severity::Warning];
    let ending = ending.iter().map(|severity| facts.count(*severity));
    let reported = Reported {
        file: arguments.html.display().to_string(),
        generation: view.generation(),
        bytes: page.html.len(),
        without_usable: facts.without.len(),
        ending: ending.fold(0, usize::saturating_add),
        weaknesses: page.weaknesses,
        nodes_behind: nodes.as_ref().map(Nodes::behind),
        nodes_unreadable: nodes.as_ref().map(Nodes::unreadable),
    };
    let text = format!(
        "written to {}: generation {}, {} bytes",
        plain::path(&arguments.html),
        reported.generation,
        reported.bytes
    );
    Ok(Outcome::of(text, &reported))
}
