//! The table of what was measured.

use std::fs;
use std::path::Path;

/// The sources in which hooks stand between marks.
const SOURCES: [&str; 9] = [
    include_str!("clients/blocking.rs"),
    include_str!("clients/brokers.rs"),
    include_str!("clients/etcd.rs"),
    include_str!("clients/grpc.rs"),
    include_str!("clients/http.rs"),
    include_str!("clients/quic.rs"),
    include_str!("servers/actix.rs"),
    include_str!("servers/hyper.rs"),
    include_str!("servers/poem.rs"),
];
const QUIC_SERVER: &str = include_str!("servers/quic.rs");

/// Where the tables stand in the guide.
const BEGIN: &str = "<!-- figures:libraries -->\n";
const END: &str = "<!-- /figures:libraries -->";

/// A row of one of the tables.
#[derive(Debug)]
pub struct Row {
    /// The library, which tells rows apart.
    pub library: String,
    pub cells: Vec<String>,
    pub state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    Measured,
    Failed,
    Skipped,
}

/// A table with its title and the titles of its columns.
#[derive(Debug)]
pub struct Table {
    pub title: &'static str,
    pub columns: &'static [&'static str],
    pub rows: Vec<Row>,
}

/// The text of the results. What was skipped stays as it was before.
pub fn text(tables: &[Table], before: &str) -> String {
    let mut text = String::new();
    for table in tables {
        text += &format!(
            "\n### {}\n\n| {} |\n|{}\n",
            table.title,
            table.columns.join(" | "),
            "---|".repeat(table.columns.len())
        );
        for row in &table.rows {
            let start = format!("| {} |", row.library);
            let line = match row.state {
                State::Measured => format!("{start} {} |", row.cells.join(" | ")),
                State::Failed => format!("{start} ✗ |"),
                State::Skipped => {
                    let line = before.lines().find(|line| line.starts_with(&start));
                    line.map_or_else(|| format!("{start} skipped |"), str::to_owned)
                }
            };
            text += &(line + "\n");
        }
    }
    text + "\n"
}

/// Compares with the tables of the guide, or writes them there. `false`: they differ, or have no place.
pub fn keep(tables: &[Table], file: &Path, check: bool) -> bool {
    let page = fs::read_to_string(file).unwrap();
    let parts = page.split_once(BEGIN);
    let Some((head, (before, tail))) =
        parts.and_then(|(head, rest)| Some((head, rest.split_once(END)?)))
    else {
        println!("{} has no place for the tables", file.display());
        return false;
    };
    let now = text(tables, before);
    if !check {
        fs::write(file, format!("{head}{BEGIN}{now}{END}{tail}")).unwrap();
        return true;
    }
    for line in now
        .lines()
        .filter(|line| !before.lines().any(|old| old == *line))
    {
        println!("now:    {line}");
    }
    for line in before
        .lines()
        .filter(|line| !now.lines().any(|new| new == *line))
    {
        println!("before: {line}");
    }
    now == before
}

/// How many lines a hook has. A mark may stand several times.
pub fn lines(hook: &str) -> usize {
    let begin = format!("// hook: {hook}");
    let mut count = 0;
    for source in SOURCES.iter().chain([&QUIC_SERVER]) {
        let mut within = false;
        for line in source.lines().map(str::trim) {
            if line == begin {
                within = true;
            } else if line == "// end of hook" {
                within = false;
            } else if within && !line.is_empty() {
                count += 1;
            }
        }
    }
    assert!(count > 0, "no hook is marked as {hook}");
    count
}

/// The version of a library in the lock file, which must begin so.
pub fn locked(name: &str, begins: &str) -> String {
    let wanted = format!("name = \"{name}\"\nversion = \"{begins}");
    let lock = include_str!("../Cargo.lock");
    let found = lock
        .split("[[package]]\n")
        .find(|package| package.starts_with(&wanted));
    let found = found.unwrap_or_else(|| panic!("{name} is no longer {begins}"));
    found
        .lines()
        .nth(1)
        .unwrap()
        .trim_start_matches("version = ")
        .trim_matches('"')
        .to_owned()
}
