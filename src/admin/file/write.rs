//! Writes a snapshot as the text of the file. The same content gives the same bytes.

use core::fmt::{self, Write};

use base64ct::{Base64, Encoding};
use pki_types::UnixTime;

use super::counts::{Counts, end_head};
use super::format::{
    ContentDigest, DIGEST, INDENT, LABEL, SEAL, TITLE, Time, check, check_generation, grace_text,
};
use super::{Seal, UnknownRecords};
use super::{role, section};
use crate::admin::file::error::StoreFileError;
use crate::certificate::{CRL_LABEL, Fingerprint};
use crate::limits::{MAX_SEAL_BYTES, MAX_STORE_FILE_BYTES};
use crate::store::{
    BlockSelector, Claim, CrlIssuer, Entry, EntryKey, InstalledCrl, PinMatch, Scope, Server,
    ServerId, TrustSnapshot, UnreadCrl, ValidityRule,
};

/// Writes the whole file: content, digest, and the seal if there is one.
pub(super) fn file(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    seal: Option<&dyn Seal>,
) -> Result<(String, ContentDigest), StoreFileError> {
    check_generation(view.generation())?;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = content(view, kept, &mut text);
    let digest = ContentDigest::over(&text);
    text.push_str(&digest_line(digest));
    push_seal(&mut text, seal)?;
    fits(&text, MAX_STORE_FILE_BYTES)?;
    Ok((text, digest))
}

/// Adds the seal over a text, if there is one.
fn push_seal(text: &mut String, seal: Option<&dyn Seal>) -> Result<(), StoreFileError> {
    if let Some(bytes) = seal_over(text, seal)? {
        text.push_str(&format!("{SEAL}{}\n", Base64::encode_string(&bytes)));
    }
    Ok(())
}

/// The seal over a text, if there is one.
pub(super) fn seal_over(
    text: &str,
    seal: Option<&dyn Seal>,
) -> Result<Option<Vec<u8>>, StoreFileError> {
    let Some(seal) = seal else {
        return Ok(None);
    };
    let bytes = seal.seal(text.as_bytes());
    if bytes.is_empty() || bytes.len() > MAX_SEAL_BYTES {
        return Err(StoreFileError::SealSize {
            size: bytes.len(),
            limit: MAX_SEAL_BYTES,
        });
    }
    Ok(Some(bytes))
}

/// Checks that a text can be read again. If not, the error has its size and the share of revocation lists.
fn fits(text: &str, limit: usize) -> Result<(), StoreFileError> {
    if text.len() <= limit {
        return Ok(());
    }
    let begin = format!("-----BEGIN {CRL_LABEL}-----\n");
    let end = format!("-----END {CRL_LABEL}-----\n");
    let lists = text.split(&begin).skip(1);
    let sizes = lists.map(|list| list.find(&end).unwrap_or(0));
    Err(StoreFileError::TooLargeToWrite {
        size: text.len(),
        crls: sizes.fold(0, usize::saturating_add),
        limit,
    })
}

pub(super) fn digest_line(digest: ContentDigest) -> String {
    format!("{DIGEST}{digest}\n")
}

/// The content under the digest: from the first line to `end`.
pub(super) fn content(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    out: &mut impl Write,
) -> fmt::Result {
    before_servers(view, kept, out)?;
    let mut records = Out { kept, out };
    for server in view.servers() {
        records.server(server)?;
    }
    for entry in view.entries() {
        records.entry(entry)?;
    }
    after_entries(view, kept, out)
}

/// What stands before the servers.
pub(super) fn before_servers(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    out: &mut impl Write,
) -> fmt::Result {
    writeln!(
        out,
        "{TITLE}{}.{}",
        kept.major,
        role::minor(view, kept.minor)
    )?;
    let mut out = Out { kept, out };
    out.record(&format!("generation {}", view.generation()), "generation")?;
    if let Some(head) = kept.head {
        out.record(&format!("head sha256 {head}"), "head")?;
    }
    if let Some(floor) = view.floor() {
        out.record(&format!("floor {}", Time(floor)), "floor")?;
    }
    for group in view.groups() {
        let head = format!("group {}", group.id());
        out.record(&head, &head)?;
    }
    Ok(())
}

/// What stands behind the entries, with the number of all records.
pub(super) fn after_entries(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    out: &mut impl Write,
) -> fmt::Result {
    let counts = Counts {
        groups: view.groups().count(),
        servers: view.data().count_servers(),
        entries: view.data().all().count(),
        ..Counts::default()
    };
    rest(view, kept, counts, out)
}

/// The same with the number of those records that stand before it.
pub(super) fn rest(
    view: &TrustSnapshot,
    kept: &UnknownRecords,
    mut counts: Counts,
    out: &mut impl Write,
) -> fmt::Result {
    let mut out = Out { kept, out };
    for block in view.blocks() {
        counts.blocks = counts.blocks.saturating_add(1);
        let head = block_head(block);
        out.record(&head, &head)?;
    }
    for issuer in view.revocation_checked_issuers() {
        counts.checked = counts.checked.saturating_add(1);
        let head = checked_head(&issuer);
        out.record(&head, &head)?;
    }
    let read = view.crls().map(StoredCrl::read);
    let mut lists: Vec<StoredCrl<'_>> = read.collect();
    lists.extend(view.unread_crls().map(StoredCrl::unread));
    lists.sort_by_key(|list| (list.issuer, list.fingerprint));
    counts.crls = lists.len();
    for list in &lists {
        out.crl(list)?;
    }
    for record in &kept.records {
        out.out.write_str(record)?;
    }
    let head = end_head(&counts);
    out.record(&head, "end")
}

/// The record of a revocation list, readable or not.
pub(super) struct StoredCrl<'a> {
    pub(super) issuer: &'a CrlIssuer,
    pub(super) fingerprint: Fingerprint,
    der: &'a [u8],
    installed: Option<UnixTime>,
    by: Option<&'a str>,
    disabled: Option<&'a str>,
}

impl<'a> StoredCrl<'a> {
    pub(super) fn read(list: &'a InstalledCrl) -> Self {
        Self {
            issuer: list.issuer(),
            fingerprint: list.crl().fingerprint(),
            der: list.crl().der(),
            installed: list.installed(),
            by: list.installed_by(),
            disabled: list.disabled(),
        }
    }

    pub(super) fn unread(list: &'a UnreadCrl) -> Self {
        Self {
            issuer: list.issuer(),
            fingerprint: list.fingerprint(),
            der: list.der(),
            installed: list.installed(),
            by: list.installed_by(),
            disabled: list.disabled(),
        }
    }
}

fn issuer_words(issuer: &CrlIssuer) -> String {
    let name = Base64::encode_string(issuer.name_der());
    format!("{name} key {}", issuer.key_pin())
}

pub(super) fn checked_head(issuer: &CrlIssuer) -> String {
    format!("checked {}", issuer_words(issuer))
}

pub(super) fn crl_head(issuer: &CrlIssuer, fingerprint: Fingerprint) -> String {
    format!("crl {} {fingerprint}", issuer_words(issuer))
}

pub(super) fn server_name(id: &ServerId) -> String {
    format!("server {id}")
}

pub(super) fn server_head(id: &ServerId, claim: Claim) -> String {
    match claim {
        Claim::Unclaimed => format!("server {id} unclaimed"),
        Claim::Claimed => format!("server {id} claimed"),
        Claim::Migrating { until } => format!("server {id} migrating until {}", Time(until)),
    }
}

pub(super) fn entry_head(key: &EntryKey) -> String {
    let (scope, id) = match &key.scope {
        Scope::Server(id) => (" server ", id.as_str()),
        Scope::Group(id) => (" group ", id.as_str()),
        Scope::AnyServer => (" any-server", ""),
        Scope::Clients => (" clients", ""),
        Scope::Everyone => (" everyone", ""),
    };
    let slot = key.slot.word();
    // With room for the fingerprint.
    let mut head = String::with_capacity(slot.len() + scope.len() + id.len() + 96);
    for part in [slot, scope, id] {
        head.push_str(part);
    }
    // Writing to a string cannot fail.
    let _ = write!(head, " {}", key.fingerprint);
    head
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

/// Writes records.
pub(super) struct Out<'a, W> {
    pub(super) kept: &'a UnknownRecords,
    pub(super) out: &'a mut W,
}

impl<W: Write> Out<'_, W> {
    /// The first line of a record with its checksum.
    fn head(&mut self, head: &str) -> fmt::Result {
        self.out.write_str(head)?;
        writeln!(self.out, "{}", check(head))
    }

    /// A record with only a first line of ours.
    pub(super) fn record(&mut self, head: &str, name: &str) -> fmt::Result {
        self.head(head)?;
        self.unknown(name)
    }

    fn field(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        for part in [INDENT, name, " "] {
            self.out.write_str(part)?;
        }
        writeln!(self.out, "{value}")
    }

    /// The fields that a later version wrote into the record of this name.
    fn unknown(&mut self, name: &str) -> fmt::Result {
        let lines = self.kept.fields.get(name).into_iter().flatten();
        for line in lines {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    pub(super) fn server(&mut self, server: &Server) -> fmt::Result {
        self.head(&server_head(server.id(), server.claim()))?;
        self.server_fields(server)?;
        self.unknown(&server_name(server.id()))
    }

    /// The fields of a server that this version knows.
    pub(super) fn server_fields(&mut self, server: &Server) -> fmt::Result {
        for name in server.names() {
            self.field("name", name)?;
        }
        for name in server.expected_names() {
            self.field("expect", name)?;
        }
        if let Some(group) = server.group() {
            self.field("group", group)?;
        }
        let role = server.role();
        role.map_or(Ok(()), |role| self.field("order", role::text(role)))
    }

    pub(super) fn crl(&mut self, list: &StoredCrl<'_>) -> fmt::Result {
        let head = crl_head(list.issuer, list.fingerprint);
        self.head(&head)?;
        self.origin(list.installed, list.by)?;
        if let Some(why) = list.disabled {
            self.field("disabled", why)?;
        }
        self.unknown(&head)?;
        section::write(CRL_LABEL, list.der, self.out)
    }

    fn origin(&mut self, installed: Option<UnixTime>, by: Option<&str>) -> fmt::Result {
        if let Some(installed) = installed {
            self.field("installed", Time(installed))?;
        }
        by.map_or(Ok(()), |who| self.field("by", who))
    }

    pub(super) fn entry(&mut self, entry: &Entry) -> fmt::Result {
        let head = entry_head(&entry.key());
        self.head(&head)?;
        self.entry_fields(entry)?;
        self.unknown(&head)?;
        let der = entry.certificate().map(|found| found.der());
        match der.or(entry.unread()) {
            Some(der) => section::write(LABEL, der, self.out),
            // A pin needs only a fingerprint.
            None => Ok(()),
        }
    }

    /// The fields of an entry that this version knows.
    pub(super) fn entry_fields(&mut self, entry: &Entry) -> fmt::Result {
        let options = entry.options();
        if let Some(label) = options.label() {
            self.field("label", label)?;
        }
        if options.matching() == PinMatch::PublicKey {
            self.field("match", "public-key")?;
        }
        match options.validity() {
            Some(ValidityRule::Enforce) => self.field("validity", "enforce")?,
            Some(ValidityRule::Grace(grace)) => {
                self.field("validity", format_args!("grace {}", grace_text(grace)))?;
            }
            None => {}
        }
        if options.is_any_role() {
            self.field("role", "any")?;
        }
        if let Some(end) = options.end() {
            self.field("ends", Time(end))?;
        }
        for pattern in options.san_patterns() {
            self.field("san", pattern)?;
        }
        self.origin(entry.installed(), entry.installed_by())?;
        if let Some(source) = entry.source() {
            self.field("source", source)?;
        }
        entry
            .disabled_by_call()
            .map_or(Ok(()), |why| self.field("disabled", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::pem;

    #[test]
    fn what_cannot_be_read_again_is_refused_and_told_how_much_of_it_is_lists() {
        let section = pem::encode(CRL_LABEL, &[7; 30]);
        let body = 41;
        let text = format!("crl x\n{section}crl y\n{section}end\n");
        assert!(fits(&text, text.len()).is_ok());
        let error = fits(&text, text.len() - 1).unwrap_err();
        assert!(
            matches!(
                error,
                StoreFileError::TooLargeToWrite { size, crls, limit }
                    if size == text.len() && crls == 2 * body && limit == size - 1
            ),
            "{error:?}"
        );
    }
}
