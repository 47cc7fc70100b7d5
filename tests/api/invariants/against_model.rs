//! The store and the verdict against the model.

use std::cell::RefCell;
use std::collections::BTreeMap;

use mutual_trust::ReasonCode;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::invariants::admin::Admin;
use crate::invariants::facts::Expected;
use crate::invariants::judge::Ruling;
use crate::invariants::operations::history;
use crate::invariants::questions::asks;
use crate::invariants::world::World;
use crate::support::random::config;

proptest! {
    #![proptest_config(config(400))]

    // I2, I4, I5, I6, P1, P2, P3 and the words of the rules
    #[test]
    fn a_call_is_refused_exactly_when_the_rules_refuse_it(history in history(40)) {
        let mut world = World::new();
        for op in &history {
            let step = world.apply(op);
            let Some(result) = &step.result else { continue };
            match step.expected {
                Expected::Done => prop_assert!(result.is_ok(), "{op:?}: {result:?}"),
                Expected::Refused => prop_assert!(result.is_err(), "{op:?}: {result:?}"),
                Expected::Open => {}
            }
        }
    }

    // P1 to P7, M1, M3, M4, M6, M7, C1, C2, C3
    #[test]
    fn a_peer_is_accepted_exactly_when_the_rules_accept_it(
        history in history(30),
        asks in asks(20),
    ) {
        let mut world = World::new();
        for op in &history {
            world.apply(op);
        }
        let view = world.admin.view();
        for ask in asks {
            let ask = ask.settle(view);
            let answer = ask.answer(view);
            match world.facts.judge(&ask) {
                Ruling::No => prop_assert_eq!(&answer.accepted, &None, "{:?}", ask),
                Ruling::Pin(key) => prop_assert_eq!(&answer.accepted, &Some(key), "{:?}", ask),
                Ruling::Chain(keys) => {
                    let by = answer.accepted.as_ref();
                    let good = by.is_some_and(|by| keys.contains(by));
                    prop_assert!(good, "{:?}: one of {:?}, not {:?}", ask, keys, answer);
                }
            }
        }
    }
}

/// Nothing is shown by cases that all refuse for the same reason: the four ways to say yes are frequent, and
/// each kind of no is there.
#[test]
fn the_cases_reach_every_verdict_that_the_model_knows() {
    let seen = RefCell::new(BTreeMap::<ReasonCode, u32>::new());
    let cases = (history(30), asks(20));
    let run = TestRunner::new(config(200)).run(&cases, |(history, asks)| {
        let admin = Admin::after(&history);
        for ask in asks {
            let answer = ask.settle(admin.view()).answer(admin.view());
            *seen.borrow_mut().entry(answer.reason).or_default() += 1;
        }
        Ok(())
    });
    run.unwrap();
    let seen = seen.into_inner();
    use ReasonCode::*;
    #[rustfmt::skip]
    let refusals = [
        Blocked, NothingInstalled, UnknownServer, UnlistedName, NoUsablePin, PinDoesNotMatch,
        RenewedWithSameKey, IssuedByPin, AuthoritiesNotAsked, PinOfAnotherServer,
        InstalledForOtherRole, EntryDisabled, EntryEnded, Expired, NotYetValid, WrongExtendedKeyUsage,
        UnknownCriticalExtension, ClockUnset, ClockBelowFloor, UnknownIssuer, SelfSignedNotInstalled, CaUsedAsEndEntity,
        AuthorityPresentedAsPeer, IssuerExpired, NameMismatch, PinsOnly,
    ];
    for reason in ReasonCode::ALL {
        let count = seen.get(reason).copied().unwrap_or(0);
        let wanted = match reason {
            reason if reason.accepts() => 20,
            reason if refusals.contains(reason) => 1,
            _ => 0,
        };
        assert!(count >= wanted, "{reason}: {count} of {seen:#?}");
    }
}
