//! Key servers that replicate each other, and arrays that get their keys from them: how a system is built with this crate.
//!
//! Without arguments it starts four key servers that share one certificate, two that stand alone, and two arrays, as
//! processes of this machine. It does what their administrators do, checks each claim, and ends all of them.
//! `cargo run -p mutual-trust-replication`; `--patient` where the machine is busy, `--fault NAME` to see a claim fail.

mod array;
mod console;
mod key_server;
mod machine;
mod play;
mod protocol;
mod site;
mod taking;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", console::causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Outcome<()> {
    match arguments {
        [] => play::run(None, false),
        ["--patient"] => play::run(None, true),
        ["--fault", name] => play::run(Some(name.parse()?), true),
        ["key-server", name, folder, site] => {
            key_server::run(name, PathBuf::from(folder), &PathBuf::from(site))
        }
        ["array", name, folder, site] => {
            array::run(name, PathBuf::from(folder), &PathBuf::from(site))
        }
        _ => Err("usage: mutual-trust-replication [--patient | --fault NAME]".into()),
    }
}
