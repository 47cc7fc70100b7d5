//! Reading Rust source as far as the checks need it: code without comments and literals, paths, attributes.

/// The code of `source` in as many bytes, with comments and literals blanked. Lines stay where they are.
pub fn code(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_or_comment(bytes, at);
        if end > at {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            at = end;
        } else {
            at += 1;
            // `r` or `b` at the end of a name starts no literal.
            if is_name(bytes[at - 1]) {
                while at < bytes.len() && is_name(bytes[at]) {
                    at += 1;
                }
            }
        }
    }
    String::from_utf8(out).unwrap()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where the comment or literal that starts at `at` ends; `at` itself if none does.
fn literal_or_comment(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let find = |needle: &[u8], from: usize| {
        let found = rest[from..]
            .windows(needle.len())
            .position(|window| window == needle);
        at + found.map_or(rest.len(), |found| from + found + needle.len())
    };
    if rest.starts_with(b"//") {
        let line = rest.iter().position(|byte| *byte == b'\n');
        return at + line.unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return find(b"*/", 2);
    }
    let prefix = ["br", "cr", "b", "c", "r", ""]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix.as_bytes()))
        .unwrap();
    for prefix in [prefix, ""] {
        let body = &rest[prefix.len()..];
        let raw = prefix.ends_with('r');
        let hashes = body.iter().take_while(|byte| **byte == b'#').count();
        if raw && body.get(hashes) == Some(&b'"') {
            let mut close = vec![b'"'];
            close.extend(std::iter::repeat_n(b'#', hashes));
            return find(&close, prefix.len() + hashes + 1);
        }
        if !raw && body.first() == Some(&b'"') {
            return at + prefix.len() + escaped(body, b'"');
        }
        if matches!(prefix, "" | "b") && body.first() == Some(&b'\'') && is_character(body) {
            return at + prefix.len() + escaped(body, b'\'');
        }
    }
    at
}

/// Whether a quote starts a character and not a lifetime.
fn is_character(body: &[u8]) -> bool {
    match body.get(1) {
        Some(b'\\') => true,
        Some(first) => {
            let length = match first {
                0x00..=0x7f => 1,
                0x80..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            body.get(1 + length) == Some(&b'\'')
        }
        None => false,
    }
}

/// Length of a literal that starts with `quote` and ends with the next that is not escaped.
fn escaped(body: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < body.len() {
        match body[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    body.len()
}

/// Code without the items behind `#[cfg(test)]`.
pub fn without_tests(code: &str) -> String {
    without_marked(code, code, &["#[cfg(test)]"])
}

/// Code without the items behind one of the marks, which are looked for in `source`: the same text with its literals.
pub fn without_marked(code: &str, source: &str, marks: &[&str]) -> String {
    let mut out = code.as_bytes().to_vec();
    for mark in marks {
        let mut from = 0;
        while let Some(found) = source.get(from..).and_then(|rest| rest.find(mark)) {
            let start = from + found;
            from = start + mark.len();
            // A mark in a comment or a literal marks nothing.
            if code.as_bytes()[start] != b'#' {
                continue;
            }
            let end = item_end(code.as_bytes(), from);
            for byte in &mut out[start..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            from = end;
        }
    }
    String::from_utf8(out).unwrap()
}

/// Where an item ends: with a semicolon, or with the brace that closes the first one.
fn item_end(code: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *byte == b'}' {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// How many lines of `source` are not those of tests, which are blanked in `production`.
pub fn lines_in_use(source: &str, production: &str) -> usize {
    let mut is_of_tests = false;
    let code = code(source);
    let lines = source.lines().zip(code.lines()).zip(production.lines());
    let in_use = lines.filter(|((source, code), kept)| {
        // Where both are blank, the line is empty, a comment or a literal: a literal goes with the line before it.
        if !code.trim().is_empty() {
            is_of_tests = kept.trim().is_empty();
        }
        !is_of_tests || source.trim().is_empty() || is_comment(source)
    });
    in_use.count()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Name(String),
    /// `::`
    Colons,
    Mark(char),
}

/// Names and marks with their lines, counted from 1.
pub fn tokens(code: &str) -> Vec<(usize, Token)> {
    let mut all = Vec::new();
    for (number, line) in (1..).zip(code.lines()) {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let name: usize = rest
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .map(char::len_utf8)
                .sum();
            let length = if name > 0 {
                all.push((number, Token::Name(rest[..name].to_owned())));
                name
            } else if rest.starts_with("::") {
                all.push((number, Token::Colons));
                2
            } else {
                if !first.is_whitespace() {
                    all.push((number, Token::Mark(first)));
                }
                first.len_utf8()
            };
            rest = &rest[length..];
        }
    }
    all
}

/// Every path of names in `code`, with groups of imports taken apart: `a::{b, c::d}` is `a::b` and `a::c::d`.
pub fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(code);
    let mut all = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // `pub(crate)` and its like are no paths.
        let visibility = tokens[at].1 == Token::Name("pub".into())
            && tokens.get(at + 1).map(|(_, token)| token) == Some(&Token::Mark('('));
        if visibility {
            while at < tokens.len() && tokens[at].1 != Token::Mark(')') {
                at += 1;
            }
        } else if matches!(tokens[at].1, Token::Name(_)) {
            at = path(&tokens, at, &[], &mut all);
        } else {
            at += 1;
        }
    }
    all
}

/// Reads one path from `at` on; returns where it ends.
fn path(
    tokens: &[(usize, Token)],
    mut at: usize,
    before: &[String],
    all: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut segments = before.to_vec();
    let line = tokens[at].0;
    while let Some((_, token)) = tokens.get(at) {
        match token {
            Token::Name(name) => segments.push(name.clone()),
            Token::Mark('*') => segments.push("*".to_owned()),
            Token::Mark('{') => return group(tokens, at + 1, &segments, all),
            Token::Colons | Token::Mark(_) => break,
        }
        at += 1;
        if tokens.get(at).map(|(_, token)| token) != Some(&Token::Colons) {
            break;
        }
        at += 1;
    }
    all.push((line, segments));
    at
}

fn group(
    tokens: &[(usize, Token)],
    mut at: usize,
    before: &[String],
    all: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        match token {
            Token::Mark('}') => return at + 1,
            Token::Name(_) | Token::Mark('*') => at = path(tokens, at, before, all),
            _ => at += 1,
        }
        // `as other` renames and is no path.
        if tokens.get(at).map(|(_, token)| token) == Some(&Token::Name("as".to_owned())) {
            at += 2;
        }
    }
    at
}

/// The doc comments, each block joined to one line, with the line on which it starts.
pub fn docs(source: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(source.lines()) {
        let line = line.trim_start();
        let text = ["///", "//!"]
            .iter()
            .find_map(|mark| line.strip_prefix(mark));
        match (text, open) {
            (Some(text), true) => {
                let block = &mut blocks.last_mut().unwrap().1;
                block.push(' ');
                block.push_str(text.trim());
            }
            (Some(text), false) => blocks.push((number, text.trim().to_owned())),
            (None, _) => {}
        }
        open = text.is_some();
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_nothing_else() {
        for (source, left) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b\n*/ c", "a     \n   c"),
            ("f(\"x // y\") g", "f(        ) g"),
            ("f(\"\\\"x\") g", "f(     ) g"),
            ("f(r#\"x\"y\"#) g", "f(        ) g"),
            (
                "f(b\"x\", b'\"', '\"', '\\'', 'ü') g",
                "f(    ,     ,    ,     ,     ) g",
            ),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("number\"x\"", "number   "),
        ] {
            assert_eq!(code(source), left, "{source}");
        }
    }

    #[test]
    fn items_of_tests_are_left_out() {
        let code = "fn a() {}\n#[cfg(test)]\nuse b;\nfn c() {}\n#[cfg(test)]\nmod d { fn e() { { } } }\nfn f() {}";
        let left = without_tests(code);
        assert!(left.contains("fn a()") && left.contains("fn c()") && left.contains("fn f()"));
        assert!(!left.contains("use b") && !left.contains("mod d") && !left.contains("fn e"));
        assert_eq!(lines_in_use(code, &left), 3);
    }

    #[test]
    fn a_line_with_only_a_literal_counts_as_the_line_before_it() {
        let source = "fn a() {\n    f(\n        \"b\",\n        \"c\"\n    )\n}\n#[cfg(test)]\nmod d {\n    const E: [&str; 1] = [\n        \"e\"\n    ];\n}\n";
        let left = without_tests(&code(source));
        assert_eq!(lines_in_use(source, &left), 6);
    }

    #[test]
    fn groups_of_imports_are_taken_apart() {
        let joined: Vec<String> = paths("use a::{b, c::{d, e as f}, *};\n::g::h(i.j);")
            .into_iter()
            .map(|(_, path)| path.join("::"))
            .collect();
        for wanted in ["a::b", "a::c::d", "a::c::e", "a::*", "g::h", "i", "j"] {
            assert!(
                joined.contains(&wanted.to_owned()),
                "{wanted} in {joined:?}"
            );
        }
        assert!(!joined.contains(&"f".to_owned()), "{joined:?}");
    }

    #[test]
    fn docs_are_joined_by_block() {
        let found = docs("//! a\n//! b\n\n/// c\nfn d() {} // e\n");
        assert_eq!(found, [(1, "a b".to_owned()), (4, "c".to_owned())]);
    }
}
