//! The page of limits, `docs/LIMITS.md`, is made of this module: of the text above each constant, and of its value.

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::path::Path;

    use super::super::*;

    const SOURCE: &str = concat!(
        include_str!("../limits.rs"),
        include_str!("failover.rs"),
        include_str!("fleet.rs"),
        include_str!("followed.rs"),
        include_str!("installation.rs"),
        include_str!("journal.rs"),
        include_str!("remembered.rs"),
        include_str!("threads.rs")
    );

    /// A value as the page shows it.
    trait Shown {
        fn shown(&self) -> String;
    }

    /// Digits in groups of three.
    fn grouped(number: &str) -> String {
        let mut out = String::new();
        for (at, digit) in number.chars().enumerate() {
            if at > 0 && (number.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    }

    macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Shown for $type {
            fn shown(&self) -> String {
                grouped(&self.to_string())
            }
        }
    )*};
}

    numbers!(usize u32 u64 u8 i64);

    impl Shown for Duration {
        /// In the largest unit that divides it.
        fn shown(&self) -> String {
            let seconds = self.as_secs();
            assert!(self.subsec_nanos() == 0, "{self:?}");
            let units = [
                (86_400, "days"),
                (3600, "hours"),
                (60, "minutes"),
                (1, "seconds"),
            ];
            let (unit, name) = units
                .into_iter()
                .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit))
                .unwrap();
            match (seconds / unit, name) {
                (1, "hours") => "1 hour".into(),
                (1, "days") => "1 day".into(),
                (count, name) => format!("{} {name}", grouped(&count.to_string())),
            }
        }
    }

    macro_rules! values {
    ($($(#[$gate:meta])* $name:ident,)*) => {
        vec![$($(#[$gate])* (stringify!($name), $name.shown()),)*]
    };
}

    /// Every constant of the module that is a number or a time, in its order.
    fn values() -> Vec<(&'static str, String)> {
        values![
            MAX_CERTIFICATE_BYTES,
            MAX_PRESENTED_CERTIFICATES,
            MAX_PRESENTED_BYTES,
            MAX_PEM_BYTES,
            MAX_PEM_SECTIONS,
            MAX_PEM_LABEL,
            MAX_PRIVATE_KEY_BYTES,
            MAX_KEY_FILE_BYTES,
            #[cfg(feature = "encrypted-keys")]
            MAX_PBKDF2_ITERATIONS,
            #[cfg(feature = "encrypted-keys")]
            MAX_SCRYPT_COST,
            EXPIRY_NOTICE,
            EXPIRY_WARNING,
            CRITICAL_NOTICE,
            MAX_VALIDITY_DAYS,
            BACKDATE,
            MAX_SUBJECT_PART,
            MAX_REQUEST_BYTES,
            MAX_RECORDED_SCHEMES,
            MAX_TEMPORARY_NAMES,
            MAX_STORE_FILE_BYTES,
            MAX_ASKED,
            MIN_JOURNAL_BYTES,
            MAX_JOURNAL_BYTES,
            MAX_JOURNAL_AGE,
            MAX_STORE_WITH_JOURNAL,
            MAX_LOCK_WAIT,
            FLOOR_REFRESH,
            MAX_REFUSED_BYTES,
            MAX_REFUSALS,
            REFUSAL_WINDOW,
            MAX_REFUSAL_BYTES,
            MAX_REFUSED_WORDS,
            MAX_STORE_LINE,
            MAX_SEAL_BYTES,
            MIN_SEAL_KEY_BYTES,
            MAX_SEAL_KEY_BYTES,
            MAX_SHOWN_LINE,
            MIN_USABLE_SERVERS,
            MAX_SERVERS_IN_ORDER,
            FIRST_BACKOFF,
            LONGEST_BACKOFF,
            REFUSAL_WAIT,
            ATTEMPT_TIMEOUT,
            BOOT_SPREAD,
            ATTEMPT_BUDGET,
            ATTEMPT_REFILL,
            MAX_ATTEMPT_TIME,
            MAX_BOOT_SPREAD,
            MAX_ATTEMPT_BUDGET,
            MAX_FOLLOWED_FILES,
            MAX_FOLLOWED_NAMES,
            MAX_FOLLOWED_BYTES,
            MAX_SOURCES,
            MAX_METRIC_ITEMS,
            MAX_REREADS,
            MAX_UNSETTLED_POLLS,
            MAX_INCLUDES,
            MAX_INCLUDE_BYTES,
            CRL_LIFE_LEFT,
            MAX_IDENTITY_STATE_BYTES,
            MAX_RENEWAL_FRACTION,
            MAX_FLEET_ID_BYTES,
            MAX_FLEET_KEYS,
            MAX_KEY_SETS,
            MAX_FLEET_SIGNATURES,
            MAX_FLEET_SIGNATURE_BYTES,
            MAX_FLEET_SIGNATURE_TEXT,
            MAX_FLEET_KEY_BYTES,
            MAX_KEY_SET_BYTES,
            MAX_PUBLICATION_BYTES,
            MAX_SEQUENCE_STEP,
            MAX_SEQUENCE,
            MAX_MADE_AHEAD,
            MAX_MEMBER_BYTES,
            MAX_EXTENSIONS,
            MAX_SUBJECT_ALT_NAMES,
            MAX_DER_DEPTH,
            MAX_SERIAL_BYTES,
            MAX_RFC_SERIAL_BYTES,
            MIN_RSA_BITS,
            MAX_RSA_BITS,
            MAX_RSA_BITS_TO_EXPLAIN,
            MAX_RSA_EXPONENT_BITS,
            MAX_ID_BYTES,
            MAX_LABEL_BYTES,
            MAX_DNS_NAME_BYTES,
            MAX_FINGERPRINT_TEXT,
            MAX_SAN_PATTERNS,
            MAX_INTERMEDIATES_IN_PATH,
            MAX_PATHS_TRIED,
            MAX_PATH_STEPS,
            MAX_WORK,
            WORK_OF_SIGNATURE,
            MAX_SAME_SUBJECT_SIGNATURES,
            MAX_SAME_SUBJECT_EXAMINED,
            MAX_MISMATCHES_TRIED,
            MAX_SIGNATURES_AT_INSTALLATION,
            MAX_THREADS_AT_INSTALLATION,
            MIN_SIGNATURES_OF_A_THREAD,
            MAX_LISTS_ASKED,
            MAX_CONSTRAINT_COMPARISONS,
            MAX_REMEMBERED_CHAINS,
            REMEMBERED_BYTES_PER_CHAIN,
            MAX_SPARED_CHAINS,
            MAX_VERIFIED,
            MAX_VERIFIED_OF_KEY,
            MAX_VERIFIED_CERTIFICATE_BYTES,
            MAX_HOLDERS_EXAMINED,
            MAX_CONSIDERED,
            MAX_REPORTED,
            MAX_COMPARED_NAME_BYTES,
            MAX_ATTRIBUTES_OF_SET,
            MAX_SHOWN_NAME,
            MAX_SHOWN_IDENTIFIER,
            MAX_CACHED_LINKS,
            MAX_OBSERVATIONS,
            MAX_OBSERVED_BYTES,
            MAX_COUNTS_OF_SNAPSHOT,
            MAX_COPIES_APART,
            MAX_PARKED_VERDICTS,
            MAX_PENDING_PEERS,
            MAX_PENDING_BYTES,
            PENDING_SHARE,
            MAX_EXPECTED,
            MAX_ENROLMENT_WINDOW,
            MAX_PENDING_AGE,
            MAX_DECISIONS,
            MAX_SHOWN_NAMES,
            CLOCK_TOLERANCE,
            FLOOR_TOLERANCE,
            MAX_FLOOR_RISE,
            MAX_GRACE,
            MAX_MIGRATION,
            MAX_CRL_BYTES,
            MAX_CRL_PEM_BYTES,
            MAX_CRL_NUMBER_BYTES,
            MAX_DISTRIBUTION_POINT_NAMES,
            MAX_CRLS_PER_ISSUER,
            MAX_CRLS,
            MAX_CRL_BYTES_HELD,
            MAX_SEEN_SERVERS,
            MAX_SEEN_CLIENTS,
            MAX_SEEN_UNLISTED,
            MAX_SEEN_REFUSED,
            MAX_SEEN_BYTES,
            MAX_SEEN_REFUSED_BYTES,
            MAX_SEEN_ENTRIES,
            MAX_EXPIRIES,
            MAX_FORECAST_MOMENTS,
        ]
    }

    /// The text above a constant, in one line and without links.
    fn reason(source: &str, name: &str) -> String {
        let lines: Vec<&str> = source.lines().collect();
        let start = format!("pub const {name}:");
        let at = lines.iter().position(|line| line.starts_with(&start));
        let above = lines[..at.unwrap()].iter().rev();
        let mut text: Vec<&str> = above
            .skip_while(|line| line.starts_with("#["))
            .take_while(|line| line.starts_with("///"))
            .map(|line| line.trim_start_matches("///").trim())
            .collect();
        text.reverse();
        let text = text.join(" ").replace("  ", " ");
        text.replace("[`", "`").replace("`]", "`")
    }

    fn page() -> String {
        let source = SOURCE;
        let mut page = String::from(
            "# Limits\n\nEvery bound of the crate, with its value and the reason. A peer or a file cannot make anything \
         grow beyond them. No bound can be raised at run time, and none is part of the API: a version may change one.\n\n\
         This page is made from `src/limits.rs`; a test compares them.\n\n| Limit | Value | What it bounds, and why |\n|---|--:|---|\n",
        );
        for (name, value) in values() {
            let line = format!("| `{name}` | {value} | {} |\n", reason(source, name));
            page.push_str(&line);
        }
        page
    }

    #[test]
    fn the_page_of_limits_says_what_holds() {
        let constants = SOURCE.lines().filter(|line| line.starts_with("pub const"));
        assert_eq!(constants.count(), values().len());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/LIMITS.md");
        // To write the page after a change: MUTUAL_TRUST_WRITE_LIMITS=1 cargo test --all-features --lib limits
        if std::env::var_os("MUTUAL_TRUST_WRITE_LIMITS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        // A package has no pages but those that are listed in its manifest.
        let Ok(found) = std::fs::read_to_string(&path) else {
            assert!(
                !path.parent().unwrap().is_dir(),
                "docs/LIMITS.md is missing"
            );
            return;
        };
        assert!(
            found == page(),
            "docs/LIMITS.md is not what src/limits.rs says"
        );
    }
}
