//! Short words for stores, and what every test of a change asks of it.

use std::sync::Arc;

use mutual_trust::certificate::Certificate;
use mutual_trust::error::StoreError;
use mutual_trust::store::{
    BlockSelector, EntryKey, Outcome, Report, Scope, Slot, StoreWarning, TrustSnapshot, TrustSource,
};
use mutual_trust::{AuthorityScope, EntryOptions, Fingerprint, GroupId, PinScope, TrustStore};

use crate::support::pki::{Made, spec};
use crate::support::*;

pub use crate::support::clock::Moved;

pub fn group_id(text: &str) -> GroupId {
    text.parse().unwrap()
}

pub fn options() -> EntryOptions {
    EntryOptions::new()
}

/// Pins for a server.
pub fn server(id: &str) -> PinScope {
    PinScope::Server(server_id(id))
}

/// Pins for a group.
pub fn group(id: &str) -> PinScope {
    PinScope::Group(group_id(id))
}

/// Authorities for a server.
pub fn authority(id: &str) -> AuthorityScope {
    AuthorityScope::Server(server_id(id))
}

pub fn of_server(id: &str) -> Scope {
    Scope::Server(server_id(id))
}

pub fn of_group(id: &str) -> Scope {
    Scope::Group(group_id(id))
}

pub fn pin_key(scope: Scope, certificate: &Certificate) -> EntryKey {
    EntryKey::new(Slot::Pin, scope, certificate.fingerprint())
}

pub fn authority_key(scope: Scope, certificate: &Certificate) -> EntryKey {
    EntryKey::new(Slot::Authority, scope, certificate.fingerprint())
}

/// A new end entity that signed itself.
pub fn new_pin() -> Certificate {
    spec("kms").dns("kms1.example").self_signed().certificate
}

/// A new CA that signed itself.
pub fn new_ca() -> Made {
    spec("root").ca().self_signed()
}

/// A store with servers `a`, `b`, … by their ids, each with the name `<id>.example`.
pub fn with_servers(ids: &[&str]) -> TrustStore {
    let mut store = store();
    for id in ids {
        let name = host(&format!("{id}.example"));
        store.add_server(server_id(id), [name]).unwrap();
    }
    store
}

/// Everything that can be seen of a store, to compare it before and after a call.
pub fn snapshot(view: &TrustSnapshot) -> String {
    use core::fmt::Write;
    let mut text = format!("{} {:?}\n", view.generation(), view.floor());
    for entry in view.entries() {
        let der = entry.certificate().map(|certificate| certificate.der());
        writeln!(text, "{entry:?} {der:?}").unwrap();
    }
    for server in view.servers() {
        writeln!(text, "{server:?} {:?}", view.level(server)).unwrap();
        for name in server.names() {
            let owner = view.server_of(name).map(|owner| owner.id());
            assert_eq!(owner, Some(server.id()), "the index of names is stale");
        }
    }
    for group in view.groups() {
        writeln!(text, "{group:?}").unwrap();
    }
    for block in view.blocks() {
        writeln!(text, "{block:?}").unwrap();
    }
    text
}

/// Asserts that a call is refused with an error of this form, and that the store is exactly as before.
macro_rules! refused {
    ($store:ident, $call:expr, $pattern:pat $(if $guard:expr)?) => {{
        let before = crate::store::common::snapshot($store.contents());
        let error = $call.unwrap_err();
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        assert!(!error.to_string().is_empty());
        let after = crate::store::common::snapshot($store.contents());
        assert_eq!(before, after, "refused, and changed the store: {error:?}");
    }};
}

/// Asserts that a call says that nothing changed, and that nothing did (I5).
macro_rules! nothing_new {
    ($store:ident, $call:expr) => {{
        let before = crate::store::common::snapshot($store.contents());
        let report = $call;
        assert_eq!(
            report.done(),
            mutual_trust::store::Outcome::Unchanged,
            "{report}"
        );
        assert_eq!(report.generation(), $store.contents().generation());
        assert!(
            report.claims().is_empty() && report.shifts().is_empty(),
            "{report}"
        );
        let after = crate::store::common::snapshot($store.contents());
        assert_eq!(
            before, after,
            "said that nothing changed, and changed the store"
        );
        report
    }};
}

/// Asserts that a call changed the store and made a new generation; gives its report.
macro_rules! changed {
    ($store:ident, $call:expr) => {{
        let before = crate::store::common::snapshot($store.contents());
        let generation = $store.contents().generation();
        let report = $call;
        assert!(
            $store.contents().generation() > generation,
            "a change without a new generation: {report}"
        );
        assert_eq!(
            report.generation(),
            $store.contents().generation(),
            "{report}"
        );
        assert_ne!(
            before,
            crate::store::common::snapshot($store.contents()),
            "{report}"
        );
        report
    }};
}

/// The claims of a report, as text.
pub fn claims(report: &Report) -> Vec<String> {
    report
        .claims()
        .items()
        .iter()
        .map(|id| id.to_string())
        .collect()
}

/// What a report says is asked of which server now, and what before.
pub fn shifts(report: &Report) -> Vec<(String, TrustSource, TrustSource)> {
    let shift = |shift: &mutual_trust::store::TrustSourceChange| {
        (shift.server.to_string(), shift.from, shift.to)
    };
    report.shifts().items().iter().map(shift).collect()
}

pub fn shadows(report: &Report) -> Vec<String> {
    report
        .shifts()
        .items()
        .iter()
        .filter(|shift| shift.to < shift.from)
        .map(|shift| shift.server.to_string())
        .collect()
}

pub fn exposes(report: &Report) -> Vec<String> {
    report
        .shifts()
        .items()
        .iter()
        .filter(|shift| shift.to > shift.from)
        .map(|shift| shift.server.to_string())
        .collect()
}

pub fn level(store: &TrustStore, id: &str) -> TrustSource {
    let view = store.contents();
    view.level(view.server(&server_id(id)).unwrap())
}

pub fn claim(store: &TrustStore, id: &str) -> mutual_trust::store::Claim {
    store.contents().server(&server_id(id)).unwrap().claim()
}

/// A store on a clock that starts at [`NOW`].
pub fn on_clock() -> (TrustStore, Moved) {
    let clock = Moved::new(NOW);
    let store = TrustStore::new(keys()).with_clock(Arc::new(clock.clone()));
    (store, clock)
}

pub fn blocks(store: &TrustStore) -> Vec<BlockSelector> {
    store.contents().blocks().cloned().collect()
}

/// The fingerprints of a store's entries in their order.
pub fn fingerprints(store: &TrustStore) -> Vec<Fingerprint> {
    let entries = store.contents().entries();
    entries.iter().map(|entry| entry.fingerprint()).collect()
}

pub fn assert_added(report: &Report) {
    assert_eq!(report.done(), Outcome::Added, "{report}");
}

/// A store whose servers could be vouched for by an authority of any server, and `own` by its own.
pub fn with_authorities() -> TrustStore {
    let mut store = with_servers(&["s", "own"]);
    store
        .install_authority(AuthorityScope::AnyServer, fixture("ca-root"), options())
        .unwrap();
    store
        .install_authority(authority("own"), fixture("ca-other"), options())
        .unwrap();
    store.add_group(group_id("g")).unwrap();
    store
}

pub fn as_pin(certificate: Certificate) -> Result<Report, StoreError> {
    with_servers(&["s"]).install_pin(server("s"), certificate, options())
}

pub fn as_client_pin(certificate: Certificate) -> Result<Report, StoreError> {
    store().install_pin(PinScope::Clients, certificate, options())
}

pub fn as_authority(certificate: Certificate) -> Result<Report, StoreError> {
    store().install_authority(AuthorityScope::AnyServer, certificate, options())
}

pub fn as_intermediate(certificate: Certificate) -> Result<Report, StoreError> {
    store().install_intermediate(certificate, options())
}

pub fn warnings(report: &Report) -> Vec<StoreWarning> {
    report.warnings().items().to_vec()
}
