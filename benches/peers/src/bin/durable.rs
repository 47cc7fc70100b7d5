//! One small change that is on the disk when the call returns: by a durable store, by redb and by SQLite, each with as
//! many entries of about the same size, on one disk, in turns.
//!
//! `durable` measures and counts; `durable CONTENDER SIZE CHANGES` makes changes, for `strace` to count its calls.
//! The time that passes is measured, since the change waits for the disk: the median of all rounds.

#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed; a figure may be rounded"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use mutual_trust::admin::{DurableSettings, DurableStore};
use mutual_trust::{Certificate, EntryOptions, PinScope, ServerId};
use mutual_trust_peers::record::Record;
use mutual_trust_peers::synthetic::{Key, Maker};
use mutual_trust_peers::{World, is_quick, median, variants};
use redb::{Database, TableDefinition};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");

/// A change of so many bytes is made in each: the id of a server, and no certificate.
trait Contender {
    fn change(&mut self, number: usize);
}

struct Ours(DurableStore);

impl Ours {
    fn new(folder: &Path, entries: &[Vec<u8>]) -> Self {
        let world = World::default();
        let settings = DurableSettings::new(*world.policy.key_policy());
        let mut store = DurableStore::create(folder, settings).unwrap();
        let filled = store.change(|store| {
            for der in entries {
                let certificate = Certificate::from_der(der).unwrap();
                store.install_pin(PinScope::Clients, certificate, EntryOptions::new())?;
            }
            Ok(())
        });
        filled.unwrap();
        Self(store)
    }
}

impl Contender for Ours {
    fn change(&mut self, number: usize) {
        let id: ServerId = format!("new-{number}").parse().unwrap();
        self.0.change(|store| store.add_server(id, [])).unwrap();
    }
}

/// Each commit is flushed, which is the default.
struct Redb(Database);

impl Redb {
    fn new(folder: &Path, entries: &[Vec<u8>]) -> Self {
        let mut all = Self(Database::create(folder.join("redb")).unwrap());
        all.write(entries.iter().map(|der| (key(der), der.as_slice())));
        all
    }

    fn write<'a>(&mut self, entries: impl Iterator<Item = (Vec<u8>, &'a [u8])>) {
        let transaction = self.0.begin_write().unwrap();
        {
            let mut table = transaction.open_table(TABLE).unwrap();
            for (key, value) in entries {
                table.insert(key.as_slice(), value).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}

impl Contender for Redb {
    fn change(&mut self, number: usize) {
        let id = format!("new-{number}").into_bytes();
        self.write([(id, &b"unclaimed"[..])].into_iter());
    }
}

/// With a write-ahead log that is flushed at each commit, which is the faster of its two ways to be durable.
struct Sqlite(rusqlite::Connection);

impl Sqlite {
    fn new(folder: &Path, entries: &[Vec<u8>], journal: &str) -> Self {
        let mut all = rusqlite::Connection::open(folder.join("sqlite")).unwrap();
        all.pragma_update(None, "journal_mode", journal).unwrap();
        all.pragma_update(None, "synchronous", "FULL").unwrap();
        all.execute(
            "CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID",
            [],
        )
        .unwrap();
        let transaction = all.transaction().unwrap();
        for der in entries {
            let insert = "INSERT INTO entries VALUES (?1, ?2)";
            transaction.execute(insert, (key(der), der)).unwrap();
        }
        transaction.commit().unwrap();
        Self(all)
    }
}

impl Contender for Sqlite {
    fn change(&mut self, number: usize) {
        let id = format!("new-{number}").into_bytes();
        let insert = "INSERT INTO entries VALUES (?1, ?2)";
        self.0.execute(insert, (id, &b"unclaimed"[..])).unwrap();
    }
}

fn key(der: &[u8]) -> Vec<u8> {
    Certificate::from_der(der)
        .unwrap()
        .fingerprint()
        .as_bytes()
        .to_vec()
}

const CONTENDERS: [&str; 4] = ["ours", "redb", "sqlite-wal", "sqlite-rollback"];

fn made(contender: &str, folder: &Path, entries: &[Vec<u8>]) -> Box<dyn Contender> {
    let folder = folder.join(contender);
    fs::create_dir_all(&folder).unwrap();
    match contender {
        "ours" => Box::new(Ours::new(&folder, entries)),
        "redb" => Box::new(Redb::new(&folder, entries)),
        "sqlite-wal" => Box::new(Sqlite::new(&folder, entries, "WAL")),
        _ => Box::new(Sqlite::new(&folder, entries, "DELETE")),
    }
}

/// A folder on the disk on which the benchmark is built, not on one in memory.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let place = std::env::current_exe().unwrap();
        let name = format!("durable-{name}-{}", std::process::id());
        let folder = place.with_file_name(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn entries(size: u32) -> Vec<Vec<u8>> {
    variants(&Maker::new().end_entity(2, Key::P256), size)
}

/// What `strace` sees behind a look at this path belongs to the changes.
const MARK: &str = "/mutual-trust-begin-of-changes";

fn traced(contender: &str, size: u32, changes: usize) {
    let folder = Folder::new("traced");
    let mut made = made(contender, &folder.0, &entries(size));
    // The first one may do what later ones need not.
    made.change(0);
    let _ = fs::metadata(MARK);
    for number in 1..=changes {
        made.change(number);
    }
    let _ = fs::metadata(MARK);
}

/// The flushes and the written bytes for a change, counted by `strace`. `None` without it.
fn counted(contender: &str, size: u32, changes: usize) -> Option<(f64, f64)> {
    let folder = Folder::new("counted");
    let log = folder.0.join("strace");
    let own = std::env::current_exe().unwrap();
    let calls = "trace=fsync,fdatasync,write,pwrite64,writev,pwritev,?statx,?stat,?newfstatat";
    let done = Command::new("strace")
        .args(["-f", "-s", "64", "-e", calls, "-o"])
        .arg(&log)
        .arg(own)
        .args([contender, &size.to_string(), &changes.to_string()])
        .status()
        .ok()?;
    if !done.success() {
        return None;
    }
    let text = fs::read_to_string(log).ok()?;
    let mut parts = text.split(MARK);
    let between = parts.nth(1)?;
    let (mut flushes, mut bytes) = (0_u32, 0.0);
    for line in between.lines() {
        let call = line
            .split_once(' ')
            .map_or(line, |(_, call)| call.trim_start());
        if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
            flushes += 1;
        } else if call.contains("write") {
            let written = line
                .rsplit_once("= ")
                .and_then(|(_, count)| count.parse::<f64>().ok());
            bytes += written.unwrap_or(0.0);
        }
    }
    let changes = changes as f64;
    Some((f64::from(flushes) / changes, bytes / changes))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [contender, size, changes] = arguments.as_slice() {
        traced(contender, size.parse().unwrap(), changes.parse().unwrap());
        return;
    }
    let mut record = Record::default();
    let (sizes, rounds): (&[u32], usize) = if is_quick() {
        (&[10, 1_000], 3)
    } else {
        (&[10, 100_000], 25)
    };
    for &size in sizes {
        let folder = Folder::new("timed");
        let entries = entries(size);
        let all = CONTENDERS.map(|contender| made(contender, &folder.0, &entries));
        let mut all = all.map(|contender| (contender, Vec::new()));
        for round in 0..=rounds {
            for (contender, times) in &mut all {
                let begin = Instant::now();
                contender.change(round);
                times.push(begin.elapsed().as_secs_f64() * 1e9);
            }
        }
        for (name, (_, times)) in CONTENDERS.iter().zip(&mut all) {
            // The first one may do what later ones need not.
            times.remove(0);
            record.put(format!("durable/change/{name}/{size}"), median(times));
            if let Some((flushes, bytes)) = counted(name, size, 10) {
                record.put(format!("durable/flushes/{name}/{size}"), flushes);
                record.put(format!("durable/bytes/{name}/{size}"), bytes);
            }
        }
    }
    record.save("durable");
}
