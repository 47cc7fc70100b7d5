//! Compares the verdict on random PKIs with a slow model of the rules that tries all paths.
//!
//! The model uses the descriptions from which the certificates were made, and nothing that the library reads in them.
//! From the store it uses the list of installed entries.

mod chain;
mod decode;
mod model;
mod strict;
mod witness;
mod world;

use mutual_trust::policy::{ChainMemory, VerdictWarning};
use mutual_trust::{ReasonCode, Verdict, decide};

use crate::{VERDICT_BYTES, work};
use decode::Input;
use model::{Model, Ruling};
use world::{Ask, World};

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
    let view = world.store.snapshot();
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
        let model = Model::new(&world, &view, &ask);
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
    match model.ruling() {
        Ruling::Pin { entry, how, grace } => {
            let by = verdict
                .decided_by()
                .filter(|_| verdict.is_accepted())
                .map(|entry| entry.key().clone());
            assert_eq!(by, Some(entry), "{}", shown());
            assert_eq!(reason, how, "{}", shown());
            let warned = has(|warning| matches!(warning, VerdictWarning::InGrace { .. }));
            assert_eq!(warned, grace, "{}", shown());
        }
        Ruling::Chain { ends, migrates } => {
            migrating = migrates;
            if reason == ReasonCode::TooManyPaths && model.is_laborious() {
                return;
            }
            let Some(by) = verdict.decided_by().filter(|_| verdict.is_accepted()) else {
                panic!("one of {ends:?} must be accepted\n{}", shown());
            };
            let path: Vec<usize> = verdict
                .path()
                .iter()
                .map(|certificate| world.index_of(certificate.fingerprint()))
                .collect();
            let end = (by.key().clone(), path);
            assert!(
                ends.contains(&end),
                "{end:?} is none of {ends:?}\n{}",
                shown()
            );
            assert_eq!(reason, ReasonCode::ChainVerified);
        }
        Ruling::NoChain(scope) => {
            assert!(!verdict.is_accepted(), "{}", shown());
            let witness = model.has_witness(reason, &scope);
            assert!(witness, "{reason} without a cause\n{}", shown());
        }
        Ruling::No(reasons) => {
            assert!(!verdict.is_accepted(), "{}", shown());
            let allowed = reasons.contains(&reason) || is_of_floor(ask, model, &reasons, reason);
            assert!(allowed, "{reason} is none of {reasons:?}\n{}", shown());
        }
    }
    let accepted = verdict.is_accepted();
    // M7: every verdict that was made at the floor, a refusal as well.
    let warned = has(|warning| matches!(warning, VerdictWarning::ClockUnset(_)));
    assert_eq!(warned, !model.knows_time(), "{}", shown());
    let warned = has(|warning| matches!(warning, VerdictWarning::Migrating { .. }));
    assert_eq!(warned, accepted && migrating, "{}", shown());
}

/// M7: while the clock does not count, what has ended at the floor is refused for the clock.
fn is_of_floor(ask: &Ask, model: &Model<'_>, reasons: &[ReasonCode], reason: ReasonCode) -> bool {
    let of_clock = match ask.clock {
        Some(_) => ReasonCode::ClockBelowFloor,
        None => ReasonCode::ClockUnset,
    };
    let ends = [
        ReasonCode::ClockUnset,
        ReasonCode::Expired,
        ReasonCode::EntryEnded,
        ReasonCode::IssuerExpired,
        ReasonCode::CrlExpired,
        ReasonCode::NoUsablePin,
        ReasonCode::PinDoesNotMatch,
        ReasonCode::SameSubjectOtherKey,
        ReasonCode::AuthoritiesNotAsked,
    ];
    !model.knows_time() && reason == of_clock && reasons.iter().any(|one| ends.contains(one))
}
