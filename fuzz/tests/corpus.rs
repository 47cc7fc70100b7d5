//! Replays the corpus on any toolchain.
//!
//! A seed named `good-…` must be accepted and one named `bad-…` refused; inputs that a run found, or that once
//! broke something, have other names and must only hold what their target asserts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, panic};

use mutual_trust_fuzz::TARGETS;

fn files(folder: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|found| found.unwrap().path())
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_input_of_the_corpus_holds_what_its_target_asserts() {
    let mut failed = Vec::new();
    for (target, limit, body) in TARGETS {
        let (mut good, mut bad) = (0, 0);
        for path in files(&format!("corpus/{target}")) {
            let data = fs::read(&path).unwrap();
            let name = format!("{target}/{}", stem(&path));
            assert!(
                data.len() <= *limit,
                "{name} is longer than its target reads"
            );
            let Ok(accepted) = panic::catch_unwind(|| body(&data)) else {
                failed.push(format!("{name} panics"));
                continue;
            };
            if stem(&path).starts_with("good-") {
                good += 1;
                if !accepted {
                    failed.push(format!("{name} is refused"));
                }
            } else if stem(&path).starts_with("bad-") {
                bad += 1;
                if accepted {
                    failed.push(format!("{name} is accepted"));
                }
            }
        }
        assert!(good > 0 && bad > 0, "{target} has no seed of one kind");
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_target_refuses_what_is_empty_and_what_is_too_long() {
    for (target, limit, body) in TARGETS {
        assert!(!body(&[]), "{target}");
        assert!(!body(&vec![0x30; limit + 1]), "{target}");
    }
}

#[test]
fn corpus_folders_binaries_and_targets_are_the_same() {
    let known: BTreeSet<String> = TARGETS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    let stems = |folder| {
        files(folder)
            .iter()
            .map(|path| stem(path))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(stems("corpus"), known);
    assert_eq!(stems("targets"), known);
}
