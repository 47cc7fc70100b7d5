//! Parts of an expiry report: by server, by scope, page by page.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mutual_trust::admin::{ExpiryPage, ExpiryReport, Severity, Windows, expiry_page};
use mutual_trust::store::Scope;
use mutual_trust::{AuthorityScope, EntryOptions, Fingerprint, PinScope};

use super::desk::{Desk, group};
use crate::support::pki::spec;
use crate::support::{DAY, NOW, at, server_id};

fn desk() -> Desk {
    Desk::at(i64::try_from(NOW).unwrap())
}

fn page(desk: &Desk, set: impl FnOnce(&mut ExpiryPage)) -> ExpiryReport {
    let month = Duration::from_secs(30 * DAY);
    let windows = Windows::new(month, month, month).unwrap();
    let mut page = ExpiryPage::default();
    set(&mut page);
    let seen = &desk.seen;
    expiry_page(
        desk.view(),
        &desk.policy,
        seen,
        desk.now(),
        &windows,
        &[],
        &page,
    )
}

fn ends(day: u64) -> EntryOptions {
    EntryOptions::new().with_end(at(NOW + day * DAY))
}

fn pin(desk: &mut Desk, scope: PinScope, number: u32, options: EntryOptions) {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    let fingerprint = Fingerprint::from_bytes(bytes);
    let done = desk
        .store
        .install_pin_fingerprint(scope, fingerprint, options);
    let _ = done.unwrap();
}

/// What a report lists, by the days on which it ends.
fn days(report: &ExpiryReport) -> Vec<u64> {
    let ends = report.items().iter().map(|item| item.ends.as_secs());
    ends.map(|ends| (ends - NOW) / DAY).collect()
}

#[test]
fn a_part_has_what_concerns_its_server_or_scope_and_nothing_else() {
    let mut desk = desk();
    for id in ["pinned", "unclaimed"] {
        desk.server(id, &[]);
    }
    desk.group("g", &["member"]);
    pin(&mut desk, PinScope::Server(server_id("pinned")), 1, ends(1));
    pin(&mut desk, PinScope::Group(group("g")), 2, ends(2));
    pin(&mut desk, PinScope::Clients, 3, ends(3));
    let ca = spec("CA").ca().self_signed().certificate();
    let any = AuthorityScope::AnyServer;
    desk.store
        .install_authority(any, ca.clone(), ends(4))
        .unwrap();
    desk.store.install_intermediate(ca, ends(5)).unwrap();

    let of_server = |id: &str| days(&page(&desk, |page| page.server = Some(server_id(id))));
    // An intermediate may complete the chain of any server.
    assert_eq!(of_server("pinned"), [1, 5]);
    assert_eq!(of_server("member"), [2, 5]);
    assert_eq!(of_server("unclaimed"), [4, 5]);
    let of_scope = |scope: Scope| days(&page(&desk, |page| page.scope = Some(scope)));
    assert_eq!(of_scope(Scope::Group(group("g"))), [2]);
    assert_eq!(of_scope(Scope::Clients), [3]);
    assert_eq!(of_scope(Scope::AnyServer), [4]);
    assert_eq!(days(&page(&desk, |_| {})), [1, 2, 3, 4, 5]);

    let second = page(&desk, |page| (page.from, page.limit) = (2, Some(2)));
    assert_eq!(days(&second), [3, 4]);
    assert_eq!(second.more(Severity::Critical), 3);
    let behind = page(&desk, |page| (page.from, page.limit) = (9, Some(2)));
    assert!(behind.items().is_empty());
    // The worst of all, listed or not.
    assert_eq!(behind.worst(), Some(Severity::Critical));
}

#[test]
fn the_dependents_of_an_entry_of_one_server_cost_no_look_at_the_others() {
    const SERVERS: u32 = 6_000;
    let mut desk = desk();
    for number in 0..SERVERS {
        let id = desk.server(&format!("s{number}"), &[]);
        pin(&mut desk, PinScope::Server(id), number, ends(1));
    }
    let timed = |limit: usize| {
        let before = Instant::now();
        let report = page(&desk, |page| page.limit = Some(limit));
        assert_eq!(report.items().len(), limit);
        let named: BTreeSet<String> = report.items().iter().map(ToString::to_string).collect();
        assert_eq!(named.len(), limit);
        before.elapsed()
    };
    let fastest = |limit: usize| (0..3).map(|_| timed(limit)).min().unwrap();
    // A look at each server for each item takes a hundred times as long as the list itself.
    let (none, many) = (fastest(0), fastest(256));
    assert!(
        many < 8 * none,
        "{none:?} without dependents, {many:?} with those of 256"
    );
}
