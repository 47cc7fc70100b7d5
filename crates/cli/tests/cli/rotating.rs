//! The phases of a rotation of our identity, with real servers, and its renewal by a timer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rcgen::date_time_ymd;
use serde_json::Value;

use crate::folder::Folder;
use crate::openssl::openssl;
use crate::run::{Foreign, Ran, command, encrypted, fingerprint, machine, run, run_with, write};
use crate::support::pki::{Made, spec};
use crate::support::skips::skipped;

/// A system with two key servers in its store, and its identity in a folder.
fn system(test: &str) -> Folder {
    let folder = Folder::new(test);
    machine(&folder, "array");
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    for id in ["keys-1", "keys-2"] {
        run(&folder, &format!("store server add {id} --store trust")).ends_with(0);
        let pin = format!("store pin keys-1.pem --server {id} --store trust");
        run(&folder, &pin).ends_with(0);
    }
    identity(&folder, "create --identity array.pem --key array.key")
        .ends_with(0)
        .says("no rotation under way")
        .says("to do: delete array.key");
    folder
}

fn identity(folder: &Folder, line: &str) -> Ran {
    run(folder, &format!("identity {line} --folder identity"))
}

fn status(folder: &Folder) -> Value {
    let shown = identity(folder, "status --store trust --json");
    shown.ends_with(0).json()
}

fn keys(folder: &Folder) -> usize {
    let all = fs::read_dir(folder.file("identity")).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".key")).count()
}

#[test]
fn each_server_is_presented_what_is_activated_for_it_and_finish_names_who_lags() {
    if openssl("cli-rotation-tool").is_none() {
        return;
    }
    let folder = system("cli-rotation");
    identity(&folder, "activate keys-1")
        .ends_with(2)
        .says("error[rotation/NothingStaged]");
    identity(&folder, "finish --store trust")
        .ends_with(2)
        .says("error[rotation/NothingStaged]");
    // With another key: OpenSSL takes a certificate of the same name and key for the one that it knows.
    identity(&folder, "stage --rekey --out next.pem")
        .ends_with(0)
        .says("phase: staged")
        .says("to do: have the next certificate installed");
    let [old, new] = ["array.pem", "next.pem"].map(|file| fingerprint(&folder, file));
    let shown = status(&folder);
    assert_eq!(shown["current"]["fingerprint"], old);
    assert_eq!(shown["next"]["fingerprint"], new);
    assert_eq!(shown["may_finish"], false);
    let knows = |file: &str| {
        Foreign::start(
            &folder,
            &format!("-CAfile {file} -Verify 1 -verify_return_error"),
        )
    };
    let (knows_old, knows_new) = (knows("array.pem"), knows("next.pem"));
    let visit = |server: &Foreign, id: &str| {
        let address = &server.address;
        let line = format!("connect {address} --store trust --server {id} --identity identity");
        run(&folder, &line)
    };
    let sees = |id: &str, is_new: bool| {
        let (good, bad) = if is_new {
            (&knows_new, &knows_old)
        } else {
            (&knows_old, &knows_new)
        };
        let found = visit(good, id).ends_with(0).says("works:");
        assert_eq!(found.out.contains("recorded:"), is_new, "{}", found.out);
        visit(bad, id).ends_with(1).says("refused[RefusedByPeer]");
    };
    sees("keys-1", false);
    identity(&folder, "activate keys-1")
        .ends_with(0)
        .says("phase: activating");
    visit(&knows_old, "keys-1").ends_with(1);
    let shown = status(&folder);
    assert_eq!(shown["servers"][0]["activated"], true);
    assert_eq!(
        shown["servers"][0]["accepted"], false,
        "a refusal is no acceptance"
    );
    sees("keys-1", true);
    sees("keys-2", false);
    identity(&folder, "back keys-1").ends_with(0);
    sees("keys-1", false);
    identity(&folder, "activate keys-1").ends_with(0);
    let refused = identity(&folder, "finish --store trust --json")
        .ends_with(1)
        .json();
    assert_eq!(refused["refused"], "Lagging");
    assert_eq!(keys(&folder), 2);
    sees("keys-1", true);
    identity(&folder, "finish --store trust")
        .ends_with(1)
        .says("server keys-1: it accepted the next certificate")
        .says("server keys-2: we present the current certificate")
        .says("refused: the current certificate is still needed")
        .says("to do 1: activate the next certificate, once it is installed there: keys-2\n")
        .says("to do 2: connect to each with --store, --server and --identity identity,")
        .says(
            "accepts the next certificate: keys-2\n  to do 3: `identity finish --folder identity`",
        )
        .says("--force finishes without these steps");
    identity(&folder, "activate keys-9 --store trust")
        .ends_with(2)
        .says("error[store/UnknownServer]")
        .says("keys-9");
    identity(&folder, "back keys-1 keys-9 --store trust").ends_with(2);
    let after = identity(&folder, "status --store trust").all();
    assert!(after.contains("to do 1: activate") && !after.contains("keys-9"));
    identity(&folder, "activate --all")
        .ends_with(0)
        .says("phase: activated");
    identity(&folder, "finish --store trust")
        .ends_with(1)
        .says("server keys-2: we present the next certificate")
        .says("it was not seen to accept that");
    sees("keys-2", true);
    let shown = status(&folder);
    assert_eq!(shown["may_finish"], true, "{shown}");
    assert!(shown["servers"][1]["accepted_at"].is_string(), "{shown}");
    identity(&folder, "status --store trust").says("the current certificate can go");
    identity(&folder, "finish --store trust")
        .ends_with(0)
        .says("the old key is deleted");
    assert_eq!(keys(&folder), 1);
    visit(&knows_new, "keys-1").ends_with(0);
    visit(&knows_old, "keys-2").ends_with(1);
    // With force, nothing is asked.
    identity(&folder, "stage").ends_with(0);
    identity(&folder, "finish")
        .ends_with(1)
        .says("to do 1: look again with --store");
    identity(&folder, "finish --force")
        .ends_with(0)
        .says("the old certificate is deleted; its key is that of the new one");
    identity(&folder, "stage").ends_with(0);
    identity(&folder, "back --drop")
        .ends_with(0)
        .says("no rotation under way");
    assert_eq!(keys(&folder), 1);
}

/// Steps in the wrong order, and with wrong ids.
#[test]
fn a_rotation_in_a_wrong_order_says_what_is_missing() {
    let folder = system("cli-rotation-order");
    identity(&folder, "stage --rekey --out next.pem").ends_with(0);
    // Another stage makes nothing, and writes the certificate that is staged.
    identity(&folder, "stage --rekey --out again.pem")
        .ends_with(0)
        .says("nothing was made")
        .says("`identity back --drop`");
    assert_eq!(
        fingerprint(&folder, "again.pem"),
        fingerprint(&folder, "next.pem")
    );
    // A wrong id is told where the right ones are known.
    identity(&folder, "activate keys-9").ends_with(0);
    identity(&folder, "status --store trust")
        .ends_with(0)
        .says("warning: the state names server keys-9, which is not in the store");
    identity(&folder, "back keys-9").ends_with(0);
    identity(&folder, "back").ends_with(0);
    identity(&folder, "activate --all").ends_with(0);
    identity(&folder, "finish")
        .ends_with(1)
        .says("no server was seen to accept the next certificate");
    // A store without servers names none that must accept.
    run(&folder, "store create --store empty").ends_with(0);
    identity(&folder, "finish --store empty")
        .ends_with(2)
        .says("error[rotation/NoServers]");
    assert_eq!(keys(&folder), 2, "the old key is still there");
    identity(&folder, "finish --store empty --force").ends_with(0);
    assert_eq!(keys(&folder), 1);
}

#[test]
fn what_is_missing_or_damaged_is_told() {
    let folder = system("cli-rotation-wrong");
    identity(&folder, "create --identity array.pem --key array.key")
        .ends_with(2)
        .says("error[folder/Exists]");
    identity(&folder, "stage --identity array.pem --key keys-1.key")
        .ends_with(2)
        .says("error[identity/KeyMismatch]");
    identity(&folder, "stage --identity array.pem --key array.key")
        .ends_with(2)
        .says("error[rotation/AlreadyCurrent]");
    identity(&folder, "stage --answer array.pem")
        .ends_with(2)
        .says("error[folder/NoRequest]");
    fs::write(folder.file("out.pem"), "").unwrap();
    identity(&folder, "stage --out out.pem")
        .ends_with(2)
        .says("error[write/Exists]");
    run(&folder, "identity status --folder trust")
        .ends_with(2)
        .says("error[folder/NoIdentity]");
    run(&folder, "identity show --identity identity --key array.key")
        .ends_with(2)
        .says("--identity names a folder");
    run(&folder, "identity show --identity identity")
        .ends_with(0)
        .says("CN=array");
    let state = folder.file("identity/identity-state");
    let text = fs::read_to_string(&state).unwrap();
    fs::write(&state, text.replace("current", "currant")).unwrap();
    identity(&folder, "status")
        .ends_with(2)
        .says("error[folder/Damaged]");
    fs::write(&state, text.replace("identity 1", "identity 7")).unwrap();
    identity(&folder, "status")
        .ends_with(2)
        .says("error[folder/Version]");
}

/// A process that is killed at any moment leaves a folder that can be read and used.
#[test]
fn a_killed_command_leaves_a_state_that_is_read() {
    let folder = system("cli-rotation-killed");
    let lines = [
        "stage --rekey",
        "activate keys-1",
        "finish --force",
        "stage",
        "back --drop",
    ];
    let mut killed = 0;
    for round in 0..60_u64 {
        let line = lines[usize::try_from(round).unwrap() % lines.len()];
        let mut child = command(folder.path(), &format!("identity {line} --folder identity"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(round * 150));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        identity(&folder, "status").ends_with(0);
        run(&folder, "identity show --identity identity").ends_with(0);
    }
    assert!(killed > 5, "{killed}");
    identity(&folder, "stage --rekey");
    identity(&folder, "finish --force").ends_with(0);
    assert_eq!(keys(&folder), 1, "what was left over is removed");
}

/// A certificate with these years of life.
fn lives(from: i32, to: i32) -> impl Fn(&mut rcgen::CertificateParams) {
    move |params| {
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
    }
}

fn kept(folder: &Folder, made: &Made) {
    write(folder, "own", made);
    identity(folder, "create --identity own.pem --key own.key").ends_with(0);
}

fn due(folder: &Folder, more: &str) -> Ran {
    let line = format!("identity renew --when-due --folder identity {more} --json");
    run(folder, &line)
}

#[test]
fn a_timer_renews_what_is_due_and_fails_only_if_a_person_must_look() {
    let folder = Folder::new("cli-renewal");
    kept(
        &folder,
        &spec("array").params(lives(2020, 2095)).self_signed(),
    );
    let answer = due(&folder, "").ends_with(0).json();
    assert_eq!(
        (&answer["state"], &answer["late"]),
        (&"not_due".into(), &false.into())
    );
    assert!(answer["due"].as_str().unwrap() > "2060", "{answer}");
    run(&folder, "identity renew --when-due --folder identity").says("not due: it is on 20");
    let answer = due(&folder, "--fraction 0.05 --jitter 0 --days 90")
        .ends_with(0)
        .json();
    assert_eq!(answer["state"], "renewed");
    assert_eq!(answer["rotation"]["phase"], "staged");
    let next = answer["rotation"]["next"]["fingerprint"].clone();
    for _ in 0..2 {
        let again = due(&folder, "--fraction 0.05 --jitter 0")
            .ends_with(0)
            .json();
        assert_eq!(again["state"], "staged");
        assert_eq!(
            again["rotation"]["next"]["fingerprint"], next,
            "one renewal"
        );
    }
    // Most of its life is over, and the rotation is not: exit code 1, until it is finished.
    let folder = Folder::new("cli-renewal-late");
    kept(
        &folder,
        &spec("array").params(lives(2020, 2027)).self_signed(),
    );
    due(&folder, "").ends_with(0);
    let late = due(&folder, "").ends_with(1).json();
    assert_eq!(
        (&late["refused"], &late["state"]),
        (&"RenewalLate".into(), &"staged".into())
    );
    identity(&folder, "finish --force").ends_with(0);
    assert_eq!(due(&folder, "").ends_with(0).json()["state"], "not_due");
    // At once, with a new key.
    let folder = Folder::new("cli-renewal-use");
    kept(
        &folder,
        &spec("array").params(lives(2020, 2027)).self_signed(),
    );
    let used = due(&folder, "--rekey p384 --use").ends_with(0).json();
    assert_eq!(
        (&used["state"], &used["rotation"]["phase"]),
        (&"used".into(), &"none".into())
    );
    assert_eq!(keys(&folder), 1);
    for wrong in [
        "--fraction 0.96",
        "--fraction 0",
        "--jitter 0.9",
        "--fraction 2",
    ] {
        due(&folder, wrong).ends_with(2);
    }
    let alone = run(&folder, "identity renew --folder identity").ends_with(2);
    assert!(
        alone.err.contains("--when-due") && !alone.err.contains("--out"),
        "{}",
        alone.err
    );
    run(&folder, "identity renew --identity own.pem --key own.key")
        .ends_with(2)
        .says("--out");
    due(&folder, "--out x.pem")
        .ends_with(2)
        .says("cannot be used with");
}

#[test]
fn a_certificate_of_a_ca_is_requested_once_and_its_answer_is_taken_from_a_file() {
    let Some(tool) = openssl("cli-renewal-ca-tool") else {
        return;
    };
    let folder = Folder::new("cli-renewal-ca");
    let ca = spec("CA").ca().params(lives(2020, 2095)).self_signed();
    let own = spec("array")
        .dns("array.example")
        .params(lives(2020, 2095))
        .signed_by(&ca);
    write(&folder, "ca", &ca);
    kept(&folder, &own);
    let due = |code: i32| -> Value {
        let more = "--fraction 0.05 --jitter 0 --rekey --answer answer.pem";
        due(&folder, more).ends_with(code).json()
    };
    let asked = due(0);
    assert_eq!(asked["state"], "requested");
    let request = asked["request"].as_str().unwrap();
    assert_eq!(due(0)["state"], "waiting");
    identity(&folder, "status").says("requested: a CA has not answered");
    // The pair does not match: it waits, and says so.
    fs::copy(folder.file("own.pem"), folder.file("answer.pem")).unwrap();
    let waits = due(0);
    assert_eq!(waits["state"], "waiting");
    assert!(
        waits["answer_not_taken"].as_str().unwrap().contains("key"),
        "{waits}"
    );
    for file in ["ca.pem", "ca.key"] {
        tool.write(file, fs::read_to_string(folder.file(file)).unwrap());
    }
    tool.write("own.csr", fs::read_to_string(folder.file(request)).unwrap());
    let answer = |days: u32| {
        tool.run(&format!("x509 -req -in own.csr -CA ca.pem -CAkey ca.key -days {days} -out own.pem -copy_extensions copyall"));
        fs::write(folder.file("answer.pem"), tool.read("own.pem")).unwrap();
    };
    // It would end before the current one: it waits, and a person may take it.
    answer(900);
    let waits = due(0);
    assert_eq!(waits["state"], "waiting");
    let why = waits["answer_not_taken"].as_str().unwrap();
    assert!(why.contains("no later than the current one"), "{why}");
    answer(30_000);
    let done = due(0);
    assert_eq!(done["state"], "renewed", "{done}");
    assert_eq!(
        done["rotation"]["next"]["fingerprint"],
        fingerprint(&folder, "answer.pem")
    );
    identity(&folder, "finish --force").ends_with(0);
    run(&folder, "identity show --identity identity")
        .ends_with(0)
        .says("array.example");
}

#[test]
fn an_encrypted_key_stays_encrypted() {
    let Some(folder) = encrypted("cli-rotation-encrypted") else {
        return;
    };
    let with = |line: &str| {
        let line = format!("identity {line} --folder identity --passphrase-fd 0");
        run_with(&folder, &line, "correct-horse\n")
    };
    with("create --identity a.pem --key a.key").ends_with(0);
    // Such a certificate of OpenSSL is a CA's, so its renewal is not a copy of it; another identity can be staged.
    machine(&folder, "next");
    with("stage --identity next.pem --key next.key").ends_with(0);
    with("activate --all").ends_with(0);
    let names = fs::read_dir(folder.file("identity")).unwrap();
    let mut encrypted = 0;
    for path in names.map(|entry| entry.unwrap().path()) {
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o077,
            0,
            "{path:?}"
        );
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("correct-horse"));
        encrypted += usize::from(text.contains("ENCRYPTED PRIVATE KEY"));
    }
    assert_eq!(encrypted, 1);
    // Its state is read without the passphrase.
    identity(&folder, "status").ends_with(0);
}

const UNITS: [(&str, &str); 2] = [
    (
        "service",
        include_str!("../../../../contrib/mutual-trust-renew.service"),
    ),
    (
        "timer",
        include_str!("../../../../contrib/mutual-trust-renew.timer"),
    ),
];

/// The command of the unit, on a folder of this machine.
#[test]
fn the_command_of_the_unit_renews_a_folder() {
    let folder = Folder::new("cli-renewal-unit");
    kept(
        &folder,
        &spec("array").params(lives(2020, 2027)).self_signed(),
    );
    let mut lines = UNITS[0].1.lines();
    let line = lines.find_map(|line| line.strip_prefix("ExecStart=/usr/bin/mutual-trust "));
    let line = line
        .unwrap()
        .replace("/var/lib/mutual-trust/identity", "identity");
    run(&folder, &line).ends_with(0).says("renewed:");
    assert_eq!(status_alone(&folder)["phase"], "staged");
}

fn status_alone(folder: &Folder) -> Value {
    identity(folder, "status --json").ends_with(0).json()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_of_the_renewal() {
    let folder = Folder::new("cli-renewal-systemd");
    for (kind, unit) in UNITS {
        let unit = unit.replace("/usr/bin/mutual-trust", env!("CARGO_BIN_EXE_mutual-trust"));
        let unit = unit.replace("=mutual-trust\n", "=daemon\n");
        fs::write(folder.file(&format!("mutual-trust-renew.{kind}")), unit).unwrap();
    }
    let mut analyze = std::process::Command::new("systemd-analyze");
    analyze.args(["verify", "--man=no", "--recursive-errors=no"]);
    for (kind, _) in UNITS {
        analyze.arg(folder.file(&format!("mutual-trust-renew.{kind}")));
    }
    let Ok(output) = analyze.output() else {
        skipped("no systemd-analyze, so the units of the renewal were not verified by it");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let ours = |line: &&str| line.contains("mutual-trust-renew") && line.contains(':');
    assert_eq!(said.lines().find(ours), None);
}

/// A key server renews, and then another one of its group.
#[test]
fn a_pin_is_replaced_when_every_server_was_seen_with_the_next_one() {
    if openssl("cli-replace-tool").is_none() {
        return;
    }
    let folder = Folder::new("cli-replace");
    for name in ["old", "next", "array"] {
        machine(&folder, name);
    }
    let store = |line: &str| run(&folder, &format!("store {line} --store trust"));
    store("create").ends_with(0);
    for id in ["keys-1", "keys-2"] {
        store(&format!("server add {id}")).ends_with(0);
    }
    store("group add site keys-1 keys-2").ends_with(0);
    store("pin old.pem --group site").ends_with(0);
    let presents = |name: &str| {
        for end in ["pem", "key"] {
            let from = folder.file(&format!("{name}.{end}"));
            fs::copy(from, folder.file(&format!("keys-1.{end}"))).unwrap();
        }
        Foreign::start(&folder, "-no_ticket")
    };
    let visit = |server: &Foreign, id: &str| {
        run(
            &folder,
            &format!("connect {} --store trust --server {id}", server.address),
        )
    };
    let (old, next) = (presents("old"), presents("next"));
    visit(&old, "keys-1").ends_with(0);
    let go_on = |code: i32| -> Value {
        store("replace next.pem --group site --json")
            .ends_with(code)
            .json()
    };
    let shown = store("replace next.pem --group site --status --json")
        .ends_with(0)
        .json();
    assert_eq!(
        (&shown["step"], &shown["change"]),
        (&"install".into(), &Value::Null)
    );
    let first = go_on(0);
    assert_eq!(
        (&first["step"], &first["change"]["changed"]),
        (&"wait".into(), &true.into())
    );
    assert_eq!(
        first["servers"][0]["presented"],
        fingerprint(&folder, "old.pem")
    );
    assert_eq!(first["servers"][0]["done"], false);
    assert_eq!(first["servers"][1]["presented"], Value::Null);
    let waits = go_on(1);
    assert_eq!(
        (&waits["refused"], &waits["may_remove"]),
        (&"Waiting".into(), &false.into())
    );
    visit(&next, "keys-1").ends_with(0);
    store("replace next.pem --group site")
        .ends_with(1)
        .says("server keys-1: done, it presented")
        .says("server keys-2: not seen")
        .says("waiting for the next certificate from keys-2")
        .says("refused[Waiting]");
    // One that was not accepted is not seen.
    let other = presents("array");
    visit(&other, "keys-2").ends_with(1);
    go_on(1);
    visit(&old, "keys-2").ends_with(0);
    store("replace next.pem --group site --status")
        .ends_with(0)
        .says("server keys-2: lags");
    // By hand it is judged by what was seen as well.
    let early = store("remove old.pem --group site").ends_with(1).all();
    assert!(
        early.contains("would lock out: server keys-2")
            && !early.contains("server keys-1")
            && !early.contains("not seen"),
        "{early}"
    );
    visit(&next, "keys-2").ends_with(0);
    let ready = store("replace next.pem --group site --status --json")
        .ends_with(0)
        .json();
    assert_eq!(
        (&ready["step"], &ready["may_remove"]),
        (&"remove_old".into(), &true.into())
    );
    let tried = store("replace next.pem --group site --dry-run --json")
        .ends_with(0)
        .json();
    assert_eq!(tried["change"]["changed"], false);
    // What was seen of the servers is in the plan: none of them is at risk.
    let text = store("replace next.pem --group site --dry-run")
        .ends_with(0)
        .all();
    assert!(
        text.contains("would be") && !text.contains("at risk"),
        "{text}"
    );
    let done = go_on(0);
    assert_eq!(
        (&done["step"], &done["change"]["changed"]),
        (&"done".into(), &true.into())
    );
    visit(&old, "keys-1").ends_with(1);
    visit(&next, "keys-1").ends_with(0);
    assert_eq!(go_on(0)["step"], "done");
    // A file that was changed is told, and no step rests on it.
    let file = folder.file("trust/peers-seen");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("keys-2", "keys-1")).unwrap();
    store("replace next.pem --group site")
        .ends_with(2)
        .says("peers-seen is not a valid");
    for line in [
        "remove next.pem --group site --force --dry-run",
        "block next.pem --dry-run",
    ] {
        store(line)
            .ends_with(0)
            .says("warning: what servers were seen with cannot be read: ")
            .says("judged by what is installed for it");
    }
    visit(&next, "keys-1")
        .ends_with(0)
        .says("note: what the server presented was not recorded");
    fs::remove_file(&file).unwrap();
    assert_eq!(go_on(1)["servers"][0]["presented"], Value::Null);
}

#[test]
fn a_migration_says_who_presents_a_chain_already() {
    if openssl("cli-migration-tool").is_none() {
        return;
    }
    let folder = Folder::new("cli-migration");
    let ca = spec("CA").ca().params(lives(2020, 2095)).self_signed();
    let signed = spec("keys").dns("localhost").ip("127.0.0.1");
    let signed = signed.params(lives(2020, 2095)).signed_by(&ca);
    write(&folder, "ca", &ca);
    machine(&folder, "old");
    let store = |line: &str| run(&folder, &format!("store {line} --store trust"));
    store("create").ends_with(0);
    store("server add keys-1").ends_with(0);
    store("pin old.pem --server keys-1").ends_with(0);
    let status = || store("migrate keys-1 --status --json").ends_with(0).json();
    assert_eq!(status()["step"], "install_authority");
    store("authority ca.pem --any-server").ends_with(0);
    assert_eq!(status()["step"], "migrate");
    store("migrate keys-1 --until 30d").ends_with(0);
    for end in ["pem", "key"] {
        let from = folder.file(&format!("old.{end}"));
        fs::copy(from, folder.file(&format!("keys-1.{end}"))).unwrap();
    }
    let old = Foreign::start(&folder, "-no_ticket");
    write(&folder, "keys-1", &signed);
    let new = Foreign::start(&folder, "-no_ticket");
    let visit = |server: &Foreign| {
        let address = &server.address;
        run(
            &folder,
            &format!("connect {address} --store trust --server keys-1"),
        )
        .ends_with(0);
    };
    visit(&old);
    let waits = status();
    assert_eq!(
        (&waits["step"], &waits["servers"][0]["done"]),
        (&"wait".into(), &false.into())
    );
    visit(&new);
    let ready = status();
    assert_eq!(
        (&ready["step"], &ready["servers"][0]["done"]),
        (&"release".into(), &true.into())
    );
    assert_eq!(ready["may_remove"], true);
    store("migrate keys-1 --status")
        .says("release")
        .says("done, it presented");
    store("release keys-1").ends_with(0);
    assert_eq!(status()["step"], "done");
    store("migrate keys-1 --status --force").ends_with(2);
}

#[test]
fn a_pin_that_an_authority_accepts_is_done_and_a_stop_rests_on_what_was_seen() {
    if openssl("cli-migration-pinned").is_none() {
        return;
    }
    let folder = Folder::new("cli-migration-pinned");
    let ca = spec("CA").ca().params(lives(2020, 2095)).self_signed();
    let signed = spec("keys").dns("localhost").ip("127.0.0.1");
    let signed = signed.params(lives(2020, 2095)).signed_by(&ca);
    write(&folder, "ca", &ca);
    write(&folder, "keys-1", &signed);
    let store = |line: &str| run(&folder, &format!("store {line} --store trust"));
    for line in [
        "create",
        "server add keys-1",
        "pin keys-1.pem --server keys-1",
        "authority ca.pem --any-server",
        "migrate keys-1 --until 30d",
    ] {
        store(line).ends_with(0);
    }
    let stop = "migrate keys-1 --stop --dry-run";
    store(stop).ends_with(0).says("it was not seen yet");
    let server = Foreign::start(&folder, "-no_ticket");
    let line = format!("connect {} --store trust --server keys-1", server.address);
    run(&folder, &line).ends_with(0);
    // Its pin decided, and the authority accepts the same certificate.
    let status = store("migrate keys-1 --status").says("release").all();
    assert!(
        status.contains("server keys-1: done, it presented") && !status.contains("lags"),
        "{status}"
    );
    let stopped = store(stop).ends_with(0).all();
    assert!(
        !stopped.contains("at risk") && !stopped.contains("not seen"),
        "{stopped}"
    );
    // The report has what it presented, also where it replaces another pin.
    machine(&folder, "next");
    store("pin next.pem --server keys-1").ends_with(0);
    let page = store("report --html -").ends_with(0).out;
    assert!(
        page.contains("server <bdi>keys-1</bdi> presented "),
        "{page}"
    );
}
