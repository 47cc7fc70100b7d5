//! What each change reports: claims, what it shadows and exposes, what other entries still accept, warnings
//! (rules I9 and P4).

use mutual_trust::error::StoreError as E;
use mutual_trust::limits::MAX_REPORTED;
use mutual_trust::store::{EntryKey, Outcome, Report, Scope, Slot, TrustSource};
use mutual_trust::{AuthorityScope, PinScope, TrustStore};

use crate::store::common::*;
use crate::support::*;

const ANY: AuthorityScope = AuthorityScope::AnyServer;

fn held(report: &Report) -> Vec<EntryKey> {
    report.still_held().items().to_vec()
}

#[test]
fn the_first_and_the_last_authority_of_a_level_report_who_is_affected() {
    // P4: own authorities if a server holds any, else those of any server.
    let mut store = with_servers(&["claimed", "own", "plain"]);
    store
        .install_pin(server("claimed"), new_pin(), options())
        .unwrap();
    let report = store
        .install_authority(authority("own"), fixture("ca-other"), options())
        .unwrap();
    assert_eq!(
        shifts(&report),
        [(
            "own".to_owned(),
            TrustSource::Nothing,
            TrustSource::OwnAuthorities
        )]
    );
    let report = store
        .install_authority(ANY, fixture("ca-root"), options())
        .unwrap();
    let plain = |from, to| [("plain".to_owned(), from, to)];
    assert_eq!(
        shifts(&report),
        plain(TrustSource::Nothing, TrustSource::AnyServerAuthorities)
    );
    let second = store
        .install_authority(ANY, fixture("ca-other"), options())
        .unwrap();
    assert!(second.shifts().is_empty(), "{second}");
    // Its own shadow those of any server.
    let report = store
        .install_authority(authority("plain"), fixture("ca-root"), options())
        .unwrap();
    assert_eq!(
        shifts(&report),
        plain(
            TrustSource::AnyServerAuthorities,
            TrustSource::OwnAuthorities
        )
    );
    assert_eq!(shadows(&report), ["plain"]);
    assert!(exposes(&report).is_empty());
    let second = store
        .install_authority(authority("plain"), fixture("ca-other"), options())
        .unwrap();
    assert!(second.shifts().is_empty(), "{second}");
    // And expose them when the last is gone, not before.
    let own = |name| authority_key(of_server("plain"), &fixture(name));
    let report = store.remove(&own("ca-other")).unwrap();
    assert!(report.shifts().is_empty(), "{report}");
    let report = store.remove(&own("ca-root")).unwrap();
    assert_eq!(
        shifts(&report),
        plain(
            TrustSource::OwnAuthorities,
            TrustSource::AnyServerAuthorities
        )
    );
    assert_eq!(exposes(&report), ["plain"]);
    assert!(shadows(&report).is_empty());
    let any = |name| authority_key(Scope::AnyServer, &fixture(name));
    let report = store.remove(&any("ca-root")).unwrap();
    assert!(report.shifts().is_empty(), "{report}");
    let report = store.remove(&any("ca-other")).unwrap();
    assert_eq!(
        shifts(&report),
        plain(TrustSource::AnyServerAuthorities, TrustSource::Nothing)
    );
    // Claimed throughout: never reported.
    assert_eq!(level(&store, "claimed"), TrustSource::OwnPins);
}

#[test]
fn a_first_pin_shadows_the_authorities_of_its_server_alone() {
    // P2 and P8.
    let mut store = with_servers(&["own", "plain", "other"]);
    store
        .install_authority(ANY, fixture("ca-root"), options())
        .unwrap();
    store
        .install_authority(authority("own"), fixture("ca-other"), options())
        .unwrap();
    for (id, from) in [
        ("own", TrustSource::OwnAuthorities),
        ("plain", TrustSource::AnyServerAuthorities),
    ] {
        let report = store
            .install_pin(server(id), fixture("ee-p256"), options())
            .unwrap();
        assert_eq!(
            shifts(&report),
            [(id.to_owned(), from, TrustSource::OwnPins)]
        );
        assert_eq!(shadows(&report), [id]);
        assert_eq!(claims(&report), [id]);
    }
    assert_eq!(level(&store, "other"), TrustSource::AnyServerAuthorities);
}

#[test]
fn removing_reports_the_entry_and_needs_it_to_be_there() {
    let mut store = with_servers(&["s"]);
    let pin = fixture("ee-p256");
    let key = pin_key(of_server("s"), &pin);
    refused!(store, store.remove(&key), E::NoSuchEntry(found) if **found == key);
    store
        .install_pin(server("s"), pin.clone(), options())
        .unwrap();
    // The same certificate in another slot or scope is another entry.
    for other in [
        pin_key(Scope::Clients, &pin),
        authority_key(of_server("s"), &pin),
        pin_key(of_server("s"), &fixture("ee-p384")),
        EntryKey::new(Slot::Intermediate, Scope::Everyone, pin.fingerprint()),
    ] {
        refused!(store, store.remove(&other), E::NoSuchEntry(_));
    }
    let report = changed!(store, store.remove(&key).unwrap());
    assert_eq!(report.done(), Outcome::Removed);
    assert_eq!(report.entries().items(), std::slice::from_ref(&key));
    assert!(held(&report).is_empty());
    refused!(store, store.remove(&key), E::NoSuchEntry(_));
}

#[test]
fn what_is_removed_together_is_not_still_held() {
    let (pin, renewed) = (fixture("reissued-old"), fixture("reissued-new"));
    let keys = [&pin, &renewed].map(|one| pin_key(of_server("s"), one));
    let with_both = || {
        let mut store = with_servers(&["s"]);
        for one in [&pin, &renewed] {
            store
                .install_pin(server("s"), one.clone(), options())
                .unwrap();
        }
        store
    };
    let report = with_both().remove(&keys[0]).unwrap();
    assert_eq!(held(&report), [keys[1].clone()]);
    let mut store = with_both();
    let before = store.contents().generation();
    let report = store.remove_all(&keys).unwrap();
    assert!(held(&report).is_empty(), "{report}");
    assert_eq!(store.contents().generation(), before + 1);
    assert!(store.contents().entries().is_empty());
    // All or none.
    let mut store = with_both();
    let other = pin_key(of_server("s"), &fixture("ca-root"));
    let both = [keys[0].clone(), other];
    refused!(store, store.remove_all(&both), E::NoSuchEntry(_));
}

#[test]
fn removing_reports_other_entries_that_hold_the_certificate_or_its_key() {
    let mut store = with_servers(&["s", "t"]);
    store.add_group(group_id("g")).unwrap();
    let (pin, renewed) = (fixture("reissued-old"), fixture("reissued-new"));
    store
        .install_pin(server("s"), pin.clone(), options())
        .unwrap();
    store
        .install_pin(group("g"), pin.clone(), options())
        .unwrap();
    store
        .install_pin(PinScope::Clients, pin.clone(), options())
        .unwrap();
    store
        .install_pin(server("t"), renewed.clone(), options())
        .unwrap();
    // Another certificate of that subject holds neither.
    store
        .install_pin(server("t"), fixture("same-subject-other-key"), options())
        .unwrap();
    let report = store.remove(&pin_key(of_server("s"), &pin)).unwrap();
    let mut expected = vec![
        pin_key(of_group("g"), &pin),
        pin_key(Scope::Clients, &pin),
        pin_key(of_server("t"), &renewed),
    ];
    expected.sort();
    assert_eq!(held(&report), expected);
    // In other slots too.
    let ca = fixture("ca-root");
    store.install_authority(ANY, ca.clone(), options()).unwrap();
    store
        .install_authority(authority("s"), ca.clone(), options())
        .unwrap();
    store.install_intermediate(ca.clone(), options()).unwrap();
    let report = store.remove(&authority_key(of_server("s"), &ca)).unwrap();
    let mut expected = vec![
        authority_key(Scope::AnyServer, &ca),
        EntryKey::new(Slot::Intermediate, Scope::Everyone, ca.fingerprint()),
    ];
    expected.sort();
    assert_eq!(held(&report), expected);
}

/// Server `s` in group `g`; the same certificate pinned for both, whole or by its fingerprint.
fn twins(own_whole: bool, group_whole: bool) -> TrustStore {
    let mut store = with_servers(&["s"]);
    store.add_group(group_id("g")).unwrap();
    store.join_group(&group_id("g"), &server_id("s")).unwrap();
    let pin = fixture("ee-p256");
    for (scope, whole) in [(server("s"), own_whole), (group("g"), group_whole)] {
        match whole {
            true => store.install_pin(scope, pin.clone(), options()),
            false => store.install_pin_fingerprint(scope, pin.fingerprint(), options()),
        }
        .unwrap();
    }
    store
}

#[test]
fn a_pin_of_the_group_that_still_accepts_the_certificate_is_reported() {
    // I9: "leaves accepted by other entries", in whichever form the two are held.
    let pin = fixture("ee-p256");
    let (own, of_the_group) = (pin_key(of_server("s"), &pin), pin_key(of_group("g"), &pin));
    for (own_whole, group_whole) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut store = twins(own_whole, group_whole);
        let report = store.remove(&own).unwrap();
        assert_eq!(
            held(&report),
            std::slice::from_ref(&of_the_group),
            "{own_whole} {group_whole}"
        );
        let mut store = twins(own_whole, group_whole);
        let report = store.remove(&of_the_group).unwrap();
        assert_eq!(
            held(&report),
            std::slice::from_ref(&own),
            "{own_whole} {group_whole}"
        );
    }
}

#[test]
fn a_fingerprint_held_elsewhere_is_reported_like_a_certificate_held_elsewhere() {
    // I9. A certificate pinned for clients is reported when that of a server is removed; so is a fingerprint.
    let pin = fixture("ee-p256");
    for whole in [true, false] {
        let mut store = with_servers(&["s", "t"]);
        store
            .install_pin(server("s"), pin.clone(), options())
            .unwrap();
        for scope in [PinScope::Clients, server("t")] {
            match whole {
                true => store.install_pin(scope, pin.clone(), options()),
                false => store.install_pin_fingerprint(scope, pin.fingerprint(), options()),
            }
            .unwrap();
        }
        let report = store.remove(&pin_key(of_server("s"), &pin)).unwrap();
        let mut expected = vec![pin_key(Scope::Clients, &pin), pin_key(of_server("t"), &pin)];
        expected.sort();
        assert_eq!(held(&report), expected, "whole: {whole}");
    }
}

#[test]
fn every_change_that_removes_entries_reports_what_others_still_accept() {
    // I9: every change, not only `remove`.
    let pin = fixture("ee-p256");
    let elsewhere = pin_key(Scope::Clients, &pin);
    let own = pin_key(of_server("s"), &pin);
    let prepared = || {
        let mut store = twins(true, true);
        store
            .install_pin(PinScope::Clients, pin.clone(), options())
            .unwrap();
        store
    };
    let mut store = prepared();
    let mut found = held(&store.remove_group(&group_id("g")).unwrap());
    found.sort();
    let mut expected = vec![elsewhere.clone(), own];
    expected.sort();
    assert_eq!(found, expected, "deleting a group");
    let report = store.release(&server_id("s")).unwrap();
    assert_eq!(
        held(&report),
        std::slice::from_ref(&elsewhere),
        "releasing a server"
    );
    let mut store = prepared();
    let report = store.release_group(&group_id("g")).unwrap();
    assert_eq!(held(&report), [elsewhere], "releasing a group");
}

#[test]
fn lists_are_bounded_and_the_rest_is_counted() {
    let mut store = store();
    let count = MAX_REPORTED + 6;
    for number in 0..count {
        store
            .add_server(server_id(&format!("s{number:03}")), [])
            .unwrap();
    }
    let report = store
        .install_authority(ANY, fixture("ca-root"), options())
        .unwrap();
    assert_eq!(report.shifts().items().len(), MAX_REPORTED);
    assert_eq!(report.shifts().omitted(), 6);
    assert_eq!(report.shifts().len(), count);
    assert!(report.to_string().contains("6 more"), "{report}");
    store.add_group(group_id("g")).unwrap();
    for number in 0..count {
        store
            .join_group(&group_id("g"), &server_id(&format!("s{number:03}")))
            .unwrap();
    }
    let report = store
        .install_pin(group("g"), fixture("ee-p256"), options())
        .unwrap();
    assert_eq!(report.claims().len(), count);
    assert_eq!(report.claims().items().len(), MAX_REPORTED);
    // In the order of their ids.
    assert_eq!(report.claims().items()[0].as_str(), "s000");
    let report = store
        .remove(&pin_key(of_group("g"), &fixture("ee-p256")))
        .unwrap();
    assert_eq!(report.warnings().len(), count);
    assert_eq!(report.warnings().omitted(), 6);
}

#[test]
fn the_text_of_a_report_says_all_of_it() {
    let mut store = with_servers(&["keys-1"]);
    store
        .install_authority(ANY, fixture("ca-root"), options())
        .unwrap();
    let pin = fixture("openssl-req-san");
    let report = store
        .install_pin(server("keys-1"), pin.clone(), options())
        .unwrap();
    let text = report.to_string();
    for part in [
        "added",
        &pin.fingerprint().short().to_string(),
        "claims server: keys-1",
        "its own pins instead of the authorities of any server",
        "vouches for itself only",
        &format!("generation {}", report.generation()),
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    // P3: a pin decides as before while the server migrates.
    let until = at(NOW + DAY);
    let text = store.migrate(&server_id("keys-1"), until).unwrap();
    let text = text.to_string();
    let shift = "keys-1: its own pins as before, else the authorities of any server";
    assert!(text.contains(shift) && !text.contains("instead"), "{text}");
    let text = store.stop_migrating(&server_id("keys-1")).unwrap();
    let shift = "its own pins instead of the authorities of any server";
    assert!(text.to_string().contains(shift), "{text}");
    store
        .install_pin(PinScope::Clients, pin.clone(), options())
        .unwrap();
    let text = store
        .remove(&pin_key(of_server("keys-1"), &pin))
        .unwrap()
        .to_string();
    for part in [
        "removed",
        "still held by: pin",
        "for clients",
        "holds no pin now",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let again = store
        .install_authority(ANY, fixture("ca-root"), options())
        .unwrap();
    assert!(again.to_string().contains("already there"), "{again}");
}

/// What a report says of a server that migrates is said of one that presents no pin, and not of every peer.
#[cfg(feature = "admin")]
#[test]
fn a_server_has_no_two_trust_sources_in_one_report() {
    let asked = |report: &Report| -> Vec<String> {
        let text = report.to_string();
        let lines = text.lines().filter_map(|line| {
            let (_, asked) = line.split_once("now asked of: server ")?;
            Some(asked.to_owned())
        });
        lines.collect()
    };
    let mut store = with_servers(&["keys-1"]);
    let empty = store.snapshot();
    let pin = fixture("openssl-req-san");
    let install = |store: &mut TrustStore| {
        store
            .install_pin(server("keys-1"), pin.clone(), options())
            .unwrap()
    };
    install(&mut store);
    store.remove(&pin_key(of_server("keys-1"), &pin)).unwrap();
    let claimed = store.snapshot();
    install(&mut store);
    store
        .install_authority(ANY, fixture("ca-root"), options())
        .unwrap();
    store.migrate(&server_id("keys-1"), at(NOW + DAY)).unwrap();
    let migrating = store.snapshot();
    let left = "keys-1: nothing (claimed, no pin left) instead of its own pins";
    // The migration stays, since the earlier generation has no claim.
    let done = store.roll_back(&empty).unwrap();
    let without = "keys-1, if it presents no pin: nothing (not installed) instead of the authorities of any server";
    assert_eq!(asked(&done.report), [left, without]);
    // It ends: the earlier claim is the stricter one.
    drop(store.roll_back(&migrating).unwrap());
    let done = store.roll_back(&claimed).unwrap();
    assert_eq!(asked(&done.report), [left]);
}
