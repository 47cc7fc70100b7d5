//! `store`: every change is tried first, and none locks a server out without --force.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use crate::folder::Folder;
use crate::run::{fingerprint, machine, now_spec, run, write};
use crate::support::crl::crl;

fn store(test: &str) -> Folder {
    let folder = Folder::new(test);
    machine(&folder, "keys-1");
    machine(&folder, "next");
    run(&folder, "store create --store trust").ends_with(0);
    run(
        &folder,
        "store server add keys-1 kms1.example --store trust",
    )
    .ends_with(0);
    run(
        &folder,
        "store pin keys-1.pem --server keys-1 --store trust --by alice",
    )
    .ends_with(0)
    .says("claims server: keys-1");
    folder
}

/// A day that a migration may end on: the command reads the clock of the machine that runs the tests.
fn in_a_month() -> String {
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    let end = SystemTime::now().checked_add(month).unwrap();
    let end = end.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let end = pki_types::UnixTime::since_unix_epoch(end);
    let end = mutual_trust::certificate::Timestamp::from(end).to_string();
    end[..10].to_owned()
}

fn content(folder: &Folder) -> Vec<u8> {
    fs::read(folder.file("trust/trust-store")).unwrap()
}

#[test]
fn what_locks_a_server_out_is_shown_and_needs_force() {
    let folder = store("cli-lockout");
    let before = content(&folder);
    let line = "store remove keys-1.pem --store trust";
    run(&folder, line)
        .ends_with(1)
        .says("nothing was changed")
        .says("would lock out: server keys-1\n    now: accepted by pin ")
        .says(" for server keys-1 (PinMatched, rule M1)\n    then: refused (NoUsablePin, rule P2): This server")
        .says("\n    it was not seen yet: ")
        .says("refused[LocksOut]");
    assert_eq!(content(&folder), before);
    for (dry, code) in [
        ("store remove keys-1.pem --store trust --dry-run", 1),
        ("store remove keys-1.pem --store trust --dry-run --force", 0),
        ("store plan remove keys-1.pem --store trust", 1),
        ("store plan remove keys-1.pem --store trust --force", 0),
    ] {
        let found = run(&folder, &format!("{dry} --json"))
            .ends_with(code)
            .json();
        let refused = if code == 1 {
            "LocksOut".into()
        } else {
            serde_json::Value::Null
        };
        assert_eq!(
            (&found["refused"], &found["changed"]),
            (&refused, &false.into()),
            "{dry}"
        );
        run(&folder, dry)
            .ends_with(code)
            .says("dry run, nothing was changed")
            .says("would lock out: server keys-1");
        assert_eq!(content(&folder), before, "{dry}");
    }
    let folder_of_store = fs::metadata(folder.file("trust")).unwrap();
    assert_eq!(folder_of_store.permissions().mode() & 0o777, 0o700);
    let found = run(&folder, &format!("{line} --json")).ends_with(1).json();
    assert_eq!(
        (&found["changed"], &found["refused"]),
        (&false.into(), &"LocksOut".into())
    );
    assert_eq!(
        found["effects"]["lost"]["items"][0]["peer"],
        "server keys-1"
    );

    // With another pin, no peer is locked out.
    run(&folder, "store pin next.pem --server keys-1 --store trust").ends_with(0);
    run(&folder, line).ends_with(0).says("removed");
    run(&folder, "store remove next.pem --store trust").ends_with(1);
    run(&folder, "store remove next.pem --store trust --force")
        .ends_with(0)
        .says("locked out: server keys-1\n    before: accepted by pin ")
        .says("\n    now: refused (");
    run(&folder, "store verify --store trust")
        .ends_with(1)
        .says("nothing installed can accept server keys-1")
        .says("refused[ServerWithoutUsable]");
}

#[test]
fn what_other_users_can_write_is_told_of_by_each_verb() {
    let folder = Folder::new("cli-exposed");
    machine(&folder, "a");
    let set = |name: &str, mode: u32| {
        fs::set_permissions(folder.file(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(folder.file("trust")).unwrap();
    set("trust", 0o777);
    let warning =
        "warning: other users can write trust, and so replace the store: `chmod go-w trust`";
    run(&folder, "store create --store trust")
        .ends_with(0)
        .says(warning);
    set("trust", 0o1777);
    for line in [
        "store verify",
        "store group add k",
        "store plan group add l",
        "store block a.pem",
        "store rollback --to 1 --dry-run --force",
    ] {
        run(&folder, &format!("{line} --store trust"))
            .ends_with(0)
            .says(warning);
    }
    set("trust", 0o700);
    set("trust/trust-store", 0o666);
    let found = run(&folder, "store unblock a.pem --store trust --json").ends_with(0);
    let found = found.json()["writable_by_others"].clone();
    assert_eq!(found, serde_json::json!(["trust/trust-store"]));
    set("trust/trust-store", 0o600);
    let found = run(&folder, "store verify --store trust --json").ends_with(0);
    assert_eq!(found.json()["writable_by_others"], serde_json::json!([]));
}

#[test]
fn a_dry_run_changes_nothing_whatever_it_is_of() {
    let folder = store("cli-dry");
    write(&folder, "ca", &now_spec("CA").ca().self_signed());
    run(&folder, "store group add site-a --store trust").ends_with(0);
    let before = content(&folder);
    for change in [
        "server add keys-2 kms2.example",
        "server add-name keys-1 kms1-b.example",
        "server expect keys-1 a.example",
        "server release-name kms1.example",
        "pin next.pem --server keys-1",
        "pin next.pem --clients --label next",
        "authority ca.pem --any-server",
        "intermediate ca.pem",
        "group add site-b",
        "group join site-a keys-1",
        &format!("migrate keys-1 --until {}", in_a_month()),
        "release keys-1",
        "block next.pem",
        "block keys-1.pem",
        "remove keys-1.pem",
    ] {
        for line in [
            format!("store {change} --dry-run --store trust"),
            format!("store plan {change} --store trust"),
        ] {
            // A dry run ends as the change would.
            let locks_out = ["release ", "remove", "server release-name"]
                .iter()
                .any(|verb| change.starts_with(verb));
            run(&folder, &line)
                .ends_with(i32::from(locks_out))
                .says("dry run, nothing was changed");
            assert_eq!(content(&folder), before, "{line}");
        }
    }
    run(&folder, "store create --dry-run --store other").ends_with(0);
    assert!(!folder.file("other").exists());
}

#[test]
fn changes_are_made_and_listed() {
    let folder = store("cli-changes");
    write(&folder, "ca", &now_spec("CA").ca().self_signed());
    let listed = || run(&folder, "store list --store trust").ends_with(0).out;
    let migrate = format!("migrate keys-1 --until {}", in_a_month());
    let migrating = format!("migrating until {}T00:00:00Z", in_a_month());
    for (change, shown) in [
        ("authority ca.pem --any-server", "for any server"),
        ("intermediate ca.pem", "for all chains"),
        (
            "authority ca.pem --clients --pattern dns:*.arrays.example",
            "for clients",
        ),
        (
            "server add keys-2 kms2.example 192.0.2.7",
            "server keys-2 (kms2.example, 192.0.2.7)",
        ),
        ("group add site-a", "group site-a: "),
        ("group join site-a keys-2", "in group site-a"),
        ("pin next.pem --group site-a --label both", "label: both"),
        (&migrate, &migrating),
        (
            "block --fingerprint 07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07",
            "blocked: ",
        ),
    ] {
        assert!(!listed().contains(shown), "{shown}");
        run(&folder, &format!("store {change} --store trust")).ends_with(0);
        assert!(listed().contains(shown), "{shown} in {}", listed());
    }
    run(&folder, "store migrate keys-1 --stop --store trust").ends_with(0);
    assert!(!listed().contains("migrating"));
    // Which of the three is meant must be said.
    run(&folder, "store remove ca.pem --store trust")
        .ends_with(2)
        .says("store/Ambiguous");
    run(&folder, "store remove ca.pem --clients --store trust")
        .ends_with(1)
        .says("would lock out: clients of authority ");
    run(
        &folder,
        "store remove ca.pem --clients --store trust --force",
    )
    .ends_with(0);
    run(&folder, "store remove ca.pem --all --store trust").ends_with(0);
    assert!(!listed().contains("CN=CA"));
    run(&folder, "store remove ca.pem --store trust")
        .ends_with(2)
        .says("store/NoSuchEntry");
    run(&folder, "store release keys-1 --store trust")
        .ends_with(1)
        .says("would lock out: server keys-1");
    let found = run(&folder, "store list --store trust --json").json();
    let by: Vec<_> = found["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["installed_by"].clone())
        .collect();
    assert!(by.contains(&"alice".into()), "{by:?}");
}

// P1: a block is never held up.
#[test]
fn a_block_needs_no_force() {
    let folder = store("cli-block");
    run(&folder, "store block keys-1.pem --store trust")
        .ends_with(0)
        .says("locked out: server keys-1");
    run(
        &folder,
        "check --chain keys-1.pem --server-name kms1.example --store trust",
    )
    .ends_with(1)
    .says("rule P1");
    run(&folder, "store unblock keys-1.pem --store trust").ends_with(0);
    run(
        &folder,
        "check --chain keys-1.pem --server-name kms1.example --store trust",
    )
    .ends_with(0);
}

#[test]
fn what_cannot_be_installed_says_why() {
    let folder = store("cli-not-installed");
    for (line, kind) in [
        (
            "store authority keys-1.pem --any-server",
            "error[store/NotCa]",
        ),
        ("store pin next.pem --any-server", "error[usage]"),
        ("store pin next.pem", "error[usage]"),
        (
            "store pin next.pem --server keys-9",
            "error[store/UnknownServer]",
        ),
        ("store server add keys-1", "error[store/ServerExists]"),
        ("store server remove keys-1", "error[store/Claimed]"),
        ("store create", "error[durable/Exists]"),
        (
            "store pin next.key --server keys-1",
            "error[certificate/PrivateKey]",
        ),
        (
            "store migrate keys-1 --until 2001-01-01",
            "error[store/EndInThePast]",
        ),
        (
            "store migrate keys-1 --until 2090-01-01",
            "error[store/MigrationTooLong]: a migration lasts at most 366 days",
        ),
    ] {
        let before = content(&folder);
        run(&folder, &format!("{line} --store trust"))
            .ends_with(2)
            .says(kind);
        assert_eq!(content(&folder), before);
    }
    run(&folder, "store list").ends_with(2).says("--store");
    run(&folder, "store list --store missing")
        .ends_with(2)
        .says("error[durable/NoStore]");
}

#[test]
fn damage_is_an_error_and_is_left_as_it_is() {
    let folder = store("cli-damage");
    run(&folder, "store verify --store trust")
        .ends_with(0)
        .says("whole: generation");
    let mut text = content(&folder);
    let middle = text.len() / 2;
    text[middle] ^= 1;
    fs::write(folder.file("trust/trust-store"), &text).unwrap();
    run(&folder, "store verify --store trust")
        .ends_with(2)
        .says("error[durable/File]")
        .says("line ");
    run(&folder, "store pin next.pem --server keys-1 --store trust").ends_with(2);
    assert_eq!(content(&folder), text);
}

#[test]
fn what_ends_is_listed_with_who_depends_on_it() {
    let folder = store("cli-expiring");
    run(&folder, "store expiring --store trust --within 1d").ends_with(0);
    let ran = run(
        &folder,
        "store expiring --store trust --within 900d --own next.pem",
    )
    .ends_with(0);
    // The folder of our identity: the current certificate and the next one.
    let of = "--folder identity";
    run(
        &folder,
        &format!("identity create {of} --identity next.pem --key next.key"),
    )
    .ends_with(0);
    run(&folder, &format!("identity stage {of}")).ends_with(0);
    let line = "store expiring --store trust --within 900d --own identity";
    let both = run(&folder, line)
        .ends_with(0)
        .says("identity/identity-")
        .all();
    assert_eq!(both.matches("our own certificate").count(), 2, "{both}");
    run(
        &folder,
        "store report --store trust --html own.html --own identity",
    )
    .ends_with(0);
    run(&folder, "store expiring --store trust --own trust").ends_with(2);
    ran.says("server keys-1; 1 would be left with nothing")
        .says("our own certificate")
        .says("look again: ");
    let found = run(&folder, "store expiring --store trust --within 900d --json").json();
    assert_eq!(found["worst"], "notice");
    assert_eq!(found["items"][0]["severity"], "notice");
    run(&folder, "store expiring --store trust --within soon")
        .ends_with(2)
        .says("30d");
}

#[test]
fn a_folder_of_today_is_adopted_and_what_is_refused_is_reported() {
    let folder = store("cli-adopt");
    fs::create_dir(folder.file("today")).unwrap();
    let root = now_spec("Old root").ca().self_signed();
    let issuing = now_spec("Old issuing").ca().signed_by(&root);
    let leaf = now_spec("leaf").signed_by(&issuing);
    let alone = now_spec("Alone").ca().self_signed();
    for (name, text) in [
        (
            "chain.pem",
            [&root, &issuing, &leaf]
                .map(|one| one.certificate.to_pem())
                .concat(),
        ),
        ("alone.pem", alone.certificate.to_pem()),
        ("copy.pem", root.certificate.to_pem()),
        (
            "own.pem",
            fs::read_to_string(folder.file("next.pem")).unwrap(),
        ),
        (
            "broken.pem",
            String::from("-----BEGIN CERTIFICATE-----\nAAAA\n"),
        ),
        ("key.pem", now_spec("x").self_signed().key.serialize_pem()),
    ] {
        fs::write(folder.file("today").join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("gone.pem", folder.file("today").join("hash.0")).unwrap();
    fs::create_dir(folder.file("today").join("lost+found")).unwrap();
    let before = content(&folder);
    let line = "store adopt today --any-server --store trust";
    run(&folder, line)
        .ends_with(2)
        .says("authority: today/chain.pem: CN=Old root")
        .says("intermediate: today/chain.pem: CN=Old issuing")
        .says("left out (its issuer vouches for it): today/chain.pem: CN=leaf")
        .says("refused: today/alone.pem: CN=Alone")
        .says("--undecided")
        .says("refused: today/own.pem: CN=next")
        .says("a pin needs a scope")
        .says("refused: today/broken.pem: ")
        .says("refused: today/key.pem: ")
        .says("refused: today/hash.0: a link whose target cannot be reached: ")
        .says("passed over: today/lost+found: a folder")
        .says("say --accept")
        .says("error[certificate/LeftOut]: 5 left out");
    assert_eq!(content(&folder), before);
    let ran = run(&folder, &format!("{line} --json")).ends_with(2);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.json()["kind"], "certificate/LeftOut");
    assert_eq!(found["refused_count"], 5);
    assert_eq!(found["items"].as_array().unwrap().len(), 5);
    assert_eq!(found["passed_over"][0]["file"], "today/copy.pem");
    assert_eq!(found["passed_over"][1]["file"], "today/lost+found");
    assert_eq!(found["passed_over"].as_array().unwrap().len(), 2);

    let line = "store adopt today --server keys-1 --undecided pin --accept --store trust";
    run(&folder, &format!("{line} --dry-run")).ends_with(2);
    assert_eq!(content(&folder), before);
    // The rest is installed, and the call still fails.
    let ran = run(&folder, &format!("{line} --json")).ends_with(2);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["changed"], true);
    let listed = run(&folder, "store list --store trust").out;
    for shown in ["CN=Old root", "CN=Old issuing", "CN=Alone", "CN=next"] {
        assert!(listed.contains(shown), "{shown} in {listed}");
    }
    assert!(!listed.contains("CN=leaf"), "{listed}");
    // Again, nothing changes, and that is said.
    let ran = run(&folder, &format!("{line} --json")).ends_with(2);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["changed"], false);
}

// A file is in the result even if another one has its certificate.
#[test]
fn a_file_that_has_nothing_new_is_named_as_passed_over() {
    let folder = store("cli-adopt-same");
    let ca = now_spec("CA").ca().self_signed();
    fs::create_dir(folder.file("certificates")).unwrap();
    for name in ["certificates/a", "certificates/b"] {
        fs::write(folder.file(&format!("{name}.pem")), ca.certificate.to_pem()).unwrap();
    }
    let line = "store adopt certificates --any-server --undecided authority --store trust";
    run(&folder, line).ends_with(0).says(
        "passed over: certificates/b.pem: nothing new, its certificate is in certificates/a.pem",
    );
    let found = run(&folder, &format!("{line} --json")).ends_with(0).json();
    assert_eq!(found["passed_over"][0]["file"], "certificates/b.pem");
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[test]
fn adopting_nothing_fails_and_takes_no_scope_that_was_not_named() {
    let folder = store("cli-adopt-nothing");
    fs::create_dir(folder.file("empty")).unwrap();
    fs::create_dir(folder.file("dangling")).unwrap();
    std::os::unix::fs::symlink("gone.pem", folder.file("dangling").join("ca.pem")).unwrap();
    let root = now_spec("Root").ca().self_signed();
    let issuing = now_spec("Issuing").ca().signed_by(&root);
    let pem = [&root, &issuing].map(|one| one.certificate.to_pem());
    fs::write(folder.file("bundle.pem"), pem.concat()).unwrap();
    let cut = format!("{}{}", pem[0], &pem[1][..pem[1].len() - 40]);
    fs::write(folder.file("cut.pem"), cut).unwrap();
    let before = content(&folder);
    for verb in ["adopt", "bundle"] {
        for (path, said) in [
            ("missing", "error[io]: missing"),
            ("empty", "empty: no certificate"),
            ("dangling", "dangling/ca.pem"),
            ("cut.pem", "cut.pem: section 2"),
        ] {
            for accept in ["", "--accept"] {
                let line = format!("store {verb} {path} --any-server {accept} --store trust");
                let ran = run(&folder, &line).ends_with(2).says(said);
                assert!(!ran.all().contains("say --accept"), "{}", ran.all());
                let ran = run(&folder, &format!("{line} --json")).ends_with(2);
                assert!(ran.json()["message"].is_string());
                if !ran.out.is_empty() {
                    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
                    assert_eq!(found["changed"], false, "{line}");
                }
            }
        }
        let line = format!("store {verb} bundle.pem --accept --store trust");
        let ran = run(&folder, &line)
            .ends_with(2)
            .says("an authority needs a scope");
        assert!(!ran.all().contains("any server"), "{}", ran.all());
        // The intermediate needs no scope: only a bundle is whole or nothing.
        let listed = run(&folder, "store list --store trust").out;
        assert!(!listed.contains("CN=Root"), "{listed}");
        assert_eq!(listed.contains("CN=Issuing"), verb == "adopt", "{listed}");
        fs::write(folder.file("trust/trust-store"), &before).unwrap();
    }
}

#[test]
fn a_bundle_is_installed_whole_or_not_at_all() {
    let folder = store("cli-bundle");
    let root = now_spec("Root").ca().self_signed();
    let issuing = now_spec("Issuing").ca().signed_by(&root);
    let alone = now_spec("Alone").ca().self_signed();
    let text = [&root, &issuing, &alone]
        .map(|one| one.certificate.to_pem())
        .concat();
    fs::write(folder.file("bundle.pem"), &text).unwrap();
    let before = content(&folder);
    let line = "store bundle bundle.pem --any-server --store trust --accept";
    let ran = run(&folder, &format!("{line} --json")).ends_with(2);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["refused"], "BundleRefused");
    run(&folder, line)
        .ends_with(2)
        .says("CN=Alone")
        .says("whole or not at all")
        .says("1 left out");
    assert_eq!(content(&folder), before);
    run(&folder, &format!("{line} --undecided authority")).ends_with(0);
    let listed = run(&folder, "store list --store trust").out;
    assert!(
        listed.contains("CN=Alone") && listed.contains("CN=Issuing"),
        "{listed}"
    );
    fs::write(folder.file("cut.pem"), &text[..text.len() - 40]).unwrap();
    run(&folder, "store bundle cut.pem --any-server --store trust")
        .ends_with(2)
        .says("cut.pem");
}

#[test]
fn two_stores_or_two_generations_of_one_are_compared_by_their_records() {
    let folder = Folder::new("cli-diff");
    machine(&folder, "keys-1");
    run(&folder, "store create --store trust").ends_with(0);
    let change = |line: &str| {
        run(&folder, &format!("store {line} --store trust")).ends_with(0);
    };
    let generation = |store: &str| {
        let ran = run(&folder, &format!("--json store verify --store {store}"));
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        found["generation"].as_u64().unwrap()
    };
    change("server add keys-1 kms1.example");
    let first = generation("trust");
    fs::create_dir(folder.file("backup")).unwrap();
    fs::copy(
        folder.file("trust/trust-store"),
        folder.file("backup/trust-store"),
    )
    .unwrap();
    change("pin keys-1.pem --server keys-1 --label rack-4");
    let second = generation("trust");
    let own = fingerprint(&folder, "keys-1.pem");
    let pin = format!("+ pin server keys-1 {own}");
    for line in [
        format!("diff {first} {second} --store trust"),
        "diff backup trust".to_owned(),
        "diff backup/trust-store trust/trust-store".to_owned(),
    ] {
        let ran = run(&folder, &format!("store {line}")).ends_with(0);
        for part in [
            "- server keys-1 unclaimed",
            "+ server keys-1 claimed",
            pin.as_str(),
            "+   label rack-4",
        ] {
            assert!(ran.out.contains(part), "{line}: {part}: {}", ran.out);
        }
        assert!(!ran.out.contains("BEGIN CERTIFICATE"), "{}", ran.out);
    }
    run(
        &folder,
        &format!("store diff {second} {second} --store trust"),
    )
    .ends_with(0)
    .says("the records are the same");
    run(&folder, "store diff 999 1000 --store trust")
        .ends_with(2)
        .says("generation 999 is not in the history that is kept");
}

/// A service that has the store open keeps no administrator out, and has each change in force within its interval.
#[test]
fn a_store_that_is_in_use_is_changed_and_the_service_follows() {
    let folder = Folder::new("cli-in-use");
    for name in ["keys-1", "array-7", "array-8"] {
        machine(&folder, name);
    }
    let mut server = crate::run::Server::start(&folder, "");
    let pin = |name: &str| {
        let line = format!("store pin {name}.pem --clients --store server-trust --by alice");
        run(&folder, &line).ends_with(0);
    };
    pin("array-7");
    server.until("changed: generation");
    let connect = |address: &str, name: &str| {
        let line = format!(
            "connect {address} --pin keys-1.pem --identity {name}.pem --key {name}.key --settle 60000"
        );
        run(&folder, &line)
    };
    let address = server.address.clone();
    connect(&address, "array-7").ends_with(0);
    run(
        &folder,
        "store block array-7.pem --store server-trust --by bob",
    )
    .ends_with(0);
    server.until("changed: generation");
    connect(&address, "array-7").ends_with(1);
    // What the service changes then has the block.
    connect(&address, "array-8").ends_with(1);
    let named = fingerprint(&folder, "array-8.pem");
    server.tell(&format!("accept 1 {named}"));
    server.until("accepted");
    let named = fingerprint(&folder, "array-7.pem");
    run(&folder, "store list --full --store server-trust")
        .ends_with(0)
        .says("blocked: ")
        .says(&named);
    let log = run(&folder, "store log --store server-trust");
    let log = log.ends_with(0);
    for line in [
        "asked: install pin clients",
        "by alice",
        "asked: block certificate",
        "by bob",
        "by console of mutual-trust serve",
        "+ block certificate",
        "the history that is kept begins after generation",
    ] {
        assert!(log.out.contains(line), "{line}: {}", log.out);
    }
    let of_bob = run(&folder, "store log --by bob --store server-trust").ends_with(0);
    assert!(!of_bob.out.contains("alice"), "{}", of_bob.out);
    assert!(of_bob.out.contains("block"), "{}", of_bob.out);
    run(&folder, "store verify --store server-trust")
        .ends_with(0)
        .says("history: 3 changes, since generation");
}

// C4
#[test]
fn a_file_of_revocation_lists_is_installed_in_whatever_order_it_has() {
    let years = 365 * 24 * 60 * 60;
    let ca = now_spec("CA").ca().self_signed();
    let other = now_spec("Other").ca().self_signed();
    let server = now_spec("kms2.example").dns("kms2.example").signed_by(&ca);
    let list = |number: u8| crl().number(number).valid(-2 * years, 20 * years);
    let older = list(1).signed_by(&ca).to_pem();
    let newer = list(2).revoke(&server.certificate).signed_by(&ca).to_pem();
    let unknown = list(1).signed_by(&other).to_pem();
    let prepared = |test: &str| {
        let folder = store(test);
        write(&folder, "ca", &ca);
        write(&folder, "kms2", &server);
        for line in [
            "server add keys-2 kms2.example",
            "authority ca.pem --server keys-2",
        ] {
            run(&folder, &format!("store {line} --store trust")).ends_with(0);
        }
        folder
    };
    let check = |folder: &Folder| {
        let line = "check --chain kms2.pem --server-name kms2.example --store trust";
        run(folder, line)
    };
    let install = |folder: &Folder, lists: &[&String]| {
        let lists: String = lists.iter().map(|list| list.as_str()).collect();
        fs::write(folder.file("lists.pem"), lists).unwrap();
        run(folder, "store crl lists.pem --store trust --force")
    };
    for lists in [[&older, &newer], [&newer, &older]] {
        let folder = prepared("cli-crl-order");
        check(&folder).ends_with(0);
        install(&folder, &lists).ends_with(0);
        check(&folder).ends_with(1).says("[Revoked, rule C4]");
        // By itself, the older one is a mistake.
        install(&folder, &[&older])
            .ends_with(2)
            .says("error[store/CrlOlder]");
    }
    // One that is refused keeps no other out, and is told.
    for lists in [[&unknown, &newer], [&newer, &unknown]] {
        let folder = prepared("cli-crl-unknown");
        install(&folder, &lists)
            .ends_with(2)
            .says("error[store/CrlIssuerNotInstalled]: left out, 1 in all");
        check(&folder).ends_with(1).says("[Revoked, rule C4]");
        let before = content(&folder);
        install(&folder, &[&unknown])
            .ends_with(2)
            .says("error[store/CrlIssuerNotInstalled]");
        assert_eq!(content(&folder), before);
    }
}

// What only identifies is short; what is copied to the next command is had with `--full`.
#[test]
fn fingerprints_are_short_unless_full_ones_are_asked_for() {
    let folder = store("cli-short");
    let whole = fingerprint(&folder, "keys-1.pem");
    let short = format!("{}…{}", &whole[..23], &whole[90..]);
    let list = "store list --store trust";
    let said = run(&folder, list).ends_with(0).says("--full").out;
    assert!(said.contains(&short) && !said.contains(&whole), "{said}");
    let said = run(&folder, &format!("{list} --full")).ends_with(0).out;
    assert!(said.contains(&whole) && !said.contains('…'), "{said}");
    assert!(!said.contains("--full"), "{said}");
    let said = run(&folder, &format!("{list} --json")).ends_with(0).out;
    assert!(said.contains(&whole) && !said.contains('…'), "{said}");
    let expiring = "store expiring --within 9000d --store trust";
    run(&folder, expiring).ends_with(0).says(&short);
    let said = run(&folder, &format!("{expiring} --full")).ends_with(0).out;
    assert!(said.contains(&whole) && !said.contains('…'), "{said}");
    // A short form is refused wherever a fingerprint is an argument.
    for line in [
        format!("store remove {short} --store trust"),
        format!("store pin {short} --server keys-1 --store trust"),
        format!("store block --fingerprint {short} --store trust"),
        format!("store unblock --key-pin {short} --store trust"),
    ] {
        run(&folder, &line)
            .ends_with(2)
            .says("all 32 bytes are needed");
    }
    // The whole one is taken, and an error has it in full where programs read it.
    run(
        &folder,
        &format!("store block --fingerprint {whole} --store trust"),
    )
    .ends_with(0);
    let pin = "store pin keys-1.pem --clients --store trust";
    run(&folder, pin).ends_with(2).says(&whole);
    run(
        &folder,
        &format!("store unblock --fingerprint {whole} --store trust"),
    )
    .ends_with(0);
    let line = "store pin keys-1.pem --server keys-1 --label other --store trust";
    let said = run(&folder, line).ends_with(2).says(&short).all();
    assert!(!said.contains(&whole), "{said}");
    for more in ["--full", "--json"] {
        run(&folder, &format!("{line} {more}"))
            .ends_with(2)
            .says(&whole);
    }
    // What is read out is in full.
    run(&folder, "inspect keys-1.pem").ends_with(0).says(&whole);
    run(
        &folder,
        "identity show --identity keys-1.pem --key keys-1.key",
    )
    .ends_with(0)
    .says(&whole);
    // So is what an unknown peer presented, and the pin that it should have presented.
    let judge = "check --server-name kms1.example --store trust --chain";
    let next = fingerprint(&folder, "next.pem");
    run(&folder, &format!("{judge} next.pem"))
        .ends_with(1)
        .says(&format!("presented: {next}"))
        .says(&format!("considered: pin {whole} for"));
    let said = run(&folder, &format!("{judge} keys-1.pem"))
        .ends_with(0)
        .says(&format!("presented: {short}"))
        .out;
    assert!(!said.contains(&whole), "{said}");
    let said = run(&folder, &format!("{judge} keys-1.pem --full"))
        .ends_with(0)
        .out;
    assert!(said.contains(&whole) && !said.contains('…'), "{said}");
}

#[test]
fn the_generation_that_is_told_is_the_one_that_is_stored() {
    let folder = store("cli-generation");
    run(&folder, "store group add site-a --store trust").ends_with(0);
    for line in [
        "store server add keys-2",
        "store pin next.pem --server keys-2",
        "store block --fingerprint 07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07:07",
    ] {
        // The clock moves the floor, which makes a generation of its own.
        std::thread::sleep(Duration::from_millis(1100));
        let planned = run(&folder, &format!("{line} --store trust --dry-run")).ends_with(0);
        let ran = run(&folder, &format!("{line} --store trust")).ends_with(0);
        let list = run(&folder, "store list --store trust --json").json();
        let told = format!("(generation {})", list["generation"]);
        assert!(ran.out.contains(&told), "{told}: {}", ran.out);
        assert!(planned.out.contains(&told), "{told}: {}", planned.out);
        std::thread::sleep(Duration::from_millis(1100));
        let line = line.replace("add keys-2", "add keys-3");
        let line = line.replace("--server keys-2", "--clients");
        let line = line.replace("--fingerprint 07", "--fingerprint 08");
        let told = run(&folder, &format!("{line} --store trust --json"))
            .ends_with(0)
            .json();
        let list = run(&folder, "store list --store trust --json").json();
        assert_eq!(told["generation"], list["generation"], "{line}");
    }
}

#[test]
fn a_block_reads_as_a_block_and_not_as_a_pin() {
    let folder = store("cli-block-text");
    let whole = fingerprint(&folder, "keys-1.pem");
    let short = format!("{}…{}", &whole[..23], &whole[90..]);
    let ran = run(&folder, "store block keys-1.pem --store trust")
        .ends_with(0)
        .says(&format!(
            "blocked: certificate {short} and its key (generation "
        ))
        .says(&format!(
            "accepts nothing now: pin {short} for server keys-1"
        ));
    assert!(
        !ran.all().contains("added") && !ran.all().contains("entry:"),
        "{}",
        ran.all()
    );
    run(&folder, "store block keys-1.pem --store trust")
        .ends_with(0)
        .says("nothing changed: blocked already: certificate ");
    run(&folder, "store unblock keys-1.pem --store trust --full")
        .ends_with(0)
        .says(&format!(
            "no longer blocked: certificate {whole} and its key"
        ));
}

#[test]
fn a_block_of_a_key_that_has_the_fingerprint_of_a_certificate_is_warned_of() {
    let folder = store("cli-block-mistaken");
    let inspected = run(&folder, "inspect keys-1.pem --json").json();
    let inspected = &inspected["files"][0]["items"][0];
    let value = |name: &str| inspected[name].as_str().unwrap().to_owned();
    for (option, value, says) in [
        (
            "--key-pin",
            value("fingerprint"),
            "no held entry has this key",
        ),
        (
            "--fingerprint",
            value("key_pin"),
            "no held entry has this certificate",
        ),
    ] {
        let line = format!("store block {option} {value} --store trust");
        for how in ["--dry-run", ""] {
            run(&folder, &format!("{line} {how}"))
                .ends_with(0)
                .says(says)
                .says("for server keys-1");
        }
        let json = run(&folder, &format!("{line} --json")).json();
        let warnings = json["reports"][0]["warnings"]["items"].to_string();
        assert!(warnings.contains(says), "{warnings}");
    }
}

#[test]
fn a_migration_without_an_authority_is_warned_of_and_takes_a_span() {
    let folder = store("cli-migrate");
    write(&folder, "ca", &now_spec("CA").ca().self_signed());
    run(&folder, "store migrate keys-1 --until 30d --store trust")
        .ends_with(0)
        .says("warning: server keys-1 migrates and has no authority");
    run(&folder, "store list --store trust").says(&format!("migrating until {}", in_a_month()));
    run(&folder, "store authority ca.pem --any-server --store trust").ends_with(0);
    run(&folder, "store migrate keys-1 --stop --store trust").ends_with(0);
    let ran = run(&folder, "store migrate keys-1 --until 2w --store trust")
        .ends_with(0)
        .says("its own pins as before, else the authorities of any server");
    assert!(!ran.all().contains("no authority"), "{}", ran.all());
    run(&folder, "store migrate keys-1 --until 400d --store trust")
        .ends_with(2)
        .says("error[store/MigrationTooLong]");
    run(&folder, "store migrate keys-1 --until soon --store trust")
        .ends_with(2)
        .says("30d");
    run(
        &folder,
        "store pin next.pem --clients --ends 12h --store trust",
    )
    .ends_with(0);
}

#[test]
fn a_command_waits_for_a_store_that_is_being_changed_as_long_as_it_is_told() {
    let folder = Folder::new("cli-wait");
    run(&folder, "store create --store trust").ends_with(0);
    let path = folder.path().join("trust").join("trust-store.lock");
    let lock = fs::File::options().write(true).open(path).unwrap();
    lock.lock().unwrap();
    let started = std::time::Instant::now();
    run(&folder, "store server add a --store trust --wait 0")
        .ends_with(2)
        .says("error[durable/Locked]")
        .says("is changing the store; --wait SECONDS waits longer");
    assert!(started.elapsed().as_secs() < 5);
    // Reading needs no lock.
    run(&folder, "store list --store trust").ends_with(0);
    let free = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        drop(lock);
    });
    run(&folder, "store server add a --store trust --wait 60").ends_with(0);
    free.join().unwrap();
}

#[test]
fn a_change_without_a_name_has_the_account_of_the_process() {
    let folder = store("cli-account");
    run(&folder, "store server add keys-2 --store trust --by alice").ends_with(0);
    run(&folder, "store server add keys-3 --store trust").ends_with(0);
    let log = run(&folder, "store log --store trust --json").json();
    let asked = |id: &str| -> String {
        let changes = log["changes"].as_array().unwrap().iter();
        let asked = changes.flat_map(|change| change["asked"].as_array().unwrap());
        let mut of = asked.filter(|asked| asked["call"].as_str().unwrap().contains(id));
        of.next().unwrap()["by"].as_str().unwrap().to_owned()
    };
    assert_eq!(asked("keys-2"), "alice");
    let account = asked("keys-3");
    let uid = rustix::process::getuid().as_raw().to_string();
    assert!(
        account.starts_with("account ") && account.contains(&uid),
        "{account}"
    );
}

#[test]
fn a_store_that_is_gone_is_restored_before_a_new_one_is_made() {
    let folder = store("cli-gone");
    fs::remove_file(folder.path().join("trust").join("trust-store")).unwrap();
    run(&folder, "store list --store trust")
        .ends_with(2)
        .says("if there was one, restore it from a backup or recover it; if not, create one");
    let ran = run(&folder, "store restore nowhere --store trust")
        .ends_with(2)
        .says("nowhere: No such file");
    assert!(!ran.all().contains("create one"), "{}", ran.all());
    run(&folder, "store block --key-pin 00:11 --store trust")
        .ends_with(2)
        .says("`inspect` shows it as `key pin`");
}
