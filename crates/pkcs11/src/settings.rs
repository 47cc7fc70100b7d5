//! Settings of a token.

use core::fmt::Display;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::error::Error;
use crate::limits::{DEFAULT_SESSIONS, DEFAULT_WAIT, MAX_SESSIONS, MAX_WAIT};

/// How a token is used.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    pub(crate) sessions: usize,
    pub(crate) wait: Duration,
    pub(crate) final_try: bool,
    pub(crate) again: bool,
}

impl TokenSettings {
    /// The defaults: 4 sessions, a wait of 5 seconds, and no log-in that could lock the token.
    pub fn new() -> Self {
        Self {
            sessions: DEFAULT_SESSIONS,
            wait: DEFAULT_WAIT,
            final_try: false,
            again: false,
        }
    }

    /// How many sessions are open at most, from 1 to 256: as many handshakes sign at the same time. They are opened when
    /// they are needed, and stay open.
    ///
    /// # Errors
    /// It is out of range.
    pub fn with_max_sessions(mut self, sessions: usize) -> Result<Self, Error> {
        self.sessions = within("the number of sessions", sessions, 1..=MAX_SESSIONS)?;
        Ok(self)
    }

    /// How long a handshake waits for a session, up to 60 seconds. How long the module itself takes is its own matter: no
    /// call of PKCS#11 has a time limit.
    ///
    /// # Errors
    /// It is out of range.
    pub fn with_max_wait(mut self, wait: Duration) -> Result<Self, Error> {
        within("the wait", wait.as_millis(), 0..=MAX_WAIT.as_millis())?;
        self.wait = wait;
        Ok(self)
    }

    /// Allows the log-in that would lock the token if the PIN were wrong. For an administrator who has just typed it.
    pub fn with_final_try(mut self) -> Self {
        self.final_try = true;
        self
    }

    /// Allows the log-in with a PIN that this process knows to have been refused. For an administrator who has set the PIN
    /// of the token to it since.
    pub fn with_refused_pin(mut self) -> Self {
        self.again = true;
        self
    }
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self::new()
    }
}

fn within<T: PartialOrd + Display>(
    setting: &'static str,
    given: T,
    range: RangeInclusive<T>,
) -> Result<T, Error> {
    if range.contains(&given) {
        return Ok(given);
    }
    Err(Error::Setting {
        setting,
        given: given.to_string(),
        range: format!("{} to {}", range.start(), range.end()),
    })
}
