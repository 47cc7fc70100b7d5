//! What a failed call means: that the token was away, that the PIN is wrong, or something else.

use cryptoki::error::{Error as CallError, RvError};

use crate::error::{Error, described};

/// A failed call, or an error of ours.
#[derive(Debug)]
pub(crate) enum Fault {
    Call(CallError),
    Own(Error),
}

/// What is left of the sessions after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// The one that failed is gone: a token closes single sessions too. Nothing is known of the others.
    OneGone,
    /// They are gone. Their numbers may be those of other sessions by now, so they are not closed.
    Gone,
    /// They are there, but not logged in, or what was found in them has another number.
    Stale,
}

impl Fault {
    /// A token that was there is not.
    pub(crate) fn absent() -> Self {
        let call = cryptoki::context::Function::GetSlotList;
        Self::Call(CallError::Pkcs11(RvError::TokenNotPresent, call))
    }

    fn value(&self) -> Option<&RvError> {
        match self {
            Self::Call(CallError::Pkcs11(value, _)) => Some(value),
            Self::Call(_) | Self::Own(_) => None,
        }
    }

    /// What is left of the sessions, if the fault is one that new sessions may mend: a reset, a token that was removed,
    /// a log-out by another part of the process, an HSM that was out of reach.
    pub(crate) fn lost(&self) -> Option<Sessions> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a hundred values, of which these say that sessions are lost; no other is tried again"
        )]
        match self.value()? {
            RvError::SessionHandleInvalid | RvError::SessionClosed => Some(Sessions::OneGone),
            RvError::DeviceRemoved
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::SlotIdInvalid
            | RvError::CryptokiNotInitialized => Some(Sessions::Gone),
            RvError::ObjectHandleInvalid
            | RvError::KeyHandleInvalid
            | RvError::UserNotLoggedIn
            | RvError::OperationActive
            | RvError::OperationNotInitialized
            | RvError::DeviceError
            | RvError::DeviceMemory
            | RvError::FunctionFailed
            | RvError::GeneralError => Some(Sessions::Stale),
            _ => None,
        }
    }

    /// Whether another part of the process has finalised the module.
    pub(crate) fn is_not_initialised(&self) -> bool {
        matches!(self.value(), Some(RvError::CryptokiNotInitialized))
    }

    /// Whether the token allows no further session.
    pub(crate) fn is_too_many(&self) -> bool {
        matches!(self.value(), Some(RvError::SessionCount))
    }

    /// Whether the token does not do what a signature needs, as opposed to a fault of the moment.
    pub(crate) fn is_unable(&self) -> bool {
        matches!(
            self.value(),
            Some(
                RvError::MechanismInvalid
                    | RvError::MechanismParamInvalid
                    | RvError::KeyFunctionNotPermitted
                    | RvError::KeyTypeInconsistent
                    | RvError::KeySizeRange
                    | RvError::FunctionNotSupported
                    | RvError::DataLenRange
                    | RvError::ActionProhibited
            )
        )
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Call(error) => error.into(),
            Fault::Own(error) => error,
        }
    }
}

/// What a failed log-in means.
#[derive(Debug)]
pub(crate) enum LogIn {
    /// The session is gone. The token was not asked.
    Lost(CallError),
    /// The token refuses the PIN. It is not asked again.
    Refused(String),
    /// The token does not say whether it looked at the PIN.
    Unclear(String),
}

impl LogIn {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not known to say something else is unclear"
    )]
    pub(crate) fn of(error: CallError) -> Self {
        let reason = described(&error).1;
        let CallError::Pkcs11(value, _) = &error else {
            return Self::Unclear(reason);
        };
        match value {
            RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::CryptokiNotInitialized => Self::Lost(error),
            RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinExpired
            | RvError::PinLocked
            | RvError::PinTooWeak
            | RvError::UserPinNotInitialized
            | RvError::UserTypeInvalid
            | RvError::ArgumentsBad
            | RvError::FunctionCanceled
            | RvError::FunctionRejected
            | RvError::FunctionNotSupported => Self::Refused(reason),
            _ => Self::Unclear(reason),
        }
    }
}
