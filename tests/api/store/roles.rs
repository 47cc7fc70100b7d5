//! Certificates that could never be accepted where they were to be installed (rule I6).

use mutual_trust::certificate::{Certificate, Role};
use mutual_trust::error::{StoreError as E, UnusablePinReason};
use mutual_trust::limits::{KNOWN_CRITICAL_IN_CA, KNOWN_CRITICAL_IN_PIN};
use mutual_trust::store::StoreWarning as W;
use mutual_trust::{AuthorityScope, PinScope};
use rcgen::{CustomExtension, ExtendedKeyUsagePurpose as Eku};

use crate::store::common::*;
use crate::support::der::{bytes, parts, tree};
use crate::support::pki::{Spec, spec};
use crate::support::*;

fn never(error: E) -> UnusablePinReason {
    let E::CanNeverMatch { why, .. } = error else {
        panic!("{error:?}");
    };
    why
}

#[test]
fn an_extended_key_usage_for_the_other_role_can_never_match() {
    // I6. What each fixture may be pinned for: servers, clients.
    for (name, for_servers, for_clients) in [
        ("eku-client-only", false, true),
        ("eku-server-only", true, false),
        ("eku-code-signing", false, false),
        ("eku-any", true, true),
        ("ee-p256", true, true),
        ("ca-false", true, true),
        ("chain-server", true, false),
        ("chain-client", false, true),
        ("v1", true, true),
    ] {
        let mut store = with_servers(&["s"]);
        store.add_group(group_id("g")).unwrap();
        for (scope, role, fits) in [
            (server("s"), Role::Server, for_servers),
            (group("g"), Role::Server, for_servers),
            (
                PinScope::Name(host("new.example")),
                Role::Server,
                for_servers,
            ),
            (PinScope::Clients, Role::Client, for_clients),
        ] {
            let certificate = fixture(name);
            if fits {
                changed!(
                    store,
                    store.install_pin(scope, certificate, options()).unwrap()
                );
                continue;
            }
            refused!(
                store,
                store.install_pin(scope.clone(), certificate.clone(), options()),
                E::CanNeverMatch { why: UnusablePinReason::ExtendedKeyUsage { role: found, .. }, .. }
                    if *found == role
            );
            // Waived for this pin, with a warning.
            let options = options().with_any_role();
            let report = changed!(
                store,
                store.install_pin(scope, certificate, options).unwrap()
            );
            assert!(
                warnings(&report).contains(&W::RoleWaived),
                "{name}: {report}"
            );
        }
    }
    // Nothing to waive: no warning.
    let report = with_servers(&["s"])
        .install_pin(server("s"), fixture("ee-p256"), options().with_any_role())
        .unwrap();
    assert_eq!(warnings(&report), [W::PinNamesAnother], "{report}");
}

#[test]
fn the_extended_key_usage_of_a_ca_must_leave_room_for_the_role() {
    // I6 and C1.
    let ca = |usages: &[Eku]| {
        let ca = usages.iter().fold(spec("limited").ca(), |ca, usage| {
            ca.extended_key_usage(usage.clone())
        });
        ca.self_signed().certificate
    };
    let install = |scope: &AuthorityScope, certificate: Certificate| {
        with_servers(&["s"]).install_authority(scope.clone(), certificate, options())
    };
    let servers = [AuthorityScope::AnyServer, authority("s")];
    let clients = [AuthorityScope::Clients];
    for (usages, for_servers, for_clients) in [
        (vec![Eku::ServerAuth], true, false),
        (vec![Eku::ClientAuth], false, true),
        (vec![Eku::ServerAuth, Eku::ClientAuth], true, true),
        (vec![Eku::CodeSigning], false, false),
        (vec![], true, true),
    ] {
        let certificate = ca(&usages);
        for (scopes, role, fits) in [
            (&servers[..], Role::Server, for_servers),
            (&clients[..], Role::Client, for_clients),
        ] {
            for scope in scopes {
                match install(scope, certificate.clone()) {
                    Ok(_) => assert!(fits, "{usages:?} {scope:?}"),
                    Err(error) => {
                        assert!(!fits, "{usages:?} {scope:?}: {error}");
                        let why = never(error);
                        assert!(
                            matches!(why, UnusablePinReason::ExtendedKeyUsage { role: r, .. } if r == role),
                            "{why:?}"
                        );
                    }
                }
            }
        }
        // An intermediate serves both ends: one role is enough.
        let fits = for_servers || for_clients;
        assert_eq!(as_intermediate(certificate).is_ok(), fits, "{usages:?}");
    }
}

#[test]
fn the_waiver_is_for_pins_alone() {
    // I6: the EKU can be waived per pin.
    let mut store = store();
    let ca = spec("root").ca().client_auth().self_signed().certificate;
    refused!(
        store,
        store.install_authority(
            AuthorityScope::AnyServer,
            ca.clone(),
            options().with_any_role()
        ),
        E::OptionNotHere {
            option: "any_role",
            ..
        }
    );
    refused!(
        store,
        store.install_intermediate(ca, options().with_any_role()),
        E::OptionNotHere {
            option: "any_role",
            ..
        }
    );
}

#[test]
fn an_unknown_critical_extension_can_never_match() {
    // I6 and M6.
    let mut store = with_servers(&["s"]);
    for scope in [server("s"), PinScope::Clients] {
        refused!(
            store,
            store.install_pin(scope, fixture("unknown-critical-extension"), options()),
            E::CanNeverMatch { why: UnusablePinReason::CriticalExtension { oid, .. }, .. }
                if oid == "1.2.3.4.5.6"
        );
    }
    // any_role waives the role and nothing else.
    refused!(
        store,
        store.install_pin(
            server("s"),
            fixture("unknown-critical-extension"),
            options().with_any_role()
        ),
        E::CanNeverMatch {
            why: UnusablePinReason::CriticalExtension { .. },
            ..
        }
    );
    for result in [
        as_authority(fixture("unknown-critical-ca")),
        as_intermediate(fixture("unknown-critical-ca")),
        as_pin(fixture("unknown-critical-ca")),
    ] {
        let why = never(result.unwrap_err());
        assert!(
            matches!(why, UnusablePinReason::CriticalExtension { oid, .. } if oid == "1.2.3.4.5.6")
        );
    }
}

/// Content as it should be, for the extensions that a reader may read.
fn content(oid: &str) -> Vec<u8> {
    let some_oid = || bytes(0x06, &[0x2a, 0x03]);
    let value = match oid {
        "2.5.29.18" => parts(0x30, vec![bytes(0x82, b"a.example")]),
        "2.5.29.31" => {
            let place = parts(0xa0, vec![bytes(0x86, b"http://a.example/crl")]);
            parts(0x30, vec![parts(0x30, vec![parts(0xa0, vec![place])])])
        }
        "2.5.29.32" => parts(0x30, vec![parts(0x30, vec![some_oid()])]),
        "2.5.29.33" => parts(0x30, vec![parts(0x30, vec![some_oid(), some_oid()])]),
        "2.5.29.36" => parts(0x30, vec![bytes(0x80, &[0])]),
        "2.5.29.54" => bytes(0x02, &[0]),
        _ => bytes(0x05, &[]),
    };
    value.write()
}

#[test]
fn what_counts_as_known_is_the_list_in_limits() {
    // M6. An extension that is not read for its content, under each object identifier of the two lists.
    let numbers = |oid: &str| -> Vec<u64> { oid.split('.').map(|n| n.parse().unwrap()).collect() };
    let read = [
        "2.5.29.14",
        "2.5.29.15",
        "2.5.29.17",
        "2.5.29.19",
        "2.5.29.30",
        "2.5.29.35",
        "2.5.29.37",
    ];
    let dotted =
        |list: &[u8]| -> Vec<String> { list.iter().map(|last| format!("2.5.29.{last}")).collect() };
    let (in_pins, in_cas) = (dotted(KNOWN_CRITICAL_IN_PIN), dotted(KNOWN_CRITICAL_IN_CA));
    let candidates = in_pins.iter().chain(&in_cas).map(String::as_str);
    let more = [
        "2.5.29.46",
        "2.5.29.20",
        "1.3.6.1.5.5.7.1.1",
        "1.3.6.1.5.5.7.1.24",
        "2.5.29.55",
    ];
    let mut wrong = Vec::new();
    for oid in candidates.chain(more).filter(|oid| !read.contains(oid)) {
        let with = |spec: Spec| {
            let mut extension = CustomExtension::from_oid_content(&numbers(oid), content(oid));
            extension.set_criticality(true);
            spec.params(|params| params.custom_extensions.push(extension))
                .self_signed()
        };
        let (leaf, ca) = (with(spec("x")), with(spec("x").ca()));
        let is_in = |list: &[String]| list.iter().any(|known| known == oid);
        let (in_pin, in_ca) = (is_in(&in_pins), is_in(&in_cas));
        for (slot, result, known) in [
            ("pin", as_pin(leaf.certificate()), in_pin),
            ("authority", as_authority(ca.certificate()), in_ca),
        ] {
            let as_listed = match &result {
                Ok(_) => known,
                Err(E::CanNeverMatch {
                    why: UnusablePinReason::CriticalExtension { oid: found, .. },
                    ..
                }) => !known && found == oid,
                Err(_) => false,
            };
            if !as_listed {
                wrong.push(format!("{slot} {oid}: {result:?}"));
            }
        }
        // An intermediate is of use in a path alone, where webpki knows fewer: never more than the list.
        assert!(
            in_ca || as_intermediate(ca.certificate()).is_err(),
            "intermediate {oid}"
        );
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The first that is not known is the one that is named.
    let two = spec("x")
        .critical_extension(&[1, 2, 3])
        .critical_extension(&[1, 2, 4]);
    let why = never(as_pin(two.self_signed().certificate()).unwrap_err());
    assert!(matches!(why, UnusablePinReason::CriticalExtension { oid, .. } if oid == "1.2.3"));
}

#[test]
fn every_extension_that_is_read_may_be_critical() {
    // M6: all of them are in both lists. The signature is another key's, and so not judged.
    let issuer = new_ca();
    let ca = spec("limited")
        .ca()
        .dns("a.example")
        .server_auth()
        .permit_dns("example");
    let ca = ca.signed_by(&issuer).certificate;
    for last in [14, 15, 17, 19, 30, 35, 37] {
        let mut der = tree(&ca);
        let extension = der.extension(last).list();
        if extension.len() == 2 {
            extension.insert(1, bytes(0x01, &[0xff]));
        }
        let certificate = Certificate::from_der(&der.write()).unwrap();
        for (slot, result) in [
            ("pin", as_pin(certificate.clone())),
            ("authority", as_authority(certificate.clone())),
        ] {
            assert!(result.is_ok(), "2.5.29.{last} as {slot}: {result:?}");
        }
    }
}

#[test]
fn an_extension_that_is_not_critical_may_be_unknown() {
    let plain = spec("x").params(|params| {
        let unknown = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        params.custom_extensions.push(unknown);
    });
    as_pin(plain.self_signed().certificate()).unwrap();
}

#[test]
fn a_ca_that_the_path_builder_cannot_read_can_never_match() {
    // I6: an authority is of use in a path alone, and webpki reads no unique identifiers (RFC 5280 section
    // 4.1.2.8). A pin needs no path builder.
    let mut der = tree(&fixture("ca-intermediate"));
    let identifier = bytes(0x82, &[0x00, 0x01]);
    der.at(&[0]).list().insert(7, identifier);
    let certificate = Certificate::from_der(&der.write()).unwrap();
    for result in [
        as_authority(certificate.clone()),
        as_intermediate(certificate.clone()),
    ] {
        assert_eq!(never(result.unwrap_err()), UnusablePinReason::Unreadable);
    }
    as_pin(certificate).unwrap();
}

#[test]
fn an_intermediate_whose_time_the_path_builder_cannot_read_could_never_be_of_use() {
    // I6. As an authority it is of use: of those the path builder reads no times.
    const YEAR: i64 = 365 * 24 * 60 * 60;
    let root = spec("root").ca().self_signed();
    let early = |years: i64| {
        let made = spec("I").ca().valid(-years * YEAR, YEAR).signed_by(&root);
        made.certificate()
    };
    assert!(as_intermediate(early(50)).is_ok());
    let why = never(as_intermediate(early(60)).unwrap_err());
    assert!(matches!(why, UnusablePinReason::Unreadable), "{why:?}");
    assert!(as_authority(early(60)).is_ok());
}
