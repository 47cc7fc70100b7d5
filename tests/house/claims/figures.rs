//! Numbers in pages are those of `limits.rs`, and each bound there has its reason beside it.

use crate::claims::file;

/// What a page says, and the constant that it says.
const FIGURES: [(&str, &str, &str); 23] = [
    (
        "SECURITY.md",
        "64 certificates and 64 KiB presented",
        "MAX_PRESENTED_CERTIFICATES: usize = 64",
    ),
    (
        "SECURITY.md",
        "64 certificates and 64 KiB presented",
        "MAX_PRESENTED_BYTES: usize = 0xffff",
    ),
    (
        "SECURITY.md",
        "512 candidates looked at",
        "MAX_PATH_STEPS: usize = 512",
    ),
    ("SECURITY.md", "128 units of work", "MAX_WORK: usize = 128"),
    (
        "SECURITY.md",
        "a signature 16)",
        "WORK_OF_SIGNATURE: usize = 16",
    ),
    (
        "SECURITY.md",
        "64 signatures more among installed CAs",
        "MAX_SAME_SUBJECT_SIGNATURES: usize = 64",
    ),
    (
        "SECURITY.md",
        "16 paths given to webpki",
        "MAX_PATHS_TRIED: usize = 16",
    ),
    (
        "SECURITY.md",
        "512 revocation lists",
        "MAX_LISTS_ASKED: usize = 2 * MAX_CRLS_PER_ISSUER",
    ),
    (
        "SECURITY.md",
        "512 revocation lists",
        "MAX_CRLS_PER_ISSUER: usize = 256",
    ),
    (
        "SECURITY.md",
        "10,000 comparisons of names",
        "MAX_CONSTRAINT_COMPARISONS: usize = 10_000",
    ),
    (
        "SECURITY.md",
        "256 peers of 16 KiB each",
        "MAX_PENDING_PEERS: usize = 256",
    ),
    (
        "SECURITY.md",
        "256 peers of 16 KiB each",
        "MAX_PENDING_BYTES: usize = 16 * 1024",
    ),
    (
        "SECURITY.md",
        "a quarter of the places",
        "PENDING_SHARE: usize = 4",
    ),
    (
        "SECURITY.md",
        "a day after it was last seen",
        "MAX_PENDING_AGE: Duration = Duration::from_secs(24 * 60 * 60)",
    ),
    (
        "SECURITY.md",
        "64 places of their own",
        "MAX_EXPECTED: usize = 64",
    ),
    (
        "SECURITY.md",
        "a stated time of at most 366 days",
        "MAX_MIGRATION: Duration = Duration::from_secs(366 * 24 * 60 * 60)",
    ),
    (
        "SECURITY.md",
        "more than 26 hours below the floor",
        "FLOOR_TOLERANCE: Duration = Duration::from_secs(26 * 60 * 60)",
    ),
    (
        "SECURITY.md",
        "raises the floor by 366 days at most",
        "MAX_FLOOR_RISE: Duration = Duration::from_secs(366 * 24 * 60 * 60)",
    ),
    (
        "SECURITY.md",
        "at least 2048 bits of RSA",
        "MIN_RSA_BITS: u32 = 2048",
    ),
    (
        "README.md",
        "at most 366 days ahead, a claimed server",
        "MAX_MIGRATION: Duration = Duration::from_secs(366 * 24 * 60 * 60)",
    ),
    (
        "docs/OPERATING.md",
        "unless it is more than 366 days ahead",
        "MAX_FLOOR_RISE: Duration = Duration::from_secs(366 * 24 * 60 * 60)",
    ),
    (
        "docs/FIGURES.md",
        "64 of them are tried",
        "MAX_SAME_SUBJECT_SIGNATURES: usize = 64",
    ),
    (
        "docs/FIGURES.md",
        "hostile chains up to 64 KiB",
        "MAX_PRESENTED_BYTES: usize = 0xffff",
    ),
];

fn limits() -> String {
    file("src/limits.rs").unwrap()
}

#[test]
fn the_numbers_of_pages_are_those_of_the_limits() {
    let limits = limits();
    for (page, said, constant) in FIGURES {
        let text = file(page).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(said), "{page} does not say: {said}");
        let line = format!("pub const {constant};");
        assert!(
            limits.contains(&line),
            "{page} says {said}, and not so: {constant}"
        );
    }
}

/// Bounds without a text of their own right above.
fn without_reason(limits: &str) -> Vec<&str> {
    let mut above = "";
    let mut found = Vec::new();
    for line in limits.lines() {
        if line.starts_with("pub const ") && !above.starts_with("/// ") {
            found.push(line);
        }
        if !line.starts_with("#[") {
            above = line;
        }
    }
    found
}

#[test]
fn each_bound_has_its_reason_beside_it() {
    let limits = limits();
    assert!(limits.matches("pub const ").count() > 60);
    assert_eq!(without_reason(&limits), [""; 0]);
    let planted =
        "/// The most.\npub const A: u8 = 1;\n\npub const B: u8 = 2;\npub const C: u8 = 3;\n";
    assert_eq!(without_reason(planted).len(), 2);
}
