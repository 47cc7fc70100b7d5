//! Every call that changes a store, with a peer that it locks out and that was never seen: the guard names the peer and
//! makes the change only if the peer is allowed to be lost. A new call without a row fails.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use mutual_trust::admin::{Impact, LockoutAllowance, Peer, guard, own_renewal, plan};
use mutual_trust::certificate::Crl;
use mutual_trust::error::{PlanError, StoreError};
use mutual_trust::store::{CrlIssuer, EntryKey, SanPattern, Scope, Slot, ValidityRule};
use mutual_trust::{
    AuthorityScope, Certificate, EntryOptions, PinMatch, PinScope, ReasonCode, TrustStore,
};

use crate::admin::desk::{Desk, group, peer, pin_key};
use crate::invariants::copies::written_down;
use crate::invariants::pool::days;
use crate::support::crl::{crl, flag, point};
use crate::support::der::bytes;
use crate::support::pki::{Made, self_signed, spec};
use crate::support::{DAY, at, host, server_id};

type Change = Box<dyn Fn(&mut TrustStore) -> Result<(), StoreError>>;

/// What becomes of a peer.
#[derive(Debug)]
enum Fate {
    /// It is refused afterwards, for this reason.
    Lost(Peer, ReasonCode),
    /// It may be refused: it is named, and the change is made.
    AtRisk(Peer),
    /// A block is made in any case, and names it.
    Blocked(Peer),
    /// Nothing of it takes trust away.
    Nothing,
}

struct Row {
    call: &'static str,
    what: &'static str,
    desk: Desk,
    change: Change,
    fate: Fate,
}

fn row<T>(
    call: &'static str,
    what: &'static str,
    desk: Desk,
    change: impl Fn(&mut TrustStore) -> Result<T, StoreError> + 'static,
    fate: Fate,
) -> Row {
    let change = Box::new(move |store: &mut TrustStore| change(store).map(drop));
    Row {
        call,
        what,
        desk,
        change,
        fate,
    }
}

fn client(made: &Made) -> Peer {
    Peer::Client(made.certificate.fingerprint())
}

fn authority(scope: Scope, made: &Made) -> EntryKey {
    EntryKey::new(Slot::Authority, scope, made.certificate.fingerprint())
}

fn clients_of(made: &Made) -> Peer {
    Peer::Authority(authority(Scope::Clients, made))
}

fn ca(name: &str) -> Made {
    spec(name).ca().self_signed()
}

fn empty() -> Desk {
    Desk::at(days(0))
}

/// `keys-1` with a pin, as `kms1.example`; `keys-2` with another, as `kms2.example`.
fn claimed() -> (Desk, Made, Made) {
    let mut desk = empty();
    desk.server("keys-1", &["kms1.example"]);
    desk.server("keys-2", &["kms2.example"]);
    let (one, two) = (self_signed("kms1.example"), self_signed("kms2.example"));
    desk.server_pin("keys-1", &one);
    desk.server_pin("keys-2", &two);
    (desk, one, two)
}

/// `keys-1`, unclaimed, as `kms1.example`, by the authority for any server.
fn chained() -> (Desk, Made) {
    let mut desk = empty();
    desk.server("keys-1", &["kms1.example"]);
    let root = ca("root");
    desk.authority(AuthorityScope::AnyServer, &root);
    (desk, root)
}

/// A client by pin.
fn pinned_client() -> (Desk, Made) {
    let mut desk = empty();
    let array = self_signed("array");
    desk.pin(PinScope::Clients, &array);
    (desk, array)
}

/// Clients by an authority.
fn chained_clients() -> (Desk, Made) {
    let mut desk = empty();
    let root = ca("root");
    desk.authority(AuthorityScope::Clients, &root);
    (desk, root)
}

fn until(day: i64) -> pki_types::UnixTime {
    at(u64::try_from(days(day)).unwrap())
}

fn month() -> ValidityRule {
    ValidityRule::Grace(Duration::from_secs(30 * DAY))
}

fn update(
    key: EntryKey,
    options: EntryOptions,
) -> impl Fn(&mut TrustStore) -> Result<mutual_trust::store::Report, StoreError> {
    move |store| store.update(&key, options.clone())
}

fn ended(issuer: &Made) -> Crl {
    let mut list = crl();
    let day = i64::try_from(DAY).unwrap();
    list.this_update = days(0) - 9 * day;
    list.next_update = Some(days(0) - day);
    list.signed_by(issuer)
}

fn names() -> Vec<Row> {
    let mut rows = Vec::new();
    let (desk, ..) = claimed();
    rows.push(row(
        "release_name",
        "the only name of a claimed server",
        desk,
        |store| store.release_name(&host("kms1.example")),
        Fate::Lost(peer("keys-1"), ReasonCode::UnlistedName),
    ));
    let (mut desk, one, _) = claimed();
    assert!(desk.connects("keys-1", &[&one]));
    rows.push(row(
        "release_name",
        "a name of a server that was seen, and not by this name",
        desk,
        |store| store.release_name(&host("kms1.example")),
        Fate::Lost(peer("keys-1"), ReasonCode::UnlistedName),
    ));
    let (mut desk, _) = chained();
    desk.store
        .add_name(&server_id("keys-1"), host("kms1.lan"))
        .unwrap();
    rows.push(row(
        "release_name",
        "one name of two",
        desk,
        |store| store.release_name(&host("kms1.lan")),
        Fate::Lost(peer("keys-1"), ReasonCode::UnlistedName),
    ));
    let (desk, ..) = claimed();
    rows.push(row(
        "move_name",
        "to a server with another pin",
        desk,
        |store| store.move_name(&host("kms2.example"), &server_id("keys-1")),
        Fate::Lost(peer("keys-2"), ReasonCode::PinOfAnotherServer),
    ));
    let (mut desk, _) = chained();
    desk.server("keys-2", &["kms2.example"]);
    rows.push(row(
        "move_name",
        "to a server of the same authority",
        desk,
        |store| store.move_name(&host("kms2.example"), &server_id("keys-1")),
        Fate::Nothing,
    ));
    let (desk, _) = chained();
    rows.push(row(
        "set_reference_names",
        "none of the former names",
        desk,
        |store| store.set_reference_names(&server_id("keys-1"), [host("other.example")]),
        Fate::Lost(peer("keys-1"), ReasonCode::NameMismatch),
    ));
    let (desk, _) = chained();
    rows.push(row(
        "set_reference_names",
        "a further name",
        desk,
        |store| {
            let names = [host("kms1.example"), host("other.example")];
            store.set_reference_names(&server_id("keys-1"), names)
        },
        Fate::Nothing,
    ));
    let (mut desk, _) = chained();
    desk.store
        .add_name(&server_id("keys-1"), host("kms1.lan"))
        .unwrap();
    rows.push(row(
        "set_reference_names",
        "one name of two",
        desk,
        |store| store.set_reference_names(&server_id("keys-1"), [host("kms1.lan")]),
        Fate::AtRisk(peer("keys-1")),
    ));
    let (desk, ..) = claimed();
    rows.push(row(
        "set_reference_names",
        "a claimed server, whose names do not count",
        desk,
        |store| store.set_reference_names(&server_id("keys-1"), [host("other.example")]),
        Fate::Nothing,
    ));
    let (desk, ..) = claimed();
    rows.push(row(
        "set_server_order",
        "one of two servers, first",
        desk,
        |store| store.set_server_order([server_id("keys-2")]),
        Fate::Nothing,
    ));
    let (desk, ..) = claimed();
    rows.push(row(
        "set_secondaries",
        "a server becomes the secondary of another",
        desk,
        |store| store.set_secondaries(&server_id("keys-2"), [server_id("keys-1")]),
        Fate::Nothing,
    ));
    let mut desk = empty();
    desk.authority(AuthorityScope::AnyServer, &ca("root"));
    desk.server("keys-1", &[]);
    rows.push(row(
        "add_name",
        "a server that was checked for the dialled name",
        desk,
        |store| store.add_name(&server_id("keys-1"), host("kms1.example")),
        Fate::AtRisk(peer("keys-1")),
    ));
    let (mut desk, ..) = claimed();
    desk.policy = desk.policy.with_unlisted_allowed();
    desk.authority(AuthorityScope::AnyServer, &ca("root"));
    rows.push(row(
        "add_name",
        "an unlisted name that the policy allows",
        desk,
        |store| store.add_name(&server_id("keys-1"), host("new.example")),
        Fate::AtRisk(Peer::Unlisted(host("new.example"))),
    ));
    let (mut desk, _) = chained();
    desk.policy = desk.policy.with_unlisted_allowed();
    rows.push(row(
        "add_server",
        "an unlisted name that the policy allows",
        desk,
        |store| store.add_server(server_id("keys-9"), [host("new.example")]),
        Fate::Nothing,
    ));
    let (desk, _) = chained();
    rows.push(row(
        "remove_server",
        "that an authority accepts",
        desk,
        |store| store.remove_server(&server_id("keys-1")),
        Fate::Lost(peer("keys-1"), ReasonCode::UnknownServer),
    ));
    rows
}

fn clients() -> Vec<Row> {
    let mut rows = Vec::new();
    let (desk, array) = pinned_client();
    let key = pin_key(Scope::Clients, &array.certificate);
    rows.push(row(
        "remove",
        "a client's pin",
        desk,
        move |store| store.remove(&key),
        Fate::Lost(client(&array), ReasonCode::NothingInstalled),
    ));
    let (desk, array) = pinned_client();
    let key = pin_key(Scope::Clients, &array.certificate);
    rows.push(row(
        "remove_all",
        "a client's pin",
        desk,
        move |store| store.remove_all(core::slice::from_ref(&key)),
        Fate::Lost(client(&array), ReasonCode::NothingInstalled),
    ));
    let mut desk = empty();
    let array = self_signed("array");
    let fingerprint = array.certificate.fingerprint();
    let pin = move |store: &mut TrustStore| {
        store.install_pin_fingerprint(PinScope::Clients, fingerprint, EntryOptions::new())
    };
    pin(&mut desk.store).unwrap();
    let key = pin_key(Scope::Clients, &array.certificate);
    rows.push(row(
        "remove",
        "a client's pin of which only the fingerprint is known",
        desk,
        move |store| store.remove(&key),
        Fate::Lost(client(&array), ReasonCode::NothingInstalled),
    ));
    rows.push(row(
        "install_pin_fingerprint",
        "a client",
        empty(),
        pin,
        Fate::Nothing,
    ));
    let (mut desk, root) = chained_clients();
    let array = spec("array").signed_by(&root);
    let key = desk.pin(PinScope::Clients, &array);
    rows.push(row(
        "remove",
        "a client's pin, while its authority accepts it",
        desk,
        move |store| store.remove(&key),
        Fate::Nothing,
    ));
    let (desk, root) = chained_clients();
    let key = authority(Scope::Clients, &root);
    let removed = key.clone();
    rows.push(row(
        "remove",
        "an authority for clients",
        desk,
        move |store| store.remove(&removed),
        Fate::Lost(clients_of(&root), ReasonCode::NothingInstalled),
    ));
    let (desk, array) = pinned_client();
    let key = pin_key(Scope::Clients, &array.certificate);
    rows.push(row(
        "disable",
        "a client's pin",
        desk,
        move |store| store.disable(&key, "a test"),
        Fate::Lost(client(&array), ReasonCode::EntryDisabled),
    ));
    let (mut desk, array) = pinned_client();
    let key = pin_key(Scope::Clients, &array.certificate);
    desk.store.disable(&key, "a test").unwrap();
    rows.push(row(
        "enable",
        "a client's pin",
        desk,
        move |store| store.enable(&key),
        Fate::Nothing,
    ));
    let (desk, array) = pinned_client();
    let certificate = array.certificate();
    rows.push(row(
        "block",
        "a client",
        desk,
        move |store| Ok(store.block(&certificate)),
        Fate::Blocked(client(&array)),
    ));
    let (desk, root) = chained_clients();
    let selector = mutual_trust::store::BlockSelector::Key(root.certificate.key_pin());
    rows.push(row(
        "block_selector",
        "an authority for clients",
        desk,
        move |store| Ok(store.block_selector(selector.clone())),
        Fate::Blocked(clients_of(&root)),
    ));
    let (mut desk, array) = pinned_client();
    let selector = mutual_trust::store::BlockSelector::certificate(&array.certificate);
    desk.store.block_selector(selector.clone());
    rows.push(row(
        "unblock",
        "a client",
        desk,
        move |store| store.unblock(&selector),
        Fate::Nothing,
    ));
    let (mut desk, root) = chained_clients();
    let pattern = |text: &str| -> SanPattern { text.parse().unwrap() };
    rows.push(row(
        "update",
        "patterns for the clients of an authority",
        desk,
        update(
            authority(Scope::Clients, &root),
            EntryOptions::new().with_san_patterns([pattern("dns:*.a.example")]),
        ),
        Fate::Lost(clients_of(&root), ReasonCode::NoPatternMatches),
    ));
    desk = empty();
    let array = spec("array")
        .valid(
            -20 * i64::try_from(DAY).unwrap(),
            -i64::try_from(DAY).unwrap(),
        )
        .self_signed();
    let key = desk.pin_with(
        PinScope::Clients,
        &array,
        EntryOptions::new().with_validity(month()),
    );
    rows.push(row(
        "update",
        "without the grace that a client needs",
        desk,
        update(key, EntryOptions::new()),
        Fate::Lost(client(&array), ReasonCode::Expired),
    ));
    let by_key = || EntryOptions::new().with_matching(PinMatch::PublicKey);
    let mut desk = empty();
    let array = self_signed("array");
    let key = desk.pin_with(PinScope::Clients, &array, by_key());
    rows.push(row(
        "update",
        "a client may have renewed with its key",
        desk,
        update(key, EntryOptions::new()),
        Fate::AtRisk(client(&array)),
    ));
    let mut desk = empty();
    desk.server("keys-1", &[]);
    let one = self_signed("kms1");
    let key = desk.pin_with(PinScope::Server(server_id("keys-1")), &one, by_key());
    rows.push(row(
        "update",
        "a server may have renewed with its key",
        desk,
        update(key, EntryOptions::new()),
        Fate::AtRisk(peer("keys-1")),
    ));
    rows
}

/// A pin that matches by key and cannot be used refuses the certificates of its key that an authority accepts.
fn keys_of_clients() -> Vec<Row> {
    let day = i64::try_from(DAY).unwrap();
    let mut rows = Vec::new();
    let by_key = || EntryOptions::new().with_matching(PinMatch::PublicKey);
    let old = || spec("array").valid(-20 * day, -day).self_signed();
    let pin = |options: EntryOptions, certificate: Certificate| {
        move |store: &mut TrustStore| {
            store.install_pin(PinScope::Clients, certificate.clone(), options.clone())
        }
    };
    let (desk, root) = chained_clients();
    rows.push(row(
        "install_pin",
        "an expired client pin that matches by key",
        desk,
        pin(by_key(), old().certificate()),
        Fate::AtRisk(clients_of(&root)),
    ));
    let (mut desk, root) = chained_clients();
    let key = desk.pin(PinScope::Clients, &old());
    rows.push(row(
        "update",
        "an expired client pin, to match by key",
        desk,
        update(key, by_key()),
        Fate::AtRisk(clients_of(&root)),
    ));
    for (what, options, made) in [
        ("an expired client pin", EntryOptions::new(), old()),
        ("a client pin by key", by_key(), self_signed("array")),
    ] {
        let (desk, _) = chained_clients();
        let change = pin(options, made.certificate());
        rows.push(row("install_pin", what, desk, change, Fate::Nothing));
    }
    rows
}

fn lists() -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut desk, root) = chained_clients();
    let array = spec("array").signed_by(&root);
    desk.policy = desk.policy.with_clients_by_pin_only();
    desk.pin(PinScope::Clients, &array);
    let list = crl().revoke(&array.certificate).signed_by(&root);
    rows.push(row(
        "install_crl",
        "that revokes a client's pin",
        desk,
        move |store| store.install_crl(list.clone()),
        Fate::Lost(client(&array), ReasonCode::Revoked),
    ));
    let (desk, root) = chained_clients();
    let list = ended(&root);
    let fate = || Fate::Lost(clients_of(&root), ReasonCode::CrlExpired);
    let ended_list = list.clone();
    rows.push(row(
        "install_crl",
        "that has ended, of an authority for clients",
        desk,
        move |store| store.install_crl(ended_list.clone()),
        fate(),
    ));
    let mut desk = empty();
    desk.authority(AuthorityScope::Clients, &root);
    rows.push(row(
        "install_crls",
        "that have ended, of an authority for clients",
        desk,
        move |store| {
            store
                .install_crls([list.clone()])
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
        },
        fate(),
    ));
    let (mut desk, root) = chained_clients();
    let list = crl().signed_by(&root);
    let fingerprint = list.fingerprint();
    desk.store.install_crl(list).unwrap();
    rows.push(row(
        "remove_crl",
        "the list of an authority for clients",
        desk,
        move |store| store.remove_crl(fingerprint),
        Fate::Lost(clients_of(&root), ReasonCode::RevocationUnknown),
    ));
    let (mut desk, root) = chained_clients();
    desk.store.install_crl(crl().signed_by(&root)).unwrap();
    let issuer = CrlIssuer::of(&root.certificate);
    rows.push(row(
        "disable_revocation_checks",
        "of an authority for clients",
        desk,
        move |store| store.disable_revocation_checks(&issuer),
        Fate::Nothing,
    ));
    rows
}

/// A list of a scope that covers only some certificates of an authority.
fn scopes_of_lists() -> Vec<Row> {
    let mut rows = Vec::new();
    let only_cas = || crl().scope(vec![flag(0x82)]);
    let some_reasons = bytes(0x83, &[6, 0x40]);
    let narrow = [
        ("of CAs alone", only_cas()),
        ("of end entities alone", crl().scope(vec![flag(0x81)])),
        (
            "of one distribution point",
            crl().scope(vec![point(&["http://crl.example/1"])]),
        ),
        ("of some reasons", crl().scope(vec![some_reasons])),
    ];
    for (what, list) in narrow {
        let (desk, root) = chained_clients();
        let list = list.signed_by(&root);
        let change = move |store: &mut TrustStore| store.install_crl(list.clone());
        rows.push(row(
            "install_crl",
            what,
            desk,
            change,
            Fate::AtRisk(clients_of(&root)),
        ));
    }
    let (desk, root) = chained();
    let list = only_cas().signed_by(&root);
    rows.push(row(
        "install_crl",
        "of CAs alone, of the authority of a server",
        desk,
        move |store| store.install_crl(list.clone()),
        Fate::AtRisk(peer("keys-1")),
    ));
    let leaf_only = || {
        let root = spec("root").ca().path_len(0).self_signed();
        let mut desk = empty();
        desk.authority(AuthorityScope::Clients, &root);
        (desk, root)
    };
    let (desk, root) = leaf_only();
    let list = only_cas().signed_by(&root);
    rows.push(row(
        "install_crl",
        "of CAs alone, of an authority that may sign no CA",
        desk,
        move |store| store.install_crl(list.clone()),
        Fate::Lost(clients_of(&root), ReasonCode::RevocationUnknown),
    ));
    let (desk, root) = leaf_only();
    let list = crl().scope(vec![flag(0x81)]).signed_by(&root);
    rows.push(row(
        "install_crl",
        "of end entities alone, of an authority that may sign no CA",
        desk,
        move |store| store.install_crl(list.clone()),
        Fate::Nothing,
    ));
    let (mut desk, root) = chained_clients();
    let whole = crl().signed_by(&root);
    let fingerprint = whole.fingerprint();
    desk.store.install_crl(whole).unwrap();
    desk.store.install_crl(only_cas().signed_by(&root)).unwrap();
    rows.push(row(
        "remove_crl",
        "the whole list, while one of CAs alone stays",
        desk,
        move |store| store.remove_crl(fingerprint),
        Fate::AtRisk(clients_of(&root)),
    ));
    let (mut desk, root) = chained_clients();
    desk.store.install_crl(only_cas().signed_by(&root)).unwrap();
    let next = only_cas().number(2).signed_by(&root);
    rows.push(row(
        "install_crl",
        "the next one of CAs alone",
        desk,
        move |store| store.install_crl(next.clone()),
        Fate::Nothing,
    ));
    rows
}

fn servers() -> Vec<Row> {
    let mut rows = Vec::new();
    let (desk, one, _) = claimed();
    let key = pin_key(Scope::Server(server_id("keys-1")), &one.certificate);
    rows.push(row(
        "remove",
        "a server's pin",
        desk,
        move |store| store.remove(&key),
        Fate::Lost(peer("keys-1"), ReasonCode::NoUsablePin),
    ));
    let (desk, root) = chained();
    let key = authority(Scope::AnyServer, &root);
    rows.push(row(
        "remove",
        "the authority for any server",
        desk,
        move |store| store.remove(&key),
        Fate::Lost(peer("keys-1"), ReasonCode::NothingInstalled),
    ));
    let (mut desk, root) = chained();
    desk.policy = desk.policy.with_unlisted_allowed();
    let key = authority(Scope::AnyServer, &root);
    let unlisted = Peer::Authority(key.clone());
    rows.push(row(
        "remove",
        "the authority of unlisted names",
        desk,
        move |store| store.remove(&key),
        Fate::Lost(unlisted, ReasonCode::UnknownIssuer),
    ));
    for clients in [false, true] {
        let (mut desk, root) = if clients {
            chained_clients()
        } else {
            chained()
        };
        let issuing = spec("issuing").ca().signed_by(&root);
        let options = EntryOptions::new();
        let done = desk
            .store
            .install_intermediate(issuing.certificate(), options);
        let key = crate::admin::desk::key_of(&done.unwrap());
        let at_risk = if clients {
            clients_of(&root)
        } else {
            peer("keys-1")
        };
        rows.push(row(
            "remove",
            "an intermediate that peers may not send",
            desk,
            move |store| store.remove(&key),
            Fate::AtRisk(at_risk),
        ));
        rows.push(row(
            "install_intermediate",
            "a CA",
            empty(),
            move |store| store.install_intermediate(issuing.certificate(), EntryOptions::new()),
            Fate::Nothing,
        ));
    }
    let (desk, ..) = claimed();
    rows.push(row(
        "release",
        "a server, with its pins",
        desk,
        |store| store.release(&server_id("keys-1")),
        Fate::Lost(peer("keys-1"), ReasonCode::NothingInstalled),
    ));
    let grouped = || {
        let mut desk = empty();
        desk.group("site", &["kms-a"]);
        desk.group_pin("site", &self_signed("shared"));
        desk
    };
    rows.push(row(
        "release_group",
        "a group, with its pins",
        grouped(),
        |store| store.release_group(&group("site")),
        Fate::Lost(peer("kms-a"), ReasonCode::NothingInstalled),
    ));
    rows.push(row(
        "remove_group",
        "a group, with its pins",
        grouped(),
        |store| store.remove_group(&group("site")),
        Fate::Lost(peer("kms-a"), ReasonCode::NoUsablePin),
    ));
    rows.push(row(
        "leave_group",
        "a member without a pin of its own",
        grouped(),
        |store| store.leave_group(&server_id("kms-a")),
        Fate::Lost(peer("kms-a"), ReasonCode::NoUsablePin),
    ));
    rows.push(row(
        "add_group",
        "another",
        grouped(),
        |store| store.add_group(group("b")),
        Fate::Nothing,
    ));
    let mut desk = grouped();
    desk.server("keys-1", &[]);
    desk.authority(AuthorityScope::AnyServer, &ca("root"));
    rows.push(row(
        "join_group",
        "a server that authorities accept",
        desk,
        |store| store.join_group(&group("site"), &server_id("keys-1")),
        Fate::AtRisk(peer("keys-1")),
    ));
    let (mut desk, ..) = claimed();
    desk.authority(AuthorityScope::AnyServer, &ca("root"));
    rows.push(row(
        "migrate",
        "a server",
        desk,
        |store| store.migrate(&server_id("keys-1"), until(30)),
        Fate::Nothing,
    ));
    rows.push(row(
        "migrate_group",
        "a group",
        grouped(),
        |store| store.migrate_group(&group("site"), until(30)),
        Fate::Nothing,
    ));
    let (mut desk, ..) = claimed();
    desk.authority(AuthorityScope::AnyServer, &ca("root"));
    desk.store.migrate(&server_id("keys-1"), until(30)).unwrap();
    rows.push(row(
        "stop_migrating",
        "a server that may have its new certificate",
        desk,
        |store| store.stop_migrating(&server_id("keys-1")),
        Fate::AtRisk(peer("keys-1")),
    ));
    let (desk, _) = chained();
    let pin = self_signed("kms1.example");
    let scope = PinScope::Server(server_id("keys-1"));
    rows.push(row(
        "install_pin",
        "the first of a server",
        desk,
        move |store| store.install_pin(scope.clone(), pin.certificate(), EntryOptions::new()),
        Fate::AtRisk(peer("keys-1")),
    ));
    let (desk, _) = chained();
    let own = ca("own");
    let scope = AuthorityScope::Server(server_id("keys-1"));
    rows.push(row(
        "install_authority",
        "the first of a server",
        desk,
        move |store| store.install_authority(scope.clone(), own.certificate(), EntryOptions::new()),
        Fate::AtRisk(peer("keys-1")),
    ));
    let (desk, _) = chained();
    let own = self_signed("kms1.example");
    rows.push(row(
        "install_bundle",
        "with the first pin of a server",
        desk,
        move |store| {
            let bundle = store.classify_bundle(vec![own.certificate()]);
            let mut bundle = bundle;
            bundle.decide(0, mutual_trust::store::Decision::Pin);
            let scope = PinScope::Server(server_id("keys-1"));
            store.install_bundle(
                &bundle,
                &scope,
                &AuthorityScope::AnyServer,
                &EntryOptions::new(),
            )
        },
        Fate::AtRisk(peer("keys-1")),
    ));
    let mut desk = empty();
    let (one, two) = (self_signed("one"), self_signed("two"));
    desk.pin(PinScope::Clients, &one);
    let earlier = desk.view().clone();
    desk.pin(PinScope::Clients, &two);
    rows.push(row(
        "roll_back",
        "to a store without the client",
        desk,
        move |store| store.roll_back(&earlier),
        Fate::Lost(client(&two), ReasonCode::PinDoesNotMatch),
    ));
    let mut desk = empty();
    desk.pin(PinScope::Clients, &one);
    let backup = desk.view().clone();
    desk.pin(PinScope::Clients, &two);
    rows.push(row(
        "restore_backup",
        "of a store without the client",
        desk,
        move |store| store.restore_backup(&backup),
        Fate::Lost(client(&two), ReasonCode::PinDoesNotMatch),
    ));
    rows
}

fn clock() -> Vec<Row> {
    let day = i64::try_from(DAY).unwrap();
    let mut rows = Vec::new();
    let mut desk = empty();
    let array = spec("array").valid(-day, 100 * day).self_signed();
    desk.pin(PinScope::Clients, &array);
    drop(desk.store.snapshot());
    rows.push(row(
        "reset_floor",
        "to a time after the end of a client's pin",
        desk,
        |store| Ok(store.reset_floor(Some(until(200)))),
        Fate::Lost(client(&array), ReasonCode::ClockBelowFloor),
    ));
    let mut desk = empty();
    let array = spec("array").valid(-day, 100 * day).self_signed();
    desk.pin(PinScope::Clients, &array);
    drop(desk.store.snapshot());
    // A wrong clock: a peer whose certificate ended in between is refused when it is right again.
    desk.clock.set(Some(days(800)));
    rows.push(row(
        "confirm_clock",
        "past the end of a client's pin",
        desk,
        TrustStore::confirm_clock,
        Fate::Lost(client(&array), ReasonCode::ClockUnset),
    ));
    // The clock is wrong: what is refused until it is right must not be removed in silence.
    for wrong in [None, Some(days(-800)), Some(days(800))] {
        let mut desk = empty();
        desk.server("keys-1", &["kms1.example"]);
        let pin = spec("kms1").valid(-day, 100 * day).self_signed();
        let key = desk.server_pin("keys-1", &pin);
        drop(desk.store.snapshot());
        desk.clock.set(wrong);
        rows.push(row(
            "remove",
            "the pin of a server, by a wrong clock",
            desk,
            move |store| store.remove(&key),
            Fate::Lost(peer("keys-1"), ReasonCode::NoUsablePin),
        ));
        let (mut desk, root) = chained();
        desk.authority(AuthorityScope::Clients, &root);
        drop(desk.store.snapshot());
        desk.clock.set(wrong);
        let key = authority(Scope::AnyServer, &root);
        rows.push(row(
            "remove",
            "an authority, by a wrong clock",
            desk,
            move |store| store.remove(&key),
            Fate::Lost(peer("keys-1"), ReasonCode::NothingInstalled),
        ));
    }
    rows
}

fn rows() -> Vec<Row> {
    let all = [
        names(),
        clients(),
        keys_of_clients(),
        lists(),
        scopes_of_lists(),
        servers(),
        clock(),
    ];
    all.into_iter().flatten().collect()
}

fn names_peer(effects: &Impact, peer: &Peer) -> bool {
    let all = effects.lost().items().iter().chain(effects.at_risk());
    all.into_iter().any(|effect| effect.peer == *peer)
}

#[test]
fn what_a_change_refuses_is_named_and_needs_an_allowance() {
    let mut failed = Vec::new();
    for row in rows() {
        let of = format!("{}: {}", row.call, row.what);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(row))).is_err() {
            failed.push(of);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

fn check(mut row: Row) {
    {
        let of = format!("{}: {}", row.call, row.what);
        let now = row.desk.now();
        let planned = plan(
            &row.desk.store,
            &row.desk.policy,
            &row.desk.seen,
            now,
            |store| (row.change)(store),
        );
        let planned = planned.unwrap_or_else(|error| panic!("{of}: {error}"));
        let effects = planned.effects().clone();
        let before = written_down(row.desk.view());
        let (policy, seen) = (row.desk.policy, &row.desk.seen);
        let none = LockoutAllowance::none();
        let done = guard(&mut row.desk.store, &policy, seen, now, &none, |store| {
            (row.change)(store)
        });
        match row.fate {
            Fate::Lost(peer, reason) => {
                let effect = effects
                    .lost()
                    .items()
                    .iter()
                    .find(|effect| effect.peer == peer);
                let effect = effect.unwrap_or_else(|| panic!("{of}: {effects}"));
                assert_eq!(effect.after.reason, reason, "{of}: {effects}");
                match done {
                    Err(PlanError::Loses { lost, .. }) => {
                        assert!(lost.items().contains(&peer), "{of}: {lost:?}");
                    }
                    other => panic!("{of}: {other:?}"),
                }
                assert_eq!(written_down(row.desk.view()), before, "{of}");
                let all: Vec<Peer> = effects.all_lost().cloned().collect();
                let allowed = LockoutAllowance::allow(all);
                let done = guard(&mut row.desk.store, &policy, seen, now, &allowed, |store| {
                    (row.change)(store)
                });
                assert!(done.is_ok(), "{of}: {done:?}");
            }
            Fate::AtRisk(peer) => {
                assert!(names_peer(&effects, &peer), "{of}: {effects}");
                assert!(!effects.loses(&peer), "{of}: {effects}");
                assert!(done.is_ok(), "{of}: {done:?}");
            }
            Fate::Blocked(peer) => {
                assert!(effects.loses(&peer), "{of}: {effects}");
                assert!(done.is_ok(), "{of}: {done:?}");
            }
            Fate::Nothing => {
                let quiet = effects.lost().is_empty() && effects.at_risk().is_empty();
                assert!(quiet, "{of}: {effects}");
                assert!(done.is_ok(), "{of}: {done:?}");
            }
        }
    }
}

/// Calls that need no row.
const OTHERS: [(&str, &str); 4] = [
    (
        "commit",
        "takes over what calls on a draft did, which a plan judges",
    ),
    (
        "snapshot",
        "publishes: the floor that it moves is judged with every change",
    ),
    ("set_actor", "names the administrator"),
    ("with_actor", "names the administrator"),
];

/// The public calls of a store that take `&mut self`, from its source.
fn calls() -> BTreeSet<String> {
    let mut places = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")];
    let mut calls = BTreeSet::new();
    while let Some(place) = places.pop() {
        if place.is_dir() {
            let below = std::fs::read_dir(place).unwrap();
            places.extend(below.map(|file| file.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(place).unwrap();
        for part in text.split("\nimpl TrustStore {\n").skip(1) {
            let body = part.split("\n}\n").next().unwrap();
            for function in body.split("    pub fn ").skip(1) {
                let (name, rest) = function.split_once(['(', '<']).unwrap();
                let head = rest.split('{').next().unwrap();
                if head.contains("&mut self") {
                    calls.insert(name.to_owned());
                }
            }
        }
    }
    calls
}

#[test]
fn every_call_that_changes_a_store_has_a_row() {
    let calls = calls();
    assert!(calls.len() > 30, "{calls:?}");
    let mut known: BTreeSet<String> = rows().iter().map(|row| row.call.to_owned()).collect();
    known.extend(OTHERS.iter().map(|(call, _)| (*call).to_owned()));
    assert_eq!(calls, known);
}

#[test]
fn an_own_certificate_is_given_up_only_when_every_server_accepts_the_next() {
    let (mut desk, ..) = claimed();
    let (next, old) = (self_signed("next"), self_signed("old"));
    let (next, old) = (
        next.certificate.fingerprint(),
        old.certificate.fingerprint(),
    );
    let first = server_id("keys-1");
    desk.seen.confirm_own(&first, next);
    desk.seen.confirm_own(&server_id("keys-2"), old);
    let renewal = own_renewal(desk.view(), &desk.seen, next, |_| next);
    match renewal.guard(&LockoutAllowance::none()) {
        Err(PlanError::Loses { lost, .. }) => assert_eq!(lost.items(), [peer("keys-2")]),
        other => panic!("{other:?}"),
    }
    let allowed = LockoutAllowance::allow([server_id("keys-2")]);
    assert!(renewal.guard(&allowed).is_ok());
    desk.seen.confirm_own(&server_id("keys-2"), next);
    let presented = |id: &mutual_trust::ServerId| if *id == first { old } else { next };
    let renewal = own_renewal(desk.view(), &desk.seen, next, presented);
    assert!(renewal.guard(&LockoutAllowance::none()).is_err());
    let renewal = own_renewal(desk.view(), &desk.seen, next, |_| next);
    assert!(renewal.guard(&LockoutAllowance::none()).is_ok());
}

// A client whose pin has ended and that has a next one is not held against a change.
#[test]
fn a_pin_that_ended_needs_no_allowance_while_the_client_has_a_next_one() {
    let day = i64::try_from(DAY).unwrap();
    for (label, lost) in [("array-7", false), ("array-8", true)] {
        let mut desk = empty();
        let old = spec("array").valid(-day, 10 * day).self_signed();
        let next = self_signed("array");
        let labelled = |label: &str| EntryOptions::new().with_label(label);
        desk.pin_with(PinScope::Clients, &old, labelled("array-7"));
        desk.pin_with(PinScope::Clients, &next, labelled(label));
        drop(desk.store.snapshot());
        desk.clock.set(Some(days(20)));
        let now = desk.now();
        let planned = plan(&desk.store, &desk.policy, &desk.seen, now, |store| {
            store.add_server(server_id("keys-1"), [])
        });
        assert_eq!(
            planned.unwrap().effects().loses(&client(&old)),
            lost,
            "{label}"
        );
    }
}

// M7: a machine that was off for long confirms its clock, and its chains are not held against that.
#[test]
fn a_clock_is_confirmed_without_an_allowance_while_nothing_has_ended() {
    let mut desk = empty();
    desk.server("keys-1", &["kms1.example"]);
    let years = 2000 * i64::try_from(DAY).unwrap();
    let root = spec("root").ca().valid(-1, years).self_signed();
    desk.authority(AuthorityScope::AnyServer, &root);
    desk.authority(AuthorityScope::Clients, &root);
    drop(desk.store.snapshot());
    desk.clock.set(Some(days(400)));
    let (policy, now) = (desk.policy, desk.now());
    let none = LockoutAllowance::none();
    let confirm = |store: &mut TrustStore| store.confirm_clock();
    let done = guard(&mut desk.store, &policy, &desk.seen, now, &none, confirm);
    assert!(done.is_ok(), "{done:?}");
}
