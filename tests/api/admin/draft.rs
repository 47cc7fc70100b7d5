//! Drafts: changed at will, adopted by the store that they were made of while that is as it was.

use mutual_trust::admin::{LockoutAllowance, plan};
use mutual_trust::error::{PlanError, StoreError};
use mutual_trust::store::{BlockSelector, Draft, TrustSnapshot};
use mutual_trust::{PinScope, TrustStore};

use crate::admin::desk::Desk;
use crate::invariants::copies::{content, written_down};
use crate::invariants::pool::days;
use crate::support::pki::self_signed;
use crate::support::{keys, now, server_id, store};

fn add(store: &mut TrustStore, id: &str) {
    store.add_server(server_id(id), []).unwrap();
}

#[test]
fn a_draft_changes_nothing_until_it_is_adopted() {
    let mut store = store();
    add(&mut store, "keys-1");
    let before = written_down(store.contents());
    let mut draft = store.draft();
    add(draft.store(), "keys-2");
    assert_eq!(written_down(store.contents()), before);
    assert_eq!(written_down(draft.before()), before);
    let after = written_down(draft.after());
    assert_ne!(after, before);
    drop(store.draft());
    store.commit(draft).unwrap();
    assert_eq!(written_down(store.contents()), after);
}

#[test]
fn a_draft_of_an_older_generation_is_refused_and_changes_nothing() {
    let mut store = store();
    let mut draft = store.draft();
    add(draft.store(), "keys-2");
    add(&mut store, "keys-1");
    let before = written_down(store.contents());
    match store.commit(draft) {
        Err(StoreError::StaleDraft {
            planned, current, ..
        }) => assert_eq!((planned, current), (0, 1)),
        other => panic!("{other:?}"),
    }
    assert_eq!(written_down(store.contents()), before);
}

#[test]
fn a_draft_of_another_store_of_the_same_generation_is_refused() {
    let (mut one, mut two) = (store(), store());
    add(&mut one, "keys-1");
    add(&mut two, "keys-2");
    let mut draft = one.draft();
    add(draft.store(), "keys-3");
    assert!(matches!(
        two.commit(draft),
        Err(StoreError::StaleDraft { .. })
    ));
    assert_eq!(two.contents().servers().count(), 1);
    let draft = Draft::from_snapshot(
        &TrustSnapshot::default(),
        keys(),
        std::sync::Arc::new(now()),
    );
    assert!(matches!(
        one.commit(draft),
        Err(StoreError::StaleDraft { .. })
    ));
}

#[test]
fn calls_that_change_nothing_leave_a_draft_fresh() {
    let mut store = store();
    let blocked = self_signed("gone.example").certificate();
    store.block(&blocked);
    let draft = store.draft();
    store.block(&blocked);
    let other = BlockSelector::Fingerprint(blocked.fingerprint());
    assert!(matches!(
        store.unblock(&other),
        Err(StoreError::NotBlocked(_))
    ));
    assert!(store.add_group("left".parse().unwrap()).is_ok());
    assert!(matches!(
        store.commit(draft),
        Err(StoreError::StaleDraft { .. })
    ));
    let draft = store.draft();
    let again = store.add_group("left".parse().unwrap());
    assert!(matches!(again, Err(StoreError::GroupExists(_))));
    store.block(&blocked);
    store.commit(draft).unwrap();
}

#[test]
fn a_draft_that_was_swapped_for_an_older_store_is_refused() {
    let mut store = store();
    add(&mut store, "keys-1");
    let mut draft = store.draft();
    *draft.store() = TrustStore::new(keys());
    assert!(matches!(
        store.commit(draft),
        Err(StoreError::StaleDraft { .. })
    ));
    assert_eq!(store.contents().servers().count(), 1);
}

#[test]
fn a_plan_made_on_an_older_generation_is_refused() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    desk.server("keys-3", &[]);
    let added = plan(&desk.store, &desk.policy, &desk.seen, desk.now(), |store| {
        store.add_server(server_id("keys-2"), [])
    })
    .unwrap();
    assert_eq!(added.generation(), desk.view().generation());
    assert!(added.contents().generation() > added.generation());
    desk.store.add_group("left".parse().unwrap()).unwrap();
    let before = content(desk.view());
    let now = desk.now();
    let refused = added.apply(&mut desk.store, &desk.seen, now, &LockoutAllowance::none());
    let stale = matches!(
        refused,
        Err(PlanError::Store(StoreError::StaleDraft { .. }))
    );
    assert!(stale, "{refused:?}");
    assert_eq!(content(desk.view()), before);
}

#[test]
fn a_plan_whose_change_is_refused_says_why_and_changes_nothing() {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    let before = written_down(desk.view());
    let own = self_signed("kms1.example").certificate();
    let refused = plan(&desk.store, &desk.policy, &desk.seen, desk.now(), |store| {
        let scope = PinScope::Server(server_id("keys-1"));
        store.install_pin(scope, own.clone(), Default::default())?;
        store.add_server(server_id("keys-1"), [])
    });
    assert!(matches!(refused, Err(StoreError::ServerExists(_))));
    assert_eq!(written_down(desk.view()), before);
}
