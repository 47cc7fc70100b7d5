//! Runs the cases side by side, prints the table, and fails if something was found that must not be.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mutual_trust::CurrentTime;
use pki_types::UnixTime;

use crate::cases::{self, Case, KINDS, Source};
use crate::keys::Fixture;
use crate::runner::{self, Record};
use crate::{child, needles, plants, rules, table};

/// The argument that makes this program a child.
pub const CHILD: &str = "--residue-child";

/// The argument that runs each case so often, for what depends on when signals arrive.
const TIMES: &str = "--times=";

/// 2027-01-01T00:00:00Z: the fixtures are valid.
const NOW: u64 = 1_798_761_600;

pub fn now() -> CurrentTime {
    CurrentTime::Known(UnixTime::since_unix_epoch(Duration::from_secs(NOW)))
}

pub fn path(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == CHILD) {
        child::run(&arguments[1..]);
        return;
    }
    if cases::providers().is_empty() || arguments.iter().any(|word| word == "--list") {
        println!("residue: no provider, or nothing to do");
        return;
    }
    needles::check();
    #[cfg(feature = "encrypted-keys")]
    crate::encrypted::check();
    let fixture = |kind: &&str| Fixture::of_file(&cases::key_file(kind));
    let fixtures: Vec<Fixture> = KINDS.iter().map(fixture).collect();
    for (kind, fixture) in KINDS.iter().zip(&fixtures) {
        plants::are_found(kind, fixture);
    }
    let wanted = arguments.iter().find(|word| !word.starts_with('-'));
    let mut all = Vec::new();
    for provider in cases::providers() {
        for (kind, fixture) in KINDS.iter().zip(&fixtures) {
            for case in cases::cases(provider, kind, fixture) {
                if wanted.is_none_or(|wanted| case.to_string().contains(wanted)) {
                    all.push((case, fixture));
                }
            }
        }
    }
    let times = arguments.iter().find_map(|word| word.strip_prefix(TIMES));
    let times = times.map_or(1, |times| times.parse().unwrap());
    let all: Vec<&(Case, &Fixture)> = (0..times).flat_map(|_| &all).collect();
    let records = run(&all);
    println!("{}", table::of(&records));
    let faults = records.iter().flat_map(|(c, r)| rules::faults(c, r));
    let faults: Vec<String> = faults.collect();
    for fault in &faults {
        println!("FAULT: {fault}");
    }
    println!("residue: {} cases, {} faults", records.len(), faults.len());
    if cfg!(debug_assertions) {
        println!(
            "residue: this build is not optimised. What signatures and signals leave depends on the code that the \
             compiler makes, so that no fault here says nothing about it: run with --release"
        );
    }
    assert!(faults.is_empty(), "something is left behind");
}

/// Runs cases side by side, and returns them in their order.
fn run<'a>(all: &[&'a (Case, &Fixture)]) -> Vec<(&'a Case, Record)> {
    let next = AtomicUsize::new(0);
    let records = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join(format!("residue-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((case, fixture)) = all.get(number) else {
                        break;
                    };
                    let record = one(case, fixture, &folder.join(number.to_string()));
                    records.lock().unwrap().push((number, case, record));
                }
            });
        }
    });
    std::fs::remove_dir_all(&folder).unwrap();
    let mut records = records.into_inner().unwrap();
    records.sort_by_key(|(number, ..)| *number);
    let records = records.into_iter();
    records.map(|(_, case, record)| (case, record)).collect()
}

fn one(case: &Case, fixture: &Fixture, file: &Path) -> Record {
    let source = match case.source {
        Source::Memory => "-",
        Source::Reader => "reader",
        Source::File => {
            std::fs::write(file, &case.input).unwrap();
            std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
            file.to_str().unwrap()
        }
        // The child writes it.
        Source::Made => file.to_str().unwrap(),
    };
    let mut inputs: Vec<&[u8]> = Vec::new();
    if let Some(passphrase) = &case.passphrase {
        inputs.push(passphrase);
    }
    if matches!(case.source, Source::Memory | Source::Reader) {
        inputs.push(&case.input);
    }
    let secret = if case.passphrase.is_some() {
        "passphrase"
    } else {
        "plain"
    };
    let arguments = [
        case.plan,
        case.provider,
        &case.certificate,
        case.form,
        source,
        secret,
    ];
    runner::run(&arguments, &inputs, &fixture.key, case.needles.clone())
}
