//! What the documents are held to: each rule that is cited stands in docs/RULES.md, and their words are plain.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;

use crate::{ends_with, files_below};

/// Where the rules stand.
const RULES: &str = "docs/RULES.md";

/// What is searched for citations, and folders in it that are not: inputs of tests and of fuzz targets are no text.
const SEARCHED: [&str; 13] = [
    "src",
    "crates",
    "tests",
    "docs",
    "examples",
    "benches",
    "fuzz",
    ".ci",
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "Cargo.toml",
];
const NO_TEXT: [&str; 3] = ["corpus", "fixtures", "target"];

/// The documents whose words are plain.
const PLAIN: [&str; 16] = [
    "README.md",
    "crates/capi/README.md",
    "crates/capi/src",
    "crates/capi/include",
    "crates/capi/adapters",
    "crates/capi/examples",
    "crates/fleet/README.md",
    "crates/fleet/src",
    "crates/pkcs11/README.md",
    "crates/pkcs11/src",
    "crates/tokio/README.md",
    "crates/tokio/src",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs",
];

/// Words for which there is a more common one.
const NOT_PLAIN: [&str; 13] = [
    "whom",
    "whomever",
    "whoever",
    "nobody",
    "somebody",
    "knock",
    "knocks",
    "stranger",
    "strangers",
    "shelf",
    "shelves",
    "namesake",
    "namesakes",
];

/// A file: its path from the root of the repository, and its text.
pub type Text = (String, String);

/// The text files at `places`, ordered by path. A place that does not exist is an error: it would not be checked.
fn texts(places: &[&str]) -> Vec<Text> {
    let is_wanted = |path: &Path| {
        let is_text = path
            .file_name()
            .is_some_and(|name| !NO_TEXT.iter().any(|no| name == *no));
        is_text && ends_with(path, &["rs", "md", "toml", "txt"])
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for place in places.iter().map(|place| root.join(place)) {
        assert!(place.exists(), "{} is missing", place.display());
        for path in files_below(&place, &is_wanted) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            all.push((name.replace('\\', "/"), read_to_string(&path).unwrap()));
        }
    }
    all
}

/// The documents whose words are plain, with their texts.
pub fn plain() -> Vec<Text> {
    texts(&PLAIN)
}

fn rules_page() -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES)).unwrap()
}

/// The rules that a page defines: its headings `### P2: …`.
fn defined(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    headings
        .filter_map(|heading| Some(heading.split_once(": ")?.0.to_owned()))
        .collect()
}

/// The numbers of rules in a text, each with its line: a letter of a part of the rules and one or two digits, as a word.
/// Hexadecimal and base64 are no words.
fn cited(text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let bytes = line.as_bytes();
        for start in (0..bytes.len()).filter(|at| b"IPMCSK".contains(&bytes[*at])) {
            let digits = bytes[start + 1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let end = start + 1 + digits;
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/+=".contains(byte);
            let before = &line.get(..start).unwrap_or("x");
            let after = &bytes[end..];
            let begins = before.ends_with("Rule::")
                || !before
                    .as_bytes()
                    .last()
                    .is_some_and(|byte| is_part(byte) || *byte == b':');
            let ends = match after {
                [b':', next, ..] => !next.is_ascii_alphanumeric(),
                [next, ..] => !is_part(next),
                [] => true,
            };
            if (1..=2).contains(&digits) && begins && ends {
                all.push((number, line[start..end].to_owned()));
            }
        }
    }
    all
}

/// Citations of rules that are not defined.
fn unresolved(texts: &[Text], rules: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in texts {
        for (line, rule) in cited(text) {
            if !rules.contains(&rule) {
                wrong.push(format!("{path}:{line}: there is no rule {rule}"));
            }
        }
    }
    wrong
}

/// The variants of `Rule`.
fn variants(source: &str) -> BTreeSet<String> {
    let (_, body) = source.split_once("pub enum Rule {\n").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let names = body.lines().map(|line| line.trim().trim_end_matches(','));
    names
        .filter(|name| !name.is_empty() && !name.starts_with(['/', '#']))
        .map(str::to_owned)
        .collect()
}

/// The text of a document without its pieces of code.
fn prose(text: &str) -> String {
    let mut fence = false;
    let mut all = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fence = !fence;
        } else if !fence {
            let outside = line.split('`').step_by(2);
            all.extend(outside.flat_map(|part| [part, " "]));
        }
        all.push('\n');
    }
    all
}

/// Words that are not plain, with their lines.
fn odd_words(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(prose(text).lines()) {
        for word in line.split(|c: char| !c.is_alphabetic()) {
            if NOT_PLAIN.contains(&word.to_lowercase().as_str()) {
                wrong.push(format!("{path}:{number}: {word}"));
            }
        }
    }
    wrong
}

#[test]
fn each_rule_that_is_cited_stands_in_the_rules() {
    let mut texts = texts(&SEARCHED);
    // It plants what does not exist.
    texts.retain(|(path, _)| !path.ends_with("layering/documents.rs"));
    let rules = defined(&rules_page());
    assert_eq!(rules.len(), 39, "{rules:?}");
    let count: usize = texts.iter().map(|(_, text)| cited(text).len()).sum();
    assert!(count > 1_000, "{count} citations in {} files", texts.len());
    let wrong = unresolved(&texts, &rules);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let reasons = texts
        .iter()
        .find(|(path, _)| path == "src/policy/reason.rs");
    let named = variants(&reasons.unwrap().1);
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> = named.difference(&rules).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn rules_that_do_not_exist_are_found() {
    let rules = defined("## Part\n\n### P2: Claims\n\ntext\n\n### M7: The clock\n\n### Words\n");
    assert_eq!(
        rules.iter().map(String::as_str).collect::<Vec<_>>(),
        ["M7", "P2"]
    );
    let found = |text: &str| unresolved(&[(String::from("a.rs"), text.to_owned())], &rules);
    for text in [
        "/// Claimed (rule P9).",
        "// rules P2, M9",
        "Rule::C6",
        "(M77)",
        "C1–M7",
        "K3: found",
        "a\nrow(\"C2\", 1)",
    ] {
        assert_eq!(found(text).len(), 1, "{text}");
    }
    assert_eq!(found("x\ny (S9)"), ["a.rs:2: there is no rule S9"]);
    for text in [
        "/// Claimed (rule P2), by M7.",
        "Rule::P2, [M7](#m7)",
        "KMS1.example, P256, P384, SHA1, PKCS8, A::C6",
        "AA:C6:00 C6:37:12 abC6+/ MIIBC9= C6_x",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
    let source = "pub enum Rule {\n    /// A pin (P9).\n    I3,\n    P2,\n}\nenum Other { A }";
    assert_eq!(
        variants(source).into_iter().collect::<Vec<_>>(),
        ["I3", "P2"]
    );
}

#[test]
fn documents_use_plain_words() {
    let texts = plain();
    assert!(texts.len() >= 11, "{}", texts.len());
    let wrong: Vec<String> = texts
        .iter()
        .flat_map(|(path, text)| odd_words(path, text))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_that_are_not_plain_are_found() {
    let found = |text: &str| odd_words("a.md", text);
    assert_eq!(found("so\nNobody is trusted."), ["a.md:2: Nobody"]);
    assert_eq!(found("by whom; strangers").len(), 2);
    assert_eq!(
        found("write `trust nobody`, then\n```text\nnobody\n```\nwhole"),
        [""; 0]
    );
}
