//! Runs what concerns one peer.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mutual_trust::store::Scope;
use mutual_trust::tls::TlsVersion;
use mutual_trust::{LiveTrust, ReasonCode, Rule};

use crate::cells::{self, Cell, Limit, Slot};
use crate::link::{Ground, Ours, SERVERS, answer, connect, serve, take};
use crate::peers::{Ask, Expected, Peer, number};
use crate::shapes::Shape;

/// What a table shows in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As expected.
    Good,
    /// As expected of a limit, by its letter.
    Limit(char),
    /// Not done: the reason is in the table's key.
    NotDone(&'static str),
    /// Something else.
    Bad(String),
}

pub struct Results {
    /// By cell, then by TLS 1.2 and 1.3.
    pub cells: Vec<[Mark; 2]>,
    /// By special check, then by TLS 1.2 and 1.3.
    pub checks: Vec<[Mark; 2]>,
}

/// Why a cell is not done whose shape no tool here makes.
pub const NO_TOOL: &str = "no tool for the shape";

/// The checks that every peer goes through besides the cells.
pub const CHECKS: [&str; 6] = [
    "The peer's server refuses us: we say that it did, in TLS 1.3 with the first read",
    "The peer's client refuses us: we say that it did",
    "Our client makes a full handshake each time with the peer's server, which offers sessions",
    "Our client, same configuration, after the pin is removed: refused",
    "The peer's client would resume: our server makes a full handshake each time",
    "The peer's client comes back after its pin is removed: refused",
];

pub const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

pub fn peer(name: &str, peer: &mut dyn Peer, ground: &Ground) -> Results {
    let cells = cells::cells();
    let each = |mark: &mut dyn FnMut(TlsVersion) -> Mark, can: &[TlsVersion]| {
        BOTH.map(|version| {
            if can.contains(&version) {
                mark(version)
            } else {
                Mark::NotDone("no TLS 1.3")
            }
        })
    };
    let can = peer.versions();
    let cells = cells
        .into_iter()
        .map(|cell| {
            each(
                &mut |version| run_cell(name, peer, ground, cell, version),
                can,
            )
        })
        .collect();
    let checks = (0..CHECKS.len())
        .map(|index| {
            each(
                &mut |version| check(name, peer, ground, index, version),
                can,
            )
        })
        .collect();
    Results { cells, checks }
}

fn run_cell(
    name: &str,
    peer: &mut dyn Peer,
    ground: &Ground,
    cell: Cell,
    version: TlsVersion,
) -> Mark {
    let client = cell.slot.of_clients();
    if client && !peer.connects() {
        return Mark::NotDone("a server only");
    }
    if !ground.shapes.has(cell.shape) {
        return Mark::NotDone(NO_TOOL);
    }
    let limit = cells::limit(name, client, number(version), cell.shape);
    let result = one(peer, ground, cell, version);
    peer.end();
    mark(result, limit)
}

pub fn mark(result: Result<(), Failure>, limit: Option<&Limit>) -> Mark {
    match (result, limit) {
        (Ok(()), None) => Mark::Good,
        (Ok(()), Some(limit)) => Mark::Bad(format!("the limit {} is not there", limit.letter)),
        (Err(failure), Some(limit)) if failure.without_verdict => Mark::Limit(limit.letter),
        (Err(failure), _) => Mark::Bad(failure.text),
    }
}

pub struct Failure {
    /// The link failed before a peer was judged.
    without_verdict: bool,
    text: String,
}

impl Failure {
    pub fn not_started(text: String) -> Self {
        Self {
            without_verdict: true,
            text,
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self {
            without_verdict: false,
            text,
        }
    }
}

fn one(
    peer: &mut dyn Peer,
    ground: &Ground,
    cell: Cell,
    version: TlsVersion,
) -> Result<(), Failure> {
    let mut store = ground.store(cell.slot, cell.shape);
    let (folder, ca) = (ground.shapes.folder(cell.shape), ground.shapes.site_ca());
    let dialled = if cell.slot == Slot::GroupPin {
        &SERVERS[..]
    } else {
        &SERVERS[..1]
    };
    let ask = Ask {
        version,
        folder: &folder,
        ca: &ca,
        links: dialled.len(),
    };
    let expected = expected(cell);
    if cell.slot.of_clients() {
        let builder = ground.server(store.snapshot(), &ground.ours, version);
        let (ours, saw) = answered(peer, ask, &builder, expected).map_err(Failure::not_started)?;
        return compare(cell, ours, saw);
    }
    let builder = ground.client(store.snapshot(), &ground.ours, version);
    let port = peer.serve(ask).map_err(Failure::not_started)?;
    let mut all = Vec::new();
    for id in dialled {
        let config = builder
            .build_for(&id.parse().unwrap())
            .map(Arc::new)
            .unwrap();
        all.push(connect(
            &config,
            &builder.peer_check(),
            id,
            port,
            peer.request(),
        ));
    }
    let saw = peer.saw(expected);
    skip_answers(peer, dialled.len() - 1);
    all.into_iter()
        .try_for_each(|ours| compare(cell, ours, saw.clone()))
}

/// What the peer is to see.
pub fn expected(cell: Cell) -> Expected {
    if cell.want.accepts() {
        Expected::Link
    } else {
        Expected::Failure
    }
}

/// Compares what both ends say with what is wanted.
pub fn compare(cell: Cell, ours: Ours, saw: Result<(), String>) -> Result<(), Failure> {
    let wanted = if cell.want.accepts() {
        Ours::Linked(cell.want)
    } else {
        Ours::Refused(cell.want, cell.rule)
    };
    if ours != wanted {
        return Err(Failure {
            without_verdict: matches!(
                ours,
                Ours::Peer {
                    after_handshake: false,
                    ..
                }
            ),
            text: format!("{ours:?}; the peer: {saw:?}"),
        });
    }
    match (saw, expected(cell)) {
        (Ok(()), Expected::Failure) => Err("the peer saw no failure".to_owned().into()),
        (Err(text), Expected::Link) => Err(format!("the peer saw a failure: {text}").into()),
        _ => Ok(()),
    }
}

/// The peer's client at a server of ours.
fn answered(
    peer: &mut dyn Peer,
    ask: Ask<'_>,
    builder: &mutual_trust::ServerConfigBuilder,
    expected: Expected,
) -> Result<(Ours, Result<(), String>), String> {
    let (config, check) = (Arc::new(builder.build().unwrap()), builder.peer_check());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    peer.connect(ask, listener.local_addr().unwrap().port())?;
    let gone = AtomicBool::new(false);
    let ours = std::thread::scope(|scope| {
        let ours = scope.spawn(|| answer(&listener, &config, &check, &gone));
        let saw = peer.saw(expected);
        gone.store(true, Ordering::Relaxed);
        (ours.join().unwrap(), saw)
    });
    Ok(ours)
}

fn check(
    name: &str,
    peer: &mut dyn Peer,
    ground: &Ground,
    index: usize,
    version: TlsVersion,
) -> Mark {
    let client = matches!(index, 1 | 4 | 5);
    if client && !peer.connects() {
        return Mark::NotDone("a server only");
    }
    let (folder, ca) = (ground.shapes.folder(Shape::CaLeaf), ground.shapes.site_ca());
    let ask = Ask {
        version,
        folder: &folder,
        ca: &ca,
        links: 1,
    };
    let result = match index {
        0 => refused_by_server(name, peer, ground, ask),
        1 => refused_by_client(peer, ground, ask),
        2 => full_each_time(peer, ground, ask),
        3 => removed_server(peer, ground, ask),
        4 => not_resumed(peer, ground, ask),
        _ => removed_client(peer, ground, ask),
    };
    peer.end();
    result.unwrap_or_else(Mark::Bad)
}

fn good(what: bool, otherwise: impl std::fmt::Debug) -> Result<Mark, String> {
    if what {
        Ok(Mark::Good)
    } else {
        Err(format!("{otherwise:?}"))
    }
}

fn refused_by_server(
    name: &str,
    peer: &mut dyn Peer,
    ground: &Ground,
    ask: Ask<'_>,
) -> Result<Mark, String> {
    let mut store = ground.store(Slot::ServerPin, Shape::CaLeaf);
    let builder = ground.client(store.snapshot(), &ground.unknown, ask.version);
    let config = builder
        .build_for(&SERVERS[0].parse().unwrap())
        .map(Arc::new)
        .unwrap();
    let port = peer.serve(ask)?;
    let ours = connect(
        &config,
        &builder.peer_check(),
        SERVERS[0],
        port,
        peer.request(),
    );
    let saw = peer.saw(Expected::Failure);
    let late = ask.version == TlsVersion::Tls13 || name == "nginx";
    match &ours {
        // nginx finishes the handshake and answers with an error of HTTP.
        Ours::Peer { text, .. } if name == "nginx" => {
            good(text == "HTTP refuses" && saw.is_err(), &ours).map(|_| Mark::Limit('c'))
        }
        Ours::Peer {
            after_handshake, ..
        } => good(*after_handshake == late && saw.is_err(), (&ours, saw)),
        _ => Err(format!("{ours:?}")),
    }
}

fn refused_by_client(peer: &mut dyn Peer, ground: &Ground, ask: Ask<'_>) -> Result<Mark, String> {
    let mut store = ground.store(Slot::ClientsPin, Shape::CaLeaf);
    let builder = ground.server(store.snapshot(), &ground.unknown, ask.version);
    let (ours, saw) = answered(peer, ask, &builder, Expected::Failure)?;
    good(
        matches!(ours, Ours::Peer { .. }) && saw.is_err(),
        (&ours, saw),
    )
}

fn full_each_time(peer: &mut dyn Peer, ground: &Ground, ask: Ask<'_>) -> Result<Mark, String> {
    let mut store = ground.store(Slot::ServerPin, Shape::CaLeaf);
    let builder = ground.client(store.snapshot(), &ground.ours, ask.version);
    let config = builder
        .build_for(&SERVERS[0].parse().unwrap())
        .map(Arc::new)
        .unwrap();
    let port = peer.serve(Ask { links: 3, ..ask })?;
    let links: Vec<Ours> = (0..3)
        // Each of them asserts that its handshake was a full one.
        .map(|_| {
            connect(
                &config,
                &builder.peer_check(),
                SERVERS[0],
                port,
                peer.request(),
            )
        })
        .collect();
    let _ = peer.saw(Expected::Link);
    let all = links
        .iter()
        .all(|ours| matches!(ours, Ours::Linked(code) if code.accepts()));
    skip_answers(peer, 2);
    good(all, links)
}

/// Programs answer for each link; the others say nothing more.
fn skip_answers(peer: &mut dyn Peer, more: usize) {
    if peer.answers_each_link() {
        (0..more).for_each(|_| drop(peer.saw(Expected::Link)));
    }
}

fn removed_server(peer: &mut dyn Peer, ground: &Ground, ask: Ask<'_>) -> Result<Mark, String> {
    let mut store = ground.store(Slot::ServerPin, Shape::CaLeaf);
    let trust = LiveTrust::new(store.snapshot());
    let builder = ground.client(trust.clone(), &ground.ours, ask.version);
    let config = builder
        .build_for(&SERVERS[0].parse().unwrap())
        .map(Arc::new)
        .unwrap();
    let port = peer.serve(Ask { links: 2, ..ask })?;
    let before = connect(
        &config,
        &builder.peer_check(),
        SERVERS[0],
        port,
        peer.request(),
    );
    remove(
        &mut store,
        &trust,
        &Scope::Server(SERVERS[0].parse().unwrap()),
    );
    let after = connect(
        &config,
        &builder.peer_check(),
        SERVERS[0],
        port,
        peer.request(),
    );
    let _ = peer.saw(Expected::Failure);
    skip_answers(peer, 1);
    let both = matches!(before, Ours::Linked(_))
        && after == Ours::Refused(ReasonCode::NoUsablePin, Rule::P2);
    good(both, (before, after))
}

fn not_resumed(peer: &mut dyn Peer, ground: &Ground, ask: Ask<'_>) -> Result<Mark, String> {
    let mut store = ground.store(Slot::ClientsPin, Shape::CaLeaf);
    let builder = ground.server(store.snapshot(), &ground.ours, ask.version);
    let (config, check) = (Arc::new(builder.build().unwrap()), builder.peer_check());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let Some(started) = peer.twice(ask, listener.local_addr().unwrap().port()) else {
        return Ok(Mark::NotDone("its client keeps no session"));
    };
    started?;
    let stop = AtomicBool::new(false);
    let resumed = std::thread::scope(|scope| {
        scope.spawn(|| {
            listener.set_nonblocking(true).unwrap();
            while !stop.load(Ordering::Relaxed) {
                if let Some(tcp) = take(&listener) {
                    // Asserts that the handshake was a full one.
                    scope.spawn(|| serve(tcp, &config, &check));
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let resumed = peer.resumed();
        peer.end();
        stop.store(true, Ordering::Relaxed);
        resumed
    });
    good(resumed == Ok(false), resumed)
}

fn removed_client(peer: &mut dyn Peer, ground: &Ground, ask: Ask<'_>) -> Result<Mark, String> {
    let mut store = ground.store(Slot::ClientsPin, Shape::CaLeaf);
    let trust = LiveTrust::new(store.snapshot());
    let builder = ground.server(trust.clone(), &ground.ours, ask.version);
    let (before, saw) = answered(peer, ask, &builder, Expected::Link)?;
    peer.end();
    remove(&mut store, &trust, &Scope::Clients);
    let (after, seen) = answered(peer, ask, &builder, Expected::Failure)?;
    let both = matches!(before, Ours::Linked(_))
        && saw.is_ok()
        && after == Ours::Refused(ReasonCode::NothingInstalled, Rule::P6)
        && seen.is_err();
    good(both, (before, saw, after, seen))
}

fn remove(store: &mut mutual_trust::TrustStore, trust: &LiveTrust, scope: &Scope) {
    let view = store.snapshot();
    let entries = view.entries();
    let entry = entries
        .iter()
        .find(|entry| &entry.key().scope == scope)
        .unwrap();
    store.remove(&entry.key()).unwrap();
    trust.publish(store.snapshot()).unwrap();
}
