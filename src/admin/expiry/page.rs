//! Which part of an expiry report is listed: what concerns a server or a scope, page by page.

use super::ExpiringItem;
use super::depend::Finder;
use crate::admin::Peer;
use crate::store::{Scope, ServerId};

/// Which items a report lists. By default all, at most 256 of each severity.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[doc(hidden)]
pub struct ExpiryPage {
    /// Only what concerns this server, or may: its own entries, those of its group and for any server if they decide about
    /// it, intermediates and revocation lists.
    pub server: Option<ServerId>,
    /// Only entries of this scope, and what peers of this scope presented.
    pub scope: Option<Scope>,
    /// Leave out this many, the earliest ends.
    pub from: usize,
    /// List so many, the earliest ends, whatever their severity.
    pub limit: Option<usize>,
}

impl ExpiryPage {
    pub(super) fn lists(
        &self,
        finder: &Finder<'_>,
        subject: &ExpiringItem,
        peer: Option<&Peer>,
    ) -> bool {
        let of_server = self
            .server
            .as_ref()
            .is_none_or(|server| finder.concerns(server, subject, peer));
        of_server
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| is_of(scope, subject, peer))
    }

    pub(super) fn of<T>(&self, all: Vec<T>) -> Vec<T> {
        let limit = self.limit.unwrap_or(usize::MAX);
        all.into_iter().skip(self.from).take(limit).collect()
    }
}

fn is_of(scope: &Scope, subject: &ExpiringItem, peer: Option<&Peer>) -> bool {
    match (subject, peer) {
        (ExpiringItem::Certificate(key) | ExpiringItem::EntryEnd(key), _) => key.scope == *scope,
        (ExpiringItem::Migration(id), _) | (ExpiringItem::Presented(_), Some(Peer::Server(id))) => {
            matches!(scope, Scope::Server(own) if own == id)
        }
        (ExpiringItem::Presented(_), Some(Peer::Client(_))) => *scope == Scope::Clients,
        (ExpiringItem::Presented(_), Some(Peer::Unlisted(_) | Peer::Authority(_)) | None)
        | (ExpiringItem::Crl { .. } | ExpiringItem::Own { .. } | ExpiringItem::Clock, _) => false,
    }
}
