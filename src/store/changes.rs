//! Changing and removing what is installed, and blocking.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::asked::Named;
use super::consequence::Consequence;
use super::{
    BlockSelector, Entry, EntryKey, EntryOptions, Outcome, Report, ServerId, StoreWarning,
    TrustStore, import,
};
use crate::certificate::{Certificate, Fingerprint, KeyPin, breaks_a_line};
use crate::limits::MAX_LABEL_BYTES;
use crate::store::error::StoreError;

impl TrustStore {
    /// Replaces the options of an entry.
    ///
    /// # Errors
    /// There is no such entry. The options do not apply to it. The entry could never match with these options.
    pub fn update(&mut self, key: &EntryKey, options: EntryOptions) -> Result<Report, StoreError> {
        let mut entry = self.known_entry(key)?.clone();
        if *entry.options() == options {
            return Ok(Report::new(Outcome::Unchanged, self.data.generation()));
        }
        options.check(key.slot, &key.scope, entry.certificate().is_none())?;
        let mut warnings = Vec::new();
        if let Some(certificate) = entry.certificate() {
            import::check_role(key.slot, &key.scope, certificate, &options, &mut warnings)?;
        }
        if options.end() != entry.options().end() {
            self.check_entry_end(&options)?;
        }
        entry.change(|more| more.options = options);
        self.ask(format_args!("update {}", Named(key)));
        Ok(self.replace(entry, warnings))
    }

    /// Disables an entry: it stays installed and accepts nothing. A claim by the entry stays, and the entry still takes
    /// precedence over sources of lower priority.
    ///
    /// # Errors
    /// There is no such entry, or the reason is not one line of text.
    #[must_use = "the report says which peers the change may lock out"]
    pub fn disable(&mut self, key: &EntryKey, why: &str) -> Result<Report, StoreError> {
        check_line(why)?;
        let mut entry = self.known_entry(key)?.clone();
        entry.change(|more| {
            more.disabled.get_or_insert_default().by_call = Some(why.into());
        });
        self.ask(format_args!("disable {}", Named(key)));
        Ok(self.replace(entry, Vec::new()))
    }

    /// Enables a disabled entry, if it could be installed today.
    ///
    /// # Errors
    /// There is no such entry, import refuses it, or this version cannot read its certificate.
    pub fn enable(&mut self, key: &EntryKey) -> Result<Report, StoreError> {
        let mut entry = self.known_entry(key)?.clone();
        if entry.more().disabled.is_none() {
            return Ok(Report::new(Outcome::Unchanged, self.data.generation()));
        }
        if entry.unread().is_some() {
            return Err(StoreError::Unread(Box::new(key.clone())));
        }
        let warnings = match entry.certificate() {
            Some(certificate) => {
                self.check_import(key.slot, &key.scope, certificate, entry.options(), None)?
            }
            None => Vec::new(),
        };
        entry.change(|more| more.disabled = None);
        self.ask(format_args!("enable {}", Named(key)));
        Ok(self.replace(entry, warnings))
    }

    /// Removes an entry. A claim stays (rule P2). The report says which source decides instead, and which other entries
    /// hold the same certificate or key.
    ///
    /// # Errors
    /// There is no such entry.
    #[must_use = "the report says which peers the change may lock out"]
    pub fn remove(&mut self, key: &EntryKey) -> Result<Report, StoreError> {
        self.remove_all(core::slice::from_ref(key))
    }

    /// Removes several entries at once, all of them or none. The report does not name as holders the entries that are
    /// removed with them.
    ///
    /// # Errors
    /// As for [`remove`](Self::remove).
    #[doc(hidden)]
    #[must_use = "the report says which peers the change may lock out"]
    pub fn remove_all(&mut self, keys: &[EntryKey]) -> Result<Report, StoreError> {
        let mut sources: BTreeSet<Box<str>> = BTreeSet::new();
        let mut affected: BTreeSet<ServerId> = BTreeSet::new();
        for key in keys {
            sources.extend(self.known_entry(key)?.source().map(Box::from));
            affected.extend(self.affected(key));
        }
        for key in keys {
            self.ask(format_args!("remove {}", Named(key)));
        }
        let before = self.data.before(&affected);
        let removed = self.take_all(keys);
        let mut report = self.finish(Outcome::Removed, before);
        self.report_removed(&removed, &mut report);
        // A follower removes only what its source no longer has.
        if self.source.is_none() {
            for source in sources {
                report.warn(StoreWarning::RemovedFollowed { source });
            }
        }
        Ok(report)
    }

    /// Removes entries, for [`report_removed`](Self::report_removed).
    pub(super) fn take_all(&mut self, keys: &[EntryKey]) -> Vec<Arc<Entry>> {
        let data = self.edit();
        keys.iter().filter_map(|key| data.take(key)).collect()
    }

    /// Reports the removed entries, and the other entries that hold their certificates or keys.
    pub(super) fn report_removed(&self, removed: &[Arc<Entry>], report: &mut Report) {
        let data = self.data.data();
        let mut same_key: Vec<EntryKey> = removed
            .iter()
            .flat_map(|entry| data.same_key(entry))
            .collect();
        same_key.sort();
        same_key.dedup();
        for entry in removed {
            report.push(Consequence::Entry(entry.key()));
        }
        same_key
            .into_iter()
            .for_each(|key| report.push(Consequence::StillHeld(key)));
    }

    /// Blocks a certificate and its key: neither is accepted in any slot or scope, nor any path through them (rule P1).
    /// The entries stay installed and accept nothing. The report lists them.
    pub fn block(&mut self, certificate: &Certificate) -> Report {
        self.block_selector(BlockSelector::certificate(certificate))
    }

    /// Blocks by one selector. For a compromised certificate, use [`block`](Self::block).
    pub fn block_selector(&mut self, selector: BlockSelector) -> Report {
        // Checked first: a call that changes nothing makes no new generation, so plans on the snapshot stay valid.
        let is_new = !self.data.data().blocks.contains(&selector);
        let report = if is_new {
            self.ask(format_args!("block {selector:#}"));
            self.edit().blocks_mut().insert(&selector);
            self.finish(Outcome::Added, Vec::new())
        } else {
            Report::new(Outcome::Unchanged, self.data.generation())
        };
        let mut report = report.of_block(&selector);
        let hit = self.hit(&selector);
        if hit.is_empty() {
            self.warn_of_mistaken(&selector, &mut report);
        }
        for key in hit.into_iter().filter(|_| is_new) {
            report.push(Consequence::Entry(key));
        }
        report
    }

    /// The held entries that a block names.
    fn hit(&self, selector: &BlockSelector) -> Vec<EntryKey> {
        let mut hit: Vec<EntryKey> = self
            .data
            .data()
            .all()
            .filter(|entry| match entry.certificate() {
                Some(certificate) => selector.names(certificate),
                None => selector.names_fingerprint(entry.fingerprint()),
            })
            .map(|entry| entry.key())
            .collect();
        hit.sort();
        hit
    }

    /// Warns if a block that names no held entry has the key pin of a held certificate for its fingerprint, or the reverse.
    /// Both are SHA-256 and look alike.
    fn warn_of_mistaken(&self, selector: &BlockSelector, report: &mut Report) {
        let data = self.data.data();
        let boxed = |key: Option<EntryKey>| key.map(Box::new);
        let warning = match selector {
            BlockSelector::Key(key) => {
                let meant = Fingerprint::from_bytes(*key.as_bytes());
                let held = data.all().filter(|entry| entry.fingerprint() == meant);
                let held = boxed(held.map(|entry| entry.key()).min());
                held.map(|held| StoreWarning::BlockedKeyIsFingerprint { held })
            }
            BlockSelector::Fingerprint(fingerprint) => {
                let meant = KeyPin::from_bytes(*fingerprint.as_bytes());
                let held = data.holders(meant).map(|entry| entry.key()).min();
                boxed(held).map(|held| StoreWarning::BlockedFingerprintIsKey { held })
            }
            BlockSelector::Certificate { .. } | BlockSelector::IssuerSerial { .. } => None,
        };
        warning.into_iter().for_each(|warning| report.warn(warning));
    }

    /// Removes a block. The selector must be the one that made it.
    ///
    /// # Errors
    /// There is no such block.
    pub fn unblock(&mut self, selector: &BlockSelector) -> Result<Report, StoreError> {
        if !self.data.data().blocks.contains(selector) {
            return Err(StoreError::NotBlocked(Box::new(selector.clone())));
        }
        self.ask(format_args!("unblock {selector:#}"));
        self.edit().blocks_mut().remove(selector);
        let report = self.finish(Outcome::Removed, Vec::new());
        Ok(report.of_block(selector))
    }

    fn known_entry(&self, key: &EntryKey) -> Result<&Entry, StoreError> {
        self.data
            .entry(key)
            .ok_or_else(|| StoreError::NoSuchEntry(Box::new(key.clone())))
    }

    pub(super) fn replace(&mut self, entry: Entry, warnings: Vec<StoreWarning>) -> Report {
        let key = entry.key();
        self.edit().put(entry);
        let mut report = self.finish(Outcome::Changed, Vec::new());
        report.push(Consequence::Entry(key));
        warnings
            .into_iter()
            .for_each(|warning| report.warn(warning));
        report
    }
}

/// Checks that a text is one line, not empty, and within the bound of labels.
pub(super) fn check_line(text: &str) -> Result<(), StoreError> {
    if text.is_empty() || text.len() > MAX_LABEL_BYTES || text.chars().any(breaks_a_line) {
        return Err(StoreError::Label {
            limit: MAX_LABEL_BYTES,
        });
    }
    Ok(())
}
