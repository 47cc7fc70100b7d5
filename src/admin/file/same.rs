//! Whether a text is the one that its content has. Then nothing was skipped or misread, and the records are in the right
//! order.

use core::fmt;

use super::UnknownRecords;
use super::format::shown_line;
use super::lines::{Record, expected};
use super::write::{self, Out};
use crate::admin::file::error::StoreFileError;
use crate::store::{Entry, EntryKey, Server, ServerId, TrustSnapshot};

/// The servers and entries of a file, as long as each has the text that it has when it is written, and they follow one
/// another in the order in which they are written: then this part of the text is right, and need not be written again to
/// see that. It is nearly all of a file. A first line was compared when it was read.
#[derive(Default)]
pub(super) struct Exact {
    /// Where this part begins.
    from: usize,
    /// Where it ends, once it has begun.
    to: Option<usize>,
    server: Option<ServerId>,
    entry: Option<EntryKey>,
    /// Whether all servers and entries so far are in it.
    broken: bool,
}

impl Exact {
    /// A server was read.
    pub(super) fn server(&mut self, record: &Record<'_>, server: &Server) {
        let follows =
            self.entry.is_none() && self.server.as_ref().is_none_or(|last| last < server.id());
        let written = || is_written(record.below(), |out| out.server_fields(server));
        self.add(record, follows && record.section.is_none() && written());
        self.server = Some(server.id().clone());
    }

    /// An entry was read. `exact`: whether the section of its certificate has the form in which it is written.
    pub(super) fn entry(&mut self, record: &Record<'_>, entry: &Entry, exact: bool) {
        let key = entry.key();
        let follows = self.entry.as_ref().is_none_or(|last| *last < key);
        let written = || is_written(record.below(), |out| out.entry_fields(entry));
        self.add(record, follows && exact && written());
        self.entry = Some(key);
    }

    fn add(&mut self, record: &Record<'_>, exact: bool) {
        self.from = match self.to {
            Some(_) => self.from,
            None => record.at,
        };
        self.broken |= !exact || self.to.is_some_and(|to| to != record.at);
        self.to = Some(record.at.saturating_add(record.text.len()));
    }

    /// What stands before this part and behind it, of a text that begins at an offset. `None` if a server or an entry is
    /// not in it.
    pub(super) fn around<'a>(&self, text: &'a str, at: usize) -> Option<(&'a str, &'a str)> {
        let (from, to) = (self.from.checked_sub(at)?, self.to?.checked_sub(at)?);
        let around = (text.get(..from)?, text.get(to..)?);
        (!self.broken).then_some(around)
    }

    /// Whether the content is that of a snapshot whose servers and entries are all in this part.
    fn holds(&self, view: &TrustSnapshot, kept: &UnknownRecords, content: &str) -> bool {
        let Some((before, behind)) = self.around(content, 0) else {
            return false;
        };
        let (mut before, mut behind) = (Same::with(before), Same::with(behind));
        kept.fields.is_empty()
            && write::before_servers(view, kept, &mut before).is_ok()
            && before.is_done()
            && write::after_entries(view, kept, &mut behind).is_ok()
            && behind.is_done()
    }

    /// Checks that writing the content again gives the same text.
    pub(super) fn check(
        &self,
        view: &TrustSnapshot,
        kept: &UnknownRecords,
        content: &str,
    ) -> Result<(), StoreFileError> {
        let holds = self.holds(view, kept, content);
        if holds && !cfg!(debug_assertions) {
            return Ok(());
        }
        let all = same_text(view, kept, content);
        debug_assert!(!holds || all.is_ok(), "{all:?}");
        all
    }
}

/// Whether lines below the first one of a record are those that are written.
fn is_written(text: &str, write: impl FnOnce(&mut Out<'_, Same<'_>>) -> fmt::Result) -> bool {
    let mut same = Same::with(text);
    let mut out = Out {
        kept: &UnknownRecords::default(),
        out: &mut same,
    };
    write(&mut out).is_ok() && same.is_done()
}

fn same_text(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    content: &str,
) -> Result<(), StoreFileError> {
    let mut same = Same::with(content);
    let written = write::content(view, kept, &mut same);
    if written.is_ok() && same.is_done() {
        return Ok(());
    }
    let (line, wanted, found) = same.differs_in(content);
    Err(expected(line, &wanted, found))
}

/// Compares what is written with the text that was read.
pub(super) struct Same<'a> {
    rest: &'a str,
    /// The expected text.
    wanted: String,
}

impl<'a> Same<'a> {
    pub(super) fn with(text: &'a str) -> Self {
        Self {
            rest: text,
            wanted: String::new(),
        }
    }

    /// Whether all of the text was written.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The line of the text, from 1, in which it differs; what belongs there, and what is found there.
    pub(super) fn differs_in(&self, text: &str) -> (usize, String, &'a str) {
        let found = self.rest.lines().next().unwrap_or("");
        let before = text.len().saturating_sub(self.rest.len());
        let before = text.as_bytes().get(..before).unwrap_or(&[]);
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let wanted = shown_line(self.wanted.lines().next().unwrap_or("the next record"));
        let wanted = format!("in this place `{wanted}`");
        (line.saturating_add(1), wanted, found)
    }
}

impl fmt::Write for Same<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => {
                self.wanted = text.to_owned();
                Err(fmt::Error)
            }
        }
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::super::format::check;
    use super::super::lines::Lines;
    use super::super::records::Records;
    use super::*;
    use crate::certificate::{Certificate, Fingerprint};
    use crate::store::{BlockSelector, EntryOptions, GroupId, PinScope, TrustStore};

    fn empty() -> TrustStore {
        let keys = crate::tls::key_policy(&crate::tls::provider::default_provider());
        TrustStore::new(keys)
    }

    fn text() -> String {
        let mut store = empty();
        let group: GroupId = "pair".parse().unwrap();
        store.add_group(group.clone()).unwrap();
        for number in 1..4 {
            let id: ServerId = format!("keys-{number}").parse().unwrap();
            let names = ["a", "b"].map(|name| format!("{name}{number}.example").parse().unwrap());
            store.add_server(id.clone(), names).unwrap();
            let fingerprint = Fingerprint::from_bytes([number; 32]);
            let options = EntryOptions::new().with_label("one").with_any_role();
            let _ = store
                .install_pin_fingerprint(PinScope::Server(id), fingerprint, options)
                .unwrap();
        }
        let pem = include_bytes!("../../../tests/fixtures/ee-p256.pem");
        let certificate = Certificate::from_pem(pem).unwrap();
        let options = EntryOptions::new().with_label("two");
        store
            .install_pin(PinScope::Clients, certificate, options)
            .unwrap();
        let blocked = BlockSelector::Fingerprint(Fingerprint::from_bytes([9; 32]));
        let _ = store.block_selector(blocked);
        let mut text = String::new();
        write::content(store.contents(), &UnknownRecords::default(), &mut text).unwrap();
        text
    }

    /// Whether the text is found to be right, without writing its servers and entries again, and with that. `None` if it
    /// cannot be read.
    fn found(text: &str) -> Option<(bool, bool)> {
        let mut lines = Lines::new(text);
        lines.next().ok()?;
        let mut records = Records::new(empty(), (1, 0));
        while records.take(&lines.record().ok()?).ok()? {}
        records.snapshot_done();
        let (view, kept) = (records.store.contents(), &records.kept);
        let content = &text[..lines.at()];
        let quick = records.exact.holds(view, kept, content);
        Some((quick, same_text(view, kept, content).is_ok()))
    }

    #[test]
    fn a_text_that_is_written_is_found_to_be_right_without_writing_it_again() {
        assert_eq!(found(&text()), Some((true, true)));
    }

    #[test]
    fn every_text_that_is_not_written_so_is_left_to_the_comparison_which_refuses_it() {
        let text = text();
        let records: Vec<&str> = {
            let starts = ["generation ", "group ", "server ", "pin ", "block ", "end "];
            let mut at: Vec<usize> = starts
                .iter()
                .flat_map(|start| {
                    text.match_indices(&format!("\n{start}"))
                        .collect::<Vec<_>>()
                })
                .map(|(at, _)| at + 1)
                .collect();
            at.sort_unstable();
            at.push(text.len());
            let ranges = at.windows(2);
            ranges.map(|range| &text[range[0]..range[1]]).collect()
        };
        assert_eq!(records.len(), 11);
        let title = &text[..text.find('\n').unwrap() + 1];
        // Two records in each other's places, wherever they can be read so.
        let mut swapped = 0;
        for one in 0..records.len() - 1 {
            for other in one + 1..records.len() - 1 {
                let mut records = records.clone();
                records.swap(one, other);
                let changed = format!("{title}{}", records.concat());
                if let Some(found) = found(&changed) {
                    assert_eq!(found, (false, false), "{changed}");
                    swapped += 1;
                }
            }
        }
        assert!(swapped > 10, "{swapped}");
        let pem = "-----BEGIN CERTIFICATE-----\n";
        for (from, to) in [
            // Fields in another order, a name twice, a section in another form, a block before the last entry.
            ("  label one\n  role any\n", "  role any\n  label one\n"),
            (
                "  name a2.example\n  name b2",
                "  name b2.example\n  name a2",
            ),
            (
                "  name a2.example\n",
                "  name a2.example\n  name a2.example\n",
            ),
            ("  name a2.example\n", "  name A2.example\n"),
            (pem, "-----BEGIN CERTIFICATE-----\n\n"),
        ] {
            assert_eq!(text.matches(from).count().min(1), 1, "{from}");
            let changed = text.replacen(from, to, 1);
            assert_eq!(found(&changed), Some((false, false)), "{changed}");
        }
        let generation = records[0].trim_end();
        let other = format!("generation 3{}\n", check("generation 3"));
        assert_ne!(format!("{generation}\n"), other);
        let changed = text.replacen(records[0], &format!("{other}{}", records[0]), 1);
        assert_eq!(found(&changed), Some((false, false)), "{changed}");
        let end = records[10].replace("entries 4", "entries 5");
        let head = end.split(" #").next().unwrap();
        let changed = text.replacen(records[10], &format!("{head}{}\n", check(head)), 1);
        assert_eq!(found(&changed), Some((false, false)), "{changed}");
    }
}
