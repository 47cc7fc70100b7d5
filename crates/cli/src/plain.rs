//! Texts from outside (names of files, arguments) in a form that a terminal only shows.

use std::path::Path;

use mutual_trust::certificate::breaks_a_line;

/// One line: characters that a terminal interprets, and line ends, are shown by their numbers.
pub(crate) fn line(text: &str) -> String {
    escaped(text, breaks_a_line)
}

/// A text of several lines, for what is composed of lines.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |letter| letter != '\n' && breaks_a_line(letter))
}

/// The name of a file. What is no text in it is shown by a replacement.
pub(crate) fn path(path: &Path) -> String {
    line(&path.to_string_lossy())
}

/// JSON in which strings hold nothing that a terminal interprets: the writer of JSON escapes only what is below U+0020.
/// Outside of strings there is no such character but the line end.
pub(crate) fn json(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    for letter in written.chars() {
        if letter != '\n' && breaks_a_line(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    out
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_escaped(letter) {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out
}

/// What is said of a file that is there, and what to do.
pub(crate) fn exists(path: &Path, to_do: &str) -> String {
    format!("{} exists, and is kept: {to_do}", self::path(path))
}

/// An error of the arguments repeats them. A line end in one would begin a line that looks like ours.
pub(crate) fn without_line_ends(mut text: String) -> String {
    for argument in std::env::args_os().skip(1) {
        let argument = argument.to_string_lossy();
        let value = argument.split_once('=').map(|(_, value)| value);
        for part in [Some(&*argument), value].into_iter().flatten() {
            if part.contains('\n') {
                text = text.replace(part, &line(part));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_interprets_is_shown_by_its_number() {
        let name = "x\u{1b}]0;OWNED\u{7}\u{1b}[2K\rtrusted\nsecond: accepted\u{202e}";
        assert_eq!(
            line(name),
            "x\\u{1b}]0;OWNED\\u{7}\\u{1b}[2K\\u{d}trusted\\u{a}second: accepted\\u{202e}"
        );
        assert!(lines(name).contains("trusted\nsecond"));
        assert_eq!(lines(name).matches("\\u{").count(), 5);
        let value = serde_json::json!({ name: "\u{9b}2J\u{7f}" });
        let written = json(&format!("{value:#}"));
        assert!(
            !written.contains(['\u{9b}', '\u{7f}', '\u{202e}']),
            "{written}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written).unwrap(),
            value
        );
        let good = "Schlüssel 1 \\ (ä).pem";
        assert_eq!((line(good), lines(good)), (good.into(), good.into()));
    }
}
