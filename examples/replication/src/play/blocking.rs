//! An array is blocked at the primary.

use std::fs;

use super::founding::cut_off;
use super::renewal::{links_go_on, no_link_failed};
use super::{ALONE, Fault, GROUP, PATIENCE, Play, shown};
use crate::Outcome;

pub(super) fn play(play: &mut Play) -> Outcome<()> {
    play.step("array-8 is blocked at the primary, and loses its links at all four.");
    let [goes_on, blocked] = super::ARRAYS;
    for array in super::ARRAYS {
        play.ask(array, "count-anew")?;
    }
    if play.has(Fault::BlockNotDistributed) {
        cut_off(play, "keys-3")?;
        play.holds_within(PATIENCE, "keys-3 is back", |play| {
            play.is_let_in(blocked, &GROUP)
        })?;
    }
    let before = play.folder("copy-of-a-publication");
    fs::copy(
        play.folder("keys-1").join("published/systems/publication"),
        &before,
    )?;
    let (block, claim) = (
        format!("block {blocked}"),
        format!("no server lets {blocked} in"),
    );
    play.follows("keys-1", &block, &claim, |play| {
        play.is_kept_out(blocked, &GROUP)
    })?;
    let mut ended = 0;
    for server in GROUP {
        ended += usize::from(play.sum(blocked, &[server], "ended")? > 0);
    }
    play.holds(
        ended == GROUP.len(),
        "its four open links were ended as well",
    )?;
    links_go_on(play, &[goes_on])?;
    no_link_failed(play, goes_on)?;
    let replay = format!("take-over {}", shown(&before));
    let why = play.processes.get("keys-3")?.ask_refused(&replay)?;
    println!("    ok: the publication from before is not taken any more: {why}");
    let alone = play.is_let_in(blocked, &[ALONE])?;
    play.holds(
        alone,
        &format!("{ALONE} is not of the group, and lets it in"),
    )
}
