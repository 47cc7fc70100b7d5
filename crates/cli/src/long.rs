//! Results that are written piece by piece, because they are as long as a store: none of them is in memory as a whole.

use std::io::{self, Write};

use serde_json::Value;

use crate::plain;

/// Writes a result to its end, as JSON or for people.
pub(crate) type Long = Box<dyn FnOnce(&mut Lines<'_>, bool) -> io::Result<()>>;

/// Where it is written.
pub(crate) struct Lines<'a> {
    out: &'a mut dyn Write,
    /// What becomes of a line for people.
    shown: &'a dyn Fn(&str) -> String,
    /// Whether a line has a shortened fingerprint.
    pub(crate) is_shortened: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, shown: &'a dyn Fn(&str) -> String) -> Self {
        Self {
            out,
            shown,
            is_shortened: false,
        }
    }

    /// A line for people.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.is_shortened |= text.contains('…');
        writeln!(self.out, "{}", (self.shown)(text))
    }

    /// A JSON object. `fields` writes its fields in the order of their names.
    pub(crate) fn object(
        &mut self,
        fields: impl FnOnce(&mut Fields<'_, 'a>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.out.write_all(b"{")?;
        fields(&mut Fields {
            lines: self,
            count: 0,
        })?;
        self.out.write_all(b"\n}\n")
    }
}

/// The fields of an object, one after another.
pub(crate) struct Fields<'l, 'a> {
    lines: &'l mut Lines<'a>,
    count: usize,
}

impl Fields<'_, '_> {
    fn begin(&mut self, name: &str) -> io::Result<()> {
        let comma = if self.count > 0 { "," } else { "" };
        self.count = self.count.saturating_add(1);
        write!(self.lines.out, "{comma}\n  {}: ", Value::from(name))
    }

    pub(crate) fn field(&mut self, name: &str, value: &Value) -> io::Result<()> {
        self.begin(name)?;
        self.lines.out.write_all(indented(value, "  ").as_bytes())
    }

    /// A list, of which one item at a time is in memory.
    pub(crate) fn list(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = Value>,
    ) -> io::Result<()> {
        self.begin(name)?;
        let mut before = "[";
        for item in items {
            let item = indented(&item, "    ");
            write!(self.lines.out, "{before}\n    {item}")?;
            before = ",";
        }
        let end = if before == "[" { "[]" } else { "\n  ]" };
        self.lines.out.write_all(end.as_bytes())
    }
}

/// A value in lines, of which all but the first are indented. A text of JSON has no line end of its own.
fn indented(value: &Value, by: &str) -> String {
    plain::json(&format!("{value:#}")).replace('\n', &format!("\n{by}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_in_pieces_is_the_text_of_the_whole() {
        let items = vec![
            json!({ "a": [], "b": { "c": "x\ny" } }),
            json!(null),
            json!([1, 2]),
        ];
        let whole = json!({ "empty": [], "items": items, "name": "\"1\"", "object": { "a": 1 } });
        let mut written = Vec::new();
        let mut lines = Lines::new(&mut written, &str::to_owned);
        let done = lines.object(|fields| {
            fields.list("empty", [])?;
            fields.list("items", items)?;
            fields.field("name", &json!("\"1\""))?;
            fields.field("object", &json!({ "a": 1 }))
        });
        done.unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), format!("{whole:#}\n"));
    }
}
