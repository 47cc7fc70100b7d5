//! Runs cases, and says what came of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::case::{Answers, Case};
use crate::judges::{self, Judged};
use crate::world::World;

/// Which cases are run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The seed of the first case; the next ones follow.
    pub first: u64,
    /// How many at most.
    pub cases: u64,
    /// How long at most.
    pub time: Duration,
    /// Prints who refused alone and why, and what only the library refuses.
    pub groups: bool,
}

/// A group of cases: how many, and the seed of the first.
type Groups = BTreeMap<String, (u64, u64)>;

fn add(groups: &mut Groups, key: String, seed: u64) {
    let group = groups.entry(key).or_insert((0, seed));
    group.0 += 1;
}

/// A reason without the numbers in it, so that like ones are counted together.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars().take(160) {
        let letter = if letter.is_ascii_digit() { '#' } else { letter };
        if letter != '#' || !plain.ends_with('#') {
            plain.push(letter);
        }
    }
    plain
}

/// Runs cases. Says whether there was no finding.
pub fn run(options: &Options) -> bool {
    let begin = Instant::now();
    let mut counts = [0_u64; 4];
    let mut findings = Groups::new();
    let mut alone = Groups::new();
    let mut refused = Groups::new();
    let mut warned = Groups::new();
    let mut done = 0;
    while done < options.cases && begin.elapsed() < options.time {
        let seed = options.first.wrapping_add(done);
        done += 1;
        let case = Case::draw(seed);
        let answers = case.judge();
        let ours = &answers.ours;
        let accepted = answers.others.iter().filter(|judged| judged.is_ok());
        let all_accept = accepted.count() == judges::OTHERS.len();
        counts[0] += u64::from(ours.strict.is_ok());
        counts[1] += u64::from(ours.compatible.is_ok());
        counts[2] += u64::from(all_accept);
        if let Some(profile) = answers.finding() {
            let (key, text) = shown(profile, case, seed);
            if !findings.contains_key(&key) {
                println!("{text}");
            }
            add(&mut findings, key, seed);
            continue;
        }
        for (profile, judged) in [("strict", &ours.strict), ("compatible", &ours.compatible)] {
            match judged {
                Ok(()) => {
                    let others = judges::OTHERS.iter().zip(&answers.others);
                    let refused =
                        others.filter_map(|(judge, other)| Some((judge, other.as_ref().err()?)));
                    let refused: Vec<_> = refused.collect();
                    if profile == "compatible" && ours.strict.is_err() && refused.len() > 1 {
                        add(&mut warned, ours.warned.join(", "), seed);
                    } else if profile == "strict" {
                        for (judge, why) in refused {
                            add(&mut alone, format!("{judge}: {}", plain(why)), seed);
                        }
                    }
                }
                Err(why) if all_accept => {
                    add(&mut refused, format!("{profile}: {}", plain(why)), seed);
                }
                Err(_) => {}
            }
        }
    }
    judges::clean();
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{done} cases from seed {} in {seconds:.0} s; accepted by the library in strict {} and in compatible {}, by all \
         others {}; {} kinds of findings",
        options.first,
        counts[0],
        counts[1],
        counts[2],
        findings.len()
    );
    if options.groups {
        print_groups("accepted in strict, and refused by another", &alone);
        print_groups(
            "accepted in compatible with a warning, refused in strict and by two others",
            &warned,
        );
        print_groups("refused by the library alone", &refused);
    }
    print_groups("findings", &findings);
    findings.is_empty()
}

fn print_groups(title: &str, groups: &Groups) {
    let total: u64 = groups.values().map(|(count, _)| count).sum();
    println!("\n{title}: {total}");
    let mut all: Vec<_> = groups.iter().collect();
    all.sort_by_key(|(_, (count, _))| core::cmp::Reverse(*count));
    for (key, (count, seed)) in all {
        println!("  {count} (seed {seed}) {key}");
    }
}

fn said(judged: &Judged) -> String {
    match judged {
        Ok(()) => "accepts".to_owned(),
        Err(why) => format!("refuses: {why}"),
    }
}

/// A finding, with as few changes as it needs: what groups it, and what is printed.
fn shown(profile: &str, case: Case, seed: u64) -> (String, String) {
    let case = case.reduced();
    let (world, texts) = case.world();
    let answers = Answers::of(&world);
    let others = answers.others.iter().zip(judges::OTHERS);
    let key: Vec<String> = others
        .map(|(judged, judge)| format!("{judge} {}", plain(&said(judged))))
        .collect();
    let head = format!("FINDING in {profile}, --replay {seed}");
    let key = format!("{profile}: {}", key.join("; "));
    (
        key,
        format!("{head}\n{}", described(&world, &texts, &answers)),
    )
}

fn described(world: &World, texts: &[String], answers: &Answers) -> String {
    let mut text = String::new();
    let mut line = |name: &str, said: &str| {
        writeln!(text, "  {name}: {said}").expect("a text takes it");
    };
    for change in texts {
        line("change", change);
    }
    line("strict", &said(&answers.ours.strict));
    line("compatible", &said(&answers.ours.compatible));
    line("warned", &answers.ours.warned.join(", "));
    for (judge, judged) in judges::OTHERS.iter().zip(&answers.others) {
        line(judge, &said(judged));
    }
    for document in &world.documents {
        let hex: String = document
            .der()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        line(document.part.name(), &hex);
    }
    text
}

/// Shows one case whole. Says whether it is no finding.
pub fn replay(seed: u64) -> bool {
    let case = Case::draw(seed);
    let answers = case.judge();
    let (world, texts) = case.world();
    println!("{:?}", case.shape);
    print!("{}", described(&world, &texts, &answers));
    let finding = answers.finding();
    if let Some(profile) = finding {
        println!("a finding in {profile}; reduced:");
        let (world, texts) = case.reduced().world();
        print!("{}", described(&world, &texts, &Answers::of(&world)));
    }
    judges::clean();
    finding.is_none()
}
