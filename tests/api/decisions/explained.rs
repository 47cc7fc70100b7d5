//! Which refusal it is (rules I3, I7, M1, P2, P8): the reason on which an operator acts.

use mutual_trust::ReasonCode::*;
use mutual_trust::policy::Detail;
use mutual_trust::store::PinMatch;

use super::row::{Expect, Row, hold, refused, row};
use super::support::pki::{pki, self_signed, spec};
use super::support::{fixture, server_id};
use super::world::{For, KEYS_1, KMS, World, by_public_key, plain};

const OWN: &str = "pin own for server keys-1: PinDoesNotMatch";

fn other_pin() -> Expect {
    refused(PinDoesNotMatch).considered(&[OWN])
}

fn not_asked() -> Expect {
    refused(AuthoritiesNotAsked).considered(&[OWN])
}

fn own_pin(world: &mut World) {
    world.pin(KEYS_1, "own", &self_signed("own"));
}

/// A leaf that the holder of a pinned key signed, for the pin's name or for another one.
fn signed_by_pins() -> Vec<Row> {
    let mut rows = Vec::new();
    const NO_CA: &str = "pin own for server keys-1, which cannot be an authority: it does not state that it is a CA (basicConstraints)";
    const OLD: &str = "pin own for server keys-1, which cannot be an authority: it has an old X.509 version, which cannot state that it is a CA";
    for (pin, detail) in [
        ("ca-false", NO_CA),
        ("no-basic-constraints", NO_CA),
        ("openssl-req-san", "pin own for server keys-1"),
        ("v1", OLD),
    ] {
        for (name, dialled) in [("kms1", KMS), ("other", "other.example")] {
            let leaf = format!("leaf-signed-by-pin-{pin}-{name}");
            for (how, matching) in [
                ("certificate", PinMatch::Certificate),
                ("key", PinMatch::PublicKey),
            ] {
                let leaf = leaf.clone();
                let expect = refused(IssuedByPin)
                    .considered(&["pin own for server keys-1: IssuedByPin"])
                    .detail(detail);
                let says =
                    format!("a leaf for {dialled} signed with the key of {pin}, pinned by {how}");
                rows.push(row("I3", says, expect, move |w| {
                    w.pin_with(
                        KEYS_1,
                        "own",
                        &fixture(pin),
                        plain().with_matching(matching),
                    );
                    w.authority(For::AnyServer, "root", &pki("any").root);
                    w.presents(&fixture(&leaf)).with("own", &fixture(pin));
                    w.ask_id("keys-1", Some(dialled));
                }));
            }
            let leaf = leaf.clone();
            let says =
                format!("a leaf for {dialled} signed with the key of {pin}, which was released");
            rows.push(row("I3", says, refused(UnknownIssuer), move |w| {
                let root = pki("any").root;
                w.authority(For::AnyServer, "root", &root);
                w.pin(KEYS_1, "own", &fixture(pin));
                w.store.release(&server_id("keys-1")).unwrap();
                w.presents(&fixture(&leaf));
                w.ask_id("keys-1", Some(dialled));
            }));
            let leaf = format!("leaf-signed-by-pin-{pin}-{name}");
            let says = format!(
                "a leaf for {dialled} signed with the key of {pin}, pinned for another server"
            );
            rows.push(row("I3", says, refused(UnknownIssuer), move |w| {
                w.authority(For::AnyServer, "root", &pki("any").root);
                w.pin(For::Server("keys-2"), "own", &fixture(pin));
                w.presents(&fixture(&leaf));
                w.ask_id("keys-1", Some(dialled));
            }));
        }
    }
    rows
}

/// Pins of one subject, and a leaf that the one with the highest fingerprint signed.
fn signed_by_last_of(world: &mut World, count: usize) {
    let mut pins: Vec<_> = (0..count).map(|_| self_signed("own")).collect();
    pins.sort_by_key(|made| made.certificate().fingerprint());
    for made in &pins {
        world.pin(KEYS_1, "own", made);
    }
    world.presents(&spec("x").dns(KMS).signed_by(&pins[count - 1]));
}

#[rustfmt::skip]
fn mismatches() -> Vec<Row> {
    let from_group = |what: &'static str| refused(PinOfAnotherServer).considered(&[OWN]).detail(what);
    vec![
        row("P2", "a leaf that names the pin as its issuer and was signed with another key", other_pin(), |w| {
            own_pin(w);
            w.presents(&spec("x").dns(KMS).signed_by(&self_signed("own")));
        }),
        row("P2", "two certificates without a subject have no subject in common", other_pin(), |w| {
            w.pin(KEYS_1, "own", &fixture("empty-subject"));
            w.presents(&spec("").dns(KMS).self_signed());
        }),
        row("P2", "the pin's subject with another key", refused(SameSubjectOtherKey).considered(&["pin own for server keys-1: SameSubjectOtherKey"]).detail("pin own for server keys-1"), |w| {
            own_pin(w);
            w.presents(&spec("own").dns("elsewhere.example").self_signed());
        }),
        row("P2", "the pin's subject with another key, signed by an authority", refused(AuthoritiesNotAsked).considered(&["pin own for server keys-1: SameSubjectOtherKey"]), |w| {
            let pki = pki("any");
            own_pin(w);
            w.authority(For::AnyServer, "root", &pki.root);
            w.presents(&spec("own").dns(KMS).signed_by(&pki.root));
        }),
        row("M1", "renewed with the same key, and the pin has expired", refused(RenewedWithSameKey).considered(&["pin own for server keys-1: Expired"]), |w| {
            w.pin(KEYS_1, "own", &fixture("expired"));
            let key = String::from_utf8(super::support::fixture_key("expired")).unwrap();
            w.presents(&spec("x").dns(KMS).key(rcgen::KeyPair::from_pem(&key).unwrap()).self_signed());
        }),
        row("M1", "renewed with the same key, as openssl made both", refused(RenewedWithSameKey).considered(&["pin own for server keys-1: RenewedWithSameKey"]), |w| {
            w.pin(KEYS_1, "own", &fixture("reissued-old"));
            w.presents(&fixture("reissued-new"));
        }),
        row("P2", "the same subject with another key, as openssl made both", refused(SameSubjectOtherKey).considered(&["pin own for server keys-1: SameSubjectOtherKey"]), |w| {
            w.pin(KEYS_1, "own", &fixture("reissued-old"));
            w.presents(&fixture("same-subject-other-key"));
        }),
        row("M1", "renewed with the same key by a CA that is an authority", refused(RenewedWithSameKey).considered(&["pin own for server keys-1: RenewedWithSameKey"]), |w| {
            let (own, root) = (self_signed("own"), pki("any").root);
            w.pin(KEYS_1, "own", &own);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&spec("x").dns(KMS).key_of(&own).signed_by(&root));
        }),
        row("M1", "renewed with the same key, and that is pinned for another server", refused(RenewedWithSameKey).considered(&["pin own for server keys-1: RenewedWithSameKey"]), |w| {
            let own = self_signed("own");
            let new = spec("own").key_of(&own).self_signed();
            w.pin(KEYS_1, "own", &own);
            w.pin(For::Server("keys-2"), "new", &new);
            w.presents(&new);
        }),
        row("M1", "renewed with the same key, one of 65 pins", refused(RenewedWithSameKey).any_considered(), |w| {
            let own = self_signed("own");
            w.pin(KEYS_1, "own", &own);
            w.unknown_fingerprints(KEYS_1, 64);
            w.presents(&spec("own").key_of(&own).self_signed());
        }),
        row("M1", "a client's certificate renewed with the same key, one of 2000 pins", refused(RenewedWithSameKey).any_considered(), |w| {
            let own = self_signed("own");
            w.pin(For::Clients, "own", &own);
            w.unknown_fingerprints(For::Clients, 1999);
            w.presents(&spec("own").key_of(&own).self_signed());
            w.ask_client();
        }),
        row("M1", "the key of another server's pin, beside 1025 pins of its own", refused(PinDoesNotMatch).any_considered(), |w| {
            let own = self_signed("own");
            w.pin(For::Server("keys-2"), "own", &own);
            w.unknown_fingerprints(KEYS_1, 1025);
            w.presents(&spec("own").key_of(&own).self_signed());
        }),
        row("I3", "a leaf signed with the key of the last of four pins of one subject", refused(IssuedByPin).any_considered(), |w| signed_by_last_of(w, 4)),
        row("C5", "no more than four signatures are verified to tell so", refused(PinDoesNotMatch).any_considered(), |w| signed_by_last_of(w, 5)),
        row("P2", "65 pins that have all expired", refused(NoUsablePin).any_considered(), |w| {
            for _ in 0..65 {
                w.pin(KEYS_1, "one of many", &spec("x").valid(-1000, -1).self_signed());
            }
            w.presents(&self_signed("unknown"));
        }),
        row("P2", "one of two pins can be used", refused(PinDoesNotMatch).considered(&["pin own for server keys-1: PinDoesNotMatch", "pin old for server keys-1: Expired"]), |w| {
            own_pin(w);
            w.pin(KEYS_1, "old", &fixture("expired"));
            w.presents(&self_signed("unknown"));
        }),
        row("P2", "neither of two pins can be used", refused(NoUsablePin).considered(&["pin early for server keys-1: NotYetValid", "pin old for server keys-1: Expired"]), |w| {
            w.pin(KEYS_1, "early", &fixture("not-yet-valid"));
            w.pin(KEYS_1, "old", &fixture("expired"));
            w.presents(&self_signed("unknown"));
        }),
        row("P2", "the pin's key is shorter than the policy asks", refused(NoUsablePin).considered(&["pin own for server keys-1: KeyNotAllowed"]), |w| {
            w.pin(KEYS_1, "own", &fixture("ee-rsa2048"));
            w.policy = mutual_trust::Policy::new(super::support::keys().require_rsa_bits(3072).unwrap());
            w.presents(&self_signed("unknown"));
        }),
        // Installed for another peer
        row("P8", "another server's pin", from_group("pin other for server keys-2"), |w| {
            let other = self_signed("kms2.example");
            own_pin(w);
            w.pin(For::Server("keys-2"), "other", &other);
            w.presents(&other);
        }),
        row("P8", "a group's pin, and the server is not in it", from_group("pin other for group replicas"), |w| {
            let other = self_signed("kms2.example");
            own_pin(w);
            w.group("replicas", &["keys-2"]);
            w.pin(For::Group("replicas"), "other", &other);
            w.presents(&other);
        }),
        row("P8", "a pin of another server and of a client: the server's is named", from_group("pin other for server keys-2"), |w| {
            let other = self_signed("kms2.example");
            own_pin(w);
            w.pin(For::Clients, "other", &other);
            w.pin(For::Server("keys-2"), "other", &other);
            w.presents(&other);
        }),
        row("P8", "a pin of another server, by key", from_group("pin other for server keys-2"), |w| {
            let other = self_signed("kms2.example");
            own_pin(w);
            w.pin_with(For::Server("keys-2"), "other", &other, by_public_key());
            w.presents(&other);
        }),
        row("P8", "the key of another server's pin in another certificate", other_pin(), |w| {
            let other = self_signed("kms2.example");
            own_pin(w);
            w.pin_with(For::Server("keys-2"), "other", &other, by_public_key());
            w.presents(&spec("kms2.example").key_of(&other).self_signed());
        }),
        row("I7", "a client's pin", refused(InstalledForOtherRole).considered(&[OWN]).detail("pin other for clients"), |w| {
            let other = self_signed("array-7.example");
            own_pin(w);
            w.pin(For::Clients, "other", &other);
            w.presents(&other);
        }),
        row("C3", "an authority for clients", refused(AuthorityPresentedAsPeer).considered(&[OWN]).detail("authority root for clients"), |w| {
            let pki = pki("site");
            own_pin(w);
            w.authority(For::Clients, "root", &pki.root);
            w.presents(&pki.root);
        }),
        row("C3", "an installed intermediate", refused(AuthorityPresentedAsPeer).considered(&[OWN]).detail("intermediate i for all chains"), |w| {
            let pki = pki("site");
            own_pin(w);
            w.intermediate("i", &pki.intermediate);
            w.presents(&pki.intermediate);
        }),
    ]
}

#[rustfmt::skip]
fn authorities() -> Vec<Row> {
    vec![
        row("P2", "a claimed server presents a chain: the authority issued the leaf", not_asked().detail("authority root for any server"), |w| {
            let pki = pki("any");
            own_pin(w);
            w.authority(For::AnyServer, "root", &pki.root);
            w.presents(&spec("x").dns(KMS).signed_by(&pki.root));
        }),
        row("P2", "a claimed server presents a chain: the authority issued the presented intermediate", not_asked().detail("authority root for any server"), |w| {
            let pki = pki("any");
            own_pin(w);
            w.authority(For::AnyServer, "root", &pki.root);
            w.presents(&pki.server(KMS)).with("i", &pki.intermediate);
        }),
        row("P2", "a claimed server presents a chain: the authority issued the installed intermediate", not_asked().detail("authority root for any server"), |w| {
            let pki = pki("any");
            own_pin(w);
            w.authority(For::AnyServer, "root", &pki.root);
            w.intermediate("i", &pki.intermediate);
            w.presents(&pki.server(KMS));
        }),
        row("P2", "a claimed server presents a chain: the server's own authority issued the leaf", not_asked().detail("authority own root for server keys-1"), |w| {
            let pki = pki("own");
            own_pin(w);
            w.authority(For::AnyServer, "root", &super::support::pki::pki("any").root);
            w.authority(KEYS_1, "own root", &pki.root);
            w.presents(&spec("x").dns(KMS).signed_by(&pki.root));
        }),
        row("P2", "a claimed server presents a chain: any server's authority issued the leaf, and the server has one of its own that would be asked", other_pin(), |w| {
            let pki = pki("any");
            own_pin(w);
            w.authority(For::AnyServer, "root", &pki.root);
            w.authority(KEYS_1, "own root", &super::support::pki::pki("own").root);
            w.presents(&spec("x").dns(KMS).signed_by(&pki.root));
        }),
        row("P2", "a claimed server presents a chain: another server's authority issued the leaf", other_pin(), |w| {
            let pki = pki("other");
            own_pin(w);
            w.authority(For::Server("keys-2"), "root", &pki.root);
            w.presents(&spec("x").dns(KMS).signed_by(&pki.root));
        }),
        row("P2", "a claimed server presents a chain: an authority for clients issued the leaf", other_pin(), |w| {
            let pki = pki("site");
            own_pin(w);
            w.authority(For::Clients, "root", &pki.root);
            w.presents(&spec("x").dns(KMS).signed_by(&pki.root));
        }),
        row("P2", "a claimed server presents a chain: no installed authority issued the leaf", other_pin(), |w| {
            own_pin(w);
            w.authority(For::AnyServer, "root", &pki("any").root);
            w.presents(&pki("elsewhere").server(KMS));
        }),
    ]
}

/// A chain could have been presented, and what was presented is none: perhaps it was meant for a pin.
#[rustfmt::skip]
fn meant_for_pins() -> Vec<Row> {
    let migrating = |w: &mut World| {
        let until = super::support::at(super::support::NOW + 60);
        w.authority(For::AnyServer, "root", &pki("any").root);
        w.store.migrate(&server_id("keys-1"), until).unwrap();
    };
    vec![
        row("P8", "another server's pin, of version 1", refused(PinOfAnotherServer).detail("pin other for server keys-2"), |w| {
            w.authority(For::AnyServer, "root", &pki("any").root);
            w.pin(For::Server("keys-2"), "other", &fixture("v1"));
            w.presents(&fixture("v1"));
        }),
        row("P8", "another server's pin, issued by a CA of the authority's name", refused(PinOfAnotherServer).detail("pin other for server keys-2").any_considered(), |w| {
            let other = spec("x").dns(KMS).signed_by(&spec("any root").ca().self_signed());
            w.authority(For::AnyServer, "root", &pki("any").root);
            w.pin(For::Server("keys-2"), "other", &other);
            w.presents(&other);
        }),
        row("P8", "another server's pin, issued by what is no CA", refused(PinOfAnotherServer).detail("pin other for server keys-2").any_considered(), |w| {
            let no_ca = self_signed("no CA");
            let other = spec("x").dns(KMS).signed_by(&no_ca);
            w.authority(For::AnyServer, "root", &pki("any").root);
            w.pin(For::Server("keys-2"), "other", &other);
            w.presents(&other).with("no CA", &no_ca);
        }),
        row("I3", "while the server migrates, a leaf signed with the key of its pin, presented with that", refused(IssuedByPin).any_considered().detail("pin own for server keys-1, which cannot be an authority: it does not state that it is a CA (basicConstraints)"), move |w| {
            let own = self_signed("own");
            w.pin(KEYS_1, "own", &own);
            migrating(w);
            w.presents(&spec("x").dns(KMS).signed_by(&own)).with("own", &own);
        }),
        row("M1", "while the server migrates, a certificate of version 1 of the pin's key", refused(RenewedWithSameKey).any_considered(), move |w| {
            let key = String::from_utf8(super::support::fixture_key("v1")).unwrap();
            let own = spec("x").key(rcgen::KeyPair::from_pem(&key).unwrap()).self_signed();
            w.pin(KEYS_1, "own", &own);
            migrating(w);
            w.presents(&fixture("v1"));
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = signed_by_pins();
    rows.extend(meant_for_pins());
    rows.extend(mismatches());
    rows.extend(authorities());
    rows
}

// I3
#[test]
fn a_pin_vouches_for_no_other_certificate() {
    hold(signed_by_pins());
}

// I7, M1, P2, P8, C3
#[test]
fn what_matches_no_pin_is_told_apart() {
    hold(mismatches());
}

// I3, M1, P8
#[test]
fn what_is_no_chain_was_perhaps_meant_for_a_pin() {
    hold(meant_for_pins());
}

// P2
#[test]
fn a_claimed_server_is_told_which_authority_was_not_asked() {
    hold(authorities());
}

// P8: of several pins the nearest is told, of equally near ones the first by fingerprint.
#[test]
fn the_nearest_of_several_pins_is_told_whatever_their_order() {
    // Keys are made anew each time, and with them the order: one in 2^16 runs sees but one.
    for _ in 0..16 {
        let own = self_signed("own");
        let new = spec("own").key_of(&own).self_signed();
        let mut world = World::new();
        world.pin(KEYS_1, "same subject", &self_signed("own"));
        let renewed = world.pin(KEYS_1, "own", &own);
        world.presents(&new);
        let verdict = world.verdict();
        assert_eq!(verdict.reason(), RenewedWithSameKey, "{verdict}");
        assert_eq!(*verdict.detail(), Detail::Entry(renewed));

        let mut world = World::new();
        let pins = [1, 2, 3].map(|_| world.pin(KEYS_1, "same subject", &self_signed("own")));
        world.presents(&new);
        let verdict = world.verdict();
        assert_eq!(verdict.reason(), SameSubjectOtherKey, "{verdict}");
        let first = pins.into_iter().min_by_key(|key| key.fingerprint);
        assert_eq!(*verdict.detail(), Detail::Entry(first.unwrap()));
    }
}

// C5: of two ways that fail, the one that came further is told.
#[test]
fn the_way_that_came_furthest_is_told() {
    let key = spec("root").ca().self_signed();
    let constrained = spec("root").ca().key_of(&key).valid(-1000, 1000);
    let constrained = constrained.permit_dns("elsewhere.example").self_signed();
    let mut world = World::new();
    // It lasts longer, so that it is looked at first.
    let disabled = world.authority(For::AnyServer, "disabled", &key);
    world.disable(&disabled);
    world.authority(For::AnyServer, "constrained", &constrained);
    world.presents(&spec("x").dns(KMS).signed_by(&key));
    let verdict = world.verdict();
    assert_eq!(verdict.reason(), NameConstraintViolated, "{verdict}");
}

#[test]
fn a_peer_has_the_names_of_its_chain_and_a_pin_has_none() {
    let good = pki("CA");
    let mut world = World::new();
    let leaf = spec("x").dns(KMS).ip("192.0.2.7").signed_by(&good.root);
    world.authority(For::AnyServer, "root", &good.root);
    world.presents(&leaf);
    let names = |world: &mut World| {
        let verdict = world.verdict();
        let peer = verdict.peer().unwrap();
        peer.names().to_vec()
    };
    assert_eq!(
        names(&mut world),
        [format!("dns:{KMS}"), "ip:192.0.2.7".to_owned()]
    );
    let mut world = World::new();
    world.pin(KEYS_1, "own", &leaf);
    world.presents(&leaf);
    assert!(names(&mut world).is_empty());
}
