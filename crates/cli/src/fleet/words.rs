//! What is signed and published, in words.

use std::collections::{BTreeMap, BTreeSet};

use mutual_trust::admin::bundle::{Bundle, BundleKey, KeySet, Publication, Signed};
use mutual_trust::admin::{Effect, Peer, PeerHistory, effects_between};
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::store::Truncated;
use mutual_trust::{Fingerprint, KeyPolicy, Policy, TrustSnapshot};

use super::folder::newest;
use crate::ask;
use crate::facts::{bounded, subject, time};
use crate::json::{Bounded, FleetBundle, FleetDifference, FleetKey, FleetKeys};
use crate::output::{Failure, shown};

pub(super) fn key_fact(key: &BundleKey) -> FleetKey {
    FleetKey {
        id: key.id().to_string(),
        kind: key.algorithm().to_owned(),
    }
}

fn key_line(key: &BundleKey) -> String {
    format!("key {:#} ({})", key.id(), key.algorithm())
}

pub(super) fn keys_fact(keys: &KeySet, file: Option<String>) -> FleetKeys {
    FleetKeys {
        fleet: keys.fleet().to_string(),
        version: keys.version(),
        threshold: count(keys.threshold()),
        keys: keys.keys().iter().map(key_fact).collect(),
        digest: keys.digest().to_string(),
        file,
    }
}

/// A count as JSON has it.
pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A key set, with its digest in full: it is read out.
pub(super) fn keys_lines(keys: &KeySet) -> Vec<String> {
    let head = format!(
        "key set {} of fleet {}: {} of {} keys sign",
        keys.version(),
        keys.fleet(),
        keys.threshold(),
        keys.keys().len()
    );
    let all = keys.keys().iter().map(|key| format!("  {}", key_line(key)));
    let digest = format!("digest: {:#}", keys.digest());
    [head].into_iter().chain(all).chain([digest]).collect()
}

pub(super) fn bundle_fact(bundle: &Bundle) -> FleetBundle {
    let head = bundle.head();
    FleetBundle {
        fleet: head.fleet().to_string(),
        part: head.part().to_string(),
        sequence: head.sequence(),
        made: Timestamp::from(head.made()).to_string(),
        until: Timestamp::from(head.until()).to_string(),
        keys_version: head.keys_version(),
        trusts_none: head.trusts_none(),
        digest: bundle.digest().to_string(),
    }
}

/// A bundle, with its digest in full: those who sign compare it.
pub(super) fn bundle_lines(bundle: &Bundle) -> Vec<String> {
    let head = bundle.head();
    let mut lines = vec![
        format!(
            "bundle {} of fleet {}, part `{}`, for key set {}",
            head.sequence(),
            head.fleet(),
            head.part(),
            head.keys_version()
        ),
        format!(
            "  made {}, good until {}",
            Timestamp::from(head.made()),
            Timestamp::from(head.until())
        ),
        format!("  digest: {:#}", bundle.digest()),
    ];
    if head.trusts_none() {
        lines.push(String::from("  it trusts no peer"));
    }
    lines
}

/// What a publication or store has: a bundle, and the keys that sign it, if it has some.
pub(super) struct Side<'a> {
    pub(super) keys: Option<&'a KeySet>,
    pub(super) bundle: &'a Bundle,
}

impl<'a> Side<'a> {
    /// What a publication has.
    pub(super) fn of(publication: &'a Publication) -> Result<Self, Failure> {
        Ok(Self {
            keys: Some(newest(publication)?),
            bundle: publication.bundle(),
        })
    }
}

/// What a signature is on.
pub(super) const fn signed(over: Signed) -> &'static str {
    match over {
        Signed::KeySet(_) => "keys",
        Signed::Bundle | _ => "bundle",
    }
}

/// How a bundle differs from the one before it.
pub(super) struct Difference {
    pub(super) lines: Vec<String>,
    pub(super) fact: FleetDifference,
}

/// What the second has that the first does not have, and the other way round. Without a first one, all of it came.
pub(super) fn difference(
    before: Option<&Side<'_>>,
    after: &Side<'_>,
    keys: KeyPolicy,
) -> Result<Difference, Failure> {
    let to = after.bundle.snapshot(keys)?;
    let from = before
        .map(|before| before.bundle.snapshot(keys))
        .transpose()?;
    let new = records(after.bundle, &to);
    let old = before.zip(from.as_ref());
    let old = old.map_or(Vec::new(), |(before, from)| records(before.bundle, from));
    let (gone, came) = (left(&old, &new), left(&new, &old));
    let mut lines: Vec<String> = Vec::new();
    lines.extend(gone.iter().map(|line| format!("  - {line}")));
    lines.extend(came.iter().map(|line| format!("  + {line}")));
    if lines.is_empty() {
        lines.push(String::from("  the records are the same"));
    }
    let old_set = before.and_then(|before| before.keys);
    let (mut keys_gone, mut keys_came, mut threshold) = (Vec::new(), Vec::new(), None);
    if let (Some(old), Some(new)) = (old_set, after.keys) {
        let has = |all: &[BundleKey], key: &BundleKey| all.iter().any(|one| one.id() == key.id());
        let only = |some: &[BundleKey], others: &[BundleKey]| -> Vec<BundleKey> {
            some.iter()
                .filter(|key| !has(others, key))
                .cloned()
                .collect()
        };
        keys_gone = only(old.keys(), new.keys());
        keys_came = only(new.keys(), old.keys());
        threshold = (old.threshold() != new.threshold()).then(|| count(new.threshold()));
        if old.digest() != new.digest() {
            lines.push(format!(
                "key set {} in the place of key set {}:",
                new.version(),
                old.version()
            ));
            lines.extend(keys_gone.iter().map(|key| format!("  - {}", key_line(key))));
            lines.extend(keys_came.iter().map(|key| format!("  + {}", key_line(key))));
            if threshold.is_some() {
                lines.push(format!(
                    "  {} keys must sign, before it {}",
                    new.threshold(),
                    old.threshold()
                ));
            }
        }
    }
    // Who signs is shown at each time, whether it changed or not.
    if let Some(new) = after.keys {
        lines.extend(keys_lines(new));
    }
    let mut fact = FleetDifference {
        from: before.map(|before| before.bundle.head().sequence()),
        gone,
        came,
        keys_gone: keys_gone.iter().map(key_fact).collect(),
        keys_came: keys_came.iter().map(key_fact).collect(),
        threshold,
        lost: Bounded::none(),
        at_risk: Bounded::none(),
    };
    if let Some(from) = from {
        let (policy, seen) = (Policy::new(keys), PeerHistory::new());
        let effects = effects_between(&from, &to, &policy, &seen, SystemClock::new().now());
        for (words, found) in [
            ("refused since", effects.lost()),
            ("may be refused since", effects.at_risk()),
        ] {
            lines.extend(peers(words, found, |effect| effect.peer.clone()));
        }
        let peer = |effect: &Effect| effect.peer.to_string();
        fact.lost = bounded(effects.lost(), peer);
        fact.at_risk = bounded(effects.at_risk(), peer);
    }
    Ok(Difference { lines, fact })
}

/// A line for each peer that is judged differently.
pub(super) fn peers<T>(
    words: &str,
    found: &Truncated<T>,
    peer: impl Fn(&T) -> Peer,
) -> Vec<String> {
    let all = found.items().iter();
    let mut lines: Vec<String> = all
        .map(|one| format!("{words}: {}", shown(&peer(one))))
        .collect();
    if found.omitted() > 0 {
        lines.push(format!("{words}: and {} more", found.omitted()));
    }
    lines
}

/// A record: what it says, and all of it.
struct Record {
    words: String,
    all: String,
}

/// The records of a bundle, in their order. Certificates are named by their subject and their end.
fn records(bundle: &Bundle, view: &TrustSnapshot) -> Vec<Record> {
    let text = String::from_utf8_lossy(bundle.to_bytes());
    let certificates: BTreeMap<String, String> = view
        .entries()
        .into_iter()
        .filter_map(|entry| {
            let certificate = entry.certificate()?;
            let end = certificate.validity().not_after();
            let subject = format!("{}, valid until {}", subject(certificate), time(end));
            Some((certificate.fingerprint().to_string(), subject))
        })
        .collect();
    let mut found: Vec<Record> = Vec::new();
    let mut is_inside = false;
    // The head of the bundle ends with its keys, or with what it states.
    let body = text
        .lines()
        .skip_while(|line| !line.starts_with("keys "))
        .skip(1);
    for line in body.filter(|line| *line != "trust none" && !line.starts_with("end ")) {
        let is_section = is_inside || line.starts_with("-----");
        is_inside = is_section && !line.starts_with("-----END");
        match found.last_mut() {
            Some(record) if is_section || line.starts_with(' ') => {
                record.all.push('\n');
                record.all.push_str(line);
                if !is_section {
                    record.words.push_str("; ");
                    record.words.push_str(line.trim_start());
                }
            }
            _ => found.push(Record {
                words: head(line, &certificates),
                all: line.to_owned(),
            }),
        }
    }
    found
}

/// The first line of a record without its checksum, and with the name of its certificate.
fn head(line: &str, certificates: &BTreeMap<String, String>) -> String {
    let line = line.rsplit_once(" #").map_or(line, |(line, _)| line);
    let mut words = line.split(' ');
    match words.find_map(|word| certificates.get(word)) {
        Some(subject) => format!("{line} ({subject})"),
        None => line.to_owned(),
    }
}

/// The records that the others do not have.
fn left(some: &[Record], others: &[Record]) -> Vec<String> {
    let others: BTreeSet<&str> = others.iter().map(|one| one.all.as_str()).collect();
    let left = some.iter().filter(|one| !others.contains(one.all.as_str()));
    left.map(|one| one.words.clone()).collect()
}

/// Asks for the digest of a key set, and says where it comes from.
pub(super) fn heard(given: Option<Fingerprint>, as_json: bool) -> Result<Fingerprint, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let question = "From an administrator, not from where the publications are: mutual-trust fleet keys show\n\
                    The digest of the key set that it shows: ";
    let missing = "no digest was given: type what `fleet keys show` prints at an administrator, or give it with --digest";
    ask::fingerprint(question, missing, as_json)
}
