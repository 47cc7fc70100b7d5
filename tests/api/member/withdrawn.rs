//! Blocks, checked issuers and revocation lists of a bundle are added, and never taken away by one.

use mutual_trust::AuthorityScope;
use mutual_trust::admin::bundle::TakeOver;
use mutual_trust::certificate::Crl;
use mutual_trust::store::{BlockSelector, InstalledCrl};

use super::common::*;
use crate::support::crl::{crl, entry};

fn lists(world: &World) -> Vec<String> {
    let lists = world.store.contents().crls();
    lists
        .map(|list| list.crl().fingerprint().to_string())
        .collect()
}

fn name(list: &Crl) -> String {
    list.fingerprint().to_string()
}

#[test]
fn a_block_comes_at_once_stays_when_the_bundle_drops_it_and_comes_back_when_it_is_lifted_here() {
    let mut world = World::new("blocks");
    let mut member = world.join();
    let bad = pin("bad");
    let block = BlockSelector::certificate(&bad);
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let _ = world.fleet.central.block(&bad);
    let merged = world.apply(&mut member);
    assert_eq!(merged.blocks.items(), std::slice::from_ref(&block));
    let blocks = |world: &World| world.store.contents().blocks().cloned().collect::<Vec<_>>();
    // Lifted here while the fleet has it: it comes back, and that is said.
    world.store.change(|store| store.unblock(&block)).unwrap();
    let TakeOver::Applied { merged, .. } = member.refresh(&mut world.store).unwrap() else {
        panic!("the block did not come back");
    };
    assert!(notices(&merged).contains("is there again, since the fleet still has it"));
    assert_eq!(blocks(&world), std::slice::from_ref(&block));
    // Lifted in the fleet: it stays here, until it is lifted here as well.
    world.fleet.central.unblock(&block).unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(blocks(&world), std::slice::from_ref(&block));
    world.store.change(|store| store.unblock(&block)).unwrap();
    assert!(matches!(
        member.refresh(&mut world.store).unwrap(),
        TakeOver::Unchanged
    ));
    assert!(blocks(&world).is_empty());
}

#[test]
fn a_newer_list_replaces_an_older_one_and_an_older_one_changes_nothing() {
    let mut world = World::new("lists");
    let mut member = world.join();
    let ca = add_authority(&mut world.fleet.central, AuthorityScope::AnyServer, "Root");
    let [first, second, third] = [1, 2, 3].map(|number| {
        let list = crl().number(number).entry(entry(&[number]));
        list.signed_by(&ca)
    });
    world.fleet.central.install_crl(first.clone()).unwrap();
    let _ = world.apply(&mut member);
    assert_eq!(lists(&world), [name(&first)]);
    // A newer one of here stays against the older one of the bundle.
    world
        .store
        .change(|store| store.install_crl(second.clone()))
        .unwrap();
    let merged = member.refresh(&mut world.store).unwrap();
    assert!(matches!(merged, TakeOver::Unchanged), "{merged}");
    assert_eq!(lists(&world), [name(&second)]);
    assert!(world.health().warnings.items()[0].contains("is older than the one that is installed"));
    // The fleet has a newer one still.
    world.fleet.central.install_crl(third.clone()).unwrap();
    let _ = world.apply(&mut member);
    assert_eq!(lists(&world), [name(&third)]);
    // The fleet stops to check: that stays here.
    let issuer = world
        .store
        .contents()
        .revocation_checked_issuers()
        .next()
        .unwrap();
    let central = &mut world.fleet.central;
    central.disable_revocation_checks(&issuer).unwrap();
    assert!(matches!(world.take(&mut member), TakeOver::Unchanged));
    assert_eq!(lists(&world), [name(&third)]);
    // The call here lifts it, since the fleet no longer says so.
    world
        .store
        .change(|store| store.disable_revocation_checks(&issuer))
        .unwrap();
    assert!(matches!(
        member.refresh(&mut world.store).unwrap(),
        TakeOver::Unchanged
    ));
    assert_eq!(
        world.store.contents().revocation_checked_issuers().count(),
        0
    );
}

#[test]
fn a_check_that_is_stopped_here_is_made_again() {
    let mut world = World::new("checks");
    let mut member = world.join();
    let ca = add_authority(&mut world.fleet.central, AuthorityScope::AnyServer, "Root");
    let list = crl().number(1).signed_by(&ca);
    world.fleet.central.install_crl(list.clone()).unwrap();
    // A checked issuer without a list.
    let other = add_authority(&mut world.fleet.central, AuthorityScope::AnyServer, "Other");
    let gone = crl().number(1).signed_by(&other);
    world.fleet.central.install_crl(gone.clone()).unwrap();
    world.fleet.central.remove_crl(gone.fingerprint()).unwrap();
    let _ = world.apply(&mut member);
    let checked = |world: &World| world.store.contents().revocation_checked_issuers().count();
    assert_eq!(checked(&world), 2);
    let issuers: Vec<_> = world
        .store
        .contents()
        .revocation_checked_issuers()
        .collect();
    for issuer in &issuers {
        world
            .store
            .change(|store| store.disable_revocation_checks(issuer))
            .unwrap();
    }
    assert_eq!(checked(&world), 0);
    let TakeOver::Applied { merged, .. } = member.refresh(&mut world.store).unwrap() else {
        panic!("the checks were not made again");
    };
    assert!(notices(&merged).contains("are checked for revocation again"));
    assert_eq!(checked(&world), 2);
    assert_eq!(lists(&world), [name(&list)]);
}

#[test]
fn a_list_needs_no_certificate_of_its_issuer_here() {
    let mut world = World::new("list-alone");
    let mut member = world.join();
    add_server(&mut world.fleet.central, "keys-1", "kms1.example");
    let ca = add_authority(&mut world.fleet.central, AuthorityScope::AnyServer, "Root");
    let list = crl().number(1).entry(entry(&[9])).signed_by(&ca);
    world.fleet.central.install_crl(list.clone()).unwrap();
    let entries = world.fleet.central.contents().entries();
    let authority = entries.iter().map(|entry| entry.key());
    let authority = authority
        .clone()
        .find(|key| key.fingerprint == ca.certificate().fingerprint())
        .unwrap();
    let _ = world.fleet.central.remove(&authority).unwrap();
    let _ = world.apply(&mut member);
    assert!(!world.has(&ca.certificate()));
    let held: Vec<&InstalledCrl> = world.store.contents().crls().collect();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].disabled(), None);
}
