//! Work per verdict is bounded, and many certificates of one name hide none (rule C5).

use mutual_trust::ReasonCode::*;
use mutual_trust::certificate::Certificate;
use mutual_trust::limits::{
    MAX_INTERMEDIATES_IN_PATH, MAX_PATHS_TRIED, MAX_PRESENTED_BYTES, MAX_PRESENTED_CERTIFICATES,
    MAX_SAME_SUBJECT_SIGNATURES, MAX_WORK, WORK_OF_SIGNATURE,
};
use mutual_trust::policy::Detail;

use super::row::{Expect, Row, accepted, hold, refused, row};
use super::support::pki::{Made, pki, self_signed, spec};
use super::support::{der, fixture_bytes};
use super::world::{For, KEYS_1, KMS, World};

const DAY: i64 = 24 * 60 * 60;
const PIN: &str = "pin own for server keys-1";
const GOOD: &str = "authority good for any server";

/// A pin is presented with `count` certificates in all, of `bytes` in all.
fn with_ballast(world: &mut World, count: usize, bytes: Option<usize>) {
    let own = self_signed(KMS);
    world.pin(KEYS_1, "own", &own);
    world.presents(&own);
    for _ in 2..count {
        world.with_bytes(vec![0x30, 0x00]);
    }
    if count > 1 {
        let so_far: usize = world.presented().iter().map(|der| der.len()).sum();
        world.with_bytes(vec![0; bytes.map_or(2, |bytes| bytes - so_far)]);
    }
}

/// A leaf below `count` intermediates, all presented, below an authority.
fn intermediates(world: &mut World, count: usize) {
    let root = spec("CA 0").ca().self_signed();
    world.authority(For::AnyServer, "good", &root);
    let mut all = vec![root];
    for number in 1..=count {
        let next = spec(&format!("CA {number}"))
            .ca()
            .signed_by(&all[number - 1]);
        all.push(next);
    }
    world.presents(&spec("x").dns(KMS).signed_by(&all[count]));
    for issuer in &all[1..] {
        world.with("i", issuer);
    }
}

/// Authorities of one name, each with its own key; the last one issued the leaf.
fn namesakes(count: usize, life: impl Fn(usize) -> i64) -> Vec<Made> {
    let one = |number| spec("CA").ca().valid(-DAY, life(number)).self_signed();
    (0..count).map(one).collect()
}

/// A CA certificate without its subjectKeyIdentifier. An authority's own signature is not judged unless it
/// signed itself.
fn without_key_identifier(certificate: &Certificate) -> Certificate {
    let mut tree = der::tree(certificate);
    let extensions = tree.extensions();
    extensions.retain_mut(|extension| *extension.at(&[0]).content() != [0x55, 0x1d, 14]);
    Certificate::from_der(&tree.write()).unwrap()
}

fn install(world: &mut World, all: &[Made], backwards: bool) {
    let mut order: Vec<usize> = (0..all.len()).collect();
    if backwards {
        order.reverse();
    }
    for number in order {
        let name = if number + 1 == all.len() {
            "good"
        } else {
            "namesake"
        };
        world.authority(For::AnyServer, name, &all[number]);
    }
}

#[rustfmt::skip]
fn presented() -> Vec<Row> {
    let pin = || accepted(PinMatched, PIN);
    vec![
        row("C5", "as many certificates as are allowed", pin(), |w| with_ballast(w, MAX_PRESENTED_CERTIFICATES, None)),
        row("C5", "one certificate too many", refused(TooManyCertificates).detail("65, the limit is 64"), |w| with_ballast(w, MAX_PRESENTED_CERTIFICATES + 1, None)),
        row("C5", "as many bytes as are allowed", pin(), |w| with_ballast(w, 2, Some(MAX_PRESENTED_BYTES))),
        row("C5", "one byte too many", refused(TooManyCertificates).detail("65536, the limit is 65535"), |w| with_ballast(w, 2, Some(MAX_PRESENTED_BYTES + 1))),
        row("C5", "a leaf over the limit", refused(TooManyCertificates), |w| {
            let pem = String::from_utf8(fixture_bytes("huge-over-limit.pem")).unwrap();
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let der = <base64ct::Base64 as base64ct::Encoding>::decode_vec(&body).unwrap();
            w.presents_bytes(der);
        }),
        row("C5", "too much from a client", refused(TooManyCertificates), |w| { with_ballast(w, MAX_PRESENTED_CERTIFICATES + 1, None); w.ask_client(); }),
        row("C5", "too much for a server that is not in the store", refused(TooManyCertificates), |w| { with_ballast(w, MAX_PRESENTED_CERTIFICATES + 1, None); w.ask_id("nobody", None); }),
    ]
}

#[rustfmt::skip]
fn lengths() -> Vec<Row> {
    vec![
        row("C5", "as many intermediates as are allowed", accepted(ChainVerified, GOOD), |w| intermediates(w, MAX_INTERMEDIATES_IN_PATH)),
        row("C5", "as many intermediates as are allowed, and nobody knows the issuer of the last", refused(UnknownIssuer), |w| {
            intermediates(w, MAX_INTERMEDIATES_IN_PATH);
            let key = w.store.contents().entries()[0].key().clone();
            w.store.remove(&key).unwrap();
            w.authority(For::AnyServer, "good", &pki("any").root);
        }),
        row("C5", "one intermediate too many", refused(PathTooLong).any_considered(), |w| intermediates(w, MAX_INTERMEDIATES_IN_PATH + 1)),
    ]
}

fn in_both_orders(
    says: &str,
    expect: &Expect,
    build: impl Fn(&mut World, bool) + Copy + 'static,
) -> Vec<Row> {
    [false, true]
        .into_iter()
        .map(|backwards| {
            let place = if backwards { "last" } else { "first" };
            let name = format!("{says} (the first made is installed {place})");
            row("C5", name, expect.clone(), move |w| build(w, backwards))
        })
        .collect()
}

fn names() -> Vec<Row> {
    let good = || accepted(ChainVerified, GOOD);
    let mut rows = in_both_orders(
        "the key identifier finds one authority among many of its name",
        &good(),
        |w, backwards| {
            // It is the one that ends first, and so is tried last of those with its identifier.
            let all = namesakes(60, |number| (100 - i64::try_from(number).unwrap()) * DAY);
            install(w, &all, backwards);
            w.presents(&spec("x").dns(KMS).signed_by(&all[59]));
        },
    );
    rows.extend(in_both_orders(
        "without key identifiers the one valid authority is found among expired ones of its name",
        &good().warns(&["aki-present"]),
        |w, backwards| {
            let all = namesakes(40, |number| if number == 39 { DAY } else { -1 });
            install(w, &all, backwards);
            w.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(&all[39]));
        },
    ));
    rows.extend(in_both_orders(
        "without key identifiers the one valid authority is found among those that are not valid yet",
        &good().warns(&["aki-present"]),
        |w, backwards| {
            let early = |_| spec("CA").ca().valid(DAY, 90 * DAY).self_signed();
            let mut all: Vec<Made> = (0..39).map(early).collect();
            all.push(spec("CA").ca().self_signed());
            install(w, &all, backwards);
            w.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(&all[39]));
        },
    ));
    rows.extend(in_both_orders(
        "an authority without a key identifier is found among many with another one",
        &good().warns(&["ski-present"]),
        |w, backwards| {
            let issuer = spec("CA").ca().valid(-DAY, DAY);
            let issuer = issuer.signed_by(&spec("upper").ca().self_signed());
            let good = without_key_identifier(&issuer.certificate());
            if backwards {
                w.authority(For::AnyServer, "good", &good);
            }
            for made in namesakes(40, |_| 90 * DAY) {
                w.authority(For::AnyServer, "namesake", &made);
            }
            if !backwards {
                w.authority(For::AnyServer, "good", &good);
            }
            w.presents(&spec("x").dns(KMS).signed_by(&issuer));
        },
    ));
    rows.extend(in_both_orders(
        "without key identifiers an authority is not found among too many valid ones of its name",
        &refused(TooManyPaths)
            .any_considered()
            .detail("65, the limit is 64"),
        |w, backwards| {
            let count = MAX_SAME_SUBJECT_SIGNATURES + 1;
            let all = namesakes(count, |number| (200 - i64::try_from(number).unwrap()) * DAY);
            install(w, &all, backwards);
            let issuer = &all[count - 1];
            w.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(issuer));
        },
    ));
    rows.extend(in_both_orders(
        "without key identifiers the last of as many as may be tried is found",
        &good().any_considered().warns(&["aki-present"]),
        |w, backwards| {
            let count = MAX_SAME_SUBJECT_SIGNATURES;
            let all = namesakes(count, |number| (200 - i64::try_from(number).unwrap()) * DAY);
            install(w, &all, backwards);
            let issuer = &all[count - 1];
            w.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(issuer));
        },
    ));
    rows
}

/// `count` intermediates of the name of each of `levels`, each with its own key, none with the issuer's.
fn forest(world: &mut World, levels: usize, count: usize, installed: bool) {
    let below = spec("level 0").ca().self_signed();
    world.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(&below));
    for level in 0..levels {
        let above = spec(&format!("level {}", level + 1)).ca().self_signed();
        for _ in 0..count {
            let tree = spec(&format!("level {level}")).ca().no_authority_key_id();
            let tree = tree.signed_by(&above);
            if installed {
                world.intermediate("tree", &tree);
            } else {
                world.with("tree", &tree);
            }
        }
    }
}

#[rustfmt::skip]
fn work() -> Vec<Row> {
    vec![
        row("C5", "namesakes on several levels are searched to their end", refused(ChainSignatureInvalid).any_considered(), |w| {
            let others = pki("other");
            for made in namesakes(10, |_| 90 * DAY).iter().chain(&(0..10).map(|_| spec("upper").ca().self_signed()).collect::<Vec<_>>()) {
                w.authority(For::AnyServer, "namesake", made);
            }
            // The peer's own CA of that name, below one that has namesakes too.
            let lower = spec("CA").ca().signed_by(&spec("upper").ca().self_signed());
            w.presents(&spec("x").dns(KMS).signed_by(&lower));
            w.with("lower", &lower).with("other", &others.intermediate);
        }),
        row("C5", "many installed intermediates of one name on each of three levels: who signed them is known", refused(UnknownIssuer), |w| {
            w.authority(For::AnyServer, "good", &pki("any").root);
            forest(w, 3, 64, true);
        }),
        row("C5", "many presented intermediates of one name on each of three levels", refused(TooManyPaths).detail("513, the limit is 512"), |w| {
            w.authority(For::AnyServer, "good", &pki("any").root);
            forest(w, 3, 16, false);
        }),
        row("C5", "authorities that cannot be used count as well", refused(TooManyPaths).any_considered().detail("513, the limit is 512"), |w| {
            for level in [1, 2] {
                for _ in 0..16 {
                    let short = spec(&format!("level {level}")).ca().path_len(0).self_signed();
                    w.authority(For::AnyServer, "too short", &short);
                }
            }
            forest(w, 2, 16, false);
        }),
        row("C5", "one installed intermediate of the name too many: the last is not tried", refused(TooManyPaths).any_considered().detail("65, the limit is 64"), |w| {
            let root = spec("root").ca().self_signed();
            w.authority(For::AnyServer, "good", &root);
            let one = |life: i64| spec("I").ca().valid(-DAY, life * DAY);
            for number in 0..MAX_SAME_SUBJECT_SIGNATURES {
                let life = 90 - i64::try_from(number).unwrap();
                w.intermediate("namesake", &one(life).signed_by(&spec("nobody").ca().self_signed()));
            }
            let last = one(9).signed_by(&root);
            w.intermediate("last", &last);
            w.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(&last));
        }),
        row("C5", "a forest of presented intermediates of one name", refused(TooManyPaths).detail("513, the limit is 512"), |w| {
            let top = spec("CA").ca().self_signed();
            w.authority(For::AnyServer, "good", &pki("any").root);
            w.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(&top));
            for _ in 0..12 {
                w.with("tree", &spec("CA").ca().no_authority_key_id().self_signed());
            }
        }),
        row("C5", "many certificates of one name and key stand in a path once", refused(UnknownIssuer), |w| {
            let top = spec("CA").ca().self_signed();
            w.authority(For::AnyServer, "good", &pki("any").root);
            w.presents(&spec("x").dns(KMS).signed_by(&top));
            for _ in 0..12 {
                w.with("again", &spec("CA").ca().key_of(&top).self_signed());
            }
        }),
        row("C5", "what is considered is listed up to a bound and then counted", refused(PinDoesNotMatch).any_considered(), |w| {
            for _ in 0..20 {
                w.pin(KEYS_1, "one of many", &self_signed(KMS));
            }
            w.presents(&self_signed("other.example"));
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = presented();
    rows.extend(lengths());
    rows.extend(names());
    rows.extend(work());
    rows
}

// C5
#[test]
fn what_a_peer_presents_is_bounded() {
    hold(presented());
}

// C5
#[test]
fn a_path_is_bounded() {
    hold(lengths());
}

// C5, P8
#[test]
fn many_authorities_of_one_name_hide_none_whatever_their_order() {
    hold(names());
}

// C5
#[test]
fn the_search_for_a_path_is_bounded() {
    hold(work());
}

// C5
#[test]
fn the_path_builder_is_given_sixteen_paths() {
    for constrained in [MAX_PATHS_TRIED - 1, MAX_PATHS_TRIED] {
        let mut world = World::new();
        let key = spec("CA").ca().self_signed();
        let lives = |days: usize| -> i64 { i64::try_from(days).unwrap() * DAY };
        for number in 0..constrained {
            let one = spec("CA").ca().key_of(&key);
            let one = one.valid(-DAY, lives(90 - number));
            let one = one.permit_dns("elsewhere.example").self_signed();
            world.authority(For::AnyServer, "constrained", &one);
        }
        // It ends first, so that it is tried last.
        let good = spec("CA").ca().key_of(&key).valid(-DAY, lives(9));
        world.authority(For::AnyServer, "good", &good.self_signed());
        world.presents(&spec("x").dns(KMS).signed_by(&key));
        let verdict = world.verdict();
        let found = constrained < MAX_PATHS_TRIED;
        assert_eq!(verdict.is_accepted(), found, "{verdict}");
    }
}

// C5
#[test]
fn at_most_16_are_listed_and_the_rest_is_counted() {
    for held in [1, 15, 16, 17, 65, 1024, 1025, 3000] {
        let mut world = World::new();
        world.unknown_fingerprints(KEYS_1, held);
        world.presents(&self_signed("other.example"));
        let verdict = world.verdict();
        assert_eq!(verdict.reason(), PinDoesNotMatch, "{held} pins");
        assert!(verdict.considered().items().len() <= 16, "{held} pins");
        assert_eq!(verdict.considered().len(), held, "{held} pins");
        if held <= 1024 {
            assert_eq!(verdict.considered().items().len(), held.min(16));
        }
    }
}

// C5
#[test]
fn of_issuers_too_at_most_16_are_listed_and_the_rest_is_counted() {
    let mut world = World::new();
    let upper = spec("upper").ca().self_signed();
    for _ in 0..10 {
        for name in ["CA", "upper"] {
            let made = spec(name).ca().self_signed();
            let key = world.authority(For::AnyServer, "disabled", &made);
            world.disable(&key);
        }
    }
    let issuer = spec("CA").ca().no_authority_key_id().signed_by(&upper);
    let leaf = spec("x").dns(KMS).no_authority_key_id();
    world.presents(&leaf.signed_by(&issuer));
    world.with("issuer", &issuer);
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), EntryDisabled);
    assert_eq!(verdict.considered().items().len(), 16);
    assert_eq!(verdict.considered().len(), 20);
}

// C5: more of one name than signatures are verified, all of them genuine, the right one the last by its rank.
#[test]
fn a_key_identifier_finds_the_issuer_among_many_of_its_name() {
    for installed in [false, true] {
        let root = spec("root").ca().self_signed();
        let right = spec("I").ca().valid(-1000, 1000).signed_by(&root);
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        world.presents(&spec("x").dns(KMS).signed_by(&right));
        for _ in 0..12 {
            let longer = spec("I").ca().valid(-1000, 100_000).signed_by(&root);
            if installed {
                world.intermediate("longer", &longer);
            } else {
                world.with("longer", &longer);
            }
        }
        world.with("right", &right);
        assert_eq!(world.verdict().reason(), ChainVerified, "{installed}");
    }
}

/// The signatures of certificates by one key stand for the search; the limit is in units of reading a certificate.
fn worked(world: &mut World) -> (usize, usize) {
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), TooManyPaths, "{verdict}");
    match verdict.detail() {
        Detail::Limit { found, limit, .. } => (*found, *limit),
        other => panic!("{other:?}"),
    }
}

// C5
#[test]
fn signatures_on_what_a_stranger_presents_are_bounded() {
    let mut world = World::new();
    world.authority(For::AnyServer, "good", &pki("any").root);
    let forged = spec("any root").ca().self_signed();
    // Each says that the authority issued it, so that a signature tells.
    let all: Vec<Made> = (0..20)
        .map(|_| spec("I").ca().no_authority_key_id().signed_by(&forged))
        .collect();
    world.presents(&spec("x").dns(KMS).no_authority_key_id().signed_by(&all[0]));
    for one in &all {
        world.with("I", one);
    }
    let (found, limit) = worked(&mut world);
    assert_eq!(limit, MAX_WORK);
    // One more signature would be over the limit.
    assert!(
        found > limit && found <= limit + WORK_OF_SIGNATURE,
        "{found}"
    );
    let tried = world.verdict().considered().len();
    assert_eq!(tried, (MAX_WORK - 20) / WORK_OF_SIGNATURE + 1);
}

// C5
#[test]
fn a_certificate_that_no_path_needs_is_not_read() {
    // The longest path leaves less work than reading the others would take.
    let mut world = World::new();
    intermediates(&mut world, MAX_INTERMEDIATES_IN_PATH);
    for number in 0..MAX_PRESENTED_CERTIFICATES - MAX_INTERMEDIATES_IN_PATH - 1 {
        let other = spec(&format!("other {number}")).ca().self_signed();
        world.with("no part", &other);
    }
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), ChainVerified, "{verdict}");
}

// C5, I5
#[test]
fn of_many_of_one_name_each_can_be_removed_and_installed_again() {
    for identified in [true, false] {
        let mut world = World::new();
        let root = |_| {
            let upper = spec("upper").ca().self_signed();
            spec("CA").ca().signed_by(&upper)
        };
        let all: Vec<Made> = (0..40).map(root).collect();
        let certificates: Vec<Certificate> = all
            .iter()
            .map(|made| match identified {
                true => made.certificate(),
                false => without_key_identifier(&made.certificate()),
            })
            .collect();
        let install = |world: &mut World, number: usize| {
            world.authority(For::AnyServer, "one", &certificates[number])
        };
        let keys: Vec<_> = (0..40).map(|number| install(&mut world, number)).collect();
        for (number, named) in [(0, true), (17, true), (39, true), (0, false), (39, false)] {
            let leaf = spec("x").dns(KMS);
            let leaf = if named {
                leaf
            } else {
                leaf.no_authority_key_id()
            };
            world.presents(&leaf.signed_by(&all[number]));
            assert_eq!(world.verdict().reason(), ChainVerified, "{number}");
            world.store.remove(&keys[number]).unwrap();
            assert_eq!(world.verdict().reason(), ChainSignatureInvalid, "{number}");
            install(&mut world, number);
            assert_eq!(world.verdict().reason(), ChainVerified, "{number}");
        }
        for key in &keys {
            world.store.remove(key).unwrap();
        }
        assert_eq!(world.verdict().reason(), NothingInstalled);
    }
}
