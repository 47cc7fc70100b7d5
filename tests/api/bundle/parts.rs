//! What of a store a bundle has.

use mutual_trust::admin::bundle::{Bundle, BundleHead, Held, Part, Publication};
use mutual_trust::store::{Scope, TrustSnapshot};
use proptest::prelude::*;

use super::common::*;
use crate::durable::common::{filled, text_of};
use crate::invariants::admin::Admin;
use crate::invariants::operations::history;
use crate::support::random::config;
use crate::support::*;

/// The lines of a store's file, without those that belong to one machine and without the sums.
fn records(view: &TrustSnapshot) -> Vec<String> {
    let text = text_of(view);
    let own = ["mutual-trust ", "generation ", "floor ", "end ", "digest "];
    let lines = text.lines().filter(|line| {
        !own.iter().any(|start| line.starts_with(start)) && !line.starts_with("  source ")
    });
    lines.map(str::to_owned).collect()
}

/// The records of a store's file that belong to a part, by their first lines alone.
fn chosen(view: &TrustSnapshot, part: Part) -> Vec<String> {
    let mut is_chosen = true;
    let mut found = Vec::new();
    for line in records(view) {
        let is_first = line.contains(" #") && !line.starts_with("  ");
        if is_first {
            let words: Vec<&str> = line.split(' ').collect();
            is_chosen = match (part, words[0], words[1]) {
                (Part::All, ..) => true,
                (_, "intermediate" | "block" | "checked" | "crl", _) => true,
                (Part::Systems, "pin" | "authority", "clients") => true,
                (Part::Systems, ..) => false,
                (_, "pin" | "authority", "clients") => false,
                _ => true,
            };
        }
        if is_chosen {
            found.push(line);
        }
    }
    found
}

/// A bundle of a part that states what it has.
fn bundle_of(view: &TrustSnapshot, part: Part) -> Bundle {
    let all = signers(1);
    let head = BundleHead::new(&key_set(1, &all), part, 1, at(NOW - DAY), at(UNTIL)).unwrap();
    Bundle::new(view, head.clone())
        .or_else(|_| Bundle::new(view, head.trusting_none()))
        .unwrap()
}

#[test]
fn each_part_has_what_its_machines_need() {
    let store = filled();
    let view = store.contents();
    let all = signers(1);
    let set = key_set(1, &all);
    for part in [Part::All, Part::Servers, Part::Systems] {
        let head = BundleHead::new(&set, part, 1, at(NOW - DAY), at(UNTIL)).unwrap();
        let mut publication =
            Publication::new([set.clone()], Bundle::new(view, head).unwrap()).unwrap();
        sign(&mut publication, &all);
        let verified = verify(&Held::new(set.clone(), part), &publication).unwrap();
        let taken = verified.snapshot();
        assert_eq!(records(taken), chosen(view, part), "{part}");
        assert_eq!((taken.generation(), taken.floor()), (0, None));
        let scopes: Vec<_> = taken
            .entries()
            .iter()
            .map(|entry| entry.key().scope)
            .collect();
        let clients = scopes.iter().filter(|scope| **scope == Scope::Clients);
        let counts = (
            taken.servers().count(),
            taken.groups().count(),
            clients.count(),
        );
        let wanted = match part {
            Part::Systems => (0, 0, 2),
            Part::Servers => (3, 2, 0),
            _ => (3, 2, 2),
        };
        assert_eq!(counts, wanted, "{part}");
        assert_eq!(taken.blocks().count(), 4);
        assert_eq!(taken.revocation_checked_issuers().count(), 3);
        assert_eq!(taken.crls().count(), 3);
    }
}

#[test]
fn the_same_records_give_the_same_bytes_whatever_the_generation_and_the_floor() {
    let mut store = filled();
    let before = bundle_of(store.contents(), Part::All);
    let server = server_id("keys-9");
    store.add_server(server.clone(), []).unwrap();
    store.remove_server(&server).unwrap();
    let _ = store.reset_floor(Some(at(NOW - 10 * DAY)));
    let after = bundle_of(store.contents(), Part::All);
    let records = |bundle: &Bundle| {
        let text = String::from_utf8(bundle.to_bytes().to_vec()).unwrap();
        text.split_once("keys 1\n").unwrap().1.to_owned()
    };
    assert_eq!(records(&before), records(&after));
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn a_bundle_of_any_store_gives_back_the_part_of_it(history in history(40)) {
        let admin = Admin::after(&history);
        for part in [Part::All, Part::Servers, Part::Systems] {
            let bundle = bundle_of(admin.view(), part);
            let read = Bundle::read(bundle.to_bytes()).unwrap();
            prop_assert_eq!(&read, &bundle);
            let taken = read.snapshot(keys()).unwrap();
            prop_assert_eq!(records(&taken), chosen(admin.view(), part));
            // And again: a bundle of what was taken has the same records.
            let head = bundle.head().clone();
            let again = Bundle::new(&taken, head).unwrap();
            prop_assert_eq!(again.to_bytes(), bundle.to_bytes());
        }
    }
}
