//! What was asked of a store since it was stored last, in words, for the journal.

use core::fmt;
use std::sync::Arc;

use super::{EntryKey, Scope, TrustStore};
use crate::limits::MAX_ASKED;

/// The calls of one change, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Each call, and who made it.
    calls: Vec<(String, Option<Arc<str>>)>,
    /// How many more there were.
    more: usize,
    /// What was refused.
    #[cfg(any(feature = "admin", feature = "enrol"))]
    refused: Vec<Noted>,
}

/// A call that was refused, who made it, and why it was refused.
#[cfg(any(feature = "admin", feature = "enrol"))]
pub(crate) type Noted = (String, String, String);

/// An entry, in the words of a journal.
pub(super) struct Named<'a>(pub(super) &'a EntryKey);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.0.slot.word();
        let fingerprint = self.0.fingerprint;
        match &self.0.scope {
            Scope::Server(id) => write!(f, "{slot} server {id} {fingerprint}"),
            Scope::Group(id) => write!(f, "{slot} group {id} {fingerprint}"),
            Scope::AnyServer => write!(f, "{slot} any-server {fingerprint}"),
            Scope::Clients => write!(f, "{slot} clients {fingerprint}"),
            Scope::Everyone => write!(f, "{slot} everyone {fingerprint}"),
        }
    }
}

impl TrustStore {
    /// Notes a call that is being made.
    pub(crate) fn ask(&mut self, call: fmt::Arguments<'_>) {
        if self.asked.calls.len() < MAX_ASKED {
            let call = (call.to_string(), self.acting.clone());
            self.asked.calls.push(call);
        } else {
            self.asked.more = self.asked.more.saturating_add(1);
        }
    }
}

#[cfg(feature = "enrol")]
impl TrustStore {
    /// Notes that a call was refused, for the journal. What the store holds does not change.
    pub(crate) fn note_refused(&mut self, call: fmt::Arguments<'_>, by: &str, why: &str) {
        if self.asked.refused.len() < MAX_ASKED {
            let noted = (call.to_string(), by.to_owned(), why.to_owned());
            self.asked.refused.push(noted);
        }
    }
}

#[cfg(feature = "admin")]
impl Asked {
    /// What was refused.
    pub(crate) fn refused(&self) -> &[Noted] {
        &self.refused
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let calls = self.calls.iter();
        calls.map(|(call, by)| (call.as_str(), by.as_deref()))
    }

    /// The number of calls that are not kept.
    pub(crate) fn more(&self) -> usize {
        self.more
    }
}

#[cfg(feature = "admin")]
impl TrustStore {
    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Who makes the changes.
    pub(crate) fn actor(&self) -> Option<Arc<str>> {
        self.acting.clone()
    }

    /// Forgets the calls: a new change begins.
    pub(crate) fn begin(&mut self) {
        self.asked = Asked::default();
    }
}
