//! Copies `verified.rs` of the library with the locks of `shuttle`: as it is, and once for each planted fault.

use std::fs;
use std::path::Path;

/// A fault: its name, a piece of the text, and what stands there instead.
const FAULTS: &[(&str, &str, &str)] = &[
    ("real", "", ""),
    // What is there is read before the lock is held: what another adds in between is lost.
    (
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
    ("any_key", " && upper.has_key_of(above)", ""),
    ("any_bytes", "lower == below && ", ""),
    ("any_bytes_read", "(below.der().as_ref() == der)", "true"),
];

pub(crate) fn write(library: &Path, out: &Path) {
    let path = library.join("verified.rs");
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(path).expect("a file of the library");
    let text = [
        ("use std::sync::{", "use crate::verified::sync::{"),
        ("use arc_swap::", "use crate::verified::sync::"),
        ("use crate::certificate::", "use crate::verified::"),
        ("use crate::limits::", "use crate::verified::"),
        ("//!", "//"),
    ]
    .iter()
    .fold(text, |text, (theirs, ours)| text.replace(theirs, ours));
    for (name, theirs, instead) in FAULTS {
        assert!(text.contains(theirs), "{name}: the place has changed");
        let text = text.replacen(theirs, instead, 1);
        fs::write(out.join(format!("verified_{name}.rs")), text).expect("a copy");
    }
}
