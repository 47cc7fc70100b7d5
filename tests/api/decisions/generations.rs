//! Many generations of one issuing CA work, and no refusal is dear (rule C5). What a verdict costs is counted, never
//! timed.

use mutual_trust::certificate::Certificate;
use mutual_trust::limits::{MAX_SAME_SUBJECT_SIGNATURES, MAX_WORK, WORK_OF_SIGNATURE};
use mutual_trust::policy::ChainMemory;
use mutual_trust::store::StoreWarning;
use mutual_trust::{AuthorityScope, EntryOptions, KeyPolicy, Policy, ReasonCode, Verdict, decide};

use super::counted::{algorithms, counted, counting};
use super::support::pki::{Made, Spec, self_signed, spec};
use super::support::{crl, der, provider};
use super::world::{For, KMS, World, plain};
use crate::support::Lists as _;

const DAY: i64 = 24 * 60 * 60;

/// A world in which signatures are counted.
fn world() -> World {
    World::with_keys(counting())
}

/// The verdict, and how many signatures it verified.
fn ask(world: &mut World) -> (Verdict, usize) {
    let view = world.store.snapshot();
    counted(|| world.with_question(|policy, question| decide(&view, policy, question)))
}

fn without_subject_key_id(mut made: Made, issuer: &Made) -> Made {
    let mut tree = der::tree(&made.certificate);
    tree.extensions()
        .retain_mut(|extension| *extension.at(&[0]).content() != [0x55, 0x1d, 14]);
    crl::sign(&mut tree, issuer);
    made.certificate = Certificate::from_der(&tree.write()).unwrap();
    assert_eq!(made.certificate.subject_key_id(), None);
    made
}

/// A root with CAs between it and `count` generations of one issuing CA, which has a new key in each.
struct Site {
    root: Made,
    between: Vec<Made>,
    generations: Vec<Made>,
}

fn site(between: usize, count: usize, identified: bool) -> Site {
    let root = spec("root").ca().self_signed();
    let mut levels: Vec<Made> = Vec::new();
    for level in 0..between {
        let above = levels.last().unwrap_or(&root);
        levels.push(spec(&format!("policy CA {level}")).ca().signed_by(above));
    }
    let above = levels.last().unwrap_or(&root);
    let generations = (0..count).map(|number| {
        let life = 400 - i64::try_from(number).unwrap();
        let one = spec("issuing CA").ca().valid(-DAY, life * DAY);
        if identified {
            one.signed_by(above)
        } else {
            without_subject_key_id(one.no_authority_key_id().signed_by(above), above)
        }
    });
    Site {
        generations: generations.collect(),
        root,
        between: levels,
    }
}

fn leaf(identified: bool) -> Spec {
    let leaf = spec("x").dns(KMS);
    match identified {
        true => leaf,
        false => leaf.no_authority_key_id(),
    }
}

impl Site {
    /// Installs everything, in one order or the other.
    fn install(&self, world: &mut World, upwards: bool) {
        let mut all: Vec<&Made> = self.between.iter().chain(&self.generations).collect();
        if upwards {
            all.reverse();
        } else {
            world.authority(For::AnyServer, "root", &self.root);
        }
        for one in all {
            world.intermediate("installed", one);
        }
        if upwards {
            world.authority(For::AnyServer, "root", &self.root);
        }
    }
}

// C5: at any number of generations, whichever issued, in whatever order they were installed.
#[test]
fn sixty_four_generations_of_one_issuing_ca_work_whichever_issued() {
    for between in 0..=2 {
        for identified in [true, false] {
            for count in [1, 4, 5, 17, MAX_SAME_SUBJECT_SIGNATURES] {
                let site = site(between, count, identified);
                for upwards in [false, true] {
                    let mut world = world();
                    site.install(&mut world, upwards);
                    for issuer in [0, count / 2, count - 1] {
                        let own = &site.generations[issuer];
                        for named in [false, true] {
                            world.presents(&leaf(named).signed_by(own));
                            let what = format!(
                                "{between} between, {count} generations, {identified}, {upwards}, by {issuer}, {named}"
                            );
                            let (verdict, signatures) = ask(&mut world);
                            assert_eq!(
                                verdict.reason(),
                                ReasonCode::ChainVerified,
                                "{what}: {verdict}"
                            );
                            assert!(signatures <= count, "{what}: {signatures}");
                            if named && identified || count == 1 {
                                assert_eq!(signatures, 1, "{what}");
                            }
                            // The same, if the server itself sends its right issuer.
                            world.with("right", own);
                            let (verdict, signatures) = ask(&mut world);
                            assert_eq!(
                                verdict.reason(),
                                ReasonCode::ChainVerified,
                                "{what}: {verdict}"
                            );
                            assert_eq!(signatures, 1, "{what}");
                        }
                    }
                }
            }
        }
    }
}

// C5: the issuing CAs are authorities themselves.
#[test]
fn sixty_four_generations_of_an_authority_work_whichever_issued() {
    for identified in [true, false] {
        let site = site(0, MAX_SAME_SUBJECT_SIGNATURES, identified);
        let mut world = world();
        for one in &site.generations {
            world.authority(For::AnyServer, "generation", one);
        }
        for own in &site.generations {
            world.presents(&leaf(false).signed_by(own));
            let (verdict, signatures) = ask(&mut world);
            assert_eq!(verdict.reason(), ReasonCode::ChainVerified, "{verdict}");
            assert!(signatures <= MAX_SAME_SUBJECT_SIGNATURES, "{signatures}");
        }
        // And one level further down, below an intermediate that the peer presents.
        let last = site.generations.last().unwrap();
        let lower = spec("lower").ca().no_authority_key_id().signed_by(last);
        world
            .presents(&leaf(false).signed_by(&lower))
            .with("lower", &lower);
        let (verdict, signatures) = ask(&mut world);
        assert_eq!(verdict.reason(), ReasonCode::ChainVerified, "{verdict}");
        assert!(
            signatures <= MAX_SAME_SUBJECT_SIGNATURES + 1,
            "{signatures}"
        );
    }
}

// C5: which of them is among those that are tried is told when they are installed.
#[test]
fn more_than_sixty_four_of_one_name_are_warned_of_and_refused_for_that() {
    let site = site(0, MAX_SAME_SUBJECT_SIGNATURES + 1, true);
    for as_authorities in [false, true] {
        let mut world = world();
        world.authority(For::AnyServer, "root", &site.root);
        for (number, one) in site.generations.iter().enumerate() {
            let certificate = one.certificate();
            let report = match as_authorities {
                true => {
                    world
                        .store
                        .install_authority(AuthorityScope::AnyServer, certificate, plain())
                }
                false => world.store.install_intermediate(certificate, plain()),
            };
            let report = report.unwrap();
            let warned =
                report.warnings().items().iter().any(|warning| {
                    matches!(warning, StoreWarning::ManyOfOneName { count: 65, .. })
                });
            assert_eq!(
                warned,
                number == MAX_SAME_SUBJECT_SIGNATURES,
                "{number}: {report}"
            );
        }
        let last = site.generations.last().unwrap();
        world.presents(&leaf(false).signed_by(last));
        let (verdict, signatures) = ask(&mut world);
        assert_eq!(verdict.reason(), ReasonCode::TooManyPaths, "{verdict}");
        assert!(signatures <= MAX_SAME_SUBJECT_SIGNATURES, "{signatures}");
        world.presents(&leaf(true).signed_by(last));
        let (verdict, signatures) = ask(&mut world);
        assert_eq!(verdict.reason(), ReasonCode::ChainVerified, "{verdict}");
        assert_eq!(signatures, 1);
    }
}

// C5: an expired generation takes the place of none.
#[test]
fn expired_generations_are_not_counted() {
    let site = site(0, 40, true);
    let mut world = world();
    site.install(&mut world, false);
    for _ in 0..100 {
        let old = spec("issuing CA")
            .ca()
            .valid(-2 * DAY, -DAY)
            .signed_by(&site.root);
        world.intermediate("old", &old);
    }
    world.presents(&leaf(false).signed_by(&site.generations[39]));
    assert_eq!(ask(&mut world).0.reason(), ReasonCode::ChainVerified);
}

/// How many presented generations of a name can be wrong before the right one, in a chain of three certificates whose
/// authority has all signed them: each costs reading and two signatures.
fn bound() -> usize {
    let wrong = 2 * WORK_OF_SIGNATURE + 1;
    (1..)
        .find(|count| count * wrong + 2 * WORK_OF_SIGNATURE + 1 > MAX_WORK)
        .unwrap()
        - 1
}

// C5: in the peer's own order.
#[test]
fn generations_that_are_presented_are_tried_in_the_order_of_the_peer() {
    assert_eq!(bound(), 2);
    for identified in [true, false] {
        let site = site(0, 20, identified);
        // In every place: by its rank it would be any of them.
        for issuer in [0, 10, 19] {
            for place in 0..=4 {
                let mut world = world();
                world.authority(For::AnyServer, "root", &site.root);
                world.presents(&leaf(false).signed_by(&site.generations[issuer]));
                let others = site.generations.iter().enumerate();
                let others = others.filter(|(number, _)| *number != issuer);
                for (_, other) in others.take(place) {
                    world.with("other", other);
                }
                world.with("right", &site.generations[issuer]);
                let (verdict, signatures) = ask(&mut world);
                let what = format!("{identified}, {issuer} in place {place}: {verdict}");
                if place <= bound() {
                    assert_eq!(verdict.reason(), ReasonCode::ChainVerified, "{what}");
                    assert_eq!(signatures, 2 * (place + 1), "{what}");
                } else {
                    assert_eq!(verdict.reason(), ReasonCode::TooManyPaths, "{what}");
                }
                assert!(signatures <= MAX_WORK / WORK_OF_SIGNATURE, "{what}");
            }
        }
    }
}

/// Certificates of the issuing CA's name that cost as much as possible.
fn garbage(site: &Site, kind: usize) -> Vec<Made> {
    let mine = spec("root").ca().self_signed();
    let one = |number: usize| {
        let issuing = spec("issuing CA").ca().no_authority_key_id();
        match kind {
            // It says that the root issued it.
            0 => issuing.signed_by(&mine),
            // Signed by itself, in no relation, in a net of its own name.
            1 => issuing.self_signed(),
            // Genuine, of the right name, with a key of the peer.
            2 => issuing.signed_by(site.between.last().unwrap_or(&site.root)),
            // A cross-signed one that leads on to itself.
            3 => spec("issuing CA")
                .ca()
                .signed_by(&spec("issuing CA").ca().self_signed()),
            // Of an upper CA's name: what is in between.
            _ => spec("policy CA 0")
                .ca()
                .serial(1000 + u64::try_from(number).unwrap())
                .signed_by(&mine),
        }
    };
    (0..40).map(one).collect()
}

// C5: what a peer presents spoils nothing that is installed.
#[test]
fn whatever_is_presented_besides_what_is_installed_verifies() {
    for between in 0..=2 {
        for count in [3, MAX_SAME_SUBJECT_SIGNATURES] {
            let site = site(between, count, true);
            let mut world = world();
            site.install(&mut world, false);
            for kind in 0..5 {
                let garbage = garbage(&site, kind);
                for right_first in [None, Some(true), Some(false)] {
                    let own = &site.generations[count - 1];
                    world.presents(&leaf(false).signed_by(own));
                    if right_first == Some(true) {
                        world.with("right", own);
                    }
                    for one in &garbage {
                        world.with("garbage", one);
                    }
                    if right_first == Some(false) {
                        world.with("right", own);
                    }
                    let (verdict, signatures) = ask(&mut world);
                    let what =
                        format!("{between} between, {count}, garbage {kind}, {right_first:?}");
                    assert_eq!(
                        verdict.reason(),
                        ReasonCode::ChainVerified,
                        "{what}: {verdict}"
                    );
                    let most = MAX_WORK / WORK_OF_SIGNATURE + MAX_SAME_SUBJECT_SIGNATURES;
                    assert!(signatures <= most, "{what}: {signatures}");
                }
            }
        }
    }
}

// C5: an installed CA that key identifiers tell apart is not tried for what names another key.
#[test]
fn a_peer_that_names_a_key_of_its_own_makes_us_try_few() {
    let site = site(1, MAX_SAME_SUBJECT_SIGNATURES, true);
    let mut world = world();
    site.install(&mut world, false);
    let mine = spec("issuing CA").ca().self_signed();
    world.presents(&leaf(true).signed_by(&mine));
    let (verdict, signatures) = ask(&mut world);
    assert!(!verdict.is_accepted());
    assert!(signatures <= MAX_WORK / WORK_OF_SIGNATURE, "{signatures}");
    // Without naming one: once for each that is installed.
    world.presents(&leaf(false).signed_by(&mine));
    let (verdict, signatures) = ask(&mut world);
    assert!(!verdict.is_accepted());
    assert!(signatures <= MAX_SAME_SUBJECT_SIGNATURES, "{signatures}");
}

// C5, I4: what is known of installed certificates holds for the policies that would have verified it.
#[test]
fn a_policy_without_the_algorithm_refuses_what_was_verified_at_installation() {
    let site = site(1, 2, true);
    let mut world = world();
    site.install(&mut world, false);
    world.presents(&leaf(true).signed_by(&site.generations[0]));
    assert_eq!(ask(&mut world).0.reason(), ReasonCode::ChainVerified);
    let all = provider().signature_verification_algorithms.all;
    let p256 = site.root.certificate();
    let others: Vec<_> = all
        .iter()
        .copied()
        .filter(|one| {
            KeyPolicy::new(Box::leak(Box::new([*one])))
                .check(&p256)
                .is_err()
        })
        .collect();
    assert!(!others.is_empty() && others.len() < all.len());
    world.policy = Policy::new(KeyPolicy::new(Box::leak(others.into_boxed_slice())));
    assert!(!ask(&mut world).0.is_accepted());
    // Another object of the same algorithm verifies for itself.
    world.policy = Policy::new(KeyPolicy::new(algorithms()));
    let (verdict, signatures) = ask(&mut world);
    assert_eq!(verdict.reason(), ReasonCode::ChainVerified, "{verdict}");
    assert_eq!(signatures, 3);
}

// C5: facts are about signatures, never about trust.
#[test]
fn what_is_removed_blocked_or_ended_is_so_in_the_next_verdict() {
    let site = site(1, 5, true);
    let change = |change: &dyn Fn(&mut World)| {
        let mut world = world();
        site.install(&mut world, true);
        world.presents(&leaf(true).signed_by(&site.generations[4]));
        assert_eq!(ask(&mut world).0.reason(), ReasonCode::ChainVerified);
        change(&mut world);
        ask(&mut world).0.reason()
    };
    let key = |world: &World, made: &Made| {
        let entries = world.store.contents().entries();
        let fingerprint = made.certificate.fingerprint();
        let mut entries = entries.into_iter();
        entries
            .find(|entry| entry.fingerprint() == fingerprint)
            .unwrap()
            .key()
    };
    let remove = |made: &Made| {
        change(&|world| {
            let key = key(world, made);
            world.store.remove(&key).unwrap();
        })
    };
    assert_eq!(
        remove(&site.generations[4]),
        ReasonCode::ChainSignatureInvalid
    );
    assert_eq!(remove(&site.between[0]), ReasonCode::UnknownIssuer);
    assert_eq!(remove(&site.root), ReasonCode::NothingInstalled);
    for made in [&site.generations[4], &site.between[0], &site.root] {
        let blocked = change(&|world| {
            let _ = world.store.block(&made.certificate());
        });
        assert_eq!(blocked, ReasonCode::Blocked);
        let disabled = change(&|world| {
            let key = key(world, made);
            world.disable(&key);
        });
        assert_eq!(disabled, ReasonCode::EntryDisabled);
        // And back again.
        let again = change(&|world| {
            let key = key(world, made);
            world.disable(&key);
            world.store.enable(&key).unwrap();
            world
                .store
                .update(&key, EntryOptions::new().with_label("again"))
                .unwrap();
        });
        assert_eq!(again, ReasonCode::ChainVerified);
        let late = change(&|world| world.at(1000 * DAY));
        assert!(!late.accepts());
    }
    // Removed and installed again, in the other order.
    let again = change(&|world| {
        for made in [&site.root, &site.between[0], &site.generations[4]] {
            let key = key(world, made);
            world.store.remove(&key).unwrap();
        }
        world.intermediate("again", &site.generations[4]);
        world.intermediate("again", &site.between[0]);
        world.authority(For::AnyServer, "again", &site.root);
    });
    assert_eq!(again, ReasonCode::ChainVerified);
}

// C5: nothing of it is written into the file; a load finds it out again.
#[cfg(feature = "admin")]
#[test]
fn a_store_that_was_read_from_its_file_costs_the_same() {
    use std::sync::Arc;

    use super::super::support::now;
    use mutual_trust::admin::file;

    for identified in [true, false] {
        let site = site(2, 20, identified);
        let mut world = world();
        site.install(&mut world, true);
        let view = world.store.snapshot();
        let (text, _) = file::write(&view, &file::UnknownRecords::default(), None).unwrap();
        let loaded = file::read(text.as_bytes(), counting(), None).unwrap();
        world.store = loaded.store.with_clock(Arc::new(now()));
        let own = &site.generations[19];
        world
            .presents(&leaf(false).signed_by(own))
            .with("right", own);
        let (verdict, signatures) = ask(&mut world);
        assert_eq!(verdict.reason(), ReasonCode::ChainVerified, "{verdict}");
        assert_eq!(signatures, 1);
    }
}

// C5: a chain that is asked about again costs nothing, and a change of what is installed forgets it.
#[test]
fn a_remembered_chain_of_an_installed_intermediate_is_forgotten_with_it() {
    let site = site(1, 5, true);
    let mut world = world();
    site.install(&mut world, false);
    world.presents(&leaf(false).signed_by(&site.generations[2]));
    let memory = ChainMemory::new(world.policy.with_remembered_chains(10).unwrap());
    let asked = |world: &mut World| {
        let view = world.store.snapshot();
        let ask =
            || world.with_question(|_, question| Verdict::from(memory.decide(&view, question)));
        let (verdict, signatures) = counted(ask);
        (verdict.reason(), signatures)
    };
    assert_eq!(asked(&mut world).0, ReasonCode::ChainVerified);
    assert_eq!(asked(&mut world), (ReasonCode::ChainVerified, 0));
    let blocked = site.generations[2].certificate();
    let _ = world.store.block(&blocked);
    assert_eq!(asked(&mut world).0, ReasonCode::Blocked);
}

// C5: refusals of pins. Signatures are counted; look-ups in lists are by what is judged.
#[test]
fn the_survey_of_a_thousand_pins_judges_few_of_them() {
    let ca = spec("ca").ca().self_signed();
    let one = spec("base").self_signed();
    let mut world = world();
    world.authority(For::Clients, "ca", &ca);
    for number in 0..1024 {
        let pin = spec(&format!("client {number}"))
            .key_of(&one)
            .signed_by(&ca);
        world.pin(For::Clients, "pin", &pin);
    }
    world.presents(&self_signed("stranger"));
    world.ask_client();
    let (verdict, signatures) = ask(&mut world);
    assert_eq!(
        verdict.reason(),
        ReasonCode::SelfSignedNotInstalled,
        "{verdict}"
    );
    assert_eq!(signatures, 0);
    assert_eq!(verdict.considered().items().len(), 16);
}

// C5: names times patterns are counted.
#[test]
fn comparisons_of_names_with_patterns_are_bounded() {
    let ca = spec("ca").ca().self_signed();
    let patterns = (0..64).map(|number| format!("dns:z{number}.example").parse().unwrap());
    let options = EntryOptions::new().with_san_patterns(patterns.collect::<Vec<_>>());
    for (names, reason) in [
        (156, ReasonCode::NoPatternMatches),
        (157, ReasonCode::TooManyConstraints),
        (4000, ReasonCode::TooManyConstraints),
    ] {
        let mut world = world();
        world.authority_with(For::Clients, "ca", &ca, options.clone());
        let mut leaf = spec("x").client_auth();
        for number in 0..names {
            leaf = leaf.dns(&format!("n{number}.example"));
        }
        world.presents(&leaf.signed_by(&ca));
        world.ask_client();
        assert_eq!(ask(&mut world).0.reason(), reason, "{names}");
    }
}
