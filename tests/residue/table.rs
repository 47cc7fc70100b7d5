//! The table of what was found, in Markdown.

use std::collections::BTreeMap;

use crate::cases::{Case, Ending, KINDS};
use crate::runner::{Record, Tally, show};

/// The worst of several looks, kind by kind.
fn worst<'a>(tallies: impl Iterator<Item = &'a Tally>) -> String {
    let mut worst = Tally::new();
    for tally in tallies {
        for (key, count) in tally {
            let most = worst.entry(*key).or_default();
            *most = (*most).max(*count);
        }
    }
    show(&worst)
}

/// A row for each form, source and error, a column for each kind of key.
pub fn of(records: &[(&Case, Record)]) -> String {
    let mut text = String::from(
        "Pieces found. K: private key, N: secret of a signature, P: PEM text, E: passphrase or a key from it. \
         h: heap, s: dead stack, S: stack in use, f: mapped file.\n\
         In use: after load / after signatures / after drop. Refused: with the error / after it.\n\n",
    );
    text.push_str("| provider | key | source |");
    for kind in KINDS {
        text.push_str(&format!(" {kind} |"));
    }
    text.push_str("\n|---|---|---|");
    text.push_str(&"---|".repeat(KINDS.len()));
    text.push('\n');
    let mut rows: Vec<(String, BTreeMap<&str, String>)> = Vec::new();
    for (case, record) in records {
        let moment = |wanted: &'static str| {
            let looks = record.looks.iter();
            let found = looks.filter(move |look| look.moment.starts_with(wanted));
            worst(found.map(|look| &look.tally))
        };
        let used = record.looks.iter().any(|look| look.moment == "used");
        let cell = match case.ending {
            Ending::Works if used => {
                let drop = moment("dropped");
                format!("{} / {} / {drop}", moment("loaded"), moment("signed"))
            }
            Ending::Works => format!("- / - / {}", moment("dropped")),
            Ending::Refused(_) => format!("{} / {}", moment("refused"), moment("dropped")),
        };
        let source = format!("{:?}", case.source).to_lowercase();
        let row = format!("| {} | {} | {source} |", case.provider, case.row);
        let index = rows.iter().position(|(name, _)| *name == row);
        let index = index.unwrap_or_else(|| {
            rows.push((row, BTreeMap::new()));
            rows.len() - 1
        });
        rows[index].1.insert(case.kind, cell);
    }
    for (row, cells) in rows {
        text.push_str(&row);
        for kind in KINDS {
            let cell = cells.get(kind).map_or("", String::as_str);
            text.push_str(&format!(" {cell} |"));
        }
        text.push('\n');
    }
    text
}
