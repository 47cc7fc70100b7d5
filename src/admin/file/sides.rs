//! The records of a change: those that went, and those that came.

use pki_types::UnixTime;

use super::change::{CAME, GONE};
use super::headers;
use super::lines::{Lines, Record, expected};
use super::records::Records;
use super::write::server_name;
use crate::admin::file::error::StoreFileError;

pub(super) fn kind<'a>(record: &Record<'a>) -> &'a str {
    record.head.split(' ').next().unwrap_or("")
}

/// The records of one side, without their sign: each run of lines with this sign, with the number of the line before it.
pub(super) fn runs(body: &str, line: usize, sign: char) -> Result<Vec<Run>, StoreFileError> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    for (number, text) in (line.saturating_add(1)..).zip(body.split_inclusive('\n')) {
        let Some(text) = text.strip_prefix(sign) else {
            if !text.starts_with([GONE, CAME]) {
                return Err(expected(number, "a line of a record, with its sign", text));
            }
            open = false;
            continue;
        };
        match runs.last_mut().filter(|_| open) {
            Some(run) => run.text.push_str(text),
            None => runs.push(Run {
                text: text.to_owned(),
                before: number.saturating_sub(1),
            }),
        }
        open = true;
    }
    Ok(runs)
}

/// Lines of one side that follow one another.
pub(super) struct Run {
    text: String,
    /// The number of the line before them.
    before: usize,
}

impl Run {
    pub(super) fn records(&self) -> Result<Vec<Record<'_>>, StoreFileError> {
        let mut lines = Lines::from(&self.text, 0, self.before);
        let mut records = Vec::new();
        while lines.at() < self.text.len() {
            records.push(lines.record()?);
        }
        Ok(records)
    }
}

impl Records {
    /// Takes out the records that went. What must stay while others refer to it goes last.
    pub(super) fn take_out(&mut self, runs: &[Run]) -> Result<(), StoreFileError> {
        let mut all = Vec::new();
        for run in runs {
            all.extend(run.records()?);
        }
        let rank = |record: &Record<'_>| match kind(record) {
            "crl" => 0,
            "checked" => 1,
            "server" => 3,
            "group" => 4,
            _ => 2_u8,
        };
        all.sort_by_key(rank);
        for record in &all {
            self.take_one_out(record)?;
        }
        Ok(())
    }

    fn take_one_out(&mut self, record: &Record<'_>) -> Result<(), StoreFileError> {
        let (kind, rest) = record.head.split_once(' ').unwrap_or((record.head, ""));
        let store = &mut self.store;
        let name = match kind {
            "floor" => kind.to_owned(),
            "server" => {
                let id = headers::server(record.head).map(|(id, _)| server_name(&id));
                id.unwrap_or_default()
            }
            _ => record.head.to_owned(),
        };
        let done = match kind {
            "floor" => {
                let held: Option<UnixTime> = self.floor.take();
                held.is_some()
            }
            "group" => headers::parsed(rest).is_some_and(|id| store.forget_group(&id)),
            "server" => {
                headers::server(record.head).is_some_and(|(id, _)| store.forget_server(&id))
            }
            "block" => headers::block(rest).is_some_and(|block| store.forget_block(&block)),
            "checked" => {
                headers::checked_issuer(rest).is_some_and(|issuer| store.forget_check(&issuer))
            }
            "crl" => headers::crl(rest).is_some_and(|(_, list)| store.forget_crl(list)),
            "pin" | "authority" | "intermediate" => {
                headers::entry_key(record.head).is_some_and(|key| store.forget_entry(&key))
            }
            _ => {
                let held = self.kept.records.len();
                self.kept.records.retain(|kept| kept != record.text);
                self.kept.records.len() < held
            }
        };
        self.kept.fields.remove(&name);
        match done {
            true => Ok(()),
            false => Err(expected(
                record.line,
                "a record that the store holds",
                record.head,
            )),
        }
    }
}
