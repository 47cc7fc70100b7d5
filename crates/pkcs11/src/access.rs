//! The log-in: one at a time, never twice with a PIN that was refused, and never with the try that would lock the token.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cryptoki::error::{Error as CallError, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};
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
    /// How often the source was set.
    set: u64,
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
            state: Mutex::new(State {
                source,
                set: 0,
                failed,
            }),
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Takes another PIN.
    pub(crate) fn set(&self, module: &Module, source: PinSource) {
        let mut state = self.state();
        state.source = source;
        state.set = state.set.wrapping_add(1);
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
        (slot, info): (Slot, &TokenInfo),
        settings: &TokenSettings,
        logged_in: impl FnOnce(),
    ) -> Result<(), Fault> {
        if !info.login_required() {
            return Ok(());
        }
        if self.turns.is_asking_here() {
            let reason = "its source uses the token that asks for it";
            return Err(self.unread(io::Error::other(reason)).into());
        }
        // The others wait here, and find that it is done or that it failed.
        let _turn = self.turns.take();
        let now = session.get_session_info()?.session_state();
        if matches!(now, SessionState::RoUser | SessionState::RwUser) {
            return Ok(());
        }
        // What it says now: another log-in may have been made since.
        let info = &module.context.get_token_info(slot)?;
        // Not locked while the source is asked and the token logs in: another PIN may be set meanwhile.
        let (source, set) = self.may_try(module, info, settings)?;
        let pin = match (source.is_none(), info.protected_authentication_path()) {
            (true, true) => None,
            (true, false) => {
                let token = self.label.clone();
                return Err(Error::PinNeeded { token }.into());
            }
            (false, _) => {
                let asked = self.turns.ask(|| source.ask());
                Some(asked.map_err(|error| self.unread(error))?)
            }
        };
        let digest = pin.as_ref().map(PinDigest::of);
        if let Some(digest) = digest
            && let Some(reason) = module.log_ins.refused(&self.name, digest)
        {
            self.end(set, Failed::refused(&reason));
            return Err(self.not_repeated(reason).into());
        }
        let failed = match called(session, pin.as_ref()) {
            Ok(()) => {
                self.end(set, Failed::No);
                logged_in();
                return Ok(());
            }
            Err(CallError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                self.end(set, Failed::No);
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
                self.end(set, Failed::refused(&reason));
                Err(self.refused(reason).into())
            }
            LogIn::Unclear(reason) => {
                let failed = Failed::Unclear {
                    reason: reason.clone(),
                    since: Instant::now(),
                    was_low: info.user_pin_count_low(),
                    pin: digest,
                };
                self.end(set, failed);
                Err(self.refused(reason).into())
            }
        }
    }

    /// Keeps what became of a log-in, unless another PIN was set since.
    fn end(&self, set: u64, failed: Failed) {
        let mut state = self.state();
        if state.set == set {
            state.failed = failed;
        }
    }

    /// Whether a log-in may be tried, and with what. Nothing was asked of the token yet but what it says of itself.
    fn may_try(
        &self,
        module: &Module,
        info: &TokenInfo,
        settings: &TokenSettings,
    ) -> Result<(PinSource, u64), Error> {
        let mut state = self.state();
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
        Ok((state.source.clone(), state.set))
    }

    fn unread(&self, source: io::Error) -> Error {
        Error::PinUnread {
            token: self.label.clone(),
            source: Arc::new(source),
        }
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
