//! What may be found, and when.

use std::fmt::{self, Display};

use crate::cases::{Case, Ending};
use crate::needles::Kind;
use crate::runner::{Record, show};
use crate::scan::Place;

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = format!("{:?}", self.source).to_lowercase();
        write!(
            f,
            "{}, {}, {}, {source}",
            self.provider, self.kind, self.row
        )
    }
}

/// The pieces of a key in our own holder, before a provider has it: the numbers in its DER.
///
/// Of ML-DSA: the seed.
fn held(kind: &str) -> usize {
    if kind.starts_with("rsa") { 6 } else { 1 }
}

/// The pieces of aws-lc-rs's one live copy. Of RSA: the six numbers of the key; from the first signature on also
/// copies of fixed width of d, p, q, dp and dq, R² and -1/m for p and q, and 1/q in Montgomery form.
///
/// Of ML-DSA: the seed, and what follows from it, in which a public part stands between two secret ones.
fn live(kind: &str) -> usize {
    if kind.starts_with("rsa") {
        16
    } else if kind.starts_with("mldsa") {
        3
    } else {
        1
    }
}

/// What is wrong with a record.
pub fn faults(case: &Case, record: &Record) -> Vec<String> {
    let mut faults = Vec::new();
    let ended = match case.ending {
        Ending::Works => record.result == "ok",
        Ending::Refused(error) => record.result.starts_with(error),
    };
    if !ended {
        let wanted = case.ending;
        faults.push(format!("{case}: {}, not {wanted:?}", record.result));
    }
    for look in &record.looks {
        let most = match look.moment.as_str() {
            "held" | "written" => held(case.kind),
            "start" | "refused" | "dropped" => 0,
            _ => live(case.kind),
        };
        if case.plan == "compare" {
            continue;
        }
        // Our own part is the same with every provider; what they keep is theirs.
        let ours = matches!(look.moment.as_str(), "start" | "held" | "written");
        if case.provider != "aws-lc-rs" && !ours {
            continue;
        }
        let only_key = look
            .tally
            .keys()
            .all(|key| *key == (Kind::Key, Place::Heap));
        let pieces: usize = look.tally.values().sum();
        if !only_key || pieces > most {
            let found = show(&look.tally);
            let mut text = format!("{case}: {found} at \"{}\"", look.moment);
            for hit in look.findings.hits.iter().take(12) {
                let (name, place) = (&hit.name, hit.place);
                let (from, to) = (hit.offset, hit.offset + hit.length);
                text.push_str(&format!(
                    "\n    {place:?} {:#x}: {name} {from}..{to}",
                    hit.address
                ));
                // Tells whose frame it was: the provider's, a scrub's or that of a signal.
                if place == Place::DeadStack {
                    let below = look.findings.pointer - hit.address;
                    text.push_str(&format!(", {below} bytes below the stack pointer"));
                }
            }
            faults.push(text);
        }
    }
    faults
}
