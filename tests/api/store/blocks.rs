//! Blocks in the store (rule P1).

use mutual_trust::certificate::{Certificate, Fingerprint, KeyPin};
use mutual_trust::error::StoreError as E;
use mutual_trust::store::{
    BlockSelector, Claim, EntryKey, Outcome, Scope, Slot, StoreWarning, TrustSource,
};
use mutual_trust::{AuthorityScope, PinScope, TrustStore};

use crate::store::common::*;
use crate::support::pki::{pki, self_signed, spec};
use crate::support::variants::other;
use crate::support::*;

/// Every way to install a certificate that can be a pin.
fn assert_no_pin(store: &mut TrustStore, certificate: &Certificate, by: &BlockSelector) {
    for scope in [
        server("s"),
        group("g"),
        PinScope::Clients,
        PinScope::Name(host("new.example")),
    ] {
        refused!(
            store,
            store.install_pin(scope, certificate.clone(), options()),
            E::Blocked(found) if **found == *by
        );
    }
}

fn assert_no_ca(store: &mut TrustStore, certificate: &Certificate, by: &BlockSelector) {
    for scope in [
        authority("s"),
        AuthorityScope::AnyServer,
        AuthorityScope::Clients,
    ] {
        refused!(
            store,
            store.install_authority(scope, certificate.clone(), options()),
            E::Blocked(found) if **found == *by
        );
    }
    refused!(
        store,
        store.install_intermediate(certificate.clone(), options()),
        E::Blocked(found) if **found == *by
    );
}

fn prepared() -> TrustStore {
    let mut store = with_servers(&["s"]);
    store.add_group(group_id("g")).unwrap();
    store
}

#[test]
fn a_blocked_certificate_is_not_installed_in_any_slot_or_scope() {
    let mut store = prepared();
    let certificate = fixture("ca-root");
    let report = changed!(store, store.block(&certificate));
    assert_added(&report);
    assert!(report.entries().is_empty());
    let selector = BlockSelector::certificate(&certificate);
    assert_eq!(blocks(&store), std::slice::from_ref(&selector));
    assert_no_pin(&mut store, &certificate, &selector);
    assert_no_ca(&mut store, &certificate, &selector);
    nothing_new!(store, store.block(&certificate));
    // No other entry.
    assert_added(
        &store
            .install_pin(server("s"), fixture("ca-other"), options())
            .unwrap(),
    );
    let report = changed!(store, store.unblock(&selector).unwrap());
    assert_eq!(report.done(), Outcome::Removed);
    assert!(blocks(&store).is_empty());
    let report = store.install_authority(AuthorityScope::AnyServer, certificate, options());
    assert_added(&report.unwrap());
}

#[test]
fn a_block_hits_the_key_in_a_certificate_that_was_issued_again() {
    let mut store = prepared();
    let (old, new) = (fixture("reissued-old"), fixture("reissued-new"));
    store.block(&old);
    assert_no_pin(&mut store, &new, &BlockSelector::certificate(&old));
    // A CA on the same key as well.
    let key = spec("leaf").self_signed();
    let ca = spec("ca").ca().key_of(&key).self_signed().certificate();
    store.block(&key.certificate);
    assert_no_ca(
        &mut store,
        &ca,
        &BlockSelector::certificate(&key.certificate),
    );
    // Another key under the same subject is another holder.
    let other = fixture("same-subject-other-key");
    assert_added(&store.install_pin(server("s"), other, options()).unwrap());
}

#[test]
fn a_fingerprint_alone_blocks_one_certificate_alone() {
    let mut store = prepared();
    let (old, new) = (fixture("reissued-old"), fixture("reissued-new"));
    let selector = BlockSelector::Fingerprint(old.fingerprint());
    changed!(store, store.block_selector(selector.clone()));
    nothing_new!(store, store.block_selector(selector.clone()));
    assert_no_pin(&mut store, &old, &selector);
    assert_added(&store.install_pin(server("s"), new, options()).unwrap());
}

#[test]
fn a_fingerprint_blocks_the_certificate_with_the_other_value_of_its_signature() {
    // P1: one is made of the other without the key.
    let pin = self_signed("kms1.example").certificate();
    let ca = new_ca().certificate();
    for [blocked, tried] in [
        [pin.clone(), other(&pin)],
        [other(&pin), pin.clone()],
        [ca.clone(), other(&ca)],
        [other(&ca), ca.clone()],
    ] {
        let mut store = prepared();
        assert_ne!(blocked.fingerprint(), tried.fingerprint());
        let selector = BlockSelector::Fingerprint(blocked.fingerprint());
        store.block_selector(selector.clone());
        assert_no_pin(&mut store, &tried, &selector);
        if tried.is_ca() {
            assert_no_ca(&mut store, &tried, &selector);
        }
        store.unblock(&selector).unwrap();
        assert_added(
            &store
                .install_pin(server("s"), tried.clone(), options())
                .unwrap(),
        );
        // Found where it is installed, and not enabled again.
        let report = changed!(store, store.block_selector(selector.clone()));
        let key = pin_key(of_server("s"), &tried);
        assert_eq!(report.entries().items(), std::slice::from_ref(&key));
        store.disable(&key, "blocked").unwrap();
        refused!(
            store,
            store.enable(&key),
            E::Blocked(found) if **found == selector
        );
    }
}

#[test]
fn a_fingerprint_that_is_completed_by_a_blocked_certificate_stays_bare() {
    let mut store = prepared();
    let pin = self_signed("kms1.example").certificate();
    let tried = other(&pin);
    let selector = BlockSelector::Fingerprint(pin.fingerprint());
    store
        .install_pin_fingerprint(server("s"), tried.fingerprint(), options())
        .unwrap();
    // Of the fingerprint alone it cannot be told.
    assert!(
        store
            .block_selector(selector.clone())
            .entries()
            .items()
            .is_empty()
    );
    refused!(
        store,
        store.install_pin(server("s"), tried.clone(), options()),
        E::Blocked(found) if **found == selector
    );
}

#[test]
fn a_bundle_and_a_revocation_list_of_a_blocked_certificate_are_refused() {
    let mut store = prepared();
    let pki = pki("any");
    let issuer = other(&pki.intermediate.certificate);
    store
        .install_intermediate(issuer.clone(), options())
        .unwrap();
    let selector = BlockSelector::Fingerprint(pki.intermediate.certificate.fingerprint());
    store.block_selector(selector.clone());
    let bundle = store.classify_bundle(vec![issuer, pki.root.certificate()]);
    let done = store.install_bundle(
        &bundle,
        &server("s"),
        &AuthorityScope::AnyServer,
        &options(),
    );
    assert!(
        matches!(&done, Err(E::BundleItem { source, .. }) if matches!(&**source, E::Blocked(found) if **found == selector)),
        "{done:?}"
    );
    let list = crl::crl().signed_by(&pki.intermediate);
    let done = store.install_crl(list);
    assert!(
        matches!(&done, Err(E::Blocked(found)) if **found == selector),
        "{done:?}"
    );
}

#[test]
fn a_key_alone_blocks_every_certificate_on_it() {
    let mut store = prepared();
    let (old, new) = (fixture("reissued-old"), fixture("reissued-new"));
    let selector = BlockSelector::Key(old.key_pin());
    changed!(store, store.block_selector(selector.clone()));
    assert_no_pin(&mut store, &old, &selector);
    assert_no_pin(&mut store, &new, &selector);
}

#[test]
fn issuer_and_serial_number_block_what_that_issuer_numbered_so() {
    let mut store = prepared();
    let issuer = new_ca();
    let leaf = |serial: u64| spec("leaf").serial(serial).signed_by(&issuer).certificate();
    let (seven, again, eight) = (leaf(7), leaf(7), leaf(8));
    let selector = BlockSelector::issuer_serial(&seven);
    changed!(store, store.block_selector(selector.clone()));
    assert_no_pin(&mut store, &seven, &selector);
    // Another certificate and another key under the same number: tools give it again.
    assert_ne!(seven.key_pin(), again.key_pin());
    assert_no_pin(&mut store, &again, &selector);
    assert_added(&store.install_pin(server("s"), eight, options()).unwrap());
    // The number of another issuer is another number.
    let other = spec("other root").ca().self_signed();
    let other = spec("leaf").serial(7).signed_by(&other).certificate();
    assert_added(&store.install_pin(server("s"), other, options()).unwrap());
    // The key of the first is not blocked.
    let key = spec("leaf").serial(9).signed_by(&issuer);
    let same_key = spec("leaf")
        .serial(10)
        .key_of(&key)
        .signed_by(&issuer)
        .certificate();
    store.block_selector(BlockSelector::issuer_serial(&key.certificate));
    assert_added(&store.install_pin(server("s"), same_key, options()).unwrap());
}

#[test]
fn a_longer_serial_number_is_not_the_beginning_of_another() {
    let mut store = prepared();
    let issuer = new_ca();
    let leaf = |serial: u64| spec("leaf").serial(serial).signed_by(&issuer).certificate();
    store.block_selector(BlockSelector::issuer_serial(&leaf(0x0102)));
    for free in [0x01, 0x02, 0x010203, 0x0201] {
        assert_added(
            &store
                .install_pin(server("s"), leaf(free), options())
                .unwrap(),
        );
    }
}

#[test]
fn what_is_installed_stays_and_the_report_names_it() {
    // P1 and I9.
    let mut store = prepared();
    let (old, new) = (fixture("reissued-old"), fixture("reissued-new"));
    store
        .install_pin(server("s"), old.clone(), options())
        .unwrap();
    store
        .install_pin(PinScope::Clients, new.clone(), options())
        .unwrap();
    store
        .install_pin(server("s"), fixture("ee-p256"), options())
        .unwrap();
    store
        .install_pin_fingerprint(group("g"), new.fingerprint(), options())
        .unwrap();
    let before = fingerprints(&store);
    let report = changed!(store, store.block(&new));
    let mut expected = vec![
        pin_key(of_server("s"), &old),
        pin_key(Scope::Clients, &new),
        pin_key(of_group("g"), &new),
    ];
    expected.sort();
    assert_eq!(report.entries().items(), expected);
    assert_eq!(fingerprints(&store), before);
    assert_eq!(claim(&store, "s"), Claim::Claimed);
    assert_eq!(level(&store, "s"), TrustSource::OwnPins);
    // Of a fingerprint nothing more is known: a block by key alone does not hit it.
    store.unblock(&BlockSelector::certificate(&new)).unwrap();
    let report = changed!(
        store,
        store.block_selector(BlockSelector::Key(new.key_pin()))
    );
    assert!(
        !report
            .entries()
            .items()
            .contains(&pin_key(of_group("g"), &new))
    );
    assert_eq!(report.entries().len(), 2);
    // What another block hits already is hit by this one as well.
    let report = changed!(store, store.block(&old));
    assert_eq!(report.entries().len(), 2);
    let report = changed!(
        store,
        store.block_selector(BlockSelector::issuer_serial(&old))
    );
    assert_eq!(report.entries().items(), [pin_key(of_server("s"), &old)]);
}

#[test]
fn unblock_takes_the_same_selector() {
    let mut store = prepared();
    let certificate = fixture("ee-p256");
    let whole = BlockSelector::certificate(&certificate);
    let fingerprint = BlockSelector::Fingerprint(certificate.fingerprint());
    let key = BlockSelector::Key(certificate.key_pin());
    let numbered = BlockSelector::issuer_serial(&certificate);
    let all = [whole, fingerprint, key, numbered];
    for made in &all {
        store.block_selector(made.clone());
        for other in all.iter().filter(|other| *other != made) {
            refused!(
                store,
                store.unblock(other),
                E::NotBlocked(found) if **found == *other
            );
        }
        store.unblock(made).unwrap();
    }
    // Each stands by itself: while one is left, the certificate is blocked by that one.
    for lifted in &all {
        for left in all.iter().filter(|left| *left != lifted) {
            store.block_selector(lifted.clone());
            store.block_selector(left.clone());
            assert_eq!(blocks(&store).len(), 2);
            changed!(store, store.unblock(lifted).unwrap());
            refused!(
                store,
                store.install_pin(server("s"), certificate.clone(), options()),
                E::Blocked(found) if **found == *left
            );
            changed!(store, store.unblock(left).unwrap());
        }
    }
    assert_added(
        &store
            .install_pin(server("s"), certificate, options())
            .unwrap(),
    );
}

#[test]
fn a_block_outlives_everything_that_was_installed() {
    let mut store = prepared();
    let certificate = fixture("ee-p256");
    store
        .install_pin(server("s"), certificate.clone(), options())
        .unwrap();
    store.block(&certificate);
    store
        .remove(&pin_key(of_server("s"), &certificate))
        .unwrap();
    store.release(&server_id("s")).unwrap();
    store.remove_server(&server_id("s")).unwrap();
    store.remove_group(&group_id("g")).unwrap();
    store.reset_floor(None);
    assert_eq!(blocks(&store), [BlockSelector::certificate(&certificate)]);
    refused!(
        store,
        store.install_pin(PinScope::Clients, certificate, options()),
        E::Blocked(_)
    );
}

#[test]
fn blocks_are_listed_in_an_order_that_does_not_depend_on_when_they_were_made() {
    let names = ["ee-p256", "ee-p384", "ca-root", "v1"];
    let made = |order: &mut dyn Iterator<Item = &&str>| {
        let mut store = store();
        for name in order {
            let certificate = fixture(name);
            store.block(&certificate);
            store.block_selector(BlockSelector::issuer_serial(&certificate));
            store.block_selector(BlockSelector::Key(certificate.key_pin()));
        }
        blocks(&store)
    };
    let forth = made(&mut names.iter());
    assert_eq!(forth.len(), 12);
    assert_eq!(forth, made(&mut names.iter().rev()));
}

#[test]
fn a_view_that_is_out_does_not_see_a_later_block() {
    // S1: a verdict uses one view from start to end.
    let mut store = prepared();
    let before = store.snapshot();
    store.block(&fixture("ee-p256"));
    assert_eq!(before.blocks().count(), 0);
    assert_eq!(store.snapshot().blocks().count(), 1);
}

#[test]
fn the_text_of_a_selector_says_what_it_blocks() {
    let certificate = fixture("ee-p256");
    let fingerprint = certificate.fingerprint().to_string();
    let key = certificate.key_pin().to_string();
    let text = |selector: BlockSelector| {
        let short = selector.to_string();
        assert!(
            !short.contains(&fingerprint) && !short.contains(&key),
            "{short}"
        );
        format!("{selector:#}")
    };
    assert!(text(BlockSelector::certificate(&certificate)).contains(&fingerprint));
    assert!(text(BlockSelector::Fingerprint(certificate.fingerprint())).contains(&fingerprint));
    assert!(text(BlockSelector::Key(certificate.key_pin())).contains(&key));
    let serial: String = certificate
        .serial()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    assert!(text(BlockSelector::issuer_serial(&certificate)).contains(&serial));
}

#[test]
fn entries_of_every_slot_are_named_when_their_key_is_blocked() {
    let mut store = prepared();
    let ca = fixture("ca-root");
    store
        .install_authority(AuthorityScope::AnyServer, ca.clone(), options())
        .unwrap();
    store
        .install_authority(authority("s"), ca.clone(), options())
        .unwrap();
    store.install_intermediate(ca.clone(), options()).unwrap();
    let report = store.block(&ca);
    let mut expected = vec![
        authority_key(Scope::AnyServer, &ca),
        authority_key(of_server("s"), &ca),
        EntryKey::new(Slot::Intermediate, Scope::Everyone, ca.fingerprint()),
    ];
    expected.sort();
    assert_eq!(report.entries().items(), expected);
    // Still held: the level is asked, and accepts nothing (words of the rules, *entry*).
    assert_eq!(level(&store, "s"), TrustSource::OwnAuthorities);
}

#[test]
fn the_report_of_a_block_says_what_is_blocked_and_what_accepts_nothing_now() {
    let mut store = with_servers(&["s"]);
    let pin = fixture("ee-p256");
    let _ = store
        .install_pin(server("s"), pin.clone(), options())
        .unwrap();
    let short = pin.fingerprint().short().to_string();
    let text = store.block(&pin).to_string();
    let first = format!("blocked: certificate {short} and its key (generation ");
    assert!(text.starts_with(&first), "{text}");
    assert!(
        text.contains(&format!("accepts nothing now: pin {short} for server s")),
        "{text}"
    );
    let again = store.block(&pin).to_string();
    assert!(
        again.starts_with("nothing changed: blocked already: "),
        "{again}"
    );
    let selector = BlockSelector::certificate(&pin);
    let text = format!("{:#}", store.unblock(&selector).unwrap());
    let first = format!("no longer blocked: certificate {} and", pin.fingerprint());
    assert!(text.starts_with(&first), "{text}");
}

// A key pin and a fingerprint are both SHA-256 and look alike.
#[test]
fn a_block_with_the_value_of_another_kind_is_warned_of() {
    let mut store = prepared();
    let held = fixture("ee-p256");
    let _ = store
        .install_pin(server("s"), held.clone(), options())
        .unwrap();
    let entry = EntryKey::new(Slot::Pin, Scope::Server(server_id("s")), held.fingerprint());
    let key = BlockSelector::Key(KeyPin::from_bytes(*held.fingerprint().as_bytes()));
    let fingerprint = Fingerprint::from_bytes(*held.key_pin().as_bytes());
    let fingerprint = BlockSelector::Fingerprint(fingerprint);
    for again in [false, true] {
        let report = store.block_selector(key.clone());
        assert!(
            matches!(
                report.warnings().items(),
                [StoreWarning::BlockedKeyIsFingerprint { held, .. }] if **held == entry
            ),
            "{again}: {report}"
        );
        let report = store.block_selector(fingerprint.clone());
        assert!(
            matches!(
                report.warnings().items(),
                [StoreWarning::BlockedFingerprintIsKey { held, .. }] if **held == entry
            ),
            "{again}: {report}"
        );
    }
    // What is unknown, and what hits an entry, is not warned of.
    for selector in [
        BlockSelector::Key(KeyPin::from_bytes([7; 32])),
        BlockSelector::Fingerprint(Fingerprint::from_bytes([7; 32])),
        BlockSelector::Key(held.key_pin()),
        BlockSelector::Fingerprint(held.fingerprint()),
    ] {
        let report = store.block_selector(selector);
        assert!(report.warnings().is_empty(), "{report}");
    }
}
