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

/// The lines of a section of a manifest that set something.
fn settings(manifest: &str, section: &str) -> Vec<String> {
    let start = format!("[{section}]\n");
    let (_, lines) = manifest.split_once(&start).unwrap();
    let lines = lines.lines().take_while(|line| !line.starts_with('['));
    let set = lines.filter(|line| line.contains('=') && !line.starts_with('#'));
    set.map(str::to_owned).collect()
}

/// The one package with `unsafe`: a C interface takes pointers.
const C_INTERFACE: &str = "crates/capi";

/// The sources of it that have `unsafe`: one reads and writes what C hands over, one calls that for every function.
const WITH_POINTERS: [&str; 2] = ["argument.rs", "entry.rs"];

#[test]
fn unsafe_code_is_forbidden() {
    let manifest = file("Cargo.toml").unwrap();
    let forbidden = String::from("unsafe_code = \"forbid\"");
    assert!(settings(&manifest, "workspace.lints.rust").contains(&forbidden));
    let (_, members) = manifest.split_once("\nmembers = [\n").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members = members
        .lines()
        .map(|line| line.trim_matches([' ', '"', ',']));
    for member in members.chain(["."]).filter(|one| *one != C_INTERFACE) {
        let manifest = file(&format!("{member}/Cargo.toml")).unwrap();
        let inherits = manifest.contains("\n[lints]\nworkspace = true\n");
        assert!(
            inherits,
            "{member} does not take the lints of the workspace"
        );
    }
}

#[test]
fn unsafe_code_is_in_two_files_of_the_c_interface_alone() {
    let workspace = file("Cargo.toml").unwrap();
    let Some(own) = file(&format!("{C_INTERFACE}/Cargo.toml")) else {
        crate::support::skips::skipped("the package has no C interface");
        return;
    };
    // Its lints are those of the workspace, but for this one.
    for tool in ["rust", "clippy"] {
        let own = settings(&own, &format!("lints.{tool}"));
        for lint in settings(&workspace, &format!("workspace.lints.{tool}")) {
            let lint = lint.replace("unsafe_code = \"forbid\"", "unsafe_code = \"deny\"");
            assert!(own.contains(&lint), "{C_INTERFACE} has no {lint}");
        }
        let more: &[&str] = match tool {
            "rust" => &["unsafe_op_in_unsafe_fn"],
            _ => &[
                "undocumented_unsafe_blocks",
                "multiple_unsafe_ops_per_block",
            ],
        };
        for lint in more {
            assert!(own.contains(&format!("{lint} = \"deny\"")), "no {lint}");
        }
    }
    for path in crate::files_below(&root().join(C_INTERFACE).join("src"), &|_| true) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let found = code.filter(|line| line.contains("unsafe")).count();
        assert_eq!(
            found > 0,
            WITH_POINTERS.contains(&name),
            "{}",
            path.display()
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
