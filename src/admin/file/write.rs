//! A view as the text of the file. The same content is the same bytes.

use core::fmt::{self, Write};

use base64ct::{Base64, Encoding};

use super::format::{
    ContentDigest, DIGEST, INDENT, LABEL, MAJOR, SEAL, TITLE, Time, check, grace_text, slot_word,
};
use super::{Kept, Seal};
use crate::certificate::pem;
use crate::error::StoreFileError;
use crate::limits::{MAX_SEAL_BYTES, MAX_STORE_FILE_BYTES};
use crate::store::{
    BlockSelector, Claim, Entry, EntryKey, Matching, Scope, Server, ServerId, ValidityRule, View,
};

/// Writes the whole file: content, digest, and the seal if there is one.
pub(super) fn file(
    view: &View,
    kept: &Kept,
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest), StoreFileError> {
    let mut text = String::new();
    // A string takes all that is written to it.
    let _ = content(view, kept, &mut text);
    let digest = ContentDigest::over(&text);
    text.push_str(&digest_line(digest));
    if let Some(seal) = seal {
        let bytes = seal.seal(text.as_bytes());
        if bytes.is_empty() || bytes.len() > MAX_SEAL_BYTES {
            return Err(StoreFileError::SealSize {
                size: bytes.len(),
                limit: MAX_SEAL_BYTES,
            });
        }
        text.push_str(&format!("{SEAL}{}\n", Base64::encode_string(&bytes)));
    }
    if text.len() > MAX_STORE_FILE_BYTES {
        return Err(StoreFileError::TooLarge {
            size: text.len(),
            limit: MAX_STORE_FILE_BYTES,
        });
    }
    Ok((text, digest))
}

pub(super) fn digest_line(digest: ContentDigest) -> String {
    format!("{DIGEST}{digest}\n")
}

/// Everything that the digest is over: from the first line to `end`.
pub(super) fn content(view: &View, kept: &Kept, out: &mut impl Write) -> fmt::Result {
    let mut out = Out { kept, out };
    writeln!(out.out, "{TITLE}{MAJOR}.{}", kept.minor)?;
    out.record(&format!("generation {}", view.generation()), "generation")?;
    if let Some(floor) = view.floor() {
        out.record(&format!("floor {}", Time(floor)), "floor")?;
    }
    let mut counts = [0_usize; 4];
    let [groups, servers, entries, blocks] = &mut counts;
    for group in view.groups() {
        *groups = groups.saturating_add(1);
        let head = format!("group {}", group.id());
        out.record(&head, &head)?;
    }
    for server in view.servers() {
        *servers = servers.saturating_add(1);
        out.server(server)?;
    }
    for entry in view.entries() {
        *entries = entries.saturating_add(1);
        out.entry(entry)?;
    }
    for block in view.blocks() {
        *blocks = blocks.saturating_add(1);
        let head = block_head(block);
        out.record(&head, &head)?;
    }
    for record in &kept.records {
        out.out.write_str(record)?;
    }
    let head = end_head(counts);
    out.record(&head, "end")
}

/// What the last record says: how many of each kind there are.
fn end_head([groups, servers, entries, blocks]: [usize; 4]) -> String {
    format!("end groups {groups} servers {servers} entries {entries} blocks {blocks}")
}

pub(super) fn server_name(id: &ServerId) -> String {
    format!("server {id}")
}

pub(super) fn server_head(id: &ServerId, claim: Claim) -> String {
    let name = server_name(id);
    match claim {
        Claim::Unclaimed => format!("{name} unclaimed"),
        Claim::Claimed => format!("{name} claimed"),
        Claim::Migrating { until } => format!("{name} migrating until {}", Time(until)),
    }
}

pub(super) fn entry_head(key: &EntryKey) -> String {
    let scope = match &key.scope {
        Scope::Server(id) => format!("server {id}"),
        Scope::Group(id) => format!("group {id}"),
        Scope::AnyServer => String::from("any-server"),
        Scope::Clients => String::from("clients"),
        Scope::Everyone => String::from("everyone"),
    };
    format!("{} {scope} {}", slot_word(key.slot), key.fingerprint)
}

pub(super) fn block_head(block: &BlockSelector) -> String {
    match block {
        BlockSelector::Certificate { fingerprint, key } => {
            format!("block certificate {fingerprint} key {key}")
        }
        BlockSelector::Fingerprint(fingerprint) => format!("block fingerprint {fingerprint}"),
        BlockSelector::Key(key) => format!("block key {key}"),
        BlockSelector::IssuerSerial { issuer, serial } => format!(
            "block issuer {} serial {}",
            Base64::encode_string(issuer),
            Base64::encode_string(serial)
        ),
    }
}

struct Out<'a, W> {
    kept: &'a Kept,
    out: &'a mut W,
}

impl<W: Write> Out<'_, W> {
    /// The first line of a record with its check.
    fn head(&mut self, head: &str) -> fmt::Result {
        writeln!(self.out, "{head}{}", check(head))
    }

    /// A record of which only the first line is ours.
    fn record(&mut self, head: &str, name: &str) -> fmt::Result {
        self.head(head)?;
        self.unknown(name)
    }

    fn field(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        writeln!(self.out, "{INDENT}{name} {value}")
    }

    /// What a later version wrote into the record of this name.
    fn unknown(&mut self, name: &str) -> fmt::Result {
        let lines = self.kept.fields.get(name).into_iter().flatten();
        for line in lines {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn server(&mut self, server: &Server) -> fmt::Result {
        self.head(&server_head(server.id(), server.claim()))?;
        for name in server.names() {
            self.field("name", name)?;
        }
        for name in server.expected_names() {
            self.field("expect", name)?;
        }
        if let Some(group) = server.group() {
            self.field("group", group)?;
        }
        self.unknown(&server_name(server.id()))
    }

    fn entry(&mut self, entry: &Entry) -> fmt::Result {
        let head = entry_head(entry.key());
        self.head(&head)?;
        let options = entry.options();
        if let Some(label) = options.get_label() {
            self.field("label", label)?;
        }
        if options.get_matching() == Matching::PublicKey {
            self.field("match", "public-key")?;
        }
        match options.get_validity() {
            Some(ValidityRule::Enforce) => self.field("validity", "enforce")?,
            Some(ValidityRule::Grace(grace)) => {
                self.field("validity", format_args!("grace {}", grace_text(grace)))?;
            }
            None => {}
        }
        if options.is_any_role() {
            self.field("role", "any")?;
        }
        if let Some(end) = options.get_ends() {
            self.field("ends", Time(end))?;
        }
        for pattern in options.get_san_patterns() {
            self.field("san", pattern)?;
        }
        if let Some(installed) = entry.installed() {
            self.field("installed", Time(installed))?;
        }
        if let Some(who) = entry.installed_by() {
            self.field("by", who)?;
        }
        if let Some(source) = entry.source() {
            self.field("source", source)?;
        }
        if let Some(why) = entry.disabled_by_call() {
            self.field("disabled", why)?;
        }
        self.unknown(&head)?;
        let der = entry.certificate().map(|found| found.der().as_ref());
        match der.or(entry.unread()) {
            Some(der) => self.out.write_str(&pem::encode(LABEL, der)),
            // Of a pin, the fingerprint is enough.
            None => Ok(()),
        }
    }
}
