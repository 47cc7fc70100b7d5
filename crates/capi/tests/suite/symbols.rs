//! What the libraries export.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use mutual_trust_test_support::skips::skipped;

use super::kit::{kit, package, run};

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    let header = fs::read_to_string(package().join("include/mutual_trust.h")).unwrap();
    let lines = header
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    let named = lines.filter(|line| line.contains("mt_") && line.contains('('));
    let inline = |line: &&str| !line.starts_with("static ");
    named
        .filter(inline)
        .map(|line| {
            let start = line.split('(').next().unwrap();
            start.rsplit([' ', '*']).next().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn the_shared_library_exports_what_the_header_declares_and_nothing_else() {
    let Some(kit) = kit() else { return };
    let library = kit.prefix().join("lib/libmutual_trust.so");
    let listed = Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(&library)
        .output();
    let Ok(output) = listed else {
        skipped("symbols of the C library: no nm");
        return;
    };
    let listed = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<String> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .map(str::to_owned)
        .collect();
    let declared = declared();
    assert!(declared.len() > 80, "{declared:?}");
    assert_eq!(exported, declared);
}

#[test]
fn the_shared_library_has_the_name_by_which_programs_load_it() {
    let Some(kit) = kit() else { return };
    let library = kit.prefix().join("lib/libmutual_trust.so");
    if Command::new("readelf").arg("--version").output().is_err() {
        skipped("the soname of the C library: no readelf");
        return;
    }
    let shown = run(Command::new("readelf").arg("-d").arg(&library));
    assert!(
        shown.contains("Library soname: [libmutual_trust.so.0]"),
        "{shown}"
    );
}
