//! The public conformance suite of path validation, x509-limbo, in both profiles, and beside the verifier of rustls.
//!
//! `MUTUAL_TRUST_LIMBO` names the suite's file, plain or compressed with gzip; without it the tests say that they are
//! skipped. Every case that comes out otherwise than the suite expects is in a list beside this file, with the reason
//! code and why, and a change in either direction fails.
//!
//! A program of its own: it is built optimised, by a command of its own.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod beside_rustls;
#[path = "../../examples/support/limbo.rs"]
mod limbo;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;

use limbo::{Came, Case, Judged, Settings, judge};
use mutual_trust::{ChainProfile, VerdictWarning};
use mutual_trust_test_support as support;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The middle of 2026, when the suite was made: for cases that ask for the time of the test.
const MADE: u64 = 1_782_864_000;

/// How many cases the suite has, and how many of them are outside of the namespace that follows the CA/Browser Forum.
const CASES: usize = 9_780;
const OUTSIDE: usize = 9_724;

/// The suite, if there is one. It is the whole suite: what is missing in it is not passed over in silence.
fn suite() -> Option<Vec<Case>> {
    let Some(file) = std::env::var_os("MUTUAL_TRUST_LIMBO") else {
        support::skips::skipped("MUTUAL_TRUST_LIMBO names no file of the suite x509-limbo");
        return None;
    };
    let file = PathBuf::from(file);
    let suite = limbo::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(suite.len(), CASES, "cases in {}", file.display());
    let outside = suite.iter().filter(|case| is_outside(case)).count();
    assert_eq!(outside, OUTSIDE, "cases outside of webpki::");
    Some(suite)
}

fn is_outside(case: &Case) -> bool {
    !case.id.starts_with("webpki::")
}

fn settings(profile: ChainProfile) -> Settings {
    Settings {
        keys: support::keys(),
        profile,
        pin: false,
        now: support::at(MADE),
    }
}

/// One line of a list: what comes out of a case, the reason code, and why that is so.
struct Listed<'a> {
    got: &'a str,
    reason: &'a str,
    why: &'a str,
}

/// The lines `case | got | reason | why`.
fn listed(list: &str) -> BTreeMap<&str, Listed<'_>> {
    let lines = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split(" | ").collect();
            let [id, got, reason, why] = fields[..] else {
                panic!("not four fields: {line}");
            };
            assert!(!why.is_empty(), "no reason why: {line}");
            (id, Listed { got, reason, why })
        })
        .collect()
}

/// The rules of the profile of which a verdict warns.
fn rules(judged: &Judged) -> Vec<&'static str> {
    let warnings = judged.verdict.iter().flat_map(|verdict| verdict.warnings());
    let mut rules: Vec<_> = warnings
        .filter_map(|warning| match warning {
            VerdictWarning::Profile { rule, .. } => Some(*rule),
            _ => None,
        })
        .collect();
    rules.dedup();
    rules
}

/// How many cases outside of the namespace that follows the CA/Browser Forum come out otherwise than expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    accepted: usize,
    refused: usize,
    skipped: usize,
}

/// Compares the suite in a profile with its list. The error names every case that is wrong, and every line of the list
/// without a case.
fn compare(suite: &[Case], profile: ChainProfile, list: &str) -> Result<Counts, String> {
    let listed = listed(list);
    let settings = settings(profile);
    let mut wrong = Vec::new();
    let mut counts = Counts::default();
    for case in suite {
        let judged = judge(case, &settings);
        let (got, known) = (judged.got.to_string(), listed.get(case.id.as_str()));
        if judged.got != case.expected && is_outside(case) {
            match judged.got {
                Came::Success => counts.accepted += 1,
                Came::Failure => counts.refused += 1,
                Came::Skipped => counts.skipped += 1,
            }
        }
        match (judged.got == case.expected, known) {
            (true, None) => {}
            (true, Some(_)) => wrong.push(format!("{} agrees now: take it off the list", case.id)),
            (false, Some(known)) if known.got == got && known.reason == judged.reason => {
                // What is accepted in breach of RFC 5280 is warned of, by the rule that the list names.
                if let Some(rule) = known.why.strip_prefix("breaks ")
                    && !rules(&judged).contains(&rule)
                {
                    wrong.push(format!("{}: no warning {rule}", case.id));
                }
            }
            (false, _) => wrong.push(format!(
                "{} | {got} | {} | {} {:?}",
                case.id,
                judged.reason,
                judged.detail,
                rules(&judged)
            )),
        }
    }
    let ids: BTreeSet<&str> = suite.iter().map(|case| case.id.as_str()).collect();
    let absent = listed.keys().filter(|id| !ids.contains(*id));
    wrong.extend(absent.map(|id| format!("{id} is on the list and not in the suite")));
    eprintln!("{} cases, outside webpki:: {counts:?}", suite.len());
    if wrong.is_empty() {
        Ok(counts)
    } else {
        Err(format!("{} cases:\n{}", wrong.len(), wrong.join("\n")))
    }
}

#[test]
fn the_strict_profile_accepts_nothing_wrongly_and_refuses_what_the_list_says() {
    let Some(suite) = suite() else { return };
    let counts = compare(&suite, ChainProfile::Strict, include_str!("strict.txt"));
    let counts = counts.unwrap_or_else(|wrong| panic!("{wrong}"));
    let wanted = Counts {
        refused: 12,
        ..Counts::default()
    };
    assert_eq!(counts, wanted);
}

#[test]
fn the_compatible_profile_accepts_wrongly_what_the_list_says_and_warns_of_it() {
    let Some(suite) = suite() else { return };
    let list = include_str!("compatible.txt");
    let counts = compare(&suite, ChainProfile::Compatible, list);
    let counts = counts.unwrap_or_else(|wrong| panic!("{wrong}"));
    let wanted = Counts {
        accepted: 21,
        refused: 10,
        skipped: 0,
    };
    assert_eq!(counts, wanted);
}

#[test]
fn a_suite_without_the_cases_of_the_lists_fails() {
    for list in [include_str!("strict.txt"), include_str!("compatible.txt")] {
        let missing = compare(&[], ChainProfile::Strict, list).unwrap_err();
        assert_eq!(missing.lines().count(), listed(list).len() + 1, "{missing}");
        assert!(missing.ends_with(" is on the list and not in the suite"));
    }
}

#[test]
fn the_lists_say_why_each_wrong_acceptance_is_safe() {
    for list in [include_str!("strict.txt"), include_str!("compatible.txt")] {
        for (id, line) in listed(list) {
            if let Some(rule) = line.why.strip_prefix("breaks ") {
                let known = ChainProfile::rules()
                    .iter()
                    .any(|known| known.name() == rule);
                assert!(known, "{id}: no rule {rule}");
            } else if line.got == "SUCCESS" {
                // What is wrong with a revocation list is warned of when it is installed.
                let known = id.starts_with("webpki::") || id.starts_with("crl::");
                assert!(known, "{id}: name the rule that it breaks");
            }
        }
    }
}

#[test]
fn times_of_the_suite_are_read() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-01-01T00:00:00+00:00", 1_704_067_200),
        ("2000-02-29T12:00:00.5Z", 951_825_600),
        ("2026-11-22T18:18:08+02:00", 1_795_364_288),
    ] {
        assert_eq!(limbo::moment(text), Some(support::at(seconds)), "{text}");
    }
    assert!(limbo::moment("yesterday").is_none());
}
