//! What a transport of publications does.

use core::fmt;
use core::time::Duration;

use crate::error::TransportError;
use crate::limits::MAX_TAG;
use crate::report::{NodeName, NodeReport};
use crate::reported::NodeReports;

/// Where publications come from, and where a node reports.
///
/// # Security
/// What a transport returns is bytes of unknown origin, bounded in size. Only their signatures count.
pub trait Transport: Send {
    /// The newest publication, unless it is the one with this tag.
    ///
    /// # Errors
    /// [`TransportError`] if none could be fetched. The node keeps what it holds.
    fn fetch(&mut self, known: Option<&Tag>) -> Result<Fetched, TransportError>;

    /// Waits until there may be something new, at most so long. `true` as soon as there may be, where the transport can tell;
    /// `false` when the time is over.
    ///
    /// # Errors
    /// [`TransportError`] if the transport cannot tell any more.
    fn wait(&mut self, at_most: Duration) -> Result<bool, TransportError>;

    /// Tells the publisher what this node holds.
    ///
    /// # Errors
    /// [`TransportError`] if the report did not arrive. [`TransportError::CannotReport`] if this transport takes none.
    fn report(&mut self, report: &NodeReport) -> Result<(), TransportError>;
}

/// What a transport calls one publication: an ETag, a revision, a digest. Only equality counts; it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tag(String);

impl Tag {
    /// A tag of this text. `None` if it is empty, longer than [`MAX_TAG`] bytes, or not of visible ASCII characters.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= MAX_TAG;
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && visible).then(|| Self(text.to_owned()))
    }

    /// Bytes in hexadecimal: an even number of letters that is below the bound for digests.
    pub(crate) fn of_hex(bytes: &[u8]) -> Self {
        let letters = bytes.iter().map(|byte| format!("{byte:02x}"));
        Self(letters.collect())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a transport fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "there is something new or not, and a node would have to handle a third state"
)]
pub enum Fetched {
    /// The publication is the one that the node knows.
    Unchanged,
    /// Another publication.
    New {
        /// Its bytes, as they came.
        bytes: Vec<u8>,
        /// What the transport calls it.
        tag: Tag,
    },
}

/// Where a publisher puts publications.
pub trait Publisher: Send {
    /// The publication there is. `None` before the first one.
    ///
    /// # Errors
    /// [`TransportError`] if the place cannot be read.
    fn current(&mut self) -> Result<Option<(Vec<u8>, Tag)>, TransportError>;

    /// Puts a publication in the place of the one with this tag (`None`: of none).
    ///
    /// It compares and swaps.
    ///
    /// # Errors
    /// [`TransportError::Superseded`] if another publisher was faster. After another error, [`current`](Self::current)
    /// says what is there.
    fn publish(&mut self, bytes: &[u8], over: Option<&Tag>) -> Result<Tag, TransportError>;

    /// The last report of each node.
    ///
    /// A report that cannot be read is named, and of more than [`MAX_NODES`] of them, those beyond are left out.
    ///
    /// [`MAX_NODES`]: crate::limits::MAX_NODES
    ///
    /// # Errors
    /// [`TransportError`] if the place cannot be read.
    ///
    /// # Security
    /// A report says what a node says of itself. Nothing of it is signed.
    fn nodes(&mut self) -> Result<NodeReports, TransportError>;

    /// Removes the report of a node that is out of service. `false` if it has none. A node that reports again is back.
    ///
    /// # Errors
    /// [`TransportError`] if it could not be removed. [`TransportError::CannotReport`] if this transport has no reports.
    fn forget(&mut self, node: &NodeName) -> Result<bool, TransportError>;
}
