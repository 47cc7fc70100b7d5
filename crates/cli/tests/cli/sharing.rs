//! One store and several processes: a service, the command, and commands that are killed.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use mutual_trust::admin::file::{UnknownRecords, write as text_of};
use mutual_trust::admin::{DurableSettings, DurableStore, Seal};
use mutual_trust::{KeyPolicy, TrustStore, tls};

use crate::folder::Folder;
use crate::run::{Server, command, fingerprint, machine, now_spec, run, write};
use crate::support::crl::crl;
use crate::support::skips::skipped;

fn keys() -> KeyPolicy {
    tls::key_policy(&tls::provider::default_provider())
}

fn generation(folder: &Folder) -> u64 {
    let found = run(folder, "store verify --store trust --json");
    // 1 says that a server has nothing installed, and 2 that the store is damaged.
    assert!(found.code <= 1, "{found:?}");
    found.json()["generation"].as_u64().unwrap()
}

fn temporary(folder: &Folder) -> Vec<String> {
    let names = fs::read_dir(folder.file("trust")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".tmp")).collect()
}

#[test]
fn the_log_names_all_who_changed_the_trust() {
    let folder = Folder::new("cli-audit");
    for name in ["a", "bad"] {
        machine(&folder, name);
    }
    let root = now_spec("CA").ca().self_signed();
    write(&folder, "root", &root);
    fs::write(folder.file("root.crl"), crl().signed_by(&root).to_pem()).unwrap();
    run(&folder, "store create --store trust").ends_with(0);
    let changes = [
        ("u-pin", "pin a.pem --name kms.example"),
        ("u-auth", "authority root.pem --any-server"),
        ("u-name", "server add-name kms.example k2.example"),
        ("u-migrate", "migrate kms.example --until 30d"),
        ("u-block", "block bad.pem"),
        ("u-unblock", "unblock bad.pem"),
        ("u-block2", "block bad.pem"),
        ("u-crl", "crl root.crl"),
        ("u-release", "release kms.example --force"),
        ("u-remove", "remove root.pem --any-server --force"),
    ];
    for (by, change) in changes {
        let change = match by {
            "u-migrate" => format!("migrate kms.example --until {}", in_a_month()),
            _ => change.to_owned(),
        };
        run(&folder, &format!("store {change} --store trust --by {by}")).ends_with(0);
    }
    let found = run(&folder, "store log --store trust --json")
        .ends_with(0)
        .json();
    let logged: Vec<String> = found["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|change| change["asked"].as_array().unwrap())
        .filter_map(|asked| asked["by"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(logged, changes.map(|(by, _)| by.to_owned()));
}

fn in_a_month() -> String {
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    let end = std::time::SystemTime::now().checked_add(month).unwrap();
    let end = end.duration_since(std::time::UNIX_EPOCH).unwrap();
    let end = pki_types::UnixTime::since_unix_epoch(end);
    mutual_trust::certificate::Timestamp::from(end).to_string()[..10].to_owned()
}

#[test]
fn a_block_of_the_command_outlives_a_service_that_has_the_store_open() {
    let folder = Folder::new("cli-lost-block");
    for name in ["keys-1", "client", "bad", "worse"] {
        machine(&folder, name);
    }
    let mut server = Server::start(&folder, "--for 120");
    let block = |file: &str| {
        let line = format!("store block {file} --store server-trust");
        run(&folder, &line).ends_with(0);
    };
    let has = |file: &str| {
        let found = run(&folder, "store list --store server-trust --json").json();
        found["blocks"]
            .to_string()
            .contains(&fingerprint(&folder, file))
    };
    let line = format!(
        "connect {} --pin keys-1.pem --identity client.pem --key client.key --settle 60000",
        server.address
    );
    run(&folder, &line);
    server.until("refused: a client");
    fs::remove_file(folder.file("server-trust/trust-store.lock")).unwrap();
    block("bad.pem");
    server.tell(&format!(
        "accept 1 {} x",
        fingerprint(&folder, "client.pem")
    ));
    server.until("accepted: added");
    assert!(has("bad.pem"));
    // The folder is another one: a copy that the command changed.
    let [ours, old] = ["server-trust", "old"].map(|name| folder.file(name));
    fs::rename(&ours, &old).unwrap();
    fs::create_dir(&ours).unwrap();
    for name in ["trust-store", "trust-store.lock"] {
        fs::copy(old.join(name), ours.join(name)).unwrap();
    }
    block("worse.pem");
    assert!(has("bad.pem") && has("worse.pem"));
    server.end();
    assert!(has("bad.pem") && has("worse.pem"));
}

/// The command is killed at a random time, many times: what it reported as stored is there, and a generation is never
/// used twice.
#[test]
fn a_command_that_is_killed_at_any_time_loses_nothing_that_it_reported() {
    let folder = Folder::new("cli-killed");
    run(&folder, "store create --store trust").ends_with(0);
    let start = std::time::Instant::now();
    run(&folder, "store server add first --store trust").ends_with(0);
    let usual = u64::try_from(start.elapsed().as_micros()).unwrap();
    let (mut last, mut killed, mut stored) = (generation(&folder), 0, 0);
    for round in 0..40_u64 {
        let line = format!("store server add x{round} --store trust");
        let mut child = command(folder.path(), &line)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Spread over the time of a run, a little longer at the end.
        std::thread::sleep(Duration::from_micros(usual * (round * 7 % 40) * 12 / 400));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let now = generation(&folder);
        let listed = run(&folder, "store list --store trust --json").json();
        let id = format!("\"x{round}\"");
        let is_stored = listed["servers"].to_string().contains(&id);
        assert_eq!(now > last, is_stored, "{round}: {last}, then {now}");
        assert!(is_stored || !status.success(), "{round} was reported");
        killed += u32::from(!status.success());
        stored += u32::from(is_stored);
        last = now;
    }
    assert!(killed > 5 && stored > 0, "{killed} killed, {stored} stored");
    run(&folder, "store server add last --store trust").ends_with(0);
    assert_eq!(temporary(&folder), Vec::<String>::new());
}

/// Whether a process can be the first of a PID namespace, and be killed at a call.
fn can_be_first() -> bool {
    let mut command = Command::new("strace");
    command.args("-f -qq -o /dev/null unshare -pf --mount-proc true".split(' '));
    let works = command.status().is_ok_and(|status| status.success());
    if !works {
        skipped("no strace or unshare that works, so the command was not the first process");
    }
    works
}

/// Runs the command as process 1, and kills it at its first flush of a file.
fn killed_as_first(folder: &Folder, line: &str) {
    let inject = "inject=fsync:signal=KILL:when=1";
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", inject])
        .args(["unshare", "-pf", "--mount-proc"])
        .arg(env!("CARGO_BIN_EXE_mutual-trust"))
        .args(line.split(' '))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success(), "{line}");
}

fn as_first(folder: &Folder, line: &str) {
    let output = Command::new("unshare")
        .args(["-pf", "--mount-proc"])
        .arg(env!("CARGO_BIN_EXE_mutual-trust"))
        .args(line.split(' '))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
}

/// In a container each process has the number 1, so that each would use the same names for its temporary files.
#[test]
fn crashes_as_process_1_never_block_a_change() {
    if !can_be_first() {
        return;
    }
    let folder = Folder::new("cli-first");
    // More than there are tries for a name.
    for _ in 0..66 {
        killed_as_first(&folder, "store create --store trust");
    }
    assert!(!temporary(&folder).is_empty());
    as_first(&folder, "store create --store trust");
    assert_eq!(temporary(&folder), Vec::<String>::new());
    // A store of version 1.0: its first change writes a new file.
    let mut store = TrustStore::new(keys());
    let view = store.snapshot();
    let text = text_of(&view, &UnknownRecords::default(), None).unwrap().0;
    fs::write(folder.file("trust/trust-store"), text).unwrap();
    for round in 0..3 {
        killed_as_first(&folder, &format!("store server add z{round} --store trust"));
    }
    // What cannot be removed blocks no change either.
    for number in 0..200 {
        let name = format!("trust/.trust-store-1-{number}.tmp");
        fs::create_dir(folder.file(&name)).unwrap();
    }
    let block = format!(
        "store block --fingerprint {} --store trust",
        "01".repeat(32)
    );
    as_first(&folder, &block);
    let files: BTreeSet<String> = temporary(&folder).into_iter().collect();
    assert_eq!(files.len(), 200, "{files:?}");
}

#[derive(Debug)]
struct Length;

impl Seal for Length {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        content.len().to_be_bytes().to_vec()
    }

    fn verify(&self, content: &[u8], seal: &[u8]) -> bool {
        seal == content.len().to_be_bytes()
    }
}

#[test]
fn the_command_does_not_change_a_sealed_store_without_its_seal() {
    let folder = Folder::new("cli-sealed");
    machine(&folder, "bad");
    fs::create_dir(folder.file("trust")).unwrap();
    let sealed = || DurableSettings::new(keys()).with_seal(Arc::new(Length));
    let mut store = DurableStore::create(&folder.file("trust"), sealed()).unwrap();
    let added = store.change(|store| store.add_server("k1".parse()?, ["kms1.example".parse()?]));
    drop(added.unwrap());
    drop(store);
    let before = fs::read(folder.file("trust/trust-store")).unwrap();
    for change in ["server add n1", "server add n2", "block bad.pem"] {
        run(&folder, &format!("store {change} --store trust"))
            .ends_with(2)
            .says("seal");
        assert_eq!(fs::read(folder.file("trust/trust-store")).unwrap(), before);
    }
    let (store, _) = DurableStore::open(&folder.file("trust"), sealed()).unwrap();
    assert!(store.contents().server(&"k1".parse().unwrap()).is_some());
}

/// Before, 25 of 160 such changes were made, and the others ended with `Locked`.
#[test]
fn commands_that_change_a_store_at_once_all_succeed() {
    let folder = Folder::new("cli-at-once");
    run(&folder, "store create --store trust").ends_with(0);
    std::thread::scope(|scope| {
        for loops in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                for number in 0..10 {
                    let line = format!("store server add s{loops}-{number} --store trust");
                    run(folder, &line).ends_with(0);
                }
            });
        }
    });
    let found = run(&folder, "store list --store trust --json").json();
    assert_eq!(found["servers"].as_array().unwrap().len(), 40);
}
