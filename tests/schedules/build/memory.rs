//! What is remembered of accepted chains, and on which snapshot.

use super::copies::{Fault, Model};

const fn fault(name: &'static str, text: &'static str, instead: &'static str) -> Fault {
    Fault {
        name,
        file: "memory",
        text,
        instead,
    }
}

const fn of_snapshot(text: &'static str, instead: &'static str) -> Fault {
    Fault {
        name: "known_by_its_address",
        file: "snapshot",
        text,
        instead,
    }
}

pub(crate) const MODEL: Model = Model {
    name: "memory",
    files: &["policy/memory", "store/snapshot"],
    swaps: &[
        ("use core::sync::", "use crate::memory::sync::"),
        ("use std::sync::", "use crate::memory::sync::"),
        ("use crate::certificate::", "use super::certificate::"),
        ("use crate::limits::", "use super::limits::"),
        ("use crate::store::", "use super::store::"),
    ],
    faults: &[
        // What was decided on one snapshot is the answer on another.
        fault(
            "any_snapshot",
            ".filter(|_| table.of.is(view))",
            "",
        ),
        // A slow thread puts an old answer among those of the newer snapshot.
        fault(
            "late_answer_kept",
            "        if self.of.is_later_than(view) {
            return None;
        }
",
            "        if self.of.is_later_than(view) {
            return Some(Self::default());
        }
",
        ),
        // The snapshot is compared under one lock, and the answer is put there under the next.
        fault(
            "two_locks",
            "        let gone = table.put(place, chain, most, bytes);
",
            "        drop(table);
        let Ok(mut table) = self.table.try_write() else {
            return;
        };
        let gone = table.put(place, chain, most, bytes);
",
        ),
        // A slow thread makes it forget what was decided on the newer snapshot.
        fault(
            "late_answer_forgets",
            "        if self.of.is_later_than(view) {
            return None;
        }
",
            "",
        ),
        // The next snapshot can have the place of one that is gone.
        of_snapshot("    place: Weak<Data>,", "    place: usize,"),
        of_snapshot(
            "            place: Arc::downgrade(view.held()),",
            "            place: Arc::as_ptr(view.held()).addr(),",
        ),
        of_snapshot(
            "        core::ptr::eq(self.place.as_ptr(), Arc::as_ptr(view.held()))",
            "        self.place == Arc::as_ptr(view.held()).addr()",
        ),
        of_snapshot(" && self.place.strong_count() > 0", ""),
        // A peer that is refused is remembered.
        fault(
            "refusals_remembered",
            "let end_entity = verdict.path().first()?.clone();",
            "let end_entity = Certificate::of(question.end_entity);",
        ),
        // What is found in a place is the answer for all that have it.
        fault(
            "any_certificate",
            "            && self.end_entity.der() == *end_entity
",
            "",
        ),
        // Two threads find the last room.
        fault(
            "room_looked_at_first",
            "        let Ok(mut table) = self.table.try_write() else {
            return;
        };
        let Some(older)",
            "        let full = self.table.try_read().is_ok_and(|table| table.chains.len() >= most);
        let Ok(mut table) = self.table.try_write() else {
            return;
        };
        let Some(older)",
        ),
        fault(
            "room_looked_at_first",
            "        let gone = table.put(place, chain, most, bytes);
",
            "        let gone = table.put(place, chain, if full { most } else { usize::MAX }, bytes);
",
        ),
    ],
};
