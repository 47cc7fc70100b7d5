//! The health of a followed source.

use core::fmt;

/// The state of a source at the last poll.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// The number of certificates that were applied last. `None` if none were applied since the process started.
    #[doc(hidden)]
    pub certificates: Option<usize>,
    /// Whether new content was seen. It is applied if the next poll finds it unchanged.
    #[doc(hidden)]
    pub settling: bool,
    /// Why the content was not applied, if it was not.
    pub error: Option<String>,
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
        if let Some(error) = &self.error {
            return f.write_str(error);
        }
        if self.settling {
            return f.write_str("new content, to be read again");
        }
        match self.certificates {
            Some(0) => f.write_str("trusts no peer"),
            Some(count) => write!(f, "certificates: {count}"),
            None => f.write_str("not read yet"),
        }
    }
}
