//! A pin that is probably the certificate of another peer is installed with a warning.

use mutual_trust::store::{Report, StoreWarning};
use mutual_trust::{Certificate, EntryOptions, PinScope, TrustStore};

use crate::support::Lists as _;
use crate::support::pki::spec;
use crate::support::{host, server_id, store};

use crate::store::common::group_id;

fn names(report: &Report) -> Vec<String> {
    let all = report.warnings();
    let of = |one: &StoreWarning| {
        format!("{one:?}")
            .split([' ', '{'])
            .next()
            .unwrap()
            .to_owned()
    };
    all.items().iter().map(of).collect()
}

fn servers() -> TrustStore {
    let mut store = store();
    for id in ["keys-1", "keys-2"] {
        let name = format!("{id}.example");
        let _ = store.add_server(server_id(id), [host(&name)]).unwrap();
    }
    let _ = store.add_server(server_id("nameless"), []).unwrap();
    store
}

fn of(name: &str) -> Certificate {
    spec("a").dns(name).self_signed().certificate()
}

fn pin(store: &mut TrustStore, scope: PinScope, certificate: &Certificate) -> Vec<String> {
    let options = EntryOptions::new();
    names(
        &store
            .install_pin(scope, certificate.clone(), options)
            .unwrap(),
    )
}

fn at(id: &str) -> PinScope {
    PinScope::Server(server_id(id))
}

#[test]
fn the_pin_of_another_server_is_told() {
    let mut store = servers();
    let certificate = spec("a").self_signed().certificate();
    assert!(pin(&mut store, at("keys-1"), &certificate).is_empty());
    let options = EntryOptions::new();
    let report = store.install_pin(at("keys-2"), certificate.clone(), options);
    let text = report.unwrap().to_string();
    assert!(
        text.contains("for server keys-1: check that both"),
        "{text}"
    );
    // A client can have the certificate of a server.
    assert!(pin(&mut store, PinScope::Clients, &certificate).is_empty());
    // The members of a group share one.
    let mut store = servers();
    let (id, other) = (group_id("site"), group_id("other"));
    for group in [&id, &other] {
        let _ = store.add_group(group.clone()).unwrap();
    }
    let _ = store.join_group(&id, &server_id("keys-1")).unwrap();
    assert!(pin(&mut store, PinScope::Group(id), &certificate).is_empty());
    assert!(pin(&mut store, at("keys-1"), &certificate).is_empty());
    for scope in [at("keys-2"), PinScope::Group(other)] {
        assert_eq!(pin(&mut store, scope, &certificate), ["PinOfAnother"]);
    }
    // Also where only its fingerprint is held.
    let mut store = servers();
    let done =
        store.install_pin_fingerprint(at("keys-1"), certificate.fingerprint(), EntryOptions::new());
    let _ = done.unwrap();
    assert_eq!(
        pin(&mut store, at("keys-2"), &certificate),
        ["PinOfAnother"]
    );
}

#[test]
fn names_of_another_host_are_a_note() {
    let mut store = servers();
    assert!(pin(&mut store, at("keys-1"), &of("keys-1.example")).is_empty());
    assert_eq!(
        pin(&mut store, at("keys-1"), &of("keys-2.example")),
        ["PinNamesAnother"]
    );
    // A server without names, a certificate without names, and a wildcard.
    assert!(pin(&mut store, at("nameless"), &of("keys-9.example")).is_empty());
    let without = spec("a").self_signed().certificate();
    assert!(pin(&mut store, at("keys-2"), &without).is_empty());
    assert!(pin(&mut store, at("keys-2"), &of("*.example")).is_empty());
    // A name that is only expected in the certificate counts.
    let expected = [host("front.example")];
    let _ = store
        .set_reference_names(&server_id("keys-2"), expected)
        .unwrap();
    let told = pin(&mut store, at("keys-2"), &of("front.example"));
    assert_eq!(told, ["ManyPins"]);
}

#[test]
fn a_third_pin_is_told() {
    let mut store = servers();
    let mut made = || {
        let certificate = spec("a").self_signed().certificate();
        pin(&mut store, at("nameless"), &certificate)
    };
    assert!(made().is_empty());
    assert!(made().is_empty());
    assert_eq!(made(), ["ManyPins"]);
}
