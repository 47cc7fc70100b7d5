//! Clocks that are known, unset, or below the floor (rule M7), and periods in chains.

use mutual_trust::ReasonCode::*;
use mutual_trust::store::ValidityRule;
use mutual_trust::{CurrentTime, EntryOptions};
use std::time::Duration;

use super::row::{Expect, Row, accepted, hold, refused, row};
use super::support::pki::{Spec, pki, self_signed, spec};
use super::support::{NOW, at, fixture, server_id};
use super::world::{For, KEYS_1, KMS, World, plain};

const DAY: i64 = 24 * 60 * 60;
/// How far below the floor a clock counts.
const BELOW: i64 = 26 * 60 * 60;
const PIN: &str = "pin own for server keys-1";
const ROOT: &str = "authority root for any server";

fn own(world: &mut World, from: i64, to: i64, options: EntryOptions) {
    let made = spec("x").dns(KMS).valid(from, to).self_signed();
    world.pin_with(KEYS_1, "own", &made, options);
    world.presents(&made);
}

/// Unset, and the floor is at `NOW`.
fn unset(world: &mut World) {
    world.clock = CurrentTime::Unset;
}

/// Unset, and the floor is later than anything that was installed at `NOW`.
fn unset_later(world: &mut World, seconds: i64) {
    let floor = at(NOW.checked_add_signed(seconds).unwrap());
    world.published_at(CurrentTime::Unset);
    world.store.reset_floor(Some(floor));
    world.clock = CurrentTime::Unset;
}

#[rustfmt::skip]
fn pins() -> Vec<Row> {
    let known = || accepted(PinMatched, PIN);
    let judged_at_floor = || accepted(PinMatched, PIN).warns(&["ClockUnset"]);
    let ended_at_floor = |reason, what: &'static str| refused(reason).by(PIN).considered(&[what]).warns(&["ClockUnset"]);
    let expired = move || ended_at_floor(ClockUnset, "pin own for server keys-1: Expired");
    let expired_below = move || ended_at_floor(ClockBelowFloor, "pin own for server keys-1: Expired");
    let ended = move || ended_at_floor(ClockUnset, "pin own for server keys-1: EntryEnded");
    let expired_by_clock = || refused(Expired).by(PIN).considered(&["pin own for server keys-1: Expired"]);
    let grace = |days: u64| ValidityRule::Grace(Duration::from_secs(days * 24 * 60 * 60));
    vec![
        row("M7", "a clock at the floor is known", known(), |w| own(w, -DAY, DAY, plain())),
        row("M7", "a clock 26 hours below the floor is known and is what counts", known(), |w| {
            own(w, -3 * DAY, -BELOW, plain());
            w.at(-BELOW);
        }),
        row("M7", "a clock in local time, eight hours behind, is known and is what counts", known(), |w| {
            own(w, -3 * DAY, -8 * 3600, plain());
            w.at(-8 * 3600);
        }),
        row("M7", "a clock more than 26 hours below the floor is unset: the floor counts", expired_below(), |w| {
            own(w, -3 * DAY, -BELOW, plain());
            w.at(-BELOW - 1);
        }),
        row("M7", "a clock more than 26 hours below the floor is unset: that is said", judged_at_floor(), |w| {
            own(w, -DAY, 0, plain());
            w.at(-BELOW - 1);
        }),
        row("M7", "a refusal at the floor that has nothing to do with the time says so as well",
            refused(PinDoesNotMatch).considered(&["pin own for server keys-1: PinDoesNotMatch"]).warns(&["ClockUnset"]), |w| {
            own(w, -DAY, DAY, plain());
            w.presents(&spec("y").self_signed());
            unset(w);
        }),
        row("M7", "no usable pin is left at the floor",
            refused(ClockBelowFloor).considered(&["pin own for server keys-1: Expired"]).warns(&["ClockUnset"]), |w| {
            own(w, -3 * DAY, -1, plain());
            w.presents(&spec("y").self_signed());
            w.at(-BELOW - 1);
        }),
        row("M7", "no usable pin is left, whatever the time is", refused(NoUsablePin).any_considered().warns(&["ClockUnset"]), |w| {
            let made = self_signed("x");
            let key = w.pin(KEYS_1, "own", &made);
            w.disable(&key);
            w.presents(&spec("y").self_signed());
            unset(w);
        }),
        row("M7", "more than the limits, while the clock is unset", refused(MalformedCertificate).warns(&["ClockUnset"]), |w| {
            w.presents_bytes(b"no certificate".to_vec());
            unset(w);
        }),
        row("M7", "a clock of 1970", judged_at_floor(), |w| { own(w, -DAY, DAY, plain()); w.clock = CurrentTime::Known(at(0)); }),
        row("M7", "an unset clock, judged at the floor", judged_at_floor(), |w| { own(w, -DAY, 0, plain()); unset(w); }),
        row("M7", "an unset clock: expired a second before the floor", expired(), |w| { own(w, -DAY, -1, plain()); unset(w); }),
        row("M7", "an unset clock: notBefore is not judged", judged_at_floor(), |w| { own(w, DAY, 2 * DAY, plain()); unset(w); }),
        row("M7", "an unset clock: a grace is judged at the floor", accepted(PinMatched, PIN).warns(&["InGrace", "ClockUnset"]), move |w| {
            own(w, -9 * DAY, -DAY, plain().with_validity(grace(1)));
            unset(w);
        }),
        row("M7", "an unset clock: a grace has passed at the floor", expired(), move |w| {
            own(w, -9 * DAY, -DAY - 1, plain().with_validity(grace(1)));
            unset(w);
        }),
        row("M7", "an unset clock: the entry's end is after the floor", judged_at_floor(), |w| {
            own(w, -DAY, DAY, plain().with_end(at(NOW + 1)));
            unset(w);
        }),
        row("M7", "an unset clock: the entry's end is at the floor", ended(), |w| {
            own(w, -DAY, DAY, plain().with_end(at(NOW + 60)));
            unset_later(w, 60);
        }),
        row("M7", "an unset clock without a floor: nothing has ended", judged_at_floor(), |w| {
            w.without_floor();
            w.pin_with(KEYS_1, "own", &fixture("expired"), plain());
            w.presents(&fixture("expired"));
        }),
        row("M7", "an unset clock without a floor: nothing is yet to begin", judged_at_floor(), |w| {
            w.without_floor();
            w.pin_with(KEYS_1, "own", &fixture("not-yet-valid"), plain());
            w.presents(&fixture("not-yet-valid"));
        }),
        row("M7", "a known clock without a floor is known", expired_by_clock(), |w| {
            w.without_floor();
            own(w, -DAY, -1, plain());
            w.at(0);
        }),
        row("M7", "an unset clock: a client's pin", accepted(PinMatched, "pin own for clients").warns(&["ClockUnset"]), |w| {
            let made = self_signed("array-7.example");
            w.pin(For::Clients, "own", &made);
            w.presents(&made);
            w.ask_client();
            unset(w);
        }),
        row("M7", "times in entries and certificates do not move the floor", expired(), |w| {
            own(w, -DAY, -1, plain().with_end(at(NOW + 1000)));
            w.pin(KEYS_1, "next", &spec("y").valid(DAY, 2 * DAY).self_signed());
            unset(w);
        }),
        row("M7", "a floor that a wrong clock set is corrected", judged_at_floor(), |w| {
            own(w, -DAY, DAY, plain());
            unset_later(w, 9 * DAY);
            w.store.reset_floor(Some(at(NOW)));
        }),
        row("M7", "a floor that a wrong clock set, not corrected", expired(), |w| {
            own(w, -DAY, DAY, plain());
            unset_later(w, 9 * DAY);
        }),
        row("M7", "a floor that a wrong clock set, and the right clock", expired_below().detail("clock 2027-01-01T00:00:00Z, floor 2027-01-10T00:00:00Z"), |w| {
            own(w, -DAY, DAY, plain());
            unset_later(w, 9 * DAY);
            w.at(0);
        }),
        row("M7", "one publication by a clock of 2099 changes nothing for the right clock", known(), |w| {
            own(w, -DAY, DAY, plain());
            w.store.snapshot();
            w.published_at(CurrentTime::Known(at(4_070_908_800)));
        }),
        row("M7", "a clock far above the floor counts", expired_by_clock(), |w| {
            own(w, -DAY, 400 * DAY, plain());
            w.store.snapshot();
            w.at(400 * DAY + 1);
            w.published_at(w.clock);
        }),
    ]
}

/// A server's chain through a presented intermediate.
fn chain(
    world: &mut World,
    leaf: impl Fn(Spec) -> Spec,
    intermediate: impl Fn(Spec) -> Spec,
    root: impl Fn(Spec) -> Spec,
) {
    let root = root(spec("root").ca()).self_signed();
    let intermediate = intermediate(spec("intermediate").ca()).signed_by(&root);
    world.authority(For::AnyServer, "root", &root);
    let leaf = leaf(spec("x").dns(KMS)).signed_by(&intermediate);
    world.call("x", &leaf);
    world.presents(&leaf);
    world.with("intermediate", &intermediate);
}

fn same(spec: Spec) -> Spec {
    spec
}

/// The policy judges chains without a clock.
fn allowed(world: &mut World) {
    world.policy = world.policy.with_chains_without_clock();
    unset(world);
}

#[rustfmt::skip]
fn chains() -> Vec<Row> {
    let known = || accepted(ChainVerified, ROOT);
    let judged_at_floor = || accepted(ChainVerified, ROOT).warns(&["ClockUnset"]);
    let of_intermediate = |reason: mutual_trust::ReasonCode, what| -> Expect { refused(reason).considered(&[what]) };
    let expired_intermediate = move || of_intermediate(IssuerExpired, "presented intermediate: IssuerExpired");
    let expired_root = move || of_intermediate(IssuerExpired, "authority root for any server: IssuerExpired");
    let at_floor = move |what| of_intermediate(ClockUnset, what).warns(&["ClockUnset"]);
    let no_clock = || refused(ClockUnset).warns(&["ClockUnset"]);
    vec![
        row("C1", "a chain in its periods", known(), |w| chain(w, same, same, same)),
        row("C1", "the leaf at notAfter", known(), |w| chain(w, |s| s.valid(-DAY, 0), same, same)),
        row("C1", "the leaf a second after notAfter", refused(Expired), |w| chain(w, |s| s.valid(-DAY, -1), same, same)),
        row("C1", "the leaf at notBefore", known(), |w| chain(w, |s| s.valid(0, DAY), same, same)),
        row("C1", "the leaf a second before notBefore: chains have no tolerance", refused(NotYetValid), |w| chain(w, |s| s.valid(1, DAY), same, same)),
        row("M3", "a grace is for pins: it prolongs no leaf of a chain", refused(Expired), |w| {
            chain(w, |s| s.valid(-DAY, -1), same, same);
            w.policy = w.policy.with_validity(ValidityRule::Grace(Duration::from_secs(1000))).unwrap();
        }),
        row("C1", "the presented intermediate at its ends", known(), |w| chain(w, same, |s| s.valid(0, 0), same)),
        row("C1", "the presented intermediate has expired", expired_intermediate(), |w| chain(w, same, |s| s.valid(-DAY, -1), same)),
        row("C1", "the presented intermediate is not valid yet", refused(IssuerNotYetValid).considered(&["presented intermediate: IssuerNotYetValid"]), |w| {
            chain(w, same, |s| s.valid(1, DAY), same);
        }),
        row("C1", "the authority at its ends", known(), |w| chain(w, same, same, |s| s.valid(0, 0))),
        row("C1", "the authority has expired", expired_root(), |w| chain(w, same, same, |s| s.valid(-DAY, -1))),
        row("C1", "the authority is not valid yet", refused(IssuerNotYetValid).considered(&["authority root for any server: IssuerNotYetValid"]), |w| {
            chain(w, same, same, |s| s.valid(1, DAY));
        }),
        row("C1", "an authority that expired in 2013, as openssl made it", refused(IssuerExpired).considered(&["authority root for any server: IssuerExpired"]), |w| {
            w.authority(For::AnyServer, "root", &fixture("ca-expired"));
            w.presents(&fixture("ca-expired-leaf"));
        }),
        // M7
        row("M7", "a chain with the clock unset", no_clock().detail("no clock, floor 2027-01-01T00:00:00Z"), |w| { chain(w, same, same, same); unset(w); }),
        row("M7", "a chain with the clock more than 26 hours below the floor",
            refused(ClockBelowFloor).warns(&["ClockUnset"]).detail("clock 2026-12-30T21:59:59Z, floor 2027-01-01T00:00:00Z"), |w| {
            chain(w, same, same, same);
            w.at(-BELOW - 1);
        }),
        row("M7", "a chain with the clock 26 hours below the floor", known(), |w| {
            let early = |spec: Spec| spec.valid(-BELOW, DAY);
            chain(w, early, early, early);
            w.at(-BELOW);
        }),
        row("M7", "a chain after a publication by a clock eight hours ahead", known(), |w| {
            chain(w, same, same, same);
            w.published_at(CurrentTime::Known(at(NOW + 8 * 3600)));
        }),
        row("M7", "a chain after a publication by a clock of 2099", known(), |w| {
            chain(w, same, same, same);
            w.store.snapshot();
            w.published_at(CurrentTime::Known(at(4_070_908_800)));
        }),
        row("M7", "a client's chain with the clock unset", no_clock(), |w| {
            let pki = pki("clients");
            w.authority(For::Clients, "root", &pki.root);
            w.presents(&pki.client("array-7.example")).with("intermediate", &pki.intermediate);
            w.ask_client();
            unset(w);
        }),
        row("M7", "the policy allows chains without a clock", judged_at_floor(), |w| { chain(w, same, same, same); allowed(w); }),
        row("M7", "the policy allows chains without a clock, which is known", known(), |w| { chain(w, same, same, same); allowed(w); w.at(0); }),
        row("M7", "without a clock: the leaf expired before the floor", at_floor("presented x: Expired"), |w| { chain(w, |s| s.valid(-DAY, -1), same, same); allowed(w); }),
        row("M7", "without a clock: the intermediate expired before the floor", at_floor("presented intermediate: IssuerExpired"), |w| { chain(w, same, |s| s.valid(-DAY, -1), same); allowed(w); }),
        row("M7", "without a clock: the authority expired before the floor", at_floor("authority root for any server: IssuerExpired"), |w| { chain(w, same, same, |s| s.valid(-DAY, -1)); allowed(w); }),
        row("M7", "without a clock: the leaf's notBefore is not judged", judged_at_floor(), |w| { chain(w, |s| s.valid(DAY, 2 * DAY), same, same); allowed(w); }),
        row("M7", "without a clock: the intermediate's notBefore is not judged", judged_at_floor(), |w| { chain(w, same, |s| s.valid(DAY, 2 * DAY), same); allowed(w); }),
        row("M7", "without a clock: the authority's notBefore is not judged", judged_at_floor(), |w| { chain(w, same, same, |s| s.valid(DAY, 2 * DAY)); allowed(w); }),
        // The path builder judges at one moment (C1): a leaf that began after its issuer's end never was valid with it.
        row("C1", "without a clock: the leaf begins after the intermediate's end", at_floor("authority root for any server: IssuerExpired"), |w| {
            chain(w, |s| s.valid(DAY + 1, 2 * DAY), |s| s.valid(-DAY, DAY), same);
            allowed(w);
        }),
        row("M7", "without a clock or a floor: nothing has ended", judged_at_floor(), |w| {
            w.without_floor();
            w.authority(For::AnyServer, "root", &fixture("ca-expired"));
            let ip = "127.0.0.1";
            w.store.set_reference_names(&server_id("keys-1"), [super::support::host(ip)]).unwrap();
            w.presents(&fixture("ca-expired-leaf"));
            allowed(w);
        }),
        // Migration and the entries of issuers.
        row("M7", "without a clock: a migration whose end is after the floor, and the policy allows chains", accepted(ChainVerified, ROOT).warns(&["Migrating", "ClockUnset"]), |w| {
            chain(w, same, same, same);
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.store.migrate(&server_id("keys-1"), at(NOW + 60)).unwrap();
            unset_later(w, 59);
            w.policy = w.policy.with_chains_without_clock();
        }),
        row("M7", "without a clock: a migration whose end is at the floor", no_clock().considered(&["pin own for server keys-1: PinDoesNotMatch", "presented x: AuthoritiesNotAsked"]), |w| {
            chain(w, same, same, same);
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.store.migrate(&server_id("keys-1"), at(NOW + 60)).unwrap();
            unset_later(w, 60);
            w.policy = w.policy.with_chains_without_clock();
        }),
        row("M7", "without a clock: a migration, and the policy allows no chains", no_clock(), |w| {
            chain(w, same, same, same);
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.store.migrate(&server_id("keys-1"), at(NOW + 60)).unwrap();
            unset(w);
        }),
        row("M7", "without a clock: the authority's entry ended at the floor", at_floor("authority root for any server: EntryEnded"), |w| {
            let root = pki("any").root;
            w.authority_with(For::AnyServer, "root", &root, plain().with_end(at(NOW + 60)));
            w.presents(&spec("x").dns(KMS).signed_by(&root));
            unset_later(w, 60);
            w.policy = w.policy.with_chains_without_clock();
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = pins();
    rows.extend(chains());
    rows
}

// M7
#[test]
fn without_a_clock_pins_are_judged_at_the_floor() {
    hold(pins());
}

// C1, M3, M7
#[test]
fn chains_are_held_to_their_periods_and_need_a_clock() {
    hold(chains());
}

// S1
#[test]
fn a_verdict_is_that_of_the_view_it_was_asked_on() {
    let mut world = World::new();
    let made = self_signed(KMS);
    let key = world.pin(KEYS_1, "own", &made);
    world.presents(&made);
    let before = world.store.snapshot();
    world.store.remove(&key).unwrap();
    let after = world.store.snapshot();
    let ask = |view: &mutual_trust::TrustSnapshot| {
        world.with_question(|policy, question| mutual_trust::decide(view, policy, question))
    };
    assert_eq!(ask(&before).reason(), PinMatched);
    assert_eq!(ask(&after).reason(), NoUsablePin);
    assert_eq!(ask(&before).generation(), before.generation());
    assert!(ask(&after).generation() > ask(&before).generation());
}

// M7: by a wrong floor nothing has expired, so that nothing is to be renewed; and a clock that is set is not to be set.
#[test]
fn what_is_said_at_the_floor_is_about_the_clock_and_the_floor() {
    let ask = |clock, with_chain: bool| {
        let mut world = World::new();
        if with_chain {
            chain(&mut world, same, same, same);
        } else {
            own(&mut world, -DAY, DAY, plain());
        }
        unset_later(&mut world, 9 * DAY);
        world.clock = clock;
        world.verdict().to_string()
    };
    for with_chain in [false, true] {
        let below = ask(CurrentTime::Known(at(NOW)), with_chain);
        for part in [
            "[ClockBelowFloor, rule M7]",
            "detail: clock 2027-01-01T00:00:00Z, floor 2027-01-10T00:00:00Z",
            "warning: the clock (2027-01-01T00:00:00Z) is more than 26 hours below the floor (2027-01-10T00:00:00Z)",
            "to do: Set the clock. If the clock is right, reset the floor",
        ] {
            assert!(below.contains(part), "{part}: {below}");
        }
        assert!(
            !below.contains("not set") && !below.to_lowercase().contains("renew"),
            "{below}"
        );
        let none = ask(CurrentTime::Unset, with_chain);
        for part in [
            "[ClockUnset, rule M7]",
            "detail: no clock, floor 2027-01-10T00:00:00Z",
            "warning: the clock is not set: ends are judged at the floor (2027-01-10T00:00:00Z)",
            "to do: Set the clock. If the floor is later than the true time, reset the floor",
        ] {
            assert!(none.contains(part), "{part}: {none}");
        }
        assert!(!none.to_lowercase().contains("renew"), "{none}");
    }
}

// M7
#[test]
fn what_has_ended_by_a_clock_that_jumped_is_said_to_be_by_the_clock() {
    for with_chain in [false, true] {
        let mut world = World::new();
        if with_chain {
            chain(&mut world, same, same, same);
        } else {
            own(&mut world, -DAY, DAY, plain());
        }
        world.store.snapshot();
        let said = |world: &mut World| world.verdict().to_string();
        let warned = "warning: the clock jumped: it shows";
        // Of a year it is not sure that the clock is wrong.
        world.at(366 * DAY);
        assert!(!said(&mut world).contains(warned));
        world.at(367 * DAY);
        let text = said(&mut world);
        assert!(text.contains("Expired"), "{text}");
        assert!(
            text.contains(warned) && text.contains("before anything is renewed"),
            "{text}"
        );
        // An accepted peer needs no advice.
        world.at(0);
        assert!(!said(&mut world).contains(warned));
    }
}
