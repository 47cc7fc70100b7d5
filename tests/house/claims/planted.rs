//! What the check is for is found: a check that finds nothing anywhere is no check.

use super::page::units;
use super::table::{Row, faults, missing, read};

const PAGE: &str = "\
## Wire

- One is so; two is
  so as well. RFC 5280 section 7.1 says
  three.
- Four (so it is.)

| head | other |
|---|---|
| **a** | B is so. C is so. |

```sh
no claim. At all.
```

<!-- figures:x -->
| n | m |
|---|---|
| 1 | 2 |
<!-- /figures:x -->
";

const TABLE: &str = "\
Text above the first page. It is not read.

## P

One is
: decisions::limits::one

two is so
: bench:chains; ci:format

RFC 5280 section
: nothing: a definition of it

Four
: lib::certificate::four

| **a** | B
: package::five

C is
: bin::output::six; tokio::streams::seven
";

fn rows() -> Vec<Row> {
    read(TABLE).unwrap()
}

/// Files in which all that the table names is there.
fn package(name: &str) -> Option<String> {
    let text = match name {
        "tests/api/decisions/limits.rs" => "#[test]\nfn one() {",
        "Cargo.toml" => "[[bench]]\nname = \"chains\"\n",
        ".ci/run" => "step \"format\" format",
        "src/certificate/mod.rs" => "    #[test]\n    // so\n    #[cfg(unix)]\n    fn four() {",
        "tests/house/package.rs" => "proptest! {\n    #[test]\n    fn five(a in b()) {",
        "crates/cli/src/output.rs" => "#[test]\nfn six() {",
        "crates/tokio/tests/suite/streams.rs" => "#[tokio::test]\nasync fn seven() {",
        _ => return None,
    };
    Some(text.to_owned())
}

fn all_missing(rows: &[Row], read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    rows.iter().flat_map(|row| missing(row, read)).collect()
}

#[test]
fn a_page_is_taken_apart_into_its_claims() {
    let found = units(PAGE, false);
    let wanted = [
        "One is so;",
        "two is so as well.",
        "RFC 5280 section 7.1 says three.",
        "Four (so it is.)",
        "| **a** | B is so.",
        "C is so.",
    ];
    assert_eq!(found, wanted);
    assert_eq!(units(PAGE, true), wanted[4..]);
}

#[test]
fn a_table_without_faults_has_none() {
    assert_eq!(faults("P", &units(PAGE, false), &rows()), [""; 0]);
    assert_eq!(all_missing(&rows(), &package), [""; 0]);
}

#[test]
fn a_claim_that_nothing_holds_is_found() {
    for (old, new, fault) in [
        (
            "says\n  three.",
            "says\n  three. Five is new.",
            "P: no test is named for: Five is new.",
        ),
        (
            "says\n  three.",
            "says\n  three; five is new.",
            "P: no test is named for: five is new.",
        ),
        (
            "C is so.",
            "C is so. D is new.",
            "P: no test is named for: D is new.",
        ),
        (
            "- Four (so it is.)",
            "- Four (so it is.)\n- New",
            "P: no test is named for: New",
        ),
        (
            "| **a**",
            "| **b** | new |\n| **a**",
            "P: no test is named for: | **b** | new",
        ),
    ] {
        let page = PAGE.replace(old, new);
        assert_ne!(page, PAGE);
        assert_eq!(faults("P", &units(&page, false), &rows()), [fault]);
    }
}

#[test]
fn a_row_without_its_claim_is_found() {
    let page = PAGE.replace("- Four (so it is.)", "");
    let found = faults("P", &units(&page, false), &rows());
    assert_eq!(found, ["P does not say: Four"]);
    let page = PAGE.replace("- Four (so it is.)", "- Four.\n- Four again.");
    let found = faults("P", &units(&page, false), &rows());
    assert_eq!(found, ["P begins 2 claims so: Four"]);
    let twice = read(&format!("{TABLE}\nFour (so\n: ci:format\n")).unwrap();
    let found = faults("P", &units(PAGE, false), &twice);
    assert_eq!(found, ["P: 2 rows are about: Four (so it is.)"]);
}

#[test]
fn a_row_without_its_test_is_found() {
    assert_eq!(all_missing(&rows(), &|_| None).len(), 7);
    for (text, other) in [
        ("#[test]\nfn one() {", "#[test]\nfn one_more() {"),
        ("#[test]\nfn one() {", "fn one() {"),
        ("#[test]\nfn one() {", "#[test]\nfn other() {}\nfn one() {"),
    ] {
        let changed = |name: &str| package(name).map(|found| found.replace(text, other));
        let found = all_missing(&rows()[..1], &changed);
        assert_eq!(found, ["One is: no test decisions::limits::one"], "{other}");
    }
    for (text, fault) in [
        ("[[bench]]", "no benchmark chains"),
        ("step", "no step format"),
    ] {
        let changed = |name: &str| package(name).map(|found| found.replace(text, "other"));
        assert_eq!(
            all_missing(&rows(), &changed),
            [format!("two is so: {fault}")]
        );
    }
    let lazy = TABLE.replace("a definition of it", "so");
    let found = all_missing(&read(&lazy).unwrap(), &package);
    assert_eq!(found, ["RFC 5280 section: no reason: so"]);
}

#[test]
fn a_table_that_cannot_be_read_is_refused() {
    let error = read("## P\nOne\nTwo\n: a::b\n").unwrap_err();
    assert_eq!(error, "nothing holds: One");
    let error = read("## P\nOne\n").unwrap_err();
    assert_eq!(error, "nothing holds: One");
    assert!(read("## P\n: a::b\n").is_err());
}
