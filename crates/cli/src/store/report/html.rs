//! Writes HTML. Markup is constant text; all other text goes through one escape, so that no name from a certificate or a
//! file becomes markup, and no character of it turns the direction of the page.

use mutual_trust::certificate::Timestamp;
use pki_types::UnixTime;

use crate::plain;

/// Attributes, whose values are escaped.
type Attributes<'a> = &'a [(&'static str, &'a str)];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// A page that is being written.
#[derive(Default)]
pub(super) struct Html {
    out: String,
    /// The time of the report.
    now: Option<i64>,
}

impl Html {
    pub(super) fn at(now: Option<i64>) -> Self {
        Self {
            out: String::new(),
            now,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Markup of ours.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// Text from anywhere. Characters that a terminal would interpret, with those that turn the direction of text, are
    /// shown by their numbers.
    pub(super) fn text(&mut self, text: &str) {
        for letter in plain::line(text).chars() {
            match letter {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                other => self.out.push(other),
            }
        }
    }

    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.text(value);
            self.out.push('"');
        }
        self.out.push('>');
    }

    pub(super) fn close(&mut self, tag: &'static str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
        if !matches!(tag, "span" | "time" | "strong" | "code" | "bdi" | "a") {
            self.out.push('\n');
        }
    }

    /// An element that has only text.
    pub(super) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    pub(super) fn paragraph(&mut self, class: &'static str, text: &str) {
        self.element("p", &[("class", class)], text);
    }

    /// Text that says less than what stands beside it.
    pub(super) fn soft(&mut self, text: &str) {
        self.element("span", &[("class", "soft")], text);
    }

    /// A name from outside inside of a sentence: its direction stays its own.
    pub(super) fn name(&mut self, name: &str) {
        self.element("bdi", &[], name);
    }

    /// A section with its headline, and a paragraph that says what it has.
    pub(super) fn section(&mut self, id: &'static str, title: &str, about: &str) {
        self.open("section", &[("id", id)]);
        let heading = format!("{id}-title");
        self.element("h2", &[("id", &heading)], title);
        if !about.is_empty() {
            self.paragraph("about", about);
        }
    }

    /// A word that says a state, behind a mark whose shape says the same.
    pub(super) fn state(&mut self, state: State, word: &str) {
        self.open("span", &[("class", state.class())]);
        self.raw(state.mark());
        self.text(word);
        self.close("span");
    }

    /// A time, and how far away it is.
    pub(super) fn time(&mut self, time: UnixTime) {
        self.seconds(Timestamp::from(time).seconds());
    }

    pub(super) fn seconds(&mut self, seconds: i64) {
        let exact = Timestamp::from_seconds(seconds).to_string();
        let shown = match (exact.get(..10), exact.get(11..16), exact.len()) {
            (Some(day), Some(clock), 20) => format!("{day} {clock} UTC"),
            _ => exact.clone(),
        };
        self.element("time", &[("datetime", &exact)], &shown);
        if let Some(now) = self.now {
            self.raw(" ");
            self.element("span", &[("class", "away")], &away(seconds, now));
        }
    }

    /// Begins a table. Each cell repeats its headline for narrow screens, where a row becomes a card.
    pub(super) fn table(&mut self, caption: &str, heads: &[&'static str]) {
        self.raw("<table role=\"table\">");
        self.element("caption", &[], caption);
        self.raw("<thead role=\"rowgroup\"><tr role=\"row\">");
        for head in heads {
            let attributes = [("scope", "col"), ("role", "columnheader")];
            self.element("th", &attributes, head);
        }
        self.raw("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    }

    pub(super) fn table_end(&mut self) {
        self.raw("</tbody></table>\n");
    }

    /// Begins a row with the cell that names it.
    pub(super) fn row(&mut self, name: impl FnOnce(&mut Self)) {
        self.raw("<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">");
        name(self);
        self.raw("</th>");
    }

    pub(super) fn cell(&mut self, head: &'static str, content: impl FnOnce(&mut Self)) {
        self.open("td", &[("role", "cell"), ("data-head", head)]);
        // One child, so that a card has the headline beside the whole content.
        self.raw("<div>");
        content(self);
        self.raw("</div></td>");
    }

    pub(super) fn row_end(&mut self) {
        self.raw("</tr>\n");
    }

    /// What is not listed.
    pub(super) fn more(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.paragraph("more", &format!("and {} {what}", grouped(count)));
        }
    }

    /// The same as an item of a list.
    pub(super) fn more_items(&mut self, count: usize) {
        if count > 0 {
            self.element("li", &[], &format!("and {} more", grouped(count)));
        }
    }
}

/// What needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Bad,
    Urgent,
    Warn,
    Good,
}

impl State {
    const fn class(self) -> &'static str {
        match self {
            Self::Bad => "state bad",
            Self::Urgent => "state urgent",
            Self::Warn => "state warn",
            Self::Good => "state good",
        }
    }

    /// Its shape, for those who see no colours: a square, a diamond, a triangle, a circle.
    const fn mark(self) -> &'static str {
        match self {
            Self::Bad => {
                r#"<svg class="mark" width="12" height="12" aria-hidden="true"><path d="M 1 1h10v10H1z"/></svg>"#
            }
            Self::Urgent => {
                r#"<svg class="mark" width="12" height="12" aria-hidden="true"><path d="M 6 0l6 6-6 6-6-6z"/></svg>"#
            }
            Self::Warn => {
                r#"<svg class="mark" width="12" height="12" aria-hidden="true"><path d="M 6 1l6 10.5H0z"/></svg>"#
            }
            Self::Good => {
                r#"<svg class="mark" width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="5"/></svg>"#
            }
        }
    }
}

/// How far a time is from now, in the unit that a person would take.
pub(super) fn away(then: i64, now: i64) -> String {
    let seconds = then.saturating_sub(now);
    let size = seconds.saturating_abs();
    let (count, unit) = if size < 2 * MINUTE {
        return String::from("now");
    } else if size < 2 * HOUR {
        (size / MINUTE, "minutes")
    } else if size < 2 * DAY {
        (size / HOUR, "hours")
    } else if size < 2 * YEAR {
        (size / DAY, "days")
    } else {
        (size / YEAR, "years")
    };
    if seconds > 0 {
        format!("in {count} {unit}")
    } else {
        format!("{count} {unit} ago")
    }
}

/// A number with its thousands apart: 99,940.
pub(super) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with what it counts.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut html = Html::at(None);
        let hostile =
            "</p><script>alert('1')</script>\" onload=x &amp; \u{202e}\u{9b}2J\u{0}\u{2066}";
        html.element("p", &[("title", hostile)], hostile);
        html.name(hostile);
        html.section("a", hostile, hostile);
        html.table(hostile, &["Head"]);
        let text = html.finish();
        assert!(!text.contains("<script"), "{text}");
        assert!(!text.contains("alert('"), "{text}");
        assert!(!text.contains("\" onload"), "{text}");
        assert!(
            !text.contains(['\u{202e}', '\u{9b}', '\u{0}', '\u{2066}']),
            "{text}"
        );
        assert_eq!(text.matches("&amp;amp;").count(), 6);
    }

    #[test]
    fn a_distance_in_time_has_one_unit() {
        for (seconds, text) in [
            (0, "now"),
            (-119, "now"),
            (120, "in 2 minutes"),
            (-7_199, "119 minutes ago"),
            (7_200, "in 2 hours"),
            (2 * DAY, "in 2 days"),
            (12 * DAY + 5, "in 12 days"),
            (-12 * DAY, "12 days ago"),
            (3 * YEAR, "in 3 years"),
            (i64::MAX, "in 292471208677 years"),
        ] {
            assert_eq!(away(seconds, 0), text);
        }
        assert_eq!(away(i64::MIN, i64::MAX), "292471208677 years ago");
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
