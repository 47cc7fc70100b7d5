//! What takes trust away in a bundle: blocks, checked issuers and revocation lists. It is added, and never lifted.

use super::{Merge, Notice};
use crate::certificate::{Fingerprint, Succession};
use crate::store::error::StoreError;
use crate::store::revocation::Room;
use crate::store::{CrlOrigin, HeldCrl, InstalledCrl, TrustSnapshot, UnreadCrl};

impl Merge<'_> {
    pub(super) fn restrictions(&mut self) {
        for block in self.new.blocks() {
            if self.store.data.data().blocks().contains(block) {
                continue;
            }
            self.changed |= self.store.restore_block(block);
            let said = |bundle: &&TrustSnapshot| bundle.data().blocks().contains(block);
            match self.earlier.iter().any(said) {
                true => self.notice(Notice::BlockRestored(block.clone())),
                false => self.done.blocks.push(block.clone()),
            }
        }
        for issuer in self.new.revocation_checked_issuers() {
            if self.store.data.data().crls().of(&issuer).is_some() {
                continue;
            }
            self.changed |= self.store.restore_check(&issuer);
            let said = |bundle: &&TrustSnapshot| bundle.data().crls().of(&issuer).is_some();
            if self.earlier.iter().any(said) {
                self.notice(Notice::CheckRestored(issuer));
            }
        }
        for list in self.new.crls() {
            self.list(list);
        }
        for list in self.new.unread_crls() {
            self.unread_list(list);
        }
    }

    /// Installs a list, as an administrator does (rule C4). It was verified where the bundle was made, and the signatures
    /// of the bundle vouch for that: the certificate of its issuer need not be installed here.
    fn list(&mut self, list: &InstalledCrl) {
        let crl = list.crl();
        let crls = self.store.data.data().crls();
        let held = crls.of(list.issuer()).unwrap_or(&[]);
        let is_same = |one: &InstalledCrl| one.crl().fingerprint() == crl.fingerprint();
        let mut replaced: Vec<Fingerprint> = Vec::new();
        let mut freed = 0_usize;
        for one in held {
            if is_same(one) {
                if one.disabled().is_none() || list.disabled().is_some() {
                    return;
                }
            } else {
                match crl.succession(one.crl()) {
                    Succession::Newer if list.disabled().is_none() && self.store.has_begun(crl) => {
                    }
                    Succession::Older
                        if one.disabled().is_none() && self.store.has_begun(one.crl()) =>
                    {
                        let held = one.crl().fingerprint();
                        // The bundle can have both.
                        if !self.new.crls().any(|new| new.crl().fingerprint() == held) {
                            let list = crl.fingerprint();
                            self.notice(Notice::ListOlder { list, held });
                        }
                        return;
                    }
                    Succession::Newer
                    | Succession::Older
                    | Succession::Beside
                    | Succession::Apart => continue,
                }
            }
            replaced.push(one.crl().fingerprint());
            freed = freed.saturating_add(one.crl().der().len());
        }
        let room = Room {
            of_issuer: held.len().saturating_sub(replaced.len()),
            lists: crls.count().saturating_sub(replaced.len()),
            bytes: crls.bytes().saturating_sub(freed),
        };
        if let Err(error) = room.check(crl.der().len()) {
            self.left_out(crl.fingerprint(), &error);
            return;
        }
        let origin = self.origin();
        let disabled = list.disabled().map(Box::from);
        let list = InstalledCrl::new(crl.clone(), list.issuer().clone(), origin).disable(disabled);
        let crls = self.store.edit().crls_mut();
        for fingerprint in replaced {
            crls.take(fingerprint);
        }
        crls.take_unread(crl.fingerprint());
        crls.put(list);
        self.changed = true;
    }

    /// Keeps a list that this version cannot read: a later one may.
    fn unread_list(&mut self, list: &UnreadCrl) {
        if self.store.holds_crl(list.fingerprint()) {
            return;
        }
        let crls = self.store.data.data().crls();
        let room = Room {
            of_issuer: 0,
            lists: crls.count(),
            bytes: crls.bytes(),
        };
        if let Err(error) = room.check(list.der().len()) {
            self.left_out(list.fingerprint(), &error);
            return;
        }
        let held = HeldCrl {
            issuer: list.issuer().clone(),
            der: list.der(),
            origin: self.origin(),
            disabled: list.disabled().map(Box::from),
        };
        let _ = self.store.restore_crl(held);
        self.changed = true;
    }

    fn left_out(&mut self, list: Fingerprint, error: &StoreError) {
        self.notice(Notice::ListLeftOut(list, error.to_string()));
    }

    fn origin(&self) -> CrlOrigin {
        let installed = self.store.now().known();
        CrlOrigin {
            installed,
            installed_by: self.store.acting.clone(),
        }
    }
}
