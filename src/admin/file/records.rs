//! Reads the records into a store.

use std::collections::BTreeSet;
use std::sync::Arc;

use pki_types::UnixTime;

use super::UnknownRecords;
use super::fields::{Fields, Origin, certificate, crl_der};
use super::format::{generation, is_later, time};
use super::headers::{block, checked_issuer, crl, entry_key, parsed, server};
use super::lines::{Field, Record, expected, no_section, once};
use super::write::server_name;
use crate::admin::file::error::StoreFileError;
use crate::certificate::{Fingerprint, HostName};
use crate::store::error::StoreError;
use crate::store::{
    CrlOrigin, EntryKey, HeldCrl, HeldEntry, HeldServer, Slot, Truncated, TrustStore,
};

/// Adds one record after another to a store.
pub(super) struct Records {
    store: TrustStore,
    kept: UnknownRecords,
    generation: Option<u64>,
    floor: Option<UnixTime>,
    disabled: Truncated<(EntryKey, String)>,
    disabled_crls: Truncated<(Fingerprint, String)>,
    /// Texts that several entries share, so that they are in memory once.
    shared: BTreeSet<Arc<str>>,
}

impl Records {
    pub(super) fn new(store: TrustStore, minor: u32) -> Self {
        Self {
            store,
            kept: UnknownRecords {
                minor,
                ..UnknownRecords::default()
            },
            generation: None,
            floor: None,
            disabled: Truncated::default(),
            disabled_crls: Truncated::default(),
            shared: BTreeSet::new(),
        }
    }

    pub(super) fn done(mut self) -> Done {
        let generation = self.generation.unwrap_or(0);
        self.store.restore_numbers(generation, self.floor);
        Done {
            store: self.store,
            kept: self.kept,
            disabled: self.disabled,
            disabled_crls: self.disabled_crls,
        }
    }

    /// Reads a record. `false` if it was the last one.
    pub(super) fn take(&mut self, record: &Record<'_>) -> Result<bool, StoreFileError> {
        let (kind, rest) = record.head.split_once(' ').unwrap_or((record.head, ""));
        let wrong = |what: &str| expected(record.line, what, record.head);
        match kind {
            "generation" => {
                let number = generation(rest);
                let number = number.ok_or_else(|| wrong("`generation` and a number below 2^62"))?;
                self.generation = Some(number);
                self.only_head(record, kind)?;
            }
            "floor" => {
                self.floor = Some(time(rest).ok_or_else(|| wrong("`floor` and a time"))?);
                self.only_head(record, kind)?;
            }
            "group" => {
                let id = rest.parse().map_err(|_| wrong("`group` and its id"))?;
                let added = self.store.restore_group(id);
                added.map_err(contradiction(record))?;
                self.only_head(record, record.head)?;
            }
            "server" => self.server(record)?,
            "pin" | "authority" | "intermediate" => self.entry(record)?,
            "block" => {
                let block = block(rest).ok_or_else(|| wrong("what is blocked"))?;
                self.store.restore_block(&block);
                self.only_head(record, record.head)?;
            }
            "checked" => {
                let issuer = checked_issuer(rest);
                let issuer = issuer.ok_or_else(|| wrong("an issuer's name and its key"))?;
                self.store.restore_check(&issuer);
                self.only_head(record, record.head)?;
            }
            "crl" => self.crl(record, rest)?,
            "end" => {
                // Its counts are checked when the content is written again.
                if self.generation.is_none() {
                    return Err(wrong("a record `generation` before it"));
                }
                self.only_head(record, kind)?;
                return Ok(false);
            }
            _ if is_later(self.kept.minor) => self.kept.records.push(record.text.to_owned()),
            _ => return Err(wrong("a record of version 1.0")),
        }
        Ok(true)
    }

    fn only_head(&mut self, record: &Record<'_>, name: &str) -> Result<(), StoreFileError> {
        no_section(record)?;
        for field in &record.fields {
            self.unknown(field, name)?;
        }
        Ok(())
    }

    /// An unknown field. It is kept if a later version wrote it.
    fn unknown(&mut self, field: &Field<'_>, name: &str) -> Result<(), StoreFileError> {
        if !is_later(self.kept.minor) {
            return Err(expected(field.line, "a field of this record", field.text));
        }
        let lines = self.kept.fields.entry(name.to_owned()).or_default();
        lines.push(field.text.to_owned());
        Ok(())
    }

    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(found) = self.shared.get(text) {
            return found.clone();
        }
        let made: Arc<str> = text.into();
        self.shared.insert(made.clone());
        made
    }

    fn server(&mut self, record: &Record<'_>) -> Result<(), StoreFileError> {
        let (id, claim) = server(record.head).ok_or_else(|| {
            let what = "`server`, its id, and `unclaimed`, `claimed` or `migrating until` a time";
            expected(record.line, what, record.head)
        })?;
        let mut held = HeldServer {
            id,
            names: BTreeSet::new(),
            expected: BTreeSet::new(),
            group: None,
            claim,
        };
        let name = server_name(&held.id);
        for field in &record.fields {
            let names = match field.name {
                "name" => &mut held.names,
                "expect" => &mut held.expected,
                "group" => {
                    once(&mut held.group, field, "the id of a group", parsed)?;
                    continue;
                }
                _ => {
                    self.unknown(field, &name)?;
                    continue;
                }
            };
            let host: Option<HostName> = parsed(field.value);
            let host = host.ok_or_else(|| expected(field.line, "a name", field.text))?;
            names.insert(host);
        }
        no_section(record)?;
        let added = self.store.restore_server(held);
        added.map_err(contradiction(record))
    }

    fn crl(&mut self, record: &Record<'_>, rest: &str) -> Result<(), StoreFileError> {
        let wrong = |what: &str| expected(record.line, what, record.head);
        let (issuer, fingerprint) =
            crl(rest).ok_or_else(|| wrong("an issuer's name, its key, and a fingerprint"))?;
        // Checked issuers have records of their own, because they stay when a list is removed.
        let crls = self.store.contents().data().crls();
        if crls.of(&issuer).is_none() {
            return Err(wrong("a record `checked` of its issuer before it"));
        }
        let mut read = Origin::default();
        for field in &record.fields {
            if !read.take(field)? {
                self.unknown(field, record.head)?;
            }
        }
        let section = record.section.ok_or_else(|| wrong("a list below it"))?;
        let der = crl_der(section)?;
        if Fingerprint::over(&der) != fingerprint {
            let found = Fingerprint::over(&der).to_string();
            return Err(expected(
                section.line,
                &format!("the list {fingerprint}"),
                &found,
            ));
        }
        let held = HeldCrl {
            issuer,
            der: &der,
            origin: CrlOrigin {
                installed: read.installed,
                installed_by: read.by.map(|who| self.shared(who)),
            },
            disabled: read.disabled.map(Box::from),
        };
        if let Some(why) = self.store.restore_crl(held) {
            self.disabled_crls.push((fingerprint, why));
        }
        Ok(())
    }

    fn entry(&mut self, record: &Record<'_>) -> Result<(), StoreFileError> {
        let key = entry_key(record.head).ok_or_else(|| {
            let what = "a slot, a scope that it has, and a fingerprint";
            expected(record.line, what, record.head)
        })?;
        let mut read = Fields::default();
        for field in &record.fields {
            if !read.take(field)? {
                self.unknown(field, record.head)?;
            }
        }
        let der = record.section.map(certificate).transpose()?;
        if let (Some(der), Some(section)) = (&der, record.section)
            && Fingerprint::over(der) != key.fingerprint
        {
            let what = format!("the certificate {}", key.fingerprint);
            let found = Fingerprint::over(der).to_string();
            return Err(expected(section.line, &what, &found));
        }
        if der.is_none() && key.slot != Slot::Pin {
            return Err(expected(record.line, "a certificate below it", record.head));
        }
        let held = HeldEntry {
            key: key.clone(),
            der: der.as_deref(),
            installed: read.origin.installed,
            installed_by: read.origin.by.map(|who| self.shared(who)),
            source: read.source.map(|source| self.shared(source)),
            disabled: read.origin.disabled.map(Box::from),
            options: read.options(),
        };
        let refused = self.store.restore_entry(held);
        if let Some(why) = refused.map_err(contradiction(record))? {
            self.disabled.push((key, why));
        }
        Ok(())
    }
}

/// The result.
pub(super) struct Done {
    pub(super) store: TrustStore,
    pub(super) kept: UnknownRecords,
    pub(super) disabled: Truncated<(EntryKey, String)>,
    pub(super) disabled_crls: Truncated<(Fingerprint, String)>,
}

fn contradiction(record: &Record<'_>) -> impl FnOnce(StoreError) -> StoreFileError {
    let line = record.line;
    move |source| StoreFileError::Contradiction {
        line,
        source: Box::new(source),
    }
}
