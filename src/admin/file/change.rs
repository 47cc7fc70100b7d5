//! Writes one change for the journal: what was asked, and the records that went and that came.

use core::fmt;
use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use pki_types::UnixTime;

use super::format::{ContentDigest, DONE, INDENT, LINES, SEAL, Time, check, check_generation};
use super::sums::LineSums;
use super::write::{Out, StoredCrl, block_head, checked_head, seal_over};
use super::{Seal, UnknownRecords, headers};
use crate::admin::file::error::StoreFileError;
use crate::limits::MAX_SEAL_BYTES;
use crate::store::{Sides, TrustSnapshot};

/// What the first line of a change starts with.
pub(super) const CHANGE: &str = "change ";
/// What the first line of a refused change starts with.
pub(super) const REFUSED: &str = "refused after ";
/// Before each line of a record that went.
pub(super) const GONE: char = '-';
/// Before each line of a record that came.
pub(super) const CAME: char = '+';

/// A change as it is stored, apart from what it did. A refused change did nothing: its generations are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub struct ChangeHead {
    /// The generation before.
    pub from: u64,
    /// The generation after.
    pub to: u64,
    /// The digest of what stood before it.
    pub before: ContentDigest,
    /// When it was made. `None` if the clock was unset.
    pub at: Option<UnixTime>,
    /// The calls, and who made each of them.
    pub asked: Vec<(String, Option<String>)>,
    /// How many more calls there were.
    pub more: usize,
}

/// Both snapshots, with what a later version wrote.
#[derive(Clone, Copy)]
pub(super) struct Between<'a> {
    pub(super) before: &'a TrustSnapshot,
    pub(super) kept_before: &'a UnknownRecords,
    pub(super) after: &'a TrustSnapshot,
    pub(super) kept_after: &'a UnknownRecords,
}

/// Writes a change with its last line and its seal.
pub(super) fn write(
    head: &ChangeHead,
    between: Between<'_>,
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest), StoreFileError> {
    check_generation(head.to)?;
    closed(open(head, between), seal)
}

/// A change with its last line and its seal, from one without.
pub(super) fn closed(
    mut text: String,
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest), StoreFileError> {
    let digest = ContentDigest::over(&text);
    let done = done_line(digest, LineSums::over(&text));
    text.push_str(&done);
    if let Some(bytes) = seal_over(&text, seal)? {
        text.push_str(&seal_line(&bytes));
    }
    Ok((text, digest))
}

/// The seal of a change. Its length shows whether all of it was written.
fn seal_line(bytes: &[u8]) -> String {
    let count = bytes.len();
    format!("{SEAL}{count} {}\n", Base64::encode_string(bytes))
}

/// What was found in the place of the seal of a change.
pub(super) enum FoundSeal<'a> {
    /// A whole seal, with its line.
    Whole(Vec<u8>, &'a str),
    /// Its line was not written to its end.
    Cut,
    Wrong,
}

/// Reads what [`seal_line`] writes, at the start of a text.
pub(super) fn read_seal(text: &str) -> FoundSeal<'_> {
    let Some(rest) = text.strip_prefix(SEAL) else {
        return match SEAL.starts_with(text) {
            true => FoundSeal::Cut,
            false => FoundSeal::Wrong,
        };
    };
    let digits = |text: &str| text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((count, encoded)) = rest.split_once(' ') else {
        return match digits(rest) {
            true => FoundSeal::Cut,
            false => FoundSeal::Wrong,
        };
    };
    let Some(count) = headers::parsed(count).filter(|count: &usize| *count <= MAX_SEAL_BYTES)
    else {
        return FoundSeal::Wrong;
    };
    // Base64 has four characters for three bytes, the last ones filled.
    let length = count.div_ceil(3).saturating_mul(4);
    let Some(encoded) = encoded.get(..length) else {
        let is_part = encoded.bytes().all(|byte| byte.is_ascii_graphic()) && encoded.len() < length;
        return match is_part {
            true => FoundSeal::Cut,
            false => FoundSeal::Wrong,
        };
    };
    let Ok(bytes) = Base64::decode_vec(encoded) else {
        return FoundSeal::Wrong;
    };
    let line = seal_line(&bytes);
    if count == 0 || bytes.len() != count {
        return FoundSeal::Wrong;
    }
    match text.get(..line.len()).filter(|found| *found == line) {
        Some(found) => FoundSeal::Whole(bytes, found),
        None if line.starts_with(text) => FoundSeal::Cut,
        None => FoundSeal::Wrong,
    }
}

pub(super) fn done_line(digest: ContentDigest, sums: LineSums) -> String {
    format!("{DONE}{digest}{LINES}{sums}\n")
}

/// Reads what [`done_line`] writes.
pub(super) fn read_done(line: &str) -> Option<(ContentDigest, LineSums)> {
    let (digest, sums) = line.strip_prefix(DONE)?.split_once(LINES)?;
    Some((ContentDigest::read(digest)?, LineSums::read(sums)?))
}

/// A change without its last line.
pub(super) fn open(head: &ChangeHead, between: Between<'_>) -> String {
    let mut rest = String::new();
    // Writing to a string cannot fail.
    let _ = fields(head, &mut rest);
    let _ = body(between, &mut rest);
    with_first(head.from, head.to, &rest)
}

/// The lines of a change behind its first line.
pub(super) fn with_first(from: u64, to: u64, rest: &str) -> String {
    let first = first_line(from, to, rest.len());
    format!("{first}{}\n{rest}", check(&first))
}

/// The first line of a change, without its checksum.
pub(super) fn first_line(from: u64, to: u64, bytes: usize) -> String {
    match from == to {
        true => format!("{REFUSED}{from} bytes {bytes}"),
        false => format!("{CHANGE}{to} after {from} bytes {bytes}"),
    }
}

/// The records of a change, from its text.
pub(super) fn records_of(text: &str) -> String {
    let lines = text.split_inclusive('\n').skip(1);
    let records = lines.skip_while(|line| line.starts_with(INDENT));
    records
        .take_while(|line| line.starts_with([GONE, CAME]))
        .collect()
}

pub(super) fn fields(head: &ChangeHead, out: &mut impl fmt::Write) -> fmt::Result {
    writeln!(out, "{INDENT}before sha256 {}", head.before)?;
    if let Some(at) = head.at {
        writeln!(out, "{INDENT}at {}", Time(at))?;
    }
    for (call, by) in &head.asked {
        writeln!(out, "{INDENT}asked {call}")?;
        if let Some(by) = by {
            writeln!(out, "{INDENT}by {by}")?;
        }
    }
    if head.more > 0 {
        writeln!(out, "{INDENT}more {}", head.more)?;
    }
    Ok(())
}

/// The records that went and that came, in the order of the snapshot.
pub(super) fn body(between: Between<'_>, out: &mut impl fmt::Write) -> fmt::Result {
    let Between {
        before,
        kept_before,
        after,
        kept_after,
    } = between;
    let mut lines = Signed {
        out,
        kept_before,
        kept_after,
    };
    if before.floor() != after.floor() {
        let floor = |view: &TrustSnapshot| view.floor().into_iter().collect();
        let sides = Sides {
            gone: floor(before),
            came: floor(after),
        };
        lines.sides(
            sides,
            |_| (),
            |out, floor| out.record(&format!("floor {}", Time(*floor)), "floor"),
        )?;
    }
    let found = after.difference(before);
    lines.sides(
        found.groups,
        |group| group.id().clone(),
        |out, group| {
            let head = format!("group {}", group.id());
            out.record(&head, &head)
        },
    )?;
    lines.sides(
        found.servers,
        |server| server.id().clone(),
        |out, server| out.server(server),
    )?;
    lines.sides(
        found.entries,
        |entry| entry.key(),
        |out, entry| out.entry(entry),
    )?;
    lines.sides(
        found.blocks,
        |block| (*block).clone(),
        |out, block| {
            let head = block_head(block);
            out.record(&head, &head)
        },
    )?;
    lines.sides(found.checked, Clone::clone, |out, issuer| {
        let head = checked_head(issuer);
        out.record(&head, &head)
    })?;
    let mut lists = Sides {
        gone: found.crls.gone.into_iter().map(StoredCrl::read).collect(),
        came: found.crls.came.into_iter().map(StoredCrl::read).collect(),
    };
    let unread = found.unread_crls;
    lists
        .gone
        .extend(unread.gone.into_iter().map(StoredCrl::unread));
    lists
        .came
        .extend(unread.came.into_iter().map(StoredCrl::unread));
    lines.sides(
        lists,
        |list: &StoredCrl<'_>| (list.issuer.clone(), list.fingerprint),
        |out, list| out.crl(list),
    )?;
    for (sign, these, others) in [
        (GONE, kept_before, kept_after),
        (CAME, kept_after, kept_before),
    ] {
        for record in &these.records {
            if !others.records.contains(record) {
                signed(lines.out, sign, record)?;
            }
        }
    }
    Ok(())
}

/// Writes lines with the sign of their side.
struct Signed<'a, W> {
    out: &'a mut W,
    kept_before: &'a UnknownRecords,
    kept_after: &'a UnknownRecords,
}

impl<W: fmt::Write> Signed<'_, W> {
    fn sides<T, K: Ord>(
        &mut self,
        sides: Sides<T>,
        key: impl Fn(&T) -> K,
        write: impl Fn(&mut Out<'_, String>, &T) -> fmt::Result,
    ) -> fmt::Result {
        let mut both: BTreeMap<K, (String, String)> = BTreeMap::new();
        let text = |kept, item: &T| {
            let mut text = String::new();
            let mut out = Out {
                kept,
                out: &mut text,
            };
            let _ = write(&mut out, item);
            text
        };
        for item in &sides.gone {
            both.entry(key(item)).or_default().0 = text(self.kept_before, item);
        }
        for item in &sides.came {
            both.entry(key(item)).or_default().1 = text(self.kept_after, item);
        }
        for (gone, came) in both.into_values().filter(|(gone, came)| gone != came) {
            signed(self.out, GONE, &gone)?;
            signed(self.out, CAME, &came)?;
        }
        Ok(())
    }
}

fn signed(out: &mut impl fmt::Write, sign: char, text: &str) -> fmt::Result {
    text.lines()
        .try_for_each(|line| writeln!(out, "{sign}{line}"))
}
