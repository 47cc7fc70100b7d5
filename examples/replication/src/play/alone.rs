//! What the stand-alone key server had to do with all of that: nothing.

use super::{ALONE, ARRAYS, GROUP, Play};
use crate::Outcome;

pub(super) fn play(play: &mut Play) -> Outcome<()> {
    play.step("The stand-alone server has kept its own certificate and its own decisions.");
    let own = play.read_out(ALONE, "served.pem")?;
    for name in GROUP {
        let of_group = play.read_out(name, "served.pem")?;
        play.holds(
            own != of_group,
            &format!("{name} presents another certificate"),
        )?;
    }
    let [array, _] = ARRAYS;
    let answer = play.ask(array, "status")?;
    let presented = answer.get(&format!("{ALONE}.presented"))?.to_owned();
    let is_own = presented == own && play.is_let_in(array, &[ALONE])?;
    play.holds(
        is_own,
        &format!("{array} has a link to it, by its own certificate"),
    )?;
    let failed = play.sum(array, &[ALONE], "failed")? + play.sum(array, &[ALONE], "ended")?;
    play.holds(failed == 0, "no link to it has failed")
}
