//! Judges the cases of the public conformance suite of path validation, x509-limbo, or of any file in its format:
//! a line for each case, and the totals by namespace.
//!
//! ```sh
//! cargo run --release --example limbo -- limbo.json.gz --profile strict
//! ```
//!
//! Each line has the case, what was expected, what came of it (SUCCESS, FAILURE, or SKIPPED for what cannot be
//! expressed), the reason code, and the milliseconds. `--pin` installs a trusted certificate that is the peer's
//! own as a pin. The exit status is 0 if the file could be read and judged, whatever came of it.

#![cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    expect(dead_code, reason = "there is no provider to judge with")
)]

#[path = "support/limbo.rs"]
mod limbo;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use limbo::{Came, Settings, judge};
use mutual_trust::{ChainProfile, KeyPolicy, Verdict};
use rustls::pki_types::UnixTime;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    let done = run(mutual_trust::tls::key_policy(
        &mutual_trust::tls::provider::default_provider(),
    ));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    let done: Outcome<()> = Err("a crypto provider is needed: feature aws-lc-rs or ring".into());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// How many of a namespace came out how.
#[derive(Default)]
struct Total {
    agree: usize,
    accepts_wrongly: usize,
    refuses_wrongly: usize,
    skipped: usize,
}

impl Total {
    fn count(&mut self, expected: Came, got: Came) {
        let place = match (expected, got) {
            (_, Came::Skipped) => &mut self.skipped,
            (_, Came::Success) if expected != got => &mut self.accepts_wrongly,
            (_, Came::Failure) if expected != got => &mut self.refuses_wrongly,
            _ => &mut self.agree,
        };
        *place += 1;
    }
}

fn run(keys: KeyPolicy) -> Outcome<()> {
    let mut settings = Settings {
        keys,
        profile: ChainProfile::Compatible,
        pin: false,
        now: UnixTime::since_unix_epoch(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or(Duration::ZERO),
        ),
    };
    let mut file = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--pin" => settings.pin = true,
            "--profile" => {
                settings.profile = match arguments.next().as_deref() {
                    Some("strict") => ChainProfile::Strict,
                    Some("compatible") => ChainProfile::Compatible,
                    _ => return Err("--profile strict|compatible".into()),
                }
            }
            other if other.starts_with('-') => return Err(format!("no option {other}").into()),
            other => file = Some(PathBuf::from(other)),
        }
    }
    let file = file.ok_or("usage: limbo FILE [--profile strict|compatible] [--pin]")?;
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    for case in limbo::read(&file)? {
        let judged = judge(&case, &settings);
        println!(
            "{} {} {} {} {:.3}",
            case.id,
            case.expected,
            judged.got,
            judged.reason,
            judged.took.as_secs_f64() * 1e3
        );
        if judged.got != case.expected {
            println!("  {}", judged.detail);
            let warnings = judged.verdict.iter().flat_map(Verdict::warnings);
            warnings.for_each(|warning| println!("  {warning}"));
        }
        let namespace = case.id.split("::").next().unwrap_or_default();
        for name in [
            namespace,
            "all",
            if namespace == "webpki" {
                "webpki alone"
            } else {
                "all but webpki"
            },
        ] {
            let total = totals.entry(name.to_owned()).or_default();
            total.count(case.expected, judged.got);
        }
    }
    println!("| namespace | agree | accepts wrongly | refuses wrongly | skipped |");
    println!("|---|---|---|---|---|");
    for (namespace, total) in totals {
        println!(
            "| {namespace} | {} | {} | {} | {} |",
            total.agree, total.accepts_wrongly, total.refuses_wrongly, total.skipped
        );
    }
    Ok(())
}
