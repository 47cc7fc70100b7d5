//! Where accepted verdicts wait for their signature.

use super::copies::{Fault, Model};

const fn fault(name: &'static str, text: &'static str, instead: &'static str) -> Fault {
    Fault {
        name,
        file: "sink",
        text,
        instead,
    }
}

pub(crate) const MODEL: Model = Model {
    name: "sink",
    files: &["tls/sink"],
    swaps: &[
        ("use std::sync::", "use crate::sink::sync::"),
        ("use pki_types::", "use super::"),
        ("use crate::certificate::", "use super::"),
        ("use crate::limits::", "use super::"),
        ("use crate::observe::", "use super::"),
        ("use crate::policy::", "use super::"),
        (" || cfg!(feature = \"tracing\")", ""),
    ],
    faults: &[
        // An older verdict is found in place of one that could not be put there.
        fault(
            "older_one_found",
            "            self.is_incomplete.store(true, Ordering::Release);
",
            "",
        ),
        // That something is missing is forgotten by a thread that then does not get the lock.
        fault(
            "asked_before_the_lock",
            "        let Some(mut all) = self.try_all() else {
            sink.count_dropped();
            return None;
        };
        if self.is_incomplete.swap(false, Ordering::AcqRel) {
",
            "        let is_incomplete = self.is_incomplete.swap(false, Ordering::AcqRel);
        let Some(mut all) = self.try_all() else {
            sink.count_dropped();
            return None;
        };
        if is_incomplete {
",
        ),
        fault(
            "drained_without_a_count",
            "all.drain(..).for_each(|_| sink.count_dropped());",
            "all.clear();",
        ),
        fault("oldest_first", "rposition", "position"),
        // Of two connections with one certificate, the first has the verdict of the second.
        fault(
            "newest_goes",
            "let gone = all.remove(oldest);",
            "let gone = all.remove(newest);",
        ),
    ],
};
