//! What the nodes of a place reported, and which reports cannot be read.

#[cfg(feature = "server")]
use core::fmt;

use crate::limits::MAX_FAULT;
#[cfg(feature = "http")]
use crate::limits::MAX_NODES;
#[cfg(any(feature = "http", feature = "server"))]
use crate::report::HEAD;
use crate::report::{NodeName, NodeReport, one_line};

/// The reports of a place.
///
/// ```
/// use mutual_trust_fleet::Publisher;
/// use mutual_trust_fleet::folder::Folder;
///
/// let all = Folder::new("/etc/trust/fleet").nodes()?;
/// for report in &all.reports {
///     println!("{} holds {:?}", report.node(), report.sequence());
/// }
/// for unread in &all.unread {
///     println!("a report of {:?} cannot be read: {}", unread.node(), unread.why());
/// }
/// # Ok::<(), mutual_trust_fleet::TransportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeReports {
    /// The last report of each node.
    pub reports: Vec<NodeReport>,
    /// The reports that cannot be read.
    pub unread: Vec<UnreadReport>,
    /// Whether more nodes report than are read, [`MAX_NODES`](crate::limits::MAX_NODES). Those beyond are left out.
    pub is_cut: bool,
}

impl From<Vec<NodeReport>> for NodeReports {
    /// Reports that can all be read.
    fn from(reports: Vec<NodeReport>) -> Self {
        Self {
            reports,
            ..Self::default()
        }
    }
}

impl NodeReports {
    /// Takes one over.
    pub(crate) fn add(&mut self, one: Result<NodeReport, UnreadReport>) {
        match one {
            Ok(report) => self.reports.push(report),
            Err(unread) => self.unread.push(unread),
        }
    }
}

/// A report that cannot be read: it is damaged, of another version, too large, or of another node than its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadReport {
    node: Option<NodeName>,
    why: String,
}

impl UnreadReport {
    /// A report under the name of this node, if it has a name, and why it cannot be read: one line, of which more than
    /// [`MAX_FAULT`] bytes are cut off.
    ///
    /// [`MAX_FAULT`]: crate::limits::MAX_FAULT
    pub fn new(node: Option<NodeName>, why: &str) -> Self {
        Self {
            node,
            why: one_line(why, MAX_FAULT),
        }
    }

    /// The node under whose name it is. `None` if it has no name.
    pub fn node(&self) -> Option<&NodeName> {
        self.node.as_ref()
    }

    /// Why it cannot be read.
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// The report of a node, of bytes under its name.
pub(crate) fn read_named(node: NodeName, bytes: &[u8]) -> Result<NodeReport, UnreadReport> {
    match NodeReport::read(bytes) {
        Ok(report) if *report.node() == node => Ok(report),
        Ok(report) => {
            let why = format!("it is a report of the node {}", report.node());
            Err(UnreadReport::new(Some(node), &why))
        }
        Err(error) => Err(UnreadReport::new(Some(node), &error.to_string())),
    }
}

/// What begins the line that says why a report cannot be read.
#[cfg(feature = "http")]
const UNREADABLE: &str = "unreadable ";

/// The line that says that there are more reports.
#[cfg(feature = "http")]
const MORE: &str = "more";

/// As a hub tells it: after the first line of a report, so that a client that does not know it leaves it out.
#[cfg(feature = "server")]
impl fmt::Display for NodeReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.reports {
            write!(f, "{report}")?;
        }
        for unread in &self.unread {
            writeln!(f, "{HEAD}")?;
            if let Some(node) = &unread.node {
                writeln!(f, "node {node}")?;
            }
            writeln!(f, "{UNREADABLE}{}", unread.why)?;
        }
        if self.is_cut {
            writeln!(f, "{HEAD}\n{MORE}")?;
        }
        Ok(())
    }
}

#[cfg(feature = "http")]
impl NodeReports {
    /// Reads many, one after the other.
    pub(crate) fn read_all(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut all = Self::default();
        let mut count = 0_usize;
        let mut one = String::new();
        let lines = text.split_inclusive('\n').map(Some);
        for line in lines.chain([None]) {
            let ends = line.is_none_or(|line| line.trim_end() == HEAD);
            if ends && !one.is_empty() {
                if count >= MAX_NODES || is_more(&one) {
                    all.is_cut = true;
                    return all;
                }
                count = count.saturating_add(1);
                all.add(read_one(&one));
                one.clear();
            }
            one.push_str(line.unwrap_or_default());
        }
        all
    }
}

/// Whether a text says that there are more reports.
#[cfg(feature = "http")]
fn is_more(text: &str) -> bool {
    text.lines().eq([HEAD, MORE])
}

/// A report, or what a hub says of one.
#[cfg(feature = "http")]
fn read_one(text: &str) -> Result<NodeReport, UnreadReport> {
    let error = match text.parse::<NodeReport>() {
        Ok(report) => return Ok(report),
        Err(error) => error.to_string(),
    };
    let mut lines = text.lines().skip(1);
    let first = lines.next().unwrap_or_default();
    let node = first.strip_prefix("node ").map(str::parse::<NodeName>);
    let second = match &node {
        Some(_) => lines.next().unwrap_or_default(),
        None => first,
    };
    let why = second.strip_prefix(UNREADABLE).unwrap_or(&error);
    Err(UnreadReport::new(node.and_then(Result::ok), why))
}
