//! Salvages from a damaged file what takes trust away, and nothing else.

use super::change::{CAME, GONE, read_done};
use super::extent::{
    Extent, OpenChange, begins_change, extent, generations, is_boundary, is_frame, is_section_line,
};
use super::fields::certificate;
use super::format::{ContentDigest, DIGEST, INDENT, checked};
use super::headers::{block, entry_key, parsed, server};
use super::heads::{Head, OpenCrl};
use super::lines::Section;
use super::salvaged::{Salvaged, are_entry_fields, is_server_field};
use crate::certificate::{Fingerprint, breaks_a_line};
use crate::limits::{MAX_STORE_LINE, MAX_STORE_WITH_JOURNAL};
use crate::store::{EntryKey, ServerId};

/// A damaged file is believed to have at most this many generations more than what a recovery starts from. It is more than
/// a store makes in years. A line that anyone can write would use up all numbers otherwise.
const MAX_LATER: u64 = 1 << 20;

/// Reads a file line by line and skips what is damaged. `from` is the generation that a recovery starts from.
pub(crate) fn salvage(bytes: &[u8], from: u64) -> Salvaged {
    Reader::of(bytes, from).read(1)
}

/// The same for what stands behind the last whole change, which made the generation `from`. `line` is the number of its
/// first line.
pub(crate) fn salvage_changes(bytes: &[u8], line: usize, from: u64) -> Salvaged {
    let mut reader = Reader::of(bytes, from);
    reader.in_journal = true;
    reader.all_before = true;
    reader.made = Some(from);
    reader.found.only_changes = true;
    reader.read(line)
}

/// What was found so far, and the record to which the next line may belong.
#[derive(Default)]
struct Reader<'a> {
    bytes: &'a [u8],
    found: Salvaged,
    /// The number of the line, from 1, and its offset.
    line: (usize, usize),
    /// The bytes over which digests may still be made. Lines that claim long changes cannot make it take long.
    budget: usize,
    /// The highest generation that is believed.
    most: u64,
    /// The server whose record is open, and whether it is claimed.
    server: Option<(ServerId, bool)>,
    /// The entry whose record is open.
    entry: Option<EntryKey>,
    /// The fields of the record that is open.
    fields: String,
    /// The revocation list whose record is open.
    open: Option<OpenCrl<'a>>,
    /// The line at which the PEM section began that is open, and its text. Its lines have no checksum.
    section: Option<(usize, String)>,
    /// Whether the snapshot has ended. Lines of records have a sign from there on.
    in_journal: bool,
    /// Whether the digest of the snapshot was read.
    has_digest: bool,
    /// Whether all entries of the snapshot were read.
    all_before: bool,
    /// Whether something of the snapshot is known to be damaged.
    is_located: bool,
    /// Whether a line of the journal is damaged.
    damaged_journal: bool,
    /// Whether one is damaged behind the last first line of a change.
    is_hidden: bool,
    /// The generation that the last change made.
    made: Option<u64>,
    change: OpenChange,
}

impl<'a> Reader<'a> {
    fn of(bytes: &'a [u8], from: u64) -> Self {
        let bytes = bytes.get(..MAX_STORE_WITH_JOURNAL).unwrap_or(bytes);
        Self {
            bytes,
            // The changes of a file that is not forged do not overlap.
            budget: bytes.len(),
            most: from.saturating_add(MAX_LATER),
            ..Self::default()
        }
    }

    fn read(mut self, first: usize) -> Salvaged {
        let mut at = 0_usize;
        for (number, line) in (first..).zip(self.bytes.split(|byte| *byte == b'\n')) {
            self.line = (number, at);
            at = at.saturating_add(line.len()).saturating_add(1);
            let text = core::str::from_utf8(line).ok();
            match text.filter(|text| text.len() <= MAX_STORE_LINE) {
                None => self.damaged(),
                Some(text) => self.take(text),
            }
        }
        self.finish()
    }

    fn take(&mut self, text: &'a str) {
        if self.change.damaged == Some(self.line.0) {
            // In a section, only a certificate or a list is damaged.
            match &mut self.section {
                Some((_, text)) => {
                    text.clear();
                    self.found.damaged.push(self.line.0);
                }
                None => self.damaged(),
            }
            return;
        }
        if text.chars().any(breaks_a_line) {
            self.keep_disabled(text);
            self.damaged();
            return;
        }
        let unsigned = text.strip_prefix([CAME, GONE]).filter(|_| self.in_journal);
        let went = unsigned.is_some() && text.starts_with(GONE);
        let text = unsigned.unwrap_or(text);
        match checked(text) {
            Some(head) if went => self.went(head),
            Some(head) => self.first_line(head, text.len()),
            None => self.line(text),
        }
    }

    /// A line that cannot be read. It may have been the first line of another record, to which the fields below it belong.
    fn damaged(&mut self) {
        self.damaged_journal |= self.in_journal;
        self.is_hidden |= self.in_journal;
        self.is_located = true;
        self.change.is_certain = false;
        let server = self.server.take();
        self.found.servers_in_doubt.extend(server.map(|(id, _)| id));
        self.found.in_doubt.extend(self.entry.take());
        self.fields.clear();
        self.found.damaged.push(self.line.0);
    }

    /// Ends the record before a first line.
    fn close(&mut self) {
        self.section = None;
        let fields = core::mem::take(&mut self.fields);
        if let Some((id, _)) = self.server.take() {
            self.found.server_fields.insert(id, fields);
        } else if let Some(key) = self.entry.take() {
            match are_entry_fields(&fields) {
                true => {
                    self.found.fields.insert(key, fields);
                }
                false => {
                    self.is_located = true;
                    self.found.in_doubt.insert(key);
                }
            }
        }
        if let Some(open) = self.open.take() {
            self.is_located |= !self.found.close(&open);
        }
    }

    /// The first line of a record that a change took out. Only the end of an entry takes trust away. That of a claim or a
    /// block gives trust, so it is only noted. The change may put an entry or a server in again.
    fn went(&mut self, head: &str) {
        self.close();
        let block = head.strip_prefix("block ").and_then(block);
        self.found.lifted.extend(block);
        self.change.released.extend(server(head).map(|(id, _)| id));
        self.change.went.extend(entry_key(head));
    }

    /// The end of a change: what it took out and did not put in again is gone, if that is certain.
    fn end_change(&mut self) {
        let change = core::mem::take(&mut self.change);
        for key in change.went {
            if change.is_certain || change.removed.contains(&key) {
                self.found.forget(&key);
                self.found.gone.insert(key);
            } else {
                self.found.in_doubt.insert(key.clone());
                self.found.maybe_gone.insert(key);
            }
        }
        if change.is_certain {
            self.found.released.extend(change.released);
        } else {
            self.found.servers_in_doubt.extend(change.released);
        }
        if change.is_damaged && self.found.damaged.len() == change.before {
            self.found.is_unlocated = true;
        }
    }

    /// The first line of a change, also of a refused one.
    fn begin_change(&mut self, head: &str, length: usize) {
        self.end_change();
        if !self.in_journal {
            // The end of the snapshot is lost.
            self.in_journal = true;
            self.is_hidden = true;
            self.damaged_journal = true;
        }
        self.change.before = self.found.damaged.len();
        let Some((from, to)) = generations(head) else {
            return;
        };
        // What is damaged before this change was made up to the generation from which it starts.
        if self.is_hidden || self.made.is_some_and(|made| made != from) {
            self.found.is_unlocated |= !self.is_hidden;
            self.damaged_journal = true;
            self.is_hidden = false;
            self.found.hidden_until = self.found.hidden_until.max(from);
        }
        self.made = Some(to);
        if from == to {
            // A refused change did nothing.
            return;
        }
        let behind = self.bytes.get(self.line.1..).unwrap_or(&[]);
        match extent(behind, head, length, &mut self.budget) {
            Extent::Whole => (self.change.is_known, self.change.is_certain) = (true, true),
            Extent::Line(number) => {
                (self.change.is_known, self.change.is_certain) = (true, true);
                let line = self.line.0.saturating_add(number).saturating_sub(1);
                self.change.damaged = Some(line);
            }
            Extent::Damaged => {
                self.change.is_damaged = true;
                self.damaged_journal = true;
                self.is_hidden = true;
            }
        }
    }

    /// The first line of a record with a matching checksum. It ends the record before it.
    fn first_line(&mut self, head: &str, length: usize) {
        self.close();
        if begins_change(head) {
            self.begin_change(head, length);
        }
        match self.found.head(head, self.most) {
            Head::Server(id, is_claimed) => {
                self.change.released.retain(|released| *released != id);
                if self.change.is_damaged {
                    self.found.servers_in_doubt.insert(id.clone());
                }
                self.server = Some((id, is_claimed));
            }
            Head::Entry(key) => {
                self.change.went.retain(|went| *went != key);
                // The fields have no checksum of their own.
                match self.change.is_known {
                    true => self.found.uncertain.remove(&key),
                    false => self.found.uncertain.insert(key.clone()),
                };
                if self.change.is_damaged {
                    self.found.in_doubt.insert(key.clone());
                }
                self.entry = Some(key);
            }
            Head::Crl(issuer, fingerprint) => {
                self.open = Some(OpenCrl {
                    issuer,
                    fingerprint,
                    lines: Vec::new(),
                });
            }
            Head::End(entries) if !self.in_journal => {
                self.all_before = entries == self.found.entries.len();
                self.in_journal = true;
                // Until the digest.
                self.is_hidden = true;
            }
            Head::End(_) | Head::Other => {}
        }
    }

    /// A line without a checksum: a field, a line of a PEM section, or a damaged line.
    fn line(&mut self, text: &'a str) {
        if let Some(open) = self.open.as_mut().filter(|_| !text.starts_with(INDENT)) {
            open.lines.push(text);
        }
        if read_done(text).is_some() && self.in_journal {
            self.close();
            self.end_change();
        } else if let Some(digest) = self.digest(text) {
            self.end_snapshot(digest);
        } else if is_boundary(text, "BEGIN") {
            self.section = Some((self.line.0, format!("{text}\n")));
        } else if let Some((line, section)) = &mut self.section {
            section.push_str(text);
            section.push('\n');
            if is_boundary(text, "END") {
                let (line, section) = (*line, core::mem::take(section));
                self.end_section(line, &section);
            } else if !is_section_line(text) {
                // It may have the first line of another record in it.
                self.damaged();
            }
        } else if let Some(field) = text.strip_prefix(INDENT) {
            self.field(field);
        } else if !text.is_empty() && !is_frame(text) {
            self.damaged();
        }
    }

    /// The digest of the snapshot.
    fn digest(&self, text: &str) -> Option<ContentDigest> {
        let text = text.strip_prefix(DIGEST).filter(|_| !self.has_digest)?;
        ContentDigest::read(text)
    }

    /// The end of the snapshot. If it is not as it was written and no line shows it, any field may be another one.
    fn end_snapshot(&mut self, digest: ContentDigest) {
        self.close();
        self.has_digest = true;
        self.in_journal = true;
        self.is_hidden = false;
        if self.found.only_changes {
            return;
        }
        self.made = self.found.generation;
        let content = self.bytes.get(..self.line.1);
        let content = content.and_then(|content| core::str::from_utf8(content).ok());
        if content.is_some_and(|content| ContentDigest::over(content) == digest) {
            self.found.uncertain.clear();
        } else if !self.is_located {
            self.found.is_unlocated = true;
            self.found.doubt_all();
        }
    }

    /// The certificate is the last of an entry.
    fn end_section(&mut self, line: usize, text: &str) {
        if let Some(key) = &self.entry {
            let der = certificate(Section { line, text });
            let is_whole = der.is_ok_and(|(der, _)| Fingerprint::over(&der) == key.fingerprint);
            if !is_whole && !self.change.is_known {
                self.is_located = true;
                self.found.damaged.push(line);
            }
            self.close();
        }
        self.section = None;
    }

    /// A field, which has no checksum.
    fn field(&mut self, field: &str) {
        let (name, value) = field.split_once(' ').unwrap_or((field, ""));
        if let Some((id, is_claimed)) = &self.server {
            if let ("name", true, Some(host)) = (name, *is_claimed, parsed(value)) {
                self.found.names.push((id.clone(), host));
            }
            if !is_server_field(name, value) {
                self.damaged();
                return;
            }
        } else if self.entry.is_some() {
            self.keep_disabled(field);
        } else if let (true, "asked", Some((call, named))) =
            (self.in_journal, name, value.split_once(' '))
            && let Some(key) = entry_key(named)
        {
            self.change.removed.retain(|removed| *removed != key);
            if call == "remove" {
                self.change.removed.push(key);
            }
            return;
        } else {
            return;
        }
        self.fields.push_str(INDENT);
        self.fields.push_str(field);
        self.fields.push('\n');
    }

    /// Notes that the open entry is disabled. A damaged reason is one as well.
    fn keep_disabled(&mut self, text: &str) {
        let field = text.trim_start_matches([CAME, ' ']);
        if let (Some(key), Some(why)) = (&self.entry, field.strip_prefix("disabled "))
            && self.section.is_none()
        {
            self.found.disabled.insert(key.clone(), why.to_owned());
        }
    }

    fn finish(mut self) -> Salvaged {
        self.close();
        self.end_change();
        // Without the end of the snapshot, the changes behind it cannot be told apart from it.
        if self.is_hidden || !self.in_journal {
            self.found.hidden_until = u64::MAX;
        }
        let is_whole = self.in_journal && !self.damaged_journal && !self.is_hidden;
        self.found.all_entries = is_whole && self.all_before;
        self.found
    }
}
