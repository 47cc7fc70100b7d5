//! What is demanded holds, wherever it was said and whatever is said later (rule I4).

use mutual_trust::ReasonCode::{self, *};
use mutual_trust::error::SettingError;
use mutual_trust::limits::{MAX_GRACE, MAX_INTERMEDIATES_IN_PATH};
use mutual_trust::store::ValidityRule;
use mutual_trust::{Policy, TrustStore};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use std::sync::Arc;
use std::time::Duration;

use super::support::pki::{Made, Spec, spec};
use super::support::{keys, now, policy};
use super::world::{For, KEYS_1, KMS, World, by_public_key, plain};

/// A world whose store asks for keys of RSA from 3072 bits on, and whose policy does not.
fn strict_store() -> World {
    let mut world = World::new();
    let strict = keys().require_rsa_bits(3072).unwrap();
    let servers: Vec<_> = world.store.contents().servers().cloned().collect();
    world.store = TrustStore::new(strict).with_clock(Arc::new(now()));
    for server in servers {
        let names = server.names().cloned();
        world.store.add_server(server.id().clone(), names).unwrap();
    }
    world
}

fn rsa(bits: RsaKeySize) -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, bits).unwrap()
}

fn short(spec: Spec) -> Spec {
    spec.key(rsa(RsaKeySize::_2048))
}

fn long(spec: Spec) -> Spec {
    spec.key(rsa(RsaKeySize::_3072))
}

type Build = fn(&mut World, fn(Spec) -> Spec);

const PLACES: [(&str, Build, ReasonCode); 5] = [
    (
        "a pin of which the fingerprint alone is installed",
        |w, with| {
            let own = with(spec(KMS).dns(KMS)).self_signed();
            w.fingerprint(KEYS_1, "own", &own, plain());
            w.presents(&own);
        },
        FingerprintMatched,
    ),
    (
        "a client's pin of which the fingerprint alone is installed",
        |w, with| {
            let own = with(spec("array-7")).self_signed();
            w.fingerprint(For::Clients, "own", &own, plain());
            w.presents(&own);
            w.ask_client();
        },
        FingerprintMatched,
    ),
    (
        "the leaf of a chain",
        |w, with| {
            let root = spec("root").ca().self_signed();
            w.authority(For::AnyServer, "root", &root);
            w.presents(&with(spec(KMS).dns(KMS)).signed_by(&root));
        },
        ChainVerified,
    ),
    (
        "the intermediate that is presented",
        |w, with| {
            let root = spec("root").ca().self_signed();
            let issuing: Made = with(spec("I").ca()).signed_by(&root);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&spec(KMS).dns(KMS).signed_by(&issuing));
            w.with("I", &issuing);
        },
        ChainVerified,
    ),
    (
        "a certificate of the key of a pin",
        |w, with| {
            let own = with(spec(KMS).dns(KMS)).self_signed();
            // The store takes no short key as a pin: of one it has the fingerprint alone, which matches nothing else.
            if w.store.key_policy().check(&own.certificate).is_ok() {
                w.pin_with(KEYS_1, "own", &own, by_public_key());
            } else {
                w.fingerprint(KEYS_1, "own", &own, plain());
            }
            w.presents(&own);
        },
        KeyMatched,
    ),
];

// I4
#[test]
fn what_the_store_demands_of_keys_every_verdict_demands() {
    for (place, build, accepted) in PLACES {
        let mut world = strict_store();
        build(&mut world, long);
        assert_eq!(world.verdict().reason(), accepted, "{place}");
        let mut world = strict_store();
        build(&mut world, short);
        assert_eq!(world.verdict().reason(), KeyNotAllowed, "{place}");
        // Of a store that takes it, it is good.
        let mut world = World::new();
        build(&mut world, short);
        assert_eq!(world.verdict().reason(), accepted, "{place}");
        // And the policy may demand more than the store.
        world.policy = Policy::new(keys().require_rsa_bits(3072).unwrap());
        assert_eq!(world.verdict().reason(), KeyNotAllowed, "{place}");
    }
}

// I4: two policies of two providers, of which one has no such keys.
#[test]
fn what_the_provider_of_the_store_does_not_have_decides_nothing() {
    let mut world = World::new();
    let nothing = TrustStore::new(mutual_trust::KeyPolicy::new(&[]));
    world.store = nothing.with_clock(Arc::new(now()));
    let own = spec("array-7").self_signed();
    world.fingerprint(For::Clients, "own", &own, plain());
    world.presents(&own);
    world.ask_client();
    assert_eq!(world.verdict().reason(), KeyNotAllowed);
}

#[test]
fn a_demand_is_tightened_and_never_lowered() {
    let none = policy().with_max_intermediates(0).unwrap();
    assert!(none.with_max_intermediates(0).is_ok());
    for more in [1, MAX_INTERMEDIATES_IN_PATH] {
        let refused = none.with_max_intermediates(more).unwrap_err();
        assert!(
            matches!(refused, SettingError::Lowered { set: 0, .. }),
            "{refused}"
        );
    }
    let refused = none.with_max_intermediates(6).unwrap_err().to_string();
    let says = "intermediates in a chain: 6 would lower the demand for 0 that was made before";
    assert_eq!(refused, says);
    let six = policy().with_max_intermediates(MAX_INTERMEDIATES_IN_PATH);
    assert!(six.unwrap().with_max_intermediates(2).is_ok());
}

#[test]
fn a_number_out_of_range_is_refused_and_not_cut() {
    let above = MAX_INTERMEDIATES_IN_PATH + 1;
    assert!(matches!(
        policy().with_max_intermediates(above),
        Err(SettingError::OutOfRange {
            found: 7,
            least: 0,
            most: 6,
            ..
        })
    ));
    let year = ValidityRule::Grace(MAX_GRACE);
    assert!(policy().with_validity(year).is_ok());
    for longer in [MAX_GRACE + Duration::from_nanos(1), Duration::MAX] {
        let refused = policy().with_validity(ValidityRule::Grace(longer));
        assert!(matches!(refused, Err(SettingError::OutOfRange { .. })));
    }
}
