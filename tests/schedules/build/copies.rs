//! Writes the copies of one model.

use std::fs;
use std::path::Path;

/// A fault: a file, a piece of its text, and what stands there instead. Faults of one name are in one copy.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) text: &'static str,
    pub(crate) instead: &'static str,
}

/// Files of the library that are run together.
pub(crate) struct Model {
    /// The folder of the copies.
    pub(crate) name: &'static str,
    /// The files below `src`, without their ending.
    pub(crate) files: &'static [&'static str],
    /// What the copies name in place of what the files name.
    pub(crate) swaps: &'static [(&'static str, &'static str)],
    pub(crate) faults: &'static [Fault],
}

impl Model {
    /// Writes `MODEL/real/FILE.rs`, and `MODEL/FAULT/FILE.rs` for each fault.
    pub(crate) fn write(&self, library: &Path, out: &Path) {
        let files: Vec<(&str, String)> = self
            .files
            .iter()
            .map(|path| self.read(library, path))
            .collect();
        for fault in self.faults {
            let known = files.iter().any(|(file, _)| *file == fault.file);
            assert!(known, "{}: no file {}", fault.name, fault.file);
        }
        for name in core::iter::once("real").chain(self.faults.iter().map(|fault| fault.name)) {
            let folder = out.join(self.name).join(name);
            fs::create_dir_all(&folder).expect("a folder for the copies");
            for (file, text) in &files {
                let text = self.with_faults(name, file, text);
                fs::write(folder.join(format!("{file}.rs")), text).expect("a copy");
            }
        }
    }

    /// The name of a file, and its text with what the copies name.
    fn read(&self, library: &Path, path: &'static str) -> (&'static str, String) {
        let file = path.rsplit('/').next().expect("a name");
        let path = library.join(format!("{path}.rs"));
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(path).expect("a file of the library");
        // The tests inside of a file run in the library, on threads of the system.
        let code = text.split("\n#[cfg(test)]\nmod tests {").next();
        let mut text = code.expect("the first part").to_owned();
        // An included file has no documentation of its own.
        for (theirs, ours) in self.swaps.iter().chain(&[("//!", "//")]) {
            text = text.replace(theirs, ours);
        }
        for line in text.lines() {
            let is_code = !line.trim_start().starts_with("//");
            let is_shared = ["std::sync", "core::sync", "arc_swap"]
                .iter()
                .any(|name| line.contains(name));
            assert!(!(is_code && is_shared), "{file}: not of shuttle: {line}");
        }
        (file, text)
    }

    fn with_faults(&self, name: &str, file: &str, text: &str) -> String {
        let faults = self
            .faults
            .iter()
            .filter(|fault| fault.name == name && fault.file == file);
        faults.fold(text.to_owned(), |text, fault| {
            assert_eq!(
                text.matches(fault.text).count(),
                1,
                "{name}: the place has changed"
            );
            text.replace(fault.text, fault.instead)
        })
    }
}
