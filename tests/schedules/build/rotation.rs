//! The rotation of identities, and how a handshake takes one.

use super::copies::{Fault, Model};

const fn fault(name: &'static str, text: &'static str, instead: &'static str) -> Fault {
    Fault {
        name,
        file: "rotation",
        text,
        instead,
    }
}

pub(crate) const MODEL: Model = Model {
    name: "rotation",
    files: &["tls/rotation", "tls/resolver"],
    swaps: &[
        ("use std::sync::", "use crate::rotation::sync::"),
        ("use crate::certificate::", "use super::"),
        ("use crate::limits::", "use super::"),
        ("use crate::store::", "use super::"),
        ("use crate::tls::error::", "use super::"),
        ("use rustls::", "use super::rustls::"),
        ("    #[cfg(feature = \"admin\")]\n", ""),
    ],
    faults: &[
        // What another changes between the copy and the lock is lost.
        fault(
            "copied_before_the_lock",
            "        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = State::clone(&place);
",
            "        let mut state = State::clone(&self.state());
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
",
        ),
        // The next one is taken away in one step and is the current one in another.
        fault(
            "ended_in_two_steps",
            "        let committed = self.change(|state| {
            let next = state.next.take().ok_or(RotationError::NothingStaged)?;
            if !next.is_for_all() {
                return Err(RotationError::NotForAll);
            }
            state.current = next.identity;
            Ok(Change::Renewed)
        });
",
            "        let next = self.next();
        self.change(|state| {
            let next = state.next.take().ok_or(RotationError::NothingStaged)?;
            if !next.is_for_all() {
                return Err(RotationError::NotForAll);
            }
            Ok(Change::None)
        })?;
        let committed = self.change(|state| {
            state.current = next.clone().ok_or(RotationError::NothingStaged)?;
            Ok(Change::Renewed)
        });
",
        ),
        // A handshake asks one identity whether it can sign, and presents another.
        Fault {
            name: "two_looks",
            file: "resolver",
            text: "        certified_key(&identity)
    }

    fn has_certs",
            instead: "        let identity = match &self.server {
            Some(server) => self.identities.presented_to(server),
            None => self.identities.presented_to_many(),
        };
        certified_key(&identity)
    }

    fn has_certs",
        },
        // The files are compared with what another may have replaced by now.
        fault(
            "compared_before_the_lock",
            "    pub(super) fn replace(&self, current: Identity) -> bool {
        self.change_always(|state| {
            let [old, new] = [&state.current, &current].map(|identity| identity.chain());
",
            "    pub(super) fn replace(&self, current: Identity) -> bool {
        let before = self.current();
        self.change_always(|state| {
            let [old, new] = [&before, &current].map(|identity| identity.chain());
",
        ),
        // The same for a folder.
        fault(
            "folder_compared_before_the_lock",
            "        self.change_always(|state| {
            let is_renewed = print(&state.current) != print(&current);
            let same = match (&state.next, &next) {
",
            "        let before = self.state();
        self.change_always(|state| {
            let is_renewed = print(&before.current) != print(&current);
            let same = match (&before.next, &next) {
",
        ),
        // The follower puts back the next identity that it found.
        fault(
            "next_read_before_the_lock",
            "    pub(super) fn replace(&self, current: Identity) -> bool {
        self.change_always(|state| {
",
            "    pub(super) fn replace(&self, current: Identity) -> bool {
        let next = self.state().next.clone();
        self.change_always(|state| {
            state.next.clone_from(&next);
",
        ),
        // Handshakes wait for the provider, …
        fault(
            "freed_under_the_lock",
            "        drop(place);
        drop(old);
",
            "        drop(old);
        drop(place);
",
        ),
        fault(
            "refused_under_the_lock",
            "        let staged = self.change(|state| {
            let certificate",
            "        let staged = self.change(move |state| {
            let next = next;
            let certificate",
        ),
        // … and for a subscriber.
        fault(
            "told_under_the_lock",
            "        drop(place);
        drop(old);
",
            "        let _old = old;
",
        ),
    ],
};
