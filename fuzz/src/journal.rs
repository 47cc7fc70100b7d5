//! The changes behind a snapshot.

use mutual_trust::admin::file::{UnknownRecords, line_sums, write};
use sha2::{Digest, Sha256};

use crate::STORE_FILE_BYTES;
use crate::snapshot::Snapshot;
use crate::store_file::{hex, load};

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn checked(head: &str) -> String {
    format!("{head} #{}", hex(&Sha256::digest(head.as_bytes())[..4]))
}

/// A line with a check that fits, behind its sign if it has one.
fn fitting_line(line: &str, in_journal: bool) -> String {
    let signed = in_journal && line.starts_with(['+', '-']);
    let (sign, text) = line.split_at(usize::from(signed));
    match text.rsplit_once(" #") {
        Some((head, _)) if !text.starts_with("  ") => format!("{sign}{}", checked(head)),
        _ => line.to_owned(),
    }
}

/// The text with checks, lengths and digests that fit, as an attacker who knows the format writes them. Random bytes
/// would not pass them. Returns where each part ends, and whether it makes a generation: the snapshot, each change, and
/// each refused change.
fn fitting(text: &str) -> (String, Vec<(usize, bool)>) {
    let mut content = String::new();
    let mut lines = text.lines();
    for line in lines.by_ref() {
        if line.starts_with("digest ") {
            break;
        }
        content.push_str(&fitting_line(line, false));
        content.push('\n');
    }
    let mut before = digest(&content);
    content.push_str(&format!("digest sha256 {before}\n"));
    let mut ends = vec![(content.len(), true)];
    let mut head: Option<&str> = None;
    let mut rest = String::new();
    for line in lines {
        if line.starts_with("change ") || line.starts_with("refused ") {
            head = line.rsplit_once(" bytes ").map(|(head, _)| head);
            rest.clear();
        } else if line.starts_with("done ") {
            let Some(head) = head.take() else {
                break;
            };
            let first = checked(&format!("{head} bytes {}", rest.len()));
            let change = format!("{first}\n{rest}");
            before = digest(&change);
            let sums = line_sums(&change);
            content.push_str(&format!("{change}done sha256 {before} lines {sums}\n"));
            ends.push((content.len(), head.starts_with("change ")));
        } else if line.starts_with("  before ") {
            rest.push_str(&format!("  before sha256 {before}\n"));
        } else {
            rest.push_str(&fitting_line(line, true));
            rest.push('\n');
        }
    }
    (content, ends)
}

/// A file with changes is read whole, or up to a change that was not stored to its end; each part of it that ends with a
/// whole change is a file as well. With any byte changed it is refused, or the last change is left out as one that was cut. What is read is written as a snapshot and read
/// again.
pub fn journal(data: &[u8]) -> bool {
    if data.len() > STORE_FILE_BYTES {
        return false;
    }
    let as_it_is = load(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let (text, ends) = fitting(text);
    let Some(loaded) = load(text.as_bytes()) else {
        let cut = as_it_is.is_none_or(|found| found.report.cut > 0);
        assert!(cut, "it was taken as it is");
        return false;
    };
    assert_eq!(loaded.report.cut, 0, "only whole changes are in it");
    if ends.len() < 2 {
        return false;
    }
    let after = Snapshot::of(loaded.store.contents());
    let plain = UnknownRecords::default();
    if loaded.kept.is_empty() {
        let (written, _) = write(loaded.store.contents(), &plain, None).expect("it was read");
        let again = load(written.as_bytes()).expect("what was written is read");
        assert_eq!(Snapshot::of(again.store.contents()), after);
    }
    let mut generation = None;
    for (end, is_change) in &ends {
        let part = load(&text.as_bytes()[..*end]).expect("the changes before are whole");
        assert_eq!(part.report.cut, 0);
        let rises = Some(part.report.generation) > generation;
        assert_eq!(rises, *is_change, "generations rise with each change");
        generation = Some(part.report.generation);
    }
    // The input chooses the byte and the change, so that a run can be repeated.
    let chosen = Sha256::digest(data);
    let at = usize::from(u16::from_be_bytes([chosen[0], chosen[1]])) % text.len();
    // Cut anywhere behind the snapshot, it is the file up to the last whole change.
    if at >= ends[0].0 {
        let part = load(&text.as_bytes()[..at]).expect("a cut change is left out");
        let whole = ends.iter().map(|(end, _)| end).filter(|end| **end <= at);
        let whole = whole.max().expect("the snapshot");
        assert_eq!(part.report.cut, at - whole);
    }
    let mut changed = text.into_bytes();
    let by = chosen[2].max(1);
    changed[at] ^= by;
    if let Some(found) = load(&changed) {
        // Without its line end, and with half a character there, the last change looks like one that was not stored to its
        // end. Nothing else of the file may change.
        assert_eq!(at + 1, changed.len(), "byte {at} by {by}");
        assert_eq!(found.report.cut, changed.len() - ends[ends.len() - 2].0);
    }
    true
}
