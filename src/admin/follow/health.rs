//! The health of a followed source.

use core::fmt;

use pki_types::UnixTime;

use super::read::listing;
use crate::certificate::Timestamp;
use crate::store::Truncated;

/// The state of a source at the last poll.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// The number of certificates or revocation lists that were applied last. `None` if none were applied since the
    /// process started.
    #[doc(hidden)]
    pub certificates: Option<usize>,
    /// Whether these are revocation lists.
    #[doc(hidden)]
    pub are_lists: bool,
    /// Whether new content was seen. It is applied if the next poll finds it unchanged.
    #[doc(hidden)]
    pub settling: bool,
    /// Why the content was not applied, or not all of it, with the file and the certificate or list. `None` if it was.
    ///
    /// A source whose entries are in the store and that is not followed any more is an error as well.
    pub error: Option<String>,
    /// The time of the first of the polls in a row that found an error. `None` without an error or a clock.
    #[doc(hidden)]
    pub since: Option<UnixTime>,
    /// The time of the last poll that found it whole and in force. `None` if there was none since the process started, or no
    /// clock.
    #[doc(hidden)]
    pub last_success: Option<UnixTime>,
    /// Whether it locked out a peer, which is still refused. The warnings name the peers.
    #[doc(hidden)]
    pub locked_out: bool,
    /// What an administrator should know although the content was applied: a certificate that is blocked and so was not
    /// installed, one that was removed by hand and is installed again, a revocation list that is older than the
    /// installed one, or that ends soon.
    #[doc(hidden)]
    pub warnings: Truncated<String>,
    /// The names in the folder that are not read.
    #[doc(hidden)]
    pub passed_over: Truncated<String>,
}

impl SourceHealth {
    /// Whether it was read and applied, or is just being changed.
    pub fn is_good(&self) -> bool {
        self.error.is_none()
    }
}

impl fmt::Display for SourceHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source {}: ", self.name)?;
        let what = if self.are_lists {
            "revocation lists"
        } else {
            "certificates"
        };
        if let Some(error) = &self.error {
            f.write_str(error)?;
        } else if self.settling {
            f.write_str("new content, to be read again")?;
        } else {
            match self.certificates {
                Some(0) if !self.are_lists => f.write_str("trusts no peer")?,
                Some(count) => write!(f, "{what}: {count}")?,
                None => f.write_str("not read yet")?,
            }
        }
        if let Some(since) = self.since {
            write!(f, " (since {})", Timestamp::from(since))?;
        }
        if !self.passed_over.is_empty() {
            write!(f, "; not read: {}", listing(&self.passed_over))?;
        }
        for warning in &self.warnings {
            write!(f, "\n    {warning}")?;
        }
        if self.warnings.omitted() > 0 {
            write!(f, "\n    and {} more", self.warnings.omitted())?;
        }
        Ok(())
    }
}
