//! `fleet` over HTTPS: a hub serves the publication, administrators publish there, and a node takes over and reports.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::folder::Folder;
use crate::run::{command, machine, run};
use crate::schema;

const ANA: &str = "--trust admin --identity ana.pem --key ana.key";

/// A hub of the command with the store `hub-trust` and the folder `site`. Ended by its id at the latest when it is dropped.
struct Hub {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Where it is reached.
    at: String,
}

impl Hub {
    fn start(folder: &Folder, more: &str) -> Self {
        let line = format!(
            "fleet serve site --listen 127.0.0.1:0 --publisher ana --store hub-trust --identity hub.pem --key hub.key --json {more}"
        );
        let mut command = command(folder.path(), &line);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut hub = Self {
            child,
            lines,
            at: String::new(),
        };
        let address = hub.until("listening")["address"].clone();
        hub.at = format!("https://{}/", address.as_str().unwrap());
        hub
    }

    /// Reads on until it tells an event.
    fn until(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "the hub has ended before {event}");
            let (name, found) = schema::objects(&line).pop().unwrap();
            assert_eq!(name, "fleet-serve-event");
            if found["event"] == event {
                return found;
            }
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A hub's machine with its store and folder, an administrator with a draft that is signed, and two arrays.
fn founded(test: &str) -> Folder {
    let folder = Folder::new(test);
    for name in ["k1", "hub", "ana", "array-7", "array-8"] {
        machine(&folder, name);
    }
    for line in [
        "store create --store hub-trust",
        "store pin ana.pem --clients --label ana --store hub-trust",
        "store pin array-7.pem --clients --label array-7 --store hub-trust",
        "store create --store source",
        "store server add k1 k1.example --store source",
        "store pin k1.pem --server k1 --store source",
        "store create --store admin",
        "store server add hub 127.0.0.1 --store admin",
        "store pin hub.pem --server hub --store admin",
        "store create --store node",
        "store server add hub 127.0.0.1 --store node",
        "store pin hub.pem --server hub --store node",
        "fleet new-key sign.key --public-key sign.pub",
        "fleet init arrays --threshold 1 --key sign.pub --fleet fleet",
    ] {
        run(&folder, line).ends_with(0);
    }
    draft(&folder);
    fs::create_dir(folder.file("site")).unwrap();
    folder
}

fn draft(folder: &Folder) {
    for line in [
        "fleet draft --store source --days 90 --fleet fleet",
        "fleet sign fleet/draft --key sign.key --out sign.sig --replace --accept",
    ] {
        run(folder, line).ends_with(0);
    }
}

fn publish(to: &str) -> String {
    format!("fleet publish --signature sign.sig --to {to} --fleet fleet")
}

/// The store `node` joins at the hub.
fn join(folder: &Folder, at: &str) {
    let keys = run(folder, "fleet keys show fleet/keys --json")
        .ends_with(0)
        .json();
    let digest = keys["digest"].as_str().unwrap();
    let line = format!("fleet join {at} --digest {digest} {}", node("array-7"));
    run(folder, &line).ends_with(0);
}

fn node(name: &str) -> String {
    format!("--store node --identity {name}.pem --key {name}.key")
}

fn take(folder: &Folder, at: &str, name: &str) -> crate::run::Ran {
    let line = format!("fleet take {at} --node {name} {} --json", node(name));
    run(folder, &line)
}

#[test]
fn administrators_publish_at_a_hub_and_a_node_takes_over_and_reports() {
    let folder = founded("cli-fleet-https");
    let mut hub = Hub::start(&folder, "--for 60");
    let at = hub.at.clone();
    let to_hub = publish(&at);
    run(&folder, &to_hub).ends_with(2).says("--identity");
    // A node publishes nothing, and a machine that the hub does not know reads nothing.
    let array = "--trust admin --identity array-7.pem --key array-7.key";
    run(&folder, &format!("{to_hub} {array}"))
        .ends_with(2)
        .says("error[transport/");
    run(&folder, &format!("{to_hub} {ANA}")).ends_with(0);
    assert_eq!(hub.until("published")["sequence"], 1);
    join(&folder, &at);
    let taken = take(&folder, &at, "array-7").ends_with(0);
    assert_eq!(taken.json()["sequence"], 1);
    take(&folder, &at, "array-8").ends_with(2);
    assert_eq!(hub.until("refused")["reason"], "PinDoesNotMatch");
    run(
        &folder,
        &format!("fleet status {at} --expect array-7 {ANA}"),
    )
    .ends_with(0)
    .says("current: node array-7: bundle 1");
    // The same at the hub itself, where the report is a file.
    assert!(folder.file("site/nodes/array-7").exists());
    run(&folder, "fleet status site --expect array-7")
        .ends_with(0)
        .says("current: node array-7: bundle 1");
}

#[test]
fn a_hub_takes_over_what_changes_in_its_store_and_in_its_folder() {
    let folder = founded("cli-fleet-hub-changes");
    let mut hub = Hub::start(&folder, "--for 60");
    let at = hub.at.clone();
    // A publisher at the hub itself.
    run(&folder, &publish("site")).ends_with(0);
    assert_eq!(hub.until("published")["sequence"], 1);
    join(&folder, &at);
    take(&folder, &at, "array-8").ends_with(2);
    hub.until("refused");
    let pin = "store pin array-8.pem --clients --label array-8 --store hub-trust";
    run(&folder, pin).ends_with(0);
    hub.until("changed");
    take(&folder, &at, "array-8").ends_with(0);
    let block = "store block array-8.pem --store hub-trust --force";
    run(&folder, block).ends_with(0);
    hub.until("changed");
    take(&folder, &at, "array-8").ends_with(2);
    assert_eq!(hub.until("refused")["reason"], "Blocked");
    draft(&folder);
    run(&folder, &publish("site")).ends_with(0);
    assert_eq!(hub.until("published")["sequence"], 2);
    let taken = take(&folder, &at, "array-7").ends_with(0);
    assert_eq!(taken.json()["sequence"], 2);
    // What is no publication is served, since nodes judge it, and told.
    fs::write(folder.file("site/publication"), "a page").unwrap();
    hub.until("error");
    // It ends by a signal, as a service does, and leaves nothing half written.
    let killed = Command::new("kill")
        .arg(hub.child.id().to_string())
        .status();
    assert!(killed.unwrap().success());
    assert_eq!(hub.child.wait().unwrap().signal(), Some(15));
    let names = fs::read_dir(folder.file("site/nodes")).unwrap();
    let mut names: Vec<_> = names.map(|name| name.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["array-7", "array-8"]);
}

#[test]
fn a_hub_ends_after_its_time_and_says_what_it_did() {
    let folder = founded("cli-fleet-hub-ends");
    run(&folder, &publish("site")).ends_with(0);
    let mut hub = Hub::start(&folder, "--for 2");
    hub.until("published");
    assert!(hub.child.wait().unwrap().success());
    let rest = std::io::read_to_string(&mut hub.lines).unwrap();
    let (name, last) = schema::objects(&rest).pop().unwrap();
    assert_eq!(
        (name.as_str(), &last["sequence"]),
        ("fleet-serve", &1.into())
    );
    // A folder that is named by mistake is not made.
    let serve = "fleet serve sight --store hub-trust --identity hub.pem --key hub.key";
    run(&folder, serve).ends_with(2).says("sight");
    run(&folder, "fleet serve site --store hub-trust")
        .ends_with(2)
        .says("--identity");
}

#[test]
fn reports_at_a_hub_are_removed_by_a_publisher_and_a_damaged_one_is_named() {
    let folder = founded("cli-fleet-hub-reports");
    let hub = Hub::start(&folder, "--for 60");
    let at = &hub.at;
    run(&folder, &format!("{} {ANA}", publish(at))).ends_with(0);
    join(&folder, at);
    take(&folder, at, "array-7").ends_with(0);
    fs::write(folder.file("site/nodes/array-8"), "half a rep").unwrap();
    let status = run(&folder, &format!("fleet status {at} {ANA} --json")).ends_with(1);
    let status = status.json();
    assert_eq!(
        (&status["refused"], &status["unreadable"]),
        (&"NodesBehind".into(), &1.into())
    );
    let report = format!("store report --html page --store source --nodes {at} {ANA} --json");
    let report = run(&folder, &report).ends_with(0).json();
    assert_eq!(report["nodes_unreadable"], 1);
    let page = fs::read_to_string(folder.file("page")).unwrap();
    assert!(page.contains("this is no report of a node"), "{page}");
    // A node removes no report, also not its own.
    let array = "--trust admin --identity array-7.pem --key array-7.key";
    run(&folder, &format!("fleet forget {at} array-7 {array}"))
        .ends_with(2)
        .says("error[transport/Refused]");
    let forget = format!("fleet forget {at} array-8 array-9 {ANA} --json");
    let forgotten = run(&folder, &forget).ends_with(0).json();
    assert_eq!(
        (&forgotten["removed"][0], &forgotten["without"][0]),
        (&"array-8".into(), &"array-9".into())
    );
    run(&folder, &format!("fleet status {at} {ANA}")).ends_with(0);
}
