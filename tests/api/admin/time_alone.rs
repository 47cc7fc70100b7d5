//! Over random stores: between now and the next change, time alone changes no verdict; what it does change was
//! forecast and reported.

use core::time::Duration;

use mutual_trust::admin::{Peer, PeerHistory, Severity, Windows, expiry, forecast, next_change};
use mutual_trust::policy::ExpectedServer;
use mutual_trust::policy::VerdictWarning;
use mutual_trust::store::{EntryKey, Scope, Slot, TrustSnapshot};
use mutual_trust::{Policy, ReasonCode, Verdict};
use proptest::prelude::*;

use crate::admin::random::{ask, demands, is_lost, picks, scene, told};
use crate::invariants::operations::history;
use crate::invariants::pool::days;
use crate::invariants::questions::clock;
use crate::support::at;
use crate::support::random::config;

/// What of a verdict may not change by time alone.
#[derive(Debug, PartialEq)]
struct Told {
    reason: ReasonCode,
    by: Option<EntryKey>,
    warnings: String,
}

impl Told {
    fn of(verdict: &Verdict) -> Self {
        Self {
            reason: verdict.reason(),
            by: verdict.decided_by().map(|entry| entry.key()),
            // What the clock shows while it does not count is no part of the answer.
            warnings: verdict
                .warnings()
                .iter()
                .map(|warning| match warning {
                    VerdictWarning::ClockUnset(_) => String::from("ClockUnset"),
                    VerdictWarning::ClockJumped(_) => String::from("ClockJumped"),
                    other => format!("{other:?}"),
                })
                .collect::<Vec<String>>()
                .join(", "),
        }
    }
}

/// What all peers are told at a time: the peers that were seen, and every server and a client with each of its pins.
fn everybody(view: &TrustSnapshot, policy: &Policy, seen: &PeerHistory, time: i64) -> Vec<Told> {
    let mut all = Vec::new();
    for (peer, sighting) in seen.all() {
        all.push(Told::of(&told(view, policy, &peer, sighting, None, time)));
    }
    for entry in view.entries() {
        let Some(certificate) = entry.certificate() else {
            continue;
        };
        if entry.slot() != Slot::Pin {
            continue;
        }
        let presented = [certificate.der().to_vec().into()];
        let of_server = |target| ask(view, policy, target, &presented, time);
        match entry.scope() {
            Scope::Server(id) => all.push(Told::of(&of_server(Some(ExpectedServer::id(id, None))))),
            Scope::Group(id) => {
                for member in view.group(id).unwrap().members() {
                    let asks_group = view.entries().iter().all(|held| {
                        let key = held.key();
                        (key.slot, &key.scope) != (Slot::Pin, &Scope::Server(member.clone()))
                    });
                    if asks_group {
                        all.push(Told::of(&of_server(Some(ExpectedServer::id(member, None)))));
                    }
                }
            }
            _ => all.push(Told::of(&of_server(None))),
        }
    }
    all
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn no_verdict_changes_before_the_next_change(
        history in history(25),
        demands in demands(),
        picks in picks(),
        start in prop_oneof![Just(0), -300..800_i64],
        off in prop_oneof![Just(0), -400..400_i64],
        part in 0..1000_i64,
    ) {
        let (admin, policy, seen) = scene(&history, demands, &picks);
        let view = admin.view();
        let mut now = days(start) + off;
        // A few changes in a row.
        for _ in 0..6 {
            let next = next_change(view, &policy, &seen, clock(Some(now)));
            let end = match &next {
                Some(next) => i64::try_from(next.at().as_secs()).unwrap(),
                None => days(5000),
            };
            prop_assert!(end > now);
            let first = everybody(view, &policy, &seen, now);
            let between = now + (end - 1 - now) / 1000 * part;
            for time in [between, end - 1] {
                let then = everybody(view, &policy, &seen, time);
                prop_assert_eq!(&first, &then, "between {} and {}: {}", now, end, time);
            }
            if next.is_none() {
                break;
            }
            now = end;
        }
    }

    // M7
    #[test]
    fn below_the_floor_nothing_changes_until_the_clock_comes_close(
        history in history(20),
        demands in demands(),
        picks in picks(),
        below in 93_601..1_000_000_i64,
    ) {
        let (mut admin, policy, seen) = scene(&history, demands, &picks);
        let floor = u64::try_from(days(0)).unwrap();
        admin.store.reset_floor(Some(at(floor)));
        let view = admin.view();
        let now = days(0) - below;
        let next = next_change(view, &policy, &seen, clock(Some(now))).unwrap();
        prop_assert_eq!(next.at(), at(floor - 93_600));
        let first = everybody(view, &policy, &seen, now);
        prop_assert_eq!(first, everybody(view, &policy, &seen, days(0) - 93_601));
    }

    #[test]
    fn who_time_alone_will_lose_is_forecast_with_the_first_second(
        history in history(25),
        demands in demands(),
        picks in picks(),
        ahead in 1..800_i64,
    ) {
        let (admin, policy, seen) = scene(&history, demands, &picks);
        let view = admin.view();
        let (now, then) = (days(0), days(ahead));
        let told = forecast(view, &policy, &seen, clock(Some(now)), at(u64::try_from(then).unwrap()));
        for (peer, sighting) in seen.all() {
            let lost_at = |time| is_lost(view, view, &policy, &peer, sighting, (now, time));
            let outage = told.outages().items().iter().find(|outage| outage.effect.peer == peer);
            prop_assert_eq!(outage.is_some(), lost_at(then), "{}", peer);
            if let Some(outage) = outage {
                let since = i64::try_from(outage.since.unwrap().as_secs()).unwrap();
                prop_assert!(since > now && since <= then);
                prop_assert!(lost_at(since), "{}", outage);
                prop_assert!(!lost_at(since - 1), "{}", outage);
            }
        }
    }

    #[test]
    fn whoever_time_alone_will_lose_depends_on_something_that_is_reported(
        history in history(25),
        demands in demands(),
        picks in picks(),
        ahead in 1..800_i64,
    ) {
        let (admin, policy, seen) = scene(&history, demands, &picks);
        let view = admin.view();
        let (now, then) = (days(0), days(ahead));
        let hour = Duration::from_secs(3600);
        let window = Duration::from_secs(u64::try_from(then - now).unwrap());
        let windows = Windows::new(window, hour, hour).unwrap();
        let report = expiry(view, &policy, &seen, clock(Some(now)), &windows, &[]);
        for (peer, sighting) in seen.all() {
            if !is_lost(view, view, &policy, &peer, sighting, (now, then)) {
                continue;
            }
            let names = |item: &mutual_trust::admin::Expiring| match &peer {
                Peer::Server(id) => item.dependents.servers.items().contains(id),
                Peer::Client(_) => {
                    item.dependents.clients || item.dependents.peers.items().contains(&peer)
                }
                // Any authority of any server, which names the servers that are listed only.
                _ => true,
            };
            let found = report.items().iter().any(|item| {
                item.severity != Severity::Ended && item.ends > at(u64::try_from(now).unwrap()) && names(item)
            });
            prop_assert!(found, "{}: {}", peer, report);
        }
    }
}
