//! Compares the verdict on random PKIs with a slow model of the rules that tries all paths.
//!
//! The model is that of `tests/worlds`. It uses the descriptions from which the certificates were made, and nothing that
//! the library reads in them. From the store it uses the list of installed entries and lists; what the other calls mean,
//! it knows by the rules.

mod decode;
mod world;

use mutual_trust::policy::{ChainMemory, VerdictWarning};
use mutual_trust::{ReasonCode, Verdict, decide};
use mutual_trust_worlds::state::Slot;
use mutual_trust_worlds::{Model, Ruling, rule_of};

use crate::{VERDICT_BYTES, work};
use decode::Input;
use world::{Ask, World, place};

/// Most signatures that a verdict may verify beside those of installed CAs that have the name of the presented issuer
/// (rule C5): those of what a peer presents, of its pins' keys and of its own.
const MOST_VERIFIED: usize = 8;

/// A peer is accepted exactly when the model accepts it: by the entry that the rules name if they name one, over a
/// path that the model has found, with the warnings that are due; and a refusal has a reason that the rules allow.
pub fn verdict(data: &[u8]) -> bool {
    if data.len() > VERDICT_BYTES {
        return false;
    }
    let mut input = Input::new(data);
    let mut world = World::new(&mut input);
    let mut accepted = false;
    let view = world.publish();
    while !input.is_empty() {
        let ask = Ask::new(&mut input, &world);
        let policy = ask.policy();
        let verdict = ask.with_question(&world, |question| {
            let (verdict, verified) = work::counted(|| decide(&view, &policy, question));
            let most = MOST_VERIFIED + world.named_by(ask.leaf);
            let shown = || format!("{ask:?}\n{}{verdict}", world.shown());
            assert!(verified <= most, "{verified} signatures\n{}", shown());
            // With what the verdict verified, which is remembered, it is the same.
            let again = decide(&view, &policy, question);
            assert_eq!(format!("{again:?}"), format!("{verdict:?}"));
            // A remembered chain gives the same verdict each time.
            let memory = ChainMemory::new(policy.with_remembered_chains(2).unwrap());
            for _ in 0..2 {
                let again = Verdict::from(memory.decide(&view, question));
                assert_eq!(again.reason(), verdict.reason());
                assert_eq!(again.warnings(), verdict.warnings());
                let by = |verdict: &Verdict| verdict.decided_by().map(|entry| entry.key().clone());
                assert_eq!(by(&again), by(&verdict));
            }
            verdict
        });
        let model = Model::new(&world.state, &ask);
        compare(&world, &ask, &model, &verdict);
        accepted |= verdict.is_accepted();
    }
    accepted
}

fn compare(world: &World, ask: &Ask, model: &Model<'_>, verdict: &Verdict) {
    let shown = || format!("{ask:?}\n{}{verdict}", world.shown());
    let has = |wanted: fn(&VerdictWarning) -> bool| verdict.warnings().iter().any(wanted);
    let reason = verdict.reason();
    let mut migrating = false;
    let code = reason.code();
    // The entry that decided, as the model names it.
    let by = verdict.decided_by().map(|entry| {
        let key = entry.key();
        let (slot, scope) = place(&key);
        (slot, scope, world.index_of(key.fingerprint))
    });
    let key = |number: usize| world.state.entries[number].key();
    match model.ruling() {
        Ruling::Pin { entry, how, grace } => {
            assert!(verdict.is_accepted(), "{}", shown());
            assert_eq!(by, Some(key(entry)), "{}", shown());
            assert_eq!(code, how, "{}", shown());
            let warned = has(|warning| matches!(warning, VerdictWarning::InGrace { .. }));
            assert_eq!(warned, grace, "{}", shown());
        }
        Ruling::Chain { ends, migrates } => {
            migrating = migrates;
            if reason == ReasonCode::TooManyPaths && model.is_laborious() {
                return;
            }
            let Some(by) = by.filter(|_| verdict.is_accepted()) else {
                panic!("one of {ends:?} must be accepted\n{}", shown());
            };
            let path: Vec<usize> = verdict
                .path()
                .iter()
                .map(|certificate| world.index_of(certificate.fingerprint()))
                .collect();
            let mut all = ends.iter();
            assert!(
                all.any(|(number, to)| key(*number) == by && *to == path),
                "{by:?} over {path:?} is none of {ends:?}\n{}",
                shown()
            );
            assert_eq!(reason, ReasonCode::ChainVerified);
        }
        Ruling::NoChain { scope, pins } => {
            assert!(!verdict.is_accepted(), "{}", shown());
            let witness = model.has_witness(code, scope, pins);
            assert!(witness, "{reason} without a cause\n{}", shown());
        }
        Ruling::No(refused) => {
            assert!(!verdict.is_accepted(), "{}", shown());
            assert!(
                refused.reasons.contains(&code),
                "{reason} is none of {refused:?}\n{}",
                shown()
            );
            assert_eq!(by, refused.pin.map(key), "{}", shown());
        }
    }
    let of_pin = by.is_some_and(|(slot, ..)| slot == Slot::Pin);
    let rule = rule_of(code, of_pin, ask.is_client());
    assert_eq!(verdict.rule().to_string(), rule, "{}", shown());
    let accepted = verdict.is_accepted();
    // M7: every verdict that was made at the floor, a refusal as well.
    let warned = has(|warning| matches!(warning, VerdictWarning::ClockUnset(_)));
    assert_eq!(warned, !model.knows_time(), "{}", shown());
    let warned = has(|warning| matches!(warning, VerdictWarning::Migrating { .. }));
    assert_eq!(warned, accepted && migrating, "{}", shown());
    let warned = has(|warning| matches!(warning, VerdictWarning::UnlistedName));
    assert_eq!(warned, model.is_given_unlisted(), "{}", shown());
}
