//! What the documents show is so: their pieces of code compile, and their samples are what the library prints.


#[rustfmt::skip]
mod example;
mod snippets;

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use crate::support;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::{
    AuthorityScope, Certificate, EntryOptions, Fingerprint, PinScope, TrustStore, decide,
};
use support::pki::{pki, self_signed};
use support::{host, now, policy, server_id, store};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    read_to_string(root().join(name)).unwrap()
}

/// The pages that show code or what the library prints.
const PAGES: [&str; 3] = ["README.md", "docs/OPERATING.md", "docs/EMBEDDING.md"];

/// The blocks of all pages in this language.
fn shown(language: &str) -> Vec<String> {
    PAGES
        .iter()
        .flat_map(|name| blocks(&page(name), language))
        .collect()
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

/// The lines between the marks of a source, each piece by itself and without the space before its lines.
fn compiled(source: &str) -> Vec<String> {
    let source = read_to_string(root().join(source)).unwrap();
    let pieces = source.split("    // shown\n").skip(1);
    pieces
        .map(|piece| {
            let (lines, _) = piece.split_once("    // end\n").unwrap();
            flush_left(lines)
        })
        .collect()
}

fn flush_left(lines: &str) -> String {
    let lines = lines.lines();
    lines
        .map(|line| line.trim_start().to_owned() + "\n")
        .collect()
}

#[test]
fn pieces_of_code_are_those_that_are_compiled() {
    let shown = shown("rust,ignore");
    assert_eq!(shown.len(), snippets::ALL.len());
    assert_eq!(shown, compiled("tests/house/readme/snippets.rs"));
}

#[test]
fn the_service_of_the_guide_is_the_example_that_is_run() {
    let shown = shown("rust,async");
    let [service, pieces @ ..] = &shown[..] else {
        panic!("there is no service");
    };
    let path = root().join("crates/tokio/examples/axum_service/service.rs");
    let example = read_to_string(path).unwrap();
    let (head, example) = example.split_once("\n\n").unwrap();
    assert!(head.starts_with("//! "), "{head}");
    assert_eq!(example.replace("pub(crate) async fn", "async fn"), *service);
    let lines = service.lines().count();
    assert!(lines < 60, "a service has {lines} lines");
    // A server that agrees to HTTP/2 must speak it: axum does so with a feature alone.
    assert!(service.contains(".with_http()"));
    let manifests = blocks(&page("docs/EMBEDDING.md"), "toml");
    let axum = manifests
        .iter()
        .flat_map(|text| text.lines())
        .find(|line| line.starts_with("axum = "));
    assert!(axum.unwrap().contains("\"http2\""), "{axum:?}");

    let pieces: Vec<String> = pieces.iter().map(|piece| flush_left(piece)).collect();
    assert_eq!(pieces, compiled("crates/tokio/tests/suite/guide.rs"));
}

#[test]
fn the_example_of_the_readme_is_the_one_that_is_compiled() {
    let examples = blocks(&page("README.md"), "rust,no_run");
    let [example] = &examples[..] else {
        panic!("one example, not {}", examples.len());
    };
    let (head, compiled) = include_str!("example.rs").split_once("\n\n").unwrap();
    assert!(head.starts_with("//! "), "{head}");
    assert_eq!(compiled.replace("pub(crate) fn main", "fn main"), *example);
    // What follows from its type: it is a program.
    let _: fn() -> Result<(), Box<dyn std::error::Error>> = example::main;
}

/// The documents: those for everyone, and those in their folder.
fn documents() -> Vec<PathBuf> {
    let top = [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ];
    let mut all: Vec<PathBuf> = top.iter().map(|name| root().join(name)).collect();
    let folder = read_dir(root().join("docs")).unwrap();
    all.extend(folder.map(|entry| entry.unwrap().path()));
    all
}

#[test]
fn every_piece_of_rust_is_one_of_these() {
    let pieces = |path: &PathBuf| read_to_string(path).unwrap().matches("```rust").count();
    let kinds = ["rust,async", "rust,ignore", "rust,no_run"];
    let shown: usize = kinds.iter().map(|kind| shown(kind).len()).sum();
    assert_eq!(documents().iter().map(pieces).sum::<usize>(), shown);
}

#[test]
fn the_readme_is_read_at_once() {
    let lines = page("README.md").lines().count();
    assert!(lines <= 150, "{lines} lines");
}

/// The relative links of a page: the file, empty for the page itself, and the heading in it.
fn links(page: &str) -> Vec<(&str, Option<&str>)> {
    let links = page.split("](").skip(1);
    let links = links.filter_map(|after| after.split_once(')'));
    let relative = links.filter(|(link, _)| !link.contains("://"));
    relative
        .map(|(link, _)| match link.split_once('#') {
            Some((file, heading)) => (file, Some(heading)),
            None => (link, None),
        })
        .collect()
}

/// The headings of a page, as links name them.
fn headings(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let text = line.trim_start_matches('#').trim().to_lowercase();
            let kept = text
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_between_documents_lead_to_files_and_headings() {
    let mut count = 0;
    for path in documents() {
        let text = read_to_string(&path).unwrap();
        for (file, heading) in links(&text) {
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {file}", path.display());
            if let Some(heading) = heading {
                let known = headings(&read_to_string(target).unwrap());
                let found = known.iter().any(|known| known == heading);
                assert!(found, "{}: {file}#{heading}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
    let found = links("[a](b.md#c) [d](#e) [f](https://g) [h](i.md)");
    assert_eq!(
        found,
        [("b.md", Some("c")), ("", Some("e")), ("i.md", None)]
    );
    assert_eq!(headings("## P2: A claim, (so)\ntext"), ["p2-a-claim-so"]);
}

/// A text on one line, with the same short fingerprint in place of all that are printed short.
fn plain(text: &str) -> String {
    let same = Fingerprint::from_bytes([0; 32]).short().to_string();
    let words = text.split_whitespace().map(|word| {
        let digits = |word: &str| word.replace(|letter: char| letter.is_ascii_hexdigit(), "0");
        if digits(word) == same { &same } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What is said of a certificate that `keys-1` presents under the name of its first server.
fn said(store: &mut TrustStore, id: &str, name: &str, presented: &Certificate) -> String {
    let (id, name) = (server_id(id), host(name));
    let view = store.snapshot();
    let target = ExpectedServer::id(&id, Some(&name));
    let question = VerifyRequest::server(target, presented.der(), &[], now());
    let verdict = decide(&view, &policy(), &question);
    plain(&verdict.to_string())
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
    let samples = shown("text");
    let sample = samples.iter().find(|text| text.starts_with("refused:"));
    assert_eq!(
        said(&mut store, "keys-1", "kms1.example", &leaf),
        plain(sample.unwrap())
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
    let samples = shown("text");
    let sample = samples.iter().find(|text| text.starts_with("accepted:"));
    // The chain and the link below it are the command's own words.
    let (verdict, _) = sample.unwrap().split_once("chain:").unwrap();
    assert_eq!(
        said(&mut store, "localhost", "localhost", &pinned),
        plain(verdict)
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
    assert_eq!(
        count, 9,
        "the documents name six, and three are what a new user writes first"
    );
}
