//! One side of a change.

use crate::certificate::CurrentTime;
use crate::policy::{Policy, Usable};
use crate::store::{Entry, PinMatch, TrustSnapshot};

/// A snapshot and the time at which it is judged.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) view: &'a TrustSnapshot,
    pub(super) clock: CurrentTime,
}

impl<'a> Side<'a> {
    pub(super) fn usable(self, policy: &'a Policy) -> Usable<'a> {
        let Self { view, clock } = self;
        Usable {
            view,
            policy,
            clock,
        }
    }
}

/// Whether a pin accepted every certificate of its key, and accepts one certificate now.
pub(super) fn is_narrowed(before: &Entry, after: &Entry) -> bool {
    before.options().matching() == PinMatch::PublicKey
        && after.options().matching() == PinMatch::Certificate
}
