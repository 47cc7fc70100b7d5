//! What a node says of itself.

use core::fmt;
use core::str::FromStr;

use mutual_trust::Fingerprint;
use mutual_trust::admin::bundle::{FleetId, Part};
use mutual_trust::certificate::{Timestamp, breaks_a_line};
use mutual_trust::error::with_causes;
use thiserror::Error;

use crate::limits::{MAX_FAULT, MAX_NODE_NAME, MAX_REPORT_BYTES};

/// The name of a node in reports: 1 to 253 of `a-z0-9._-`, starting with a letter or digit.
///
/// A host name is one. It is a file name and a part of an address everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

impl NodeName {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let starts = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let fits = text.len() <= MAX_NODE_NAME && text.bytes().all(allowed);
        (starts && fits)
            .then(|| Self(text.to_owned()))
            .ok_or(ReportError::NodeName)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a node holds, as it says.
///
/// `Display` writes the text that travels, and `FromStr` reads exactly that.
///
/// ```
/// use mutual_trust::certificate::Timestamp;
/// use mutual_trust_fleet::{NodeReport, Part};
///
/// let time: Timestamp = "2027-01-31T12:00:00Z".parse()?;
/// let report = NodeReport::new("array-7".parse()?, "prod".parse()?, Part::All, time);
/// let report = report.with_fault("nothing is published");
/// assert_eq!(report.to_string().parse::<NodeReport>()?, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    node: NodeName,
    fleet: FleetId,
    part: Part,
    held: Option<(u64, Fingerprint)>,
    applied: bool,
    keys_version: u64,
    store: Option<(u64, Fingerprint)>,
    time: Timestamp,
    fault: Option<String>,
}

impl NodeReport {
    /// A report of a node that holds nothing yet.
    pub fn new(node: NodeName, fleet: FleetId, part: Part, time: Timestamp) -> Self {
        Self {
            node,
            fleet,
            part,
            held: None,
            applied: false,
            keys_version: 0,
            store: None,
            time,
            fault: None,
        }
    }

    /// With the sequence and digest of the newest bundle that it holds, and whether that is in its store.
    pub fn with_held(mut self, sequence: u64, digest: Fingerprint, applied: bool) -> Self {
        self.held = Some((sequence, digest));
        self.applied = applied;
        self
    }

    /// With the version of its key set.
    pub fn with_keys_version(mut self, version: u64) -> Self {
        self.keys_version = version;
        self
    }

    /// With the generation and digest of its store.
    pub fn with_store(mut self, generation: u64, digest: Fingerprint) -> Self {
        self.store = Some((generation, digest));
        self
    }

    /// With what is wrong: one line, of which more than [`MAX_FAULT`] bytes are cut off.
    ///
    /// [`MAX_FAULT`]: crate::limits::MAX_FAULT
    pub fn with_fault(mut self, fault: &str) -> Self {
        let line = one_line(fault, MAX_FAULT);
        self.fault = (!line.is_empty()).then_some(line);
        self
    }

    /// With another time.
    pub(crate) fn with_time(mut self, time: Timestamp) -> Self {
        self.time = time;
        self
    }

    /// Its name.
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// The fleet.
    pub fn fleet(&self) -> &FleetId {
        &self.fleet
    }

    /// The part that it takes.
    pub fn part(&self) -> Part {
        self.part
    }

    /// The sequence of the newest bundle that it holds.
    pub fn sequence(&self) -> Option<u64> {
        self.held.map(|(sequence, _)| sequence)
    }

    /// The digest of the newest bundle that it holds.
    pub fn digest(&self) -> Option<Fingerprint> {
        self.held.map(|(_, digest)| digest)
    }

    /// Whether that bundle is in its store.
    pub fn is_applied(&self) -> bool {
        self.applied
    }

    /// The version of the key set that it trusts. 0 if it did not say.
    pub fn keys_version(&self) -> u64 {
        self.keys_version
    }

    /// The generation of its store.
    pub fn generation(&self) -> Option<u64> {
        self.store.map(|(generation, _)| generation)
    }

    /// The digest of its store.
    pub fn store_digest(&self) -> Option<Fingerprint> {
        self.store.map(|(_, digest)| digest)
    }

    /// When it says so, by its own clock.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What is wrong.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Reads bytes that a transport has.
    ///
    /// # Errors
    /// [`ReportError`] if they are no report.
    pub fn read(bytes: &[u8]) -> Result<Self, ReportError> {
        if bytes.len() > MAX_REPORT_BYTES {
            return Err(ReportError::TooLarge);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| ReportError::Text)?;
        text.parse()
    }
}

/// A text as one line of at most so many bytes, that is safe in a log.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for letter in text.trim().chars() {
        let letter = if breaks_a_line(letter) { ' ' } else { letter };
        if line.len().saturating_add(letter.len_utf8()) > most {
            break;
        }
        line.push(letter);
    }
    line.trim().to_owned()
}

/// An error with its causes, as the fault of a report or of a health.
pub(crate) fn fault_line(error: &(dyn core::error::Error + 'static)) -> String {
    one_line(&with_causes(error), MAX_FAULT)
}

/// The first line: the form and its version.
pub(crate) const HEAD: &str = "mutual-trust-node-report 1";

/// A number with a digest, or that there is none.
struct Numbered(Option<(u64, Fingerprint)>);

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((number, digest)) => write!(f, "{number} {digest}"),
            None => f.write_str("none"),
        }
    }
}

impl fmt::Display for NodeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        writeln!(f, "node {}", self.node)?;
        writeln!(f, "fleet {}", self.fleet)?;
        writeln!(f, "part {}", self.part)?;
        writeln!(f, "bundle {}", Numbered(self.held))?;
        writeln!(f, "applied {}", if self.applied { "yes" } else { "no" })?;
        writeln!(f, "keys {}", self.keys_version)?;
        writeln!(f, "store {}", Numbered(self.store))?;
        writeln!(f, "time {}", self.time)?;
        if let Some(fault) = &self.fault {
            writeln!(f, "fault {fault}")?;
        }
        Ok(())
    }
}

impl FromStr for NodeReport {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        if text.len() > MAX_REPORT_BYTES {
            return Err(ReportError::TooLarge);
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(ReportError::Text);
        }
        let mut field = |name: &'static str| {
            let value = lines.next().and_then(|line| line.strip_prefix(name));
            let value = value.and_then(|value| value.strip_prefix(' '));
            value.ok_or(ReportError::Field { name })
        };
        let node = field("node")?.parse()?;
        let fleet = read("fleet", field("fleet")?)?;
        let part = read("part", field("part")?)?;
        let held = numbered("bundle", field("bundle")?)?;
        let applied = field("applied")? == "yes";
        let keys_version = read("keys", field("keys")?)?;
        let store = numbered("store", field("store")?)?;
        let time = read("time", field("time")?)?;
        let report = Self {
            held,
            applied,
            keys_version,
            store,
            ..Self::new(node, fleet, part, time)
        };
        let report = match field("fault") {
            Ok(fault) => report.with_fault(fault),
            Err(_) => report,
        };
        // One text for one report: nothing hides in how it is written.
        if report.to_string() == text {
            Ok(report)
        } else {
            Err(ReportError::Text)
        }
    }
}

fn read<T: FromStr>(name: &'static str, value: &str) -> Result<T, ReportError> {
    value.parse().map_err(|_| ReportError::Field { name })
}

fn numbered(name: &'static str, value: &str) -> Result<Option<(u64, Fingerprint)>, ReportError> {
    if value == "none" {
        return Ok(None);
    }
    let (number, digest) = value.split_once(' ').ok_or(ReportError::Field { name })?;
    Ok(Some((read(name, number)?, read(name, digest)?)))
}

/// A text is no report of a node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The name of a node.
    #[error(
        "the name of a node is 1 to {MAX_NODE_NAME} of a-z0-9._-, and starts with a letter or digit"
    )]
    NodeName,
    /// It is larger than a report can be.
    #[error("a report has at most {MAX_REPORT_BYTES} bytes")]
    TooLarge,
    /// It is no report, or not in the form that nodes write.
    #[error("this is no report of a node")]
    Text,
    /// A line is missing or cannot be read.
    #[error("no {name} in the report, or it cannot be read")]
    Field {
        /// The first word of the line.
        name: &'static str,
    },
}
