//! Colours at a terminal.

/// Colours only at a terminal, unless `NO_COLOR` (no-color.org) is set or the terminal has none.
pub(super) fn wants_colour(is_terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    is_terminal && !is_set("NO_COLOR") && !is_dumb
}

/// Colours the words that say what a line is.
pub(super) fn painted(text: &str, with_colour: bool) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("accepted:", "32"),
        ("works:", "32"),
        ("refused:", "31"),
        ("would lock out:", "31"),
        ("locked out:", "31"),
        ("warning:", "33"),
        ("to do:", "1"),
    ];
    if !with_colour {
        return text.to_owned();
    }
    let lines = text.lines().map(|line| {
        let word = line.trim_start();
        let indent = line.strip_suffix(word).unwrap_or("");
        let known = WORDS.iter().find(|(known, _)| word.starts_with(known));
        known.map_or(line.to_owned(), |(known, code)| {
            let rest = word.strip_prefix(known).unwrap_or("");
            format!("{indent}\u{1b}[{code}m{known}\u{1b}[0m{rest}")
        })
    });
    lines.collect::<Vec<String>>().join("\n")
}
