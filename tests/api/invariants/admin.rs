//! A store in the hands of an administrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mutual_trust::certificate::TimeSource;
use mutual_trust::error::StoreError;
use mutual_trust::store::{EntryKey, Report, Scope, Slot, TrustSnapshot};
use mutual_trust::{AuthorityScope, CurrentTime, EntryOptions, PinScope, TrustStore};

use super::asks::{NAMES, SERVERS, clock};
use super::ops::{GROUPS, Op, Selector, authority_scope, pin_scope, selector};
use super::pool::{days, item_of, pool};
use super::support::{at, host, keys, server_id};

/// A clock that a test sets.
#[derive(Debug)]
pub struct SetClock(AtomicI64);

const UNSET: i64 = i64::MIN;

impl SetClock {
    pub fn at(time: Option<i64>) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(time.unwrap_or(UNSET))))
    }

    pub fn set(&self, time: Option<i64>) {
        self.0.store(time.unwrap_or(UNSET), Ordering::Relaxed);
    }

    pub fn get(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|time| *time != UNSET)
    }
}

impl TimeSource for SetClock {
    fn now(&self) -> CurrentTime {
        clock(self.get())
    }
}

pub struct Admin {
    pub store: TrustStore,
    pub clock: Arc<SetClock>,
}

impl Admin {
    /// An empty store; now is the time.
    pub fn new() -> Self {
        Self::at(Some(days(0)))
    }

    pub fn at(time: Option<i64>) -> Self {
        let clock = SetClock::at(time);
        Self {
            store: TrustStore::new(keys()).with_clock(clock.clone()),
            clock,
        }
    }

    /// A store with a history.
    pub fn after(history: &[Op]) -> Self {
        let mut admin = Self::new();
        for op in history {
            drop(admin.apply(op));
        }
        admin
    }

    pub fn view(&self) -> &TrustSnapshot {
        self.store.contents()
    }

    /// The entry of this number; `None` if nothing is installed.
    pub fn entry_key(&self, number: usize) -> Option<EntryKey> {
        let entries = self.view().entries();
        let entry = entries.get(number % entries.len().max(1))?;
        Some(entry.key())
    }

    /// Makes the call; `None` if there is nothing to call it for, or if it has no result.
    pub fn apply(&mut self, op: &Op) -> Option<Result<Report, StoreError>> {
        let certificate = |item: usize| pool()[item].certificate.clone();
        let server = |id: usize| server_id(SERVERS[id]);
        let group = |id: usize| GROUPS[id].parse().unwrap();
        let names =
            |names: &[usize]| -> Vec<_> { names.iter().map(|&at| host(NAMES[at])).collect() };
        let until = |time: i64| at(u64::try_from(time).unwrap());
        let key = match op {
            Op::Again(number)
            | Op::Remove(number)
            | Op::Update(number, _)
            | Op::Disable(number)
            | Op::Enable(number) => self.entry_key(*number),
            _ => None,
        };
        let store = &mut self.store;
        Some(match op {
            Op::Pin(to, item, options) => {
                store.install_pin(pin_scope(*to), certificate(*item), options.made())
            }
            Op::Fingerprint(to, item, options) => {
                let fingerprint = pool()[*item].certificate.fingerprint();
                store.install_pin_fingerprint(pin_scope(*to), fingerprint, options.made())
            }
            Op::Authority(to, item, options) => {
                store.install_authority(authority_scope(*to), certificate(*item), options.made())
            }
            Op::Intermediate(item) => {
                store.install_intermediate(certificate(*item), EntryOptions::new())
            }
            Op::Bundle(pins, authorities, items) => {
                let all = items.iter().map(|(item, _)| certificate(*item)).collect();
                let mut bundle = store.classify_bundle(all);
                for (index, (_, decision)) in items.iter().enumerate() {
                    bundle.decide(index, *decision);
                }
                let (pins, authorities) = (pin_scope(*pins), authority_scope(*authorities));
                store.install_bundle(&bundle, &pins, &authorities, &EntryOptions::new())
            }
            Op::Again(_) => install_again(store, &key?),
            Op::Remove(_) => store.remove(&key?),
            Op::Update(_, options) => store.update(&key?, options.made()),
            Op::Disable(_) => store.disable(&key?, "a test disables it"),
            Op::Enable(_) => store.enable(&key?),
            Op::Block(Selector::Whole, item) => Ok(store.block(&certificate(*item))),
            Op::Block(kind, item) => Ok(store.block_selector(selector(*kind, *item))),
            Op::Unblock(kind, item) => store.unblock(&selector(*kind, *item)),
            Op::AddServer(id, at) => store.add_server(server(*id), names(at)),
            Op::RemoveServer(id) => store.remove_server(&server(*id)),
            Op::AddName(id, name) => store.add_name(&server(*id), host(NAMES[*name])),
            Op::MoveName(name, id) => store.move_name(&host(NAMES[*name]), &server(*id)),
            Op::ReleaseName(name) => store.release_name(&host(NAMES[*name])),
            Op::Expect(id, at) => store.set_reference_names(&server(*id), names(at)),
            Op::AddGroup(id) => store.add_group(group(*id)),
            Op::RemoveGroup(id) => store.remove_group(&group(*id)),
            Op::Join(to, id) => store.join_group(&group(*to), &server(*id)),
            Op::Leave(id) => store.leave_group(&server(*id)),
            Op::Migrate(id, time) => store.migrate(&server(*id), until(*time)),
            Op::MigrateGroup(id, time) => store.migrate_group(&group(*id), until(*time)),
            Op::StopMigrating(id) => store.stop_migrating(&server(*id)),
            Op::Release(id) => store.release(&server(*id)),
            Op::ReleaseGroup(id) => store.release_group(&group(*id)),
            Op::ResetFloor(floor) => Ok(store.reset_floor(floor.map(until))),
            Op::ConfirmClock => store.confirm_clock(),
            Op::Publish => {
                store.snapshot();
                return None;
            }
            Op::SetClock(time) => {
                self.clock.set(*time);
                return None;
            }
        })
    }
}

fn install_again(store: &mut TrustStore, key: &EntryKey) -> Result<Report, StoreError> {
    let options = store.contents().entry(key).unwrap().options().clone();
    let certificate = pool()[item_of(key.fingerprint)].certificate.clone();
    match (key.slot, key.scope.clone()) {
        (Slot::Pin, Scope::Server(id)) => {
            store.install_pin(PinScope::Server(id), certificate, options)
        }
        (Slot::Pin, Scope::Group(id)) => {
            store.install_pin(PinScope::Group(id), certificate, options)
        }
        (Slot::Pin, _) => store.install_pin(PinScope::Clients, certificate, options),
        (Slot::Authority, Scope::Server(id)) => {
            store.install_authority(AuthorityScope::Server(id), certificate, options)
        }
        (Slot::Authority, Scope::Clients) => {
            store.install_authority(AuthorityScope::Clients, certificate, options)
        }
        (Slot::Authority, _) => {
            store.install_authority(AuthorityScope::AnyServer, certificate, options)
        }
        (Slot::Intermediate, _) => store.install_intermediate(certificate, options),
    }
}
