//! Runs changed certificates and lists past the library and three others.
//!
//! ```text
//! mutants [--seed N] [--cases N] [--seconds N] [--groups]
//! mutants --replay SEED
//! ```
//!
//! The exit status is 1 if there was a finding.

use std::process::ExitCode;
use std::time::Duration;

use mutual_trust_mutants::{Options, replay, run};

const USAGE: &str =
    "usage: mutants [--seed N] [--cases N] [--seconds N] [--groups] | --replay SEED";

fn main() -> ExitCode {
    match asked() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn asked() -> Result<bool, String> {
    let mut options = Options {
        first: 1,
        cases: u64::MAX,
        time: Duration::MAX,
        groups: false,
    };
    let mut bounded = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let text = arguments.next().ok_or(USAGE)?;
            text.parse::<u64>()
                .map_err(|error| format!("{text}: {error}"))
        };
        match argument.as_str() {
            "--replay" => return Ok(replay(number()?)),
            "--seed" => options.first = number()?,
            "--cases" => {
                options.cases = number()?;
                bounded = true;
            }
            "--seconds" => {
                options.time = Duration::from_secs(number()?);
                bounded = true;
            }
            "--groups" => options.groups = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    if bounded {
        Ok(run(&options))
    } else {
        Err(USAGE.to_owned())
    }
}
