//! Which files of a folder are read.

use core::fmt;

use crate::certificate::breaks_a_line;
use crate::limits::{MAX_INCLUDE_BYTES, MAX_INCLUDES};

/// Names of files of certificates, but for those of lists (`*.crl.pem`) beside them. Nothing else is read unless a pattern says so: a backup of an editor (`old.pem~`), a file
/// that was renamed to retire it (`old.pem.disabled`) and a private key are no certificates to trust.
const CERTIFICATES: &[&str] = &["*.pem", "*.crt", "*.cer"];
/// Names of files of revocation lists. `*.pem` is not among them: such a file mostly has certificates.
const LISTS: &[&str] = &["*.crl", "*.crl.pem"];
/// The certificate of the owner of a Kubernetes TLS secret. It stands beside its private key and its issuer (`ca.crt`), and
/// no peer presents it.
const OWN: &str = "tls.crt";

/// The patterns of a source: those that were given, or those that its content suggests.
#[derive(Clone, Debug, Default)]
pub(super) struct Include(Option<Vec<String>>);

impl Include {
    pub(super) fn of(patterns: Vec<String>) -> Self {
        Self(Some(patterns))
    }

    /// Whether the patterns can be used: there are some, and each is a name and not a path.
    pub(super) fn is_good(&self) -> bool {
        let Some(patterns) = &self.0 else { return true };
        let good = |pattern: &String| {
            (1..=MAX_INCLUDE_BYTES).contains(&pattern.len())
                && !pattern.contains('/')
                && !pattern.chars().any(breaks_a_line)
        };
        (1..=MAX_INCLUDES).contains(&patterns.len()) && patterns.iter().all(good)
    }

    /// The rule by which the names of a folder are chosen, for certificates or for lists.
    pub(super) fn names(&self, are_lists: bool) -> Names<'_> {
        match &self.0 {
            Some(patterns) => Names::Given(patterns),
            None if are_lists => Names::Usual(LISTS),
            None => Names::Usual(CERTIFICATES),
        }
    }
}

/// The names of a folder that are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names<'a> {
    Given(&'a [String]),
    Usual(&'static [&'static str]),
}

impl Names<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::Given(patterns) => patterns.iter().any(|pattern| matches(pattern, name)),
            Self::Usual(patterns) => {
                let are_lists = *patterns == LISTS;
                let is_list = || !are_lists && matches("*.crl.pem", name);
                name != OWN && !is_list() && patterns.iter().any(|pattern| matches(pattern, name))
            }
        }
    }
}

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(patterns) => f.write_str(&patterns.join(" ")),
            Self::Usual(patterns) => f.write_str(&patterns.join(" ")),
        }
    }
}

/// Whether a name has the form of a pattern, in which `*` is any text and `?` is any one character. Letters of ASCII match
/// in both cases, since certificates come from systems that write `CA.CRT`.
///
/// The work is at most the length of the name times that of the pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let same = |a: char, b: char| a == '?' || a.eq_ignore_ascii_case(&b);
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    // Where to go on if a later part does not match: behind the last `*`, and one character further in the name.
    let mut again = None;
    loop {
        let mut ahead = pattern.clone();
        match (ahead.next(), name.clone().next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                pattern = ahead;
                again = Some((pattern.clone(), name.clone()));
                continue;
            }
            (Some(wanted), Some(found)) if same(wanted, found) => {
                pattern = ahead;
                name.next();
                continue;
            }
            (None | Some(_), _) => {}
        }
        let Some((behind, mut from)) = again.take() else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        (pattern, name) = (behind.clone(), from.clone());
        again = Some((behind, from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_with_wildcards() {
        for (pattern, name) in [
            ("*.crt", "ca.crt"),
            ("*.crt", "CA.CRT"),
            ("*.crt", ".crt"),
            ("ca.crt", "ca.crt"),
            ("*", "anything"),
            ("*.[0-9]", "x.[0-9]"),
            ("????????.?", "ab12cd34.0"),
            ("*a*b*c", "xxaxxbxxabc"),
            ("ü?.pem", "üß.pem"),
            ("**", ""),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.crt", "ca.crt~"),
            ("*.crt", "ca.crt.bak"),
            ("*.crt", "crt"),
            ("ca.crt", "xca.crt"),
            ("?", ""),
            ("?", "ab"),
            ("*a*b*c", "xxaxxbxxab"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        // No pattern takes long.
        let (pattern, name) = ("*a".repeat(100), "a".repeat(200));
        assert!(!matches(&format!("{pattern}b"), &name));
    }

    #[test]
    fn the_usual_names_are_those_of_certificates_or_of_lists() {
        let certificates = Include::default();
        let names = certificates.names(false);
        for name in ["ca.crt", "a.pem", "B.CER"] {
            assert!(names.has(name), "{name}");
        }
        for name in [
            "tls.crt",
            "tls.key",
            "README.txt",
            "old.pem~",
            "ca.crl",
            "lost+found",
        ] {
            assert!(!names.has(name), "{name}");
        }
        let names = certificates.names(true);
        assert!(names.has("ca.crl") && names.has("ca.crl.pem") && !names.has("ca.pem"));
        let own = Include::of(vec![String::from("tls.crt")]);
        assert!(own.names(false).has("tls.crt"));
    }

    #[test]
    fn patterns_are_names_within_their_bounds() {
        let of = |patterns: &[&str]| {
            Include::of(patterns.iter().map(|one| String::from(*one)).collect()).is_good()
        };
        assert!(of(&["*"]) && of(&["*.crt", "ca.?"]));
        let long = "x".repeat(MAX_INCLUDE_BYTES + 1);
        for bad in [
            &[][..],
            &[""],
            &["a/b"],
            &["a\nb"],
            &[&long],
            &["*"; MAX_INCLUDES + 1],
        ] {
            assert!(!of(bad), "{bad:?}");
        }
    }
}
