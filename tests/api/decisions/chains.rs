//! Which authorities are asked, and which path is found (rules P4, P8, C1 and C3).

use mutual_trust::ReasonCode::*;
use rcgen::{ExtendedKeyUsagePurpose, KeyIdMethod, KeyPair};

use super::breaches::{again, without};
use super::row::{Row, accepted, hold, refused, row};
use super::support::pki::{Made, Pki, pki, self_signed, spec};
use super::support::{NOW, at, fixture};
use super::world::{For, KEYS_1, KMS, World, plain};

const DAY: i64 = 24 * 60 * 60;
const ROOT: &str = "authority root for any server";
const GOOD: &str = "authority good for any server";

fn leaf_of(issuer: &Made) -> Made {
    spec("leaf").dns(KMS).server_auth().signed_by(issuer)
}

/// A PKI whose root is installed for any server, with a leaf that is presented.
fn any(world: &mut World) -> Pki {
    let pki = pki("any");
    world.authority(For::AnyServer, "root", &pki.root);
    world.presents(&pki.server(KMS));
    pki
}

#[rustfmt::skip]
fn paths() -> Vec<Row> {
    let found = || accepted(ChainVerified, ROOT);
    vec![
        row("C1", "the authority issued the leaf", found().peer("chain dns:kms1.example"), |w| { let pki = any(w); w.presents(&leaf_of(&pki.root)); }),
        row("C1", "through an intermediate that the peer presents", found(), |w| { let pki = any(w); w.with("i", &pki.intermediate); }),
        row("C1", "through an installed intermediate that the peer left out", found(), |w| { let pki = any(w); w.intermediate("i", &pki.intermediate); }),
        row("C1", "through an intermediate that is installed and presented", found(), |w| {
            let pki = any(w);
            w.intermediate("i", &pki.intermediate);
            w.with("i", &pki.intermediate);
        }),
        row("C1", "an intermediate that is neither presented nor installed", refused(UnknownIssuer).detail("issuer CN=any intermediate"), |w| { any(w); }),
        row("C1", "an intermediate that is presented, with its root, and no authority", refused(UnknownIssuer), |w| {
            let other = pki("other");
            any(w);
            w.presents(&other.server(KMS)).with("i", &other.intermediate).with("r", &other.root);
        }),
        row("C1", "an intermediate ends no chain", refused(UnknownIssuer), |w| {
            let other = pki("other");
            any(w);
            w.intermediate("i", &other.intermediate);
            w.presents(&other.server(KMS)).with("i", &other.intermediate);
        }),
        row("C1", "a CA below another one ends a chain if it is the authority", accepted(ChainVerified, "authority i for any server"), |w| {
            let other = pki("other");
            any(w);
            w.authority(For::AnyServer, "i", &other.intermediate);
            w.presents(&other.server(KMS));
        }),
        row("C1", "two intermediates in any order, with the root and rubbish besides", found(), |w| {
            let pki = any(w);
            let upper = spec("upper").ca().signed_by(&pki.root);
            let lower = spec("lower").ca().signed_by(&upper);
            w.presents(&leaf_of(&lower));
            w.with_bytes(vec![0x30, 0x00]).with("root", &pki.root).with("upper", &upper);
            w.with("other", &self_signed(KMS)).with("lower", &lower).with_bytes(Vec::new());
        }),
        row("C1", "two intermediates, the upper installed and the lower presented", found(), |w| {
            let pki = any(w);
            let upper = spec("upper").ca().signed_by(&pki.root);
            let lower = spec("lower").ca().signed_by(&upper);
            w.intermediate("upper", &upper);
            w.presents(&leaf_of(&lower)).with("lower", &lower);
        }),
        row("I8", "an installed intermediate that is disabled", refused(EntryDisabled).considered(&["intermediate i for all chains: EntryDisabled"]), |w| {
            let pki = any(w);
            let key = w.intermediate("i", &pki.intermediate);
            w.disable(&key);
        }),
        row("I8", "an installed intermediate that is past its end", refused(EntryEnded).considered(&["intermediate i for all chains: EntryEnded"]), |w| {
            let pki = any(w);
            w.intermediate_with("i", &pki.intermediate, plain().with_end(at(NOW + 60)));
            w.at(60);
        }),
        row("I8", "an installed intermediate that is disabled, and the peer presents it", found().any_considered(), |w| {
            let pki = any(w);
            let key = w.intermediate("i", &pki.intermediate);
            w.disable(&key);
            w.with("i", &pki.intermediate);
        }),
        row("I8", "an authority that is disabled", refused(EntryDisabled).considered(&["authority root for any server: EntryDisabled"]), |w| {
            let pki = any(w);
            let fingerprint = pki.root.certificate().fingerprint();
            let scope = mutual_trust::store::Scope::AnyServer;
            let slot = mutual_trust::store::Slot::Authority;
            w.disable(&mutual_trust::store::EntryKey::new(slot, scope, fingerprint));
            w.presents(&leaf_of(&pki.root));
        }),
        row("I8", "an authority that is past its end", refused(EntryEnded).considered(&["authority root for any server: EntryEnded"]), |w| {
            let root = pki("one").root;
            w.authority_with(For::AnyServer, "root", &root, plain().with_end(at(NOW + 60)));
            w.presents(&leaf_of(&root));
            w.at(60);
        }),
    ]
}

#[rustfmt::skip]
fn scopes() -> Vec<Row> {
    let own = || accepted(ChainVerified, "authority own root for server keys-1");
    vec![
        row("P4", "the server's own authority", own(), |w| {
            let own = pki("own");
            any(w);
            w.authority(KEYS_1, "own root", &own.root);
            w.presents(&leaf_of(&own.root));
        }),
        row("P4", "a server with an authority of its own presents a chain of any server's", refused(UnknownIssuer), |w| {
            let pki = any(w);
            w.authority(KEYS_1, "own root", &super::support::pki::pki("own").root);
            w.with("i", &pki.intermediate);
        }),
        row("P4", "the one authority is the server's own and any server's: the own one decides", own(), |w| {
            let pki = any(w);
            w.authority(KEYS_1, "own root", &pki.root);
            w.with("i", &pki.intermediate);
        }),
        row("P4", "an own authority that is disabled is still held: any server's are not asked", refused(UnknownIssuer), |w| {
            let pki = any(w);
            let key = w.authority(KEYS_1, "own root", &super::support::pki::pki("own").root);
            w.disable(&key);
            w.with("i", &pki.intermediate);
        }),
        row("P4", "the last own authority was removed: any server's are asked", accepted(ChainVerified, ROOT), |w| {
            let pki = any(w);
            let key = w.authority(KEYS_1, "own root", &super::support::pki::pki("own").root);
            w.store.remove(&key).unwrap();
            w.with("i", &pki.intermediate);
        }),
        row("P8", "the authority of another server, and nothing else is held", refused(NothingInstalled), |w| {
            let other = pki("other");
            w.authority(For::Server("keys-2"), "other", &other.root);
            w.presents(&leaf_of(&other.root));
        }),
        row("P8", "the authority of another server is not asked", refused(UnknownIssuer), |w| {
            let other = pki("other");
            any(w);
            w.authority(For::Server("keys-2"), "other", &other.root);
            w.presents(&leaf_of(&other.root));
        }),
        row("P8", "a certificate pinned for another server is accepted in a chain where it is good", accepted(ChainVerified, ROOT), |w| {
            let pki = any(w);
            let leaf = leaf_of(&pki.root);
            w.pin(For::Server("keys-2"), "leaf", &leaf);
            w.presents(&leaf);
        }),
        row("P8", "a pin of another server that is disabled does not stand in the way", accepted(ChainVerified, ROOT), |w| {
            let pki = any(w);
            let leaf = leaf_of(&pki.root);
            let key = w.pin(For::Server("keys-2"), "leaf", &leaf);
            w.disable(&key);
            w.presents(&leaf);
        }),
        row("P2", "the claim of another server is its own", accepted(ChainVerified, ROOT), |w| {
            let pki = any(w);
            w.pin(For::Server("keys-2"), "other", &self_signed("kms2.example"));
            w.with("i", &pki.intermediate);
        }),
    ]
}

/// Two CAs of one name and key. The bad one lasts longer, so that it is tried first.
fn twins(world: &mut World, bad_first: bool, bad: impl Fn(&mut World, &Made)) {
    let first = spec("CA").ca().valid(-DAY, 90 * DAY).self_signed();
    let good = spec("CA")
        .ca()
        .key_of(&first)
        .valid(-DAY, 80 * DAY)
        .self_signed();
    if bad_first {
        bad(world, &first);
    }
    world.authority(For::AnyServer, "good", &good);
    if !bad_first {
        bad(world, &first);
    }
    world.presents(&leaf_of(&good));
}

/// A CA that two others have certified; each is installed or not as `install` says.
fn crossed(world: &mut World, install: impl Fn(&mut World, &Made, &Made)) {
    let (bad, good) = (
        spec("bad").ca().self_signed(),
        spec("good").ca().self_signed(),
    );
    let by_bad = spec("I").ca().valid(-DAY, 90 * DAY).signed_by(&bad);
    let by_good = spec("I")
        .ca()
        .key_of(&by_bad)
        .valid(-DAY, 80 * DAY)
        .signed_by(&good);
    install(world, &bad, &good);
    world.presents(&leaf_of(&by_bad));
    world.with("by bad", &by_bad).with("by good", &by_good);
}

#[rustfmt::skip]
fn bad_paths_beside_good_ones() -> Vec<Row> {
    let passed_over = |what: &'static str| accepted(ChainVerified, GOOD).considered(&[what]);
    let mut rows = Vec::new();
    for bad_first in [true, false] {
        let says = |text: &str| format!("{text} ({})", if bad_first { "installed first" } else { "installed last" });
        rows.extend([
            row("C1", says("of two CAs of one name and key one is disabled"), passed_over("authority bad for any server: EntryDisabled"), move |w| {
                twins(w, bad_first, |w, bad| { let key = w.authority(For::AnyServer, "bad", bad); w.disable(&key); });
            }),
            row("C1", says("of two CAs of one name and key one is past its end"), passed_over("authority bad for any server: EntryEnded"), move |w| {
                twins(w, bad_first, |w, bad| { w.authority_with(For::AnyServer, "bad", bad, plain().with_end(at(NOW + 60))); });
                w.at(60);
            }),
            row("P1", says("of two CAs of one name and key one is blocked by its fingerprint"), passed_over("authority bad for any server: Blocked"), move |w| {
                twins(w, bad_first, |w, bad| {
                    w.authority(For::AnyServer, "bad", bad);
                    let selector = mutual_trust::store::BlockSelector::Fingerprint(bad.certificate().fingerprint());
                    w.store.block_selector(selector);
                });
            }),
            row("C1", says("of two CAs of one name and key one has expired: it is not even tried"), accepted(ChainVerified, GOOD), move |w| {
                twins(w, bad_first, |w, of| {
                    w.authority(For::AnyServer, "bad", &spec("CA").ca().key_of(of).valid(-9 * DAY, -DAY).self_signed());
                });
            }),
        ]);
    }
    rows.extend([
        row("C1", "cross-signed, the one root has expired", passed_over("authority bad for any server: IssuerExpired"), |w| {
            let bad = spec("bad").ca().valid(-9 * DAY, -DAY).self_signed();
            let good = spec("good").ca().self_signed();
            let by_bad = spec("I").ca().valid(-DAY, 90 * DAY).signed_by(&bad);
            let by_good = spec("I").ca().key_of(&by_bad).valid(-DAY, 80 * DAY).signed_by(&good);
            w.authority(For::AnyServer, "bad", &bad);
            w.authority(For::AnyServer, "good", &good);
            w.presents(&leaf_of(&by_bad)).with("by bad", &by_bad).with("by good", &by_good);
        }),
        row("C1", "cross-signed, the one root is disabled", passed_over("authority bad for any server: EntryDisabled"), |w| crossed(w, |w, bad, good| {
            let key = w.authority(For::AnyServer, "bad", bad);
            w.disable(&key);
            w.authority(For::AnyServer, "good", good);
        })),
        row("P1", "cross-signed, the one root is blocked", passed_over("authority bad for any server: Blocked"), |w| crossed(w, |w, bad, good| {
            w.authority(For::AnyServer, "bad", bad);
            w.authority(For::AnyServer, "good", good);
            w.store.block(&bad.certificate());
        })),
        row("C1", "cross-signed, the one root is not installed", accepted(ChainVerified, GOOD), |w| crossed(w, |w, _, good| { w.authority(For::AnyServer, "good", good); })),
        row("P8", "cross-signed, the one root is another server's", accepted(ChainVerified, GOOD), |w| crossed(w, |w, bad, good| {
            w.authority(For::Server("keys-2"), "bad", bad);
            w.authority(For::AnyServer, "good", good);
        })),
        row("C1", "cross-signed, and both roots will do: the path that lasts longer", accepted(ChainVerified, "authority bad for any server"), |w| crossed(w, |w, bad, good| {
            w.authority(For::AnyServer, "good", good);
            w.authority(For::AnyServer, "bad", bad);
        })),
        row("C1", "an authority of the issuer's name has another key, and the right one is there too", accepted(ChainVerified, GOOD), |w| {
            let good = spec("CA").ca().self_signed();
            w.authority(For::AnyServer, "same name", &spec("CA").ca().self_signed());
            w.authority(For::AnyServer, "good", &good);
            w.presents(&leaf_of(&good));
        }),
        row("C1", "an intermediate of the authority's name, and the authority is tried first", accepted(ChainVerified, ROOT), |w| {
            let pki = any(w);
            let same_name = spec("any root").ca().key_of(&pki.root).signed_by(&super::support::pki::pki("x").root);
            w.presents(&leaf_of(&pki.root)).with("same name", &same_name);
        }),
        row("C1", "cross-signed in a circle without an authority", refused(UnknownIssuer), |w| {
            any(w);
            let (a, b) = (spec("A").ca().self_signed(), spec("B").ca().self_signed());
            let a_by_b = spec("A").ca().key_of(&a).signed_by(&b);
            let b_by_a = spec("B").ca().key_of(&b).signed_by(&a);
            w.presents(&leaf_of(&a)).with("a by b", &a_by_b).with("b by a", &b_by_a);
        }),
    ]);
    rows
}

/// `leaf` with the algorithm of its signature replaced by one that no provider has (ecdsa-with-SHA224).
fn with_unknown_signature(leaf: &Made) -> Vec<u8> {
    let mut der = leaf.certificate().der().to_vec();
    let (sha256, sha224) = ([0xce, 0x3d, 4, 3, 2], 1);
    let found: Vec<usize> = (0..der.len() - 5)
        .filter(|at| der[*at..at + 5] == sha256)
        .collect();
    assert_eq!(found.len(), 2);
    found.into_iter().for_each(|at| der[at + 4] = sha224);
    der
}

#[rustfmt::skip]
fn leaves() -> Vec<Row> {
    let wrong_signature = || refused(ChainSignatureInvalid).considered(&["authority root for any server: ChainSignatureInvalid"]);
    let leaf = |made: fn(&Pki) -> Made| move |w: &mut World| { let pki = any(w); w.presents(&made(&pki)); };
    vec![
        row("C1", "a leaf of a CA with the authority's name and another key", wrong_signature(), leaf(|_| leaf_of(&spec("any root").ca().self_signed()))),
        row("C1", "a leaf of such a CA with another type of key", wrong_signature(), leaf(|_| {
            let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
            leaf_of(&spec("any root").ca().key(key).self_signed())
        })),
        row("C1", "a leaf signed with an algorithm that the provider does not have", refused(SignatureAlgorithmUnsupported).considered(&["authority root for any server: SignatureAlgorithmUnsupported"]), |w| {
            let pki = any(w);
            w.presents_bytes(with_unknown_signature(&leaf_of(&pki.root)));
        }),
        row("C1", "a self-signed end entity that is not installed", refused(SelfSignedNotInstalled), leaf(|_| self_signed(KMS))),
        row("C1", "a self-signed end entity with the authority's subject", refused(SelfSignedNotInstalled).considered(&["authority root for any server: ChainSignatureInvalid"]), leaf(|_| spec("any root").dns(KMS).self_signed())),
        row("C1", "a leaf that has the authority's subject and was signed by another with that name", wrong_signature(), leaf(|_| {
            spec("any root").dns(KMS).signed_by(&spec("any root").ca().self_signed())
        })),
        row("C1", "the end entity with the CA's subject that openssl made", refused(SelfSignedNotInstalled).considered(&["authority root for any server: ChainSignatureInvalid"]), |w| {
            w.authority(For::AnyServer, "root", &fixture("ca-root"));
            w.presents(&fixture("self-signed-with-ca-subject"));
        }),
        row("C3", "a CA certificate of the authority's as leaf", refused(CaUsedAsEndEntity), leaf(|pki| spec("x").ca().dns(KMS).signed_by(&pki.root))),
        row("C3", "another CA certificate with the authority's key as leaf", refused(CaUsedAsEndEntity), leaf(|pki| spec("any root").ca().key_of(&pki.root).self_signed())),
        row("C3", "a self-signed CA as leaf, as openssl req makes it", refused(CaUsedAsEndEntity), |w| { any(w); w.presents(&fixture("openssl-req-san")); }),
        row("C3", "an installed intermediate as leaf", refused(AuthorityPresentedAsPeer).detail("intermediate i for all chains"), |w| {
            let pki = any(w);
            w.intermediate("i", &pki.intermediate);
            w.presents(&pki.intermediate);
        }),
        row("C3", "the authority of another server as leaf", refused(AuthorityPresentedAsPeer).detail("authority other for server keys-2"), |w| {
            any(w);
            let other = spec("other").ca().dns(KMS).self_signed();
            w.authority(For::Server("keys-2"), "other", &other);
            w.presents(&other);
        }),
        row("C3", "a CA certificate that is an authority and pinned for another server as leaf", refused(AuthorityPresentedAsPeer).detail("authority other for clients"), |w| {
            any(w);
            let other = spec("other").ca().dns(KMS).self_signed();
            w.pin(For::Server("keys-2"), "other", &other);
            w.authority(For::Clients, "other", &other);
            w.presents(&other);
        }),
        row("P8", "a CA certificate that is pinned for another server as leaf", refused(PinOfAnotherServer).detail("pin other for server keys-2"), |w| {
            any(w);
            let other = spec("other").ca().dns(KMS).self_signed();
            w.pin(For::Server("keys-2"), "other", &other);
            w.presents(&other);
        }),
        row("C1", "a leaf without extended key usage", accepted(ChainVerified, ROOT), leaf(|pki| spec("x").dns(KMS).signed_by(&pki.root))),
        row("C1", "a leaf without basicConstraints", accepted(ChainVerified, ROOT), leaf(|pki| spec("x").dns(KMS).no_basic_constraints().signed_by(&pki.root))),
        row("M4", "a client's leaf for a server", refused(WrongExtendedKeyUsage), leaf(|pki| spec("x").dns(KMS).client_auth().signed_by(&pki.root))),
        row("M4", "a leaf of both roles", accepted(ChainVerified, ROOT), leaf(|pki| spec("x").dns(KMS).client_auth().server_auth().signed_by(&pki.root))),
        row("M4", "a leaf for signing code", refused(WrongExtendedKeyUsage), leaf(|pki| spec("x").dns(KMS).extended_key_usage(ExtendedKeyUsagePurpose::CodeSigning).signed_by(&pki.root))),
        row("C1", "a leaf with anyExtendedKeyUsage alone", refused(AnyExtendedKeyUsageAlone), leaf(|pki| spec("x").dns(KMS).extended_key_usage(ExtendedKeyUsagePurpose::Any).signed_by(&pki.root))),
        row("M6", "a leaf with an unknown critical extension", refused(UnknownCriticalExtension).detail("extension 1.2.3.4"), leaf(|pki| spec("x").dns(KMS).critical_extension(&[1, 2, 3, 4]).signed_by(&pki.root))),
        row("C1", "a leaf with a critical extension that the path builder does not know", refused(UnparsableEndEntity).detail("critical extension 2.5.29.36 (policyConstraints), which the path builder does not process"), leaf(|pki| spec("x").dns(KMS).critical_extension(&[2, 5, 29, 36]).signed_by(&pki.root))),
        row("C1", "a leaf of version 1", refused(UnparsableEndEntity).detail("it is of X.509 version 1, and a chain needs version 3"), |w| {
            w.authority(For::AnyServer, "root", &fixture("ca-root"));
            w.presents(&fixture("v1-ca-signed"));
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = paths();
    rows.extend(scopes());
    rows.extend(bad_paths_beside_good_ones());
    rows.extend(leaves());
    rows
}

// C1, I8
#[test]
fn a_chain_is_completed_by_what_is_presented_and_installed() {
    hold(paths());
}

// P2, P4, P8
#[test]
fn only_the_authorities_of_one_level_are_asked() {
    hold(scopes());
}

// C1, P1, P8
#[test]
fn a_bad_path_is_passed_over_for_a_good_one() {
    hold(bad_paths_beside_good_ones());
}

// C1, C3, M4, M6
#[test]
fn the_leaf_of_a_chain_is_judged_by_itself() {
    hold(leaves());
}

/// Two intermediates of one name and key, of which the second lasts longer.
fn pair(root: &Made) -> [Made; 2] {
    let first = spec("I").ca().signed_by(root);
    let longer = spec("I").ca().key_of(&first).valid(-DAY, 400 * DAY);
    let longer = longer.signed_by(root);
    [first, longer]
}

// C5: of what is installed. What the peer presents is tried before that, in the peer's own order.
#[test]
fn of_two_intermediates_the_one_that_lasts_longer_is_tried_first() {
    let root = spec("root").ca().self_signed();
    let pair = pair(&root);
    let path_of = |world: &mut World| {
        let verdict = world.verdict();
        verdict.path()[1].clone()
    };
    for (installed, presented) in [(0, 1), (1, 0)] {
        let mut world = World::new();
        world.authority(For::AnyServer, "root", &root);
        world.intermediate("installed", &pair[installed]);
        world.presents(&leaf_of(&pair[0]));
        world.with("presented", &pair[presented]);
        assert_eq!(path_of(&mut world), pair[presented].certificate);
        world.with("presented", &pair[installed]);
        assert_eq!(path_of(&mut world), pair[presented].certificate);
        world.intermediate("installed", &pair[presented]);
        world.presents(&leaf_of(&pair[0]));
        assert_eq!(path_of(&mut world), pair[1].certificate);
    }
}

// C1: and one without a key identifier before one with another than is asked for.
#[test]
fn an_intermediate_without_a_key_identifier_is_tried_before_one_with_another() {
    let root = spec("root").ca().self_signed();
    let bare = spec("I").ca().signed_by(&root);
    let other = spec("I").ca().key_of(&bare).valid(-DAY, 400 * DAY);
    let other = other.params(|params| {
        params.key_identifier_method = KeyIdMethod::PreSpecified(vec![1; 20]);
    });
    let other = other.signed_by(&root);
    let leaf = leaf_of(&bare);
    let bare = again(&bare, &root.key, |tree| without(tree, 14));
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &root);
    world.presents(&leaf);
    world.with("other", &other).with("bare", &bare);
    let verdict = world.verdict();
    let path = verdict.path();
    assert_eq!(path[1], bare, "{verdict}");
}

// C1, I8
#[test]
fn an_intermediate_that_is_disabled_is_told_beside_another_that_is_presented() {
    let root = spec("root").ca().self_signed();
    let [installed, presented] = pair(&root);
    let mut world = World::new();
    world.authority(For::AnyServer, "root", &root);
    let key = world.intermediate("installed", &installed);
    world.disable(&key);
    world.presents(&leaf_of(&installed));
    world.with("presented", &presented);
    let considered = |world: &mut World| {
        let verdict = world.verdict();
        assert!(verdict.is_accepted(), "{verdict}");
        let told = verdict.considered().items().iter();
        told.filter(|one| one.entry.as_ref() == Some(&key)).count()
    };
    assert_eq!(considered(&mut world), 1);
    // What is presented itself stands for itself.
    world.with("installed", &installed);
    assert_eq!(considered(&mut world), 0);
}
