//! A page of Markdown taken apart into what it claims: one sentence, or one part of it up to a semicolon.

/// What one page claims, in its order. White space is one space.
pub fn units(page: &str, tables_only: bool) -> Vec<String> {
    blocks(page, tables_only)
        .iter()
        .flat_map(|block| sentences(block))
        .collect()
}

/// The paragraphs, bullets and rows of tables, each on one line. Headings, pieces of code and the tables of figures that
/// `benches/run` writes claim nothing here.
fn blocks(page: &str, tables_only: bool) -> Vec<String> {
    let lines: Vec<&str> = page.lines().collect();
    let mut all = Vec::new();
    let mut open = String::new();
    let (mut code, mut figures) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        let next = lines.get(at + 1).map_or("", |next| next.trim());
        figures =
            (figures || line.starts_with("<!-- figures:")) && !line.starts_with("<!-- /figures:");
        let fence = line.starts_with("```");
        code ^= fence;
        let row = line.starts_with('|');
        let apart =
            code || fence || figures || line.is_empty() || line.starts_with(['#', '!', '<']);
        if apart || row || starts_an_item(line) {
            all.extend((!open.is_empty()).then(|| std::mem::take(&mut open)));
        }
        // The line below the head of a table separates it from the rows.
        let head = row && (line.starts_with("|-") || next.starts_with("|-"));
        if apart || head || (tables_only && !row) {
            continue;
        }
        if row {
            all.push(line.trim_end_matches('|').trim().to_owned());
            continue;
        }
        if !open.is_empty() {
            open.push(' ');
        }
        open += line.strip_prefix("- ").unwrap_or(line);
    }
    all.extend((!open.is_empty()).then_some(open));
    all
}

/// A bullet, or a number and a dot.
fn starts_an_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

/// A block taken apart where a sentence or a part of one ends. A dot inside of a name or number ends nothing.
fn sentences(block: &str) -> Vec<String> {
    let words: Vec<&str> = block.split_whitespace().collect();
    let mut all = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        open.push(word);
        let bare = word.trim_end_matches([')', '*', '"']);
        let next = words.get(at + 1).and_then(|next| next.chars().next());
        let begins = next.is_none_or(|first| !first.is_lowercase() && first != '|');
        if word.ends_with(';') || (begins && bare.ends_with(['.', '?', '!'])) {
            all.push(open.join(" "));
            open.clear();
        }
    }
    all.extend((!open.is_empty()).then(|| open.join(" ")));
    all
}
