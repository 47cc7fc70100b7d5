//! The group renews its certificate while the arrays use it.

use std::thread::sleep;
use std::time::Duration;

use super::founding::{hear, make_certificate, share_certificate};
use super::{ARRAYS, Fault, GROUP, PATIENCE, Play, shown};
use crate::Outcome;

/// How many new links each array makes in each phase, at least.
const LINKS: u64 = 20;

pub(super) fn play(play: &mut Play) -> Outcome<()> {
    play.step("The group renews its certificate, and no link fails.");
    play.holds_within(PATIENCE, "both arrays hear from the primary", |play| {
        hear(play, &ARRAYS)
    })?;
    let old = play.read_out("keys-1", "served.pem")?;
    for array in ARRAYS {
        play.ask(array, "count-anew")?;
    }
    make_certificate(play, "group-2")?;
    let next = shown(&play.folder("group").join("group-2.pem"));
    let (install, claim) = (
        format!("next-certificate {next}"),
        "both arrays have both certificates",
    );
    play.follows("keys-1", &install, claim, |play| have_pins(play, 2))?;
    links_go_on(play, &ARRAYS)?;
    if play.has(Fault::OldRemovedFirst) {
        play.ask("keys-1", &format!("drop-certificate {old}"))?;
    }
    // Brought to each server by the protected channel of the group, as the first one was.
    share_certificate(play, "group-2")?;
    let new = play.read_out("keys-1", "served.pem")?;
    // An open link goes on with the old certificate until the array makes it anew.
    play.holds_within(PATIENCE, "all links are to the next certificate", |play| {
        let mut present = 0;
        for array in ARRAYS {
            let answer = play.ask(array, "status")?;
            for server in GROUP {
                present += usize::from(answer.get(&format!("{server}.presented"))? == new);
            }
            present += usize::from(answer.get("read-from")? == new);
        }
        Ok(present == ARRAYS.len() * (GROUP.len() + 1))
    })?;
    links_go_on(play, &ARRAYS)?;
    if !play.has(Fault::OldRemovedFirst) {
        let claim = "both arrays have the next certificate alone";
        let remove = format!("drop-certificate {old}");
        play.follows("keys-1", &remove, claim, |play| have_pins(play, 1))?;
    }
    links_go_on(play, &ARRAYS)?;
    for array in ARRAYS {
        no_link_failed(play, array)?;
    }
    play.holds_within(
        PATIENCE,
        "the primary knows that all other nodes hold its set",
        |play| {
            let newest = play.ask("keys-1", "status")?.number("sequence")?;
            let nodes = play.ask("keys-1", "nodes")?;
            let others = GROUP.iter().skip(1).chain(&ARRAYS);
            let mut hold = 0;
            for node in others {
                hold += usize::from(nodes.number(node).is_ok_and(|held| held == newest));
            }
            Ok(hold == GROUP.len() - 1 + ARRAYS.len())
        },
    )
}

/// Whether each array has so many certificates of the group.
fn have_pins(play: &mut Play, count: u64) -> Outcome<bool> {
    let mut have = 0;
    for array in ARRAYS {
        let pins = play.ask(array, "status")?.number("group-pins")?;
        have += usize::from(pins == count);
    }
    Ok(have == ARRAYS.len())
}

/// Waits until each of these arrays has made some new links.
pub(super) fn links_go_on(play: &mut Play, arrays: &[&str]) -> Outcome<()> {
    for array in arrays {
        let before = play.sum(array, &GROUP, "answered")?;
        while play.sum(array, &GROUP, "answered")? < before + LINKS {
            let failed = play.sum(array, &GROUP, "failed")?;
            if failed > 0 {
                return no_link_failed(play, array);
            }
            sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// Since the last time that the array counted anew.
pub(super) fn no_link_failed(play: &mut Play, array: &str) -> Outcome<()> {
    let new = play.sum(array, &GROUP, "answered")?;
    let failed = play.sum(array, &GROUP, "failed")?;
    let ended = play.sum(array, &GROUP, "ended")?;
    let reading = play.ask(array, "status")?;
    let (reads, lost, gap) = (
        reading.number("reads")?,
        reading.number("ended")?,
        reading.number("gap")?,
    );
    let claim = format!(
        "{array}: {new} new links, {failed} failed; {ended} open ones ended; {reads} reads of its key, \
         {lost} failed, the longest pause {gap} ms"
    );
    play.holds(failed + ended + lost == 0 && new >= LINKS, &claim)
}
