//! Reads the records into a store.

use std::collections::BTreeSet;
use std::sync::Arc;

use pki_types::UnixTime;

use super::UnknownRecords;
use super::fields::{Fields, Origin, certificate, crl_der};
use super::format::{ContentDigest, ORDERED, WITH_JOURNAL, generation, is_later, time};
use super::headers::{block, checked_issuer, crl, entry_key, parsed, server};
use super::lines::{Field, Record, expected, no_section, once};
use super::role;
use super::same::Exact;
use super::write::server_name;
use crate::admin::file::error::StoreFileError;
use crate::certificate::{Certificate, Fingerprint, HostName};
use crate::store::error::StoreError;
use crate::store::{
    Bulk, CrlOrigin, EntryKey, HeldCrl, HeldEntry, HeldServer, Slot, Truncated, TrustSnapshot,
    TrustStore,
};

/// Adds one record after another to a store.
pub(super) struct Records {
    pub(super) store: TrustStore,
    pub(super) kept: UnknownRecords,
    pub(super) generation: Option<u64>,
    pub(super) floor: Option<UnixTime>,
    /// The entries that were read.
    pub(super) came: Vec<EntryKey>,
    disabled: Truncated<(EntryKey, String)>,
    disabled_crls: Truncated<(Fingerprint, String)>,
    /// Texts that several entries share, so that they are in memory once.
    shared: BTreeSet<Arc<str>>,
    /// Has certificates that were read before. Equal bytes are not read again.
    known: TrustSnapshot,
    /// What the tables of a snapshot are built of. Changes are made in tables that are there.
    bulk: Option<Bulk>,
    pub(super) exact: Exact,
}

impl Records {
    pub(super) fn new(store: TrustStore, (major, minor): (u32, u32)) -> Self {
        let kept = UnknownRecords {
            major,
            minor,
            ..UnknownRecords::default()
        };
        Self {
            bulk: Some(Bulk::default()),
            ..Self::on(store, kept)
        }
    }

    /// Goes on with a store that was read.
    pub(super) fn on(store: TrustStore, kept: UnknownRecords) -> Self {
        Self {
            store,
            kept,
            came: Vec::new(),
            generation: None,
            floor: None,
            disabled: Truncated::default(),
            disabled_crls: Truncated::default(),
            shared: BTreeSet::new(),
            known: TrustSnapshot::default(),
            bulk: None,
            exact: Exact::default(),
        }
    }

    /// The same, with a snapshot whose certificates were read before.
    #[cfg(feature = "bundle")]
    pub(super) fn knowing(self, known: TrustSnapshot) -> Self {
        Self { known, ..self }
    }

    /// The snapshot is read; changes may follow.
    pub(super) fn snapshot_done(&mut self) {
        if let Some(mut bulk) = self.bulk.take() {
            bulk.finish(&mut self.store);
        }
        let generation = self.generation.unwrap_or(0);
        self.store.restore_numbers(generation, self.floor);
    }

    /// Checks that writing the content again gives the text of the snapshot, which is read.
    pub(super) fn check_text(&self, content: &str) -> Result<(), StoreFileError> {
        self.exact.check(self.store.contents(), &self.kept, content)
    }

    /// A copy on which a change is tried.
    pub(super) fn fork(&mut self) -> Self {
        Self {
            store: self.store.fork(),
            kept: self.kept.clone(),
            generation: self.generation,
            floor: self.floor,
            came: Vec::new(),
            disabled: self.disabled.clone(),
            disabled_crls: self.disabled_crls.clone(),
            shared: core::mem::take(&mut self.shared),
            known: self.known.clone(),
            bulk: None,
            exact: Exact::default(),
        }
    }

    pub(super) fn done(self) -> Done {
        // A change may have removed what the snapshot had disabled.
        let mut disabled = Truncated::default();
        for (key, why) in &self.disabled {
            if self.store.contents().entry(key).is_some() {
                disabled.push((key.clone(), why.clone()));
            }
        }
        disabled.count(self.disabled.omitted());
        let mut disabled_crls = Truncated::default();
        for (list, why) in &self.disabled_crls {
            if self.store.holds_crl(*list) {
                disabled_crls.push((*list, why.clone()));
            }
        }
        disabled_crls.count(self.disabled_crls.omitted());
        Done {
            store: self.store,
            kept: self.kept,
            disabled,
            disabled_crls,
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
            "head" if self.kept.major >= WITH_JOURNAL => {
                let head = rest.strip_prefix("sha256 ").and_then(ContentDigest::read);
                self.kept.head = Some(head.ok_or_else(|| wrong("`head sha256` and a digest"))?);
                self.only_head(record, kind)?;
            }
            "floor" => {
                self.floor = Some(time(rest).ok_or_else(|| wrong("`floor` and a time"))?);
                self.only_head(record, kind)?;
            }
            "group" => {
                let id = rest.parse().map_err(|_| wrong("`group` and its id"))?;
                let added = self.store.restore_group(id);
                added.map_err(contradiction(record.line))?;
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
            _ => return Err(wrong("a record of this version")),
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
    pub(super) fn unknown(&mut self, field: &Field<'_>, name: &str) -> Result<(), StoreFileError> {
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
            role: None,
        };
        for field in &record.fields {
            let names = match field.name {
                "name" => &mut held.names,
                "expect" => &mut held.expected,
                "group" => {
                    once(&mut held.group, field, "the id of a group", parsed)?;
                    continue;
                }
                "order" if self.kept.minor >= ORDERED => {
                    let what = "a place, or a place, `of` and a server";
                    once(&mut held.role, field, what, role::read)?;
                    continue;
                }
                _ => {
                    self.unknown(field, &server_name(&held.id))?;
                    continue;
                }
            };
            let host: Option<HostName> = parsed(field.value);
            let host = host.ok_or_else(|| expected(field.line, "a name", field.text))?;
            names.insert(host);
        }
        no_section(record)?;
        let added = match &mut self.bulk {
            Some(bulk) => bulk.server(&mut self.store, held),
            None => self.store.restore_server(held),
        };
        let server = added.map_err(contradiction(record.line))?;
        self.exact.server(record, &server);
        Ok(())
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
        let mut fields = Fields::default();
        for field in &record.fields {
            if !fields.take(field)? {
                self.unknown(field, record.head)?;
            }
        }
        let der = record.section.map(certificate).transpose()?;
        let (der, is_exact) = der.map_or((None, true), |(der, exact)| (Some(der), exact));
        let read = der.as_deref().and_then(|der| self.known.data().known(der));
        let read = read.cloned();
        let over = |der: &[u8]| {
            let read = read.as_ref().map(Certificate::fingerprint);
            read.unwrap_or_else(|| Fingerprint::over(der))
        };
        if let (Some(der), Some(section)) = (&der, record.section)
            && over(der) != key.fingerprint
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
            read,
            installed: fields.origin.installed,
            installed_by: fields.origin.by.map(|who| self.shared(who)),
            source: fields.source.map(|source| self.shared(source)),
            disabled: fields.origin.disabled.map(Box::from),
            options: fields.options(),
        };
        let restored = match &mut self.bulk {
            Some(bulk) => bulk.entry(&mut self.store, held),
            None => self.store.restore_entry(held),
        };
        if key.slot != Slot::Pin {
            self.came.push(key.clone());
        }
        let (entry, refused) = restored.map_err(contradiction(record.line))?;
        self.exact.entry(record, &entry, is_exact);
        if let Some(why) = refused {
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

pub(super) fn contradiction(line: usize) -> impl FnOnce(StoreError) -> StoreFileError {
    move |source| StoreFileError::Contradiction {
        line,
        source: Box::new(source),
    }
}
