//! The last changes of the store.

use mutual_trust::Fingerprint;
use mutual_trust::admin::file::ChangeHead;

use super::facts::Facts;
use super::html::{Html, State};
use crate::output::identified;

/// How many changes are shown, and how many of their calls.
const MAX_CHANGES: usize = 20;
const MAX_CALLS: usize = 4;
/// How many letters of a call are shown: a call can name a thousand names.
const MAX_LETTERS: usize = 200;

/// Who changed what, the last first.
pub(super) fn changes(facts: &Facts<'_>, html: &mut Html) {
    let about =
        "The last changes, as the journal of the store records them. store log shows them all.";
    html.section("changes", "Last changes", about);
    let history = facts.history;
    // A refusal stands behind the change to its generation.
    let made = history.changes.iter().map(|change| (&change.head, None));
    let refused = history
        .refusals
        .iter()
        .map(|one| (&one.head, Some(&*one.because)));
    let mut all: Vec<(&ChangeHead, Option<&str>)> = made.chain(refused).collect();
    all.sort_by_key(|(head, _)| head.to);
    if all.is_empty() {
        html.raw("<p>The history that is kept has no change.</p></section>\n");
        return;
    }
    html.table("Last changes", &["Generation", "When", "By", "Calls"]);
    for (head, because) in all.iter().rev().take(MAX_CHANGES) {
        html.row(|html| match because {
            None => html.text(&head.to.to_string()),
            Some(_) => html.state(State::Warn, "refused"),
        });
        html.cell("When", |html| match head.at {
            Some(at) => html.time(at),
            None => html.soft("not known"),
        });
        html.cell("By", |html| by(head, html));
        html.cell("Calls", |html| {
            html.raw("<ul class=\"asked\">");
            for (asked, _) in head.asked.iter().take(MAX_CALLS) {
                html.raw("<li>");
                html.element("code", &[("dir", "ltr")], &call(asked));
                html.raw("</li>");
            }
            let kept = head.asked.len().saturating_sub(MAX_CALLS);
            html.more_items(kept.saturating_add(head.more));
            if let Some(because) = because {
                html.raw("<li class=\"soft\">because: ");
                html.name(&cut(because));
                html.raw("</li>");
            }
            html.raw("</ul>");
        });
        html.row_end();
    }
    html.table_end();
    html.more(all.len().saturating_sub(MAX_CHANGES), "more in the history");
    html.raw("</section>\n");
}

fn by(head: &ChangeHead, html: &mut Html) {
    let mut named: Vec<&str> = head
        .asked
        .iter()
        .filter_map(|(_, by)| by.as_deref())
        .collect();
    named.sort_unstable();
    named.dedup();
    if named.is_empty() {
        html.soft("not stated");
    }
    for (index, name) in named.iter().take(MAX_CALLS).enumerate() {
        if index > 0 {
            html.raw(", ");
        }
        html.name(name);
    }
}

/// A call with its fingerprints as they are elsewhere on the page.
fn call(text: &str) -> String {
    let words = text
        .split(' ')
        .map(|word| match word.parse::<Fingerprint>() {
            Ok(fingerprint) => identified(fingerprint),
            Err(_) => word.to_owned(),
        });
    cut(&words.collect::<Vec<String>>().join(" "))
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_LETTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
