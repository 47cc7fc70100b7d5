//! What must hold of a node after each step. It is written from the rules, and shares no code with the library.

use std::collections::{BTreeMap, BTreeSet};

use mutual_trust::Fingerprint;
use mutual_trust::store::{BlockSelector, EntryKey, Scope};

use crate::office::Published;
use crate::pool::Pool;
use crate::records::{PartOf, Records};

/// What a node says that it holds, and what is in its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The sequence and digest of the newest bundle.
    pub held: Option<(u64, String)>,
    /// Whether that is in the store.
    pub applied: bool,
    pub keys_version: u64,
    pub records: Records,
    /// The servers that the fleet made here, as the model knows them.
    pub made: BTreeSet<String>,
}

impl Facts {
    /// The facts after a step of the fleet: servers that came are its own.
    #[must_use]
    pub fn after_fleet(mut self, before: &Self) -> Self {
        let ids: BTreeSet<_> = self.records.servers.keys().cloned().collect();
        let came = ids
            .iter()
            .filter(|id| !before.records.servers.contains_key(*id));
        let all: BTreeSet<_> = before.made.iter().chain(came).cloned().collect();
        self.made = all.intersection(&ids).cloned().collect();
        self
    }

    /// The facts after a change by an administrator of the machine: servers that came are his.
    #[must_use]
    pub fn after_administrator(mut self, before: &Self) -> Self {
        let old = &before.records.servers;
        let ids = self
            .records
            .servers
            .keys()
            .filter(|id| old.contains_key(*id));
        let ids: BTreeSet<_> = ids.cloned().collect();
        self.made = before.made.intersection(&ids).cloned().collect();
        self
    }
}

/// All trust sets that reached the threshold, and the certificates that blocks can hit.
pub struct Model {
    published: BTreeMap<PartOf, BTreeMap<String, Published>>,
    /// Fingerprints by the selectors that block them.
    keys: Vec<(BlockSelector, Fingerprint)>,
}

/// What was found to be wrong.
pub type Wrong = String;

fn must(holds: bool, what: impl FnOnce() -> String) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(what()) }
}

fn missing<'a, T: Ord>(from: &'a BTreeSet<T>, within: &'a BTreeSet<T>) -> Vec<&'a T> {
    from.difference(within).collect()
}

fn includes<T: Ord + core::fmt::Debug>(
    what: &str,
    all: &BTreeSet<T>,
    wanted: &BTreeSet<T>,
) -> Result<(), Wrong> {
    let missing = missing(wanted, all);
    must(missing.is_empty(), || {
        format!("{what} missing: {missing:?}")
    })
}

impl Model {
    pub fn new(pool: &Pool) -> Self {
        let peers = pool.peers.iter().chain(&pool.foreign);
        let keys = peers.flat_map(|peer| {
            let fingerprint = peer.fingerprint();
            [
                (BlockSelector::certificate(peer), fingerprint),
                (BlockSelector::Fingerprint(fingerprint), fingerprint),
            ]
        });
        Self {
            published: BTreeMap::new(),
            keys: keys.collect(),
        }
    }

    /// Enough keys have signed this.
    pub fn add(&mut self, part: PartOf, published: Published) {
        let all = self.published.entry(part).or_default();
        all.insert(published.digest.clone(), published);
    }

    fn of(&self, part: PartOf, facts: &Facts) -> Result<Option<&Published>, Wrong> {
        let Some((sequence, digest)) = &facts.held else {
            return Ok(None);
        };
        let found = self.published.get(&part).and_then(|all| all.get(digest));
        let found = found.ok_or_else(|| format!("holds {digest}, which was never published"))?;
        must(found.sequence == *sequence, || {
            format!("says sequence {sequence}, and it is {}", found.sequence)
        })?;
        Ok(Some(found))
    }

    /// A step in which a node may take a publication over, or not.
    pub fn check(&self, part: PartOf, before: &Facts, after: &Facts) -> Result<(), Wrong> {
        let sequence = |facts: &Facts| facts.held.as_ref().map_or(0, |(sequence, _)| *sequence);
        let (from, to) = (sequence(before), sequence(after));
        must(to >= from, || format!("goes back from {from} to {to}"))?;
        must(to > from || after.held == before.held, || {
            format!("takes another bundle of sequence {to}")
        })?;
        must(after.keys_version >= before.keys_version, || {
            let (old, new) = (before.keys_version, after.keys_version);
            format!("its key set goes back from {old} to {new}")
        })?;
        let newest = self.of(part, after)?;
        if after.records == before.records {
            return Ok(());
        }
        let Some(newest) = newest else {
            return Err(String::from(
                "its store changes, and nothing was taken over",
            ));
        };
        self.restricts(before, after, newest)?;
        if only_restricts(before, after) && !after.applied {
            return Ok(());
        }
        self.merged(&before.records, after, &newest.content)
    }

    /// A node holds what was published last, and it is in its store.
    pub fn converged(&self, part: PartOf, after: &Facts, sequence: u64) -> Result<(), Wrong> {
        let newest = self.of(part, after)?;
        let newest = newest.ok_or_else(|| String::from("holds nothing"))?;
        must(newest.sequence == sequence && after.applied, || {
            let applied = after.applied;
            format!(
                "is at {} (applied: {applied}) and not at {sequence}",
                newest.sequence
            )
        })?;
        self.merged(&after.records, after, &newest.content)
    }

    /// Restrictions are only added, and only those that were published.
    fn restricts(&self, before: &Facts, after: &Facts, newest: &Published) -> Result<(), Wrong> {
        let (old, now, new) = (&before.records, &after.records, &newest.content);
        includes("blocks in force before", &now.blocks, &old.blocks)?;
        includes("blocks of the bundle", &now.blocks, &new.blocks)?;
        let both: BTreeSet<_> = old.blocks.union(&new.blocks).cloned().collect();
        includes("origin of blocks", &both, &now.blocks)?;
        includes("checks made before", &now.checked, &old.checked)?;
        includes("checks of the bundle", &now.checked, &new.checked)?;
        let both: BTreeSet<_> = old.checked.union(&new.checked).cloned().collect();
        includes("origin of checks", &both, &now.checked)?;
        let (empty, lists) = (BTreeSet::new(), |records: &Records, issuer: &String| {
            records.lists.get(issuer).cloned().unwrap_or_default()
        });
        for issuer in old.lists.keys().chain(new.lists.keys()) {
            let (held, was, said) = (lists(now, issuer), lists(old, issuer), lists(new, issuer));
            must(held != empty, || format!("no list of {issuer} is left"))?;
            let both: BTreeSet<_> = was.union(&said).cloned().collect();
            includes("origin of lists", &both, &held)?;
        }
        includes("claims in force before", &now.claimed, &old.claimed)?;
        let loose: BTreeSet<_> = new.migrating.difference(&old.claimed).cloned().collect();
        let loose: BTreeSet<_> = old.migrating.union(&loose).cloned().collect();
        includes("permission to migrate", &loose, &now.migrating)
    }

    /// The store is what was published, merged with what was installed here.
    fn merged(&self, before: &Records, facts: &Facts, new: &Records) -> Result<(), Wrong> {
        let after = &facts.records;
        must(before.local() == after.local(), || {
            let (old, now) = (before.local(), after.local());
            format!("what was installed here changes: {old:#?} to {now:#?}")
        })?;
        let local = before.local();
        let fleet = after.fleet();
        for (key, terms) in &new.entries {
            if local.contains_key(key) {
                continue;
            }
            match fleet.get(key) {
                Some(found) => must(*found == terms, || {
                    format!("{key} has the terms {found} instead of {terms}")
                })?,
                None => must(self.is_blocked(key, after), || {
                    format!("{key} of the bundle is missing")
                })?,
            }
        }
        let more = fleet.keys().find(|key| !new.entries.contains_key(**key));
        must(more.is_none(), || {
            format!("{more:?} is said to be from the fleet, and is not in the bundle")
        })?;
        includes("claims of the bundle", &after.claimed, &new.claimed)?;
        includes("groups of the bundle", &after.groups, &new.groups)?;
        for (id, (names, _, _)) in &new.servers {
            let found = after.servers.get(id);
            let (found, _, _) = found.ok_or_else(|| format!("server {id} is missing"))?;
            let missing: Vec<_> = names.iter().filter(|name| !found.contains(name)).collect();
            must(missing.is_empty(), || {
                format!("server {id} lacks {missing:?}")
            })?;
        }
        for id in facts
            .made
            .iter()
            .filter(|id| !new.servers.contains_key(*id))
        {
            let is_local =
                |key: &EntryKey| matches!(&key.scope, Scope::Server(of) if of.to_string() == *id);
            let is_kept = after.claimed.contains(id) || after.entries.keys().any(is_local);
            must(is_kept || !after.servers.contains_key(id), || {
                format!("server {id} stays, and the fleet no longer has it")
            })?;
        }
        for id in before.servers.keys().filter(|id| id.starts_with("own-")) {
            must(after.servers.contains_key(id), || {
                format!("server {id} of this machine is gone")
            })?;
        }
        Ok(())
    }

    fn is_blocked(&self, key: &EntryKey, records: &Records) -> bool {
        let mut hit = self.keys.iter();
        hit.any(|(block, fingerprint)| {
            records.blocks.contains(block) && *fingerprint == key.fingerprint
        })
    }
}

/// Whether a step only added what takes trust away.
fn only_restricts(before: &Facts, after: &Facts) -> bool {
    let plain = |facts: &Facts| {
        let mut records = facts.records.clone();
        records.blocks.clear();
        records.checked.clear();
        records.lists.clear();
        records
    };
    plain(before) == plain(after)
}
