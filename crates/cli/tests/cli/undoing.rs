//! `store rollback`: an earlier generation comes back, except for what takes trust away.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::folder::Folder;
use crate::run::{Ran, fingerprint, machine, now_spec, run, write};
use crate::support::crl::{HOUR, crl};

/// A store with a server and its pin, and the generation that it has then.
fn with_a_pin(test: &str) -> (Folder, u64) {
    let folder = Folder::new(test);
    for name in ["keys-1", "keys-2"] {
        machine(&folder, name);
    }
    run(&folder, "store create --store trust").ends_with(0);
    change(&folder, "server add keys-1 kms1.example");
    change(&folder, "pin keys-1.pem --server keys-1 --label rack-4");
    let generation = list(&folder)["generation"].as_u64().unwrap();
    (folder, generation)
}

fn change(folder: &Folder, line: &str) -> Ran {
    run(folder, &format!("store {line} --store trust")).ends_with(0)
}

/// What the store holds, without the time at which it is listed.
fn list(folder: &Folder) -> Value {
    let mut list = run(folder, "store list --store trust --json")
        .ends_with(0)
        .json();
    list["clock"]["now"] = Value::Null;
    list
}

fn back(folder: &Folder, to: u64, more: &str) -> Ran {
    run(
        folder,
        &format!("store rollback --to {to} --store trust {more}"),
    )
}

#[test]
fn a_pin_that_was_removed_comes_back_and_the_log_says_who_asked() {
    let (folder, good) = with_a_pin("cli-rollback");
    let before = list(&folder);
    change(&folder, "remove keys-1.pem --server keys-1 --force");
    change(&folder, "server add keys-9 kms9.example");
    let bad = list(&folder);
    back(&folder, good, "--dry-run")
        .ends_with(0)
        .says("dry run, nothing was changed")
        .says(&format!("would be rolled back to generation {good}"))
        .says("came back: pin")
        .says("server went: keys-9");
    assert_eq!(list(&folder), bad);

    let done = back(&folder, good, "--by alice --json").ends_with(0).json();
    assert_eq!(done["schema"], "mutual-trust/store-rollback/1");
    assert_eq!(
        (&done["changed"], &done["rollback"]["to"]),
        (&true.into(), &good.into())
    );
    let came = &done["rollback"]["came"]["items"];
    assert_eq!(came[0]["fingerprint"], fingerprint(&folder, "keys-1.pem"));
    assert_eq!(done["rollback"]["servers_gone"]["items"][0], "keys-9");
    let after = list(&folder);
    assert_eq!(after["generation"], done["generation"]);
    assert!(after["generation"].as_u64() > bad["generation"].as_u64());
    for part in ["entries", "servers", "blocks"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    run(&folder, "store log --store trust --by alice")
        .ends_with(0)
        .says(&format!("asked: rollback to generation {good}, by alice"));
    back(&folder, good, "").ends_with(0).says("nothing changed");
    back(&folder, 999, "")
        .ends_with(2)
        .says("generation 999 is not in the history that is kept");
}

#[test]
fn a_block_stays_and_the_blocked_pin_is_left_out() {
    let (folder, good) = with_a_pin("cli-rollback-block");
    change(&folder, "remove keys-1.pem --server keys-1 --force");
    change(&folder, "block keys-1.pem");
    let blocks = list(&folder)["blocks"].clone();
    back(&folder, good, "")
        .ends_with(0)
        .says("left out, it is blocked: pin")
        .says("kept: block certificate");
    let after = list(&folder);
    assert_eq!(after["blocks"], blocks);
    assert_eq!(after["entries"], Value::Array(Vec::new()));
}

#[test]
fn a_later_claim_stays_so_the_rollback_locks_out_and_needs_force() {
    let (folder, good) = with_a_pin("cli-rollback-claim");
    change(&folder, "server add keys-2 kms2.example");
    change(&folder, "pin keys-2.pem --server keys-2");
    let before = list(&folder);
    for more in ["", "--dry-run"] {
        back(&folder, good, more)
            .ends_with(1)
            .says("would lock out")
            .says("refused: the change would lock a peer out");
        assert_eq!(list(&folder), before);
    }
    let done = back(&folder, good, "--force --json").ends_with(0).json();
    let kept = done["rollback"]["kept"]["items"].as_array().unwrap();
    let kinds: Vec<&str> = kept
        .iter()
        .map(|kept| kept["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"claim") && kinds.contains(&"name"),
        "{kinds:?}"
    );
    let after = list(&folder);
    let servers = after["servers"].as_array().unwrap();
    let second = servers
        .iter()
        .find(|server| server["id"] == "keys-2")
        .unwrap();
    assert!(second["claim"].to_string().contains("claimed"), "{second}");
    assert_eq!(second["names"][0], "kms2.example");
    assert_eq!(after["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_checked_issuer_its_list_and_the_floor_stay() {
    let (folder, good) = with_a_pin("cli-rollback-kept");
    let ca = now_spec("CA").ca().self_signed();
    write(&folder, "ca", &ca);
    let years = 365 * 24 * HOUR;
    let list_of = |number: u8| crl().number(number).valid(-2 * years, 20 * years);
    fs::write(folder.file("ca.crl"), list_of(1).signed_by(&ca).to_pem()).unwrap();
    change(&folder, "authority ca.pem --any-server");
    change(&folder, "crl ca.crl");
    let before = list(&folder);
    assert_eq!(before["checked_issuers"].as_array().unwrap().len(), 1);
    let done = back(&folder, good, "--force --json").ends_with(0).json();
    let kept: BTreeSet<String> = done["rollback"]["kept"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kept| kept["kind"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        kept.contains("checked_issuer") && kept.contains("crl"),
        "{kept:?}"
    );
    let after = list(&folder);
    assert_eq!(
        after["entries"].as_array().unwrap().len(),
        1,
        "the authority went"
    );
    for part in ["checked_issuers", "crls"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    assert!(!after["crls"].as_array().unwrap().is_empty());
    back(&folder, good, "").ends_with(0).says("nothing changed");

    // The floor of then was lower.
    let soon = SystemTime::now() + Duration::from_secs(20 * 60 * 60);
    let soon = soon
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let soon = pki_types::UnixTime::since_unix_epoch(Duration::from_secs(soon));
    let soon = mutual_trust::certificate::Timestamp::from(soon).to_string();
    change(&folder, &format!("clock reset --to {soon} --force"));
    let done = back(&folder, good, "--force --json").ends_with(0).json();
    assert_eq!(list(&folder)["clock"]["floor"], soon, "{done}");
    change(&folder, "server add keys-9");
    let done = back(&folder, good, "--force --json").ends_with(0).json();
    assert!(
        done["rollback"]["kept"].to_string().contains("floor"),
        "{done}"
    );
    assert_eq!(list(&folder)["clock"]["floor"], soon);
}

#[test]
fn a_comparison_names_the_servers_that_are_judged_differently() {
    let (folder, good) = with_a_pin("cli-diff-effects");
    change(&folder, "server add keys-2 kms2.example");
    change(&folder, "pin keys-2.pem --server keys-2");
    change(&folder, "block keys-1.pem");
    let now = list(&folder)["generation"].as_u64().unwrap();
    let diff = |from: u64, to: u64| {
        let line = format!("store diff {from} {to} --store trust");
        let text = run(&folder, &line).ends_with(0);
        let found = run(&folder, &format!("{line} --json")).ends_with(0).json();
        (text, found["effects"].clone())
    };
    let peer = |effects: &Value, kind: &str| {
        let items = effects[kind]["items"].as_array().unwrap();
        assert!(items.len() <= 1, "{effects}");
        items.first().map(|one| one["peer"].to_string())
    };
    let (text, effects) = diff(good, now);
    text.says("refused in the second: server keys-1")
        .says("refused in the first: server keys-2");
    let (lost, gained) = (
        peer(&effects, "lost").unwrap(),
        peer(&effects, "gained").unwrap(),
    );
    assert!(
        lost.contains("keys-1") && gained.contains("keys-2"),
        "{effects}"
    );
    assert_eq!(effects["lost"]["items"][0]["before"], "PinMatched");
    assert_eq!(effects["gained"]["items"][0]["after"], "PinMatched");
    let (_, turned) = diff(now, good);
    assert_eq!(peer(&turned, "lost"), Some(gained));
    assert_eq!(peer(&turned, "gained"), Some(lost));
    let (_, same) = diff(now, now);
    assert!(
        peer(&same, "lost").or(peer(&same, "gained")).is_none(),
        "{same}"
    );
}

/// What is refused is recorded where it is asked for, and shown by the log.
#[test]
fn a_refused_change_is_in_the_log_if_that_is_asked_for() {
    let (folder, _) = with_a_pin("cli-refused");
    let remove = "store remove keys-1.pem --server keys-1 --store trust --by bob";
    let digest = || {
        let verified = run(&folder, "store verify --store trust --json").ends_with(0);
        verified.json()["digest"].clone()
    };
    let before = digest();
    run(&folder, remove).ends_with(1).says("would lock out");
    assert_eq!(digest(), before, "nothing is written");
    let json = |line: &str| run(&folder, line).ends_with(0).json();
    let none = json("store log --store trust --json");
    assert_eq!(none["refusals"], Value::Array(Vec::new()));
    let generation = list(&folder)["generation"].clone();

    run(&folder, &format!("{remove} --record-refused"))
        .ends_with(1)
        .says("refused: the change would lock a peer out");
    run(
        &folder,
        "store release nowhere --store trust --by carol --record-refused",
    )
    .ends_with(2);
    assert_ne!(digest(), before);
    assert_eq!(list(&folder)["generation"], generation);
    run(&folder, "store verify --store trust")
        .ends_with(0)
        .says("refused changes in it: 2");
    let log = run(&folder, "store log --store trust").ends_with(0);
    for line in [
        &format!("refused after generation {generation} at "),
        "  asked: remove pin server keys-1 ",
        ", by bob",
        "  because: the change would lock out server keys-1",
        "  asked: a call that was refused, by carol",
    ] {
        assert!(log.out.contains(line), "{line}: {}", log.out);
    }
    // A person who reads the journal makes no allowance.
    assert!(!log.out.contains("allow the lockout"), "{}", log.out);
    let of_bob = json("store log --store trust --by bob --json");
    let refusals = of_bob["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0]["after"], generation);
    assert_eq!(refusals[0]["asked"][0]["by"], "bob");
    let of_server = json("store log --store trust --server keys-1 --json");
    assert_eq!(of_server["refusals"].as_array().unwrap().len(), 1);
    run(&folder, "store list --record-refused --store trust")
        .ends_with(2)
        .says("nothing is changed here");
}
