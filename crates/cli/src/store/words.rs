//! The reports and the effects of a change as text.

use mutual_trust::admin::{Effect, Evidence, Impact, PeerOutcome};
use mutual_trust::store::{Consequence, Report, RolledBack, StoreWarning};

use crate::facts::with_generation;
use crate::output::shown;

/// The reports as text. Each of them warns of the clock; the warning is shown once.
pub(super) fn without_repeats(reports: &[Report], generation: u64) -> Vec<String> {
    let mut said = false;
    let mut lines = Vec::new();
    for report in reports {
        let of_clock: Vec<String> = report
            .consequences()
            .iter()
            .filter(|one| {
                matches!(
                    one,
                    Consequence::Warning(
                        StoreWarning::ClockJumped(_) | StoreWarning::ClockBelowFloor(_)
                    )
                )
            })
            .map(|warning| format!("  {warning}"))
            .collect();
        let text = with_generation(&shown(report), report, generation);
        let shown = text
            .lines()
            .filter(|line| !(said && of_clock.iter().any(|repeated| repeated == line)));
        lines.extend(shown.map(str::to_owned));
        said |= !of_clock.is_empty();
    }
    lines
}

/// The peers that are judged differently, before or after the change is made.
pub(super) fn lost_and_gained(effects: &Impact, is_made: bool) -> Vec<String> {
    let lost = if is_made {
        "locked out"
    } else {
        "would lock out"
    };
    let kinds = [
        (lost, effects.lost()),
        ("at risk", effects.at_risk()),
        ("accepted now", effects.gained()),
        ("accepted by another rule", effects.moved()),
    ];
    let mut lines = Vec::new();
    for (what, list) in kinds {
        lines.extend(
            list.items()
                .iter()
                .flat_map(|effect| effect_lines(what, effect, is_made)),
        );
        if list.omitted() > 0 {
            lines.push(format!("  {what}: and {} more", list.omitted()));
        }
    }
    if let Some(floor) = effects.floor() {
        lines.push(format!("  warning: {floor}"));
    }
    lines
}

/// What a rollback does: what it did, what it would do, or that there was nothing to do.
pub(super) fn rolled_back(done: &RolledBack, has_changed: bool, is_made: bool) -> String {
    let text = shown(done);
    let whole = format!("rolled back to generation {}", done.to);
    let truth = match (has_changed, is_made) {
        (false, _) => format!(
            "the store has the content of generation {} already",
            done.to
        ),
        (true, true) => return text,
        (true, false) => format!("would be {whole}"),
    };
    text.replacen(&whole, &truth, 1)
}

/// The peer, then a line for each side of the change, and for what the prediction is based on.
fn effect_lines(what: &str, effect: &Effect, is_made: bool) -> Vec<String> {
    let (before, after) = if is_made {
        ("before", "now")
    } else {
        ("now", "then")
    };
    let mut lines = vec![
        format!("  {what}: {}", shown(&effect.peer)),
        format!("    {before}: {}", outcome(&effect.before)),
        format!("    {after}: {}", outcome(&effect.after)),
    ];
    if effect.basis != Evidence::Seen {
        lines.push(format!("    {}", effect.basis));
    }
    if let Some(name) = &effect.dialled {
        lines.push(format!("    dialled as {name}"));
    }
    lines
}

/// What a peer is told; of a refusal also the reason as a sentence.
pub(super) fn outcome(outcome: &PeerOutcome) -> String {
    if outcome.is_accepted() {
        return shown(outcome);
    }
    format!("{}: {}", shown(outcome), outcome.reason.meaning())
}
