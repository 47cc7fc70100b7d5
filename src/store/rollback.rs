//! Goes back to what a store held at an earlier generation, except for what takes trust away (rule S4).

use std::collections::BTreeSet;

use super::blocks::Blocks;
use super::changes::check_line;
use super::consequence::Consequence;
use super::crls::Crls;
use super::revocation::Room;
use super::rolled_back::{Kept, RolledBack};
use super::{
    BlockSelector, Claim, Entry, EntryKey, GroupId, Outcome, Report, Server, ServerId, ServerRole,
    Truncated, TrustSnapshot, TrustStore,
};
use crate::certificate::{Fingerprint, HostName};
use crate::store::error::StoreError;

fn listed<T>(items: impl IntoIterator<Item = T>) -> Truncated<T> {
    let mut list = Truncated::default();
    items.into_iter().for_each(|item| list.push(item));
    list
}

/// A server without its position, which differs between stores.
type Facts<'a> = (
    Vec<&'a HostName>,
    Vec<&'a HostName>,
    Option<&'a GroupId>,
    Claim,
    Option<&'a ServerRole>,
);

fn facts(server: &Server) -> Facts<'_> {
    let expected = server.expected_names().collect();
    (
        server.names().collect(),
        expected,
        server.group(),
        server.claim(),
        server.role(),
    )
}

fn is_same(one: &Entry, other: &Entry) -> bool {
    one.certificate() == other.certificate()
        && one.installed() == other.installed()
        && one.more() == other.more()
}

impl Blocks {
    /// Whether a block hits what is installed.
    pub(super) fn hits(&self, entry: &Entry) -> bool {
        let fingerprint = entry.fingerprint();
        match (entry.certificate(), entry.unread()) {
            (Some(certificate), _) => self.find(certificate).is_some(),
            (None, Some(der)) => self.find_unread(der, fingerprint).is_some(),
            (None, None) => self.find_fingerprint(fingerprint).is_some(),
        }
    }
}

impl Crls {
    /// The lists of now, which stay, and all checked issuers of both. An issuer without a list now has its earlier ones
    /// again. An older list never replaces a newer one (rule C4).
    fn with_earlier(&self, earlier: &Self) -> Result<Self, StoreError> {
        let mut both = self.clone();
        for issuer in earlier.checked() {
            both.check(&issuer);
            let now = self.of(&issuer).unwrap_or(&[]);
            let has_unread = self.unread().any(|list| *list.issuer() == issuer);
            if !now.is_empty() || has_unread {
                continue;
            }
            let lists = earlier.of(&issuer).unwrap_or(&[]);
            let unread = earlier.unread().filter(|list| *list.issuer() == issuer);
            for (at, list) in lists.iter().enumerate() {
                both.has_room(at, list.crl().der().len())?;
                both.put((**list).clone());
            }
            for (at, list) in unread.enumerate() {
                both.has_room(lists.len().saturating_add(at), list.der().len())?;
                both.put_unread((**list).clone());
            }
        }
        Ok(both)
    }

    fn has_room(&self, of_issuer: usize, bytes: usize) -> Result<(), StoreError> {
        let room = Room {
            of_issuer,
            lists: self.count(),
            bytes: self.bytes(),
        };
        room.check(bytes)
    }

    fn fingerprints(&self) -> BTreeSet<Fingerprint> {
        let read = self.all().map(|list| list.crl().fingerprint());
        read.chain(self.unread().map(|list| list.fingerprint()))
            .collect()
    }
}

impl TrustStore {
    /// Gives the store the content of an earlier generation again. It is a new generation.
    ///
    /// What takes trust away stays: blocks, claims with the names of their servers, checked issuers, revocation lists and
    /// the floor. Only the calls that are named for it lift them. Of a claim of both generations, the stricter one is
    /// kept. What takes trust away in the earlier generation alone comes back. An entry that a block hits does not come
    /// back; one that is installed now and was then stays.
    ///
    /// `earlier` must be an earlier snapshot of this store, in this process or of its file.
    ///
    /// # Errors
    /// The revocation lists of both do not fit within the limits.
    #[doc(hidden)]
    pub fn roll_back(&mut self, earlier: &TrustSnapshot) -> Result<RolledBack, StoreError> {
        self.go_back(earlier, "rollback to")
    }

    /// Gives the store the content of a backup, as [`roll_back`](Self::roll_back) does. The new generation is higher
    /// than that of the store and that of the backup.
    ///
    /// # Errors
    /// As for [`roll_back`](Self::roll_back).
    #[doc(hidden)]
    pub fn restore_backup(&mut self, backup: &TrustSnapshot) -> Result<RolledBack, StoreError> {
        self.go_back(backup, "restore of")
    }

    fn go_back(&mut self, earlier: &TrustSnapshot, what: &str) -> Result<RolledBack, StoreError> {
        let now = self.data.clone();
        let crls = now.data().crls().with_earlier(earlier.data().crls())?;
        let mut kept = Truncated::default();
        self.data = earlier.clone();
        let data = self.edit();
        // A backup can be newer than the store, and its number is not used again.
        data.generation = now.generation().max(earlier.generation());
        data.keys = now.data().keys;
        data.floor = now.floor();
        if now.floor() != earlier.floor() {
            kept.push(Kept::Floor(now.floor()));
        }
        for block in now.blocks() {
            if data.blocks_mut().insert(block) {
                kept.push(Kept::Block(block.clone()));
            }
        }
        let left_out = self.leave_out_blocked(&now);
        self.keep_claims(&now, &mut kept);
        self.keep_all_disabled(&now, &mut kept);
        keep_crls(earlier.data().crls(), now.data().crls(), &mut kept);
        *self.edit().crls_mut() = crls;
        Ok(self.rolled_back(&now, (what, earlier.generation()), kept, left_out))
    }

    /// Takes out what a block hits, unless it is installed now as well.
    fn leave_out_blocked(&mut self, now: &TrustSnapshot) -> Truncated<EntryKey> {
        let data = self.data.data();
        let blocked = data.all().filter(|entry| data.blocks().hits(entry));
        let keys = blocked.map(|entry| entry.key());
        let mut left_out: Vec<EntryKey> = keys.filter(|key| now.entry(key).is_none()).collect();
        left_out.sort();
        let _ = self.take_all(&left_out);
        listed(left_out)
    }

    /// A claim refuses every peer without a pin, so it stays even if the server itself goes (rule P2).
    fn keep_claims(&mut self, now: &TrustSnapshot, kept: &mut Truncated<Kept>) {
        let claimed = now.servers().filter(|one| one.claim() != Claim::Unclaimed);
        let claimed: Vec<&Server> = claimed.collect();
        for server in &claimed {
            let expected = server.expected_names().cloned().collect();
            if self.keep_claim(server.id(), server.claim(), expected) {
                kept.push(Kept::Claim(server.id().clone()));
            }
        }
        // After all claims: a name leaves a claimed server only for another one.
        for server in claimed {
            for name in server.names() {
                if self.restore_name(server.id(), name) {
                    kept.push(Kept::Name(server.id().clone(), name.clone()));
                }
            }
        }
    }

    /// An entry that an administrator disabled stays so, if the earlier generation has it.
    fn keep_all_disabled(&mut self, now: &TrustSnapshot, kept: &mut Truncated<Kept>) {
        let disabled = now.data().all().filter_map(|entry| {
            let why = entry.disabled_by_call()?;
            Some((entry.key(), why))
        });
        let mut disabled: Vec<(EntryKey, &str)> = disabled.collect();
        disabled.sort();
        for (key, why) in disabled {
            if self.keep_disabled(&key, why) {
                kept.push(Kept::Disabled(key));
            }
        }
    }

    /// Keeps an entry disabled that an administrator disabled. `false` if there is no such entry, or it is disabled by a
    /// call already.
    pub(crate) fn keep_disabled(&mut self, key: &EntryKey, why: &str) -> bool {
        let held = self.data.entry(key);
        let Some(mut entry) = held
            .filter(|held| held.disabled_by_call().is_none())
            .cloned()
        else {
            return false;
        };
        // A damaged file can have any text.
        let why = check_line(why).map_or("disabled in a damaged file", |()| why);
        entry.change(|more| {
            more.disabled.get_or_insert_default().by_call = Some(why.into());
        });
        self.edit().put(entry);
        true
    }

    /// Compares with what was there, counts the generation if something differs, and reports.
    fn rolled_back(
        &mut self,
        now: &TrustSnapshot,
        (what, to): (&str, u64),
        kept: Truncated<Kept>,
        left_out: Truncated<EntryKey>,
    ) -> RolledBack {
        let (mut came, mut changed) = (Vec::new(), Vec::new());
        for entry in self.data.data().all() {
            let key = entry.key();
            match now.entry(&key) {
                None => came.push(key),
                Some(held) if !is_same(held, entry) => changed.push(key),
                Some(_) => {}
            }
        }
        let gone = now.data().all().map(|entry| entry.key());
        let mut gone: Vec<EntryKey> = gone.filter(|key| self.data.entry(key).is_none()).collect();
        came.sort();
        changed.sort();
        gone.sort();
        let ids = |view: &TrustSnapshot| -> Vec<ServerId> {
            view.servers().map(|server| server.id().clone()).collect()
        };
        let lacks = |view: &TrustSnapshot, ids: Vec<ServerId>| -> Vec<ServerId> {
            let missing = ids.into_iter().filter(|id| view.server(id).is_none());
            missing.collect()
        };
        let servers_came = lacks(now, ids(&self.data));
        let servers_gone = lacks(&self.data, ids(now));
        let lifted = self
            .data
            .blocks()
            .filter(|block| !now.data().blocks.contains(block));
        let blocks_came: Vec<BlockSelector> = lifted.cloned().collect();
        let is_equal = to <= now.generation()
            && came.is_empty()
            && changed.is_empty()
            && gone.is_empty()
            && rest_is_equal(now, &self.data);
        let report = if is_equal {
            // No new generation, so plans on the snapshot stay valid.
            self.data = now.clone();
            Report::new(Outcome::Unchanged, now.generation())
        } else {
            self.ask(format_args!("{what} generation {to}"));
            let before = now.before(now.servers().map(Server::id));
            let mut report = self.finish(Outcome::Changed, before);
            self.report_taken(now, &mut report);
            report
        };
        RolledBack {
            to,
            report,
            came: listed(came),
            gone: listed(gone),
            changed: listed(changed),
            servers_came: listed(servers_came),
            servers_gone: listed(servers_gone),
            blocks_came: listed(blocks_came),
            kept,
            left_out,
        }
    }
}

impl TrustStore {
    /// Reports the claims and the revocation checks that began again (rule I9).
    pub(super) fn report_taken(&self, now: &TrustSnapshot, report: &mut Report) {
        for server in now.servers().filter(|one| one.claim() == Claim::Unclaimed) {
            let then = self.data.server(server.id());
            if then.is_some_and(|then| then.claim() != Claim::Unclaimed) {
                report.push(Consequence::Claimed(server.id().clone()));
            }
        }
        let checked = self.data.data().crls().checked();
        for issuer in checked.filter(|issuer| now.data().crls().of(issuer).is_none()) {
            report.push(Consequence::RevocationChecked(issuer));
        }
    }
}

fn keep_crls(earlier: &Crls, now: &Crls, kept: &mut Truncated<Kept>) {
    let checked = now.checked().filter(|issuer| earlier.of(issuer).is_none());
    checked.for_each(|issuer| kept.push(Kept::Checked(issuer)));
    let lists = earlier.fingerprints();
    for list in now.fingerprints().difference(&lists) {
        kept.push(Kept::Crl(*list));
    }
}

/// Whether both have the same servers, groups, blocks, checked issuers and revocation lists.
fn rest_is_equal(now: &TrustSnapshot, then: &TrustSnapshot) -> bool {
    let servers = |view: &TrustSnapshot| view.servers().count();
    let same_servers = servers(now) == servers(then)
        && now.servers().all(|server| {
            let other = then.server(server.id());
            other.is_some_and(|other| facts(other) == facts(server))
        });
    let (crls, others) = (now.data().crls(), then.data().crls());
    same_servers
        && now
            .groups()
            .map(|group| group.id())
            .eq(then.groups().map(|group| group.id()))
        && now.blocks().eq(then.blocks())
        && crls.checked().eq(others.checked())
        && crls.fingerprints() == others.fingerprints()
}
