//! Our end is a C program over another TLS stack: the library of `crates/capi`, its adapter, and the test program of
//! that package. It judges the same certificates by the same rules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use mutual_trust::ReasonCode;
use mutual_trust::tls::TlsVersion;

use crate::cells::{self, Cell, Slot};
use crate::link::{Ground, Ours, SERVERS};
use crate::peers::{Ask, Peer, Tools, number};
use crate::process::{Running, last_line};
use crate::run::{BOTH, Failure, Mark, NO_TOOL, compare, expected, mark};

/// The stacks in the order of the table: what the table calls them, and how their program is called.
pub const STACKS: [(&str, &str); 3] = [
    ("C, OpenSSL", "openssl_peer"),
    ("C, mbedTLS", "mbedtls_peer"),
    ("C, GnuTLS", "gnutls_peer"),
];

/// A C program over a stack.
pub struct Program {
    name: &'static str,
    file: PathBuf,
    log: PathBuf,
}

impl Program {
    /// The program, if it was built; and tools whose logs are its own.
    pub fn find(tools: &Tools, name: &'static str, program: &str) -> Option<(Self, Tools)> {
        let file = tools.work.join("c").join(program);
        let work = tools.work.join("c").join(format!("{program}.logs"));
        file.exists().then(|| {
            fs::create_dir_all(&work).unwrap();
            let log = work.join("ours.log");
            let tools = Tools {
                work,
                ..tools.clone()
            };
            (Self { name, file, log }, tools)
        })
    }

    /// mbedTLS 2.28 has no other.
    fn versions(&self) -> &'static [TlsVersion] {
        if self.name == "C, mbedTLS" {
            &[TlsVersion::Tls12]
        } else {
            &BOTH
        }
    }

    fn start(&self, version: TlsVersion, store: &Path, ground: &Ground, words: &[&str]) -> Running {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let (ours, tls) = (ground.shapes.ours(), number(version).replace('.', ""));
        let mut command = Command::new(&self.file);
        command
            .arg(format!("tls={tls}"))
            .arg(format!("now={}", now.as_secs()))
            .arg(format!("store={}", store.display()))
            .arg(format!("cert={}", ours.join("full.pem").display()))
            .arg(format!("key={}", ours.join("key.pem").display()))
            .args(words);
        Running::start(&mut command, &self.log)
    }
}

/// A folder for each cell, with what is installed for it.
pub struct Stores(PathBuf);

impl Stores {
    pub fn make(folder: &Path, ground: &Ground) -> Self {
        let _ = fs::remove_dir_all(folder);
        for (index, cell) in cells::cells().into_iter().enumerate() {
            if ground.shapes.has(cell.shape) {
                ground.folder(&folder.join(index.to_string()), cell.slot, cell.shape);
            }
        }
        Self(folder.to_owned())
    }
}

/// All cells, in both versions of TLS.
pub fn run(
    program: &Program,
    peer: &mut dyn Peer,
    ground: &Ground,
    stores: &Stores,
) -> Vec<[Mark; 2]> {
    let cells = cells::cells().into_iter().enumerate();
    cells
        .map(|(index, cell)| {
            let store = stores.0.join(index.to_string());
            BOTH.map(|version| {
                if !program.versions().contains(&version) {
                    return Mark::NotDone("no TLS 1.3");
                }
                if !ground.shapes.has(cell.shape) {
                    return Mark::NotDone(NO_TOOL);
                }
                let client = cell.slot.of_clients();
                let limit = cells::limit(program.name, client, number(version), cell.shape);
                let result = one(program, peer, ground, cell, version, &store);
                peer.end();
                mark(
                    result,
                    limit.filter(|limit| cell.want.accepts() || !limit.after_yes),
                )
            })
        })
        .collect()
}

fn one(
    program: &Program,
    peer: &mut dyn Peer,
    ground: &Ground,
    cell: Cell,
    version: TlsVersion,
    store: &Path,
) -> Result<(), Failure> {
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
    if cell.slot.of_clients() {
        let words = ["role=server", "says=pong\n"];
        let mut running = program.start(version, store, ground, &words);
        let port = listens(&mut running).map_err(Failure::not_started)?;
        peer.connect(ask, port).map_err(Failure::not_started)?;
        let saw = peer.saw(expected(cell));
        return compare(cell, said(&mut running, cell)?, saw);
    }
    let port = peer.serve(ask).map_err(Failure::not_started)?;
    let words = [format!("port={port}"), "says=ping\n".to_owned()];
    let mut all = Vec::new();
    for id in dialled {
        let (id, name) = (format!("id={id}"), format!("dialled={id}.example"));
        let words = ["role=client", &id, &name, &words[0], &words[1]];
        let mut running = program.start(version, store, ground, &words);
        all.push(said(&mut running, cell)?);
    }
    let saw = peer.saw(expected(cell));
    all.into_iter()
        .try_for_each(|ours| compare(cell, ours, saw.clone()))
}

fn listens(running: &mut Running) -> Result<u16, String> {
    running.wait_for(&["port="]);
    let log = running.log();
    word(&log, "port")
        .and_then(|port| port.parse().ok())
        .ok_or_else(|| last_line(&log).to_owned())
}

fn word<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// What our end says of the link.
fn said(running: &mut Running, cell: Cell) -> Result<Ours, Failure> {
    running.wait_for(&["said="]);
    let text = running.log();
    let line = last_line(&text);
    let number = word(line, "reason").and_then(|number| number.parse::<u32>().ok());
    let (Some(number), Some(finished), Some(said)) =
        (number, word(line, "finished"), word(line, "said"))
    else {
        return Err(line.to_owned().into());
    };
    let mut codes = ReasonCode::ALL.iter().copied();
    let code = codes.find(|code| code.number() == number);
    // The rule is one of the cell, or the usual one of the reason.
    let rule = word(line, "rule").unwrap_or_default();
    let rules = [Some(cell.rule), code.map(ReasonCode::rule)];
    let rule = rules
        .into_iter()
        .flatten()
        .find(|known| known.to_string() == rule);
    match (code, rule, finished, said) {
        (Some(code), _, "1", "ping" | "pong" | "gnip") if code.accepts() => Ok(Ours::Linked(code)),
        (Some(code), Some(rule), "0", "-") if !code.accepts() => Ok(Ours::Refused(code, rule)),
        // No verdict, or the stack refuses after a yes of ours.
        (None, ..) | (Some(_), _, "0", "-") => Ok(Ours::Peer {
            after_handshake: false,
            alert: false,
            text: line.to_owned(),
        }),
        _ => Err(line.to_owned().into()),
    }
}

/// The other end: a stack that presents every shape.
pub fn peer(tools: &Tools) -> Option<Box<dyn Peer>> {
    crate::peers::open_ssl(tools)
}
