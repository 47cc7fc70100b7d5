//! What the package promises beside its code: few dependencies, each with its reason; commands in the README
//! that exist; errors that can grow.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> String {
    let path = root().join(name);
    read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Most crates in the default tree, proc macros and build dependencies included. Two of them are `arc-swap` and what it is
/// compiled with: without it, threads that judge peers wait for each other. One is `triomphe`: without it, a certificate
/// takes two pieces of memory.
const MAX_CRATES: usize = 63;

/// The crates of a tree as `cargo tree --prefix none` prints it, without our own.
fn crates(tree: &str) -> BTreeSet<String> {
    let named = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?))
    });
    let is_ours = |name: &String| {
        [
            "mutual-trust ",
            "mutual-trust-cli ",
            "mutual-trust-fleet ",
            "mutual-trust-pkcs11 ",
            "mutual-trust-tokio ",
        ]
        .iter()
        .any(|own| name.starts_with(own))
    };
    named.filter(|name| !is_ours(name)).collect()
}

/// Most crates that the command adds to the features of the library that it uses: a reader of arguments with
/// completions and a manual, JSON, and a terminal.
const MAX_CRATES_OF_COMMAND: usize = 20;

/// Most crates that the feature `formats` adds to the command: the types and the encryption of PKCS#12, of which the old
/// algorithms are in no other crate, and PBES2 with the modes that nothing here uses.
const MAX_CRATES_OF_FORMATS: usize = 20;

/// The crates of the tree of a package with features; `None` if cargo does not run here.
fn tree(package: &str, features: &str) -> Option<BTreeSet<String>> {
    tree_by(&["--package", package, "--features", features])
}

/// The same by the arguments that select it.
fn tree_by(selection: &[&str]) -> Option<BTreeSet<String>> {
    let arguments = "tree -e normal,build --prefix none --locked --offline";
    let tree = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .args(selection)
        .current_dir(root())
        .output();
    match tree {
        Ok(output) if output.status.success() => {
            Some(crates(&String::from_utf8(output.stdout).unwrap()))
        }
        other => {
            crate::support::skips::skipped(&format!("cargo tree does not run here: {other:?}"));
            None
        }
    }
}

fn has(crates: &BTreeSet<String>, name: &str) -> bool {
    let start = format!("{name} v");
    crates.iter().any(|found| found.starts_with(&start))
}

#[test]
fn the_default_tree_is_small_and_has_nothing_of_the_crates_beside_it() {
    let Some(crates) = tree("mutual-trust", "default") else {
        return;
    };
    assert!(has(&crates, "rustls"), "{crates:#?}");
    let of_others = [
        "clap",
        "serde_json",
        "rustix",
        "tokio",
        "tokio-rustls",
        "hyper",
        "etcd-client",
        "cryptoki",
    ];
    assert!(
        !of_others.iter().any(|name| has(&crates, name)),
        "{crates:#?}"
    );
    assert!(
        crates.len() <= MAX_CRATES,
        "{} crates, the limit is {MAX_CRATES}: {crates:#?}",
        crates.len()
    );
}

#[test]
fn the_tree_of_the_command_is_bounded() {
    let all = tree_by(&["--package", "mutual-trust-cli", "--no-default-features"]);
    let library = tree("mutual-trust", "issue,encrypted-keys");
    let (Some(all), Some(library)) = (all, library) else {
        return;
    };
    assert!(has(&all, "clap"), "{all:#?}");
    let added: Vec<_> = all.difference(&library).collect();
    assert!(
        added.len() <= MAX_CRATES_OF_COMMAND,
        "{} crates, the limit is {MAX_CRATES_OF_COMMAND}: {added:#?}",
        added.len()
    );
}

#[test]
fn the_files_of_vendors_add_few_crates_to_the_command() {
    let all = tree("mutual-trust-cli", "formats");
    let without = tree_by(&["--package", "mutual-trust-cli", "--no-default-features"]);
    let (Some(all), Some(without)) = (all, without) else {
        return;
    };
    assert!(has(&all, "pkcs12"), "{all:#?}");
    let added: Vec<_> = all.difference(&without).collect();
    assert!(
        added.len() <= MAX_CRATES_OF_FORMATS,
        "{} crates, the limit is {MAX_CRATES_OF_FORMATS}: {added:#?}",
        added.len()
    );
}

/// Most crates that the companion for tokio adds to the library without its features: the runtime, TLS over its streams,
/// and what they stand on.
const MAX_CRATES_OF_TOKIO: usize = 12;

#[test]
fn the_tree_of_the_companion_for_tokio_is_bounded() {
    let all = tree("mutual-trust-tokio", "");
    let library = tree("mutual-trust", "admin");
    let (Some(all), Some(library)) = (all, library) else {
        return;
    };
    assert!(has(&all, "tokio"), "{all:#?}");
    let added: Vec<_> = all.difference(&library).collect();
    assert!(
        added.len() <= MAX_CRATES_OF_TOKIO,
        "{} crates, the limit is {MAX_CRATES_OF_TOKIO}: {added:#?}",
        added.len()
    );
}

/// Most crates that keys in hardware add to the library: the calls of PKCS#11, a loader of libraries, and what they stand
/// on.
const MAX_CRATES_OF_PKCS11: usize = 6;

#[test]
fn the_tree_of_keys_in_hardware_is_bounded() {
    let all = tree("mutual-trust-pkcs11", "");
    let library = tree("mutual-trust", "issue");
    let (Some(all), Some(library)) = (all, library) else {
        return;
    };
    assert!(has(&all, "cryptoki"), "{all:#?}");
    let added: Vec<_> = all.difference(&library).collect();
    assert!(
        added.len() <= MAX_CRATES_OF_PKCS11,
        "{} crates, the limit is {MAX_CRATES_OF_PKCS11}: {added:#?}",
        added.len()
    );
}

#[test]
fn crates_of_a_tree_are_counted_once() {
    let tree =
        "mutual-trust v0.1.0 (/a)\nrustls v0.23.1\nlog v0.4.1\n\nrustls v0.23.1 (*)\nlog v0.3.0\n";
    assert_eq!(crates(tree).len(), 3);
}

/// Dependencies of a manifest without a reason: a comment right above, or one that stands above several in a
/// row and names each of them.
fn without_reason(manifest: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut section = false;
    let mut comment = String::new();
    let mut row: Vec<String> = Vec::new();
    let mut judge = |comment: &str, row: &mut Vec<String>| {
        let words: Vec<&str> = comment
            .split(|letter: char| !letter.is_alphanumeric() && !"-_".contains(letter))
            .collect();
        let several = row.len() > 1;
        for name in row.drain(..) {
            if words.len() < 3 || (several && !words.contains(&name.as_str())) {
                wrong.push(name);
            }
        }
    };
    for line in manifest.lines().chain([""]) {
        let line = line.trim();
        if line.starts_with('#') || line.starts_with('[') || line.is_empty() {
            if !row.is_empty() {
                judge(&comment, &mut row);
                comment.clear();
            }
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').ends_with("dependencies");
            }
            comment.push_str(line);
            comment.push(' ');
            if !line.starts_with('#') {
                comment.clear();
            }
        } else if section && let Some((name, _)) = line.split_once('=') {
            row.push(name.trim().to_owned());
        }
    }
    wrong
}

#[test]
fn every_dependency_has_its_reason_beside_it() {
    for manifest in [
        "Cargo.toml",
        "crates/capi/Cargo.toml",
        "crates/cli/Cargo.toml",
        "crates/fleet/Cargo.toml",
        "crates/pkcs11/Cargo.toml",
        "crates/tokio/Cargo.toml",
    ] {
        let wrong = without_reason(&file(manifest));
        assert!(
            wrong.is_empty(),
            "{manifest}: no comment above, or it names only others: {wrong:?}"
        );
    }
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let check = |text: &str| without_reason(text).join(" ");
    let top = "[dependencies]\n# Why it is there.\na = \"1\"\n";
    assert_eq!(check(top), "");
    assert_eq!(check(&format!("{top}\nb = \"1\"\n")), "b");
    assert_eq!(check(&format!("{top}b = \"1\"\n")), "a b");
    assert_eq!(
        check(&format!(
            "{top}[dev-dependencies]\nb = {{ version = \"1\" }}"
        )),
        "b"
    );
    assert_eq!(
        check("[dependencies]\n# `a` and `b` read things.\na = \"1\"\nb = \"1\"\n"),
        ""
    );
    assert_eq!(check("[package]\nname = \"c\"\n[features]\nd = []\n"), "");
}

/// The `cargo` commands in the shell blocks of a page.
fn commands(page: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut shell = false;
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            shell = matches!(language, "sh" | "shell" | "bash" | "console");
        } else if shell
            && let Some(command) = line.trim_start_matches("$ ").split('#').next()
            && command.starts_with("cargo ")
        {
            all.push(command.trim().to_owned());
        }
    }
    all
}

/// What a command names that does not exist: an example, a test or a benchmark of the package.
fn missing(command: &str, exists: impl Fn(&str, &str) -> bool) -> Option<String> {
    let mut words = command.split_whitespace().skip(1);
    let what = words.next()?;
    if what == "install" {
        // From a checkout, or as it is published.
        let words: Vec<&str> = words.collect();
        let is_known = words == ["--path", "crates/cli"] || words == ["mutual-trust-cli"];
        return (!is_known).then(|| command.to_owned());
    }
    if !matches!(what, "run" | "test" | "bench" | "build" | "doc") {
        return Some(format!("cargo {what}"));
    }
    let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
    let mut pairs = words.windows(2);
    let missing = pairs.find_map(|pair| {
        let folder = match pair[0] {
            "--example" => "examples",
            "--test" => "tests",
            "--bench" => "benches",
            _ => return None,
        };
        (!exists(folder, pair[1])).then(|| format!("{folder}/{}", pair[1]))
    });
    // A library has nothing to run but its examples.
    let runs_nothing = what == "run" && !words.contains(&"--example");
    missing.or_else(|| runs_nothing.then(|| command.to_owned()))
}

fn exists(folder: &str, name: &str) -> bool {
    let folder = root().join(folder);
    folder.join(format!("{name}.rs")).is_file() || folder.join(name).join("main.rs").is_file()
}

#[test]
fn the_commands_of_the_readme_exist() {
    let commands = commands(&file("README.md"));
    assert!(commands.len() >= 2, "the two commands: {commands:?}");
    let wrong: Vec<_> = commands
        .iter()
        .filter_map(|command| missing(command, exists))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn commands_that_do_not_exist_are_found() {
    let page = "```sh\ncargo run --example a   # the job\n$ cargo test\n```\n```rust\ncargo no\n```\ncargo not\n";
    assert_eq!(commands(page), ["cargo run --example a", "cargo test"]);
    let only = |folder: &str, name: &str| (folder, name) == ("examples", "a");
    assert_eq!(missing("cargo run --example a", only), None);
    assert_eq!(missing("cargo test", only), None);
    assert_eq!(missing("cargo install --path crates/cli", only), None);
    assert_eq!(missing("cargo install mutual-trust-cli", only), None);
    assert!(missing("cargo install --path .", only).is_some());
    assert!(missing("cargo run --example b", only).is_some());
    assert!(missing("cargo test --test a", only).is_some());
    assert!(missing("cargo bench --bench a -- b", only).is_some());
    assert!(missing("cargo run", only).is_some());
    assert!(missing("cargo frobnicate", only).is_some());
}

/// Public enums that derive or implement `Error`, or stand in an error file, and can not grow.
fn closed_enums(source: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut attributes = String::new();
    for line in source.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("pub enum ") {
            let name = rest.split([' ', '{', '<']).next().unwrap();
            if !attributes.contains("#[non_exhaustive]") {
                wrong.push(name.to_owned());
            }
            attributes.clear();
        } else if line.starts_with("#[") || line.starts_with("///") || line.starts_with(')') {
            attributes.push_str(line);
        } else if line.is_empty() || line.ends_with(['}', ';']) {
            attributes.clear();
        }
    }
    wrong
}

#[test]
fn every_public_error_enum_can_grow() {
    let mut enums = 0;
    for path in crate::files_below(&root().join("src"), &|path| crate::ends_with(path, &["rs"])) {
        let source = read_to_string(&path).unwrap();
        let is_error_file = path
            .strip_prefix(root().join("src"))
            .unwrap()
            .starts_with("error");
        let defines_errors =
            is_error_file || source.contains("Error)]") || source.contains(" Error for ");
        if !defines_errors {
            continue;
        }
        enums += source.matches("pub enum ").count();
        assert_eq!(
            closed_enums(&source),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
    }
    assert!(enums >= 8, "the errors were not found: {enums} enums");
}

#[test]
fn an_error_enum_that_can_not_grow_is_found() {
    let open = "/// Why.\n#[derive(Debug, Error)]\n#[non_exhaustive]\npub enum A {\n    B,\n}\n";
    let closed = "/// Why.\n#[derive(Debug, Error)]\npub enum C {\n    #[non_exhaustive]\n    D { e: u8 },\n}\n";
    assert!(closed_enums(open).is_empty());
    assert_eq!(closed_enums(closed), ["C"]);
    assert_eq!(closed_enums(&format!("{open}\n{closed}")), ["C"]);
}
