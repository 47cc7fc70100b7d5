//! Revocation lists over time: when each begins and ends is known to the second, with those who depend on it; and what
//! they revoke is usable no more.

use core::time::Duration;
use std::sync::OnceLock;

use mutual_trust::admin::{
    ExpiringItem, Peer, PeerHistory, Severity, TimelineEvent, Windows, expiry, forecast,
    next_change, safe_to_remove, servers_without_usable,
};
use mutual_trust::certificate::Crl;
use mutual_trust::policy::ChainProfile;
use mutual_trust::store::CrlIssuer;
use mutual_trust::{AuthorityScope, EntryOptions, PinScope, Policy, ReasonCode, Verdict};
use proptest::prelude::*;

use crate::admin::desk::{Desk, peer};
use crate::invariants::pool::days;
use crate::invariants::questions::clock;
use crate::support::crl::{CrlSpec, crl, flag};
use crate::support::pki::{Made, spec};
use crate::support::random::config;
use crate::support::{at, policy, server_id};

const DAY_: i64 = 24 * 60 * 60;

/// A root, an intermediate below it, a server's certificate of each, and one that the intermediate will revoke.
struct Pki {
    root: Made,
    inter: Made,
    direct: Made,
    below: Made,
    gone: Made,
    /// Another issuer's, never in any chain here.
    stranger: Made,
}

fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let long = |name: &str| spec(name).valid(-1000 * DAY_, 3000 * DAY_);
        let root = long("root").ca().self_signed();
        let inter = long("inter").ca().signed_by(&root);
        let leaf = |by: &Made| long("kms").dns("kms.example").signed_by(by);
        Pki {
            direct: leaf(&root),
            below: leaf(&inter),
            gone: leaf(&inter),
            stranger: long("stranger").ca().self_signed(),
            root,
            inter,
        }
    })
}

fn subject(list: &Crl, issuer: &Made) -> impl Fn(&ExpiringItem) -> bool {
    let fingerprint = list.fingerprint();
    let issuer = CrlIssuer::of(&issuer.certificate);
    move |subject| {
        matches!(subject, ExpiringItem::Crl { issuer: of, fingerprint: found, .. }
            if *found == fingerprint && *of == issuer)
    }
}

/// `keys-1` presents what the root signed, `keys-2` what the intermediate did; both trust the root.
fn desk() -> Desk {
    let pki = pki();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &["kms.example"]);
    desk.server("keys-2", &[]);
    desk.store
        .set_reference_names(&server_id("keys-2"), ["kms.example".parse().unwrap()])
        .unwrap();
    for id in ["keys-1", "keys-2"] {
        desk.authority(AuthorityScope::Server(server_id(id)), &pki.root);
    }
    let options = EntryOptions::new();
    desk.store
        .install_intermediate(pki.inter.certificate(), options)
        .unwrap();
    assert!(desk.connects("keys-1", &[&pki.direct]));
    assert!(desk.connects("keys-2", &[&pki.below]));
    desk
}

fn install(desk: &mut Desk, spec: CrlSpec, issuer: &Made) -> Crl {
    let list = spec.signed_by(issuer);
    desk.store.install_crl(list.clone()).unwrap();
    list
}

fn days_of(from: i64, to: i64) -> CrlSpec {
    crl().valid(from * DAY_, to * DAY_)
}

fn next(desk: &Desk) -> mutual_trust::admin::NextTransition {
    next_change(desk.view(), &desk.policy, &desk.seen, desk.now()).unwrap()
}

/// The reason the second before and at the next change, which must be this turn of this list.
fn around(
    desk: &Desk,
    list: &Crl,
    issuer: &Made,
    turn: TimelineEvent,
    moment: i64,
) -> (Verdict, Verdict) {
    let next = next(desk);
    assert_eq!(next.at(), at(u64::try_from(moment).unwrap()), "{next}");
    let is = subject(list, issuer);
    let mut changes = next.changes().items().iter();
    assert!(
        changes.any(|change| change.turn == turn && is(&change.subject)),
        "{next}"
    );
    desk.clock.set(Some(moment - 1));
    let before = desk.verdict("keys-1", &[&pki().direct]);
    desk.clock.set(Some(moment));
    (before, desk.verdict("keys-1", &[&pki().direct]))
}

fn reasons((before, after): (Verdict, Verdict)) -> (ReasonCode, ReasonCode) {
    (before.reason(), after.reason())
}

use ReasonCode::{ChainVerified, CrlExpired, RevocationUnknown, Revoked};

#[test]
fn a_list_begins_five_minutes_early_and_ends_with_its_next_update_or_its_grace() {
    let pki = pki();
    let mut plain = desk();
    let list = install(&mut plain, days_of(2, 10), &pki.root);
    let told = around(
        &plain,
        &list,
        &pki.root,
        TimelineEvent::Begins,
        days(2) - 300,
    );
    assert_eq!(reasons(told), (RevocationUnknown, ChainVerified));
    assert_eq!(next(&plain).changes().len(), 1);
    let told = around(&plain, &list, &pki.root, TimelineEvent::Ends, days(10));
    assert_eq!(reasons(told), (ChainVerified, CrlExpired));

    let mut graced = desk();
    graced.policy = policy().with_crl_grace(Duration::from_secs(3600)).unwrap();
    let list = install(&mut graced, days_of(-1, 10), &pki.root);
    let (before, after) = around(
        &graced,
        &list,
        &pki.root,
        TimelineEvent::GraceBegins,
        days(10),
    );
    assert_eq!((before.warnings().len(), after.warnings().len()), (0, 1));
    let told = around(
        &graced,
        &list,
        &pki.root,
        TimelineEvent::Ends,
        days(10) + 3600,
    );
    assert_eq!(reasons(told), (ChainVerified, CrlExpired));
}

#[test]
fn the_end_of_a_list_is_reported_with_those_whose_chains_it_is_about() {
    let pki = pki();
    let mut desk = desk();
    let of_root = install(&mut desk, days_of(-1, 10), &pki.root);
    let of_inter = install(&mut desk, days_of(-1, 11), &pki.inter);
    desk.authority(AuthorityScope::Clients, &pki.root);
    let client = spec("array").signed_by(&pki.root);
    assert!(desk.client_connects(&[&client]));
    let client = Peer::Client(client.certificate.fingerprint());
    // A pin of the issuer's certificate vouches for nothing that it signed.
    desk.pin(PinScope::Clients, &pki.inter);
    desk.authority(AuthorityScope::Clients, &pki.stranger);
    let of_stranger = install(&mut desk, days_of(-1, 12), &pki.stranger);
    let day = Duration::from_secs(24 * 3600);
    let windows = Windows::new(20 * day, 2 * day, day).unwrap();
    let report = desk.expiry(&windows);
    let item = |list, issuer| {
        let is = subject(list, issuer);
        let mut items = report.items().iter();
        items.find(|item| is(&item.subject)).unwrap().clone()
    };
    let item_of_root = item(&of_root, &pki.root);
    assert_eq!(item_of_root.severity, Severity::Notice);
    assert_eq!(item_of_root.ends, at(u64::try_from(days(10)).unwrap()));
    let both = [server_id("keys-1"), server_id("keys-2")];
    assert_eq!(item_of_root.dependents.servers.items(), both);
    assert!(item_of_root.dependents.clients);
    assert_eq!(item_of_root.dependents.peers.items(), [client]);
    // Without a list of the root, no chain that ends in it is accepted.
    assert_eq!(item_of_root.dependents.left_with_nothing.items(), both);
    let item_of_inter = item(&of_inter, &pki.inter);
    assert_eq!(
        item_of_inter.dependents.servers.items(),
        [server_id("keys-2")]
    );
    assert!(!item_of_inter.dependents.clients);
    assert!(item_of_inter.dependents.peers.is_empty());
    let item_of_stranger = item(&of_stranger, &pki.stranger);
    assert!(item_of_stranger.dependents.clients);
    assert!(item_of_stranger.dependents.servers.is_empty());
    assert!(report.to_string().contains("revocation list"), "{report}");

    // And who will be refused from then on is forecast.
    let then = at(u64::try_from(days(11)).unwrap());
    let told = forecast(desk.view(), &desk.policy, &desk.seen, desk.now(), then);
    let lost: Vec<_> = told.outages().items().iter().collect();
    // Both servers, the client that was seen, and what other clients the root has.
    assert_eq!(lost.len(), 4, "{lost:?}");
    assert!(matches!(lost[3].effect.peer, Peer::Authority(_)));
    for outage in lost {
        assert_eq!(outage.since, Some(at(u64::try_from(days(10)).unwrap())));
    }
}

#[test]
fn a_list_that_a_later_one_of_its_scope_outlives_is_not_reported() {
    let pki = pki();
    let mut desk = desk();
    // Neither takes the other's place: one has no number.
    let first = install(&mut desk, days_of(-1, 5).no_number(), &pki.root);
    let week = Duration::from_secs(7 * 24 * 3600);
    let hour = Duration::from_secs(3600);
    let windows = Windows::new(week, hour, hour).unwrap();
    let reported = |desk: &Desk| {
        let report = desk.expiry(&windows);
        report
            .items()
            .iter()
            .any(|item| subject(&first, &pki.root)(&item.subject))
    };
    assert!(reported(&desk));
    // Of another scope, or not there in time: it still counts.
    install(
        &mut desk,
        days_of(-1, 30).scope(vec![flag(0x82)]),
        &pki.root,
    );
    install(&mut desk, days_of(6, 30).number(7), &pki.root);
    assert!(reported(&desk));
    install(&mut desk, days_of(-1, 31).number(9), &pki.root);
    assert!(!reported(&desk));
}

#[test]
fn what_a_list_revokes_and_what_no_list_is_current_for_is_no_way_in() {
    let pki = pki();
    let without = |desk: &Desk| servers_without_usable(desk.view(), &desk.policy, desk.now());
    let only = |desk: &Desk| {
        let all = without(desk);
        assert_eq!(all.len(), 1, "{all:?}");
        let entries = all[0].entries.items().iter().map(|one| one.reason);
        (all[0].reason, entries.collect::<Vec<_>>())
    };
    // M8
    let mut pinned = Desk::at(days(0));
    pinned.server("keys-1", &[]);
    pinned.authority(AuthorityScope::Clients, &pki.root);
    let options = EntryOptions::new();
    pinned
        .store
        .install_intermediate(pki.inter.certificate(), options)
        .unwrap();
    pinned.pin(PinScope::Server(server_id("keys-1")), &pki.gone);
    install(&mut pinned, days_of(-1, 9), &pki.inter);
    assert!(without(&pinned).is_empty());
    install(
        &mut pinned,
        days_of(-1, 9).number(2).revoke(&pki.gone.certificate),
        &pki.inter,
    );
    assert_eq!(only(&pinned), (ReasonCode::NoUsablePin, vec![Revoked]));

    // C1: an authority that its own issuer revoked.
    let mut below = Desk::at(days(0));
    below.server("keys-1", &["kms.example"]);
    below.authority(AuthorityScope::AnyServer, &pki.inter);
    below.authority(AuthorityScope::Clients, &pki.root);
    install(
        &mut below,
        days_of(-1, 9).revoke(&pki.inter.certificate),
        &pki.root,
    );
    assert_eq!(only(&below), (Revoked, vec![Revoked]));

    // C4: nothing that it signed can count as not revoked.
    let mut listed = Desk::at(days(0));
    listed.server("keys-1", &["kms.example"]);
    listed.authority(AuthorityScope::AnyServer, &pki.root);
    let list = install(&mut listed, days_of(-1, 9), &pki.root);
    assert!(without(&listed).is_empty());
    listed.clock.set(Some(days(9)));
    assert_eq!(only(&listed), (CrlExpired, vec![CrlExpired]));
    listed.policy = policy().with_crl_grace(Duration::from_secs(1)).unwrap();
    assert!(without(&listed).is_empty());
    listed.store.remove_crl(list.fingerprint()).unwrap();
    assert_eq!(only(&listed), (RevocationUnknown, vec![RevocationUnknown]));
    listed
        .store
        .disable_revocation_checks(&CrlIssuer::of(&pki.root.certificate))
        .unwrap();
    assert!(without(&listed).is_empty());
    listed.policy = policy().with_crl_required();
    assert_eq!(only(&listed), (RevocationUnknown, vec![RevocationUnknown]));
}

#[test]
fn a_pin_is_not_safe_to_remove_while_the_one_beside_it_is_revoked() {
    let pki = pki();
    let mut desk = Desk::at(days(0));
    desk.server("keys-1", &[]);
    desk.authority(AuthorityScope::Clients, &pki.root);
    let options = EntryOptions::new();
    desk.store
        .install_intermediate(pki.inter.certificate(), options)
        .unwrap();
    let scope = || PinScope::Server(server_id("keys-1"));
    let current = desk.pin(scope(), &pki.below);
    let next = desk.pin(scope(), &pki.gone);
    let removal = |desk: &Desk, key| {
        let (view, policy) = (desk.view(), &desk.policy);
        safe_to_remove(view, policy, &desk.seen, desk.now(), key).unwrap()
    };
    // It was never seen: what is left is a way in as long as no list names it.
    assert!(!removal(&desk, &current).effects().loses(&peer("keys-1")));
    install(
        &mut desk,
        days_of(-1, 9).revoke(&pki.gone.certificate),
        &pki.inter,
    );
    assert!(removal(&desk, &current).effects().loses(&peer("keys-1")));
    assert!(removal(&desk, &next).is_safe());
}

/// A list by numbers: whose, from which day to which, its number if it has one, whether it names the one that is gone.
type Listed = (usize, i64, i64, Option<u8>, bool);

fn any_list() -> impl Strategy<Value = Listed> {
    (
        0..2_usize,
        -20..20_i64,
        1..30_i64,
        proptest::option::weighted(0.7, 1..5_u8),
        any::<bool>(),
    )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let grace = prop_oneof![Just(0), 1..10 * 24 * 3600_u64];
    (grace, any::<bool>(), any::<bool>()).prop_map(|(grace, required, strict)| {
        let policy = policy().with_crl_grace(Duration::from_secs(grace)).unwrap();
        let policy = if required {
            policy.with_crl_required()
        } else {
            policy
        };
        if strict {
            policy.with_chain_profile(ChainProfile::Strict)
        } else {
            policy
        }
    })
}

/// What each of the three is told: the reason and its warnings.
fn everybody(desk: &Desk, time: i64) -> Vec<String> {
    desk.clock.set(Some(time));
    let pki = pki();
    let told = [
        desk.verdict("keys-1", &[&pki.direct]),
        desk.verdict("keys-2", &[&pki.below]),
        desk.verdict("keys-2", &[&pki.gone]),
    ];
    told.map(|told| format!("{} {:?}", told.reason(), told.warnings()))
        .to_vec()
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn between_the_changes_of_lists_no_verdict_changes_and_who_is_lost_is_forecast(
        lists in proptest::collection::vec(any_list(), 0..5),
        policy in any_policy(),
        part in 0..1000_i64,
        ahead in 1..60_i64,
    ) {
        let pki = pki();
        let mut desk = desk();
        desk.policy = policy;
        for (issuer, from, length, number, names) in lists {
            let issuer = [&pki.root, &pki.inter][issuer];
            let mut spec = days_of(from, from + length);
            spec = match number {
                Some(number) => spec.number(number),
                None => spec.no_number(),
            };
            if names {
                spec = spec.revoke(&pki.gone.certificate);
            }
            // One may be older than another that is there.
            let _ = desk.store.install_crl(spec.signed_by(issuer));
        }
        let mut now = days(-25);
        for _ in 0..12 {
            let next = next_change(desk.view(), &desk.policy, &desk.seen, clock(Some(now)));
            let Some(next) = next else { break };
            let end = i64::try_from(next.at().as_secs()).unwrap();
            prop_assert!(end > now);
            let first = everybody(&desk, now);
            for time in [now + (end - 1 - now) / 1000 * part, end - 1] {
                prop_assert_eq!(&first, &everybody(&desk, time), "between {} and {}: {}", now, end, time);
            }
            now = end;
        }
        let (now, then) = (days(0), days(ahead));
        let moment = |seconds: i64| at(u64::try_from(seconds).unwrap());
        let told = forecast(desk.view(), &desk.policy, &desk.seen, clock(Some(now)), moment(then));
        let windows = Windows::new(Duration::from_secs(61 * 24 * 3600), Duration::from_secs(3600), Duration::from_secs(3600)).unwrap();
        let report = expiry(desk.view(), &desk.policy, &desk.seen, clock(Some(now)), &windows, &[]);
        for (id, leaf) in [("keys-1", &pki.direct), ("keys-2", &pki.below)] {
            let accepted = |time| {
                desk.clock.set(Some(time));
                desk.verdict(id, &[leaf]).is_accepted()
            };
            let lost = accepted(now) && !accepted(then);
            let outage = told.outages().items().iter().find(|outage| outage.effect.peer == peer(id));
            prop_assert_eq!(outage.is_some(), lost);
            if let Some(outage) = outage {
                let since = i64::try_from(outage.since.unwrap().as_secs()).unwrap();
                prop_assert!(accepted(since - 1) && !accepted(since), "{}", outage);
                // And it depends on something that is reported.
                let found = report.items().iter().any(|item| {
                    item.severity != Severity::Ended && item.dependents.servers.items().contains(&server_id(id))
                });
                prop_assert!(found, "{}: {}", outage, report);
            }
        }
    }
}

// The list of an intermediate tells of chains that only peers present: without having seen any, it is not known whose.
#[test]
fn who_depends_on_the_list_of_an_intermediate_is_not_known_before_it_was_seen() {
    let pki = pki();
    let mut desk = desk();
    let list = install(&mut desk, days_of(-1, 10), &pki.inter);
    let is = subject(&list, &pki.inter);
    let told = |desk: &Desk, seen: &PeerHistory| {
        let (now, windows) = (clock(Some(days(0))), Windows::default());
        let report = expiry(desk.view(), &desk.policy, seen, now, &windows, &[]);
        let mut items = report.items().iter();
        items.find(|item| is(&item.subject)).unwrap().to_string()
    };
    let unseen = told(&desk, &PeerHistory::new());
    assert!(unseen.ends_with("; needed by: not known"), "{unseen}");
    let seen = told(&desk, &desk.seen);
    assert!(seen.contains("; needed by: server keys-2"), "{seen}");
}
