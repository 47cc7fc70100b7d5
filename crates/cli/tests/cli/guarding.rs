//! Every verb that changes a store, with a peer that is accepted before and refused afterwards: the verb names the peer
//! and needs `--force`. A new verb without a row fails.

use std::collections::BTreeSet;
use std::fs;

use crate::folder::Folder;
use crate::run::{machine, now_spec, run, write};
use crate::support::crl::crl;

const YEAR: i64 = 365 * 24 * 3600;

/// What a verb says of the peer.
enum Fate {
    /// It is refused without `--force`, and says this.
    NeedsForce(&'static str),
    /// It is made, and says this.
    AtRisk(&'static str),
    /// It gives trust, or says what else it does.
    Nothing,
}

use Fate::{AtRisk, NeedsForce, Nothing};

struct Row {
    /// The verb, as the help names it.
    verb: &'static str,
    before: &'static [&'static str],
    line: &'static str,
    fate: Fate,
}

const fn row(
    verb: &'static str,
    before: &'static [&'static str],
    line: &'static str,
    fate: Fate,
) -> Row {
    Row {
        verb,
        before,
        line,
        fate,
    }
}

const K1: &str = "server add k1 k1.example";
const PIN: &str = "pin k1.pem --server k1";
const ANY: &str = "authority ca.pem --any-server";
const CLIENTS: &str = "authority ca.pem --clients";
const CLIENT: &str = "pin array.pem --clients";
const SERVER_K1: &str = "would lock out: server k1";
const ONE_CLIENT: &str = "would lock out: client ";
const ALL_CLIENTS: &str = "would lock out: clients of authority ";

const ROWS: [Row; 41] = [
    row("server add", &[], "server add k9 k9.example", Nothing),
    row(
        "server remove",
        &[K1, ANY],
        "server remove k1",
        NeedsForce(SERVER_K1),
    ),
    row(
        "server add-name",
        &["server add k1", ANY],
        "server add-name k1 k1.example",
        AtRisk("at risk: server k1"),
    ),
    row(
        "server release-name",
        &[K1, PIN],
        "server release-name k1.example",
        NeedsForce("dialled as k1.example"),
    ),
    row(
        "server move-name",
        &[
            K1,
            PIN,
            "server add k2 k2.example",
            "pin k2.pem --server k2",
        ],
        "server move-name k1.example k2",
        NeedsForce("dialled as k1.example"),
    ),
    row(
        "server expect",
        &[K1, ANY],
        "server expect k1 other.example",
        NeedsForce(SERVER_K1),
    ),
    row("server order", &[K1, PIN], "server order k1", Nothing),
    row(
        "server secondaries",
        &[K1, PIN, "server add k2"],
        "server secondaries k2 k1",
        Nothing,
    ),
    row("pin", &[K1, ANY], PIN, AtRisk("at risk: server k1")),
    row(
        "authority",
        &[K1, ANY],
        "authority other.pem --server k1",
        AtRisk("at risk: server k1"),
    ),
    row(
        "intermediate",
        &[K1, ANY],
        "intermediate issuing.pem",
        Nothing,
    ),
    row(
        "crl add",
        &[CLIENTS],
        "crl add ended.crl",
        NeedsForce(ALL_CLIENTS),
    ),
    row(
        "crl add",
        &[CLIENTS, "pin signed.pem --clients"],
        "crl add revokes.crl",
        NeedsForce(ONE_CLIENT),
    ),
    row(
        "crl remove",
        &[CLIENTS, "crl add good.crl"],
        "crl remove good.crl",
        NeedsForce(ALL_CLIENTS),
    ),
    row(
        "crl remove",
        &[K1, ANY, "crl add good.crl"],
        "crl remove good.crl",
        NeedsForce(SERVER_K1),
    ),
    row(
        "crl stop",
        &[CLIENTS, "crl add good.crl"],
        "crl stop ca.pem",
        Nothing,
    ),
    row(
        "group add",
        &["server add k1", ANY],
        "group add g k1",
        Nothing,
    ),
    row(
        "group remove",
        &["server add k1", "group add g k1", "pin k1.pem --group g"],
        "group remove g",
        NeedsForce(SERVER_K1),
    ),
    row(
        "group join",
        &["server add k1", ANY, "group add g", "pin k1.pem --group g"],
        "group join g k1",
        AtRisk("at risk: server k1"),
    ),
    row(
        "group leave",
        &["server add k1", "group add g k1", "pin k1.pem --group g"],
        "group leave k1",
        NeedsForce(SERVER_K1),
    ),
    row(
        "migrate",
        &[K1, PIN, ANY],
        "migrate k1 --until 30d",
        Nothing,
    ),
    row(
        "migrate",
        &[K1, PIN, ANY, "migrate k1 --until 30d"],
        "migrate k1 --stop",
        AtRisk("at risk: server k1"),
    ),
    row(
        "replace",
        &[K1, ANY],
        "replace k1.pem --server k1",
        AtRisk("at risk: server k1"),
    ),
    row("release", &[K1, PIN], "release k1", NeedsForce(SERVER_K1)),
    row(
        "block",
        &[CLIENT],
        "block array.pem",
        AtRisk("locked out: client "),
    ),
    row(
        "block",
        &[CLIENTS],
        "block ca.pem",
        AtRisk("locked out: clients of authority "),
    ),
    row(
        "unblock",
        &[CLIENT, "block array.pem"],
        "unblock array.pem",
        Nothing,
    ),
    row("clock show", &[K1], "clock show", Nothing),
    row("clock confirm", &[K1], "clock confirm", Nothing),
    row(
        "clock reset",
        &["pin short.pem --clients"],
        "clock reset --to 2096-01-01",
        NeedsForce(ONE_CLIENT),
    ),
    row(
        "clock reset",
        &[K1, "pin short.pem --server k1"],
        "clock reset --to 2096-01-01",
        NeedsForce(SERVER_K1),
    ),
    row(
        "update",
        &[CLIENTS],
        "update ca.pem --pattern dns:*.a.example",
        NeedsForce(ALL_CLIENTS),
    ),
    row(
        "update",
        &["pin array.pem --clients --match-key"],
        "update array.pem --no-match-key",
        AtRisk("at risk: client "),
    ),
    row(
        "remove",
        &[CLIENT],
        "remove array.pem",
        NeedsForce(ONE_CLIENT),
    ),
    row(
        "remove",
        &[CLIENTS],
        "remove ca.pem",
        NeedsForce(ALL_CLIENTS),
    ),
    row("remove", &[K1, PIN], "remove k1.pem", NeedsForce(SERVER_K1)),
    row(
        "remove",
        &[K1, ANY, "intermediate issuing.pem"],
        "remove issuing.pem",
        AtRisk("at risk: server k1"),
    ),
    row(
        "rollback",
        &[CLIENT],
        "rollback --to 1",
        NeedsForce(ONE_CLIENT),
    ),
    row(
        "restore",
        &["backup one.backup", CLIENT],
        "restore one.backup",
        NeedsForce(ONE_CLIENT),
    ),
    row(
        "bundle",
        &[K1, ANY],
        "bundle k1.pem --server k1 --undecided pin --accept",
        AtRisk("at risk: server k1"),
    ),
    row(
        "adopt",
        &[K1, ANY],
        "adopt k1.pem --server k1 --undecided pin --accept",
        AtRisk("at risk: server k1"),
    ),
];

/// Verbs that change no store that is in force.
const OTHERS: [(&str, &str); 17] = [
    ("backup", "copies the store"),
    ("recover", "is for a store of which nothing is in force"),
    ("create", "makes a store where there is none"),
    ("list", "only shows"),
    ("expiring", "only shows"),
    ("export", "only shows"),
    ("report", "only shows"),
    ("verify", "only shows"),
    ("log", "only shows"),
    ("diff", "only shows"),
    ("plan", "tries each of the others"),
    ("crl", "its argument stands for `crl add`"),
    (
        "crl fetch",
        "it applies what its addresses have, and its plan shows before what that does",
    ),
    ("new-seal-key", "makes a key"),
    ("seal", "vouches for what is there, and changes none of it"),
    ("unseal", "changes nothing of what is there"),
    (
        "follow",
        "does what its files say, which no administrator confirms",
    ),
];

fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    for name in ["k1", "k2", "array"] {
        machine(&folder, name);
    }
    let ca = now_spec("CA").ca().self_signed();
    let issuing = now_spec("Issuing").ca().signed_by(&ca);
    let signed = now_spec("signed").signed_by(&ca);
    write(&folder, "ca", &ca);
    write(&folder, "issuing", &issuing);
    write(&folder, "signed", &signed);
    write(&folder, "other", &now_spec("Other").ca().self_signed());
    // It ends in 2095.
    write(&folder, "short", &now_spec("short").self_signed());
    let lists = [
        ("good.crl", crl().valid(-2 * YEAR, 20 * YEAR)),
        ("ended.crl", crl().valid(-3 * YEAR, -2 * YEAR)),
        (
            "revokes.crl",
            crl()
                .valid(-2 * YEAR, 20 * YEAR)
                .revoke(&signed.certificate),
        ),
    ];
    for (name, list) in lists {
        fs::write(folder.file(name), list.signed_by(&ca).to_pem()).unwrap();
    }
    folder
}

#[test]
fn each_verb_names_whom_it_would_refuse_and_needs_force() {
    let folder = folder("cli-guard-table");
    for (number, row) in ROWS.iter().enumerate() {
        let store = format!("s{number}");
        let change = |line: &str| run(&folder, &format!("store {line} --store {store}"));
        change("create").ends_with(0);
        for line in row.before {
            change(line).ends_with(0);
        }
        let stored = || fs::read(folder.file(&format!("{store}/trust-store"))).unwrap();
        let before = stored();
        let ran = change(row.line);
        match row.fate {
            NeedsForce(text) => {
                ran.ends_with(1).says(text).says("refused[LocksOut]");
                assert_eq!(stored(), before, "{}", row.line);
                change(&format!("{} --force", row.line)).ends_with(0);
                assert_ne!(stored(), before, "{}", row.line);
            }
            AtRisk(text) => drop(ran.ends_with(0).says(text)),
            Nothing => {
                let ran = ran.ends_with(0);
                for word in ["lock out", "locked out", "at risk"] {
                    assert!(!ran.all().contains(word), "{}: {}", row.line, ran.all());
                }
            }
        }
        assert!(row.line.starts_with(row.verb), "{}", row.line);
    }
}

/// The verbs below a command, by its help.
fn verbs(folder: &Folder, of: &str, all: &mut BTreeSet<String>) {
    let help = run(folder, &format!("store {of} --help")).ends_with(0).out;
    let mut any = false;
    if let Some((_, list)) = help.split_once("Commands:\n") {
        for line in list.lines().take_while(|line| !line.is_empty()) {
            let Some(name) = line
                .strip_prefix("  ")
                .filter(|line| !line.starts_with(' '))
            else {
                continue;
            };
            let name = name.split_whitespace().next().unwrap();
            if name == "help" {
                continue;
            }
            any = true;
            let verb = format!("{of} {name}");
            let verb = verb.trim();
            // `plan` has the changes again.
            if verb == "plan" {
                all.insert(verb.to_owned());
            } else {
                verbs(folder, verb, all);
            }
        }
    }
    if !any || help.contains("[FILE]") {
        all.insert(of.to_owned());
    }
}

#[test]
fn every_verb_of_a_store_has_a_row() {
    let folder = Folder::new("cli-guard-verbs");
    let mut all = BTreeSet::new();
    verbs(&folder, "", &mut all);
    all.remove("");
    assert!(all.len() > 30, "{all:?}");
    let mut known: BTreeSet<String> = ROWS.iter().map(|row| row.verb.to_owned()).collect();
    known.extend(OTHERS.iter().map(|(verb, _)| (*verb).to_owned()));
    assert_eq!(all, known);
}

#[test]
fn a_diff_names_the_clients_that_one_store_refuses() {
    let folder = folder("cli-guard-diff");
    for (store, line) in [("a", CLIENT), ("b", CLIENTS)] {
        run(&folder, &format!("store create --store {store}")).ends_with(0);
        run(&folder, &format!("store {line} --store {store}")).ends_with(0);
    }
    run(&folder, "store diff a b")
        .ends_with(0)
        .says("refused in the second: client ")
        .says("refused in the first: clients of authority ");
}
