//! Replays the corpus on any toolchain.
//!
//! `corpus/TARGET/` holds inputs with names: a seed named `good-…` must be accepted and one named `bad-…` refused;
//! others once broke something. `corpus/TARGET.tar.gz` holds what runs found. All of them must hold what their target
//! asserts.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{fs, panic};

use flate2::bufread::GzDecoder;
use mutual_trust_fuzz::TARGETS;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let path = path(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|found| found.unwrap().path())
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// An input and its name.
type Input = (String, Vec<u8>);

/// The inputs of an archive. The checksum of gzip shows damage; so `tar` reads nothing that is not whole.
fn unpack(mut archive: &[u8]) -> io::Result<Vec<Input>> {
    let mut whole = Vec::new();
    GzDecoder::new(&mut archive).read_to_end(&mut whole)?;
    if !archive.is_empty() {
        return Err(io::Error::other("bytes behind the archive"));
    }
    let mut inputs = Vec::new();
    for entry in tar::Archive::new(&whole[..]).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.display().to_string();
        if !entry.header().entry_type().is_file() {
            return Err(io::Error::other(format!("{name} is not a file")));
        }
        let mut data = Vec::new();
        entry.read_to_end(&mut data)?;
        inputs.push((name, data));
    }
    if inputs.is_empty() {
        return Err(io::Error::other("no input in it"));
    }
    Ok(inputs)
}

fn archive(target: &str) -> Vec<u8> {
    let path = path(&format!("corpus/{target}.tar.gz"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All inputs of a target: those with names, and those that runs found.
fn inputs(target: &str) -> Vec<Input> {
    let named = files(&format!("corpus/{target}"));
    let named = named
        .iter()
        .map(|path| (stem(path), fs::read(path).unwrap()));
    let found = unpack(&archive(target));
    let found = found.unwrap_or_else(|error| panic!("corpus/{target}.tar.gz: {error}"));
    named.chain(found).collect()
}

#[test]
fn every_input_of_the_corpus_holds_what_its_target_asserts() {
    let mut failed = Vec::new();
    for (target, limit, body) in TARGETS {
        let (mut good, mut bad) = (0, 0);
        for (name, data) in inputs(target) {
            assert!(
                data.len() <= *limit,
                "{target}/{name} is longer than its target reads"
            );
            let Ok(accepted) = panic::catch_unwind(|| body(&data)) else {
                failed.push(format!("{target}/{name} panics"));
                continue;
            };
            if name.starts_with("good-") {
                good += 1;
                if !accepted {
                    failed.push(format!("{target}/{name} is refused"));
                }
            } else if name.starts_with("bad-") {
                bad += 1;
                if accepted {
                    failed.push(format!("{target}/{name} is accepted"));
                }
            }
        }
        assert!(good > 0 && bad > 0, "{target} has no seed of one kind");
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn damaged_and_empty_archives_are_errors() {
    let whole = archive("fingerprint");
    assert!(unpack(&whole).is_ok());
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert!(unpack(&whole[..length]).is_err(), "cut to {length} bytes");
    }
    // Behind the ten bytes of gzip's header, of which not all mean something.
    for at in (10..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert!(unpack(&damaged).is_err(), "byte {at} changed");
    }
    assert!(unpack(&[&whole[..], b"more"].concat()).is_err());
    let compress = |bytes: &[u8]| {
        let mut out = Vec::new();
        let level = flate2::Compression::default();
        let mut encoder = flate2::bufread::GzEncoder::new(bytes, level);
        encoder.read_to_end(&mut out).unwrap();
        out
    };
    for empty in [&[][..], &[0; 1024]] {
        assert!(unpack(&compress(empty)).is_err(), "nothing in it");
    }
}

#[test]
fn every_target_refuses_what_is_empty_and_what_is_too_long() {
    for (target, limit, body) in TARGETS {
        assert!(!body(&[]), "{target}");
        assert!(!body(&vec![0x30; limit + 1]), "{target}");
    }
}

#[test]
fn corpus_folders_archives_binaries_and_targets_are_the_same() {
    let known: BTreeSet<String> = TARGETS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    let (folders, archives): (Vec<_>, Vec<_>) =
        files("corpus").into_iter().partition(|path| path.is_dir());
    let stems =
        |files: &[PathBuf]| -> BTreeSet<String> { files.iter().map(|path| stem(path)).collect() };
    assert_eq!(stems(&folders), known);
    let archives: BTreeSet<String> = archives
        .iter()
        .map(|path| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap();
            name.trim_end_matches(".tar.gz").to_owned()
        })
        .collect();
    assert_eq!(archives, known);
    assert_eq!(stems(&files("fuzz_targets")), known);
}
