//! The house rules that a compiler does not check (docs/ARCHITECTURE.md), read from the source itself.
//!
//! Each check is shown to find what it is for: a check that finds nothing anywhere is no check.

mod checks;
mod circles;
mod documents;
mod planted;
mod source;

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use crate::{ends_with, files_below};
use checks::File;

/// All files below `src/` and of the command with one of the endings, ordered by path.
fn files(endings: &[&str]) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let below = |folder: &Path| -> Vec<File> {
        let paths = files_below(folder, &|path| ends_with(path, endings));
        let read = |path: &PathBuf| {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            File::new(&name.replace('\\', "/"), &read_to_string(path).unwrap())
        };
        paths.iter().map(read).collect()
    };
    let mut all = below(&root.join("src"));
    assert!(
        all.len() > 40,
        "the source was not found: {} files",
        all.len()
    );
    let command = root.join(checks::PROGRAM);
    if command.is_dir() {
        all.extend(below(&command));
    } else {
        crate::support::skips::skipped("the package has no sources of the command");
    }
    all
}

/// The crates beside the library whose sources keep what is no matter of its rooms.
const COMPANIONS: [&str; 4] = [
    "crates/capi/src",
    "crates/fleet/src",
    "crates/pkcs11/src",
    "crates/tokio/src",
];

/// The same, with the companions.
fn files_and_companions(endings: &[&str]) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = files(endings);
    for companion in COMPANIONS {
        let paths = files_below(&root.join(companion), &|path| ends_with(path, endings));
        if paths.is_empty() {
            let what = format!("the package has no sources in {companion}");
            crate::support::skips::skipped(&what);
        }
        for path in paths {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let text = read_to_string(&path).unwrap();
            all.push(File::new(&name.replace('\\', "/"), &text));
        }
    }
    all
}

fn hold_with_companions(check: fn(&File) -> Vec<String>) {
    let all = files_and_companions(&["rs"]);
    let wrong: Vec<String> = all.iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn hold(check: fn(&File) -> Vec<String>) {
    let wrong: Vec<String> = files(&["rs"]).iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_room_names_only_rooms_above_it() {
    hold(checks::rooms);
}

#[test]
fn what_is_behind_a_feature_is_not_named_outside_of_it() {
    hold(checks::features);
}

#[test]
fn the_modules_of_the_command_name_only_modules_before_them() {
    hold(checks::modules);
}

/// The rooms that are free of circles.
const WITHOUT_CIRCLES: [&str; 4] = [
    "src/admin/",
    "src/certificate/",
    "src/policy/",
    "src/store/",
];

#[test]
fn no_two_files_import_each_other() {
    let mut found = circles::circles(&files(&["rs"]));
    let is_free = |path: &String| WITHOUT_CIRCLES.iter().any(|room| path.starts_with(room));
    found.retain(|circle| circle.iter().any(is_free));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn lib_has_no_logic() {
    hold(checks::no_logic_in_lib);
}

#[test]
fn libraries_clocks_and_io_are_named_only_where_they_belong() {
    hold(checks::only_in);
    hold(checks::names);
}

#[test]
fn only_the_verdict_can_say_yes() {
    hold(checks::accepted);
}

#[test]
fn no_catch_all_arm_says_yes() {
    hold_with_companions(checks::catch_all);
}

#[test]
fn self_signed_is_never_a_bare_word_in_the_docs() {
    let mut all = files_and_companions(&["rs", "md"]);
    for (path, text) in documents::plain() {
        all.push(File::new(&path, &text));
    }
    let wrong: Vec<String> = all.iter().flat_map(checks::self_signed).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lints_are_switched_off_with_a_reason_only() {
    hold_with_companions(checks::lint_attributes);
}

#[test]
fn files_have_fewer_than_400_lines_without_tests() {
    hold_with_companions(checks::length);
}
