//! What ends, drawn on a line of time, and who would be left with nothing.

use mutual_trust::admin::{Expiring, ExpiringItem, Severity};
use mutual_trust::certificate::Timestamp;

use super::facts::{Facts, for_whom, urgency};
use super::html::{Html, State, count};
use crate::output::shown;

/// How many ends to come are drawn. The table of a store with more of them helps no reader.
const MAX_TO_COME: usize = 48;
/// How many that have passed are drawn: the latest.
const MAX_PASSED: usize = 12;
/// How many servers are named that would be left with nothing.
const MAX_LOST: usize = 40;

const DAY: i64 = 24 * 3600;

/// The marks of the scale. Near weeks take more room than far years.
const MARKS: [(i64, &str); 7] = [
    (0, "today"),
    (7, "7 d"),
    (30, "30 d"),
    (90, "90 d"),
    (365, "1 y"),
    (3 * 365, "3 y"),
    (10 * 365, "10 y"),
];

/// Places times on the drawing, in tenths of a percent of its width.
struct Scale {
    now: i64,
    /// Where today is.
    left: i64,
    /// The distance of two marks.
    step: i64,
    marks: &'static [(i64, &'static str)],
}

impl Scale {
    /// Room at both ends of the drawing for half a shape and for its last label.
    const MARGIN: i64 = 25;
    const RIGHT: i64 = 955;

    fn new(now: i64, last: i64, has_passed: bool) -> Self {
        let days = last.saturating_sub(now) / DAY;
        let used = MARKS.iter().position(|(mark, _)| *mark >= days);
        // At least a quarter, so that a scale of a day has its place among the others.
        let used = used.unwrap_or(MARKS.len()).saturating_add(1).max(4);
        let marks = MARKS.get(..used).unwrap_or(&MARKS);
        let left = if has_passed { 130 } else { Self::MARGIN };
        let steps = i64::try_from(marks.len().saturating_sub(1)).unwrap_or(1);
        let step = Self::RIGHT.saturating_sub(left) / steps.max(1);
        Self {
            now,
            left,
            step,
            marks,
        }
    }

    fn mark(&self, index: usize) -> i64 {
        let index = i64::try_from(index).unwrap_or(0);
        self.left.saturating_add(self.step.saturating_mul(index))
    }

    fn place(&self, at: i64) -> i64 {
        let ahead = at.saturating_sub(self.now);
        if ahead <= 0 {
            let back = ahead.saturating_neg().min(365 * DAY);
            let room = self.left.saturating_sub(2 * Self::MARGIN);
            let near = self.left.saturating_sub(Self::MARGIN);
            return near.saturating_sub(room.saturating_mul(back) / (365 * DAY));
        }
        for (index, pair) in self.marks.windows(2).enumerate() {
            let [(from, _), (to, _)] = pair else { continue };
            let (from, to) = (from.saturating_mul(DAY), to.saturating_mul(DAY));
            if ahead <= to {
                let part = self.step.saturating_mul(ahead.saturating_sub(from));
                let part = part / to.saturating_sub(from).max(1);
                return self.mark(index).saturating_add(part);
            }
        }
        // Later than the last mark.
        Self::RIGHT.saturating_add(Self::MARGIN)
    }
}

/// Tenths of a percent, as SVG takes them.
fn percent(tenths: i64) -> String {
    format!("{}.{}%", tenths / 10, (tenths % 10).abs())
}

/// The items that are drawn: the latest that have passed, then the earliest to come. With how many are not.
fn drawn<'a>(facts: &'a Facts<'_>) -> (Vec<&'a Expiring>, usize, usize) {
    let is_passed = |item: &&Expiring| item.severity == Severity::Ended;
    let (passed, to_come): (Vec<_>, Vec<_>) = facts.ends.items().iter().partition(is_passed);
    let skipped = passed.len().saturating_sub(MAX_PASSED);
    let drawn = passed.into_iter().skip(skipped);
    let drawn: Vec<&Expiring> = drawn.chain(to_come.into_iter().take(MAX_TO_COME)).collect();
    let all_passed = facts.count(Severity::Ended);
    let others = [Severity::Critical, Severity::Warning, Severity::Notice];
    let all_to_come = others
        .iter()
        .map(|severity| facts.count(*severity))
        .fold(0, usize::saturating_add);
    let shown_passed = drawn.iter().filter(|item| is_passed(item)).count();
    let shown_to_come = drawn.len().saturating_sub(shown_passed);
    (
        drawn,
        all_passed.saturating_sub(shown_passed),
        all_to_come.saturating_sub(shown_to_come),
    )
}

/// Everything that ends.
pub(super) fn timeline(facts: &Facts<'_>, html: &mut Html) {
    html.section(
        "ends",
        "What ends",
        "Certificates, ends that were set, migrations, revocation lists and our own certificates. Each line ends where the thing does.",
    );
    let (items, more_passed, more_to_come) = drawn(facts);
    if items.is_empty() {
        html.raw("<p>Nothing that is installed has an end.</p></section>\n");
        return;
    }
    let seconds = |item: &Expiring| Timestamp::from(item.ends).seconds();
    let last = items.iter().map(|item| seconds(item)).max().unwrap_or(0);
    // With an unset clock, ends are judged at the floor, and drawn from there.
    let floor = facts
        .view
        .floor()
        .map(|floor| Timestamp::from(floor).seconds());
    let now = facts.now().or(floor).unwrap_or(0);
    let has_passed = items.iter().any(|item| item.severity == Severity::Ended);
    let scale = Scale::new(now, last, has_passed);
    html.more(
        more_passed,
        "more that ended earlier, and are still installed",
    );
    axis(&scale, items.len(), html);
    html.raw("<ol class=\"line\">\n");
    for item in items {
        line(facts, item, &scale, html);
    }
    html.raw("</ol>\n");
    html.more(more_to_come, "more that end later");
    html.raw("</section>\n");
}

/// One thing that ends, with what follows from it.
fn line(facts: &Facts<'_>, item: &Expiring, scale: &Scale, html: &mut Html) {
    let (state, word) = urgency(item.severity);
    let word = if item.in_grace { "in its grace" } else { word };
    html.raw("<li><div class=\"when\">");
    html.time(item.ends);
    html.raw("<br>");
    html.state(state, word);
    html.raw("</div><div class=\"what\">");
    let whose = match &item.subject {
        ExpiringItem::Certificate(key) | ExpiringItem::EntryEnd(key) => Some(for_whom(key)),
        _ => None,
    };
    if let Some(whose) = &whose {
        html.element("strong", &[], whose);
        html.raw("<br>");
    }
    facts.ending(&item.subject, html);
    let dependents = &item.dependents;
    let text = shown(dependents);
    // The line says it already.
    let text = whose
        .as_ref()
        .and_then(|whose| text.strip_prefix(whose.as_str()))
        .unwrap_or(&text);
    let text = text.trim_start_matches(", ");
    if !dependents.left_with_nothing.is_empty() {
        let count = count(dependents.left_with_nothing.len(), "server", "servers");
        html.raw("<br>");
        html.soft(&format!("leaves {count} with nothing"));
    } else if !matches!(text, "" | "none") {
        html.raw("<br>");
        html.soft(&format!("depend on it: {text}"));
    }
    html.raw("</div>");
    bar(scale, Timestamp::from(item.ends).seconds(), state, html);
    html.raw("</li>\n");
}

/// The scale above the lines.
fn axis(scale: &Scale, lines: usize, html: &mut Html) {
    html.raw("<div class=\"axis\"><span></span><span></span>");
    html.raw("<svg class=\"scale\" role=\"img\" aria-labelledby=\"scale-title scale-about\">");
    html.element(
        "title",
        &[("id", "scale-title")],
        "The scale of the timeline",
    );
    let first = scale.marks.first().map_or("", |(_, label)| label);
    let last = scale.marks.last().map_or("", |(_, label)| label);
    let about = format!(
        "{} below, each with its date. The scale goes from {first} to {last} and is not even: near days take more room.",
        count(lines, "end", "ends")
    );
    html.element("desc", &[("id", "scale-about")], &about);
    for (index, (_, label)) in scale.marks.iter().enumerate() {
        let x = percent(scale.mark(index));
        html.element(
            "text",
            &[("x", &x), ("y", "14"), ("text-anchor", "middle")],
            label,
        );
    }
    html.raw("</svg></div>\n");
}

/// The line of one thing. What it shows stands beside it in words.
fn bar(scale: &Scale, at: i64, state: State, html: &mut Html) {
    html.raw("<div class=\"track\"><svg class=\"bar\" aria-hidden=\"true\">");
    for index in 0..scale.marks.len() {
        let x = percent(scale.mark(index));
        let class = if index == 0 { "today" } else { "grid" };
        html.open(
            "line",
            &[("class", class), ("x1", &x), ("x2", &x), ("y2", "100%")],
        );
        html.raw("</line>");
    }
    let (today, end) = (percent(scale.left), percent(scale.place(at)));
    let (class, shape) = match state {
        State::Bad => ("bad", "<path d=\"M -5-5H5V5H-5z\"/>"),
        State::Urgent => ("urgent", "<path d=\"M 0-7 7 0 0 7-7 0z\"/>"),
        State::Warn => ("warn", "<path d=\"M 0-6 7 6H-7z\"/>"),
        State::Good => ("good", "<circle r=\"4.5\"/>"),
    };
    html.open("g", &[("class", class)]);
    html.open(
        "line",
        &[
            ("class", "span"),
            ("x1", &today),
            ("x2", &end),
            ("y1", "50%"),
            ("y2", "50%"),
        ],
    );
    html.raw("</line>");
    html.open("svg", &[("x", &end), ("y", "50%"), ("overflow", "visible")]);
    html.raw(shape);
    html.raw("</svg></g></svg></div>");
}

/// The servers that are refused now, or will be when something ends.
pub(super) fn lost(facts: &Facts<'_>, html: &mut Html) {
    html.section(
        "lost",
        "Who is left with nothing",
        "Servers that no installed entry can accept, now or after an end, if nothing is changed.",
    );
    let (lost, unnamed) = facts.lost();
    if facts.without.is_empty() && lost.is_empty() {
        html.raw("<p>");
        html.state(State::Good, "no server");
        html.raw("</p></section>\n");
        return;
    }
    html.table(
        "Servers that are left with nothing",
        &["Server", "From", "Because"],
    );
    for one in facts.without.iter().take(MAX_LOST) {
        html.row(|html| html.name(one.server.as_str()));
        html.cell("From", |html| html.state(State::Bad, "now"));
        html.cell("Because", |html| {
            html.text(one.reason.meaning());
            html.raw(" ");
            html.soft(&format!("[{}]", one.reason));
        });
        html.row_end();
    }
    let room = MAX_LOST.saturating_sub(facts.without.len());
    for one in lost.iter().take(room) {
        let (state, word) = urgency(one.by.severity);
        html.row(|html| html.name(one.server.as_str()));
        html.cell("From", |html| {
            html.seconds(one.ends);
            html.raw("<br>");
            html.state(state, word);
        });
        html.cell("Because", |html| {
            facts.ending(&one.by.subject, html);
            html.raw(" ends");
        });
        html.row_end();
    }
    html.table_end();
    let now = facts.without.len().saturating_sub(MAX_LOST);
    html.more(now, "more that are refused now");
    let later = lost.len().saturating_sub(room).saturating_add(unnamed);
    html.more(later, "more that are left with nothing later");
    html.raw("</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_order_and_inside_of_the_drawing() {
        let now = 1_800_000_000;
        for (last, has_passed) in [
            (now, false),
            (now + 40 * DAY, true),
            (now + 9_000 * DAY, true),
        ] {
            let scale = Scale::new(now, last, has_passed);
            let mut before = 0;
            for days in [
                -10_000, -400, -365, -30, -1, 0, 1, 7, 8, 29, 30, 91, 365, 400, 4_000, 9_000,
            ] {
                let at = now + days * DAY;
                if at > last || (days <= 0 && !has_passed) {
                    continue;
                }
                let place = scale.place(at);
                assert!((0..=1000).contains(&place), "{days}: {place}");
                assert!(place >= before, "{days}: {place} is before {before}");
                before = place;
            }
            for (index, (days, _)) in scale.marks.iter().enumerate().skip(1) {
                let off = scale.place(now + days * DAY) - scale.mark(index);
                assert_eq!(off, 0, "{days}");
            }
            assert!((0..=1000).contains(&scale.place(i64::MAX)));
            assert!((0..=1000).contains(&scale.place(i64::MIN)));
        }
    }
}
