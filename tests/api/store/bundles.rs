//! Mixed bundles: what is proposed, what is installed, and that it is all or nothing (rule I1).

use mutual_trust::certificate::Certificate;
use mutual_trust::error::StoreError as E;
use mutual_trust::store::{
    Bundle, Decision, EntryKey, Outcome, Report, Scope, Slot, StoreWarning as W,
    SuggestedSlot as P, TrustSource,
};
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, TrustStore};

use crate::store::common::*;
use crate::support::der;
use crate::support::pki::{Made, pki, spec};
use crate::support::*;

fn proposals(certificates: Vec<Certificate>) -> Vec<P> {
    let bundle = store().classify_bundle(certificates.clone());
    let items = bundle.items().iter();
    assert!(
        items
            .clone()
            .map(|item| item.certificate())
            .eq(&certificates)
    );
    items.map(|item| item.proposal()).collect()
}

fn of_names(names: &[&str]) -> Vec<P> {
    proposals(names.iter().map(|name| fixture(name)).collect())
}

fn install(store: &mut TrustStore, bundle: &Bundle) -> Result<Report, E> {
    store.install_bundle(bundle, &server("s"), &AuthorityScope::AnyServer, &options())
}

#[test]
fn each_line_of_the_rule_has_its_proposal() {
    // An end entity whose issuer is in the bundle; a CA whose issuer is; any other CA; an end entity alone.
    assert_eq!(
        of_names(&["ca-root", "ca-intermediate", "chain-server", "ca-false"]),
        [P::Authority, P::Intermediate, P::Skip, P::Pin]
    );
    // CA:FALSE, absent or v1: a pin.
    for name in [
        "ca-false",
        "no-basic-constraints",
        "v1",
        "keytool-default",
        "v1-ca-signed",
    ] {
        assert_eq!(of_names(&[name]), [P::Pin], "{name}");
    }
    // A self-signed CA alone can be either.
    for name in ["openssl-req-default", "openssl-req-san", "ca-root"] {
        assert_eq!(of_names(&[name]), [P::Undecided], "{name}");
    }
    // A CA that another one issued, which is not here.
    assert_eq!(of_names(&["ca-intermediate"]), [P::Authority]);
    assert_eq!(
        of_names(&["ca-intermediate", "chain-server"]),
        [P::Authority, P::Skip]
    );
    // An end entity whose issuer is not here.
    assert_eq!(of_names(&["ca-root", "chain-server"])[1], P::Pin);
    assert_eq!(of_names(&["ca-other", "chain-server"])[1], P::Pin);
    assert_eq!(
        of_names(&["ca-root", "v1-ca-signed"]),
        [P::Authority, P::Skip]
    );
    assert!(of_names(&[]).is_empty());
}

#[test]
fn the_order_of_the_bundle_makes_no_difference() {
    let names = ["chain-server", "ca-false", "ca-intermediate", "ca-root"];
    assert_eq!(
        of_names(&names),
        [P::Skip, P::Pin, P::Intermediate, P::Authority]
    );
}

#[test]
fn a_name_alone_does_not_make_an_issuer() {
    // The subject of the root, on another key.
    assert_eq!(
        of_names(&["ca-root", "self-signed-with-ca-subject"])[1],
        P::Pin
    );
    // Issued under the name of the root by another root of that name.
    let (one, two) = (pki("same"), pki("same"));
    let leaf = two.server("kms1.example").certificate();
    let found = proposals(vec![
        one.intermediate.certificate(),
        one.root.certificate(),
        leaf.clone(),
    ]);
    assert_eq!(found, [P::Intermediate, P::Authority, P::Pin]);
    // With both, the right one is found whatever the order.
    let found = proposals(vec![
        one.root.certificate(),
        one.intermediate.certificate(),
        two.root.certificate(),
        two.intermediate.certificate(),
        leaf,
    ]);
    assert_eq!(
        found,
        [
            P::Authority,
            P::Intermediate,
            P::Authority,
            P::Intermediate,
            P::Skip
        ]
    );
}

#[test]
fn a_ca_that_was_issued_again_with_its_key_did_not_issue_its_twin() {
    // Each signed itself. Were both intermediates of each other, the bundle would have no authority.
    let old = spec("root").ca().self_signed();
    let new = spec("root").ca().key_of(&old).self_signed();
    let leaf = spec("leaf").signed_by(&new).certificate();
    let found = proposals(vec![old.certificate(), new.certificate(), leaf]);
    assert!(!found.contains(&P::Intermediate), "{found:?}");
    assert_eq!(found[2], P::Skip);
}

#[test]
fn nothing_is_installed_by_sorting() {
    let store = with_servers(&["s"]);
    let before = snapshot(store.contents());
    store.classify_bundle(vec![fixture("ca-root"), fixture("ca-false")]);
    assert_eq!(snapshot(store.contents()), before);
}

#[test]
fn an_accepted_bundle_is_installed_with_one_report() {
    let mut store = with_servers(&["s", "t"]);
    let names = ["ca-root", "ca-intermediate", "chain-server", "ca-false"];
    let bundle = store.classify_bundle(names.iter().map(|name| fixture(name)).collect());
    let report = changed!(store, install(&mut store, &bundle).unwrap());
    assert_added(&report);
    let intermediate = fixture("ca-intermediate").fingerprint();
    assert_eq!(
        report.entries().items(),
        [
            authority_key(Scope::AnyServer, &fixture("ca-root")),
            EntryKey::new(Slot::Intermediate, Scope::Everyone, intermediate),
            pin_key(of_server("s"), &fixture("ca-false")),
        ]
    );
    assert_eq!(claims(&report), ["s"]);
    // From before the bundle to after it, with no step in between.
    assert_eq!(
        shifts(&report),
        [
            ("s".to_owned(), TrustSource::Nothing, TrustSource::OwnPins),
            (
                "t".to_owned(),
                TrustSource::Nothing,
                TrustSource::AnyServerAuthorities
            ),
        ]
    );
    // The hint for what was left out: a pin would be exclusive.
    assert!(matches!(
        report.warnings().items(),
        [W::LeftOut { index: 2, .. }, W::PinNamesAnother]
    ));
    assert!(
        report.warnings().items()[0]
            .to_string()
            .contains("exclusive")
    );
    let leaf = fixture("chain-server").fingerprint();
    assert!(!fingerprints(&store).contains(&leaf));
}

#[test]
fn the_same_bundle_again_changes_nothing() {
    // I5.
    let mut store = with_servers(&["s"]);
    let names = ["ca-root", "ca-intermediate", "ca-false"];
    let bundle = store.classify_bundle(names.iter().map(|name| fixture(name)).collect());
    install(&mut store, &bundle).unwrap();
    nothing_new!(store, install(&mut store, &bundle).unwrap());
}

#[test]
fn what_nobody_decided_blocks_the_whole_bundle() {
    let mut store = with_servers(&["s"]);
    let names = ["ca-false", "openssl-req-san"];
    let mut bundle = store.classify_bundle(names.iter().map(|name| fixture(name)).collect());
    assert_eq!(bundle.items()[1].decision(), Decision::Undecided);
    refused!(
        store,
        install(&mut store, &bundle),
        E::Undecided { index: 1, .. }
    );
    // The administrator decides; the proposal stays what it was.
    assert!(bundle.decide(1, Decision::Pin));
    assert!(
        !bundle.decide(2, Decision::Pin),
        "there is no such certificate"
    );
    assert_eq!(bundle.items()[1].proposal(), P::Undecided);
    assert_eq!(bundle.items()[1].decision(), Decision::Pin);
    let report = changed!(store, install(&mut store, &bundle).unwrap());
    assert_eq!(report.entries().len(), 2);
    assert!(report.warnings().items().contains(&W::PinIsCa));
    // Or otherwise.
    let mut store = with_servers(&["s"]);
    bundle.decide(1, Decision::Authority);
    let report = install(&mut store, &bundle).unwrap();
    let key = authority_key(Scope::AnyServer, &fixture("openssl-req-san"));
    assert!(report.entries().items().contains(&key));
    // To take a decision back is to be undecided.
    bundle.decide(0, Decision::Undecided);
    refused!(
        store,
        install(&mut store, &bundle),
        E::Undecided { index: 0, .. }
    );
}

#[test]
fn one_refusal_leaves_everything_exactly_as_before() {
    let mut store = with_servers(&["s"]);
    store.block(&fixture("reissued-old"));
    store.snapshot();
    for (bad, decision) in [
        ("rsa1024", Decision::Pin),
        ("broken-self-signature", Decision::Pin),
        ("eku-client-only", Decision::Pin),
        ("reissued-new", Decision::Pin),
        ("ca-false", Decision::Authority),
        ("ca-false", Decision::Intermediate),
        ("ca-v1", Decision::Authority),
    ] {
        let names = ["ca-root", "ca-intermediate", "ee-p256", bad];
        let mut bundle = store.classify_bundle(names.iter().map(|name| fixture(name)).collect());
        assert!(bundle.decide(3, decision));
        refused!(
            store,
            install(&mut store, &bundle),
            E::BundleItem { index: 3, source, .. }
                if !matches!(**source, E::BundleItem { .. } | E::Undecided { .. })
        );
    }
    // Also the server that a bare name would make.
    let bundle = store.classify_bundle(vec![fixture("ee-p256"), fixture("rsa1024")]);
    let name = PinScope::Name(host("new.example"));
    refused!(
        store,
        store.install_bundle(&bundle, &name, &AuthorityScope::AnyServer, &options()),
        E::BundleItem { index: 1, .. }
    );
    assert!(store.contents().server(&server_id("new.example")).is_none());
}

#[test]
fn a_bundle_may_be_for_a_bare_name() {
    let mut store = store();
    let bundle = store.classify_bundle(vec![
        fixture("reissued-old"),
        fixture("reissued-new"),
        fixture("ca-root"),
        fixture("ca-intermediate"),
    ]);
    let name = host("new.example");
    let report = changed!(
        store,
        store
            .install_bundle(
                &bundle,
                &PinScope::Name(name.clone()),
                &AuthorityScope::Name(name.clone()),
                &options(),
            )
            .unwrap()
    );
    assert_eq!(claims(&report), ["new.example"]);
    assert_eq!(store.contents().servers().count(), 1);
    let owner = store.contents().server_of(&name).unwrap();
    assert_eq!(owner.id().as_str(), "new.example");
    assert_eq!(store.contents().entries().len(), 4);
}

#[test]
fn the_options_are_for_every_certificate_of_the_bundle() {
    let mut store = with_servers(&["s"]);
    let bundle = store.classify_bundle(vec![fixture("ee-p256"), fixture("ca-false")]);
    let labelled = options().with_label("of the bundle");
    let with = |store: &mut TrustStore, bundle: &Bundle, options: &EntryOptions| {
        store.install_bundle(bundle, &server("s"), &AuthorityScope::AnyServer, options)
    };
    with(&mut store, &bundle, &labelled).unwrap();
    for entry in store.contents().entries() {
        assert_eq!(entry.options().label(), Some("of the bundle"));
    }
    // I5 holds inside a bundle: other options for what is there are an error.
    refused!(
        store,
        with(&mut store, &bundle, &options()),
        E::BundleItem { index: 0, source, .. } if matches!(**source, E::OptionsDiffer(_))
    );
    // An option that one of them cannot have.
    let mixed = store.classify_bundle(vec![
        fixture("ca-other"),
        fixture("ca-other-leaf"),
        fixture("v1"),
    ]);
    refused!(
        store,
        with(&mut store, &mixed, &options().with_any_role()),
        E::BundleItem { index: 0, source, .. } if matches!(**source, E::OptionNotHere { .. })
    );
}

#[test]
fn a_bundle_of_which_everything_is_left_out_changes_nothing() {
    let mut store = with_servers(&["s"]);
    let mut bundle = store.classify_bundle(vec![fixture("ca-false"), fixture("openssl-req-san")]);
    assert!(bundle.decide(0, Decision::Skip) && bundle.decide(1, Decision::Skip));
    let report = nothing_new!(store, install(&mut store, &bundle).unwrap());
    assert_eq!(report.warnings().len(), 2);
    let empty = store.classify_bundle(Vec::new());
    nothing_new!(store, install(&mut store, &empty).unwrap());
}

#[test]
fn a_bundle_completes_fingerprints() {
    // M1.
    let mut store = with_servers(&["s"]);
    let certificate = fixture("ee-p256");
    store
        .install_pin_fingerprint(server("s"), certificate.fingerprint(), options())
        .unwrap();
    let bundle = store.classify_bundle(vec![certificate.clone()]);
    let report = changed!(store, install(&mut store, &bundle).unwrap());
    assert_ne!(report.done(), Outcome::Unchanged);
    let entry = store
        .contents()
        .entry(&pin_key(of_server("s"), &certificate))
        .unwrap();
    assert_eq!(entry.certificate(), Some(&certificate));
}

/// With an algorithm that no provider has any more, so that its signer cannot be told.
fn of_old_algorithm(made: &Made) -> Certificate {
    let mut tree = der::tree(&made.certificate());
    *tree.at(&[0, 2]) = der::ecdsa_with_sha1();
    *tree.at(&[1]) = der::ecdsa_with_sha1();
    Certificate::from_der(&tree.write()).unwrap()
}

#[test]
fn where_no_signature_can_be_verified_key_identifiers_tell_who_issued_what() {
    let (root, namesake) = (spec("CA").ca().self_signed(), spec("CA").ca().self_signed());
    let named = |issuer: &Made| spec("leaf").dns("kms.example").signed_by(issuer);
    let silent = spec("leaf").no_authority_key_id().signed_by(&root);
    let self_issued = spec("CA").ca().no_authority_key_id().signed_by(&root);
    for (certificate, expected) in [
        (named(&root), [P::Authority, P::Skip]),
        (named(&namesake), [P::Undecided, P::Pin]),
        // Without one it is the name, unless that is its own.
        (silent, [P::Authority, P::Skip]),
        (self_issued, [P::Undecided, P::Undecided]),
    ] {
        let certificate = of_old_algorithm(&certificate);
        let found = proposals(vec![root.certificate(), certificate.clone()]);
        assert_eq!(found, expected, "{certificate:?}");
    }
}

#[test]
fn who_is_no_ca_issued_nothing() {
    let leaf = spec("leaf").dns("kms.example").self_signed();
    let below = spec("below").dns("kms.example").signed_by(&leaf);
    let both = vec![leaf.certificate(), below.certificate()];
    assert_eq!(proposals(both), [P::Pin, P::Pin]);
}

#[test]
fn many_certificates_of_one_subject_are_sorted_in_bounded_time() {
    // The writer of the file chose the names: an issuer is looked for among a bounded number of them.
    let mut all = Vec::new();
    for _ in 0..40 {
        all.push(spec("same").ca().self_signed().certificate());
    }
    let found = proposals(all);
    assert_eq!(found.len(), 40);
    assert!(!found.contains(&P::Skip) && !found.contains(&P::Pin));
}

#[test]
fn the_signatures_of_a_large_bundle_are_judged_each_by_its_own() {
    // So many that they are shared among threads.
    let mut all: Vec<Certificate> = (0..150)
        .map(|number| {
            spec(&format!("ca-{number}"))
                .ca()
                .self_signed()
                .certificate()
        })
        .collect();
    let decided = |all: &[Certificate], decisions: &[(usize, Decision)]| {
        let mut bundle = store().classify_bundle(all.to_vec());
        for index in 0..all.len() {
            assert!(bundle.decide(index, Decision::Authority));
        }
        for (index, decision) in decisions {
            assert!(bundle.decide(*index, *decision));
        }
        bundle
    };
    let mut one_by_one = with_servers(&["s"]);
    for certificate in &all {
        let scope = AuthorityScope::AnyServer;
        one_by_one
            .install_authority(scope, certificate.clone(), options())
            .unwrap();
    }
    let mut at_once = with_servers(&["s"]);
    assert_added(&install(&mut at_once, &decided(&all, &[])).unwrap());
    assert_eq!(fingerprints(&at_once), fingerprints(&one_by_one));

    let right = all.clone();
    for wrong in [0, 74, 75, 149] {
        all = right.clone();
        let mut der = all[wrong].der().to_vec();
        *der.last_mut().unwrap() ^= 1;
        all[wrong] = Certificate::from_der(&der).unwrap();
        let mut store = with_servers(&["s"]);
        store.snapshot();
        refused!(
            store,
            install(&mut store, &decided(&all, &[])),
            E::BundleItem { index, source, .. }
                if *index == wrong && matches!(**source, E::WrongSelfSignature)
        );
        // What is left out is not judged.
        let bundle = decided(&all, &[(wrong, Decision::Skip)]);
        assert_added(&install(&mut store, &bundle).unwrap());
        assert_eq!(fingerprints(&store).len(), 149);
    }
}
