//! What the README shows is so: its pieces of code compile, and its samples are what the library prints.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod snippets;
#[path = "../support/mod.rs"]
mod support;

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use mutual_trust::policy::{Question, Target};
use mutual_trust::{
    AuthorityScope, Certificate, EntryOptions, Fingerprint, PinScope, TrustStore, decide,
};
use support::pki::{pki, self_signed};
use support::{host, now, policy, server_id, store};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    read_to_string(root().join("README.md")).unwrap()
}

/// The blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut inside: Option<String> = None;
    for line in page.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (None, Some(found)) => inside = Some(found.to_owned() + "\n"),
            (Some(_), Some(_)) => all.extend(inside.take()),
            (Some(block), None) => *block += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    let own = all.iter().filter_map(|block| {
        let (found, rest) = block.split_once('\n')?;
        (found == language).then(|| rest.to_owned())
    });
    own.collect()
}

/// The lines between the marks of a source, each piece by itself.
fn compiled() -> Vec<String> {
    let source = read_to_string(root().join("tests/readme/snippets.rs")).unwrap();
    let pieces = source.split("    // README\n").skip(1);
    pieces
        .map(|piece| {
            let (lines, _) = piece.split_once("    // end\n").unwrap();
            let lines = lines
                .lines()
                .map(|line| line.trim_start().to_owned() + "\n");
            lines.collect()
        })
        .collect()
}

#[test]
fn pieces_of_code_are_those_that_are_compiled() {
    let shown = blocks(&readme(), "rust,ignore");
    assert_eq!(shown.len(), snippets::ALL.len());
    assert_eq!(shown, compiled());
}

#[test]
fn blocks_of_a_page_are_found() {
    let page = "```sh\na\n```\nb\n```rust,ignore\nc\nd\n```\n";
    assert_eq!(blocks(page, "rust,ignore"), ["c\nd\n"]);
    assert_eq!(blocks(page, "sh"), ["a\n"]);
    assert!(blocks(page, "text").is_empty());
}

/// A text on one line, with fingerprints as the README shortens them, and the same ones for all.
fn plain(text: &str, known: &[Fingerprint]) -> String {
    let mut text = text.to_owned();
    for fingerprint in known {
        text = text.replace(&fingerprint.to_string(), "AA:BB:…:CC");
    }
    let words = text.split_whitespace().map(|word| {
        let of_readme = word.len() == "AA:BB:…:CC".len() && word.contains(":…:");
        if of_readme { "AA:BB:…:CC" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What is said of a certificate that `keys-1` presents under the name of its first server.
fn said(store: &mut TrustStore, id: &str, name: &str, presented: &Certificate) -> String {
    let (id, name) = (server_id(id), host(name));
    let view = store.snapshot();
    let target = Target::id(&id, Some(&name));
    let question = Question::server(target, presented.der(), &[], now());
    let verdict = decide(&view, &policy(), &question);
    let mut known: Vec<Fingerprint> = view.entries().iter().map(|e| e.fingerprint()).collect();
    known.push(presented.fingerprint());
    plain(&verdict.to_string(), &known)
}

#[test]
fn the_refusal_that_is_shown_is_printed() {
    let mut store = store();
    let id = server_id("keys-1");
    store
        .add_server(id.clone(), [host("kms1.example")])
        .unwrap();
    let pinned = self_signed("own.example").certificate;
    let options = EntryOptions::new;
    store
        .install_pin(PinScope::Server(id), pinned, options())
        .unwrap();
    let ca = pki("Example");
    store
        .install_authority(AuthorityScope::AnyServer, ca.root.certificate(), options())
        .unwrap();
    store
        .install_intermediate(ca.intermediate.certificate(), options())
        .unwrap();
    let leaf = ca.server("kms1.example").certificate;
    let samples = blocks(&readme(), "text");
    let sample = samples.iter().find(|text| text.starts_with("refused:"));
    assert_eq!(
        said(&mut store, "keys-1", "kms1.example", &leaf),
        plain(sample.unwrap(), &[])
    );
}

#[test]
fn the_acceptance_that_is_shown_is_printed() {
    let mut store = store();
    let id = server_id("localhost");
    store.add_server(id.clone(), [host("localhost")]).unwrap();
    let pinned = self_signed("keys-1").certificate;
    let scope = PinScope::Server(id);
    store
        .install_pin(scope, pinned.clone(), EntryOptions::new())
        .unwrap();
    let samples = blocks(&readme(), "text");
    let sample = samples.iter().find(|text| text.starts_with("accepted:"));
    // The chain and the link below it are the command's own words.
    let (verdict, _) = sample.unwrap().split_once("chain:").unwrap();
    assert_eq!(
        said(&mut store, "localhost", "localhost", &pinned),
        plain(verdict, &[])
    );
}

#[test]
fn the_programs_of_embedding_are_under_100_lines() {
    let folder: &Path = &root().join("examples/embedding/src/bin");
    let mut count = 0;
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            let lines = read_to_string(&path).unwrap().lines().count();
            assert!(lines < 100, "{}: {lines}", path.display());
            count += 1;
        }
    }
    assert_eq!(count, 5, "the README names five");
}
