//! A connection that did not come about.

use core::fmt;
use std::error::Error;
use std::io;
use std::net::SocketAddr;

use mutual_trust::{Verdict, tls};

/// A connection that a [`Listener`](crate::Listener) did not hand out, and why.
///
/// Shown, it says nothing of the verdict: show [`details`](Self::details) to operators.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    remote_addr: Option<SocketAddr>,
    error: io::Error,
}

impl Failure {
    pub(crate) fn new(remote_addr: Option<SocketAddr>, error: io::Error) -> Self {
        Self { remote_addr, error }
    }

    /// Where the client is. `None` if the error concerns no connection, for example too many open files.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote_addr
    }

    /// The error of the handshake.
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// The verdict, if the client was refused by the rules.
    pub fn verdict(&self) -> Option<&Verdict> {
        tls::refusal(&self.error)
    }

    /// All that is known, for operators: the verdict, or else the error.
    pub fn details(&self) -> String {
        match self.verdict() {
            Some(verdict) => format!("{self}: {verdict}"),
            None => format!("{self}: {}", self.error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.remote_addr {
            Some(address) => write!(f, "no connection with {address}"),
            None => f.write_str("no connection is accepted for now"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
