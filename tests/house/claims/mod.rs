//! Every claim of SECURITY.md, and every row of the tables in the documents, names a test that fails if it is not so.
//!
//! `table.md` has the names. A sentence that is new here needs a row there: with the test that holds it, or with the
//! reason why it claims nothing that could be tested. A row without its sentence, or without its test, fails as well.

mod figures;
mod page;
mod planted;
mod table;

use std::fs::read_to_string;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> Option<String> {
    read_to_string(root().join(name)).ok()
}

/// What a page claims: SECURITY.md from the threat model on, and the tables of the other pages.
fn units(name: &str) -> Vec<String> {
    let text = file(name).unwrap();
    match name {
        "SECURITY.md" => {
            let start = text.find("\n## Threat model").unwrap();
            page::units(&text[start..], false)
        }
        _ => page::units(&text, true),
    }
}

/// The pages, each with the least number of claims that are found on it.
const PAGES: [(&str, usize); 5] = [
    ("README.md", 40),
    ("SECURITY.md", 160),
    ("docs/EMBEDDING.md", 25),
    ("docs/FIGURES.md", 20),
    ("docs/OPERATING.md", 13),
];

#[test]
fn every_claim_names_what_holds_it() {
    let rows = table::read(&file("tests/house/claims/table.md").unwrap()).unwrap();
    let mut faults = Vec::new();
    for (page, least) in PAGES {
        let units = units(page);
        assert!(units.len() >= least, "{page}: {} claims", units.len());
        faults.extend(table::faults(page, &units, &rows));
    }
    for row in &rows {
        if !PAGES.iter().any(|(page, _)| *page == row.page) {
            faults.push(format!("no page {}", row.page));
        }
        faults.extend(table::missing(row, &file));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn unsafe_code_is_forbidden() {
    let manifest = file("Cargo.toml").unwrap();
    let (_, lints) = manifest.split_once("[workspace.lints.rust]\n").unwrap();
    let (lints, _) = lints.split_once("\n[").unwrap();
    assert!(lints.lines().any(|line| line == "unsafe_code = \"forbid\""));
    let (_, members) = manifest.split_once("\nmembers = [\n").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members = members
        .lines()
        .map(|line| line.trim_matches([' ', '"', ',']));
    for member in members.chain(["."]) {
        let manifest = file(&format!("{member}/Cargo.toml")).unwrap();
        let inherits = manifest.contains("\n[lints]\nworkspace = true\n");
        assert!(
            inherits,
            "{member} does not take the lints of the workspace"
        );
    }
}

/// A passphrase is taken neither from it nor from an argument.
#[test]
fn the_command_asks_the_environment_for_its_colours_alone() {
    let mut asked = Vec::new();
    for path in crate::files_below(&root().join("crates/cli/src"), &|_| true) {
        let text = read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let lines = text.lines().filter(|line| line.contains("env"));
        for line in lines.filter(|line| line.contains("env::var") || line.contains("env =")) {
            asked.push(format!("{name}: {}", line.trim()));
        }
    }
    asked.sort();
    let start = "colour.rs: let is_";
    assert_eq!(asked.len(), 2, "{asked:#?}");
    assert!(
        asked.iter().all(|line| line.starts_with(start)),
        "{asked:#?}"
    );
}
