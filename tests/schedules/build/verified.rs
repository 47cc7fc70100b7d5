//! What is remembered of signatures.

use super::copies::{Fault, Model};

const fn fault(name: &'static str, text: &'static str, instead: &'static str) -> Fault {
    Fault {
        name,
        file: "verified",
        text,
        instead,
    }
}

pub(crate) const MODEL: Model = Model {
    name: "verified",
    files: &["store/verified"],
    swaps: &[
        ("use std::sync::{", "use crate::verified::sync::{"),
        ("use arc_swap::", "use crate::verified::sync::"),
        ("use crate::certificate::", "use crate::verified::"),
        ("use crate::limits::", "use crate::verified::"),
    ],
    faults: &[
        // What is there is read before the lock is held: what another adds in between is lost.
        fault(
            "read_before_the_lock",
            "        let Ok(_adding) = self.adding.try_lock() else {
            return;
        };
        let places = self.places.load_full();
",
            "        let places = self.places.load_full();
        let Ok(_adding) = self.adding.try_lock() else {
            return;
        };
",
        ),
        // What is found was signed by another key, or is another certificate.
        fault("any_key", " && upper.has_key_of(above)", ""),
        fault("any_bytes", "lower == below && ", ""),
        fault("any_bytes_read", "(below.der() == der)", "true"),
    ],
};
