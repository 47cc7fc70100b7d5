//! The log-in: one at a time, never twice with a PIN that was refused, and never with the try that would lock the token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cryptoki::error::{Error as CallError, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::TokenInfo;
use cryptoki::types::RawAuthPin;

use crate::error::Error;
use crate::fault::{Fault, LogIn};
use crate::limits::LOG_IN_PAUSE;
use crate::log_ins::{PinDigest, Turn};
use crate::module::Module;
use crate::pin::{Pin, PinSource};
use crate::settings::TokenSettings;

/// How the keys of a token are reached.
pub(crate) struct Access {
    label: String,
    /// What the token is called where the module keeps what was refused.
    name: String,
    turns: Arc<Turn>,
    state: Mutex<State>,
}

struct State {
    source: PinSource,
    failed: Failed,
}

/// What became of the last log-in.
enum Failed {
    No,
    /// The token refused it, or an earlier one with the same PIN.
    Refused {
        reason: String,
        /// When the source of the PIN was asked.
        asked: Instant,
    },
    /// The token did not say whether it looked at the PIN.
    Unclear {
        reason: String,
        since: Instant,
        /// Whether it said before that a wrong PIN had been entered.
        was_low: bool,
        pin: Option<PinDigest>,
    },
}

impl Failed {
    fn refused(reason: &str) -> Self {
        Self::Refused {
            reason: reason.to_owned(),
            asked: Instant::now(),
        }
    }
}

impl Access {
    pub(crate) fn new(module: &Module, info: &TokenInfo, source: PinSource) -> Self {
        let failed = Failed::No;
        let name = format!("{}\0{}", info.serial_number(), info.label());
        Self {
            label: info.label().to_owned(),
            turns: module.log_ins.turns(&name),
            name,
            state: Mutex::new(State { source, failed }),
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Takes another PIN.
    pub(crate) fn set(&self, module: &Module, source: PinSource) {
        let mut state = self.state();
        state.source = source;
        state.failed = Failed::No;
        module.log_ins.forget(&self.name);
    }

    /// Forgets which PIN was refused.
    pub(crate) fn forget(&self, module: &Module) {
        module.log_ins.forget(&self.name);
    }

    /// Logs in, unless the process is logged in. Calls `logged_in` after a log-in, before any other thread goes on.
    pub(crate) fn log_in(
        &self,
        module: &Module,
        session: &Session,
        info: &TokenInfo,
        settings: &TokenSettings,
        logged_in: impl FnOnce(),
    ) -> Result<(), Fault> {
        if !info.login_required() {
            return Ok(());
        }
        // The others wait here, and find that it is done or that it failed.
        let _turn = self.turns.take();
        let mut state = self.state();
        let now = session.get_session_info()?.session_state();
        if matches!(now, SessionState::RoUser | SessionState::RwUser) {
            return Ok(());
        }
        self.may_try(module, &mut state, info, settings)?;
        let pin = match (state.source.is_none(), info.protected_authentication_path()) {
            (true, true) => None,
            (true, false) => {
                let token = self.label.clone();
                return Err(Error::PinNeeded { token }.into());
            }
            (false, _) => Some(state.source.ask().map_err(|source| Error::PinUnread {
                token: self.label.clone(),
                source: Arc::new(source),
            })?),
        };
        let digest = pin.as_ref().map(PinDigest::of);
        if let Some(digest) = digest
            && let Some(reason) = module.log_ins.refused(&self.name, digest)
        {
            state.failed = Failed::refused(&reason);
            return Err(self.not_repeated(reason).into());
        }
        let failed = match called(session, pin.as_ref()) {
            Ok(()) => {
                state.failed = Failed::No;
                logged_in();
                return Ok(());
            }
            Err(CallError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                state.failed = Failed::No;
                return Ok(());
            }
            Err(failed) => failed,
        };
        let is_locked = matches!(failed, CallError::Pkcs11(RvError::PinLocked, _));
        match LogIn::of(failed) {
            LogIn::Lost(error) => Err(error.into()),
            LogIn::Refused(reason) => {
                if let Some(digest) = digest {
                    module
                        .log_ins
                        .refuse(&self.name, digest, &reason, is_locked);
                }
                state.failed = Failed::refused(&reason);
                Err(self.refused(reason).into())
            }
            LogIn::Unclear(reason) => {
                state.failed = Failed::Unclear {
                    reason: reason.clone(),
                    since: Instant::now(),
                    was_low: info.user_pin_count_low(),
                    pin: digest,
                };
                Err(self.refused(reason).into())
            }
        }
    }

    /// Whether a log-in may be tried. Nothing was asked of the token yet but what it says of itself.
    fn may_try(
        &self,
        module: &Module,
        state: &mut State,
        info: &TokenInfo,
        settings: &TokenSettings,
    ) -> Result<(), Error> {
        let token = || self.label.clone();
        module.log_ins.seen(&self.name, info.user_pin_locked());
        if info.user_pin_locked() {
            return Err(Error::PinLocked { token: token() });
        }
        if let Failed::Unclear {
            reason,
            since,
            was_low,
            pin,
        } = &state.failed
        {
            let left = LOG_IN_PAUSE.checked_sub(since.elapsed());
            if let Some(after) = left.filter(|left| *left > Duration::ZERO) {
                return Err(Error::LogInPaused {
                    token: token(),
                    reason: reason.clone(),
                    after,
                });
            }
            if info.user_pin_count_low() && !was_low {
                // It had looked at the PIN.
                if let Some(pin) = pin {
                    module.log_ins.refuse(&self.name, *pin, reason, false);
                }
                state.failed = Failed::refused(reason);
            }
        }
        if let Failed::Refused { reason, asked } = &state.failed {
            // A source may have another PIN by now. A PIN that is typed at the token is not asked for by itself.
            if state.source.is_none() || asked.elapsed() < LOG_IN_PAUSE {
                return Err(self.not_repeated(reason.clone()));
            }
        }
        if info.user_pin_final_try() && !settings.final_try {
            return Err(Error::FinalTry { token: token() });
        }
        Ok(())
    }

    fn refused(&self, reason: String) -> Error {
        let token = self.label.clone();
        Error::LogIn { token, reason }
    }

    fn not_repeated(&self, reason: String) -> Error {
        let token = self.label.clone();
        Error::LogInNotRepeated { token, reason }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `C_Login`, with a copy of the PIN that is wiped behind it.
fn called(session: &Session, pin: Option<&Pin>) -> Result<(), CallError> {
    match pin {
        Some(pin) => {
            let pin = RawAuthPin::new(Box::new(pin.bytes().to_vec()));
            session.login_with_raw(UserType::User, &pin)
        }
        None => session.login(UserType::User, None),
    }
}
