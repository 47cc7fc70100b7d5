//! What a change would do to servers that were never seen, and how the effects of a plan are told.

use mutual_trust::admin::{Evidence, Impact, Peer, plan};
use mutual_trust::error::StoreError;
use mutual_trust::store::{EntryKey, Report, Scope, Slot};
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, ReasonCode, TrustStore};

use crate::admin::desk::{Desk, key_of, peer};
use crate::invariants::pool::days;
use crate::support::crl::crl;
use crate::support::pki::{Made, self_signed, spec};
use crate::support::server_id;

const NO_EFFECT: &str = "no peer is gained or lost";

fn keys_1() -> PinScope {
    PinScope::Server(server_id("keys-1"))
}

fn desk() -> Desk {
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms1.example"]);
    desk
}

fn effects(
    desk: &Desk,
    change: impl FnOnce(&mut TrustStore) -> Result<Report, StoreError>,
) -> Impact {
    let plan = plan(&desk.store, &desk.policy, &desk.seen, desk.now(), change);
    plan.unwrap().effects().clone()
}

/// Who is lost, and why; nothing else may be told.
fn lost(effects: &Impact) -> ReasonCode {
    assert!(effects.at_risk().is_empty(), "{effects}");
    assert_eq!(effects.lost().len(), 1, "{effects}");
    let effect = &effects.lost().items()[0];
    assert_eq!(
        (&effect.peer, effect.basis),
        (&peer("keys-1"), Evidence::Installed)
    );
    effect.after.reason
}

fn at_risk(effects: &Impact) -> ReasonCode {
    assert!(effects.lost().is_empty(), "{effects}");
    assert_eq!(effects.at_risk().len(), 1, "{effects}");
    effects.at_risk().items()[0].after.reason
}

fn fingerprint_alone(desk: &mut Desk, made: &Made) -> EntryKey {
    let print = made.certificate.fingerprint();
    let options = EntryOptions::new();
    let done = desk.store.install_pin_fingerprint(keys_1(), print, options);
    key_of(&done.unwrap())
}

#[test]
fn with_its_last_way_in_a_server_is_lost_and_the_level_says_why() {
    let mut desk = desk();
    let own = self_signed("kms1.example");
    let key = desk.server_pin("keys-1", &own);
    let blocked = effects(&desk, |store| Ok(store.block(&own.certificate)));
    assert_eq!(lost(&blocked), ReasonCode::NoUsablePin);
    let gone = effects(&desk, |store| {
        store.remove(&key)?;
        store.release(&server_id("keys-1"))?;
        store.remove_server(&server_id("keys-1"))
    });
    assert_eq!(lost(&gone), ReasonCode::UnknownServer);
}

#[test]
fn of_two_pins_the_one_that_goes_is_a_risk_with_what_it_would_be_told() {
    let mut desk = desk();
    let [own, other] = ["a", "b"].map(self_signed);
    let key = desk.server_pin("keys-1", &own);
    desk.server_pin("keys-1", &other);
    let blocked = effects(&desk, |store| Ok(store.block(&own.certificate)));
    assert_eq!(at_risk(&blocked), ReasonCode::Blocked);
    let removed = effects(&desk, |store| store.remove(&key));
    assert_eq!(at_risk(&removed), ReasonCode::PinDoesNotMatch);
}

#[test]
fn of_pins_of_which_only_fingerprints_are_known_one_that_stays_is_a_way_in() {
    let mut desk = desk();
    let [own, other] = ["a", "b"].map(self_signed);
    let keys = [&own, &other].map(|made| fingerprint_alone(&mut desk, made));
    for key in &keys {
        let removed = effects(&desk, |store| store.remove(key));
        assert_eq!(at_risk(&removed), ReasonCode::PinDoesNotMatch);
    }
}

#[test]
fn another_authority_in_place_of_one_leaves_it_open_who_issued_the_certificate() {
    let mut desk = desk();
    let [one, other] = ["one", "other"].map(|name| spec(name).ca().self_signed());
    let key = desk.authority(AuthorityScope::AnyServer, &one);
    let replaced = effects(&desk, |store| {
        let scope = AuthorityScope::AnyServer;
        store.install_authority(scope, other.certificate(), EntryOptions::new())?;
        store.remove(&key)
    });
    assert_eq!(at_risk(&replaced), ReasonCode::UnknownIssuer);
    let own = self_signed("kms1.example");
    let pinned = effects(&desk, |store| {
        store.install_pin(keys_1(), own.certificate(), EntryOptions::new())
    });
    assert_eq!(at_risk(&pinned), ReasonCode::AuthoritiesNotAsked);
}

#[test]
fn an_intermediate_without_its_list_leaves_the_revocation_unknown_and_not_the_issuer() {
    let mut desk = desk();
    let root = spec("root").ca().self_signed();
    let issuing = spec("issuing").ca().signed_by(&root);
    desk.authority(AuthorityScope::AnyServer, &root);
    desk.authority(AuthorityScope::Clients, &root);
    let options = EntryOptions::new();
    let store = &mut desk.store;
    let entry = key_of(
        &store
            .install_intermediate(issuing.certificate(), options)
            .unwrap(),
    );
    let list = crl().signed_by(&issuing);
    let fingerprint = list.fingerprint();
    store.install_crl(list).unwrap();
    let reasons = |effects: &Impact| -> Vec<(Peer, ReasonCode)> {
        assert!(effects.lost().is_empty(), "{effects}");
        let effects = effects.at_risk().items().iter();
        let effects = effects.map(|effect| (effect.peer.clone(), effect.after.reason));
        effects.collect()
    };
    let both = |reason| {
        let authority = root.certificate.fingerprint();
        let authority = EntryKey::new(Slot::Authority, Scope::Clients, authority);
        vec![
            (peer("keys-1"), reason),
            (Peer::Authority(authority), reason),
        ]
    };
    let unlisted = effects(&desk, |store| store.remove_crl(fingerprint));
    assert_eq!(reasons(&unlisted), both(ReasonCode::RevocationUnknown));
    let removed = effects(&desk, |store| store.remove(&entry));
    assert_eq!(reasons(&removed), both(ReasonCode::UnknownIssuer));
    // What peers are told, who do not send the intermediate, is the same.
    desk.store.remove_crl(fingerprint).unwrap();
    let leaf = spec("kms").dns("kms1.example").signed_by(&issuing);
    let verdict = desk.verdict("keys-1", &[&leaf]);
    assert_eq!(verdict.reason(), ReasonCode::RevocationUnknown, "{verdict}");
}

#[test]
fn effects_are_told_in_a_line_each_and_nobody_is_named_who_only_stays() {
    let mut desk = desk();
    desk.server("keys-2", &[]);
    let [own, shared] = ["own", "shared"].map(self_signed);
    let key = desk.server_pin("keys-1", &own);
    desk.server_pin("keys-2", &own);
    assert!(desk.connects("keys-1", &[&own]));
    let unchanged = effects(&desk, |store| store.add_server(server_id("keys-9"), []));
    assert_eq!(unchanged.to_string(), NO_EFFECT);
    assert!(unchanged.moved().is_empty());
    let both = effects(&desk, |store| Ok(store.block(&own.certificate)));
    let text = both.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("lost: server keys-1") && lines[1].starts_with("lost: server keys-2"),
        "{text}"
    );
    // By another entry than before: not lost, and told.
    desk.group("cluster", &["kms-1"]);
    desk.group_pin("cluster", &shared);
    assert!(desk.connects("kms-1", &[&shared]));
    let moved = effects(&desk, |store| {
        let scope = PinScope::Server(server_id("kms-1"));
        store.install_pin(scope, shared.certificate(), EntryOptions::new())
    });
    assert_eq!(moved.moved().len(), 1, "{moved}");
    assert!(
        moved.to_string().starts_with("moved: server kms-1"),
        "{moved}"
    );
    assert_eq!(key.fingerprint, own.certificate.fingerprint());
}
