//! What claims a server, and that nothing but a release ends it (rule P2).

use mutual_trust::store::{Claim, StoreWarning as W, TrustSource};
use mutual_trust::{AuthorityScope, PinScope, TrustStore};

use crate::store::common::*;
use crate::support::*;

#[test]
fn a_server_is_unclaimed_until_it_holds_a_pin() {
    let mut store = with_authorities();
    assert_eq!(claim(&store, "s"), Claim::Unclaimed);
    assert_eq!(level(&store, "s"), TrustSource::AnyServerAuthorities);
    assert_eq!(level(&store, "own"), TrustSource::OwnAuthorities);
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    store
        .install_authority(authority("s"), fixture("ca-root"), options())
        .unwrap();
    store
        .install_intermediate(fixture("ca-intermediate"), options())
        .unwrap();
    store
        .install_pin(PinScope::Clients, fixture("ee-p256"), options())
        .unwrap();
    assert_eq!(claim(&store, "s"), Claim::Unclaimed);
}

#[test]
fn every_way_to_come_by_a_pin_claims() {
    // However it came by it. Each way starts from the same store and ends with `s` claimed.
    type Way = (&'static str, fn(&mut TrustStore) -> Vec<String>);
    let ways: &[Way] = &[
        ("a pin of its own", |store| {
            claims(
                &store
                    .install_pin(server("s"), new_pin(), options())
                    .unwrap(),
            )
        }),
        ("a fingerprint", |store| {
            let fingerprint = new_pin().fingerprint();
            claims(
                &store
                    .install_pin_fingerprint(server("s"), fingerprint, options())
                    .unwrap(),
            )
        }),
        ("a pin by its name", |store| {
            let name = PinScope::Name(host("S.EXAMPLE."));
            claims(&store.install_pin(name, new_pin(), options()).unwrap())
        }),
        ("a bundle", |store| {
            let bundle = store.classify_bundle(vec![new_pin()]);
            let any = AuthorityScope::AnyServer;
            claims(
                &store
                    .install_bundle(&bundle, &server("s"), &any, &options())
                    .unwrap(),
            )
        }),
        ("a pin for its group", |store| {
            store.join_group(&group_id("g"), &server_id("s")).unwrap();
            claims(&store.install_pin(group("g"), new_pin(), options()).unwrap())
        }),
        ("a fingerprint for its group", |store| {
            store.join_group(&group_id("g"), &server_id("s")).unwrap();
            let fingerprint = new_pin().fingerprint();
            claims(
                &store
                    .install_pin_fingerprint(group("g"), fingerprint, options())
                    .unwrap(),
            )
        }),
        ("joining a group that holds a pin", |store| {
            store.install_pin(group("g"), new_pin(), options()).unwrap();
            claims(&store.join_group(&group_id("g"), &server_id("s")).unwrap())
        }),
        ("joining a group that holds a fingerprint", |store| {
            let fingerprint = new_pin().fingerprint();
            store
                .install_pin_fingerprint(group("g"), fingerprint, options())
                .unwrap();
            claims(&store.join_group(&group_id("g"), &server_id("s")).unwrap())
        }),
        ("an expired pin", |store| {
            claims(
                &store
                    .install_pin(server("s"), fixture("expired"), options())
                    .unwrap(),
            )
        }),
        ("a disabled pin of its group", |store| {
            let pin = new_pin();
            store
                .install_pin(group("g"), pin.clone(), options())
                .unwrap();
            store.disable(&pin_key(of_group("g"), &pin), "why").unwrap();
            claims(&store.join_group(&group_id("g"), &server_id("s")).unwrap())
        }),
        ("a blocked pin of its group", |store| {
            let pin = new_pin();
            store
                .install_pin(group("g"), pin.clone(), options())
                .unwrap();
            store.block(&pin);
            claims(&store.join_group(&group_id("g"), &server_id("s")).unwrap())
        }),
    ];
    for (what, way) in ways {
        let mut store = with_authorities();
        assert_eq!(way(&mut store), ["s"], "{what}: the report");
        assert_eq!(claim(&store, "s"), Claim::Claimed, "{what}");
        assert!(
            matches!(
                level(&store, "s"),
                TrustSource::OwnPins | TrustSource::GroupPins
            ),
            "{what}"
        );
        // P8: no other server is.
        assert_eq!(claim(&store, "own"), Claim::Unclaimed, "{what}");
    }
}

#[test]
fn nothing_but_a_release_ends_a_claim() {
    type Way = (&'static str, fn(&mut TrustStore));
    let ways: &[Way] = &[
        ("removing its last pin", |store| {
            let key = pin_key(of_server("s"), &fixture("ee-p256"));
            store.remove(&key).unwrap();
        }),
        ("leaving its group", |store| {
            store.leave_group(&server_id("s")).unwrap();
        }),
        ("deleting its group", |store| {
            store.remove_group(&group_id("g")).unwrap();
        }),
        ("removing the pin of its group", |store| {
            let key = pin_key(of_group("g"), &fixture("ee-p384"));
            store.remove(&key).unwrap();
        }),
        ("blocking its pins", |store| {
            store.block(&fixture("ee-p256"));
            store.block(&fixture("ee-p384"));
        }),
        ("disabling its pins", |store| {
            store
                .disable(&pin_key(of_server("s"), &fixture("ee-p256")), "why")
                .unwrap();
            store
                .disable(&pin_key(of_group("g"), &fixture("ee-p384")), "why")
                .unwrap();
        }),
        ("migrating and stopping", |store| {
            store.migrate(&server_id("s"), at(NOW + DAY)).unwrap();
            store.stop_migrating(&server_id("s")).unwrap();
        }),
        ("losing its name", |store| {
            store.release_name(&host("s.example")).unwrap();
        }),
        ("installing an authority of its own", |store| {
            store
                .install_authority(authority("s"), fixture("ca-root"), options())
                .unwrap();
        }),
        ("everything at once", |store| {
            store
                .remove(&pin_key(of_server("s"), &fixture("ee-p256")))
                .unwrap();
            store
                .remove(&pin_key(of_group("g"), &fixture("ee-p384")))
                .unwrap();
            store.leave_group(&server_id("s")).unwrap();
            store.remove_group(&group_id("g")).unwrap();
            store.release_name(&host("s.example")).unwrap();
            store.reset_floor(None);
        }),
        ("releasing another server", |store| {
            store
                .install_pin(server("own"), new_pin(), options())
                .unwrap();
            store.release(&server_id("own")).unwrap();
        }),
        ("releasing the group that it left", |store| {
            store.leave_group(&server_id("s")).unwrap();
            store.release_group(&group_id("g")).unwrap();
        }),
    ];
    for (what, way) in ways {
        let mut store = with_authorities();
        store.join_group(&group_id("g"), &server_id("s")).unwrap();
        store
            .install_pin(server("s"), fixture("ee-p256"), options())
            .unwrap();
        store
            .install_pin(group("g"), fixture("ee-p384"), options())
            .unwrap();
        way(&mut store);
        assert_eq!(claim(&store, "s"), Claim::Claimed, "{what}");
        // And it is never a matter for authorities again.
        assert!(
            level(&store, "s") <= TrustSource::NoUsablePin,
            "{what}: {:?}",
            level(&store, "s")
        );
    }
}

#[test]
fn a_claim_survives_the_certificate_that_made_it() {
    // P2: no usable pin is `NoUsablePin`, refused, however often the pin comes and goes.
    let mut store = with_authorities();
    let pin = fixture("ee-p256");
    for _ in 0..2 {
        store
            .install_pin(server("s"), pin.clone(), options())
            .unwrap();
        assert_eq!(level(&store, "s"), TrustSource::OwnPins);
        store.remove(&pin_key(of_server("s"), &pin)).unwrap();
        assert_eq!(level(&store, "s"), TrustSource::NoUsablePin);
    }
    // Installing again claims no server anew.
    let report = store.install_pin(server("s"), pin, options()).unwrap();
    assert!(claims(&report).is_empty());
    assert_eq!(
        shifts(&report),
        [(
            "s".to_owned(),
            TrustSource::NoUsablePin,
            TrustSource::OwnPins
        )]
    );
}

#[test]
fn own_pins_come_before_those_of_the_group() {
    // P2: of its own pins if it holds any, else of its group's.
    let mut store = with_authorities();
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    store
        .install_pin(group("g"), fixture("ee-p384"), options())
        .unwrap();
    assert_eq!(level(&store, "s"), TrustSource::GroupPins);
    let report = store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    assert_eq!(level(&store, "s"), TrustSource::OwnPins);
    assert_eq!(
        shifts(&report),
        [("s".to_owned(), TrustSource::GroupPins, TrustSource::OwnPins)]
    );
    assert_eq!(shadows(&report), ["s"]);
    let report = store
        .remove(&pin_key(of_server("s"), &fixture("ee-p256")))
        .unwrap();
    assert_eq!(
        shifts(&report),
        [("s".to_owned(), TrustSource::OwnPins, TrustSource::GroupPins)]
    );
    assert_eq!(exposes(&report), ["s"]);
}

#[test]
fn a_server_that_is_made_in_a_store_full_of_pins_is_unclaimed() {
    let mut store = with_authorities();
    store.install_pin(group("g"), new_pin(), options()).unwrap();
    store
        .install_pin(PinScope::Clients, new_pin(), options())
        .unwrap();
    let report = changed!(store, store.add_server(server_id("new"), []).unwrap());
    assert!(claims(&report).is_empty());
    assert_eq!(claim(&store, "new"), Claim::Unclaimed);
}

#[test]
fn the_loss_of_the_last_pin_is_warned_of() {
    let mut store = with_authorities();
    let lost =
        |warning: &W| matches!(warning, W::NoUsablePin { server, .. } if server.as_str() == "s");
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    let report = store
        .remove(&pin_key(of_server("s"), &fixture("ee-p256")))
        .unwrap();
    assert!(report.warnings().items().iter().any(lost), "{report}");
    assert_eq!(report.warnings().len(), 1);
    store
        .install_pin(group("g"), fixture("ee-p256"), options())
        .unwrap();
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    let report = store.leave_group(&server_id("s")).unwrap();
    assert!(report.warnings().items().iter().any(lost), "{report}");
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    let report = store.remove_group(&group_id("g")).unwrap();
    assert!(report.warnings().items().iter().any(lost), "{report}");
}
