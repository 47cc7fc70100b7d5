//! JSON (RFC 8259), as much of it as is written here. A library for it is as large as the rest of this crate.

use core::fmt::Write as _;

/// An object that is being written.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        string(&mut self.0, name);
        self.0.push(':');
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        string(&mut self.0, value);
    }

    /// A text, or null.
    pub(crate) fn optional(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        let written = values.into_iter().map(|value| {
            let mut written = String::new();
            string(&mut written, value.as_ref());
            written
        });
        self.objects(name, written);
    }

    /// What is JSON already, in an array.
    pub(crate) fn objects(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let values: Vec<String> = values.into_iter().collect();
        self.raw(name, &format!("[{}]", values.join(",")));
    }

    fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(value);
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn string(to: &mut String, text: &str) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                to.push('\\');
                to.push(character);
            }
            '\n' => to.push_str("\\n"),
            // Also what ends a line for some readers of logs.
            _ if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => {
                // Writing to a text does not fail.
                let _ = write!(to, "\\u{:04x}", u32::from(character));
            }
            _ => to.push(character),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let hostile = "a\"b\\c\nd\u{0}\u{1f}\u{85}\u{2028}\u{1f600}e";
        let mut object = Object::new();
        object.text(hostile, hostile);
        object.texts("list", [hostile, ""]);
        object.texts("none", core::iter::empty::<&str>());
        object.optional("null", None);
        object.boolean("yes", true);
        object.number("most", u64::MAX);
        let written = object.end();
        assert_eq!(written.lines().count(), 1);
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read[hostile], hostile);
        assert_eq!(read["list"], serde_json::json!([hostile, ""]));
        assert_eq!(read["none"], serde_json::json!([]));
        assert!(read["null"].is_null());
        assert_eq!(read["yes"], true);
        assert_eq!(read["most"], u64::MAX);
    }
}
