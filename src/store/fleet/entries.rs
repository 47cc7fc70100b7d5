//! The entries of a bundle.

use super::{Merge, Notice};
use crate::store::entry::{Disabled, More};
use crate::store::{Entry, EntryKey, Slot};

impl Merge<'_> {
    /// Makes the entries from the fleet equal to those of the bundle. What was installed here, or by another source, stays
    /// as it is.
    pub(super) fn entries(&mut self) {
        for new in self.new.entries() {
            let key = new.key();
            if let Some(why) = new
                .more()
                .disabled
                .as_ref()
                .and_then(|why| why.at_loading.as_ref())
            {
                let why = why.to_string();
                self.notice(Notice::NotAccepted(key.clone(), why));
            }
            match self.store.data.entry(&key).cloned() {
                None => self.install(new),
                Some(here) if here.source() == Some(&*self.source) => self.renew(&here, new),
                Some(here) if here.options() != new.options() => {
                    self.notice(Notice::OptionsDiffer(key));
                }
                Some(_) => {}
            }
        }
        let all = self.store.data.data().all();
        let ours = all.filter(|entry| entry.source() == Some(&*self.source));
        let gone = ours.map(|entry| entry.key());
        let mut gone: Vec<EntryKey> = gone.filter(|key| self.new.entry(key).is_none()).collect();
        gone.sort();
        self.changed |= !gone.is_empty();
        let _ = self.store.take_all(&gone);
        gone.into_iter().for_each(|key| self.done.gone.push(key));
    }

    /// Installs an entry, unless a block hits it (rule P1).
    fn install(&mut self, new: &Entry) {
        let key = new.key();
        if self.store.data.data().blocks().hits(new) {
            self.notice(Notice::Blocked(key));
            return;
        }
        let installed = self.store.now().known();
        let more = More {
            options: new.options().clone(),
            installed_by: self.store.acting.clone(),
            source: Some(self.source.clone()),
            disabled: new.more().disabled.clone(),
        };
        let certificate = new.certificate().cloned();
        let certificate = certificate.map(|found| self.store.data.data().intern(found));
        let entry = Entry::new(
            key.clone(),
            certificate,
            installed,
            more,
            &mut self.store.last,
        );
        self.put(entry);
        match self
            .earlier
            .iter()
            .any(|bundle| bundle.entry(&key).is_some())
        {
            true => self.notice(Notice::Restored(key)),
            false => self.done.came.push(key),
        }
    }

    /// Gives an entry of the fleet the options of the bundle. One that an administrator disabled here stays disabled.
    fn renew(&mut self, here: &Entry, new: &Entry) {
        let key = here.key();
        let said = |why: &str| {
            let mut earlier = self.earlier.iter().filter_map(|bundle| bundle.entry(&key));
            earlier.any(|entry| entry.disabled_by_call() == Some(why))
        };
        let own = here.disabled_by_call().filter(|why| !said(why));
        let mut disabled = new.more().disabled.clone();
        if let Some(own) = own {
            disabled.get_or_insert_default().by_call = Some(own.into());
        }
        let disabled = disabled.filter(|disabled| **disabled != Disabled::default());
        let completes = here.certificate().is_none() && new.certificate().is_some();
        let is_same = here.options() == new.options() && here.more().disabled == disabled;
        if is_same && !completes {
            return;
        }
        let more = More {
            options: new.options().clone(),
            disabled,
            ..here.more().clone()
        };
        let certificate = here.certificate().or(new.certificate()).cloned();
        let certificate = certificate.map(|found| self.store.data.data().intern(found));
        let entry = Entry::new(
            key.clone(),
            certificate,
            here.installed(),
            more,
            &mut self.store.last,
        );
        self.put(entry);
        self.done.changed.push(key);
    }

    fn put(&mut self, entry: Entry) {
        let key = entry.key();
        self.store.edit().put(entry);
        self.store.learn_signatures(&key);
        if key.slot == Slot::Pin {
            let affected = self.store.affected(&key);
            self.store.claim(&affected);
        }
        self.changed = true;
    }
}
