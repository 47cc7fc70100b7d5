//! `store clock`: a floor that a wrong clock raised is seen, named and reset; a clock that jumped is confirmed.

use std::fs;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::{CurrentTime, PinScope};

use crate::folder::Folder;
use crate::run::{machine, run};
use crate::support::{DAY, at, fixture, host, keys, server_id};

/// 2099-01-01T00:00:00Z.
const YEAR_2099: u64 = 4_070_908_800;

/// The time of the machine that runs the tests: that of the command.
fn today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A store with `keys-1`, whose pin was made by the command just now, and with this floor.
fn store(test: &str, floor: u64) -> Folder {
    let folder = Folder::new(test);
    machine(&folder, "keys-1");
    fs::create_dir(folder.file("trust")).unwrap();
    let clock = Arc::new(CurrentTime::Known(at(floor)));
    let settings = DurableSettings::new(keys()).with_clock(clock);
    let mut store = DurableStore::create(&folder.file("trust"), settings).unwrap();
    let pem = fs::read(folder.file("keys-1.pem")).unwrap();
    let certificate = mutual_trust::Certificate::from_pem(&pem).unwrap();
    store
        .change(|store| {
            store.add_server(server_id("keys-1"), [host("kms1.example")])?;
            let scope = PinScope::Server(server_id("keys-1"));
            store.install_pin(scope, certificate, mutual_trust::EntryOptions::new())?;
            let clients = PinScope::Clients;
            store.install_pin(
                clients,
                fixture("not-after-9999"),
                mutual_trust::EntryOptions::new(),
            )
        })
        .unwrap();
    folder
}

const CHECK: &str = "check --chain keys-1.pem --server-name kms1.example --store trust";

#[test]
fn a_floor_of_2099_is_named_everywhere_and_reset_by_one_command() {
    let folder = store("cli-floor-2099", YEAR_2099);
    let refused = run(&folder, CHECK)
        .ends_with(1)
        .says("[ClockBelowFloor, rule M7]")
        .says("floor 2099-01-01T00:00:00Z")
        .says("reset the floor (`reset_floor`, `mutual-trust store clock reset`)");
    assert!(!refused.all().contains("Renew"), "{}", refused.all());
    let found = run(&folder, &format!("{CHECK} --json")).json();
    let to_do = found["verdict"]["to_do"].as_str().unwrap();
    assert!(to_do.starts_with("Set the clock"), "{to_do}");
    run(&folder, "store list --store trust")
        .ends_with(0)
        .says("clock floor 2099-01-01T00:00:00Z")
        .says("is more than 26 hours below the floor (2099-01-01T00:00:00Z)")
        .says("store clock reset");
    run(&folder, "store verify --store trust")
        .ends_with(1)
        .says("warning: the clock (")
        .says("nothing installed can accept server keys-1 now: The clock is more than 26 hours below the floor");
    run(&folder, "store expiring --store trust")
        .ends_with(1)
        .says("more than 26 hours below the floor");
    for (line, schema) in [
        ("store list", "store-list"),
        ("store verify", "store-verify"),
        ("store expiring", "store-expiring"),
    ] {
        let found = run(&folder, &format!("{line} --store trust --json")).json();
        assert_eq!(found["schema"], format!("mutual-trust/{schema}/1"));
        let clock = &found["clock"];
        assert_eq!(clock["state"], "below_floor", "{line}");
        assert_eq!(clock["floor"], "2099-01-01T00:00:00Z", "{line}");
        assert!(
            clock["now"].is_string() && clock["text"].is_string(),
            "{line}"
        );
    }
    // An end that lies ahead is not "past": the clock and the floor are named.
    run(
        &folder,
        "store pin keys-1.pem --clients --ends 2095-01-31 --store trust",
    )
    .ends_with(2)
    .says("error[store/EndAtFloor]")
    .says("2099-01-01T00:00:00Z");
    run(&folder, "store server add other --store trust")
        .ends_with(0)
        .says("more than 26 hours below the floor");
    run(&folder, "store clock confirm --store trust")
        .ends_with(2)
        .says("error[store/NothingToConfirm]");

    let before = fs::read(folder.file("trust/trust-store")).unwrap();
    for dry in ["store clock reset --dry-run", "store plan clock reset"] {
        run(&folder, &format!("{dry} --store trust"))
            .ends_with(0)
            .says("dry run, nothing was changed");
        assert_eq!(fs::read(folder.file("trust/trust-store")).unwrap(), before);
    }
    let found = run(&folder, "store clock reset --store trust --json")
        .ends_with(0)
        .json();
    assert_eq!(
        (&found["changed"], &found["clock"]["state"]),
        (&true.into(), &"known".into())
    );
    run(&folder, CHECK)
        .ends_with(0)
        .says("accepted: server keys-1");
    let verified = run(&folder, "store verify --store trust").all();
    assert!(
        !verified.contains("can accept server keys-1") && !verified.contains("warning: the clock"),
        "{verified}"
    );
    let listed = run(&folder, "store list --store trust --json")
        .ends_with(0)
        .json();
    assert_eq!(listed["clock"]["state"], "known");
    assert_ne!(listed["clock"]["floor"], "2099-01-01T00:00:00Z");
}

#[test]
fn a_clock_that_jumped_is_reported_by_every_change_until_it_is_confirmed() {
    let folder = store("cli-floor-jump", today() - 400 * DAY);
    run(&folder, CHECK).ends_with(0);
    for id in ["other", "another"] {
        let found = run(
            &folder,
            &format!("store server add {id} --store trust --json"),
        )
        .ends_with(0)
        .json();
        assert_eq!(found["clock"]["state"], "jumped");
        let warning = found["reports"][0]["warnings"]["items"][0]
            .as_str()
            .unwrap();
        assert!(
            warning.starts_with("the clock jumped: it shows "),
            "{warning}"
        );
    }
    run(&folder, "store list --store trust")
        .ends_with(0)
        .says("warning: the clock jumped")
        .says("store clock confirm");
    run(&folder, "store verify --store trust").says("warning: the clock jumped");
    run(&folder, "store clock confirm --store trust")
        .ends_with(0)
        .says("changed");
    run(&folder, "store clock confirm --store trust")
        .ends_with(0)
        .says("nothing to confirm");
    let listed = run(&folder, "store list --store trust --json")
        .ends_with(0)
        .json();
    assert_eq!(listed["clock"]["state"], "known");
    run(&folder, CHECK).ends_with(0);
}

// Many reports of one change say it once.
#[test]
fn one_change_of_many_calls_says_once_that_the_clock_jumped() {
    let folder = store("cli-floor-many", today() - 400 * DAY);
    machine(&folder, "one");
    machine(&folder, "two");
    fs::create_dir(folder.file("old")).unwrap();
    for name in ["one", "two"] {
        let name = format!("{name}.pem");
        fs::copy(folder.file(&name), folder.file(&format!("old/{name}"))).unwrap();
    }
    let ran = run(
        &folder,
        "store adopt old --clients --undecided pin --accept --store trust",
    );
    let said = ran.ends_with(0).all();
    assert_eq!(said.matches("added (generation").count(), 2, "{said}");
    assert_eq!(said.matches("the clock jumped").count(), 1, "{said}");
}

#[test]
fn a_floor_is_set_to_a_time_on_a_machine_without_a_clock_and_guarded_like_any_change() {
    let folder = store("cli-floor-to", today());
    run(&folder, "store clock reset --to 2099-01-01 --store trust")
        .ends_with(1)
        .says("would lock out: server keys-1")
        .says("refused[LocksOut]");
    run(&folder, "store clock reset --to 2025-01-01 --store trust").ends_with(0);
    run(&folder, "store list --store trust").ends_with(0);
    run(&folder, CHECK).ends_with(0);
}

// The clock of the command cannot be set: the floor is as far behind as that would be ahead.
#[test]
fn a_change_that_moves_the_floor_past_the_end_of_a_pin_needs_force() {
    let folder = store("cli-floor-guard", today() - 300 * DAY);
    let pin = crate::support::pki::spec("old").params(|params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        let end = i64::try_from(today() - 200 * DAY).unwrap();
        params.not_after = time::OffsetDateTime::from_unix_timestamp(end).unwrap();
    });
    crate::run::write(&folder, "old", &pin.self_signed());
    let clock = Arc::new(CurrentTime::Known(at(today() - 300 * DAY)));
    let settings = DurableSettings::new(keys()).with_clock(clock);
    let (mut durable, _) = DurableStore::open(&folder.file("trust"), settings).unwrap();
    let pem = fs::read(folder.file("old.pem")).unwrap();
    let certificate = mutual_trust::Certificate::from_pem(&pem).unwrap();
    durable
        .change(|store| {
            store.add_server(server_id("keys-2"), [])?;
            let scope = PinScope::Server(server_id("keys-2"));
            store.install_pin(scope, certificate, mutual_trust::EntryOptions::new())
        })
        .unwrap();
    drop(durable);
    let line = "store server add other --store trust";
    run(&folder, line)
        .ends_with(1)
        .says("would lock out: server keys-2\n    now: accepted by pin ")
        .says("(PinMatched, rule M1)")
        .says("warning: the floor moves from ")
        .says("compare the clock with another one")
        .says("refused[LocksOut]");
    let found = run(&folder, &format!("{line} --dry-run --json"))
        .ends_with(1)
        .json();
    assert_eq!(
        found["effects"]["lost"]["items"][0]["peer"],
        "server keys-2"
    );
    assert!(found["effects"]["floor"]["to"].is_string(), "{found}");
    run(&folder, &format!("{line} --force")).ends_with(0);
    // The floor has passed it: nothing more is lost.
    run(&folder, "store server add another --store trust").ends_with(0);
}
