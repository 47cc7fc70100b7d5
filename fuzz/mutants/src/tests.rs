//! What the runner rests on: good cases are good to all judges, a seed makes one case, and a wrong yes is a finding.

use crate::case::{Answers, Case};
use crate::exceptions;
use crate::judges::{OTHERS, Ours};
use crate::tree::Value;
use crate::world::{Part, Shape};

#[test]
fn each_unchanged_shape_is_accepted_by_every_judge() {
    for shape in Shape::all() {
        let answers = Answers::of(&shape.world());
        assert_eq!(answers.ours.strict, Ok(()), "{shape:?}");
        assert_eq!(answers.ours.compatible, Ok(()), "{shape:?}");
        assert_eq!(answers.ours.warned, [""; 0], "{shape:?}");
        for (judge, judged) in OTHERS.iter().zip(&answers.others) {
            assert_eq!(*judged, Ok(()), "{judge}, {shape:?}");
        }
    }
}

#[test]
fn an_unchanged_tree_is_written_as_it_was_read() {
    for shape in Shape::all() {
        for document in shape.world().documents {
            let tree = Value::read(&document.tbs).expect("it is DER");
            assert_eq!(tree.der(), document.tbs, "{shape:?}, {:?}", document.part);
        }
    }
}

#[test]
fn a_seed_makes_the_same_case_again() {
    let mut changed = 0;
    for seed in 0..300 {
        let (case, again) = (Case::draw(seed), Case::draw(seed));
        let ((world, texts), (same, _)) = (case.world(), again.world());
        assert_eq!(world.signed().ders, same.signed().ders, "seed {seed}");
        assert!(!texts.is_empty(), "seed {seed}");
        changed += usize::from(world.signed().ders != case.shape.world().signed().ders);
    }
    assert!(changed > 250, "{changed} of 300 were changed");
}

#[test]
fn a_wrong_signature_is_refused_by_every_judge() {
    for shape in Shape::all() {
        for part in [Part::Middle, Part::Leaf, Part::RootList, Part::MiddleList] {
            let mut world = shape.world();
            let document = world.documents.iter_mut().find(|one| one.part == part);
            let Some(document) = document else { continue };
            document.wrong = Some(77);
            let answers = Answers::of(&world);
            let all = [&answers.ours.strict, &answers.ours.compatible];
            for judged in all.into_iter().chain(&answers.others) {
                assert!(judged.is_err(), "{shape:?}, {part:?}: {answers:?}");
            }
        }
    }
}

fn answers(strict: bool, compatible: bool, warned: &[&str], others: [&str; 3]) -> Answers {
    let judged = |yes: bool| if yes { Ok(()) } else { Err("no".to_owned()) };
    Answers {
        ours: Ours {
            strict: judged(strict),
            compatible: judged(compatible),
            warned: warned.iter().map(|&rule| rule.to_owned()).collect(),
        },
        others: others.map(|why| {
            if why.is_empty() {
                Ok(())
            } else {
                Err(why.to_owned())
            }
        }),
    }
}

#[test]
fn what_two_others_refuse_is_a_finding_unless_it_is_excepted_or_warned_of() {
    let no = ["", "no", "no"];
    assert_eq!(answers(true, true, &[], no).finding(), Some("strict"));
    assert_eq!(answers(true, true, &["rule"], no).finding(), Some("strict"));
    assert_eq!(answers(false, true, &[], no).finding(), Some("compatible"));
    assert_eq!(answers(false, true, &["rule"], no).finding(), None);
    assert_eq!(answers(false, false, &[], ["no"; 3]).finding(), None);
    assert_eq!(answers(true, true, &[], ["no", "", ""]).finding(), None);
    let excepted = ["UnknownIssuer", "", "no"];
    assert_eq!(answers(true, true, &[], excepted).finding(), None);
    let more = ["UnknownIssuer", "no", "no"];
    assert_eq!(answers(true, true, &[], more).finding(), Some("strict"));
}

#[test]
fn each_exception_names_a_judge_a_profile_and_a_rule() {
    for one in exceptions::ALL.iter() {
        assert!(OTHERS.contains(&one.judge), "{one:?}");
        assert!(
            ["strict", "compatible", "both"].contains(&one.profile),
            "{one:?}"
        );
        let rule = one.why.split([':', ' ']).next().unwrap_or_default();
        let (letter, number) = rule.split_at(1);
        assert!("IPMC".contains(letter), "{one:?}");
        assert!(number.parse::<u8>().is_ok(), "{one:?}");
        assert!(one.reason.len() > 8, "too wide: {one:?}");
    }
}
