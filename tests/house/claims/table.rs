//! The table of claims (`table.md`): what a page says, and what fails if that is not so.

/// What holds a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Holder {
    /// The path of a test: `suite::module::function`, `lib::module::function` or `bin::module::function`.
    Test(String),
    /// A benchmark that ends with an error if its bounds do not hold.
    Bench(String),
    /// A step of `.ci/run`.
    Ci(String),
    /// The claim says nothing that could be tested, and why.
    Nothing(String),
}

/// One row.
#[derive(Debug)]
pub struct Row {
    pub page: String,
    /// The beginning of a sentence of the page.
    pub claim: String,
    pub holders: Vec<Holder>,
}

/// Reads the table: a heading for each page, and for each claim of it a line with its beginning and a line after a colon
/// with what holds it.
pub fn read(table: &str) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    let mut page = None;
    let mut claim: Option<&str> = None;
    for line in table.lines().filter(|line| !line.is_empty()) {
        if let Some(found) = line.strip_prefix("## ") {
            page = Some(found);
        } else if let (Some(page), Some(holders)) = (page, line.strip_prefix(": ")) {
            let claim = claim.take().ok_or(format!("no claim above: {line}"))?;
            rows.push(Row {
                page: page.to_owned(),
                claim: claim.to_owned(),
                holders: read_holders(holders),
            });
        } else if page.is_some()
            && let Some(claim) = claim.replace(line)
        {
            return Err(format!("nothing holds: {claim}"));
        }
    }
    match claim {
        Some(claim) => Err(format!("nothing holds: {claim}")),
        None => Ok(rows),
    }
}

fn read_holders(line: &str) -> Vec<Holder> {
    if let Some(why) = line.strip_prefix("nothing: ") {
        return vec![Holder::Nothing(why.to_owned())];
    }
    line.split("; ")
        .map(|holder| match holder.split_once(':') {
            Some(("bench", name)) => Holder::Bench(name.to_owned()),
            Some(("ci", step)) => Holder::Ci(step.to_owned()),
            _ => Holder::Test(holder.to_owned()),
        })
        .collect()
}

/// What is wrong between a page, taken apart, and its rows.
pub fn faults(page: &str, units: &[String], rows: &[Row]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut covered = vec![0; units.len()];
    for row in rows.iter().filter(|row| row.page == page) {
        let begun = |unit: &&String| unit.starts_with(&row.claim);
        match units.iter().filter(begun).count() {
            0 => faults.push(format!("{page} does not say: {}", row.claim)),
            1 => {}
            count => faults.push(format!("{page} begins {count} claims so: {}", row.claim)),
        }
        for (count, unit) in covered.iter_mut().zip(units) {
            *count += usize::from(unit.starts_with(&row.claim));
        }
    }
    for (count, unit) in covered.iter().zip(units) {
        if *count == 0 {
            faults.push(format!("{page}: no test is named for: {unit}"));
        } else if *count > 1 {
            faults.push(format!("{page}: {count} rows are about: {unit}"));
        }
    }
    faults
}

/// What is wrong with what a row names. `read` gives a file of the package.
pub fn missing(row: &Row, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let absent = row.holders.iter().filter_map(|holder| {
        let (there, what) = match holder {
            Holder::Test(path) => (is_test(path, read), format!("no test {path}")),
            Holder::Bench(name) => (
                read("Cargo.toml")
                    .is_some_and(|text| text.contains(&format!("[[bench]]\nname = \"{name}\"\n"))),
                format!("no benchmark {name}"),
            ),
            Holder::Ci(step) => (
                read(".ci/run").is_some_and(|text| text.contains(&format!("step \"{step}\" "))),
                format!("no step {step}"),
            ),
            Holder::Nothing(why) => (
                why.split_whitespace().count() >= 3,
                format!("no reason: {why}"),
            ),
        };
        (!there).then(|| format!("{}: {what}", row.claim))
    });
    absent.collect()
}

/// Whether there is a test of this path.
fn is_test(path: &str, read: &dyn Fn(&str) -> Option<String>) -> bool {
    let Some((module, function)) = path.rsplit_once("::") else {
        return false;
    };
    let module = module.replace("::", "/");
    let modules = match module.split_once('/') {
        Some(("lib", inner)) => vec![format!("src/{inner}")],
        Some(("bin", inner)) => vec![format!("crates/cli/src/{inner}")],
        Some(("cli", _)) => vec![format!("crates/cli/tests/{module}")],
        Some(("fleet", inner)) => vec![
            format!("crates/fleet/tests/suite/{inner}"),
            format!("crates/fleet/tests/etcd/{inner}"),
        ],
        Some(("pkcs11", inner)) => vec![format!("crates/pkcs11/tests/suite/{inner}")],
        Some(("capi", inner)) => vec![format!("crates/capi/tests/suite/{inner}")],
        Some(("tokio", inner)) => vec![format!("crates/tokio/tests/suite/{inner}")],
        _ => ["api/", "house/", ""]
            .map(|binary| format!("tests/{binary}{module}"))
            .to_vec(),
    };
    let mut files = modules
        .iter()
        .flat_map(|module| ["", "/mod", "/main"].map(|file| format!("{module}{file}.rs")));
    let Some(text) = files.find_map(|file| read(&file)) else {
        return false;
    };
    // Between `#[test]` and its function stand other attributes and comments alone.
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("async ").unwrap_or(line);
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            marked = true;
        } else if marked && line.starts_with(&format!("fn {function}(")) {
            return true;
        } else if !line.starts_with(['#', '/']) {
            marked = false;
        }
    }
    false
}
