//! Everything that can be held for a server, crossed with everything that it can present.

use mutual_trust::ReasonCode::{self, *};
use mutual_trust::error::StoreError;
use mutual_trust::store::{BlockSelector, ValidityRule};
use std::time::Duration;

use super::matrix::{Cast, Presented, State, cast, crossed};
use super::row::{Expect, Row, accepted, hold, refused};
use super::support::{DAY, NOW, at, host, server_id};
use super::world::{For, KEYS_1, KMS, World, by_public_key, plain};

/// Columns, in the order of [`Presented::SERVER`].
type Reasons = [ReasonCode; 14];

const GROUP: For = For::Group("replicas");

fn day() -> i64 {
    i64::try_from(DAY).unwrap()
}

fn migrate(world: &mut World) {
    let until = at(NOW + DAY);
    let id = server_id("keys-1");
    world.store.migrate(&id, until).unwrap();
}

fn own_pin(world: &mut World, cast: &Cast) {
    world.pin_with(KEYS_1, "own", &cast.own, plain().with_label("array"));
}

fn any_authority(world: &mut World, cast: &Cast) {
    world.authority(For::AnyServer, "root", &cast.pki.root);
}

fn group_pin(world: &mut World, cast: &Cast) {
    world.group("replicas", &["keys-1"]);
    world.pin(GROUP, "group", &cast.group);
}

/// What is held, the rule, what must come of each thing presented, and how it came to be.
#[rustfmt::skip]
fn table() -> Vec<(State, Reasons)> {
    type Build = fn(&mut World, &Cast);
    let state = |rule, name, by, falls: &'static [&'static str], reasons: Reasons, build: Build| {
        (State { rule, name, by, falls, build }, reasons)
    };
    const OWN: &str = "pin own for server keys-1";
    const OF_GROUP: &str = "pin group for group replicas";
    const ROOT: &str = "authority root for any server";

    // Its own, the group's, renewed, same subject, signed by its own;
    // unknown, chain, chain for another name;
    // unknown CA, installed CA, another server's, a client's, malformed, version 1.
    let unclaimed: Reasons = [
        SelfSignedNotInstalled, SelfSignedNotInstalled, SelfSignedNotInstalled, SelfSignedNotInstalled, UnknownIssuer,
        SelfSignedNotInstalled, ChainVerified, NameMismatch,
        CaUsedAsEndEntity, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, UnparsableEndEntity,
    ];
    let nothing: Reasons = [
        NothingInstalled, NothingInstalled, NothingInstalled, NothingInstalled, NothingInstalled,
        NothingInstalled, NothingInstalled, NothingInstalled,
        NothingInstalled, NothingInstalled, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, NothingInstalled,
    ];
    let own_authority: Reasons = [
        SelfSignedNotInstalled, SelfSignedNotInstalled, SelfSignedNotInstalled, SelfSignedNotInstalled, UnknownIssuer,
        SelfSignedNotInstalled, UnknownIssuer, UnknownIssuer,
        CaUsedAsEndEntity, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, UnparsableEndEntity,
    ];
    let claimed: Reasons = [
        PinMatched, PinDoesNotMatch, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin,
        PinDoesNotMatch, AuthoritiesNotAsked, AuthoritiesNotAsked,
        PinDoesNotMatch, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, PinDoesNotMatch,
    ];
    let claimed_alone: Reasons = [
        PinMatched, PinDoesNotMatch, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin,
        PinDoesNotMatch, PinDoesNotMatch, PinDoesNotMatch,
        PinDoesNotMatch, PinDoesNotMatch, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, PinDoesNotMatch,
    ];
    let by_group: Reasons = [
        PinDoesNotMatch, PinMatched, PinDoesNotMatch, PinDoesNotMatch, PinDoesNotMatch,
        PinDoesNotMatch, AuthoritiesNotAsked, AuthoritiesNotAsked,
        PinDoesNotMatch, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, PinDoesNotMatch,
    ];
    let by_both: Reasons = [
        PinMatched, PinOfAnotherServer, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin,
        PinDoesNotMatch, AuthoritiesNotAsked, AuthoritiesNotAsked,
        PinDoesNotMatch, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, PinDoesNotMatch,
    ];
    let no_pin_left: Reasons = [
        NoUsablePin, NoUsablePin, NoUsablePin, NoUsablePin, NoUsablePin,
        NoUsablePin, NoUsablePin, NoUsablePin,
        NoUsablePin, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, NoUsablePin,
    ];
    let left_the_group: Reasons = [
        NoUsablePin, PinOfAnotherServer, NoUsablePin, NoUsablePin, NoUsablePin,
        NoUsablePin, NoUsablePin, NoUsablePin,
        NoUsablePin, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, NoUsablePin,
    ];
    let unusable = |own: ReasonCode| -> Reasons { [
        own, NoUsablePin, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin,
        NoUsablePin, NoUsablePin, NoUsablePin,
        NoUsablePin, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, NoUsablePin,
    ] };
    let key_blocked: Reasons = [
        Blocked, NoUsablePin, Blocked, SameSubjectOtherKey, IssuedByPin,
        NoUsablePin, NoUsablePin, NoUsablePin,
        NoUsablePin, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, NoUsablePin,
    ];
    let by_fingerprint: Reasons = [
        FingerprintMatched, PinDoesNotMatch, PinDoesNotMatch, PinDoesNotMatch, PinDoesNotMatch,
        PinDoesNotMatch, AuthoritiesNotAsked, AuthoritiesNotAsked,
        PinDoesNotMatch, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, PinDoesNotMatch,
    ];
    let by_key: Reasons = [
        KeyMatched, PinDoesNotMatch, KeyMatched, SameSubjectOtherKey, IssuedByPin,
        PinDoesNotMatch, AuthoritiesNotAsked, AuthoritiesNotAsked,
        PinDoesNotMatch, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, PinDoesNotMatch,
    ];
    let migrating: Reasons = [
        PinMatched, SelfSignedNotInstalled, RenewedWithSameKey, SameSubjectOtherKey, IssuedByPin,
        SelfSignedNotInstalled, ChainVerified, NameMismatch,
        CaUsedAsEndEntity, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, UnparsableEndEntity,
    ];
    let group_migrating: Reasons = [
        SelfSignedNotInstalled, PinMatched, SelfSignedNotInstalled, SelfSignedNotInstalled, UnknownIssuer,
        SelfSignedNotInstalled, ChainVerified, NameMismatch,
        CaUsedAsEndEntity, AuthorityPresentedAsPeer, PinOfAnotherServer, InstalledForOtherRole, MalformedCertificate, UnparsableEndEntity,
    ];

    vec![
        // Unclaimed.
        state("P6", "nothing is held", "", &[], nothing, |_, _| {}),
        state("P4", "an authority is held for any server", ROOT, &[], unclaimed, any_authority),
        state("P4", "the server holds an authority of its own", "", &[], own_authority, |w, c| {
            any_authority(w, c);
            w.authority(KEYS_1, "own root", &c.other_pki.root);
        }),
        state("P2", "the server is in a group without a pin", ROOT, &[], unclaimed, |w, c| {
            any_authority(w, c);
            w.group("replicas", &["keys-1"]);
        }),
        state("P2", "a released server", ROOT, &[], unclaimed, |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            w.store.release(&server_id("keys-1")).unwrap();
        }),
        state("P2", "a server released together with its group", ROOT, &[], unclaimed, |w, c| {
            any_authority(w, c);
            group_pin(w, c);
            own_pin(w, c);
            w.store.release_group(&"replicas".parse().unwrap()).unwrap();
        }),
        state("P2", "a server that was released, deleted and made again", ROOT, &[], unclaimed, |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            let id = server_id("keys-1");
            let claimed = w.store.remove_server(&id);
            assert!(matches!(claimed, Err(StoreError::Claimed { .. })), "P2: {claimed:?}");
            w.store.release(&id).unwrap();
            w.store.remove_server(&id).unwrap();
            w.store.add_server(id, [host(KMS)]).unwrap();
        }),
        // Claimed, with a pin that can be used.
        state("P2", "the server holds a pin", OWN, &[OWN], claimed, |w, c| { any_authority(w, c); own_pin(w, c); }),
        state("P2", "the server holds a pin, and no authority is held", OWN, &[OWN], claimed_alone, own_pin),
        state("P2", "the server holds a pin and an authority of its own", OWN, &[OWN], claimed, |w, c| {
            w.authority(KEYS_1, "root", &c.pki.root);
            own_pin(w, c);
        }),
        state("P2", "the server's group holds a pin", OF_GROUP, &[OF_GROUP], by_group, |w, c| { any_authority(w, c); group_pin(w, c); }),
        state("P2", "the server joined a group that holds a pin", OF_GROUP, &[OF_GROUP], by_group, |w, c| {
            any_authority(w, c);
            w.group("replicas", &[]);
            w.pin(GROUP, "group", &c.group);
            w.join("keys-1");
        }),
        state("P2", "the server and its group hold a pin each", OWN, &[OWN], by_both, |w, c| {
            any_authority(w, c);
            group_pin(w, c);
            own_pin(w, c);
        }),
        state("P2", "a server with a pin of its own left its group", OWN, &[OWN], by_both, |w, c| {
            any_authority(w, c);
            group_pin(w, c);
            own_pin(w, c);
            w.store.leave_group(&server_id("keys-1")).unwrap();
        }),
        state("P2", "the own pin was removed and the group's is left", OF_GROUP, &[OF_GROUP], by_group, |w, c| {
            any_authority(w, c);
            group_pin(w, c);
            let key = w.pin(KEYS_1, "own", &c.own);
            w.store.remove(&key).unwrap();
        }),
        state("M1", "only the fingerprint of the pin is held", OWN, &[OWN], by_fingerprint, |w, c| {
            any_authority(w, c);
            w.fingerprint(KEYS_1, "own", &c.own, plain());
        }),
        state("M1", "the fingerprint was held first and the certificate came later", OWN, &[OWN], claimed, |w, c| {
            any_authority(w, c);
            w.fingerprint(KEYS_1, "own", &c.own, plain());
            own_pin_plain(w, c);
        }),
        state("M1", "the pin matches by public key", OWN, &[OWN], by_key, |w, c| {
            any_authority(w, c);
            w.pin_with(KEYS_1, "own", &c.own, by_public_key());
        }),
        // Claimed, with nothing that can be used.
        state("P2", "the pin was removed", "", &[], no_pin_left, |w, c| {
            any_authority(w, c);
            let key = w.pin(KEYS_1, "own", &c.own);
            w.store.remove(&key).unwrap();
        }),
        state("P2", "the pin was removed, and no authority is held", "", &[], {
            let mut reasons = no_pin_left;
            reasons[9] = NoUsablePin;
            reasons
        }, |w, c| {
            let key = w.pin(KEYS_1, "own", &c.own);
            w.store.remove(&key).unwrap();
        }),
        state("P2", "the server left the group that claimed it", "", &[], left_the_group, |w, c| {
            any_authority(w, c);
            group_pin(w, c);
            w.store.leave_group(&server_id("keys-1")).unwrap();
        }),
        state("P2", "the group that claimed the server was deleted", "", &[], no_pin_left, |w, c| {
            any_authority(w, c);
            group_pin(w, c);
            w.store.remove_group(&"replicas".parse().unwrap()).unwrap();
        }),
        state("P2", "the group's pin was removed", "", &[], no_pin_left, |w, c| {
            any_authority(w, c);
            w.group("replicas", &["keys-1"]);
            let key = w.pin(GROUP, "group", &c.group);
            w.store.remove(&key).unwrap();
        }),
        state("M3", "the pin has expired", OWN, &[OWN], unusable(Expired), |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            w.at(100 * day());
        }),
        state("M3", "the pin is not valid yet", OWN, &[OWN], unusable(NotYetValid), |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            w.at(-100 * day());
            w.published_at(w.clock);
        }),
        state("I8", "the pin is past its end", OWN, &[OWN], unusable(EntryEnded), |w, c| {
            any_authority(w, c);
            w.pin_with(KEYS_1, "own", &c.own, plain().with_end(at(NOW + DAY)));
            w.at(day());
        }),
        state("I8", "the pin is disabled", OWN, &[OWN], unusable(EntryDisabled), |w, c| {
            any_authority(w, c);
            let key = w.pin(KEYS_1, "own", &c.own);
            w.disable(&key);
        }),
        state("P1", "the pin is blocked by its fingerprint", "", &[OWN], unusable(Blocked), |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            w.store.block_selector(BlockSelector::Fingerprint(c.own.certificate().fingerprint()));
        }),
        state("P1", "the pin is blocked with its key", "", &[OWN], key_blocked, |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            w.store.block(&c.own.certificate());
        }),
        state("M3", "the pin lives on its grace", OWN, &[OWN], claimed, |w, c| {
            let rule = ValidityRule::Grace(Duration::from_secs(20 * DAY));
            w.authority(For::AnyServer, "root", &c.pki.root);
            w.pin_with(KEYS_1, "own", &c.own, plain().with_validity(rule));
            w.at(100 * day());
        }),
        // Migrating.
        state("P3", "the server migrates", OWN, &[], migrating, |w, c| { any_authority(w, c); own_pin(w, c); migrate(w); }),
        state("P3", "the server migrates, a second before the end", OWN, &[], migrating, |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            migrate(w);
            w.at(day() - 1);
        }),
        state("P3", "the migration has come to its end", OWN, &[OWN], claimed, |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            migrate(w);
            w.at(day());
        }),
        state("P3", "the migration ended a while ago", OWN, &[OWN], claimed, |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            migrate(w);
            w.at(30 * day());
        }),
        state("P3", "the migration was stopped", OWN, &[OWN], claimed, |w, c| {
            any_authority(w, c);
            own_pin(w, c);
            migrate(w);
            w.store.stop_migrating(&server_id("keys-1")).unwrap();
        }),
        state("P3", "the server migrates, and no authority is held", OWN, &[OWN], claimed_alone, |w, c| { own_pin(w, c); migrate(w); }),
        state("P3", "the server's group migrates", OF_GROUP, &[], group_migrating, |w, c| {
            any_authority(w, c);
            group_pin(w, c);
            w.store.migrate_group(&"replicas".parse().unwrap(), at(NOW + DAY)).unwrap();
        }),
        state("P3", "the server joined the group after that began to migrate", OF_GROUP, &[OF_GROUP], by_group, |w, c| {
            any_authority(w, c);
            w.group("replicas", &["keys-2"]);
            w.pin(GROUP, "group", &c.group);
            w.store.migrate_group(&"replicas".parse().unwrap(), at(NOW + DAY)).unwrap();
            w.join("keys-1");
        }),
    ]
}

fn own_pin_plain(world: &mut World, cast: &Cast) {
    world.pin(KEYS_1, "own", &cast.own);
}

/// What is to be expected of one cell.
fn cell(state: &State, presented: Presented, reason: ReasonCode) -> Expect {
    let migrates = state.rule == "P3";
    match reason {
        PinMatched | FingerprintMatched | KeyMatched => {
            let expect = accepted(reason, state.by);
            match state.name {
                "the pin lives on its grace" => expect.warns(&["InGrace"]),
                _ if presented == Presented::Group => expect.warns(&["NameNotCovered"]),
                _ => expect,
            }
        }
        ChainVerified => {
            let expect = accepted(reason, "authority root for any server");
            if migrates {
                expect.warns(&["Migrating"])
            } else {
                expect
            }
        }
        // Refused before, or by, the blocks on what is presented; no pin is looked at.
        MalformedCertificate | Blocked => refused(reason),
        // A pin matches and cannot be used.
        Expired | NotYetValid | EntryEnded | EntryDisabled => {
            refused(reason).by(state.by).falls(state.falls)
        }
        _ => refused(reason).falls(state.falls),
    }
}

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (state, reasons) in table() {
        for (presented, reason) in Presented::SERVER.into_iter().zip(reasons) {
            let expect = cell(&state, presented, reason);
            rows.push(crossed(state, presented, expect));
        }
    }
    rows
}

// P2, P3, P4, P5, P6, P8, I3, I7, I8, M1, M3, C2, C3
#[test]
fn what_is_held_and_what_is_presented_decide_together() {
    assert_eq!(cast().pki.root.certificate().version(), 3);
    hold(rows());
}
