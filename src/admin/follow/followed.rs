//! A source with what the polls found.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pki_types::UnixTime;

use super::content::Content;
use super::guard::LockedOut;
use super::read::{self, Read};
use super::{Source, SourceHealth};
use crate::admin::follow::error::SourceError;
use crate::certificate::error::with_causes;
use crate::certificate::{CurrentTime, Fingerprint};
use crate::limits::MAX_UNSETTLED_POLLS;
use crate::store::{EntryKey, Truncated, TrustStore};

/// A source with what the polls found.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) source: Source,
    /// What the last poll read, if it was not applied yet.
    seen: Option<Read>,
    /// The last content that can be applied.
    pub(super) good: Option<Content>,
    passed_over: Truncated<String>,
    settling: bool,
    /// Polls in a row that found it changed.
    unsettled: usize,
    error: Option<SourceError>,
    /// What became of the content when it was last applied.
    pub(super) applied: Applied,
    since: Option<UnixTime>,
    last_success: Option<UnixTime>,
}

/// What became of the content of a source.
#[derive(Clone, Debug, Default)]
pub(super) struct Applied {
    /// The content that was applied last.
    pub(super) digest: Option<[u8; 32]>,
    /// Why the store refused something of the content.
    pub(super) error: Option<String>,
    /// Whether the guard refused the content.
    pub(super) is_held: bool,
    /// Certificates and lists that were removed by hand and are installed again.
    pub(super) restored: BTreeSet<Fingerprint>,
    /// Certificates that are blocked.
    pub(super) blocked: BTreeSet<Fingerprint>,
    pub(super) warnings: Truncated<String>,
    /// The peers that it locked out.
    pub(super) locked_out: Option<LockedOut>,
}

impl Followed {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            seen: None,
            good: None,
            passed_over: Truncated::default(),
            settling: false,
            unsettled: 0,
            error: None,
            applied: Applied::default(),
            since: None,
            last_success: None,
        }
    }

    /// Reads the source, and decides whether it can be applied. `true` if there is new content to apply.
    pub(super) fn look(&mut self) -> bool {
        self.settling = false;
        let (names, limit) = (self.source.names(), self.source.limit());
        let read = match read::read(self.source.path(), names, limit) {
            Ok(read) => read,
            Err(SourceError::Changing { path }) => {
                self.seen = None;
                self.unsettled(path, true);
                return false;
            }
            Err(error) => {
                self.seen = None;
                self.unsettled = 0;
                self.error = Some(match self.source.is_of_lists() {
                    true => error.of_lists(),
                    false => error,
                });
                return false;
            }
        };
        self.passed_over = read.passed_over.clone();
        let good = self.good.as_ref();
        if good.is_some_and(|good| good.digest == read.digest) {
            self.seen = None;
            self.unsettled = 0;
            self.error = None;
            return false;
        }
        let settled = read.at_once || self.seen.as_ref().is_some_and(|seen| seen.is_same(&read));
        if !settled {
            let before = self.seen.as_ref();
            let changed = before.and_then(|before| read.changed_since(before));
            let path = changed.unwrap_or(self.source.path()).to_owned();
            self.seen = Some(read);
            self.unsettled(path, false);
            return false;
        }
        self.unsettled = 0;
        match read.content(self.source.feeds()) {
            Ok(content) => {
                self.good = Some(content);
                self.seen = None;
                self.error = None;
                true
            }
            Err(error) => {
                // The state is kept, so that the next poll can apply it.
                self.seen = Some(read);
                self.error = Some(error);
                false
            }
        }
    }

    /// It changed since the last poll, or while it was read. After too many such polls it is an error.
    fn unsettled(&mut self, path: PathBuf, while_reading: bool) {
        self.unsettled = self.unsettled.saturating_add(1);
        let polls = self.unsettled;
        self.error = if polls >= MAX_UNSETTLED_POLLS {
            Some(SourceError::NeverSettles { path, polls })
        } else if while_reading {
            Some(SourceError::Changing { path })
        } else {
            None
        };
        self.settling = self.error.is_none();
    }

    /// Whether an entry belongs to the present content of this source.
    pub(super) fn has(&self, store: &TrustStore, key: &EntryKey) -> bool {
        let has = |fingerprint: &Fingerprint| {
            let good = self.good.as_ref();
            good.is_some_and(|good| good.fingerprints.contains(fingerprint))
        };
        self.source.place(store) == Some((key.slot, key.scope.clone())) && has(&key.fingerprint)
    }

    /// The state for an operator. `life` has what the time alone makes of its lists. `stored` says whether the store took
    /// over what was read.
    pub(super) fn health(&mut self, now: CurrentTime, life: Life, stored: bool) -> SourceHealth {
        let good = self.good.as_ref();
        let error = self.error.as_ref().map(|error| with_causes(error));
        let error = error.or_else(|| self.applied.error.clone());
        let error = error.or_else(|| good.and_then(|good| good.faults.first().cloned()));
        // A text is one line, whatever the names of files are.
        let error = error.or(life.error).map(|error| read::shown(&error));
        let mut warnings = Truncated::default();
        let applied = &self.applied.warnings;
        // The first fault is the error.
        let faults = good.iter().flat_map(|good| good.faults.iter().skip(1));
        let locked_out = self.applied.locked_out.as_ref();
        let has_locked_out = locked_out.is_some_and(LockedOut::is_sure);
        let locked_out = locked_out.map(LockedOut::warnings).unwrap_or_default();
        // First: a peer that is refused is the most urgent.
        let first = locked_out.into_iter().chain(applied);
        for text in first.chain(&life.warnings).chain(faults) {
            warnings.push(read::shown(text));
        }
        for more in [&locked_out, applied, &life.warnings] {
            warnings.count(more.omitted());
        }
        self.since = match (&error, self.since, now) {
            (None, _, _) => None,
            (Some(_), Some(since), _) => Some(since),
            (Some(_), None, CurrentTime::Known(now)) => Some(now),
            (Some(_), None, CurrentTime::Unset) => None,
        };
        if let (None, true, false, true, CurrentTime::Known(now)) =
            (&error, stored, self.settling, good.is_some(), now)
        {
            self.last_success = Some(now);
        }
        SourceHealth {
            name: self.source.name().to_owned(),
            certificates: good.map(|good| good.fingerprints.len()),
            are_lists: self.source.is_of_lists(),
            settling: self.settling,
            error,
            since: self.since,
            last_success: self.last_success,
            locked_out: has_locked_out,
            warnings,
            passed_over: self.passed_over.clone(),
        }
    }
}

/// What the time makes of the revocation lists of a source.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) error: Option<String>,
    pub(super) warnings: Truncated<String>,
}
