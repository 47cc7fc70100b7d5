//! Rule P8: a verdict depends on what is held and on nothing else.

use mutual_trust::store::Outcome;
use mutual_trust::{EntryOptions, PinScope, ReasonCode};
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::copies::{built_anew, content};
use crate::invariants::operations::{Op, history, install};
use crate::invariants::pool::{days, item, pool};
use crate::invariants::questions::{
    Ask, Demands, Peer, Presented, SERVERS, answers, asks, same, settle,
};
use crate::support::Lists as _;
use crate::support::random::config;
use crate::support::server_id;

fn order() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(any::<u32>(), 24)
}

proptest! {
    #![proptest_config(config(150))]

    // P8: reason, detail, entry that decided, path, what was considered and warnings are all the same.
    #[test]
    fn the_verdict_does_not_depend_on_the_order_of_installation(
        history in history(30),
        asks in asks(16),
        first in order(),
        second in order(),
    ) {
        let admin = Admin::after(&history);
        let asks = settle(&asks, admin.view());
        let one = built_anew(admin.view(), &first);
        let other = built_anew(admin.view(), &second);
        prop_assert_eq!(content(one.view()), content(other.view()));
        same(&asks, &answers(&asks, one.view()), &answers(&asks, other.view()))?;
        // Nor on what else was there before.
        prop_assert_eq!(content(one.view()), content(admin.view()));
        same(&asks, &answers(&asks, one.view()), &answers(&asks, admin.view()))?;
    }

    // P8: the place of a server among others, and its role, are for programs that connect.
    #[test]
    fn no_verdict_depends_on_the_order_or_the_role_of_servers(
        history in history(30),
        asks in asks(16),
        primaries in Just(SERVERS.to_vec()).prop_shuffle(),
        split in 0..=SERVERS.len(),
    ) {
        let mut admin = Admin::after(&history);
        let asks = settle(&asks, admin.view());
        let before = answers(&asks, admin.view());
        let known = primaries.iter().map(|id| server_id(id));
        let known: Vec<_> = known.filter(|id| admin.view().server(id).is_some()).collect();
        let (primaries, secondaries) = known.split_at(split.min(known.len()));
        admin.store.set_server_order(primaries.to_vec()).unwrap();
        if let Some(last) = primaries.last() {
            admin.store.set_secondaries(last, secondaries.to_vec()).unwrap();
        }
        same(&asks, &before, &answers(&asks, admin.view()))?;
    }

    // P8, and I9 for what a report says of a removal.
    #[test]
    fn an_entry_that_came_and_went_leaves_only_its_claim(
        history in history(30),
        asks in asks(16),
        op in install(),
    ) {
        let mut admin = Admin::after(&history);
        let asks = settle(&asks, admin.view());
        let (content_before, before) = (content(admin.view()), answers(&asks, admin.view()));
        let servers = admin.view().servers().count();
        let Some(Ok(report)) = admin.apply(&op) else { return Ok(()) };
        let key = report.entries().items()[0].clone();
        let added = report.done() == Outcome::Added;
        let made_a_server = admin.view().servers().count() != servers;
        prop_assume!(added && report.claims().is_empty() && !made_a_server);
        admin.store.remove(&key).unwrap();
        prop_assert_eq!(content_before, content(admin.view()));
        same(&asks, &before, &answers(&asks, admin.view()))?;
    }
}

/// The cases above would show nothing if stores could not be built anew.
#[test]
fn a_store_that_is_built_anew_holds_the_same() {
    let ops = [
        Op::AddServer(0, vec![0]),
        Op::AddGroup(0),
        Op::Join(0, 0),
        Op::Disable(0),
    ];
    let admin = Admin::after(&ops);
    assert_eq!(
        content(admin.view()),
        content(built_anew(admin.view(), &[3, 1, 2]).view())
    );
}

// P8
#[test]
fn the_hint_of_a_refusal_does_not_depend_on_the_order_among_many_entries() {
    let certificate = &pool()[item("s1")].certificate;
    let hints = [false, true].map(|backwards| {
        let mut admin = Admin::new();
        let store = &mut admin.store;
        let mut ids: Vec<_> = (10..50)
            .map(|at| server_id(&format!("other-{at}")))
            .collect();
        if backwards {
            ids.reverse();
        }
        for id in &ids {
            store.add_server(id.clone(), []).unwrap();
            let scope = PinScope::Server(id.clone());
            let options = EntryOptions::new();
            store
                .install_pin(scope, certificate.clone(), options)
                .unwrap();
        }
        store.add_server(server_id(SERVERS[0]), []).unwrap();
        let ask = Ask {
            peer: Peer::Id(0, None),
            presented: Presented::Item(item("s1")),
            chain: Vec::new(),
            time: Some(days(0)),
            demands: Demands::default(),
        };
        ask.answer(admin.view())
    });
    assert_eq!(hints[0].reason, ReasonCode::PinOfAnotherServer);
    assert_eq!(hints[0], hints[1]);
}
