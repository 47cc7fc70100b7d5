//! Going back to an earlier generation: its content comes back, except for what takes trust away (rule S4).

use std::collections::BTreeSet;
use std::sync::Arc;

use mutual_trust::admin::{DurableStore, LockoutAllowance, Peer, PeerHistory};
use mutual_trust::error::{DurableError, GuardedError, PlanError};
use mutual_trust::store::{
    BlockSelector, Claim, Consequence, CrlIssuer, EntryKey, Kept, Outcome, RolledBack,
};
use mutual_trust::{
    AuthorityScope, Certificate, CurrentTime, PinScope, Policy, ServerId, TrustSnapshot, TrustStore,
};

use crate::durable::common::*;
use crate::support::crl::{crl, entry};
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::pki::Made;
use crate::support::*;

fn clock() -> CurrentTime {
    CurrentTime::Known(at(NOW))
}

fn created(folder: &Folder) -> DurableStore {
    DurableStore::create(folder.path(), settings()).unwrap()
}

/// Rolls back and allows every lockout. What is read again, and what a process that follows has, is what is in force.
fn roll_back(folder: &Folder, store: &mut DurableStore, to: u64) -> RolledBack {
    let (mut follower, _) = DurableStore::open(folder.path(), settings()).unwrap();
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let plan = store.plan_rollback(to, &policy, &seen, clock()).unwrap();
    let lost: Vec<Peer> = plan.effects().all_lost().cloned().collect();
    let allowed = LockoutAllowance::allow(lost);
    let _ = store.apply(&plan, &seen, clock(), &allowed).unwrap();
    is_stored(folder, store, &mut follower);
    plan.outcome().clone()
}

/// The facts that a rollback brings back: all but the generation and the floor.
fn content(view: &TrustSnapshot) -> Vec<String> {
    let numbers = |line: &String| line.starts_with("generation ") || line.starts_with("floor ");
    facts(view)
        .into_iter()
        .filter(|line| !numbers(line))
        .collect()
}

fn keys_of(view: &TrustSnapshot) -> BTreeSet<EntryKey> {
    view.entries().iter().map(|entry| entry.key()).collect()
}

fn is_stored(folder: &Folder, store: &DurableStore, follower: &mut DurableStore) {
    follower.refresh().unwrap();
    assert_eq!(facts(follower.contents()), facts(store.contents()));
    let again = DurableStore::read(folder.path(), &settings()).unwrap();
    assert_eq!(facts(again.store.contents()), facts(store.contents()));
    assert_eq!(
        store.live().current().generation(),
        store.contents().generation()
    );
}

#[test]
fn a_removed_pin_and_its_options_come_back_as_one_change_with_a_new_generation() {
    let folder = Folder::new("rollback");
    let mut store = created(&folder);
    store.change(fill).unwrap();
    let good = store.contents().clone();
    store.set_actor(Some("mallory")).unwrap();
    let keys: Vec<EntryKey> = keys_of(&good).into_iter().collect();
    store
        .change(|store| {
            store.update(&keys[0], options().with_label("other"))?;
            let _ = store.remove(&keys[1])?;
            store.add_server(server_id("new"), [host("new.example")])?;
            store.join_group(&"empty".parse().unwrap(), &server_id("keys-3"))
        })
        .unwrap();
    let bad = store.contents().generation();
    store.set_actor(Some("alice")).unwrap();
    let done = roll_back(&folder, &mut store, good.generation());
    assert_eq!(content(store.contents()), content(&good));
    assert!(store.contents().generation() > bad);
    assert_eq!(done.report.done(), Outcome::Changed);
    assert_eq!(done.to, good.generation());
    assert_eq!(done.changed.items(), [keys[0].clone()]);
    assert_eq!(done.came.items(), [keys[1].clone()]);
    assert_eq!(done.servers_gone.items(), [server_id("new")]);
    assert!(done.gone.is_empty() && done.left_out.is_empty() && done.kept.is_empty());
    let history = DurableStore::history(folder.path(), &settings()).unwrap();
    let last = &history.changes.last().unwrap().head;
    let call = format!("rollback to generation {}", good.generation());
    assert_eq!(last.asked, [(call, Some(String::from("alice")))]);
    assert_eq!((last.from, last.to), (bad, store.contents().generation()));

    // It is there already.
    let generation = store.contents().generation();
    let again = roll_back(&folder, &mut store, good.generation());
    assert_eq!(again.report.done(), Outcome::Unchanged);
    assert_eq!(store.contents().generation(), generation);
    // A rollback can be taken back.
    let _ = roll_back(&folder, &mut store, bad);
    assert!(store.contents().server(&server_id("new")).is_some());
}

#[test]
fn a_rollback_lifts_no_block_and_brings_back_nothing_that_is_blocked() {
    let folder = Folder::new("rollback-blocks");
    let mut store = created(&folder);
    let (stolen, both) = (pin("stolen"), pin("both"));
    let blocked = BlockSelector::certificate(&stolen);
    let lifted = BlockSelector::Key(pin("lifted").key_pin());
    store
        .change(|store| {
            store.add_server(server_id("keys-1"), [])?;
            store.install_pin(server("keys-1"), stolen.clone(), options())?;
            store.install_pin(server("keys-1"), pin("good"), options())?;
            store.install_pin(PinScope::Clients, both.clone(), options())?;
            Ok(store.block_selector(lifted.clone()))
        })
        .unwrap();
    let earlier = store.contents().clone();
    let find = |certificate: &Certificate| {
        let is = |key: &EntryKey| key.fingerprint == certificate.fingerprint();
        keys_of(&earlier).into_iter().find(is).unwrap()
    };
    let (gone, held) = (find(&stolen), find(&both));
    let _ = store.change(|store| store.remove(&gone)).unwrap();
    let _ = store.change(|store| store.unblock(&lifted)).unwrap();
    assert!(store.block(&stolen).unsaved.is_none());
    assert!(store.block(&both).unsaved.is_none());

    let done = roll_back(&folder, &mut store, earlier.generation());
    let blocks: Vec<_> = store.contents().blocks().cloned().collect();
    let mut expected = vec![
        blocked.clone(),
        BlockSelector::certificate(&both),
        lifted.clone(),
    ];
    expected.sort();
    assert_eq!(blocks, expected);
    assert!(store.contents().entry(&gone).is_none());
    assert_eq!(done.left_out.items(), [gone]);
    // It is installed now as well, and accepts nothing.
    assert!(store.contents().entry(&held).is_some());
    assert!(done.kept.items().contains(&Kept::Block(blocked)));
    assert_eq!(done.kept.len(), 2);
    assert_eq!(done.blocks_came.items(), [lifted]);
    let text = done.to_string();
    assert!(
        text.contains("left out, it is blocked") && text.contains("kept: block"),
        "{text}"
    );
}

#[test]
fn a_rollback_ends_no_claim_and_takes_no_name_from_a_claimed_server() {
    let folder = Folder::new("rollback-claims");
    let mut store = created(&folder);
    let (one, two, three, four) = ("keys-1", "keys-2", "keys-3", "keys-4");
    store
        .change(|store| {
            store.add_server(server_id(one), [host("one.example")])?;
            store.add_server(server_id(two), [host("two.example"), host("moved.example")])?;
            store.add_server(server_id(three), [])?;
            store.install_pin(server(three), pin("three"), options())?;
            store.migrate(&server_id(three), at(NOW + 30 * DAY))
        })
        .unwrap();
    let earlier = store.contents().generation();
    store
        .change(|store| {
            store.install_pin(server(one), pin("one"), options())?;
            store.add_name(&server_id(one), host("more.example"))?;
            store.move_name(&host("moved.example"), &server_id(one))?;
            store.stop_migrating(&server_id(three))?;
            store.add_server(server_id(four), [host("four.example")])?;
            store.install_pin(server(four), pin("four"), options())
        })
        .unwrap();
    let done = roll_back(&folder, &mut store, earlier);
    let view = store.contents();
    for id in [one, three, four] {
        assert_eq!(
            view.server(&server_id(id)).unwrap().claim(),
            Claim::Claimed,
            "{id}"
        );
        assert!(
            done.kept.items().contains(&Kept::Claim(server_id(id))),
            "{id}"
        );
    }
    assert_eq!(
        view.server(&server_id(two)).unwrap().claim(),
        Claim::Unclaimed
    );
    let names = [
        ("one", one),
        ("more", one),
        ("moved", one),
        ("two", two),
        ("four", four),
    ];
    for (name, id) in names {
        let name = host(&format!("{name}.example"));
        assert_eq!(
            view.server_of(&name).unwrap().id(),
            &server_id(id),
            "{name}"
        );
    }
    // The pins that came later went: what they gave is not kept.
    assert_eq!(view.entries().len(), 1);
    assert_eq!(done.gone.len(), 2);
}

#[test]
fn a_claim_that_was_released_comes_back_and_is_reported() {
    let folder = Folder::new("rollback-release");
    let mut store = created(&folder);
    let id = server_id("keys-1");
    store
        .change(|store| {
            store.add_server(id.clone(), [])?;
            store.install_pin(server("keys-1"), pin("one"), options())
        })
        .unwrap();
    let earlier = store.contents().clone();
    let _ = store.change(|store| store.release(&id)).unwrap();
    let done = roll_back(&folder, &mut store, earlier.generation());
    assert_eq!(content(store.contents()), content(&earlier));
    assert!(
        done.report
            .consequences()
            .contains(&Consequence::Claimed(id))
    );
}

/// Installs a CA for a moment, with a list of it that revokes this serial number.
fn install_list(store: &mut TrustStore, ca: &Made, number: u8) -> CrlIssuer {
    let scope = AuthorityScope::AnyServer;
    store
        .install_authority(scope, ca.certificate(), options())
        .unwrap();
    let list = crl().number(number).entry(entry(&[number]));
    store.install_crl(list.signed_by(ca)).unwrap();
    let mut all = store.contents().revocation_checked_issuers();
    all.find(|issuer| issuer.key_pin() == ca.certificate().key_pin())
        .unwrap()
}

#[test]
fn a_rollback_ends_no_revocation_check_and_brings_back_no_older_list() {
    let folder = Folder::new("rollback-crls");
    let mut store = created(&folder);
    let (updated, stopped, later) = (ca("Updated"), ca("Stopped"), ca("Later"));
    let mut ended = None;
    store
        .change(|store| {
            install_list(store, &updated, 1);
            ended = Some(install_list(store, &stopped, 1));
            Ok(())
        })
        .unwrap();
    let earlier = store.contents().clone();
    let ended = ended.unwrap();
    let mut begun = None;
    store
        .change(|store| {
            install_list(store, &updated, 2);
            store.disable_revocation_checks(&ended)?;
            begun = Some(install_list(store, &later, 1));
            Ok(())
        })
        .unwrap();
    let (now, begun) = (store.contents().clone(), begun.unwrap());
    let done = roll_back(&folder, &mut store, earlier.generation());
    let view = store.contents();
    let checked: Vec<_> = view.revocation_checked_issuers().collect();
    assert_eq!(checked.len(), 3);
    assert!(checked.contains(&begun) && checked.contains(&ended));
    assert!(done.kept.items().contains(&Kept::Checked(begun)));
    let lists = |view: &TrustSnapshot| -> BTreeSet<_> {
        view.crls().map(|list| list.crl().fingerprint()).collect()
    };
    let (held, was) = (lists(view), lists(&now));
    assert!(held.is_superset(&was), "a revocation was lost");
    // The list of an issuer that has none now came back. The older one of an issuer that has one did not.
    assert_eq!(held.len(), was.len() + 1);
    let begins = done.report.consequences();
    assert!(begins.contains(&Consequence::RevocationChecked(ended)));
    assert_eq!(keys_of(view), keys_of(&earlier));
}

#[test]
fn a_rollback_does_not_lower_the_floor() {
    // Without a clock, so that no publication raises it.
    let mut store = TrustStore::new(keys()).with_clock(Arc::new(CurrentTime::Unset));
    store.reset_floor(Some(at(NOW - 100 * DAY)));
    store.add_server(server_id("keys-1"), []).unwrap();
    let earlier = store.snapshot();
    store.reset_floor(Some(at(NOW)));
    store.add_server(server_id("keys-2"), []).unwrap();
    let done = store.roll_back(&earlier).unwrap();
    assert_eq!(store.contents().floor(), Some(at(NOW)));
    assert_eq!(done.kept.items(), [Kept::Floor(Some(at(NOW)))]);
    assert_eq!(content(store.contents()), content(&earlier));
}

#[test]
fn a_rollback_is_guarded_and_stale_like_any_change() {
    let folder = Folder::new("rollback-guarded");
    let mut store = created(&folder);
    let empty = store.contents().generation();
    store
        .change(|store| {
            store.add_server(server_id("keys-1"), [])?;
            store.install_pin(server("keys-1"), pin("keys-1"), options())
        })
        .unwrap();
    let (policy, seen) = (Policy::new(keys()), PeerHistory::new());
    let plan = store.plan_rollback(empty, &policy, &seen, clock()).unwrap();
    assert!(plan.effects().loses(&server_id("keys-1").into()));
    let before = (facts(store.contents()), store.digest());
    let refused = store.apply(&plan, &seen, clock(), &LockoutAllowance::none());
    let loses = matches!(refused, Err(GuardedError::Plan(PlanError::Loses { .. })));
    assert!(loses, "{refused:?}");
    assert_eq!((facts(store.contents()), store.digest()), before);

    store
        .change(|store| store.add_server(server_id("keys-2"), []))
        .unwrap();
    let allowed = LockoutAllowance::allow([server_id("keys-1")]);
    let stale = store.apply(&plan, &seen, clock(), &allowed);
    assert!(
        matches!(stale, Err(GuardedError::Plan(PlanError::Store(_)))),
        "{stale:?}"
    );
    let unknown = store
        .plan_rollback(999, &policy, &seen, clock())
        .unwrap_err();
    assert!(
        matches!(
            unknown,
            DurableError::NoGeneration {
                generation: 999,
                ..
            }
        ),
        "{unknown}"
    );
}

#[test]
fn every_generation_of_a_store_with_one_of_everything_can_be_gone_back_to() {
    let folder = Folder::new("rollback-everything");
    let mut store = created(&folder);
    store.change(fill).unwrap();
    let full = store.contents().generation();
    store
        .change(|store| {
            let _ = store.release_group(&"site-a".parse().unwrap())?;
            let _ = store.remove_group(&"site-a".parse().unwrap())?;
            let _ = store.remove_server(&server_id("keys-2"))?;
            let blocks: Vec<_> = store.contents().blocks().cloned().collect();
            for block in &blocks {
                let _ = store.unblock(block)?;
            }
            let issuers: Vec<_> = store.contents().revocation_checked_issuers().collect();
            for issuer in &issuers {
                let _ = store.disable_revocation_checks(issuer)?;
            }
            for key in keys_of(store.contents()) {
                let _ = store.remove(&key)?;
            }
            Ok(())
        })
        .unwrap();
    let generations = DurableStore::history(folder.path(), &settings()).unwrap();
    let all = generations.changes.iter().map(|change| change.head.to);
    for to in [generations.since].into_iter().chain(all) {
        let _ = roll_back(&folder, &mut store, to);
    }
    let _ = roll_back(&folder, &mut store, full);
    let found = DurableStore::read_at(folder.path(), &settings(), full).unwrap();
    assert_eq!(content(store.contents()), content(found.store.contents()));
}

/// A generator with a fixed start, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(items.len())])
    }
}

struct Pool {
    pins: Vec<Certificate>,
    cas: Vec<Made>,
    ids: Vec<ServerId>,
}

/// Makes some change. One that is refused changes nothing.
fn change(store: &mut TrustStore, pool: &Pool, random: &mut Random) {
    let id = random.of(&pool.ids).unwrap().clone();
    let scope = PinScope::Server(id.clone());
    let group = ["g", "h"][random.below(2)].parse().unwrap();
    let name = host(&format!("{}.example", ["a", "b", "c"][random.below(3)]));
    let pin = random.of(&pool.pins).unwrap().clone();
    let ca = random.of(&pool.cas).unwrap();
    let entries: Vec<EntryKey> = keys_of(store.contents()).into_iter().collect();
    let blocks: Vec<BlockSelector> = store.contents().blocks().cloned().collect();
    let lists: Vec<_> = store
        .contents()
        .crls()
        .map(|list| list.crl().fingerprint())
        .collect();
    let issuers: Vec<CrlIssuer> = store.contents().revocation_checked_issuers().collect();
    match random.below(20) {
        0 => drop(store.add_server(id, [])),
        1 => drop(store.add_name(&id, name)),
        2 => drop(store.move_name(&name, &id)),
        3 => drop(store.release_name(&name)),
        4 | 5 => drop(store.install_pin(scope, pin, options())),
        6 => drop(store.install_pin(PinScope::Group(group), pin, options())),
        7 => drop(store.install_authority(AuthorityScope::Server(id), ca.certificate(), options())),
        8 => {
            if let Some(key) = random.of(&entries) {
                drop(store.remove(key));
            }
        }
        9 => drop(store.block(&pin)),
        10 => drop(store.block_selector(BlockSelector::issuer_serial(&pin))),
        11 => {
            if let Some(block) = random.of(&blocks) {
                drop(store.unblock(block));
            }
        }
        12 => drop(store.release(&id)),
        13 => {
            let until = at(NOW + DAY * u64::try_from(1 + random.below(300)).unwrap());
            drop(store.migrate(&id, until));
        }
        14 => drop(store.remove_server(&id)),
        15 => {
            let _ = store.add_group(group.clone());
            drop(store.join_group(&group, &id));
        }
        16 => drop(store.leave_group(&id)),
        17 => drop(store.remove_group(&group)),
        18 => {
            let number = u8::try_from(1 + random.below(9)).unwrap();
            let list = crl().number(number).entry(entry(&[number])).signed_by(ca);
            drop(store.install_crl(list));
        }
        _ => match (random.below(2), random.of(&issuers), random.of(&lists)) {
            (0, Some(issuer), _) => drop(store.disable_revocation_checks(issuer)),
            (_, _, Some(list)) => drop(store.remove_crl(*list)),
            (_, Some(key), _) => drop(store.disable_revocation_checks(key)),
            (_, None, None) => drop(store.add_server(id, [])),
        },
    }
}

/// How strict a claim is: 0 is none. A migration that ends sooner is stricter.
fn strictness(claim: Claim) -> u64 {
    match claim {
        Claim::Unclaimed => 0,
        Claim::Migrating { until } => u64::MAX - 1 - until.as_secs(),
        Claim::Claimed => u64::MAX,
    }
}

fn is_blocked(view: &TrustSnapshot, key: &EntryKey, of: &TrustSnapshot) -> bool {
    let held = of.entry(key).unwrap().certificate().unwrap();
    view.blocks().any(|block| match block {
        BlockSelector::Certificate {
            fingerprint, key, ..
        } => *fingerprint == held.fingerprint() || *key == held.key_pin(),
        other => *other == BlockSelector::issuer_serial(held),
    })
}

fn check(earlier: &TrustSnapshot, now: &TrustSnapshot, after: &TrustSnapshot, done: &RolledBack) {
    let blocks = |view: &TrustSnapshot| -> BTreeSet<_> { view.blocks().cloned().collect() };
    let both: BTreeSet<_> = &blocks(now) | &blocks(earlier);
    assert_eq!(blocks(after), both);
    let checked =
        |view: &TrustSnapshot| -> BTreeSet<_> { view.revocation_checked_issuers().collect() };
    let both: BTreeSet<_> = &checked(now) | &checked(earlier);
    assert_eq!(checked(after), both);
    let lists = |view: &TrustSnapshot| -> BTreeSet<_> {
        view.crls().map(|list| list.crl().fingerprint()).collect()
    };
    assert!(lists(after).is_superset(&lists(now)));
    assert_eq!(after.floor(), now.floor());
    assert!(after.generation() >= now.generation());
    let claim = |view: &TrustSnapshot, id: &ServerId| view.server(id).map(|one| one.claim());
    for server in now.servers().chain(earlier.servers()) {
        let is = claim(after, server.id());
        let was = strictness(server.claim());
        assert!(
            was == 0 || strictness(is.unwrap()) >= was,
            "{server:?} {is:?}"
        );
    }
    for server in now
        .servers()
        .filter(|server| server.claim() != Claim::Unclaimed)
    {
        for name in server.names() {
            let owner = after.server_of(name).unwrap();
            assert!(
                owner.id() == server.id() || owner.claim() != Claim::Unclaimed,
                "{name}"
            );
        }
    }
    let expected: BTreeSet<EntryKey> = keys_of(earlier)
        .into_iter()
        .filter(|key| now.entry(key).is_some() || !is_blocked(after, key, earlier))
        .collect();
    assert_eq!(keys_of(after), expected);
    let left_out: BTreeSet<EntryKey> = &keys_of(earlier) - &expected;
    assert_eq!(
        done.left_out
            .items()
            .iter()
            .cloned()
            .collect::<BTreeSet<_>>(),
        left_out
    );
    let came: BTreeSet<EntryKey> = &keys_of(after) - &keys_of(now);
    assert_eq!(
        done.came.items().iter().cloned().collect::<BTreeSet<_>>(),
        came
    );
}

#[test]
fn after_a_rollback_of_any_history_nothing_that_takes_trust_away_is_missing() {
    let pool = Pool {
        pins: ["p", "q", "r", "s"].map(pin).into(),
        cas: ["A", "B"].map(ca).into(),
        ids: ["a", "b", "c"].map(server_id).into(),
    };
    let mut random = Random(7);
    let (mut left_out, mut kept) = (0, 0);
    for _ in 0..120 {
        let mut store = store();
        for id in &pool.ids {
            store.add_server(id.clone(), []).unwrap();
        }
        for ca in &pool.cas {
            install_list(&mut store, ca, 1);
        }
        let mut views = vec![store.snapshot()];
        for _ in 0..30 {
            change(&mut store, &pool, &mut random);
            views.push(store.snapshot());
        }
        for _ in 0..4 {
            let earlier = random.of(&views).unwrap();
            let mut draft = store.draft();
            let done = draft.store().roll_back(earlier).unwrap();
            check(earlier, &store.snapshot(), draft.after(), &done);
            left_out += done.left_out.len();
            kept += done.kept.len();
            // It can be stored and read again, so it keeps every rule of a store.
            let read = load(&text_of(draft.after())).unwrap();
            assert_eq!(facts(read.store.contents()), facts(draft.after()));
        }
    }
    assert!(left_out > 20 && kept > 200, "{left_out} {kept}");
}

/// An administrator disabled it: going back does not enable it (rule S4).
#[test]
fn what_was_disabled_since_stays_disabled() {
    let folder = Folder::new("rollback-disabled");
    let mut store = created(&folder);
    store.change(fill).unwrap();
    let earlier = store.contents().clone();
    let entries = earlier.entries();
    let is_enabled: Vec<EntryKey> = entries
        .iter()
        .filter(|entry| entry.disabled().is_none())
        .map(|entry| entry.key())
        .collect();
    let was = entries.iter().find(|entry| entry.disabled().is_some());
    let was = was.unwrap().key();
    let [disabled, gone, ..] = is_enabled.as_slice() else {
        panic!("too few");
    };
    store
        .change(|store| {
            let _ = store.disable(disabled, "ticket 12")?;
            let _ = store.update(disabled, options().with_label("other"))?;
            let _ = store.disable(gone, "ticket 13")?;
            let _ = store.remove(gone)?;
            store.enable(&was)
        })
        .unwrap();
    let done = roll_back(&folder, &mut store, earlier.generation());
    let view = store.contents();
    assert_eq!(view.entry(disabled).unwrap().disabled(), Some("ticket 12"));
    let kept = Kept::Disabled(disabled.clone());
    assert_eq!(done.kept.items(), std::slice::from_ref(&kept));
    assert_eq!(
        kept.to_string().split_once(' ').unwrap().0,
        kept.code(),
        "{kept}"
    );
    assert!(kept.to_string().ends_with("(only enable lifts it)"));
    // Its label is the one it had. What was disabled then is disabled again, and what was removed is as it was.
    let label = |view: &TrustSnapshot| {
        view.entry(disabled)
            .unwrap()
            .options()
            .label()
            .map(String::from)
    };
    assert_eq!(label(view), label(&earlier));
    assert!(view.entry(&was).unwrap().disabled().is_some());
    assert_eq!(view.entry(gone).unwrap().disabled(), None);
    assert_eq!(done.came.items(), std::slice::from_ref(gone));
    let _ = store.change(|store| store.enable(disabled)).unwrap();
    assert_eq!(content(store.contents()), content(&earlier));
}
