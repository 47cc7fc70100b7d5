//! Pins that refuse clients of an authority.

use crate::policy::{ReasonCode, Usable};
use crate::store::{Entry, Scope, Slot};

/// Why a pin refuses clients that an authority accepts: it matches their key, it cannot be used, and it decides (rule P5).
///
/// Only pins that refuse no such client before count. A pin that could be used before is a client of its own.
pub(super) fn overruling(before: &Usable<'_>, after: &Usable<'_>) -> Option<ReasonCode> {
    let pins = after.view.data().index(Slot::Pin, &Scope::Clients)?;
    let is_new = |pin: &Entry| {
        let was = before.view.entry(&pin.key());
        was.is_none_or(|was| !was.matches_by_key() && before.why_not_for(None, was).is_some())
    };
    let by_key = pins.iter().filter(|pin| pin.matches_by_key());
    by_key.filter(|pin| is_new(pin)).find_map(|pin| {
        let (reason, _) = after.why_not_for(None, pin)?;
        let key = pin.certificate()?.subject_public_key_info();
        let mut same = pins.by_public_key(key);
        let accepted = same.any(|other| after.why_not_for(None, other).is_none());
        (!accepted).then_some(reason)
    })
}
