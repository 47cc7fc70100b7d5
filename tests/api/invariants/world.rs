//! A store and its model, side by side.

use mutual_trust::error::StoreError;
use mutual_trust::store::{EntryKey, Report};

use super::admin::Admin;
use super::facts::{Expected, Facts};
use super::ops::Op;
use super::pool::days;

pub struct World {
    pub admin: Admin,
    pub facts: Facts,
}

/// One call: what the store answered, and what the rules say.
pub struct Step {
    pub result: Option<Result<Report, StoreError>>,
    pub expected: Expected,
}

impl World {
    pub fn new() -> Self {
        Self {
            admin: Admin::new(),
            facts: Facts {
                now: Some(days(0)),
                ..Facts::default()
            },
        }
    }

    pub fn apply(&mut self, op: &Op) -> Step {
        let key: Option<EntryKey> = match op {
            Op::Again(at)
            | Op::Remove(at)
            | Op::Update(at, _)
            | Op::Disable(at)
            | Op::Enable(at) => match self.admin.entry_key(*at) {
                Some(key) => Some(key),
                None => {
                    return Step {
                        result: None,
                        expected: Expected::Done,
                    };
                }
            },
            _ => None,
        };
        let expected = self.facts.expect(op, key.as_ref());
        let result = self.admin.apply(op);
        let done = result.as_ref().is_none_or(Result::is_ok);
        if done && expected != Expected::Refused {
            self.facts.effect(op, key.as_ref());
        }
        Step { result, expected }
    }
}
