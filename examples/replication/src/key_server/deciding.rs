//! What administrators decide about arrays. At the primary it changes the set, which is published at once; at a stand-alone
//! server it changes what is in force there.

use std::fmt::Write;

use mutual_trust::store::{EntryKey, Scope, Slot};
use mutual_trust::{
    AuthorityScope, Certificate, DurableStore, EntryOptions, Fingerprint, PinScope, TrustSnapshot,
};

use super::{GROUP, KeyServer};
use crate::Outcome;

impl KeyServer {
    /// Changes the trust set, and publishes it. A stand-alone server has no set but its own store.
    pub(super) fn change(
        &mut self,
        change: impl FnOnce(&mut DurableStore) -> Outcome<()>,
    ) -> Outcome<String> {
        self.retire_if_replaced()?;
        let stands_alone = self.site.server(&self.id)?.group.is_none();
        match &mut self.publisher {
            Some(publisher) => {
                change(&mut publisher.set)?;
                Ok(format!("sequence={}", publisher.publish()?))
            }
            None if stands_alone => {
                change(&mut self.member.store())?;
                Ok("sequence=0".to_owned())
            }
            None => Err("this is a secondary: change the trust set at the primary".into()),
        }
    }

    /// The arrays that wait, without their fingerprints: those are read out at the arrays.
    pub(super) fn pending(&self) -> String {
        let pending = self.enrolment.pending();
        let mut text = format!("waiting={}", pending.len());
        for peer in pending {
            let subject = peer.presented.subject().replace(' ', "_");
            let _ = write!(text, " {subject}={}", peer.id);
        }
        text
    }

    /// Accepts an array that waits, by the fingerprint that was read out at it.
    pub(super) fn accept(
        &mut self,
        number: &str,
        heard: Fingerprint,
        label: &str,
    ) -> Outcome<String> {
        let (enrolment, number) = (self.enrolment.clone(), number.parse()?);
        let options = EntryOptions::new().with_label(label);
        self.change(|set| {
            set.try_change(|set| {
                let _ = enrolment.accept_client(number, heard, set, options, "alice")?;
                Ok(())
            })
        })
    }

    /// Blocks the certificates of an array, and their keys. It wins over everything: here at once, and at the other servers
    /// when the set arrives.
    pub(super) fn block(&mut self, label: &str) -> Outcome<String> {
        let mut store = self.member.store();
        for certificate in certificates(store.contents(), label) {
            let _ = store.block(&certificate);
        }
        drop(store);
        let label = label.to_owned();
        self.change(|set| {
            for certificate in certificates(set.contents(), &label) {
                if let Some(error) = set.block(&certificate).unsaved {
                    return Err(error.into());
                }
            }
            Ok(())
        })
    }

    /// The first half of a renewal: systems accept the next certificate of the group beside the current one.
    pub(super) fn add_next(&mut self, next: Certificate) -> Outcome<String> {
        self.change(|set| {
            let (scope, options) = (PinScope::Group(GROUP.parse()?), EntryOptions::new());
            let _ = set.change(|set| set.install_pin(scope, next, options))?;
            Ok(())
        })
    }

    /// The second half, once no server presents the old one any more.
    pub(super) fn drop_old(&mut self, old: Fingerprint) -> Outcome<String> {
        let old = EntryKey::new(Slot::Pin, Scope::Group(GROUP.parse()?), old);
        self.change(|set| {
            let _ = set.change(|set| set.remove(&old))?;
            Ok(())
        })
    }

    /// A CA for servers of which nothing else is installed. One that has a pin must present that (rule P2).
    pub(super) fn trust_authority(&mut self, authority: Certificate) -> Outcome<String> {
        self.change(|set| {
            let (scope, options) = (AuthorityScope::AnyServer, EntryOptions::new());
            let _ = set.change(|set| set.install_authority(scope, authority, options))?;
            Ok(())
        })
    }
}

/// The certificates that are installed for an array.
fn certificates(contents: &TrustSnapshot, label: &str) -> Vec<Certificate> {
    let entries = contents.entries().into_iter();
    let of_array = entries.filter(|entry| {
        let key = entry.key();
        let is_client = key.slot == Slot::Pin && key.scope == Scope::Clients;
        is_client && entry.options().label() == Some(label)
    });
    of_array
        .filter_map(|entry| entry.certificate().cloned())
        .collect()
}
