//! `store expiring`: its exit code, its pages, and what of a large store it leaves out.

use std::fs;

use rcgen::date_time_ymd;
use serde_json::Value;

use crate::folder::Folder;
use crate::run::{now_spec, run, write};
use crate::support::crl::crl;
use crate::support::pki::spec;

const YEAR: i64 = 365 * 24 * 3600;

/// A store with the servers keys-1 and keys-2.
fn store(test: &str) -> Folder {
    let folder = Folder::new(test);
    run(&folder, "store create --store trust").ends_with(0);
    for id in ["keys-1", "keys-2"] {
        let line = format!("store server add {id} {id}.example --store trust");
        run(&folder, &line).ends_with(0);
    }
    folder
}

/// A certificate of a peer, valid from 2020 on.
fn until(folder: &Folder, name: &str, year: i32) {
    let made = spec(name).params(|params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
    });
    write(folder, name, &made.self_signed());
}

fn json(folder: &Folder, more: &str, code: i32) -> Value {
    let line = format!("store expiring --store trust --json {more}");
    run(folder, &line).ends_with(code).json()
}

#[test]
fn what_has_ended_ends_with_1_unless_that_is_switched_off() {
    let folder = store("cli-ended");
    until(&folder, "ended", 2021);
    until(&folder, "late", 2095);
    run(&folder, "store pin late.pem --server keys-1 --store trust").ends_with(0);
    assert_eq!(json(&folder, "", 0)["worst"], Value::Null);
    run(&folder, "store pin ended.pem --server keys-2 --store trust").ends_with(0);
    run(&folder, "store expiring --store trust")
        .ends_with(1)
        .says("ended: pin ")
        .says("refused[Ended]");
    let found = json(&folder, "", 1);
    assert_eq!(
        (&found["worst"], &found["refused"]),
        (&"ended".into(), &"Ended".into())
    );
    let found = json(&folder, "--exit-zero", 0);
    assert_eq!(
        (&found["worst"], &found["refused"]),
        (&"ended".into(), &Value::Null)
    );
    // What has not ended, but is critical.
    let soon = "store pin late.pem --clients --store trust --ends";
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let end = pki_types::UnixTime::since_unix_epoch(now + std::time::Duration::from_secs(3600));
    let end = mutual_trust::certificate::Timestamp::from(end);
    run(&folder, &format!("{soon} {end}")).ends_with(0);
    let found = json(&folder, "--clients", 1);
    assert_eq!(
        (&found["worst"], &found["refused"]),
        (&"critical".into(), &"Critical".into())
    );
    run(&folder, "store expiring --store trust --server keys-1").ends_with(0);
    run(
        &folder,
        "store expiring --store trust --name keys-2.example",
    )
    .ends_with(1);
    run(&folder, "store expiring --store trust --server keys-9")
        .ends_with(2)
        .says("store/UnknownServer");
}

#[test]
fn nothing_is_left_out_of_a_list_without_saying_how_much() {
    let folder = store("cli-more");
    fs::create_dir(folder.file("many")).unwrap();
    for number in 0..300 {
        let made = spec(&format!("pin-{number:03}"))
            .params(|params| {
                params.not_before = date_time_ymd(2020, 1, 1);
                params.not_after = date_time_ymd(2060, 1, 1);
            })
            .self_signed();
        let file = folder.file("many").join(format!("{number:03}.pem"));
        fs::write(file, made.certificate.to_pem()).unwrap();
    }
    run(
        &folder,
        "store adopt many --server keys-1 --accept --store trust",
    )
    .ends_with(0);
    let within = "--within 36500d";
    let found = json(&folder, within, 0);
    assert_eq!(found["items"].as_array().unwrap().len(), 256);
    assert_eq!(found["more"], 44);
    run(&folder, &format!("store expiring {within} --store trust"))
        .ends_with(0)
        .says("and 44 more");
    let mut all: Vec<Value> = Vec::new();
    for from in [0, 100, 200, 300] {
        let found = json(&folder, &format!("{within} --limit 100 --from {from}"), 0);
        let items = found["items"].as_array().unwrap();
        assert_eq!(items.len(), if from < 300 { 100 } else { 0 });
        assert_eq!(found["more"], 300 - items.len());
        all.extend(items.iter().map(|item| item["subject"].clone()));
    }
    assert_eq!(all.len(), 300);
    let distinct: std::collections::BTreeSet<String> =
        all.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), 300);
    assert_eq!(
        json(&folder, &format!("{within} --server keys-2"), 0)["items"],
        Value::Array(vec![])
    );
    // Its scope is the server, not the clients.
    assert_eq!(json(&folder, &format!("{within} --clients"), 0)["more"], 0);
}

#[test]
fn of_the_list_of_an_intermediate_it_is_not_known_which_servers_need_it() {
    let folder = store("cli-not-known");
    let root = now_spec("Root").ca().self_signed();
    let issuing = now_spec("Issuing").ca().signed_by(&root);
    write(&folder, "root", &root);
    write(&folder, "issuing", &issuing);
    let list = crl().valid(-2 * YEAR, 20 * YEAR).signed_by(&issuing);
    fs::write(folder.file("issuing.crl"), list.to_pem()).unwrap();
    for line in [
        "authority root.pem --server keys-1",
        "intermediate issuing.pem",
        "crl issuing.crl --force",
    ] {
        run(&folder, &format!("store {line} --store trust")).ends_with(0);
    }
    let ends_first = "--within 36500d --limit 1";
    let found = json(&folder, ends_first, 0);
    assert!(
        found["items"][0]["subject"]
            .as_str()
            .unwrap()
            .contains("CN=Issuing")
    );
    assert_eq!(found["items"][0]["dependents"], "not known");
    // It may be needed by each of them, so no filter by a server leaves it out.
    let found = json(&folder, &format!("{ends_first} --server keys-2"), 0);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[test]
fn options_are_shown_where_they_work_and_refused_where_they_do_not() {
    let folder = store("cli-options");
    let help = |word: &str| {
        run(&folder, &format!("store {word} --help"))
            .ends_with(0)
            .out
    };
    for word in ["list", "verify", "expiring"] {
        let shown = help(word);
        for option in ["--dry-run", "--force", "--by"] {
            assert!(!shown.contains(&format!("{option} ")), "{word}: {shown}");
            assert!(!shown.contains(&format!("{option}\n")), "{word}: {shown}");
        }
        for option in ["--dry-run", "--force", "--by me"] {
            run(&folder, &format!("store {word} {option} --store trust"))
                .ends_with(2)
                .says("error[usage]: nothing is changed here");
        }
    }
    for word in ["pin", "plan pin"] {
        assert!(!help(word).contains("--any-server"), "{word}");
        assert!(help(word).contains("--group"), "{word}");
    }
    for word in ["authority", "plan authority"] {
        assert!(!help(word).contains("--group"), "{word}");
        assert!(help(word).contains("--any-server"), "{word}");
    }
    for word in ["list", "expiring", "verify", "plan remove", "remove"] {
        assert!(help(word).contains("--require-crl"), "{word}");
    }
    for word in ["backup", "recover", "create"] {
        assert!(!help(word).contains("--require-crl"), "{word}");
    }
    // A heading is over its own options only.
    let shown = run(&folder, "connect --help").ends_with(0).out;
    assert!(
        shown.contains("notes beside it") && !shown.contains("only read"),
        "{shown}"
    );
    let (_, policy) = shown.split_once("The policy:").unwrap();
    assert!(
        policy.contains("--profile") && !policy.contains("--timeout"),
        "{shown}"
    );
    assert!(help("server add").contains("--dry-run"));
}

// A prediction by another policy than the service's is about another service.
#[test]
fn plans_and_checks_of_a_store_are_by_the_policy_that_is_named() {
    let folder = store("cli-policy");
    write(&folder, "root", &now_spec("Root").ca().self_signed());
    write(&folder, "pin", &now_spec("pin").self_signed());
    run(
        &folder,
        "store authority root.pem --server keys-1 --store trust",
    )
    .ends_with(0);
    run(&folder, "store pin pin.pem --server keys-2 --store trust").ends_with(0);
    run(&folder, "store verify --store trust").ends_with(0);
    run(&folder, "store verify --require-crl --store trust")
        .ends_with(1)
        .says("nothing installed can accept server keys-1");
    let line = "remove root.pem --store trust";
    run(&folder, &format!("store plan {line}"))
        .ends_with(1)
        .says("would lock out: server keys-1");
    // By this policy nothing accepts the server already.
    run(&folder, &format!("store plan {line} --require-crl")).ends_with(0);
    run(&folder, &format!("store plan --require-crl {line}")).ends_with(0);
    run(
        &folder,
        "store expiring --within 36500d --require-crl --store trust",
    )
    .ends_with(0);
}
