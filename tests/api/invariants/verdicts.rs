//! What calls may do to verdicts: blocks, disabled entries, scopes, and stores with nothing in them.

use mutual_trust::certificate::Role;
use mutual_trust::store::{BlockSelector, Claim, Scope, Slot};
use mutual_trust::{Certificate, EntryOptions, PinMatch, PinScope, ReasonCode};
use proptest::prelude::*;

use crate::invariants::admin::Admin;
use crate::invariants::operations::{Op, any_selector, change, history, install, selector};
use crate::invariants::pool::{days, item_of, pool};
use crate::invariants::questions::{
    Answer, Ask, NAMES, Peer, SERVERS, answers, asks, same, settle,
};
use crate::support::Lists as _;
use crate::support::random::config;

/// Whether a block by this selector names the certificate.
fn names(block: &BlockSelector, certificate: &Certificate) -> bool {
    match block {
        BlockSelector::Certificate {
            fingerprint, key, ..
        } => certificate.fingerprint() == *fingerprint || certificate.key_pin() == *key,
        BlockSelector::Fingerprint(fingerprint) => certificate.fingerprint() == *fingerprint,
        BlockSelector::Key(key) => certificate.key_pin() == *key,
        BlockSelector::IssuerSerial { issuer, serial, .. } => {
            certificate.issuer_der() == &**issuer && certificate.serial() == &**serial
        }
        _ => panic!("a selector that this test does not know"),
    }
}

fn no_new_yes(asks: &[Ask], before: &[Answer], after: &[Answer]) -> Result<(), TestCaseError> {
    for ((ask, before), after) in asks.iter().zip(before).zip(after) {
        prop_assert!(
            before.yes() || !after.yes(),
            "{:?}: {:?}, then {:?}",
            ask,
            before,
            after
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(250))]

    // P1
    #[test]
    fn a_block_never_turns_a_no_into_a_yes_and_leaves_nothing_that_it_names(
        history in history(25),
        asks in asks(20),
        kind in any_selector(),
        ask in 0..20_usize,
        path in 0..4_usize,
    ) {
        let mut admin = Admin::after(&history);
        let asks = settle(&asks, admin.view());
        let before = answers(&asks, admin.view());
        // What a verdict rests on, yes or no, if there is one, else anything.
        let decided = before.iter().filter(|answer| answer.decided.is_some());
        let blocked = match decided.cycle().nth(ask) {
            Some(answer) if path < answer.path.len() => item_of(answer.path[path]),
            Some(answer) => item_of(answer.decided.as_ref().unwrap().fingerprint),
            None => asks[ask].item(),
        };
        drop(admin.apply(&Op::Block(kind, blocked)).unwrap());
        let after = answers(&asks, admin.view());
        no_new_yes(&asks, &before, &after)?;
        let block = selector(kind, blocked);
        for (ask, answer) in asks.iter().zip(&after) {
            let Some(by) = &answer.accepted else { continue };
            let rests_on = answer.path.iter().map(|found| item_of(*found));
            let bare = admin.view().entry(by).unwrap().certificate().is_none();
            // Of a bare fingerprint, only that is known.
            let by_entry = item_of(by.fingerprint);
            for item in rests_on.chain([ask.item(), by_entry]) {
                let named = names(&block, &pool()[item].certificate);
                prop_assert!(!named || (bare && item == by_entry && item != ask.item()));
            }
        }
    }

    // P1: a block by one selector is undone by the same.
    #[test]
    fn a_block_that_is_lifted_leaves_no_trace(
        history in history(25),
        asks in asks(16),
        kind in any_selector(),
        item in 0..pool().len(),
    ) {
        let mut admin = Admin::after(&history);
        prop_assume!(!admin.view().blocks().any(|block| *block == selector(kind, item)));
        let asks = settle(&asks, admin.view());
        let before = answers(&asks, admin.view());
        drop(admin.apply(&Op::Block(kind, item)).unwrap());
        drop(admin.apply(&Op::Unblock(kind, item)).unwrap());
        same(&asks, &before, &answers(&asks, admin.view()))?;
    }

    // I8, P2, P5: a disabled entry is still held.
    #[test]
    fn disabling_an_entry_never_turns_a_no_into_a_yes(
        history in history(25),
        asks in asks(20),
        number in 0..64_usize,
    ) {
        let mut admin = Admin::after(&history);
        let asks = settle(&asks, admin.view());
        let before = answers(&asks, admin.view());
        // One that decided, and rather one that decided a no: it stays in the way of what else would say yes.
        let decided = before.iter().filter(|answer| answer.decided.is_some());
        let (yes, no): (Vec<&Answer>, Vec<&Answer>) = decided.partition(|answer| answer.yes());
        let some = no.iter().chain(&yes).nth(number % 8);
        let key = match some.and_then(|answer| answer.decided.clone()) {
            Some(key) => key,
            None => match admin.entry_key(number) {
                Some(key) => key,
                None => return Ok(()),
            },
        };
        admin.store.disable(&key, "a test disables it").unwrap();
        let after = answers(&asks, admin.view());
        no_new_yes(&asks, &before, &after)?;
        for answer in &after {
            prop_assert_ne!(answer.accepted.as_ref(), Some(&key));
        }
    }

    // P5, I8: a pin that matches and may not be used is in the way of every authority.
    #[test]
    fn an_authority_never_helps_where_a_matching_pin_is_disabled(
        history in history(20),
        asks in asks(30),
        by_key in proptest::bool::ANY,
    ) {
        let mut admin = Admin::after(&history);
        let view = admin.view().clone();
        let asks = settle(&asks, &view);
        let chain = asks.iter().find(|ask| {
            let by = ask.answer(&view).accepted;
            by.is_some_and(|by| by.slot == Slot::Authority)
        });
        let Some(ask) = chain else { return Ok(()) };
        let server = match ask.peer {
            Peer::Id(id, _) => Some(SERVERS[id].parse().unwrap()),
            Peer::Name(name) => match view.server_of(&NAMES[name].parse().unwrap()) {
                Some(server) => Some(server.id().clone()),
                // An unlisted name holds no pins.
                None => return Ok(()),
            },
            Peer::Client => None,
        };
        let scope = server.clone().map_or(PinScope::Clients, PinScope::Server);
        let matching = if by_key { PinMatch::PublicKey } else { PinMatch::Certificate };
        let options = EntryOptions::new().with_matching(matching);
        let certificate = pool()[ask.item()].certificate.clone();
        let report = admin.store.install_pin(scope, certificate, options).unwrap();
        let key = report.entries().items()[0].clone();
        if let Some(id) = server {
            // After whatever time the history has, and later than any question.
            admin.clock.set(Some(days(50)));
            let until = crate::support::at(u64::try_from(days(400)).unwrap());
            admin.store.migrate(&id, until).unwrap();
        }
        admin.store.disable(&key, "a test disables it").unwrap();
        let answer = ask.answer(admin.view());
        prop_assert_eq!(answer.reason, ReasonCode::EntryDisabled, "{:?}", ask);
        prop_assert_eq!(answer.decided, Some(key));
    }

    // I7, P1, P2, P3, P4, I8: what the entry must be that a yes names.
    #[test]
    fn a_yes_names_an_entry_that_may_say_yes(history in history(30), asks in asks(20)) {
        let admin = Admin::after(&history);
        let view = admin.view();
        for ask in settle(&asks, view) {
            let answer = ask.answer(view);
            let Some(by) = &answer.accepted else { continue };
            prop_assert_eq!(answer.decided.as_ref(), Some(by));
            let entry = view.entry(by).unwrap();
            prop_assert_eq!(entry.disabled(), None);
            if let (Some(end), Some(time)) = (entry.options().end(), ask.time) {
                let floor = view.floor().map_or(0, |floor| floor.as_secs());
                let time = u64::try_from(time).unwrap();
                let judged = if time + 93_600 < floor { floor } else { time };
                prop_assert!(end.as_secs() > judged, "{:?}", answer);
            }
            for block in view.blocks() {
                let installed = entry.certificate();
                prop_assert!(!installed.is_some_and(|installed| names(block, installed)));
                prop_assert!(!names(block, &pool()[ask.item()].certificate));
            }
            let role = match ask.peer {
                Peer::Client => Role::Client,
                Peer::Id(..) | Peer::Name(_) => Role::Server,
            };
            prop_assert_eq!(by.scope.role(), Some(role));
            let server = match ask.peer {
                Peer::Id(id, _) => view.server(&SERVERS[id].parse().unwrap()),
                Peer::Name(name) => {
                    view.server_of(&NAMES[name].parse().unwrap())
                }
                Peer::Client => None,
            };
            match (&by.scope, by.slot) {
                (Scope::Server(id), _) => prop_assert_eq!(Some(id), server.map(|server| server.id())),
                (Scope::Group(id), Slot::Pin) => {
                    prop_assert_eq!(Some(id), server.and_then(|server| server.group()));
                }
                (Scope::AnyServer, Slot::Authority) | (Scope::Clients, _) => {}
                other => prop_assert!(false, "{:?}", other),
            }
            if by.slot == Slot::Authority {
                prop_assert!(server.is_none_or(|server| server.claim() != Claim::Claimed));
                prop_assert_eq!(answer.reason, ReasonCode::ChainVerified);
                prop_assert_eq!(answer.path.last(), Some(&by.fingerprint));
            }
        }
    }

    // P6: servers, names and groups alone trust nobody.
    #[test]
    fn a_store_without_entries_accepts_nobody(history in history(25), asks in asks(20)) {
        let mut admin = Admin::after(&history);
        let asks = settle(&asks, admin.view());
        for _ in 0..admin.view().entries().len() {
            admin.apply(&Op::Remove(0)).unwrap().unwrap();
        }
        prop_assert!(admin.view().entries().is_empty());
        for ask in asks {
            let answer = ask.answer(admin.view());
            prop_assert!(!answer.yes(), "{:?}: {:?}", ask, answer);
            prop_assert!(answer.considered.is_empty());
        }
    }

    // P8: of servers, an entry of another one changes neither the answer nor who decided.
    #[test]
    fn an_entry_of_one_server_never_changes_the_verdict_on_another(
        history in history(25),
        asks in asks(20),
        op in install_or_change(),
    ) {
        let mut admin = Admin::after(&history);
        let asks = settle(&asks, admin.view());
        let before = answers(&asks, admin.view());
        let entries = admin.view().entries().len();
        let Some(Ok(report)) = admin.apply(&op) else { return Ok(()) };
        let keys = report.entries();
        let keys = keys.items();
        prop_assume!(entries > 0 || !keys.is_empty());
        // The peers about which these entries have a say.
        let concerns = |ask: &Ask| {
            let server = match ask.peer {
                Peer::Id(id, _) => Some(SERVERS[id].parse().unwrap()),
                Peer::Name(name) => {
                    let name = NAMES[name].parse().unwrap();
                    admin.view().server_of(&name).map(|server| server.id().clone())
                }
                Peer::Client => None,
            };
            keys.iter().any(|key| match &key.scope {
                Scope::Server(id) => Some(id) == server.as_ref(),
                Scope::Group(id) => {
                    let server = server.as_ref().and_then(|id| admin.view().server(id));
                    server.is_some_and(|server| server.group() == Some(id))
                }
                Scope::AnyServer => ask.peer != Peer::Client,
                Scope::Clients => ask.peer == Peer::Client,
                Scope::Everyone => true,
            })
        };
        for (ask, before) in asks.iter().zip(before) {
            if concerns(ask) {
                continue;
            }
            let after = ask.answer(admin.view());
            prop_assert_eq!(&before.accepted, &after.accepted, "{:?}", ask);
            prop_assert_eq!(&before.decided, &after.decided, "{:?}", ask);
            prop_assert_eq!(&before.warnings, &after.warnings, "{:?}", ask);
            prop_assert_eq!(&before.considered, &after.considered, "{:?}", ask);
            // A refusal may say where else the certificate is installed, and no more.
            let hint = |answer: &Answer| matches!(
                answer.reason,
                ReasonCode::PinOfAnotherServer
                    | ReasonCode::InstalledForOtherRole
                    | ReasonCode::AuthorityPresentedAsPeer
            );
            prop_assert!(
                before.reason == after.reason || hint(&before) || hint(&after),
                "{:?}: {:?}, then {:?}", ask, before.reason, after.reason
            );
        }
    }
}

/// A call that names entries: one is installed, changed or removed.
fn install_or_change() -> impl Strategy<Value = Op> {
    prop_oneof![2 => install(), 1 => change()]
}
