//! The ways through `decide` that the worlds reach, held against the table of them.

use std::collections::BTreeSet;
use std::{env, fs};

use crate::check::{Arm, Tally};

const TABLE: &str = "tests/worlds/arms.txt";

/// The words of the table that are no arm.
const HEAD: &str = "\
# Every way through `decide` that a small world takes: where the peer stands, whether the clock counts, the reason, its rule, and
# the entry that decided. The worlds fail if they miss one of these, or take another one. To write it anew:
# MUTUAL_TRUST_ARMS=write cargo test --release --package mutual-trust-worlds --test worlds
";

fn line((standing, clock, reason, rule, place): &Arm) -> String {
    format!("{standing} {clock} {reason} {rule} {place}")
}

/// Fails unless the arms that were reached are those of the table, if it was `all`, or some of them.
pub(crate) fn compare(tally: &Tally, all: bool) {
    let reached: BTreeSet<String> = tally.arms.keys().map(line).collect();
    if env::var_os("MUTUAL_TRUST_ARMS").is_some_and(|value| value == "write") {
        let lines: Vec<String> = reached.iter().map(|arm| format!("{arm}\n")).collect();
        fs::write(TABLE, format!("{HEAD}{}", lines.concat())).unwrap();
    }
    let table = fs::read_to_string(TABLE).unwrap();
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let known: BTreeSet<String> = lines.map(str::to_owned).collect();
    let missed: Vec<&String> = known.difference(&reached).collect();
    let new: Vec<&String> = reached.difference(&known).collect();
    assert!(
        (missed.is_empty() || !all) && new.is_empty(),
        "arms of {TABLE} that no world reached: {missed:#?}\narms that are not in it: {new:#?}"
    );
}

/// What was counted, by reason.
pub(crate) fn show(tally: &Tally) {
    let Tally {
        stores,
        verdicts,
        accepted,
        arms,
        ..
    } = tally;
    println!(
        "{stores} stores, {verdicts} verdicts, {accepted} accepted, {} arms",
        arms.len()
    );
    let mut reasons = std::collections::BTreeMap::<&str, (u64, u64)>::new();
    for ((_, _, reason, _, _), count) in arms {
        let (verdicts, arms) = reasons.entry(reason).or_default();
        *verdicts += count;
        *arms += 1;
    }
    for (reason, (verdicts, arms)) in reasons {
        println!("{reason}: {verdicts} verdicts, {arms} arms");
    }
}
