//! Several pins that match one certificate (rules P5 and M1).

use mutual_trust::ReasonCode::*;
use mutual_trust::store::ValidityRule;

use super::row::{Row, accepted, hold, refused, row};
use super::support::pki::{Made, pki, self_signed, spec};
use super::support::{DAY, NOW, at, server_id};
use super::world::{For, KEYS_1, KMS, World, by_public_key, plain};

const WEEK: i64 = 7 * 24 * 60 * 60;
const WHOLE: &str = "pin whole for server keys-1";
const SAME: &str = "pin same for server keys-1";
const LOW: &str = "pin low for server keys-1";
const HIGH: &str = "pin high for server keys-1";

/// Three certificates of one key: what is presented, and two others by ascending fingerprint. Those are both
/// lower, or both higher, than the first.
fn one_key(lower: bool) -> (Made, Made, Made) {
    let presented = self_signed(KMS);
    let of = &presented;
    let mut others: Vec<Made> =
        std::iter::repeat_with(|| spec("x").dns(KMS).key_of(of).self_signed())
            .filter(|made| {
                let (own, other) = (
                    of.certificate().fingerprint(),
                    made.certificate().fingerprint(),
                );
                (other < own) == lower
            })
            .take(2)
            .collect();
    others.sort_by_key(|made| made.certificate().fingerprint());
    let high = others.pop().unwrap();
    let low = others.pop().unwrap();
    (presented, low, high)
}

fn by_key(world: &mut World, name: &'static str, made: &Made) -> mutual_trust::store::EntryKey {
    world.pin_with(KEYS_1, name, made, by_public_key())
}

/// A presented certificate that has a fingerprint above, or below, those of the other two.
fn ties(lower: bool) -> Vec<Row> {
    let says = |text: &str| {
        let place = if lower { "lower" } else { "higher" };
        format!("{text} (the others have a {place} fingerprint)")
    };
    vec![
        row(
            "P5",
            says("a whole-certificate match decides before key matches"),
            accepted(PinMatched, WHOLE).peer("pin whole"),
            move |w| {
                let (presented, low, high) = one_key(lower);
                by_key(w, "low", &low);
                w.pin_with(KEYS_1, "whole", &presented, plain().with_label("whole"));
                by_key(w, "high", &high);
                w.presents(&presented);
            },
        ),
        row(
            "P5",
            says("a fingerprint match decides before key matches"),
            accepted(FingerprintMatched, WHOLE),
            move |w| {
                let (presented, low, high) = one_key(lower);
                by_key(w, "high", &high);
                by_key(w, "low", &low);
                w.fingerprint(KEYS_1, "whole", &presented, plain());
                w.presents(&presented);
            },
        ),
        row(
            "P5",
            says("of two key matches the lower fingerprint decides"),
            accepted(KeyMatched, LOW),
            move |w| {
                let (presented, low, high) = one_key(lower);
                by_key(w, "high", &high);
                by_key(w, "low", &low);
                w.presents(&presented);
            },
        ),
        row(
            "P8",
            says("of two key matches the lower fingerprint decides, installed first or last"),
            accepted(KeyMatched, LOW),
            move |w| {
                let (presented, low, high) = one_key(lower);
                by_key(w, "low", &low);
                by_key(w, "high", &high);
                w.presents(&presented);
            },
        ),
        row(
            "P5",
            says(
                "the very certificate that is presented, pinned by key, has no precedence over a key match",
            ),
            accepted(KeyMatched, if lower { LOW } else { SAME }),
            move |w| {
                let (presented, low, _) = one_key(lower);
                by_key(w, "same", &presented);
                by_key(w, "low", &low);
                w.presents(&presented);
            },
        ),
        row(
            "P5",
            says("a whole-certificate match that cannot be used leaves it to a key match"),
            accepted(KeyMatched, LOW).considered(&["pin whole for server keys-1: EntryDisabled"]),
            move |w| {
                let (presented, low, high) = one_key(lower);
                let key = w.pin(KEYS_1, "whole", &presented);
                w.disable(&key);
                by_key(w, "low", &low);
                by_key(w, "high", &high);
                w.presents(&presented);
            },
        ),
        row(
            "P5",
            says("the lower of two key matches cannot be used"),
            accepted(KeyMatched, HIGH).considered(&["pin low for server keys-1: EntryEnded"]),
            move |w| {
                let (presented, low, high) = one_key(lower);
                w.pin_with(KEYS_1, "low", &low, by_public_key().with_end(at(NOW + 60)));
                by_key(w, "high", &high);
                w.at(60);
                w.presents(&presented);
            },
        ),
        row(
            "P5",
            says("none that matches can be used: the whole-certificate match tells why"),
            refused(EntryEnded).by(WHOLE).considered(&[
                "pin whole for server keys-1: EntryEnded",
                "pin low for server keys-1: EntryDisabled",
                "pin high for server keys-1: EntryDisabled",
            ]),
            move |w| {
                let (presented, low, high) = one_key(lower);
                w.authority(For::AnyServer, "root", &pki("any").root);
                for key in [by_key(w, "low", &low), by_key(w, "high", &high)] {
                    w.disable(&key);
                }
                w.pin_with(KEYS_1, "whole", &presented, plain().with_end(at(NOW + 60)));
                w.at(60);
                w.presents(&presented);
            },
        ),
        row(
            "P5",
            says("neither of two key matches can be used: the lower tells why"),
            refused(EntryDisabled).by(LOW).considered(&[
                "pin low for server keys-1: EntryDisabled",
                "pin high for server keys-1: EntryEnded",
            ]),
            move |w| {
                let (presented, low, high) = one_key(lower);
                w.pin_with(
                    KEYS_1,
                    "high",
                    &high,
                    by_public_key().with_end(at(NOW + 60)),
                );
                let key = by_key(w, "low", &low);
                w.disable(&key);
                w.at(60);
                w.presents(&presented);
            },
        ),
    ]
}

/// A pinned leaf that an authority would accept as well.
fn leaf_with_chain(world: &mut World) -> Made {
    let pki = pki("any");
    let leaf = pki.server(KMS);
    world.authority(For::AnyServer, "root", &pki.root);
    world
        .presents(&leaf)
        .with("intermediate", &pki.intermediate);
    leaf
}

fn migrate(world: &mut World) {
    let until = at(NOW + 30 * DAY);
    world.store.migrate(&server_id("keys-1"), until).unwrap();
}

fn final_matches() -> Vec<Row> {
    vec![
        row(
            "P5",
            "the entry by key of the very certificate that is presented is a key match",
            accepted(KeyMatched, "pin own for server keys-1"),
            |w| {
                let own = self_signed(KMS);
                by_key(w, "own", &own);
                w.presents(&own);
            },
        ),
        row(
            "P5",
            "a match is final while the server migrates: the pin is disabled, the chain is good",
            refused(EntryDisabled)
                .by("pin leaf for server keys-1")
                .considered(&["pin leaf for server keys-1: EntryDisabled"]),
            |w| {
                let leaf = leaf_with_chain(w);
                let key = w.pin(KEYS_1, "leaf", &leaf);
                w.disable(&key);
                migrate(w);
            },
        ),
        row(
            "P5",
            "a key match is final while the server migrates: the installed certificate has expired",
            refused(Expired)
                .by("pin old for server keys-1")
                .considered(&["pin old for server keys-1: Expired"]),
            |w| {
                let leaf = leaf_with_chain(w);
                let old = spec("x")
                    .key_of(&leaf)
                    .valid(-2 * WEEK, -WEEK)
                    .self_signed();
                by_key(w, "old", &old);
                migrate(w);
            },
        ),
        row(
            "P3",
            "while the server migrates a pin decides before the chain, without that warning",
            accepted(PinMatched, "pin leaf for server keys-1"),
            |w| {
                let leaf = leaf_with_chain(w);
                w.pin(KEYS_1, "leaf", &leaf);
                migrate(w);
            },
        ),
        row(
            "M1",
            "a match by key is what the entry's choice says: by certificate the same key is none",
            refused(RenewedWithSameKey)
                .considered(&["pin own for server keys-1: RenewedWithSameKey"]),
            |w| {
                let own = self_signed(KMS);
                w.pin(KEYS_1, "own", &own);
                w.presents(&spec("x").dns(KMS).key_of(&own).self_signed());
            },
        ),
        row(
            "M1",
            "current and next: either of two pins is accepted, here the next",
            accepted(PinMatched, "pin next for server keys-1").peer("pin next"),
            |w| {
                let next = self_signed(KMS);
                w.pin(KEYS_1, "current", &self_signed(KMS));
                w.pin_with(KEYS_1, "next", &next, plain().with_label("next"));
                w.presents(&next);
            },
        ),
        row(
            "P5",
            "the current pin has expired and is presented; the next one does not help it",
            refused(Expired)
                .by("pin current for server keys-1")
                .considered(&["pin current for server keys-1: Expired"]),
            |w| {
                let current = spec("x").dns(KMS).valid(-2 * WEEK, -WEEK).self_signed();
                w.pin_with(
                    KEYS_1,
                    "current",
                    &current,
                    plain().with_validity(ValidityRule::Enforce),
                );
                w.pin(KEYS_1, "next", &self_signed(KMS));
                w.presents(&current);
            },
        ),
        row(
            "P2",
            "the own pin that matches has expired; the group's pin of the same certificate is not asked",
            refused(Expired)
                .by("pin own for server keys-1")
                .considered(&["pin own for server keys-1: Expired"]),
            |w| {
                let own = spec("x").dns(KMS).valid(-2 * WEEK, -WEEK).self_signed();
                w.group("replicas", &["keys-1"]);
                let rule = ValidityRule::Grace(std::time::Duration::from_secs(30 * DAY));
                w.pin_with(
                    For::Group("replicas"),
                    "own",
                    &own,
                    plain().with_validity(rule),
                );
                w.pin(KEYS_1, "own", &own);
                w.presents(&own);
            },
        ),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = ties(true);
    rows.extend(ties(false));
    rows.extend(final_matches());
    rows
}

// P5, P8, M1
#[test]
fn of_several_matches_one_decides_whatever_the_order_of_installation() {
    hold(ties(true));
    hold(ties(false));
}

// P2, P3, P5, M1
#[test]
fn a_match_with_a_held_pin_is_final() {
    hold(final_matches());
}
