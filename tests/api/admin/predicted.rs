//! Over random stores and changes: what a plan predicts is what happens, and no peer is missed by the guard.

use std::collections::BTreeSet;

use mutual_trust::admin::{LockoutAllowance, Peer, guard, plan, servers_without_usable};
use mutual_trust::error::PlanError;
use mutual_trust::policy::ExpectedServer;
use mutual_trust::store::Slot;
use proptest::prelude::*;

use crate::admin::random::{apply, ask, change, demands, is_lost, picks, scene, stage};
use crate::invariants::copies::{content, written_down};
use crate::invariants::operations::{Op, any_item, any_selector, history, selector};
use crate::invariants::pool::{days, item, pool};
use crate::invariants::questions::clock;
use crate::support::random::config;

const NOW: i64 = 0;

fn now() -> i64 {
    days(NOW)
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn the_prediction_of_a_plan_is_what_happens(
        history in history(25),
        demands in demands(),
        picks in picks(),
        ops in change(),
    ) {
        let (mut admin, policy, seen) = scene(&history, demands, &picks);
        let before = admin.view().clone();
        let clock = clock(Some(now()));
        let plan = plan(&admin.store, &policy, &seen, clock, |store| apply(store, &ops)).unwrap();
        prop_assert_eq!(written_down(&before), written_down(admin.view()));
        let all: Vec<Peer> = plan.effects().all_lost().cloned().collect();
        let done = plan.apply(&mut admin.store, &seen, clock, &LockoutAllowance::allow(all));
        prop_assert!(done.is_ok(), "{:?}", done);
        let after = admin.view();
        prop_assert_eq!(content(plan.contents()), content(after));
        // By making the calls on the store itself, the same comes of it.
        let mut other = stage(&history);
        apply(&mut other.store, &ops).unwrap();
        prop_assert_eq!(content(other.view()), content(after));

        for (peer, sighting) in seen.all() {
            let lost = is_lost(&before, after, &policy, &peer, sighting, (now(), now()));
            prop_assert_eq!(plan.effects().loses(&peer), lost, "{}: {:?}", peer, ops);
        }
        for effect in plan.effects().gained() {
            let sighting = seen.last(&effect.peer).unwrap();
            let told = crate::admin::random::told(after, &policy, &effect.peer, sighting, None, now());
            prop_assert!(told.is_accepted(), "{effect}");
        }
        // Servers that were never seen: one that the plan does not name keeps what was installed.
        for server in before.servers() {
            let peer = Peer::Server(server.id().clone());
            if seen.last(&peer).is_some() {
                continue;
            }
            let risk = plan.effects().at_risk().items().iter().any(|effect| effect.peer == peer);
            for item in pool() {
                let presented = [item.certificate.der().to_vec().into()];
                let ask = |view| {
                    let target = ExpectedServer::id(server.id(), None);
                    ask(view, &policy, Some(target), &presented, now())
                };
                let was = ask(&before);
                // Of a fingerprint alone it is not known whether its key is blocked.
                let accepted = was.decided_by().filter(|_| was.is_accepted());
                let by = accepted.filter(|by| by.certificate().is_some()).map(|by| by.slot());
                let pinned = by == Some(Slot::Pin)
                    && accepted.unwrap().fingerprint() == item.certificate.fingerprint();
                if pinned && !ask(after).is_accepted() {
                    prop_assert!(risk || plan.effects().loses(&peer), "{}: {:?}", peer, ops);
                }
                if pinned && ask(after).is_accepted() {
                    prop_assert!(!plan.effects().loses(&peer), "{}: {:?}", peer, ops);
                }
            }
        }
    }

    #[test]
    fn the_guard_lets_no_server_be_lost_that_is_not_named(
        history in history(25),
        demands in demands(),
        picks in picks(),
        ops in change(),
        spare in 0..4_usize,
    ) {
        let (mut admin, policy, seen) = scene(&history, demands, &picks);
        let before = admin.view().clone();
        let clock = clock(Some(now()));
        let mut blocked = before.clone();
        {
            let mut other = stage(&history);
            let blocks: Vec<Op> = ops.iter().filter(|op| matches!(op, Op::Block(..))).cloned().collect();
            apply(&mut other.store, &blocks).unwrap();
            blocked.clone_from(other.view());
        }
        let named: BTreeSet<Peer> = seen.all().map(|(peer, _)| peer).skip(spare).step_by(2).collect();
        let allowed = LockoutAllowance::allow(named.clone());
        let done = guard(&mut admin.store, &policy, &seen, clock, &allowed, |store| apply(store, &ops));
        match done {
            Ok(_) => {
                for (peer, sighting) in seen.all() {
                    let lost = is_lost(&before, admin.view(), &policy, &peer, sighting, (now(), now()));
                    // P1: a peer that a block loses need not be named.
                    let by_block = is_lost(&before, &blocked, &policy, &peer, sighting, (now(), now()));
                    prop_assert!(!lost || by_block || named.contains(&peer), "{}: {:?}", peer, ops);
                }
            }
            Err(PlanError::Loses { lost, .. }) => {
                prop_assert!(!lost.is_empty());
                for peer in &lost {
                    prop_assert!(!named.contains(peer));
                }
                prop_assert_eq!(written_down(admin.view()), written_down(&before));
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    // P1
    #[test]
    fn a_block_is_never_held_up(
        history in history(25),
        demands in demands(),
        picks in picks(),
        kind in any_selector(),
        item in any_item(),
        between in change(),
    ) {
        let (mut admin, policy, seen) = scene(&history, demands, &picks);
        let clock = clock(Some(now()));
        let selector = selector(kind, item);
        let plan = plan(&admin.store, &policy, &seen, clock, |store| {
            Ok(store.block_selector(selector.clone()))
        }).unwrap();
        let there = admin.view().blocks().any(|block| *block == selector);
        apply(&mut admin.store, &between).unwrap();
        let done = plan.apply(&mut admin.store, &seen, clock, &LockoutAllowance::none());
        if !there {
            prop_assert!(done.is_ok(), "{:?}", done);
            prop_assert!(admin.view().blocks().any(|block| *block == selector));
        }
    }

    // P2 to P4
    #[test]
    fn a_server_that_is_told_to_have_nothing_usable_is_refused_with_everything(
        history in history(30),
        demands in demands(),
        time in -300..700_i64,
    ) {
        let (admin, policy, _) = scene(&history, demands, &vec![None]);
        let view = admin.view();
        let clock = clock(Some(days(time)));
        let without = servers_without_usable(view, &policy, clock);
        let inters = [item("inter-a"), item("inter-b")];
        for server in view.servers() {
            let listed = without.iter().any(|one| one.server == *server.id());
            if !listed {
                continue;
            }
            for item in pool() {
                let mut presented = vec![item.certificate.der().to_vec().into()];
                presented.extend(inters.map(|at| pool()[at].certificate.der().to_vec().into()));
                let target = ExpectedServer::id(server.id(), server.names().next());
                let verdict = ask(view, &policy, Some(target), &presented, days(time));
                prop_assert!(!verdict.is_accepted(), "{} {}: {}", server.id(), item.name, verdict);
            }
        }
    }
}

/// Nothing is shown by changes that lose no peer.
#[test]
fn the_cases_lose_gain_and_spare() {
    use proptest::test_runner::TestRunner;
    let counts = std::cell::RefCell::new([0_u32; 5]);
    let cases = (history(25), demands(), picks(), change());
    let run = TestRunner::new(config(100)).run(&cases, |(history, demands, picks, ops)| {
        let (mut admin, policy, seen) = scene(&history, demands, &picks);
        let clock = clock(Some(now()));
        let plan = plan(&admin.store, &policy, &seen, clock, |store| {
            apply(store, &ops)
        })
        .unwrap();
        let effects = plan.effects();
        let refused = plan
            .apply(&mut admin.store, &seen, clock, &LockoutAllowance::none())
            .is_err();
        let found = [
            !effects.lost().is_empty(),
            !effects.moved().is_empty(),
            !effects.at_risk().is_empty(),
            refused,
            !refused,
        ];
        for (count, found) in counts.borrow_mut().iter_mut().zip(found) {
            *count += u32::from(found);
        }
        Ok(())
    });
    run.unwrap();
    let counts = counts.into_inner();
    let least = [15, 1, 3, 15, 30];
    for (count, least) in counts.iter().zip(least) {
        assert!(*count >= least, "{counts:?}");
    }
}
