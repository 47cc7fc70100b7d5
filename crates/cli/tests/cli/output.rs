//! What programs and people rely on: the fields of the JSON, plain text, completions and the manual.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::folder::Folder;
use crate::run::{Server, machine, now_spec, run, write};
use crate::schema;

/// The fields of a value, with those below as `a.b` and of the items of a list as `a[].b`.
fn fields(value: &Value, path: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, below) in map {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                all.insert(path.clone());
                fields(below, &path, all);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| fields(item, &format!("{path}[]"), all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

const CERTIFICATE: &str =
    "ca fingerprint issuer key key_pin names not_after not_before serial subject version";
const KEY: &str = "fingerprint scope slot";
const VERDICT: &str = "accepted considered considered_more decided_by detail dialled generation meaning peer presented reason role rule server to_do warnings";
const EFFECT: &str = "after before dialled peer text";

/// Names of fields below a path.
fn below(path: &str, names: &str) -> Vec<String> {
    names
        .split_whitespace()
        .map(|name| format!("{path}{name}"))
        .collect()
}

#[track_caller]
fn hold(folder: &Folder, line: &str, schema: &str, code: i32, wanted: &[Vec<String>]) {
    let found = run(folder, &format!("{line} --json"))
        .ends_with(code)
        .json();
    assert_eq!(
        found["schema"],
        format!("mutual-trust/{schema}/1"),
        "{line}"
    );
    let documented = format!("{} {}", include_str!("../../src/json.md"), schema::text());
    assert!(documented.contains(&format!("| `{schema}` |")), "{schema}");
    let mut all = BTreeSet::new();
    fields(&found, "", &mut all);
    for field in all.iter().flat_map(|path: &String| path.rsplit('.').next()) {
        assert!(
            documented.contains(field),
            "{schema}: {field} is not documented"
        );
    }
    let mut known: BTreeSet<String> = wanted.iter().flatten().cloned().collect();
    known.extend(below("", "schema refused"));
    assert_eq!(all, known, "{line}");
}

const CLOCK: &str = "floor now state text";

/// The names may be added to, here and in the documentation; a name that goes makes another schema.
#[test]
fn the_fields_of_the_json_are_held() {
    let folder = Folder::new("cli-schema");
    machine(&folder, "keys-1");
    write(&folder, "ca", &now_spec("CA").ca().self_signed());
    run(&folder, "store create --store trust").ends_with(0);
    run(
        &folder,
        "store server add keys-1 kms1.example --store trust",
    )
    .ends_with(0);
    run(
        &folder,
        "store pin keys-1.pem --server keys-1 --store trust",
    )
    .ends_with(0);
    let judged = || {
        vec![
            below("", "verdict presented path"),
            below("verdict.", VERDICT),
            below("verdict.considered[].", "detail entry fingerprint reason"),
            below("verdict.considered[].entry.", KEY),
            below("presented[].", CERTIFICATE),
        ]
    };
    let line = "check --chain ca.pem --server-name kms1.example --store trust";
    hold(&folder, line, "check", 1, &judged());
    let server = Server::start(&folder, "");
    let mut linked = judged();
    linked.push(below(
        "",
        "address alert answered_by cipher_suite handshake_finished identity key_exchange kmip link tls",
    ));
    linked.push(below(
        "identity.",
        "accepted advice asked fingerprint not_after not_before recorded sent temporary",
    ));
    hold(
        &folder,
        &format!("connect {} --pin ca.pem", server.address),
        "connect",
        1,
        &linked,
    );

    let items = "files[].items[].";
    hold(
        &folder,
        "inspect keys-1.pem",
        "inspect",
        0,
        &[
            below("", "files"),
            below("files[].", "error file items"),
            below(items, CERTIFICATE),
            below(items, "alias kind roles"),
            below(
                &format!("{items}roles[]."),
                "possible role warnings why_not",
            ),
        ],
    );
    let report = || {
        vec![
            below(
                "",
                "changed clock dry_run effects generation reports writable_by_others",
            ),
            below("clock.", CLOCK),
            below(
                "reports[].",
                "claims done entries shifts still_held warnings",
            ),
            below("reports[].claims.", "items more"),
            below("reports[].entries.", "items more"),
            below("reports[].entries.items[].", KEY),
            below("reports[].shifts.", "items more"),
            below("reports[].still_held.", "items more"),
            below("reports[].warnings.", "items more"),
            below("effects.", "at_risk floor gained lost moved"),
            below("effects.at_risk.", "items more"),
            below("effects.gained.", "items more"),
            below("effects.lost.", "items more"),
            below("effects.lost.items[].", EFFECT),
            below("effects.moved.", "items more"),
        ]
    };
    hold(
        &folder,
        "store remove keys-1.pem --store trust",
        "store-change",
        1,
        &report(),
    );
    hold(
        &folder,
        "store list --store trust",
        "store-list",
        0,
        &[
            below(
                "",
                "blocks checked_issuers clock crls entries generation groups policy seal servers",
            ),
            below("clock.", CLOCK),
            below("policy.", "allow_unlisted profile require_crl"),
            below(
                "servers[].",
                "asked claim expected_names group id names place role secondary_of",
            ),
            below("entries[].", KEY),
            below(
                "entries[].",
                "any_role certificate disabled ends grace_seconds installed installed_by label match patterns source",
            ),
            below("entries[].certificate.", CERTIFICATE),
        ],
    );
    hold(
        &folder,
        "store verify --store trust",
        "store-verify",
        0,
        &[
            below(
                "",
                "clock crls digest disabled entries generation history seal servers without_usable \
                 writable_by_others",
            ),
            below("history.", "changes previous refusals since_generation"),
            below("servers.", "all few usable"),
            below("clock.", CLOCK),
            below("disabled.", "items more"),
        ],
    );
    hold(
        &folder,
        "store log --store trust",
        "store-log",
        0,
        &[
            below("", "changes previous refusals seal since_generation"),
            below("changes[].", "asked at came digest from gone more to"),
            below("changes[].asked[].", "by call"),
        ],
    );
    hold(
        &folder,
        "store follow --authorities clients source ca.pem --store trust",
        "store-follow",
        0,
        &[
            below("", "changed error generation good sources"),
            below(
                "sources[].",
                "error good items kind name not_read settling since warnings",
            ),
            below("sources[].warnings.", "items more"),
            below("sources[].not_read.", "items more"),
        ],
    );
    hold(
        &folder,
        "store diff trust trust/trust-store",
        "store-diff",
        0,
        &[
            below("", "came effects from gone to"),
            below("effects.", "at_risk gained lost may_gain"),
            below("effects.lost.", "items more"),
            below("effects.at_risk.", "items more"),
            below("effects.gained.", "items more"),
            below("effects.may_gain.", "items more"),
        ],
    );
    let mut undone = report();
    // A rollback has lists of its own for entries.
    undone.retain(|below| *below != self::below("reports[].entries.items[].", KEY));
    undone.push(below("", "rollback"));
    let lists = "blocks_came came changed gone kept left_out servers_came servers_gone";
    undone.push(below("rollback.", &format!("{lists} to")));
    for list in lists.split(' ') {
        undone.push(below(&format!("rollback.{list}."), "items more"));
    }
    undone.push(below("rollback.gone.items[].", KEY));
    undone.push(below("rollback.kept.items[].", "kind text"));
    hold(
        &folder,
        "store rollback --to 1 --dry-run --force --store trust",
        "store-rollback",
        0,
        &undone,
    );
    let bounded = "blocks brought_back checked_issuers claims crls damaged_lines disabled in_doubt \
                   lifted lost lost_crls names names_left narrowed removed servers unverified";
    let mut recovered = vec![below(
        "",
        &format!(
            "{bounded} changes_unknown damage dry_run floor floor_left_out from_generation generation \
             lost_generation previous_damage writable_by_others"
        ),
    )];
    recovered.push(below("brought_back.items[].", KEY));
    for list in bounded.split(' ') {
        recovered.push(below(&format!("{list}."), "items more"));
    }
    hold(
        &folder,
        "store backup copy --store trust",
        "store-backup",
        0,
        &[below("", "digest entries file generation sealed")],
    );
    hold(
        &folder,
        "store restore copy --store lost",
        "store-recover",
        0,
        &recovered,
    );
    hold(
        &folder,
        "store expiring --within 900d --store trust",
        "store-expiring",
        0,
        &[
            below(
                "",
                "clock items more next_change servers usable_servers_at_end worst",
            ),
            below("servers.", "all few usable"),
            below("clock.", CLOCK),
            below("items[].", "dependents ends in_grace severity subject"),
        ],
    );
    hold(
        &folder,
        "store adopt ca.pem --any-server --undecided authority --store trust",
        "store-adopt",
        0,
        &[
            below(
                "",
                "changed items passed_over refused_count unread writable_by_others",
            ),
            below("items[].", "as certificate file why_not"),
            below("items[].certificate.", CERTIFICATE),
        ],
    );
    hold(
        &folder,
        "identity show --identity keys-1.pem --key keys-1.key",
        "identity",
        0,
        &[
            below("", "advice chain identity_file key_file left_out"),
            below("chain[].", CERTIFICATE),
        ],
    );
    let wrong = "07".repeat(32);
    hold(
        &folder,
        &format!(
            "enroll {} --store trust --fingerprint {wrong}",
            server.address
        ),
        "enroll",
        1,
        &[
            below(
                "",
                "address changed dialled_as effects message presented report server",
            ),
            below(
                "presented.",
                "issuer key names not_after proved reason role subject",
            ),
        ],
    );
    let error = run(&folder, "inspect missing --json").ends_with(2).json();
    let names: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(names, ["kind", "message", "schema"]);
    let usage = run(&folder, "nonsense --json").ends_with(2).json();
    assert_eq!(usage["kind"], "usage");
}

#[test]
fn what_is_not_a_terminal_gets_no_colours() {
    let folder = Folder::new("cli-colours");
    machine(&folder, "keys-1");
    let line = "check --chain keys-1.pem --server-name a.example --pin keys-1.pem --at 2090-01-01";
    let ran = run(&folder, line).ends_with(1);
    assert!(!ran.all().contains('\u{1b}'));
    // A terminal, by way of util-linux.
    let on_terminal = |no_color: &str| {
        let command = format!("{} {line}", env!("CARGO_BIN_EXE_mutual-trust"));
        let mut script = Command::new("script");
        script
            .args(["-qec", &command, "/dev/null"])
            .current_dir(folder.path());
        script
            .env("TERM", "xterm")
            .env("NO_COLOR", no_color)
            .stdin(Stdio::null());
        script
            .output()
            .ok()
            .map(|output| String::from_utf8(output.stdout).unwrap())
    };
    let (Some(with), Some(without)) = (on_terminal(""), on_terminal("1")) else {
        crate::support::skips::skipped("no script, so there is no terminal to see colours at");
        return;
    };
    assert!(
        with.contains("\u{1b}[31mrefused:\u{1b}[0m server a.example"),
        "{with}"
    );
    assert!(
        without.contains("refused: server a.example") && !without.contains('\u{1b}'),
        "{without}"
    );
}

#[test]
fn completions_and_the_manual_are_made_of_the_same_help() {
    let folder = Folder::new("cli-made");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&folder, &format!("completions {shell}")).ends_with(0);
        for word in ["mutual-trust", "enroll", "--passphrase-fd"] {
            assert!(
                ran.out.contains(word.trim_start_matches("--")),
                "{shell}: {word}"
            );
        }
    }
    let page = run(&folder, "man").ends_with(0).out;
    assert!(
        page.contains(".TH mutual-trust 1") && page.contains("Exit codes"),
        "{page}"
    );
    run(&folder, "man --out man1").ends_with(0);
    for page in [
        "mutual-trust.1",
        "mutual-trust-connect.1",
        "mutual-trust-store-pin.1",
        "mutual-trust-identity-new.1",
    ] {
        assert!(folder.file("man1").join(page).exists(), "{page}");
    }
    run(&folder, "--help")
        .ends_with(0)
        .says("Exit codes:")
        .says("Examples:");
    run(&folder, "--version")
        .ends_with(0)
        .says("mutual-trust 0.");
}

/// Everything but spaces and line ends that a terminal interprets.
fn interpreted(text: &str) -> Vec<char> {
    let is_interpreted =
        |letter: &char| letter.is_control() && *letter != '\n' || matches!(letter, '\u{202e}');
    text.chars().filter(is_interpreted).collect()
}

#[test]
fn the_names_of_files_and_arguments_are_shown_and_not_interpreted() {
    let folder = Folder::new("cli-escapes");
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    std::fs::create_dir(folder.file("mailed")).unwrap();
    let evil = "x\u{1b}]0;OWNED\u{7}\u{1b}[2K\rtrusted:\u{202e}bank.pem\nsecond: accepted";
    let good = std::fs::read(folder.file("keys-1.pem")).unwrap();
    std::fs::write(folder.file("mailed").join(evil), &good).unwrap();
    std::fs::write(folder.file("mailed").join(format!("{evil}2")), "no pem").unwrap();
    let link = folder.file("mailed").join(format!("{evil}3"));
    std::os::unix::fs::symlink("gone", link).unwrap();
    let named = |line: &str, last: &[&str]| {
        let mut command = crate::run::command(folder.path(), line);
        let output = command.args(last).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        format!("{}{}", text(&output.stdout), text(&output.stderr))
    };
    let (in_folder, missing) = (format!("mailed/{evil}"), format!("gone{evil}"));
    for (line, last) in [
        ("store adopt mailed --clients --store trust", &[][..]),
        ("store bundle mailed --clients --store trust", &[]),
        ("inspect", &[in_folder.as_str(), "keys-1.pem"]),
        ("inspect", &[missing.as_str()]),
        ("store pin --clients --store trust --", &[missing.as_str()]),
        ("store list --store", &[missing.as_str()]),
        ("store create --dry-run --store", &[missing.as_str()]),
        (
            "check --server-name a --pin keys-1.pem --chain",
            &[missing.as_str()],
        ),
        ("connect", &[missing.as_str()]),
        ("identity show --identity", &[missing.as_str()]),
        (evil, &[]),
        ("store --store trust", &[evil]),
    ] {
        let said = named(line, last);
        assert!(interpreted(&said).is_empty(), "{line}: {said:?}");
        assert!(!said.contains("\nsecond"), "{line}: {said:?}");
        let json = named(&format!("--json {line}"), last);
        assert!(interpreted(&json).is_empty(), "{line}: {json:?}");
    }
    let said = named("store adopt mailed --clients --store trust", &[]);
    assert!(
        said.contains("\\u{1b}[2K\\u{d}trusted:\\u{202e}bank.pem\\u{a}second"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    let folder = Folder::new("cli-full");
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    for line in [
        "store list --store trust",
        "--json store list --store trust",
        "store verify --store trust",
        "inspect keys-1.pem",
        "completions bash",
        "man",
        "--help",
        "store pin --help",
        "--version",
    ] {
        let run = |to: Stdio| {
            let mut command = crate::run::command(folder.path(), line);
            command.stdout(to).stderr(Stdio::piped());
            let output = command.output().unwrap();
            (
                output.status.code().unwrap(),
                String::from_utf8(output.stderr).unwrap(),
            )
        };
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let (code, said) = run(full.into());
        assert_eq!(code, 2, "{line}: {said}");
        assert!(said.contains("cannot be written"), "{line}: {said}");
        // Its reader has gone.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, said) = run(writer.into());
        assert_eq!((code, said.as_str()), (0, ""), "{line}");
    }
}
