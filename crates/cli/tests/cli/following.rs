//! `store follow`: what other programs put into files and folders.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::folder::Folder;
use crate::run::{command, now_spec, run};
use crate::support::crl::crl;

const YEAR: i64 = 366 * 24 * 60 * 60;

/// A store, and the folder of a secret with a CA, a list of it, and our own certificate and key.
fn secret(test: &str) -> Folder {
    let folder = Folder::new(test);
    run(&folder, "store create --store trust").ends_with(0);
    let root = now_spec("root").ca().self_signed();
    let own = now_spec("array-7").signed_by(&root);
    let list = crl().valid(-2 * YEAR, 20 * YEAR).signed_by(&root);
    fs::create_dir(folder.file("secret")).unwrap();
    for (name, content) in [
        ("ca.crt", root.certificate.to_pem()),
        ("ca.crl", list.to_pem()),
        ("tls.crt", own.certificate.to_pem()),
        ("tls.key", own.key.serialize_pem()),
    ] {
        fs::write(folder.file("secret").join(name), content).unwrap();
    }
    folder
}

const LINE: &str =
    "store follow --lists lists secret --authorities any-server roots secret --store trust";

#[test]
fn a_secret_is_followed_with_its_lists() {
    let folder = secret("cli-follow");
    run(&folder, LINE)
        .ends_with(0)
        .says("source roots: certificates: 1; not read: ca.crl, tls.crt, tls.key")
        .says("source lists: revocation lists: 1; not read: ca.crt, tls.crt, tls.key");
    let list = run(&folder, "store list --store trust --json")
        .ends_with(0)
        .json();
    assert_eq!(list["entries"].as_array().unwrap().len(), 1);
    assert_eq!(list["crls"].as_array().unwrap().len(), 1);
    let found = run(&folder, &format!("{LINE} --json")).ends_with(0).json();
    assert_eq!(found["schema"], "mutual-trust/store-follow/1");
    assert_eq!(
        (&found["changed"], &found["good"]),
        (&Value::from(false), &Value::from(true))
    );
    let roots = &found["sources"][0];
    assert_eq!(
        (&roots["name"], &roots["items"]),
        (&Value::from("roots"), &Value::from(1))
    );
    assert_eq!(roots["not_read"]["items"][2], "tls.key");
    assert_eq!(found["sources"][1]["kind"], "lists");
    // Another pattern takes our own certificate as well, which is no CA.
    let ran = run(&folder, &format!("{LINE} --include roots *.crt --json")).ends_with(1);
    let error = ran.json()["sources"][0]["error"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        error.contains("secret/tls.crt: the store refused the certificate "),
        "{error}"
    );
    assert_eq!(ran.json()["refused"], "SourceNotApplied");
    assert!(ran.json()["sources"][0]["since"].is_string());
    // A source that is not named any more is told.
    run(&folder, "store follow --lists lists secret --store trust")
        .ends_with(1)
        .says("source roots: it is not followed any more")
        .says("refused[SourceNotFollowed]");
}

#[test]
fn a_follower_that_goes_on_tells_each_change() {
    let folder = secret("cli-follow-on");
    let line = format!("{LINE} --every 1 --for 8 --json");
    let child = command(folder.path(), &line)
        .stdout(std::process::Stdio::piped())
        .spawn();
    thread::sleep(Duration::from_secs(4));
    fs::write(folder.file("secret/ca.crl"), "damaged").unwrap();
    let out = child.unwrap().wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8(out.stdout).unwrap();
    let object = |line: &str| serde_json::from_str(line).unwrap();
    let lines: Vec<Value> = text.lines().map(object).collect();
    let events = &lines[..lines.len() - 1];
    let schema = "mutual-trust/store-follow-event/1";
    assert!(
        events.iter().all(|event| event["schema"] == schema),
        "{text}"
    );
    let is_good = |event: &Value| event["good"] == true;
    let has_error = |event: &Value| {
        let mut sources = event["sources"].as_array().unwrap().iter();
        sources.any(|source| !source["error"].is_null())
    };
    let good = events.iter().position(is_good).unwrap();
    let bad = events.iter().position(has_error).unwrap();
    assert!(good < bad, "{text}");
    assert!(
        text.contains("secret/ca.crl contains something other than revocation lists"),
        "{text}"
    );
}

#[test]
fn the_help_names_the_sources_and_the_exit_codes() {
    let folder = Folder::new("cli-follow-help");
    run(&folder, "store follow --help")
        .ends_with(0)
        .says("Name all sources of the store")
        .says("locked a peer out (LockedOut)")
        .says("does not name (SourceNotFollowed)");
}

#[test]
fn what_cannot_be_followed_is_a_mistake_of_the_line() {
    let folder = secret("cli-follow-usage");
    for (line, text) in [
        ("store follow --store trust", "name a source"),
        (
            "store follow --pins any-server x secret --store trust",
            "any-server is no scope here",
        ),
        (
            "store follow --authorities group:a x secret --store trust",
            "group:a is no scope here",
        ),
        (
            "store follow --lists x secret --include y * --store trust",
            "y, which is no source",
        ),
        (
            "store follow --lists x secret --include x a/b --store trust",
            "patterns of file names",
        ),
        (
            "store follow --lists x secret --lists x secret --store trust",
            "unique name",
        ),
        (
            "store follow --lists x secret --dry-run --store trust",
            "do not apply",
        ),
    ] {
        run(&folder, line).ends_with(2).says(text);
    }
}

#[test]
fn a_source_that_locks_a_peer_out_is_told_by_name_or_not_applied() {
    let folder = Folder::new("cli-follow-guard");
    run(&folder, "store create --store trust").ends_with(0);
    let pem = |name: &str| now_spec(name).self_signed().certificate.to_pem();
    let (one, two) = (pem("one"), pem("two"));
    let put = |text: &str| fs::write(folder.file("arrays.pem"), text).unwrap();
    put(&format!("{one}{two}"));
    let line = "store follow --pins clients arrays arrays.pem --store trust";
    run(&folder, line).ends_with(0);
    put(&one);
    let refused = run(&folder, &format!("{line} --guard refuse"))
        .ends_with(1)
        .says("the update would lock out client ")
        .says("the entries from before stay");
    assert!(
        refused.all().contains("refused[SourceNotApplied]"),
        "{refused:?}"
    );
    let entries = |folder: &Folder| {
        let list = run(folder, "store list --store trust --json").json();
        list["entries"].as_array().unwrap().len()
    };
    assert_eq!(entries(&folder), 2);
    // It is applied, and a timer fails once.
    let told = run(&folder, &format!("{line} --json")).ends_with(1).json();
    assert_eq!(told["refused"], "LockedOut");
    let warnings = told["sources"][0]["warnings"]["items"].to_string();
    assert!(warnings.contains("it locked out client "), "{warnings}");
    assert_eq!(entries(&folder), 1);
    run(&folder, line).ends_with(0);
}
