//! The table of results, the same bytes for the same results.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::cells::{self, LIMITS};
use crate::kmip::COMMAND;
use crate::run::{CHECKS, Mark, NO_TOOL, Results};

pub struct Table<'a> {
    pub names: &'a [&'static str],
    pub results: &'a [Option<Results>],
    /// Our ends that are C programs, and their cells.
    pub programs: &'a [(&'static str, Option<Vec<[Mark; 2]>>)],
    pub keys: Option<&'a [(String, Result<(), String>)]>,
}

const HEAD: &str = "# Interoperability

Made by `tests/interop/run`; do not edit. Each link is a real one on loopback with both ends authenticated. What is
expected of a cell is written by hand from the rules of trust (`src/cells.rs`).

`✓`: in TLS 1.2 and 1.3 our end gave this verdict with this reason (and, where we refused, by this rule), and the peer
saw a link, or a failure where we refused. `✓ 1.2`, `✓ 1.3`: in that version; a letter beside it is the reason for which
the other has no link. `–`: the peer does not do that (nginx is a server only; PyKMIP speaks TLS 1.2 only, stands as
`✓ 1.2`). In the tables of C programs it is the program's end that gave the verdict, and the peer is `openssl s_server` or
`openssl s_client`; mbedTLS 2.28 has TLS 1.2 alone. `skipped`: the peer was not there. `✗`: something else happened.
";

const MORE_LIMITS: &str = "- **c** nginx finishes the handshake with a client that it does not accept and answers with HTTP 400: what a \
client learns, it learns from HTTP.\n";

impl Table<'_> {
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (title, of_clients) in [
            ("The peer is the server", false),
            ("The peer is the client", true),
        ] {
            let columns = self
                .results
                .iter()
                .map(|results| Some(&results.as_ref()?.cells[..]));
            section(
                &mut text,
                title,
                of_clients,
                self.names,
                &columns.collect::<Vec<_>>(),
            );
        }
        text.push_str("\n## What else is asked of each peer\n\n| |");
        heading(&mut text, 1, self.names);
        for (index, what) in CHECKS.iter().enumerate() {
            let _ = write!(text, "| {what} |");
            let marks = self
                .results
                .iter()
                .map(|results| Some(&results.as_ref()?.checks[index]));
            row(&mut text, marks);
        }
        let names: Vec<_> = self.programs.iter().map(|(name, _)| *name).collect();
        for (title, of_clients) in [
            (
                "Our end is a C program over this stack, OpenSSL is the server",
                false,
            ),
            (
                "Our end is a C program over this stack, OpenSSL is the client",
                true,
            ),
        ] {
            let columns = self.programs.iter().map(|(_, cells)| cells.as_deref());
            section(
                &mut text,
                title,
                of_clients,
                &names,
                &columns.collect::<Vec<_>>(),
            );
        }
        text.push_str("\n## Keys from a key server\n\n| | |\n|---|---|\n");
        match self.keys {
            None => text.push_str("| PyKMIP | skipped |\n"),
            Some(lines) => {
                for (what, result) in lines {
                    let mark = if result.is_ok() { "✓" } else { "✗" };
                    let _ = writeln!(text, "| {what} | {mark} |");
                }
            }
        }
        text.push_str("\n## Why there is no link, or another end of it\n\n");
        for limit in LIMITS {
            let _ = writeln!(text, "- **{}** {}", limit.letter, limit.why);
        }
        text.push_str(MORE_LIMITS);
        text
    }

    /// What did not come as expected.
    pub fn bad(&self) -> Vec<String> {
        let mut bad = Vec::new();
        let cells = cells::cells();
        for (name, results) in self.names.iter().zip(self.results) {
            let Some(results) = results else { continue };
            let named = cells
                .iter()
                .map(|cell| format!("{} / {}", cell.slot.text(), cell.shape.text()));
            let checks = CHECKS.iter().map(|what| (*what).to_owned());
            let all = named.zip(&results.cells).chain(checks.zip(&results.checks));
            for (what, marks) in all {
                for (mark, version) in marks.iter().zip(["1.2", "1.3"]) {
                    if let Mark::Bad(text) = mark {
                        bad.push(format!("{name} {version}, {what}: {text}"));
                    }
                }
            }
        }
        for (name, results) in self.programs {
            let all = cells.iter().zip(results.iter().flatten());
            for (cell, marks) in all {
                for (mark, version) in marks.iter().zip(["1.2", "1.3"]) {
                    if let Mark::Bad(text) = mark {
                        let (slot, shape) = (cell.slot.text(), cell.shape.text());
                        bad.push(format!("{name} {version}, {slot} / {shape}: {text}"));
                    }
                }
            }
        }
        for (what, result) in self.keys.unwrap_or_default() {
            if let Err(text) = result {
                bad.push(format!("{what}: {text}"));
            }
        }
        bad
    }

    pub fn summary(&self) -> String {
        let marks = self
            .results
            .iter()
            .flatten()
            .flat_map(|results| results.cells.iter().chain(&results.checks));
        let marks = marks.chain(
            self.programs
                .iter()
                .filter_map(|(_, cells)| cells.as_ref())
                .flatten(),
        );
        let (mut good, mut limits, mut bad) = (0, 0, 0);
        for mark in marks.flatten() {
            match mark {
                Mark::Good => good += 1,
                Mark::Limit(_) => limits += 1,
                Mark::Bad(_) => bad += 1,
                Mark::NotDone(_) => {}
            }
        }
        let not_done: BTreeSet<_> = self
            .names
            .iter()
            .zip(self.results)
            .filter(|(_, found)| found.is_none())
            .map(|(name, _)| *name)
            .chain(
                self.programs
                    .iter()
                    .filter(|(_, cells)| cells.is_none())
                    .map(|(name, _)| *name),
            )
            .collect();
        format!(
            "{good} as expected, {limits} limits of a peer, {bad} not as expected, skipped: {not_done:?}"
        )
    }
}

/// The cells of one role.
fn section(
    text: &mut String,
    title: &str,
    of_clients: bool,
    names: &[&str],
    columns: &[Option<&[[Mark; 2]]>],
) {
    let _ = write!(
        text,
        "\n## {title}\n\n| installed at our end | presented by the peer | verdict |"
    );
    heading(text, 3, names);
    let cells = cells::cells().into_iter().enumerate();
    for (index, cell) in cells.filter(|(_, cell)| cell.slot.of_clients() == of_clients) {
        let verdict = if cell.want.accepts() {
            "trusted"
        } else {
            "refused"
        };
        let _ = write!(
            text,
            "| {} | {} | {verdict}: {} ({}) |",
            cell.slot.text(),
            cell.shape.text(),
            cell.want.code(),
            cell.rule,
        );
        row(
            text,
            columns.iter().map(|cells| Some(&cells.as_ref()?[index])),
        );
    }
}

fn heading(text: &mut String, before: usize, names: &[&str]) {
    for name in names {
        let _ = write!(text, " {name} |");
    }
    let _ = writeln!(text, "\n|{}", "---|".repeat(before + names.len()));
}

fn row<'a>(text: &mut String, marks: impl Iterator<Item = Option<&'a [Mark; 2]>>) {
    for marks in marks {
        let shown = marks.map_or_else(|| "skipped".to_owned(), shown);
        let _ = write!(text, " {shown} |");
    }
    text.push('\n');
}

/// Whether two tables say the same, but for what `now` skipped because a peer or a tool was not there.
pub fn agree(before: &str, now: &str) -> bool {
    const NO_KEYS: &str = "| PyKMIP | skipped |";
    let without_keys = now.contains(NO_KEYS);
    let lines = |text: &str| -> Vec<String> {
        let kept = text.lines().filter(|line| {
            !without_keys
                || (*line != NO_KEYS
                    && !line.starts_with("| kmip-protocol")
                    && !line.starts_with("| PyKMIP's client")
                    && !line.starts_with(&format!("| {COMMAND}")))
        });
        kept.map(str::to_owned).collect()
    };
    let (before, now) = (lines(before), lines(now));
    before.len() == now.len()
        && before.iter().zip(&now).all(|(before, now)| {
            let (before, now): (Vec<_>, Vec<_>) =
                (before.split('|').collect(), now.split('|').collect());
            before.len() == now.len()
                && before
                    .iter()
                    .zip(&now)
                    .all(|(before, now)| before == now || now.trim() == "skipped")
        })
}

fn shown(marks: &[Mark; 2]) -> String {
    if marks.contains(&Mark::NotDone(NO_TOOL)) {
        return "skipped".to_owned();
    }
    if marks.iter().any(|mark| matches!(mark, Mark::Bad(_))) {
        return "✗".to_owned();
    }
    match marks {
        [Mark::Good, Mark::Good] => "✓".to_owned(),
        [Mark::NotDone(_), Mark::NotDone(_)] => "–".to_owned(),
        [Mark::Limit(letter), Mark::Limit(other)] if letter == other => letter.to_string(),
        [first, second] => {
            let one = |mark: &Mark, version| match mark {
                Mark::Good => Some(format!("✓ {version}")),
                Mark::Limit(letter) => Some(letter.to_string()),
                Mark::NotDone(_) | Mark::Bad(_) => None,
            };
            let both: Vec<_> = [one(first, "1.2"), one(second, "1.3")]
                .into_iter()
                .flatten()
                .collect();
            both.join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMAND, agree};

    #[test]
    fn only_what_was_skipped_may_differ() {
        let whole = "a\n| x | ✓ | ✓ |\n| kmip-protocol: Get | ✓ |\n";
        assert!(agree(whole, whole));
        assert!(agree(
            whole,
            "a\n| x | ✓ | skipped |\n| PyKMIP | skipped |\n"
        ));
        assert!(!agree(
            whole,
            "a\n| x | ✓ | ✗ |\n| kmip-protocol: Get | ✓ |\n"
        ));
        assert!(!agree(
            whole,
            "a\n| x | ✓ | ✓ |\n| kmip-protocol: Get | ✗ |\n"
        ));
        assert!(!agree(whole, "a\n| x | ✓ | ✓ |\n"));
        let with_command = format!("{whole}| {COMMAND}: a key | ✓ |\n");
        assert!(agree(
            &with_command,
            "a\n| x | ✓ | skipped |\n| PyKMIP | skipped |\n"
        ));
        assert!(!agree(&with_command, whole));
        assert!(!agree("a\n| x | skipped | ✓ |\n", "a\n| x | ✓ | ✓ |\n"));
    }
}
