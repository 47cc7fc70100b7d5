//! The primary dies, a secondary is promoted, and the old primary comes back.

use std::fs;

use mutual_trust::admin::bundle::{BundleKey, Publication};

use super::enrolling::{accept, wait_at};
use super::founding::{same_sequence, start_cut_off, start_key_server};
use super::{Fault, GROUP, PATIENCE, PROMISED, Play, shown};
use crate::Outcome;
use crate::taking::newest;

const REST: [&str; 3] = ["keys-2", "keys-3", "keys-4"];

pub(super) fn play(play: &mut Play) -> Outcome<()> {
    let [array, blocked] = super::ARRAYS;
    play.step("The primary dies. The arrays read their keys from the next server.");
    play.holds_within(PATIENCE, "array-7 reads its key from the primary", |play| {
        Ok(play.ask(array, "status")?.get("in-use")? == "keys-1")
    })?;
    play.ask(array, "count-anew")?;
    let before = play.ask("keys-1", "status")?.number("sequence")?;
    play.processes.take("keys-1")?.kill()?;
    play.holds_within(
        PATIENCE,
        "array-7 reads its key from another server",
        |play| {
            let answer = play.ask(array, "status")?;
            let in_use = answer.get("in-use")?;
            Ok(REST.contains(&in_use) && answer.number("reads")? > 50)
        },
    )?;
    let gap = play.ask(array, "status")?.number("gap")?;
    play.holds(gap < 2000, &format!("the longest pause was {gap} ms"))?;
    let why = play.processes.get("keys-3")?.ask_refused("publish")?;
    println!("    ok: keys-3 is no primary: {why}");

    play.step("keys-2 is promoted, and publishes from then on.");
    let keep = match play.has(Fault::OldKeyStays) {
        true => format!(" {}", shown(&play.folder("keys-1").join("signing.pub"))),
        false => String::new(),
    };
    if play.has(Fault::OldCopy) {
        put_old_copy_back(play)?;
    }
    let mut held = Vec::new();
    for server in REST {
        held.push(play.ask(server, "status")?.number("sequence")?);
    }
    let newest = held.first() == held.iter().max();
    play.holds(
        newest,
        "none of the others has a newer publication than keys-2",
    )?;
    let promoted = play.ask("keys-2", &format!("promote{keep}"))?;
    let (sequence, key_set) = (promoted.number("sequence")?, promoted.number("key-set")?);
    let claim =
        format!("it goes on with sequence {sequence}, after {before}, and key set {key_set}");
    play.holds(sequence > before && key_set == 2, &claim)?;
    play.holds_within(
        PROMISED,
        "the three servers hold what it published",
        |play| {
            let held = play.ask("keys-3", "status")?.number("sequence")?;
            Ok(held == sequence && same_sequence(play, &REST)?)
        },
    )?;
    play.holds_within(PROMISED, "array-7 has it as well", |play| {
        Ok(play.ask(array, "status")?.number("sequence")? == sequence)
    })?;
    play.holds(
        !names_old_key(play)?,
        "the key of the old primary signs no more",
    )?;
    let out = play.is_kept_out(blocked, &REST)?;
    play.holds(out, &format!("{blocked} is still blocked"))?;
    play.holds_within(PROMISED, "array-7 is let in as before", |play| {
        play.is_let_in(array, &REST)
    })?;
    play.ask(blocked, "new-identity")?;
    play.ask("keys-2", "open-enrolment 600")?;
    wait_at(play, "keys-2", &[blocked])?;
    accept(play, "keys-2", blocked, &REST)?;
    play.ask("keys-2", "close-enrolment")?;

    play.step("The old primary comes back with its old set.");
    comes_back(play)
}

/// Whether the newest key set has the key of the old primary.
fn names_old_key(play: &Play) -> Outcome<bool> {
    let old = BundleKey::from_der(&fs::read(play.folder("keys-1").join("signing.pub"))?)?;
    let published = play.folder("keys-2").join("published/all/publication");
    let newest = newest(&Publication::read(&fs::read(published)?)?)?;
    Ok(newest.keys().iter().any(|key| key.id() == old.id()))
}

fn comes_back(play: &mut Play) -> Outcome<()> {
    let [array, renewed] = super::ARRAYS;
    for array in super::ARRAYS {
        play.ask(array, "count-anew")?;
    }
    let now = play.ask("keys-2", "status")?.number("sequence")?;
    // Before its network does. It publishes when it starts: what it changed just before it died may not be published.
    start_cut_off(play, "keys-1")?;
    let answer = play.ask("keys-1", "status")?;
    let believes = answer.get("primary")? == "true";
    play.holds(
        believes,
        "it still believes to be the primary, and publishes its set",
    )?;
    let copy = play.folder("copy-of-the-old-set");
    fs::copy(
        play.folder("keys-1").join("published/systems/publication"),
        &copy,
    )?;
    for server in ["keys-3", "keys-4"] {
        let offer = format!("take-over {}", shown(&copy));
        let why = play.processes.get(server)?.ask_refused(&offer)?;
        println!("    ok: {server} refuses it: {why}");
    }
    play.processes.take("keys-1")?.stop()?;
    start_key_server(play, "keys-1")?;
    play.holds_within(
        PATIENCE,
        "it learns that another server is the primary",
        |play| {
            let answer = play.ask("keys-1", "status")?;
            Ok(answer.number("key-set")? == 2 && answer.get("primary")? == "false")
        },
    )?;
    let why = play.processes.get("keys-1")?.ask_refused("publish")?;
    println!("    ok: it publishes no more: {why}");
    play.holds_within(
        PATIENCE,
        "all four hold the set of the new primary",
        |play| {
            let held = play.ask("keys-1", "status")?.number("sequence")?;
            Ok(held == now && same_sequence(play, &GROUP)?)
        },
    )?;
    let claim = "it lets the array in that was accepted while it was away";
    play.holds_within(PATIENCE, claim, |play| play.is_let_in(renewed, &GROUP))?;
    play.holds_within(PATIENCE, "array-7 has links to all four again", |play| {
        play.is_let_in(array, &GROUP)
    })?;
    let answer = play.ask(array, "status")?;
    let (lost, used) = (answer.number("ended")?, answer.get("in-use")?.to_owned());
    let claim = format!("meanwhile array-7 reads from {used}, and {lost} reads failed");
    play.holds(lost == 0 && used == "keys-2", &claim)
}

/// A fault: an old copy of the store of keys-2 is put back, before it takes the primary's place.
fn put_old_copy_back(play: &mut Play) -> Outcome<()> {
    play.processes.take("keys-2")?.kill()?;
    let folder = play.folder("keys-2");
    fs::remove_dir_all(folder.join("store"))?;
    fs::rename(folder.join("store.old"), folder.join("store"))?;
    start_key_server(play, "keys-2")
}

/// For that fault: a copy of the store, while the arrays are not accepted yet.
pub(super) fn copy_store(play: &Play) -> Outcome<()> {
    let folder = play.folder("keys-2");
    fs::create_dir(folder.join("store.old"))?;
    for file in fs::read_dir(folder.join("store"))? {
        let file = file?;
        fs::copy(file.path(), folder.join("store.old").join(file.file_name()))?;
    }
    Ok(())
}
