//! An array arrives at the primary, is accepted there, and is let in at all four.

use std::collections::BTreeSet;

use super::{ALONE, ARRAYS, Fault, GROUP, PATIENCE, Play};
use crate::Outcome;

pub(super) fn play(play: &mut Play) -> Outcome<()> {
    if play.has(Fault::OldCopy) {
        super::promotion::copy_store(play)?;
    }
    play.step("The arrays arrive at the primary, and wait there.");
    for array in ARRAYS {
        let claim = format!("{array} accepts all four servers, and none lets it in");
        play.holds_within(PATIENCE, &claim, |play| {
            let answer = play.ask(array, "status")?;
            let mut refused = 0;
            for server in GROUP {
                refused += usize::from(answer.get(&format!("{server}.why"))? == "it_refuses_us");
            }
            Ok(refused == GROUP.len() && play.is_kept_out(array, &GROUP)?)
        })?;
    }
    play.ask("keys-1", "open-enrolment 600")?;
    wait_at(play, "keys-1", &ARRAYS)?;
    for server in GROUP.iter().skip(1) {
        let waiting = play.ask(server, "pending")?.number("waiting")?;
        play.holds(waiting == 0, &format!("none waits at {server}"))?;
    }
    for array in ARRAYS {
        play.step(&format!(
            "{array} is accepted at the primary, by its fingerprint."
        ));
        let number = play
            .ask("keys-1", "pending")?
            .get(&format!("CN={array}"))?
            .to_owned();
        let other = play.read_out("keys-3", "served.pem")?;
        let why = play
            .processes
            .get("keys-1")?
            .ask_refused(&format!("accept {number} {other} {array}"))?;
        println!("    ok: the fingerprint of another machine: {why}");
        accept(play, "keys-1", array, &GROUP)?;
    }
    play.ask("keys-1", "close-enrolment")?;
    play.holds_within(PATIENCE, "each array reads its own key", |play| {
        let mut keys = BTreeSet::new();
        for array in ARRAYS {
            keys.insert(play.ask(array, "status")?.get("key")?.to_owned());
        }
        Ok(keys.len() == ARRAYS.len() && !keys.contains("-"))
    })?;
    let [array, other] = ARRAYS;
    for server in GROUP {
        let asked = play.processes.get(array)?;
        let why = asked.ask_refused(&format!("ask-for {server} {other}"))?;
        let claim = format!("{server} does not give {array} the key of {other}: {why}");
        play.holds(why.contains("no such key for us"), &claim)?;
    }
    play.step(
        "The stand-alone server knows nothing of that. It is asked by its own administrator.",
    );
    for array in ARRAYS {
        let out = play.is_kept_out(array, &[ALONE])?;
        play.holds(out, &format!("{ALONE} does not let {array} in"))?;
    }
    play.ask(ALONE, "open-enrolment 600")?;
    wait_at(play, ALONE, &ARRAYS)?;
    for array in ARRAYS {
        accept(play, ALONE, array, &[ALONE])?;
    }
    play.ask(ALONE, "close-enrolment").map(drop)
}

/// Waits until these arrays wait at a server.
pub(super) fn wait_at(play: &mut Play, server: &str, arrays: &[&str]) -> Outcome<()> {
    let claim = format!("at {server} waits {}", arrays.join(", and "));
    play.holds_within(PATIENCE, &claim, |play| {
        let pending = play.ask(server, "pending")?;
        let waits = |array: &&str| pending.get(&format!("CN={array}")).is_ok();
        Ok(arrays.iter().all(waits))
    })
}

/// The administrator types in what was read out at the array. Then all these servers let it in.
pub(super) fn accept(
    play: &mut Play,
    server: &str,
    array: &str,
    let_in_at: &[&str],
) -> Outcome<()> {
    let number = play
        .ask(server, "pending")?
        .get(&format!("CN={array}"))?
        .to_owned();
    let mut heard = play.read_out(array, "own.pem")?;
    if play.has(Fault::OtherFingerprint) {
        heard = play.read_out(server, "served.pem")?;
    }
    let claim = match let_in_at.len() {
        1 => format!("{server} lets {array} in"),
        count => format!("all {count} servers let {array} in"),
    };
    let accept = format!("accept {number} {heard} {array}");
    play.follows(server, &accept, &claim, |play| {
        play.is_let_in(array, let_in_at)
    })
}
