//! Takes over the names and the stricter options of a damaged file.

use super::{
    Claim, EntryKey, EntryOptions, PinMatch, Scope, ServerId, Slot, TrustStore, ValidityRule,
};
use crate::certificate::HostName;

/// What came of newer options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narrower {
    /// The entry is stricter now.
    Kept,
    /// The entry is as strict already.
    Held,
    /// It is not known which of two options is the stricter one.
    Unclear,
}

impl TrustStore {
    /// Gives an entry what is stricter in its newer options, and nothing that widens it.
    pub(crate) fn keep_narrower(&mut self, key: &EntryKey, newer: &EntryOptions) -> Narrower {
        let Some(mut entry) = self.data.entry(key).cloned() else {
            return Narrower::Held;
        };
        let held = entry.options().clone();
        let (options, is_clear) = narrower(&held, newer);
        let is_certificate = entry.certificate().is_some();
        let fits = options.check(key.slot, &key.scope, !is_certificate).is_ok();
        if !fits {
            return Narrower::Unclear;
        }
        let is_changed = options != held;
        if is_changed {
            entry.change(|more| more.options = options);
            self.edit().put(entry);
        }
        match (is_clear, is_changed) {
            (false, _) => Narrower::Unclear,
            (true, true) => Narrower::Kept,
            (true, false) => Narrower::Held,
        }
    }

    /// Gives a name of a damaged file to a claimed server without pins, which then accepts no peer by it. A server with
    /// pins gets none: its pins would be trusted for one more name.
    ///
    /// Returns whether the server has the name now; `None` if it had it before.
    pub(crate) fn salvage_name(&mut self, id: &ServerId, name: &HostName) -> Option<bool> {
        if self
            .data
            .server_of(name)
            .is_some_and(|owner| owner.id == *id)
        {
            return None;
        }
        let data = self.data.data();
        let is_empty = self.data.server(id).is_some_and(|server| {
            let group = server.group.clone().map(Scope::Group);
            let has = |scope: &Scope| data.index(Slot::Pin, scope).is_some();
            server.claim == Claim::Claimed
                && !has(&Scope::Server(id.clone()))
                && !group.as_ref().is_some_and(has)
        });
        Some(is_empty && self.restore_name(id, name))
    }
}

/// The stricter of two options each, and whether it is known of all of them which one that is.
fn narrower(held: &EntryOptions, newer: &EntryOptions) -> (EntryOptions, bool) {
    let mut options = EntryOptions::new();
    let mut is_clear = true;
    if let Some(label) = held.label() {
        options = options.with_label(label);
    }
    if [held, newer].map(EntryOptions::matching) == [PinMatch::PublicKey; 2] {
        options = options.with_matching(PinMatch::PublicKey);
    }
    let validity = match (held.validity(), newer.validity()) {
        (held, newer) if held == newer => held,
        (Some(ValidityRule::Enforce), _) | (_, Some(ValidityRule::Enforce)) => {
            Some(ValidityRule::Enforce)
        }
        (Some(ValidityRule::Grace(one)), Some(ValidityRule::Grace(other))) => {
            Some(ValidityRule::Grace(one.min(other)))
        }
        // The policy's own rule is not known here.
        (held, _) => {
            is_clear = false;
            held
        }
    };
    if let Some(rule) = validity {
        options = options.with_validity(rule);
    }
    if held.is_any_role() && newer.is_any_role() {
        options = options.with_any_role();
    }
    let ends = held.end().into_iter().chain(newer.end());
    if let Some(end) = ends.min() {
        options = options.with_end(end);
    }
    let (old, new) = (held.san_patterns(), newer.san_patterns());
    let has_all = |all: &[_], some: &[_]| some.iter().all(|pattern| all.contains(pattern));
    let patterns = match (old, new) {
        (old, []) => old,
        ([], new) => new,
        (old, new) if has_all(old, new) => new,
        (old, new) => {
            is_clear &= has_all(new, old);
            old
        }
    };
    (
        options.with_san_patterns(patterns.iter().cloned()),
        is_clear,
    )
}
