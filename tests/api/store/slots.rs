//! What may stand in which slot and scope: rules I1, I2, I3 and I7.

use mutual_trust::certificate::{Certificate, KeyKind};
use mutual_trust::error::{KeyRefusal, StoreError as E};
use mutual_trust::store::{EntryKey, Outcome, Report, Scope, Slot, StoreWarning as W, TrustSource};
use mutual_trust::{AuthorityScope, PinScope};

use crate::store::common::*;
use crate::support::der::{bytes, parts, tree};
use crate::support::*;

#[test]
fn an_authority_states_that_it_may_issue() {
    // I2: v3, CA:TRUE, and keyCertSign if keyUsage is present.
    for (name, ok) in [
        ("ca-root", true),
        ("ca-intermediate", true),
        ("openssl-req-default", true),
    ] {
        assert_eq!(as_authority(fixture(name)).is_ok(), ok, "{name}");
        assert_eq!(as_intermediate(fixture(name)).is_ok(), ok, "{name}");
    }
    let mut store = with_servers(&["s"]);
    for name in ["ca-v1", "v1", "v1-ca-signed"] {
        let certificate = fixture(name);
        for scope in [
            AuthorityScope::AnyServer,
            AuthorityScope::Clients,
            authority("s"),
        ] {
            refused!(
                store,
                store.install_authority(scope, certificate.clone(), options()),
                E::RoleNotStated { version: 1, .. }
            );
        }
        refused!(
            store,
            store.install_intermediate(certificate.clone(), options()),
            E::RoleNotStated { version: 1, .. }
        );
        // With the hint to pin it, which then works.
        let error = store
            .install_intermediate(certificate.clone(), options())
            .unwrap_err();
        assert!(error.to_string().contains("pin"), "{error}");
        changed!(
            store,
            store
                .install_pin(server("s"), certificate, options())
                .unwrap()
        );
    }
    for name in [
        "ca-false",
        "no-basic-constraints",
        "chain-server",
        "keytool-default",
    ] {
        refused!(
            store,
            store.install_authority(AuthorityScope::AnyServer, fixture(name), options()),
            E::NotCa
        );
        refused!(
            store,
            store.install_intermediate(fixture(name), options()),
            E::NotCa
        );
    }
    refused!(
        store,
        store.install_authority(
            AuthorityScope::Clients,
            fixture("ku-no-cert-sign"),
            options()
        ),
        E::NoKeyCertSign
    );
    refused!(
        store,
        store.install_intermediate(fixture("ku-no-cert-sign"), options()),
        E::NoKeyCertSign
    );
    // As a pin it issues nothing, so it need not be able to.
    as_pin(fixture("ku-no-cert-sign")).unwrap();
}

#[test]
fn version_2_does_not_state_a_role_either() {
    // RFC 5280 section 4.1.2.9: only version 3 has extensions.
    let mut der = tree(&fixture("v1"));
    let version = parts(0xa0, vec![bytes(0x02, &[1])]);
    der.at(&[0]).list().insert(0, version);
    let certificate = Certificate::from_der(&der.write()).unwrap();
    assert_eq!(certificate.version(), 2);
    let error = as_authority(certificate).unwrap_err();
    assert!(
        matches!(error, E::RoleNotStated { version: 2, .. }),
        "{error:?}"
    );
}

#[test]
fn a_pin_may_be_any_certificate_and_says_so_if_it_is_a_ca() {
    // I3: a pin never vouches for another certificate, whatever it asserts.
    for name in [
        "ca-root",
        "openssl-req-default",
        "openssl-req-san",
        "ca-intermediate",
    ] {
        let report = as_pin(fixture(name)).unwrap();
        assert!(warnings(&report).contains(&W::PinIsCa), "{name}: {report}");
    }
    for name in [
        "ca-false",
        "no-basic-constraints",
        "v1",
        "chain-server",
        "empty-subject",
        "huge",
    ] {
        let report = as_pin(fixture(name)).unwrap();
        let mut found = warnings(&report).into_iter();
        // Some of them have other names than the server.
        assert!(
            found.all(|one| one == W::PinNamesAnother),
            "{name}: {report}"
        );
    }
}

#[test]
fn key_usage_without_digital_signature_is_a_warning_on_a_pin() {
    // M4.
    let report = as_pin(fixture("ku-key-encipherment-only")).unwrap();
    assert_eq!(
        warnings(&report),
        [W::NoDigitalSignature, W::PinNamesAnother]
    );
    let report = as_client_pin(fixture("ku-key-encipherment-only")).unwrap();
    assert_eq!(warnings(&report), [W::NoDigitalSignature]);
    // Not on an authority, whose key signs certificates.
    assert!(warnings(&as_authority(fixture("ca-root")).unwrap()).is_empty());
}

#[test]
fn client_entries_say_nothing_about_servers() {
    // I7.
    let mut store = with_servers(&["s"]);
    let (pin, ca) = (fixture("ee-p256"), fixture("ca-root"));
    let report = changed!(
        store,
        store
            .install_pin(PinScope::Clients, pin.clone(), options())
            .unwrap()
    );
    assert!(
        report.claims().is_empty() && report.shifts().is_empty(),
        "{report}"
    );
    let report = changed!(
        store,
        store
            .install_authority(AuthorityScope::Clients, ca.clone(), options())
            .unwrap()
    );
    assert!(
        report.claims().is_empty() && report.shifts().is_empty(),
        "{report}"
    );
    assert_eq!(level(&store, "s"), TrustSource::Nothing);
    // The same certificate for servers is another entry, and the other one stays.
    assert_added(
        &store
            .install_pin(server("s"), pin.clone(), options())
            .unwrap(),
    );
    assert_added(
        &store
            .install_authority(AuthorityScope::AnyServer, ca.clone(), options())
            .unwrap(),
    );
    let view = store.contents();
    for key in [
        pin_key(Scope::Clients, &pin),
        authority_key(Scope::Clients, &ca),
        pin_key(of_server("s"), &pin),
        authority_key(Scope::AnyServer, &ca),
    ] {
        assert!(view.entry(&key).is_some(), "{key}");
    }
}

#[test]
fn one_certificate_may_stand_in_every_slot() {
    // I1: the caller names the slot.
    let mut store = with_servers(&["s"]);
    store.add_group(group_id("g")).unwrap();
    let certificate = fixture("openssl-req-san");
    let install = |result: Result<Report, E>| assert_added(&result.unwrap());
    install(store.install_pin(server("s"), certificate.clone(), options()));
    install(store.install_pin(group("g"), certificate.clone(), options()));
    install(store.install_pin(PinScope::Clients, certificate.clone(), options()));
    for scope in [
        authority("s"),
        AuthorityScope::AnyServer,
        AuthorityScope::Clients,
    ] {
        install(store.install_authority(scope, certificate.clone(), options()));
    }
    install(store.install_intermediate(certificate.clone(), options()));
    let found: Vec<(Slot, Scope)> = store
        .contents()
        .entries()
        .iter()
        .map(|entry| (entry.slot(), entry.key().scope.clone()))
        .collect();
    assert_eq!(found.len(), 7);
    let everyone = EntryKey::new(
        Slot::Intermediate,
        Scope::Everyone,
        certificate.fingerprint(),
    );
    assert!(store.contents().entry(&everyone).is_some());
}

#[test]
fn an_entry_keeps_what_was_installed() {
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    let options = options().with_label("from the vendor");
    let report = store
        .install_pin(server("s"), certificate.clone(), options.clone())
        .unwrap();
    assert_eq!(report.done(), Outcome::Added);
    let key = pin_key(of_server("s"), &certificate);
    assert_eq!(report.entries().items(), std::slice::from_ref(&key));
    let entry = store.contents().entry(&key).unwrap();
    assert_eq!(entry.key(), key);
    assert_eq!(entry.certificate(), Some(&certificate));
    assert_eq!(entry.options(), &options);
    assert_eq!(entry.installed(), Some(at(NOW)));
    assert_eq!(entry.disabled(), None);
}

#[test]
fn nobody_is_trusted_by_a_store_with_unknown_servers_and_groups() {
    let mut store = store();
    refused!(
        store,
        store.install_pin(server("nobody"), fixture("ee-p256"), options()),
        E::UnknownServer(id) if id.as_str() == "nobody"
    );
    refused!(
        store,
        store.install_pin_fingerprint(
            server("nobody"),
            fixture("ee-p256").fingerprint(),
            options()
        ),
        E::UnknownServer(_)
    );
    refused!(
        store,
        store.install_authority(authority("nobody"), fixture("ca-root"), options()),
        E::UnknownServer(_)
    );
    refused!(
        store,
        store.install_pin(group("nobody"), fixture("ee-p256"), options()),
        E::UnknownGroup(id) if id.as_str() == "nobody"
    );
}

#[test]
fn weak_keys_and_unreadable_certificates_are_refused_in_every_slot() {
    // I4; the reasons are tested one by one elsewhere.
    let weak = |error: E| {
        matches!(
            error,
            E::Key(KeyRefusal::Weak {
                key: KeyKind::Rsa { bits: 1024, .. },
                min_bits: 2048,
                ..
            })
        )
    };
    assert!(weak(as_pin(fixture("rsa1024")).unwrap_err()));
    assert!(weak(as_client_pin(fixture("rsa1024")).unwrap_err()));
    assert!(weak(as_authority(fixture("rsa1024-ca")).unwrap_err()));
    assert!(weak(as_intermediate(fixture("rsa1024-ca")).unwrap_err()));
    assert!(weak(as_pin(fixture("rsa1024-ca")).unwrap_err()));
}
