//! Every verb gives JSON that fits the schema, also where it fails. The verbs are those of the help, so that a new one is
//! tried as well. What a run gives is held to the schema by the runner.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::folder::Folder;
use crate::run::{Server, command, fingerprint, machine, now_spec, run, write};
use crate::schema;
use crate::support::crl::crl;

const YEAR: i64 = 365 * 24 * 3600;

/// Every verb, by the words that name it, with its help.
fn verbs(folder: &Folder) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), run(folder, "--help").ends_with(0).out)];
    let mut next = 0;
    while let Some((path, help)) = all.get(next).cloned() {
        next += 1;
        let listed = help
            .split_once("\nCommands:\n")
            .map_or("", |(_, list)| list);
        let lines = listed.lines().take_while(|line| !line.is_empty());
        for name in lines.filter_map(|line| line.split_whitespace().next()) {
            if name != "help" {
                let path = format!("{path} {name}").trim().to_owned();
                let help = run(folder, &format!("{path} --help")).ends_with(0).out;
                all.push((path, help));
            }
        }
    }
    let has = |wanted: &str| all.iter().any(|(path, _)| path == wanted);
    assert!(all.len() > 40 && has("store plan clock reset"), "{all:#?}");
    all
}

/// The schemas of what a run with `--json` gave, which the runner has held to them.
fn given(folder: &Folder, line: &str) -> Vec<String> {
    let ran = run(folder, &format!("{line} --json"));
    let objects = schema::objects(&ran.all()).into_iter();
    objects.map(|(name, _)| name).collect()
}

#[test]
fn every_verb_that_is_called_wrongly_gives_an_error_in_json() {
    let folder = Folder::new("cli-json-wrong");
    for (path, _) in verbs(&folder) {
        for more in [
            "",
            "--nonsense",
            "--json",
            "--full=1",
            "--store",
            "--store missing",
            "--store /dev/null",
            "--force --dry-run --by",
            "nonsense",
            "a.pem b.pem c.pem d.pem",
            "a=\u{1b}[2K --\u{9b}x",
            "-- --json",
        ] {
            let given = given(
                &folder,
                &format!("--json {path} {more}").replace("--json  --json", "--json"),
            );
            // Without arguments, some verbs have a result.
            assert!(!given.is_empty(), "{path} {more}");
        }
    }
}

/// All that the examples name.
fn prepare(folder: &Folder) {
    machine(folder, "keys-1");
    machine(folder, "array");
    let ca = now_spec("CA").ca().self_signed();
    let issuing = now_spec("Issuing").ca().signed_by(&ca);
    let stolen = now_spec("stolen").signed_by(&ca);
    for (name, made) in [("ca", &ca), ("issuing", &issuing), ("stolen", &stolen)] {
        write(folder, name, made);
    }
    let list = crl().valid(-YEAR, 20 * YEAR).revoke(&stolen.certificate);
    fs::write(folder.file("ca.crl"), list.signed_by(&ca).to_pem()).unwrap();
    fs::create_dir(folder.file("certificates")).unwrap();
    let (ca, keys) = (folder.file("ca.pem"), folder.file("keys-1.pem"));
    fs::copy(&ca, folder.file("ca-bundle.pem")).unwrap();
    fs::copy(&ca, folder.file("certificates/ca.pem")).unwrap();
    fs::copy(&keys, folder.file("certificates/keys-1.pem")).unwrap();
    for line in [
        "create",
        "server add keys-1 kms1.example",
        "server add keys-2",
        "pin keys-1.pem --server keys-1",
        "authority ca.pem --server keys-2",
        "group add site-b keys-2",
    ] {
        run(folder, &format!("store {line} --store trust")).ends_with(0);
    }
    copy(&folder.file("trust"), &folder.file("kept"));
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// What a command without HTTP cannot answer with.
const OF_HTTP: [&str; 4] = [
    "fleet-serve",
    "fleet-serve-event",
    "store-crl-fetch",
    "store-crl-fetch-event",
];

/// A fleet with one node, of which the examples have no files.
fn fleet(folder: &Folder) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for line in [
        "fleet new-key one.key --public-key one.pub",
        "fleet init one --threshold 1 --key one.pub --fleet one",
        "store create --store one-trust",
        "store pin keys-1.pem --clients --store one-trust",
        "fleet draft --store one-trust --days 9 --fleet one",
        "fleet sign one/draft --key one.key --out one.sig --accept",
        "fleet publish --signature one.sig --to one-site --fleet one",
        "fleet keys show one/keys",
        "fleet status one-site",
        "fleet diff one-site one-trust",
        "store create --store one-node",
    ] {
        seen.extend(given(folder, line));
    }
    let keys = run(folder, "fleet keys show one/keys --json").ends_with(0);
    let digest = keys.json()["digest"].as_str().unwrap().to_owned();
    for line in [
        &format!("fleet fetch one-site --digest {digest} --fleet again"),
        &format!("fleet join one-site --digest {digest} --store one-node"),
        "fleet take one-site --store one-node",
        "fleet follow one-site --every 1 --for 1 --store one-node",
        "fleet serve one-site --listen 127.0.0.1:0 --publisher ana --store one-trust --identity array.pem --key array.key --for 1",
    ] {
        seen.extend(given(folder, line));
    }
    seen
}

#[test]
fn every_example_gives_json_with_its_files_and_without_them() {
    let (with, without) = (
        Folder::new("cli-json-with"),
        Folder::new("cli-json-without"),
    );
    prepare(&with);
    let mut seen = BTreeSet::new();
    for (path, help) in verbs(&without) {
        let lines = help
            .lines()
            .filter_map(|line| line.strip_prefix("  mutual-trust "));
        let examples: Vec<&str> = lines.collect();
        assert!(!examples.is_empty(), "{path}: {help}");
        for example in examples {
            let mut line = example.replace("--json", "");
            if line.starts_with("connect") {
                line.push_str(" --timeout 1");
            }
            if line.contains("--every") || line.contains("--follow") {
                line.push_str(" --for 1");
            }
            copy(&with.file("kept"), &with.file("trust"));
            for folder in [&without, &with] {
                seen.extend(given(folder, &line));
            }
        }
    }
    // What no example reaches by itself.
    let server = Server::start(&with, "");
    let heard = fingerprint(&with, "keys-1.pem");
    for line in [
        "store diff trust kept",
        "store verify --store kept",
        "store backup copied --store kept",
        "store restore copied --store lost",
        "store rollback --to 1 --dry-run --store trust",
        "identity renew --when-due --folder identity",
        &format!("connect {} --pin keys-1.pem", server.address),
        &format!(
            "enroll {} --server keys-3 --fingerprint {heard} --store trust",
            server.address
        ),
    ] {
        seen.extend(given(&with, line));
    }
    seen.extend(fleet(&with));
    let mut names = schema::names();
    if cfg!(not(feature = "http")) {
        names.retain(|name| !OF_HTTP.contains(&name.as_str()));
    }
    assert_eq!(seen, names, "a schema that no run has");
}

#[test]
fn every_event_of_a_server_is_one_line_of_json() {
    let folder = Folder::new("cli-json-events");
    for name in ["keys-1", "array-7", "other"] {
        machine(&folder, name);
    }
    let mut server = Server::start(&folder, "--json");
    let link = |client: &str| {
        let line = format!(
            "connect {} --pin keys-1.pem --identity {client}.pem --key {client}.key --settle 60000",
            server.address
        );
        line
    };
    let (array, other) = (link("array-7"), link("other"));
    run(&folder, &array).ends_with(1);
    server.until("\"refused\"");
    server.tell("pending");
    server.until("\"pending\"");
    server.tell("nonsense");
    server.until("\"error\"");
    let heard = fingerprint(&folder, "array-7.pem");
    server.tell(&format!("accept 1 {heard} array seven"));
    server.until("\"accepted\"");
    run(&folder, &array.replace("--settle 60000", "")).ends_with(0);
    server.until("\"client\"");
    run(&folder, &other).ends_with(1);
    server.until("\"refused\"");
    server.tell("reject 2");
    server.until("\"rejected\"");
    run(&folder, "store server add keys-9 --store server-trust").ends_with(0);
    server.until("\"changed\"");
    // It listens as long as the session lasts.
    let mut connected = command(folder.path(), &array);
    let mut connected = connected.stdout(Stdio::null()).spawn().unwrap();
    server.until("\"client\"");
    run(&folder, "store block array-7.pem --store server-trust").ends_with(0);
    server.until("\"ended\"");
    connected.wait().unwrap();
    server.tell("quit");
    let (code, said) = server.end();
    schema::hold("serve", code, &said, "");
    let mut refused = said
        .lines()
        .filter(|line| line.contains("\"event\":\"refused\""));
    let address = "\"address\":\"127.0.0.1:";
    assert!(refused.all(|line| line.contains(address)), "{said}");
    let objects = schema::objects(&said).into_iter();
    let events = objects.filter_map(|(_, object)| Some(object["event"].as_str()?.to_owned()));
    assert_eq!(events.collect::<BTreeSet<String>>(), schema::events());
}

/// A name, and what gives the output.
type Output = (&'static str, fn() -> Stdio);

#[test]
fn an_output_that_is_closed_or_full_leaves_the_other_one_valid() {
    let folder = Folder::new("cli-json-closed");
    prepare(&folder);
    let outputs: [Output; 3] = [
        ("closed", || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer.into()
        }),
        ("full", || {
            let full = fs::OpenOptions::new().write(true).open("/dev/full");
            full.unwrap().into()
        }),
        ("none", Stdio::null),
    ];
    for line in [
        "store list --store trust",
        "store verify --store trust",
        "inspect keys-1.pem missing",
        "check --chain ca.pem --server-name kms1.example --store trust",
        "store list --store missing",
        "nonsense",
    ] {
        let whole = run(&folder, &format!("{line} --json")).code;
        for (what, to) in outputs {
            let mut command = command(folder.path(), &format!("{line} --json"));
            command.stdin(Stdio::null());
            let out = command
                .stdout(to())
                .stderr(Stdio::piped())
                .output()
                .unwrap();
            let err = String::from_utf8(out.stderr).unwrap();
            let wanted = if what == "full" { 2 } else { whole };
            assert_eq!(out.status.code(), Some(wanted), "{line}, {what}: {err}");
            let errors = schema::objects(&err);
            assert_eq!(
                errors.len(),
                usize::from(wanted == 2),
                "{line}, {what}: {err}"
            );
            // The result is not lost if there is no place for the error.
            let out = command
                .stdout(Stdio::piped())
                .stderr(to())
                .output()
                .unwrap();
            assert_eq!(out.status.code(), Some(whole), "{line}, {what}");
            schema::objects(&String::from_utf8(out.stdout).unwrap());
        }
    }
}
