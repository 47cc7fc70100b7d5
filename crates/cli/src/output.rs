//! The output of a command: text or JSON, an exit code, and errors with their kind.

/// Errors that are of no more use where they become the failure of the command.
macro_rules! by_reference {
    ($($error:ty,)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::from(&error)
            }
        }
    )*};
}

mod colour;
mod fleets;
mod stores;

use core::error::Error;
use core::fmt;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use mutual_trust::Fingerprint;
use mutual_trust::error::{
    CertificateError, ConfigError, CrlError, EnrolmentError, FingerprintError, HostNameError,
    IdError, IdentityError, IssueError, ProbeError, SanPatternError, SealKeyError, SettingError,
    SourceError, StoreError, StoreFileError, TimestampError, WindowsError,
};
use serde_json::Value;

use self::colour::{painted, wants_colour};
use crate::json::{Answer, Named, Problem, Tagged};
use crate::long::{Lines, Long};
use crate::plain;

/// Whether fingerprints that only identify are shown in full. Set once, before the subcommand runs.
static IN_FULL: OnceLock<bool> = OnceLock::new();

/// Sets how fingerprints are shown.
pub(crate) fn show_in_full(full: bool) {
    // A second call has no effect.
    let _ = IN_FULL.set(full);
}

pub(crate) fn is_full() -> bool {
    IN_FULL.get().copied().unwrap_or(false)
}

/// What the library says, with short fingerprints where they only identify, or with all of them in full.
pub(crate) fn shown(item: &(impl fmt::Display + ?Sized)) -> String {
    if is_full() {
        format!("{item:#}")
    } else {
        format!("{item}")
    }
}

/// A fingerprint that only identifies.
pub(crate) fn identified(fingerprint: Fingerprint) -> String {
    if is_full() {
        fingerprint.to_string()
    } else {
        fingerprint.short().to_string()
    }
}

/// An error with its causes.
fn explained(error: &(dyn Error + 'static)) -> String {
    let causes = core::iter::successors(Some(error), |&error| error.source());
    // An error of the library is one line, and can name a file.
    plain::line(&causes.map(shown).collect::<Vec<String>>().join(": "))
}

/// The result of a command that ran.
pub(crate) struct Outcome {
    /// The name of the JSON schema, without the program's name and the version.
    pub(crate) schema: &'static str,
    /// For people.
    pub(crate) text: String,
    /// For programs: the object, without `refused`.
    json: serde_json::Result<Value>,
    /// The code of the refusal, if it is one.
    pub(crate) refused: Option<String>,
    /// Whether the JSON is one line, after lines of events.
    pub(crate) in_one_line: bool,
    /// Of a store: the files that other users can write.
    pub(crate) writable_by_others: Option<Vec<String>>,
    /// A warning on standard error: the text may be for another program, and stays as it is.
    pub(crate) aside: Option<String>,
    /// Why a part of it failed.
    pub(crate) failed: Option<Failure>,
    /// Writes a result that is too long to be in memory as a whole. The text and the JSON are then empty.
    pub(crate) long: Option<Long>,
}

impl Outcome {
    /// The result of a command, for people and for programs.
    pub(crate) fn of<A: Answer>(text: String, answer: &A) -> Self {
        Self::with(A::NAME, text, serde_json::to_value(Tagged::new(answer)))
    }

    fn with(schema: &'static str, text: String, json: serde_json::Result<Value>) -> Self {
        Self {
            schema,
            text,
            json,
            refused: None,
            aside: None,
            in_one_line: false,
            writable_by_others: None,
            failed: None,
            long: None,
        }
    }

    /// A result that is written piece by piece. It writes its schema itself.
    pub(crate) fn long<A: Named>(long: Long) -> Self {
        Self {
            long: Some(long),
            ..Self::with(A::NAME, String::new(), Ok(Value::Null))
        }
    }

    pub(crate) fn or_refused(mut self, code: Option<String>) -> Self {
        self.refused = code;
        self
    }
}

/// Prints what happens while a command runs: a line of JSON, or text.
pub(crate) fn print_event(text: &str, event: &impl Named, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        let event = serde_json::to_value(Tagged::new(event))?;
        writeln!(out, "{}", plain::json(&event.to_string()))?;
    } else {
        writeln!(out, "{}", plain::lines(text))?;
    }
    out.flush()
}

/// Why a command failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: String,
    message: String,
}

impl Failure {
    pub(crate) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            message: message.into(),
        }
    }

    /// Puts the file or address in front, unless the message names it already.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> Self {
        let what = plain::line(&what.to_string());
        if !self.message.contains(&what) {
            self.message = format!("{what}: {}", self.message);
        }
        self
    }

    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The kind of an error of the library: its room, and the name of its variant.
    pub(crate) fn of(room: &str, error: &(impl Error + 'static)) -> Self {
        let shown = format!("{error:?}");
        let end = shown.find(|letter: char| !letter.is_ascii_alphanumeric());
        let variant = end.and_then(|end| shown.get(..end)).unwrap_or(&shown);
        Self::new(&format!("{room}/{variant}"), explained(error))
    }
}

/// Errors of the library, by the room that they come from.
macro_rules! rooms {
    ($($error:ty => $room:literal,)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of($room, &error)
            }
        }
    )*};
}

rooms! {
    CertificateError => "certificate",
    ConfigError => "tls",
    CrlError => "crl",
    EnrolmentError => "enrolment",
    FingerprintError => "fingerprint",
    HostNameError => "name",
    IdError => "id",
    IdentityError => "identity",
    IssueError => "issue",
    TimestampError => "time",
    SanPatternError => "pattern",
    SealKeyError => "seal",
    SettingError => "setting",
    SourceError => "source",
    StoreError => "store",
    StoreFileError => "file",
    WindowsError => "windows",
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        Self::new("link", explained(&error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new("io", plain::line(&error.to_string()))
    }
}

/// Prints the result of a command, and returns the exit code: 0 done or trusted, 1 refused, 2 failed. A result that
/// cannot be written is a failure.
pub(crate) fn finish(result: Result<Outcome, Failure>, as_json: bool) -> ExitCode {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(failure) => {
            let _ = complain(&failure, as_json);
            return ExitCode::from(2);
        }
    };
    let (refused, failed) = (outcome.refused.clone(), outcome.failed.clone());
    let failed = failed.or(unwritten(say(outcome, as_json)));
    if let Some(failure) = failed {
        let _ = complain(&failure, as_json);
        return ExitCode::from(2);
    }
    match refused {
        None => ExitCode::SUCCESS,
        Some(code) => {
            if !as_json {
                let _ = writeln!(io::stderr(), "refused[{code}]");
            }
            ExitCode::from(1)
        }
    }
}

/// Prints help or an error of the arguments, and returns the exit code.
pub(crate) fn finish_usage(error: &clap::Error, as_json: bool) -> ExitCode {
    if error.use_stderr() {
        let text = plain::lines(&plain::without_line_ends(error.to_string()));
        if as_json {
            return finish(Err(Failure::new("usage", text)), as_json);
        }
        let _ = write!(io::stderr(), "{text}");
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    }
    let mut out = io::stdout().lock();
    let written = write!(out, "{error}").and_then(|()| out.flush());
    drop(out);
    match unwritten(written) {
        None => ExitCode::SUCCESS,
        Some(failure) => finish(Err(failure), as_json),
    }
}

/// Why a result was not written. A closed pipe is no failure: the reader has stopped reading.
fn unwritten(written: io::Result<()>) -> Option<Failure> {
    let error = written.err()?;
    (error.kind() != io::ErrorKind::BrokenPipe)
        .then(|| Failure::from(error).about("the result cannot be written"))
}

fn say(outcome: Outcome, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if let Some(long) = outcome.long {
        let with_colour = wants_colour(io::stdout().is_terminal());
        let mut out = io::BufWriter::new(out);
        let shown = |line: &str| painted(&plain::line(line), with_colour);
        long(&mut Lines::new(&mut out, &shown), as_json)?;
        return out.flush();
    }
    if as_json {
        let mut object = outcome.json?;
        if let Value::Object(fields) = &mut object {
            fields.insert(String::from("refused"), Value::from(outcome.refused));
            if let Some(exposed) = outcome.writable_by_others {
                fields.insert(String::from("writable_by_others"), Value::from(exposed));
            }
        }
        let json = match outcome.in_one_line {
            true => object.to_string(),
            false => format!("{object:#}"),
        };
        writeln!(out, "{}", plain::json(&json))?;
        return out.flush();
    }
    if let Some(aside) = outcome.aside {
        let _ = writeln!(io::stderr(), "{}", plain::line(&aside));
    }
    let text = outcome.text.trim_end_matches('\n');
    if text.is_empty() {
        return Ok(());
    }
    // Made of the help alone, and read by shells and manual readers.
    if matches!(outcome.schema, "completions" | "man") {
        writeln!(out, "{text}")?;
        return out.flush();
    }
    let colour = wants_colour(io::stdout().is_terminal());
    writeln!(out, "{}", painted(&plain::lines(text), colour))?;
    out.flush()
}

fn complain(failure: &Failure, as_json: bool) -> io::Result<()> {
    let mut out = io::stderr().lock();
    if as_json {
        let problem = Problem {
            kind: failure.kind.clone(),
            message: failure.message.clone(),
        };
        let error = serde_json::to_value(Tagged::new(&problem))?;
        return writeln!(out, "{}", plain::json(&format!("{error:#}")));
    }
    let message = plain::lines(&failure.message);
    writeln!(out, "error[{}]: {message}", failure.kind)
}

#[cfg(test)]
mod tests {
    use mutual_trust::error::DurableError;

    use super::*;

    #[test]
    fn words_are_coloured_on_request_only() {
        let text = "refused: server a\n  warning: old";
        assert_eq!(painted(text, false), text);
        assert_eq!(
            painted(text, true),
            "\u{1b}[31mrefused:\u{1b}[0m server a\n  \u{1b}[33mwarning:\u{1b}[0m old"
        );
        assert!(!wants_colour(false));
    }

    #[test]
    fn an_error_has_its_room_and_its_variant_as_kind() {
        let failure = Failure::from(StoreError::NotCa);
        assert_eq!(failure.kind, "store/NotCa");
        let failure = Failure::from(DurableError::Store(StoreError::EndInThePast));
        assert_eq!(failure.kind, "store/EndInThePast");
        assert_eq!(Failure::from(IdError::Empty).kind, "id/Empty");
    }
}
