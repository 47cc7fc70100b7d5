//! An update after which a peer is refused is told by name, or is not applied.

use mutual_trust::admin::follow::{FollowGuard, SourceHealth};
use mutual_trust::admin::{Feeds, Follower, Source};
use mutual_trust::{AuthorityScope, Certificate, GroupId, PinScope, Policy, TrustStore};

use crate::follow::common::*;
use crate::support::crl::crl;
use crate::support::pki::spec;
use crate::support::*;

fn clients() -> Feeds {
    Feeds::Pins(PinScope::Clients)
}

fn pems(certificates: &[&Certificate]) -> String {
    certificates.iter().map(|one| one.to_pem()).collect()
}

/// A source of pins for clients, and one for the server, which has two.
fn sources(world: &World) -> [Source; 2] {
    [
        Source::new("arrays", world.path("arrays.pem"), clients()),
        Source::new("servers", world.path("servers.pem"), keys_1()),
    ]
}

fn state(world: &World, name: &str) -> SourceHealth {
    let sources = world.store.health().sources;
    let mut named = sources.into_iter().filter(|source| source.name == name);
    named.next().unwrap()
}

fn warnings(world: &World, name: &str) -> Vec<String> {
    state(world, name).warnings.items().to_vec()
}

#[test]
fn what_a_source_locks_out_is_applied_and_named_until_it_is_accepted_again() {
    let mut world = World::new("guard-report");
    let (one, two, server) = (pin("one"), pin("two"), pin("kms1.example"));
    world.put("arrays.pem", pems(&[&one, &two]));
    world.put("servers.pem", pems(&[&server]));
    let mut follower = Follower::new(sources(&world)).unwrap();
    world.settle(&mut follower);
    assert!(warnings(&world, "arrays").is_empty());
    world.put("arrays.pem", pems(&[&one]));
    world.put("servers.pem", "trust nobody\n");
    world.settle(&mut follower);
    assert!(world.holds(&[&one]));
    let named = format!("it locked out client {}", two.fingerprint().short());
    let told = warnings(&world, "arrays");
    assert!(
        matches!(&*told, [one] if one.starts_with(&named)),
        "{told:?}"
    );
    let told = warnings(&world, "servers");
    assert!(
        matches!(&*told, [one] if one.starts_with("it locked out server keys-1: ") && one.ends_with("[NoUsablePin]")),
        "{told:?}"
    );
    assert!(world.store.health().is_good());
    // Another change of the store takes the warning away only if the peer is accepted again.
    let change = |store: &mut TrustStore| store.add_server(server_id("keys-2"), []);
    world.store.change(change).unwrap();
    world.settle(&mut follower);
    assert_eq!(warnings(&world, "servers").len(), 1);
    let install = |store: &mut TrustStore| {
        let scope = PinScope::Server(server_id("keys-1"));
        store.install_pin(scope, server.clone(), options())
    };
    world.store.change(install).unwrap();
    world.settle(&mut follower);
    assert!(warnings(&world, "servers").is_empty());
    assert_eq!(warnings(&world, "arrays").len(), 1);
}

#[test]
fn a_guarded_source_keeps_its_last_good_set_and_the_others_go_on() {
    let mut world = World::new("guard-refuse");
    let (one, two, three) = (pin("one"), pin("two"), pin("three"));
    let server = pin("kms1.example");
    world.put("arrays.pem", pems(&[&one, &two]));
    world.put("servers.pem", pems(&[&server]));
    let policy = Policy::new(keys());
    let follower = Follower::new(sources(&world)).unwrap();
    let mut follower = follower.with_guard(FollowGuard::Refuse, policy);
    world.settle(&mut follower);
    world.put("arrays.pem", pems(&[&one, &three]));
    let next = pin("next");
    world.put("servers.pem", pems(&[&server, &next]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two, &server, &next]));
    let error = state(&world, "arrays").error.unwrap();
    let named = format!(
        "would lock out client {}; it is not applied",
        two.fingerprint().short()
    );
    assert!(error.contains(&named), "{error}");
    assert!(!world.store.health().is_good());
    assert!(state(&world, "servers").is_good());
    // A source that gives more takes nothing away.
    world.put("arrays.pem", pems(&[&one, &two, &three]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two, &three, &server, &next]));
    assert!(world.store.health().is_good());
}

#[test]
fn what_one_source_gives_up_and_another_has_locks_no_peer_out() {
    let mut world = World::new("guard-moved");
    let (one, two) = (pin("one"), pin("two"));
    world.put("arrays.pem", pems(&[&one]));
    world.put("servers.pem", pems(&[&pin("kms1.example")]));
    world.put("more.pem", pems(&[&two]));
    let more = Source::new("more", world.path("more.pem"), clients());
    let sources = sources(&world).into_iter().chain([more]);
    let follower = Follower::new(sources).unwrap();
    let mut follower = follower.with_guard(FollowGuard::Refuse, Policy::new(keys()));
    world.settle(&mut follower);
    world.put("arrays.pem", "trust nobody\n");
    world.put("more.pem", pems(&[&two, &one]));
    world.settle(&mut follower);
    assert!(world.store.health().is_good(), "{}", world.store.health());
}

/// A list says that a certificate must not be trusted. It is applied in any case.
#[test]
fn a_list_that_revokes_a_client_is_applied_and_named() {
    for guard in [FollowGuard::Report, FollowGuard::Refuse] {
        let mut world = World::new(&format!("guard-list-{guard:?}"));
        let root = spec("root").ca().self_signed();
        let array = spec("array").signed_by(&root);
        world.put("roots.pem", root.certificate.to_pem());
        world.put("arrays.pem", array.certificate.to_pem());
        let authorities = Feeds::Authorities(AuthorityScope::AnyServer);
        let sources = [
            Source::new("roots", world.path("roots.pem"), authorities),
            Source::new("arrays", world.path("arrays.pem"), clients()),
            Source::new("lists", world.path("list.crl"), Feeds::RevocationLists),
        ];
        world.put("list.crl", crl().signed_by(&root).to_pem());
        let follower = Follower::new(sources).unwrap();
        let mut follower = follower.with_guard(guard, Policy::new(keys()));
        world.settle(&mut follower);
        assert!(warnings(&world, "lists").is_empty());
        let list = crl().number(2).revoke(&array.certificate).signed_by(&root);
        world.put("list.crl", list.to_pem());
        world.settle(&mut follower);
        let told = warnings(&world, "lists");
        assert!(
            matches!(&*told, [one] if one.starts_with("it locked out client ") && one.ends_with("[Revoked]")),
            "{told:?}"
        );
    }
}

/// A world with a source `roots` of authorities for any server, which has `first` and is guarded.
fn guarded_roots(test: &str, first: &[&Certificate]) -> (World, Follower) {
    let mut world = World::new(test);
    world.put("roots.pem", pems(first));
    let authorities = Feeds::Authorities(AuthorityScope::AnyServer);
    let source = Source::new("roots", world.path("roots.pem"), authorities);
    let follower = Follower::new([source]).unwrap();
    let mut follower = follower.with_guard(FollowGuard::Refuse, Policy::new(keys()));
    world.settle(&mut follower);
    assert!(world.holds(first));
    (world, follower)
}

/// A server that needs a chain may have one of the new authority. The follower has not seen it, so it may be locked out.
#[test]
fn a_guarded_source_does_not_exchange_its_authorities() {
    let (one, two) = (ca("one"), ca("two"));
    let (mut world, mut follower) = guarded_roots("guard-authorities", &[&one]);
    world.put("roots.pem", pems(&[&two]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one]));
    let error = world.error();
    assert!(
        error.contains("may lock out server keys-1; it is not applied"),
        "{error}"
    );
    // The new one beside the old one takes nothing away. To take the old one away needs the consent of an administrator.
    world.put("roots.pem", pems(&[&one, &two]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]) && world.store.health().is_good());
    world.put("roots.pem", pems(&[&two]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &two]) && !world.store.health().is_good());
    let mut follower = follower.with_guard(FollowGuard::Report, Policy::new(keys()));
    world.put("roots.pem", pems(&[&two]) + "\n");
    world.settle(&mut follower);
    assert!(world.holds(&[&two]) && world.store.health().is_good());
}

/// More servers at risk than a report lists are held as well: the one that this source puts at risk is the last of them.
#[test]
fn a_guarded_source_is_held_for_a_server_that_the_report_omits() {
    let mut world = World::new("guard-many");
    let (one, two, three, four) = (ca("one"), ca("two"), ca("three"), ca("four"));
    let add = |store: &mut TrustStore| {
        for number in 0..70 {
            store.add_server(server_id(&format!("a-{number:02}")), [])?;
        }
        store.add_server(server_id("z"), [])
    };
    world.store.change(add).unwrap();
    world.put("roots.pem", pems(&[&one]));
    world.put("z.pem", pems(&[&three]));
    let any = Feeds::Authorities(AuthorityScope::AnyServer);
    let of_z = Feeds::Authorities(AuthorityScope::Server(server_id("z")));
    let sources = [
        Source::new("roots", world.path("roots.pem"), any),
        Source::new("z", world.path("z.pem"), of_z),
    ];
    let follower = Follower::new(sources).unwrap();
    let mut follower = follower.with_guard(FollowGuard::Refuse, Policy::new(keys()));
    world.settle(&mut follower);
    world.put("roots.pem", pems(&[&two]));
    world.put("z.pem", pems(&[&four]));
    world.settle(&mut follower);
    assert!(world.holds(&[&one, &three]));
    let error = state(&world, "z").error.unwrap();
    assert!(error.contains("may lock out server z;"), "{error}");
}

/// The content of two sources that is right together is not right by halves: if one is held, what the other does is judged
/// without it.
#[test]
fn a_source_is_held_if_what_it_counts_on_is_held() {
    let mut world = World::new("guard-halves");
    let (own, of_group) = (pin("own"), pin("of-group"));
    let group: GroupId = "pair".parse().unwrap();
    let join = |store: &mut TrustStore| {
        store.add_server(server_id("keys-2"), [])?;
        store.add_group(group.clone())?;
        store.join_group(&group, &server_id("keys-1"))?;
        store.join_group(&group, &server_id("keys-2"))
    };
    world.store.change(join).unwrap();
    world.put("own.pem", pems(&[&own]));
    world.put("group.pem", pems(&[&of_group]));
    let of_pair = Feeds::Pins(PinScope::Group(group.clone()));
    let sources = [
        Source::new("own", world.path("own.pem"), keys_1()),
        Source::new("group", world.path("group.pem"), of_pair),
    ];
    let follower = Follower::new(sources).unwrap();
    let mut follower = follower.with_guard(FollowGuard::Refuse, Policy::new(keys()));
    world.settle(&mut follower);
    // Together: the first server has its pin from the group, and the second one is locked out.
    world.put("own.pem", "trust nobody\n");
    world.put("group.pem", pems(&[&own]));
    world.settle(&mut follower);
    assert!(world.holds(&[&own, &of_group]));
    for (source, server) in [("own", "keys-1"), ("group", "keys-2")] {
        let error = state(&world, source).error.unwrap();
        let named = format!("would lock out server {server};");
        assert!(error.contains(&named), "{error}");
    }
}
