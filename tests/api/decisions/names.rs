//! Names: who is dialled, and what a certificate must be for (rules P6, C2 and M5).

use mutual_trust::ReasonCode::*;
use mutual_trust::error::StoreError;

use super::row::{Expect, Row, accepted, hold, refused, row};
use super::support::pki::{Spec, self_signed, spec};
use super::support::{host, server_id};
use super::world::{For, KEYS_1, KMS, KMS_IPV4, KMS_IPV6, World};

const PIN: &str = "pin own for server keys-1";

fn chained() -> Expect {
    accepted(ChainVerified, "authority root for any server")
}

/// A leaf right below an authority for any server.
fn leaf(world: &mut World, make: impl Fn(Spec) -> Spec) {
    let root = spec("root").ca().self_signed();
    world.authority(For::AnyServer, "root", &root);
    world.presents(&make(spec("x")).signed_by(&root));
}

fn pinned(world: &mut World, make: impl Fn(Spec) -> Spec) {
    let own = make(spec("x")).self_signed();
    world.pin(KEYS_1, "own", &own);
    world.presents(&own);
}

/// A server that has just these names.
fn server_named(world: &mut World, names: &[&str]) {
    let names: Vec<_> = names.iter().map(|name| host(name)).collect();
    world.store.add_server(server_id("keys-3"), names).unwrap();
}

#[rustfmt::skip]
fn in_chains() -> Vec<Row> {
    let wrong = || refused(NameMismatch);
    vec![
        row("C2", "the leaf has the dialled name", chained(), |w| leaf(w, |s| s.dns(KMS))),
        row("C2", "case makes no difference", chained(), |w| { leaf(w, |s| s.dns("KMS1.Example")); w.ask_name("kms1.EXAMPLE."); }),
        row("C2", "the leaf has another of the server's names than the dialled one", chained(), |w| leaf(w, |s| s.ip(KMS_IPV4))),
        row("C2", "dialled by IPv4 address, the leaf has the DNS name", chained(), |w| { leaf(w, |s| s.dns(KMS)); w.ask_name(KMS_IPV4); }),
        row("C2", "dialled by IPv6 address, the leaf has it", chained(), |w| { leaf(w, |s| s.ip(KMS_IPV6)); w.ask_name("[2001:DB8:0::1]"); }),
        row("C2", "dialled by IPv4-mapped address, the leaf has the IPv4 address", chained(), |w| { leaf(w, |s| s.ip(KMS_IPV4)); w.ask_name("::ffff:192.0.2.1"); }),
        row("C2", "the leaf has several names and one is the server's", chained(), |w| leaf(w, |s| s.dns("a.example").dns(KMS).ip("192.0.2.99"))),
        row("C2", "the leaf has another name", wrong().detail("wanted kms1.example, 192.0.2.1, 2001:db8::1; the certificate has dns:other.example"), |w| leaf(w, |s| s.dns("other.example"))),
        row("C2", "the leaf has another server's name", wrong(), |w| leaf(w, |s| s.dns("kms2.example"))),
        row("C2", "the leaf has another address", wrong(), |w| leaf(w, |s| s.ip("192.0.2.2"))),
        row("C2", "the leaf has a name below the server's", wrong(), |w| leaf(w, |s| s.dns("a.kms1.example"))),
        row("C2", "the leaf has the address as a DNS name", wrong(), |w| leaf(w, |s| s.dns(KMS_IPV4))),
        row("C2", "the leaf has the name as a URI", wrong(), |w| leaf(w, |s| s.uri("https://kms1.example"))),
        row("C2", "the common name is never read: no other name", wrong().detail("wanted kms1.example, 192.0.2.1, 2001:db8::1; the certificate has none"), |w| {
            leaf(w, |s| s.params(|p| p.distinguished_name.push(rcgen::DnType::CommonName, KMS)));
        }),
        row("C2", "the common name is never read: beside another name", wrong(), |w| {
            leaf(w, |s| s.dns("other.example").params(|p| p.distinguished_name.push(rcgen::DnType::CommonName, KMS)));
        }),
        row("C2", "a wildcard stands for one label", chained(), |w| {
            server_named(w, &["a.kms.example"]);
            w.ask_name("a.kms.example");
            leaf(w, |s| s.dns("*.kms.example"));
        }),
        row("C2", "a wildcard stands for no more than one label", wrong(), |w| {
            server_named(w, &["a.b.kms.example"]);
            w.ask_name("a.b.kms.example");
            leaf(w, |s| s.dns("*.kms.example"));
        }),
        row("C2", "a wildcard stands for no less than one label", wrong(), |w| {
            server_named(w, &["kms.example"]);
            w.ask_name("kms.example");
            leaf(w, |s| s.dns("*.kms.example"));
        }),
        row("C2", "expected names replace the server's: the leaf has the dialled name", wrong(), |w| {
            w.store.set_reference_names(&server_id("keys-1"), [host("cluster.example")]).unwrap();
            leaf(w, |s| s.dns(KMS));
        }),
        row("C2", "expected names replace the server's: the leaf has one of them", chained(), |w| {
            let names = ["cluster.example", "192.0.2.200"].map(host);
            w.store.set_reference_names(&server_id("keys-1"), names).unwrap();
            leaf(w, |s| s.ip("192.0.2.200"));
        }),
        row("C2", "no expected names any more", chained(), |w| {
            let id = server_id("keys-1");
            w.store.set_reference_names(&id, [host("cluster.example")]).unwrap();
            w.store.set_reference_names(&id, []).unwrap();
            leaf(w, |s| s.dns(KMS));
        }),
        row("C2", "a server without names and nothing dialled", refused(NoNameToMatch), |w| {
            server_named(w, &[]);
            w.ask_id("keys-3", None);
            leaf(w, |s| s.dns("keys-3"));
        }),
        row("C2", "a server without names: the dialled name counts", chained(), |w| {
            server_named(w, &[]);
            w.ask_id("keys-3", Some("new.example"));
            leaf(w, |s| s.dns("new.example"));
        }),
        row("C2", "a server without names: the leaf has another than the dialled name", wrong(), |w| {
            server_named(w, &[]);
            w.ask_id("keys-3", Some("new.example"));
            leaf(w, |s| s.dns("other.example"));
        }),
        row("C2", "a server without names but with expected ones, nothing dialled", chained(), |w| {
            server_named(w, &[]);
            w.store.set_reference_names(&server_id("keys-3"), [host("cluster.example")]).unwrap();
            w.ask_id("keys-3", None);
            leaf(w, |s| s.dns("cluster.example"));
        }),
        row("C2", "a server without names but with expected ones: the dialled name does not count", wrong(), |w| {
            server_named(w, &[]);
            w.store.set_reference_names(&server_id("keys-3"), [host("cluster.example")]).unwrap();
            w.ask_id("keys-3", Some("new.example"));
            leaf(w, |s| s.dns("new.example"));
        }),
        row("C2", "by id, nothing dialled: one of the server's names", chained(), |w| { leaf(w, |s| s.dns(KMS)); w.ask_id("keys-1", None); }),
        row("C2", "by id, whatever is dialled: one of the server's names", chained(), |w| { leaf(w, |s| s.dns(KMS)); w.ask_id("keys-1", Some("10.9.8.7")); }),
        row("C2", "by id: the dialled name of another server does not count", wrong(), |w| { leaf(w, |s| s.dns("kms2.example")); w.ask_id("keys-1", Some("kms2.example")); }),
    ]
}

#[rustfmt::skip]
fn who_is_dialled() -> Vec<Row> {
    let pin = || accepted(PinMatched, PIN);
    let not_covered = || pin().warns(&["NameNotCovered"]);
    let claimed = || refused(AuthoritiesNotAsked).considered(&["pin own for server keys-1: PinDoesNotMatch"]);
    let mut rows: Vec<Row> = Vec::new();
    // A claim holds under every name and spelling.
    for name in [KMS, "KMS1.EXAMPLE.", KMS_IPV4, "::ffff:192.0.2.1", "[::ffff:c000:201]", KMS_IPV6, "[2001:db8::1]"] {
        rows.push(row("P2", format!("a claimed server dialled as {name} presents a chain"), claimed(), move |w| {
            leaf(w, |s| s.dns(KMS).ip(KMS_IPV4).ip(KMS_IPV6));
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.ask_name(name);
        }));
    }
    rows.extend([
        row("P2", "a claimed server by id, dialled by an address that nobody listed, presents a chain for it", claimed(), |w| {
            leaf(w, |s| s.ip("10.9.8.7"));
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.ask_id("keys-1", Some("10.9.8.7"));
        }),
        row("P2", "a claimed server by id, dialled by another server's name, presents a chain for it", claimed(), |w| {
            leaf(w, |s| s.dns("kms2.example"));
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.ask_id("keys-1", Some("kms2.example"));
        }),
        row("P6", "a server id that is not in the store", refused(UnknownServer), |w| { leaf(w, |s| s.dns(KMS)); w.ask_id("keys-9", Some(KMS)); }),
        row("P6", "a server id that is not in the store, with a policy that allows unlisted names", refused(UnknownServer), |w| {
            leaf(w, |s| s.dns(KMS));
            w.policy = w.policy.with_unlisted_allowed();
            w.ask_id("keys-9", Some(KMS));
        }),
        row("P6", "an unlisted name", refused(UnlistedName), |w| { leaf(w, |s| s.dns("new.example")); w.ask_name("new.example"); }),
        row("P6", "an unlisted address", refused(UnlistedName), |w| { leaf(w, |s| s.ip("192.0.2.9")); w.ask_name("192.0.2.9"); }),
        row("P6", "an id is never read as a name", refused(UnlistedName), |w| { pinned(w, |s| s.dns("keys-1")); w.ask_name("keys-1"); }),
        row("P6", "an unlisted name, and the policy allows those", chained().warns(&["UnlistedName"]), |w| {
            leaf(w, |s| s.dns("new.example"));
            w.policy = w.policy.with_unlisted_allowed();
            w.ask_name("new.example");
        }),
        row("P6", "an unlisted name must match the leaf", refused(NameMismatch).warns(&["UnlistedName"]), |w| {
            leaf(w, |s| s.dns(KMS));
            w.policy = w.policy.with_unlisted_allowed();
            w.ask_name("new.example");
        }),
        row("P6", "an unlisted name, allowed, and no authority for any server", refused(NothingInstalled).warns(&["UnlistedName"]), |w| {
            let root = spec("root").ca().self_signed();
            w.authority(KEYS_1, "root", &root);
            w.presents(&spec("x").dns("new.example").signed_by(&root));
            w.policy = w.policy.with_unlisted_allowed();
            w.ask_name("new.example");
        }),
        row("P6", "an unlisted name, allowed, presents the pin of a server", refused(PinOfAnotherServer).warns(&["UnlistedName"]), |w| {
            pinned(w, |s| s.dns("new.example"));
            w.policy = w.policy.with_unlisted_allowed();
            w.ask_name("new.example");
        }),
        row("P6", "a listed name under a policy that allows unlisted ones carries no warning", chained(), |w| {
            leaf(w, |s| s.dns(KMS));
            w.policy = w.policy.with_unlisted_allowed();
        }),
        row("P2", "a listed name of a claimed server under a policy that allows unlisted ones", claimed(), |w| {
            leaf(w, |s| s.dns(KMS));
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.policy = w.policy.with_unlisted_allowed();
        }),
        row("M5", "a pin that covers the dialled name", pin(), |w| pinned(w, |s| s.dns(KMS))),
        row("M5", "a pin that covers the dialled name by a wildcard", pin(), |w| pinned(w, |s| s.dns("*.example"))),
        row("M5", "a pin that covers the dialled address", pin(), |w| { pinned(w, |s| s.ip(KMS_IPV4)); w.ask_name("::ffff:192.0.2.1"); }),
        row("M5", "a pin without names", not_covered(), |w| pinned(w, |s| s)),
        row("M5", "a pin for another name", not_covered(), |w| pinned(w, |s| s.dns("other.example"))),
        row("M5", "a pin for another of the server's names than the dialled one", not_covered(), |w| pinned(w, |s| s.ip(KMS_IPV4))),
        row("M5", "a pin for another name, by id and nothing dialled", pin(), |w| { pinned(w, |s| s.dns("other.example")); w.ask_id("keys-1", None); }),
        row("M5", "a pin for another name, by id, and a name was dialled", not_covered(), |w| { pinned(w, |s| s.dns("other.example")); w.ask_id("keys-1", Some(KMS)); }),
        row("M5", "expected names are for chains: a pin does not have to have them", pin(), |w| {
            w.store.set_reference_names(&server_id("keys-1"), [host("cluster.example")]).unwrap();
            pinned(w, |s| s.dns(KMS));
        }),
        row("M5", "one certificate on a group's servers of different names", accepted(PinMatched, "pin own for group replicas").warns(&["NameNotCovered"]), |w| {
            let own = self_signed(KMS);
            w.group("replicas", &["keys-1", "keys-2"]);
            w.pin(For::Group("replicas"), "own", &own);
            w.presents(&own);
            w.ask_name("kms2.example");
        }),
        row("P6", "a name that moved from a claimed server to another claimed one", accepted(PinMatched, "pin other for server keys-2"), |w| {
            let other = self_signed(KMS);
            w.pin(KEYS_1, "own", &self_signed(KMS));
            let refused = w.store.move_name(&host(KMS), &server_id("keys-2"));
            assert!(matches!(refused, Err(StoreError::Claimed { .. })), "{refused:?}");
            w.pin(For::Server("keys-2"), "other", &other);
            w.store.move_name(&host(KMS), &server_id("keys-2")).unwrap();
            w.presents(&other);
        }),
        row("P6", "a name that was released belongs to nobody", refused(UnlistedName), |w| {
            pinned(w, |s| s.dns(KMS));
            w.store.release_name(&host(KMS)).unwrap();
        }),
        row("P6", "a name under which a pin was installed makes a server", accepted(PinMatched, "pin own for server new.example"), |w| {
            let own = self_signed("new.example");
            let scope = mutual_trust::PinScope::Name(host("new.example"));
            w.call("own", &own);
            w.store.install_pin(scope, own.certificate(), super::world::plain()).unwrap();
            w.presents(&own);
            w.ask_name("NEW.example");
        }),
    ]);
    rows
}

pub fn rows() -> Vec<Row> {
    let mut rows = in_chains();
    rows.extend(who_is_dialled());
    rows
}

// C2
#[test]
fn a_subject_alternative_name_of_a_chain_must_be_one_of_the_servers() {
    hold(in_chains());
}

// P2, P6, M5
#[test]
fn who_is_dialled_decides_whose_entries_count() {
    hold(who_is_dialled());
}
