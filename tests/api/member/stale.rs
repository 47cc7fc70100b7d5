//! A process whose memory is older than the file and the store: it writes no old state, and applies no old bundle.

use std::fs;
use std::sync::Arc;

use mutual_trust::admin::bundle::{FleetMember, Part, TakeOver};
use mutual_trust::admin::{DurableSettings, DurableStore, SealKey};
use mutual_trust::error::MemberError;
use mutual_trust::store::{Scope, Slot};
use mutual_trust::{Certificate, PinScope};

use super::common::*;

fn sealed(byte: u8) -> Arc<SealKey> {
    Arc::new(SealKey::new(vec![byte; 32]).unwrap())
}

/// A node on which a second process took a bundle over that drops a pin, since the first one took the bundle before.
struct Stale {
    world: World,
    /// Its memory has sequence 1.
    one: FleetMember,
    /// It has taken sequence 2 over.
    two: FleetMember,
    other: DurableStore,
    removed: Certificate,
    first: Vec<u8>,
    /// The file with sequence 1.
    file: Vec<u8>,
}

impl Stale {
    fn new(test: &str, settings: DurableSettings) -> Self {
        let mut world = World::with(test, settings.clone());
        let mut one = world.join();
        let removed = pin("array-1");
        for pin in [&removed, &pin("array-2")] {
            let central = &mut world.fleet.central;
            central
                .install_pin(PinScope::Clients, pin.clone(), options())
                .unwrap();
        }
        let first = world.fleet.publish();
        let _ = one.take_over(&first, &mut world.store).unwrap();
        let file = fs::read(world.folder.file("fleet-site-a")).unwrap();
        let mut other = DurableStore::open(world.folder.path(), settings).unwrap().0;
        let mut two = FleetMember::open(&mut other, &fleet()).unwrap();
        let key = key_of(Slot::Pin, Scope::Clients, &removed);
        let _ = world.fleet.central.remove(&key).unwrap();
        let second = world.fleet.publish();
        let _ = two.take_over(&second, &mut other).unwrap();
        Self {
            world,
            one,
            two,
            other,
            removed,
            first,
            file,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.world.folder.file("fleet-site-a")
    }

    fn put_back(&self) {
        fs::write(self.path(), &self.file).unwrap();
    }

    /// The pin is not there, for any process.
    fn stays_removed(&mut self) {
        self.world.store.refresh().unwrap();
        assert!(!self.world.has(&self.removed));
    }
}

fn is_old(done: Result<TakeOver, MemberError>) -> bool {
    let old = done.unwrap_err();
    matches!(
        old,
        MemberError::StateOld {
            held: 1,
            stored: 2,
            ..
        }
    )
}

#[test]
fn sealing_again_keeps_what_another_process_has_written_since() {
    for settings in [settings(), settings().with_seal(sealed(7))] {
        let mut stale = Stale::new("stale-file", settings);
        assert_eq!(stale.one.state().newest.unwrap().sequence, 1);
        stale.one.seal_again(&mut stale.world.store).unwrap();
        assert_eq!(stale.one.state().newest.unwrap().sequence, 2);
        let taken = stale.one.refresh(&mut stale.world.store).unwrap();
        assert!(matches!(taken, TakeOver::Unchanged), "{taken}");
        let first = stale.first.clone();
        assert!(stale.one.take_over(&first, &mut stale.world.store).is_err());
        stale.stays_removed();
        assert_eq!(stale.world.open().state().newest.unwrap().sequence, 2);
        let _ = stale.two.refresh(&mut stale.other).unwrap();
    }
}

#[test]
fn with_a_new_seal_a_process_that_did_not_follow_the_history_seals_nothing() {
    for is_sealed in [false, true] {
        let before = match is_sealed {
            true => settings().with_seal(sealed(7)),
            false => settings(),
        };
        for is_put_back in [false, true] {
            let mut stale = Stale::new("stale-seal", before.clone());
            if is_put_back {
                stale.put_back();
            }
            let file = fs::read(stale.path()).unwrap();
            let store = &mut stale.world.store;
            store.set_seal(Some(sealed(9))).unwrap();
            let refused = stale.one.seal_again(store).unwrap_err();
            assert!(
                matches!(refused, MemberError::StateNotSealed { .. }),
                "{refused}"
            );
            assert!(stale.one.refresh(store).is_err());
            assert_eq!(fs::read(stale.path()).unwrap(), file);
            stale.stays_removed();
            // An administrator joins it again.
            let set = stale.world.fleet.set.clone();
            let digest = set.digest();
            let store = &mut stale.world.store;
            let mut again = FleetMember::rejoin(store, set, digest, Part::All, 2).unwrap();
            assert!(again.take_over(&stale.first, store).is_err());
            again.seal_again(store).unwrap();
            stale.stays_removed();
        }
    }
}

#[test]
fn with_a_new_seal_a_newer_file_is_sealed_that_the_seal_from_before_verifies() {
    let mut stale = Stale::new("stale-newer", settings().with_seal(sealed(7)));
    stale.world.store.refresh().unwrap();
    let _ = stale.one.refresh(&mut stale.world.store).unwrap();
    // It changes nothing in the store: only the file has it.
    let third = stale.world.fleet.publish();
    let taken = stale.two.take_over(&third, &mut stale.other).unwrap();
    assert!(matches!(taken, TakeOver::Unchanged), "{taken}");
    let good = fs::read(stale.path()).unwrap();
    let store = &mut stale.world.store;
    store.set_seal(Some(sealed(9))).unwrap();
    // Its seal is cut out, and its content is not that of this process.
    let at = good.len() - b"seal \n".len() - 64;
    for bytes in [&good[..at], &stale.file] {
        fs::write(stale.world.folder.file("fleet-site-a"), bytes).unwrap();
        let refused = stale.one.seal_again(store).unwrap_err();
        let is_refused = matches!(
            refused,
            MemberError::StateNotSealed { .. } | MemberError::StateOld { held: 1, .. }
        );
        assert!(is_refused, "{refused}");
        assert_eq!(stale.one.state().newest.unwrap().sequence, 2);
    }
    fs::write(stale.world.folder.file("fleet-site-a"), &good).unwrap();
    stale.one.seal_again(store).unwrap();
    assert_eq!(stale.one.state().newest.unwrap().sequence, 3);
    assert_eq!(stale.world.open().state().newest.unwrap().sequence, 3);
}

#[test]
fn an_older_file_that_is_put_back_is_refused_by_a_process_that_is_as_old() {
    let mut stale = Stale::new("stale-put-back", settings().with_seal(sealed(7)));
    stale.put_back();
    assert!(is_old(stale.two.refresh(&mut stale.other)));
    // With the store as it was read last, and read anew.
    let (one, store) = (&mut stale.one, &mut stale.world.store);
    for _ in 0..2 {
        assert!(is_old(one.take_over(&stale.first, store)));
        let again = one.seal_again(store).map(|()| TakeOver::Unchanged);
        assert!(is_old(again));
        store.refresh().unwrap();
        assert!(is_old(one.refresh(store)));
    }
    assert!(!stale.world.health().is_good());
    stale.stays_removed();
    let file = stale.file.clone();
    assert_eq!(fs::read(stale.path()).unwrap(), file);
}
