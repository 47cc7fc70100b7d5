//! What administrators do to a store, at random.

use mutual_trust::certificate::Certificate;
use mutual_trust::error::StoreError;
use mutual_trust::store::{BlockSelector, Report};
use mutual_trust::{AuthorityScope, EntryOptions, GroupId, PinScope, ServerId, TrustStore};
use mutual_trust_test_support as support;

use crate::draw::Draw;
use crate::pool::Pool;

/// Where an administrator works: names that only he uses, and names that others use too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// The administrators of the fleet.
    Fleet,
    /// An administrator of one machine.
    Local,
}

const SERVERS: usize = 6;
const GROUPS: usize = 2;

fn server(desk: Desk, draw: &mut Draw) -> ServerId {
    let number = draw.below(SERVERS);
    // Some servers of a machine are those of the fleet.
    let is_fleets = desk == Desk::Fleet || draw.percent(40);
    let name = if is_fleets { "keys" } else { "own" };
    support::server_id(&format!("{name}-{number}"))
}

fn group(draw: &mut Draw) -> GroupId {
    let number = draw.below(GROUPS);
    format!("site-{number}").parse().unwrap()
}

/// A tenth of the certificates of a machine are those that the fleet has.
fn peer<'a>(desk: Desk, pool: &'a Pool, draw: &mut Draw) -> &'a Certificate {
    let half = pool.peers.len() / 2;
    let number = draw.below(half);
    let is_fleets = desk == Desk::Fleet || draw.percent(20);
    &pool.peers[if is_fleets { number } else { half + number }]
}

fn options(draw: &mut Draw) -> EntryOptions {
    if draw.percent(70) {
        EntryOptions::new()
    } else {
        EntryOptions::new().with_label(format!("rack {}", draw.below(3)))
    }
}

/// One change, which the store can refuse. Says what was asked for.
pub fn any(store: &mut TrustStore, desk: Desk, pool: &Pool, now: u64, draw: &mut Draw) -> String {
    let (what, done): (&str, Result<Report, StoreError>) = match draw.below(23) {
        0..=2 => {
            let id = server(desk, draw);
            // Some administrators of a machine give a name of the fleet to a server of their own.
            let is_taken = desk == Desk::Local && draw.percent(10);
            let name = if is_taken {
                server(Desk::Fleet, draw)
            } else {
                id.clone()
            };
            let name = support::host(&format!("{name}.example"));
            ("add a server", store.add_server(id, [name]))
        }
        3..=6 => {
            let (id, options) = (server(desk, draw), options(draw));
            let certificate = peer(desk, pool, draw).clone();
            let scope = PinScope::Server(id);
            (
                "pin for a server",
                store.install_pin(scope, certificate, options),
            )
        }
        7..=9 => {
            let options = options(draw);
            let certificate = peer(desk, pool, draw).clone();
            (
                "pin for clients",
                store.install_pin(PinScope::Clients, certificate, options),
            )
        }
        10 => {
            let scope = match draw.below(3) {
                0 => AuthorityScope::Clients,
                1 => AuthorityScope::AnyServer,
                _ => AuthorityScope::Server(server(desk, draw)),
            };
            let certificate = draw.pick(&pool.authorities).clone();
            (
                "authority",
                store.install_authority(scope, certificate, EntryOptions::new()),
            )
        }
        11 => {
            let certificate = draw.pick(&pool.intermediates).clone();
            (
                "intermediate",
                store.install_intermediate(certificate, EntryOptions::new()),
            )
        }
        12..=14 => {
            let keys: Vec<_> = store
                .contents()
                .entries()
                .iter()
                .map(|entry| entry.key())
                .collect();
            if keys.is_empty() {
                return String::from("nothing to remove");
            }
            ("remove", store.remove(draw.pick(&keys)))
        }
        15 => {
            let certificate = peer(desk, pool, draw).clone();
            let block = if draw.percent(50) {
                store.block(&certificate)
            } else {
                store.block_selector(BlockSelector::Fingerprint(certificate.fingerprint()))
            };
            ("block", Ok(block))
        }
        16 => {
            let blocks: Vec<_> = store.contents().blocks().cloned().collect();
            if blocks.is_empty() {
                return String::from("nothing to unblock");
            }
            ("unblock", store.unblock(draw.pick(&blocks)))
        }
        22 => {
            let id = server(desk, draw);
            let until = support::at(now + 10 * support::DAY);
            ("migrate", store.migrate(&id, until))
        }
        17 => {
            let id = server(desk, draw);
            ("release", store.release(&id))
        }
        18 => {
            let id = server(desk, draw);
            let done = store.release(&id).and_then(|_| store.remove_server(&id));
            ("remove a server", done)
        }
        19 => {
            let id = group(draw);
            let _ = store.add_group(id.clone());
            let member = server(desk, draw);
            ("join a group", store.join_group(&id, &member))
        }
        20 => {
            let scope = PinScope::Group(group(draw));
            let certificate = peer(desk, pool, draw).clone();
            (
                "pin for a group",
                store.install_pin(scope, certificate, EntryOptions::new()),
            )
        }
        _ => {
            let issuer = pool.lists_issuer.clone();
            let _ = store.install_authority(AuthorityScope::Clients, issuer, EntryOptions::new());
            let list = draw.pick(&pool.lists).clone();
            ("revocation list", store.install_crl(list))
        }
    };
    match done {
        Ok(report) => format!("{what}: {:?}", report.done()),
        Err(error) => format!("{what}: {error}"),
    }
}
