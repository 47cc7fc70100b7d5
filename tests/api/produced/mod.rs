//! Every variant of every error, and every warning, is produced by a real call.
//!
//! The variants are read from the sources, so that a new one fails here until a case produces it. A value
//! is recognised by its type and its `Debug` output, so a case cannot claim another one.
//!
//! Runs with all features, since some errors are those of one provider. Reason codes are enumerated in
//! `decisions::codes`.

mod admin;
mod certificates;
mod configs;
mod crls;
mod elsewhere;
mod fleets;
mod identities;
mod issuing;
mod stores;
mod warnings;

use std::any::type_name;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Debug;
use std::path::Path;

/// What was produced, as `Type::Variant`.
#[derive(Default)]
struct Produced(BTreeSet<String>);

impl Produced {
    fn value<E: Debug>(&mut self, value: &E) {
        let of = type_name::<E>().rsplit("::").next().unwrap();
        let shown = format!("{value:?}");
        let variant: String = shown
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric())
            .collect();
        assert!(
            variant.starts_with(|letter: char| letter.is_ascii_uppercase()),
            "{shown}"
        );
        self.0.insert(format!("{of}::{variant}"));
    }

    /// The error of a call that must fail.
    #[track_caller]
    fn error<T, E: Error + 'static>(&mut self, result: Result<T, E>) -> E {
        match result {
            Ok(_) => panic!("an error of {} was expected", type_name::<E>()),
            Err(error) => {
                self.value(&error);
                no_cause_is_told_twice(&error);
                error
            }
        }
    }
}

/// `Display` says what and where, `source()` says why: no text repeats the text of its cause.
#[track_caller]
fn no_cause_is_told_twice(error: &(dyn Error + 'static)) {
    let mut above = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        assert!(
            !above.contains(&text),
            "{above:?} repeats its cause {text:?}"
        );
        above = text;
        next = cause.source();
    }
}

/// The variants of the enums that are declared in a source file, but for those of these names.
fn variants(file: &str, without: &[&str]) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let mut found = BTreeSet::new();
    let mut of = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("pub enum ") {
            let name = rest.trim_end_matches(" {");
            of = Some(name.to_owned()).filter(|name| !without.contains(&name.as_str()));
        } else if line == "}" {
            of = None;
        } else if let (Some(of), Some(rest)) = (&of, line.strip_prefix("    "))
            && rest.starts_with(|letter: char| letter.is_ascii_uppercase())
        {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric());
            found.insert(format!("{of}::{}", &rest[..end.unwrap()]));
        }
    }
    found
}

/// All files below `src/` that hold nothing but errors, and the warnings.
fn all() -> BTreeSet<String> {
    fn walk(folder: &Path, below: &str, all: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{below}{name}");
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{path}/"), all);
            } else if !below.is_empty() && name.ends_with("error.rs") {
                all.extend(variants(&path, &[]));
            }
        }
    }
    let mut all = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    walk(&source, "", &mut all);
    all.extend(variants("certificate/setting.rs", &[]));
    all.extend(variants("certificate/keys.rs", &[]));
    all.extend(variants("store/warning.rs", &[]));
    all.extend(variants("policy/warning.rs", &[]));
    all.extend(variants("identity/advice.rs", &[]));
    all
}

#[test]
fn every_variant_of_every_error_and_warning_is_produced() {
    let all = all();
    // Enough for the reading of the sources to be seen to work.
    assert!(all.len() > 250, "{}", all.len());
    let mut produced = Produced::default();
    certificates::produce(&mut produced);
    crls::produce(&mut produced);
    stores::produce(&mut produced);
    identities::produce(&mut produced);
    issuing::produce(&mut produced);
    configs::produce(&mut produced);
    admin::produce(&mut produced);
    fleets::produce(&mut produced);
    warnings::produce(&mut produced);
    let produced = produced.0;
    let unknown: Vec<_> = produced.difference(&all).collect();
    assert!(unknown.is_empty(), "not in the sources: {unknown:?}");
    let elsewhere: BTreeSet<String> = elsewhere::ALL
        .iter()
        .map(|one| one.0)
        .chain(elsewhere::NEVER.iter().map(|one| one.0))
        .map(str::to_owned)
        .collect();
    let both: Vec<_> = produced.intersection(&elsewhere).collect();
    assert!(both.is_empty(), "produced here as well: {both:?}");
    let unknown: Vec<_> = elsewhere.difference(&all).collect();
    assert!(unknown.is_empty(), "not in the sources: {unknown:?}");
    let here: BTreeSet<String> = produced.union(&elsewhere).cloned().collect();
    let missing: Vec<_> = all.difference(&here).collect();
    assert!(
        missing.is_empty(),
        "{} are never produced: {missing:#?}",
        missing.len()
    );
}

#[test]
fn what_is_produced_elsewhere_is_asked_for_there() {
    for (variant, file, words) in elsewhere::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        assert!(
            lines.any(|line| line.contains(words)),
            "{variant}: no {words:?} in {file}"
        );
    }
}
