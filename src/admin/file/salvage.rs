//! Salvages from a damaged file what takes trust away, and nothing else.

use super::change::{CAME, CHANGE, GONE, REFUSED};
use super::fields::{crl_der, is_entry_field};
use super::format::{DIGEST, DONE, INDENT, SEAL, TITLE, checked, generation, time};
use super::headers::{block, checked_issuer, crl, entry_key, server};
use super::lines::Section;
use super::salvaged::Salvaged;
use crate::certificate::{Crl, Fingerprint};
use crate::limits::{MAX_STORE_LINE, MAX_STORE_WITH_JOURNAL};
use crate::store::{Claim, CrlIssuer, EntryKey, ServerId};

/// Reads a file line by line and skips what is damaged.
pub(crate) fn salvage(bytes: &[u8]) -> Salvaged {
    let mut reader = Reader::default();
    reader.read(bytes, 1);
    reader.finish()
}

/// The same for what stands behind the last whole change. `line` is the number of its first line.
pub(crate) fn salvage_changes(bytes: &[u8], line: usize) -> Salvaged {
    let mut reader = Reader {
        in_journal: true,
        all_before: true,
        ..Reader::default()
    };
    reader.found.only_changes = true;
    reader.read(bytes, line);
    reader.finish()
}

/// Whether a file, which may be damaged, has a seal: no other line begins so.
pub(crate) fn has_seal(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(SEAL.as_bytes()))
}

/// The first place in a damaged file at which a change begins, with the number of its line.
pub(crate) fn first_change(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0_usize;
    for (number, line) in (1_usize..).zip(bytes.split(|byte| *byte == b'\n')) {
        let text = core::str::from_utf8(line).ok().and_then(checked);
        if text.is_some_and(|head| head.starts_with(CHANGE) || head.starts_with(REFUSED)) {
            return Some((at, number));
        }
        at = at.saturating_add(line.len()).saturating_add(1);
    }
    None
}

/// What was found so far, and the record to which the next line may belong.
#[derive(Default)]
struct Reader<'a> {
    found: Salvaged,
    /// The server whose record is open, if it is claimed.
    claimed: Option<ServerId>,
    /// The entry whose record is open.
    entry: Option<EntryKey>,
    /// The revocation list whose record is open.
    open: Option<OpenCrl<'a>>,
    /// Whether the line is inside a PEM section, where lines have no checksum.
    in_section: bool,
    /// The number of entries in the last line.
    ended: Option<usize>,
    /// Whether the snapshot has ended. Lines of records have a sign from there on.
    in_journal: bool,
    /// Whether all entries of the snapshot were read.
    all_before: bool,
    /// Whether a line of the journal is damaged.
    damaged_journal: bool,
    /// Whether one is damaged behind the last first line of a change.
    is_hidden: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self, bytes: &'a [u8], first: usize) {
        let bytes = bytes.get(..MAX_STORE_WITH_JOURNAL).unwrap_or(bytes);
        let lines = bytes.split(|byte| *byte == b'\n');
        for (number, line) in (first..).zip(lines) {
            let text = core::str::from_utf8(line).ok();
            match text.filter(|text| text.len() <= MAX_STORE_LINE) {
                None => self.damaged(number),
                Some(text) => self.take(number, text),
            }
        }
    }

    fn take(&mut self, number: usize, text: &'a str) {
        if text.starts_with(DIGEST) {
            self.all_before = self.ended == Some(self.found.entries.len());
            self.in_journal = true;
        }
        let unsigned = text.strip_prefix([CAME, GONE]).filter(|_| self.in_journal);
        let went = unsigned.is_some() && text.starts_with(GONE);
        let text = unsigned.unwrap_or(text);
        match checked(text) {
            Some(head) if went => self.went(head),
            Some(head) => self.first_line(head),
            None => self.line(number, text),
        }
    }

    fn damaged(&mut self, number: usize) {
        self.damaged_journal |= self.in_journal;
        self.is_hidden |= self.in_journal;
        self.found.damaged.push(number);
    }

    /// Ends the record before a first line.
    fn close(&mut self) {
        self.in_section = false;
        self.claimed = None;
        self.entry = None;
        self.found.close(self.open.take());
    }

    /// The first line of a record that a change took out. Only the end of an entry takes trust away. That of a claim or a
    /// block gives trust, so it is only noted.
    fn went(&mut self, head: &str) {
        self.close();
        let block = head.strip_prefix("block ").and_then(block);
        self.found.lifted.extend(block);
        let server = server(head).map(|(id, _)| id);
        self.found.released.extend(server);
        if let Some(key) = entry_key(head) {
            self.found.entries.remove(&key);
            self.found.disabled.remove(&key);
            self.found.in_doubt.remove(&key);
            self.found.gone.insert(key);
        }
    }

    /// The first line of a record with a matching checksum. It ends the record before it.
    fn first_line(&mut self, head: &str) {
        self.close();
        if self.is_hidden
            && let Some(from) = generation_before(head)
        {
            // What is damaged before this change was made up to the generation from which it starts.
            self.found.hidden_until = self.found.hidden_until.max(from);
            self.is_hidden = false;
        }
        match self.found.head(head) {
            Head::Claimed(id) => self.claimed = Some(id),
            Head::Entry(key) => self.entry = Some(key),
            Head::Crl(issuer, fingerprint) => {
                self.open = Some(OpenCrl {
                    issuer,
                    fingerprint,
                    lines: Vec::new(),
                });
            }
            Head::End(entries) => self.ended = Some(entries),
            Head::Other => {}
        }
    }

    /// A line without a checksum: a field, a line of a PEM section, or a damaged line.
    fn line(&mut self, number: usize, text: &'a str) {
        if let Some(open) = self.open.as_mut().filter(|_| !text.starts_with(INDENT)) {
            open.lines.push(text);
        }
        if text.starts_with("-----BEGIN ") {
            self.in_section = true;
        } else if text.starts_with("-----END ") {
            self.in_section = false;
            // The certificate is the last of an entry.
            self.entry = None;
        } else if let Some(field) = text.strip_prefix(INDENT) {
            self.field(field);
        } else if !self.in_section && !text.is_empty() && !is_frame(text) {
            // It may have been the first line of another record, to which the fields below it belong, or a field.
            self.claimed = None;
            self.found.in_doubt.extend(self.entry.take());
            self.damaged(number);
        }
    }

    /// A field, which has no checksum.
    fn field(&mut self, field: &str) {
        let (name, value) = field.split_once(' ').unwrap_or((field, ""));
        if let (Some(id), "name", Ok(name)) = (&self.claimed, name, value.parse()) {
            self.found.names.push((id.clone(), name));
        }
        match (&self.entry, name) {
            (None, _) => {}
            (Some(key), "disabled") => {
                self.found.disabled.insert(key.clone(), value.to_owned());
            }
            (Some(_), name) if is_entry_field(name) => {}
            (Some(key), _) => {
                self.found.in_doubt.insert(key.clone());
            }
        }
    }

    fn finish(mut self) -> Salvaged {
        self.found.close(self.open.take());
        if !self.in_journal {
            self.all_before = self.ended == Some(self.found.entries.len());
        }
        // Without the end of the snapshot, the changes behind it cannot be told apart from it.
        if self.is_hidden || !self.in_journal {
            self.found.hidden_until = u64::MAX;
        }
        self.found.all_entries = self.all_before && !self.damaged_journal;
        self.found
    }
}

/// The generation before a change, from its first line.
fn generation_before(head: &str) -> Option<u64> {
    let (_, from) = head.strip_prefix(CHANGE)?.split_once(" after ")?;
    generation(from.split(' ').next()?)
}

/// Lines without a checksum of their own.
fn is_frame(text: &str) -> bool {
    [TITLE, DIGEST, DONE, SEAL]
        .iter()
        .any(|start| text.starts_with(start))
}

/// A revocation list whose first line is whole, and the lines below it.
struct OpenCrl<'a> {
    issuer: CrlIssuer,
    fingerprint: Fingerprint,
    lines: Vec<&'a str>,
}

impl OpenCrl<'_> {
    /// The list, if it matches its first line.
    fn read(&self) -> Option<Crl> {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
            if line.starts_with("-----END ") {
                break;
            }
        }
        let der = crl_der(Section {
            line: 0,
            text: &text,
        });
        let der = der.ok()?;
        let same = Fingerprint::over(&der) == self.fingerprint;
        let list = Crl::from_der(&der).ok().filter(|_| same)?;
        self.issuer.is_named(list.issuer_der()).then_some(list)
    }
}

enum Head {
    Claimed(ServerId),
    Entry(EntryKey),
    Crl(CrlIssuer, Fingerprint),
    /// The number of entries in the last line.
    End(usize),
    Other,
}

impl Salvaged {
    fn close(&mut self, open: Option<OpenCrl<'_>>) {
        let Some(open) = open else {
            return;
        };
        match open.read() {
            Some(list) => self.crls.push((open.issuer, list)),
            None => self.lost_crls.push(open.fingerprint),
        }
    }

    fn head(&mut self, head: &str) -> Head {
        let (kind, rest) = head.split_once(' ').unwrap_or((head, ""));
        match kind {
            "change" => {
                let to = rest.split(' ').next().and_then(generation);
                self.generation = self.generation.max(to);
            }
            "generation" => self.generation = self.generation.max(generation(rest)),
            "floor" => self.floor = self.floor.max(time(rest)),
            "server" => match server(head) {
                None => {}
                Some((id, Claim::Unclaimed)) => {
                    self.released.insert(id);
                }
                Some((id, claim)) => {
                    self.released.remove(&id);
                    self.claims.insert(id.clone(), claim);
                    return Head::Claimed(id);
                }
            },
            "block" => {
                if let Some(block) = block(rest) {
                    self.lifted.remove(&block);
                    self.blocks.push(block);
                }
            }
            "checked" => self.checked.extend(checked_issuer(rest)),
            "crl" => {
                if let Some((issuer, fingerprint)) = crl(rest) {
                    self.checked.insert(issuer.clone());
                    return Head::Crl(issuer, fingerprint);
                }
            }
            "end" => {
                let entries = rest.split_once(" entries ");
                let number = entries.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
                return number.map_or(Head::Other, Head::End);
            }
            _ => {
                if let Some(key) = entry_key(head) {
                    self.gone.remove(&key);
                    self.disabled.remove(&key);
                    self.in_doubt.remove(&key);
                    self.entries.insert(key.clone());
                    return Head::Entry(key);
                }
            }
        }
        Head::Other
    }
}
