//! The model: which calls the rules refuse, and what the others do.

use mutual_trust::store::{Decision, EntryKey};

use super::asks::{NAMES, SERVERS};
use super::facts::Expected::{self, Done, Open, Refused};
use super::facts::{Claim, FLOOR_RISE, Facts, block, done_if, group_scope, server_scope};
use super::ops::{GROUPS, Op, Options};

impl Facts {
    /// A bundle is all or nothing: what it would leave, or why not.
    fn bundle(&self, op: &Op) -> Result<Self, Expected> {
        let Op::Bundle(pins, authorities, items) = op else {
            return Err(Refused);
        };
        let mut after = self.clone();
        for (item, decision) in items {
            let one = match decision {
                Decision::Pin => Op::Pin(*pins, *item, Options::PLAIN),
                Decision::Authority => Op::Authority(*authorities, *item, Options::PLAIN),
                Decision::Intermediate => Op::Intermediate(*item),
                Decision::Skip => continue,
                _ => return Err(Refused),
            };
            match after.expect_install(&one) {
                Done => after.install(&one),
                other => return Err(other),
            }
        }
        Ok(after)
    }

    /// Whether a call must be refused. `key` is the entry that it names.
    pub fn expect(&self, op: &Op, key: Option<&EntryKey>) -> Expected {
        let known = |id: usize| self.servers.get(SERVERS[id]);
        let claimed = |id: usize| self.is_claimed(SERVERS[id]);
        let held = key.and_then(|key| self.find(key));
        match op {
            Op::Pin(..) | Op::Fingerprint(..) | Op::Authority(..) | Op::Intermediate(..) => {
                self.expect_install(op)
            }
            Op::Bundle(..) => self.bundle(op).map_or_else(|why| why, |_| Done),
            Op::Again(_) => {
                let held = held.unwrap();
                let (slot, scope) = (held.key.slot, &held.key.scope);
                if self.is_blocked(held.item) {
                    Open
                } else {
                    done_if(Self::may_be_held(
                        slot,
                        scope,
                        held.item,
                        false,
                        held.options,
                    ))
                }
            }
            Op::Update(_, options) => {
                let held = held.unwrap();
                let (slot, scope) = (held.key.slot, &held.key.scope);
                let end = options.ends.filter(|_| options.ends != held.options.ends);
                if held.options == *options {
                    Done
                } else if !held.bare && self.is_blocked(held.item) {
                    Open
                } else {
                    done_if(
                        Self::may_be_held(slot, scope, held.item, held.bare, *options)
                            && end.is_none_or(|end| self.in_future(end)),
                    )
                }
            }
            Op::Enable(_) => {
                let held = held.unwrap();
                let blocked = held.disabled && !held.bare && self.is_blocked(held.item);
                if blocked { Open } else { Done }
            }
            Op::Unblock(kind, item) => done_if(self.blocks.contains(&block(*kind, *item))),
            Op::AddServer(id, names) => done_if(
                known(*id).is_none() && names.iter().all(|&at| self.owner(NAMES[at]).is_none()),
            ),
            Op::RemoveServer(id) => done_if(known(*id).is_some() && !claimed(*id)),
            Op::AddName(id, name) => {
                let owner = self.owner(NAMES[*name]);
                done_if(known(*id).is_some() && owner.is_none_or(|owner| owner == SERVERS[*id]))
            }
            Op::MoveName(name, id) => match (self.owner(NAMES[*name]), known(*id)) {
                (Some(owner), Some(_)) if owner == SERVERS[*id] => Done,
                (Some(owner), Some(to)) if self.is_claimed(owner) => match to.claim {
                    Claim::Unclaimed => Refused,
                    Claim::Claimed => Done,
                    Claim::Migrating(_) => Open,
                },
                (owner, to) => done_if(owner.is_some() && to.is_some()),
            },
            Op::ReleaseName(name) => done_if(self.owner(NAMES[*name]).is_some()),
            Op::Expect(id, _) => done_if(known(*id).is_some()),
            Op::AddGroup(id) => done_if(!self.groups.contains(GROUPS[*id])),
            Op::RemoveGroup(id) | Op::ReleaseGroup(id) => {
                done_if(self.groups.contains(GROUPS[*id]))
            }
            Op::Join(to, id) => {
                let group = known(*id).map(|server| server.group);
                let fits =
                    group.is_some_and(|group| group.is_none_or(|group| group == GROUPS[*to]));
                done_if(self.groups.contains(GROUPS[*to]) && fits)
            }
            Op::Leave(id) => done_if(known(*id).is_some_and(|server| server.group.is_some())),
            Op::Migrate(id, until) => done_if(claimed(*id) && self.may_migrate_until(*until)),
            Op::MigrateGroup(id, until) => {
                let members = self.members(GROUPS[*id]);
                let all_claimed = members.iter().all(|id| self.is_claimed(id));
                let known = self.groups.contains(GROUPS[*id]);
                done_if(known && all_claimed && self.may_migrate_until(*until))
            }
            Op::StopMigrating(id) => done_if(claimed(*id)),
            Op::Release(id) => {
                let group = known(*id).and_then(|server| server.group);
                done_if(claimed(*id) && !group.is_some_and(|group| self.group_holds_pin(group)))
            }
            Op::Remove(_) | Op::Disable(_) | Op::Block(..) => Done,
            // There must be a clock, and it must count.
            Op::ConfirmClock => done_if(self.judged(self.now).1),
            Op::Publish | Op::ResetFloor(_) | Op::SetClock(_) => Done,
        }
    }

    /// What a call does that was not refused.
    pub fn effect(&mut self, op: &Op, key: Option<&EntryKey>) {
        let at = key.and_then(|key| self.entries.iter().position(|held| held.key == *key));
        match op {
            Op::Pin(..) | Op::Fingerprint(..) | Op::Authority(..) | Op::Intermediate(..) => {
                self.install(op);
            }
            Op::Bundle(..) => *self = self.bundle(op).unwrap(),
            // M1: installing its certificate completes the entry.
            Op::Again(_) => self.entries[at.unwrap()].bare = false,
            Op::Remove(_) => drop(self.entries.remove(at.unwrap())),
            Op::Update(_, options) => self.entries[at.unwrap()].options = *options,
            Op::Disable(_) => self.entries[at.unwrap()].disabled = true,
            Op::Enable(_) => self.entries[at.unwrap()].disabled = false,
            Op::Block(kind, item) => {
                if !self.blocks.contains(&block(*kind, *item)) {
                    self.blocks.push(block(*kind, *item));
                }
            }
            Op::Unblock(kind, item) => self.blocks.retain(|held| *held != block(*kind, *item)),
            Op::AddServer(id, names) => {
                let names: Vec<&'static str> = names.iter().map(|&at| NAMES[at]).collect();
                self.add_server(SERVERS[*id], &names);
            }
            Op::RemoveServer(id) => {
                self.servers.remove(SERVERS[*id]);
                let scope = server_scope(SERVERS[*id]);
                self.entries.retain(|held| held.key.scope != scope);
            }
            Op::AddName(id, name) => drop(self.server(*id).names.insert(NAMES[*name])),
            Op::MoveName(name, id) => {
                for server in self.servers.values_mut() {
                    server.names.remove(NAMES[*name]);
                }
                self.server(*id).names.insert(NAMES[*name]);
            }
            Op::ReleaseName(name) => {
                for server in self.servers.values_mut() {
                    server.names.remove(NAMES[*name]);
                }
            }
            Op::Expect(id, names) => {
                self.server(*id).expected = names.iter().map(|&at| NAMES[at]).collect();
            }
            Op::AddGroup(id) => drop(self.groups.insert(GROUPS[*id])),
            Op::RemoveGroup(id) => {
                for member in self.members(GROUPS[*id]) {
                    self.servers.get_mut(member).unwrap().group = None;
                }
                self.groups.remove(GROUPS[*id]);
                let scope = group_scope(GROUPS[*id]);
                self.entries.retain(|held| held.key.scope != scope);
            }
            Op::Join(to, id) => {
                self.server(*id).group = Some(GROUPS[*to]);
                if self.group_holds_pin(GROUPS[*to]) {
                    self.claim(SERVERS[*id]);
                }
            }
            Op::Leave(id) => self.server(*id).group = None,
            Op::Migrate(id, until) => self.server(*id).claim = Claim::Migrating(*until),
            Op::MigrateGroup(id, until) => {
                for member in self.members(GROUPS[*id]) {
                    self.servers.get_mut(member).unwrap().claim = Claim::Migrating(*until);
                }
            }
            Op::StopMigrating(id) => self.server(*id).claim = Claim::Claimed,
            Op::Release(id) => self.release(SERVERS[*id]),
            Op::ReleaseGroup(id) => {
                for member in self.members(GROUPS[*id]) {
                    self.release(member);
                }
                let scope = group_scope(GROUPS[*id]);
                self.entries.retain(|held| held.key.scope != scope);
            }
            Op::Publish => {
                if let (Some(moment), true) = self.judged(self.now)
                    && self.floor.is_none_or(|floor| moment <= floor + FLOOR_RISE)
                {
                    self.floor = Some(self.floor.map_or(moment, |floor| floor.max(moment)));
                }
            }
            Op::ConfirmClock => {
                if let (Some(moment), Some(floor)) = (self.now, self.floor)
                    && moment > floor + FLOOR_RISE
                {
                    self.floor = Some(moment);
                }
            }
            Op::ResetFloor(floor) => self.floor = *floor,
            Op::SetClock(time) => self.now = *time,
        }
    }
}
