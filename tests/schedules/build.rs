//! Copies files of the library, with the locks of `shuttle` in place of those of the standard library: once as
//! they are, and once for each planted fault, so that the tests show that such a fault is found.

#![allow(
    clippy::expect_used,
    reason = "a build script that cannot go on has failed"
)]

#[path = "build/verified.rs"]
mod verified;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A fault: a file, a piece of its text, and what stands there instead.
struct Fault {
    name: &'static str,
    file: &'static str,
    text: &'static str,
    instead: &'static str,
}

const FAULTS: &[Fault] = &[
    // Tasks are woken before there is something new.
    Fault {
        name: "woken_before_the_swap",
        file: "live",
        text: "        let old = self.0.view.replace(view);\n",
        instead: "        self.0.waiters.wake_all();\n        let old = self.0.view.replace(view);\n",
    },
    Fault {
        name: "woken_before_the_swap",
        file: "live",
        text: "        self.0.published.notify_all();\n        self.0.waiters.wake_all();\n",
        instead: "        self.0.published.notify_all();\n",
    },
    // A task looks first and then leaves its waker: what comes between is missed.
    Fault {
        name: "looked_before_the_waker",
        file: "waiters",
        text: "        this.key = Some(this.waiters.put(this.key, context.waker()));\n        match (this.ready)() {\n",
        instead: "        let found = (this.ready)();\n        this.key = Some(this.waiters.put(this.key, context.waker()));\n        match found {\n",
    },
    // Threads are woken before there is something new, and the lock is open in between.
    Fault {
        name: "told_before_the_swap",
        file: "live",
        text: "        // No code that can panic runs under the lock, so a poisoned lock does not affect the number.\n        let generation = self.0.generation.lock();\n        let mut generation = generation.unwrap_or_else(PoisonError::into_inner);\n        if offered <= *generation {",
        instead: "        let generation = self.0.generation.lock();\n        drop(generation);\n        self.0.published.notify_all();\n        let generation = self.0.generation.lock();\n        let mut generation = generation.unwrap_or_else(PoisonError::into_inner);\n        if offered <= *generation {",
    },
    Fault {
        name: "told_before_the_swap",
        file: "live",
        text: "        self.0.published.notify_all();\n        self.0.waiters.wake_all();\n",
        instead: "        self.0.waiters.wake_all();\n",
    },
];

const FILES: [&str; 2] = ["live", "waiters"];

fn main() {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let library = own.join("../../src/store");
    let names = FAULTS.iter().map(|fault| fault.name);
    let mut names: Vec<&str> = core::iter::once("real").chain(names).collect();
    names.dedup();
    for name in names {
        write(&library, &out, name);
    }
    verified::write(&library, &out);
}

fn write(library: &Path, out: &Path, name: &str) {
    let folder = out.join(name);
    fs::create_dir_all(&folder).expect("a folder for the copies");
    for file in FILES {
        let path = library.join(format!("{file}.rs"));
        println!("cargo::rerun-if-changed={}", path.display());
        let mut text = fs::read_to_string(path).expect("a file of the library");
        for (theirs, ours) in [
            ("use std::sync::{", "use crate::stand_ins::sync::{"),
            ("use crate::store::", "use super::"),
            // An included file has no documentation of its own.
            ("//!", "//"),
        ] {
            text = text.replace(theirs, ours);
        }
        assert!(
            !text.contains("std::sync::{"),
            "{file}: a lock of the standard library"
        );
        let faults = FAULTS.iter().filter(|fault| fault.name == name);
        for fault in faults.filter(|fault| fault.file == file) {
            assert!(text.contains(fault.text), "{name}: the place has changed");
            text = text.replacen(fault.text, fault.instead, 1);
        }
        fs::write(folder.join(format!("{file}.rs")), text).expect("a copy");
    }
}
