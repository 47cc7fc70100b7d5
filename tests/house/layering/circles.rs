//! No two files import each other, directly or around.
//!
//! What a file imports is resolved through re-exports to the file that has it. A `mod.rs` and the files of its own folder
//! count as one thing in one direction: they may use what it defines.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::File;
use super::source::paths;

/// Files that import each other, as the names of the files of each circle.
pub fn circles(files: &[File]) -> Vec<Vec<String>> {
    let crate_ = Crate::new(files);
    let edges: BTreeMap<&str, BTreeSet<&str>> = files
        .iter()
        .map(|file| (file.path.as_str(), crate_.imports(file)))
        .collect();
    let reach: BTreeMap<&str, BTreeSet<&str>> = edges
        .keys()
        .map(|from| (*from, reachable(&edges, from)))
        .collect();
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for (from, reached) in &reach {
        if reached.contains(from) {
            let circle = reached.iter().filter(|to| reach[**to].contains(from));
            found.insert(circle.map(|path| (*path).to_owned()).collect());
        }
    }
    found.into_iter().collect()
}

fn reachable<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = edges[from].iter().copied().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(edges.get(next).into_iter().flatten());
        }
    }
    reached
}

/// Modules by their paths, each with its file and what it re-exports.
struct Crate<'a> {
    modules: BTreeMap<Vec<String>, &'a File>,
    exports: BTreeMap<Vec<String>, Vec<Vec<String>>>,
}

impl<'a> Crate<'a> {
    fn new(files: &'a [File]) -> Self {
        let modules: BTreeMap<_, _> = files
            .iter()
            .map(|file| (module(&file.path), file))
            .collect();
        let mut all = Self {
            modules,
            exports: BTreeMap::new(),
        };
        for (own, file) in &all.modules {
            let (exports, _) = split(file.production());
            let exports = paths(&exports)
                .into_iter()
                .filter_map(|(_, path)| all.absolute(own, &path));
            let exports = exports.collect();
            all.exports.insert(own.clone(), exports);
        }
        all
    }

    /// The files that a file imports from.
    fn imports(&self, file: &File) -> BTreeSet<&'a str> {
        let own = module(&file.path);
        let (_, code) = split(file.production());
        let named = paths(&code);
        let absolute = named
            .iter()
            .filter_map(|(_, path)| self.absolute(&own, path));
        let found = absolute.filter_map(|path| self.file_of(&path, 0));
        let is_own_folder = |other: &&str| {
            let other = module(other);
            other.starts_with(&own) || own.starts_with(&other)
        };
        found.filter(|other| !is_own_folder(other)).collect()
    }

    /// A path that begins in this crate, from its root.
    fn absolute(&self, own: &[String], path: &[String]) -> Option<Vec<String>> {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let start = match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "super" => own.len().checked_sub(supers)?,
            "self" => return Some([own, &path[1..]].concat()),
            first => {
                let child = [own, &[first.to_owned()]].concat();
                return self
                    .modules
                    .contains_key(&child)
                    .then(|| [own, path].concat());
            }
        };
        Some([&own[..start], &path[supers..]].concat())
    }

    /// The file that has the item at the end of a path.
    fn file_of(&self, path: &[String], depth: usize) -> Option<&'a str> {
        let length = (0..=path.len())
            .rev()
            .find(|length| self.modules.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let exported = rest.first().filter(|_| depth < 8).and_then(|item| {
            let exports = self.exports[module].iter();
            let mut named = exports.filter(|export| export.last() == Some(item));
            named.find_map(|export| self.file_of(export, depth + 1))
        });
        exported.or_else(|| Some(self.modules[module].path.as_str()))
    }
}

fn module(path: &str) -> Vec<String> {
    let below = path.strip_prefix("src/").unwrap_or(path);
    let below = below.strip_suffix(".rs").unwrap_or(below);
    let names = below
        .split('/')
        .filter(|name| !matches!(*name, "mod" | "lib"));
    names.map(str::to_owned).collect()
}

/// The re-exports of some code, and the rest of it.
fn split(code: &str) -> (String, String) {
    let (mut exports, mut rest) = (String::new(), String::new());
    let mut within = false;
    for line in code.lines() {
        let start = line.trim_start();
        let visible = start.starts_with("pub");
        within |= visible && (start.contains(" use ") || start.starts_with("pub use "));
        let into = if within { &mut exports } else { &mut rest };
        into.push_str(line);
        into.push('\n');
        within &= !line.contains(';');
    }
    (exports, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let files: Vec<File> = files
            .iter()
            .map(|(path, source)| File::new(path, source))
            .collect();
        circles(&files)
    }

    #[test]
    fn a_planted_circle_is_found_whatever_it_goes_through() {
        let hub = (
            "src/room/mod.rs",
            "mod a;\nmod b;\nmod c;\npub use a::{\n    A,\n};\npub(crate) use b::B;\n",
        );
        let a = ("src/room/a.rs", "use super::b::B;\npub struct A;");
        let c = ("src/room/c.rs", "pub struct C;");
        assert!(
            found(&[
                hub,
                a,
                ("src/room/b.rs", "use super::c::C;\npub struct B;"),
                c
            ])
            .is_empty()
        );
        let circle = [vec!["src/room/a.rs".to_owned(), "src/room/b.rs".to_owned()]];
        for b in [
            "use super::A;",
            "use super::a::A;",
            "use crate::room::A;",
            "fn f() { super::a::f() }",
        ] {
            assert_eq!(found(&[hub, a, ("src/room/b.rs", b), c]), circle, "{b}");
        }
        let around = [
            hub,
            a,
            ("src/room/b.rs", "use super::c::C;"),
            ("src/room/c.rs", "use super::A;"),
        ];
        assert_eq!(found(&around)[0].len(), 3);
        // Of a re-export alone nothing depends.
        let other = ("src/other.rs", "pub use crate::room::A;");
        assert!(found(&[hub, a, ("src/room/b.rs", "use crate::other::X;"), c, other]).is_empty());
    }

    #[test]
    fn tests_and_the_folder_of_a_module_are_no_circle() {
        let hub = ("src/room/mod.rs", "mod a;\nuse a::f;\npub struct Own;");
        let a = (
            "src/room/a.rs",
            "use super::Own;\n#[cfg(test)]\nmod tests { use super::super::b::B; }",
        );
        let b = ("src/room/b.rs", "use super::a::f;");
        assert!(found(&[hub, a, b]).is_empty());
    }
}
