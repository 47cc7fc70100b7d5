//! Results that are written piece by piece, because they are as long as a store: none of them is in memory as a whole.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::json::{Answer, Tagged};
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

    /// A text that has its own form and its own escapes.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// A result that is no refusal, as a JSON object. Of its lists, one item at a time is in memory.
    pub(crate) fn object<A: Answer>(&mut self, answer: &A) -> io::Result<()> {
        write_plain(self.out, &Whole::new(answer))?;
        self.out.write_all(b"\n")
    }
}

/// A result with the field that says that it is no refusal.
#[derive(Serialize)]
struct Whole<'a, A> {
    refused: Option<&'static str>,
    #[serde(flatten)]
    answer: Tagged<'a, A>,
}

impl<'a, A: Answer> Whole<'a, A> {
    fn new(answer: &'a A) -> Self {
        Self {
            refused: None,
            answer: Tagged::new(answer),
        }
    }
}

fn write_plain(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let formatter = Plain(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(out, formatter))?;
    Ok(())
}

/// Lines with indents, and strings that hold nothing that a terminal interprets.
struct Plain(PrettyFormatter<'static>);

/// Calls of the formatter that are passed on.
macro_rules! passed_on {
    ($($call:ident($($argument:ident: $type:ty)?);)*) => {$(
        fn $call<W: Write + ?Sized>(&mut self, out: &mut W $(, $argument: $type)?) -> io::Result<()> {
            self.0.$call(out $(, $argument)?)
        }
    )*};
}

impl Formatter for Plain {
    passed_on! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        out.write_all(plain::json(fragment).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::List;

    #[derive(Serialize)]
    struct Pieces<'a> {
        empty: List<'a, u8>,
        items: List<'a, serde_json::Value>,
        name: &'static str,
    }

    #[test]
    fn an_object_in_pieces_is_the_text_of_the_whole() {
        let items = vec![
            json!({ "a": [], "b": { "c": "x\ny\u{9b}" } }),
            json!(null),
            json!([1, 2]),
        ];
        let whole = json!({ "empty": [], "items": items, "name": "\"1\"" });
        let pieces = Pieces {
            empty: List::new(core::iter::empty),
            items: List::new(|| items.iter().cloned()),
            name: "\"1\"",
        };
        let mut written = Vec::new();
        write_plain(&mut written, &pieces).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, plain::json(&format!("{whole:#}")));
        assert!(written.contains("\\u009b"), "{written}");
    }
}
