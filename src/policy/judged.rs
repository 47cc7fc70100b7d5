//! What a stage of a verdict returns. Nothing is collected in a value that the stages pass on.

use std::sync::Arc;

use super::decide::Acceptance;
use super::detail::Rejection;
use super::{Considered, VerdictWarning};
use crate::limits::MAX_CONSIDERED;
use crate::store::{Entry, Truncated};

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Denial {
    pub(super) rejection: Rejection,
    /// The pin that matched and could not be used.
    pub(super) pin: Option<Arc<Entry>>,
}

/// What the pins or the authorities say of a peer.
pub(super) struct Judged<'a> {
    pub(super) outcome: Result<Acceptance<'a>, Denial>,
    pub(super) considered: Truncated<Considered>,
    pub(super) warnings: Vec<VerdictWarning>,
}

impl From<Rejection> for Judged<'_> {
    fn from(rejection: Rejection) -> Self {
        Self::from(Explained::from(rejection))
    }
}

/// A refusal of which the reason has been found, with the entries that were looked at for that. It cannot accept.
pub(super) struct Explained {
    pub(super) rejection: Rejection,
    pub(super) considered: Truncated<Considered>,
}

impl From<Rejection> for Explained {
    fn from(rejection: Rejection) -> Self {
        Self {
            rejection,
            considered: Truncated::default(),
        }
    }
}

impl From<Explained> for Judged<'_> {
    fn from(
        Explained {
            rejection,
            considered,
        }: Explained,
    ) -> Self {
        let pin = None;
        Self {
            outcome: Err(Denial { rejection, pin }),
            considered,
            warnings: Vec::new(),
        }
    }
}

/// Notes one more item: the first 16 in full, the rest as a count.
pub(super) fn consider(list: &mut Truncated<Considered>, item: Considered) {
    list.push_within(item, MAX_CONSIDERED);
}

/// Adds what a later stage considered.
pub(super) fn append(list: &mut Truncated<Considered>, later: Truncated<Considered>) {
    let (items, more) = later.into_parts();
    items.into_iter().for_each(|item| consider(list, item));
    list.count(more);
}
