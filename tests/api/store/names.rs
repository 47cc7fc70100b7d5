//! Servers and their names: which may move where, and installing for a bare name.

use mutual_trust::error::{HostNameError, IdError, StoreError as E};
use mutual_trust::store::{Claim, Outcome, TrustSource};
use mutual_trust::{AuthorityScope, HostName, PinScope, ServerId};

use crate::store::common::*;
use crate::support::*;

fn names(store: &mutual_trust::TrustStore, id: &str) -> Vec<String> {
    let server = store.contents().server(&server_id(id)).unwrap();
    server.names().map(|name| name.to_string()).collect()
}

fn owner(store: &mutual_trust::TrustStore, name: &str) -> Option<String> {
    let server = store.contents().server_of(&host(name));
    server.map(|server| server.id().to_string())
}

#[test]
fn a_server_has_an_id_and_names_in_one_normal_form() {
    let mut store = store();
    let given = [
        "KMS1.Example.",
        "kms1.example",
        "[::ffff:192.0.2.7]",
        "[2001:DB8::1]",
    ];
    let report = changed!(
        store,
        store.add_server(server_id("s"), given.map(host)).unwrap()
    );
    assert_added(&report);
    assert_eq!(names(&store, "s").len(), 3);
    for name in [
        "kms1.example",
        "kms1.EXAMPLE.",
        "192.0.2.7",
        "::ffff:c000:207",
        "2001:db8:0::1",
    ] {
        assert_eq!(owner(&store, name).as_deref(), Some("s"), "{name}");
    }
    // Reached by id alone.
    changed!(store, store.add_server(server_id("t"), []).unwrap());
    assert!(names(&store, "t").is_empty());
}

#[test]
fn an_id_is_taken_once_and_a_name_belongs_to_at_most_one_server() {
    let mut store = with_servers(&["s", "t"]);
    refused!(
        store,
        store.add_server(server_id("s"), []),
        E::ServerExists(id) if id.as_str() == "s"
    );
    refused!(
        store,
        store.add_server(server_id("new"), [host("new.example"), host("S.example.")]),
        E::NameTaken { name, server, .. }
            if *name == host("s.example") && server.as_str() == "s"
    );
    assert_eq!(owner(&store, "new.example"), None);
    refused!(
        store,
        store.add_name(&server_id("t"), host("s.example")),
        E::NameTaken { server, .. } if server.as_str() == "s"
    );
    nothing_new!(
        store,
        store.add_name(&server_id("s"), host("s.example")).unwrap()
    );
    changed!(
        store,
        store.add_name(&server_id("s"), host("192.0.2.1")).unwrap()
    );
    assert_eq!(owner(&store, "192.0.2.1").as_deref(), Some("s"));
    refused!(
        store,
        store.add_name(&server_id("x"), host("x.example")),
        E::UnknownServer(_)
    );
}

#[test]
fn an_id_is_never_read_as_a_name() {
    let mut store = store();
    store.add_server(server_id("kms1.example"), []).unwrap();
    assert_eq!(owner(&store, "kms1.example"), None);
    // For the bare name a server would be made of that id, which is another server's.
    let name = PinScope::Name(host("kms1.example"));
    refused!(
        store,
        store.install_pin(name.clone(), new_pin(), options()),
        E::ServerExists(id) if id.as_str() == "kms1.example"
    );
    refused!(
        store,
        store.install_pin_fingerprint(name, new_pin().fingerprint(), options()),
        E::ServerExists(_)
    );
    refused!(
        store,
        store.install_authority(
            AuthorityScope::Name(host("kms1.example")),
            fixture("ca-root"),
            options()
        ),
        E::ServerExists(_)
    );
    // The server that has a name is found, whatever ids look like it.
    store
        .add_server(server_id("other"), [host("kms2.example")])
        .unwrap();
    store
        .add_server(server_id("kms2.example"), [host("kms3.example")])
        .unwrap();
    let report = store.install_pin(PinScope::Name(host("kms2.example")), new_pin(), options());
    assert_eq!(claims(&report.unwrap()), ["other"]);
    assert_eq!(claim(&store, "kms2.example"), Claim::Unclaimed);
}

#[test]
fn a_bare_name_means_the_server_that_has_it_or_makes_one() {
    let mut store = with_servers(&["s"]);
    let report = changed!(
        store,
        store
            .install_pin(PinScope::Name(host("S.EXAMPLE")), new_pin(), options())
            .unwrap()
    );
    assert_eq!(claims(&report), ["s"]);
    assert_eq!(store.contents().servers().count(), 1);
    for (given, id) in [
        ("KMS9.Example.", "kms9.example"),
        ("192.0.2.9", "192.0.2.9"),
        ("[2001:DB8::9]", "2001:db8::9"),
    ] {
        let name = PinScope::Name(host(given));
        let report = changed!(
            store,
            store.install_pin(name, new_pin(), options()).unwrap()
        );
        assert_eq!(claims(&report), [id], "{given}");
        assert_eq!(
            shifts(&report),
            [(id.to_owned(), TrustSource::Nothing, TrustSource::OwnPins)]
        );
        assert_eq!(names(&store, id), [host(given).to_string()]);
        assert_eq!(owner(&store, given).as_deref(), Some(id));
    }
    // The second pin for the name finds the server that the first made.
    let count = store.contents().servers().count();
    let report = store.install_pin(PinScope::Name(host("kms9.example")), new_pin(), options());
    assert!(claims(&report.unwrap()).is_empty());
    // An authority makes a server too, and claims nothing.
    let name = AuthorityScope::Name(host("kms10.example"));
    let report = changed!(
        store,
        store
            .install_authority(name, fixture("ca-root"), options())
            .unwrap()
    );
    assert!(claims(&report).is_empty());
    assert_eq!(
        shifts(&report),
        [(
            "kms10.example".to_owned(),
            TrustSource::Nothing,
            TrustSource::OwnAuthorities
        )]
    );
    assert_eq!(store.contents().servers().count(), count + 1);
    // The longest name fits an id.
    let label = "a".repeat(61);
    let longest = host(&format!("{label}.{label}.{label}.{label}.abcde"));
    assert_eq!(longest.to_string().len(), 253);
    store
        .install_pin(PinScope::Name(longest), new_pin(), options())
        .unwrap();
}

#[test]
fn a_refused_certificate_makes_no_server() {
    type Expected = fn(&E) -> bool;
    let mut store = store();
    let reasons: [(&str, Expected); 3] = [
        ("rsa1024", |error| matches!(error, E::Key(_))),
        ("broken-self-signature", |error| {
            matches!(error, E::WrongSelfSignature)
        }),
        ("eku-client-only", |error| {
            matches!(error, E::CanNeverMatch { .. })
        }),
    ];
    for (name, expected) in reasons {
        let scope = PinScope::Name(host("new.example"));
        let before = snapshot(store.contents());
        let error = store.install_pin(scope, fixture(name), options());
        let error = error.unwrap_err();
        assert!(expected(&error), "{name}: {error}");
        assert_eq!(snapshot(store.contents()), before, "{name}");
    }
    let scope = AuthorityScope::Name(host("new.example"));
    refused!(
        store,
        store.install_authority(scope, fixture("ca-v1"), options()),
        E::RoleNotStated { .. }
    );
    let scope = PinScope::Name(host("new.example"));
    refused!(
        store,
        store.install_pin_fingerprint(scope, new_pin().fingerprint(), options().with_end(at(NOW))),
        E::EndInThePast
    );
}

#[test]
fn a_name_of_an_unclaimed_server_moves_freely() {
    let mut store = with_servers(&["s", "t"]);
    store
        .install_pin(server("t"), new_pin(), options())
        .unwrap();
    let report = changed!(
        store,
        store
            .move_name(&host("s.example"), &server_id("t"))
            .unwrap()
    );
    assert_eq!(report.done(), Outcome::Changed);
    assert_eq!(owner(&store, "s.example").as_deref(), Some("t"));
    assert_eq!(names(&store, "t"), ["s.example", "t.example"]);
    assert!(names(&store, "s").is_empty());
    nothing_new!(
        store,
        store
            .move_name(&host("s.example"), &server_id("t"))
            .unwrap()
    );
}

#[test]
fn a_name_leaves_a_claimed_server_only_for_another_claimed_one() {
    let mut store = with_servers(&["s", "t", "claimed"]);
    store
        .install_pin(server("s"), new_pin(), options())
        .unwrap();
    store
        .install_pin(server("claimed"), new_pin(), options())
        .unwrap();
    let claimed = |error: &E| matches!(error, E::Claimed { server, .. } if server.as_str() == "s");
    refused!(store, store.move_name(&host("s.example"), &server_id("t")), error if claimed(error));
    // Migrating is claimed, and so is a server without a pin left.
    store.migrate(&server_id("s"), at(NOW + DAY)).unwrap();
    refused!(store, store.move_name(&host("s.example"), &server_id("t")), error if claimed(error));
    store.stop_migrating(&server_id("s")).unwrap();
    let mut keys = store
        .contents()
        .entries()
        .into_iter()
        .map(|entry| entry.key());
    let own = keys.find(|key| key.scope == of_server("s")).unwrap();
    drop(keys);
    store.remove(&own).unwrap();
    refused!(store, store.move_name(&host("s.example"), &server_id("t")), error if claimed(error));
    changed!(
        store,
        store
            .move_name(&host("s.example"), &server_id("claimed"))
            .unwrap()
    );
    assert_eq!(owner(&store, "s.example").as_deref(), Some("claimed"));
    // The id stays claimed without its name.
    assert_eq!(claim(&store, "s"), Claim::Claimed);
    // After its release a server's names move freely again.
    store.release(&server_id("claimed")).unwrap();
    changed!(
        store,
        store
            .move_name(&host("s.example"), &server_id("t"))
            .unwrap()
    );
}

#[test]
fn a_name_of_a_claimed_server_does_not_move_to_one_that_authorities_vouch_for_at_present() {
    // P3: while it migrates, an authority can vouch for whatever the new server is dialled by.
    let mut store = with_servers(&["s", "t"]);
    store
        .install_pin(server("s"), new_pin(), options())
        .unwrap();
    store
        .install_pin(server("t"), new_pin(), options())
        .unwrap();
    store.migrate(&server_id("t"), at(NOW + DAY)).unwrap();
    let before = snapshot(store.contents());
    assert!(
        store
            .move_name(&host("s.example"), &server_id("t"))
            .is_err()
    );
    assert_eq!(snapshot(store.contents()), before);
    store.stop_migrating(&server_id("t")).unwrap();
    changed!(
        store,
        store
            .move_name(&host("s.example"), &server_id("t"))
            .unwrap()
    );
}

#[test]
fn a_name_can_be_released_from_a_claimed_server() {
    let mut store = with_servers(&["s", "t"]);
    store
        .install_pin(server("s"), new_pin(), options())
        .unwrap();
    let report = changed!(store, store.release_name(&host("s.example")).unwrap());
    assert_eq!(report.done(), Outcome::Removed);
    assert_eq!(owner(&store, "s.example"), None);
    assert!(names(&store, "s").is_empty());
    assert_eq!(claim(&store, "s"), Claim::Claimed);
    refused!(
        store,
        store.release_name(&host("s.example")),
        E::UnknownName(name) if *name == host("s.example")
    );
    refused!(
        store,
        store.move_name(&host("s.example"), &server_id("t")),
        E::UnknownName(_)
    );
    refused!(
        store,
        store.move_name(&host("t.example"), &server_id("x")),
        E::UnknownServer(_)
    );
    // It belongs to no server, so any server may have it.
    changed!(
        store,
        store.add_name(&server_id("t"), host("s.example")).unwrap()
    );
}

#[test]
fn expected_names_are_kept_apart_from_names() {
    // C2: they replace the names in a chain; they are no names to dial.
    let mut store = with_servers(&["s", "t"]);
    let expected = [host("t.example"), host("KMS.example.")];
    changed!(
        store,
        store
            .set_reference_names(&server_id("s"), expected)
            .unwrap()
    );
    let server = store.contents().server(&server_id("s")).unwrap();
    let found: Vec<HostName> = server.expected_names().cloned().collect();
    assert_eq!(found, [host("kms.example"), host("t.example")]);
    assert_eq!(owner(&store, "t.example").as_deref(), Some("t"));
    assert_eq!(owner(&store, "kms.example"), None);
    changed!(
        store,
        store.set_reference_names(&server_id("s"), []).unwrap()
    );
    refused!(
        store,
        store.set_reference_names(&server_id("x"), []),
        E::UnknownServer(_)
    );
}

#[test]
fn ids_and_names_that_are_none_are_refused_with_their_reason() {
    assert!(matches!(
        "a b".parse::<ServerId>(),
        Err(IdError::Character { offset: 1, .. })
    ));
    assert!(matches!(
        "*.example".parse::<HostName>(),
        Err(HostNameError::Wildcard)
    ));
    assert!(matches!(
        "fe80::1%1".parse::<HostName>(),
        Err(HostNameError::ZoneId)
    ));
    assert!(matches!(
        "bücher.example".parse::<HostName>(),
        Err(HostNameError::NotAscii)
    ));
}
