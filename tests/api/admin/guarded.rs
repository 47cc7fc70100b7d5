//! A change that locks a server out is told beforehand, and not made unless that server is named.

use std::sync::OnceLock;

use mutual_trust::admin::{Evidence, LockoutAllowance, Peer, block, guard, plan, safe_to_remove};
use mutual_trust::certificate::Crl;
use mutual_trust::error::{PlanError, StoreError};
use mutual_trust::policy::Rule;
use mutual_trust::store::{BlockSelector, CrlIssuer, EntryKey, Outcome, Report, Scope};
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode};

use crate::admin::desk::{Desk, group, peer, pin_key};
use crate::invariants::copies::written_down;
use crate::invariants::pool::days;
use crate::support::Lists as _;
use crate::support::crl::crl;
use crate::support::pki::{Made, pki, self_signed, spec};
use crate::support::{DAY, at, host, server_id};

/// Two servers with a pin each, both seen.
fn two_servers() -> (Desk, Made, Made) {
    let mut desk = Desk::at(days(0));
    let (one, two) = (self_signed("kms1.example"), self_signed("kms2.example"));
    desk.server("keys-1", &["kms1.example"]);
    desk.server("keys-2", &["kms2.example"]);
    desk.server_pin("keys-1", &one);
    desk.server_pin("keys-2", &two);
    assert!(desk.connects("keys-1", &[&one]) && desk.connects("keys-2", &[&two]));
    (desk, one, two)
}

fn lost_of(error: PlanError) -> Vec<Peer> {
    match error {
        PlanError::Loses { lost, .. } => lost.items().to_vec(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_change_that_loses_a_server_says_which_and_by_which_rule_and_is_not_made() {
    let (mut desk, one, _) = two_servers();
    let key = pin_key(Scope::Server(server_id("keys-1")), &one.certificate);
    let before = written_down(desk.view());
    let now = desk.now();
    let removal = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        store.remove(&key)
    });
    let removal = removal.unwrap();
    assert_eq!(removal.outcome().done(), Outcome::Removed);
    let lost = removal.effects().lost().items();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].peer, peer("keys-1"));
    assert_eq!(lost[0].basis, Evidence::Seen);
    assert_eq!(lost[0].before.reason, ReasonCode::PinMatched);
    assert_eq!(lost[0].before.by, Some(key.clone()));
    assert_eq!(lost[0].after.reason, ReasonCode::NoUsablePin);
    assert_eq!(lost[0].after.rule(), Rule::P2);
    assert!(removal.effects().gained().is_empty());

    let wrong = LockoutAllowance::allow([server_id("keys-2")]);
    for allowed in [LockoutAllowance::none(), wrong] {
        let error = removal.apply(&mut desk.store, &desk.seen, now, &allowed);
        let error = error.unwrap_err();
        assert!(error.to_string().contains("server keys-1"), "{error}");
        assert_eq!(lost_of(error), [peer("keys-1")]);
        assert_eq!(written_down(desk.view()), before);
    }
    let allowed = LockoutAllowance::allow([server_id("keys-1")]);
    let effects = removal
        .apply(&mut desk.store, &desk.seen, now, &allowed)
        .unwrap();
    assert!(effects.loses(&peer("keys-1")));
    assert!(desk.view().entry(&key).is_none());
    assert_eq!(written_down(desk.view()), written_down(removal.contents()));
}

#[test]
fn every_lost_server_must_be_named() {
    let (mut desk, ..) = two_servers();
    let remove_all = |store: &mut mutual_trust::TrustStore| {
        let keys: Vec<_> = store
            .contents()
            .entries()
            .iter()
            .map(|one| one.key().clone())
            .collect();
        keys.iter()
            .map(|key| store.remove(key))
            .collect::<Result<Vec<_>, _>>()
    };
    let now = desk.now();
    let (policy, seen) = (desk.policy, &desk.seen);
    let one = LockoutAllowance::allow([server_id("keys-1")]);
    let refused = guard(&mut desk.store, &policy, seen, now, &one, remove_all);
    assert_eq!(lost_of(refused.unwrap_err()), [peer("keys-2")]);
    let both = LockoutAllowance::allow([server_id("keys-1"), server_id("keys-2")]);
    let done = guard(&mut desk.store, &policy, seen, now, &both, remove_all).unwrap();
    assert_eq!(done.outcome.len(), 2);
    assert_eq!(done.effects.all_lost().count(), 2);
}

#[test]
fn a_change_that_loses_nobody_is_made() {
    let (mut desk, ..) = two_servers();
    let next = self_signed("kms1.example");
    let now = desk.now();
    let scope = PinScope::Server(server_id("keys-1"));
    let done = guard(
        &mut desk.store,
        &desk.policy,
        &desk.seen,
        now,
        &LockoutAllowance::none(),
        |store| store.install_pin(scope, next.certificate(), EntryOptions::new()),
    );
    assert_eq!(done.unwrap().outcome.done(), Outcome::Added);
    assert_eq!(desk.view().entries().len(), 3);
}

#[test]
fn who_is_lost_is_asked_again_when_a_plan_is_applied() {
    let (mut desk, _, _) = two_servers();
    let next = self_signed("kms1.example");
    let next_key = desk.server_pin("keys-1", &next);
    let now = desk.now();
    let removal = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        store.remove(&next_key)
    });
    let removal = removal.unwrap();
    assert!(!removal.effects().loses(&peer("keys-1")));
    // The server renews before the plan is applied.
    assert!(desk.connects("keys-1", &[&next]));
    let refused = removal.apply(&mut desk.store, &desk.seen, now, &LockoutAllowance::none());
    assert_eq!(lost_of(refused.unwrap_err()), [peer("keys-1")]);
}

// P1: a block wins over everything, and is never held up.
#[test]
fn a_block_is_never_held_up_and_says_who_is_lost() {
    let (mut desk, one, two) = two_servers();
    let now = desk.now();
    let selector = BlockSelector::certificate(&one.certificate);
    let planned = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        Ok(store.block_selector(selector.clone()))
    });
    let planned = planned.unwrap();
    assert_eq!(
        planned.effects().lost().items()[0].after.reason,
        ReasonCode::Blocked
    );
    // Not even by a store that has changed since.
    desk.store.add_group(group("left")).unwrap();
    let effects = planned.apply(&mut desk.store, &desk.seen, now, &LockoutAllowance::none());
    assert!(effects.unwrap().loses(&peer("keys-1")));
    assert_eq!(desk.view().blocks().collect::<Vec<_>>(), [&selector]);
    assert!(desk.view().group(&group("left")).is_some());

    let selector = BlockSelector::certificate(&two.certificate);
    let done = block(&mut desk.store, &desk.policy, &desk.seen, now, selector);
    assert!(done.effects.loses(&peer("keys-2")));
    assert!(!done.effects.loses(&peer("keys-1")), "it was lost before");
    assert_eq!(done.outcome.entries().len(), 1);
    assert_eq!(
        desk.verdict("keys-2", &[&two]).reason(),
        ReasonCode::Blocked
    );
}

#[test]
fn a_block_does_not_carry_another_change_past_the_guard() {
    let (mut desk, one, two) = two_servers();
    let now = desk.now();
    let key = pin_key(Scope::Server(server_id("keys-2")), &two.certificate);
    let before = written_down(desk.view());
    let both = |store: &mut mutual_trust::TrustStore| {
        store.block(&one.certificate);
        store.remove(&key)
    };
    let (policy, seen) = (desk.policy, &desk.seen);
    let refused = guard(
        &mut desk.store,
        &policy,
        seen,
        now,
        &LockoutAllowance::none(),
        both,
    );
    // A peer that the block loses need not be named; one that the removal loses must be.
    assert_eq!(lost_of(refused.unwrap_err()), [peer("keys-2")]);
    assert_eq!(written_down(desk.view()), before);
    let allowed = LockoutAllowance::allow([server_id("keys-2")]);
    let done = guard(&mut desk.store, &policy, seen, now, &allowed, both).unwrap();
    assert_eq!(done.effects.all_lost().count(), 2);
}

/// A CA with revocation lists.
fn listed() -> &'static Made {
    static LISTED: OnceLock<Made> = OnceLock::new();
    LISTED.get_or_init(|| spec("listed").ca().self_signed())
}

fn other_list() -> Crl {
    crl().number(2).signed_by(listed())
}

#[test]
fn a_plan_that_blocks_and_changes_anything_else_is_no_block_alone() {
    type Change = fn(&mut mutual_trust::TrustStore, &EntryKey) -> Result<Report, StoreError>;
    let changes: [Change; 9] = [
        |store, key| store.disable(key, "a test"),
        |store, key| store.remove(key),
        |store, _| store.add_name(&server_id("keys-2"), host("more.example")),
        |store, _| store.add_server(server_id("keys-3"), []),
        |store, _| store.add_group(group("right")),
        |store, _| store.migrate(&server_id("keys-2"), at(u64::try_from(days(5)).unwrap())),
        |store, _| Ok(store.reset_floor(Some(at(1)))),
        |store, _| store.install_crl(other_list()),
        |store, _| store.disable_revocation_checks(&CrlIssuer::of(&listed().certificate)),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (mut desk, one, two) = two_servers();
        let key = pin_key(Scope::Server(server_id("keys-2")), &two.certificate);
        desk.authority(AuthorityScope::Clients, listed());
        desk.store.install_crl(crl().signed_by(listed())).unwrap();
        let now = desk.now();
        let both = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
            store.block(&one.certificate);
            change(store, &key)
        });
        let both = both.unwrap();
        desk.store.add_group(group("left")).unwrap();
        let allowed = LockoutAllowance::allow([server_id("keys-1"), server_id("keys-2")]);
        let refused = both.apply(&mut desk.store, &desk.seen, now, &allowed);
        let stale = matches!(
            refused,
            Err(PlanError::Store(StoreError::StaleDraft { .. }))
        );
        assert!(stale, "{number}: {refused:?}");
    }
}

#[test]
fn lifting_a_block_together_with_another_is_not_a_block_alone() {
    let (mut desk, one, two) = two_servers();
    let old = BlockSelector::Fingerprint(one.certificate.fingerprint());
    desk.store.block_selector(old.clone());
    let now = desk.now();
    let swapped = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        store.block(&two.certificate);
        store.unblock(&old)
    });
    let swapped = swapped.unwrap();
    desk.store.add_group(group("left")).unwrap();
    let refused = swapped.apply(&mut desk.store, &desk.seen, now, &LockoutAllowance::none());
    assert!(matches!(
        refused,
        Err(PlanError::Store(StoreError::StaleDraft { .. }))
    ));
}

#[test]
fn a_server_that_only_gained_is_told_as_gained() {
    let day = i64::try_from(DAY).unwrap();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-10 * day, 10 * day).self_signed();
    let key = desk.server_pin("keys-1", &made);
    assert!(desk.connects("keys-1", &[&made]));
    desk.clock.set(Some(days(20)));
    let grace = mutual_trust::store::ValidityRule::Grace(core::time::Duration::from_secs(30 * DAY));
    let options = EntryOptions::new().with_validity(grace);
    let now = desk.now();
    let plan = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        store.update(&key, options)
    });
    let plan = plan.unwrap();
    let gained = plan.effects().gained().items();
    assert_eq!(gained[0].peer, peer("keys-1"));
    assert_eq!(gained[0].before.reason, ReasonCode::Expired);
    assert!(plan.to_string().contains("gained: server keys-1"), "{plan}");
}

#[test]
fn a_plan_for_a_later_time_says_what_is_so_then() {
    let day = i64::try_from(DAY).unwrap();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let made = spec("kms1").valid(-10 * day, 10 * day).self_signed();
    let next = spec("kms1").valid(-10 * day, 100 * day).self_signed();
    let key = desk.server_pin("keys-1", &made);
    desk.server_pin("keys-1", &next);
    assert!(desk.connects("keys-1", &[&next]));
    let month = crate::invariants::questions::clock(Some(days(30)));
    let remove = |clock| {
        plan(&desk.store, &desk.policy, &desk.seen, clock, |store| {
            store.remove(&key)
        })
        .unwrap()
    };
    assert!(remove(month).effects().lost().is_empty());
    let year = crate::invariants::questions::clock(Some(days(365)));
    let effects = remove(year);
    // A peer that is lost without the change is not lost by it.
    assert!(effects.effects().lost().is_empty());
}

#[test]
fn a_name_that_is_taken_away_locks_out_whoever_dials_by_it() {
    let (mut desk, one, _) = two_servers();
    let id = server_id("keys-1");
    let dialled = host("kms1.example");
    let question = mutual_trust::VerifyRequest::server(
        mutual_trust::ExpectedServer::id(&id, Some(&dialled)),
        one.certificate.der(),
        &[],
        desk.now(),
    );
    let verdict = mutual_trust::decide(desk.view(), &desk.policy, &question);
    assert!(desk.observe(verdict, &[&one], true));
    let now = desk.now();
    let plan = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        store.release_name(&dialled)
    });
    let plan = plan.unwrap();
    let lost = plan.effects().lost().items();
    assert_eq!(lost[0].basis, Evidence::SeenByName);
    assert_eq!(lost[0].after.reason, ReasonCode::UnlistedName);
}

// P8
#[test]
fn a_server_that_is_dialled_under_another_s_name_is_asked_by_its_id_alone() {
    let (mut desk, one, two) = two_servers();
    let (id, dialled) = (server_id("keys-1"), host("kms2.example"));
    desk.server_pin("keys-2", &one);
    let question = mutual_trust::VerifyRequest::server(
        mutual_trust::ExpectedServer::id(&id, Some(&dialled)),
        one.certificate.der(),
        &[],
        desk.now(),
    );
    let verdict = mutual_trust::decide(desk.view(), &desk.policy, &question);
    assert!(desk.observe(verdict, &[&one], true));
    let key = pin_key(Scope::Server(server_id("keys-2")), &one.certificate);
    let now = desk.now();
    let removal = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        store.remove(&key)
    });
    assert!(removal.unwrap().effects().lost().is_empty());
    assert!(desk.connects("keys-2", &[&two]));
}

#[test]
fn clients_and_unlisted_names_are_guarded_as_servers_are() {
    let mut desk = Desk::at(days(0));
    let client = self_signed("array-7");
    let key = desk.pin(PinScope::Clients, &client);
    assert!(desk.client_connects(&[&client]));
    let who = Peer::Client(client.certificate.fingerprint());
    let now = desk.now();
    let (policy, seen) = (desk.policy, &desk.seen);
    let refused = guard(
        &mut desk.store,
        &policy,
        seen,
        now,
        &LockoutAllowance::none(),
        |store| store.remove(&key),
    );
    assert_eq!(lost_of(refused.unwrap_err()), std::slice::from_ref(&who));
    let allowed = LockoutAllowance::allow([who]);
    let _ = guard(&mut desk.store, &policy, seen, now, &allowed, |store| {
        store.remove(&key)
    })
    .unwrap();
    assert!(desk.view().entries().is_empty());
}

// After a restart nothing was seen yet: what is installed is all there is to go by.
#[test]
fn a_server_that_was_never_seen_is_judged_by_what_is_installed_for_it() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let (one, two) = (self_signed("one"), self_signed("two"));
    let one_key = desk.server_pin("keys-1", &one);
    let now = desk.now();
    let (policy, seen) = (desk.policy, &desk.seen);
    // One more risks nothing.
    let scope = PinScope::Server(server_id("keys-1"));
    let added = plan(&desk.store, &policy, seen, now, |store| {
        store.install_pin(scope, two.certificate(), EntryOptions::new())
    });
    let added = added.unwrap();
    assert!(added.effects().at_risk().is_empty());
    let effects = added.apply(&mut desk.store, seen, now, &LockoutAllowance::none());
    assert!(effects.unwrap().lost().is_empty());
    let two_key = pin_key(Scope::Server(server_id("keys-1")), &two.certificate);
    let one_gone = plan(&desk.store, &policy, seen, now, |store| {
        store.remove(&one_key)
    })
    .unwrap();
    assert!(one_gone.effects().lost().is_empty());
    let risk = one_gone.effects().at_risk().items();
    assert_eq!(risk[0].peer, peer("keys-1"));
    assert_eq!(risk[0].before.by, Some(one_key.clone()));
    one_gone
        .apply(&mut desk.store, seen, now, &LockoutAllowance::none())
        .unwrap();

    let refused = guard(
        &mut desk.store,
        &policy,
        seen,
        now,
        &LockoutAllowance::none(),
        |store| store.remove(&two_key),
    );
    assert_eq!(lost_of(refused.unwrap_err()), [peer("keys-1")]);
    // Another one in its place does not help who has the first.
    let refused = guard(
        &mut desk.store,
        &policy,
        seen,
        now,
        &LockoutAllowance::none(),
        |store| {
            let scope = PinScope::Server(server_id("keys-1"));
            store.install_pin(scope, one.certificate(), EntryOptions::new())?;
            store.remove(&two_key)
        },
    );
    assert_eq!(lost_of(refused.unwrap_err()), [peer("keys-1")]);
}

#[test]
fn a_server_that_was_never_seen_may_come_with_the_pin_that_replaces_its_authorities() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let pki = pki("corp");
    let key = desk.authority(AuthorityScope::AnyServer, &pki.root);
    let now = desk.now();
    let own = self_signed("kms1.example");
    let (policy, seen) = (desk.policy, &desk.seen);
    let scope = PinScope::Server(server_id("keys-1"));
    let pinned = plan(&desk.store, &policy, seen, now, |store| {
        store.install_pin(scope, own.certificate(), EntryOptions::new())
    });
    let pinned = pinned.unwrap();
    assert!(pinned.effects().lost().is_empty());
    let risk = &pinned.effects().at_risk().items()[0];
    assert_eq!(risk.after.reason, ReasonCode::AuthoritiesNotAsked);
    // With its only authority, every way in is gone.
    let removed = plan(&desk.store, &policy, seen, now, |store| store.remove(&key)).unwrap();
    assert!(removed.effects().loses(&peer("keys-1")));
    // A pin that its own chain vouches for is none the less a way in once it is released.
    assert_eq!(
        removed.effects().lost().items()[0].basis,
        Evidence::Installed
    );
}

#[test]
fn a_server_for_which_nothing_is_known_is_told_as_unknown() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let now = desk.now();
    let plan = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        store.add_group(group("left"))
    });
    assert_eq!(
        plan.unwrap().effects().unknown().items(),
        [server_id("keys-1")]
    );
}

#[test]
fn an_old_pin_is_safe_to_remove_once_no_server_was_last_accepted_with_it() {
    let mut desk = Desk::at(days(0));
    desk.group("cluster", &["kms-1", "kms-2"]);
    let (old, new) = (self_signed("old"), self_signed("new"));
    let old_key = desk.group_pin("cluster", &old);
    desk.group_pin("cluster", &new);
    let ask = |desk: &Desk| {
        let now = desk.now();
        safe_to_remove(desk.view(), &desk.policy, &desk.seen, now, &old_key).unwrap()
    };
    // No peer was seen: it is not known which ones need it.
    assert!(!ask(&desk).is_safe());
    assert_eq!(ask(&desk).effects().at_risk().len(), 2);
    desk.connects("kms-1", &[&old]);
    desk.connects("kms-2", &[&new]);
    let removal = ask(&desk);
    assert!(!removal.is_safe());
    assert_eq!(removal.effects().lost().items()[0].peer, peer("kms-1"));
    assert_eq!(removal.effects().lost().len(), 1);
    desk.connects("kms-1", &[&new]);
    assert!(ask(&desk).is_safe());
    let now = desk.now();
    let none = pin_key(Scope::Clients, &old.certificate);
    let asked = safe_to_remove(desk.view(), &desk.policy, &desk.seen, now, &none);
    assert!(matches!(asked, Err(StoreError::NoSuchEntry(_))));
}

#[test]
fn a_claim_on_a_server_that_presents_a_chain_is_told_with_its_reason() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    let pki = pki("corp");
    desk.authority(AuthorityScope::AnyServer, &pki.root);
    let leaf = pki.server("kms1.example");
    assert!(desk.connects("keys-1", &[&leaf, &pki.intermediate]));
    let now = desk.now();
    let own = self_signed("kms1.example");
    let scope = PinScope::Server(server_id("keys-1"));
    let plan = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
        let report = store.install_pin(scope, own.certificate(), EntryOptions::new())?;
        let until = at(u64::try_from(days(-1)).unwrap());
        let past = store.migrate(&server_id("keys-1"), until);
        assert!(matches!(past, Err(StoreError::EndInThePast)));
        Ok(report)
    });
    let plan = plan.unwrap();
    let lost = &plan.effects().lost().items()[0];
    assert_eq!(lost.before.reason, ReasonCode::ChainVerified);
    assert_eq!(lost.after.reason, ReasonCode::AuthoritiesNotAsked);
}
