//! A stop between any two steps, lost and damaged files, seals, several processes, and stores that went back.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mutual_trust::admin::bundle::{Bundle, BundleHead, FleetMember, Part, Publication, TakeOver};
use mutual_trust::admin::{
    DurableSettings, DurableStore, LockoutAllowance, PeerHistory, Seal, SealKey,
};
use mutual_trust::error::{BundleError, MemberError};
use mutual_trust::store::{Claim, Scope, Slot};
use mutual_trust::{PinScope, TrustStore};

use super::common::*;
use crate::bundle::common::{sign, sign_keys};
use crate::support::folder::Folder;
use crate::support::*;

/// A seal in whose use the process stops.
#[derive(Debug)]
struct Stopping {
    key: SealKey,
    left: AtomicUsize,
}

impl Seal for Stopping {
    fn seal(&self, content: &[u8]) -> Vec<u8> {
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        assert!(left > 0, "the process stops here");
        self.key.seal(content)
    }

    fn verify(&self, content: &[u8], seal: &[u8]) -> bool {
        self.key.verify(content, seal)
    }
}

fn sealed(seal: Arc<dyn Seal>) -> DurableSettings {
    settings().with_seal(seal)
}

fn key(byte: u8) -> SealKey {
    SealKey::new(vec![byte; 32]).unwrap()
}

/// A copy of the files of a store.
fn copy(from: &Folder, to: &Folder) {
    for name in from.names() {
        fs::copy(from.file(&name), to.file(&name)).unwrap();
    }
}

/// A fleet that renames, moves and drops in its second bundle.
fn two_bundles(world: &mut World, member: &mut FleetMember) -> (Vec<u8>, Vec<u8>) {
    let central = &mut world.fleet.central;
    add_server(central, "keys-1", "kms1.example");
    add_server(central, "keys-2", "kms2.example");
    central
        .add_server(server_id("old"), [host("old.example")])
        .unwrap();
    let gone = pin("array-1");
    central
        .install_pin(PinScope::Clients, gone.clone(), options())
        .unwrap();
    let first = world.fleet.publish();
    let _ = member.take_over(&first, &mut world.store).unwrap();
    let central = &mut world.fleet.central;
    let _ = central
        .remove(&key_of(Slot::Pin, Scope::Clients, &gone))
        .unwrap();
    let _ = central.remove_server(&server_id("old")).unwrap();
    central
        .move_name(&host("kms1.example"), &server_id("keys-2"))
        .unwrap();
    add_server(central, "keys-3", "kms3.example");
    let _ = central.block(&pin("bad"));
    (first, world.fleet.publish())
}

/// What a store has, without its generation.
fn content(store: &DurableStore) -> String {
    let view = store.contents();
    let mut text = String::new();
    for server in view.servers() {
        let names: Vec<_> = server.names().collect();
        text.push_str(&format!("{} {names:?} {:?}\n", server.id(), server.claim()));
    }
    for entry in view.entries() {
        text.push_str(&format!("{:#} {:?}\n", entry.key(), entry.source()));
    }
    text + &format!("{:?}", view.blocks().collect::<Vec<_>>())
}

#[test]
fn a_stop_before_any_write_is_finished_by_the_next_call_and_no_older_bundle_is_taken() {
    let mut world = World::with("stops", sealed(Arc::new(key(7))));
    let mut member = world.join();
    let (first, second) = two_bundles(&mut world, &mut member);
    let expected = {
        let other = Folder::new("member-stops-whole");
        copy(&world.folder, &other);
        let mut store = DurableStore::open(other.path(), sealed(Arc::new(key(7))))
            .unwrap()
            .0;
        let mut member = FleetMember::open(&mut store, &fleet()).unwrap();
        let _ = member.take_over(&second, &mut store).unwrap();
        content(&store)
    };
    let mut stops = 0;
    for left in 0.. {
        let other = Folder::new("member-stops-one");
        copy(&world.folder, &other);
        let seal = Arc::new(Stopping {
            key: key(7),
            left: AtomicUsize::new(left),
        });
        let mut store = DurableStore::open(other.path(), sealed(seal)).unwrap().0;
        let mut member = FleetMember::open(&mut store, &fleet()).unwrap();
        let run = catch_unwind(AssertUnwindSafe(|| {
            let _ = member.take_over(&second, &mut store).unwrap();
        }));
        drop((member, store));
        let is_held = left > 0;
        let mut store = DurableStore::open(other.path(), sealed(Arc::new(key(7))))
            .unwrap()
            .0;
        let mut member = FleetMember::open(&mut store, &fleet()).unwrap();
        let newest = member.state().newest.unwrap().sequence;
        assert_eq!(newest, if is_held { 2 } else { 1 }, "{left}");
        if is_held {
            let refused = member.take_over(&first, &mut store).unwrap_err();
            let below = matches!(
                refused,
                MemberError::Bundle(BundleError::SequenceBelow {
                    held: 2,
                    offered: 1,
                    ..
                })
            );
            assert!(below, "{left}: {refused}");
            let taken = member.refresh(&mut store).unwrap();
            // Nothing of it was there before, and nothing was removed here since.
            if let TakeOver::Applied { merged, .. } = taken {
                assert_eq!((left, merged.notices.len()), (1, 0), "{merged}");
            }
        } else {
            let _ = member.take_over(&second, &mut store).unwrap();
        }
        assert_eq!(content(&store), expected, "{left}");
        assert!(member.state().is_applied(), "{left}");
        let generation = store.contents().generation();
        assert!(matches!(
            member.refresh(&mut store).unwrap(),
            TakeOver::Unchanged
        ));
        assert_eq!(store.contents().generation(), generation);
        if run.is_ok() {
            break;
        }
        stops += 1;
    }
    // Before the file of the member, before the change, and before the file says that it is done.
    assert_eq!(stops, 3);
}

#[test]
fn a_stop_and_then_a_newer_bundle_end_as_if_both_had_been_applied() {
    let mut world = World::with("stops-newer", sealed(Arc::new(key(7))));
    let mut member = world.join();
    let (_, second) = two_bundles(&mut world, &mut member);
    // The third drops a server that the second makes, and gives its name to another one.
    let central = &mut world.fleet.central;
    let _ = central.release(&server_id("keys-3")).unwrap();
    let _ = central.remove_server(&server_id("keys-3")).unwrap();
    central
        .move_name(&host("kms1.example"), &server_id("keys-1"))
        .unwrap();
    add_server(central, "keys-4", "kms4.example");
    let third = world.fleet.publish();
    for left in 1..=2 {
        let other = Folder::new("member-stops-newer-one");
        copy(&world.folder, &other);
        let seal = Arc::new(Stopping {
            key: key(7),
            left: AtomicUsize::new(left),
        });
        let mut store = DurableStore::open(other.path(), sealed(seal)).unwrap().0;
        let mut member = FleetMember::open(&mut store, &fleet()).unwrap();
        let run = catch_unwind(AssertUnwindSafe(|| {
            let _ = member.take_over(&second, &mut store).unwrap();
        }));
        assert!(run.is_err());
        drop((member, store));
        let mut store = DurableStore::open(other.path(), sealed(Arc::new(key(7))))
            .unwrap()
            .0;
        let is_stored = store.contents().server(&server_id("keys-3")).is_some();
        assert_eq!(is_stored, left == 2);
        let mut member = FleetMember::open(&mut store, &fleet()).unwrap();
        let _ = member.take_over(&third, &mut store).unwrap();
        let names = |id: &str| -> Vec<String> {
            let server = store.contents().server(&server_id(id)).unwrap();
            server.names().map(ToString::to_string).collect()
        };
        assert_eq!(names("keys-1"), ["kms1.example"]);
        assert_eq!(names("keys-2"), ["kms2.example"]);
        assert_eq!(names("keys-4"), ["kms4.example"]);
        // Its claim stays where the second was applied, and it has no pin.
        let kept = store.contents().server(&server_id("keys-3"));
        assert_eq!(kept.is_some(), is_stored);
        assert_eq!(store.contents().entries().len(), 3);
        assert!(member.state().is_applied());
    }
}

#[test]
fn what_a_stopped_change_says_of_a_claim_is_still_news() {
    for is_changed_between in [false, true] {
        let mut world = World::with("stops-claim", sealed(Arc::new(key(7))));
        let mut member = world.join();
        let migrate = |store: &mut TrustStore| store.migrate(&server_id("keys-1"), at(NOW + DAY));
        add_server(&mut world.fleet.central, "keys-1", "kms1.example");
        migrate(&mut world.fleet.central).unwrap();
        let _ = world.apply(&mut member);
        let central = &mut world.fleet.central;
        central.stop_migrating(&server_id("keys-1")).unwrap();
        let second = world.fleet.publish();
        let seal = Arc::new(Stopping {
            key: key(7),
            left: AtomicUsize::new(1),
        });
        world.reopen(sealed(seal));
        let mut member = world.open();
        let run = catch_unwind(AssertUnwindSafe(|| {
            let _ = member.take_over(&second, &mut world.store).unwrap();
        }));
        assert!(run.is_err());
        world.reopen(sealed(Arc::new(key(7))));
        if is_changed_between {
            world
                .store
                .change(|store| store.add_server(server_id("mine"), []))
                .unwrap();
        }
        let claim = |world: &World| world.server("keys-1").unwrap().claim();
        assert_ne!(claim(&world), Claim::Claimed);
        let mut member = world.open();
        let _ = member.refresh(&mut world.store).unwrap();
        assert_eq!(claim(&world), Claim::Claimed, "{is_changed_between}");
    }
}

#[test]
fn a_lost_or_damaged_file_is_an_error_and_joining_again_is_the_way_out() {
    let mut world = World::new("lost");
    let mut member = world.join();
    let pin = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    add_server(&mut world.fleet.central, "keys-2", "kms2.example");
    let _ = world.apply(&mut member);
    let path = world.folder.file("fleet-site-a");
    let good = fs::read(&path).unwrap();
    // Every cut and every changed byte is found.
    for at in (0..good.len()).step_by(97).chain([good.len() - 1]) {
        let mut other = good.clone();
        other[at] ^= 1;
        for bytes in [&good[..at], &other[..]] {
            fs::write(&path, bytes).unwrap();
            let damaged = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
            assert!(
                matches!(damaged, MemberError::StateDamaged { .. }),
                "{at}: {damaged}"
            );
        }
    }
    let newest = world.fleet.publish();
    let damaged = member.take_over(&newest, &mut world.store).unwrap_err();
    assert!(
        matches!(damaged, MemberError::StateDamaged { .. }),
        "{damaged}"
    );
    assert!(!world.health().is_good());
    fs::remove_file(&path).unwrap();
    let lost = member.take_over(&newest, &mut world.store).unwrap_err();
    assert!(
        matches!(lost, MemberError::StateLost { entries: 2, .. }),
        "{lost}"
    );
    assert!(world.has(&pin));
    let set = world.fleet.set.clone();
    let digest = set.digest();
    let lost = FleetMember::join(&mut world.store, set.clone(), digest, Part::All).unwrap_err();
    assert!(matches!(lost, MemberError::StateLost { .. }), "{lost}");
    let mut member = FleetMember::rejoin(&mut world.store, set, digest, Part::All, 3).unwrap();
    let older = world.fleet.publish_as(2);
    let refused = member.take_over(&older, &mut world.store).unwrap_err();
    assert!(matches!(
        refused,
        MemberError::Bundle(BundleError::SequenceBelow {
            held: 3,
            offered: 2,
            ..
        })
    ));
    let _ = member.take_over(&newest, &mut world.store).unwrap();
    assert!(member.state().is_applied() && world.has(&pin));
    // It still takes away what the fleet drops.
    let id = server_id("keys-1");
    let key = key_of(Slot::Pin, Scope::Server(id), &pin);
    let _ = world.fleet.central.remove(&key).unwrap();
    let _ = world.apply(&mut member);
    assert!(!world.has(&pin));
}

#[test]
fn an_older_file_of_the_member_that_is_put_back_is_found_by_the_history_of_the_store() {
    let mut world = World::new("put-back");
    let mut member = world.join();
    let path = world.folder.file("fleet-site-a");
    let mut files = vec![fs::read(&path).unwrap()];
    for number in 1..4 {
        add_server(
            &mut world.fleet.central,
            &format!("keys-{number}"),
            &format!("kms{number}.example"),
        );
        let _ = world.apply(&mut member);
        files.push(fs::read(&path).unwrap());
    }
    for (held, file) in (0_u64..).zip(&files[..3]) {
        fs::write(&path, file).unwrap();
        let old = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
        let named =
            matches!(old, MemberError::StateOld { held: found, stored: 3, .. } if found == held);
        assert!(named, "{old}");
    }
    // It is joined again, by an administrator: the history still says which sequence is the least.
    let set = world.fleet.set.clone();
    let digest = set.digest();
    let _ = FleetMember::rejoin(&mut world.store, set, digest, Part::All, 0).unwrap();
    let mut member = world.open();
    let older = world.fleet.publish_as(2);
    let refused = member.take_over(&older, &mut world.store).unwrap_err();
    assert!(
        matches!(
            refused,
            MemberError::Bundle(BundleError::SequenceBelow { held: 3, .. })
        ),
        "{refused}"
    );
    let newest = world.fleet.publish_as(3);
    let _ = member.take_over(&newest, &mut world.store).unwrap();
    let _ = world.open();
}

#[test]
fn the_history_keeps_the_sequence_of_a_set_without_entries() {
    let mut world = World::new("lost-empty");
    let mut member = world.join();
    let removed = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let first = world.fleet.publish();
    let _ = member.take_over(&first, &mut world.store).unwrap();
    let key = world.store.contents().entries()[0].key();
    let _ = world.fleet.central.remove(&key).unwrap();
    let _ = world.apply(&mut member);
    let path = world.folder.file("fleet-site-a");
    // With a good file, a lower number brings nothing back.
    let set = world.fleet.set.clone();
    let digest = set.digest();
    let again = |store: &mut DurableStore| {
        FleetMember::rejoin(store, set.clone(), digest, Part::All, 1).unwrap()
    };
    let mut member = again(&mut world.store);
    assert!(member.take_over(&first, &mut world.store).is_err());
    fs::remove_file(&path).unwrap();
    let lost = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
    assert!(
        matches!(lost, MemberError::StateLost { entries: 0, .. }),
        "{lost}"
    );
    let lost = FleetMember::join(&mut world.store, set.clone(), digest, Part::All).unwrap_err();
    assert!(
        matches!(lost, MemberError::StateLost { entries: 0, .. }),
        "{lost}"
    );
    let mut member = again(&mut world.store);
    let refused = member.take_over(&first, &mut world.store).unwrap_err();
    assert!(
        matches!(
            refused,
            MemberError::Bundle(BundleError::SequenceBelow { held: 2, .. })
        ),
        "{refused}"
    );
    assert!(!world.has(&removed));
    // Who leaves can join, and takes nothing older.
    add_server(&mut world.fleet.central, "keys-2", "kms2.example");
    let _ = world.apply(&mut member);
    member.leave(&mut world.store).unwrap();
    let mut member = world.join();
    assert!(member.take_over(&first, &mut world.store).is_err());
    assert!(!world.has(&removed));
}

#[test]
fn a_running_member_refuses_an_older_file_that_is_put_back() {
    let mut world = World::new("put-back-running");
    let mut member = world.join();
    let removed = add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let path = world.folder.file("fleet-site-a");
    let first = world.fleet.publish();
    let _ = member.take_over(&first, &mut world.store).unwrap();
    let old = fs::read(&path).unwrap();
    let key = world.store.contents().entries()[0].key();
    let _ = world.fleet.central.remove(&key).unwrap();
    add_server(&mut world.fleet.central, "keys-2", "kms2.example");
    let _ = world.apply(&mut member);
    fs::write(&path, old).unwrap();
    for done in [
        member.refresh(&mut world.store),
        member.take_over(&first, &mut world.store),
    ] {
        let old = done.unwrap_err();
        let named = matches!(
            old,
            MemberError::StateOld {
                held: 1,
                stored: 2,
                ..
            }
        );
        assert!(named, "{old}");
    }
    assert!(!world.has(&removed));
    // Another process joins again, and this one goes on with its file.
    let set = world.fleet.set.clone();
    let digest = set.digest();
    let _ = FleetMember::rejoin(&mut world.store, set, digest, Part::All, 2).unwrap();
    let bytes = world.fleet.publish();
    let _ = member.take_over(&bytes, &mut world.store).unwrap();
    assert!(!world.has(&removed));
}

#[test]
fn the_file_of_a_member_has_the_seal_of_the_store() {
    let mut world = World::with("sealed", sealed(Arc::new(key(7))));
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    let path = world.folder.file("fleet-site-a");
    let good = fs::read(&path).unwrap();
    // Without a seal, with that of another key, and with content that was changed below its seal.
    let at = good.len() - b"seal \n".len() - 64;
    let unsealed = good[..at].to_vec();
    let other = {
        let mut other = World::with("sealed-other", sealed(Arc::new(key(8))));
        other.fleet = Fleet::new(FLEET);
        let _ = other.join();
        fs::read(other.folder.file("fleet-site-a")).unwrap()
    };
    for bytes in [unsealed, other] {
        fs::write(&path, bytes).unwrap();
        let refused = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
        assert!(
            matches!(refused, MemberError::StateNotSealed { .. }),
            "{refused}"
        );
    }
    fs::write(&path, &good).unwrap();
    // Another seal of the store is that of the member.
    world.store.set_seal(Some(Arc::new(key(9)))).unwrap();
    let refused = FleetMember::open(&mut world.store, &fleet()).unwrap_err();
    assert!(
        matches!(refused, MemberError::StateNotSealed { .. }),
        "{refused}"
    );
    member.seal_again(&mut world.store).unwrap();
    let mut member = FleetMember::open(&mut world.store, &fleet()).unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    // Who cannot seal reads it, and changes nothing.
    world.reopen(settings());
    let mut reader = world.open();
    assert_eq!(reader.state().newest.unwrap().sequence, 2);
    let before = fs::read(&path).unwrap();
    let bytes = world.fleet.publish();
    assert!(reader.take_over(&bytes, &mut world.store).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_running_member_refuses_its_own_file_under_another_seal() {
    let mut world = World::with("sealed-running", sealed(Arc::new(key(7))));
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    let bytes = world.fleet.publish();
    // The file is the one that this member wrote, and its seal is that of the settings no more.
    world.store.set_seal(Some(Arc::new(key(9)))).unwrap();
    let refused = member.take_over(&bytes, &mut world.store).unwrap_err();
    assert!(
        matches!(refused, MemberError::StateNotSealed { .. }),
        "{refused}"
    );
    member.seal_again(&mut world.store).unwrap();
    let _ = member.take_over(&bytes, &mut world.store).unwrap();
    assert!(member.state().is_applied());
}

#[test]
fn joining_again_takes_no_older_key_set_than_that_of_the_file() {
    let mut world = World::new("older-keys");
    let mut member = world.join();
    let old = world.fleet.set.clone();
    let signer = std::slice::from_ref(&world.fleet.signer);
    let new = old.next(1, [signer[0].key().clone()]).unwrap();
    let head = BundleHead::new(&new, Part::All, 1, at(NOW - DAY), at(NOW + DAY));
    let bundle = Bundle::new(
        &world.fleet.central.snapshot(),
        head.unwrap().trusting_none(),
    );
    let mut publication = Publication::new([old.clone(), new.clone()], bundle.unwrap()).unwrap();
    sign_keys(&mut publication, signer);
    sign(&mut publication, signer);
    let _ = member
        .take_over(&publication.to_bytes(), &mut world.store)
        .unwrap();
    assert_eq!(member.state().keys_version, 2);
    let path = world.folder.file("fleet-site-a");
    let before = fs::read(&path).unwrap();
    let digest = old.digest();
    let refused = FleetMember::rejoin(&mut world.store, old, digest, Part::All, 1).unwrap_err();
    assert!(
        matches!(
            refused,
            MemberError::Bundle(BundleError::KeySetBelow {
                held: 2,
                offered: 1,
                ..
            })
        ),
        "{refused}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    let digest = new.digest();
    let again = FleetMember::rejoin(&mut world.store, new, digest, Part::All, 1).unwrap();
    assert_eq!(again.state().keys_version, 2);
}

#[test]
fn of_two_processes_the_newest_sequence_counts() {
    let mut world = World::new("two-processes");
    let mut one = world.join();
    let mut store = DurableStore::open(world.folder.path(), settings())
        .unwrap()
        .0;
    let mut two = FleetMember::open(&mut store, &fleet()).unwrap();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let first = world.fleet.publish();
    add_server(&mut world.fleet.central, "keys-2", "kms2.example");
    let second = world.fleet.publish();
    let _ = two.take_over(&second, &mut store).unwrap();
    let refused = one.take_over(&first, &mut world.store).unwrap_err();
    assert!(matches!(
        refused,
        MemberError::Bundle(BundleError::SequenceBelow {
            held: 2,
            offered: 1,
            ..
        })
    ));
    assert!(matches!(
        one.take_over(&second, &mut world.store).unwrap(),
        TakeOver::Unchanged
    ));
    assert!(world.server("keys-2").is_some());
    // A refresh sees what the other one holds.
    add_server(&mut world.fleet.central, "keys-3", "kms3.example");
    let third = world.fleet.publish();
    let _ = one.take_over(&third, &mut world.store).unwrap();
    store.refresh().unwrap();
    assert!(matches!(
        two.refresh(&mut store).unwrap(),
        TakeOver::Unchanged
    ));
    assert_eq!(two.state().newest.unwrap().sequence, 3);
    // Also one that changes nothing in the store.
    let fourth = world.fleet.publish();
    let _ = one.take_over(&fourth, &mut world.store).unwrap();
    let _ = two.refresh(&mut store).unwrap();
    assert_eq!(two.state().newest.unwrap().sequence, 4);
}

#[test]
fn two_processes_that_take_over_at_once_end_with_the_newest_bundle() {
    let mut world = World::new("at-once");
    let _ = world.join();
    let mut bundles = Vec::new();
    for number in 0..40 {
        let name = format!("kms{number}.example");
        add_server(&mut world.fleet.central, &format!("keys-{number}"), &name);
        bundles.push(world.fleet.publish());
    }
    std::thread::scope(|scope| {
        for first in 0..2 {
            let (folder, bundles) = (world.folder.path(), &bundles);
            scope.spawn(move || {
                let mut store = DurableStore::open(folder, settings()).unwrap().0;
                let mut member = FleetMember::open(&mut store, &fleet()).unwrap();
                for bundle in bundles.iter().skip(first).step_by(2) {
                    match member.take_over(bundle, &mut store) {
                        Ok(_) | Err(MemberError::Bundle(BundleError::SequenceBelow { .. })) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    world.store.refresh().unwrap();
    let mut member = world.open();
    assert_eq!(member.state().newest.unwrap().sequence, 40);
    let _ = member.refresh(&mut world.store).unwrap();
    assert!(member.state().is_applied());
    assert_eq!(world.store.contents().servers().count(), 40);
}

#[test]
fn after_a_rollback_and_a_restore_the_content_of_the_fleet_comes_back() {
    let mut world = World::new("went-back");
    let backup = Folder::new("member-went-back-backup");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.apply(&mut member);
    let first = world.store.contents().generation();
    let to = backup.file("store");
    let _ = DurableStore::backup(world.folder.path(), &settings(), &to).unwrap();
    let array = pin("array-1");
    let central = &mut world.fleet.central;
    central
        .install_pin(PinScope::Clients, array.clone(), options())
        .unwrap();
    add_server(central, "keys-2", "kms2.example");
    let _ = world.apply(&mut member);
    let expected = content(&world.store);
    let seen = PeerHistory::new();
    let plan = world
        .store
        .plan_rollback(first, &policy(), &seen, now())
        .unwrap();
    let allowed = LockoutAllowance::allow(plan.effects().all_lost().cloned());
    world.store.apply(&plan, &seen, now(), &allowed).unwrap();
    assert!(!world.has(&array));
    let taken = member.refresh(&mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Applied { .. }), "{taken}");
    assert_eq!(content(&world.store), expected);
    // The same publication is offered after a restore.
    let plan = world
        .store
        .plan_restore(&backup.file("store"), &policy(), &seen, now())
        .unwrap();
    let allowed = LockoutAllowance::allow(plan.effects().all_lost().cloned());
    world.store.apply(&plan, &seen, now(), &allowed).unwrap();
    assert!(!world.has(&array));
    let same = world.fleet.publish_as(2);
    let taken = member.take_over(&same, &mut world.store).unwrap();
    assert!(matches!(taken, TakeOver::Applied { .. }), "{taken}");
    assert_eq!(content(&world.store), expected);
}

#[cfg(unix)]
#[test]
fn the_file_of_a_member_has_the_mode_of_the_store() {
    use std::os::unix::fs::PermissionsExt;

    let mut world = World::new("mode");
    let path = world.folder.file("trust-store");
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    let _ = world.join();
    let found = fs::metadata(world.folder.file("fleet-site-a")).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_change_that_the_disk_refuses_is_made_by_the_next_call() {
    let mut world = World::new("disk");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let first = world.fleet.publish();
    // There is a folder where the file of the member must be.
    let path = world.folder.file("fleet-site-a");
    let kept = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let generation = world.store.contents().generation();
    let refused = member.take_over(&first, &mut world.store).unwrap_err();
    assert!(matches!(refused, MemberError::Durable(_)), "{refused}");
    assert_eq!(world.store.contents().generation(), generation);
    assert!(!world.health().is_good());
    fs::remove_dir(&path).unwrap();
    fs::write(&path, kept).unwrap();
    let _ = member.take_over(&first, &mut world.store).unwrap();
    assert!(world.server("keys-1").is_some() && world.health().is_good());
}
