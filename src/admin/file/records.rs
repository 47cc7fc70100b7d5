//! What each record means.

use core::str::FromStr;
use std::collections::BTreeSet;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use pki_types::UnixTime;

use super::Kept;
use super::format::{LABEL, generation, grace, is_later, time};
use super::lines::{Field, Record, Section};
use super::read::{expected, no_section, once};
use super::write::{entry_head, server_head, server_name};
use crate::certificate::{Fingerprint, HostName, der, pem};
use crate::error::{StoreError, StoreFileError};
use crate::limits::{MAX_CERTIFICATE_BYTES, MAX_SERIAL_BYTES};
use crate::store::{
    BlockSelector, Bounded, Claim, EntryKey, EntryOptions, HeldEntry, HeldServer, Matching,
    SanPattern, Scope, ServerId, Slot, TrustStore, ValidityRule,
};

/// Puts record after record into a store.
pub(super) struct Records {
    store: TrustStore,
    kept: Kept,
    generation: Option<u64>,
    floor: Option<UnixTime>,
    disabled: Bounded<(EntryKey, String)>,
    /// The texts that entries have in common, so that they are in memory once.
    shared: BTreeSet<Arc<str>>,
}

impl Records {
    pub(super) fn new(store: TrustStore, minor: u32) -> Self {
        Self {
            store,
            kept: Kept {
                minor,
                ..Kept::default()
            },
            generation: None,
            floor: None,
            disabled: Bounded::default(),
            shared: BTreeSet::new(),
        }
    }

    pub(super) fn done(mut self) -> (TrustStore, Kept, Bounded<(EntryKey, String)>) {
        let generation = self.generation.unwrap_or(0);
        self.store.restore_numbers(generation, self.floor);
        (self.store, self.kept, self.disabled)
    }

    /// Takes a record; `false` if it was the last one.
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
            "end" => {
                // Whether it counts right is told when it is written again.
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

    /// A field that is not known: kept if a later version wrote it.
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
            installed: read.installed,
            installed_by: read.by.map(|who| self.shared(who)),
            source: read.source.map(|source| self.shared(source)),
            disabled: read.disabled.map(Box::from),
            options: read.options(),
        };
        let refused = self.store.restore_entry(held);
        if let Some(why) = refused.map_err(contradiction(record))? {
            self.disabled.push((key, why));
        }
        Ok(())
    }
}

fn contradiction(record: &Record<'_>) -> impl FnOnce(StoreError) -> StoreFileError {
    let line = record.line;
    move |source| StoreFileError::Contradiction {
        line,
        source: Box::new(source),
    }
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// What a line of [`server_head`] says.
pub(super) fn server(head: &str) -> Option<(ServerId, Claim)> {
    let (id, claim) = head.strip_prefix("server ")?.split_once(' ')?;
    let claim = match claim.strip_prefix("migrating until ") {
        Some(until) => Claim::Migrating {
            until: time(until)?,
        },
        None if claim == "claimed" => Claim::Claimed,
        None if claim == "unclaimed" => Claim::Unclaimed,
        None => return None,
    };
    let id = parsed(id)?;
    (server_head(&id, claim) == head).then_some((id, claim))
}

/// What a line of [`entry_head`] says. Only slots with scopes that they have.
pub(super) fn entry_key(head: &str) -> Option<EntryKey> {
    let (slot, rest) = head.split_once(' ')?;
    let (scope, fingerprint) = rest.rsplit_once(' ')?;
    let slot = match slot {
        "pin" => Slot::Pin,
        "authority" => Slot::Authority,
        "intermediate" => Slot::Intermediate,
        _ => return None,
    };
    let scope = match (slot, scope.split_once(' ').unwrap_or((scope, ""))) {
        (Slot::Pin | Slot::Authority, ("server", id)) => Scope::Server(parsed(id)?),
        (Slot::Pin, ("group", id)) => Scope::Group(parsed(id)?),
        (Slot::Authority, ("any-server", "")) => Scope::AnyServer,
        (Slot::Pin | Slot::Authority, ("clients", "")) => Scope::Clients,
        (Slot::Intermediate, ("everyone", "")) => Scope::Everyone,
        _ => return None,
    };
    let key = EntryKey::new(slot, scope, parsed(fingerprint)?);
    (entry_head(&key) == head).then_some(key)
}

/// What stands behind `block `.
pub(super) fn block(rest: &str) -> Option<BlockSelector> {
    let words: Vec<&str> = rest.split(' ').collect();
    match words.as_slice() {
        ["certificate", fingerprint, "key", key] => Some(BlockSelector::Certificate {
            fingerprint: parsed(fingerprint)?,
            key: parsed(key)?,
        }),
        ["fingerprint", fingerprint] => Some(BlockSelector::Fingerprint(parsed(fingerprint)?)),
        ["key", key] => Some(BlockSelector::Key(parsed(key)?)),
        ["issuer", issuer, "serial", serial] => {
            let issuer = Base64::decode_vec(issuer).ok()?;
            let serial = Base64::decode_vec(serial).ok()?;
            // A name ends where its length says: no two pairs of issuer and serial run together.
            let whole = der::take(&issuer).is_some_and(|(_, rest)| rest.is_empty());
            let fits = issuer.len() <= MAX_CERTIFICATE_BYTES && serial.len() <= MAX_SERIAL_BYTES;
            (whole && fits).then(|| BlockSelector::IssuerSerial {
                issuer: issuer.into(),
                serial: serial.into(),
            })
        }
        _ => None,
    }
}

fn certificate(section: Section<'_>) -> Result<Vec<u8>, StoreFileError> {
    let wrong = |found: &str| expected(section.line, "a certificate in PEM", found);
    let found = pem::sections(section.text.as_bytes());
    let found = found.map_err(|error| wrong(&error.to_string()))?;
    let [only] = found.as_slice() else {
        return Err(wrong("several"));
    };
    if only.label != LABEL {
        return Err(wrong(only.label));
    }
    let der = only.decode().map_err(|error| wrong(&error.to_string()))?;
    if der.is_empty() || der.len() > MAX_CERTIFICATE_BYTES {
        return Err(wrong(&format!("{} bytes", der.len())));
    }
    Ok(der.to_vec())
}

/// The fields of an entry.
#[derive(Default)]
struct Fields<'a> {
    label: Option<&'a str>,
    matching: Option<Matching>,
    validity: Option<ValidityRule>,
    any_role: Option<()>,
    ends: Option<UnixTime>,
    patterns: Vec<SanPattern>,
    installed: Option<UnixTime>,
    by: Option<&'a str>,
    source: Option<&'a str>,
    disabled: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// Takes a field; `false` if it is none of them.
    fn take(&mut self, field: &Field<'a>) -> Result<bool, StoreFileError> {
        match field.name {
            "label" => once(&mut self.label, field, "a label", Some)?,
            "match" => once(&mut self.matching, field, "`match public-key`", |value| {
                (value == "public-key").then_some(Matching::PublicKey)
            })?,
            "validity" => {
                let what = "`validity enforce` or `validity grace`, a number and `s`";
                once(&mut self.validity, field, what, validity)?;
            }
            "role" => once(&mut self.any_role, field, "`role any`", |value| {
                (value == "any").then_some(())
            })?,
            "ends" => once(&mut self.ends, field, "a time", time)?,
            "san" => {
                let pattern = parsed(field.value);
                let wrong = || expected(field.line, "a pattern for names", field.text);
                self.patterns.push(pattern.ok_or_else(wrong)?);
            }
            "installed" => once(&mut self.installed, field, "a time", time)?,
            "by" => once(&mut self.by, field, "who installed it", said)?,
            "source" => once(&mut self.source, field, "the name of a source", said)?,
            "disabled" => once(&mut self.disabled, field, "why it is disabled", said)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn options(self) -> EntryOptions {
        let mut options = EntryOptions::new().san_patterns(self.patterns);
        if let Some(label) = self.label {
            options = options.label(label);
        }
        if let Some(matching) = self.matching {
            options = options.matching(matching);
        }
        if let Some(rule) = self.validity {
            options = options.validity(rule);
        }
        if self.any_role.is_some() {
            options = options.any_role();
        }
        if let Some(end) = self.ends {
            options = options.ends(end);
        }
        options
    }
}

fn said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn validity(text: &str) -> Option<ValidityRule> {
    match text.strip_prefix("grace ") {
        Some(text) => grace(text).map(ValidityRule::Grace),
        None => (text == "enforce").then_some(ValidityRule::Enforce),
    }
}
