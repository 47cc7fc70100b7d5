//! Takes a bundle over: verified, kept, merged, stored.

use super::error::MemberError;
use super::kept::Filed;
use super::state::State;
use super::stored::{Stored, stored};
use super::{FleetMember, Memory, RESTRICTIONS, TAKE_OVER, TakeOver, check_lost, place, source};
use crate::admin::bundle::{Bundle, Publication};
use crate::admin::durable::Beside;
use crate::admin::durable::error::DurableError;
use crate::admin::follow::{FollowGuard, Guard, LockedOut, held_for};
use crate::admin::{DurableStore, Impact};
use crate::store::fleet::{Bundles, Made, Merged, NameConflict, Notice};
use crate::store::{Truncated, TrustSnapshot, TrustStore};

/// What one round under the lock of the store did.
struct Round {
    state: State,
    done: Result<TakeOver, NameConflict>,
    /// What the fleet has made when the change is stored.
    open: Option<Made>,
    locked_out: Option<LockedOut>,
    notices: Truncated<Notice>,
}

impl FleetMember {
    /// Whether nothing has changed since the store had what the newest bundle says.
    pub(super) fn is_current(&self, store: &DurableStore) -> Result<bool, MemberError> {
        let is_equal = self.checked == Some(store.contents().generation());
        let file = self.memory.file.as_ref().and_then(Filed::stamp);
        Ok(is_equal && file.is_some() && place(store, &self.fleet).stamp()? == file)
    }

    /// Verifies what is offered, keeps it, and makes the store what the newest bundle says.
    pub(super) fn run(
        &mut self,
        offered: Option<&[u8]>,
        store: &mut DurableStore,
    ) -> Result<TakeOver, MemberError> {
        let place = place(store, &self.fleet);
        self.checked = None;
        let guard = Guard {
            kind: self.guard,
            policy: self.policy.unwrap_or_else(|| store.default_policy()),
            clock: store.now(),
        };
        let mut kept = None;
        let mut memory = core::mem::take(&mut self.memory);
        let (folder, settings) = (store.folder().to_owned(), store.settings().clone());
        let mut before = None;
        let round = store.try_change(|store| {
            // Under the lock: another process may have written since.
            before = Some(store.contents().generation());
            let state = self.read(&place, store, &mut memory, |since| {
                stored(&folder, &settings, &self.fleet, since)
            })?;
            let to = (&place, &guard);
            self.round(store, state, offered, to, &mut kept, &mut memory)
        });
        // Under the same lock as the look at the history, only this change was made.
        if round.is_ok() && memory.looked == before {
            memory.looked = Some(store.contents().generation());
        }
        self.memory = memory;
        // What is in the file counts, also if the store was not changed.
        if let Some(kept) = kept {
            self.state = kept;
        }
        let done = match round {
            Ok(round) => self.after(round, store, &place, &guard),
            Err(error) => Err(error),
        };
        self.memory.records.keep(&self.state);
        done
    }

    /// Notes what a round did, when the store is changed.
    fn after(
        &mut self,
        round: Round,
        store: &mut DurableStore,
        place: &Beside,
        guard: &Guard,
    ) -> Result<TakeOver, MemberError> {
        self.state = round.state;
        if let Some(made) = round.open {
            self.finish(store, place, made)?;
        }
        let is_equal = matches!(
            round.done,
            Ok(TakeOver::Unchanged | TakeOver::Applied { .. })
        );
        if is_equal && self.state.is_settled() {
            self.checked = Some(store.contents().generation());
        }
        let known = self.locked_out.take();
        self.locked_out = round
            .locked_out
            .or_else(|| known?.still(guard, store.contents()));
        self.notices = round.notices;
        Ok(round.done?)
    }

    /// Reads the file. Refuses one that is older than what this process or the store has taken over. A file of a later
    /// membership, which another process made by joining again, is measured by the history alone.
    pub(super) fn read(
        &self,
        place: &Beside,
        store: &TrustStore,
        memory: &mut Memory,
        look: impl FnOnce(u64) -> Result<Stored, DurableError>,
    ) -> Result<State, MemberError> {
        let Some(state) = Filed::read(&mut memory.file, place, &self.fleet)? else {
            check_lost(place, &self.fleet, store)?;
            let (fleet, path) = (self.fleet.clone(), place.path().to_owned());
            return Err(MemberError::NotAMember { fleet, path });
        };
        memory.seal = place.seal_of().cloned();
        // Its own state needs no second look at the same history. A state that is as old as an older file does: another
        // process may have gone on.
        if state == self.state && memory.looked == Some(store.contents().generation()) {
            return Ok(state);
        }
        let found = look(state.since)?;
        self.check_age(&state, &found, place)?;
        memory.looked = Some(found.until);
        Ok(state)
    }

    /// Refuses a state that is older than what this process or the store has taken over.
    pub(super) fn check_age(
        &self,
        state: &State,
        found: &Stored,
        place: &Beside,
    ) -> Result<(), MemberError> {
        let known = match state.since <= self.state.since {
            true => self.state.held.sequence(),
            false => 0,
        };
        let (held, stored) = (state.held.sequence(), known.max(found.sequence));
        if held < stored {
            let path = place.path().to_owned();
            return Err(MemberError::StateOld { path, held, stored });
        }
        Ok(())
    }

    /// One round, under the lock of the store, from what the file has. `kept` is what it has after it.
    fn round(
        &self,
        store: &mut TrustStore,
        mut state: State,
        offered: Option<&[u8]>,
        (place, guard): (&Beside, &Guard),
        kept: &mut Option<State>,
        memory: &mut Memory,
    ) -> Result<Round, MemberError> {
        let keys = *store.key_policy();
        let before = state.clone();
        *kept = Some(state.clone());
        let view = store.contents().clone();
        let Memory { file, records, .. } = memory;
        let mut read = |bundle: &Bundle| records.of(bundle, keys, &view);
        if let Some(bytes) = offered {
            let publication = Publication::read(bytes)?;
            let at = (guard.clock, view.floor());
            let verified = state
                .held
                .verify_and_read(&publication, at, keys, &mut read)?;
            state.hold(bytes, &verified)?;
        }
        let Some(newest) = state.newest.clone() else {
            return Ok(Round {
                state,
                done: Ok(TakeOver::Unchanged),
                open: None,
                locked_out: None,
                notices: Truncated::default(),
            });
        };
        let new = read(&newest.bundle)?;
        state.resolve(view.generation());
        let said = state.said(&mut read)?;
        let said: Vec<&TrustSnapshot> = said.iter().collect();
        let source = source(&self.fleet);
        let bundles = Bundles {
            source: &source,
            earlier: &said,
            new: &new,
        };
        let tried = Tried::of(store, &bundles, &state.made);
        let mut keep = |state: &State| {
            if *state != before {
                Filed::write(file, state, place)?;
            }
            *kept = Some(state.clone());
            Ok::<_, MemberError>(())
        };
        let by = signed_by(&source, &state);
        let mut restrict = |state: &State| {
            keep(state)?;
            if tried.restricted.has_changed() {
                store.take_over(&tried.strict);
                store.ask(format_args!("{TAKE_OVER}{RESTRICTIONS}{by}"));
            }
            Ok::<_, MemberError>(())
        };
        let (merged, made, full) = match tried.whole {
            Ok(whole) => whole,
            Err(conflict) => {
                restrict(&state)?;
                return Ok(Round {
                    state,
                    notices: tried.restricted.notices,
                    done: Err(conflict),
                    open: None,
                    locked_out: None,
                });
            }
        };
        let base = tried.strict.contents();
        let effects = match full.contents().generation() == view.generation() {
            true => Impact::default(),
            false => guard.effects(base, full.contents()),
        };
        let endangered = effects.endangered();
        if guard.kind == FollowGuard::Refuse && !endangered.is_empty() {
            restrict(&state)?;
            let (lost, at_risk) = held_for(endangered, &effects);
            return Ok(Round {
                state,
                notices: tried.restricted.notices.clone(),
                done: Ok(TakeOver::Held {
                    lost,
                    at_risk,
                    merged: Box::new(tried.restricted),
                }),
                open: None,
                locked_out: None,
            });
        }
        if !merged.has_changed() {
            state.settle(made);
            keep(&state)?;
            return Ok(Round {
                state,
                done: Ok(TakeOver::Unchanged),
                open: None,
                locked_out: None,
                notices: merged.notices,
            });
        }
        let locked_out = LockedOut::of(base, endangered, &effects);
        // What a block or a list locks out is told once. In the health it would stand for ever.
        let effects = match tried.restricted.has_changed() {
            true => guard.effects(&view, full.contents()),
            false => effects,
        };
        state.begin(view.generation(), &made);
        keep(&state)?;
        store.take_over(&full);
        store.ask(format_args!("{TAKE_OVER}{by}"));
        Ok(Round {
            open: Some(made),
            state,
            notices: merged.notices.clone(),
            locked_out,
            done: Ok(TakeOver::Applied {
                merged: Box::new(merged),
                effects: Box::new(effects),
            }),
        })
    }

    /// Notes that the newest bundle is in the store, unless another process has gone on since.
    fn finish(
        &mut self,
        store: &mut DurableStore,
        place: &Beside,
        made: Made,
    ) -> Result<(), MemberError> {
        let mut settled = self.state.clone();
        settled.settle(made);
        let (begun, file) = (&self.state, &mut self.memory.file);
        let written = store.try_change(|_| {
            let there = Filed::read(file, place, begun.held.fleet())?;
            let is_ours = there.as_ref() == Some(begun);
            if is_ours {
                Filed::write(file, &settled, place)?;
            }
            Ok::<_, MemberError>(is_ours)
        })?;
        if written {
            self.state = settled;
        }
        Ok(())
    }
}

/// The newest bundle in the words of the history: its fleet, its sequence, and who signed it.
fn signed_by(source: &str, state: &State) -> String {
    let Some(newest) = &state.newest else {
        return source.to_owned();
    };
    let signers: Vec<String> = newest.signers.iter().map(ToString::to_string).collect();
    let (sequence, signers) = (newest.bundle.head().sequence(), signers.join(" "));
    format!("{source} sequence {sequence}, signed by {signers}")
}

/// The store with the bundle, and with what takes trust away in it alone.
struct Tried {
    strict: TrustStore,
    restricted: Merged,
    whole: Result<(Merged, Made, TrustStore), NameConflict>,
}

impl Tried {
    fn of(store: &TrustStore, bundles: &Bundles<'_>, made: &Made) -> Self {
        let mut strict = store.fork();
        let restricted = strict.merge_restrictions(bundles);
        let mut full = store.fork();
        let whole = full.merge_bundle(bundles, made);
        Self {
            strict,
            restricted,
            whole: whole.map(|(merged, made)| (merged, made, full)),
        }
    }
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::admin::DurableSettings;
    use crate::admin::bundle::{Bundle, BundleHead, FleetId, KeySet, Part, Signer};
    use crate::certificate::KeyPolicy;
    use crate::identity::PrivateKey;
    use crate::tls;

    /// A fleet, and the store of a node of it, which two processes have open.
    struct World {
        keys: KeyPolicy,
        signer: Box<dyn Signer>,
        set: KeySet,
        central: TrustStore,
        folder: PathBuf,
        stores: [DurableStore; 2],
    }

    impl World {
        fn new(test: &str) -> (Self, FleetMember, FleetMember) {
            let provider = tls::provider::default_provider();
            let keys = tls::key_policy(&provider);
            let key = include_bytes!("../../../../tests/fixtures/keys/ed25519.key.pem");
            let key = PrivateKey::from_pem(key).unwrap();
            let signer = Box::new(tls::bundle_signer(key, &provider).unwrap());
            let fleet: FleetId = "site-a".parse().unwrap();
            let set = KeySet::new(fleet.clone(), 1, [signer.key().clone()]).unwrap();
            let name = format!("mutual-trust-member-{test}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            let settings = DurableSettings::new(keys);
            let mut store = DurableStore::create(&folder, settings.clone()).unwrap();
            let digest = set.digest();
            let one = FleetMember::join(&mut store, set.clone(), digest, Part::All).unwrap();
            let mut other = DurableStore::open(&folder, settings).unwrap().0;
            let two = FleetMember::open(&mut other, &fleet).unwrap();
            let world = Self {
                keys,
                signer,
                set,
                central: TrustStore::new(keys),
                folder,
                stores: [store, other],
            };
            (world, one, two)
        }

        fn add_server(&mut self, id: &str) {
            self.central.add_server(id.parse().unwrap(), []).unwrap();
        }

        fn publish(&mut self, sequence: u64) -> Vec<u8> {
            let now = pki_types::UnixTime::now();
            let until = core::time::Duration::from_secs(now.as_secs() + 3600);
            let until = pki_types::UnixTime::since_unix_epoch(until);
            let head = BundleHead::new(&self.set, Part::All, sequence, now, until).unwrap();
            let bundle = Bundle::new(&self.central.snapshot(), head.trusting_none()).unwrap();
            let mut made = Publication::new([self.set.clone()], bundle).unwrap();
            let signature = made.bundle().sign(&*self.signer).unwrap();
            made.add_signature(signature, self.keys).unwrap();
            made.to_bytes()
        }
    }

    /// The first process takes `mine` over, and is stopped behind its change for as long as the second one takes over
    /// `theirs`.
    fn overtaken(
        world: &mut World,
        (one, mine): (&mut FleetMember, &[u8]),
        (two, theirs): (&mut FleetMember, &[u8]),
    ) {
        let [store, other] = &mut world.stores;
        let place = place(store, &one.fleet);
        let guard = Guard {
            kind: FollowGuard::Report,
            policy: store.default_policy(),
            clock: store.now(),
        };
        let (mut kept, mut memory) = (None, Memory::default());
        let round = store.try_change(|store| {
            let state = one.read(&place, store, &mut memory, |_| Ok(Stored::default()))?;
            let to = (&place, &guard);
            one.round(store, state, Some(mine), to, &mut kept, &mut memory)
        });
        let round = round.unwrap();
        one.memory = memory;
        let _ = two.take_over(theirs, other).unwrap();
        let _ = one.after(round, store, &place, &guard).unwrap();
    }

    #[test]
    fn what_another_process_took_over_since_is_not_overwritten() {
        let (mut world, mut one, mut two) = World::new("overtaken");
        world.add_server("keys-1");
        let first = world.publish(1);
        world.add_server("keys-2");
        let second = world.publish(2);
        overtaken(&mut world, (&mut one, &first), (&mut two, &second));
        let there = FleetMember::open(&mut world.stores[0], &one.fleet).unwrap();
        let there = there.state();
        assert_eq!(there.newest.unwrap().sequence, 2);
        assert_eq!(there.applied.unwrap().sequence, 2);
        fs::remove_dir_all(world.folder).unwrap();
    }

    #[test]
    fn what_another_process_holds_since_is_seen_also_if_the_store_has_not_changed() {
        let (mut world, mut one, mut two) = World::new("overtaken-file");
        world.add_server("keys-1");
        let first = world.publish(1);
        let _ = one.take_over(&first, &mut world.stores[0]).unwrap();
        // Neither of them changes the store.
        let (second, third) = (world.publish(2), world.publish(3));
        overtaken(&mut world, (&mut one, &second), (&mut two, &third));
        let store = &mut world.stores[0];
        assert!(!one.is_current(store).unwrap());
        let _ = one.refresh(store).unwrap();
        assert_eq!(one.state().newest.unwrap().sequence, 3);
        assert!(one.is_current(store).unwrap());
        fs::remove_dir_all(world.folder).unwrap();
    }
}
