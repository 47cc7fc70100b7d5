//! What can never reach a verdict because import refuses it (rules I2, I4, I6 and P1).

use mutual_trust::certificate::Certificate;
use mutual_trust::error::{StoreError, UnusablePinReason};
use mutual_trust::store::StoreWarning;
use mutual_trust::{AuthorityScope, PinScope};

use super::support::pki::spec;
use super::support::{fixture, server_id};
use super::world::{World, by_public_key, plain};
use crate::support::Lists as _;

type Refused = fn(&StoreError) -> bool;

fn never_critical(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::CanNeverMatch {
            why: UnusablePinReason::CriticalExtension { .. },
            ..
        }
    )
}

fn never_role(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::CanNeverMatch {
            why: UnusablePinReason::ExtendedKeyUsage { .. },
            ..
        }
    )
}

fn unreadable(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::CanNeverMatch {
            why: UnusablePinReason::Unreadable,
            ..
        }
    )
}

fn certificates() -> Vec<(&'static str, Certificate, Refused)> {
    let ca = || spec("CA").ca();
    vec![
        ("CA:FALSE", fixture("ca-false"), |e| {
            matches!(e, StoreError::NotCa)
        }),
        (
            "no basicConstraints",
            fixture("no-basic-constraints"),
            |e| matches!(e, StoreError::NotCa),
        ),
        ("version 1", fixture("ca-v1"), |e| {
            matches!(e, StoreError::RoleNotStated { .. })
        }),
        ("no keyCertSign", fixture("ku-no-cert-sign"), |e| {
            matches!(e, StoreError::NoKeyCertSign)
        }),
        ("RSA 1024", fixture("rsa1024-ca"), |e| {
            matches!(e, StoreError::Key(_))
        }),
        (
            "an unknown critical extension",
            fixture("unknown-critical-ca"),
            never_critical,
        ),
        (
            "a critical constraint that is not applied",
            ca().critical_extension(&[2, 5, 29, 36])
                .self_signed()
                .certificate(),
            never_critical,
        ),
    ]
}

// I2, I4, I6
#[test]
fn what_cannot_issue_is_neither_authority_nor_intermediate() {
    for (name, certificate, expected) in certificates() {
        let scopes = [
            AuthorityScope::Server(server_id("keys-1")),
            AuthorityScope::AnyServer,
            AuthorityScope::Clients,
        ];
        for scope in scopes {
            let mut world = World::new();
            let refused = world
                .store
                .install_authority(scope, certificate.clone(), plain())
                .unwrap_err();
            assert!(expected(&refused), "authority, {name}: {refused:?}");
        }
        let mut world = World::new();
        let refused = world.store.install_intermediate(certificate, plain());
        let refused = refused.unwrap_err();
        assert!(expected(&refused), "intermediate, {name}: {refused:?}");
    }
    // The path builder knows fewer critical extensions between a leaf and an anchor than in the anchor.
    let policies = spec("CA").ca().critical_extension(&[2, 5, 29, 32]);
    let policies = policies.self_signed().certificate();
    let mut store = World::new().store;
    let refused = store.install_intermediate(policies.clone(), plain());
    assert!(unreadable(&refused.unwrap_err()));
    let scope = AuthorityScope::AnyServer;
    assert!(store.install_authority(scope, policies, plain()).is_ok());
}

// I6
#[test]
fn an_issuer_for_the_other_role_is_refused_where_it_could_never_match() {
    let for_clients = spec("CA").ca().client_auth().self_signed().certificate();
    let for_servers = spec("CA").ca().server_auth().self_signed().certificate();
    let mut store = World::new().store;
    for (scope, wrong, right) in [
        (AuthorityScope::AnyServer, &for_clients, &for_servers),
        (
            AuthorityScope::Server(server_id("keys-1")),
            &for_clients,
            &for_servers,
        ),
        (AuthorityScope::Clients, &for_servers, &for_clients),
    ] {
        let refused = store.install_authority(scope.clone(), wrong.clone(), plain());
        assert!(never_role(&refused.unwrap_err()), "{scope:?}");
        store
            .install_authority(scope, right.clone(), plain())
            .unwrap();
    }
    // It may be met on the way to either.
    store.install_intermediate(for_clients, plain()).unwrap();
    store.install_intermediate(for_servers, plain()).unwrap();
}

// I4, I6
#[test]
fn a_pin_that_could_never_be_used_is_refused() {
    let cases: Vec<(&str, Refused)> = vec![
        ("rsa1024", |e| matches!(e, StoreError::Key(_))),
        ("broken-self-signature", |e| {
            matches!(e, StoreError::WrongSelfSignature)
        }),
        ("self-issued-other-key", |e| {
            matches!(e, StoreError::WrongSelfSignature)
        }),
        ("unknown-critical-extension", never_critical),
        ("eku-client-only", never_role),
        ("eku-code-signing", never_role),
    ];
    for (name, expected) in cases {
        for options in [plain(), by_public_key()] {
            let mut world = World::new();
            let scope = PinScope::Server(server_id("keys-1"));
            let refused = world.store.install_pin(scope, fixture(name), options);
            let refused = refused.unwrap_err();
            assert!(expected(&refused), "{name}: {refused:?}");
        }
    }
    let mut world = World::new();
    let refused = world
        .store
        .install_pin(PinScope::Clients, fixture("eku-server-only"), plain());
    assert!(never_role(&refused.unwrap_err()));
}

// P1
#[test]
fn what_is_blocked_is_not_installed() {
    let mut world = World::new();
    let (pin, ca) = (fixture("ca-false"), fixture("ca-root"));
    world.store.block(&pin);
    world.store.block(&ca);
    let scope = || PinScope::Server(server_id("keys-1"));
    let store = &mut world.store;
    let refusals = [
        store.install_pin(scope(), pin.clone(), plain()),
        store.install_pin_fingerprint(scope(), pin.fingerprint(), plain()),
        store.install_authority(AuthorityScope::AnyServer, ca.clone(), plain()),
        store.install_intermediate(ca, plain()),
    ];
    for refused in refusals {
        assert!(matches!(refused.unwrap_err(), StoreError::Blocked(_)));
    }
}

// I5
#[test]
fn what_is_not_valid_now_is_installed_with_a_warning() {
    let mut world = World::new();
    let store = &mut world.store;
    let scope = PinScope::Server(server_id("keys-1"));
    let expired = store
        .install_pin(scope.clone(), fixture("expired"), plain())
        .unwrap();
    assert!(matches!(
        expired.warnings().items(),
        [StoreWarning::Expired { .. }]
    ));
    let early = store
        .install_pin(scope, fixture("not-yet-valid"), plain())
        .unwrap();
    assert!(matches!(
        early.warnings().items(),
        [StoreWarning::NotYetValid { .. }]
    ));
    let authority = store
        .install_authority(AuthorityScope::AnyServer, fixture("ca-expired"), plain())
        .unwrap();
    assert!(matches!(
        authority.warnings().items(),
        [StoreWarning::Expired { .. }]
    ));
}
