//! Holds one verdict against the model.

use std::collections::BTreeMap;

use mutual_trust::policy::VerdictWarning;
use mutual_trust::store::EntryKey;
use mutual_trust::{TrustSnapshot, Verdict, decide};
use mutual_trust_worlds::state::{Entry, Scope, Slot, State};
use mutual_trust_worlds::{Model, Ruling, rule_of};

use crate::asks::Question;
use crate::pool::Pool;
use crate::stores::{real, real_slot};

/// What was seen.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) stores: u64,
    pub(crate) verdicts: u64,
    pub(crate) accepted: u64,
    /// How often each arm was reached.
    pub(crate) arms: BTreeMap<Arm, u64>,
    /// Verdicts that are not the model's: how many of a kind, and the first of them.
    pub(crate) wrong: BTreeMap<String, (u64, String)>,
}

/// A way through `decide`: where the peer stood, whether the clock counted, the reason, its rule, and the slot and scope
/// of the entry that decided.
pub(crate) type Arm = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.stores += other.stores;
        self.verdicts += other.verdicts;
        self.accepted += other.accepted;
        for (arm, count) in other.arms {
            *self.arms.entry(arm).or_default() += count;
        }
        for (kind, (count, first)) in other.wrong {
            self.wrong.entry(kind).or_insert((0, first)).0 += count;
        }
    }
}

fn place(entry: Option<&EntryKey>, state: &State, pool: &Pool) -> &'static str {
    let Some(key) = entry else { return "-" };
    let mut entries = state.entries.iter();
    let found = entries.find(|entry| is(key, entry, pool));
    match found.map(|entry| (entry.slot, entry.scope)) {
        Some((Slot::Pin, Scope::Server(_))) => "pin-of-server",
        Some((Slot::Pin, Scope::Group)) => "pin-of-group",
        Some((Slot::Pin, Scope::Clients)) => "pin-of-clients",
        Some((Slot::Authority, Scope::Server(_))) => "authority-of-server",
        Some((Slot::Authority, Scope::AnyServer)) => "authority-of-any-server",
        Some((Slot::Authority, Scope::Clients)) => "authority-of-clients",
        other => panic!("{other:?} decides nothing"),
    }
}

fn is(key: &EntryKey, entry: &Entry, pool: &Pool) -> bool {
    key.slot == real_slot(entry.slot)
        && key.scope == real(entry.scope)
        && key.fingerprint == pool.certificates[entry.at].fingerprint()
}

/// Asks the library and the model. `shown` says which world it is.
pub(crate) fn check(
    pool: &Pool,
    view: &TrustSnapshot,
    state: &State,
    question: &Question,
    tally: &mut Tally,
    shown: impl Fn() -> String,
) {
    let verdict = question.with(pool, |request| decide(view, &question.policy, request));
    let model = Model::new(state, &question.ask);
    let ruling = model.ruling();
    if let Err(what) = compare(pool, state, question, &model, &ruling, &verdict) {
        let kind = format!("{what}: {} {}", model.standing(), verdict.reason());
        let first = || {
            let (ask, warnings) = (&question.ask, verdict.warnings());
            format!("{}\n{ask:?}\n{ruling:?}\n{verdict}\n{warnings:?}", shown())
        };
        tally.wrong.entry(kind).or_insert_with(|| (0, first())).0 += 1;
    }
    tally.verdicts += 1;
    tally.accepted += u64::from(verdict.is_accepted());
    let key = verdict.decided_by().map(|entry| entry.key());
    let arm = (
        model.standing(),
        if model.knows_time() { "known" } else { "floor" },
        verdict.reason().code(),
        rule_of(
            verdict.reason().code(),
            is_of_pin(&verdict),
            question.ask.is_client(),
        ),
        place(key.as_ref(), state, pool),
    );
    *tally.arms.entry(arm).or_default() += 1;
}

fn is_of_pin(verdict: &Verdict) -> bool {
    verdict
        .decided_by()
        .is_some_and(|entry| entry.slot() == real_slot(Slot::Pin))
}

fn compare(
    pool: &Pool,
    state: &State,
    question: &Question,
    model: &Model<'_>,
    ruling: &Ruling,
    verdict: &Verdict,
) -> Result<(), String> {
    let reason = verdict.reason().code();
    let by = verdict.decided_by().map(|entry| entry.key());
    let decided = |number: usize| {
        by.as_ref()
            .is_some_and(|key| is(key, &state.entries[number], pool))
    };
    let mut due = Due::default();
    let accepted = verdict.is_accepted();
    let same = match ruling {
        Ruling::Pin { entry, how, grace } => {
            due.grace = *grace;
            let leaf = question.ask.leaf;
            let entry_of = &state.entries[*entry];
            let mut all = vec![leaf];
            if !entry_of.bare && entry_of.at != leaf {
                all.push(entry_of.at);
            }
            due.of_certificates(model, &all, entry_of.any_role);
            due.name = model.is_name_not_covered();
            accepted && reason == *how && decided(*entry)
        }
        Ruling::Chain { ends, migrates } => {
            due.migrates = *migrates;
            let path: Option<Vec<usize>> = verdict
                .path()
                .iter()
                .map(|one| pool.certificates.iter().position(|other| other == one))
                .collect();
            let path = path.unwrap_or_default();
            due.of_certificates(model, &[question.ask.leaf], true);
            due.role = false;
            due.crl = !path.is_empty() && model.is_in_crl_grace(&path);
            let mut ends = ends.iter();
            accepted
                && reason == "ChainVerified"
                && ends.any(|(number, to)| decided(*number) && *to == path)
        }
        Ruling::NoChain { scope, pins } => {
            !accepted && by.is_none() && model.has_witness(reason, *scope, *pins)
        }
        Ruling::No(refused) => {
            !accepted
                && refused.reasons.contains(&reason)
                && match refused.pin {
                    Some(pin) => decided(pin),
                    None => by.is_none(),
                }
        }
    };
    if !same {
        return Err("another verdict than the model's".to_owned());
    }
    let rule = rule_of(reason, is_of_pin(verdict), question.ask.is_client());
    if verdict.rule().to_string() != rule {
        return Err(format!("rule {} instead of {rule}", verdict.rule()));
    }
    due.clock = !model.knows_time();
    due.unlisted = model.is_given_unlisted();
    due.check(verdict.warnings())
}

/// The warnings that the rules name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Due {
    clock: bool,
    grace: bool,
    crl: bool,
    migrates: bool,
    unlisted: bool,
    name: bool,
    signature: bool,
    role: bool,
}

impl Due {
    /// M4 and I6: what is accepted with a warning.
    fn of_certificates(&mut self, model: &Model<'_>, all: &[usize], any_role: bool) {
        for at in all {
            self.signature |= model.lacks_digital_signature(*at);
            self.role |= any_role && model.is_for_other_role(*at);
        }
    }

    fn check(&self, warnings: &[VerdictWarning]) -> Result<(), String> {
        let mut found = Self::default();
        for warning in warnings {
            match warning {
                VerdictWarning::ClockUnset(_) => found.clock = true,
                VerdictWarning::InGrace { .. } => found.grace = true,
                VerdictWarning::CrlInGrace { .. } => found.crl = true,
                VerdictWarning::Migrating { .. } => found.migrates = true,
                VerdictWarning::UnlistedName => found.unlisted = true,
                VerdictWarning::NameNotCovered => found.name = true,
                VerdictWarning::NoDigitalSignature => found.signature = true,
                VerdictWarning::RoleWaived => found.role = true,
                // What no rule names: how a chain breaks RFC 5280 harmlessly, and that a refusal may be the clock's.
                _ => {}
            }
        }
        if found == *self {
            Ok(())
        } else {
            Err(format!("warnings {found:?} instead of {self:?}"))
        }
    }
}
